"""The guide from `devicecloud`: each pair of forms gives the same, with both libraries, from equal simulators."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from digirm_simulator import Simulator
from tests.house.snippets import ROOT

GUIDE = ROOT / "docs" / "from-devicecloud.md"
_BLOCK = re.compile(r"^```python (devicecloud|digirm)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
_DEVICE = "00000000-00000000-00409DFF-FF00AB01"
_GROUP = "north"


class Pair(NamedTuple):
    """One call in both forms."""

    title: str
    old: str
    new: str


def _pairs() -> Iterator[Pair]:
    text = GUIDE.read_text("utf-8")
    found = list(_BLOCK.finditer(text))
    for old, new in zip(found[::2], found[1::2], strict=True):
        assert (old[1], new[1]) == ("devicecloud", "digirm"), old[2]
        title = list(_HEADING.finditer(text, 0, old.start()))[-1][1]
        yield Pair(title, old[2], new[2])


PAIRS = list(_pairs())
_FIRST = PAIRS[0]
_IDS = [f"{number}-{pair.title}" for number, pair in enumerate(PAIRS)]


@pytest.fixture(scope="module")
def devicecloud() -> Any:
    with warnings.catch_warnings():
        # Of pkg_resources, which that library uses.
        warnings.simplefilter("ignore")
        import devicecloud
        import devicecloud.monitor_tcp
    return devicecloud


def _run(source: str, opening: str) -> Any:
    """What a form binds to `result` on a simulator of its own."""
    with Simulator(devices=3, seed=5, port=0, push_port=0) as simulator:
        simulator.devices.add(_DEVICE, group=_GROUP, mac="00:40:9D:00:AB:01", name="Silver Surfer")
        names: dict[str, Any] = {
            "HOST": simulator.url, "DEVICE": _DEVICE, "GROUP": _GROUP, "PUSH_PORT": simulator.push_port
        }  # fmt: skip
        exec(compile(opening, "opening", "exec"), names)
        if "dc" in names:
            # It knows the service's own ports, and TLS, only.
            sys.modules["devicecloud.monitor_tcp"].PUSH_OPEN_PORT = simulator.push_port  # type: ignore[attr-defined]
            names["dc"].monitor._tcp_client_manager._secure = False
        try:
            if source is not opening:
                exec(compile(source, "form", "exec"), names)
            return names["result"]
        finally:
            if "rm" in names:
                names["rm"].close()
            else:
                names["dc"].get_connection()._session.close()


@pytest.mark.parametrize("pair", PAIRS, ids=_IDS)
@pytest.mark.usefixtures("devicecloud")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_both_forms_give_the_same(pair: Pair) -> None:
    old, new = _run(pair.old, _FIRST.old), _run(pair.new, _FIRST.new)
    assert old == new
    assert old not in (None, [], {}), "nothing was compared"


def test_digirm_forms_type_check(tmp_path: Any) -> None:
    constants = "HOST: str\nDEVICE: str\nGROUP: str\nPUSH_PORT: int\n"
    files = []
    for number, pair in enumerate(PAIRS):
        opening = "" if pair is _FIRST else "from digirm import Client\nrm = Client(HOST)\n"
        files.append(tmp_path / f"form{number}.py")
        files[-1].write_text(f"from __future__ import annotations\n{constants}{opening}{pair.new}", "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file", "pyproject.toml", *map(str, files)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_call_is_there(devicecloud: Any) -> None:
    from devicecloud import devicecore, file_system_service, filedata, monitor, sci, streams

    guide = GUIDE.read_text("utf-8")
    classes = (
        devicecloud.DeviceCloud, devicecore.DeviceCoreAPI, devicecore.Device, file_system_service.FileSystemServiceAPI,
        filedata.FileDataAPI, monitor.MonitorAPI, monitor.TCPDeviceCloudMonitor, sci.ServerCommandInterfaceAPI,
        streams.StreamsAPI, streams.DataStream,
    )  # fmt: skip
    missing = [
        f"{cls.__name__}.{name}"
        for cls in classes
        for name, _ in inspect.getmembers(cls, inspect.isfunction)
        if not name.startswith("_") and not re.search(rf"\b{name}\b", guide)
    ]
    assert missing == []
