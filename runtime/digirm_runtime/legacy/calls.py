"""The calls of one legacy object as operations: what both faces run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from digirm_runtime.legacy.objects import kind_of
from digirm_runtime.legacy.replies import Pages, Written, content, record, written
from digirm_runtime.operation import Endpoint, Operation
from digirm_runtime.options import NO_OPTIONS, Options
from digirm_runtime.query.ast import Node
from digirm_runtime.query.legacy import print_condition
from digirm_runtime.wire import Response
from digirm_runtime.xmltext import XMLError, build, check, undeclared

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from digirm_runtime.query.ast import Expr
    from digirm_runtime.xmlbuild import Part

#: An answer of more bytes is refused: who needs more asks for less at a time.
MAX_BYTES = 64 * 1024 * 1024
_XML, _JSON = "application/xml", "application/json"

#: A record to write: a dict, an element, or XML as text. Bytes are the content of a file.
Record: TypeAlias = "Mapping[str, Part] | Element | str | bytes"
Condition: TypeAlias = "str | Expr | None"


class Calls:
    """Makes the operations of one object. Raises ValueError for a name that no object can have."""

    def __init__(self, name: str) -> None:
        self._kind = kind_of(name)
        self._name = name
        self._endpoints: dict[tuple[str, str, bool, bool], Endpoint] = {}

    def list(
        self,
        /,
        condition: Condition = None,
        *,
        path: str | None = None,
        size: int | None = None,
        start: int | None = None,
        embed: bool | None = None,
        cursor: str | None = None,
        limit: int | None = None,
        prefetch: bool = False,
        json: bool = False,
        numbers: bool = False,
        lists: Collection[str] = (),
        options: Options | None = None,
        **params: Any,
    ) -> Operation[dict[str, Any]]:
        """The records, page by page, as dicts.

        `condition` is text, or was built with `column()`; `path` names what to list within, such as the stream of data
        points; `embed` asks for what a record refers to, such as a file's content; `params` are sent as they are.
        `cursor` is where another list stood, `limit` the most records, and `prefetch` fetches the next page while this
        one is used. Values are text; `numbers` makes numbers of those that are known to be. `lists` names elements of a
        record that may repeat and so are lists even where there is one, beside those that are known. `json` asks for
        the service's JSON, in which a list of one may have become its item.

        Raises RemoteManagerError where the service contradicts itself so that the list would not end; TypeError for a
        query in the place of a condition.
        """
        sent = {"condition": _condition(condition), "size": size, "start": start, "embed": embed, "cursor": cursor}
        reader = Pages(self._name, self._lists(lists), self._kind.pages, self._numbers(numbers))
        endpoint = self._endpoint("GET", "list", path, json=json)
        operation: Operation[dict[str, Any]] = Operation(
            endpoint,
            _args(path),
            sent | params,
            options=_unchecked(options),
            limit=limit,
            prefetch=prefetch,
            reader=reader,
        )
        return operation

    def get(
        self,
        /,
        key: str | int,
        *,
        embed: bool | None = None,
        json: bool = False,
        numbers: bool = False,
        lists: Collection[str] = (),
        options: Options | None = None,
        **params: Any,
    ) -> Operation[Any]:
        """One record by its key as a dict; of FileData the content of the file, as bytes. The rest is as of `list`.

        Raises RemoteManagerError where the key names no single record.
        """
        file = self._kind.content
        reader: Callable[[Response], Any] = (
            content if file else record(self._name, self._lists(lists), self._numbers(numbers))
        )
        endpoint = self._endpoint("GET", "get", key, json=json, file=file)
        return Operation(endpoint, _args(key), {"embed": embed} | params, options=_unchecked(options), reader=reader)

    def create(
        self,
        /,
        record: Record | Sequence[Record],
        *,
        path: str | int | None = None,
        options: Options | None = None,
        **params: Any,
    ) -> Operation[Written]:
        """Add a record or several. Of several some may fail: those are the result's `failures`."""
        return self._write("POST", "create", record, path, options, params)

    def update(
        self,
        /,
        record: Record | Sequence[Record],
        *,
        key: str | int | None = None,
        options: Options | None = None,
        **params: Any,
    ) -> Operation[Written]:
        """Change what a record has. `key` names it, where it is not named by the record itself."""
        return self._write("PUT", "update", record, key, options, params)

    def delete(
        self,
        /,
        key: str | int,
        *,
        options: Options | None = None,
        **params: Any,
    ) -> Operation[Written]:
        """Delete what a key names. Raises ValueError where it is None."""
        if key is None:
            raise ValueError(f"DELETE /ws/{self._name} without a key would reach everything")
        endpoint = self._endpoint("DELETE", "delete", key)
        return Operation(endpoint, _args(key), params, options=_unchecked(options), reader=written(self._name, ()))

    def _write(
        self,
        method: str,
        kind: str,
        record: Record | Sequence[Record],
        key: str | int | None,
        options: Options | None,
        params: Mapping[str, Any],
    ) -> Operation[Written]:
        file = isinstance(record, bytes | bytearray)
        records = list(record) if isinstance(record, Sequence) and not isinstance(record, str | bytes) else [record]
        endpoint = self._endpoint(method, kind, key, file=file)
        body = bytes(record) if isinstance(record, bytes | bytearray) else self._body(record, records)
        return Operation(
            endpoint, _args(key), params, body=body, options=_unchecked(options), reader=written(self._name, records)
        )

    def _body(self, record: Any, records: Sequence[Any]) -> bytes:
        """What is sent of records: a list only where one was given, as a single one is answered otherwise."""
        if not records or any(value is None or value == {} or _is_blank(value) for value in records):
            raise ValueError(f"there is nothing in the record of {self._name}")
        if any(isinstance(value, bytes | bytearray) for value in records):
            raise TypeError("the content of a file is written alone")
        texts = [self._checked(value) if isinstance(value, str) else build(self._name, value) for value in records]
        many = isinstance(record, Sequence) and not isinstance(record, str)
        return (f"<list>{''.join(texts)}</list>" if many else texts[0]).encode()

    def _checked(self, text: str) -> str:
        """A record's text without its declaration, as it is sent in UTF-8, or in a list. Raises ValueError."""
        text = undeclared(text)
        try:
            check(text.strip())
        except XMLError as error:
            hint = "; the content of a file is bytes" if self._kind.content else ""
            raise ValueError(f"the record of {self._name} cannot be sent: {error}{hint}") from None
        return text

    def _endpoint(
        self, method: str, kind: str, key: str | int | None, *, json: bool = False, file: bool = False
    ) -> Endpoint:
        template = f"/ws/{self._name}" + ("/{key:.+}" if key is not None else "")
        wanted = (method, template, json, file)
        if wanted not in self._endpoints:
            accept = "*/*" if file and method == "GET" else _JSON if json else _XML
            media_type = None if method in ("GET", "DELETE") else "application/octet-stream" if file else _XML
            self._endpoints[wanted] = Endpoint(
                method,
                template,
                kind,
                media_type=media_type,
                uploads=method in self._kind.uploads,
                accept=accept,
                max_bytes=MAX_BYTES,
            )
        return self._endpoints[wanted]

    def _lists(self, wanted: Collection[str]) -> Collection[str]:
        return self._kind.lists.union([wanted] if isinstance(wanted, str) else wanted)

    def _numbers(self, wanted: bool) -> frozenset[str] | None:
        if wanted and not self._kind.numbers:
            raise ValueError(f"which values of {self._name} are numbers is not known")
        return self._kind.numbers if wanted else None


def _args(key: str | int | None) -> tuple[str | int, ...]:
    # Paths of files and streams are often written with a slash before them, and folders with one behind.
    return () if key is None else (key.strip("/") if isinstance(key, str) else key,)


def _is_blank(value: Any) -> bool:
    return isinstance(value, str) and not value.strip()


def _condition(condition: Condition) -> str | None:
    """The text of a condition. Raises TypeError for what is none."""
    if condition is None or isinstance(condition, str):
        return condition
    if isinstance(condition, Node):
        return print_condition(condition)
    raise TypeError(f"a condition is text, or built with column(), not {type(condition).__name__}")


def _unchecked(options: Options | None) -> Options:
    """The options without a check by the spec of v1, which knows nothing of these parameters."""
    return (options or NO_OPTIONS).unchecked()
