"""The crawler against a real server on the loopback: what it keeps, what it reports, and what it refuses."""

from __future__ import annotations

import asyncio
import json
import random
from pathlib import Path
from typing import Any

import httpx
import pytest

from digirm_codegen import spec_files
from digirm_codegen.crawl import crawl
from digirm_codegen.spec_files import Capture
from digirm_runtime import spec
from digirm_runtime.client import AsyncClient
from digirm_runtime.errors import AuthError, SpecError
from tests.crawl.dialect import AUTH, Answers, api, capture, category, root
from tests.support.recordings import recorded
from tests.support.server import Answer, cut_json, dropped, truncated


def test_recorded_root_and_automations(tmp_path: Path) -> None:
    listed = recorded("root.22.7.json")
    names = [item["path"].rsplit("/", 1)[1] for item in listed["list"]]
    answers = api(*names) | {
        "/ws/v1": Answer(body=listed),
        "/ws/v1/automations": Answer(body=recorded("automations.paths.json")),
    }
    found = capture(answers)
    assert sorted(found.documents) == names
    assert len(names) == 22
    spec_files.write(tmp_path, spec_files.render(found))
    loaded = spec.load(tmp_path)
    automations = next(c for c in loaded.categories if c.name == "automations")
    assert [path.template for path in automations.paths] == [
        item["path"] for item in recorded("automations.paths.json")["list"]
    ]
    assert loaded.problems == ()


def test_recorded_fields_and_operators_keep_their_order(tmp_path: Path) -> None:
    found = capture(
        api("automations") | {"/ws/v1/automations": Answer(body=recorded("automations.selfdoc.partial.json"))}
    )
    spec_files.write(tmp_path, spec_files.render(found))
    (request,) = spec.load(tmp_path).categories[0].paths[0].requests or ()
    assert request.params == ("query", "orderby", "size", "cursor")
    assert [(f.name, f.type) for f in request.query] == [
        ("customer_id", "Numeric"),
        ("id", "Numeric"),
        ("name", "Text"),
    ]
    assert request.query[2].operators == ("=", "contains", "startsWith", "endsWith", "<>", "<", "<=", ">", ">=")
    # The document itself holds everything that the server said.
    assert found.documents["automations"] == recorded("automations.selfdoc.partial.json")


@pytest.mark.parametrize(
    "answers",
    [
        [Answer(429), Answer(429)],
        [Answer(500), Answer(503)],
        [dropped()],
        [truncated(category("beta"))],
        [cut_json(category("beta"))],
    ],
    ids=["429", "5xx", "dropped", "truncated", "ends early"],
)
def test_transient_faults_are_repeated(answers: list[Answer]) -> None:
    found = capture(api("alpha", "beta") | {"/ws/v1/beta": [*answers, Answer(body=category("beta"))]})
    assert found.unavailable == {}
    assert found.documents["beta"] == spec.normalise(category("beta"))


def test_lasting_faults_cost_one_category_each() -> None:
    bad = {
        "b-forbidden": Answer(403),
        "c-missing": Answer(404),
        "d-throttled": Answer(429),
        "e-failed": Answer(500),
        "f-teapot": Answer(418),
        "g-list": Answer(body=[1]),
        "h-no-list": Answer(body={"count": 0}),
        "i-html": Answer(body=b"<html></html>", headers=(("content-type", "text/html"),)),
    }
    answers = api("a-good", *bad, "z-good") | {f"/ws/v1/{name}": answer for name, answer in bad.items()}
    found = capture(answers)
    assert sorted(found.documents) == ["a-good", "z-good"]
    assert found.unavailable == {
        "b-forbidden": (403, "forbidden"),
        "c-missing": (404, "not_found"),
        "d-throttled": (429, "throttled"),
        "e-failed": (500, "failed"),
        "f-teapot": (418, "refused"),
        "g-list": (200, "invalid"),
        "h-no-list": (200, "invalid"),
        "i-html": (200, "invalid"),
    }


def test_an_unforeseen_fault_costs_one_category() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        name = request.url.path.removeprefix("/ws/v1").strip("/")
        if name == "odd":
            raise LookupError("unknown encoding:\n x")
        return httpx.Response(200, json=category(name) if name else root("a", "odd", "z"))

    async def run() -> Capture:
        async with AsyncClient("http://127.0.0.1", auth=AUTH, transport=httpx.MockTransport(answer)) as client:
            return await crawl(client, api_version="1", progress=lambda done, total: seen.append((done, total)))

    seen: list[tuple[int, int]] = []
    found = asyncio.run(run())
    assert sorted(found.documents) == ["a", "z"]
    assert found.unavailable == {"odd": (None, "invalid")}
    assert found.problems == ("'odd': LookupError: 'unknown encoding:\\n x'",)
    assert seen[-1] == (3, 3)


def shuffled(value: Any, rng: random.Random) -> Any:
    """The same document with object keys, paths, methods and fields in another order; operators, parameters stay."""
    if isinstance(value, dict):
        keys = rng.sample(sorted(value), len(value))
        return {k: value[k] if k in ("operators", "params") else shuffled(value[k], rng) for k in keys}
    if isinstance(value, list):
        return [shuffled(item, rng) for item in rng.sample(value, len(value))]
    return value


@pytest.mark.parametrize("seed", range(3))
def test_server_order_does_not_reach_the_files(seed: int) -> None:
    rng = random.Random(seed)
    names = ("beta", "alpha", "Gamma", "delta")
    plain = capture(api(*names))
    documents = {"/ws/v1": root(*names)} | {f"/ws/v1/{name}": category(name) for name in names}
    answers: Answers = {path: Answer(body=shuffled(document, rng)) for path, document in documents.items()}
    assert spec_files.render(capture(answers)) == spec_files.render(plain)


def test_of_two_root_items_of_one_path_the_same_is_kept_in_any_order() -> None:
    items = [{"path": "/ws/v1/a", "title": "One"}, {"path": "/ws/v1/a", "title": "Another"}, {"path": "/ws/v1/b"}]
    roots: list[Answers] = [{"/ws/v1": Answer(body={"list": listed})} for listed in (items, items[::-1])]
    one, other = (spec_files.render(capture(api("a", "b") | given)) for given in roots)
    assert one == other


def test_hostile_root_items_are_reported_and_skipped() -> None:
    paths = [
        "/ws/v1/good", "/ws/v1/good", "/ws/v1/../../etc", "/ws/v1/..", "/ws/v1/%2e%2e", "http://elsewhere.test/ws/v1/x",
        "//elsewhere.test/x", "/ws/v1", "/ws/v1/", "/ws/v2/x", "/ws/v1/a/b",
        "/ws/v1/{id}", "/ws/v1/a?b=c", "/ws/v1/a#b",
        "/ws/v1/\u202egpj", "/ws/v1/a\nb", "/ws/v1/" + "x" * 300, 7, None, ["/ws/v1/x"], {},
    ]  # fmt: skip
    items: list[Any] = [{"path": path} for path in paths] + ["/ws/v1/text", None]
    found = capture({"/ws/v1": Answer(body={"list": items}), "/ws/v1/good": Answer(body=category("good"))})
    assert list(found.documents) == ["good"]
    assert found.unavailable == {}
    assert len(found.problems) == len(items) - 1
    assert all(problem.isprintable() and len(problem) < 300 for problem in found.problems)
    assert sum("xxx... is longer than" in problem for problem in found.problems) == 1


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(404), "it answers 404"),
        (Answer(body=[1, 2]), "its answer is not a JSON object"),
        (Answer(body={"swagger": "2.0"}), "its answer has no list of paths"),
        (Answer(body={"list": []}), "it lists no path directly below /ws/v1"),
        (Answer(body=root("a", base="/other")), "it lists no path directly below /ws/v1"),
        (Answer(body=b"<html>", headers=(("content-type", "text/html"),)), "its answer is not a JSON object"),
        (Answer(body=b"<html>"), "its answer ends early or is not JSON"),
        (Answer(body=category("devices")), "it describes requests, as one category does; name the API's own address"),
        (Answer(body=b'{"list": [], "x": NaN}'), "its answer cannot be written as JSON"),
    ],
)
def test_what_is_no_self_documenting_api(answer: Answer, reason: str) -> None:
    with pytest.raises(SpecError, match=r"^http://127\.0\.0\.1:\d+/ws/v1 is not a self-documenting API: ") as caught:
        capture({"/ws/v1": answer})
    assert str(caught.value).endswith(reason)


def test_refused_credentials_are_an_error() -> None:
    with pytest.raises(AuthError):
        capture({"/ws/v1": Answer(401)})


def test_another_api_of_the_dialect(tmp_path: Path) -> None:
    document = {
        "count": 1,
        "x-note": {"kept": [1, None, 2.5]},
        "list": [
            {
                "path": "/api/v2/class/{username:.+}",
                "deprecated": True,
                "requests": [
                    {
                        "method": "GET",
                        "summary": "extra",
                        "params": ["q"],
                        "query": [{"field": "or-not", "operators": ["~=", "like"], "type": "Odd", "unit": "kg"}],
                    }
                ],
            }
        ],
    }
    listed = root("class", "2fa-tokens", base="/api/v2") | {"vendor": "Acme"}
    listed["list"][0]["title"] = "Classes"
    found = capture(
        {
            "/api/v2": Answer(body=listed),
            "/api/v2/class": Answer(body=document),
            "/api/v2/2fa-tokens": Answer(body=category("2fa-tokens", base="/api/v2")),
        },
        base_path="/api/v2",
        api_version="9",
    )
    assert found.problems == ()
    assert found.documents["class"] == document
    spec_files.write(tmp_path, spec_files.render(found))
    index = json.loads((tmp_path / "index.json").read_text("utf-8"))
    assert index["root"] == {"vendor": "Acme"}
    assert index["categories"]["class"]["extra"] == {"title": "Classes"}
    loaded = spec.load(tmp_path)
    assert loaded.base_path == "/api/v2"
    assert [c.name for c in loaded.categories] == ["2fa-tokens", "class"]


def test_provenance_follows_the_simulator_header() -> None:
    assert capture(api("a")).provenance == "live"
    marked: Answers = {"/ws/v1": Answer(body=root("a"), headers=(("X-Digirm-Simulator", "simulator"),))}
    assert capture(api("a") | marked).provenance == "reconstructed"


def test_no_host_name_reaches_the_files() -> None:
    async def run() -> Capture:
        def answer(request: httpx.Request) -> httpx.Response:
            document = root("a") if request.url.path == "/ws/v1" else category("a")
            document["help"] = (
                "see https://rm.example.test/ws/v1/a, http://RM.example.test:8080 and rm.example.test/docs, "
                "not farm.example.test or rm.example.testing"
            )
            return httpx.Response(200, json=document)

        transport = httpx.MockTransport(answer)
        async with AsyncClient("https://rm.example.test", auth=AUTH, transport=transport) as client:
            return await crawl(client, api_version="1")

    found = asyncio.run(run())
    wanted = "see /ws/v1/a,  and /docs, not farm.example.test or rm.example.testing"
    assert found.documents["a"]["help"] == wanted
    assert found.root == {"help": wanted}


@pytest.mark.parametrize("concurrency", [1, 2, 4])
def test_requests_in_flight(concurrency: int) -> None:
    names = [f"c{number}" for number in range(10)]

    class Counting(httpx.AsyncBaseTransport):
        now = peak = 0

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            self.now += 1
            self.peak = max(self.peak, self.now)
            for _ in range(20):  # everybody who may come gets the chance to
                await asyncio.sleep(0)
            self.now -= 1
            name = request.url.path.removeprefix("/ws/v1").strip("/")
            return httpx.Response(200, json=category(name) if name else root(*names))

    async def run(transport: Counting) -> Capture:
        async with AsyncClient("http://127.0.0.1", auth=AUTH, transport=transport, throttle=None) as client:
            return await crawl(client, api_version="1", concurrency=concurrency)

    transport = Counting()
    assert len(asyncio.run(run(transport)).documents) == 10
    assert transport.peak == concurrency


def test_progress_counts_every_category() -> None:
    seen: list[tuple[int, int]] = []
    capture(api("a", "b", "c") | {"/ws/v1/b": Answer(403)}, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]
