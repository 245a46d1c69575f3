"""The self-check of a generated package: `python -m digirm_runtime.selfcheck generated/acme_rm`.

It needs no connection and sends nothing: every file is what was generated, every module can be imported, every method
and payload type can be looked at, and every query field is understood by the package's own query language.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import pkgutil
import sys
import typing
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from digirm_runtime.package import MANIFEST
from digirm_runtime.query.printer import print_text

#: Literals of every form, the likeliest first.
_LITERALS = ("'x'", "1", "'2022-07-01T00:00:00Z'", "-1d", "true", "[1, 2, 3, 4]")


def check(folder: Path) -> Iterator[str]:
    """What is wrong with the generated package in `folder`, a sentence each.

    It is imported under its own name, and must be what that name leads to.
    """
    package = folder.name
    try:
        root = import_module(package)
    except Exception as error:
        yield f"{package} cannot be imported: {_said(error)}"
        return
    if Path(root.__file__ or "").parent.resolve() != folder.resolve():
        yield f"the name {package} leads to another package than the one in {folder}"
        return
    yield from _files(folder)
    modules = [root]
    for found in pkgutil.walk_packages(root.__path__, f"{package}."):
        try:
            modules.append(import_module(found.name))
        except Exception as error:
            yield f"{found.name} cannot be imported: {_said(error)}"
    for name in ("Client", "AsyncClient"):
        try:
            client = getattr(root, name)("http://localhost", auth=("none", "none"), throttle=None)
        except Exception as error:
            yield f"{name}: {_said(error)}"
        else:
            yield from _methods(client)
    for module in modules:
        if module.__name__.startswith(f"{package}.models."):
            yield from _types(module)
    yield from _queries(root)


def _files(folder: Path) -> Iterator[str]:
    try:
        known = json.loads((folder / MANIFEST).read_bytes())["files"]
    except (OSError, ValueError, KeyError, TypeError):
        yield f"{MANIFEST} is missing or damaged"
        return
    for path, fingerprint in known.items():
        try:
            data = (folder / path).read_bytes()
        except OSError:
            yield f"{path} is missing"
        else:
            if fingerprint != f"sha256:{hashlib.sha256(data).hexdigest()}":
                yield f"{path} is not what was generated"


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _methods(client: Any) -> Iterator[str]:
    """Every method of every node, by its own name and by what is behind `rm["wire"]`."""
    todo: list[tuple[str, Any]] = [("rm", client)]
    while todo:
        name, node = todo.pop()
        for wire, attribute in node._children.items():
            try:
                child = getattr(node, attribute)
                if child is not node[wire]:
                    yield f"{name}[{wire!r}] is not {name}.{attribute}"
                todo.append((f"{name}.{attribute}", child))
            except Exception as error:
                yield f"{name}.{attribute}: {_said(error)}"
        for attribute, method in vars(type(node)).items():
            if not attribute.startswith("_") and hasattr(method, "__wrapped__"):
                try:
                    inspect.signature(getattr(node, attribute))
                except Exception as error:
                    yield f"{name}.{attribute}: {_said(error)}"


def _types(module: ModuleType) -> Iterator[str]:
    for name, cls in vars(module).items():
        if isinstance(cls, type) and cls.__module__ == module.__name__:
            try:
                typing.get_type_hints(cls)
            except Exception as error:
                yield f"{module.__name__}.{name}: {_said(error)}"


def _queries(root: ModuleType) -> Iterator[str]:
    try:
        language = import_module(f"{root.__name__}._package").PACKAGE.language
        endpoints = language.tables["endpoints"]
    except Exception as error:
        yield f"the query language cannot be used: {_said(error)}"
        return
    for endpoint, methods in endpoints.items():
        for method, (_, number, *_columns) in methods.items():
            for field, row in language._fields(number).items():
                for operator in row.operators:
                    texts = [f"{field} {operator} {literal}" for literal in _literals(row.values)]
                    if not any(language.check(f"{method} {endpoint}", text).ok for text in texts):
                        yield f"{method} {endpoint}: no condition with {field!r} and {operator!r} is understood"


def _literals(values: Sequence[str]) -> Iterator[str]:
    if values:
        yield print_text(values[0])
    yield from _LITERALS


def main(argv: list[str] | None = None) -> int:
    """0: nothing is wrong; 1: something is, a line each on stdout; 2: there is no such package."""
    names = sys.argv[1:] if argv is None else argv
    if len(names) != 1:
        print("usage: python -m digirm_runtime.selfcheck FOLDER", file=sys.stderr)
        return 2
    folder = Path(names[0])
    if not (folder / MANIFEST).is_file():
        print(f"selfcheck: there is no generated package in {folder}", file=sys.stderr)
        return 2
    sys.path.insert(0, str(folder.resolve().parent))
    found = 0
    for found, line in enumerate(check(folder), 1):  # noqa: B007 - the last number is the count
        print(ascii(line)[1:-1])
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main())
