"""What the page's tree shows: everything that can be asked, and nothing that does not work."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import example, given, settings

from digirm_explorer.catalog import _V1
from digirm_explorer.knowledge import Knowledge
from digirm_explorer.texts import sendable_all
from digirm_runtime import template, tree
from digirm_runtime.errors import SpecError
from digirm_runtime.legacy.objects import OBJECTS
from digirm_runtime.query.language import Language
from digirm_runtime.spec import FORMAT, canonical, fingerprint
from digirm_simulator import Simulator
from tests.codegen.hostile import NAMES, made_of, several

KNOWLEDGE = Knowledge()
SPECS = Path(__file__).parents[2] / "specs"
NOBODY = "00000000-00000000-00000000-00000000"
#: What the simulator does not have.
UNSIMULATED = {"Job", "XbeeCore"}


def operations(found: dict[str, Any], *groups: str) -> Iterator[dict[str, Any]]:
    for group in found["groups"]:
        if not groups or group["id"] in groups:
            for category in group["categories"]:
                yield from category["operations"]


def one(wanted: str) -> dict[str, Any]:
    return next(operation for operation in operations(KNOWLEDGE.catalog) if operation["id"] == wanted)


def test_every_operation_of_the_spec_is_there_once() -> None:
    found = KNOWLEDGE.catalog
    assert [group["id"] for group in found["groups"]] == ["v1", "legacy", "sci"]
    assert found["spec"] == KNOWLEDGE.info
    wanted = [operation.wire for _, operation in tree.dotted(tree.build(KNOWLEDGE.spec))]
    assert sorted(operation["id"] for operation in operations(found, "v1")) == sorted(wanted)
    ids = [operation["id"] for operation in operations(found)]
    assert len(ids) == len(set(ids))
    assert KNOWLEDGE.catalog is found


def test_what_is_known_of_an_operation() -> None:
    found = one("GET /ws/v1/devices/inventory")
    table = KNOWLEDGE.catalog["field_tables"][found["fields"]]
    paths = {path.template: path for category in KNOWLEDGE.spec.categories for path in category.paths}
    requests = paths["/ws/v1/devices/inventory"].requests or ()
    assert {**found, "params": len(found["params"]), "source": bool(found["source"])} == {
        "id": "GET /ws/v1/devices/inventory",
        "method": "GET",
        "path": "/ws/v1/devices/inventory",
        "title": "List devices",
        "doc": found["doc"],
        "client": "rm.devices.inventory.list",
        "kind": "list",
        "certainty": "documented",
        "source": True,
        "path_params": [],
        "params": len(next(r.params for r in requests if r.method == "GET")),
        "endpoint": "devices/inventory",
        "fields": found["fields"],
        "columns": [],
        "body": None,
    }
    status = next(field for field in table if field["name"] == "connection_status")
    assert status["operators"] == ["=", "<>"]
    assert status["values"] == ["connected", "disconnected"]
    assert {param["name"] for param in found["params"] if param["doc"]} >= {"query", "orderby", "size", "cursor"}
    assert {"id", "name"} <= set(one("GET /ws/v1/devices/bulk")["columns"])
    assert one("PUT /ws/v1/jobs/inventory/cancel")["endpoint"] == "jobs/inventory/cancel"
    assert one("GET /ws/v1/streams/history/{stream_id}")["path"] == "/ws/v1/streams/history/{stream_id:.+}"
    created = one("POST /ws/v1/devices/inventory")["body"]
    assert created["media_type"] == "application/json"
    assert {field["name"] for field in created["fields"]} > set(json.loads(created["example"])) > {"id"}
    assert one("POST /ws/v1/devices/bulk")["body"]["media_type"] == "text/csv"


@pytest.mark.parametrize("specs", [None, str(SPECS / "docs-2023")])
def test_what_it_says_is_so(specs: str | None) -> None:
    knowledge = Knowledge(specs)
    found = knowledge.catalog
    assert len(json.dumps(found)) < 400_000
    with knowledge.make("http://localhost", auth=("a", "b"), throttle=None) as rm:
        for operation in operations(found):
            arguments = template.args(template.parse(operation["path"]))
            assert [arg.wire for arg in arguments] == [param["name"] for param in operation["path_params"]]
            assert operation["certainty"] in ("recorded", "documented", "inferred")
            assert operation["title"]
            called: Any = rm
            for name in operation["client"].removeprefix("rm.").split("."):
                called = getattr(called, name)
            assert callable(called)
            if operation["endpoint"] is not None:
                report = knowledge.language.check(operation["endpoint"], None, strict=True)
                assert report.diagnostics == ()
                fields = found["field_tables"][operation["fields"]] if operation["fields"] is not None else []
                kinds = knowledge.language.kinds(operation["endpoint"])
                assert set(kinds) <= {field["name"] for field in fields}
            if operation["body"] and operation["body"]["example"]:
                example = operation["body"]["example"]
                parse: dict[str, Any] = {"application/xml": ElementTree.fromstring, "application/json": json.loads}
                parse.get(operation["body"]["media_type"], str)(example)


def test_all_older_objects_that_are_known() -> None:
    legacy = next(group for group in KNOWLEDGE.catalog["groups"] if group["id"] == "legacy")
    assert sorted(category["name"] for category in legacy["categories"]) == sorted(OBJECTS)


def test_older_objects_and_commands_work_as_they_are_shown() -> None:
    """Each body is sent as it stands, but for the device that it names; what is made is found and changed later."""
    found = KNOWLEDGE.catalog
    with Simulator(devices=3) as simulator, KNOWLEDGE.make(simulator.url, auth=("a", "b"), throttle=None) as rm:
        rm.sci.put_file(device := simulator_device(rm), "/app/settings.txt", b"x")
        made: dict[str, str] = {}
        for operation in sorted(operations(found, "legacy"), key=lambda one: one["kind"] not in ("create", "list")):
            name = operation["path"].split("/")[2]
            path = operation["path"].replace("{path:.+}", "~/a.txt").replace("{stream_id:.+}", "demo/temperature")
            path = path.replace("/ws/Monitor/{id}", f"/ws/{made.get('Monitor')}")
            if name in UNSIMULATED or "{" in path or operation["kind"] == "delete":
                continue
            body = operation["body"] and operation["body"]["example"].replace(NOBODY, device[:-1] + "F")
            if name == "FileData" and operation["kind"] == "get":
                rm.request("PUT", path, body=b"hello")
            answer = rm.request(operation["method"], path, body=body and body.encode())
            if operation["kind"] == "create":
                made[name] = answer["location"]
        rm.request("POST", "/ws/v1/files/inventory/~/image.bin", body=b"<data>AAAA</data>")
        # What ends the device's connection comes last.
        last = ("POST /ws/sci reboot", "POST /ws/sci disconnect")
        for operation in sorted(operations(found, "sci"), key=lambda one: one["id"] in last):
            if operation["body"] and operation["id"] != last[-1]:
                answer = rm.request(
                    "POST", "/ws/sci", body=operation["body"]["example"].replace(NOBODY, device).encode()
                )
                assert f'<device id="{device}"' in answer
                assert ("<error" in answer) == (operation["id"] == "POST /ws/sci data_service"), (
                    operation["id"],
                    answer,
                )


def simulator_device(rm: Any) -> str:
    id: str = rm.devices.inventory.list(query="connection_status = 'connected'").first()["id"]
    return id


def test_a_hostile_spec_is_only_text(tmp_path: Path) -> None:
    fields = [
        {"field": name, "type": "\u202eT", "operators": ["=", "__class__"], "orderby": 1} for name in ("a`b", "x")
    ]
    document = {
        "list": [
            {
                "path": path,
                "requests": [
                    {"method": method, "params": ["query", "fields", "<script>", "__proto__"], "query": fields}
                    for method in ("GET", "POST", "PUT")
                ],
            }
            for path in (
                "/ws/v1/x",
                "/ws/v1/x/<script>",
                "/ws/v1/x/script",
                "/ws/v1/x/__proto__/{constructor}",
                "/ws/v1/x/'\"/{a}-{b}",
            )
        ]
    }
    index = {
        "format": FORMAT,
        "api_version": "1\u202e<b>",
        "base_path": "/ws/v1",
        "provenance": "live",
        "categories": {"x": {"path": "/ws/v1/x", "fingerprint": fingerprint(document)}},
        "unavailable": {"\ud800<img>": {"kind": "\udfff", "status": 500}},
    }
    (tmp_path / "index.json").write_bytes(canonical(index))
    (tmp_path / "x.json").write_bytes(canonical(document))
    knowledge = Knowledge(str(tmp_path))
    found = knowledge.catalog
    json.dumps(found, ensure_ascii=False).encode()
    assert found["unavailable"] == [{"name": "\ufffd<img>", "why": "\ufffd (500)"}]
    made = list(operations(found, "v1"))
    assert {"x", "PUT x", "POST x", "x/script"} <= {operation["endpoint"] for operation in made}
    for operation in made:
        if operation["body"]:
            assert operation["body"]["example"] == ("{}" if operation["kind"] in ("create", "update") else "")
        if operation["endpoint"]:
            assert knowledge.language.check(operation["endpoint"], "x = 'y'").query is not None


@settings(max_examples=10)
@given(several)
@example(NAMES)
def test_whatever_a_spec_holds(words: list[str]) -> None:
    try:
        spec = made_of(words)
    except SpecError:
        return
    language = Language.from_spec(spec)
    v1 = _V1(spec, language)
    made = sendable_all({"categories": v1.categories(), "fields": v1.field_tables()})
    json.dumps(made, ensure_ascii=False).encode()
    for category in made["categories"]:
        for operation in category["operations"]:
            if operation["endpoint"] is not None:
                assert language.check(operation["endpoint"], None, strict=True).diagnostics == ()
