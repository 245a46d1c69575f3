"""Comparing two captures: what the server said before, and what it says now.

There is no finding exactly where the two are equal: the canonical form of documents and root, base path, provenance,
and the names of unavailable categories. A change that nothing names is a finding too, `document-changed`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from digirm_codegen.diff.documents import (
    ABSENT,
    changed_keys,
    entries,
    method_of,
    odd_differ,
    same,
    text_at,
    texts,
)
from digirm_codegen.diff.findings import CHECKS, Finding, counted, in_order, listed, quoted
from digirm_codegen.diff.renames import with_guesses
from digirm_runtime.errors import SpecError

if TYPE_CHECKING:
    from digirm_codegen.spec_files import Capture, Unavailable

_DOCUMENT_KEYS = frozenset(("count", "list"))
_PATH_KEYS = frozenset(("path", "requests"))
_REQUEST_KEYS = frozenset(("method", "params", "query"))
_FIELD_KEYS = frozenset(("field", "operators", "orderby", "type"))
_field_name = text_at("field")

#: Category, path, method, name.
_Place: TypeAlias = "tuple[str, str, str, str]"


class Comparison(NamedTuple):
    """The findings in order, and the names of categories that were unavailable both times: nobody knows of them."""

    findings: tuple[Finding, ...]
    not_compared: tuple[str, ...]


def compare(old: Capture, new: Capture) -> Comparison:
    """What changed from `old` to `new`.

    Raises SpecError where a document cannot be compared, as it is nested too deep.
    """
    found = _Findings()
    try:
        not_compared = _Comparer(old, new, found).run()
        return Comparison(with_guesses(*found.all(), old, new), not_compared)
    except RecursionError:
        raise SpecError("the specs cannot be compared: a document is nested too deep") from None


class _Findings:
    """Collects findings; what has no name of its own is gathered by place, to be one finding."""

    def __init__(self) -> None:
        #: How many differences were noted, gathered ones included.
        self.noted = 0
        self._found: list[tuple[Finding, Any]] = []
        self._gathered: dict[tuple[str, _Place], tuple[list[str], list[str]]] = {}

    def add(self, id: str, place: _Place, message: str, values: tuple[str, ...] = (), about: Any = None) -> None:
        self.noted += 1
        self._found.append((Finding(id, CHECKS[id].level, message, *place, values), about))

    def odd(self, place: _Place, what: str) -> None:
        """Something that differs and that no other finding names."""
        self.noted += 1
        self._gathered.setdefault(("document-changed", place), ([], []))[0].append(what)

    def keys(self, place: _Place, old: Any, new: Any, known: frozenset[str] = frozenset()) -> None:
        """The keys of two objects that are not `known`."""
        removed, added, changed = changed_keys(old, new, known)
        if removed or added or changed:
            self.noted += 1
            whats, values = self._gathered.setdefault(("unknown-keys-changed", place), ([], []))
            for what, keys in (("removed", removed), ("added", added), ("changed", changed)):
                if keys:
                    whats.append(f"{what} {_names(keys)}")
                    values += keys

    def all(self) -> tuple[tuple[Finding, ...], list[Any]]:
        """The findings in order, and the part of a document that each is about, where it was given."""
        says = {"document-changed": "differs in", "unknown-keys-changed": "keys that digirm does not know:"}
        for (id, place), (whats, values) in self._gathered.items():
            self.add(id, place, f"{_where(place)} {says[id]} {'; '.join(whats)}", tuple(sorted(set(values))))
        self._gathered.clear()
        self._found.sort(key=lambda pair: in_order(pair[0]))
        return tuple(finding for finding, _ in self._found), [about for _, about in self._found]


class _Comparer:
    def __init__(self, old: Capture, new: Capture, found: _Findings) -> None:
        self.old = old
        self.new = new
        self.found = found
        self.moved = old.base_path != new.base_path
        self.old_path = _path_reader(old.base_path, self.moved)
        self.new_path = _path_reader(new.base_path, self.moved)

    def run(self) -> tuple[str, ...]:
        """Compare everything; the names of the categories that are not known of either time."""
        old, new = self.old, self.new
        nowhere: _Place = ("", "", "", "")
        for id, before, now in (
            ("base-path-changed", old.base_path, new.base_path),
            ("provenance-changed", old.provenance, new.provenance),
        ):
            if before != now:
                what = id.removesuffix("-changed").replace("-", " ")
                self.found.add(id, nowhere, f"the {what} was {quoted(before)}, it is {quoted(now)}", (before, now))
        self.found.keys(nowhere, old.root, new.root)
        not_compared = []
        for name in sorted({*old.documents, *old.unavailable, *new.documents, *new.unavailable}):
            if name in old.documents and name in new.documents:
                self.category(name)
            elif not self.listed(name):
                not_compared.append(name)
        return tuple(not_compared)

    def listed(self, name: str) -> bool:
        """Compare whether a category is listed and available; False where it is known of neither time."""
        place: _Place = (name, "", "", "")
        old, new = self.old, self.new
        title = f"the category {quoted(name)}"
        if name in old.documents and name in new.unavailable:
            why = f"{title} is unavailable ({_why(new.unavailable[name])}): what became of it is not known"
            self.found.add("category-unavailable", place, why)
        elif name in old.unavailable and name in new.documents:
            why = f"{title} was unavailable ({_why(old.unavailable[name])}), and has {_size(new.documents[name])} now"
            self.found.add("category-available", place, why)
        elif name in old.unavailable and name in new.unavailable:
            return False
        elif name in new.documents or name in new.unavailable:
            held = f"has {_size(new.documents[name])}" if name in new.documents else "was unavailable"
            self.found.add("category-added", place, f"{title} is new; it {held}")
        else:
            held = f"had {_size(old.documents[name])}" if name in old.documents else "was unavailable before"
            self.found.add("category-removed", place, f"{title} is gone; it {held}")
        return True

    def category(self, name: str) -> None:
        """Compare the two documents of one category."""
        place: _Place = (name, "", "", "")
        self.found.keys(place, self.old.extras.get(name), self.new.extras.get(name))
        old, new = self.old.documents[name], self.new.documents[name]
        if same(old, new):
            return
        noted = self.found.noted
        if isinstance(old, dict) and isinstance(new, dict):
            self.found.keys(place, old, new, _DOCUMENT_KEYS)
            self.paths(place, old, new)
            if not _counts_agree(old, new):
                self.found.odd(place, "its count")
        # Where the API has moved, every path differs, and the base path's own finding says so.
        if self.found.noted == noted and not (self.moved and isinstance(old, dict) and isinstance(new, dict)):
            self.found.odd(place, "its document")

    def paths(self, place: _Place, old: Any, new: Any) -> None:
        before, now = entries(old, "list", self.old_path), entries(new, "list", self.new_path)
        for key, item in before.named.items():
            path = item["path"]
            if key not in now.named:
                message = f"{quoted(path)} is gone{_with_methods(item)}"
                self.found.add("path-removed", (place[0], path, "", ""), message, about=item)
            elif self.moved or not same(item, now.named[key]):
                self.path((place[0], now.named[key]["path"], "", ""), item, now.named[key])
        for key, item in now.named.items():
            if key not in before.named:
                message = f"{quoted(item['path'])} is new{_with_methods(item)}"
                self.found.add("path-added", (place[0], item["path"], "", ""), message, about=item)
        if odd_differ(before, now):
            self.found.odd(place, "entries that are malformed or listed twice")

    def path(self, place: _Place, old: Any, new: Any) -> None:
        self.found.keys(place, old, new, _PATH_KEYS)
        before, now = entries(old, "requests", method_of), entries(new, "requests", method_of)
        for method, request in before.named.items():
            here: _Place = (place[0], place[1], method, "")
            if method not in now.named:
                self.found.add("method-removed", here, f"{_where(here)} is gone{_with_fields(request)}")
            elif not same(request, now.named[method]):
                self.request(here, request, now.named[method])
        for method, request in now.named.items():
            if method not in before.named:
                here = (place[0], place[1], method, "")
                self.found.add("method-added", here, f"{_where(here)} is new{_with_fields(request)}")
        if odd_differ(before, now):
            self.found.odd(place, "requests that are malformed or described twice")

    def request(self, place: _Place, old: Any, new: Any) -> None:
        self.found.keys(place, old, new, _REQUEST_KEYS)
        if not same(old["method"], new["method"]):
            self.found.odd(place, "the spelling of its method")
        self.params(place, old, new)
        before, now = entries(old, "query", _field_name), entries(new, "query", _field_name)
        for name, field in before.named.items():
            here: _Place = (place[0], place[1], place[2], name)
            if name not in now.named:
                self.found.add("field-removed", here, f"{_where(here)} is gone{_of_type(field)}", about=field)
            elif not same(field, now.named[name]):
                self.field(here, field, now.named[name])
        for name, field in now.named.items():
            if name not in before.named:
                here = (place[0], place[1], place[2], name)
                self.found.add("field-added", here, f"{_where(here)} is new{_of_type(field)}", about=field)
        if odd_differ(before, now):
            self.found.odd(place, "query fields that are malformed or described twice")

    def params(self, place: _Place, old: Any, new: Any) -> None:
        before, now = texts(old, "params"), texts(new, "params")
        for name in before.named:
            if name not in now.named:
                message = f"{_where(place)} no longer takes the parameter {quoted(name)}"
                self.found.add("parameter-removed", (place[0], place[1], place[2], name), message)
        for name in now.named:
            if name not in before.named:
                message = f"{_where(place)} takes the new parameter {quoted(name)}"
                self.found.add("parameter-added", (place[0], place[1], place[2], name), message)
        if _reordered(before.named, now.named):
            self.found.add("order-changed", place, f"{_where(place)} has its parameters in another order")
        if odd_differ(before, now):
            self.found.odd(place, "parameters that are malformed or named twice")

    def field(self, place: _Place, old: Any, new: Any) -> None:
        self.found.keys(place, old, new, _FIELD_KEYS)
        kinds = old.get("type", ABSENT), new.get("type", ABSENT)
        if not same(*kinds):
            was, is_ = (_type_name(kind) for kind in kinds)
            message = f"{_where(place)} was of type {quoted(was)}, it is of type {quoted(is_)}"
            self.found.add("field-type-changed", place, message, (was, is_))
        if not same(old.get("operators", ABSENT), new.get("operators", ABSENT)):
            self.operators(place, old, new)
        was_orderby, is_orderby = old.get("orderby", ABSENT), new.get("orderby", ABSENT)
        if was_orderby is True and is_orderby is not True:
            self.found.add("orderby-lost", place, f"{_where(place)} can no longer be ordered by")
        elif is_orderby is True and was_orderby is not True:
            self.found.add("orderby-gained", place, f"{_where(place)} can now be ordered by")
        elif not same(was_orderby, is_orderby):
            self.found.odd(place, "how it says that it cannot be ordered by")

    def operators(self, place: _Place, old: Any, new: Any) -> None:
        before, now = texts(old, "operators"), texts(new, "operators")
        if removed := tuple(operator for operator in before.named if operator not in now.named):
            message = f"{_where(place)} no longer takes {_names(removed)}"
            self.found.add("operator-removed", place, message, removed)
        if added := tuple(operator for operator in now.named if operator not in before.named):
            self.found.add("operator-added", place, f"{_where(place)} now takes {_names(added)}", added)
        if _reordered(before.named, now.named):
            self.found.add("order-changed", place, f"{_where(place)} has its operators in another order")
        if odd_differ(before, now):
            self.found.odd(place, "operators that are malformed or named twice")


def _path_reader(base_path: str, relative: bool) -> Callable[[Any], str | None]:
    """A function that finds what a path is known by: its template, or that without the base path."""
    template = text_at("path")
    if not relative:
        return template

    def below(item: Any) -> str | None:
        path = template(item)
        if path is None or not (path + "/").startswith(base_path + "/"):
            return path
        # The mark keeps it apart from a path that is not below the base path.
        return "\0" + path[len(base_path) :]

    return below


def _counts_agree(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether `count` is the same, or changed only as the list did."""
    counts = old.get("count", ABSENT), new.get("count", ABSENT)
    lists = old.get("list"), new.get("list")
    right = (isinstance(lst, list) and same(number, len(lst)) for number, lst in zip(counts, lists, strict=True))
    return same(*counts) or all(right)


def _reordered(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether the names that both have come in another order."""
    return [name for name in old if name in new] != [name for name in new if name in old]


def _where(place: _Place) -> str:
    """The subject of a message."""
    category, path, method, name = place
    if name:
        return f"{quoted(f'{method} {path}')}: the query field {quoted(name)}"
    if path:
        return quoted(f"{method} {path}" if method else path)
    return f"the category {quoted(category)}" if category else "the list of categories"


def _names(names: Iterable[str]) -> str:
    return listed([quoted(name) for name in names])


def _type_name(kind: Any) -> str:
    """A type as it is written; what should be text and is not, as JSON."""
    if isinstance(kind, str):
        return kind
    return "(none)" if kind is ABSENT else json.dumps(kind)


def _of_type(field: Any) -> str:
    kind = field.get("type")
    return f" (of type {quoted(kind)})" if isinstance(kind, str) and kind else ""


def _with_fields(request: Any) -> str:
    fields = len(entries(request, "query", _field_name).named)
    return f", with {counted(fields, 'query field')}" if fields else ""


def _with_methods(item: Any) -> str:
    methods = sorted(entries(item, "requests", method_of).named)
    return f" ({_names(methods)})" if methods else ""


def _size(document: Any) -> str:
    """How much a category holds."""
    items = entries(document, "list", text_at("path")).named.values()
    requests = sum(len(entries(item, "requests", method_of).named) for item in items)
    return f"{counted(len(items), 'path')} and {counted(requests, 'request')}"


def _why(reason: Unavailable) -> str:
    # The file that it stands in may have been written by anybody.
    kind = reason.kind if reason.kind.isascii() and reason.kind.isidentifier() else quoted(reason.kind)
    return f"{kind}, status {reason.status}" if reason.status is not None else kind
