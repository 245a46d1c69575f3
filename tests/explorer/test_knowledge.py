"""One spec, and what is made of it."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from digirm import Client
from digirm_explorer.examples import ExampleError
from digirm_explorer.history import HistoryError
from digirm_explorer.judging import judge
from digirm_explorer.knowledge import Knowledge
from digirm_explorer.problems import problem
from digirm_runtime.errors import CredentialsError, SpecError, TransportError
from digirm_simulator import Simulator

SPECS = Path(__file__).parents[2] / "specs"


def test_by_default_it_is_what_the_installed_client_knows() -> None:
    knowledge = Knowledge()
    with Client("sim:?devices=1") as rm:
        assert rm._package is not None
        assert knowledge.language is rm._package.language
        assert knowledge.info["api_version"] == rm._package.spec_info["api_version"]
    assert knowledge.spec.fingerprint == knowledge.info["fingerprint"]
    assert knowledge.spec.provenance == knowledge.info["provenance"]
    assert isinstance(knowledge.make("http://localhost", auth=("a", "b"), throttle=None), Client)


def test_a_folder_is_read_once() -> None:
    knowledge = Knowledge(str(SPECS / "docs-2023"))
    assert knowledge.spec.api_version == knowledge.info["api_version"] == "docs-2023"
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: (knowledge.spec, knowledge.language, knowledge.calls), range(16)))
    assert all(all(map(lambda a, b: a is b, one, found[0])) for one in found)
    rm = knowledge.make("http://localhost", auth=("a", "b"), throttle=None)
    assert rm._package is not None
    assert rm._package.language is knowledge.language


@pytest.mark.parametrize("specs", [None, str(SPECS / "22.7")])
def test_its_clients_work(specs: str | None) -> None:
    knowledge = Knowledge(specs)

    async def names(url: str) -> list[str]:
        async with knowledge.make_async(url, auth=("a", "b")) as rm:
            return [device["name"] async for device in rm["devices"]["inventory"].list()]

    with Simulator(devices=2) as simulator:
        with knowledge.make(simulator.url, auth=("a", "b")) as rm:
            wanted = [device["name"] for device in rm["devices"]["inventory"].list()]
        assert asyncio.run(names(simulator.url)) == wanted
    assert len(wanted) == 2
    assert knowledge.calls.judge("GET", "/ws/v1/devices/inventory", {}).known is not None


def test_a_folder_that_is_no_spec(tmp_path: Path) -> None:
    knowledge = Knowledge(str(tmp_path))
    for ask in (lambda: knowledge.spec, lambda: knowledge.language, lambda: knowledge.info, lambda: knowledge.calls):
        with pytest.raises(SpecError, match=r"index\.json"):
            ask()
    with pytest.raises(SpecError):
        Knowledge(str(tmp_path / "nowhere")).make("http://localhost")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (HistoryError("the history is locked"), "internal"),
        (ExampleError("a.toml is damaged"), "internal"),
        (SpecError("no spec"), "internal"),
        (ValueError("no number"), "invalid"),
        (CredentialsError("none found"), "credentials"),
        (TransportError("no route"), "transport"),
    ],
)
def test_what_the_page_is_told_of_an_error(error: Exception, kind: str) -> None:
    known = problem(error)
    assert known is not None
    assert (known.kind, known.message) == (kind, str(error))
    assert problem(known) is known
    assert problem(RuntimeError("unforeseen")) is None


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({"params": [{"name": "query", "value": "nmae = 'x'"}, {"name": "size", "value": "0"}]}, []),
        ({"params": [{"name": "qeury", "value": "x"}]}, ["did you mean query?"]),
        ({"method": "DELETE", "path": "/ws/v1/devices/inventory"}, ["without a filter"]),
    ],
)
def test_what_the_editors_say_of_a_query_is_not_said_again(change: dict[str, Any], errors: list[str]) -> None:
    request = {"method": "GET", "path": "/ws/v1/devices/inventory"} | change
    judged = judge(Knowledge(), "http://h.example", request)
    said = judged["errors"] + judged["warnings"]
    assert len(said) == len(errors)
    assert all(words in text for words, text in zip(errors, said, strict=True))
