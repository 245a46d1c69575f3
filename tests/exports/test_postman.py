"""Postman collections: what format 2.1.0 demands of them, and that they hold the spec."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

import jsonschema
from hypothesis import given, settings

from digirm_codegen.exports import export
from digirm_runtime import tree
from digirm_runtime.wire import Request
from digirm_simulator import Simulator
from tests.exports.support import Hostile, hostile_spec, hostiles, loaded, requests_of, whole
from tests.simulator.support import BASIC, answer

TEXT: dict[str, Any] = {"type": "string"}


def listed(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item}


def thing(*required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


#: What the format's own schema says of the parts that are used here, and that there are no others.
SCHEMA = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    **thing(
        "info", "item",
        info=thing("name", "schema", _postman_id=TEXT, name=TEXT, description=TEXT, schema=TEXT),
        item=listed({"$ref": "#/definitions/folder"}),
        auth={"$ref": "#/definitions/auth"},
        variable=listed({"$ref": "#/definitions/variable"}),
    ),
    "definitions": {
        "folder": thing(
            "item", name=TEXT, id=TEXT,
            item=listed({"anyOf": [{"$ref": "#/definitions/folder"}, {"$ref": "#/definitions/item"}]}),
        ),
        "item": thing(
            "request", name=TEXT, id=TEXT, response=listed({}), request={"$ref": "#/definitions/request"}
        ),
        "request": thing(
            method={"enum": ["GET", "PUT", "POST", "PATCH", "DELETE", "HEAD"]},
            description=TEXT,
            header=listed(thing("key", "value", key=TEXT, value=TEXT, description=TEXT, disabled={"type": "boolean"})),
            body=thing(mode={"const": "raw"}, raw=TEXT, options={"type": "object"}),
            url=thing(
                raw=TEXT, host=listed(TEXT), path=listed(TEXT),
                query=listed(thing(key=TEXT, value=TEXT, description=TEXT, disabled={"type": "boolean"})),
                variable=listed({"$ref": "#/definitions/variable"}),
            ),
        ),
        "auth": thing("type", type={"const": "basic"}, basic=listed(thing("key", key=TEXT, value=TEXT, type=TEXT))),
        "variable": thing("key", key=TEXT, value=TEXT, description=TEXT),
    },
}  # fmt: skip


def valid(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    jsonschema.validate(found, SCHEMA)
    return found


def test_a_collection_holds_every_operation_of_the_client() -> None:
    collection = valid(whole("postman").text)
    assert collection["info"]["schema"].endswith("/json/collection/v2.1.0/collection.json")
    operations = {o.wire: o for node in tree.build(loaded()).nodes() for o in node.operations}
    found: dict[str, dict[str, Any]] = {}
    for item in requests_of(collection["item"]):
        request = item["request"]
        url = request["url"]
        assert url["raw"] == "{{base_url}}/" + "/".join(url["path"])
        found[f"{request['method']} {url['raw']}"] = item
    assert len(found) == len(operations)
    listing = found["GET {{base_url}}/ws/v1/devices/inventory"]
    assert listing["name"] == "list"
    query = {param["key"]: param for param in listing["request"]["url"]["query"]}
    assert list(query) == [param.wire for param in operations["GET /ws/v1/devices/inventory"].params]
    assert all(param["disabled"] for param in query.values())
    assert "`connection_status`" in query["query"]["description"]
    update = found["PUT {{base_url}}/ws/v1/devices/inventory/:id"]["request"]
    assert [variable["key"] for variable in update["url"]["variable"]] == ["id"]
    assert "name" in json.loads(update["body"]["raw"])


def test_folders_are_the_segments_of_paths() -> None:
    (devices,) = [one for one in valid(whole("postman").text)["item"] if one["name"] == "devices"]
    assert "inventory" in [one["name"] for one in devices["item"] if "item" in one]


def test_credentials_are_variables_without_a_value() -> None:
    collection = valid(whole("postman").text)
    assert {one["key"]: one["value"] for one in collection["auth"]["basic"]} == {
        "username": "{{username}}",
        "password": "{{password}}",
    }
    values = {one["key"]: one["value"] for one in collection["variable"]}
    assert values.pop("base_url") == "https://remotemanager.digi.com"
    assert set(values.values()) == {""}
    for item in requests_of(collection["item"]):
        keys = {one["key"]: one for one in item["request"]["header"]}
        assert keys["X-API-KEY-SECRET"]["value"] == "{{api_key_secret}}"
        assert keys["X-API-KEY-SECRET"]["disabled"]


def test_ids_are_unique_and_do_not_change() -> None:
    collection = valid(whole("postman").text)
    ids = [item["id"] for item in requests_of(collection["item"])]
    assert len(ids) == len(set(ids))
    assert export(loaded(), "postman").text == whole("postman").text
    elsewhere = valid(export(loaded(), "postman", "http://127.0.0.1:8080/").text)
    assert elsewhere["variable"][0]["value"] == "http://127.0.0.1:8080"
    assert elsewhere["item"] == collection["item"]


def test_its_requests_are_answered() -> None:
    with Simulator(devices=2) as simulator:
        for item in requests_of(valid(whole("postman").text)["item"]):
            request = item["request"]
            if request["method"] == "GET" and "variable" not in request["url"]:
                url = request["url"]["raw"].removeprefix("{{base_url}}")
                assert answer(simulator.handle(Request("GET", url, BASIC))).status == 200, url


@settings(max_examples=40)
@given(hostiles)
def test_no_text_breaks_a_collection(texts: Hostile) -> None:
    found = export(hostile_spec(texts), "postman")
    collection = valid(found.text)
    found.text.encode()
    requests = [item["request"] for item in requests_of(collection["item"])]
    for request in requests:
        body = request.get("body", {"raw": "{}"})["raw"]
        assert isinstance(json.loads(body), dict)
        assert "{{" not in body
        for segment in request["url"]["path"]:
            # A segment is a variable where an argument stands, and nowhere else.
            if segment.startswith(":"):
                assert segment[1:] in [variable["key"] for variable in request["url"]["variable"]]
        for param in request["url"].get("query", ()):
            assert param["key"].isascii()
            assert not set(param["key"]) & set("{}&=#? ")
            assert unquote(param["key"])
    assert "/ws/v1/parts/good/:id" in [request["url"]["raw"].removeprefix("{{base_url}}") for request in requests]
