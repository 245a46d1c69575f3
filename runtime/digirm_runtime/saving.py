"""Files that appear when they are complete, and not before."""

from __future__ import annotations

import os
import stat
from collections.abc import Generator
from contextlib import contextmanager, suppress
from errno import EACCES, EINVAL, EISDIR
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from os import PathLike
    from typing import BinaryIO


@contextmanager
def beside(path: str | PathLike[str]) -> Generator[BinaryIO, None, None]:
    """A new file in the folder of `path`, which takes its place at the end, and is removed if that is not reached.

    A link is followed, and the mode is that of the old file or, as `open` has it, what the umask leaves. Raises OSError
    at once for a folder, a device and the like, a file that must not be written, and a folder that takes no new file.
    """
    target = Path(os.path.realpath(path))
    mode = _mode(target)
    fresh = target.with_name(f".{target.name[:40]}.{token_hex(8)}.part")
    # What replaces a file that others cannot read must not be readable while it is written, either.
    asked = 0o666 if mode is None else 0o600
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), asked)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
        if mode is not None:
            fresh.chmod(mode)
        fresh.replace(target)
    except BaseException:
        with suppress(OSError):
            fresh.unlink()
        raise


def _mode(target: Path) -> int | None:
    """The mode of a file that may be replaced; None where there is none yet."""
    try:
        found = target.stat().st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(found):
        raise IsADirectoryError(EISDIR, "this is a folder, not a file to write", str(target))
    if not stat.S_ISREG(found):
        raise OSError(EINVAL, "only a regular file can be replaced by a complete one", str(target))
    if not os.access(target, os.W_OK):
        raise PermissionError(EACCES, "this file must not be written", str(target))
    return stat.S_IMODE(found)
