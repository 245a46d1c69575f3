"""What a run of the generator takes over from the run before, where it would be made of the same.

A small file per generated package, in the user's cache folder, says what the package's costly files were made of. It
holds hashes only: contents come from the package itself, and only where they are still what was written. Removing the
cache costs nothing but time. `DIGIRM_CACHE_DIR` names another folder than the system's for caches.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from digirm_codegen import output
from digirm_codegen.files import Changes
from digirm_runtime.package import MANIFEST
from digirm_runtime.text import printable

FORMAT = 1
#: Libraries that decide what is generated.
_LIBRARIES = ("datamodel_code_generator", "jinja2", "lark", "msgspec", "pydantic")


class Whole(NamedTuple):
    """A whole package that need not be made anew: its files, and what the spec had that could not be used."""

    files: tuple[str, ...]
    problems: tuple[str, ...]


class Former:
    """What is known of the run that wrote the package in `folder`; nothing where there was none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        cache = _cache_folder()
        self._file = None if cache is None else cache / f"{_hash(os.fsencode(folder.resolve()))[:32]}.json"
        self._known = {} if self._file is None else _document(self._file)
        self._made: dict[str, list[str]] = {}

    def whole(self, inputs: str | None) -> Whole | None:
        """The package, where it was made of `inputs` (None: nobody knows) and is as it was written; else None."""
        run = self._known.get("run")
        manifest = _read(self._folder / MANIFEST)
        if inputs is None or manifest is None or not isinstance(run, dict):
            return None
        files = output.whole(self._folder) if [inputs, _hash(manifest)] == run.get("of") else None
        problems = run.get("problems")
        if files is None or not isinstance(problems, list):
            return None
        return Whole(files, tuple(printable(str(problem)) for problem in problems))

    def text(self, path: str, key: str) -> str | None:
        """The text of a file that was made of `key` and is as it was written; else None."""
        made = self._known.get("made")
        if not isinstance(made, dict) or not isinstance(known := made.get(path), list) or known[:1] != [key]:
            return None
        content = _read(self._folder / path)
        return content.decode() if content is not None and known[1:] == [_hash(content)] else None

    def made(self, path: str, key: str, text: str) -> None:
        """Note what a file was made of."""
        self._made[path] = [key, _hash(text.encode())]

    def save(self, inputs: str | None, manifest: str, problems: list[str]) -> None:
        """Keep what was noted for the next run. A cache that cannot be written is none."""
        document: dict[str, Any] = {"format": FORMAT, "made": self._made}
        if inputs is not None:
            document["run"] = {"of": [inputs, _hash(manifest.encode())], "problems": problems}
        if self._file is not None and document != self._known:
            changes = Changes()
            changes.write(self._file.parent, self._file.name, json.dumps(document).encode())
            with contextlib.suppress(OSError):
                changes.apply()


def key(*parts: Any) -> str:
    """What stands for JSON-able parts, and for this generator."""
    return _hash(json.dumps([_generator(), *parts], sort_keys=True).encode())


def inputs(spec_folder: Path, kind: str | None) -> str | None:
    """What stands for all that a package is made of: the files of a specs folder, and the kind of its types.

    None where a file cannot be read: it is then not known whether anything changed.
    """
    try:
        names = [path for path in spec_folder.iterdir() if path.suffix in (".json", ".toml")]
        schemas = spec_folder / "schemas"
        if schemas.exists():
            names += [path for path in schemas.iterdir() if path.suffix == ".json"]
        # An editor's lock beside a file is no part of the specs.
        names = [path for path in names if not path.name.startswith(".")]
        return key(kind, {path.relative_to(spec_folder).as_posix(): _hash(path.read_bytes()) for path in names})
    except OSError:
        return None


@cache
def _generator() -> list[Any]:
    """What stands for the generator itself, in development too: its sources, and the libraries that it uses."""
    rooms = [str(Path(__file__).parent), _origin("digirm_runtime").rpartition(os.sep)[0]]
    sources = [(room, sorted(_stamps(room))) for room in rooms]
    # Not by importlib.metadata, which takes longer to import than all of this.
    libraries = [(name, _stamp(os.stat(origin))) for name in _LIBRARIES if (origin := _origin(name))]  # noqa: PTH116
    return [sys.version_info[:2], libraries, _hash(json.dumps(sources).encode())]


def _origin(package: str) -> str:
    """The file of an importable package, without importing it; empty where there is none."""
    spec = find_spec(package)
    return spec.origin if spec is not None and spec.origin is not None else ""


def _stamps(folder: str) -> Iterator[tuple[str, int, int]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir() and entry.name != "__pycache__":
                yield from _stamps(entry.path)
            elif entry.is_file():
                yield entry.name, *_stamp(entry.stat())


def _stamp(stat: os.stat_result) -> tuple[int, int]:
    return stat.st_size, stat.st_mtime_ns


def _cache_folder() -> Path | None:
    """None where there is no folder for caches."""
    named = os.environ.get("DIGIRM_CACHE_DIR")
    if named:
        return Path(named)
    base = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME")
    try:
        return (Path(base) if base else Path("~/.cache").expanduser()) / "digirm"
    except RuntimeError:  # a user without a home
        return None


def _document(file: Path) -> dict[str, Any]:
    try:
        document = json.loads(_read(file) or b"")
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) and document.get("format") == FORMAT else {}


def _read(file: Path) -> bytes | None:
    try:
        return None if file.is_symlink() else file.read_bytes()
    except OSError:
        return None


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
