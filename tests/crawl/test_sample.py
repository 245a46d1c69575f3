"""Sampling keeps types and key names, and nothing else of what a service holds."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digirm_cli.main import main
from digirm_codegen.sample import Samples, infer, infer_object, is_name, merge, sample
from digirm_runtime.client import AsyncClient
from digirm_runtime.errors import SpecError
from digirm_runtime.spec import from_documents
from tests.crawl.dialect import api, category, serve
from tests.support.server import Answer

NAMES = st.sampled_from(["id", "name", "count", "geo_point", "eth0", "isOn"])
KEYS = NAMES | st.sampled_from(["00:40:9D", "10.2.3.4", "user@example.test", "2026-01-02", "a/b", "", "ключ"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)
SCHEMAS = VALUES.map(infer)


@given(SCHEMAS, SCHEMAS, SCHEMAS)
def test_samples_merge_in_any_order(a: Any, b: Any, c: Any) -> None:
    assert merge(a, b) == merge(b, a)
    assert merge(a, merge(b, c)) == merge(merge(a, b), c)


@given(SCHEMAS, SCHEMAS)
def test_merging_only_ever_widens(a: Any, b: Any) -> None:
    assert merge(a, a) == a
    assert merge(merge(a, b), a) == merge(a, b)
    assert merge(merge(a, b), b) == merge(a, b)


def words(value: Any) -> set[str]:
    """Every string in a JSON document, keys included."""
    if isinstance(value, dict):
        return set(value).union(*map(words, value.values()))
    if isinstance(value, list):
        return set().union(*map(words, value))
    return {value} if isinstance(value, str) else set()


SCHEMA_WORDS = {"type", "properties", "items", "additionalProperties"}
TYPES = {"null", "boolean", "integer", "number", "string", "array", "object"}


@given(VALUES)
def test_no_value_is_kept(value: Any) -> None:
    assert {word for word in words(infer(value)) if not is_name(word)} == set()
    assert words(infer(value)) <= SCHEMA_WORDS | TYPES | {"id", "name", "count", "geo_point", "eth0", "isOn"}


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        ({"00409DFF": 1, "00409DFE": 2}, {"type": "object", "additionalProperties": {"type": "integer"}}),
        (
            {"alice": {"age": 1}, "bob": {"age": 2.5}},
            {
                "type": "object",
                "additionalProperties": {"type": "object", "properties": {"age": {"type": "number"}}},
            },
        ),
        ({"a": None}, {"type": "object", "properties": {"a": {"type": "null"}}}),
        ([1, "x", None], {"type": "array", "items": {"type": ["integer", "null", "string"]}}),
        ([], {"type": "array"}),
    ],
)
def test_schemas(value: Any, schema: Any) -> None:
    assert infer(value) == schema


def test_an_object_of_a_list_is_a_record_without_the_keys_that_are_data() -> None:
    assert infer_object({"id": 1, "192.0.2.1": "up"}, top=True) == {
        "type": "object",
        "properties": {"id": {"type": "integer"}},
    }


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGIRM_USERNAME", "user")
    monkeypatch.setenv("DIGIRM_PASSWORD", "hunter2")


@pytest.mark.usefixtures("credentials")
class TestCommand:
    def crawl(self, answers: Any, out: Path, *more: str) -> int:
        with serve(answers) as server:
            return main(["crawl", server.url, "--out", str(out), "--api-version", "1", "--sample", "2", *more])

    def test_samples_widen_what_is_there(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        rows = [{"id": 1, "name": "Anna"}, {"id": "x", "seen": None}, {"never": "beyond the sample"}]
        answers = api("a", "b") | {"/ws/v1/a/inventory": Answer(body={"list": rows}), "/ws/v1/b/inventory": Answer(403)}
        assert self.crawl(answers, tmp_path) == 0
        output = capsys.readouterr()
        assert "sampled schemas/a.json" in output.out
        assert "/ws/v1/b/inventory could not be sampled: GET /ws/v1/b/inventory?size=2 answered 403" in output.err
        written = json.loads((tmp_path / "schemas" / "a.json").read_text())
        wanted: dict[str, Any] = {
            "type": "object",
            "properties": {
                "id": {"type": ["integer", "string"]},
                "name": {"type": "string"},
                "seen": {"type": "null"},
            },
        }
        assert written == {"$defs": {"GET /ws/v1/a/inventory": wanted}}

        answers["/ws/v1/a/inventory"] = Answer(body={"list": [{"seen": 3, "id": 1}]})
        assert self.crawl(answers, tmp_path) == 0
        wanted["properties"]["seen"] = {"type": ["integer", "null"]}
        assert json.loads((tmp_path / "schemas" / "a.json").read_text()) == {
            "$defs": {"GET /ws/v1/a/inventory": wanted}
        }

    def test_sampling_takes_no_part_in_the_fingerprint(self, tmp_path: Path) -> None:
        answers = api("a") | {"/ws/v1/a/inventory": Answer(body={"list": [{"id": 1}]})}
        self.crawl(answers, tmp_path)
        with serve(answers) as server:
            assert main(["crawl", server.url, "--out", str(tmp_path), "--api-version", "1", "--check"]) == 0

    def test_names_of_the_overrides_are_used(self, tmp_path: Path) -> None:
        (tmp_path / "overrides.toml").write_text(
            '[[operation]]\nsource = "s"\nreason = "r"\npath = "/ws/v1/a/inventory"\nmethod = "GET"\nschema = "Thing"\n'
            '[schemas.Thing]\nsource = "s"\nreason = "r"\ncategory = "a"\nproperties = {id = "integer"}\n'
        )
        answers = api("a") | {"/ws/v1/a/inventory": Answer(body={"list": [{"id": 1}]})}
        assert self.crawl(answers, tmp_path) == 0
        assert list(json.loads((tmp_path / "schemas" / "a.json").read_text())["$defs"]) == ["Thing"]

    def test_a_damaged_sample_is_said(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "schemas").mkdir()
        (tmp_path / "schemas" / "a.json").write_text("[]")
        answers = api("a") | {"/ws/v1/a/inventory": Answer(body={"list": [{"id": 1}]})}
        assert self.crawl(answers, tmp_path) == 2
        assert capsys.readouterr().err.endswith("has no $defs: it is not what a sample wrote\n")


def test_an_unforeseen_fault_costs_one_operation() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/ws/v1/odd/inventory":
            raise LookupError("unknown encoding:\n x")
        return httpx.Response(200, json={"list": [{"id": 1}]})

    documents = {name: category(name) for name in ("a", "odd")}
    known = from_documents(documents, api_version="1", base_path="/ws/v1", provenance="live")

    async def run() -> tuple[Samples, list[str]]:
        transport = httpx.MockTransport(answer)
        async with AsyncClient("http://127.0.0.1", auth=("user", "password"), transport=transport) as client:
            return await sample(client, known, 5)

    found, problems = asyncio.run(run())
    assert list(found) == ["a"]
    assert problems == ["/ws/v1/odd/inventory could not be sampled: LookupError('unknown encoding:\\n x')"]


def test_sample_and_check_exclude_each_other(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["crawl", "sim:", "--out", str(tmp_path), "--api-version", "1", "--check", "--sample", "3"])


@pytest.mark.parametrize(
    "damaged",
    [
        '{"A": true}',
        '{"A": {"type": 5}}',
        '{"A": {"type": "object", "properties": [1]}}',
        '{"A": {"type": ["array"], "items": 7}}',
        '{"B": {"x": NaN}}',
    ],
)
def test_update_refuses_what_no_sample_wrote(tmp_path: Path, damaged: str) -> None:
    from digirm_codegen.sample import update

    (tmp_path / "schemas").mkdir()
    text = f'{{"$defs": {damaged}}}'
    (tmp_path / "schemas" / "a.json").write_text(text)
    found: Any = {"type": ["array", "object"], "items": {"type": "array", "items": {}}, "properties": {"x": {}}}
    with pytest.raises(SpecError, match=r"a\.json is not what a sample wrote"):
        update(tmp_path, {"a": {"A": found}})
    assert (tmp_path / "schemas" / "a.json").read_text() == text


def test_update_reports_what_it_cannot_write(tmp_path: Path) -> None:
    from digirm_codegen.sample import update

    (tmp_path / "schemas").write_text("in the way")
    with pytest.raises(SpecError, match="cannot"):
        update(tmp_path, {"a": {"A": {"type": "object", "properties": {}}}})
