from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from digirm_simulator import Simulator, listing, paging
from digirm_simulator.access import User
from digirm_simulator.replies import Problem
from digirm_simulator.world import Call
from tests.simulator.support import DEVICES, NOW, Answer, Api, device_id
from tests.support.recordings import recorded


@pytest.fixture
def three(simulator: Simulator) -> Api:
    """Three devices match the recorded query, as in the recording."""
    api = Api(simulator)
    for device in api.ids(query="connection_status = 'connected'")[3:]:
        api("DELETE", f"{DEVICES}/{device}")
    return api


def test_pages_are_as_recorded(three: Api) -> None:
    cursor: dict[str, str] = {}
    seen: list[str] = []
    for page in recorded("devices-inventory.paging.json")["pages"]:
        request, expected = page["request"], page["body"]
        found = three.get(DEVICES, query=request["query"], size=request["size"], **cursor)
        assert found.status == page["status"]
        assert found.body.keys() == expected.keys()
        assert (found.body["count"], found.body["size"]) == (expected["count"], expected["size"])
        assert len(found.body["list"]) == expected["count"]
        seen += [item["id"] for item in found.body["list"]]
        if "next_uri" in expected:
            # The same text but for the cursor, which is opaque.
            assert found.body["next_uri"] == expected["next_uri"].replace(expected["cursor"], found.body["cursor"])
            cursor = {"cursor": found.body["cursor"]}
    assert found.body == {"count": 0, "list": [], "size": 1}
    assert len(set(seen)) == 3


def follow(api: Api, first: Answer) -> list[str]:
    """Every id, by next_uri."""
    found = [item["id"] for item in first.body["list"]]
    while "next_uri" in first.body:
        parts = urlsplit(first.body["next_uri"])
        first = api.get(parts.path, **dict(parse_qsl(parts.query)))
        assert first.status == 200, first.body
        found += [item["id"] for item in first.body["list"]]
    return found


@pytest.mark.parametrize("size", [1, 7, 39, 40, 41, 1000])
@pytest.mark.parametrize(
    "orderby",
    ["", "name", "name desc", "signal_percent desc, name asc", "last_update", "sku desc", "connection_status"],
)
def test_pages_join_to_the_whole_list(api: Api, size: int, orderby: str) -> None:
    order = {"orderby": orderby} if orderby else {}
    whole = api.ids(**order)
    assert len(whole) == 40
    assert follow(api, api.get(DEVICES, size=size, **order)) == whole


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize(
    "params",
    [
        {"query": "ip startsWith '1'"},
        {"query": "connection_status = 'connected'"},
        {"query": "name = empty"},
        {"query": "last_update > -1h or ip startsWith '10.20.'"},
        {"query": "ip startsWith '1' and name contains 'e'", "order": "desc"},
        {"query": "ip > '10.2'", "orderby": "ip desc"},
        {"query": "name <> empty", "orderby": "name desc"},
        {"group": "Production", "child_groups": "true"},
    ],
)
def test_pages_of_a_query_join_to_its_list(api: Api, size: int, params: dict[str, str]) -> None:
    whole = api.ids(**params)
    assert 3 < len(whole) < 40
    assert follow(api, api.get(DEVICES, size=size, **params)) == whole


def test_size_defaults_to_1000(api: Api) -> None:
    found = api.get(DEVICES).body
    assert (found["size"], found["count"], "cursor" in found) == (1000, 40, False)


def test_orderby(api: Api) -> None:
    items = api.get(DEVICES, orderby="name desc").body["list"]
    names = [item.get("name", "").casefold() for item in items]
    assert names == sorted(names, reverse=True)
    assert api.ids(orderby="name DESC") == api.ids(orderby=" name desc ") == api.ids(orderby="name", order="desc")
    assert api.ids(order="desc") == api.ids()[::-1]


def test_pages_stand_still_while_devices_come_and_go(api: Api) -> None:
    whole = api.ids()
    first = api.get(DEVICES, size=10)
    api("DELETE", f"{DEVICES}/{whole[9]}")  # the one that the cursor stands on
    api("DELETE", f"{DEVICES}/{whole[20]}")
    api("POST", DEVICES, {"id": device_id(1)})
    assert follow(api, first) == [*whole[:20], *whole[21:], device_id(1)]


@pytest.mark.parametrize("params", [{"query": "ip startsWith '1'"}, {"orderby": "name desc"}])
def test_pages_of_an_index_stand_still_too(api: Api, params: dict[str, str]) -> None:
    whole = api.ids(**params)
    first = api.get(DEVICES, size=5, **params)
    for gone in (whole[0], whole[4], whole[9]):
        api("DELETE", f"{DEVICES}/{gone}")
    assert follow(api, first) == [*whole[:9], *whole[10:]]


@pytest.mark.parametrize(
    "other", [{"size": 11}, {"query": "name <> 'x'"}, {"orderby": "name"}, {"group": "Marvel"}, {"order": "desc"}]
)
def test_a_cursor_belongs_to_its_request(api: Api, other: dict[str, str]) -> None:
    cursor = api.get(DEVICES, size=10).body["cursor"]
    found = api.get(DEVICES, **{"size": 10, "cursor": cursor, **other})
    assert found.status == 400
    assert "cursor" in found.body["error_message"]
    assert api.get("/ws/v1/users/inventory", size=10, cursor=cursor).status == 400


def test_a_cursor_that_was_made_up_is_a_400(api: Api) -> None:
    good = api.get(DEVICES, size=10).body["cursor"]
    bound, moment, seq = json.loads(base64.urlsafe_b64decode(good + "=="))
    forged: list[object] = [
        [bound, moment],
        [bound, moment, seq, 1],
        [bound, "x", seq],
        [bound, moment, 1 << 70],
        [bound, 1e300, 1],
    ]
    forged += [[bound, moment, "\ud800"], [bound, moment, [1]], {}]
    tokens = [base64.urlsafe_b64encode(json.dumps(item).encode()).decode() for item in forged]
    for token in [*tokens, "", "x", "=", "ü", good[:-3], "b2b8205b-8247-9cdb-8247-9cdaaf6999c6"]:
        assert api.get(DEVICES, size=10, cursor=token).status == 400, token


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"size": "0"}, "size"),
        ({"size": "1001"}, "size"),
        ({"size": "-1"}, "size"),
        ({"size": "ten"}, "size"),
        ({"size": "1.5"}, "size"),
        ({"size": "9" * 5000}, "size"),
        ({"size": "0x10"}, "size"),
        ({"size": "²"}, "size"),
        ({"size": ""}, "size"),
        ({"orderby": "nmae"}, "nmae"),
        ({"orderby": "tags"}, "tags"),
        ({"orderby": "name sideways"}, "name sideways"),
        ({"orderby": "name,name"}, "each once"),
        ({"orderby": ","}, "order by"),
        ({"order": "up"}, "order"),
        ({"query": "nmae = 'x'"}, "Unknown field 'nmae'"),
        ({"query": "Name = 'x'"}, "Unknown field 'Name'"),
        ({"query": "tags startsWith 'x'"}, "does not support"),
        ({"query": "connection_status contains 'x'"}, "does not support"),
        ({"query": "name > empty"}, "empty"),
        ({"query": "signal_percent = 'many'"}, "not a number"),
        ({"query": "last_update > 'yesterday'"}, "not a time"),
        ({"query": "name = 'x"}, "pos"),
        ({"query": "type equals 'EX50'"}, "type equals 'EX50'\n"),
        ({"query": "name == 'x'"}, "=="),
        ({"query": "((name = 'x')"}, "pos"),
        ({"query": "geoposition within [1,2,3,4]"}, "not simulated"),
    ],
)
def test_parameters_that_cannot_be_used_are_a_400(api: Api, params: dict[str, str], text: str) -> None:
    found = api.get(DEVICES, **params)
    assert found.status == 400
    assert found.body.keys() == {"error_message", "error_status"}
    assert text in found.body["error_message"]


def test_a_parameter_given_twice_or_not_in_utf8_is_a_400(api: Api) -> None:
    assert api.get(f"{DEVICES}?size=1&size=2").status == 400
    assert api.get(f"{DEVICES}?query=%FF").status == 400
    assert api.get(f"{DEVICES}?query=\ud800").status == 400
    assert api.get("/\ud800").status == 400
    assert api.get(f"{DEVICES}/%FF").status == 400


@pytest.mark.parametrize("size", [3, 1000])
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"order": "desc"},
        {"query": "connection_status = 'connected' and last_update > -1d"},
        {"query": "not ip startsWith '1'", "orderby": "name desc"},
        {"orderby": "signal_percent, group desc"},
    ],
)
def test_a_computed_list_is_as_a_stored_one(api: Api, size: int, params: dict[str, str]) -> None:
    documents = api.get(DEVICES).body["list"]
    stored = [item["id"] for item in api.get(DEVICES, **params).body["list"]]
    page = computed(api, documents[::-1], size=size, **params)  # from documents in no order
    found = [item["id"] for item in page["list"]]
    while "next_uri" in page:
        page = computed(api, documents, **dict(parse_qsl(urlsplit(page["next_uri"]).query)))
        found += [item["id"] for item in page["list"]]
    if "orderby" not in params:
        assert found == sorted(stored, reverse="order" in params)  # by their keys
    else:
        by_id = {item["id"]: item for item in documents}
        field = params["orderby"].split()[0].strip(",")
        assert [by_id[one].get(field) for one in found] == [by_id[one].get(field) for one in stored]


def test_a_computed_list_takes_no_cursor_of_another_order(api: Api) -> None:
    documents = [{"id": str(number), "name": "x"} for number in range(4)]
    cursor = computed(api, documents, size=2)["cursor"]
    text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    bound, moment, position = json.loads(text)
    longer = base64.urlsafe_b64encode(json.dumps([bound, moment, position, position]).encode()).decode().rstrip("=")
    with pytest.raises(Problem, match="Invalid cursor"):
        computed(api, documents, size=2, cursor=longer)


def computed(api: Api, documents: list[dict[str, Any]], **params: str | int) -> Any:
    """A page of `documents` as a behaviour computes it for the list of devices."""
    world = api.simulator._world
    path = world.contract.paths[DEVICES]
    given = paging.Params([(name, str(value)) for name, value in params.items()])
    user = User("sim", "Administrator")
    call = Call(world, path.requests["GET"], path, {}, given, b"", DEVICES, NOW, user)
    return json.loads(listing.computed(call, documents, "id").read())


@pytest.mark.parametrize("wrong", [{"query": "nmae = 'x'"}, {"orderby": "nmae"}, {"size": "0"}, {"cursor": "x"}])
def test_a_computed_list_refuses_what_a_stored_one_does(api: Api, wrong: dict[str, str]) -> None:
    with pytest.raises(Problem) as problem:
        computed(api, [], **wrong)
    assert problem.value.document() == api.get(DEVICES, **wrong).body


def test_a_cursor_of_a_computed_list_belongs_to_its_request(api: Api) -> None:
    documents = api.get(DEVICES).body["list"]
    cursor = computed(api, documents, size=3)["cursor"]
    assert computed(api, documents, size=3, cursor=cursor)["count"] == 3
    with pytest.raises(Problem, match="other parameters"):
        computed(api, documents, size=4, cursor=cursor)


@pytest.mark.parametrize("path", ["/ws/v1/monitors/inventory", "/ws/v1/groups/inventory"])
def test_a_list_that_names_no_cursor_can_be_read_to_its_end(api: Api, path: str) -> None:
    api.simulator._store.few = 10_000
    for number in range(1, 1102):
        api.simulator.put(path, {"id": 10_000 + number, "name": f"n{number}", "path": f"/n{number}"})
    assert "cursor" not in api.simulator.contract.paths[path].requests["GET"].params
    first = api.get(path)
    assert (first.body["count"], "cursor" in first.body) == (1000, True)
    found = follow(api, first)
    assert len(found) == len(set(found)) > 1100
    assert api.get(path, cursor="x").status == 400


def test_an_empty_query_filters_nothing(api: Api) -> None:
    assert api.ids(query="") == api.ids(query="  ") == api.ids()


def test_lists_without_rows_check_their_query_too(api: Api) -> None:
    assert api.get("/ws/v1/alerts/summary", query="status = 'reset'", size=5).body == {
        "count": 0,
        "list": [],
        "size": 5,
    }
    assert api.get("/ws/v1/alerts/summary", query="state = 'fired'").status == 400
    assert api.get("/ws/v1/events/inventory", size=0).status == 400


def test_stored_rows_of_any_inventory(api: Api) -> None:
    jobs = "/ws/v1/jobs/inventory"
    for number in (1, 2, 3):
        api.simulator.put(jobs, {"id": number, "job_type": "reboot", "job_submit_time": "2022-07-15T11:00:00.000Z"})
    api.simulator.put(jobs, {"id": 2, "job_type": "sci", "job_submit_time": "2022-07-01T00:00:00.000Z"})
    assert [item["id"] for item in api.get(jobs).body["list"]] == [3, 2, 1]  # documented: newest first
    assert [item["id"] for item in api.get(jobs, query="job_submit_time > -1d", orderby="id").body["list"]] == [1, 3]
    assert api.get(f"{jobs}/2").body == api.get("/ws/v1/jobs/2").body
    assert api("DELETE", f"{jobs}/2").status == 204
    assert api.get("/ws/v1/jobs/2").status == 404
    with pytest.raises(ValueError, match="holds no stored objects"):
        api.simulator.put("/ws/v1/jobs/cancel", {"id": 1})


def test_what_is_nested_too_deep_is_said_to_be(api: Api) -> None:
    for depth in (102, 100_000):
        found = api("POST", "/ws/v1/alerts/inventory", b"[" * depth + b"]" * depth)
        assert (found.status, found.body["error_message"]) == (400, "The body is nested too deep")


def test_secrets_are_not_echoed_however_deep_they_are(api: Api) -> None:
    inner = {"password": "S3CRET", "kept": [{"secret": "S3CRET", "x": 1}]}
    sent: dict[str, Any]
    for path, sent in (
        ("alerts/inventory", {"type": "x"}),
        ("devices/inventory", {"id": "x"}),
        ("streams/history", {}),
    ):
        found = api("POST", f"/ws/v1/{path}", [{**sent, "deep": inner}] * 2)
        assert found.status == 207
        assert [item["error_context"]["deep"] for item in found.body["list"]] == [{"kept": [{"x": 1}]}] * 2
        assert "S3CRET" not in json.dumps(found.body)


def test_objects_of_other_inventories(api: Api) -> None:
    made = api("POST", "/ws/v1/monitors/inventory", {"type": "http", "auth_token": "s3cret", "id": 99})
    assert made.status == 201
    assert "s3cret" not in json.dumps(made.body)
    path = f"/ws/v1/monitors/inventory/{made.body['id']}"
    assert api("PUT", path, {"description": "x"}).body == api.get(path).body == {**made.body, "description": "x"}
    alerts = api("POST", "/ws/v1/alerts/inventory", {"name": "a"})
    assert (alerts.status, alerts.body["count"]) == (201, 1)  # a list even for one
    assert api("POST", "/ws/v1/users/inventory", {"username": "a/b"}).status == 201
    assert api.get("/ws/v1/users/inventory/a/b").body["username"] == "a/b"
    assert api.get("/ws/v1/users/inventory/a%2Fb").body["username"] == "a/b"
    assert api("POST", "/ws/v1/users/inventory", {"username": "a/b"}).status == 400
    assert api("POST", "/ws/v1/streams/inventory", {"id": "dev/x y/[1]!"}).status == 201
    assert api.get("/ws/v1/streams/inventory/dev/x%20y/[1]!").body["id"] == "dev/x y/[1]!"
    account = api.get("/ws/v1/account/current").body
    assert account.keys() == {"company_name", "customer_id"}
    assert api.get("/ws/v1/subaccounts/inventory").body["list"] == [account]
    made = api("POST", "/ws/v1/subaccounts/inventory", {"company_name": "ABC", "password": "pw"})
    assert (made.body["company_name"], made.body["customer_id"]) == ("ABC", account["customer_id"] + 1)
    assert "pw" not in json.dumps([made.body, api.get("/ws/v1/subaccounts/inventory").body])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/ws/v1/nonsense", 404),
        ("GET", "/ws/v1/Devices/inventory", 404),
        ("GET", "/ws/v1/devices/inventory/", 404),
        ("GET", "/", 404),
        ("GET", "http://sim/ws/v1/users/inventory/none", 404),
        ("GET", "http://[", 400),
        ("DELETE", "/ws/v1", 405),
        ("PATCH", "/ws/v1/devices/inventory", 405),
        ("GET", "/ws/v1/automations/run", 405),
        ("POST", "/ws/v1/automations/run", 400),
        ("POST", "/ws/v1/devices/inventory", 400),
    ],
)
def test_other_errors(api: Api, method: str, path: str, status: int) -> None:
    found = api(method, path)
    assert (found.status, found.body["error_status"]) == (status, status)
    assert found.body["error_message"]
    assert ("allow" in found.headers) == (status == 405)


def test_head_is_get_without_a_body(api: Api) -> None:
    assert api("HEAD", DEVICES).body == ""
    assert int(api("HEAD", "/ws/v1").headers["content-length"]) == len(
        json.dumps(api.get("/ws/v1").body, separators=(",", ":"))
    )


def test_requests_are_remembered(api: Api) -> None:
    api.get(DEVICES, size=1)
    api.get("/ws/v1/nonsense")
    found = [(request.method, request.path, request.status) for request in api.simulator.requests]
    assert found == [("GET", DEVICES, 200), ("GET", "/ws/v1/nonsense", 404)]


def test_a_closed_simulator_answers_no_more(simulator: Simulator) -> None:
    simulator.close()
    simulator.close()
    with pytest.raises(RuntimeError, match="closed"):
        Api(simulator).get(DEVICES)
