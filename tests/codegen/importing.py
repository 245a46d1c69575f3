"""Run by `test_hostile_import.py` in a process of its own: import packages, and do nothing else.

Arguments: the folder that holds the packages, the name of a harmless one, the names of the others. The harmless one is
imported first, so that whatever any of them needs is there; then every event that Python's auditing tells of is judged.
"""

import ast
import importlib
import os
import sys
from pathlib import Path
from typing import Any

FOLDER, HARMLESS, *OTHERS = sys.argv[1:]
READING = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_DIRECTORY
#: What an annotation is made of.
ANNOTATION = (ast.Expression, ast.Name, ast.Load, ast.Constant, ast.Subscript, ast.Tuple, ast.BinOp, ast.BitOr)
HARMLESS_EVENTS = {
    *("object.__getattr__", "object.__setattr__", "object.__delattr__", "sys._getframe", "os.listdir", "os.scandir"),
    *("marshal.loads", "code.__new__", "builtins.id"),
}
judging = False


def judge(event: str, args: tuple[Any, ...]) -> None:
    global judging
    if not judging or event in HARMLESS_EVENTS:
        return
    judging = False
    try:
        if not is_harmless(event, args):
            print(f"{event} {args!a}"[:2000])
            sys.stdout.flush()
            os._exit(1)
    finally:
        judging = True


def is_harmless(event: str, args: tuple[Any, ...]) -> bool:
    if event == "open":
        path, mode, flags = args
        return inside(path) and (mode is None or not set(mode) - set("rbt")) and not flags & ~READING
    if event == "import":
        return args[0].partition(".")[0] in OTHERS
    if event == "compile":
        source, file = args
        if inside(file):
            return True
        text = source.decode() if isinstance(source, bytes) else source
        # Annotations that are text: a name of the module's own, looked up when somebody asks for types.
        try:
            nodes = ast.walk(ast.parse(text, mode="eval"))
        except (SyntaxError, ValueError):
            return False
        return file == "<string>" and all(isinstance(node, ANNOTATION) for node in nodes)
    if event == "exec":
        return inside(args[0].co_filename) or args[0].co_filename == "<string>"
    return False


def inside(path: Any) -> bool:
    text = os.fsdecode(path) if isinstance(path, str | bytes) else ""
    return Path(text).is_absolute() and Path(FOLDER) in Path(text).parents and ".." not in Path(text).parts


def modules(name: str) -> list[str]:
    """Every module of a package by its dotted name."""
    files = [file.relative_to(FOLDER).with_suffix("").parts for file in sorted(Path(FOLDER, name).rglob("*.py"))]
    return [".".join(part for part in parts if part != "__init__") for parts in files]


def use(name: str, names: list[str]) -> None:
    """Import the modules of a package, and every name that its root gives."""
    for module in names:
        importlib.import_module(module)
    root = importlib.import_module(name)
    for exported in root.__all__:
        getattr(root, exported)


sys.path.insert(0, FOLDER)
packages = {name: modules(name) for name in OTHERS}
use(HARMLESS, modules(HARMLESS))
importlib.import_module("digirm_runtime.gone")  # needed where names of an earlier version are kept
sys.addaudithook(judge)
judging = True
for name, names in packages.items():
    use(name, names)
judging = False
print("imported", len(OTHERS))
