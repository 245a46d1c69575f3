"""What a generated package offers to those who import it, and what of it a newer one lacks."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple

from digirm_codegen.diff.documents import address, below
from digirm_codegen.diff.findings import counted, listed, quoted
from digirm_codegen.diff.reasons import Reasons
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
#: How the message on what vanished begins, and what is said instead where nobody knows whether it did.
_GONE = "is gone"
_UNKNOWN = "could not be captured in this version"


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
    kept for this one and warn are in `kept` alone, each with what it says of itself: `gone since API version 9.2`.
    """

    base_path: str
    methods: Mapping[str, Method]
    fields: Mapping[str, FieldObject]
    types: Mapping[str, Mapping[str, str]]
    names: frozenset[str]
    kept: Mapping[str, str] = MappingProxyType({})


class Lost(NamedTuple):
    """A name that callers lose, or that now means something else; `message` is a sentence without the name.

    `because` names the findings that explain it; it is empty where names changed for another reason, such as an
    override. `requests` (`GET /parts`, below the base path) and `wire` are what the server knows it by. In a message,
    what is no prose stands in backticks.
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
        *_lost_aliases(old, new),
    ]
    return tuple(sorted(found))


def join(findings: Iterable[Finding], lost: Iterable[Lost]) -> tuple[Lost, ...]:
    """The same with the findings that explain each, where some do."""
    reasons = Reasons(findings)
    return tuple(_explained(one, reasons.of(one)) for one in lost)


def _explained(one: Lost, findings: list[Finding]) -> Lost:
    message = one.message
    if message.startswith(_GONE) and any(finding.id == "category-unavailable" for finding in findings):
        rest = message.removeprefix(_GONE)
        message = f"{_UNKNOWN},{rest}" if rest.startswith(" ") else _UNKNOWN + rest
    places = ((finding.id, *finding.place) for finding in findings)
    texts = [" ".join(filter(None, (id, category, method, path, name))) for id, category, path, method, name in places]
    return one._replace(message=message, because=listed(texts, _SHOWN))


def _lost_methods(old: Surface, new: Surface) -> Iterator[Lost]:
    methods = old.methods
    homes: dict[str, str] = {}
    for name in sorted(new.methods):
        homes.setdefault(_relative(new.methods[name].request, new.base_path), name)
    for name, members in _outermost(methods, new.methods).items():
        requests = tuple(sorted(_below(methods[member].request, old.base_path) for member in members))
        moved = [
            (member, homes[request])
            for member in members
            if (request := _relative(methods[member].request, old.base_path)) in homes
        ]
        message = _gone(name, members, "method")
        if members == [name] and moved:
            message += f"; {quoted(methods[name].request)} is now {quoted(moved[0][1])}"
        elif moved:
            renamed = listed([f"{quoted(before)} → {quoted(now)}" for before, now in moved], _SHOWN)
            message += f", {len(moved)} of which have another name now ({renamed})"
        yield Lost("method", name, message + _kept(members, new), requests=requests)
    for name in sorted(methods.keys() & new.methods.keys()):
        yield from _changed_method(name, old, new)


def _changed_method(name: str, old: Surface, new: Surface) -> Iterator[Lost]:
    was, now = old.methods[name], new.methods[name]
    requests = (_below(was.request, old.base_path),)
    if _relative(was.request, old.base_path) != _relative(now.request, new.base_path):
        message = f"sends {quoted(now.request)}, no longer {quoted(was.request)}"
        yield Lost("changed", name, message, requests=requests)
    if was.returns != now.returns:
        message = f"returns {quoted(now.returns)}, no longer {quoted(was.returns)}"
        yield Lost("changed", name, message, requests=requests)
    was_taken, now_taken = _positions(was), _positions(now)
    if len(was_taken) != len(now_taken):
        shown = listed(_quoted(now_taken)) or "none"
        message = f"takes {counted(len(now_taken), 'path argument')} ({shown}), no longer {len(was_taken)}"
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
        message = _gone(name, members, "field") + _kept(members, new)
        requests = sorted({request for member in members for request in queried[member]})
        yield Lost("field", name, message, requests=tuple(requests), wire=field.wire if alone else "")
    for name in sorted(old.fields.keys() & new.fields.keys()):
        was, now = old.fields[name], new.fields[name]
        place = partial(Lost, requests=queried[name], wire=was.wire)
        if was.wire != now.wire:
            yield place("changed", name, f"stands for the field {quoted(now.wire)}, no longer {quoted(was.wire)}")
        if gone := [operator for operator in was.operators if operator not in now.operators]:
            yield place("operator", name, f"no longer has {' '.join(_quoted(gone))}")
        kinds: dict[tuple[str, str], list[str]] = {}
        for operator, value in was.operators.items():
            if now.operators.get(operator, value) != value:
                kinds.setdefault((value, now.operators[operator]), []).append(operator)
        for (before, after), operators in kinds.items():
            message = f"takes {quoted(after)}, no longer {quoted(before)}, with {' '.join(_quoted(operators))}"
            yield place("changed", name, message)


def _queried(surface: Surface) -> dict[str, tuple[str, ...]]:
    """The requests below the base path that take queries, by the name of each field of theirs."""
    nodes: dict[str, list[str]] = {}
    paths: dict[str, list[str]] = {}
    for name, method in surface.methods.items():
        if "query" in method.arguments:
            request = _below(method.request, surface.base_path)
            nodes.setdefault(_node(name), []).append(request)
            paths.setdefault(_literal(request.partition(" ")[2]), []).append(request)
    # A set of fields that made way for a field of its name is found by its path.
    return {
        name: tuple(nodes.get(_node(name)) or paths.get(field.path) or ()) for name, field in surface.fields.items()
    }


def _node(name: str) -> str:
    """The dotted name of the node that a method or a field is on."""
    return name.partition(".")[2].rpartition(".")[0]


def _lost_types(old: Surface, new: Surface) -> Iterator[Lost]:
    users: dict[str, set[str]] = {}
    for method in old.methods.values():
        for name in re.findall(r"models\.\w+\.\w+", method.returns):
            users.setdefault(name, set()).add(_below(method.request, old.base_path))
    for name, members in _outermost(old.types, new.types).items():
        requests = sorted({request for member in members for request in users.get(member, ())})
        yield Lost("type", name, _gone(name, members, "type") + _kept(members, new), requests=tuple(requests))
    for name in sorted(old.types.keys() & new.types.keys()):
        for key, kind in old.types[name].items():
            now = new.types[name].get(key)
            if now is None:
                yield Lost("key", f"{name}[{key!r}]", "is no longer a key")
            elif now != kind:
                yield Lost("changed", f"{name}[{key!r}]", f"is {quoted(now)}, no longer {quoted(kind)}")


def _lost_aliases(old: Surface, new: Surface) -> Iterator[Lost]:
    """Names that were kept for one version, and whose time has ended."""
    own = {*new.methods, *new.fields, *new.types, *new.kept}
    own |= {argument_name(name, argument) for name, method in new.methods.items() for argument in method.arguments}
    # Where a method is gone itself, its keywords are no news.
    kept = [name for name in old.kept if "(" not in name or name.partition("(")[0] in new.methods]
    for name, members in _outermost(kept, own).items():
        states = listed(_quoted(sorted({old.kept[member] for member in members})), _SHOWN)
        what = "an alias" if len(members) == 1 else f"{len(members):,} aliases"
        yield Lost(_kind(name), name, f"was {what} ({states}), and is no longer kept")
    # What could not be captured before, and is known to be gone now.
    settled = [name for name in kept if _is_open(name, old) and name in new.kept and not _is_open(name, new)]
    for name, members in _outermost(settled, own.difference(settled)).items():
        yield Lost(
            _kind(name), name, f"could not be captured before, and {_gone(name, members, 'name')}{_kept(members, new)}"
        )


def _kind(name: str) -> Kind:
    if name.endswith(")"):
        return "argument"
    return "field" if name.startswith("fields.") else "type" if name.startswith("models.") else "method"


def _is_open(name: str, surface: Surface) -> bool:
    """Whether a name is kept because nobody knows whether it is gone."""
    return surface.kept.get(name, "").startswith("unconfirmed")


def _gone(name: str, members: list[str], noun: str) -> str:
    return _GONE if members == [name] else f"{_GONE} with {counted(len(members), noun)}"


def _quoted(texts: Iterable[str]) -> list[str]:
    return [quoted(text) for text in texts]


def _kept(names: list[str], new: Surface) -> str:
    """What a message says where names are kept as aliases."""
    aliases = [name for name in names if name in new.kept]
    if not aliases:
        return ""
    who = "" if len(aliases) == len(names) else f"{len(aliases):,} of them "
    time = "until it can be captured" if all(_is_open(name, new) for name in aliases) else "for one version"
    if len(aliases) == 1:
        return f"; {who or 'it '}stays {time} and warns"
    return f"; {who or 'they '}stay {time} and warn"


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


def _below(request: str, base_path: str) -> str:
    """A request with its path below the base path."""
    method, _, path = request.partition(" ")
    return f"{method} {below(path, base_path)}"


def argument_name(method: str, argument: str) -> str:
    """How an argument of a method is called in a report."""
    return f"{method}({argument})"


def _dots(name: str) -> list[int]:
    return [place for place, char in enumerate(name) if char == "."]


def _positions(method: Method) -> list[str]:
    return [name for name, argument in method.arguments.items() if argument.kind == _POSITIONAL]


def _relative(request: str, base_path: str) -> str:
    """A request below the base path and without the names of its path arguments, which callers do not see."""
    method, _, path = request.partition(" ")
    return f"{method} {below(address(path), base_path)}"


def _literal(path: str) -> str:
    """A path without its arguments: the path of its node."""
    return "".join(f"/{part}" for part in address(path).replace("{}", "").split("/") if part)
