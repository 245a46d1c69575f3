"""`digirm crawl` as a user meets it: files, exit codes, and one clear line where it cannot run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from digirm_cli.main import main
from digirm_runtime import spec
from tests.crawl.dialect import api, serve
from tests.support.server import Answer, Server


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGIRM_USERNAME", "user")
    monkeypatch.setenv("DIGIRM_PASSWORD", "hunter2")


def crawl(url: str, out: Path, *more: str) -> int:
    return main(["crawl", url, "--out", str(out), "--api-version", "22.7", *more])


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("digirm: ")
    assert output.err.count("\n") == 1
    assert "hunter2" not in output.err
    return output.err.removeprefix("digirm: ").rstrip()


@pytest.mark.usefixtures("credentials")
class TestWithCredentials:
    def test_writes_a_spec(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        with serve(api("a", "b")) as server:
            assert crawl(server.url, tmp_path / "out") == 0
        assert capsys.readouterr().out.splitlines() == [
            "added   a.json",
            "added   b.json",
            "added   index.json",
            f"2 of 2 categories, live, version 22.7: 3 files written in {tmp_path / 'out'}",
        ]
        assert spec.load(tmp_path / "out").api_version == "22.7"

    def test_partial(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        with serve(api("a", "b") | {"/ws/v1/b": Answer(403)}) as server:
            assert crawl(server.url, tmp_path) == 3
        assert capsys.readouterr().err == "digirm: b is unavailable: forbidden (status 403)\n"
        assert spec.load(tmp_path).unavailable == {"b": (403, "forbidden")}

    def test_what_was_available_stays_without_force(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        with serve(api("a", "b")) as server:
            crawl(server.url, tmp_path)
        before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
        with serve(api("a", "b") | {"/ws/v1/b": Answer(403)}) as server:
            assert crawl(server.url, tmp_path) == 3
            assert "the earlier capture is kept" in capsys.readouterr().err
            assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before
            assert crawl(server.url, tmp_path, "--check") == 3
            assert crawl(server.url, tmp_path, "--check", "--force") == 1
            assert crawl(server.url, tmp_path, "--force") == 3
        assert sorted(file.name for file in tmp_path.iterdir()) == ["a.json", "index.json"]

    def test_check_needs_something_to_compare_with(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        with serve(api("a")) as server:
            assert crawl(server.url, tmp_path / "mistyped", "--check") == 2
        assert one_line(capsys) == f"there are no specs in {tmp_path / 'mistyped'} to compare with"

    def test_check_writes_nothing_and_drift_outranks_partial(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with serve(api("a", "b")) as server:
            crawl(server.url, tmp_path)
            assert crawl(server.url, tmp_path, "--check") == 0
        capsys.readouterr()
        before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
        with serve(api("a", "c", "d") | {"/ws/v1/d": Answer(403)}) as server:
            assert crawl(server.url, tmp_path, "--check") == 1
        assert capsys.readouterr().out.splitlines()[:3] == [
            "removed b.json",
            "added   c.json",
            "changed index.json",
        ]
        assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before

    def test_another_base_path(self, tmp_path: Path) -> None:
        with serve(api("things", base="/api/v2")) as server:
            assert crawl(server.url + "/api/v2/", tmp_path) == 0
        index = json.loads((tmp_path / "index.json").read_text())
        assert index["base_path"] == "/api/v2"
        assert index["categories"]["things"]["path"] == "/api/v2/things"

    def test_url_from_the_environment(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        with serve(api("things", base="/api/v2")) as server:
            monkeypatch.setenv("DIGIRM_URL", server.url + "/api/v2")
            assert main(["crawl", "--out", str(tmp_path), "--api-version", "1"]) == 0

    def test_wrong_credentials(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        with serve({"/ws/v1": Answer(401, body={"error_message": "Bad\n\x1b[31mcredentials"})}) as server:
            assert crawl(server.url, tmp_path) == 2
        line = one_line(capsys)
        assert line.startswith(f"{server.url}: the credentials were refused (GET /ws/v1 answered 401")
        assert line.isprintable()

    def test_unreachable_host(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        with Server(lambda _: Answer()) as server:
            pass
        assert crawl(server.url, tmp_path) == 2
        assert f"cannot connect to {server.url}" in one_line(capsys)

    @pytest.mark.parametrize("answer", [Answer(404), Answer(body={"openapi": "3.1.0"}), Answer(body=b"<html></html>")])
    def test_not_such_an_api(self, tmp_path: Path, capsys: pytest.CaptureFixture[str], answer: Answer) -> None:
        with Server(lambda _: answer) as server:
            assert crawl(server.url, tmp_path / "out") == 2
        assert one_line(capsys).startswith(f"{server.url}/ws/v1 is not a self-documenting API: ")
        assert not (tmp_path / "out").exists()

    @pytest.mark.parametrize("folder", ["file", "file/below/that"])
    def test_unwritable_folder(self, tmp_path: Path, capsys: pytest.CaptureFixture[str], folder: str) -> None:
        (tmp_path / "file").write_text("in the way")
        with serve(api("a")) as server:
            assert crawl(server.url, tmp_path / folder) == 2
            # Nothing was asked of a server whose answer could not be kept.
            assert server.got == []
        assert one_line(capsys) == f"cannot write {tmp_path / folder}: {tmp_path / 'file'} is not a folder"

    @pytest.mark.parametrize(
        "url", ["http://", "http://[", "http://host:port", "ftp://host", "nonsense", "http://u:p@h"]
    )
    def test_bad_url(self, tmp_path: Path, capsys: pytest.CaptureFixture[str], url: str) -> None:
        assert crawl(url, tmp_path) == 2
        one_line(capsys)


def test_no_credentials(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serve(api("a")) as server:
        assert crawl(server.url, tmp_path) == 2
        assert server.got == []
    assert one_line(capsys).startswith("no credentials: set DIGIRM_API_KEY_ID")


@pytest.mark.parametrize(
    "more", [[], ["--out"], ["--out", "x"], ["--out", "x", "--api-version", "1", "--concurrency", "9"]]
)
def test_usage(more: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["crawl", *more])
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("usage: digirm crawl")
