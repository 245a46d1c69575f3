"""CSV answers saved to a file: whole, or not at all."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from digirm_runtime.client import Client
from digirm_runtime.errors import APIError, TransportError
from digirm_runtime.handler import HandlerTransport
from digirm_runtime.saving import beside
from digirm_runtime.wire import Request, Response
from tests.support.server import Answer, script
from tests.support.things import AUTH, FACES, Things, run

CSV = (("content-type", "text/csv"),)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def save(face: str, url: str, path: object) -> Any:
    async def body(things: Any) -> tuple[int, bool | None]:
        rows = things.csv()
        return await rows.to_csv(path), rows.complete

    return run(face, body, url)


@pytest.mark.parametrize("face", FACES)
def test_to_csv_keeps_every_byte(face: str, tmp_path: Path) -> None:
    content = '\ufeffid,name\r\na,"two\nlines"\r\n'.encode() + "\u00fc,x\r\n".encode() * 50_000
    target = tmp_path / "rows.csv"
    with script(Answer(body=content, headers=CSV)) as server:
        for path in (target, str(target)):
            assert save(face, server.url, path) == (50_001, True)
            assert target.read_bytes() == content
            assert names(tmp_path) == ["rows.csv"]


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(400), APIError),
        (Answer(body=b"id\n1\n2\n", headers=CSV, declared=500), TransportError),
        (Answer(body=b'id\n"1\n2\n', headers=CSV), TransportError),
        (Answer(body=b"{}"), TransportError),
        (Answer(body=b"", headers=CSV), TransportError),
        (Answer(206, b"id\n1\n", CSV), TransportError),
    ],
)
def test_to_csv_leaves_nothing_half_done(face: str, answer: Answer, error: type[Exception], tmp_path: Path) -> None:
    target = tmp_path / "rows.csv"
    with script(answer) as server:
        with pytest.raises(error):
            save(face, server.url, target)
        assert names(tmp_path) == []
        target.write_text("old")
        with pytest.raises(error):
            save(face, server.url, target)
        assert names(tmp_path) == ["rows.csv"]
        assert target.read_text() == "old"


@pytest.mark.parametrize("face", FACES)
def test_a_file_that_cannot_be_written_is_noticed_before_anything_is_sent(face: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with script(Answer(body=b"id\n1\n", headers=CSV)) as server:
        for path, error in (
            (tmp_path, IsADirectoryError),
            (tmp_path / "none" / "rows.csv", FileNotFoundError),
            (tmp_path / "pipe", OSError),
        ):
            with pytest.raises(error, match=path.name if path.exists() else "none"):
                save(face, server.url, path)
        assert server.got == []
    assert names(tmp_path) == ["pipe"]


def test_the_mode_is_as_open_has_it_and_links_are_followed(tmp_path: Path) -> None:
    plain, old, link = tmp_path / "plain", tmp_path / "old", tmp_path / "link"
    plain.touch()
    old.touch()
    old.chmod(0o640)
    link.symlink_to(old)
    with script(Answer(body=b"id\n1\n", headers=CSV)) as server:
        for path in (tmp_path / "new", link):
            save("blocking", server.url, path)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)
    assert stat.S_IMODE(old.stat().st_mode) == 0o640
    assert link.is_symlink()
    assert old.read_bytes() == b"id\n1\n"


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644])
def test_nobody_reads_what_replaces_a_private_file(mode: int, tmp_path: Path) -> None:
    target = tmp_path / "rows.csv"
    target.touch()
    target.chmod(mode)
    with beside(target) as file:
        (part,) = (name for name in names(tmp_path) if name != target.name)
        assert stat.S_IMODE((tmp_path / part).stat().st_mode) == 0o600
        file.write(b"new")
    assert (stat.S_IMODE(target.stat().st_mode), target.read_bytes()) == (mode, b"new")


def test_an_interrupt_leaves_nothing(tmp_path: Path) -> None:
    class Interrupted:
        def handle(self, request: Request) -> Response:
            assert request.url.endswith("/api/bulk")
            return Response(200, {"content-type": "text/csv"}, self.body())

        def body(self) -> Iterator[bytes]:
            yield b"id\n1\n"
            assert [name.endswith(".part") for name in names(tmp_path)] == [True]
            raise KeyboardInterrupt

        def close(self) -> None:
            pass

    client = Client("http://127.0.0.1:1", auth=AUTH)
    client._lazy_transport = HandlerTransport(Interrupted())
    with pytest.raises(KeyboardInterrupt):
        Things(client).csv().to_csv(tmp_path / "rows.csv")
    assert names(tmp_path) == []
