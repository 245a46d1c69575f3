"""Files that are written and removed all together or not at all: one helper for everything that writes a folder."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from typing import NamedTuple

#: How the folder begins in which new files wait beside their places; one that a kill leaves behind is nobody's.
STAGING = ".digirm-"
#: Seconds after which such a folder belongs to nobody who still lives.
_OLD = 3600


class _Step(NamedTuple):
    """A file below `root` and what it is to hold; None removes it."""

    root: Path
    path: str
    data: bytes | None


class Changes:
    """Changes to files below some folders, collected first and made by `apply`.

    New contents are written beside their places before anything is replaced, so that a full disk changes nothing; where
    a later step fails or is interrupted, the earlier ones are undone. A process that is killed on the way leaves whole
    files, in the order of the calls.
    """

    def __init__(self) -> None:
        self._steps: list[_Step] = []

    def write(self, root: Path, path: str, data: bytes) -> None:
        """Have the file `path` (relative, with `/`) below `root` hold `data`; a symbolic link there is replaced."""
        self._steps.append(_Step(root, path, data))

    def remove(self, root: Path, path: str) -> None:
        """Have the file gone, and the folders below `root` that it leaves empty."""
        self._steps.append(_Step(root, path, None))

    def apply(self) -> None:
        """Make the changes. Raises OSError, and then every file is as it was."""
        undo = ExitStack()
        stages: dict[Path, Path] = {}
        try:
            for number, step in enumerate(self._steps):
                stage = _stage(step.root, stages, undo)
                if step.data is not None:
                    waiting = stage / f"new{number}"
                    waiting.write_bytes(step.data)
                    _keep_mode(_place(step), waiting)
            for number, step in enumerate(self._steps):
                stage = stages[step.root]
                new = None if step.data is None else stage / f"new{number}"
                _replace(_place(step), new, stage / f"old{number}", undo)
        except BaseException:
            undo.close()
            raise
        undo.pop_all()
        for stage in stages.values():
            shutil.rmtree(stage, ignore_errors=True)
        for step in self._steps:
            if step.data is None:
                _remove_empty(step.root, step.path)


def _stage(root: Path, stages: dict[Path, Path], undo: ExitStack) -> Path:
    """The folder below `root` in which new files wait."""
    if root not in stages:
        _make_folder(root, undo)
        _sweep(root)
        stages[root] = Path(tempfile.mkdtemp(prefix=STAGING, dir=root))
        undo.callback(shutil.rmtree, stages[root], ignore_errors=True)
    return stages[root]


def _sweep(root: Path) -> None:
    """Remove what a process that was killed long ago left in `root`."""
    for left in root.glob(f"{STAGING}*"):
        with contextlib.suppress(OSError):
            if left.is_dir() and not left.is_symlink() and time.time() - left.stat().st_mtime > _OLD:
                shutil.rmtree(left, ignore_errors=True)


def _place(step: _Step) -> Path:
    return step.root.joinpath(*PurePosixPath(step.path).parts)


def _keep_mode(file: Path, new: Path) -> None:
    """Give a new file the permissions of the one that it replaces; without one it has what the umask leaves."""
    if file.is_file() and not file.is_symlink():
        new.chmod(stat.S_IMODE(file.stat().st_mode))


def _replace(place: Path, new: Path | None, old: Path, undo: ExitStack) -> None:
    """Put `new` at its place, or nothing; what is there is kept as `old`."""
    if new is not None:
        _make_folder(place.parent, undo)
    if not os.path.lexists(place):
        if new is not None:
            undo.callback(_quietly(place.unlink))
            new.replace(place)
        return
    # A second name rather than a move: the file is at its place at any moment.
    try:
        os.link(place, old, follow_symlinks=False)
    except (OSError, NotImplementedError):
        shutil.copy2(place, old, follow_symlinks=False)
    undo.callback(_quietly(lambda: old.replace(place)))
    if new is not None:
        new.replace(place)
    else:
        place.unlink()


def _make_folder(folder: Path, undo: ExitStack) -> None:
    missing = [folder, *folder.parents]
    missing = missing[: next((n for n, each in enumerate(missing) if each.exists()), len(missing))]
    for each in reversed(missing):
        each.mkdir(exist_ok=True)
        undo.callback(_quietly(each.rmdir))
    if not missing and not folder.is_dir():
        raise NotADirectoryError(20, "Not a directory", str(folder))


def _quietly(action: Callable[[], object]) -> Callable[[], None]:
    """An action of which a failure keeps no other from being undone."""

    def act() -> None:
        with contextlib.suppress(OSError):
            action()

    return act


def _remove_empty(root: Path, path: str) -> None:
    for folder in list(PurePosixPath(path).parents)[:-1]:
        try:
            root.joinpath(*folder.parts).rmdir()
        except OSError:
            return
