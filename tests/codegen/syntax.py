"""What a generated package may hold, whatever its spec: kinds of syntax, statements, imports, names and calls."""

from __future__ import annotations

import ast
import keyword
from collections.abc import Iterator
from functools import cache
from pathlib import PurePosixPath

from digirm_codegen.render import Rendered, package
from digirm_runtime import spec
from tests.codegen.support import GOLDEN

# Kinds of syntax by the role of a file; what no server has a part in is compared whole.
_COMMON = {"Module", "Expr", "Constant", "Name", "Load", "Store", "alias", "ImportFrom", "Attribute", "Assign"}
_CLASSES = {*_COMMON, "ClassDef", "Tuple", "Call", "Subscript"}
_TYPES = {*_CLASSES, "BinOp", "BitOr", "AnnAssign", "keyword", "Dict"}
_FUNCTIONS = {*_CLASSES, "FunctionDef", "arguments", "arg", "Return", "If", "Dict"}
KINDS_OF_SYNTAX = {
    "api": {*_FUNCTIONS, "BinOp", "BitOr", "keyword", "Import"},
    "client": {*_FUNCTIONS, "AnnAssign"},
    "fields": _CLASSES,
    "models": {*_TYPES, "If", "Pass"},
}
#: The statements at the top of a module, in a class and in a function.
STATEMENTS = {
    "api": ("Expr Import ImportFrom If ClassDef", "Expr Assign FunctionDef", "Expr Return"),
    "client": ("Expr ImportFrom If AnnAssign ClassDef", "Expr Assign FunctionDef", "Expr ImportFrom Return"),
    "fields": ("Expr ImportFrom ClassDef Assign", "Expr Assign", ""),
    "models": ("Expr ImportFrom ClassDef Assign If", "Expr AnnAssign Assign Pass", ""),
}
#: Where modules import from, but for those of their own package.
SOURCES = {"__future__", "collections.abc", "functools", "typing", "digirm_runtime", "digirm_runtime.query"}
LIBRARIES = {"typeddict": {"typing"}, "msgspec": {"msgspec", "digirm_runtime.structs"}, "pydantic": {"pydantic"}}
#: What a module may call or decorate with while it is imported.
CALLABLE = {"_face", "_t", "_b", "_models", "_gone", "_cached_property", "staticmethod"}
CALLABLE |= {"TypedDict", "field", "Field", "ConfigDict"}


@cache
def _constant_files(kind: str) -> dict[str, str]:
    """The files that no server has a part in, without the docstring that names the version."""
    files = package(spec.load(GOLDEN / "specs"), kind).files
    return {file: _bare(text) for file, text in files.items() if _role(file) is None and file.endswith(".py")}


def _bare(text: str) -> str:
    tree = ast.parse(text)
    tree.body = tree.body[1:]
    return ast.dump(tree)


def _role(file: str) -> str | None:
    """The role of a file that servers have a part in."""
    folder, _, name = file.rpartition("/")
    if file == "client.py":
        return "client"
    return folder if folder in ("api", "fields", "models") and name != "__init__.py" else None


def assert_harmless(rendered: Rendered, kind: str) -> None:
    """Assert that a package is what it should be, whatever the spec was."""
    stems = [file.lower() for file in rendered.files]
    assert len(stems) == len(set(stems))
    for file, text in rendered.files.items():
        parts = PurePosixPath(file).parts
        assert not file.startswith("/")
        assert all(part.isascii() and part.replace("_", "a").replace(".", "a").isalnum() for part in parts)
        assert len(parts[-1]) < 120
        assert "\r" not in text
        text.encode()
        # What only machines read escapes what cannot be seen, too.
        assert all(char.isprintable() or char == "\n" for char in text), file
        if file.endswith(".py"):
            assert file.startswith("models/") or text.isascii()
            _assert_expected(file, text, kind)


def _assert_expected(file: str, text: str, kind: str) -> None:
    module = ast.parse(text)
    role = _role(file)
    if file == "fields/__init__.py":
        _assert_members(module)
    elif role is None:
        assert _bare(text) == _constant_files(kind)[file]
        assert isinstance(module.body[0], ast.Expr)
        assert isinstance(module.body[0].value, ast.Constant)
    else:
        kinds = {type(node).__name__ for node in ast.walk(module)}
        assert kinds <= KINDS_OF_SYNTAX[role], file
        _assert_statements(module, *map(str.split, STATEMENTS[role]))
        _assert_imports(module, LIBRARIES[kind])
        _assert_names(module, role)
        _assert_calls(module)


def _assert_members(module: ast.Module) -> None:
    """`fields/__init__.py`: as it is for another API, but for the names in one mapping, one list and one block."""
    golden = ast.parse((GOLDEN / "package" / "fields" / "__init__.py").read_text())
    for tree in (module, golden):
        block, exported = tree.body[2], tree.body[3]
        assert isinstance(block, ast.If)
        assert isinstance(exported, ast.Assign)
        assert isinstance(exported.value, ast.List)
        assert all(isinstance(name, ast.Constant) and isinstance(name.value, str) for name in exported.value.elts)
        assert all(isinstance(node, ast.ImportFrom) and node.level == 1 for node in block.body)
        (mapping,) = [node for node in ast.walk(block) if isinstance(node, ast.Dict)]
        assert all(isinstance(node, ast.Constant) for node in [*mapping.keys, *mapping.values])
        block.body, mapping.keys, mapping.values, exported.value.elts = [], [], [], []
    assert ast.dump(module) == ast.dump(golden)


def _assert_statements(module: ast.Module, top: list[str], in_class: list[str], in_function: list[str]) -> None:
    def check(body: list[ast.stmt], expected: list[str]) -> None:
        for node in body:
            assert type(node).__name__ in expected
            if isinstance(node, ast.ClassDef):
                check(node.body, in_class)
            elif isinstance(node, ast.FunctionDef):
                check(node.body, in_function)
            elif isinstance(node, ast.If):
                assert ast.unparse(node.test) == "TYPE_CHECKING"
                _assert_gone(node.orelse)
                check(node.body, ["Import", "ImportFrom"])
            elif isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant):
                shown = ast.unparse(node)
                assert body is module.body
                assert shown == "_models.require('pydantic')" or shown.endswith(".model_rebuild()")

    check(module.body, top)


def _assert_gone(body: list[ast.stmt]) -> None:
    """The other half of an `if TYPE_CHECKING`: nothing, or what gives the names of the version before."""
    if body:
        imported, given = body
        assert ast.unparse(imported) == "from digirm_runtime import gone as _gone"
        assert isinstance(given, ast.Assign)
        call = given.value
        assert isinstance(call, ast.Call)
        _, source, messages = call.args
        assert isinstance(source, ast.Constant)
        assert isinstance(messages, ast.Dict)
        assert all(isinstance(text, ast.Constant) for text in [*messages.keys, *messages.values])
        call.args[1:] = []
        assert ast.unparse(given) == "__getattr__ = _gone.members(__name__)"


def _assert_imports(module: ast.Module, libraries: set[str]) -> None:
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            assert {alias.name for alias in node.names} <= libraries
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            assert node.module in SOURCES | libraries
        elif isinstance(node, ast.ImportFrom):
            gone = (node.module or "").startswith("_gone_")
            assert gone or node.module in (None, "api", "models", "_package")


def _assert_names(module: ast.Module, role: str) -> None:
    """Nothing is called as Python calls what is its own, and no function has two arguments of one name."""
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute):
            assert not node.attr.startswith("__")
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            assert not node.name.startswith("__")
        if isinstance(node, ast.Name) and node.id.startswith("__"):
            own = {"fields": ("__slots__",), "api": ("__package__",), "models": ("__getattr__", "__name__")}
            assert node.id in own.get(role, ())
        if isinstance(node, ast.FunctionDef):
            names = [arg.arg for arg in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]]
            assert len(names) == len(set(names))
            assert not any(map(keyword.iskeyword, names))
            assert node.args.vararg is None
            assert node.args.kwarg is None


def _assert_calls(module: ast.Module) -> None:
    """What runs while a module is imported calls nothing but the runtime."""
    for call in _calls_on_import(module):
        root = call.func
        while isinstance(root, ast.Attribute | ast.Subscript):
            root = root.value
        assert isinstance(root, ast.Name)
        known = root.id in CALLABLE or root.id.endswith("Fields")
        assert known or ast.unparse(call.func).endswith(".model_rebuild"), ast.unparse(call)


def _calls_on_import(node: ast.AST) -> Iterator[ast.Call]:
    if isinstance(node, ast.Call):
        yield node
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef):
            yield from _calls_on_import(child)
