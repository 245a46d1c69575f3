"""A crawl's result as the files of one specs folder: rendering, comparing and replacing them.

`index.json` holds, beside what `digirm_runtime.spec.load` reads:

- `root`: keys of the root document other than `count` and `list`, as the server gave them; left out if none
- `categories.<name>.extra`: keys of that category's item in the root list other than `path`; likewise

`overrides.toml` and `schemas/` belong to people and to sampling: nothing here touches them.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from digirm_codegen.files import Changes
from digirm_runtime.errors import SpecError
from digirm_runtime.spec import (
    FORMAT,
    canonical,
    file_stem,
    fingerprint,
    matches,
    read_document,
    read_index,
    whole_fingerprint,
)

INDEX = "index.json"
Kind = Literal["forbidden", "not_found", "throttled", "refused", "failed", "unreachable", "invalid"]


class Unavailable(NamedTuple):
    """Why a category is missing: the HTTP status, None where there was no answer, and a fixed word for it."""

    status: int | None
    kind: Kind


class Capture(msgspec.Struct, frozen=True):
    """What one crawl captured: normalised `documents` by category; `problems` are sentences on what was skipped."""

    api_version: str
    base_path: str
    provenance: str
    documents: dict[str, Any]
    unavailable: dict[str, Unavailable]
    root: dict[str, Any] = {}
    extras: dict[str, dict[str, Any]] = {}
    problems: tuple[str, ...] = ()


class Difference(NamedTuple):
    """One file that a crawl would add, remove or change."""

    file: str
    state: Literal["added", "removed", "changed"]


def render(capture: Capture) -> dict[str, bytes]:
    """The files of a specs folder by name: one per category, and the index."""
    categories: dict[str, dict[str, Any]] = {}
    files: dict[str, bytes] = {}
    for name, document in sorted(capture.documents.items()):
        entry = {"path": f"{capture.base_path}/{name}", "fingerprint": fingerprint(document)}
        extra = capture.extras.get(name)
        categories[name] = {**entry, "extra": extra} if extra else entry
        files[_file(name)] = canonical(document)
    index = {
        "format": FORMAT,
        "api_version": capture.api_version,
        "base_path": capture.base_path,
        "provenance": capture.provenance,
        "fingerprint": whole_fingerprint((entry["path"], entry["fingerprint"]) for entry in categories.values()),
        "categories": categories,
        "unavailable": {name: why._asdict() for name, why in capture.unavailable.items()},
    }
    files[INDEX] = canonical({**index, "root": capture.root} if capture.root else index)
    return files


def read(folder: Path) -> Capture:
    """What `write` wrote to `folder`, as it was captured.

    Raises SpecError where it is no such folder, or a document is missing, damaged, or not what its fingerprint says.
    """
    index = read_index(folder / INDEX)
    documents: dict[str, Any] = {}
    for name, entry in index["categories"].items():
        documents[name] = read_document(folder / _file(name), entry.get("fingerprint"))
    root = index.get("root")
    return Capture(
        api_version=index["api_version"],
        base_path=index["base_path"],
        provenance=index["provenance"],
        documents=documents,
        unavailable={name: Unavailable(why.get("status"), why["kind"]) for name, why in index["unavailable"].items()},
        root=root if isinstance(root, dict) else {},
        extras={n: extra for n, entry in index["categories"].items() if isinstance(extra := entry.get("extra"), dict)},
    )


def keep(capture: Capture, folder: Path) -> tuple[Capture, list[str]]:
    """`capture` with the folder's own documents for categories that were available and are not now, and their names.

    Only documents of the same version, base path and provenance: specs are never mixed. Raises SpecError where such a
    document is not what was captured.
    """
    index = _read_index(folder) or {}
    if any(index.get(key) != getattr(capture, key) for key in ("api_version", "base_path", "provenance")):
        return capture, []
    entries = _categories(index)
    lost = sorted(set(capture.unavailable) & set(entries))
    documents = {name: found for name in lost if (found := _read(folder / _file(name))) is not None}
    for name, document in documents.items():
        if not matches(document, entries[name].get("fingerprint")):
            raise SpecError(f"{folder / _file(name)} was edited, and {name} is unavailable now; --force leaves it out")
    extras = {name: extra for name in documents if isinstance(extra := entries[name].get("extra"), dict)}
    kept = msgspec.structs.replace(
        capture,
        documents={**capture.documents, **documents},
        extras={**capture.extras, **extras},
        unavailable={name: why for name, why in capture.unavailable.items() if name not in documents},
    )
    return kept, list(documents)


def guard(capture: Capture, folder: Path) -> None:
    """Raise SpecError where `folder` holds what `capture` must not replace in passing.

    That is another API or version, a live spec by a reconstructed one, or what was available by what is not.
    """
    index = _read_index(folder)
    if index is None:
        return
    for key in ("api_version", "base_path"):
        if index.get(key) != getattr(capture, key):
            raise SpecError(f"{folder} holds {key} {index.get(key)!r}, not {getattr(capture, key)!r}; use --force")
    if (index.get("provenance"), capture.provenance) == ("live", "reconstructed"):
        raise SpecError(f"{folder} is a live spec; a reconstructed one replaces it with --force only")
    lost = sorted(set(capture.unavailable) & set(_categories(index)))
    if lost:
        raise SpecError(f"{folder} has what is unavailable now ({', '.join(lost)}); --force leaves it out")


def ensure_writable(folder: Path) -> None:
    """Raise SpecError where `folder` is none or cannot be made or written: worth knowing before a long crawl."""
    try:
        nearest = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    except OSError as error:
        raise SpecError(f"cannot write {folder}: {error.strerror}") from None
    if not nearest.is_dir():
        raise SpecError(f"cannot write {folder}: {nearest} is not a folder")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise SpecError(f"cannot write {folder}: no permission for {nearest}")


def compare(folder: Path, files: dict[str, bytes]) -> list[Difference]:
    """What `write` would do to `folder`, by file name. Raises SpecError where the folder cannot be read."""
    found: list[Difference] = []
    for name, data in files.items():
        try:
            old = (folder / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            found.append(Difference(name, "added"))
        except OSError as error:
            raise SpecError(f"cannot read {folder / name}: {error.strerror}") from None
        else:
            if old != data:
                found.append(Difference(name, "changed"))
    owned = {_file(name) for name in _categories(_read_index(folder) or {})}
    found += [Difference(name, "removed") for name in owned - set(files) if (folder / name).is_file()]
    return sorted(found)


def plan(folder: Path, files: dict[str, bytes], changes: Changes) -> list[Difference]:
    """Add to `changes` what makes `folder` hold `files`, and return how it differs now.

    The index comes last, so that a process that is killed leaves fingerprints that do not match rather than a mixture
    that looks whole. Files that the previous index owned and the new one does not are removed, others are left alone.
    """
    differences = compare(folder, files)
    for name, state in sorted(differences, key=lambda difference: (difference.file == INDEX, difference)):
        if state == "removed":
            changes.remove(folder, name)
        else:
            changes.write(folder, name, files[name])
    return differences


def write(folder: Path, files: dict[str, bytes]) -> list[Difference]:
    """`plan`, done: all of it or nothing. Raises SpecError where it cannot be."""
    changes = Changes()
    differences = plan(folder, files, changes)
    try:
        changes.apply()
    except OSError as error:
        raise SpecError(f"cannot write {folder}: {error.strerror}") from None
    return differences


def _file(category: str) -> str:
    return file_stem(category) + ".json"


def _read_index(folder: Path) -> dict[str, Any] | None:
    """The folder's index, or None where it has none. Raises SpecError for a file that is no spec's index."""
    index = _read(folder / INDEX)
    if index is not None and (not isinstance(index, dict) or index.get("format") != FORMAT):
        raise SpecError(f"{folder / INDEX} is not a digirm spec of format {FORMAT}; it is left alone")
    return index


def _categories(index: dict[str, Any]) -> dict[str, dict[str, Any]]:
    entries = index.get("categories")
    if not isinstance(entries, dict):
        return {}
    return {name: entry if isinstance(entry, dict) else {} for name, entry in entries.items()}


def _read(file: Path) -> Any:
    """The JSON in `file`, or None where there is no such file."""
    try:
        return json.loads(file.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise SpecError(f"cannot read {file}: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise SpecError(f"{file} is not JSON") from None
