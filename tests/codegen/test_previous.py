"""What a version bump takes away from a client's names stays for one version, and warns.

`tests/golden/previous` has two versions of a small API and the client of the second. After a change of the templates:

digirm generate --specs tests/golden/previous/9.2 --out tests/golden/previous --package package
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import pydoc
import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import httpx
import pytest

from digirm_codegen.generate import generate
from digirm_codegen.previous import previous
from digirm_runtime import dynamic, spec
from digirm_runtime.errors import QueryError, SpecError
from tests.client.test_trees import NOWHERE, assert_one
from tests.codegen.support import ROOT, tree_of

GOLDEN = ROOT / "tests" / "golden" / "previous"
BEFORE, AFTER = GOLDEN / "9.1", GOLDEN / "9.2"
TAKEN = "previous.json: rm.parts.sort: the name has another meaning now; left out"
Load: TypeAlias = "Callable[[Path, str], Any]"


@pytest.fixture(scope="module")
def package() -> Any:
    return importlib.import_module("tests.golden.previous.package")


class Service:
    """Answers everything with nothing, and remembers what was asked."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, bytes]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append((request.method, request.url.raw_path.decode(), request.content))
        kind = "text/csv" if "bulk" in request.url.path else "application/json"
        return httpx.Response(
            200, content=b"name\n" if "bulk" in request.url.path else b'{"list": []}', headers={"content-type": kind}
        )


def client(make: Any, service: Service) -> Any:
    return make(**NOWHERE, transport=httpx.MockTransport(service))


def warned(use: Callable[[], object]) -> tuple[str, str]:
    """The one warning of a use: its message, and the source line that it points at."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        use()
    assert [warning.category for warning in found] == [DeprecationWarning]
    lines = Path(found[0].filename).read_text().splitlines()
    assert found[0].filename == __file__
    return str(found[0].message), lines[found[0].lineno - 1].strip()


def test_the_file_holds_what_the_new_version_lacks() -> None:
    found = previous(spec.load(BEFORE), spec.load(AFTER))
    assert found == (AFTER / "previous.json").read_bytes()


def test_the_golden_package_is_what_the_generator_makes() -> None:
    made = generate(AFTER, GOLDEN, "package", check=True)
    assert made.differences == ()
    assert made.problems == (TAKEN,)


def test_nothing_is_lost_between_a_version_and_itself() -> None:
    old, new = spec.load(BEFORE), spec.load(AFTER)
    assert previous(old, old) is None
    assert previous(new, new) is None


def test_a_name_is_kept_for_one_version() -> None:
    """The second bump carries on what it takes away itself, not what the first one did."""
    names = [operation["name"] for operation in json.loads((AFTER / "previous.json").read_bytes())["operations"]]
    again = previous(spec.load(AFTER), spec.load(BEFORE))
    assert again is not None
    assert "bins.inventory.list" in names
    assert {operation["name"] for operation in json.loads(again)["operations"]} == {"parts.count", "parts.sort.get"}


def test_the_generated_and_the_dynamic_client_have_the_same_names(package: Any) -> None:
    assert_one(dynamic.client(AFTER, **NOWHERE), package.Client(**NOWHERE))
    assert_one(dynamic.async_client(AFTER, **NOWHERE), package.AsyncClient(**NOWHERE))


@pytest.mark.parametrize("flavour", ["generated", "dynamic"])
def test_a_gone_method_warns_at_the_call_and_sends_what_it_did(package: Any, flavour: str) -> None:
    make = package.Client if flavour == "generated" else lambda **kw: dynamic.client(AFTER, **kw)
    service = Service()
    with client(make, service) as rm:
        message, line = warned(lambda: rm.parts.labels.get("a/b"))
        assert line == 'message, line = warned(lambda: rm.parts.labels.get("a/b"))'
        assert message == (
            "rm.parts.labels.get is gone since API version 9.2: GET /ws/v1/parts/labels/{name:.+} is no longer listed; "
            "it is sent as before"
        )
        message, _ = warned(lambda: rm.parts.recount("7", limit_=3))
        assert message == "rm.parts.recount is gone since API version 9.2: use rm.parts.count"
        message, _ = warned(lambda: rm.bins.inventory.list(query="place ~ 'x'", size=5).first())
        assert message.endswith(
            "GET /ws/v1/bins/inventory is no longer listed; it is sent as before, its query unchecked"
        )
        message, _ = warned(lambda: list(rm.parts.bulk.csv(fields=["name"])))
        assert message.startswith("rm.parts.bulk.csv is gone")
        with pytest.raises(TypeError):
            rm.parts.recount()
    assert service.requests == [
        ("GET", "/ws/v1/parts/labels/a/b", b""),
        ("POST", "/ws/v1/parts/recount/7?limit=3", b""),
        ("GET", "/ws/v1/bins/inventory?query=place+~+%27x%27&size=5", b""),
        ("GET", "/ws/v1/parts/bulk?fields=name", b""),
    ]


@pytest.mark.parametrize("flavour", ["generated", "dynamic"])
def test_an_awaited_method_warns_at_the_call(package: Any, flavour: str) -> None:
    make = package.AsyncClient if flavour == "generated" else lambda **kw: dynamic.async_client(AFTER, **kw)
    service = Service()

    async def use() -> str:
        async with client(make, service) as rm:
            made: list[Any] = []
            _, line = warned(lambda: made.append(rm.parts.labels.get("x")))
            await made[0]
            return line

    assert asyncio.run(use()) == '_, line = warned(lambda: made.append(rm.parts.labels.get("x")))'
    assert service.requests == [("GET", "/ws/v1/parts/labels/x", b"")]


@pytest.mark.parametrize("flavour", ["generated", "dynamic"])
def test_a_gone_keyword_warns_where_it_is_given(package: Any, flavour: str) -> None:
    make = package.Client if flavour == "generated" else lambda **kw: dynamic.client(AFTER, **kw)
    service = Service()
    with client(make, service) as rm:
        rm.parts.inventory.create({"id": 1})
        rm.parts.inventory.create({"id": 1}, dry_run=None)
        message, line = warned(lambda: rm.parts.inventory.create({"id": 1}, dry_run=True))
    assert line.startswith("message, line = warned(")
    assert message == (
        "dry_run= of rm.parts.inventory.create is gone since API version 9.2: POST /ws/v1/parts/inventory no longer "
        "lists the parameter; it is sent as before"
    )
    assert [path for _, path, _ in service.requests] == [
        *["/ws/v1/parts/inventory"] * 2,
        "/ws/v1/parts/inventory?dry-run=true",
    ]


def test_a_gone_method_refuses_what_could_reach_another_path(package: Any) -> None:
    with client(package.Client, Service()) as rm:
        with (
            pytest.warns(DeprecationWarning, match="is gone since"),
            pytest.raises(ValueError, match="must not be empty"),
        ):
            rm.parts.labels.get("")
        with pytest.raises(QueryError):
            rm.parts.inventory.list(query="nonsense").first()


def test_gone_fields_warn_and_make_the_same_condition(package: Any) -> None:
    fields = package.fields.parts.inventory
    made: list[Any] = []
    message, line = warned(lambda: made.append(fields.state == "new"))
    assert line == 'message, line = warned(lambda: made.append(fields.state == "new"))'
    assert message.startswith("fields.parts.inventory.state is gone since API version 9.2")
    _, line = warned(lambda: made.append(fields["state"] == "new"))
    assert line == '_, line = warned(lambda: made.append(fields["state"] == "new"))'
    assert [str(each) for each in made] == ["state = 'new'"] * 2
    assert list(fields) == ["id", "made", "name"]
    assert "state" not in fields
    with pytest.warns(DeprecationWarning, match=r"fields\.bins\.inventory\.place is gone"):
        assert str(package.fields.bins.inventory.place.op("~", "x")) == "place ~ 'x'"
    with pytest.raises(KeyError):
        fields["nonsense"]
    assert "state" in dir(fields)
    assert "state" in dict(inspect.getmembers_static(fields))
    assert "gone since" not in pydoc.plain(pydoc.render_doc(fields))
    # Reads every name, which is a use of each.
    with pytest.warns(DeprecationWarning, match=r"fields\.parts\.inventory\.state is gone"):
        assert "state" in dict(inspect.getmembers(fields))


def test_gone_types_warn_and_are_what_they_were() -> None:
    def use() -> None:
        from tests.golden.previous.package.models.bins import Bin

        assert Bin.__annotations__.keys() == {"place"}
        assert Bin.__module__ == "tests.golden.previous.package.models._gone_bins"

    message, line = warned(use)
    assert line == "from tests.golden.previous.package.models.bins import Bin"
    assert message == "models.bins.Bin is gone since API version 9.2: the spec describes no such object any more"
    from tests.golden.previous.package.models import parts

    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        _ = parts.Nonsense  # type: ignore[attr-defined]
    assert "maker" in parts.Part.__annotations__


def test_docstrings_say_so(package: Any) -> None:
    assert inspect.getdoc(package.Client(**NOWHERE).parts.recount).startswith(
        "Gone since API version 9.2. Use rm.parts.count.\n\n`POST /ws/v1/parts/recount/{part}`"
    )
    assert "`dry-run`" not in inspect.getdoc(package.Client(**NOWHERE).parts.inventory.list)
    assert "`dry_run`: Gone since API version 9.2." in inspect.getdoc(package.Client(**NOWHERE).parts.inventory.create)


@pytest.mark.parametrize("kind", ["msgspec", "pydantic"])
def test_gone_types_of_other_kinds(kind: str, tmp_path: Path, load: Load) -> None:
    assert generate(AFTER, tmp_path, f"gone_{kind}", models=kind).problems == (TAKEN,)
    made = load(tmp_path, f"gone_{kind}")
    answer = {"list": [{"place": "x", "more": 1}]}
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=answer))
    with made.Client(**NOWHERE, transport=transport) as rm, pytest.warns(DeprecationWarning, match="rm.bins"):
        first = rm.bins.inventory.list().first()
    with pytest.warns(DeprecationWarning, match="models.bins"):
        kept = importlib.import_module(f"gone_{kind}.models.bins").Bin
    assert isinstance(first, kept)
    assert first.place == "x"
    assert made.plain(first) == answer["list"][0]


USE = """from package import AsyncClient, Client, fields
from package.models.bins import Bin

async def use(rm: Client, arm: AsyncClient) -> None:
    item: Bin | None = rm.bins.inventory.list(query=fields.bins.inventory.place == "x").first()
    label: bytes = await arm.parts.labels.get("x")
    rm.parts.inventory.create({"id": 1}, dry_run=True)
    rm.parts.inventory.list(query=fields.parts.inventory.state == "new")
    rm.parts.recount("x", nonsense=1)
    rm.parts.inventory.create({"id": 1}, dry=True)
"""


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_type_checkers_see_gone_names(checker: str, tmp_path: Path, mypy_cache: str) -> None:
    (tmp_path / "use.py").write_text(USE)
    paths = [str(ROOT / "runtime"), str(GOLDEN)]
    if checker == "mypy":
        command = ["mypy", "--strict", "--no-error-summary", "-p", "package", "-m", "use"]
    else:
        settings = {"extraPaths": paths, "typeCheckingMode": "standard"}
        (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
        command = ["pyright", "--pythonpath", sys.executable]
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={
            "PATH": "",
            "HOME": str(Path.home()),
            "MYPYPATH": ":".join(paths),
            "MYPY_CACHE_DIR": mypy_cache,
        },
    )
    errors = [line for line in done.stdout.splitlines() if "error" in line and "use.py" in line]
    assert [int(found) for line in errors for found in re.findall(r"use\.py:(\d+)", line)] == [9, 10], done.stdout


DAMAGED: dict[str, Any] = {
    "no object": [],
    "another format": {"format": 2, "api_version": "9.1"},
    "no version": {"format": 1},
    "an unknown key": {"format": 1, "api_version": "9.1", "more": 1},
    "an unknown kind": {"format": 1, "api_version": "9.1", "operations": [{"name": "a.b", "kind": "exec"}]},
    "a field that is a number": {"format": 1, "api_version": "9.1", "fields": [1]},
}


@pytest.mark.parametrize("document", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_an_error(document: Any, tmp_path: Path) -> None:
    for path, content in tree_of(AFTER).items():
        (tmp_path / path).write_bytes(content)
    (tmp_path / "previous.json").write_text(json.dumps(document))
    with pytest.raises(SpecError, match=r"previous\.json"):
        generate(tmp_path, tmp_path / "out", "damaged")
    assert not (tmp_path / "out").exists()


def operation(name: str, **changed: Any) -> dict[str, Any]:
    path = changed.get("path", "/ws/v1/gone")
    wires = ["x"] * name.count(".")
    return {"name": name, "wires": wires, "method": "GET", "path": path, "template": path, "kind": "get"} | changed


HOSTILE = [
    operation("__class__.get"),
    operation("parts.__init__"),
    operation("parts._client"),
    operation("parts.a b"),
    operation("parts.x); import os; ("),
    operation("parts.class"),
    operation("request.get"),
    operation("legacy.get"),
    operation("get"),
    operation(""),
    operation("parts.describe.deeper.get"),
    operation("parts.describe"),
    operation("parts.inventory"),
    operation("parts.a", method="TRACE"),
    operation("parts.a", path="//evil.example/x"),
    operation("parts.a", path="/ws/v1/../x"),
    operation("parts.a", path="/ws/v1/a", template="/ws/v1/b"),
    operation("parts.a", path="/ws/v1/{x}", template="/ws/v1/{x}"),
    operation("parts.a", params=[{"wire": "x", "name": "options"}]),
    operation("parts.a", params=[{"wire": "x", "name": "x=print(1)"}]),
    operation("parts.a", params=[{"wire": "x", "name": "x"}, {"wire": "y", "name": "x"}]),
    operation("parts.a", params=[{"wire": "\n", "name": "x"}]),
    operation("parts.a", params=[{"wire": "x", "name": "x"}, {"wire": "x", "name": "y"}]),
    operation(".".join(["a"] * 100)),
]
FIELDS = [
    {"node": "parts", "wires": ["parts"], "name": "inventory", "wire": "x", "type": "Text", "operators": ["="]},
    {"node": "parts", "wires": ["parts"], "name": "a.b", "wire": "x", "type": "Text", "operators": ["="]},
    {"node": "parts", "wires": ["parts"], "name": "a", "wire": "x", "type": "Text", "operators": ["'; drop"]},
    {"node": "parts", "wires": ["parts"], "name": "a", "wire": "x' or 1", "type": "Text", "operators": ["="]},
]
TYPES: dict[str, dict[str, Any]] = {
    "../../evil": {"Thing": {}},
    "con": {"Thing": {}},
    "Parts": {"Thing": {}},
    "parts": {
        "thing": {},
        "Any": {},
        "X Y": {},
        "Fine": {"properties": {"a": {"$ref": "file:///etc/passwd"}, "__b": {}}},
    },
}


def test_a_hostile_file_gives_nothing_but_names(tmp_path: Path, load: Load) -> None:
    for path, content in tree_of(AFTER).items():
        (tmp_path / path).write_bytes(content)
    document = {"format": 1, "api_version": "\x1b[31m", "operations": HOSTILE, "fields": FIELDS, "types": TYPES}
    (tmp_path / "previous.json").write_text(json.dumps(document))
    problems = generate(tmp_path, tmp_path / "out", "hostile_previous").problems
    assert len(problems) == len(HOSTILE) + len(FIELDS) + 7, "\n".join(problems)
    assert all(problem.isprintable() for problem in problems)
    assert {path.name for path in tmp_path.iterdir()} == {*tree_of(AFTER), "out"}
    made = load(tmp_path / "out", "hostile_previous")
    assert made.Client(**NOWHERE).parts.describe
    module = importlib.import_module("hostile_previous.models.parts")
    with pytest.warns(DeprecationWarning, match="models.parts.Fine"):
        assert module.Fine.__annotations__.keys() == {"a"}
