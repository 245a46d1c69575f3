"""`.http` files, read as an editor reads them: they hold the spec, work, and cannot be broken out of."""

from __future__ import annotations

import json
import re
from urllib.parse import unquote

import pytest
from hypothesis import given, settings

from digirm_codegen.exports import export
from digirm_codegen.exports.http_file import UNSET
from digirm_runtime import template, tree
from digirm_runtime.wire import Request
from digirm_simulator import Simulator
from tests.exports.support import Hostile, HttpRequest, filled, hostile_spec, hostiles, http_file, loaded, whole
from tests.simulator.support import answer

SECRETS = {"api_key_id": "an-id", "api_key_secret": "a-secret"}


def wire(variables: dict[str, str], request: HttpRequest) -> str:
    """Method and path, arguments as `{}`."""
    assert request.url.startswith("{{host}}/")
    path = request.url.removeprefix("{{host}}").removesuffix("?")
    assert all(variables[name] == UNSET for name in re.findall(r"\{\{(\w+)\}\}", path))
    return f"{request.method} {re.sub(r'{{[^}]*}}', '{}', path)}"


def test_a_file_holds_every_operation_of_the_client() -> None:
    variables, requests = http_file(whole("http").text)
    operations = [o for node in tree.build(loaded()).nodes() for o in node.operations]
    bare = {
        f"{o.method} {re.sub(r'{[^}]*}', '{}', template.render(template.parse(o.template)))}": o for o in operations
    }
    assert len({request.name for request in requests}) == len(requests) == len(operations)
    for request in requests:
        operation = bare[wire(variables, request)]
        assert request.name.rpartition(".")[2] == operation.name
        assert list(map(unquote, request.offered)) == [param.wire for param in operation.params]
        assert request.url.endswith("?") is bool(operation.params)
        assert request.asks is (operation.method == "DELETE")
        assert bool(request.body) is operation.has_body
        assert {key: request.headers[key] for key in request.headers if key != "Content-Type"} == {
            "X-API-KEY-ID": "{{api_key_id}}",
            "X-API-KEY-SECRET": "{{api_key_secret}}",
        }


def test_a_body_has_the_known_keys() -> None:
    _, requests = http_file(whole("http").text)
    bodies = {request.name: json.loads(request.body) for request in requests if request.body}
    schema = loaded().overrides.schemas["Device"]
    assert set(bodies["devices.inventory.update"]) == set(schema.properties)
    assert bodies["automations.run"] == {}


def test_credentials_are_defined_elsewhere_and_arguments_do_not_hide_them() -> None:
    variables, requests = http_file(whole("http").text)
    assert not {"username", "password", *SECRETS} & variables.keys()
    (user,) = [request for request in requests if request.name == "users.inventory.get"]
    assert user.url == "{{host}}/ws/v1/users/inventory/{{arg_username}}"


def test_its_requests_are_answered() -> None:
    with Simulator(devices=2, api_keys={"an-id": "a-secret"}) as simulator:
        variables, requests = http_file(whole("http").text)
        known = {**variables, **SECRETS}
        device = json.loads(
            simulator.handle(
                Request("GET", "/ws/v1/devices/inventory", {"X-API-KEY-ID": "an-id", "X-API-KEY-SECRET": "a-secret"})
            ).read()
        )["list"][0]["id"]
        seen = 0
        for request in requests:
            headers = {key: filled(value, known) for key, value in request.headers.items()}
            if request.method == "GET" and not re.search(r"\{\{(?!host)", request.url):
                # As it stands, and with a parameter of which the comment sign was taken away.
                urls = [request.url, request.url + "&size=1"] if "size" in request.offered else [request.url]
                for url in urls:
                    reply = answer(simulator.handle(Request("GET", filled(url, known), headers)))
                    assert reply.status == 200, (url, reply.body)
                    seen += 1
            elif request.name == "devices.inventory.get":
                url = filled(request.url, {**known, "id": device})
                assert answer(simulator.handle(Request("GET", url, headers))).body["id"] == device
                url = filled(request.url, known)
                assert answer(simulator.handle(Request("GET", url, headers))).status in (400, 404)
        assert seen > 60


@settings(max_examples=40)
@given(hostiles)
def test_no_text_breaks_out_of_its_line(texts: Hostile) -> None:
    spec = hostile_spec(texts)
    text = export(spec, "http").text
    assert all(char.isprintable() or char == "\n" for char in text)
    variables, requests = http_file(text)
    operations = [o for node in tree.build(spec).nodes() for o in node.operations]
    assert len(requests) == len(operations)
    assert not {"username", "password", *SECRETS} & variables.keys()
    for request, operation in zip(requests, operations, strict=True):
        assert request.method == operation.method
        assert wire(variables, request).count("{}") == len(operation.args)
        assert request.headers.keys() <= {"X-API-KEY-ID", "X-API-KEY-SECRET", "Content-Type"}
        assert list(map(unquote, request.offered)) == [param.wire for param in operation.params]
        if request.body:
            json.loads(request.body)
            assert "{{" not in request.body


@pytest.mark.parametrize("doc", ["@no-redirect", "@name x", "@note", " @note", "&a=", "?a=b", "# @note", "/ @note"])
def test_a_doc_is_no_setting_of_an_editor_and_no_parameter(doc: str) -> None:
    spec = hostile_spec(Hostile("segment", "argument", "param", "field", "key", doc))
    lines = export(spec, "http").text.splitlines()
    said = [line for line in lines if line.endswith(doc.strip()) and line != "# @note"]
    assert said
    for line in said:
        # As editors read comments: a sign for them, blanks, and then a setting by its own sign.
        assert not re.match(r"(#|//)[#/\s]*[@&?]", line), line
    _, requests = http_file("\n".join(lines))
    assert all(request.asks is (request.method == "DELETE") for request in requests)
    assert {param for request in requests for param in request.offered} <= {"param", "query", "orderby", "size"}
