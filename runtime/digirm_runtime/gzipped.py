"""Unpacking gzip as it comes; httpx would take what has come of a body that stops early for all of it."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

#: What is raised for a damaged body.
DAMAGED = zlib.error
#: The most that is unpacked at a time, in bytes: a small body can hold a very large one.
_PIECE = 1024 * 1024
_WITH_HEADER = 16 + zlib.MAX_WBITS


class Gzip:
    """One body, which may have several members."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_WITH_HEADER)
        self._begun = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What `data` holds, in pieces. Raises DAMAGED."""
        piece = b""
        while data or (len(piece) == _PIECE and not self._member.eof):
            if self._member.eof:
                self._member = zlib.decompressobj(_WITH_HEADER)
            self._begun = True
            piece = self._member.decompress(data, _PIECE)
            data = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
            if piece:
                yield piece

    def end(self) -> None:
        """Raise DAMAGED where more should have come."""
        if self._begun and not self._member.eof:
            raise DAMAGED("it stops early")
