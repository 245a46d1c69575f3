"""Clients of several versions and APIs in one process: each keeps to its own spec."""

from __future__ import annotations

import asyncio
import copy
import importlib
import pickle
import sys
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from types import ModuleType
from typing import Any

import httpx
import pytest

import digirm
from digirm_codegen.generate import generate
from digirm_runtime import dynamic, spec
from tests.codegen.support import GOLDEN, ROOT

SPECS = ROOT / "specs"
PREVIOUS = ROOT / "tests" / "golden" / "previous"
#: Packages by name: their specs, the kind of their payload types, and a service for them.
PACKAGES = {
    "versions_structs": (SPECS / "22.7", "msgspec", "sim:22.7"),
    "versions_acme": (SPECS / "docs-2023", "pydantic", "sim:docs-2023"),
    "versions_dicts": (SPECS / "docs-2023", "typeddict", "sim:docs-2023"),
    "versions_small": (GOLDEN / "specs", "msgspec", None),
    "versions_older": (PREVIOUS / "9.1", "typeddict", None),
    "versions_newer": (PREVIOUS / "9.2", "typeddict", None),
}
PART = {"id": 7, "name": "gear", "maker": {"name": "x"}, "colour": "red"}


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, ModuleType]]:
    folder = tmp_path_factory.mktemp("versions")
    for name, (specs, kind, _) in PACKAGES.items():
        generate(specs, folder, name, models=kind)
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        yield {"digirm": digirm} | {name: importlib.import_module(name) for name in PACKAGES}
    finally:
        sys.path.remove(str(folder))
        for module in [module for module in sys.modules if module.partition(".")[0] in PACKAGES]:
            del sys.modules[module]


def answer(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"list": [PART], "count": 1} if request.url.path.endswith("inventory") else PART)


def opened(packages: dict[str, ModuleType], name: str, flavour: str = "Client") -> Any:
    url = PACKAGES[name][2] if name in PACKAGES else "sim:22.7"
    make = getattr(packages[name], flavour)
    if url is not None:
        return make(url)
    return make("http://127.0.0.1:9", auth=("a", "b"), transport=httpx.MockTransport(answer), throttle=None)


def test_each_client_has_the_contract_of_its_own_spec(packages: dict[str, ModuleType]) -> None:
    versions = {name: opened(packages, name).spec_info["api_version"] for name in packages}
    assert versions == {
        "digirm": "22.7",
        "versions_structs": "22.7",
        "versions_acme": "docs-2023",
        "versions_dicts": "docs-2023",
        "versions_small": "9.1",
        "versions_older": "9.1",
        "versions_newer": "9.2",
    }
    both, one = opened(packages, "digirm"), opened(packages, "versions_acme")
    assert set(dir(one.devices.inventory)) == set(dir(both.devices.inventory))
    old, new = (set(client._children) for client in (both, one))
    assert new - old == {"api_keys", "firmware", "notification_configs", "security_policies"}
    assert old - new == {"network_interfaces"}
    with both, one:
        assert both.devices.inventory.list(size=1).first()["id"]
        assert one.devices.inventory.list(size=1).first().id
        assert both.network_interfaces.describe()
        assert one.security_policies.describe()
        with pytest.raises(AttributeError):
            _ = both.security_policies


def test_each_checks_queries_by_its_own_spec(packages: dict[str, ModuleType]) -> None:
    def verdict(name: str, endpoint: str, query: str) -> bool:
        return bool(packages[name].check_query(endpoint, query, strict=True).ok)

    for _ in range(2):  # the second time from whatever the first one kept
        assert verdict("versions_small", "parts/inventory", "state = 'new'")
        assert verdict("versions_older", "parts/inventory", "state = 'new'")
        assert not verdict("versions_newer", "parts/inventory", "state = 'new'")
        assert verdict("versions_older", "bins/inventory", "place ~ 'x'")
        assert not verdict("versions_small", "parts/inventory", "name ~ 'x'")
        assert not verdict("digirm", "devices/inventory", "name ~ 'x'")
        assert verdict("digirm", "devices/inventory", "name contains 'x'")
    reports = {
        name: packages[name].check_query("devices/inventory", "id = 'x'").spec.api_version
        for name in ("digirm", "versions_acme", "versions_structs")
    }
    assert reports == {"digirm": "22.7", "versions_acme": "docs-2023", "versions_structs": "22.7"}


def test_fields_are_each_package_s_own(packages: dict[str, ModuleType]) -> None:
    older, newer, small = (packages[f"versions_{name}"].fields for name in ("older", "newer", "small"))
    assert type(older.parts.inventory) is not type(newer.parts.inventory)
    assert str(older.bins.inventory.place.op("~", "x")) == "place ~ 'x'"
    assert not hasattr(small, "bins")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert str(older.parts.inventory.state == "new") == "state = 'new'"
    with pytest.warns(DeprecationWarning, match="since API version 9.2"):
        assert str(newer.parts.inventory.state == "new") == "state = 'new'"
    assert (older.parts.inventory.id == 1) == (newer.parts.inventory.id == 1)


def test_objects_of_one_name_are_each_package_s_own(packages: dict[str, ModuleType]) -> None:
    found = {}
    for name in ("versions_structs", "versions_acme", "digirm", "versions_dicts"):
        with opened(packages, name) as rm:
            found[name] = rm.devices.inventory.list(size=1).first()
    assert {name: type(item).__module__.partition(".")[0] for name, item in found.items()} == {
        "versions_structs": "versions_structs",
        "versions_acme": "versions_acme",
        "digirm": "builtins",
        "versions_dicts": "builtins",
    }
    with opened(packages, "versions_small") as rm:
        part = rm.parts.inventory.list().first()
    assert type(part).__module__ == "versions_small.models.parts"
    plain = packages["versions_small"].plain
    assert plain(part) == PART
    assert plain([*found.values()])[0] == plain(found["versions_structs"])


def test_what_clients_return_can_be_pickled_and_copied(packages: dict[str, ModuleType]) -> None:
    for name in ("versions_structs", "versions_acme", "versions_dicts", "digirm"):
        with opened(packages, name) as rm:
            item = rm.devices.inventory.list(size=1).first()
            made = rm.devices.inventory.create([{"id": "00000000-00000000-00409DFF-FF123456"}])
        for value in (item, *made.items):
            again = pickle.loads(pickle.dumps(value))
            assert type(again) is type(value)
            assert again == value == copy.deepcopy(value)
    query = packages["versions_older"].fields.parts.inventory.state == "new"
    assert pickle.loads(pickle.dumps(query)) == query
    with opened(packages, "versions_small") as rm:
        part = rm.parts.inventory.list().first()
    assert packages["versions_small"].plain(pickle.loads(pickle.dumps(part))) == PART


def test_errors_are_shared(packages: dict[str, ModuleType]) -> None:
    """What one package raises, `except` of another catches: they stand on one runtime."""
    assert len({module.QueryError for module in packages.values()}) == 1
    with opened(packages, "versions_newer") as rm, pytest.raises(packages["digirm"].QueryError):
        rm.parts.inventory.list(query="nonsense").first()


def test_gone_names_warn_in_the_version_that_lost_them(packages: dict[str, ModuleType]) -> None:
    with opened(packages, "versions_older") as rm, warnings.catch_warnings():
        warnings.simplefilter("error")
        rm.parts.recount("7")
    with opened(packages, "versions_newer") as rm, pytest.warns(DeprecationWarning, match=r"use rm\.parts\.count"):
        rm.parts.recount("7")


def test_async_clients_side_by_side(packages: dict[str, ModuleType]) -> None:
    async def first(name: str) -> Any:
        async with opened(packages, name, "AsyncClient") as rm:
            return await rm.devices.inventory.list(size=1).first()

    async def use() -> list[Any]:
        return await asyncio.gather(*(first(name) for name in ("digirm", "versions_structs", "versions_acme")))

    one, two, three = asyncio.run(use())
    assert one["id"] == two.id
    assert three.id


def test_threads_that_import_and_use_them_at_once(packages: dict[str, ModuleType]) -> None:
    names = ["digirm", *PACKAGES]
    for module in [module for module in sys.modules if module.partition(".")[0] in PACKAGES and "." in module]:
        del sys.modules[module]
    fresh = {"digirm": digirm}
    for name in PACKAGES:
        del sys.modules[name]
        fresh[name] = importlib.import_module(name)
    start = Barrier(len(names))

    def use(name: str) -> str:
        start.wait(timeout=30)
        assert not fresh[name].check_query(None, "a = = 1").ok
        with opened(fresh, name) as rm:
            branch = rm.parts if hasattr(rm, "parts") else rm.devices
            assert branch.inventory.list(size=1).first() is not None
            return str(rm.spec_info["api_version"])

    with ThreadPoolExecutor(len(names)) as pool:
        found = dict(zip(names, pool.map(use, names), strict=True))
    assert found == {name: "22.7" if name == "digirm" else spec.load(PACKAGES[name][0]).api_version for name in names}
    assert packages.keys() == found.keys()


def test_a_package_generated_anew_is_read_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name may come to stand for another version: what was imported before goes on as it was."""
    monkeypatch.syspath_prepend(str(tmp_path))
    generate(PREVIOUS / "9.1", tmp_path, "versions_moving")
    before = importlib.import_module("versions_moving")
    old = before.Client("http://127.0.0.1:9", auth=("a", "b"), transport=httpx.MockTransport(answer))
    assert old.spec_info["api_version"] == "9.1"
    assert str(before.fields.parts.inventory.state == "x") == "state = 'x'"
    assert callable(old.parts.recount)
    generate(PREVIOUS / "9.2", tmp_path, "versions_moving")
    try:
        assert importlib.reload(before) is before
        for module in [module for module in sys.modules if module.partition(".")[0] == "versions_moving"]:
            del sys.modules[module]
        importlib.invalidate_caches()
        after = importlib.import_module("versions_moving")
        new = after.Client("http://127.0.0.1:9", auth=("a", "b"), transport=httpx.MockTransport(answer))
        assert new.spec_info["api_version"] == "9.2"
        assert callable(new.parts.count)
        assert not hasattr(old.parts, "count")
        assert old.spec_info["api_version"] == "9.1"
    finally:
        for module in [module for module in sys.modules if module.partition(".")[0] == "versions_moving"]:
            del sys.modules[module]


def test_dynamic_clients_beside_generated_ones(packages: dict[str, ModuleType]) -> None:
    with dynamic.client(SPECS / "docs-2023", "sim:docs-2023") as one, dynamic.client(SPECS / "22.7", "sim:22.7") as two:
        assert type(one) is not type(two)
        assert one.spec_info == opened(packages, "versions_dicts").spec_info
        assert two.spec_info == opened(packages, "digirm").spec_info
        assert not hasattr(two, "security_policies")
        assert hasattr(one, "security_policies")
        assert one.devices.inventory.list(size=1).first() is not None
        assert two.network_interfaces.describe()
