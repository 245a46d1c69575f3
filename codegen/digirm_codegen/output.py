"""Writing a generated package: what changed, all of it in one folder, and nothing that the generator does not own.

A manifest in the folder lists every file with its hash. It is how a later run knows which files it may replace or
remove; a folder that holds something else is refused.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from digirm_runtime.errors import SpecError
from digirm_runtime.package import MANIFEST

FORMAT = 1
#: Raised when the layout of generated packages changes.
GENERATOR = 1


class Written(NamedTuple):
    """Relative paths by what happened to them."""

    written: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: tuple[str, ...]


def manifest(files: Mapping[str, str], spec: Mapping[str, Any], models: str | None = None) -> str:
    """The manifest's text for files (relative path: text) made from a spec, of which it holds
    `spec` (see `digirm_runtime.package.Package.spec_info`).

    `models` is the kind of payload types, where it is not the default.
    """
    document = {
        "format": FORMAT,
        "generator": GENERATOR,
        **({"models": models} if models else {}),
        "spec": dict(spec),
        "files": {path: "sha256:" + hashlib.sha256(files[path].encode()).hexdigest() for path in sorted(files)},
    }
    return json.dumps(document, indent=2) + "\n"


def write(folder: Path, files: Mapping[str, str]) -> Written:
    """Make `folder` hold exactly `files`, which include the manifest, beside whatever the generator does not own.

    Raises SpecError where the folder is not the generator's, leads elsewhere, or cannot be written.
    """
    with _accessible("write", folder):
        owned = _owned(folder)
        written, unchanged = [], []
        if owned is None:
            # First of all, so that a run that is cut short leaves a folder that the next one knows as its own.
            _replace(folder, MANIFEST, files[MANIFEST])
            written.append(MANIFEST)
        for path in sorted(files, key=lambda path: (path == MANIFEST, path)):
            if path in written:
                continue
            if _read(folder / path) == files[path].encode():
                unchanged.append(path)
            else:
                _replace(folder, path, files[path])
                written.append(path)
        removed = [path for path in sorted(owned or ()) if path not in files and _remove(folder, path)]
    return Written(tuple(written), tuple(removed), tuple(unchanged))


def compare(folder: Path, files: Mapping[str, str]) -> list[str]:
    """How `folder` differs from `files`: lines `missing: PATH`, `differs: PATH`, `extra: PATH`.

    Raises SpecError where the folder cannot be read.
    """
    differences = []
    with _accessible("read", folder):
        for path in sorted(files):
            found = _read(folder / path)
            if found is None:
                differences.append(f"missing: {path}")
            elif found != files[path].encode():
                differences.append(f"differs: {path}")
    return differences + [f"extra: {path}" for path in strangers(folder, files)]


def strangers(folder: Path, files: Mapping[str, str]) -> list[str]:
    """Relative paths of what is in `folder` beside `files`; compiled bytecode is nobody's.

    Raises SpecError where the folder cannot be read.
    """
    with _accessible("read", folder):
        present = [file.relative_to(folder) for file in folder.rglob("*") if not file.is_dir() or file.is_symlink()]
    return [
        path.as_posix() for path in sorted(present) if path.as_posix() not in files and "__pycache__" not in path.parts
    ]


def models(folder: Path) -> str | None:
    """The kind of payload types that the manifest in `folder` names, if it does.

    Raises SpecError where the folder cannot be read.
    """
    with _accessible("read", folder):
        found = (_document(folder) or {}).get("models")
    return found if isinstance(found, str) else None


@contextlib.contextmanager
def _accessible(verb: str, folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SpecError(f"cannot {verb} {error.filename or folder}: {error.strerror}") from None


def _owned(folder: Path) -> set[str] | None:
    """The files of the manifest in `folder`; None where the folder is new or empty."""
    if folder.is_symlink():
        raise SpecError(f"{folder} is a symbolic link; name the folder itself")
    if folder.exists() and not folder.is_dir():
        raise SpecError(f"{folder} is not a folder")
    if not folder.exists() or not any(path for path in folder.iterdir() if path.name != "__pycache__"):
        return None
    files = (_document(folder) or {}).get("files")
    if not isinstance(files, dict):
        raise SpecError(f"{folder} is not empty and holds no digirm package ({MANIFEST}); nothing was written")
    return {path for path in files if _is_inside(path)}


def _document(folder: Path) -> dict[str, Any] | None:
    """The manifest in `folder`, where there is one of our format."""
    try:
        document = json.loads(_read(folder / MANIFEST) or b"")
    except ValueError:
        return None
    return document if isinstance(document, dict) and document.get("format") == FORMAT else None


def _is_inside(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return (
        bool(parts) and "\0" not in path and not {"/", ".."}.intersection(parts) and not {":", "\\"}.intersection(path)
    )


def _folder(root: Path, path: str) -> Path:
    """The folder of a file below `root`; raises SpecError where a link leads out of it."""
    folder = root
    for part in PurePosixPath(path).parts[:-1]:
        folder /= part
        if folder.is_symlink():
            raise SpecError(f"{folder} is a symbolic link; nothing is written through it")
    return folder


def _read(file: Path) -> bytes | None:
    try:
        return None if file.is_symlink() else file.read_bytes()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return None


def _replace(root: Path, path: str, text: str) -> None:
    folder = _folder(root, path)
    folder.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=".digirm-", dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(root / path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise


def _remove(root: Path, path: str) -> bool:
    file = _folder(root, path) / PurePosixPath(path).name
    if not file.is_file() and not file.is_symlink():
        return False
    file.unlink()
    for folder in file.parents:
        if folder == root or any(entry for entry in folder.iterdir()):
            break
        folder.rmdir()
    return True
