"""A server without measure ends the crawl: nothing of it is kept, and the reason is one clear line."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from digirm_cli.main import main
from digirm_codegen import crawl as crawler
from digirm_runtime import spec
from digirm_runtime.errors import SpecError, TransportError
from tests.crawl.dialect import Answers, api, capture, category, crawled, nested, root, serve
from tests.support.server import Answer, Got
from tests.support.wire import Then, Wire, WireServer, document, http

#: A limit that tests reach: the real ones differ in nothing but size.
SMALL = 20_000
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
WITHOUT_END = {
    "no length": Wire((HEAD + b"\r\n", b" " * 1000), "drip"),
    "chunks": Wire((HEAD + b"transfer-encoding: chunked\r\n\r\n", b"3e8\r\n" + b" " * 1000 + b"\r\n"), "drip"),
    "a length": Wire((HEAD + b"content-length: 1000000000\r\n\r\n", b" " * 1000), "drip"),
    "packed": http(200, gzip.compress(b" " * 10_000_000), ("content-encoding", "gzip"), then="close"),
}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crawler, "MAX_FILE_BYTES", SMALL)
    monkeypatch.setattr(crawler, "MAX_BYTES", 3 * SMALL)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("wire", WITHOUT_END.values(), ids=list(WITHOUT_END))
@pytest.mark.parametrize("path", ["/ws/v1", "/ws/v1/a"])
def test_an_answer_without_end(wire: Wire, path: str) -> None:
    def reply(got: Got) -> Wire:
        return wire if got.target == path else document(root("a"))

    with (
        WireServer(reply) as server,
        pytest.raises(SpecError, match=rf"^GET {path}: the answer is longer than {SMALL} bytes$"),
    ):
        crawled(server.url)
    # The next answer would be as long: it was asked for once, and not read to its end.
    assert [got.target for got in server.got].count(path) == 1
    assert not server.outlasted


@pytest.mark.parametrize("then", ["drip", "hold"])
def test_a_category_that_takes_for_ever_is_unreachable(then: Then, monkeypatch: pytest.MonkeyPatch) -> None:
    def reply(got: Got) -> Wire:
        if got.target == "/ws/v1":
            # From here on: the root itself has all the time that it needs.
            monkeypatch.setattr(crawler, "MAX_SECONDS", 0.2)
            return document(root("a"))
        return Wire((HEAD + b"\r\n", b" "), then)

    with WireServer(reply) as server:
        assert crawled(server.url).unavailable == {"a": (None, "unreachable")}
    assert not server.outlasted


def test_a_root_that_takes_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crawler, "MAX_SECONDS", 0.2)
    with (
        WireServer(lambda _: Wire((HEAD + b"\r\n", b" "), "drip")) as server,
        pytest.raises(TransportError, match=r"^GET /ws/v1: no complete answer within 0\.2 s$"),
    ):
        crawled(server.url)
    assert not server.outlasted


@pytest.mark.usefixtures("small")
def test_an_error_status_counts_whatever_its_body() -> None:
    def reply(got: Got) -> Wire:
        endless = Wire((b"HTTP/1.1 403 No\r\ncontent-length: 1000000000\r\n\r\n", b" " * 1000), "drip")
        return endless if got.target == "/ws/v1/a" else document(root("a"))

    with WireServer(reply) as server:
        assert crawled(server.url).unavailable == {"a": (403, "forbidden")}
    assert not server.outlasted


@pytest.mark.usefixtures("small")
def test_a_document_that_is_longer_as_it_is_kept() -> None:
    long = category("a") | {"x": [[[[[[0]]]]]] * 200}
    assert len(json.dumps(long)) < SMALL < len(spec.canonical(long))
    with pytest.raises(SpecError, match=rf"^/ws/v1/a: its answer is longer than {SMALL} bytes$"):
        capture(api("a") | {"/ws/v1/a": Answer(body=long)})


@pytest.mark.usefixtures("small")
def test_all_documents_together() -> None:
    names = ("a", "b", "c", "d")
    answers: Answers = {f"/ws/v1/{name}": Answer(body=category(name) | {"x": "y" * (SMALL - 3000)}) for name in names}
    assert len(capture(api(*names[:3]) | answers).documents) == 3
    with pytest.raises(SpecError, match=rf"^/ws/v1/.: with it all answers are longer than {3 * SMALL} bytes$"):
        capture(api(*names) | answers)


@pytest.mark.parametrize("deep", [nested(600), nested(spec.MAX_DEPTH)])
@pytest.mark.parametrize("where", ["root", "item", "path", "category"])
def test_depth(deep: Any, where: str) -> None:
    path = "/ws/v1/a" if where == "category" else "/ws/v1"
    body = {
        "root": root("a") | {"deep": deep},
        "item": {"list": [{"path": "/ws/v1/a", "deep": deep}]},
        "path": {"list": [{"path": deep}]},
        "category": category("a") | {"deep": deep},
    }[where]
    with pytest.raises(SpecError, match=rf"^{path}: its answer is nested deeper than {spec.MAX_DEPTH} levels"):
        capture(api("a") | {path: Answer(body=body)})


@pytest.mark.parametrize("path", ["/ws/v1", "/ws/v1/a"])
@pytest.mark.parametrize("bracket", [b"[", b'{"a":'])
def test_depth_that_cannot_be_read(path: str, bracket: bytes) -> None:
    with pytest.raises(SpecError, match=rf"^GET {path}: .* is nested too deep to be read$"):
        capture(api("a") | {path: Answer(body=bracket * 100_000)})


def test_what_is_just_deep_enough() -> None:
    found = capture(api("a") | {"/ws/v1/a": Answer(body=category("a") | {"deep": nested(spec.MAX_DEPTH - 1)})})
    assert found.documents["a"]["deep"] == nested(spec.MAX_DEPTH - 1)
    assert found.unavailable == {}


def test_number_of_categories() -> None:
    names = [f"c{number}" for number in range(spec.MAX_CATEGORIES + 1)]
    with serve(api(*names)) as server, pytest.raises(SpecError, match=r"^/ws/v1 lists more than 1,000 categories"):
        crawled(server.url)
    assert [got.path for got in server.got] == ["/ws/v1"]


@pytest.mark.parametrize(
    ("document", "what"),
    [
        ({"list": [{}] * (spec.MAX_PATHS + 1)}, "paths in one spec"),
        ({"list": [{"path": "/ws/v1/a/b", "requests": [0] * (spec.MAX_REQUESTS + 1)}]}, "requests in one spec"),
        (
            {
                "list": [
                    {
                        "path": "/ws/v1/a/b",
                        "requests": [{"method": "GET", "params": ["x"] * (spec.MAX_REQUEST_PARAMS + 1)}],
                    }
                ]
            },
            "more than 1,000 parameters",
        ),
    ],
)
def test_number_of_what_a_document_lists(document: Any, what: str) -> None:
    with pytest.raises(SpecError, match=what):
        capture(api("a", "b") | {"/ws/v1/a": Answer(body=document)})


@pytest.mark.parametrize(
    "answer", [Answer(body=category("b") | {"deep": nested(200)}), Answer(body=b"[" * 100_000)], ids=["deep", "deepest"]
)
def test_the_command_says_so_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: Answer
) -> None:
    monkeypatch.setenv("DIGIRM_USERNAME", "user")
    monkeypatch.setenv("DIGIRM_PASSWORD", "password")
    with serve(api("a", "b", "c") | {"/ws/v1/b": answer}) as server:
        assert main(["crawl", server.url, "--out", str(tmp_path / "out"), "--api-version", "1"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("digirm: ")
    assert shown.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_name_that_is_too_long_costs_its_entry() -> None:
    long = "x" * (spec.MAX_NAME + 1)
    found = capture(api("a") | {"/ws/v1": Answer(body=root("a", long))})
    assert list(found.documents) == ["a"]
    assert [f"is longer than {spec.MAX_NAME} characters; skipped" in problem for problem in found.problems] == [True]
