"""OpenAPI from specs. After a change of what is written:

digirm export-spec --specs tests/golden/small/specs --format openapi --out tests/golden/small/openapi.json
"""

from __future__ import annotations

import json
from operator import attrgetter
from pathlib import Path
from typing import Any

import lark
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator

from digirm_cli.main import main
from digirm_codegen.exports import Exported, export
from digirm_runtime import dynamic
from digirm_runtime import spec as specs
from tests.codegen.support import GOLDEN, NUMERIC, ROOT, TEXT, field, listing, path, request, tree_of, write_spec
from tests.exports.support import Hostile, hostile_spec, hostiles

SPECS = ROOT / "specs" / "22.7"


def exported(folder: Path) -> dict[str, Any]:
    found = export(specs.load(folder), "openapi")
    assert found.problems == []
    return validated(found)


def validated(found: Exported) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(found.text)
    OpenAPIV31SpecValidator(document).validate()
    return document


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {key}": operation
        for key, item in document["paths"].items()
        for method, operation in item.items()
    }


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return exported(SPECS)


def test_the_golden_document_is_what_is_exported() -> None:
    exported(GOLDEN / "specs")
    assert (GOLDEN / "openapi.json").read_text("utf-8") == export(specs.load(GOLDEN / "specs"), "openapi").text


def test_a_crawl_of_the_later_contract_is_valid(tmp_path: Path) -> None:
    folder = tmp_path / "specs"
    assert main(["crawl", "sim:docs-2023", "--out", str(folder), "--api-version", "docs-2023"]) == 0
    found = operations(exported(folder))
    assert "GET /ws/v1/api_keys/inventory" in found


def test_every_operation_has_the_name_of_a_method_of_the_client(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for operation in operations(document).values()]
    assert len(names) == len(set(names)) > 150
    with dynamic.client(SPECS, "sim:") as rm:
        assert all(callable(attrgetter(name)(rm)) for name in names)


def test_an_inventory(document: dict[str, Any]) -> None:
    found = operations(document)["GET /ws/v1/devices/inventory"]
    params = {param["name"]: param for param in found["parameters"]}
    assert set(params) >= {"query", "orderby", "size", "cursor", "child_groups"}
    assert params["size"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 1000, "default": 1000}
    assert "`connection_status`" in params["query"]["description"]
    fields = {one["field"]: one for one in params["query"]["x-query-fields"]}
    assert fields["name"]["operators"] == list(TEXT)
    assert fields["name"]["x-certainty"] in ("recorded", "documented", "inferred")
    assert fields["name"]["literals"] == ["text"]
    schemas = document["components"]["schemas"]
    page = found["responses"]["200"]["content"]["application/json"]["schema"]
    assert page == {"$ref": "#/components/schemas/DevicePage"}
    assert schemas["DevicePage"]["properties"]["list"]["items"] == {"$ref": "#/components/schemas/Device"}
    assert schemas["DevicePage"]["properties"].keys() == schemas["Page"]["properties"].keys()
    assert schemas["Device"]["required"] == ["id"]


def test_security_is_a_password_or_both_headers_of_a_key(document: dict[str, Any]) -> None:
    assert document["security"] == [{"basic": []}, {"apiKeyId": [], "apiKeySecret": []}]
    schemes = document["components"]["securitySchemes"]
    assert [schemes[name]["name"] for name in ("apiKeyId", "apiKeySecret")] == ["X-API-KEY-ID", "X-API-KEY-SECRET"]


def test_errors_and_csv(document: dict[str, Any]) -> None:
    found = operations(document)["GET /ws/v1/devices/bulk"]["responses"]
    assert found["200"]["content"] == {"text/csv": {"schema": {"type": "string"}}}
    assert set(found) >= {"400", "401", "403", "404", "429", "default"}
    assert document["components"]["schemas"]["Error"]["required"] == ["error_message"]


def test_arguments_that_take_slashes_are_marked(document: dict[str, Any]) -> None:
    (argument,) = operations(document)["GET /ws/v1/streams/history/{stream_id}"]["parameters"][:1]
    assert (argument["name"], argument["in"], argument["x-multi-segment"]) == ("stream_id", "path", True)
    labels = operations(exported(GOLDEN / "specs"))["GET /ws/v1/parts/labels/{name}"]
    assert labels["parameters"][0]["x-multi-segment"] is True
    assert labels["responses"]["200"]["content"] == {"image/png": {"schema": {}}}


def test_where_it_comes_from(document: dict[str, Any]) -> None:
    assert document["info"]["x-provenance"] == "reconstructed"
    assert operations(document)["DELETE /ws/v1/devices/inventory/{id}"]["x-certainty"] == "recorded"


def test_templates_that_openapi_cannot_tell_apart(tmp_path: Path) -> None:
    documents = {
        "parts": listing(
            path("/ws/v1/parts/a/{id}", request("GET")),
            path("/ws/v1/parts/a/{name}", request("DELETE"), request("GET")),
        )
    }
    found = export(specs.load(write_spec(tmp_path / "specs", documents)), "openapi")
    item = validated(found)["paths"]["/ws/v1/parts/a/{id}"]
    assert set(item) == {"get", "delete"}
    assert item["delete"]["parameters"][0]["name"] == "id"
    assert found.problems == [
        "GET /ws/v1/parts/a/{name}: OpenAPI cannot tell it from GET /ws/v1/parts/a/{id}; left out"
    ]


def test_a_schema_that_has_the_name_of_an_own_one(tmp_path: Path) -> None:
    overrides = '[schemas.Page]\ncategory = "parts"\nsource = "a"\nreason = "b"\n[schemas.Page.properties]\na = "any"\n'
    folder = write_spec(
        tmp_path / "specs", {"parts": listing(path("/ws/v1/parts/all", request("GET")))}, overrides=overrides
    )
    found = exported(folder)["components"]["schemas"]
    assert set(found["Page"]["properties"]) > {"count", "list"}
    assert found["PartsPage"]["properties"] == {"a": {}}


words = st.text(min_size=1, max_size=12)
junk = st.recursive(
    st.none() | st.booleans() | st.integers() | words,
    lambda some: st.lists(some) | st.dictionaries(words, some),
    max_leaves=6,
)


@settings(max_examples=40)
@given(arg=words, param=words, name=words, extra=st.dictionaries(words, junk, max_size=3))
def test_whatever_a_server_says_the_document_is_valid(arg: str, param: str, name: str, extra: dict[str, Any]) -> None:
    entry = extra | request("GET", param, "query", query=[extra | field(name, name, *NUMERIC)])
    items = [path(f"/ws/v1/parts/x/{{{arg}}}", entry, **extra), path(f"/ws/v1/parts/{arg}", request("POST", param))]
    documents = {"parts": {**extra, **listing(*items)}}
    found = export(specs.from_documents(documents, api_version=name, base_path="/ws/v1", provenance="live"), "openapi")
    validated(found)


@settings(max_examples=30)
@given(hostiles)
def test_no_text_breaks_a_document(texts: Hostile) -> None:
    found = validated(export(hostile_spec(texts), "openapi"))
    assert "/ws/v1/parts/good/{id}" in found["paths"]
    # A field with an impossible name is left out, and with it the only operators.
    if any("x-query-fields" in param for one in operations(found).values() for param in one.get("parameters", ())):
        lark.Lark(found["x-query-language"]["grammar"], parser="lalr")
    else:
        assert "x-query-language" not in found


def test_the_command_writes_to_a_file_or_to_stdout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["export-spec", "--specs", str(GOLDEN / "specs"), "--format", "openapi"]
    golden = (GOLDEN / "openapi.json").read_text("utf-8")
    assert main(arguments) == 0
    assert capsys.readouterr().out == golden
    assert main([*arguments, "--out", str(tmp_path / "api.json")]) == 0
    assert tree_of(tmp_path) == {"api.json": golden.encode()}
    assert main([*arguments, "--server", "http://127.0.0.1:8080"]) == 0
    assert json.loads(capsys.readouterr().out)["servers"] == [{"url": "http://127.0.0.1:8080"}]


def test_a_contract_and_its_version_give_the_same(capsys: pytest.CaptureFixture[str], document: dict[str, Any]) -> None:
    folder = ROOT / "simulator" / "digirm_simulator" / "contract" / "22.7"
    texts = []
    for name in ("22.7", str(folder)):
        assert main(["export-spec", "--specs", name, "--format", "openapi"]) == 0
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1]
    found = json.loads(texts[0])
    OpenAPIV31SpecValidator(found).validate()
    assert found["paths"].keys() == document["paths"].keys()
    of_specs = {wire: one["x-certainty"] for wire, one in operations(document).items()}
    assert {wire: one["x-certainty"] for wire, one in operations(found).items()} == of_specs


@pytest.mark.parametrize("name", ["nothing", "empty", "damaged", "contract"])
def test_what_cannot_be_exported(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / name
    if name != "nothing":
        folder.mkdir()
    if name == "damaged":
        (folder / "index.json").write_text("{")
    if name == "contract":
        (folder / "types.json").write_text("[]")
    assert main(["export-spec", "--specs", str(folder), "--format", "openapi", "--out", str(tmp_path / "o.json")]) == 2
    shown = capsys.readouterr()
    assert shown.err.startswith("digirm: ")
    assert "Traceback" not in shown.err
    assert not (tmp_path / "o.json").exists()


def test_an_output_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["export-spec", "--specs", str(GOLDEN / "specs"), "--format", "openapi"]
    assert main([*arguments, "--out", str(tmp_path / "none" / "o.json")]) == 2
    assert "cannot write" in capsys.readouterr().err
