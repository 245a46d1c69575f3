"""Every entry that no longer applies is found, each by its own address in the file."""

from unittest.mock import ANY

import pytest

from digirm_runtime.errors import SpecError
from tests.codegen.support import field, listing, path, request
from tests.support.overriding import KNOWN, spec_of, stale_of

INVENTORY = "/ws/v1/parts/inventory"
PARTS = {
    "parts": listing(
        path("/ws/v1/parts"),
        path(INVENTORY, request("GET", "size", query=[field("id", "Numeric", "=")]), request("DELETE")),
        path("/ws/v1/parts/bulk", request("GET", "fields", query=[field("state", "State", "=")])),
    )
}


@pytest.mark.parametrize(
    ("text", "address", "message"),
    [
        (
            'certainty = [{ path = "/x", certainty = "recorded", KNOWN }]',
            ("certainty", 0),
            "certainty: /x is not in the spec",
        ),
        (
            'certainty = [{ path = "INVENTORY", method = "PUT", fields = ["a"], certainty = "recorded", KNOWN }]',
            ("certainty", 0),
            f"certainty: PUT {INVENTORY} is not in the spec",
        ),
        (
            'certainty = [{ path = "INVENTORY", method = "GET", fields = ["id", "a"], certainty = "recorded", KNOWN }]',
            ("certainty", 0, "fields", 1),
            f"certainty: GET {INVENTORY} has no query field 'a'",
        ),
        (
            'certainty = [{ path = "INVENTORY", method = "DELETE", fields = ["id"], certainty = "recorded", KNOWN }]',
            ("certainty", 0, "fields", 0),
            f"certainty: DELETE {INVENTORY} has no query field 'id'",
        ),
        (
            'names = { "PUT INVENTORY" = { name = "a", KNOWN }, "GET /ws/v1/parts" = { name = "parts.all", KNOWN } }',
            ("names", f"PUT {INVENTORY}"),
            f"names: PUT {INVENTORY} is not in the spec",
        ),
        (
            'operation = [{ method = "PUT", path = "INVENTORY", schema = "No", KNOWN }]',
            ("operation", 0),
            f"operation: PUT {INVENTORY} is not in the spec",
        ),
        (
            'operation = [{ method = "GET", path = "INVENTORY", schema = "No", doc = "a", KNOWN }]',
            ("operation", 0, "schema"),
            f"operation: GET {INVENTORY}: there is no schema 'No'",
        ),
        (
            'schemas = { Part = { category = "bins", properties = {}, KNOWN } }',
            ("schemas", "Part"),
            "schemas: Part: there is no category 'bins'",
        ),
        (
            'values = [{ field = "id", values = ["1"], paths = ["INVENTORY", "/ws/v1/parts/bulk"], KNOWN }]',
            ("values", 0, "paths", 1),
            "values: /ws/v1/parts/bulk has no query field 'id'",
        ),
        (
            'columns = [{ path = "INVENTORY", columns = ["a"], certainty = "recorded", KNOWN }]',
            ("columns", 0),
            f"columns: GET {INVENTORY} is not in the spec, or takes no fields",
        ),
        (
            'legacy = [{ object = "O", field = "state", column = "c", paths = ["/ws/v1/parts/bulk", "/x"], KNOWN }]',
            ("legacy", 0, "paths", 1),
            "legacy: /x has no query field 'state'",
        ),
        ("types = { Text = { literals = [], KNOWN } }", ("types", "Text"), "types: no field has the type 'Text'"),
        ("operators = { near = { KNOWN } }", ("operators", "near"), "operators: no field has 'near'"),
        ('docs = [{ field = "no", doc = "a", KNOWN }]', ("docs", 0), "docs: no request has the query field 'no'"),
        (
            'docs = [{ parameter = "size", method = "DELETE", doc = "a", KNOWN }]',
            ("docs", 0),
            "docs: no DELETE has the parameter 'size'",
        ),
        (
            'docs = [{ parameter = "size", paths = ["INVENTORY", "/ws/v1/parts/bulk"], doc = "a", KNOWN }]',
            ("docs", 0, "paths", 1),
            "docs: /ws/v1/parts/bulk has not the parameter 'size'",
        ),
        (
            'docs = [{ field = "id", method = "DELETE", paths = ["INVENTORY"], doc = "a", KNOWN }]',
            ("docs", 0, "paths", 0),
            f"docs: DELETE {INVENTORY} has not the query field 'id'",
        ),
        (
            'docs = [{ paths = ["/ws/v1/parts", "/ws/v1/bins"], doc = "a", KNOWN }]',
            ("docs", 0, "paths", 1),
            "docs: /ws/v1/bins is not in the spec",
        ),
        (
            'docs = [{ paths = ["INVENTORY"], method = "PUT", doc = "a", KNOWN }]',
            ("docs", 0, "paths", 0),
            f"docs: PUT {INVENTORY} is not in the spec",
        ),
    ],
)
def test_a_stale_entry_is_found_where_it_stands(text: str, address: tuple[str | int, ...], message: str) -> None:
    assert stale_of(PARTS, text.replace("KNOWN", KNOWN).replace("INVENTORY", INVENTORY)) == [(address, message, ANY)]


def test_all_stale_entries_are_told_at_once() -> None:
    text = f"""
    types = {{ Text = {{ literals = [], {KNOWN} }} }}
    remove = [{{ path = "/ws/v1/none", {KNOWN} }}]
    docs = [{{ field = "no", doc = "a", {KNOWN} }}]
    """
    with pytest.raises(SpecError) as caught:
        spec_of(PARTS, text)
    assert str(caught.value).split("\n") == [
        "overrides.toml no longer fits the spec:",
        "  remove: /ws/v1/none is not in the spec",
        "  docs: no request has the query field 'no'",
        "  types: no field has the type 'Text'",
    ]


UNSEEN = """
    certainty = [{ path = "BINS", certainty = "recorded", KNOWN }]
    names = { "GET BINS" = { name = "bins.all", KNOWN } }
    operation = [{ method = "GET", path = "BINS", schema = "Bin", KNOWN }]
    values = [{ field = "a", values = ["b"], paths = ["BINS"], KNOWN }]
    columns = [{ path = "BINS", columns = ["a"], certainty = "inferred", KNOWN }]
    docs = [{ field = "a", doc = "b", paths = ["BINS"], KNOWN }, { field = "a", doc = "b", KNOWN }]
    types = { Odd = { literals = ["text"], KNOWN } }
    operators = { near = { literals = ["text"], KNOWN } }
    legacy = [{ object = "Bin", field = "a", column = "a", paths = ["BINS"], KNOWN }]
    schemas = { Bin = { category = "bins", properties = {}, KNOWN } }
    add = [{ path = "BINS/more", KNOWN }]
    remove = [{ path = "BINS/less", KNOWN }]
    replace = [{ path = "BINS", method = "GET", params = [], KNOWN }]
""".replace("KNOWN", KNOWN).replace("BINS", "/ws/v1/bins/inventory")


def test_what_was_not_seen_is_not_known_to_be_gone() -> None:
    assert {entry.address[0] for entry in stale_of(PARTS, UNSEEN)} == {
        *("certainty", "names", "operation", "values", "columns", "docs", "types", "operators", "legacy", "schemas"),
        *("add", "remove", "replace"),
    }
    unavailable = {"bins": (403, "forbidden")}
    assert stale_of(PARTS, UNSEEN, unavailable=unavailable) == []
    assert "Bin" in spec_of(PARTS, UNSEEN, unavailable=unavailable).overrides.schemas


def test_what_was_seen_is_judged_whatever_else_was_not() -> None:
    text = f'names = {{ "PUT {INVENTORY}" = {{ name = "a", {KNOWN} }} }}'
    assert len(stale_of(PARTS, text, unavailable={"bins": (403, "forbidden"), "part": (403, "forbidden")})) == 1
