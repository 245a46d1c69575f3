"""The guide from `devicecloud`: each pair of forms gives the same, with both libraries, from equal simulators."""

from __future__ import annotations

import functools
import inspect
import re
import subprocess
import sys
import warnings
from collections.abc import Iterable, Iterator
from types import CodeType, FrameType
from typing import Any, NamedTuple

import pytest

from digirm_simulator import Simulator
from tests.house.snippets import ROOT

GUIDE = ROOT / "docs" / "from-devicecloud.md"
_BLOCK = re.compile(r"^```python (devicecloud|digirm)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
_DEVICE = "00000000-00000000-00409DFF-FF00AB01"
_GROUP = "north"
#: What is different from field to field, so that one taken for another is noticed.
_FIELDS: dict[str, Any] = {
    "cellular_modem_id": "357000000000001",
    "contact": "Ann",
    "description": "of the pump",
    "firmware_version": "20.11.32.168",
    "geoposition": {"type": "Point", "coordinates": [-92.5, 44.06]},
    "group": _GROUP,
    "ip": "10.0.0.7",
    "last_connect": "2026-01-03T00:00:00.000Z",
    "location": "cellar",
    "mac": "00:40:9D:00:AB:01",
    "name": "Silver Surfer",
    "notes": "in the lab",
    "public_ip": "198.51.100.7",
    "registration_date": "2026-01-02T00:00:00.000Z",
    "restricted_status": "restricted",
    "tags": ["pump", "wet"],
    "type": "Digi TX64",
    "vendor_id": 4261412864,
}
#: What makes the objects of an interface, beside the property that everybody uses: named in a table.
_MAKERS = re.compile(r"get_\w+_api|get_web_service_stub")
#: What no program on Python 3.11 can call, and what it calls that is gone. The guide tells it.
_CANNOT_RUN = {"FileDataObject.get_data": "base64.decodestring"}


class Pair(NamedTuple):
    """One call in both forms."""

    title: str
    old: str
    new: str


class Ran(NamedTuple):
    """What a form bound to `result`, and which functions it called by itself."""

    result: Any
    called: frozenset[CodeType]


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


def _form(source: str, names: dict[str, Any]) -> frozenset[CodeType]:
    """Run a form, and give the functions that its own lines called."""
    form, called = compile(source, "<form>", "exec"), set[CodeType]()

    def profile(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_back is not None and frame.f_back.f_code.co_filename == form.co_filename:
            called.add(frame.f_code)

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        exec(form, names)
    finally:
        sys.setprofile(before)
    return frozenset(called)


@functools.cache
def _run(source: str, opening: str) -> Ran:
    """Run a form on a simulator of its own."""
    with Simulator(devices=3, seed=5, port=0, push_port=0) as simulator:
        simulator.devices.add(_DEVICE, **_FIELDS)
        names: dict[str, Any] = {
            "HOST": simulator.url, "DEVICE": _DEVICE, "GROUP": _GROUP, "PUSH_PORT": simulator.push_port
        }  # fmt: skip
        called = _form(opening, names)
        if "dc" in names:
            # It knows the service's own ports, and TLS, only.
            sys.modules["devicecloud.monitor_tcp"].PUSH_OPEN_PORT = simulator.push_port  # type: ignore[attr-defined]
            names["dc"].monitor._tcp_client_manager._secure = False
        try:
            if source is not opening:
                called |= _form(source, names)
            return Ran(names["result"], called)
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
    old, new = _run(pair.old, _FIRST.old).result, _run(pair.new, _FIRST.new).result
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


def _calls(devicecloud: Any) -> dict[str, Any]:
    """The public functions of `devicecloud`, by the names of their class and their own."""
    from devicecloud import conditions, devicecore, file_system_service, filedata, monitor, sci, streams

    classes: Iterable[type] = (
        devicecloud.DeviceCloud, devicecloud.DeviceCloudConnection, devicecore.DeviceCoreAPI, devicecore.Device,
        devicecore.Group, file_system_service.FileSystemServiceAPI, file_system_service.FileInfo,
        file_system_service.DirectoryInfo, filedata.FileDataAPI, filedata.FileDataObject, filedata.FileDataDirectory,
        monitor.MonitorAPI, monitor.TCPDeviceCloudMonitor, sci.ServerCommandInterfaceAPI, streams.StreamsAPI,
        streams.DataStream, streams.DataPoint, conditions.Attribute,
    )  # fmt: skip
    return {
        **{
            function.__qualname__: function
            for cls in classes
            for name, function in inspect.getmembers(cls, inspect.isfunction)
            if not name.startswith("_")
        },
        "AsyncRequestProxy.completed": sci.AsyncRequestProxy.completed.fget,
    }


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_every_call_is_in_a_form_that_runs(devicecloud: Any) -> None:
    called = frozenset[CodeType]().union(*(_run(pair.old, _FIRST.old).called for pair in PAIRS))
    missing = {name for name, function in _calls(devicecloud).items() if function.__code__ not in called}
    guide = GUIDE.read_text("utf-8")
    makers = {name for name in missing if _MAKERS.fullmatch(name.partition(".")[2])}
    assert missing - makers == set(_CANNOT_RUN)
    assert [name for name in makers if f"`{name.partition('.')[2]}()`" not in guide] == []


def test_what_cannot_run_is_told(devicecloud: Any) -> None:
    import base64

    guide, calls = GUIDE.read_text("utf-8"), _calls(devicecloud)
    for name, gone in _CANNOT_RUN.items():
        assert f"`{name}()`" in guide
        assert gone in guide
        assert gone.removeprefix("base64.") in calls[name].__code__.co_names
        assert not hasattr(base64, gone.removeprefix("base64."))
