from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digirm_runtime.query.ast import And, Condition, Expr, Literal, Not, Or
from digirm_runtime.query.printer import print_expr
from digirm_simulator import Clock, Simulator
from tests.simulator.oracle import TYPES, fitting, matches
from tests.simulator.support import DEVICES, NOW, Api, device_id

ORDER = ["=", "<>", "<", "<=", ">", ">="]
WORDS = ["contains", "startsWith", "endsWith"]
OPERATORS = {
    "Text": ORDER + WORDS,
    "Enumerated": ["=", "<>"],
    "Numeric": ORDER,
    "Timestamp": ORDER,
    "Group": ORDER + WORDS,
    "Tags": ["=", "<>", "contains"],
    "Boolean": ["=", "<>"],
}

#: Awkward devices beside the fleet: quotes, wildcards of LIKE, letters whose case is not plain, values that are unset,
#: values that no field of their type should hold.
ODD: list[dict[str, Any]] = [
    {"name": "O'Brien's 100%_sure \\ \"x\"", "group": "Alpha/Beta", "tags": ["a'b", "100%"], "signal_percent": 0},
    {"name": "STRASSE", "location": "straße", "tags": ["Ärger"], "signal_percent": -5, "vendor_id": 4261412874},
    {"name": "; DROP TABLE devices; --", "last_update": "2022-07-15T12:00:00.000Z", "signal_percent": 50.5},
    {"name": "\u0130stanbul \U0001f600", "last_update": "2022-07-14T12:00:00.000Z", "group": "alpha"},
    {"name": "", "tags": [], "location": " "},
    {"name": 12, "tags": "lab", "location": {"x": 1}, "group": "/Alpha/Beta", "signal_percent": "50.5"},
    {"name": True, "tags": [None, "", {"x": 1}], "location": [], "group": "/", "signal_percent": [7], "vendor_id": {}},
    {"name": {}, "tags": ["Lab", 7, None], "last_update": "soon", "signal_percent": "many", "vendor_id": "0xFE"},
    {"name": [""], "tags": {"x": 1}, "location": [{}], "last_update": 1657800000000, "signal_percent": True},
]


@pytest.fixture(scope="module", params=[False, True], ids=["", "trigram"])
def fleet(request: pytest.FixtureRequest) -> Iterator[tuple[Api, list[dict[str, Any]]]]:
    simulator = Simulator(devices=30, seed=5, clock=Clock(NOW, speed=0), trigram=request.param)
    for number, values in enumerate(ODD):
        simulator.put(DEVICES, {"id": device_id(number), "connection_status": "disconnected", **values})
    api = Api(simulator)
    yield api, api.get(DEVICES).body["list"]
    simulator.close()


def selected(api: Api, expr: Expr) -> list[str]:
    """The ids of what a query selects. In which order a query gives them is not documented."""
    return sorted(api.ids(query=print_expr(expr)))


def judged(expr: Expr, documents: list[dict[str, Any]]) -> list[str]:
    return sorted(item["id"] for item in documents if matches(expr, item))


def values(documents: list[dict[str, Any]], field: str) -> st.SearchStrategy[Literal]:
    """Literals for a field: those of the documents, parts of them, and others."""
    kind = TYPES[field]
    usual = (int, float) if kind == "Numeric" else (str,)
    held = [document.get(field) for document in documents]
    items = [item for value in held for item in (value if isinstance(value, list) else [value])]
    stored: list[Any] = [item for item in items if type(item) in usual and fitting(kind, item)]
    empty = st.just(Literal("empty", "empty"))
    if kind == "Numeric":
        known = st.sampled_from(sorted({str(value) for value in stored}))
        others = st.one_of(known, st.integers(-200, 200).map(str), st.integers(0, 1 << 40).map(hex))
        return others.map(lambda text: Literal("number", text)) | empty
    if kind == "Timestamp":
        relative = st.builds("{}{}{}".format, st.sampled_from("+-"), st.integers(0, 400), st.sampled_from("dhms"))
        return (
            st.one_of(relative.map(lambda text: Literal("relative", text)))
            | st.sampled_from(stored).map(lambda text: Literal("text", text))
            | empty
        )
    some = st.sampled_from(sorted(set(stored)))
    cut = st.integers(1, 12)
    parts = [
        st.builds(lambda text, end: text[:end], some, cut),
        st.builds(lambda text, start: text[-start:], some, cut),
        st.builds(lambda text, start, end: text[start:-end], some, cut, cut),
    ]
    wild = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=6)
    swapped = st.one_of(parts).map(str.swapcase)
    slashed = some.map(lambda text: "/" + text)
    return st.one_of(some, *parts, swapped, slashed, wild).map(lambda text: Literal("text", text)) | empty


def conditions(documents: list[dict[str, Any]]) -> st.SearchStrategy[Expr]:
    def of(field: str) -> st.SearchStrategy[Expr]:
        def made(value: Literal) -> st.SearchStrategy[Expr]:
            allowed = ["=", "<>"] if value.kind == "empty" else OPERATORS[TYPES[field]]
            return st.sampled_from(allowed).map(lambda sign: Condition(field, sign, value))

        return values(documents, field).flatmap(made)

    # No field of devices is a Boolean.
    return st.sampled_from(sorted(TYPES.keys() - {"managed"})).flatmap(of)


def expressions(documents: list[dict[str, Any]]) -> st.SearchStrategy[Expr]:
    def deeper(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
        chain = st.lists(inner, min_size=2, max_size=4)
        return st.one_of(inner.map(Not), chain.map(And), chain.map(Or))

    return st.recursive(conditions(documents), deeper, max_leaves=12)


@settings(max_examples=60)
@given(data=st.data())
def test_a_query_selects_what_its_meaning_says(fleet: tuple[Api, list[dict[str, Any]]], data: st.DataObject) -> None:
    api, documents = fleet
    expr = data.draw(expressions(documents))
    assert selected(api, expr) == judged(expr, documents)


@settings(max_examples=60)
@given(data=st.data())
def test_a_condition_selects_what_it_says(fleet: tuple[Api, list[dict[str, Any]]], data: st.DataObject) -> None:
    api, documents = fleet
    expr = data.draw(conditions(documents))
    assert selected(api, expr) == judged(expr, documents)


@settings(max_examples=60)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_no_text_fails_or_changes_anything(fleet: tuple[Api, list[dict[str, Any]]], text: str) -> None:
    api, documents = fleet
    for params in (
        {"query": text},
        {"orderby": text},
        {"cursor": text},
        {"group": text},
        {"query": f"name = '{text}'"},
    ):
        assert api.get(DEVICES, **params).status in (200, 400)
        assert api.get("/ws/v1/devices/bulk", **params, fields=text).status in (200, 400)
    assert api.get(DEVICES).body["list"] == documents


@pytest.mark.parametrize(
    "text",
    [
        "name = 'x'; DROP TABLE devices",
        "name = '' or 1=1",
        "name = '' OR ''=''",
        "name = 'x' union select body from devices",
        "f0 = 'x'",
        "seq = 1",
        "name = 'x' --",
        "\"name\" = 'x'",
        "name like '%'",
    ],
)
def test_sql_is_no_query(fleet: tuple[Api, list[dict[str, Any]]], text: str) -> None:
    api, documents = fleet
    assert api.get(DEVICES, query=text).status == 400
    assert api.get(DEVICES, orderby=text).status == 400
    assert api.ids(query="name = '" + text.replace("'", "''") + "'") == []
    assert api.get(DEVICES).body["list"] == documents


def test_long_chains_and_deep_nesting(fleet: tuple[Api, list[dict[str, Any]]]) -> None:
    api, documents = fleet
    ids = [item["id"] for item in documents]
    assert api.ids(query=" or ".join(f"id = '{ids[at % 3]}'" for at in range(3000))) == ids[:3]
    assert api.ids(query=" and ".join(["id <> 'x'"] * 3000)) == ids
    assert api.ids(query="not " * 150 + f"id = '{ids[0]}'") == ids[:1]
    deep: Expr = Condition("id", "=", Literal("text", ids[0]))
    for depth in range(95):
        deep = (And if depth % 2 else Or)([Condition("id", "<>", Literal("text", str(depth))), Not(deep)])
    assert selected(api, deep) == judged(deep, documents)
    assert api.get(DEVICES, query=" or ".join(f"id = '{at}'" for at in range(30_001))).status == 400
    assert api.ids(query=" or ".join([f"id = '{ids[0]}'"] * 30_001)) == ids[:1]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("tags = ''", ["", "{}", "[{}]"]),
        ("tags <> ''", ["a", "list"]),
        ("tags contains ''", ["a", "list"]),
        ("tags = 'a' or tags = 'b'", ["a", "list"]),
        ("location = empty", ["", "{}", "[{}]"]),
        ("location startsWith ''", ["a", "list"]),
        ("group = empty", ["", "{}", "[{}]"]),
        ("group = '/a'", ["a"]),
        # A list where one text is expected is its JSON text here; the predicate asks each of its items.
        ("location = 'b'", []),
        ("location contains '\"b\"'", ["list"]),
    ],
)
def test_values_that_nobody_expects(query: str, expected: list[str]) -> None:
    simulator = Simulator(devices=0, clock=Clock(NOW, speed=0))
    held: dict[str, Any] = {"": "", "{}": {"x": 1}, "[{}]": [{"x": 1}, None, ""], "a": "a", "list": ["x", "B"]}
    for name, value in held.items():
        simulator.put(DEVICES, {"id": name, "tags": value, "location": value, "group": value})
    assert Api(simulator).ids(query=query) == expected
    simulator.close()


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("signal_percent = 'many'", "Field 'signal_percent': 'many' is not a number"),
        ("name > empty", "Field 'name': 'empty' goes with = and <> only"),
        ("name = [1,2]", "Field 'name': what an area means"),
        ("tags startsWith 'x'", "Field 'tags' does not support the operator 'startsWith'"),
    ],
)
def test_what_means_nothing_is_refused(fleet: tuple[Api, list[dict[str, Any]]], query: str, message: str) -> None:
    found = fleet[0].get(DEVICES, query=query)
    assert found.status == 400
    assert message in found.body["error_message"]


#: Numbers at and beyond the ends of 64 bits, of a float, and of what Python converts.
HUGE = [str((1 << 63) + step) for step in (-1, 0, 1)] + ["9" * digits for digits in (20, 400, 5000)]
HUGE += ["0x" + "f" * digits for digits in (16, 17, 300, 5000)] + ["9" * 400 + ".5", "1" * 5000 + ".0"]


@pytest.mark.parametrize("field", ["last_update", "signal_percent", "vendor_id"])
@pytest.mark.parametrize("number", HUGE, ids=lambda text: f"{text[:6]}-{len(text)}")
def test_no_number_is_too_big(fleet: tuple[Api, list[dict[str, Any]]], field: str, number: str) -> None:
    api, _ = fleet
    for literal in (number, "-" + number, f"'{number}'"):
        for sign in ORDER:
            found = api.get(DEVICES, query=f"{field} {sign} {literal}")
            assert found.status in (200, 400), found.body
            if found.status == 200 and sign == ">":
                everything = literal.startswith("-")
                assert (found.body["count"] > 0) == everything


@pytest.mark.parametrize("unit", "dhmsw")
@pytest.mark.parametrize("digits", [14, 18, 19, 5000])
def test_no_relative_time_is_too_far(fleet: tuple[Api, list[dict[str, Any]]], digits: int, unit: str) -> None:
    api, _ = fleet
    known = api.ids(query="last_update <> empty")
    far = "9" * digits + unit
    assert api.ids(query=f"last_update > -{far}") == api.ids(query=f"last_update < +{far}") == known
    assert api.ids(query=f"last_update < -{far}") == api.ids(query=f"last_update > +{far}") == []
    # Zeros before a number do not make it longer.
    zeros = "0" * digits
    assert api.ids(query=f"last_update > -{zeros}1{unit}") == api.ids(query=f"last_update > -1{unit}")


@pytest.mark.parametrize("path", [DEVICES, f"{DEVICES}/config/1"], ids=["stored", "computed"])
def test_relative_times_mean_the_same_on_every_page(path: str) -> None:
    with Simulator(devices=0, clock=Clock(NOW, speed=0)) as simulator:
        ids = [device_id(number) for number in range(7)]
        for key in ids:
            simulator.put(DEVICES, {"id": key, "last_update": "2022-07-14T12:30:00.000Z", "group": "lab"})
        simulator.put("/ws/v1/configs/inventory", {"id": 1, "groups": ["lab"]})
        api = Api(simulator)
        params: dict[str, Any] = {"query": "last_update > -1d", "size": 2, "orderby": "id"}
        found = api.get(path, **params).body
        shown = found["list"]
        while "cursor" in found:
            simulator.clock.advance(hours=1)
            assert api.get(path, **params).body["count"] == 0
            found = api.get(path, **params, cursor=found["cursor"]).body
            shown += found["list"]
        assert [item["id"] for item in shown] == ids
