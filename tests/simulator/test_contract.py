from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest

from digirm_runtime.wire import SIMULATOR_HEADER
from digirm_simulator import ContractError, Simulator, contract
from digirm_simulator.contract import CERTAINTIES
from tests.simulator.support import Api
from tests.support.recordings import recorded

NUMERIC = ["=", "<>", "<", "<=", ">", ">="]
TEXT = ["=", "contains", "startsWith", "endsWith", "<>", "<", "<=", ">", ">="]

# Counted by hand from the sources: paths, requests, and query fields with different names.
COUNTS = {
    "account": (4, 6, 0),
    "alerts": (9, 12, 9),
    "automations": (14, 20, 5),
    "configs": (9, 17, 2),
    "containers": (1, 1, 0),
    "device_logs": (2, 2, 0),
    "devices": (12, 17, 67),
    "events": (3, 3, 2),
    "files": (4, 6, 1),
    "firmware_updates": (6, 8, 2),
    "groups": (3, 3, 1),
    "health_configs": (3, 5, 0),
    "jobs": (9, 10, 5),
    "metadata": (1, 1, 0),
    "monitors": (4, 7, 3),
    "network_interfaces": (2, 2, 0),
    "notifications": (1, 1, 0),
    "reports": (13, 13, 1),
    "settings": (1, 1, 0),
    "streams": (10, 14, 7),
    "subaccounts": (3, 6, 7),
    "users": (7, 11, 1),
}
FOLDER = Path(contract.__file__).parent / "contract" / "22.7"


def test_root_is_as_recorded(api: Api) -> None:
    found = api.get("/ws/v1")
    expected = recorded("root.22.7.json")
    assert (found.status, found.body) == (200, {"count": expected["count"], "list": expected["list"]})
    assert found.headers[SIMULATOR_HEADER] == "simulator"


def test_automations_paths_are_as_recorded(api: Api) -> None:
    body = api.get("/ws/v1/automations").body
    expected = recorded("automations.paths.json")
    assert body["count"] == 14
    assert [item["path"] for item in body["list"]] == [item["path"] for item in expected["list"]]


def test_automations_inventory_is_as_recorded(api: Api) -> None:
    described = {item["path"]: item for item in api.get("/ws/v1/automations").body["list"]}
    [expected] = recorded("automations.selfdoc.partial.json")["list"]
    (recorded_get,) = expected["requests"]
    get = next(item for item in described[expected["path"]]["requests"] if item["method"] == "GET")
    assert {**get, "query": get["query"][:3]} == recorded_get


def test_every_document_has_the_recorded_keys_and_no_other(api: Api) -> None:
    for name in COUNTS:
        body = api.get(f"/ws/v1/{name}").body
        assert body.keys() == {"count", "list"}
        assert body["count"] == len(body["list"])
        assert [item["path"] for item in body["list"]] == sorted(item["path"] for item in body["list"])
        for path in body["list"]:
            assert path.keys() == {"path", "requests"}
            for request in path["requests"]:
                assert request.keys() - {"query"} == {"method", "params"}
                assert request.get("query") != []
                for field in request.get("query", ()):
                    assert field.keys() == {"field", "operators", "orderby", "type"}


def test_counts() -> None:
    found = contract.builtin("22.7")
    assert {
        name: (
            len(category.paths),
            sum(len(path.requests) for path in category.paths),
            len({field for path in category.paths for request in path.requests.values() for field in request.query}),
        )
        for name, category in found.categories.items()
    } == COUNTS


def test_every_query_parameter_has_fields_and_every_field_its_types_operators() -> None:
    types = json.loads((FOLDER / "types.json").read_text(encoding="utf-8"))
    assert types["Numeric"]["operators"] == NUMERIC
    assert types["Text"]["operators"] == TEXT
    for path in contract.builtin("22.7").paths.values():
        for request in path.requests.values():
            assert bool(request.query) == ("query" in request.params), path.template
            for field in request.query.values():
                own = types[field.type.name]["operators"]
                assert list(field.operators[: len(own)]) == own
                assert set(field.shown) <= set(field.operators)
            assert request.documented <= request.query.keys()


def test_every_entry_says_where_it_comes_from() -> None:
    def entries() -> object:
        for file in sorted(FOLDER.glob("*.json")):
            raw = json.loads(file.read_text(encoding="utf-8"))
            if file.name == "types.json":
                yield from ((file.name, entry) for entry in raw.values())
                continue
            for path in raw["paths"]:
                yield file.name, path
                yield from ((file.name, request) for request in path["requests"])
            for fields in raw.get("fields", {}).values():
                yield from ((file.name, field) for field in fields)

    seen = 0
    for name, entry in entries():  # type: ignore[attr-defined]
        seen += 1
        assert entry["certainty"] in CERTAINTIES, (name, entry)
        assert entry["source"], (name, entry)
        if "discovering-apis" not in entry["source"] and "year" not in entry:
            # Nothing but an inference can do without a dated source.
            assert entry["certainty"] == "inferred", (name, entry)
    assert seen > 350


def test_the_weaker_certainty_holds_for_a_field_of_a_request() -> None:
    paths = contract.builtin("22.7").paths
    automations = paths["/ws/v1/automations/inventory"].requests["GET"]
    devices = paths["/ws/v1/devices/inventory"].requests["GET"]
    assert automations.field_certainty("name") == "recorded"
    assert devices.field_certainty("connection_status") == "documented"
    assert devices.query["carrier2"].certainty == "documented"
    assert devices.field_certainty("carrier2") == "inferred"


def test_events_tags_and_areas_have_no_order() -> None:
    paths = contract.builtin("22.7").paths
    devices = paths["/ws/v1/devices/inventory"].requests["GET"].query
    assert not any(field.orderby for field in paths["/ws/v1/events/inventory"].requests["GET"].query.values())
    assert [name for name, field in devices.items() if not field.orderby] == ["geoposition", "tags"]


@pytest.mark.parametrize(
    ("path", "count"), [("/ws/v1/automations/schedules", 3), ("/ws/v1/automations/runs", 7), ("/ws/v1/metadata", 1)]
)
def test_grouping_nodes_describe_what_is_below_them(api: Api, path: str, count: int) -> None:
    body = api.get(path).body
    assert body["count"] == count
    assert all(item["path"] == path or item["path"].startswith(path + "/") for item in body["list"])


def test_every_request_of_the_contract_is_answered_without_failing(api: Api) -> None:
    for path in api.simulator.contract.paths.values():
        for method in path.requests:
            found = api(method, "/".join("x" if "{" in part else part for part in path.template.split("/")))
            assert found.status in (200, 204, 400, 404, 501), (method, path.template, found.body)
            if found.status == 501:
                assert "not simulated" in found.body["error_message"]


#: What docs/simulator.md says, of the operations that are neither self-documentation, stored objects nor lists.
NOTHING_STORED = {
    "automations/runs/results/{id}/{device_id}",
    "automations/runs/status/{id}",
    "automations/runs/status/{id}/{device_id}",
    "configs/compliance/{id}",
    "configs/inventory/{id}/settings",
    "configs/inventory/{id}/settings/device",
    "configs/inventory/{id}/settings/device/bulk",
    "configs/scan/bulk/history/{device_id}",
    "devices/channels/{id}/{name}",
    "devices/management/{id}/{name}",
    "devices/metrics/{id}/{name}",
    "files/inventory/{fileset}",
    "files/inventory/{fileset}/{path}",
    "firmware_updates/progress/{device_id}",
    "streams/bulk/rollups/{stream_id}",
    "streams/history/{device_id}/carrier/{sim_id}/usage/{usage_id}",
    "users/change_password/{uuid}",
}
OBJECTS = {"account/current", "account/current/security"}
NOT_SIMULATED = {"POST firmware_updates/inventory", "GET jobs/inventory.xml"}


def claim(path: contract.Path, method: str, stored: set[str]) -> tuple[int, str]:
    """What docs/simulator.md says of a request: its status, and how its body is to be known."""
    name = path.template.removeprefix("/ws/v1/")
    collection = path.item_of or path.template.rpartition("/{")[0]
    if f"{method} {name}" in NOT_SIMULATED:
        return 501, "not simulated"
    if method == "GET":
        if name in NOTHING_STORED:
            return 404, "Nothing is stored at"
        if "bulk" in name.split("/"):
            return 200, "csv"
        return 200, "object" if name in OBJECTS or collection in stored else "list"
    if path.template in stored:
        return (201, "any") if method == "POST" else (204, "any")
    if collection in stored and name.endswith("}"):
        return (204, "any") if method == "DELETE" else (200, "object")
    return 501, "not simulated"


OPERATIONS = [(path, method) for path in contract.builtin("22.7").paths.values() for method in path.requests]


@pytest.mark.parametrize(("path", "method"), OPERATIONS, ids=[f"{m} {p.template}" for p, m in OPERATIONS])
def test_every_operation_does_what_the_documentation_says(path: contract.Path, method: str) -> None:
    with closing(Simulator(devices=0)) as simulator:
        api = Api(simulator)
        stored = {other.template: other.key for other in simulator.contract.paths.values() if other.key}
        for template, key in stored.items():
            simulator.put(template, {key: "1"})
        status, kind = claim(path, method, set(stored))
        new = {str(path.key): "00000000-00000000-00000000-00000001"} if method == "POST" else {}
        params = {"name": "x"} if (method, status) == ("DELETE", 204) and path.key else {}
        url = "/".join("1" if "{" in part else part for part in path.template.split("/"))
        found = api(method, url, None if method == "GET" else new, **params)
        assert found.status == status, found.body
        if status >= 400:
            assert kind in found.body["error_message"]
        elif kind == "csv":
            assert found.headers["content-type"].startswith("text/csv")
        elif kind == "list":
            assert found.body["count"] == len(found.body["list"])
        elif kind == "object":
            assert "list" not in found.body
        if status == 200 and "query" in path.requests[method].params:
            assert api(method, url, query="nmae = 'x'").status == 400


def test_contracts_that_cannot_be_used_say_why(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"no contract for API version '9\.9'; there is: 22\.7"):
        Simulator("9.9")
    with pytest.raises(ContractError, match=r"no types\.json"):
        Simulator(contract=tmp_path)
    (tmp_path / "types.json").write_text('{"Text": {"compares": "text", "operators": ["="]}}')
    with pytest.raises(ContractError, match="no category"):
        Simulator(contract=tmp_path)
    for bad in ("{", "[]", '{"path": "/api/x"}', '{"path": "/api/x", "paths": [{"path": "/api/x"}]}'):
        (tmp_path / "x.json").write_text(bad)
        with pytest.raises(ContractError, match=r"x\.json"):
            Simulator(contract=tmp_path)


def test_another_api_is_a_folder_away(tmp_path: Path) -> None:
    folder = tmp_path / "1.0"
    folder.mkdir()
    (folder / "types.json").write_text('{"Word": {"compares": "text", "operators": ["=", "<>"]}}')
    known = {"certainty": "recorded", "source": "this test"}
    field = {"field": "from-date", "type": "Word", **known}
    query = {"fields": "all", "certainty": "recorded"}
    get = {"method": "GET", "params": ["query", "size", "cursor"], "query": query, **known}
    post = {"method": "POST", "params": [], "creates": "object", **known}
    things = {"path": "/api/v9/things/all", "key": "from-date", "requests": [get, post], **known}
    document = {"path": "/api/v9/things", "description": "", "fields": {"all": [field]}, "paths": [things]}
    (folder / "things.json").write_text(json.dumps(document))
    simulator = Simulator(contract=folder)
    api = Api(simulator)
    assert api.get("/api/v9").body == {"count": 1, "list": [{"path": "/api/v9/things"}]}
    assert api("POST", "/api/v9/things/all", {"from-date": "A"}).status == 201
    assert api.get("/api/v9/things/all", query="from-date = 'a'").body["count"] == 1
    assert api.get("/api/v9/things/all", query="from-date <> 'a'").body["count"] == 0
    assert simulator.contract.version == "1.0"
    simulator.close()
