"""The official library against the simulator on real ports: device commands, and what TCP monitors push."""

from __future__ import annotations

import queue
import warnings
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

from digirm_simulator import Clock, Simulator
from tests.simulator.push_support import MONITORS, monitor, point
from tests.simulator.sci_support import DEVICE, device_request
from tests.simulator.support import NOW, Api

# Of that library: it uses pkg_resources, and leaves its connections to be collected.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture(scope="module")
def library() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in ("monitor_tcp", "sci"):
            import_module(f"devicecloud.{name}")
        return import_module("devicecloud")


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(devices=0, clock=Clock(NOW, speed=0), port=0, push_port=0) as made:
        made.devices.add(DEVICE, tags=["pump"], group="Top")
        yield made


@pytest.fixture
def cloud(library: Any, simulator: Simulator) -> Iterator[Any]:
    made = library.DeviceCloud("fred", "secret", base_url=simulator.url)
    yield made
    made.get_connection()._session.close()


@pytest.mark.parametrize("target", ["DeviceTarget", "AllTarget", "TagTarget", "GroupTarget"])
def test_commands(library: Any, cloud: Any, target: str) -> None:
    values = {"DeviceTarget": [DEVICE], "AllTarget": [], "TagTarget": ["pump"], "GroupTarget": ["Top"]}[target]
    aim = getattr(library.sci, target)(*values)
    found = cloud.get_sci_api().send_sci("data_service", aim, device_request("get_time"), reply="all", cache=False)
    assert found.status_code == 200
    assert "Time: Fri Jul 15 12:00:00 2022\n" in found.text


def test_a_job(library: Any, cloud: Any, simulator: Simulator) -> None:
    simulator.devices[DEVICE].on("query_state", {"device_stats": {"firmwarestate": "running"}})
    payload = '<rci_request version="1.1"><query_state/></rci_request>'
    job = cloud.get_sci_api().send_sci_async("send_message", library.sci.DeviceTarget(DEVICE), payload)
    assert job.completed is False
    simulator.clock.advance(seconds=5)
    assert job.completed is True
    assert b"<firmwarestate>running</firmwarestate>" in job.response
    assert cloud.get_sci_api().get_async_job(job.job_id).text == job.response.decode()


def test_files_of_a_device(library: Any, cloud: Any) -> None:
    files, aim = cloud.get_fss_api(), library.sci.DeviceTarget(DEVICE)
    assert files.put_file(aim, "/a/b.txt", file_data=b"\0hello")[DEVICE] is None
    assert files.get_file(aim, "/a/b.txt", offset=1, length=4)[DEVICE] == b"hell"
    [folder] = files.list_files(aim, "/")[DEVICE].directories
    assert folder.path == "/a"
    [found] = folder.list_contents().files
    assert (found.path, found.size, found.last_modified) == ("/a/b.txt", 6, int(NOW.timestamp()))
    assert found.get_data() == b"\0hello"
    assert found.delete() is None
    error = files.get_file(aim, "/a/b.txt")[DEVICE]
    assert (error.errno, error.message) == (1, "No such file or directory")


@pytest.mark.parametrize("compression", ["none", "zlib"])
def test_what_a_monitor_pushes(
    library: Any, cloud: Any, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, compression: str
) -> None:
    monkeypatch.setattr(library.monitor_tcp, "PUSH_OPEN_PORT", simulator.push_port)
    api = Api(simulator)
    number = monitor(api, "DataPoint[C]", compression=compression, batch_size=2)
    told: queue.Queue[Any] = queue.Queue()

    def taken(document: Any) -> bool:
        told.put(document)
        return True

    manager = library.monitor_tcp.TCPClientManager(cloud.get_connection(), secure=False)
    manager.create_session(taken, number)
    try:
        for value in "1234":
            point(api, value)
        found = [message["DataPoint"]["data"] for _ in range(2) for message in told.get(timeout=20)["Document"]["Msg"]]
        assert found == [1, 2, 3, 4]
        api("PUT", f"{MONITORS}/{number}", {"batch_size": 1})
        point(api, "5")
        assert told.get(timeout=20)["Document"]["Msg"]["DataPoint"]["data"] == 5
    finally:
        manager.stop()


def test_who_may_not_connect_to_a_monitor(
    library: Any, cloud: Any, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library.monitor_tcp, "PUSH_OPEN_PORT", simulator.push_port)
    manager = library.monitor_tcp.TCPClientManager(cloud.get_connection(), secure=False)
    with pytest.raises(library.monitor_tcp.PushException, match="Status Code \\(400\\)"):
        manager.create_session(print, 99)
