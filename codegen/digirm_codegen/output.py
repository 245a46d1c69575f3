"""Writing a generated package: what changed, all of it in one folder, and nothing that the generator does not own.

A manifest in the folder lists every file with its hash. It is how a later run knows which files it may replace or
remove; a folder that holds something else is refused.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from digirm_codegen.files import STAGING, Changes
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
        "files": {path: _fingerprint(files[path].encode()) for path in sorted(files)},
    }
    return json.dumps(document, indent=2) + "\n"


def plan(folder: Path, files: Mapping[str, str], changes: Changes) -> Written:
    """Add to `changes` what makes `folder` hold exactly `files`, beside whatever the generator does not own.

    `files` include the manifest. Raises SpecError where the folder is not the generator's, leads elsewhere, or cannot
    be read.
    """
    with accessible("write", folder):
        owned = _owned(folder)
        written, unchanged = [], []
        # In a new folder the manifest comes first, so that a run that is killed leaves one that the next knows as its
        # own; else last, so that what was not replaced does not look like what was.
        first = owned is None
        for path in sorted(files, key=lambda path: ((path == MANIFEST) is not first, path)):
            data = files[path].encode()
            _folder(folder, path)
            if read(folder / path) == data:
                unchanged.append(path)
            else:
                changes.write(folder, path, data)
                written.append(path)
        removed = [path for path in sorted(owned or ()) if path not in files and _is_there(folder, path)]
        for path in removed:
            changes.remove(folder, path)
    return Written(tuple(written), tuple(removed), tuple(unchanged))


def write(folder: Path, files: Mapping[str, str]) -> Written:
    """`plan`, done. Raises SpecError also where the folder cannot be written; then it is as it was."""
    changes = Changes()
    planned = plan(folder, files, changes)
    with accessible("write", folder):
        changes.apply()
    return planned


def compare(folder: Path, files: Mapping[str, str]) -> list[str]:
    """How `folder` differs from `files`: lines `missing: PATH`, `differs: PATH`, `extra: PATH`.

    Raises SpecError where the folder cannot be read.
    """
    differences = []
    with accessible("read", folder):
        for path in sorted(files):
            found = read(folder / path)
            if found is None:
                differences.append(f"missing: {path}")
            elif found != files[path].encode():
                differences.append(f"differs: {path}")
    return differences + [f"extra: {path}" for path in strangers(folder, files)]


def strangers(folder: Path, files: Collection[str]) -> list[str]:
    """Relative paths of what is in `folder` beside `files`; compiled bytecode is nobody's.

    Raises SpecError where the folder cannot be read.
    """
    with accessible("read", folder):
        present = [file.relative_to(folder) for file in folder.rglob("*") if not file.is_dir() or file.is_symlink()]
    return [
        path.as_posix()
        for path in sorted(present)
        if path.as_posix() not in files and "__pycache__" not in path.parts and not path.parts[0].startswith(STAGING)
    ]


def models(folder: Path) -> str | None:
    """The kind of payload types that the manifest in `folder` names, if it does.

    Raises SpecError where the folder cannot be read.
    """
    with accessible("read", folder):
        found = (_document(folder) or {}).get("models")
    return found if isinstance(found, str) else None


def origin(folder: Path) -> dict[str, Any]:
    """What the manifest in `folder` says of the spec that the package was made from; empty where there is none.

    Raises SpecError where the folder cannot be read.
    """
    with accessible("read", folder):
        found = (_document(folder) or {}).get("spec")
    return found if isinstance(found, dict) else {}


def whole(folder: Path) -> tuple[str, ...] | None:
    """The files of the package in `folder`, its manifest among them; None where they are not what the manifest says.

    Raises SpecError where the folder cannot be read.
    """
    with accessible("read", folder):
        try:
            known = json.loads(read(folder / MANIFEST) or b"")["files"]
            if all(known[path] == _fingerprint(read(folder / path) or b"") for path in known):
                return (*known, MANIFEST)
        except (ValueError, RecursionError, LookupError, TypeError):
            pass
    return None


def _fingerprint(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


@contextlib.contextmanager
def accessible(verb: str, folder: Path) -> Iterator[None]:
    """Around work on a folder's files: an OSError becomes a SpecError that says what cannot be done with which."""
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
    if not folder.exists() or all(
        path.name == "__pycache__" or path.name.startswith(STAGING) for path in folder.iterdir()
    ):
        return None
    files = (_document(folder) or {}).get("files")
    if not isinstance(files, dict):
        raise SpecError(f"{folder} is not empty and holds no digirm package ({MANIFEST}); nothing was written")
    return {path for path in files if _is_inside(path)}


def _document(folder: Path) -> dict[str, Any] | None:
    """The manifest in `folder`, where there is one of our format."""
    try:
        document = json.loads(read(folder / MANIFEST) or b"")
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


def read(file: Path) -> bytes | None:
    """A file's content, None where there is none or a link in its place."""
    try:
        return None if file.is_symlink() else file.read_bytes()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return None


def _is_there(root: Path, path: str) -> bool:
    file = _folder(root, path) / PurePosixPath(path).name
    return file.is_file() or file.is_symlink()
