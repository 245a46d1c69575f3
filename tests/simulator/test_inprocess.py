from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path
from typing import cast

import pytest

from digirm_runtime.wire import Handler, Request
from digirm_simulator import Simulator, inprocess, server
from digirm_simulator.inprocess import open_url
from tests.simulator.support import BASIC, DEVICES, Api, device_id


def api(handler: Handler) -> Api:
    return Api(cast("Simulator", handler))


def count(url: str) -> int:
    handler = open_url(url)
    found: int = api(handler).get(DEVICES).body["count"]
    handler.close()
    return found


def test_it_is_found_through_its_entry_point() -> None:
    [found] = entry_points(group="digirm.transports", name="sim")
    assert found.load() is open_url


def test_urls() -> None:
    assert count("sim:") == count("sim:22.7") == 100
    assert count("sim:22.7?devices=7&seed=7") == count("sim:?devices=7") == 7


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("http://x", "not a sim: URL"),
        ("sim", "not a sim: URL"),
        ("sim:9.9", "there is: 22.7"),
        ("sim:../22.7", "no API version"),
        ("sim:?device=7", "'device' is no option"),
        ("sim:?devices=7&devices=8", "given twice"),
        ("sim:?devices=-1", "whole number"),
        ("sim:?devices=many", "whole number"),
        ("sim:?devices=999999999", "1,000,000"),
    ],
)
def test_bad_urls_say_why(url: str, text: str) -> None:
    with pytest.raises(ValueError, match=text.replace(".", r"\.")):
        open_url(url)


def test_each_call_has_its_own_simulator() -> None:
    one, two = open_url("sim:"), open_url("sim:")
    api(one)("POST", DEVICES, {"id": device_id(1)})
    assert api(one).get(f"{DEVICES}/{device_id(1)}").status == 200
    assert api(two).get(f"{DEVICES}/{device_id(1)}").status == 404
    one.close()
    two.close()


def test_a_name_shares_one_until_the_last_user_leaves() -> None:
    one, two = open_url("sim:?devices=3#shared"), open_url("sim:#shared")
    api(one)("POST", DEVICES, {"id": device_id(1)})
    one.close()
    one.close()
    with pytest.raises(RuntimeError, match="closed"):
        api(one).get(DEVICES)
    assert api(two).get(DEVICES).body["count"] == 4
    with pytest.raises(ValueError, match="exists already"):
        open_url("sim:?devices=4#shared")
    two.close()
    fresh = open_url("sim:?devices=4#shared")
    assert api(fresh).get(DEVICES).body["count"] == 4
    fresh.close()


@pytest.mark.parametrize("port", [None, 0])
def test_a_simulator_is_started_once(port: int | None) -> None:
    simulator = Simulator(devices=2, port=port)
    with simulator:
        url = simulator.url
        with pytest.raises(RuntimeError, match="started already"):
            simulator.__enter__()
        assert simulator.url == url
        assert Api(simulator).get(DEVICES).status == 200
    with pytest.raises(RuntimeError, match="closed"):
        simulator.__enter__()
    assert not inprocess._SHARED


def test_one_that_cannot_start_gives_back_its_file(tmp_path: Path) -> None:
    with Simulator(devices=1, port=0) as first:
        port = int(first.url.rpartition(":")[2])
        refused = Simulator(devices=1, data=tmp_path / "state.db", port=port)
        with pytest.raises(server.ServeError, match=f"port {port}"):
            refused.__enter__()
        Simulator(data=tmp_path / "state.db").close()
        with pytest.raises(RuntimeError, match="closed"):
            refused.handle(Request("GET", DEVICES, BASIC))


def test_a_stream_that_outlives_its_simulator_says_so() -> None:
    simulator = Simulator(devices=2500)
    chunks = simulator.handle(Request("GET", "/ws/v1/devices/bulk", BASIC)).chunks()
    next(chunks)
    simulator.close()
    with pytest.raises(RuntimeError, match="this simulator is closed"):
        list(chunks)
