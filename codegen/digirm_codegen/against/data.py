"""YAML and JSON: mappings that describe a request, and addresses in any text. No value is ever constructed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias

from digirm_codegen.against import text as texts
from digirm_codegen.against.judge import Judge
from digirm_codegen.against.uses import Request, Text, Verdict
from digirm_runtime.errors import SpecError

_PLACES = ("endpoint", "path", "url", "uri")
_PARAMETERS = ("orderby", "fields")
_QUERIES = ("query", "queries")
_PLAIN = re.compile(r"[\w./{}:~-]+")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[][{}]|[^][{}",:\s]+', re.DOTALL)


#: Nesting that is followed; libyaml takes a time that grows with its square.
MAX_DEPTH = 500


class UnreadableError(Exception):
    """A text that is not of the format that its name promises; the text says why."""


class Scalar(NamedTuple):
    """A scalar, and the line of its text."""

    text: str
    line: int


class Mapping(NamedTuple):
    """A mapping whose keys are texts; `merged` are those whose entries it takes over."""

    entries: dict[str, Value]
    merged: list[Value]

    def get(self, name: str) -> Value | None:
        """The value of a key, also one that was taken over from another mapping."""
        if name in self.entries:
            return self.entries[name]
        found = (one.entries.get(name) for one in self.merged if isinstance(one, Mapping))
        return next((value for value in found if value is not None), None)


class Items(NamedTuple):
    """A sequence."""

    values: list[Value]


Value: TypeAlias = "Scalar | Mapping | Items"


class Event(NamedTuple):
    """A step through a document: `kind` is `scalar`, `mapping`, `sequence`, `alias` or `end`."""

    kind: str
    text: str = ""
    line: int = 0
    anchor: str = ""


class Document(NamedTuple):
    """Every mapping and scalar of a file, in the order of their beginning, whatever holds them."""

    mappings: list[Mapping]
    scalars: list[Scalar]


def scan_yaml(judge: Judge, text: str) -> Iterator[Verdict]:
    """What is wrong with the requests in the documents of a YAML file. Raises UnreadableError for what is none."""
    yield from _judged(judge, _document(_yaml_events(text)))


def scan_json(judge: Judge, text: str) -> Iterator[Verdict]:
    """What is wrong with the requests in a JSON file, or one of JSON lines. Raises UnreadableError for what is none."""
    yield from _judged(judge, _document(_json_events(text)))


def _yaml_events(text: str) -> Iterator[Event]:
    try:
        import yaml
    except ImportError:
        raise SpecError("reading YAML needs PyYAML, which is not installed: pip install 'digirm[codegen]'") from None
    # Events, not nodes: they are made without recursion, an alias is a name, and a tag is never looked at.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        for event in yaml.parse(text, Loader=loader):
            line = event.start_mark.line + 1 if event.start_mark else 0
            if isinstance(event, yaml.ScalarEvent):
                block = event.style in ("|", ">")
                yield Event("scalar", event.value, line + block, event.anchor or "")
            elif isinstance(event, yaml.AliasEvent):
                yield Event("alias", line=line, anchor=event.anchor or "")
            elif isinstance(event, yaml.MappingStartEvent):
                yield Event("mapping", line=line, anchor=event.anchor or "")
            elif isinstance(event, yaml.SequenceStartEvent):
                yield Event("sequence", line=line, anchor=event.anchor or "")
            elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                yield Event("end")
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark is not None else ""
        raise UnreadableError(f"it is not YAML{where}") from None
    except (ValueError, RecursionError):
        raise UnreadableError("it is not YAML") from None


def _json_events(text: str) -> Iterator[Event]:
    line, position = 1, 0
    for token in _TOKEN.finditer(text):
        line += text.count("\n", position, token.start())
        position = token.start()
        first = token[0][0]
        if first == '"':
            try:
                value = json.loads(token[0], strict=False)
            except ValueError:
                raise UnreadableError(f"it is not JSON (line {line})") from None
            yield Event("scalar", value, line)
        elif first in "{[":
            yield Event("mapping" if first == "{" else "sequence", line=line)
        elif first in "}]":
            yield Event("end")
        else:
            yield Event("scalar", token[0], line)


def _document(events: Iterator[Event]) -> Document:
    """The flat view of a document; nothing is recursive, so that no depth is too much."""
    document = Document([], [])
    anchors: dict[str, Value] = {}
    open_: list[Value] = []
    keys: list[Scalar | None] = []  # per open container: the key that waits for its value
    waiting: list[bool] = []
    for event in events:
        if event.kind == "end":
            if not open_:
                raise UnreadableError("a bracket is closed that was not opened")
            for stack in (open_, keys, waiting):
                stack.pop()
            continue
        value: Value
        if event.kind == "scalar":
            value = Scalar(event.text, event.line)
            document.scalars.append(value)
        elif event.kind == "alias":
            value = anchors.get(event.anchor, Scalar("", event.line))
        else:
            value = Mapping({}, []) if event.kind == "mapping" else Items([])
            if isinstance(value, Mapping):
                document.mappings.append(value)
        if event.anchor and event.kind != "alias":
            anchors[event.anchor] = value
        if open_:
            _put(open_[-1], value, keys, waiting)
        if event.kind in ("mapping", "sequence"):
            if len(open_) == MAX_DEPTH:
                raise UnreadableError(f"it is nested deeper than {MAX_DEPTH} levels")
            open_.append(value)
            keys.append(None)
            waiting.append(False)
    if open_:
        raise UnreadableError("a bracket is not closed")
    return document


def _put(container: Value, value: Value, keys: list[Scalar | None], waiting: list[bool]) -> None:
    """Put a value into the innermost container, of whose mapping every other value is a key."""
    if isinstance(container, Items):
        container.values.append(value)
    elif isinstance(container, Mapping) and not waiting[-1]:
        keys[-1], waiting[-1] = value if isinstance(value, Scalar) else None, True
    elif isinstance(container, Mapping):
        key, waiting[-1] = keys[-1], False
        if key is not None and key.text == "<<":
            container.merged.extend(value.values if isinstance(value, Items) else [value])
        elif key is not None:
            container.entries.setdefault(key.text, value)


def _judged(judge: Judge, document: Document) -> Iterator[Verdict]:
    done: set[int] = set()
    for mapping in document.mappings:
        yield from _mapping(judge, mapping, done)
    base = judge.old.spec.base_path
    for scalar in document.scalars:
        if id(scalar) in done or base not in scalar.text:
            continue
        if "\n" in scalar.text.strip():
            yield from texts.scan(judge, scalar.text, scalar.line)
            continue
        for address in texts.addresses(scalar.text, base, whole=True):
            yield from judge.request(address.request(scalar.line))


def _mapping(judge: Judge, mapping: Mapping, done: set[int]) -> Iterator[Verdict]:
    """What is wrong with a mapping that names an endpoint, with its query and parameters beside it."""
    for place in _PLACES:
        scalar = mapping.get(place)
        request = _place(judge, scalar) if isinstance(scalar, Scalar) else None
        if request is None:
            continue
        done.add(id(scalar))
        method = mapping.get("method")
        name = method.text.upper() if isinstance(method, Scalar) else ""
        params = dict(request.params)
        inner = mapping.get("params")
        if isinstance(inner, Mapping):
            params |= {key: Text(*value) for key, value in inner.entries.items() if isinstance(value, Scalar)}
        params |= {
            key: Text(*value) for key in _PARAMETERS if isinstance(value := mapping.get(key), Scalar) and value.text
        }
        queries = [Text(*one) for key in _QUERIES for one in _scalars(mapping.get(key))]
        asked = [{**params, "query": query} for query in queries] or [params]
        found = [one for each in asked for one in judge.request(request._replace(method=name, params=each))]
        yield from dict.fromkeys(found)
        return


def _place(judge: Judge, scalar: Scalar) -> Request | None:
    """The request whose address or endpoint a scalar is, if either version knows it."""
    base = judge.old.spec.base_path
    if base in scalar.text:
        found = list(texts.addresses(scalar.text, base, whole=True))
        return found[0].request(scalar.line) if len(found) == 1 else None
    return judge.endpoint(Text(*scalar)) if _PLAIN.fullmatch(scalar.text) else None


def _scalars(value: Value | None) -> Sequence[Scalar]:
    if isinstance(value, Scalar):
        return [value]
    return [one for one in value.values if isinstance(one, Scalar)] if isinstance(value, Items) else []
