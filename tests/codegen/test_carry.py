"""Carrying hand knowledge to the next version: what applies stays letter for letter, what does not goes and is told."""

from __future__ import annotations

import copy
import tomllib
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digirm_codegen import spec_files
from digirm_codegen.carry import carry
from digirm_codegen.spec_files import Capture, Unavailable
from digirm_runtime import overrides, spec
from digirm_runtime.errors import SpecError
from tests.codegen.support import ROOT, field, listing, path, request
from tests.support.overriding import KNOWN

INVENTORY, BULK = "/ws/v1/parts/inventory", "/ws/v1/parts/bulk"
FIELDS = ("id", "name", "state", "made")
NAME = '{ field = "name", doc = "A name.", source = "s", reason = "r" }'
SIZE = '{ parameter = "size", doc = "How many.", source = "s", reason = "r" }'
TEXT = """\
# By hand.
format = 1

# How sure.
certainty = [
    { path = "/ws/v1/parts/inventory", certainty = "documented", source = "s", reason = "r" }, # this one
    # two fields
    { path = "/ws/v1/parts/inventory", method = "GET", fields = ["id", "name"], certainty = "recorded", KNOWN },
    { path = "/ws/v1/bins/inventory", certainty = "documented", source = "s", reason = "r" }
]
docs = [DOCS]

# Names -----

[names]
"GET /ws/v1/parts/bulk" = { name = "parts.all", source = "s", reason = "r" }
"GET /ws/v1/bins/inventory" = { name = "bins.all", source = "s", reason = "r" } # of bins

# Operations -----

[[operation]]
method = "GET"
path = "/ws/v1/parts/inventory"
schema = "Part"
doc = \"\"\"
[[operation]]
# no comment\"\"\"
source = "s"
reason = "r"

[[operation]]
method = "GET"
path = "/ws/v1/bins/inventory"
schema = "Part"
source = "s"
reason = "r"

[[values]]
field = "state"
values = ["new", "used"]
paths = [
    "/ws/v1/parts/inventory", # the list
    "/ws/v1/parts/bulk",
]
source = "s"
reason = "r"

# Kinds -----

[types]
Numeric = { literals = ["number"], source = "s", reason = "r" }
State = { literals = ["text"], source = "s", reason = "r" }

[[add]]
path = "/ws/v1/bins/extra"
source = "s"
reason = "r"

[[add]]
path = "/ws/v1/bins/extra"
method = "GET"
source = "s"
reason = "r"

[schemas.Part]
category = "parts"
key = "id"
source = "s"
reason = "r"

[schemas.Part.properties]
id = "integer"
# The end.
""".replace("DOCS", f"{NAME}, {SIZE}").replace("KNOWN", KNOWN)
TYPES = {"id": "Numeric", "name": "Text", "state": "State", "made": "Timestamp"}
PARTS: dict[str, Any] = {
    "parts": listing(
        path(INVENTORY, request("GET", "query", "size", query=[field(name, TYPES[name], "=", "<") for name in FIELDS])),
        path(BULK, request("GET", "fields", query=[field(name, TYPES[name], "=") for name in FIELDS])),
    ),
    "bins": listing(path("/ws/v1/bins/inventory", request("GET", "size"))),
}


def capture_of(documents: dict[str, Any], **settings: Any) -> Capture:
    given = {"api_version": "2", "base_path": "/ws/v1", "provenance": "reconstructed", "unavailable": {}, **settings}
    return Capture(documents=documents, **given)


def without(*gone: tuple[str, ...]) -> dict[str, Any]:
    """PARTS without categories, paths, or (path, field or parameter)."""
    documents = copy.deepcopy(PARTS)
    for what in gone:
        for name in list(documents):
            if what == (name,):
                del documents[name]
                continue
            items = documents[name]["list"]
            documents[name]["list"] = [item for item in items if what != (item["path"],)]
            for described in (r for item in items if what[:1] == (item["path"],) for r in item["requests"]):
                described["params"] = [param for param in described["params"] if param != what[-1]]
                described["query"] = [f for f in described.get("query", []) if f["field"] != what[-1]]
    return documents


def removed(before: str, after: str) -> list[str]:
    """The lines that went; the others are as they were, in their order."""
    lines, kept = before.split("\n"), iter(after.split("\n"))
    following = next(kept, None)
    gone = []
    for line in lines:
        if line == following:
            following = next(kept, None)
        else:
            gone.append(line)
    assert following is None
    return gone


def test_what_still_applies_is_carried_letter_for_letter() -> None:
    assert carry(TEXT, capture_of(PARTS)) == (TEXT, ())
    assert carry("", capture_of(PARTS)) == ("", ())


def test_entries_of_what_is_gone_go_and_are_told() -> None:
    text, dropped = carry(TEXT, capture_of(without(("bins",))))
    assert dropped == (
        "add: /ws/v1/bins/extra: there is no category 'bins'",
        "add: GET /ws/v1/bins/extra: the path is not in the spec",
        "certainty: /ws/v1/bins/inventory is not in the spec",
        "names: GET /ws/v1/bins/inventory is not in the spec",
        "operation: GET /ws/v1/bins/inventory is not in the spec",
    )
    entry = ["path", "source", "reason"]
    assert [line.split(" =")[0] if " = " in line and line[0] not in ' "' else line for line in removed(TEXT, text)] == [
        '    { path = "/ws/v1/bins/inventory", certainty = "documented", source = "s", reason = "r" }',
        '"GET /ws/v1/bins/inventory" = { name = "bins.all", source = "s", reason = "r" } # of bins',
        *("[[operation]]", "method", "path", "schema", "source", "reason", ""),
        *("[[add]]", *entry, "", "[[add]]", "path", "method", "source", "reason", ""),
    ]


@pytest.mark.parametrize(
    ("gone", "edits"),
    [
        ([(INVENTORY, "name")], {'fields = ["id", "name"]': 'fields = ["id"]'}),
        ([(INVENTORY, "state")], {'    "/ws/v1/parts/inventory", # the list\n': ""}),
        ([(BULK, "state")], {'    "/ws/v1/parts/bulk",\n': ""}),
        (
            [(INVENTORY, "name"), (BULK, "name")],
            {'fields = ["id", "name"]': 'fields = ["id"]', f"{NAME}, ": ""},
        ),
        ([(INVENTORY, "size"), ("/ws/v1/bins/inventory", "size")], {f", {SIZE}": ""}),
        (
            [(INVENTORY, "id"), (BULK, "id")],
            {
                'fields = ["id", "name"]': 'fields = ["name"]',
                'Numeric = { literals = ["number"], source = "s", reason = "r" }\n': "",
            },
        ),
    ],
)
def test_of_an_entry_that_names_several_things_only_those_go(
    gone: list[tuple[str, ...]], edits: dict[str, str]
) -> None:
    carried = carry(TEXT, capture_of(without(*gone)))
    expected = TEXT
    for before, after in edits.items():
        assert expected.count(before) == 1
        expected = expected.replace(before, after)
    assert carried.text == expected
    assert len(carried.dropped) == len(edits)


def test_an_entry_that_would_say_nothing_goes_as_a_whole() -> None:
    text = """
[[certainty]]
path = "/ws/v1/parts/inventory"
method = "GET"
fields = ["name"]
certainty = "recorded"
source = "s"
reason = "r"

[[values]]
field = "name"
values = ["a"]
paths = ["/ws/v1/parts/inventory", "/ws/v1/parts/bulk"]
source = "s"
reason = "r"
"""
    gone = without((INVENTORY, "name"), (BULK, "name"))
    assert carry(text, capture_of(gone)).text.strip() == ""


def test_an_entry_goes_with_what_it_stood_on() -> None:
    text = """\
operation = [
    { method = "GET", path = "/ws/v1/parts/inventory", schema = "Bin", source = "s", reason = "only a schema" },
    { method = "GET", path = "/ws/v1/parts/bulk", schema = "Bin", doc = "Rows.", source = "s", reason = "r" },
]

[schemas.Bin]
category = "bins"
source = "s"
reason = "r"
[schemas.Bin.properties]
id = "integer"
"""
    carried = carry(text, capture_of(without(("bins",))))
    assert carried.text == (
        "operation = [\n"
        '    { method = "GET", path = "/ws/v1/parts/bulk", doc = "Rows.", source = "s", reason = "r" },\n'
        "]\n"
    )
    assert carried.dropped == (
        "schemas: Bin: there is no category 'bins'",
        f"operation: GET {INVENTORY}: there is no schema 'Bin'",
        f"operation: GET {BULK}: there is no schema 'Bin'",
    )


def test_an_unavailable_category_keeps_its_schemas() -> None:
    text = '[schemas.Bin]\ncategory = "bins"\nproperties = {}\nsource = "s"\nreason = "r"\n'
    unavailable = {"bins": Unavailable(403, "forbidden")}
    assert carry(text, capture_of(without(("bins",)), unavailable=unavailable)).text == text


def test_what_the_new_version_brings_itself_is_no_longer_added() -> None:
    text = f'[[add]]\npath = "{INVENTORY}"\nsource = "s"\nreason = "missing"\n'
    assert carry(text, capture_of(PARTS)) == ("", (f"add: {INVENTORY}: it is in the spec already",))


@pytest.mark.parametrize("text", ["certainty = [", "unknown = 1", 'docs = [{ doc = "a", source = "s", reason = "r" }]'])
def test_what_is_wrong_whatever_the_version_is_an_error(text: str) -> None:
    with pytest.raises(SpecError, match=r"overrides\.toml"):
        carry(text, capture_of(PARTS))


THINGS = [
    ("bins",),
    ("parts",),
    (INVENTORY,),
    (BULK,),
    ("/ws/v1/bins/inventory",),
    ("/ws/v1/bins/inventory", "size"),
    *((where, name) for where in (INVENTORY, BULK) for name in (*FIELDS, "size", "fields")),
]


@settings(max_examples=60)
@given(st.lists(st.sampled_from(THINGS), max_size=6, unique=True))
def test_whatever_goes_the_rest_applies_and_stays(gone: list[tuple[str, ...]]) -> None:
    capture = capture_of(without(*gone))
    carried = carry(TEXT, capture)
    known = overrides.parse(carried.text, "carried")
    assert not _stale(capture, known)
    assert carry(carried.text, capture) == (carried.text, ())
    # Comments that stand on their own stay, and so does every entry that would have applied alone.
    for line in TEXT.split("\n"):
        assert not line.startswith("#") or line == '# no comment"""' or line in carried.text.split("\n")
    before, after = tomllib.loads(TEXT), tomllib.loads(carried.text)
    for section in ("certainty", "docs", "values"):
        for entry in before[section]:
            alone = msgspec.convert({section: [entry]}, overrides.Overrides)
            assert _stale(capture, alone) or entry in after[section]


def _stale(capture: Capture, known: overrides.Overrides) -> bool:
    version: dict[str, Any] = {"api_version": "2", "base_path": "/ws/v1", "provenance": "reconstructed"}
    return bool(spec.examine(capture.documents, overrides=known, **version)[1])


def test_the_committed_overrides_carry_from_version_to_version() -> None:
    text = (ROOT / "specs" / "22.7" / "overrides.toml").read_text("utf-8")
    capture = spec_files.read(ROOT / "specs" / "docs-2023")
    carried = carry(text, capture)
    assert [line for line in carried.dropped if "network_interfaces" not in line] == []
    assert all("network_interfaces" in line for line in removed(text, carried.text))
    assert carry(carried.text, capture) == (carried.text, ())
