"""The measuring itself: what is counted, compared and served."""

from __future__ import annotations

from contextlib import ExitStack

import httpx
import pytest

from benchmarks.harness import Row, paired, table
from benchmarks.limits import LIMITS, allowed
from benchmarks.rows import by_hand as rows_by_hand
from benchmarks.server import AUTH, COLUMNS, INVENTORY, PAGE, TALLY, Settings, serve
from benchmarks.walk import Raw, by_hand, on_socket
from digirm import Client, Options, Throttled


def test_contestants_run_in_turn_and_the_first_round_is_not_counted() -> None:
    ran: list[str] = []

    def run(name: str) -> float:
        ran.append(name)
        return float(len(ran))

    assert paired(lambda: run("a"), lambda: run("b"), 2) == [(3.0, 4.0), (6.0, 5.0)]
    assert "".join(ran) == "baabba"


def test_a_missed_target_is_marked_on_either_side() -> None:
    def goal(subject: float, *, at_least: bool) -> str:
        return Row("what", "peer", [(subject, 10.0)], 0.99, at_least=at_least).goal

    assert goal(10, at_least=True) == "≥ 0.99"
    assert goal(9, at_least=True) == "≥ 0.99 **missed**"
    assert goal(9, at_least=False) == "≤ 0.99"
    assert goal(10, at_least=False) == "≤ 0.99 **missed**"
    assert "missed" not in table([Row("refused", "calls", [(0, 1920)], 0, "calls")])


def test_what_windows_allow_in_a_minute() -> None:
    assert [allowed(windows) for windows in LIMITS] == [360, 120]


def test_every_contestant_of_a_walk_and_of_a_stream_gets_the_same() -> None:
    with ExitStack() as stack:
        url = stack.enter_context(serve(Settings(pages=2, rows=2000)))
        peer = stack.enter_context(httpx.Client(auth=AUTH))
        rm = stack.enter_context(Client(url, auth=AUTH, throttle=None))
        raw = stack.enter_context(Raw(url))
        assert list(by_hand(peer, url)) == list(on_socket(raw)) == [PAGE, 2 * PAGE]
        assert sum(1 for _ in rm.devices.inventory.list()) == 2 * PAGE
        rows = list(rm.devices.bulk.csv(fields=COLUMNS))
        assert rows_by_hand(peer, url) == len(rows) == 2000
        assert rows[0].keys() == set(COLUMNS)


def test_the_server_enforces_limits_for_each_account() -> None:
    with serve(Settings(pages=1, windows=((2, 3600),), concurrent=1, span=3600)) as url:
        with Client(url, auth=AUTH, throttle=None) as rm:
            for _ in range(2):
                rm.request("GET", INVENTORY)
            with pytest.raises(Throttled):
                rm.request("GET", INVENTORY, options=Options(retries=0))
            assert rm.request("GET", TALLY) == {"made": 2, "refused": 1}
        with Client(url, auth=("other", "other"), throttle=None) as rm:
            assert rm.request("GET", TALLY) == {"made": 0, "refused": 0}
