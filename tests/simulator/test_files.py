"""File sets and files."""

from __future__ import annotations

import hashlib
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digirm_runtime.wire import Request
from digirm_simulator import Clock, Simulator
from digirm_simulator.behaviours import files
from tests.simulator.support import BASIC, NOW, Api

FILES = "/ws/v1/files/inventory"


def test_a_file_and_its_entry(empty: Api) -> None:
    content = bytes(range(256))
    made = empty("POST", f"{FILES}/backups/day%201/a.bin", content)
    assert made.status == 200
    assert made.body == {
        "content_type": "application/octet-stream",
        "crc32": f"{zlib.crc32(content):08x}",
        "created": "2022-07-15T12:00:00.000Z",
        "customer_id": 7493,
        "fileset": "backups",
        "last_modified": "2022-07-15T12:00:00.000Z",
        "link": f"{FILES}/backups/day%201/a.bin",
        "md5": hashlib.md5(content).hexdigest(),
        "name": "day 1/a.bin",
        "sha-512": hashlib.sha512(content).hexdigest(),
        "sha3-512": hashlib.sha3_512(content).hexdigest(),
        "size": 256,
    }
    assert empty.get(f"{FILES}/backups").body == {"count": 1, "list": [made.body], "size": 1000}
    found = empty.simulator.handle(Request("GET", made.body["link"], BASIC))
    assert (found.status, found.headers["content-type"], found.read()) == (200, "application/octet-stream", content)
    assert empty("DELETE", made.body["link"]).status == 204
    for method in ("GET", "DELETE"):
        gone = empty(method, made.body["link"])
        assert (gone.status, gone.body["error_status"]) == (404, 404)
    assert empty.get(f"{FILES}/backups").status == 404


def test_file_sets_are_those_that_hold_files(empty: Api) -> None:
    assert empty.get(FILES).body["list"] == []
    for name in ("b/x", "a/x", "a/y", "~/my_commands/set.xml"):
        assert empty("POST", f"{FILES}/{name}", b"").status == 200
    assert [item["name"] for item in empty.get(FILES).body["list"]] == ["a", "b", "~"]
    assert [item["name"] for item in empty.get(FILES, query="name = 'a'").body["list"]] == ["a"]
    assert [item["name"] for item in empty.get(FILES, orderby="name desc").body["list"]] == ["~", "b", "a"]
    assert empty.get(FILES, query="size > 1").status == 400
    assert [item["name"] for item in empty.get(f"{FILES}/a").body["list"]] == ["x", "y"]


def test_an_upload_over_a_file_keeps_when_it_was_created() -> None:
    with Simulator(devices=0, clock=Clock(NOW, speed=0)) as simulator:
        api = Api(simulator)
        api("POST", f"{FILES}/a/x", b"one")
        simulator.clock.advance(hours=1)
        changed = api("POST", f"{FILES}/a/x", b"three").body
        assert (changed["created"], changed["last_modified"]) == (
            "2022-07-15T12:00:00.000Z",
            "2022-07-15T13:00:00.000Z",
        )
        assert api.get(f"{FILES}/a/x").body == "three"
        events = api.get("/ws/v1/events/inventory", query="facility = 'FILES'").body["list"]
        assert [item["modification_type"] for item in events] == ["UPDATE", "CREATE"]


def test_a_path_is_just_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Simulator(devices=0, clock=Clock(NOW, speed=0)) as simulator:
        api = Api(simulator)
        for name in ("../../outside", "//etc/passwd", "a/../b", "C:%5Cwindows"):
            assert api.get(f"{FILES}/a/{name}").status == 404
            assert api("POST", f"{FILES}/a/{name}", name.encode()).status == 200
            assert api.get(f"{FILES}/a/{name}").body == name
        assert api.get(f"{FILES}/a/%2e%2e/..%2Foutside").body == "../../outside"
        assert [item["name"] for item in api.get(f"{FILES}/a").body["list"]] == [
            "../../outside",
            "//etc/passwd",
            "C:\\windows",
            "a/../b",
        ]
        assert api("POST", f"{FILES}/a/%00", b"").status == 400
        assert api("POST", f"{FILES}/a/%20", b"").status == 400
        assert api("POST", f"{FILES}/%20/a", b"").status == 400
    assert list(tmp_path.iterdir()) == []


def test_a_file_has_an_end(empty: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_BYTES", 10)
    assert empty("POST", f"{FILES}/a/x", b"0123456789").status == 200
    assert empty("POST", f"{FILES}/a/y", b"0123456789+").status == 413
    assert empty.get(f"{FILES}/a").body["count"] == 1


def test_files_outlive_a_restart(tmp_path: Path) -> None:
    data = tmp_path / "state"
    with Simulator(devices=0, data=data) as simulator:
        Api(simulator)("POST", f"{FILES}/a/x", b"kept")
    with Simulator(devices=0, data=data) as simulator:
        assert Api(simulator).get(f"{FILES}/a/x").body == "kept"


@given(st.binary(max_size=200))
@settings(max_examples=30, deadline=None)
def test_content_comes_back_as_it_was_sent(content: bytes) -> None:
    with Simulator(devices=0, clock=Clock(NOW, speed=0)) as simulator:
        Api(simulator)("POST", f"{FILES}/a/x", content)
        assert simulator.handle(Request("GET", f"{FILES}/a/x", BASIC)).read() == content
