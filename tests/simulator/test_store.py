"""The store: transactions, images, files, and that whatever way a query is read gives the same rows."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from digirm_runtime.query.ast import And, Condition, Expr, Literal, Not, Or
from digirm_simulator.collection import Collection, DuplicateError, open_collection
from digirm_simulator.contract import Field, FieldType
from digirm_simulator.indices import Order
from digirm_simulator.sql import Where, where
from digirm_simulator.store import Store, StoreError
from tests.simulator.oracle import TYPES, matches, ordered
from tests.simulator.support import BASIC, DEVICES, NOW, device_id
from tests.simulator.test_query import OPERATORS

COMPARES = {
    "Text": "text",
    "Enumerated": "text",
    "Numeric": "number",
    "Timestamp": "timestamp",
    "Group": "group",
    "Tags": "tags",
    "Boolean": "boolean",
}


def field(name: str) -> Field:
    kind = TYPES[name]
    operators = tuple(OPERATORS[kind])
    return Field(name, FieldType(kind, COMPARES[kind], operators), operators, True, "inferred", "this test", ())


FIELDS = {name: field(name) for name in TYPES}
#: All that can be ordered have an index; each index carries two fields.
INDEXED = ["id", "name", "vendor_id", "group", "last_update", "signal_percent", "managed", "connection_status"]
COVERING = ["connection_status", "last_update"]


def collection(store: Store) -> Collection:
    found = open_collection(store, "devices", "id", FIELDS, indexed=INDEXED, covering=COVERING)
    store.finish()
    return found


@pytest.fixture
def table() -> Iterator[Collection]:
    with closing(Store()) as store:
        yield collection(store)


# Transactions


def fail_after(table: Collection, *keys: str) -> None:
    """Insert objects, each in a transaction inside the one that fails."""
    with table.store.transaction():
        for key in keys:
            table.insert([{"id": key}])
        raise KeyError


def test_what_fails_leaves_nothing(table: Collection) -> None:
    with pytest.raises(DuplicateError):
        table.insert([{"id": "a"}, {"id": "b"}, {"id": "a"}])
    assert table.keys() == []
    with pytest.raises(KeyError):
        fail_after(table, "a")
    assert table.keys() == []


def test_an_inner_transaction_undoes_its_own_part_only(table: Collection) -> None:
    with table.store.transaction():
        table.insert([{"id": "a"}])
        with pytest.raises(DuplicateError):
            table.insert([{"id": "b"}, {"id": "a"}])
        with pytest.raises(KeyError):
            fail_after(table, "c", "d")
        table.insert([{"id": "e"}])
    assert table.keys() == ["a", "e"]
    assert not table.store.connection.in_transaction


def test_a_transaction_that_sqlite_ends_itself_leaves_nothing(table: Collection) -> None:
    table.insert([{"id": "a", "name": "kept"}])
    [(pages_now,)] = table.store.sql("PRAGMA page_count")
    table.store.sql(f"PRAGMA max_page_count={pages_now + 5}")

    def fill() -> None:
        with table.store.transaction():
            table.replace({"id": "a", "name": "changed"})
            table.insert({"id": str(at), "name": "x" * 1000} for at in range(100))

    # As on a full disk. The error is that one, not of a rollback which there is nothing left for.
    with pytest.raises(sqlite3.OperationalError, match="full"):
        fill()
    assert not table.store.connection.in_transaction
    assert table.store.sql("SELECT id, f1 FROM devices") == [("a", "kept")]
    table.store.sql(f"PRAGMA max_page_count={1 << 30}")
    table.insert([{"id": "b"}])
    assert table.keys() == ["a", "b"]


def test_private_tables_are_made_once() -> None:
    with closing(Store()) as store:
        name = store.private("notes", "at INTEGER, text TEXT")
        store.sql(f"INSERT INTO {name} VALUES (?, ?)", (1, "x"))
        assert store.private("notes", "at INTEGER, text TEXT") == name
        assert store.sql(f"SELECT at, text FROM {name}") == [(1, "x")]


def test_numbers_are_never_given_twice(table: Collection) -> None:
    given_out = []
    for _ in range(3):
        number = table.next_number()
        table.insert([{"id": number}])
        table.replace({"id": number, "name": "x"})
        given_out.append(number)
    table.insert([{"id": 90}])
    assert table.next_number() == 91
    table.delete("90")
    assert table.next_number() == 91
    assert given_out == [1, 2, 3]


def test_numbers_are_not_given_again_after_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    with closing(Store(file)) as store:
        table = collection(store)
        for _ in range(3):
            table.insert([{"id": table.next_number()}])
        assert table.delete("3")
    with closing(Store(file)) as store:
        assert collection(store).next_number() == 4


def test_a_key_beyond_64_bits_is_no_number(table: Collection) -> None:
    assert table.next_number() == 1
    table.insert([{"id": "9" * 20}, {"id": "9" * 18}, {"id": "0" * 300 + "9"}, {"id": "\u0665"}])
    assert table.next_number() < 1 << 63


def test_a_long_key_does_not_stop_the_count_after_a_restart(tmp_path: Path) -> None:
    for expected in (3, 4):
        with closing(Store(tmp_path / "state.db")) as store:
            table = collection(store)
            if expected == 3:
                table.insert([{"id": "9" * 20}, {"id": "9" * 18}])
            assert table.next_number() == expected
            table.insert([{"id": expected}])


# What JSON holds of values that are equal to each other in Python, and of those that have the same text.
ALIKE: list[Any] = [None, False, True, 0, 1, 0.0, -0.0, 1.0, "", "0", "1", "false", "true", "a", "A", "/a"]
JSON = st.recursive(
    st.sampled_from(ALIKE),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=3,
)
DOCUMENTS = st.dictionaries(st.sampled_from(sorted(TYPES.keys() - {"id"})), JSON).map(lambda held: {**held, "id": "a"})


def everywhere(value: Any) -> dict[str, Any]:
    """A device of which every field holds the value."""
    return {**dict.fromkeys(TYPES, value), "id": "a"}


def test_what_is_written_over_a_known_state_is_what_is_written_over_an_unknown_one(table: Collection) -> None:
    @given(DOCUMENTS, DOCUMENTS)
    @example(everywhere(1), everywhere(True))
    @example(everywhere(False), everywhere(0))
    @example(everywhere(1), everywhere(1.0))
    @example(everywhere(0.0), everywhere(-0.0))
    @example(everywhere([1]), everywhere([True]))
    @example(everywhere([[0]]), everywhere([[False]]))
    @example(everywhere("A"), everywhere("a"))
    @example(everywhere(None), {"id": "a"})
    def check(before: dict[str, Any], after: dict[str, Any]) -> None:
        rows = []
        for known in (before, None):
            table.delete("a")
            table.insert([before])
            table.replace(after, known)
            # As text, in which 1 is not 1.0.
            rows.append(repr([row[1:] for row in table.store.sql("SELECT * FROM devices")]))
            assert table.get("a") == after
        assert rows[0] == rows[1]

    check()


@pytest.mark.parametrize("trigram", [False, True])
def test_an_image_is_a_state_of_its_own(trigram: bool) -> None:
    with closing(Store(trigram=trigram)) as first:
        collection(first).insert([{"id": "a", "name": "gateway"}])
        image = first.image()
        collection(first).insert([{"id": "b"}])
        with closing(Store.of(image)) as second, closing(Store.of(image)) as third:
            assert (second.trigram, second.new) == (trigram, False)
            one, other = collection(second), collection(third)
            one.insert([{"id": "c", "name": "gateway"}])
            assert (one.keys(), other.keys()) == (["a", "c"], ["a"])
            assert one.keys(condition(Condition("name", "contains", Literal("text", "tewa")))) == ["a", "c"]
            assert one.get("a") == {"id": "a", "name": "gateway"}


# Queries: every way of reading gives what the oracle says


def condition(expr: Expr, table: Collection | None = None) -> Where:
    columns = table.columns if table else {name: f"f{at}" for at, name in enumerate(FIELDS)}
    return where(expr, FIELDS, columns, NOW)


def is_(name: str, operator: str, text: str) -> Condition:
    kind = {"Numeric": "number", "Timestamp": "relative"}.get(TYPES[name], "text")
    return Condition(name, operator, Literal(kind, text))


def pages(table: Collection, chosen: Where, order: Sequence[Order], size: int) -> list[str]:
    """The ids of all pages, each asked for with the position at which the one before ended."""
    found: list[str] = []
    after = None
    while True:
        rows = table.page(chosen, order, after, size)
        found += [json.loads(row.body)["id"] for row in rows]
        if len(rows) < size:
            return found
        after = rows[-1].position


# Few letters, so that values meet each other: signs of SQL, of LIKE and of full-text queries, letters whose case is not
# plain, the ends of the planes and of Unicode. What is asked for may hold a NUL, what is stored never does.
LETTERS = "aAbß'\"%_\\*^:-( \u0130\ud7ff\ue000\U0010ffff"
TEXTS = st.text(LETTERS, max_size=5)
ASKED = TEXTS | st.text(f"{LETTERS}\0", max_size=5)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "Text": TEXTS | st.integers(0, 9) | st.booleans(),
    "Enumerated": st.sampled_from(["connected", "disconnected", "Connected"]),
    "Numeric": st.integers(-3, 3) | st.floats(-3, 3, width=16) | st.sampled_from(["2", "0x2", "many"]),
    "Timestamp": st.integers(0, 3).map("2022-07-1{}T12:00:00.000Z".format) | st.sampled_from([1657800000000, "soon"]),
    "Group": st.sampled_from(["a", "A/b", "/a/b", "a/b/c", "/", "ab"]),
    "Tags": st.lists(st.sampled_from(["lab", "Lab 2", "a'b"]), max_size=2),
    "Boolean": st.booleans() | st.sampled_from(["true", "FALSE", "perhaps", 1]),
}
LITERALS: dict[str, st.SearchStrategy[Literal]] = {
    "Text": ASKED.map(lambda text: Literal("text", text)),
    "Enumerated": VALUES["Enumerated"].map(lambda text: Literal("text", text)),
    "Numeric": st.integers(-3, 3).map(lambda number: Literal("number", str(number))),
    "Timestamp": st.integers(0, 5).map(lambda days: Literal("relative", f"-{days}d")),
    "Group": VALUES["Group"].map(lambda text: Literal("text", text)),
    "Tags": st.sampled_from(["lab", "LAB 2", "a'b", "a"]).map(lambda text: Literal("text", text)),
    "Boolean": st.sampled_from(["true", "false"]).map(lambda text: Literal("text", text)),
}
NAMES = sorted(TYPES)
FLEETS = st.lists(
    st.fixed_dictionaries(
        {}, optional={name: VALUES[kind] | st.none() for name, kind in TYPES.items() if name != "id"}
    ),
    max_size=14,
).map(lambda items: [{"id": f"Id{at}", **item} for at, item in enumerate(items)])


def one_condition(name: str) -> st.SearchStrategy[Expr]:
    plain = st.builds(Condition, st.just(name), st.sampled_from(OPERATORS[TYPES[name]]), LITERALS[TYPES[name]])
    unset = st.sampled_from(["=", "<>"]).map(lambda sign: Condition(name, sign, Literal("empty", "empty")))
    return plain | plain | unset


CONDITIONS: st.SearchStrategy[Expr] = st.sampled_from(NAMES).flatmap(one_condition)
EXPRESSIONS = st.recursive(
    CONDITIONS,
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, min_size=2, max_size=3).map(And),
        st.lists(inner, min_size=2, max_size=3).map(Or),
    ),
    max_leaves=6,
)
ORDERS = st.lists(
    st.tuples(st.sampled_from([name for name in NAMES if name != "tags"]), st.booleans()),
    max_size=2,
    unique_by=lambda item: item[0],
)


@settings(max_examples=150)
@given(FLEETS, EXPRESSIONS, ORDERS, st.integers(1, 5), st.booleans(), st.sampled_from([0, 2, 10_000]))
def test_every_way_of_reading_gives_the_same_rows(
    fleet: list[dict[str, Any]], expr: Expr, orderby: list[tuple[str, bool]], size: int, trigram: bool, few: int
) -> None:
    with closing(Store(trigram=trigram)) as store:
        table = collection(store)
        table.insert(fleet)
        store.few = few
        chosen = condition(expr, table)
        wanted = [item for item in fleet if matches(expr, item)]
        order = [Order(table.columns[name], down) for name, down in orderby]
        assert pages(table, chosen, order, size) == [item["id"] for item in ordered(wanted, orderby)]
        assert pages(table, chosen, [Order("seq", True)], size) == [item["id"] for item in wanted[::-1]]
        natural = table.natural_order(chosen)
        by = [(name, item.descending) for item in natural for name in NAMES if table.columns[name] == item.column]
        assert pages(table, chosen, natural, size) == [item["id"] for item in ordered(wanted, by)]
        assert table.keys(chosen) == [item["id"] for item in wanted]
        assert table.count(chosen) == len(wanted)


@settings(max_examples=150)
@given(st.lists(TEXTS, max_size=12), st.data())
def test_a_text_index_follows_every_change(names: list[str], data: st.DataObject) -> None:
    with closing(Store(trigram=True)) as store:
        table = collection(store)
        held = [{"id": str(at), "name": name} for at, name in enumerate(names)]
        table.insert(held)
        for document in held:
            document["name"] = data.draw(st.just(document["name"]) | TEXTS)
            table.replace(document)
        gone = {document["id"] for document in held if data.draw(st.booleans())}
        for key in gone:
            assert table.delete(key)
        needle = data.draw(st.sampled_from(names).filter(bool) | ASKED if names else ASKED)
        expr = Condition("name", "contains", Literal("text", needle))
        left = [document for document in held if document["id"] not in gone]
        assert table.keys(condition(expr)) == [item["id"] for item in left if matches(expr, item)]


def test_long_texts_are_searched_by_their_beginning() -> None:
    with closing(Store(trigram=True)) as store:
        table = collection(store)
        long = "gateway " * 1000
        table.insert([{"id": "a", "name": long}, {"id": "b", "name": long + "x"}])
        assert table.keys(condition(is_("name", "contains", long))) == ["a", "b"]
        assert table.keys(condition(is_("name", "contains", long + "X"))) == ["b"]
        assert table.keys(condition(is_("name", "contains", "x" * 200_000))) == []


def test_a_nul_in_a_query_finds_nothing() -> None:
    with closing(Store(trigram=True)) as store:
        table = collection(store)
        table.insert([{"id": "a", "name": "gateway"}])
        for needle in ("gate\0", "\0gate", "gate\0way", "\0\0\0"):
            assert table.keys(condition(is_("name", "contains", needle))) == []


@pytest.mark.parametrize("few", [0, 10_000])
@pytest.mark.parametrize("count", [100, 101, 501, 1000])
def test_many_ranges_are_chosen_from(table: Collection, count: int, few: int) -> None:
    table.store.few = few
    table.insert([{"id": str(at), "name": f"gateway {at}", "vendor_id": at} for at in range(0, 3000, 500)])
    begins = [is_("name", "startsWith", f"gateway {at}") for at in range(1, count, 2)]
    beyond = [is_("vendor_id", ">=", str(2000 + at)) for at in range(0, count, 2)]
    # `gateway 5…`, `gateway 1…` and `gateway 25…` begin as odd numbers below 100 do.
    assert table.keys(condition(Or([*begins, *beyond]))) == ["500", "1000", "1500", "2000", "2500"]


@pytest.mark.parametrize("few", [0, 10_000])
def test_many_values_are_looked_up(table: Collection, few: int) -> None:
    table.store.few = few
    table.insert([{"id": str(at)} for at in range(20)])
    for count in (10, 2500, 2501, 30_000):
        chosen = condition(Or([is_("id", "=", str(at * 3)) for at in range(count)]))
        assert table.keys(chosen) == ["0", "3", "6", "9", "12", "15", "18"]


# Files


@contextmanager
def served(file: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [
        sys.executable,
        "-m",
        "digirm_cli.main",
        "simulate",
        "--data",
        str(file),
        "--port",
        "0",
        "--devices",
        "5",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
        assert child.stdout is not None
        try:
            yield child, child.stdout.readline().split()[-1]
        finally:
            child.kill()


def call(url: str, body: Any = None) -> Any:
    sent = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, sent, dict(BASIC)), timeout=30) as reply:
        return json.load(reply)


def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    file = tmp_path / "fleet.db"
    with served(file) as (child, url):
        made = call(url + DEVICES, {"id": device_id(7), "name": "kept"})
        child.send_signal(signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
    assert made["count"] == 1
    with served(file) as (_, url):
        assert call(f"{url}{DEVICES}/{device_id(7)}")["name"] == "kept"
        assert call(url + DEVICES)["count"] == 6


def test_a_file_keeps_rows_and_may_gain_indices(tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    with closing(Store(file)) as store:
        open_collection(store, "devices", "id", FIELDS).insert([{"id": "a", "name": "gateway"}])
        store.finish()
    for trigram, _ in product((True, False), range(2)):
        with closing(Store(file, trigram=trigram)) as store:
            assert not store.new
            table = open_collection(store, "devices", "id", FIELDS, indexed=INDEXED, covering=COVERING)
            assert table.keys(condition(is_("name", "contains", "TEW"))) == ["a"]
            assert table.keys(condition(is_("name", "=", "gateway"))) == ["a"]
    with closing(Store(file)) as store, pytest.raises(StoreError, match="another contract"):
        open_collection(store, "devices", "id", {"id": FIELDS["id"]})


def test_an_unfinished_file_is_not_taken(tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    with closing(Store(file)) as store:
        open_collection(store, "devices", "id", FIELDS)
    with pytest.raises(StoreError, match="never finished"):
        Store(file)


def test_a_file_belongs_to_one_store_at_a_time(tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    with closing(Store(file)) as store:
        table = collection(store)
        with pytest.raises(StoreError, match="locked"):
            Store(file)
        table.insert([{"id": "a"}])
    with closing(Store(file)) as store:
        assert collection(store).keys() == ["a"]
        with pytest.raises(StoreError, match="locked"):
            Store(file)
