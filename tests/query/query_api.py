"""Small APIs whose query languages the tests judge by."""

from __future__ import annotations

from typing import Any

from digirm_runtime.overrides import CertaintyEntry, Overrides, TypeEntry, ValuesEntry
from digirm_runtime.query.language import Language
from digirm_runtime.spec import Spec, from_documents

NUMERIC = ["=", "<>", "<", "<=", ">", ">="]
TEXT = ["=", "contains", "startsWith", "endsWith", "<>", "<", "<=", ">", ">="]
PATH = "/ws/v1/devices/inventory"


def a_field(
    name: str, type_: str = "Text", operators: list[str] | None = None, *, orderby: bool = True
) -> dict[str, Any]:
    return {"field": name, "type": type_, "operators": TEXT if operators is None else operators, "orderby": orderby}


def document(path: str, *fields: dict[str, Any], params: tuple[str, ...] = (), method: str = "GET") -> dict[str, Any]:
    request = {"method": method, "params": list(params), "query": list(fields)}
    return {"list": [{"path": path, "requests": [request]}]}


def a_spec(*fields: dict[str, Any], provenance: str = "live", **more: Any) -> Spec:
    params = ("query", "orderby", "size", "cursor", "fields")
    return from_documents(
        {"devices": document(PATH, *fields, params=params)},
        api_version="1.0",
        base_path="/ws/v1",
        provenance=provenance,
        **more,
    )


#: What the examples of docs/diagnostics.md are judged by.
EXAMPLE = (
    a_field("id", "Numeric", NUMERIC),
    a_field("name"),
    a_field("ip"),
    a_field("firmware_version"),
    a_field("connection_status", "Enumerated", ["=", "<>"]),
    a_field("last_update", "Timestamp", ["<", "<=", ">", ">="], orderby=False),
    a_field("enabled", "Boolean", ["="]),
    a_field("geoposition", "Geoposition", ["within"]),
    a_field("level", "Made Up"),
)
_KNOWN = {"source": "the tests", "reason": "an example"}
OVERRIDES = Overrides(
    values=(ValuesEntry(field="connection_status", values=("connected", "disconnected"), paths=(PATH,), **_KNOWN),),
)


def example(provenance: str = "live") -> Language:
    return Language.from_spec(a_spec(*EXAMPLE, provenance=provenance, overrides=OVERRIDES))


def reconstructed_with_certainty() -> Language:
    """`id` and `last_update` are vouched for, the rest is inferred."""
    known = CertaintyEntry(path=PATH, method="GET", fields=("id", "last_update"), certainty="documented", **_KNOWN)
    overrides = Overrides(values=OVERRIDES.values, certainty=(known,))
    return Language.from_spec(a_spec(*EXAMPLE, provenance="reconstructed", overrides=overrides))


def odd() -> Language:
    """Another API: keywords and signs in names, other types, operators that are new words or several signs."""
    fields = (
        a_field("not", "Label", ["=~", "resembles"]),
        a_field("empty", "Label", ["=="]),
        a_field("from", "Label", ["=="]),
        a_field("orname", "Label", ["=="]),
        a_field("and-y", "Label", ["=="]),
        a_field("or.x", "Label", ["=="]),
        a_field("a:b", "Label", ["=="]),
        a_field("$size", "Count", ["~"]),
        a_field("größe", "Count", ["=="]),
        a_field("2fa", "Count", ["=="]),
    )
    types = {"Count": TypeEntry(literals=("number", "area"), **_KNOWN)}
    return Language.from_spec(a_spec(*fields, overrides=Overrides(types=types)))
