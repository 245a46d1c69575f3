"""Hand knowledge beside a crawled spec: `overrides.toml`, read into plain values.

Every entry names its `source` and a `reason`. `overrides_check` finds those that apply to nothing, `overrides_edit`
applies those that correct the crawled documents. `docs/overrides.md` describes the file.
"""

from __future__ import annotations

import tomllib
from functools import cached_property
from pathlib import Path as FilePath
from typing import Any, Literal

import msgspec

from digirm_runtime.errors import SpecError

FORMAT = 1
MAX_BYTES = 16 * 1024 * 1024
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


class DocsEntry(_Entry, frozen=True):
    """A sentence on a query field, a parameter, or, with neither, the requests themselves.

    It holds on the paths named, for a field or parameter without `paths` wherever the spec has it, and for one method
    where that is given.
    """

    doc: str
    paths: tuple[str, ...] = ()
    method: str = ""
    field: str = ""
    parameter: str = ""


class _Address(_Entry, frozen=True):
    """Part of a crawled document: a path, one of its requests, or a parameter or query field of one request."""

    path: str
    method: str = ""
    parameter: str = ""
    field: str = ""

    def shown(self) -> str:
        """The address for a message."""
        part = (self.parameter and f" parameter {self.parameter!r}") or (self.field and f" query field {self.field!r}")
        return f"{self.method} {self.path}".lstrip() + (part or "")


class AddEntry(_Address, frozen=True):
    """What a crawl lacks: a path, a request with its `params`, a parameter, or a query field with what it takes."""

    params: tuple[str, ...] = ()
    type: str = ""
    operators: tuple[str, ...] = ()
    orderby: bool = False
    certainty: Certainty = "inferred"


class RemoveEntry(_Address, frozen=True):
    """What a crawl has and the service does not: any address, or one operator of a query field."""

    operator: str = ""


class ReplaceEntry(_Address, frozen=True):
    """What a crawl has wrong: what a query field takes, or the parameters of a request; None leaves it as it is."""

    params: tuple[str, ...] | None = None
    type: str | None = None
    operators: tuple[str, ...] | None = None
    orderby: bool | None = None
    certainty: Certainty = "inferred"


class Overrides(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
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
    docs: tuple[DocsEntry, ...] = ()
    add: tuple[AddEntry, ...] = ()
    remove: tuple[RemoveEntry, ...] = ()
    replace: tuple[ReplaceEntry, ...] = ()

    def operation_entry(self, method: str, path: str) -> OperationEntry | None:
        """What is known of one operation beyond its spec."""
        return self._operations.get((method, path))

    def columns_entry(self, path: str) -> ColumnsEntry | None:
        """What is known of the columns that a GET answers."""
        return next((entry for entry in self.columns if entry.path == path), None)

    def certainty_of(self, method: str, path: str, provenance: str) -> Certainty:
        """How sure a request is: what is said of its method, else of its path, else by the spec's provenance."""
        known = self._certainties.get((path, method, "")) or self._certainties.get((path, "", ""))
        return known or ("recorded" if provenance == "live" else "inferred")

    def field_knowledge(
        self, path: str, method: str, field: str, provenance: str
    ) -> tuple[tuple[str, ...], Certainty | None]:
        """(known values, certainty) of a query field: recorded in a live spec, inferred where nothing else is said."""
        certainty = self._certainties.get((path, method, field))
        return self._values.get((path, field), ()), certainty or ("recorded" if provenance == "live" else "inferred")

    def docs_of(self, path: str, method: str, *, field: str = "", parameter: str = "") -> str:
        """What `[[docs]]` says of a query field, of a parameter, or with neither of a request; empty if nothing.

        What names the path stands before what holds anywhere, and of those what names the method.
        """
        for at in ((path, method), (path, ""), ("", method), ("", "")):
            doc = self._docs.get((*at, field, parameter))
            if doc is not None:
                return doc
        return ""

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

    # What is asked for once per field or request of a spec is looked up, not searched for.
    @cached_property
    def _operations(self) -> dict[tuple[str, str], OperationEntry]:
        return {(entry.method, entry.path): entry for entry in reversed(self.operation)}

    @cached_property
    def _certainties(self) -> dict[tuple[str, str, str], Certainty]:
        """By path, method and field; of two entries for one thing the later stands."""
        return {
            (entry.path, entry.method, field): entry.certainty
            for entry in self.certainty
            for field in entry.fields or ("",)
        }

    @cached_property
    def _values(self) -> dict[tuple[str, str], tuple[str, ...]]:
        return {(path, entry.field): entry.values for entry in reversed(self.values) for path in entry.paths}

    @cached_property
    def _docs(self) -> dict[tuple[str, str, str, str], str]:
        return {
            (path, entry.method, entry.field, entry.parameter): entry.doc
            for entry in reversed(self.docs)
            for path in entry.paths or ("",)
        }


def load(file: FilePath) -> Overrides:
    """The overrides in `file`; none at all where it does not exist.

    Raises SpecError for a damaged one, or one of another format.
    """
    try:
        if file.stat().st_size > MAX_BYTES:
            raise SpecError(f"{file} is larger than {MAX_BYTES >> 20} MiB")
        text = file.read_text("utf-8")
    except FileNotFoundError:
        return Overrides()
    except OSError as error:
        raise SpecError(f"cannot read {file}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise SpecError(f"{file}: {error}") from None
    return parse(text, str(file))


def parse(text: str, name: str) -> Overrides:
    """The overrides that `text` holds; messages call it `name`. Raises SpecError as `load` does."""
    try:
        data: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SpecError(f"{name}: {error}") from None
    except RecursionError:
        raise SpecError(f"{name}: nested too deep") from None
    if data.get("format", FORMAT) != FORMAT:
        raise SpecError(f"{name} has not the format {FORMAT}, the one that is known")
    try:
        return msgspec.convert(data, Overrides)
    except (msgspec.ValidationError, RecursionError) as error:
        raise SpecError(f"{name}: {error}") from None
