"""Nothing in a spec becomes code, a path outside the package, or a broken file."""

import ast
import importlib
import keyword
import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digirm_codegen.generate import generate
from digirm_codegen.models import DEFAULT, KINDS
from digirm_codegen.render import Rendered, package
from digirm_runtime import overrides, spec, template
from digirm_runtime.errors import SpecError
from digirm_runtime.overrides import Overrides, SchemaEntry
from tests.codegen.support import field, listing, path, request, write_spec

NAMES = [
    "x'y",
    'x"y',
    '"""',
    "'''",
    '"""\nimport os\nos.abort()\n"""',
    "a\nb",
    "a\\",
    "\\",
    "\\N{DIGIT ONE}",
    "..",
    ".",
    "../../etc",
    "/etc/passwd",
    "{{ 7*7 }}",
    "{% raise %}",
    "{# #}",
    "__init__",
    "__class__",
    "__getattr__",
    "_client",
    "_children",
    "_package",
    "_face",
    "class",
    "None",
    "print",
    "self",
    "options",
    "body",
    "limit",
    "str",
    "int",
    "dict",
    "Any",
    "list",
    "Api",
    "AsyncApi",
    "PartsApi",
    "TYPE_CHECKING",
    "staticmethod",
    "request",
    "\u202eevil",
    "\u2066x",
    "x\u0000y",
    "\uff21\uff22",
    "über",
    "\ud800",
    "con",
    "aux",
    "2fa",
    "-",
    "____",
    "",
    " ",
    "a" * 300,
    "x; import os",
    "#",
    "%s",
    "f'{x}'",
]

#: What a generated module may call or decorate with while it is imported.
CALLABLE = {"_face", "_t", "_b", "TypedDict", "_Package", "Package", "_cached_property", "staticmethod", "__lazy"}
CALLABLE |= {"_models", "field", "Field", "ConfigDict"}


def is_address(name: str) -> bool:
    """Whether a category can have this name: the crawler takes no other."""
    try:
        return len(template.parse(f"/ws/v1/{name}")) > 2
    except ValueError:
        return False


def documents(name: str) -> dict[str, Any]:
    """A document with a hostile text in every place that a server fills."""
    everywhere = request(
        "GET", name, "query", query=[field(name, name, name, "="), field("plain", name, "=", "!" + name)]
    )
    return {
        **({name: listing(path(f"/ws/v1/{name}", everywhere))} if is_address(name) else {}),
        "parts": listing(
            path(f"/ws/v1/parts/{name}", everywhere, request(name)),
            path(f"/ws/v1/parts/{name}/{{{name}}}", everywhere, request("PUT", name), request("POST", name)),
            path(f"/ws/v1/parts/{{{name}:{name}}}/{name}/x", everywhere),
            path("/ws/v1/parts/good/{id}", everywhere, **{name: name}),
            {"path": name, "requests": name},
            {"path": f"/ws/v1/parts/odd/{name}", "requests": [name, {"method": "GET", "params": name, "query": name}]},
        ),
    }


def made(name: str, *keys: str, kind: str = DEFAULT) -> Rendered:
    """A package with a hostile name in every place, and hostile keys in its one schema."""
    schema = {key: {"type": key, "$ref": key, "title": key} for key in (name, *keys)}
    return package(
        spec.from_documents(
            documents(name),
            api_version=name,
            base_path="/ws/v1",
            provenance="reconstructed",
            schemas={"parts": {"$defs": {"Part": {"properties": schema}}}},
            overrides=Overrides(
                schemas={"Part": SchemaEntry(source="a", reason="b", category="parts", properties={"id": "any"})}
            ),
        ),
        kind,
    )


@pytest.mark.parametrize("text", ["format = 99", "format = 99\nunheard = 1", "format = '1'"])
def test_overrides_of_another_format_are_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "overrides.toml"
    file.write_text(text)
    with pytest.raises(SpecError, match=r"overrides\.toml has not the format 1"):
        overrides.load(file)


def assert_harmless(rendered: Rendered) -> None:
    for file, text in rendered.files.items():
        parts = PurePosixPath(file).parts
        assert not file.startswith("/")
        assert all(part.isascii() and part.replace("_", "a").replace(".", "a").isalnum() for part in parts)
        assert len(parts[-1]) < 120
        text.encode()
        if file.endswith(".py"):
            assert file.startswith("models/") or text.isascii()
            assert all(char.isprintable() or char == "\n" for char in text)
            assert_declares_only(ast.parse(text))
    stems = [file.lower() for file in rendered.files]
    assert len(stems) == len(set(stems))


def assert_declares_only(module: ast.Module) -> None:
    """Importing the module declares classes, functions and constants, and calls nothing but the runtime."""
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef):
            for inner in [*node.body, *node.args.kw_defaults]:
                for call in ast.walk(inner) if inner is not None else ():
                    if isinstance(call, ast.Attribute):
                        assert not (call.attr.startswith("__") and call.attr not in ("__name__",))
            names = [arg.arg for arg in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]]
            assert len(names) == len(set(names))
            assert not any(map(keyword.iskeyword, names))
    for call in _calls_on_import(module):
        root = call.func
        while isinstance(root, ast.Attribute | ast.Subscript):
            root = root.value
        assert isinstance(root, ast.Name)
        assert root.id in CALLABLE or root.id.endswith("Fields") or root.id == "__file__"


def _calls_on_import(node: ast.AST) -> list[ast.Call]:
    calls = [node] if isinstance(node, ast.Call) else []
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.Lambda):
            calls += _calls_on_import(child)
    return calls


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_hostile_text_in_every_place(name: str) -> None:
    rendered = made(name)
    assert_harmless(rendered)
    # The rest of the document survives.
    assert '"/ws/v1/parts/good/{id}"' in rendered.files["api/parts.py"]


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_keys_in_every_kind_of_type(kind: str) -> None:
    rendered = made('"""', *NAMES, kind=kind)
    assert_harmless(rendered)
    assert re.search(r"^class Part\(|^Part = TypedDict\(", rendered.files["models/parts.py"], re.MULTILINE)


@settings(max_examples=60)
@given(
    st.text(min_size=1, max_size=40) | st.sampled_from(NAMES).flatmap(lambda a: st.sampled_from(NAMES).map(a.__add__))
)
def test_random_text_in_every_place(name: str) -> None:
    assert_harmless(made(name))


def test_every_hostile_name_at_once_imports_and_works(tmp_path: Path, load: Callable[[Path, str], Any]) -> None:
    usable = [name for name in NAMES if name not in ("", " ") and "\ud800" not in name]
    query = [field(name, name, "=", "like") for name in usable]
    parts = [path(f"/ws/v1/parts/{name}", request("GET", *usable, query=query)) for name in usable]
    parts += [path(f"/ws/v1/parts/x{{{name}}}/{name}", request("PUT", *usable)) for name in usable]
    others = {name: listing(path(f"/ws/v1/{name}", request("GET"))) for name in usable if is_address(name)}
    specs = write_spec(tmp_path / "specs", {**others, "parts": listing(*parts)})
    result = generate(specs, tmp_path, "hostile_rm")
    assert result.problems
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["hostile_rm", "specs"]
    hostile = load(tmp_path, "hostile_rm")
    for file in sorted((tmp_path / "hostile_rm").rglob("*.py")):
        parts_of_name = file.relative_to(tmp_path).with_suffix("").parts
        importlib.import_module(".".join(part for part in parts_of_name if part != "__init__"))
    client = hostile.Client("http://127.0.0.1:9", auth=("a", "b"))
    # The mended names lead to the wire names, and the wire names always work.
    assert client["parts"]["None"] is client.parts.None_
    assert client["parts"]["__init__"] is not None
    assert client["None"] is client.None_
    assert callable(client.request)


def test_what_cannot_be_named_is_reported_and_the_rest_generated() -> None:
    rendered = made("---")
    assert [problem for problem in rendered.problems if "'---'" in problem or "/---" in problem]
    assert '"/ws/v1/parts/good/{id}"' in rendered.files["api/parts.py"]
