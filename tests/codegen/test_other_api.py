"""Another self-documenting API of the same dialect: nothing about the one that digirm was written for is built in."""

import importlib
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from digirm_codegen.generate import generate
from digirm_runtime import naming, spec
from tests.codegen.support import ROOT, TEXT, field, listing, path, request, tree_of, write_spec

Load: TypeAlias = Callable[[Path, str], Any]
BASE = "/api/v3"
FIELDS = [
    field("not", "Words", "=", "resembles", "=="),
    field("empty", "Words", "=", "~="),
    field("or-name", "Number9", "=", ">>"),
    field("and.y", "", "=", "<"),
    field("from", "Flag", "="),
    field("unusable", "Flag"),
]
LIBRARY = {
    "shelves": listing(
        path(f"{BASE}/shelves", request("GET")),
        path(
            f"{BASE}/shelves/class", request("GET", "query", "from", "options", query=FIELDS), note={"any": ["thing"]}
        ),
        path(f"{BASE}/shelves/class/{{lambda}}", request("GET"), request("PUT", "class"), request("PATCH"), since=4),
        path(f"{BASE}/shelves/class/{{lambda}}/{{import}}", request("GET"), request("HEAD")),
        path(f"{BASE}/shelves/owners/{{name:.+}}", request("GET"), request("DELETE")),
        path(f"{BASE}/shelves/digits/{{n:[0-9]{{3}}}}", request("GET")),
        path(f"{BASE}/shelves/v{{major}}.{{minor}}/notes", request("GET", "cursor")),
        path(f"{BASE}/shelves/owners", request("GET", "size"), request("POST", "body"), request("DELETE", "query")),
        extra=1,
    ),
    "2fa-tokens": listing(path(f"{BASE}/2fa-tokens/inventory", request("GET"), request("POST"))),
    "Import": listing(path(f"{BASE}/Import/import", request("GET"))),
    "import": listing(path(f"{BASE}/import/x", request("GET"))),
    "empty": listing(),
} | {"shelves-2": {"list": [{"path": f"{BASE}/shelves-2/all", "extra": None}]}}


@pytest.fixture
def library(tmp_path: Path, load: Load) -> Any:
    specs = write_spec(tmp_path / "specs", LIBRARY, base_path=BASE, provenance="live")
    assert generate(specs, tmp_path, "library").problems == ()
    return load(tmp_path, "library")


def test_every_module_imports_and_every_operation_is_there(library: Any, tmp_path: Path) -> None:
    for file in sorted((tmp_path / "library").rglob("*.py")):
        importlib.import_module(".".join(file.relative_to(tmp_path).with_suffix("").parts).removesuffix(".__init__"))
    client = library.Client("http://127.0.0.1:9", auth=("a", "b"))
    shelves = client.shelves
    methods = [
        shelves.describe,
        shelves.class_.list,
        shelves.class_.get,
        shelves.class_.get_import_,
        shelves.class_.update,
        shelves.class_.patch,
        shelves.class_.head,
        shelves.owners.list,
        shelves.owners.create,
        shelves.owners.get,
        shelves.owners.delete,
        shelves.owners.delete_all,
        shelves.digits.get,
        client.x2fa_tokens.inventory.list,
        client.x2fa_tokens.inventory.create,
        client.import_.x.get,
        client["Import"]["import"].get,
        client["shelves-2"].describe,
        client.empty.describe,
    ]
    assert all(map(callable, methods))
    with pytest.raises(KeyError, match="the names below are"):
        client["nothing"]


def test_fields_have_the_operators_of_the_spec(library: Any) -> None:
    f = library.fields.shelves.class_
    made = [
        (f.not_ == "x", "not = 'x'"),
        (f.not_.resembles("x"), "not resembles 'x'"),
        (f.empty.op("~=", "x"), "empty ~= 'x'"),
        (f.or_name == 7, "or-name = 7"),
        (f.or_name.op(">>", 7), "or-name >> 7"),
        (f.and_y < 1, "and.y < 1"),
    ]
    for built, text in made:
        report = library.check_query("shelves/class", text)
        assert report.ok, str(report)
        assert report.query == built
    assert not hasattr(f.from_, "resembles")
    assert list(f) == ["and.y", "empty", "from", "not", "or-name", "unusable"]
    with pytest.raises(AttributeError, match="did you mean 'or_name'"):
        _ = f.or_nmae


def test_verdicts_are_those_of_a_live_spec(library: Any) -> None:
    assert not library.check_query("shelves/class", "colour = 'red'").ok
    assert not library.check_query("shelves/class", "from resembles 'x'").ok
    assert not library.check_query("shelves/class", "not contains 'x'").ok


@pytest.mark.usefixtures("library")
def test_the_package_passes_mypy_strict(tmp_path: Path, mypy_cache: str) -> None:
    (tmp_path / "use.py").write_text(
        "from library import AsyncClient, Client, fields\n"
        "from library import any_of\n"
        "async def use(rm: Client, arm: AsyncClient) -> None:\n"
        "    reveal_type(rm.shelves.class_.get('x'))\n"
        "    reveal_type(await arm.shelves.class_.get('x'))\n"
        "    reveal_type(rm.shelves.class_.list(limit=1))\n"
        "    reveal_type(fields.shelves.class_.not_.resembles('x'))\n"
        "    rm.shelves.class_.list(options_=1, from_='x', query=fields.shelves.class_.not_ == 'x')\n"
        "    any_of(fields.shelves.class_.not_, ['a'])\n"
        "    fields.shelves.class_.from_.resembles('x')\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "-p", "library", "-m", "use"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "", "MYPYPATH": str(ROOT / "runtime"), "MYPY_CACHE_DIR": mypy_cache},
    )
    notes = re.findall(r"Revealed type is \"(.*)\"", done.stdout)
    assert [re.sub(r"builtins\.|typing\.|digirm_runtime\.\w+\.(\w+\.)?", "", note) for note in notes] == [
        "dict[str, Any]",
        "dict[str, Any]",
        "Listing[dict[str, Any]]",
        "Condition | Not | And | Or",
    ], done.stdout + done.stderr
    errors = [line for line in done.stdout.splitlines() if ": error:" in line]
    assert len(errors) == 1
    assert 'has no attribute "resembles"' in errors[0]


#: Categories called as something that the generated modules use themselves, or as one of those modules.
TRAPS = ["list", "str", "object", "dict", "TYPE_CHECKING", "globals", "sorted", "types", "typing", "lazy", "property"]
TRAP_NAMES = """\
[names]
"GET /ws/v1/list/all" = { name = "list.all.staticmethod", source = "a", reason = "b" }
"""


def test_categories_named_like_what_the_package_uses(tmp_path: Path, load: Load, mypy_cache: str) -> None:
    query = [field("str", "Text", *TEXT)]
    documents = {
        name: listing(
            path(f"/ws/v1/{name}/all", request("GET", "query", query=query)),
            path(f"/ws/v1/{name}/all/{{id}}", request("GET"), request("DELETE")),
        )
        for name in TRAPS
    }
    assert generate(write_spec(tmp_path / "specs", documents, overrides=TRAP_NAMES), tmp_path, "traps").problems == ()
    traps = load(tmp_path, "traps")
    client = traps.Client("http://127.0.0.1:9", auth=("a", "b"))
    for _ in range(2):
        for name in TRAPS:
            assert str(getattr(traps.fields, name).all.str == "x") == "str = 'x'"
            assert callable(getattr(client, name).all.get)
    assert callable(client.list.all.staticmethod)
    assert set(TRAPS) <= set(dir(traps.fields))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = traps.fields.nothing
    (tmp_path / "use.py").write_text(
        "from traps import Client, fields\n"
        "def use(rm: Client) -> None:\n"
        + "".join(f"    rm.{name}.all.get(str(fields.{name}.all.str == 'x'))\n" for name in TRAPS)
    )
    environment = {"PATH": "", "MYPYPATH": str(ROOT / "runtime"), "MYPY_CACHE_DIR": mypy_cache}
    mypy = [sys.executable, "-m", "mypy", "--strict", "-p", "traps", "-m", "use"]
    done = subprocess.run(mypy, cwd=tmp_path, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr


def test_operators_of_the_spec_decide(tmp_path: Path, load: Load) -> None:
    def verdicts(package: str, *operators: str) -> list[bool]:
        documents = {
            "parts": listing(
                path(
                    "/ws/v1/parts/all",
                    request("GET", "query", query=[field("name", "Text", *operators), field("size", "Numeric", "=")]),
                )
            )
        }
        generate(write_spec(tmp_path / f"{package}-specs", documents), tmp_path, package)
        check = load(tmp_path, package).check_query
        queries = ("name contains 'x'", "name soundsLike 'x'", "name = 'x'", "name <=> 'x'")
        return [check("parts/all", query).ok for query in queries]

    assert verdicts("api_one", *TEXT) == [True, False, True, False]
    assert verdicts("api_two", *(op for op in TEXT if op != "contains")) == [False, False, True, False]
    assert verdicts("api_three", *TEXT, "soundsLike", "<=>") == [True, True, True, True]


def test_an_api_without_categories_or_query_fields(tmp_path: Path, load: Load) -> None:
    assert generate(write_spec(tmp_path / "specs", {}), tmp_path, "empty_rm").problems == ()
    empty = load(tmp_path, "empty_rm")
    assert empty.Client("http://127.0.0.1:9", auth=("a", "b")).spec_info["api_version"] == "9.1"
    assert empty.fields.__all__ == []


def test_a_damaged_grammar_fails_loudly(library: Any, tmp_path: Path) -> None:
    grammar = tmp_path / "library" / "query" / "grammar.lark"
    grammar.write_text(grammar.read_text().replace("=", "=="))
    with pytest.raises(library.SpecError, match=r"grammar\.lark"):
        library.check_query("shelves/class", "not = 'x'")


def test_nothing_about_22_7_is_built_in() -> None:
    names = set()
    loaded = spec.load(ROOT / "specs" / "22.7")
    for category in loaded.categories:
        names.add(category.name)
        names |= {f.name for p in category.paths for r in p.requests or () for f in r.query}
    # `device_id` is a helper of ours too, which every package exports; `start_time` a parameter of all histories.
    names = {name for name in names if "_" in name} - {"device_id", "start_time"}
    assert len(names) > 40
    words = re.compile(r"\b(" + "|".join(sorted(map(re.escape, names))) + r")\b")
    found = [
        f"{file}: {match}"
        for room in ("codegen", "runtime")
        for file, text in tree_of(ROOT / room).items()
        if not file.endswith((".pyc", "legacy.py", "sci.py", "monitor.py", "monitors.py"))
        for match in words.findall(text.decode())
    ]
    assert found == []


def test_names_are_made_by_one_function() -> None:
    assert naming.identifier("class") == "class_"
    assert naming.identifier("2fa-tokens") == "x2fa_tokens"
