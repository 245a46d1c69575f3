"""The last answers as they came, for downloads: small ones in memory, others in temporary files."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import SpooledTemporaryFile

#: So many answers are kept, of at most so many bytes each; from so many on in a file.
ANSWERS = 20
MOST = 256 << 20
_IN_MEMORY = 4 << 20
_PIECE = 1 << 16


class Kept:
    """One answer's body. It goes when it left the shelf and nobody reads it any more."""

    def __init__(self) -> None:
        self.id = secrets.token_urlsafe(12)
        self.size = 0
        self._file = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed when the last who uses it has gone
        self._users = 1

    def write(self, chunk: bytes) -> bool:
        """Add a piece; whether there was room for all of it."""
        room = MOST - self.size
        self.size += self._file.write(chunk[:room])
        return len(chunk) <= room

    def head(self, size: int) -> bytes:
        """The first bytes."""
        self._file.seek(0)
        return self._file.read(size)

    @contextmanager
    def used(self) -> Iterator[Kept]:
        """Itself, which stays as long as this lasts, also where it leaves the shelf meanwhile."""
        self._users += 1
        try:
            yield self
        finally:
            self.leave()

    def chunks(self) -> Iterator[bytes]:
        """All of it in pieces."""
        for start in range(0, self.size, _PIECE):
            # Others may read it too.
            self._file.seek(start)
            yield self._file.read(_PIECE)

    def leave(self) -> None:
        """One user fewer."""
        self._users -= 1
        if not self._users:
            self._file.close()


class Shelf:
    """The answers that can be downloaded, by id; used on the event loop only."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Kept] = OrderedDict()

    def add(self, kept: Kept) -> None:
        """Keep one more; the oldest goes."""
        self._kept[kept.id] = kept
        if len(self._kept) > ANSWERS:
            self._kept.popitem(last=False)[1].leave()

    def get(self, id: str) -> Kept | None:
        """The answer with this id; None where it is not here any more."""
        return self._kept.get(id)

    def close(self) -> None:
        """Let all go."""
        while self._kept:
            self._kept.popitem()[1].leave()
