"""Hand knowledge beside a crawled spec: `overrides.toml`, read and checked.

Every entry names its `source` and a `reason`; one that applies to nothing in the spec is an error, so that knowledge
that has gone stale is noticed. `docs/overrides.md` describes the file.
"""

from __future__ import annotations

import tomllib
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from digirm_runtime.errors import SpecError

if TYPE_CHECKING:
    from digirm_runtime.spec import Spec

FORMAT = 1
Certainty = Literal["recorded", "documented", "inferred"]
Kind = Literal["list", "get", "csv", "describe", "create", "update", "delete", "update_all", "delete_all", "call"]


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    source: str
    reason: str


class CertaintyEntry(_Entry, frozen=True):
    """How sure a path, or some query fields of one request, are. Without `fields` it speaks of the whole request."""

    path: str
    certainty: Certainty
    method: str = ""
    fields: tuple[str, ...] = ()


class NameEntry(_Entry, frozen=True):
    """The dotted Python name of one operation, from the client's root: `automations.run`."""

    name: str


class OperationEntry(_Entry, frozen=True):
    """Corrects or completes what is known of one operation; `uploads` marks an upload of device data."""

    path: str
    method: str
    kind: Kind | None = None
    schema: str | None = None
    element: str = ""
    media_type: str | None = None
    multi_segment: tuple[str, ...] = ()
    uploads: bool = False
    doc: str = ""


class SchemaEntry(_Entry, frozen=True):
    """A documented object: `key` is the field every object has; `properties` maps names to type words.

    A type word is `string`, `integer`, `number`, `boolean`, `object`, `any`, or another schema's name; with `[]` behind
    it a list of that.
    """

    category: str
    properties: dict[str, str]
    key: str | None = None
    doc: str = ""


class ValuesEntry(_Entry, frozen=True):
    """The known values of an enumerated query field, on the paths named."""

    field: str
    values: tuple[str, ...]
    paths: tuple[str, ...]


class ColumnsEntry(_Entry, frozen=True):
    """The columns that a GET which takes `fields` answers, and how sure it is that there are no others."""

    path: str
    columns: tuple[str, ...]
    certainty: Certainty


class TypeEntry(_Entry, frozen=True):
    """The literal forms that a type of query field takes, and how its values compare where these do not say it.

    See `digirm_runtime/query/literals.json` and `digirm_runtime/query/values.py`.
    """

    literals: tuple[str, ...]
    compares: str | None = None


class OperatorEntry(_Entry, frozen=True):
    """The literal forms that an operator takes, whatever the field's type, and whether it takes `empty`."""

    literals: tuple[str, ...] = ()
    empty: bool | None = None


class LegacyEntry(_Entry, frozen=True):
    """The column that stands for a query field in the `condition` of a legacy object, on the paths named.

    The rest is as in `digirm_runtime.query.legacy.LegacyColumn`.
    """

    object: str
    field: str
    column: str
    paths: tuple[str, ...]
    compares: str = "text"
    values: dict[str, str | int] = {}
    escape: str = ""


class Overrides(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of one `overrides.toml`. Mappings are keyed by name; `names` by `METHOD path`."""

    format: int = FORMAT
    certainty: tuple[CertaintyEntry, ...] = ()
    names: dict[str, NameEntry] = {}
    operation: tuple[OperationEntry, ...] = ()
    schemas: dict[str, SchemaEntry] = {}
    values: tuple[ValuesEntry, ...] = ()
    columns: tuple[ColumnsEntry, ...] = ()
    types: dict[str, TypeEntry] = {}
    operators: dict[str, OperatorEntry] = {}
    legacy: tuple[LegacyEntry, ...] = ()

    def operation_entry(self, method: str, path: str) -> OperationEntry | None:
        """What is known of one operation beyond its spec."""
        return next((entry for entry in self.operation if entry.method == method and entry.path == path), None)

    def columns_entry(self, path: str) -> ColumnsEntry | None:
        """What is known of the columns that a GET answers."""
        return next((entry for entry in self.columns if entry.path == path), None)

    def field_knowledge(
        self, path: str, method: str, field: str, provenance: str
    ) -> tuple[tuple[str, ...], Certainty | None]:
        """(known values, certainty) of a query field: recorded in a live spec, inferred where nothing else is said."""
        values = next((e.values for e in self.values if e.field == field and path in e.paths), ())
        certainty: Certainty = "recorded" if provenance == "live" else "inferred"
        for entry in self.certainty:
            if entry.path == path and entry.method == method and field in entry.fields:
                certainty = entry.certainty
        return values, certainty

    def legacy_columns(self) -> dict[str, dict[str, Any]]:
        """Path -> `object` and, for each field with a column, what a `LegacyColumn` holds; JSON-able."""
        found: dict[str, dict[str, Any]] = {}
        for entry in self.legacy:
            column: dict[str, Any] = {"column": entry.column, "compares": entry.compares}
            column |= {"values": entry.values} if entry.values else {}
            column |= {"escape": entry.escape} if entry.escape else {}
            for path in entry.paths:
                found.setdefault(path, {"object": entry.object, "fields": {}})["fields"][entry.field] = column
        return found

    def check_applies(self, spec: Spec) -> None:
        """Raise SpecError with every entry that names something which the spec lacks."""
        stale = list(self._stale(spec))
        if stale:
            raise SpecError("overrides.toml no longer fits the spec:\n" + "\n".join(f"  {line}" for line in stale))

    def _stale(self, spec: Spec) -> list[str]:
        requests = {
            (request.method, path.template): request
            for category in spec.categories
            for path in category.paths
            for request in path.requests or ()
        }
        paths = set(spec.templates())
        types = {field.type for request in requests.values() for field in request.query}
        operators = {op.lower() for r in requests.values() for field in r.query for op in field.operators}
        fields = {(path, f.name) for (_, path), request in requests.items() for f in request.query}
        wrong: list[str] = []
        for entry in self.certainty:
            if entry.path not in paths or (entry.method and (entry.method, entry.path) not in requests):
                wrong.append(f"certainty: {entry.method} {entry.path} is not in the spec")
            wrong += [
                f"certainty: {entry.path} has no query field {name!r}"
                for name in entry.fields
                if entry.path in paths and (entry.path, name) not in fields
            ]
        for key in self.names:
            method, _, path = key.partition(" ")
            # A node that only groups may be listed without requests; it can still be called.
            if (method, path) not in requests and not (method == "GET" and path in paths):
                wrong.append(f"names: {key} is not in the spec")
        wrong += [
            f"operation: {e.method} {e.path} is not in the spec"
            for e in self.operation
            if (e.method, e.path) not in requests
        ]
        wrong += [
            f"operation: {e.method} {e.path}: there is no schema {e.schema!r}"
            for e in self.operation
            if e.schema is not None and e.schema not in self.schemas
        ]
        categories = {category.name for category in spec.categories}
        wrong += [
            f"schemas: {name}: there is no category {e.category!r}"
            for name, e in self.schemas.items()
            if e.category not in categories and e.category not in spec.unavailable
        ]
        wrong += [
            f"values: {path} has no query field {e.field!r}"
            for e in self.values
            for path in e.paths
            if (path, e.field) not in fields
        ]
        wrong += [
            f"columns: GET {e.path} is not in the spec, or takes no fields"
            for e in self.columns
            if ("GET", e.path) not in requests or "fields" not in requests["GET", e.path].params
        ]
        wrong += [
            f"legacy: {path} has no query field {e.field!r}"
            for e in self.legacy
            for path in e.paths
            if (path, e.field) not in fields
        ]
        wrong += self._contradictions()
        wrong += [f"types: no field has the type {name!r}" for name in self.types if name not in types]
        wrong += [f"operators: no field has {name!r}" for name in self.operators if name.lower() not in operators]
        return wrong

    def _contradictions(self) -> list[str]:
        """What is wrong with entries whatever the spec."""
        from digirm_runtime.query.legacy import COLUMN, COMPARES
        from digirm_runtime.query.values import KINDS

        wrong = [
            f"types: {name}: {entry.compares!r} is no way to compare; known: {', '.join(KINDS)}"
            for name, entry in self.types.items()
            if entry.compares is not None and entry.compares not in KINDS
        ]
        listed = [entry.path for entry in self.columns]
        wrong += [f"columns: {path} is listed twice" for path in sorted(set(listed)) if listed.count(path) > 1]
        objects: dict[str, str] = {}
        for e in self.legacy:
            if not COLUMN.fullmatch(e.column):
                wrong.append(f"legacy: {e.column!r} cannot be a column")
            if e.compares not in COMPARES:
                wrong.append(f"legacy: {e.column}: {e.compares!r} is no way to compare; known: {', '.join(COMPARES)}")
            wrong += [
                f"legacy: {path} stands for {objects[path]} and for {e.object}"
                for path in e.paths
                if objects.setdefault(path, e.object) != e.object
            ]
        return wrong


def load(file: FilePath) -> Overrides:
    """The overrides in `file`; none at all where it does not exist.

    Raises SpecError for a damaged one, or one of another format.
    """
    try:
        data: dict[str, Any] = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return Overrides()
    except OSError as error:
        raise SpecError(f"cannot read {file}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SpecError(f"{file}: {error}") from None
    if data.get("format", FORMAT) != FORMAT:
        raise SpecError(f"{file} has not the format {FORMAT}, the one that is known")
    try:
        return msgspec.convert(data, Overrides)
    except msgspec.ValidationError as error:
        raise SpecError(f"{file}: {error}") from None
