"""One spec, and what is made of it."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from digirm import Client
from digirm_explorer.knowledge import Knowledge
from digirm_runtime.errors import SpecError
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
