"""An `<sci_request>` as it is sent: the operation, its attributes, whom it is for, and what it carries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from xml.etree import ElementTree

from digirm_runtime import xmltext
from digirm_runtime.xmlguard import settled
from digirm_runtime.xmltext import Value
from digirm_simulator.behaviours.device_resource import every
from digirm_simulator.behaviours.lookup import in_group, required
from digirm_simulator.world import World

OPERATIONS = (
    "cli",
    "data_service",
    "disconnect",
    "file_system",
    "query_firmware_targets",
    "reboot",
    "send_message",
    "update_firmware",
)
REPLIES = ("all", "errors", "summary", "none")
#: So many devices one request may have.
MOST_TARGETS = 10_000
#: The commands of a file system.
STEPS = ("get_file", "ls", "put_file", "rm")
#: How deep the commands of a request are: `<sci_request><file_system><commands><ls/>`.
_COMMANDS = 3
# What is around the commands that `_unquoted` is about.
_BEFORE, _BEHIND = b"</targets>b", b"</file_system>"


class RefusedError(ValueError):
    """A request that cannot be taken; the text says why."""


class Target(NamedTuple):
    """Whom a request is for: `kind` is `id`, `tag` or `path` (of a group)."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Command:
    """One request, read.

    `payload` is what its operation holds beside the targets, `steps` its file commands in order. Namespaces are left
    out: devices know none.
    """

    operation: str
    attributes: Mapping[str, str]
    targets: tuple[Target, ...]
    payload: Mapping[str, Value]
    steps: tuple[tuple[str, Value], ...]

    def says(self, name: str, value: str = "true") -> bool:
        """Whether an attribute has this value."""
        return self.attributes.get(name, "").strip().lower() == value

    @property
    def text(self) -> str:
        """The text of the payload: of the first element that has some."""
        found = (text_of(value) for name, value in self.payload.items() if not name.startswith("@"))
        return next((text for text in found if text.strip()), "")


class Addressed(NamedTuple):
    """A device that a request is for, by the id as it was asked for; `device` is None where there is none."""

    id: str
    device: Mapping[str, Any] | None


def many(value: Value | None) -> list[Value]:
    """The elements of one name, however many there are."""
    return [] if value is None else value if isinstance(value, list) else [value]


def text_of(value: Value | None) -> str:
    """The text of an element; of the first, where there are several."""
    if isinstance(value, list):
        value = value[0] if value else ""
    if isinstance(value, dict):
        value = value.get("#text", "")
    return value if isinstance(value, str) else ""


def attribute(value: Value, name: str) -> str | None:
    """An attribute of an element; None where it has no such."""
    found = value.get(f"@{name}") if isinstance(value, dict) else None
    return found if isinstance(found, str) else None


def read(body: bytes) -> Command:
    """A request from its bytes. Raises RefusedError, and XMLError for what is no XML that is taken."""
    body = _unquoted(body)
    root, value = parsed(body)
    if root != "sci_request" or not isinstance(value, dict):
        raise RefusedError("Invalid SCI request. Expected an sci_request")
    named = [name for name in value if not name.startswith(("@", "#"))]
    if len(named) != 1 or isinstance(value[named[0]], list):
        raise RefusedError("Invalid SCI request. Expected one operation")
    name, content = named[0], value[named[0]]
    if name not in OPERATIONS:
        raise RefusedError(f"Invalid SCI request. Unknown operation '{name[:60]}'")
    parts: dict[str, Value] = content if isinstance(content, dict) else {"#text": content}
    attributes = {key[1:]: item for key, item in parts.items() if key.startswith("@") and isinstance(item, str)}
    if (reply := attributes.get("reply", "all")) not in REPLIES:
        raise RefusedError(f"Invalid SCI request. 'reply' is one of {', '.join(REPLIES)}, not '{reply[:60]}'")
    payload = {key: item for key, item in parts.items() if not key.startswith("@") and key != "targets"}
    steps = tuple(steps_of(body, _COMMANDS)) if name == "file_system" else ()
    return Command(name, attributes, tuple(_targets(parts.get("targets", ""))), payload, steps)


def described(body: bytes) -> tuple[str, str]:
    """The XML of the targets and of the payload of a request that was taken."""
    targets: list[ElementTree.Element] = []
    payload: list[ElementTree.Element] = []
    body = _unquoted(body)
    # In the encoding that it was read in.
    parser = ElementTree.XMLParser(encoding=settled(body, None))  # noqa: S314 - what is refused is not stored
    for part in ElementTree.fromstring(body, parser)[0]:  # noqa: S314
        if _local(part.tag) == "targets":
            targets += part
        else:
            payload.append(part)
    return _written(targets), _written(payload)


def _written(elements: Iterable[ElementTree.Element]) -> str:
    return "".join(ElementTree.tostring(element, encoding="unicode").strip() for element in elements)


def parsed(document: bytes) -> tuple[str, Value]:
    """As `xmltext.parse`, without namespaces."""
    root, value = xmltext.parse(document)
    return _local(root), _plain(value)


def _plain(value: Value) -> Value:
    """A value without namespaces: elements lose theirs, attributes that have one go."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    found: dict[str, list[Value]] = {}
    for key, item in value.items():
        if not key.startswith("@{"):
            found.setdefault(_local(key), []).extend(many(_plain(item)))
    return {name: items if len(items) > 1 else items[0] for name, items in found.items()}


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _unquoted(body: bytes) -> bytes:
    """A request whose file commands are no longer `b'…'`, as Digi's own library writes them under Python 3.

    That the service looks past it is inferred: people use that library.
    """
    begin, end = body.find(_BEFORE), body.rfind(_BEHIND)
    start = begin + len(_BEFORE)
    if begin < 0 or end < start + 2 or body[start : start + 1] not in (b"'", b'"') or body[start] != body[end - 1]:
        return body
    return body[: start - 1] + body[start + 1 : end - 1] + body[end:]


def steps_of(document: bytes, depth: int = 1) -> Iterator[tuple[str, Value]]:
    """The file commands `depth` below a root, in their order. Raises XMLError."""
    reader = xmltext.Records(depth=depth)
    for key, value in reader.feed(document):
        if (name := _local(key)) in STEPS:
            yield name, _plain(value)
    reader.close()


def _targets(holder: Value) -> Iterator[Target]:
    if isinstance(holder, list):
        raise RefusedError("Invalid SCI request. Expected one list of targets")
    for name, value in holder.items() if isinstance(holder, dict) else ():
        for item in many(value):
            for kind in {"device": ("id", "tag"), "group": ("path",)}.get(name, ()):
                if (found := attribute(item, kind)) is not None:
                    yield Target(kind, found.strip())
                    break
            else:
                raise RefusedError(f"Invalid SCI request. '{name[:60]}' names no target")


def resolve(world: World, targets: tuple[Target, ...]) -> list[Addressed]:
    """The devices that targets are, each once, in the order of the targets. Raises RefusedError for too many."""
    devices = required(world, "/devices/inventory").collection
    found: dict[str, Addressed] = {}
    for kind, value in targets:
        if kind == "id" and value.lower() != "all":
            found.setdefault(value.upper(), Addressed(value, devices.get(value.upper())))
        else:
            for device in every(devices):
                if _is_meant(device, kind, value):
                    found.setdefault(device["id"], Addressed(device["id"], device))
                if len(found) > MOST_TARGETS:
                    break
        if len(found) > MOST_TARGETS:
            raise RefusedError(f"Invalid SCI request. It is for more than {MOST_TARGETS} devices")
    return list(found.values())


def _is_meant(device: Mapping[str, Any], kind: str, value: str) -> bool:
    if kind == "tag":
        return value in device.get("tags", ())
    return kind == "id" or in_group(device.get("group"), value)
