"""Payload types: documented, refined by samples, never more certain than both."""

import importlib
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datamodel_code_generator
import pytest

from digirm_codegen.generate import generate
from digirm_codegen.render import package
from digirm_codegen.templating import Code, doc, environment, literal, name, part
from digirm_runtime import spec
from tests.codegen.support import listing, path, request, write_spec

SAMPLE = {
    "$schema": "x",
    "$defs": {
        "Thing": {
            "type": "object",
            "$ref": "file:///etc/passwd",
            "customTypePath": "os.system",
            "properties": {
                "id": {"type": "string"},
                "open": {"type": ["integer", "null"]},
                "both": {"type": ["string", "number"]},
                "deep": {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "boolean"}}}},
                "map": {"type": "object", "additionalProperties": {"type": "integer"}},
                "_links": {"type": "object"},
                "odd": {"type": "decimal"},
                "more": "not a schema",
                "list": {"type": "array", "items": {"type": "object", "properties": {"x-y": {"type": "string"}}}},
                "__slots__": {"type": "string"},
                "bi\u202edi": {"type": "string"},
            },
        }
    },
}
OVERRIDES = """\
[[operation]]
method = "GET"
path = "/ws/v1/things/{id}"
schema = "Thing"
source = "a"
reason = "b"

[schemas.Thing]
category = "things"
key = "id"
source = "a"
reason = "b"

[schemas.Thing.properties]
id = "integer"
name = "string"
open = "any"
parts = "Piece[]"
wrong = "strnig"
elsewhere = "Room"

[schemas.Piece]
category = "things"
source = "a"
reason = "b"
properties = { size = "number" }

[schemas.Room]
category = "rooms"
source = "a"
reason = "b"
properties = { door = "boolean" }

[schemas."lower case"]
category = "rooms"
source = "a"
reason = "b"
properties = { x = "string" }
"""


@pytest.fixture
def things(tmp_path: Path, load: Callable[[Path, str], Any]) -> tuple[Any, tuple[str, ...]]:
    documents = {
        "things": listing(path("/ws/v1/things/{id}", request("GET"))),
        "rooms": listing(path("/ws/v1/rooms", request("GET"))),
    }
    specs = write_spec(tmp_path / "specs", documents, overrides=OVERRIDES)
    (specs / "schemas").mkdir()
    (specs / "schemas" / "things.json").write_bytes(spec.canonical(SAMPLE))
    result = generate(specs, tmp_path, "things_rm")
    load(tmp_path, "things_rm")
    return importlib.import_module("things_rm.models.things"), result.problems


def test_documented_types_stand_and_samples_fill_the_rest(things: tuple[Any, tuple[str, ...]]) -> None:
    module, _ = things
    hints = typing.get_type_hints(module.Thing)
    marked = typing.get_type_hints(module.Thing, include_extras=True)
    assert [key for key, hint in marked.items() if typing.get_origin(hint) is not typing.NotRequired] == ["id"]
    assert {key: str(hint).replace("things_rm.models.things.", "") for key, hint in hints.items()} == {
        "id": "<class 'int'>",
        "name": "str | None",
        "open": "int | None",
        "both": "str | float | None",
        "parts": "list[Piece] | None",
        "deep": "ThingDeep | None" if str(hints["deep"]).endswith("| None") else "typing.Optional[ThingDeep]",
        "map": "dict[str, int] | None",
        "_links": "dict[str, typing.Any] | None",
        "list": "list[ThingListItem] | None",
        "more": "typing.Any",
        "odd": "typing.Any",
        "wrong": "typing.Any",
        "elsewhere": "typing.Any",
    }
    assert typing.get_type_hints(module.ThingListItem) == {"x-y": str | None}
    assert typing.get_type_hints(module.Piece) == {"size": float | None}


def test_what_cannot_be_used_is_reported(things: tuple[Any, tuple[str, ...]]) -> None:
    _, problems = things
    for text in ("'strnig' is no type word", "'Room' is no type word", "'lower case' is no class name", "'__slots__'"):
        assert [problem for problem in problems if text in problem], text
    assert len(problems) == 5


def test_nothing_of_a_sample_but_types_and_keys_comes_out(things: tuple[Any, tuple[str, ...]]) -> None:
    module, _ = things
    text = Path(module.__file__).read_text("utf-8")
    assert "passwd" not in text
    assert "os" not in dir(module)


def test_a_sample_alone_gives_a_type_too(tmp_path: Path, load: Callable[[Path, str], Any]) -> None:
    documents = {
        "rooms": listing(
            path("/ws/v1/rooms/inventory", request("GET", "size"), request("POST")),
            path("/ws/v1/rooms/inventory/{id}", request("GET")),
            path("/ws/v1/rooms/keys", request("GET")),
        ),
    }
    specs = write_spec(tmp_path / "specs", documents)
    (specs / "schemas").mkdir()
    record = {"type": "object", "properties": {"id": {"type": "integer"}}}
    keys = {"type": "object", "additionalProperties": {"type": "string"}}
    rooms = {"GET /ws/v1/rooms/inventory": record, "GET /ws/v1/rooms/keys": keys, "GET /ws/v1/gone": record}
    (specs / "schemas" / "rooms.json").write_bytes(spec.canonical({"$defs": rooms}))
    assert generate(specs, tmp_path, "rooms_rm").problems == ()
    load(tmp_path, "rooms_rm")
    module = importlib.import_module("rooms_rm.models.rooms")
    assert typing.get_type_hints(module.RoomsInventory) == {"id": int | None}
    text = (tmp_path / "rooms_rm" / "api" / "rooms.py").read_text("utf-8")
    assert text.count("_face.Operation[_m_rooms.RoomsInventory]") == 1
    assert "dict[str, Any]" in text


def sampled(keys: dict[str, Any]) -> spec.Spec:
    """A spec whose one operation was seen to answer an object with these keys."""
    record = {"type": "object", "properties": keys}
    return spec.from_documents(
        {
            "rooms": listing(path("/ws/v1/rooms/all", request("GET"))),
            "doors": listing(path("/ws/v1/doors/all", request("GET"))),
        },
        api_version="1",
        base_path="/ws/v1",
        provenance="live",
        schemas={
            "rooms": {"$defs": {"GET /ws/v1/rooms/all": record}},
            "doors": {"$defs": {"GET /ws/v1/doors/all": record}},
        },
    )


def thing(**keys: Any) -> dict[str, Any]:
    return {"type": "object", "properties": keys or {"x": {"type": "string"}}}


@pytest.mark.parametrize(
    "keys",
    [
        {"wan": thing(), "WAN": thing(), "Wan": thing()},
        {"wan_ip": thing(), "wan": thing(ip=thing())},
        {"a-b": thing(), "a_b": thing(), "a.b": thing()},
    ],
)
def test_keys_that_look_alike_have_a_class_each(keys: dict[str, Any]) -> None:
    rendered = package(sampled(keys))
    assert rendered.problems == []
    names: dict[str, Any] = {}
    exec(rendered.files["models/rooms.py"], names)
    annotations = names["RoomsAll"].__annotations__
    assert set(annotations) == set(keys)
    assert len(set(map(str, annotations.values()))) == len(keys)


def test_keys_that_python_would_change_are_reported() -> None:
    keys = {
        "\ufb01": {"type": "string"},
        "\xaa": {"type": "string"},
        "\u017f": {"type": "string"},
        "x\xb7y": {"type": "string"},
    }
    rendered = package(sampled({**keys, "ok": thing(**keys)}))
    names: dict[str, Any] = {}
    exec(rendered.files["models/rooms.py"], names)
    assert set(names["RoomsAll"].__annotations__) == {"x\xb7y", "ok"}
    assert set(names["RoomsAllOk"].__annotations__) == {"x\xb7y"}
    assert sum("cannot be declared" in problem for problem in rendered.problems) == 12


def test_a_schema_whose_name_would_not_stay_is_reported(tmp_path: Path) -> None:
    text = OVERRIDES.replace("Piece", "Pie_ce")
    documents = {"things": listing(path("/ws/v1/things/{id}", request("GET"))), "rooms": listing()}
    result = generate(write_spec(tmp_path / "specs", documents, overrides=text), tmp_path, "made")
    assert "schemas: 'Pie_ce' is no class name; skipped" in result.problems
    assert "class Thing" in (tmp_path / "made" / "models" / "things.py").read_text()


@pytest.mark.parametrize("gives", [ValueError("no\nway"), "x = (", "import os\nos.abort()", "class Other: ...", None])
def test_a_module_that_cannot_be_made_costs_only_its_types(monkeypatch: pytest.MonkeyPatch, gives: object) -> None:
    """The other program's answer is no more to be trusted than the samples that it was given."""
    real = datamodel_code_generator.generate

    def fails_for_rooms(text: str, **options: Any) -> Any:
        if "RoomsAll" not in text:
            return real(text, **options)
        if isinstance(gives, Exception):
            raise gives
        return gives

    monkeypatch.setattr(datamodel_code_generator, "generate", fails_for_rooms)
    rendered = package(sampled({"x": {"type": "string"}}))
    (problem,) = rendered.problems
    assert problem.startswith("schemas: no payload types for rooms: ")
    assert "\n" not in problem
    assert [file for file in rendered.files if file.startswith("models/")] == ["models/__init__.py", "models/doors.py"]
    assert "_face.Operation[dict[str, Any]]" in rendered.files["api/rooms.py"]
    assert "_m_rooms" not in rendered.files["api/rooms.py"]
    assert "_face.Operation[_m_doors.DoorsAll]" in rendered.files["api/doors.py"]


def test_query_fields_give_no_payload_types() -> None:
    query = [{"field": "name", "type": "Text", "operators": ["="], "orderby": True}]
    loaded = spec.from_documents(
        {"things": listing(path("/ws/v1/things/all", request("GET", "query", query=query)))},
        api_version="1",
        base_path="/ws/v1",
        provenance="live",
    )
    files = package(loaded).files
    assert [file for file in files if file.startswith("models/")] == ["models/__init__.py"]
    assert "_face.Operation[dict[str, Any]]" in files["api/things.py"]


@pytest.mark.parametrize("template", ["{{ value }}", "{{ value ~ value }}", "{{ value|upper }}", "{{ [value] }}"])
@pytest.mark.parametrize("value", ["x", 1, None, ["x"]])
def test_a_template_cannot_print_what_no_filter_made_safe(template: str, value: object) -> None:
    with pytest.raises(TypeError):
        environment().from_string(template).render(value=value)


def test_filters() -> None:
    assert literal("a\"b'c\n\u202e") == "'a\"b\\'c\\n\\u202e'"
    assert literal("plain") == '"plain"'
    assert literal({"a": ("b",), "c": [1, True, None]}) == '{"a": ("b",), "c": [1, True, None]}'
    assert doc('x """ \\ \n y \u202e ü') == 'x \\"\\"\\" \\\\ y \\\\u202e \\\\xfc'
    assert isinstance(name("ok_1"), Code)
    assert part("class") == "class"
    for bad in ("class", "a b", "1", "", "ü", "a\n"):
        with pytest.raises(ValueError, match="Python name"):
            name(bad)
    with pytest.raises(ValueError, match="Python name"):
        part("a-b")
    with pytest.raises(TypeError):
        literal(object())
