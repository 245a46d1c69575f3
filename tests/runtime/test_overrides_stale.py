"""Every entry that no longer applies is found, each by its own address in the file."""

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
    assert stale_of(PARTS, text.replace("KNOWN", KNOWN).replace("INVENTORY", INVENTORY)) == [(address, message)]


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


def test_a_category_that_is_only_unavailable_keeps_its_schemas() -> None:
    text = f'schemas = {{ Bin = {{ category = "bins", properties = {{}}, {KNOWN} }} }}'
    assert "Bin" in spec_of(PARTS, text, unavailable={"bins": (403, "forbidden")}).overrides.schemas
