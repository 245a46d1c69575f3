"""What the store reads for a page: the plans of SQLite, which tell a search from a scan on a machine of any speed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

import pytest

from digirm_runtime.query.ast import And, Expr, Or
from digirm_simulator.collection import Collection
from digirm_simulator.indices import Order
from digirm_simulator.sql import ALL, Where
from digirm_simulator.store import Store
from digirm_simulator.values import Form
from tests.simulator.test_store import collection, condition, is_


@pytest.fixture
def table() -> Iterator[Collection]:
    with closing(Store()) as store:
        yield collection(store)


@contextmanager
def plans(store: Store) -> Iterator[list[str]]:
    """The plan of every SELECT of documents that runs in the block, without those which look how many there are."""
    statements: list[str] = []
    steps: list[str] = []
    store.connection.set_trace_callback(statements.append)
    yield steps
    store.connection.set_trace_callback(None)
    for statement in (statement for statement in statements if re.match("(WITH .*)?SELECT CAST", statement)):
        steps += [row[3] for row in store.connection.execute(f"EXPLAIN QUERY PLAN {statement}")]


@pytest.mark.parametrize("down", [False, True])
@pytest.mark.parametrize(
    ("expr", "orderby"),
    [
        (is_("name", "=", "x"), None),
        (is_("name", "startsWith", "x"), None),
        (is_("name", "startsWith", "x"), "name"),
        (And([is_("connection_status", "=", "connected"), is_("last_update", ">", "-1d")]), None),
        (And([is_("connection_status", "=", "connected"), is_("group", "startsWith", "x")]), None),
        (is_("last_update", ">", "-1d"), "last_update"),
        (is_("vendor_id", "<>", "1"), "vendor_id"),
        (Or([is_("name", "=", "x"), is_("group", "=", "y")]), "signal_percent"),
    ],
)
def test_pages_are_read_from_an_index_without_sorting(
    table: Collection, expr: Expr, orderby: str | None, down: bool
) -> None:
    table.store.few = 0  # as if there were many
    documents = [{"id": f"{at:03}", "name": f"x{at}", "group": "y" if at % 2 else "x"} for at in range(40)]
    same = {"connection_status": "connected", "last_update": "2022-07-15T11:00:00.000Z"}
    table.insert([item | same | {"vendor_id": at} for at, item in enumerate(documents)])
    chosen = condition(expr, table)
    order = [Order(table.columns[orderby], down)] if orderby else table.natural_order(chosen)
    with plans(table.store) as steps:
        rows = table.page(chosen, order, None, 3)
        table.page(chosen, order, rows[-1].position if rows else None, 3)
    assert len(steps) >= 2
    for step in steps:
        assert re.match(r"(SEARCH|SCAN) devices USING (COVERING )?INDEX", step), steps


@pytest.mark.parametrize(
    "expr",
    [
        is_("last_update", "<", "-1d"),
        Or([is_("name", "=", "x"), is_("group", "startsWith", "y/")]),
        Or([is_("id", "=", "a"), is_("id", "=", "b")]),
        And([is_("connection_status", "=", "connected"), is_("vendor_id", ">", "5")]),
        And([is_("location", "contains", "x"), is_("name", "contains", "gate")]),
    ],
)
def test_few_rows_are_looked_up(expr: Expr) -> None:
    with closing(Store(trigram=True)) as store:
        table = collection(store)
        table.insert([{"id": str(at), "connection_status": "connected"} for at in range(9)])
        with plans(store) as steps:
            table.page(condition(expr, table), [Order("seq", False)], (4,), 5)
        assert "SEARCH devices USING INTEGER PRIMARY KEY (rowid=?)" in steps


def test_all_is_read_as_it_lies(table: Collection) -> None:
    table.insert([{"id": str(at)} for at in range(9)])
    with plans(table.store) as steps:
        table.page(ALL, [], None, 3)
        table.page(condition(is_("location", "contains", "x"), table), [], (4,), 3)
    assert steps == ["SEARCH devices USING INTEGER PRIMARY KEY (rowid>?)"] * 2


def instructions(table: Collection, chosen: Where, order: Order, after: Sequence[Form] | None) -> int:
    """How many instructions of its own SQLite runs for a page of three."""
    ran = 0

    def count() -> int:
        nonlocal ran
        ran += 1
        return 0

    table.store.connection.set_progress_handler(count, 1)
    table.page(chosen, [order], after, 3)
    table.store.connection.set_progress_handler(None, 1)
    return ran


@pytest.mark.parametrize("down", [False, True])
@pytest.mark.parametrize(
    ("expr", "orderby"),
    [
        (is_("name", "startsWith", "x"), "name"),
        (is_("vendor_id", ">=", "0"), "vendor_id"),
        (is_("vendor_id", "<=", "2000"), "vendor_id"),
        (is_("name", "=", "y"), "name"),
    ],
)
def test_a_late_page_costs_what_an_early_one_does(table: Collection, expr: Expr, orderby: str, down: bool) -> None:
    table.store.few = 0
    table.insert(
        {"id": f"{at:04}", "name": f"x{at:04}" if at % 2 else "y", "vendor_id": at, "group": "x"} for at in range(2000)
    )
    chosen, order = condition(expr, table), Order(table.columns[orderby], down)
    positions = [row.position for row in table.page(chosen, [order], None, 2000)]
    statements: list[str] = []
    table.store.connection.set_trace_callback(statements.append)
    table.page(chosen, [order], positions[10], 3)
    table.store.connection.set_trace_callback(None)
    for statement in statements:
        # With two bounds in one direction, it would be SQLite's choice where to begin.
        signs = re.findall(rf"[( ]{order.column} ([<>])", statement)
        assert len(signs) == len(set(signs)), statement
    costs = [instructions(table, chosen, order, positions[at]) for at in (10, 400, len(positions) - 10)]
    assert max(costs) <= 1.2 * min(costs)
