"""The answer to a POST, whatever its shape."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from digirm_runtime.errors import APIError, RemoteManagerError, TransportError, api_error

if TYPE_CHECKING:
    from digirm_runtime.models import Model

T = TypeVar("T")


class Created(Generic[T]):
    """The answer to a POST: a single object, a list, or a mixture of created objects and failures.

    `items` are the created objects, made by `model` where one is given; `failures` the entries with `error_message`,
    `error_status` and `error_context` (the item as it was sent); `raw` is the decoded answer. Raises TransportError for
    one that is neither an object nor a list, and is not empty.
    """

    __slots__ = ("_asked", "failures", "items", "raw")

    def __init__(
        self,
        raw: Any,
        element: str = "list",
        model: Model | None = None,
        asked: tuple[str, str, int] = ("POST", "", 1),
    ) -> None:
        if not isinstance(raw, dict | list | None):
            raise TransportError(f"the answer holds neither an object nor a list, but {type(raw).__name__}")
        listed = raw.get(element) if isinstance(raw, dict) else raw or []
        self._asked = asked
        self.raw = raw
        self.items: list[T] = []
        self.failures: list[dict[str, Any]] = []
        for entry in listed if isinstance(listed, list) else [raw]:
            if isinstance(entry, dict) and "error_status" in entry:
                self.failures.append(entry)
            else:
                self.items.append(cast("T", entry if model is None else model.read(entry)))

    def one(self) -> T:
        """The only item. Raises APIError if it failed, RemoteManagerError where there is not exactly one."""
        self.raise_for_failures()
        if len(self.items) != 1:
            raise RemoteManagerError(f"expected one created object, the answer holds {len(self.items)}")
        return self.items[0]

    def raise_for_failures(self) -> None:
        """Raise APIError for the first failure, its message naming how many there are."""
        if self.failures:
            raise _failure(self.failures[0], len(self.failures), self._asked)

    def __repr__(self) -> str:
        return f"<Created {len(self.items)} items, {len(self.failures)} failures>"


def _failure(entry: dict[str, Any], count: int, asked: tuple[str, str, int]) -> APIError:
    method, url, attempts = asked
    status = entry["error_status"] if isinstance(entry["error_status"], int) else 400
    error = api_error(
        status=status, headers={}, body=json.dumps(entry).encode(), method=method, url=url, attempts=attempts
    )
    more = f"; {count - 1} more failed" if count > 1 else ""
    said = f": {error.error_message}" if error.error_message else ""
    error.args = (f"{method} {url} failed for an item with {status}{said}{more}",)
    error.error_context = entry.get("error_context")
    return error
