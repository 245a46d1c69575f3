"""What the store reads for a page: the plans of SQLite, which tell a search from a scan on a machine of any speed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from digirm_runtime.query.ast import And, Expr, Or
from digirm_simulator.indices import Order
from digirm_simulator.sql import ALL
from digirm_simulator.store import Collection, Store
from tests.simulator.test_store import collection, condition, is_


@pytest.fixture
def table() -> Iterator[Collection]:
    with closing(Store()) as store:
        yield collection(store)


@contextmanager
def plans(store: Store) -> Iterator[list[str]]:
    """The plan of every SELECT that runs in the block."""
    statements: list[str] = []
    steps: list[str] = []
    store.connection.set_trace_callback(statements.append)
    yield steps
    store.connection.set_trace_callback(None)
    # What the text index runs for itself is shown as a comment.
    for statement in (statement for statement in statements if not statement.startswith("--")):
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
    table.insert([item | {"connection_status": "connected", "vendor_id": at} for at, item in enumerate(documents)])
    chosen = condition(expr, table)
    order = [Order(table.columns[orderby], down)] if orderby else table.natural_order(chosen)
    with plans(table.store) as steps:
        rows = table.page(chosen, order, None, 3)
        table.page(chosen, order, rows[-1].position if rows else None, 3)
    assert steps
    for step in steps:
        assert "TEMP B-TREE" not in step
    assert any(re.match(r"(SEARCH|SCAN) devices USING (COVERING )?INDEX", step) for step in steps), steps


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
    assert steps == ["SCAN devices", "SEARCH devices USING INTEGER PRIMARY KEY (rowid>?)"]
