"""Specs: what a crawl captured, read from untrusted JSON into plain immutable values.

A document is malformed in parts, or hostile, as easily as it is right. Whatever cannot be used lands in
`Spec.problems` as one sentence and is left out; the rest is kept.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, TypeGuard

import msgspec

from digirm_runtime import template
from digirm_runtime.errors import SpecError
from digirm_runtime.query.tables import METHODS, is_operator

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from digirm_runtime.overrides import Overrides

FORMAT = 1
MAX_FILE_BYTES = 64 * 1024 * 1024
MAX_NAME = 200
MAX_TEMPLATE = 1000
MAX_SEGMENTS = 32
MAX_ARGS = 16
#: Names of devices that some file systems keep for themselves.
DEVICE_NAMES = frozenset(("con", "prn", "aux", "nul", *(f"{dev}{n}" for dev in ("com", "lpt") for n in range(10))))


class Field(msgspec.Struct, frozen=True):
    """A field that a request's query language knows. `certainty` is None where nobody vouches for it."""

    name: str
    type: str
    operators: tuple[str, ...]
    orderby: bool
    values: tuple[str, ...] = ()
    certainty: str | None = None


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
    # The whole item breaks ties, so that two entries of one name do not depend on the server's order either.
    return sorted(items, key=lambda item: (str(item.get(key)) if isinstance(item, dict) else "", canonical(item)))


def load(folder: str | FilePath) -> Spec:
    """The spec in `folder` with its overrides applied.

    Raises SpecError where the folder is none, a file is damaged, or an override applies to nothing.
    """
    from digirm_runtime import overrides

    root = FilePath(folder)
    index = read_index(root / "index.json")
    documents: dict[str, Any] = {}
    for name, entry in index["categories"].items():
        file = root / (file_stem(name) + ".json")
        documents[name] = read_json(file)
        if not matches(documents[name], entry.get("fingerprint")):
            raise SpecError(f"{file} does not match the fingerprint in index.json: it was edited, crawl again")
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
                raise SpecError(f"{file}: {key} has no {text} for {_shown(name)}")
            if not isinstance(entry.get("status"), int | None):
                raise SpecError(f"{file}: the status of {_shown(name)} is not a number")
    index.setdefault("unavailable", {})
    return index


def _read_schemas(folder: FilePath) -> dict[str, Any]:
    """The JSON files of a folder by name without ending; none where there is no folder. Raises SpecError."""
    try:
        # Not glob(), which takes a folder that cannot be read for an empty one.
        files = sorted(file for file in folder.iterdir() if file.suffix == ".json")
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
    from digirm_runtime.overrides import Overrides

    overrides = overrides or Overrides()
    problems: list[str] = []
    categories = []
    for name in sorted(documents):
        path = (category_paths or {}).get(name, f"{base_path}/{name}")
        try:
            document = normalise(documents[name])
            known = fingerprint(document)
        except (ValueError, RecursionError):
            raise SpecError(f"the document of {_shown(name)} cannot be written as JSON") from None
        read = _Reader(base_path, overrides, problems, provenance)
        categories.append(Category(name, path, known, read.paths(name, document)))
    spec = Spec(
        api_version=api_version,
        base_path=base_path,
        provenance=provenance,
        fingerprint=whole_fingerprint((c.path, c.fingerprint) for c in categories),
        categories=tuple(categories),
        unavailable=dict(unavailable or {}),
        problems=tuple(problems),
        overrides=overrides,
        schemas=dict(schemas or {}),
        previous=previous,
    )
    overrides.check_applies(spec)
    return spec


def file_stem(category: str) -> str:
    """The file name for a category, without ending: its own name where that is safe on every file system."""
    safe = "abcdefghijklmnopqrstuvwxyz0123456789_-"
    reserved = {"index", *DEVICE_NAMES}
    if category and len(category) <= 80 and category not in reserved and all(char in safe for char in category):
        return category
    plain = "".join(char if char in safe else "_" for char in category.lower())[:40]
    return f"{plain}.{hashlib.sha256(category.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def read_json(file: FilePath) -> Any:
    """The JSON in `file`. Raises SpecError where it cannot be read, or is too large."""
    try:
        if file.stat().st_size > MAX_FILE_BYTES:
            raise SpecError(f"{file} is larger than {MAX_FILE_BYTES >> 20} MiB")
        return json.loads(file.read_bytes())
    except OSError as error:
        raise SpecError(f"cannot read {file}: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise SpecError(f"{file} is not JSON") from None


class _Reader:
    """Reads one category's document, noting what it leaves out."""

    def __init__(self, base_path: str, overrides: Overrides, problems: list[str], provenance: str) -> None:
        self.base_path = base_path
        self.overrides = overrides
        self.problems = problems
        self.provenance = provenance

    def paths(self, name: str, document: Any) -> tuple[Path, ...]:
        items = document.get("list") if isinstance(document, dict) else None
        if not isinstance(items, list):
            self.problems.append(f"{_shown(name)}: the document has no list of paths")
            return ()
        found: dict[str, Path] = {}
        for item in items:
            path = self.path(name, item)
            if path is not None and path.template in found:
                self.problems.append(f"{_shown(path.template)}: listed twice; the first is kept")
            elif path is not None:
                found[path.template] = path
        return tuple(found.values())

    def path(self, name: str, item: Any) -> Path | None:
        text = item.get("path") if isinstance(item, dict) else None
        if not isinstance(text, str):
            self.problems.append(f"{_shown(name)}: an entry has no path")
            return None
        try:
            if len(text) > MAX_TEMPLATE:
                raise ValueError(f"is longer than {MAX_TEMPLATE} characters")
            if not text.startswith(self.base_path + "/"):
                raise ValueError(f"does not begin with {self.base_path}/")
            segments = template.parse(text)
            if len(segments) > MAX_SEGMENTS or len(template.args(segments)) > MAX_ARGS:
                raise ValueError(f"has more than {MAX_SEGMENTS} segments or {MAX_ARGS} arguments")
        except ValueError as error:
            self.problems.append(f"{_shown(text)}: the path {error}; skipped")
            return None
        requests = item.get("requests")
        if requests is None:
            return Path(text, None)
        if not isinstance(requests, list):
            self.problems.append(f"{_shown(text)}: 'requests' is no list; ignored")
            return Path(text, None)
        found: dict[str, Request] = {}
        for entry in requests:
            request = self.request(text, entry)
            if request is not None and request.method in found:
                self.problems.append(f"{request.method} {_shown(text)}: described twice; the first is kept")
            elif request is not None:
                found[request.method] = request
        return Path(text, tuple(found.values()))

    def request(self, path: str, entry: Any) -> Request | None:
        method = entry.get("method") if isinstance(entry, dict) else None
        if not isinstance(method, str) or method.upper() not in METHODS:
            self.problems.append(f"{_shown(path)}: unknown method {_shown(method)}; skipped")
            return None
        params: list[str] = []
        for param in _list(entry.get("params")):
            if not _is_name(param):
                self.problems.append(f"{method} {_shown(path)}: parameter {_shown(param)} cannot be used; skipped")
            elif param not in params:
                params.append(param)
        fields: dict[str, Field] = {}
        for raw in _list(entry.get("query")):
            field = self.field(path, method.upper(), raw)
            if field is not None and field.name not in fields:
                fields[field.name] = field
        return Request(method.upper(), tuple(params), tuple(fields.values()))

    def field(self, path: str, method: str, raw: Any) -> Field | None:
        name = raw.get("field") if isinstance(raw, dict) else None
        if not _is_name(name) or any(char in name for char in " \t'\"()[]<>=,"):
            self.problems.append(f"{method} {_shown(path)}: query field {_shown(name)} cannot be written in a query")
            return None
        operators = tuple(op for op in _list(raw.get("operators")) if self.takes_operator(path, name, op))
        kind = raw.get("type")
        values, certainty = self.overrides.field_knowledge(path, method, name, self.provenance)
        return Field(
            name=name,
            type=kind if _is_name(kind) else "",
            operators=tuple(dict.fromkeys(operators)),
            orderby=raw.get("orderby") is True,
            values=values,
            certainty=certainty,
        )

    def takes_operator(self, path: str, field: str, op: Any) -> bool:
        good = isinstance(op, str) and is_operator(op)
        if not good:
            self.problems.append(f"{_shown(path)}: operator {_shown(op)} of {_shown(field)} cannot be used; skipped")
        return good


def _list(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else ()


def _is_name(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and 0 < len(value) <= MAX_NAME and value.isprintable() and value.strip() == value


def _shown(value: Any) -> str:
    """A server's text for a message: printable, and not longer than a line."""
    return ascii(value) if len(ascii(value)) <= 120 else ascii(value)[:117] + "..."
