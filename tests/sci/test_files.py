"""Files on a device: what is told, what is read of the answers, and whole files in pieces."""

from __future__ import annotations

import asyncio
import io
from base64 import b64decode, b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from digirm import AsyncClient, Client
from digirm_runtime.errors import TransportError
from digirm_runtime.sci import ALL, DeviceFile, SCIError, StoredPayload, Tag
from digirm_runtime.sci.files import Getting, left, putting, read_ls
from digirm_runtime.sci.reply import Answer, read_answer
from digirm_runtime.wire import Response
from digirm_runtime.xmltext import build, parse
from digirm_simulator import Simulator

DEVICE = "00000000-00000000-18A905FF-FF2F1BBD"


def answered(commands: str) -> Answer:
    text = f'<sci_reply><file_system><device id="{DEVICE}">{commands}</device></file_system></sci_reply>'
    return read_answer(Response(200, {}, text.encode()))


def piece(data: bytes) -> Answer:
    return answered(f"<commands>{build('get_file', {'data': b64encode(data).decode()})}</commands>")


def told(command: Any) -> dict[str, Any]:
    """The one command of a request to the file system."""
    _, value = parse(command.body)
    commands: Any = value
    return dict(commands["file_system"]["commands"])


def test_a_listing_as_digis_own_library_expects_it() -> None:
    listing = """<commands><ls hash="md5">
<dir path="/a/path/dir" last_modified="1436203917"/>
<file path="/a/path/file1.txt" last_modified="1436276773" size="7989" hash="967FDA522517B9CE0C3E056EDEB485BB"/>
<file path="/a/path/file2.py" last_modified="1434377919" size="181" hash="DEA17715739E46079C1A6DDCB38344DF"/>
</ls></commands>"""
    folder, first, second = read_ls(answered(listing))
    assert folder == DeviceFile("/a/path/dir", True, None, datetime(2015, 7, 6, 17, 31, 57, tzinfo=UTC))
    assert first == DeviceFile(
        "/a/path/file1.txt",
        False,
        7989,
        datetime(2015, 7, 7, 13, 46, 13, tzinfo=UTC),
        "967FDA522517B9CE0C3E056EDEB485BB",
        "md5",
    )
    assert second.path == "/a/path/file2.py"
    assert read_ls(answered("<commands><ls/></commands>")) == []
    # What a device does not tell, or tells wrong, is nothing to fail over.
    odd = '<ls><file path="a" size="many" last_modified="99999999999999"/><file/><dir path="b"/></ls>'
    assert read_ls(answered(f"<commands>{odd}</commands>")) == [DeviceFile("b", True), DeviceFile("a")]


@pytest.mark.parametrize(
    ("commands", "message"),
    [
        ('<commands><ls><error id="1">error text</error></ls></commands>', f"{DEVICE}: 1 error text"),
        ('<commands><error id="2"><desc>Words</desc></error></commands>', f"{DEVICE}: 2 Words"),
        ('<error id="2001"><desc>Device Not Connected</desc></error>', f"{DEVICE}: 2001 Device Not Connected"),
    ],
)
def test_errors_of_a_device_are_raised(commands: str, message: str) -> None:
    with pytest.raises(SCIError) as caught:
        read_ls(answered(commands))
    assert str(caught.value) == message
    assert [f"{id}: {error}" for id, error in caught.value.results.errors.items()] == [message]


@pytest.mark.parametrize("commands", ["", "<commands/>", "<commands><rm/></commands>", "<other/>"])
def test_another_answer_is_none(commands: str) -> None:
    with pytest.raises(TransportError, match="did not answer ls"):
        read_ls(answered(commands))


def test_no_device_or_several_are_an_error() -> None:
    for content in ("", f"<device id='{DEVICE}'/>" * 2):
        reply = f"<sci_reply><file_system>{content}</file_system></sci_reply>".encode()
        with pytest.raises(SCIError, match="not one"):
            read_ls(read_answer(Response(200, {}, reply)))


NO_SIZE = answered("<commands><ls/></commands>")


def listing(size: int, path: str = "/a") -> Answer:
    return answered(f'<commands><ls hash="none"><file path="{path}" size="{size}"/></ls></commands>')


def begun(size: int, listed: Answer = NO_SIZE) -> Getting:
    """A reader that has asked for the size of `/a` and knows it, if at all."""
    getting = Getting(DEVICE, "/a", size, {})
    due = getting.due()
    assert due is not None
    assert told(due) == {"ls": {"@path": "/a", "@hash": "none"}}
    assert getting.read(listed) == b""
    return getting


def device(content: bytes, getting: Getting, most: int = 1000, *, offsets: bool = True, lengths: bool = True) -> bytes:
    """What is read of a device that gives `most` bytes at a time, and knows these attributes of a piece or not."""
    found = b""
    for _ in range(2000):
        due = getting.due()
        if due is None:
            return found
        command = told(due)["get_file"]
        begin = int(command["@offset"]) if offsets else 0
        length = int(command["@length"]) if lengths else len(content)
        found += getting.read(piece(content[begin : begin + min(length, most)]))
    raise AssertionError("it does not end")


@given(st.binary(max_size=50) | st.integers(0, 50).map(bytes), st.integers(1, 20), st.integers(1, 20), st.booleans())
def test_a_file_in_pieces_of_any_size_is_the_file(content: bytes, size: int, most: int, says: bool) -> None:
    getting = begun(size, listing(len(content)) if says else NO_SIZE)
    assert device(content, getting, most) == content
    assert getting.done == len(content)
    assert getting.total == (len(content) or None if says else None)


@given(st.binary(max_size=50), st.integers(1, 20))
def test_a_file_is_written_in_pieces_of_any_size(content: bytes, size: int) -> None:
    written = bytearray(b"what was there before, and is longer than the new file: " * 3)
    ends = []
    for due, end in putting(DEVICE, "/a", io.BytesIO(content), size, {}):
        command = told(due)["put_file"]
        data = command["data"]
        offset = int(command["@offset"])
        assert command["@truncate"] == "true"
        written[offset:] = b64decode(data)
        assert written == content[: len(written)]
        ends.append(end)
    assert bytes(written) == content
    assert ends[-1] == len(content)
    assert len(ends) == max(1, -(-len(content) // size))


@given(st.binary(max_size=50), st.integers(1, 20), st.integers(1, 60), st.booleans(), st.booleans(), st.booleans())
def test_whatever_a_device_knows_of_pieces_what_is_read_is_the_file_or_an_error(
    content: bytes, size: int, most: int, says: bool, offsets: bool, lengths: bool
) -> None:
    # Nobody can tell that there is more where a device says no size, takes no length and yet gives too little.
    assume(says or lengths or most >= len(content))
    getting = begun(size, listing(len(content)) if says else NO_SIZE)
    whole = (offsets and lengths) or (says and not lengths and most >= len(content))
    try:
        assert device(content, getting, most, offsets=offsets, lengths=lengths) == content
    except TransportError as error:
        assert not whole, error  # noqa: PT017 - which one has an error is what is asked


def test_a_device_that_gives_little_at_a_time() -> None:
    content = bytes(range(250)) * 4
    assert device(content, begun(400), most=100) == content
    assert device(content, begun(400, listing(1000)), most=100) == content


@pytest.mark.parametrize("content", [b"01234567", b"0123", bytes(12)])
def test_a_device_that_ignores_offsets_does_not_give_the_same_piece_for_ever(content: bytes) -> None:
    with pytest.raises(TransportError, match="its beginning again"):
        device(content, begun(4), offsets=False)
    if len(content) > 4:
        with pytest.raises(TransportError, match="its beginning again"):
            device(content, begun(4, listing(len(content))), offsets=False)
    else:
        assert device(content, begun(4, listing(4)), offsets=False) == content


def test_a_file_that_repeats_itself_on_a_device_that_has_an_error_behind_the_end() -> None:
    getting = begun(4, listing(8))
    assert getting.read(piece(b"0000")) == b"0000"
    assert getting.read(piece(b"0000")) == b""
    due = getting.due()
    assert due is not None
    assert told(due)["get_file"] == {"@path": "/a", "@offset": str(2**31 - 1), "@length": "1"}
    behind = answered('<commands><get_file><error id="9">Seek</error></get_file></commands>')
    assert getting.read(behind) == b"0000"
    assert getting.due() is None


def test_a_device_that_knows_no_pieces_sends_the_whole() -> None:
    for listed in (NO_SIZE, listing(10), listing(7)):  # the last has grown
        getting = begun(4, listed)
        assert getting.read(piece(b"0123456789")) == b"0123456789"
        assert (getting.due(), getting.done, getting.total) == (None, 10, 10)


@pytest.mark.parametrize("answers", [[b"01234"], [b"0123", b""], [b"0123", b"45", b""], [b"0123", b"456789"]])
def test_what_cannot_be_the_file_is_an_error(answers: list[bytes]) -> None:
    getting = begun(4, listing(12))
    *good, bad = map(piece, answers)
    for answer in good:
        getting.read(answer)
    with pytest.raises(TransportError, match="the device sent of /a"):
        getting.read(bad)


def test_sizes_that_are_believed() -> None:
    for path, size, total in (("/a", 5, 5), ("a", 5, 5), ("/a/", 5, 5), ("/a", 0, None), ("/b", 5, None)):
        assert begun(4, listing(size, path)).total == total
    two = '<file path="/a" size="1"/><file path="a" size="2"/>'
    for commands in (f"<ls>{two}</ls>", '<ls><error id="1">No</error></ls>', '<ls><dir path="/a" size="3"/></ls>', ""):
        assert begun(4, answered(f"<commands>{commands}</commands>")).total is None
    # A device may refuse to list, and give the file; where it refuses that too, this is the error.
    for refused in ('<error id="2001"><desc>Device Not Connected</desc></error>', '<error id="3"/>'):
        getting = begun(4, answered(refused))
        assert getting.total is None
        with pytest.raises(SCIError):
            getting.read(answered(refused))
    with pytest.raises(SCIError, match="No valid targets"):
        begun(4, read_answer(Response(200, {}, b"<sci_reply><error>No valid targets</error></sci_reply>")))


@pytest.mark.parametrize("content", [b"", b"on\n", bytes(range(20))])
def test_a_file_whose_content_is_made_when_it_is_read_is_shorter_than_it_is_listed(content: bytes) -> None:
    assert device(content, begun(65536, listing(4096))) == content
    assert device(content, begun(65536, listing(4096)), most=3) == content


@pytest.mark.parametrize("data", ["<data>!</data>", "<data>YQ</data>", "<data><a/></data>", "<data>ä</data>"])
def test_what_is_no_base64_is_an_error(data: str) -> None:
    with pytest.raises(TransportError, match="no file"):
        begun(4).read(answered(f"<commands><get_file>{data}</get_file></commands>"))


def test_blanks_around_the_data_are_nothing() -> None:
    data = answered("<commands><get_file>\n <data>\n Zm\n 9v\n</data></get_file></commands>")
    assert begun(4).read(data) == b"foo"
    assert begun(4).read(answered("<commands><get_file/></commands>")) == b""


class Dripping(io.RawIOBase):
    """A pipe: it gives a byte at a time."""

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)

    def read(self, size: int = -1) -> bytes:
        return self._content.read(min(size, 1))


def test_a_pipe_is_sent_in_full_pieces() -> None:
    ends = [end for _, end in putting(DEVICE, "/a", Dripping(b"0123456789"), 4, {})]  # type: ignore[arg-type]
    assert ends == [4, 8, 10]


def test_how_much_is_left_of_a_file() -> None:
    file = io.BytesIO(b"0123456789")
    file.seek(4)
    assert (left(file), file.read()) == (6, b"456789")
    file.seek(40)
    assert left(file) == 0
    assert left(Dripping(b"a")) is None  # type: ignore[arg-type]
    assert left(object()) is None  # type: ignore[arg-type]
    file.close()
    assert left(file) is None


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(devices=5, port=0) as running:
        yield running


@pytest.fixture
def connected(simulator: Simulator) -> str:
    with Client(simulator.url, auth=("a", "b")) as rm:
        found = rm.devices.inventory.list(query="connection_status = 'connected'").first()
    assert found is not None
    return str(found["id"])


def test_files_end_to_end(simulator: Simulator, connected: str, tmp_path: Path) -> None:
    content = bytes(range(256)) * 40
    source, target = tmp_path / "source", tmp_path / "target"
    seen: list[tuple[int, int | None]] = []

    def progress(done: int, total: int | None) -> None:
        seen.append((done, total))

    source.write_bytes(content)
    with Client(simulator.url, auth=("a", "b"), throttle=None) as rm:
        assert rm.sci.upload(connected, source, "/a/b", piece=3000, progress=progress) == len(content)
        assert seen == [(done, 10240) for done in (3000, 6000, 9000, 10240)]
        seen.clear()
        assert rm.sci.get_file(connected, "/a/b") == content
        assert rm.sci.get_file(connected, "/a/b", offset=10, length=5) == content[10:15]
        assert rm.sci.download(connected, "/a/b", target, piece=4096, progress=progress) == len(content)
        assert seen == [(done, 10240) for done in (4096, 8192, 10240)]
        seen.clear()
        assert target.read_bytes() == content
        assert [file.size for file in rm.sci.ls(connected, "/a")] == [len(content)]
        rm.sci.put_file(connected, "/a/b", b"XX", offset=1, truncate=False)
        assert rm.sci.get_file(connected, "/a/b", length=4) == content[:1] + b"XX" + content[3:4]
        rm.sci.put_file(connected, "/a/b", b"short")
        assert rm.sci.get_file(connected, "/a/b") == b"short"
        rm.sci.upload(connected, Dripping(b"short"), "/a/b", progress=progress)  # type: ignore[arg-type]
        assert seen == [(5, None)]
        rm.sci.upload(connected, io.BytesIO(), "/a/b")
        assert rm.sci.get_file(connected, "/a/b") == b""
        rm.sci.rm(connected, "/a/b")
        for call in (rm.sci.rm, rm.sci.get_file, rm.sci.ls):
            with pytest.raises(SCIError, match=f"{connected}: 1 "):
                call(connected, "/a/b")
        with pytest.raises(SCIError):
            rm.sci.download(connected, "/a/b", target)
        assert target.read_bytes() == content  # what was there is there
        assert [file.name for file in tmp_path.iterdir() if file.name.endswith(".part")] == []


def test_files_end_to_end_on_a_loop(simulator: Simulator, connected: str, tmp_path: Path) -> None:
    content = b"some bytes" * 100

    async def main() -> None:
        async with AsyncClient(simulator.url, auth=("a", "b"), throttle=None) as rm:
            (tmp_path / "source").write_bytes(content)
            assert await rm.sci.upload(connected, tmp_path / "source", "/c/d", piece=300, progress=print) == 1000
            assert await rm.sci.get_file(connected, "/c/d") == content
            assert await rm.sci.download(connected, "/c/d", tmp_path / "x", piece=300, progress=print) == 1000
            assert (tmp_path / "x").read_bytes() == content
            assert [file.path async for file in _each(await rm.sci.ls(connected, "/c", hash="none"))] == ["/c/d"]
            await rm.sci.put_file(connected, "/c/d", b"x")
            assert [data async for data in rm.sci.read_file(connected, "/c/d")] == [b"x"]
            await rm.sci.rm(connected, "/c/d")
            with pytest.raises(SCIError):
                await rm.sci.get_file(connected, "/c/d")

    asyncio.run(main())


async def _each(items: list[Any]) -> Any:
    for item in items:
        yield item


@pytest.mark.parametrize(
    ("name", "args", "kwargs"),
    [
        ("ls", (ALL, "/"), {}),
        ("ls", (Tag("x"), "/"), {}),
        ("ls", ([DEVICE, "112233:445566"], "/"), {}),
        ("ls", ("not a device", "/"), {}),
        ("ls", (DEVICE, ""), {}),
        ("get_file", (DEVICE, "/a"), {"offset": -1}),
        ("get_file", (DEVICE, "/a"), {"length": -1}),
        ("put_file", (DEVICE, "/a", b""), {"offset": -1}),
        ("put_file", (DEVICE, "/a\0", b""), {}),
        ("download", (DEVICE, "/a", "x"), {"piece": 0}),
        ("upload", (DEVICE, io.BytesIO(), "/a"), {"piece": 0}),
    ],
)
def test_wrong_arguments_send_nothing(name: str, args: Any, kwargs: Any, tmp_path: Path) -> None:
    with Client("http://127.0.0.1:1", auth=("a", "b")) as rm:
        if name == "download":
            args = (*args[:2], tmp_path / "x")
        with pytest.raises(ValueError, match=r"."):
            getattr(rm.sci, name)(*args, **kwargs)


def test_files_of_this_machine_are_looked_at_first(tmp_path: Path) -> None:
    with Client("http://127.0.0.1:1", auth=("a", "b")) as rm:
        with pytest.raises(FileNotFoundError):
            rm.sci.upload(DEVICE, tmp_path / "none", "/a")
        with pytest.raises(IsADirectoryError):
            rm.sci.download(DEVICE, "/a", tmp_path)


def test_a_stored_file_is_named_and_not_sent() -> None:
    from digirm_runtime.sci.files import put_command

    assert put_command("/a", StoredPayload("/~/b"), None, truncate=True) == {
        "put_file": {"@path": "/a", "@truncate": True, "file": "/~/b"}
    }
