"""Files: what is uploaded is read while it is sent, what is downloaded is complete or not there."""

from __future__ import annotations

import asyncio
import io
import os
import re
import socket
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digirm_runtime import flow
from digirm_runtime.client import AsyncClient, Client
from digirm_runtime.errors import NotFound, RemoteManagerError, TransportError
from digirm_runtime.flow import Send, Wait
from digirm_runtime.operation import Endpoint, Operation
from digirm_runtime.options import Options
from digirm_runtime.storage import FileSource
from digirm_runtime.storage.sources import source
from digirm_runtime.storage.transfer import Transfer
from digirm_runtime.wire import Response
from tests.support.server import Answer, Got, Server, dropped, script

AUTH = ("user", "secret-word")
CONTENT = bytes(range(256)) * 1000
SLOW_START = 100_000

#: Calls a method of `rm.storage`; what is iterated comes as a list.
Do = Callable[..., Any]


@pytest.fixture(params=["blocking", "asyncio"])
def do(request: pytest.FixtureRequest) -> Do:
    def blocking(url: str, name: str, *args: Any, **kwargs: Any) -> Any:
        with Client(url, auth=AUTH, throttle=None) as rm:
            found = getattr(rm.storage, name)(*args, **kwargs)
            return list(found) if hasattr(found, "__iter__") and not isinstance(found, dict) else found

    def on_a_loop(url: str, name: str, *args: Any, **kwargs: Any) -> Any:
        async def main() -> Any:
            async with AsyncClient(url, auth=AUTH, throttle=None) as rm:
                found = getattr(rm.storage, name)(*args, **kwargs)
                return [item async for item in found] if hasattr(found, "__aiter__") else await found

        return asyncio.run(main())

    return blocking if request.param == "blocking" else on_a_loop


def test_uploads_a_path_bytes_and_open_files(do: Do, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(CONTENT)
    with script(Answer(body={"name": "b/c d.bin"})) as server, (tmp_path / "a.bin").open("rb") as file:
        file.seek(1000)
        for local in (tmp_path / "a.bin", str(tmp_path / "a.bin"), CONTENT, memoryview(CONTENT), file):
            assert do(server.url, "upload", local, "set/b/c d.bin") == {"name": "b/c d.bin"}
        assert not file.closed
    assert {(got.method, got.target) for got in server.got} == {("POST", "/ws/v1/files/inventory/set/b/c%20d.bin")}
    assert [got.body for got in server.got] == [CONTENT] * 4 + [CONTENT[1000:]]
    assert {got.headers["content-type"] for got in server.got} == {"application/octet-stream"}


def test_upload_says_what_it_is_and_how_far_it_is(do: Do) -> None:
    told: list[tuple[int, int | None]] = []
    with script(Answer(body={})) as server:
        do(server.url, "upload", CONTENT, "s/n", media_type="text/plain", progress=lambda *at: told.append(at))
    assert server.got[0].headers["content-type"] == "text/plain"
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert len(told) > 2


def test_an_upload_is_repeated(do: Do) -> None:
    with script(Answer(503), dropped(), Answer(body={})) as server:
        do(server.url, "upload", CONTENT, "s/n")
    assert [got.body for got in server.got] == [CONTENT] * 3
    with script(Answer(503)) as server, pytest.raises(RemoteManagerError):
        do(server.url, "upload", CONTENT, "s/n", options=Options(idempotent=False))
    assert len(server.got) == 1


@pytest.mark.parametrize(
    "remote", ["", "name", "/name", "set/", "set/../x", "set/./x", "../x", "set/%2e%2e/x", "set//x"]
)
def test_what_names_no_file_is_refused(do: Do, remote: str, tmp_path: Path) -> None:
    with script(Answer(body={})) as server:
        for name, *args in (("upload", b""), ("delete",), ("download",)):
            local = [tmp_path / "x"] if name == "download" else []
            with pytest.raises(ValueError, match=r"must not be empty|is named as"):
                do(server.url, name, *args, remote, *local)
        with pytest.raises(ValueError, match=r"must not be empty|is named as"):
            do(server.url, "chunks", remote)
    assert server.got == []
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_uploaded_is_refused(do: Do, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader, writer = os.pipe()
    with script(Answer(body={})) as server, os.fdopen(reader, "rb") as pipe, os.fdopen(writer, "wb"):
        for local, error in (
            (tmp_path / "missing", FileNotFoundError),
            (tmp_path, OSError),
            (tmp_path / "pipe", OSError),
            (pipe, ValueError),
            (io.StringIO("text"), TypeError),
            (12, TypeError),
            (None, TypeError),
        ):
            with pytest.raises(error):
                do(server.url, "upload", local, "s/n")
        with pytest.raises(ValueError, match="header"):
            do(server.url, "upload", b"", "s/n", media_type="a\r\nb: c")
    assert server.got == []


def test_a_file_that_changes_is_no_upload(do: Do, tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(CONTENT)

    def grow(*_: object) -> None:
        with path.open("ab") as file:
            file.write(CONTENT)

    with script(Answer(body={})) as server, pytest.raises(OSError, match="announced"):
        do(server.url, "upload", path, "s/n", progress=grow)
    assert all(got.body != CONTENT for got in server.got)


def test_a_read_only_client_uploads_nothing() -> None:
    with (
        script(Answer(body={})) as server,
        Client(server.url, auth=AUTH, read_only=True) as rm,
        pytest.raises(RemoteManagerError, match="read-only"),
    ):
        rm.storage.upload(b"", "s/n")
    assert server.got == []


@given(content=st.binary(max_size=200_000), start=st.integers(0, 1000))
def test_sources_say_their_size_and_read_alike(content: bytes, start: int, tmp_path_factory: Any) -> None:
    file = io.BytesIO(content)
    file.seek(start)
    path = tmp_path_factory.mktemp("source") / "file"
    path.write_bytes(content)
    for made, wanted in (
        (source(content, None), content),
        (source(bytearray(content), None), content),
        (source(file, None), content[start:]),
        (source(path, None), content),
        (FileSource(path), content),
    ):
        for _ in range(2):
            assert b"".join(made.chunks()) == wanted
        assert made.size == len(wanted)


def test_downloads_to_a_file(do: Do, tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    with script(Answer(body=CONTENT)) as server:
        size = do(server.url, "download", "s/a/n", tmp_path / "n", progress=lambda *at: told.append(at))
    assert size == len(CONTENT)
    assert (tmp_path / "n").read_bytes() == CONTENT
    assert told[-1] == (len(CONTENT), len(CONTENT))
    [got] = server.got
    assert (got.method, got.target) == ("GET", "/ws/v1/files/inventory/s/a/n")
    assert got.headers["accept-encoding"] == "identity"
    assert "range" not in got.headers
    assert list(tmp_path.iterdir()) == [tmp_path / "n"]


def test_an_empty_file(do: Do, tmp_path: Path) -> None:
    (tmp_path / "n").write_bytes(b"old")
    with script(Answer(body=b"")) as server:
        assert do(server.url, "download", "s/n", tmp_path / "n") == 0
        assert do(server.url, "chunks", "s/n") == []
    assert (tmp_path / "n").read_bytes() == b""


def test_a_missing_one_leaves_the_old_file(do: Do, tmp_path: Path) -> None:
    (tmp_path / "n").write_bytes(b"old")
    with script(Answer(404, {"error_message": "none"})) as server, pytest.raises(NotFound):
        do(server.url, "download", "s/n", tmp_path / "n")
    assert (tmp_path / "n").read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [tmp_path / "n"]


def test_where_nothing_can_be_written_nothing_is_asked(do: Do, tmp_path: Path) -> None:
    with script(Answer(body=CONTENT)) as server:
        for local in (tmp_path, tmp_path / "no" / "n"):
            with pytest.raises(OSError, match=r"folder|directory"):
                do(server.url, "download", "s/n", local)
    assert server.got == []


def test_memory_stays_flat(do: Do, tmp_path: Path) -> None:
    """A server of sockets that holds one piece, so that what is measured is the client."""
    count = 150
    head = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % (count * len(CONTENT))

    def give() -> None:
        connection, _ = listener.accept()
        with connection:
            while b"\r\n\r\n" not in connection.recv(1 << 16):
                pass
            connection.sendall(head)
            for _ in range(count):
                connection.sendall(CONTENT)

    with script(Answer(body=b"")) as server:
        do(server.url, "download", "s/n", tmp_path / "n")  # imports what is imported at first use
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=give)
        thread.start()
        tracemalloc.start()
        try:
            size = do(f"http://127.0.0.1:{listener.getsockname()[1]}", "download", "s/n", tmp_path / "n")
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        thread.join()
    assert size == count * len(CONTENT) == (tmp_path / "n").stat().st_size
    assert peak < size // 10


class Breaking:
    """A server of one content that breaks off each answer after so many bytes, until it is asked for the last time.

    With `resumes` it takes up a download in its midst; `lies` is a header that it then sends instead,
    empty for none.
    """

    def __init__(
        self, times: int, *, etag: str = '"v1"', resumes: bool = True, lies: tuple[str, str] | None = None
    ) -> None:
        self.times = times
        self.etag = etag
        self.resumes = resumes
        self.lies = dict([lies] if lies else [])

    def __call__(self, got: Got) -> Answer:
        start, status, headers = 0, 200, {"content-type": "application/octet-stream", "etag": self.etag}
        asked = re.fullmatch(r"bytes=(\d+)-", got.headers.get("range", ""))
        if asked and self.resumes and got.headers.get("if-range") == self.etag:
            start, status = int(asked[1]), 206
            headers |= {"content-range": f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"} | self.lies
        rest, told = CONTENT[start:], tuple((name, value) for name, value in headers.items() if value)
        if self.times:
            self.times -= 1
            return Answer(status, rest[:SLOW_START], told, declared=len(rest))
        return Answer(status, rest, told)


def asked_from(server: Server) -> list[str | None]:
    return [got.headers.get("range") for got in server.got]


def test_goes_on_where_it_broke_off(do: Do, tmp_path: Path) -> None:
    with Server(Breaking(2)) as server:
        assert do(server.url, "download", "s/n", tmp_path / "n") == len(CONTENT)
    assert (tmp_path / "n").read_bytes() == CONTENT
    assert asked_from(server)[0] is None
    assert len(server.got) == 3
    assert all(asked is not None for asked in asked_from(server)[1:])
    with Server(Breaking(2)) as server:
        assert b"".join(do(server.url, "chunks", "s/n")) == CONTENT


@pytest.mark.parametrize(
    "breaking",
    [
        lambda: Breaking(2, resumes=False),
        lambda: Breaking(2, etag=""),
        lambda: Breaking(2, etag='W/"weak"'),
        lambda: Breaking(1, lies=("content-range", "bytes 5-255999/256000")),
        lambda: Breaking(1, lies=("content-range", "bytes */256000")),
        lambda: Breaking(1, lies=("content-range", "bytes 0-9/10")),
        lambda: Breaking(1, lies=("content-range", "nonsense")),
        lambda: Breaking(1, lies=("content-range", "")),
        # The rest of another content, of none that is named, packed, or among others.
        lambda: Breaking(1, lies=("etag", '"v2"')),
        lambda: Breaking(1, lies=("etag", 'W/"v1"')),
        lambda: Breaking(1, lies=("etag", "")),
        lambda: Breaking(1, lies=("content-encoding", "gzip")),
        lambda: Breaking(1, lies=("content-type", "multipart/byteranges; boundary=b")),
    ],
)
def test_else_a_file_starts_anew_and_chunks_end(do: Do, tmp_path: Path, breaking: Callable[[], Breaking]) -> None:
    with Server(breaking()) as server:
        assert do(server.url, "download", "s/n", tmp_path / "n") == len(CONTENT)
    assert (tmp_path / "n").read_bytes() == CONTENT
    with Server(breaking()) as server, pytest.raises(TransportError):
        do(server.url, "chunks", "s/n")


def test_a_download_that_always_breaks_ends(do: Do, tmp_path: Path) -> None:
    for breaking in (Breaking(100, resumes=False), Breaking(100, etag="")):
        with (
            Server(breaking) as server,
            pytest.raises(TransportError, match="GET /ws/v1/files/inventory/s/n after 4 attempts") as caught,
        ):
            do(server.url, "download", "s/n", tmp_path / "n")
        assert len(server.got) == caught.value.attempts == 4
    with Server(Breaking(100)) as server, pytest.raises(TransportError):
        do(server.url, "download", "s/n", tmp_path / "n", options=Options(retries=0))
    assert len(server.got) == 1
    assert list(tmp_path.iterdir()) == []


def test_the_tries_of_a_download_are_all_counted(do: Do, tmp_path: Path) -> None:
    broken = Answer(body=CONTENT[:10], declared=len(CONTENT))
    with script(broken, Answer(503), broken, dropped()) as server, pytest.raises(TransportError) as caught:
        do(server.url, "download", "s/n", tmp_path / "n")
    assert caught.value.attempts == len(server.got)


def test_a_download_that_broke_waits_before_it_asks_again() -> None:
    steps: list[Any] = []
    with Client("http://127.0.0.1:9", auth=AUTH, throttle=None) as rm:
        one = transfer(again=True, retries=20)
        for _ in range(12):
            asking = one.asking(rm)
            steps.append(next(asking))
            asking.close()
            one.begin(Response(200))
            one.broke(TransportError("broke off"))
    assert isinstance(steps[0], Send)
    waits = [step.seconds for step in steps[1:] if isinstance(step, Wait)]
    assert len(waits) == 11
    # Each longer than the one before it at the most.
    assert waits[0] <= flow.FIRST_DELAY
    assert all(seconds <= flow.LONGEST_DELAY for seconds in waits)
    assert waits[-1] > 50 * flow.FIRST_DELAY


def transfer(*, again: bool, retries: int = 1) -> Transfer:
    operation = Operation[Any](Endpoint("GET", "/file", "get"), options=Options(retries=retries))
    return Transfer(operation, None, again=again)


@pytest.mark.parametrize(("length", "message"), [(5, "more than the 5"), (15, "more than the 15"), (25, "20 of 25")])
def test_a_length_that_lies(length: int, message: str) -> None:
    one = transfer(again=True)
    assert one.begin(Response(200, {"content-length": str(length), "etag": '"v"'})) == 0

    def take() -> None:
        one.take(bytes(10))
        one.take(bytes(10))
        one.end()

    with pytest.raises(TransportError, match=message) as caught:
        take()
    one.broke(caught.value)
    # Who lies is asked for all of it, and not for ever.
    assert "range" not in one.due().options.headers
    with pytest.raises(TransportError, match=message):
        one.broke(caught.value)


def test_a_packed_answer_has_a_length_of_its_own() -> None:
    one = transfer(again=False)
    one.begin(Response(200, {"content-length": "5", "content-encoding": "gzip", "etag": '"v"'}))
    one.take(bytes(10))
    one.end()
    assert (one.done, one.total) == (10, None)
    with pytest.raises(TransportError):
        one.broke(TransportError("broke off"))


@pytest.mark.parametrize("etag", ['"', 'W/"v"', "v", '"ü"', '"a\x00"', f'"{"x" * 2000}"', ""])
def test_an_etag_that_cannot_go_back(etag: str) -> None:
    one = transfer(again=True)
    one.begin(Response(200, {"content-length": "20", "etag": etag}))
    one.take(bytes(10))
    one.broke(TransportError("broke off"))
    assert one.due().options.headers == {"accept-encoding": "identity"}


def test_chunks_that_are_left_give_back_what_they_hold() -> None:
    with script(Answer(body=CONTENT)) as server, Client(server.url, auth=AUTH, throttle=None) as rm:
        for _ in range(10):
            for chunk in rm.storage.chunks("s/n"):
                assert chunk == CONTENT[: len(chunk)]
                break


def test_a_callback_that_raises_ends_a_download(do: Do, tmp_path: Path) -> None:
    def stop(done: int, total: int | None) -> None:
        raise KeyError(done, total)

    with script(Answer(body=CONTENT)) as server, pytest.raises(KeyError):
        do(server.url, "download", "s/n", tmp_path / "n", progress=stop)
    assert len(server.got) == 1
    assert list(tmp_path.iterdir()) == []


def pages(got: Got) -> Answer:
    names = [f"a/{number}" if number % 2 else f"b/{number}" for number in range(10)]
    start = int(got.params.get("cursor", "0"))
    page = {"count": 2, "list": [{"name": name} for name in names[start : start + 2]], "size": 2}
    return Answer(body=page | ({"cursor": str(start + 2)} if start < 8 else {}))


def test_lists(do: Do) -> None:
    with Server(pages) as server:
        assert len(do(server.url, "list", "set")) == 10
        assert [entry["name"] for entry in do(server.url, "list", "set", "a/")] == [f"a/{n}" for n in (1, 3, 5, 7, 9)]
        assert [entry["name"] for entry in do(server.url, "list", "set", "b/", limit=2)] == ["b/0", "b/2"]
        assert len(do(server.url, "filesets")) == 10
    assert server.got[0].target == "/ws/v1/files/inventory/set"
    assert "size" not in server.got[0].params
    assert server.got[-1].path == "/ws/v1/files/inventory"


@pytest.mark.parametrize("answer", [[], {"list": 1}, {}, "text"])
def test_a_list_that_is_none(do: Do, answer: Any) -> None:
    with script(Answer(body=answer)) as server:
        for prefix in ("", "a"):
            with pytest.raises(TransportError, match="no list"):
                do(server.url, "list", "set", prefix)


def test_odd_entries_begin_with_nothing(do: Do) -> None:
    with script(Answer(body={"list": [1, None, {"name": None}, {}, {"name": "ab"}]})) as server:
        assert do(server.url, "list", "set", "a") == [{"name": "ab"}]


def test_a_listing_is_resumed() -> None:
    with Server(pages) as server, Client(server.url, auth=AUTH, throttle=None) as rm:
        listing = rm.storage.list("set", "a/")
        first: Iterator[dict[str, Any]] = iter(listing)
        seen = [next(first)["name"] for _ in range(3)]
        rest = [entry["name"] for entry in rm.storage.list("set", "a/", cursor=listing.cursor)]
    assert seen == ["a/1", "a/3", "a/5"]
    assert rest == ["a/5", "a/7", "a/9"]


def test_end_to_end(do: Do, tmp_path: Path) -> None:
    from digirm_simulator import Simulator

    (tmp_path / "big").write_bytes(CONTENT * 20)
    with Simulator(devices=1, port=0) as simulator:
        entry = do(simulator.url, "upload", tmp_path / "big", "set/path/big")
        assert entry["size"] == len(CONTENT) * 20
        do(simulator.url, "upload", b"small", "set/small")
        assert do(simulator.url, "download", "set/path/big", tmp_path / "back") == len(CONTENT) * 20
        assert (tmp_path / "back").read_bytes() == CONTENT * 20
        assert [entry["name"] for entry in do(simulator.url, "list", "set", "path/")] == ["path/big"]
        assert [entry["name"] for entry in do(simulator.url, "filesets")] == ["set"]
        do(simulator.url, "delete", "set/small")
        with pytest.raises(NotFound):
            do(simulator.url, "chunks", "set/small")
