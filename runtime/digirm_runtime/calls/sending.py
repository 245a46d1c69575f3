"""A planned call as an operation, which every client can run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from digirm_runtime.operation import Endpoint, Operation
from digirm_runtime.options import Options

if TYPE_CHECKING:
    from digirm_runtime.calls.known import Known
    from digirm_runtime.calls.planned import Planned


class _Exact(Endpoint):
    """An endpoint whose path is given, not made of a template and arguments."""

    __slots__ = ("_exact",)

    def __init__(
        self, path: str, method: str, kind: str, known: Known | None, accept: str, max_bytes: int | None
    ) -> None:
        named = None if known is None else known.named
        super().__init__(
            method,
            path,
            kind,
            listed=None if known is None else known.listed,
            element="list" if named is None else named.endpoint.element,
            uploads=named is not None and named.endpoint.uploads,
            accept=accept,
            max_bytes=max_bytes,
        )
        self._exact = path

    def path(self, args: Sequence[object]) -> str:  # noqa: ARG002
        """The path, whatever the arguments: there are none."""
        return self._exact


def operation(
    planned: Planned,
    known: Known | None,
    kind: str,
    *,
    accept: str,
    content: bytes | None = None,
    max_bytes: int | None = None,
) -> Operation[Any]:
    """The call as an operation of `kind`: `call`, or `list` for one that is walked page by page.

    The caller has judged it: queries are not checked again. `accept` is asked for where the call names nothing itself;
    `content` is that of the call's file; `max_bytes` bounds each answer. Raises ValueError without that content.
    """
    if planned.file is not None and content is None:
        raise ValueError("the content of the call's file is missing")
    return Operation(
        _Exact(planned.path, planned.method, kind, known, accept, max_bytes),
        (),
        planned.params,
        body=content if content is not None else planned.fields if planned.text is None else planned.text.encode(),
        options=Options(headers=planned.own_headers, validate="off"),
    )
