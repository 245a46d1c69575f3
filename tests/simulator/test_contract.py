from __future__ import annotations

import json
import re
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode

import pytest

from digirm_runtime.wire import SIMULATOR_HEADER
from digirm_simulator import ContractError, Simulator, behaviours, contract_files
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
ROOT = Path(__file__).parents[2]
SPECS = ROOT / "specs" / "22.7"
FOLDER = Path(contract_files.__file__).parent / "contract" / "22.7"


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
    found = contract_files.builtin("22.7")
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
    for path in contract_files.builtin("22.7").paths.values():
        for request in path.requests.values():
            assert bool(request.query) == ("query" in request.params), path.template
            for field in request.query.values():
                own = types[field.type.name]["operators"]
                assert list(field.operators[: len(own)]) == own
                assert set(field.shown) <= set(field.operators)
            assert request.documented <= request.query.keys()


def test_every_entry_says_where_it_comes_from() -> None:
    def entries() -> object:
        for file in sorted(FOLDER.parent.glob("*/*.json")):
            raw = json.loads(file.read_text(encoding="utf-8"))
            if file.name == "contract.json" or file.parent.name == "behaviours":
                continue
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
    paths = contract_files.builtin("22.7").paths
    automations = paths["/ws/v1/automations/inventory"].requests["GET"]
    devices = paths["/ws/v1/devices/inventory"].requests["GET"]
    assert automations.field_certainty("name") == "recorded"
    assert devices.field_certainty("connection_status") == "documented"
    assert devices.query["carrier2"].certainty == "documented"
    assert devices.field_certainty("carrier2") == "inferred"


def test_events_tags_and_areas_have_no_order() -> None:
    paths = contract_files.builtin("22.7").paths
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


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'[{"id": {}}, 1, null]', b'{"list": [1]}', b"\xff", b"<x/>"])
@pytest.mark.parametrize("version", [*contract_files.versions(), "crawled"])
def test_whatever_is_sent_each_request_is_answered_in_shape(version: str, body: bytes) -> None:
    given = contract_files.load(SPECS) if version == "crawled" else contract_files.builtin(version)
    with closing(Simulator(contract=given, devices=3)) as simulator:
        api = Api(simulator)
        for path in given.paths.values():
            for method, request in path.requests.items():
                url = "/".join("x" if "{" in part else part for part in path.template.split("/"))
                for target in (url, f"{url}?{urlencode(dict.fromkeys(request.params, 'x'))}"):
                    found = api(method, target, body)
                    assert found.status < 500, (method, target, found.body)
                    if found.status >= 400:
                        assert found.body["error_status"] == found.status
                        assert found.body["error_message"]


def test_every_behaviour_is_made_and_described() -> None:
    used = {name for version in contract_files.versions() for name in contract_files.builtin(version).does.values()}
    said = contract_files.statements()
    assert used == behaviours.behaviours().keys()
    assert used == {name for name in said if not name.startswith("protocol.")}
    for name, statement in said.items():
        assert statement.text, name
        assert statement.source, name
        assert statement.certainty in CERTAINTIES


def test_a_list_without_stored_rows_checks_its_parameters_all_the_same(api: Api) -> None:
    found = api.get("/ws/v1/reports/cellular_utilization", query="nmae = 'x'")
    assert found.status == 400
    assert "nmae" in found.body["error_message"]


def test_the_list_of_2023_is_the_one_of_22_7_with_the_changes_that_are_known() -> None:
    older, newer = contract_files.builtin("22.7"), contract_files.builtin("docs-2023")
    assert newer.categories.keys() - older.categories.keys() == {
        "api_keys",
        "firmware",
        "notification_configs",
        "security_policies",
    }
    assert older.categories.keys() - newer.categories.keys() == {"network_interfaces"}
    assert list(newer.categories) == sorted(newer.categories)


def test_crawled_specs_are_a_contract() -> None:
    built = contract_files.builtin("22.7")
    crawled = contract_files.load(SPECS)
    assert crawled.version == "22.7"
    assert crawled.does == built.does
    assert {name: path.key for name, path in crawled.paths.items()} == {n: p.key for n, p in built.paths.items()}
    with closing(Simulator(contract=SPECS, devices=5)) as simulator:
        api = Api(simulator)
        assert api.get("/ws/v1/devices/inventory", query="connection_status = 'connected'").body["count"] > 0
        # What was crawled is served as it was.
        served = api.get("/ws/v1/devices").body
        assert served == json.loads((SPECS / "devices.json").read_bytes())


def test_crawled_specs_of_another_api_are_a_contract_too() -> None:
    with closing(Simulator(contract=ROOT / "tests" / "golden" / "small" / "specs")) as simulator:
        api = Api(simulator)
        for path in simulator.contract.paths.values():
            if "{" not in path.template and "GET" in path.requests:
                assert api.get(path.template).status == 200, path.template


def test_contracts_that_cannot_be_used_say_why(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"no contract for API version '9\.9'; there is: 22\.7, docs-2023"):
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


@pytest.mark.parametrize("base", ["22.7", "docs-2023"])
@pytest.mark.parametrize("name", ["mine", "22.7"])
def test_a_folder_may_build_on_a_built_in_version(tmp_path: Path, base: str, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    (folder / "contract.json").write_text(json.dumps({"base": base, "without": ["devices"]}))
    known = {"certainty": "recorded", "source": "this test"}
    things = {"path": "/ws/v1/things/inventory", "key": "id", "requests": [], **known}
    document = {"path": "/ws/v1/things", "description": "", "paths": [things]}
    (folder / "things.json").write_text(json.dumps(document))
    built = contract_files.builtin(base)
    found = contract_files.load(folder)
    assert found.version == name
    assert found.categories.keys() == built.categories.keys() - {"devices"} | {"things"}
    assert found.document("alerts") == built.document("alerts")


def test_a_folder_beside_goes_before_a_built_in_version(tmp_path: Path) -> None:
    for name, base in (("mine", "22.7"), ("22.7", "docs-2023")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "contract.json").write_text(json.dumps({"base": base, "without": []}))
    assert "firmware" in contract_files.load(tmp_path / "mine").categories


@pytest.mark.parametrize("base", ["9.9", "..", "", "../22.7", "behaviours"])
def test_a_base_that_is_nowhere_is_named(tmp_path: Path, base: str) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "contract.json").write_text(json.dumps({"base": base, "without": []}))
    with pytest.raises(ContractError, match=rf"contract\.json: there is no folder {re.escape(base)} beside it"):
        contract_files.load(folder)


def test_folders_that_build_on_each_other_are_refused(tmp_path: Path) -> None:
    for name, base in (("a", "b"), ("b", "a")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "contract.json").write_text(json.dumps({"base": base, "without": []}))
    with pytest.raises(ContractError, match="is based on this folder itself"):
        contract_files.load(tmp_path / "a")
