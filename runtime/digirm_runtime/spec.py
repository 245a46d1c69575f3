"""Specs: what a crawl captured, read from untrusted JSON into plain immutable values.

A document is malformed in parts, or hostile, as easily as it is right. Whatever cannot be used lands in
`Spec.problems` as one sentence and is left out; the rest is kept.
"""

from __future__ import annotations

import hashlib
import json
import stat
from collections import Counter
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

import msgspec

from digirm_runtime.errors import SpecError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from digirm_runtime.overrides import Overrides
    from digirm_runtime.overrides_check import Stale

FORMAT = 1
MAX_FILE_BYTES = 64 * 1024 * 1024
MAX_NAME = 200
MAX_TEMPLATE = 1000
MAX_SEGMENTS = 32
MAX_ARGS = 16
#: What a whole spec can hold, and one of its documents; more ends the run.
MAX_CATEGORIES = 1000
MAX_DEPTH = 100
MAX_PATHS = 50_000
MAX_REQUESTS = 100_000
MAX_FIELDS = 500_000
#: What one request can hold, and one query field.
MAX_REQUEST_PARAMS = 1000
MAX_REQUEST_FIELDS = 20_000
MAX_FIELD_OPERATORS = 200
#: Names of devices that some file systems keep for themselves.
DEVICE_NAMES = frozenset(("con", "prn", "aux", "nul", *(f"{dev}{n}" for dev in ("com", "lpt") for n in range(10))))


class Field(msgspec.Struct, frozen=True):
    """A field that a request's query language knows; `doc` is a sentence on it, or empty.

    `certainty` is None where nobody vouches for it.
    """

    name: str
    type: str
    operators: tuple[str, ...]
    orderby: bool
    values: tuple[str, ...] = ()
    certainty: str | None = None
    doc: str = ""


class Request(msgspec.Struct, frozen=True):
    """One method of a path: its parameters in the server's order, and its query fields by name."""

    method: str
    params: tuple[str, ...] = ()
    query: tuple[Field, ...] = ()


class Path(msgspec.Struct, frozen=True):
    """One path template. `requests` is None where the server listed the path without any."""

    template: str
    requests: tuple[Request, ...] | None


class Category(msgspec.Struct, frozen=True):
    """One category: its name, path, fingerprint, and the paths that its document lists."""

    name: str
    path: str
    fingerprint: str
    paths: tuple[Path, ...]


class Spec(msgspec.Struct, frozen=True):
    """A whole API version.

    `provenance` is `live` or `reconstructed`; `unavailable` maps a category to (status, kind); `problems` are
    sentences; `previous` is what `previous.json` holds.
    """

    api_version: str
    base_path: str
    provenance: str
    fingerprint: str
    categories: tuple[Category, ...]
    unavailable: dict[str, tuple[int | None, str]]
    problems: tuple[str, ...]
    overrides: Overrides
    schemas: dict[str, Any] = {}
    previous: Any = None

    def templates(self) -> list[str]:
        """Every path template of the spec."""
        return [path.template for category in self.categories for path in category.paths]


def canonical(document: Any) -> bytes:
    """The one spelling of a JSON document: sorted keys, two blanks, a final newline, no non-finite numbers."""
    return (json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode(
        "utf-8", "surrogatepass"
    )


def fingerprint(document: Any) -> str:
    """`sha256:` and the hash of the document's canonical form."""
    return "sha256:" + hashlib.sha256(canonical(document)).hexdigest()


def whole_fingerprint(categories: Iterable[tuple[str, str]]) -> str:
    """The fingerprint of a whole API version, made from (path, fingerprint) of its categories."""
    return fingerprint(dict(categories))


def matches(document: Any, known: object) -> bool:
    """Whether `known` is the document's fingerprint; one without a canonical form (`NaN`, nested too deep) has none."""
    try:
        return fingerprint(document) == known
    except (ValueError, RecursionError):
        return False


def normalise(document: Any) -> Any:
    """A category's document with paths, methods and fields sorted; operators, parameters and unknown keys stay."""
    if not isinstance(document, dict) or not isinstance(document.get("list"), list):
        return document
    items = [_normal_path(item) for item in document["list"]]
    return {**document, "list": ordered(items, "path")}


def _normal_path(item: Any) -> Any:
    if not isinstance(item, dict) or not isinstance(item.get("requests"), list):
        return item
    requests = [
        {**request, "query": ordered(request["query"], "field")}
        if isinstance(request, dict) and isinstance(request.get("query"), list)
        else request
        for request in item["requests"]
    ]
    return {**item, "requests": ordered(requests, "method")}


def ordered(items: list[Any], key: str) -> list[Any]:
    """`items` by the text that they have under `key`, in one order whichever they came in."""
    named = [(str(item.get(key)) if isinstance(item, dict) else "", item) for item in items]
    counts = Counter(name for name, _ in named)
    # The whole item breaks ties, so that two entries of one name do not depend on the server's order either.
    named.sort(key=lambda pair: (pair[0], canonical(pair[1]) if counts[pair[0]] > 1 else b""))
    return [item for _, item in named]


def load(folder: str | FilePath) -> Spec:
    """The spec in `folder` with its overrides applied.

    Raises SpecError where the folder is none, a file is damaged, or an override applies to nothing.
    """
    from digirm_runtime import overrides

    root = FilePath(folder)
    index = read_index(root / "index.json")
    documents: dict[str, Any] = {}
    for name, entry in index["categories"].items():
        documents[name] = read_document(root / (file_stem(name) + ".json"), entry.get("fingerprint"))
    return from_documents(
        documents,
        api_version=index["api_version"],
        base_path=index["base_path"],
        provenance=index["provenance"],
        category_paths={name: entry["path"] for name, entry in index["categories"].items()},
        unavailable={name: (why.get("status"), why["kind"]) for name, why in index["unavailable"].items()},
        overrides=overrides.load(root / "overrides.toml"),
        schemas=_read_schemas(root / "schemas"),
        previous=_read_previous(root / "previous.json"),
    )


def read_index(file: FilePath) -> dict[str, Any]:
    """An index whose known keys have the types that they should. Raises SpecError."""
    index = read_json(file)
    if not isinstance(index, dict) or index.get("format") != FORMAT:
        raise SpecError(f"{file} is not a digirm spec of format {FORMAT}")
    for key in ("api_version", "base_path", "provenance"):
        if not isinstance(index.get(key), str):
            raise SpecError(f"{file}: {key!r} is not a text")
    for key, text, fallback in (("categories", "path", None), ("unavailable", "kind", {})):
        entries = index.get(key, fallback)
        if not isinstance(entries, dict):
            raise SpecError(f"{file} has no {key}, or not as an object")
        for name, entry in entries.items():
            if not isinstance(entry, dict) or not isinstance(entry.get(text), str):
                raise SpecError(f"{file}: {key} has no {text} for {shown(name)}")
            if not isinstance(entry.get("status"), int | None):
                raise SpecError(f"{file}: the status of {shown(name)} is not a number")
    index.setdefault("unavailable", {})
    return index


def _read_schemas(folder: FilePath) -> dict[str, Any]:
    """The JSON files of a folder by name without ending; none where there is no folder. Raises SpecError."""
    try:
        # Not glob(), which takes a folder that cannot be read for an empty one.
        files = sorted(file for file in folder.iterdir() if file.suffix == ".json" and file.name[0] != ".")
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SpecError(f"cannot read {folder}: {error.strerror}") from None
    return {file.stem: read_json(file) for file in files}


def _read_previous(file: FilePath) -> Any:
    """The names that the version before had and this one lacks, None where there is no such file. Raises SpecError."""
    return read_json(file) if file.exists() else None


def from_documents(
    documents: Mapping[str, Any],
    *,
    api_version: str,
    base_path: str,
    provenance: str,
    category_paths: Mapping[str, str] | None = None,
    unavailable: Mapping[str, tuple[int | None, str]] | None = None,
    overrides: Overrides | None = None,
    schemas: Mapping[str, Any] | None = None,
    previous: Any = None,
) -> Spec:
    """A spec from category documents as a server gives them, by category name. Raises SpecError as `load` does."""
    from digirm_runtime import overrides_check

    spec, stale = examine(
        documents,
        api_version=api_version,
        base_path=base_path,
        provenance=provenance,
        category_paths=category_paths,
        unavailable=unavailable,
        overrides=overrides,
    )
    overrides_check.raise_for(stale)
    return msgspec.structs.replace(spec, schemas=dict(schemas or {}), previous=previous)


def examine(
    documents: Mapping[str, Any],
    *,
    api_version: str,
    base_path: str,
    provenance: str,
    category_paths: Mapping[str, str] | None = None,
    unavailable: Mapping[str, tuple[int | None, str]] | None = None,
    overrides: Overrides | None = None,
) -> tuple[Spec, tuple[Stale, ...]]:
    """A spec as `from_documents` makes it, and every entry of the overrides that does not apply to it.

    Fingerprints are those of the documents as they are; what is read of them has the overrides applied. Raises
    SpecError for documents beyond a limit.
    """
    from digirm_runtime import overrides_check, overrides_edit
    from digirm_runtime.overrides import Overrides
    from digirm_runtime.spec_reader import Reader

    given = overrides or Overrides()
    wrong = overrides_check.contradictions(given)
    if len(documents) > MAX_CATEGORIES:
        raise SpecError(f"more than {MAX_CATEGORIES:,} categories, the most that a spec can hold")
    captured = {name: normalise_checked(name, documents[name]) for name in sorted(documents)}
    normal = {name: document for name, (document, _) in captured.items()}
    edited = overrides_edit.apply(normal, Overrides() if wrong else given, base_path)
    reader = Reader(base_path, edited.overrides, provenance)
    categories = tuple(
        Category(
            name=name,
            path=(category_paths or {}).get(name, f"{base_path}/{name}"),
            fingerprint=known,
            paths=reader.paths(name, edited.documents[name]),
        )
        for name, (_, known) in captured.items()
    )
    spec = Spec(
        api_version=api_version,
        base_path=base_path,
        provenance=provenance,
        fingerprint=whole_fingerprint((c.path, c.fingerprint) for c in categories),
        categories=categories,
        unavailable=dict(unavailable or {}),
        problems=tuple(reader.problems),
        overrides=edited.overrides,
    )
    found = (*wrong, *edited.stale, *overrides_check.stale(given, spec))
    return spec, tuple(overrides_check.judged(found, base_path, spec.unavailable))


def normalise_checked(name: str, document: Any) -> tuple[Any, str]:
    """A category's document normalised, and its fingerprint. Raises SpecError where it has none, or is too deep."""
    try:
        normal = normalise(document)
        text = canonical(normal)
    except (ValueError, RecursionError):
        raise SpecError(f"the document of {shown(name)} cannot be written as JSON") from None
    # Two blanks a level: a line that begins with more than the limit's is deeper than it.
    if b"\n" + b"  " * (MAX_DEPTH + 1) in text:
        raise SpecError(f"the document of {shown(name)} is nested deeper than {MAX_DEPTH}")
    return normal, "sha256:" + hashlib.sha256(text).hexdigest()


def file_stem(category: str) -> str:
    """The file name for a category, without ending: its own name where that is safe on every file system."""
    safe = "abcdefghijklmnopqrstuvwxyz0123456789_-"
    reserved = {"index", "previous", *DEVICE_NAMES}
    if category and len(category) <= 80 and category not in reserved and all(char in safe for char in category):
        return category
    plain = "".join(char if char in safe else "_" for char in category.lower())[:40]
    return f"{plain}.{hashlib.sha256(category.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def read_document(file: FilePath, known: object) -> Any:
    """The category document in `file`. Raises SpecError as `read_json`, and if its fingerprint is not `known`."""
    data = _read_bytes(file)
    document = _parse(data, file)
    # A file as it was written is its own canonical form, which then need not be made.
    if "sha256:" + hashlib.sha256(data).hexdigest() != known and not matches(document, known):
        raise SpecError(f"{file} does not match the fingerprint in index.json: it was edited, crawl again")
    return document


def read_json(file: FilePath) -> Any:
    """The JSON in `file`. Raises SpecError where it cannot be read, or is too large."""
    return _parse(_read_bytes(file), file)


def _read_bytes(file: FilePath) -> bytes:
    try:
        found = file.stat()
        if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
            raise SpecError(f"{file} is no file")  # a pipe would be waited for
        if found.st_size > MAX_FILE_BYTES:
            raise SpecError(f"{file} is larger than {MAX_FILE_BYTES >> 20} MiB")
        return file.read_bytes()
    except OSError as error:
        raise SpecError(f"cannot read {file}: {error.strerror}") from None


def _parse(data: bytes, file: FilePath) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise SpecError(f"{file} is not JSON") from None


def shown(value: Any) -> str:
    """A server's text for a message: printable, and not longer than a line."""
    return ascii(value) if len(ascii(value)) <= 120 else ascii(value)[:117] + "..."
