"""From files and folders of a user to the uses in them that a new contract no longer accepts."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from digirm_codegen.against import data, python, text
from digirm_codegen.against.judge import Judge
from digirm_codegen.against.uses import Use, Verdict
from digirm_codegen.diff.findings import listed
from digirm_runtime.errors import SpecError
from digirm_runtime.package import MANIFEST
from digirm_runtime.spec import Spec, read_index

#: Larger files are data, and are not read.
MAX_FILE_BYTES = 4 * 1024 * 1024
#: What a binary file has among its first bytes.
_HEAD = 8192
_SKIPPED = frozenset(
    (
        *(".git", ".hg", ".svn", ".venv", "venv", "node_modules", "__pycache__", ".tox", ".nox"),
        *(".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache"),
    )
)
_PYTHON = frozenset((".py", ".pyi"))
_DATA = {
    ".yaml": data.scan_yaml,
    ".yml": data.scan_yaml,
    ".json": data.scan_json,
    ".jsonl": data.scan_json,
    ".ndjson": data.scan_json,
}


class Scan(NamedTuple):
    """What was found: uses by file and line, how many files were read, and sentences on what could not be judged."""

    uses: tuple[Use, ...]
    files: int
    problems: tuple[str, ...]


def scan(paths: Sequence[Path], old: Spec, new: Spec) -> Scan:
    """Look through files and folders for what `old` accepted and `new` does not; nothing of them is executed.

    Raises SpecError where a path does not exist, or leads nowhere.
    """
    judge = Judge(old, new)
    uses: dict[Use, None] = {}
    problems: list[str] = []
    files = 0
    for path, content in _files(paths, problems):
        files += 1
        judge.unjudged.clear()
        for found in _verdicts(judge, path, content, problems):
            uses[Use(str(path), *found)] = None
        problems += dict.fromkeys(f"{path}:{line}: {why}" for line, why in judge.unjudged)
    return Scan(tuple(sorted(uses)), files, tuple(problems))


def _verdicts(judge: Judge, path: Path, content: bytes, problems: list[str]) -> Iterator[Verdict]:
    ending = path.suffix.lower()
    try:
        if ending in _PYTHON:
            yield from python.scan(judge, content)
            return
        if ending in _DATA:
            yield from _DATA[ending](judge, _decoded(content))
            return
    except (python.UnparsableError, data.UnreadableError) as error:
        problems.append(f"{path}: {error}; only addresses in its text were judged")
    yield from text.scan(judge, _decoded(content))


def _decoded(content: bytes) -> str:
    return content.decode("utf-8-sig", "replace")


def _files(paths: Iterable[Path], problems: list[str]) -> Iterator[tuple[Path, bytes]]:
    """Every text file at or below the paths, each once, in one order; what is left out is a problem."""
    seen: set[str] = set()
    binary: list[str] = []
    for path in paths:
        try:
            mode = path.stat().st_mode
        except FileNotFoundError:
            raise SpecError(f"{path} does not exist") from None
        except OSError as error:
            raise SpecError(f"cannot read {path}: {error.strerror}") from None
        for file in _walk(path, problems) if stat.S_ISDIR(mode) else [path]:
            real = os.path.realpath(file)
            if real in seen:
                continue
            seen.add(real)
            content = _read(file, problems)
            if content is None:
                continue
            if b"\0" in content[:_HEAD]:
                binary.append(str(file))
            else:
                yield file, content
    if binary:
        problems.append(f"{listed(binary, 1)}: binary, not judged")


def _walk(root: Path, problems: list[str]) -> Iterator[Path]:
    """The files below a folder. Links are not followed: what they lead to inside is found by itself."""
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        files, folders = [], []
        try:
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
            if folder != root and _is_generated(folder):
                continue
            for entry in entries:
                path = folder / entry.name
                if entry.is_symlink():
                    problems += _link(path, root)
                elif not entry.is_dir(follow_symlinks=False):
                    files.append(path)
                elif entry.name not in _SKIPPED:
                    folders.append(path)
        except OSError as error:
            problems.append(f"cannot read {folder}: {error.strerror}")
        yield from files
        waiting += reversed(folders)


def _link(link: Path, root: Path) -> Iterator[str]:
    """What is to be said of a link below a folder; nothing where it leads to what is found there by itself."""
    try:
        link.stat()
    except FileNotFoundError:
        pass  # it leads to nothing, be that inside or not
    except OSError as error:
        yield f"cannot read {link}: {error.strerror}"
        return
    if not Path(os.path.realpath(link)).is_relative_to(os.path.realpath(root)):
        yield f"{link}: a link that leads out of {root}, not followed"


def _is_generated(folder: Path) -> bool:
    """Whether a folder is a generated client, or a spec: they name all of a contract and are made again with it."""
    if (folder / MANIFEST).is_file() and (folder / "_package.py").is_file():
        return True
    if not (folder / "index.json").is_file():
        return False
    try:
        read_index(folder / "index.json")
    except SpecError:
        return False
    return True


def _read(file: Path, problems: list[str]) -> bytes | None:
    """The bytes of a file; None, and a problem, where it is no regular one, too large, or cannot be read."""
    try:
        found = file.stat()
        if not stat.S_ISREG(found.st_mode):  # opening a pipe would wait for ever, and a device may do anything
            problems.append(f"{file}: not a regular file, not judged")
        elif found.st_size > MAX_FILE_BYTES:
            size, most = found.st_size >> 20, MAX_FILE_BYTES >> 20
            problems.append(f"{file}: {size} MiB, larger than {most} MiB, not judged")
        else:
            with file.open("rb") as stream:
                return stream.read(MAX_FILE_BYTES)
    except OSError as error:
        problems.append(f"cannot read {file}: {error.strerror}")
    return None
