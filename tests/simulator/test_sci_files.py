"""The files of devices."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from digirm_simulator import Clock, Simulator
from digirm_simulator.sci import files as device_files
from tests.simulator.sci_support import DEVICE, said
from tests.simulator.support import Api

MOMENT = datetime(2023, 9, 13, 8, 33, 21, tzinfo=UTC)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    made = Simulator(devices=0, clock=Clock(MOMENT, speed=0))
    made.devices.add(DEVICE)
    yield made
    made.close()


def file_system(api: Api, *commands: str) -> str:
    found = said(api, "file_system", f"<commands>{''.join(commands)}</commands>")
    return found.removeprefix("<commands>").removesuffix("</commands>")


def test_files_of_a_device_in_the_order_of_the_commands(api: Api) -> None:
    stamp = f'last_modified="{int(MOMENT.timestamp())}"'
    assert file_system(
        api,
        '<ls path="/"/>',
        '<put_file path="/a/b.txt"><data>aGVsbG8=</data></put_file>',
        '<ls path="/" hash="none"/>',
        '<get_file path="a//b.txt" offset="1" length="3"/>',
        '<ls path="/a" hash="crc32"/>',
        '<ls path="/a/b.txt" hash="md5"/>',
        '<rm path="/a/b.txt"/>',
        '<rm path="/a/b.txt"/>',
        '<get_file path="/a/b.txt"/>',
        '<ls path="/a"/>',
    ) == (
        '<ls hash="md5"/>'
        "<put_file/>"
        f'<ls hash="none"><dir path="/a" {stamp}/></ls>'
        "<get_file><data>ZWxs</data></get_file>"
        f'<ls hash="crc32"><file path="/a/b.txt" {stamp} size="5" hash="3610a686"/></ls>'
        f'<ls hash="md5"><file path="/a/b.txt" {stamp} size="5" hash="5d41402abc4b2a76b9719d911017c592"/></ls>'
        "<rm/>"
        + "".join(
            f'<{name}><error id="1"><desc>No such file or directory</desc></error></{name}>'
            for name in ("rm", "get_file", "ls")
        )
    )


def test_parts_of_files(api: Api, simulator: Simulator) -> None:
    def put(text: bytes, **attributes: str) -> str:
        said = "".join(f' {name}="{value}"' for name, value in attributes.items())
        return f'<put_file path="/f"{said}><data>{base64.b64encode(text).decode()}</data></put_file>'

    def now() -> bytes:
        found = file_system(api, '<get_file path="/f"/>')
        return base64.b64decode(found.removeprefix("<get_file><data>").removesuffix("</data></get_file>"))

    file_system(api, put(b"hello world"), put(b"J", offset="0"), put(b"W", offset="6"))
    assert now() == b"Jello World"
    file_system(api, put(b"y", offset="4", truncate="true"))
    assert now() == b"Jelly"
    file_system(api, put(b"!", offset="7"))
    assert now() == b"Jelly\0\0!"
    api("POST", "/ws/v1/files/inventory/~/x/y.bin", b"\xff\0")
    file_system(api, '<put_file path="/f"><file>/~/x/y.bin</file></put_file>')
    assert now() == b"\xff\0"
    simulator.devices.remove(DEVICE)
    simulator.devices.add(DEVICE)
    assert file_system(api, '<ls path="/"/>') == '<ls hash="md5"/>'


@pytest.mark.parametrize(
    "command",
    [
        "<ls/>",
        '<ls path="/" hash="sha1"/>',
        '<get_file path="/f" offset="-1"/>',
        '<put_file path="/"><data/></put_file>',
        '<put_file path="/f"><data>no base64!</data></put_file>',
        '<put_file path="/f"><file>/~/missing</file></put_file>',
        '<put_file path="/f" offset="99999999999"><data/></put_file>',
    ],
)
def test_what_files_cannot_do(api: Api, command: str) -> None:
    file_system(api, '<put_file path="/f"><data>aGVsbG8=</data></put_file>')
    assert "<error id=" in file_system(api, command)
    assert "Expected commands" in said(api, "file_system", "<commands/>")


def test_a_device_has_only_so_much_room(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_files, "MAX_FILES", 2)
    made = file_system(
        api,
        *(f'<put_file path="/{name}"><data/></put_file>' for name in "abc"),
        '<put_file path="/a"><data/></put_file>',
    )
    assert made.count("<put_file/>") == 3
    assert made.count("no room") == 1


def test_file_commands_from_a_file_keep_their_order(api: Api) -> None:
    put, rm, path = "<put_file path='/a'><data>eA==</data></put_file>", "<rm path='/a'/>", "my_commands/a.xml"
    api("POST", f"/ws/v1/files/inventory/~/{path}", f"<commands>{rm}{put}{rm}<ls path='/'/></commands>".encode())
    found = said(api, "file_system", f"<file>/~/{path}</file>")
    failed = '<rm><error id="1"><desc>No such file or directory</desc></error></rm>'
    assert found == f'<commands>{failed}<put_file/><rm/><ls hash="md5"/></commands>'
    assert said(api, "file_system", f"<file>/~/{path}</file><file>/~/{path}</file>").count("<put_file/>") == 2
    api("POST", "/ws/v1/files/inventory/~/other.xml", put.encode())
    assert "Expected commands" in said(api, "file_system", "<file>/~/other.xml</file>")
