"""Which entries of `overrides.toml` a spec no longer bears out, and which are wrong whatever the spec."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from digirm_runtime.errors import SpecError
from digirm_runtime.query.tables import METHODS, is_operator

if TYPE_CHECKING:
    from digirm_runtime.overrides import AddEntry, Overrides, RemoveEntry, ReplaceEntry
    from digirm_runtime.spec import Request, Spec

#: Where something stands in the file: a section, an index or key in it, and so on down to what is meant.
Address: TypeAlias = "tuple[str | int, ...]"


class Stale(NamedTuple):
    """An entry, or a part of one, that names something which the spec lacks, and a sentence that says so.

    The address is empty where the file is wrong whatever the spec; so is the path of what no one path decides.
    """

    address: Address
    message: str
    path: str = ""


def stale(overrides: Overrides, spec: Spec) -> list[Stale]:
    """Every such entry, in the file's order by section; those that edit documents are `overrides_edit`'s to judge."""
    return list(_Check(overrides, spec).all())


def judged(entries: Iterable[Stale], base_path: str, unavailable: Iterable[str]) -> Iterator[Stale]:
    """Those of `entries` that no unavailable category can still bear out: what was not seen is not known to be gone."""
    unseen = {f"{base_path}/{name}" for name in unavailable}
    for entry in entries:
        _, _, below = entry.path.partition(f"{base_path}/")
        category = f"{base_path}/{below.partition('/')[0]}"
        if not unseen or not entry.address or entry.address[0] == "schemas" or (entry.path and category not in unseen):
            yield entry


class _Check:
    def __init__(self, overrides: Overrides, spec: Spec) -> None:
        self.overrides = overrides
        self.categories = {category.name for category in spec.categories} | set(spec.unavailable)
        self.own_paths = {category.path for category in spec.categories}
        self.paths = set(spec.templates())
        self.requests: dict[tuple[str, str], Request] = {}
        self.methods: dict[str, list[Request]] = {}
        self.fields: set[tuple[str, str, str]] = set()
        for category in spec.categories:
            for path in category.paths:
                for request in path.requests or ():
                    self.requests[request.method, path.template] = request
                    self.methods.setdefault(path.template, []).append(request)
                    self.fields |= {(path.template, request.method, field.name) for field in request.query}
        known = [field for request in self.requests.values() for field in request.query]
        self.types = {field.type for field in known}
        self.operators = {op.lower() for op in {op for field in known for op in field.operators}}
        self.on_path = {(path, field) for path, _, field in self.fields}

    def all(self) -> Iterator[Stale]:
        yield from self.certainty()
        yield from self.named()
        yield from self.on_paths()
        yield from self.docs()
        for name in self.overrides.types:
            if name not in self.types:
                yield Stale(("types", name), f"types: no field has the type {name!r}")
        for name in self.overrides.operators:
            if name.lower() not in self.operators:
                yield Stale(("operators", name), f"operators: no field has {name!r}")

    def certainty(self) -> Iterator[Stale]:
        for i, entry in enumerate(self.overrides.certainty):
            where = f"{entry.method} {entry.path}".lstrip()
            if entry.path not in self.paths or (entry.method and (entry.method, entry.path) not in self.requests):
                yield Stale(("certainty", i), f"certainty: {where} is not in the spec", entry.path)
                continue
            for n, name in enumerate(entry.fields):
                if (entry.path, entry.method, name) not in self.fields:
                    address = ("certainty", i, "fields", n)
                    yield Stale(address, f"certainty: {where} has no query field {name!r}", entry.path)

    def named(self) -> Iterator[Stale]:
        given = self.overrides
        for key in given.names:
            method, _, path = key.partition(" ")
            # A node that only groups may be listed without requests; it can still be called.
            if (method, path) not in self.requests and not (method == "GET" and path in self.paths):
                yield Stale(("names", key), f"names: {key} is not in the spec", path)
        for i, entry in enumerate(given.operation):
            where = f"operation: {entry.method} {entry.path}"
            if (entry.method, entry.path) not in self.requests:
                yield Stale(("operation", i), f"{where} is not in the spec", entry.path)
            elif entry.schema is not None and entry.schema not in given.schemas:
                yield Stale(("operation", i, "schema"), f"{where}: there is no schema {entry.schema!r}", entry.path)
        for name, schema in given.schemas.items():
            if schema.category not in self.categories:
                yield Stale(("schemas", name), f"schemas: {name}: there is no category {schema.category!r}")

    def on_paths(self) -> Iterator[Stale]:
        given = self.overrides
        known = [("values", i, entry.field, entry.paths) for i, entry in enumerate(given.values)]
        known += [("legacy", i, entry.field, entry.paths) for i, entry in enumerate(given.legacy)]
        for section, i, field, paths in known:
            for n, path in enumerate(paths):
                if (path, field) not in self.on_path:
                    yield Stale((section, i, "paths", n), f"{section}: {path} has no query field {field!r}", path)
        for i, columns in enumerate(given.columns):
            request = self.requests.get(("GET", columns.path))
            if request is None or "fields" not in request.params:
                message = f"columns: GET {columns.path} is not in the spec, or takes no fields"
                yield Stale(("columns", i), message, columns.path)

    def docs(self) -> Iterator[Stale]:
        if not self.overrides.docs:
            return
        anywhere = {(r.method, kind, name) for r in self.requests.values() for kind, name in _parts(r)}
        anywhere |= {("", kind, name) for _, kind, name in anywhere}
        for i, entry in enumerate(self.overrides.docs):
            what = ("field", entry.field) if entry.field else ("parameter", entry.parameter)
            shown = f"the {'query field' if entry.field else 'parameter'} {what[1]!r}"
            if not entry.paths and (entry.method, *what) not in anywhere:
                yield Stale(("docs", i), f"docs: no {entry.method or 'request'} has {shown}")
            for n, path in enumerate(entry.paths):
                requests = [r for r in self.methods.get(path, ()) if entry.method in ("", r.method)]
                where = f"{entry.method} {path}".lstrip()
                if what[1]:
                    if not any(what in _parts(request) for request in requests):
                        yield Stale(("docs", i, "paths", n), f"docs: {where} has not {shown}", path)
                elif not requests and (entry.method or path not in self.paths | self.own_paths):
                    yield Stale(("docs", i, "paths", n), f"docs: {where} is not in the spec", path)


def _parts(request: Request) -> set[tuple[str, str]]:
    """What a request takes, as (`field` or `parameter`, name)."""
    return {("field", field.name) for field in request.query} | {("parameter", name) for name in request.params}


def contradictions(overrides: Overrides) -> list[Stale]:
    """Everything that is wrong whatever the spec."""
    return [Stale((), message) for message in (*_contradictions(overrides), *_faulty_edits(overrides))]


def raise_for(stale: Iterable[Stale]) -> None:
    """Raise SpecError with all of `stale`, where there is any."""
    lines = "\n".join(f"  {entry.message}" for entry in stale)
    if lines:
        raise SpecError(f"overrides.toml no longer fits the spec:\n{lines}")


def _contradictions(overrides: Overrides) -> Iterator[str]:
    from digirm_runtime.query.legacy import COLUMN, COMPARES
    from digirm_runtime.query.values import KINDS

    for entry in overrides.certainty:
        if entry.fields and not entry.method:
            yield f"certainty: {entry.path}: fields are those of one method, which is missing"
    for name, told in overrides.types.items():
        if told.compares is not None and told.compares not in KINDS:
            yield f"types: {name}: {told.compares!r} is no way to compare; known: {', '.join(KINDS)}"
    listed = [entry.path for entry in overrides.columns]
    yield from (f"columns: {path} is listed twice" for path in sorted(set(listed)) if listed.count(path) > 1)
    for note in overrides.docs:
        if note.field and note.parameter:
            yield f"docs: {note.field!r} and {note.parameter!r}: an entry speaks of one"
        elif not (note.field or note.parameter or note.paths):
            yield f"docs: {note.doc!r} names no field, no parameter and no paths"
    objects: dict[str, str] = {}
    for e in overrides.legacy:
        if not COLUMN.fullmatch(e.column):
            yield f"legacy: {e.column!r} cannot be a column"
        if e.compares not in COMPARES:
            yield f"legacy: {e.column}: {e.compares!r} is no way to compare; known: {', '.join(COMPARES)}"
        for path in e.paths:
            if objects.setdefault(path, e.object) != e.object:
                yield f"legacy: {path} stands for {objects[path]} and for {e.object}"


def _faulty_edits(overrides: Overrides) -> Iterator[str]:
    """Entries that edit documents and could not, since they address nothing or say what a spec cannot hold."""
    for section, entries in (("add", overrides.add), ("remove", overrides.remove), ("replace", overrides.replace)):
        for entry in entries:
            for fault in _faults(entry):
                yield f"{section}: {entry.shown()}: {fault}"


def _faults(entry: AddEntry | RemoveEntry | ReplaceEntry) -> Iterator[str]:
    from digirm_runtime.overrides import RemoveEntry, ReplaceEntry
    from digirm_runtime.spec_reader import is_field_name, is_name

    if entry.method and entry.method not in METHODS:
        yield f"unknown method; known: {', '.join(sorted(METHODS))}"
    if entry.parameter and entry.field:
        yield "an entry speaks of a parameter or of a query field"
    elif (entry.parameter or entry.field) and not entry.method:
        yield "it is one of a method, which is missing"
    if isinstance(entry, RemoveEntry):
        if entry.operator and not entry.field:
            yield "an operator is one of a query field, which is missing"
        return
    takes = (entry.type, entry.operators, entry.orderby)
    blank = (None, None, None) if isinstance(entry, ReplaceEntry) else ("", (), False)
    if takes != blank and not entry.field:
        yield "type, operators and orderby are those of a query field, which is missing"
    if entry.params and (not entry.method or entry.parameter or entry.field):
        yield "params are those of a request"
    if isinstance(entry, ReplaceEntry):
        if takes == blank and entry.params is None:
            yield "nothing to put in its place"
    elif entry.field and not (entry.type and entry.operators):
        yield "a query field has a type and operators"
    names = [*(entry.params or ()), *filter(None, (entry.type, entry.parameter))]
    yield from (f"{name!a} cannot be a name" for name in names if not is_name(name))
    if entry.field and not is_field_name(entry.field):
        yield "the field cannot be written in a query"
    yield from (f"{op!r} is no operator" for op in entry.operators or () if not is_operator(op))
