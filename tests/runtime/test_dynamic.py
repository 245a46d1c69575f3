"""The client without generation: its calls, its checks, its names, and what it does with a spec that is not right."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import digirm
from digirm_runtime import dynamic
from digirm_runtime.client import AsyncClient, Client
from digirm_runtime.errors import BadRequest, NotFound, QueryError, RemoteManagerError, SpecError
from digirm_runtime.options import Options
from digirm_runtime.query.builder import field as named
from tests.codegen.support import NUMERIC, ROOT, SMALL, SMALL_OVERRIDES, field, listing, path, request, write_spec
from tests.support.server import Answer, script

SPECS = ROOT / "specs" / "22.7"
NOWHERE: dict[str, Any] = {"url": "http://127.0.0.1:9", "auth": ("a", "b")}
QUERY = "connection_status = 'connected' and last_update > -1d"
NEW = {"id": "00000000-00000000-0040FFFF-FF8001B0", "install_code": "MYPASSW0RD"}


def small(tmp_path: Path) -> Path:
    return write_spec(tmp_path / "specs", SMALL, overrides=SMALL_OVERRIDES)


def test_devices_from_create_to_delete() -> None:
    with dynamic.client(SPECS, "sim:?devices=20") as rm:
        assert rm.devices.inventory.create(NEW).one()["id"] == NEW["id"]
        rm.devices.inventory.update(NEW["id"], {"name": "Fred's router"})
        found = rm.devices.inventory.list(query=named("name") == "Fred's router").first()
        assert found["id"] == NEW["id"]
        assert rm.devices.inventory.delete(NEW["id"]) is None
        with pytest.raises(NotFound):
            rm.devices.inventory.get(NEW["id"])


def test_the_same_calls_give_the_same_answers_as_the_generated_client() -> None:
    def answers(rm: Any) -> list[Any]:
        listed = rm.devices.inventory.list(query=QUERY, size=7)
        ids = [device["id"] for device in listed]
        again = rm.devices.inventory.list(cursor=listed.cursor)
        return [
            list(listed),
            list(again),
            [len(page) for page in rm.devices.inventory.list(size=7, limit=17, prefetch=True).pages()],
            list(rm.devices.bulk.csv(query=QUERY, fields=["id", "connection_status"])),
            rm.devices.inventory.get(ids[0]),
            rm.devices.describe(),
            rm["devices"]["inventory"].list(limit=1).first(),
        ]

    shared = "sim:?devices=60#the-same"
    with dynamic.client(SPECS, shared) as ours, digirm.Client(shared) as theirs:
        assert answers(ours) == answers(theirs)


def test_the_async_face() -> None:
    async def main() -> None:
        async with dynamic.async_client(SPECS, "sim:?devices=30") as rm:
            ids = [device["id"] async for device in rm.devices.inventory.list(size=7)]
            assert len(set(ids)) == 30
            assert (await rm["devices"].inventory.get(ids[0]))["id"] == ids[0]
            rows = [row async for row in rm.devices.bulk.csv(fields=["id"])]
            assert {row["id"] for row in rows} == set(ids)
            with pytest.raises(QueryError):
                await rm.devices.inventory.list(query="nmae = 'x'").first()

    asyncio.run(main())


def test_checks_before_sending() -> None:
    with dynamic.client(SPECS, "sim:?devices=1") as rm:
        for wrong in ({"query": "nmae = 'x'"}, {"orderby": "nmae"}, {"size": 0}):
            with pytest.raises(QueryError):
                rm.devices.inventory.list(**wrong).first()
        with pytest.raises(ValueError, match="without a filter"):
            rm.jobs.cancel_all()
        with pytest.raises(ValueError, match="another operation"):
            rm.jobs.get("inventory")
        assert not rm._handler.requests
        with pytest.raises(BadRequest):
            rm.devices.inventory.list(query="nmae = 'x'", options=Options(validate="off")).first()


def test_settings_are_those_of_a_client() -> None:
    with dynamic.client(SPECS, "sim:?devices=1", read_only=True) as rm:
        with pytest.raises(RemoteManagerError, match="read-only"):
            rm.devices.inventory.delete("x")
        assert rm.request("GET", "/ws/v1/devices/inventory")["count"] == 1
    with pytest.raises(TypeError):
        dynamic.client(SPECS, "sim:", unheard=1)
    with pytest.raises(ValueError, match="validate"):
        dynamic.client(SPECS, "sim:", validate="maybe")


def test_spec_info() -> None:
    info = dynamic.client(SPECS, **NOWHERE).spec_info
    assert info == digirm.Client(**NOWHERE).spec_info
    assert info["provenance"] == "reconstructed"


def test_wire_names_are_what_is_sent(tmp_path: Path) -> None:
    answers = (Answer(body={"id": 1}), Answer(body={"id": 1}), Answer(body={"list": []}))
    with script(*answers) as server, dynamic.client(small(tmp_path), server.url, auth=("a", "b")) as rm:
        rm.parts.inventory.create({"name": "x"}, dry_run=True)
        rm.parts.recount("a/b", limit_=3)
        assert list(rm.parts.inventory.list(query="state = 'new'", size=5)) == []
    assert [(got.method, got.target) for got in server.got] == [
        ("POST", "/ws/v1/parts/inventory?dry-run=true"),
        ("POST", "/ws/v1/parts/recount/a%2Fb?limit=3"),
        ("GET", "/ws/v1/parts/inventory?query=state+%3D+%27new%27&size=5"),
    ]


def test_wrong_arguments_are_type_errors_that_name_the_method() -> None:
    inventory = dynamic.client(SPECS, **NOWHERE).devices.inventory
    with pytest.raises(TypeError, match=r"^get\(\) missing a required argument: 'id'"):
        inventory.get()
    with pytest.raises(TypeError, match=r"^get\(\) too many positional arguments"):
        inventory.get("a", "b")
    with pytest.raises(TypeError, match=r"^get\(\) .*'id'"):
        inventory.get(id="a")
    with pytest.raises(TypeError, match=r"^list\(\) got an unexpected keyword argument 'nmae'"):
        inventory.list(nmae="x")
    with pytest.raises(TypeError, match=r"^update\(\) missing a required argument: 'body'"):
        inventory.update("a")
    with pytest.raises(TypeError, match=r"^create\(\) multiple values for argument 'body'"):
        inventory.create({}, body={})


def test_methods_look_like_functions() -> None:
    get = dynamic.client(SPECS, **NOWHERE).devices.inventory.get
    assert inspect.isfunction(get)
    assert (get.__name__, get.__qualname__, get.__module__) == (
        "get",
        "DevicesInventoryApi.get",
        "digirm_runtime.dynamic",
    )
    assert "GET /ws/v1/devices/inventory/{id}" in get.__doc__
    assert str(inspect.signature(get)) == "(id: str | int, /, *, options: Options | None = None) -> dict[str, Any]"
    awaited = dynamic.async_client(SPECS, **NOWHERE).devices.inventory
    assert str(inspect.signature(awaited.list)).endswith("-> AsyncListing[dict[str, Any]]")


def test_dir_helps_to_complete() -> None:
    rm = dynamic.client(SPECS, **NOWHERE)
    assert {"devices", "alerts", "request", "spec_info"} <= set(dir(rm))
    assert {"inventory", "bulk", "describe"} <= set(dir(rm.devices))
    assert "list" in dir(rm.devices.inventory)
    assert "22.7" in (type(rm).__doc__ or "")
    assert isinstance(rm, Client)
    assert isinstance(dynamic.async_client(SPECS, **NOWHERE), AsyncClient)


def test_unknown_names() -> None:
    rm = dynamic.client(SPECS, **NOWHERE)
    assert not hasattr(rm, "devcies")
    assert not hasattr(rm, "_nothing")
    with pytest.raises(AttributeError, match="'DynamicClient' object has no attribute 'devcies'"):
        rm.devcies  # noqa: B018
    with pytest.raises(AttributeError, match="'DevicesApi' object has no attribute 'x'"):
        rm.devices.x  # noqa: B018
    with pytest.raises(KeyError, match="the names below are account, "):
        rm["nothing"]


def test_any_first_look_finds_the_names(tmp_path: Path) -> None:
    for number, first in enumerate((lambda rm: rm["parts"], lambda rm: rm.parts, dir)):
        specs = write_spec(tmp_path / str(number), SMALL)
        first(dynamic.client(specs, **NOWHERE))
        assert dynamic.client(specs, **NOWHERE)["parts"]["inventory"] is not None


def test_threads_that_come_at_once_share_everything(tmp_path: Path) -> None:
    rm = dynamic.client(small(tmp_path), **NOWHERE)
    together = threading.Barrier(8)

    def look(_: int) -> Any:
        together.wait()
        return rm.parts.inventory

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(look, range(8)))
    assert all(node is found[0] for node in found)


def test_a_name_that_another_thread_made_meanwhile(tmp_path: Path) -> None:
    rm = dynamic.client(small(tmp_path), **NOWHERE)
    node = rm.parts
    # What a thread comes to that looked for the name before it was there.
    assert rm.__getattr__("parts") is node
    with pytest.raises(AttributeError, match="no attribute 'none'"):
        rm.__getattr__("none")


def test_names_of_python_and_of_the_client(tmp_path: Path) -> None:
    names = ["fields", "request", "url", "close", "2fa-tokens", "__class__", "_api", "_package", "import", "mro"]
    documents = {name: listing(path(f"/ws/v1/{name}/inventory", request("GET", "cursor"))) for name in names}
    rm = dynamic.client(write_spec(tmp_path / "specs", documents), **NOWHERE)
    assert rm["fields"] is rm.fields
    assert rm["request"] is rm.request_
    assert callable(rm.request)
    assert rm["url"] is rm.url_
    assert rm.url == NOWHERE["url"]
    assert rm["2fa-tokens"]["inventory"] is rm.x2fa_tokens.inventory
    assert rm["import"] is rm.import_
    assert rm["_api"] is rm.api
    assert type(rm).__mro__
    for name in names:
        operation = inspect.unwrap(rm[name].inventory.list)()
        assert operation.endpoint.template == f"/ws/v1/{name}/inventory"


def test_what_cannot_be_used_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    specs = write_spec(
        tmp_path / "specs",
        {
            "parts": listing(
                path("/ws/v1/parts/---", request("GET")), path("/ws/v1/parts/\x1b[31m", request("GET")), {"path": 5}
            )
        },
    )
    with caplog.at_level(logging.WARNING, "digirm"):
        dynamic.client(specs, **NOWHERE)
        assert not caplog.records  # nobody has asked for a name yet
        for _ in range(2):
            assert dynamic.client(specs, **NOWHERE).parts.describe is not None
            assert dynamic.async_client(specs, **NOWHERE).parts.describe is not None
    (record,) = caplog.records
    message = record.getMessage()
    assert "'---' leaves no Python name" in message
    assert "has no path" in message
    assert "\x1b" not in message


def test_many_problems_are_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    specs = write_spec(tmp_path / "specs", {"parts": listing(*({"path": number} for number in range(25)))})
    dir(dynamic.client(specs, **NOWHERE))
    assert caplog.messages[0].endswith("and 15 more")


def test_a_folder_that_is_no_spec(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="cannot read"):
        dynamic.client(tmp_path / "missing", **NOWHERE)
    with pytest.raises(SpecError, match=r"index\.json"):
        dynamic.client(tmp_path, **NOWHERE)
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(SpecError, match="cannot read"):
        dynamic.async_client(file, **NOWHERE)


def test_a_damaged_spec(tmp_path: Path) -> None:
    specs = small(tmp_path)
    assert dynamic.client(specs, **NOWHERE).parts is not None
    category = specs / "parts.json"
    whole = category.read_bytes()
    category.write_bytes(whole.replace(b"recount", b"rebound"))
    with pytest.raises(SpecError, match="does not match the fingerprint"):
        dynamic.client(specs, **NOWHERE)
    category.write_bytes(whole)
    assert dynamic.client(specs, **NOWHERE).parts is not None


def test_classes_are_shared_until_the_folder_changes(tmp_path: Path) -> None:
    specs = small(tmp_path)
    first = dynamic.client(specs, **NOWHERE)
    assert type(dynamic.client(str(specs), **NOWHERE)) is type(first)
    assert type(dynamic.client(specs, **NOWHERE).parts.inventory) is type(first.parts.inventory)
    assert type(dynamic.async_client(specs, **NOWHERE).parts) is not type(first.parts)
    (specs / "overrides.toml").write_text(SMALL_OVERRIDES.replace("parts.recount", "parts.count_again"), "utf-8")
    second = dynamic.client(specs, **NOWHERE)
    assert hasattr(second.parts, "count_again")
    assert hasattr(first.parts, "recount")
    assert not hasattr(first.parts, "count_again")


def test_texts_of_a_spec_are_shown_and_nothing_else(tmp_path: Path) -> None:
    hostile = 'x\u202e{0}%s"""\''
    entry = path("/ws/v1/parts/inventory", request("GET", "x{0}%s", "query", query=[field("id", "Numeric", *NUMERIC)]))
    overrides = f"""
format = 1

[[operation]]
method = "GET"
path = "/ws/v1/parts/inventory"
doc = {json.dumps(hostile)}
source = "s"
reason = "r"
"""
    specs = write_spec(tmp_path / "specs", {"parts": listing(entry)}, overrides=overrides)
    method = dynamic.client(specs, **NOWHERE).parts.inventory.list
    assert "\u202e" not in method.__doc__
    assert "{0}%s" in method.__doc__
    (mended,) = [name for name in inspect.signature(method).parameters if name.startswith("x")]
    assert inspect.unwrap(method)(**{mended: 1}).params == {"x{0}%s": 1, "query": None}
