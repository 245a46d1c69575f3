"""Packages made with `--models msgspec` or `pydantic`: objects that lose and refuse nothing."""

from __future__ import annotations

import asyncio
import copy
import importlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digirm_cli.main import main
from digirm_codegen.generate import generate
from digirm_codegen.render import package
from digirm_runtime import spec
from digirm_runtime.errors import TransportError
from digirm_runtime.models import Reader, plain
from tests.codegen.support import GOLDEN, ROOT, listing, path, request, tree_of, write_spec
from tests.house.snippets import blocks, commands
from tests.support.server import Answer, script

Load: TypeAlias = Callable[[Path, str], Any]
KINDS = ["msgspec", "pydantic"]
SPECS = GOLDEN / "specs"
BIG = 2**200 + 1
#: Keys that a class, a module of types, Python or the library has another use for.
AWKWARD = [
    *("extra", "field", "Field", "str", "int", "list", "dict", "Any", "UNSET", "Object", "BaseModel", "self", "cls"),
    *(
        "class",
        "class_",
        "None",
        "_links",
        "_fields_set",
        "values",
        "a b",
        "a_b",
        "a-b",
        "a.b",
        "Rooms.name",
        "1x",
        "-",
    ),
    *("model_config", "model_fields", "model_dump_x", "copy", "json", "schema", "RoomsAll", "é", "camelCase", "$ref"),
    *("model_extra", 'q"t', "b\\s", "#/x"),
]


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def made(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The small package with objects, imported."""
    folder = tmp_path_factory.mktemp("objects")
    name = f"parts_{kind}"
    assert generate(SPECS, folder, name, models=kind).problems == ()
    sys.path.insert(0, str(folder))
    yield importlib.import_module(name)
    sys.path.remove(str(folder))
    for module in [module for module in sys.modules if module.partition(".")[0] == name]:
        del sys.modules[module]


def types_of(made: Any) -> Any:
    return importlib.import_module(f"{made.__name__}.models.parts")


def reader(made: Any, name: str = "Part") -> Reader:
    return Reader(f"{made.__name__}.api", "parts", name)


def others(value: Any) -> Any:
    """The keys of an object that its class does not declare."""
    return value.extra if isinstance(value, msgspec.Struct) else value.model_extra


@pytest.mark.parametrize("name", KINDS)
def test_the_golden_types_are_what_the_generator_makes(name: str) -> None:
    """After a change: copy `models/parts.py` of the package made with `--models` over them."""
    files = package(spec.load(SPECS), name).files
    assert files["models/parts.py"] == (GOLDEN / "objects" / f"{name}.py").read_text("utf-8")


def test_keys_are_attributes(made: Any) -> None:
    types = types_of(made)
    item = {
        "id": BIG,
        "name": None,
        "sha-512": "ab",
        "maker": {"name": "ACME", "since": 1850},
        "tags": ["a", None, 3],
        "notes": {"name": "untyped"},
        "new": {"a": [1]},
    }
    part = reader(made).read(item)
    assert isinstance(part, types.Part)
    assert (part.id, part.name, part.sha_512, part.tags) == (BIG, None, "ab", ["a", None, 3])
    assert isinstance(part.maker, types.Maker)
    assert (part.maker.name, others(part.maker)) == ("ACME", {"since": 1850})
    assert part.notes == {"name": "untyped"}
    assert others(part) == {"new": {"a": [1]}}
    assert plain(part) == item
    assert copy.deepcopy(part) == part


def test_what_is_missing_is_no_error_and_is_not_sent(made: Any, kind: str) -> None:
    nothing = msgspec.UNSET if kind == "msgspec" else None
    part = reader(made).read({})
    assert (part.id, part.name, part.sha_512, part.maker) == (nothing,) * 4
    assert plain(part) == {}
    part.name = "lamp"
    part.maker = types_of(made).Maker(name=None)
    assert plain([part, {"of": part}]) == [
        {"name": "lamp", "maker": {"name": None}},
        {"of": {"name": "lamp", "maker": {"name": None}}},
    ]


def test_an_object_made_by_hand(made: Any, kind: str) -> None:
    part = types_of(made).Part(id=1, sha_512="ab", **({"extra": {"new": 2}} if kind == "msgspec" else {"new": 2}))
    assert plain(part) == {"id": 1, "sha-512": "ab", "new": 2}


def test_wrong_types_are_kept(made: Any) -> None:
    item = {"id": [None], "name": {"x": 1}, "maker": ["not an object"], "tags": {"a": 1}, "sha-512": False}
    part = reader(made).read(item)
    assert (part.id, part.maker, part.tags, part.sha_512) == ([None], ["not an object"], {"a": 1}, False)
    assert plain(part) == item
    for other in (None, 1, "text", [], [{}]):
        assert reader(made).read(other) is other


KEYS = st.sampled_from(["id", "name", "sha-512", "sha_512", "maker", "tags", "notes", "extra", "", "__class__", "new"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=5), inner, max_size=5),
    max_leaves=12,
)


@given(item=st.dictionaries(KEYS | st.text(max_size=5), JSON, max_size=8))
def test_what_was_read_is_what_is_sent(made: Any, item: dict[str, Any]) -> None:
    before = json.dumps(item, sort_keys=True)
    part = reader(made).read(item)
    assert json.dumps(plain(part), sort_keys=True) == before
    assert json.dumps(item, sort_keys=True) == before


def test_what_only_lenient_readers_take_is_kept_too(made: Any) -> None:
    # Halves of surrogate pairs as keys and values, and numbers that JSON does not have.
    text = r"""{"id": NaN, "name": "a\ud800", "tags": ["\ud800", Infinity], "\ud800": 1,
        "maker": {"\udfff": "\ud801", "name": "\ud800"}, "notes": {"\ud800": "\ud800"}}"""
    item = json.loads(text)
    part = reader(made).read(item)
    assert part.maker.name == "\ud800"
    assert json.dumps(plain(part), sort_keys=True) == json.dumps(item, sort_keys=True)


ROOMS = {"rooms": listing(path("/ws/v1/rooms/all", request("GET")))}


def test_keys_that_are_no_attributes_get_another_name(kind: str, tmp_path: Path, load: Load) -> None:
    nested = {"type": "object", "properties": {"x": {"type": "string"}, "maker": {"type": "string"}}}
    keys = {key: {"type": "string"} for key in AWKWARD} | {"maker": nested, "Maker": nested}
    specs = write_spec(tmp_path / "specs", ROOMS)
    (specs / "schemas").mkdir()
    samples = {"$defs": {"GET /ws/v1/rooms/all": {"type": "object", "properties": keys}}}
    (specs / "schemas" / "rooms.json").write_bytes(spec.canonical(samples))
    problems = generate(specs, tmp_path, "rooms_rm", models=kind).problems
    # msgspec has no way to declare these.
    assert len(problems) == (2 if kind == "msgspec" else 0)
    assert all("cannot be declared" in problem for problem in problems)
    load(tmp_path, "rooms_rm")
    item: dict[str, Any] = {key: f"value of {key}" for key in (*AWKWARD, "x_y", "field_")}
    item |= {"maker": {"x": "y"}, "Maker": {"maker": "z"}}
    room = Reader("rooms_rm.api", "rooms", "RoomsAll").read(item)
    assert set(others(room)) == {"x_y", "field_"} | ({'q"t', "b\\s"} if kind == "msgspec" else set())
    assert (room.class_, room.camelCase) == ("value of class_", "value of camelCase")
    assert (room.maker.x, room.Maker.maker) == ("y", "z")
    assert plain(room) == item


LOOP = """\
[[operation]]
method = "GET"
path = "/ws/v1/rooms/all"
schema = "Room"
source = "a"
reason = "b"

[schemas.Room]
category = "rooms"
source = "a"
reason = "b"
properties = { room = "Room", rooms = "Room[]" }
"""


def test_an_object_in_itself(kind: str, tmp_path: Path, load: Load) -> None:
    generate(write_spec(tmp_path / "specs", ROOMS, overrides=LOOP), tmp_path, "rooms_rm", models=kind)
    load(tmp_path, "rooms_rm")
    reader = Reader("rooms_rm.api", "rooms", "Room")
    item = {"room": {"room": {"rooms": [{"rooms": [None, {"x": 1}]}]}}}
    room = reader.read(item)
    assert type(room.room.room.rooms[0].rooms[1]) is type(room)
    assert plain(room) == item
    deep: dict[str, Any] = {}
    for _ in range(2000):
        deep = {"room": deep}
    with pytest.raises(TransportError, match="too many Room in each other"):
        reader.read(deep)


PART = {"id": BIG, "name": "lamp", "maker": {"name": None}, "new": 1}
FAILED = {"error_status": 400, "error_message": "no", "error_context": {"id": 2}}


def test_answers_are_objects_and_bodies_may_be(made: Any) -> None:
    types = types_of(made)
    answers = [
        Answer(body=PART),
        Answer(body={"count": 2, "list": [PART, None], "size": 2}),
        Answer(body={"count": 2, "list": [PART, FAILED]}, status=207),
        Answer(body=PART, status=201),
        Answer(status=204),
        Answer(body=[]),
    ]
    with script(*answers) as server, made.Client(server.url, auth=("a", "b")) as rm:
        part = rm.parts.inventory.get(1)
        assert isinstance(part, types.Part)
        assert isinstance(part.maker, types.Maker)
        listed, odd = rm.parts.inventory.list()
        assert (listed, odd) == (part, None)
        created = rm.parts.inventory.create([part, {"id": 2}])
        assert (created.items, created.failures, created.raw["list"][0]) == ([part], [FAILED], PART)
        assert rm.parts.inventory.create(part).one() == part
        assert rm.parts.inventory.update(1, part) is None
        assert rm.parts.inventory.get(1) == []
        sent = [json.loads(got.body) for got in server.got if got.body]
    assert sent == [[PART, {"id": 2}], PART, PART]


def test_awaited_answers_are_objects_too(made: Any) -> None:
    async def ask(url: str) -> Any:
        async with made.AsyncClient(url, auth=("a", "b")) as rm:
            return await rm.parts.inventory.get(1), [part async for part in rm.parts.inventory.list()]

    with script(Answer(body=PART), Answer(body={"count": 1, "list": [PART]})) as server:
        part, listed = asyncio.run(ask(server.url))
    assert isinstance(part, types_of(made).Part)
    assert listed == [part]


def test_a_package_is_importable_under_another_name(kind: str, tmp_path: Path, load: Load) -> None:
    generate(SPECS, tmp_path, "inner", models=kind)
    (tmp_path / "outer").mkdir()
    (tmp_path / "outer" / "__init__.py").write_text("")
    shutil.move(tmp_path / "inner", tmp_path / "outer" / "moved")
    load(tmp_path, "outer")
    moved = importlib.import_module("outer.moved")
    with script(Answer(body=PART)) as server, moved.Client(server.url, auth=("a", "b")) as rm:
        assert type(rm.parts.inventory.get(1)).__module__ == "outer.moved.models.parts"


def test_types_are_imported_when_something_is_read(kind: str, tmp_path: Path) -> None:
    generate(SPECS, tmp_path, "parts_rm", models=kind)
    code = (
        "import sys; from parts_rm import Client\n"
        "rm = Client('http://127.0.0.1:9', auth=('a', 'b')); rm.parts.inventory.get\n"
        "print({'pydantic', 'digirm_runtime.structs', 'parts_rm.models.parts'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_without_pydantic_it_says_so_before_anything_is_sent(
    tmp_path: Path, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate(SPECS, tmp_path, "parts_rm", models="pydantic")
    made = load(tmp_path, "parts_rm")
    monkeypatch.setitem(sys.modules, "pydantic", None)
    with script(Answer(body=PART)) as server, made.Client(server.url, auth=("a", "b")) as rm:
        with pytest.raises(made.RemoteManagerError, match="pip install pydantic"):
            rm.parts.inventory.get(1)
        assert server.got == []
        # What needs no objects works all the same.
        assert rm.request("GET", "/ws/v1/parts/inventory/1") == PART
        assert rm.request("PUT", "/ws/v1/parts/inventory/1", body={"name": "x"}) == PART


def run(*arguments: str | Path) -> int:
    return main(["generate", *map(str, arguments)])


def test_a_package_remembers_its_kind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--specs", SPECS, "--out", tmp_path, "--package", "made")
    assert run(*arguments, "--models", "msgspec") == 0
    before = tree_of(tmp_path)
    assert run(*arguments, "--check") == run(*arguments, "--check", "--models", "msgspec") == run(*arguments) == 0
    assert tree_of(tmp_path) == before
    capsys.readouterr()
    assert run(*arguments, "--check", "--models", "pydantic") == 1
    assert "differs: models/parts.py" in capsys.readouterr().out
    assert run(*arguments, "--models", "typeddict") == run(*arguments, "--check") == 0
    plain_package = tmp_path / "plain"
    assert run("--specs", SPECS, "--out", plain_package, "--package", "made") == 0
    assert tree_of(plain_package / "made") == tree_of(tmp_path / "made")
    with pytest.raises(SystemExit, match="2"):
        run(*arguments, "--models", "attrs")
    with pytest.raises(ValueError, match="models must be one of typeddict, msgspec, pydantic, not 'attrs'"):
        generate(SPECS, tmp_path, "made", models="attrs")


@pytest.mark.parametrize("remembered", ["attrs", 3, None, ["msgspec"]])
def test_a_kind_that_is_none_is_not_remembered(tmp_path: Path, remembered: object) -> None:
    generate(SPECS, tmp_path, "made", models="msgspec")
    manifest = tmp_path / "made" / "_manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"models": remembered}))
    assert "differs: models/parts.py" in generate(SPECS, tmp_path, "made", check=True).differences
    generate(SPECS, tmp_path, "made")
    assert "models" not in json.loads(manifest.read_text())


def test_the_page_about_models_is_right(kind: str, tmp_path: Path, load: Load) -> None:
    page = ROOT / "docs" / "models.md"
    (command,), (code,) = commands(page), blocks(page, "python")
    assert command.words[:2] == ["digirm", "generate"]
    generate(ROOT / "specs" / "22.7", tmp_path, "my_rm", models=kind)
    load(tmp_path, "my_rm")
    exec(compile(code, str(page), "exec"), {})


USE = """
from parts_{0} import AsyncClient, Client
async def use(rm: Client, arm: AsyncClient) -> None:
    part = rm.parts.inventory.get(1)
    reveal_type(part)
    reveal_type(part.sha_512)
    reveal_type(await arm.parts.inventory.get(1))
    reveal_type(rm.parts.inventory.list().first())
    reveal_type(rm.parts.inventory.create(part).one())
    rm.parts.inventory.create([part, {{"id": 2}}])
    rm.parts.inventory.update(1, part)
    rm.parts.inventory.update(1, object())
    part.nmae
"""
REVEALED = ["Part", "str | None{}", "Part", "Part | None", "Part"]


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_type_checkers_see_the_classes(checker: str, tmp_path: Path, mypy_cache: str) -> None:
    for kind in KINDS:
        generate(SPECS, tmp_path, f"parts_{kind}", models=kind)
        (tmp_path / f"use_{kind}.py").write_text(USE.format(kind))
    settings = {"extraPaths": [str(ROOT / "runtime")], "pythonVersion": "3.11"}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    (tmp_path / "mypy.ini").write_text(
        f"[mypy]\nstrict = true\nmypy_path = {ROOT / 'runtime'}\ncache_dir = {mypy_cache}\n"
    )
    interpreter = "--pythonpath" if checker == "pyright" else "--python-executable"
    command = [sys.executable, "-m", checker, interpreter, sys.executable, *(f"use_{kind}.py" for kind in KINDS)]
    output = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False).stdout
    for kind, unset in zip(KINDS, (" | UnsetType", ""), strict=True):
        lines = [line for line in output.splitlines() if f"use_{kind}.py:" in line]
        errors = [line for line in lines if "error" in line]
        assert len(errors) == 2, output
        assert "object" in errors[0]
        assert "nmae" in errors[1]
        shown = [re.sub(r"\b\w+\.", "", line.rpartition('" is "')[2] or line) for line in lines if line not in errors]
        shown = [re.search(r'([\w| ]+)"$', line.strip())[1] for line in shown]  # type: ignore[index]
        expected = [text.format(unset) for text in REVEALED]
        assert [set(text.split(" | ")) for text in shown] == [set(text.split(" | ")) for text in expected], output
