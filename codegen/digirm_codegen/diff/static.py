"""A generated package read as text: griffe parses it, nothing of it is imported or executed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from digirm_codegen.diff.surface import Argument, FieldObject, Method, Surface, argument_name
from digirm_codegen.models import GONE_PREFIX
from digirm_runtime.errors import SpecError
from digirm_runtime.query.plan import COMPARISONS

if TYPE_CHECKING:
    from griffe import Alias, Attribute, Class, Function, Module, Object

#: What a user calls the client and the field sets.
CLIENT = "rm"
FIELDS = "fields"
MODELS = "models"

#: What the face's descriptors make of an operation's result.
_RESULTS = {"listing": "Listing[{}]", "rows": "Rows"}
#: What marks names that are kept for one version and warn: `gone(...)` round a method or a field object, and
#: `gone_keywords(..., {"size": "..."})` round a method some of whose arguments are such.
_GONE = "gone"
_GONE_KEYWORDS = "gone_keywords"
_BASE = re.compile(r"_b\.(\w+)(?:\[_b\.(\w+)\])?")
_ENDPOINT_PATH = 1


def read(files: Mapping[str, str], base_path: str, where: str) -> Surface:
    """The surface of a package's files (relative path: text); `where` names it in messages.

    Raises SpecError for what is no Python, or no package of this generator, and where griffe is not installed.
    """
    return _Reader(files, base_path, where).surface()


class _Reader:
    def __init__(self, files: Mapping[str, str], base_path: str, where: str) -> None:
        self.files = files
        self.base_path = base_path
        self.where = where
        #: Names that are kept and warn, with what each says of itself.
        self.kept: dict[str, str] = {}

    def surface(self) -> Surface:
        try:
            root = self.module("__init__.py")
            return Surface(
                base_path=self.base_path,
                methods={name: method for name, method in self.methods() if name not in self.kept},
                fields={name: field for name, field in self.fields() if name not in self.kept},
                types=dict(self.types()),
                names=frozenset(name for name in root.exports or () if isinstance(name, str)),
                kept=self.kept,
            )
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise SpecError(f"{self.where} is not a package of this generator: {error}") from None

    def module(self, path: str) -> Module:
        try:
            import griffe
        except ImportError:
            raise SpecError(
                "comparing clients needs griffe, which is not installed: pip install 'digirm[codegen]'"
            ) from None
        from pathlib import Path

        if path not in self.files:
            raise SpecError(f"{self.where} is not a package of this generator: it has no {path}")
        name = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        try:
            return griffe.visit(name, filepath=Path(path), code=self.files[path])
        except (SyntaxError, ValueError, RecursionError):
            raise SpecError(f"{self.where}: {path} is not Python") from None

    def methods(self) -> Iterator[tuple[str, Method]]:
        client = self.module("client.py")
        for name, stem, cls in _categories(client):
            module = self.module(f"api/{stem}.py")
            yield from self.node(module, cls, f"{CLIENT}.{name}")

    def node(self, module: Module, cls: str, dotted: str) -> Iterator[tuple[str, Method]]:
        """The methods of a node's class and of those below it."""
        for name, member in module[cls].members.items():
            if name.startswith("_") or member.is_alias or not member.is_attribute:
                continue
            if member.value is None:
                yield from self.node(module, str(member.annotation), f"{dotted}.{name}")
            else:
                yield f"{dotted}.{name}", self.method(module, member, f"{dotted}.{name}")

    def method(self, module: Module, member: Attribute, dotted: str) -> Method:
        """A method from `get = _face.call(_PartsOps.get)`."""
        face, [body, *rest] = _call(str(member.value))
        gone: dict[str, str] = {}
        if face in (_GONE, _GONE_KEYWORDS):
            if face == _GONE:
                self.kept[dotted] = _state(ast.literal_eval(rest[0]))
            else:
                gone = ast.literal_eval(rest[0])
                self.kept |= {argument_name(dotted, argument): _state(message) for argument, message in gone.items()}
            face, [body, *_] = _call(body)
        bodies, _, function = body.partition(".")
        found: Function = module[bodies][function]
        _, endpoint = _call(str(module[bodies][f"_{function}"].value))
        values = [ast.literal_eval(value) for value in endpoint[:2]]
        values[_ENDPOINT_PATH] = _listed(str(module[bodies][f"_{function}"].value)) or values[_ENDPOINT_PATH]
        made = str(found.returns).removeprefix("_face.Operation[").removesuffix("]")
        shown = re.sub(r"\b_m_(\w+)\.", rf"{MODELS}.\1.", made)
        return Method(
            request=" ".join(values),
            arguments={
                param.name: Argument(param.kind.value if param.kind else "", param.required)
                for param in found.parameters
                if param.name not in gone
            },
            returns=_RESULTS.get(face, "{}").format(re.sub(r"\b_\w+\.", "", shown)),
        )

    def fields(self) -> Iterator[tuple[str, FieldObject]]:
        types = self.module("fields/_types.py")
        operators = {name: dict(_operators(cls)) for name, cls in types.members.items() if not cls.is_alias}
        for name, member in self.module("fields/__init__.py").members.items():
            if (target := _target(member)).endswith(".ROOT"):
                module = self.module(f"fields/{target.split('.')[-2]}.py")
                root, _ = _call(str(module["ROOT"].value))
                yield from self.field_set(module, root, f"{FIELDS}.{name}", operators)

    def field_set(
        self, module: Module, cls: str, dotted: str, operators: dict[str, dict[str, str]]
    ) -> Iterator[tuple[str, FieldObject]]:
        path = _doc(module[cls]).strip("`")
        for name, member in module[cls].members.items():
            if name.startswith("__") or not member.is_attribute:
                continue
            made, arguments = _call(str(member.value))
            if made == _GONE:
                self.kept[f"{dotted}.{name}"] = _state(ast.literal_eval(arguments[1]))
                made, arguments = _call(arguments[0])
            if arguments:
                yield f"{dotted}.{name}", FieldObject(path, ast.literal_eval(arguments[0]), operators[made])
            else:
                yield from self.field_set(module, made, f"{dotted}.{name}", operators)

    def types(self) -> Iterator[tuple[str, dict[str, str]]]:
        for path in sorted(self.files):
            folder, _, file = path.partition("/")
            if folder == MODELS and file != "__init__.py" and not file.startswith(GONE_PREFIX):
                module = f"{MODELS}.{file.removesuffix('.py')}"
                read = self.module(path)
                for name, member in read.members.items():
                    if name == "__getattr__":
                        _, [*_, gone] = _call(str(read[name].value))
                        messages = ast.literal_eval(gone).items()
                        self.kept |= {f"{module}.{kept}": _state(message) for kept, message in messages}
                    elif not (name.startswith("_") or name == "TYPE_CHECKING" or member.is_alias):
                        yield f"{module}.{name}", dict(_keys(member))


def _categories(client: Module) -> Iterator[tuple[str, str, str]]:
    """(attribute, module of `api`, class) of each category of the blocking client."""
    for name, member in client["Client"].members.items():
        if name.startswith("_") or not member.is_attribute or member.value is not None:
            continue
        alias, _, cls = str(member.annotation).partition(".")
        yield name, _target(client.members[alias]).rpartition(".")[2], cls


def _target(member: Object | Alias) -> str:
    """Where an imported name comes from; empty for what is defined here."""
    target = getattr(member, "target_path", "")
    return target if isinstance(target, str) else ""


def _state(message: str) -> str:
    """What a message says that a name is: `rm.parts.recount is gone since API version 9.2: ...`."""
    return message.partition(" is ")[2].partition(": ")[0]


def _call(text: str) -> tuple[str, list[str]]:
    """The last name of what is called, and the positional arguments as text."""
    node = ast.parse(text, mode="eval").body
    if not isinstance(node, ast.Call):
        raise ValueError(f"{text[:60]!r} is no call")
    function = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
    return function, [ast.unparse(argument) for argument in node.args]


def _listed(text: str) -> str | None:
    """The path as the server lists it, where an endpoint's template is not the same."""
    node = ast.parse(text, mode="eval").body
    keywords = {keyword.arg: keyword.value for keyword in node.keywords} if isinstance(node, ast.Call) else {}
    return ast.literal_eval(keywords["listed"]) if "listed" in keywords else None


def _operators(cls: Any) -> Iterator[tuple[str, str]]:
    """The operators of a field's class as a user writes them, and the types of their values."""
    for base in cls.bases:
        if found := _BASE.fullmatch(str(base)):
            name, value = found.groups()
            if name in COMPARISONS:
                yield COMPARISONS[name], value
            elif name == "Signs":
                for sign in ast.literal_eval(str(cls["_signs"].value)):
                    yield f"op({sign!r})", value
    for name, member in cls.members.items():
        text = str(member.value) if member.is_attribute else ""
        if not name.startswith("_") and (found := re.match(r"_b\.word\[_b\.(\w+)\]", text)):
            yield name, found[1]


def _keys(member: Any) -> Iterator[tuple[str, str]]:
    """The keys of a payload type, or its attributes where it is a class of objects, with their types."""
    if member.is_class:
        for name, key in member.members.items():
            if key.is_attribute and key.annotation is not None:
                yield name, str(key.annotation)
        return
    node = ast.parse(str(member.value), mode="eval").body
    if isinstance(node, ast.Call) and len(node.args) > 1 and isinstance(node.args[1], ast.Dict):
        for wire, value in zip(node.args[1].keys, node.args[1].values, strict=True):
            if wire is not None:
                yield ast.literal_eval(wire), ast.unparse(value)


def _doc(cls: Class) -> str:
    return cls.docstring.value.strip() if cls.docstring else ""
