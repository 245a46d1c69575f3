"""What is read of `overrides.toml`: lookups, precedence, and what is wrong whatever the spec."""

from pathlib import Path

import pytest

from digirm_runtime import overrides
from digirm_runtime.errors import SpecError
from digirm_runtime.overrides import Overrides
from tests.codegen.support import field, listing, path, request
from tests.support.overriding import KNOWN, spec_of

DOCS = f"""
docs = [
    {{ field = "id", doc = "An id.", {KNOWN} }},
    {{ field = "id", paths = ["/ws/v1/parts/inventory"], doc = "The part's id.", {KNOWN} }},
    {{ field = "id", paths = ["/ws/v1/parts/inventory"], doc = "A later entry.", {KNOWN} }},
    {{ field = "id", paths = ["/ws/v1/parts/inventory"], method = "DELETE", doc = "What to delete.", {KNOWN} }},
    {{ parameter = "size", doc = "How many.", {KNOWN} }},
    {{ parameter = "size", method = "DELETE", doc = "How many to delete.", {KNOWN} }},
    {{ paths = ["/ws/v1/parts", "/ws/v1/parts/bulk"], doc = "Parts.", {KNOWN} }},
]
"""
ID = field("id", "Numeric", "=", "<")
PARTS = {
    "parts": listing(
        path(
            "/ws/v1/parts/inventory",
            request("GET", "query", "size", query=[ID, field("name", "Text", "=")]),
            request("DELETE", "size", query=[ID]),
        ),
        path("/ws/v1/parts/bulk", request("GET", "size", query=[ID])),
    )
}


@pytest.mark.parametrize(
    ("where", "method", "asked", "doc"),
    [
        ("/ws/v1/parts/inventory", "GET", {"field": "id"}, "The part's id."),
        ("/ws/v1/parts/inventory", "DELETE", {"field": "id"}, "What to delete."),
        ("/ws/v1/parts/bulk", "GET", {"field": "id"}, "An id."),
        ("/ws/v1/parts/bulk", "GET", {"parameter": "size"}, "How many."),
        ("/ws/v1/parts/inventory", "DELETE", {"parameter": "size"}, "How many to delete."),
        ("/ws/v1/parts/inventory", "GET", {"parameter": "id"}, ""),
        ("/ws/v1/parts/inventory", "GET", {"field": "name"}, ""),
        ("/ws/v1/parts/inventory", "GET", {}, ""),
        ("/ws/v1/parts/bulk", "GET", {}, "Parts."),
        ("/ws/v1/parts", "", {}, "Parts."),
    ],
)
def test_what_names_the_path_and_the_method_stands_first(
    where: str, method: str, asked: dict[str, str], doc: str
) -> None:
    assert overrides.parse(DOCS, "here").docs_of(where, method, **asked) == doc


def test_fields_have_their_docs() -> None:
    spec = spec_of(PARTS, DOCS)
    found = {
        (request.method, listed.template, field.name): field.doc
        for category in spec.categories
        for listed in category.paths
        for request in listed.requests or ()
        for field in request.query
    }
    assert found == {
        ("GET", "/ws/v1/parts/inventory", "id"): "The part's id.",
        ("GET", "/ws/v1/parts/inventory", "name"): "",
        ("DELETE", "/ws/v1/parts/inventory", "id"): "What to delete.",
        ("GET", "/ws/v1/parts/bulk", "id"): "An id.",
    }


CERTAINTY = f"""
certainty = [
    {{ path = "/ws/v1/parts/inventory", certainty = "documented", {KNOWN} }},
    {{ path = "/ws/v1/parts/inventory", method = "DELETE", certainty = "recorded", {KNOWN} }},
    {{ path = "/ws/v1/parts/inventory", method = "GET", fields = ["id"], certainty = "recorded", {KNOWN} }},
]
"""


@pytest.mark.parametrize(
    ("method", "where", "provenance", "certainty"),
    [
        ("GET", "/ws/v1/parts/inventory", "reconstructed", "documented"),
        ("DELETE", "/ws/v1/parts/inventory", "reconstructed", "recorded"),
        ("GET", "/ws/v1/parts/bulk", "reconstructed", "inferred"),
        ("GET", "/ws/v1/parts/bulk", "live", "recorded"),
    ],
)
def test_how_sure_a_request_is(method: str, where: str, provenance: str, certainty: str) -> None:
    assert overrides.parse(CERTAINTY, "here").certainty_of(method, where, provenance) == certainty


def test_how_sure_a_field_is() -> None:
    known = overrides.parse(CERTAINTY, "here")
    assert known.field_knowledge("/ws/v1/parts/inventory", "GET", "id", "reconstructed") == ((), "recorded")
    assert known.field_knowledge("/ws/v1/parts/inventory", "DELETE", "id", "reconstructed") == ((), "inferred")
    assert known.field_knowledge("/ws/v1/parts/inventory", "DELETE", "id", "live") == ((), "recorded")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("docs = [ { ", "here: "),
        ("a = " + "[" * 5000, "here: nested too deep"),
        ("format = 2", "has not the format 1"),
        ("unheard_of = 1", "here: .*unheard_of"),
        ('[[add]]\npath = "/ws/v1/x"', "here: .*source"),
        (f'[[add]]\npath = "/ws/v1/x"\ncertainty = "likely"\n{KNOWN.replace(", ", chr(10))}', "here: .*certainty"),
    ],
)
def test_a_damaged_file_is_an_error_that_names_it(text: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        overrides.parse(text, "here")


def test_a_file_that_is_too_large_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "overrides.toml"
    with file.open("wb") as out:
        out.truncate(overrides.MAX_BYTES + 1)
    with pytest.raises(SpecError, match=r"overrides\.toml is larger than 16 MiB"):
        overrides.load(file)


def test_a_file_that_is_no_text_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "overrides.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SpecError, match="codec"):
        overrides.load(tmp_path / "overrides.toml")
    with pytest.raises(SpecError, match="cannot read"):
        overrides.load(tmp_path)
    assert overrides.load(tmp_path / "none") == Overrides()


BULK = 'path = "/ws/v1/parts/bulk", method = "GET"'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'certainty = [{ path = "/ws/v1/parts/bulk", fields = ["id"], certainty = "recorded", KNOWN }]',
            "fields are th",
        ),
        ('docs = [{ field = "a", parameter = "b", doc = "c", KNOWN }]', "'a' and 'b': an entry speaks of one"),
        ('docs = [{ doc = "c", KNOWN }]', "'c' names no field, no parameter and no paths"),
        ('types = { Text = { literals = ["text"], compares = "roman", KNOWN } }', "'roman' is no way to compare"),
        ('add = [{ path = "/ws/v1/parts/x", method = "GIVE", KNOWN }]', "add: GIVE /ws/v1/parts/x: unknown method"),
        ('remove = [{ path = "/ws/v1/parts/bulk", parameter = "size", KNOWN }]', "one of a method, which is missing"),
        (
            'remove = [{ BULK, parameter = "size", field = "id", KNOWN }]',
            "a parameter or of a query field",
        ),
        ('remove = [{ BULK, operator = "=", KNOWN }]', "an operator is one of"),
        ('add = [{ path = "/ws/v1/parts/bulk", method = "PUT", type = "Text", KNOWN }]', "those of a query field"),
        ("replace = [{ BULK, orderby = false, KNOWN }]", "those of a query field"),
        ("replace = [{ BULK, KNOWN }]", "nothing to put in its place"),
        ('add = [{ path = "/ws/v1/parts/x", params = ["size"], KNOWN }]', "params are those of a request"),
        (
            'add = [{ BULK, field = "x", type = "Text", KNOWN }]',
            "a query field has a type and operators",
        ),
        (
            'add = [{ BULK, field = "x y", type = "Text", operators = ["="], KNOWN }]',
            "cannot be written in a query",
        ),
        (
            'add = [{ BULK, field = "x", type = "Text", operators = ["a b"], KNOWN }]',
            "'a b' is no operator",
        ),
        ('add = [{ BULK, parameter = "a\\nb", KNOWN }]', "cannot be a name"),
    ],
)
def test_what_contradicts_itself_is_an_error_whatever_the_spec(text: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        spec_of(PARTS, text.replace("KNOWN", KNOWN).replace("BULK", BULK))
    assert message in str(caught.value)
