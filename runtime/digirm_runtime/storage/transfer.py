"""One download: what is asked for, what an answer gives, and whether one that broke off can go on.

Nothing public says whether the service takes up a download in its midst (RFC 9110, `Range`). So it is asked to where
its first answer named the version of the content by a strong `ETag`, and believed only where its answer names the same
version and the very range, plain and alone; any other answer is the content from its beginning.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from digirm_runtime.errors import TransportError
from digirm_runtime.flow import RETRIES, Wait, backoff
from digirm_runtime.operation import Operation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from digirm_runtime.base import BaseClient
    from digirm_runtime.flow import Flow
    from digirm_runtime.storage.sources import Progress
    from digirm_runtime.wire import Response

_PART = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})")
_LENGTH = re.compile(r"\d{1,18}")


class Transfer:
    """The state of one download. `done` counts the bytes taken; `total` is their number, None where nobody said.

    `again` says whether what was taken can be thrown away, as in a file that is not complete.
    """

    def __init__(self, operation: Operation[Any], progress: Progress | None, *, again: bool) -> None:
        self._operation = operation
        self._progress = progress
        self._again = again
        self._version: str | None = None
        self._asked: tuple[str, str, int] = ("", "", 1)
        retries = operation.options.retries
        self._retries = RETRIES if retries is None else retries
        self._broken = 0  # answers that broke off
        self._attempts = 0  # tries up to the last of them
        self.done = 0
        self.total: int | None = None

    def asking(self, client: BaseClient) -> Flow[Any]:
        """The call for what is due, with a pause before it where an answer has broken off."""
        if self._broken:
            yield Wait(backoff(self._broken - 1))
        flow = client._flow(self.due(), lambda response: response, stream=True)
        try:
            return (yield from flow)
        except TransportError as error:
            error.attempts += self._attempts
            raise

    def due(self) -> Operation[Any]:
        """What to ask for next."""
        # Packed, its length would be that of something else, and nobody could go on in its midst.
        headers = {"accept-encoding": "identity"}
        if self.done and self._version is not None:
            headers |= {"range": f"bytes={self.done}-", "if-range": self._version}
        return with_headers(self._operation, headers)

    def begin(self, response: Response) -> int:
        """Take note of the head of an answer; the place at which its body belongs.

        Raises TransportError for a part that nobody asked for.
        """
        headers = response.headers
        method, url, attempts = response.asked
        self._asked = method, url, self._attempts + attempts
        if response.status == 206:
            self.total = self._whole(headers)
            return self.done
        if self.done and not self._again:
            raise self._fault(f"the download broke off after {self.done} bytes, and the service cannot go on in there")
        self.done = 0
        length = headers.get("content-length", "").strip()
        packed = _is_packed(headers)
        self.total = None if packed or not _LENGTH.fullmatch(length) else int(length)
        self._version = None if packed else _version(headers.get("etag", ""))
        return 0

    def _whole(self, headers: Mapping[str, str]) -> int:
        """The size of the content whose rest an answer says to be. Raises TransportError for any other part."""
        part = _PART.fullmatch(headers.get("content-range", "").strip().lower())
        first, last, whole = map(int, part.groups()) if part else (-1, -1, -1)
        if not self.done or first != self.done or last != whole - 1 or self.total not in (None, whole):
            raise self._fault("the answer is another part of the content than was asked for")
        if self._version is None or _version(headers.get("etag", "")) != self._version:
            raise self._fault("the answer is a part of another version of the content")
        if _is_packed(headers) or headers.get("content-type", "").strip().lower().startswith("multipart/byteranges"):
            raise self._fault("the answer is a part of the content in a form that cannot be joined to the rest")
        return whole

    def take(self, chunk: bytes) -> bytes:
        """Count a piece. Raises TransportError where there are more bytes than announced."""
        self.done += len(chunk)
        if self.total is not None and self.done > self.total:
            raise self._fault(f"the answer has more than the {self.total} bytes that it announced")
        if self._progress is not None:
            self._progress(self.done, self.total)
        return chunk

    def end(self) -> None:
        """The body is at its end. Raises TransportError where bytes are missing."""
        if self.total is not None and self.done != self.total:
            raise self._fault(f"the answer ended after {self.done} of {self.total} bytes")

    def broke(self, error: TransportError) -> None:
        """A body broke off: return to ask again. Raises the error where that is of no use."""
        error.method, error.url, error.attempts = self._asked
        goes_on = self._again or not self.done or self._version is not None
        if self._broken == self._retries or not goes_on:
            raise error
        self._broken += 1
        self._attempts = error.attempts

    def _fault(self, message: str) -> TransportError:
        # Who answers like that cannot be told to go on.
        self._version = None
        method, url, attempts = self._asked
        return TransportError(message, method=method, url=url, attempts=attempts)


def _is_packed(headers: Mapping[str, str]) -> bool:
    return headers.get("content-encoding", "identity").strip().lower() != "identity"


def _version(etag: str) -> str | None:
    """What names the version of a content for `If-Range`: a weak ETag or a date does not (RFC 9110, 13.1.5)."""
    etag = etag.strip()
    # It goes back to the one who sent it, and yet a header must be able to hold it.
    strong = len(etag) > 1 and etag[0] == etag[-1] == '"' and etag.isascii() and etag.isprintable()
    return etag if strong and len(etag) < 1000 else None


def with_headers(operation: Operation[Any], headers: dict[str, str]) -> Operation[Any]:
    """The same call with more headers; those that the user gave come last."""
    from copy import copy

    changed = operation.with_params(operation.params)
    changed.options = copy(operation.options)
    changed.options.headers = headers | {name.lower(): value for name, value in operation.options.headers.items()}
    return changed
