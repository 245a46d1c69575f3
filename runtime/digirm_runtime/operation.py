"""One operation of the API as a value, and one call of it: what generated methods build."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from digirm_runtime.options import NO_OPTIONS, Options
from digirm_runtime.text import number_text, time_text
from digirm_runtime.wire import Response, Source

if TYPE_CHECKING:
    from datetime import datetime

    from digirm_runtime.models import Model
    from digirm_runtime.query.ast import Expr
    from digirm_runtime.template import Segment

#: A query: text, or an expression made with `fields`.
Query: TypeAlias = "str | Expr | None"
#: A parameter's value; None leaves it out.
Param: TypeAlias = "str | int | float | bool | datetime | Sequence[str] | None"
#: A request body: sent as JSON, or as it is where it is text or bytes.
Body: TypeAlias = "Mapping[str, Any] | Sequence[Any] | str | bytes | Source"

T = TypeVar("T")

#: Parameters that the query checker judges, and refuses where the endpoint is not known to take them.
CHECKED = frozenset(("query", "orderby", "size", "fields"))
#: Kinds of operations whose answers are JSON where there are any and the endpoint has no media type.
_JSON = frozenset(("get", "create", "update", "update_all", "delete", "delete_all"))


class Endpoint:
    """One method of one path template.

    `kind` is an operation kind of `digirm_runtime.tree`; `rivals` are templates that no argument may reach; `element`
    is the key of a list answer's items; `media_type` is that of a body that is not JSON; `listed` is the template as
    the spec has it, where `template` differs; `uploads` marks an upload of device data, which has limits of its own;
    `model` makes objects of the answer's items, None leaves them as they were decoded; `accept` is the media type that
    is asked for, where it is not that of the kind; `max_bytes` bounds the answer, once unpacked.
    """

    __slots__ = (
        "_rivals",
        "_segments",
        "accept",
        "element",
        "kind",
        "listed",
        "max_bytes",
        "media_type",
        "method",
        "model",
        "rivals",
        "template",
        "uploads",
    )

    def __init__(
        self,
        method: str,
        template: str,
        kind: str,
        *,
        rivals: tuple[str, ...] = (),
        element: str = "list",
        media_type: str | None = None,
        listed: str | None = None,
        uploads: bool = False,
        model: Model | None = None,
        accept: str | None = None,
        max_bytes: int | None = None,
    ) -> None:
        self.accept = accept
        self.max_bytes = max_bytes
        self.uploads = uploads
        self.model = model
        self.listed = template if listed is None else listed
        self.method = method
        self.template = template
        self.kind = kind
        self.rivals = rivals
        self.element = element
        self.media_type = media_type
        self._segments: tuple[Segment, ...] | None = None
        self._rivals: list[tuple[Segment, ...]] = []

    def path(self, args: Sequence[object]) -> str:
        """The path with `args` filled in. Raises ValueError for a value that could reach another path."""
        from digirm_runtime import template as templates

        if self._segments is None:
            self._rivals = [templates.parse(rival) for rival in self.rivals]
            self._segments = templates.parse(self.template)
        path = templates.fill(self._segments, args)
        if self._rivals:
            pieces = templates.split(path)
            for rival, text in zip(self._rivals, self.rivals, strict=True):
                if templates.matches(rival, pieces):
                    raise ValueError(f"{', '.join(map(repr, args))} would reach {text}, another operation")
        return path

    def __repr__(self) -> str:
        return f"<Endpoint {self.method} {self.template}>"


class Operation(Generic[T]):
    """One call: an endpoint with its arguments. Made by generated methods, run by a client; T is the result's type.

    `limit` ends a list after so many items, and `prefetch` fetches its next page while this one is used; `typed` asks
    for values instead of text in CSV rows. `reader` makes the result of the answer, where it is not JSON of v1's shape.
    """

    __slots__ = ("args", "body", "endpoint", "limit", "options", "params", "prefetch", "reader", "typed")

    def __init__(
        self,
        endpoint: Endpoint,
        args: tuple[str | int, ...] = (),
        params: Mapping[str, Any] | None = None,
        *,
        body: Body | None = None,
        options: Options | None = None,
        limit: int | None = None,
        prefetch: bool = False,
        typed: bool = False,
        reader: Callable[[Response], Any] | None = None,
    ) -> None:
        self.reader = reader
        self.endpoint = endpoint
        self.args = args
        self.params: Mapping[str, Any] = params or {}
        self.body = body
        self.options = options or NO_OPTIONS
        self.limit = limit
        self.prefetch = prefetch
        self.typed = typed

    def with_params(self, params: Mapping[str, Any]) -> Operation[T]:
        """The same call with other parameters."""
        return Operation(
            self.endpoint,
            self.args,
            params,
            body=self.body,
            options=self.options,
            limit=self.limit,
            prefetch=self.prefetch,
            typed=self.typed,
            reader=self.reader,
        )

    def decode(self, response: Response) -> Any:
        """The result of one answer. Raises TransportError for a body that is broken or of another kind.

        A list comes as the service sends it: what makes objects of its items is the pager.
        """
        if self.reader is not None:
            return self.reader(response)
        from digirm_runtime.flow import decode_any, decode_json

        endpoint, model = self.endpoint, self.endpoint.model
        kind = endpoint.kind
        # A page of some proxy with status 200 must not pass for a change that was made.
        json = kind in ("list", "describe") or (kind in _JSON and endpoint.media_type is None)
        value = (decode_json if json else decode_any)(response, required=endpoint.method == "GET")
        if kind == "create":
            from digirm_runtime.created import Created

            return Created(value, endpoint.element, model, asked=response.asked)
        return value if model is None or kind == "list" else model.read(value)


def encode_params(params: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Parameters as text in the order given, None left out. Raises ValueError or TypeError for what has no text."""
    return [(name, encode_param(name, value)) for name, value in params.items() if value is not None]


def encode_param(name: str, value: Any) -> str:
    """One parameter as the service reads it: times as UTC with milliseconds, lists joined by commas."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return number_text(value)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        parts = [encode_param(name, part) for part in value]
        if any("," in part for part in parts):
            raise ValueError(f"{name}: a list's items are joined by commas, so that none may hold one")
        return ",".join(parts)
    from datetime import datetime

    from digirm_runtime.query.ast import And, Condition, Not, Or
    from digirm_runtime.query.printer import print_expr

    if isinstance(value, datetime):
        return time_text(value)
    if isinstance(value, And | Or | Not | Condition):
        return print_expr(value)
    raise TypeError(f"{name} cannot be {type(value).__name__}")


def encode_body(body: Any, media_type: str | None) -> tuple[bytes | Source, str | None]:
    """What is sent of a body, and its content type. Raises TypeError for what is no JSON."""
    if body is None:
        return b"", None
    if isinstance(body, bytes | bytearray):
        return bytes(body), media_type or "application/octet-stream"
    if isinstance(body, str):
        return body.encode(), media_type or "application/json"
    if isinstance(body, Source):
        return body, media_type or "application/octet-stream"
    import msgspec

    from digirm_runtime.models import plain

    try:
        return msgspec.json.encode(plain(body)), "application/json"
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"the body cannot be sent as JSON: {error}") from None
