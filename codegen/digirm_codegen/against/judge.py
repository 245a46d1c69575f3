"""Judges requests and names by two versions of a contract: what the old one accepted and the new one does not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from digirm_codegen.against.side import Name, Side, request
from digirm_codegen.against.uses import UNKNOWN, Kind, Request, Text, Verdict
from digirm_codegen.diff.findings import MAX_SHOWN, listed, quoted
from digirm_runtime.query.diagnostics import Diagnostic, one_line
from digirm_runtime.spec import Spec

#: Parameters whose texts have a grammar, and what a use of each is called.
JUDGED: dict[str, Kind] = {"query": "query", "orderby": "orderby", "fields": "field"}
#: Faults of one text that a message names.
_SHOWN = 3
#: Longer texts are no part of a request.
_MAX_TEXT = 65_536
#: Texts of which the faults are kept at hand.
_MAX_KNOWN = 1000


class Judge:
    """Both versions. `unjudged` collects sentences on what could not be compared, by line."""

    def __init__(self, old: Spec, new: Spec) -> None:
        self.old = Side(old)
        self.new = Side(new)
        self.unjudged: list[tuple[int, str]] = []
        self._judged: dict[tuple[str, str, str | None, str], list[Diagnostic]] = {}

    def endpoint(self, name: Text) -> Request | None:
        """A request of an endpoint such as `parts/inventory`, or its full path, if either version knows it."""
        relative = not any(name.text.startswith(side.spec.base_path + "/") for side in (self.old, self.new))
        known = any(side.find(side.full(name.text)) is not None for side in (self.old, self.new))
        return Request(name, relative=relative) if known else None

    def request(self, asked: Request) -> Iterator[Verdict]:
        """What is wrong with a request, if either version knows its path."""
        path, line = asked.path
        old, new = (side.full(path) if asked.relative else path for side in (self.old, self.new))
        was, now = self.old.find(old), self.new.find(new)
        if was is None and now is None:
            return
        if now is None:
            if (name := self.new.unavailable(new)) is not None:
                self._unjudged(line, path, name)
                return
            yield self._verdict(line, "endpoint", path, f"has no {_quoted(path)}")
            return
        before, after = request(was, asked.method), request(now, asked.method)
        if was is not None and before is None:
            return
        if after is None:
            method = before.method if before is not None else asked.method
            yield self._verdict(line, "endpoint", path, f"has no {_quoted(f'{method} {now.template}')}")
            return
        taken = set(after.params)
        for name, text in asked.params.items():
            if name not in taken and (before is None or name in before.params):
                message = f"takes no parameter {_quoted(name)} for {_quoted(f'{after.method} {now.template}')}"
                yield self._verdict(text.line, "parameter", name, message)
        texts = {name: text for name, text in asked.params.items() if name in taken}
        endpoint = None if was is None or before is None else _called(before.method, was.template)
        yield from self.texts(endpoint, _called(after.method, now.template), texts)

    def texts(self, old: str | None, new: str, texts: Mapping[str, Text]) -> Iterator[Verdict]:
        """What is wrong with queries and their companions for an endpoint, as each version has it; None: it has not."""
        for name, kind in JUDGED.items():
            text = texts.get(name)
            if text is None or not text.known:
                continue
            if len(text.text) > _MAX_TEXT:
                self.unjudged.append((text.line, f"a text of {len(text.text)} characters was not judged"))
                continue
            key = name, text.text, old, new
            if key not in self._judged:
                if len(self._judged) >= _MAX_KNOWN:
                    self._judged.clear()
                self._judged[key] = self._new_faults(*key)
            if found := self._judged[key]:
                verb = "does" if any(fault.severity == "error" for fault in found) else "may"
                message = f"{verb} not accept it for {_quoted(new)}: {listed(list(map(_said, found)), _SHOWN)}"
                yield self._verdict(text.line, kind, text.text, message)

    def _new_faults(self, name: str, text: str, old: str | None, new: str) -> list[Diagnostic]:
        """The faults of a text by the new version that it did not have by the old one."""
        now = _faults(self.new, new, name, text)
        if not now:
            return []
        if old is None:
            return [fault for fault in now if fault.severity == "error"]
        was = _faults(self.old, old, name, text)
        if any(fault.severity == "error" for fault in was):
            return []
        known = {(fault.code, fault.start, fault.end) for fault in was}
        return [fault for fault in now if (fault.code, fault.start, fault.end) not in known]

    def method(self, names: Sequence[Name], keywords: Mapping[str, Text], line: int) -> Iterator[Verdict]:
        """What is wrong with the call of a method by its names from the client's root, if the old version has it."""
        was = self.old.operation(names)
        if was is None:
            return
        written = dotted(names)
        now = self.new.operation(names)
        if now is None:
            yield from self._gone(written, was.wire, line)
            return
        wires = {param.name: param.wire for param in was.params}
        taken = {param.name for param in now.params}
        for name, text in keywords.items():
            if name in wires and name not in taken:
                message = f"takes no argument {_quoted(name)} for {_quoted(f'{written}()')}"
                yield self._verdict(text.line, "parameter", name, message)
        texts = {wires[name]: text for name, text in keywords.items() if name in taken & wires.keys()}
        yield from self.texts(_called(was.method, was.path), _called(now.method, now.path), texts)

    def _gone(self, written: str, wire: str, line: int) -> Iterator[Verdict]:
        path = wire.partition(" ")[2]
        if (name := self.new.unavailable(path)) is not None:
            self._unjudged(line, written, name)
            return
        moved = self.new.operations.get(wire)
        message = f"has {_quoted(wire)} as {_quoted(f'{moved}()')}" if moved else f"has no {_quoted(wire)}"
        yield self._verdict(line, "method", written, message)

    def node(self, names: Sequence[Name], line: int) -> Iterator[Verdict]:
        """What is wrong with a node of the client's tree that is named, but not called."""
        was = self.old.node(names)
        if was is None or self.new.node(names) is not None:
            return
        path = self.old.full("/".join(was.path))
        if (name := self.new.unavailable(path)) is not None:
            self._unjudged(line, dotted(names), name)
        else:
            yield self._verdict(line, "endpoint", dotted(names), f"has nothing below {_quoted(path)}")

    def field(self, names: Sequence[Name], line: int, operator: str = "") -> Iterator[Verdict]:
        """What is wrong with a chain of names below `fields`; `operator` is that of Python which it is used with."""
        was, length = self.old.fields(names)
        if not length or (was is None and length < len(names)):
            return
        written = f"fields.{dotted(names[:length])}"
        now, reached = self.new.fields(names)
        if (now is None) != (was is None) or reached != length:
            if (name := self.new.unavailable(self.old.full(names[0].text))) is not None:
                self._unjudged(line, written, name)
            else:
                yield self._verdict(line, "field", written, f"has no {_quoted(written)}")
            return
        behind = names[length].text if length < len(names) and not names[length].wire else operator
        if was is None or now is None or names[length - 1].wire or not behind:
            return  # a field by its wire name has every operator
        if behind in self.old.operators(was) and behind not in self.new.operators(now):
            message = f"has no {_quoted(behind)} for the field {_quoted(now.name)}"
            yield self._verdict(line, "field", f"{written} {behind}", message)

    def _unjudged(self, line: int, text: str, category: str) -> None:
        self.unjudged.append((line, f"{_quoted(text)}: the new version of {_quoted(category)} could not be captured"))

    def _verdict(self, line: int, kind: Kind, text: str, message: str) -> Verdict:
        """What the new version has not, or does not do."""
        text = text.replace(UNKNOWN, "…")
        shown = text if text.isprintable() and len(text) <= MAX_SHOWN else one_line(text)
        return Verdict(line, kind, shown, f"version {quoted(self.new.spec.api_version)} {message}")


def _faults(side: Side, endpoint: str, name: str, text: str) -> tuple[Diagnostic, ...]:
    if name == "query":
        return side.language.check(endpoint, text).diagnostics
    given = {name: text}
    return side.language.check(endpoint, None, orderby=given.get("orderby"), fields=given.get("fields")).diagnostics


def _called(method: str, path: str) -> str:
    """An endpoint for a query language, which takes GET where no method is said."""
    return path if method == "GET" else f"{method} {path}"


def _said(fault: Diagnostic) -> str:
    mend = fault.suggestion and fault.suggestion.strip()
    return f"{fault.code} {quoted(fault.message)}" + (f" (did you mean {quoted(mend)}?)" if mend else "")


def _quoted(text: str) -> str:
    """A text of a file, or of the server, for a message."""
    return quoted(text.replace(UNKNOWN, "…"))


def dotted(names: Sequence[Name]) -> str:
    """A chain as it is written."""
    text = ""
    for name in names:
        text += f"[{name.text!r}]" if name.wire else f".{name.text}"
    return text.removeprefix(".")
