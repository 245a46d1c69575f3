"""What a generated package offers to those who import it, and what of it a newer one lacks."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from digirm_runtime import naming
from digirm_runtime.errors import SpecError
from digirm_runtime.package import MANIFEST

if TYPE_CHECKING:
    from digirm_codegen.diff.findings import Finding

Kind = Literal["method", "argument", "field", "operator", "type", "key", "name", "changed"]

#: A Python file larger than this is none of this generator.
MAX_FILE_BYTES = 16 * 1024 * 1024
#: Names that a message lists.
_SHOWN = 3
_POSITIONAL = "positional-only"
#: Ids of findings that say that a whole request is away.
_WHOLE = ("category-removed", "category-unavailable", "path-removed", "method-removed")
#: Ids of other findings that explain what was lost, by kind. A parameter decides what a method is called and returns.
_REASONS: dict[Kind, tuple[str, ...]] = {
    "method": ("parameter-removed", "parameter-added"),
    "argument": ("parameter-removed",),
    "field": ("field-removed",),
    "operator": ("operator-removed", "field-type-changed", "field-removed"),
    "type": (),
    "changed": ("parameter-removed", "parameter-added", "field-type-changed", "operator-removed", "operator-added"),
}


class Argument(NamedTuple):
    """An argument of a method: its kind in words, and whether it must be given."""

    kind: str
    required: bool


class Method(NamedTuple):
    """A method: the request that it sends (`GET /ws/v1/parts`), its arguments by name, and what it returns."""

    request: str
    arguments: Mapping[str, Argument]
    returns: str


class FieldObject(NamedTuple):
    """A field object: the path of its set without the base path, its wire name, its operators with their types."""

    path: str
    wire: str
    operators: Mapping[str, str]


class Surface(NamedTuple):
    """The public names of a package as its users write them.

    `methods`: `rm.parts.inventory.list`; `fields`: `fields.parts.inventory.name`; `types`: the keys of
    `models.parts.Part` with their types; `names`: those of the package's root. Names of the version before that are
    kept for this one and warn are in `kept` alone.
    """

    base_path: str
    methods: Mapping[str, Method]
    fields: Mapping[str, FieldObject]
    types: Mapping[str, Mapping[str, str]]
    names: frozenset[str]
    kept: frozenset[str] = frozenset()


class Lost(NamedTuple):
    """A name that callers lose, or that now means something else; `message` is a sentence without the name.

    `because` names the findings that explain it; it is empty where names changed for another reason, such as an
    override. `requests` and `wire` are what the server knows it by.
    """

    kind: Kind
    name: str
    message: str
    because: str = ""
    requests: tuple[str, ...] = ()
    wire: str = ""


def of_package(folder: Path) -> Surface:
    """The surface of a generated package. Raises SpecError where `folder` holds none."""
    from digirm_codegen.diff import static
    from digirm_runtime.spec import read_json

    document = read_json(folder / MANIFEST)
    spec = document.get("spec") if isinstance(document, dict) else None
    base_path = spec.get("base_path") if isinstance(spec, dict) else None
    if not isinstance(base_path, str):
        raise SpecError(f"{folder / MANIFEST} is not the manifest of a generated package")
    files = {}
    try:
        for file in sorted(folder.rglob("*.py")):
            if file.stat().st_size > MAX_FILE_BYTES:
                raise SpecError(f"{file} is larger than {MAX_FILE_BYTES >> 20} MiB")
            files[file.relative_to(folder).as_posix()] = file.read_text("utf-8")
    except OSError as error:
        raise SpecError(f"cannot read {error.filename or folder}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SpecError(f"{folder} holds Python files that are not UTF-8") from None
    return static.read(files, base_path, str(folder))


def of_specs(folder: Path) -> Surface:
    """The surface of the package that would be generated from a specs folder. Raises SpecError as `generate` does."""
    from digirm_codegen import render
    from digirm_codegen.diff import static
    from digirm_runtime import spec as specs

    spec = specs.load(folder)
    rendered = render.package(spec)
    files = {path: text for path, text in rendered.files.items() if path.endswith(".py")}
    return static.read(files, spec.base_path, f"the client of {folder}")


def lost(old: Surface, new: Surface) -> tuple[Lost, ...]:
    """What users of `old` miss in `new`, sorted; of what vanished only the outermost name."""
    found = [
        *_lost_methods(old, new),
        *_lost_fields(old, new),
        *_lost_types(old, new),
        *(Lost("name", name, "is no longer in the package") for name in old.names - new.names),
    ]
    return tuple(sorted(found))


def join(findings: Iterable[Finding], lost: Iterable[Lost]) -> tuple[Lost, ...]:
    """The same with the findings that explain each, where some do."""
    known = list(findings)
    return tuple(one._replace(because=_because(one, known)) for one in lost)


def _lost_methods(old: Surface, new: Surface) -> Iterator[Lost]:
    methods = old.methods
    homes: dict[str, str] = {}
    for name in sorted(new.methods):
        homes.setdefault(_relative(new.methods[name].request, new.base_path), name)
    for name, members in _outermost(methods, new.methods).items():
        requests = tuple(sorted(methods[member].request for member in members))
        moved = [
            (member, homes[request])
            for member in members
            if (request := _relative(methods[member].request, old.base_path)) in homes
        ]
        message = "is gone" if members == [name] else f"is gone with {_count(len(members), 'method')}"
        if members == [name] and moved:
            message += f"; {requests[0]} is now {moved[0][1]}"
        elif moved:
            message += f", {len(moved)} of which have another name now ({_some(f'{a} → {b}' for a, b in moved)})"
        yield Lost("method", name, message + _kept(members, new), requests=requests)
    for name in sorted(methods.keys() & new.methods.keys()):
        yield from _changed_method(name, old, new)


def _changed_method(name: str, old: Surface, new: Surface) -> Iterator[Lost]:
    was, now = old.methods[name], new.methods[name]
    requests = (was.request,)
    if _relative(was.request, old.base_path) != _relative(now.request, new.base_path):
        yield Lost("changed", name, f"sends {now.request}, no longer {was.request}", requests=requests)
    if was.returns != now.returns:
        yield Lost("changed", name, f"returns {now.returns}, no longer {was.returns}", requests=requests)
    was_taken, now_taken = _positions(was), _positions(now)
    if len(was_taken) != len(now_taken):
        shown = ", ".join(now_taken) or "none"
        message = f"takes {_count(len(now_taken), 'path argument')} ({shown}), no longer {len(was_taken)}"
        yield Lost("changed", name, message, requests=requests)
    for argument, what in was.arguments.items():
        if what.kind == _POSITIONAL:
            continue  # its name is nothing that a caller can write
        still = now.arguments.get(argument)
        if still is None or still.kind == _POSITIONAL:
            message = "is no longer taken" + _kept([argument_name(name, argument)], new)
            yield Lost("argument", argument_name(name, argument), message, requests=requests, wire=argument)
        elif still.required and not what.required:
            shown = argument_name(name, argument)
            yield Lost("changed", shown, "must be given now", requests=requests, wire=argument)
    for argument, what in now.arguments.items():
        if what.required and what.kind != _POSITIONAL and argument not in was.arguments:
            shown = argument_name(name, argument)
            yield Lost("changed", shown, "is new and must be given", requests=requests, wire=argument)


def _lost_fields(old: Surface, new: Surface) -> Iterator[Lost]:
    queried = _queried(old)
    for name, members in _outermost(old.fields, new.fields).items():
        field = old.fields[members[0]]
        alone = members == [name]
        message = "is gone" if alone else f"is gone with {_count(len(members), 'field')}"
        requests = sorted({request for member in members for request in queried[old.fields[member].path]})
        message += _kept(members, new)
        yield Lost("field", name, message, requests=tuple(requests), wire=field.wire if alone else "")
    for name in sorted(old.fields.keys() & new.fields.keys()):
        was, now = old.fields[name], new.fields[name]
        place = partial(Lost, requests=queried[was.path], wire=was.wire)
        if was.wire != now.wire:
            yield place("changed", name, f"stands for the field {now.wire!r}, no longer {was.wire!r}")
        if gone := [operator for operator in was.operators if operator not in now.operators]:
            yield place("operator", name, f"no longer has {' '.join(gone)}")
        kinds: dict[tuple[str, str], list[str]] = {}
        for operator, value in was.operators.items():
            if now.operators.get(operator, value) != value:
                kinds.setdefault((value, now.operators[operator]), []).append(operator)
        for (before, after), operators in kinds.items():
            yield place("changed", name, f"takes {after}, no longer {before}, with {' '.join(operators)}")


def _queried(surface: Surface) -> dict[str, tuple[str, ...]]:
    """The requests that take queries, by the path of their set of fields."""
    found: dict[str, list[str]] = {field.path: [] for field in surface.fields.values()}
    for method in surface.methods.values():
        path = _literal(method.request.partition(" ")[2]).removeprefix(surface.base_path)
        if path in found and "query" in method.arguments:
            found[path].append(method.request)
    return {path: tuple(requests) for path, requests in found.items()}


def _lost_types(old: Surface, new: Surface) -> Iterator[Lost]:
    users: dict[str, set[str]] = {}
    for method in old.methods.values():
        for name in re.findall(r"models\.\w+\.\w+", method.returns):
            users.setdefault(name, set()).add(method.request)
    for name, members in _outermost(old.types, new.types).items():
        message = "is gone" if members == [name] else f"is gone with {_count(len(members), 'type')}"
        requests = sorted({request for member in members for request in users.get(member, ())})
        yield Lost("type", name, message, requests=tuple(requests))
    for name in sorted(old.types.keys() & new.types.keys()):
        for key, kind in old.types[name].items():
            now = new.types[name].get(key)
            if now is None:
                yield Lost("key", f"{name}[{key!r}]", "is no longer a key")
            elif now != kind:
                yield Lost("changed", f"{name}[{key!r}]", f"is {now}, no longer {kind}")


def _kept(names: list[str], new: Surface) -> str:
    """What a message says where names are kept as aliases."""
    aliases = sum(name in new.kept for name in names)
    if not aliases:
        return ""
    if aliases == len(names):
        return (
            f"; {'it stays' if aliases == 1 else 'they stay'} for one version and {'warns' if aliases == 1 else 'warn'}"
        )
    return f"; {aliases} of them stay for one version and warn"


def _outermost(old: Iterable[str], new: Collection[str]) -> dict[str, list[str]]:
    """The outermost dotted names of which `new` holds nothing, each with the names of `old` at or below it."""
    alive = {name[:end] for name in new for end in (*_dots(name), len(name))}
    found: dict[str, list[str]] = {}
    for name in sorted(old):
        if name not in new:
            ends = (*_dots(name), len(name))[1:]
            outer = next((name[:end] for end in ends if name[:end] not in alive), name)
            found.setdefault(outer, []).append(name)
    return found


def argument_name(method: str, argument: str) -> str:
    """How an argument of a method is called in a report."""
    return f"{method}({argument})"


def _dots(name: str) -> list[int]:
    return [place for place, char in enumerate(name) if char == "."]


def _positions(method: Method) -> list[str]:
    return [name for name, argument in method.arguments.items() if argument.kind == _POSITIONAL]


def _relative(request: str, base_path: str) -> str:
    """A request without the base path and the names of its path arguments, which callers do not see."""
    method, _, path = request.partition(" ")
    return f"{method} {_anonymous(path.removeprefix(base_path))}"


def _anonymous(path: str) -> str:
    """A path template without the names of its arguments."""
    return re.sub(r"{[^{}]*}", "{}", path)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _some(texts: Iterable[str]) -> str:
    listed = list(texts)
    more = len(listed) - _SHOWN
    return ", ".join(listed[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _because(one: Lost, findings: Iterable[Finding]) -> str:
    return _some(" ".join(filter(None, _place(finding))) for finding in findings if _explains(finding, one))


def _place(finding: Finding) -> tuple[str, ...]:
    return finding.id, finding.category, finding.method, finding.path, finding.name


def _explains(finding: Finding, one: Lost) -> bool:
    """Whether a finding is the reason that a name vanished or changed."""
    if one.kind not in _REASONS or (one.name.startswith("models.") and one.kind != "type"):
        return False
    whole = finding.id in _WHOLE
    if not whole and finding.id not in _REASONS[one.kind]:
        return False
    if finding.name and one.wire and not _is_name(finding.name, one.wire):
        return False
    if not finding.path:
        return any(f"/{finding.category}/" in f"{request}/" for request in one.requests)
    return any(_is_at(finding, request) for request in one.requests)


def _is_name(wire: str, name: str) -> bool:
    """Whether a parameter or field is what a user knows by `name`: its wire name, or an argument made of it."""
    return wire == name or naming.snake(wire) in (name, name.rstrip("_"))


def _is_at(finding: Finding, request: str) -> bool:
    method, _, path = request.partition(" ")
    return finding.method in ("", method) and _below(finding, finding.path) == _below(finding, path)


def _below(finding: Finding, path: str) -> str:
    """A path from the finding's category on, without the names of its arguments: the base path may be another."""
    start = path.find(f"/{finding.category}")
    return _anonymous(path[max(start, 0) :])


def _literal(path: str) -> str:
    """A path template without its arguments: the path of its node."""
    return "".join(f"/{part}" for part in re.sub(r"{[^{}]*}", "", path).split("/") if part)
