"""Reads the category documents of a spec: what can be used is kept, what cannot is noted, what is too much is an error.

Names that are too long or cannot be written skip their entry; counts beyond the limits of `digirm_runtime.spec` end the
run, since what a server lists without end is not an API.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeGuard

from digirm_runtime import spec, template
from digirm_runtime.errors import SpecError
from digirm_runtime.query.tables import METHODS, is_operator
from digirm_runtime.spec import Field, Path, Request, shown

if TYPE_CHECKING:
    from digirm_runtime.overrides import Overrides


class Reader:
    """Reads documents of one spec; `problems` are sentences on what was left out."""

    def __init__(self, base_path: str, overrides: Overrides, provenance: str) -> None:
        self.base_path = base_path
        self.overrides = overrides
        self.provenance = provenance
        self.problems: list[str] = []
        self._counts = {"paths": 0, "requests": 0, "query fields": 0}

    def paths(self, name: str, document: Any) -> tuple[Path, ...]:
        """The paths of the category `name`. Raises SpecError beyond a limit."""
        items = document.get("list") if isinstance(document, dict) else None
        if not isinstance(items, list):
            self.problems.append(f"{shown(name)}: the document has no list of paths")
            return ()
        self._count("paths", len(items), spec.MAX_PATHS, name)
        found: dict[str, Path] = {}
        for item in items:
            path = self._path(name, item)
            if path is not None and path.template in found:
                self.problems.append(f"{shown(path.template)}: listed twice; the first is kept")
            elif path is not None:
                found[path.template] = path
        return tuple(found.values())

    def _count(self, what: str, count: int, limit: int, where: str) -> None:
        self._counts[what] += count
        if self._counts[what] > limit:
            raise SpecError(f"{shown(where)}: more than {limit:,} {what} in one spec, the most that it can hold")

    def _path(self, name: str, item: Any) -> Path | None:
        text = item.get("path") if isinstance(item, dict) else None
        if not isinstance(text, str):
            self.problems.append(f"{shown(name)}: an entry has no path")
            return None
        try:
            check_path(text, self.base_path)
        except ValueError as error:
            self.problems.append(f"{shown(text)}: the path {error}; skipped")
            return None
        requests = item.get("requests")
        if requests is None:
            return Path(text, None)
        if not isinstance(requests, list):
            self.problems.append(f"{shown(text)}: 'requests' is no list; ignored")
            return Path(text, None)
        self._count("requests", len(requests), spec.MAX_REQUESTS, text)
        found: dict[str, Request] = {}
        for entry in requests:
            request = self._request(text, entry)
            if request is not None and request.method in found:
                self.problems.append(f"{request.method} {shown(text)}: described twice; the first is kept")
            elif request is not None:
                found[request.method] = request
        return Path(text, tuple(found.values()))

    def _request(self, path: str, entry: Any) -> Request | None:
        method = entry.get("method") if isinstance(entry, dict) else None
        if not isinstance(method, str) or method.upper() not in METHODS:
            self.problems.append(f"{shown(path)}: unknown method {shown(method)}; skipped")
            return None
        where = f"{method.upper()} {path}"
        params: dict[str, None] = {}
        for param in _list(entry.get("params"), spec.MAX_REQUEST_PARAMS, "parameters", where):
            if is_name(param):
                params[param] = None
            else:
                self.problems.append(f"{method} {shown(path)}: parameter {shown(param)} cannot be used; skipped")
        listed = _list(entry.get("query"), spec.MAX_REQUEST_FIELDS, "query fields", where)
        self._count("query fields", len(listed), spec.MAX_FIELDS, where)
        fields: dict[str, Field] = {}
        for raw in listed:
            field = self._field(path, method.upper(), raw)
            if field is not None:
                fields.setdefault(field.name, field)
        return Request(method.upper(), tuple(params), tuple(fields.values()))

    def _field(self, path: str, method: str, raw: Any) -> Field | None:
        name = raw.get("field") if isinstance(raw, dict) else None
        if not is_field_name(name):
            self.problems.append(f"{method} {shown(path)}: query field {shown(name)} cannot be written in a query")
            return None
        listed = _list(
            raw.get("operators"), spec.MAX_FIELD_OPERATORS, f"operators of {shown(name)}", f"{method} {path}"
        )
        operators = {op: None for op in listed if self._takes_operator(path, name, op)}
        kind = raw.get("type")
        values, certainty = self.overrides.field_knowledge(path, method, name, self.provenance)
        return Field(
            name=name,
            type=kind if is_name(kind) else "",
            operators=tuple(operators),
            orderby=raw.get("orderby") is True,
            values=values,
            certainty=certainty,
            doc=self.overrides.docs_of(path, method, field=name),
        )

    def _takes_operator(self, path: str, field: str, op: Any) -> bool:
        good = isinstance(op, str) and is_operator(op)
        if not good:
            self.problems.append(f"{shown(path)}: operator {shown(op)} of {shown(field)} cannot be used; skipped")
        return good


def check_path(text: str, base_path: str) -> None:
    """Raise ValueError where `text` is no path template below `base_path`, or one beyond the limits."""
    if len(text) > spec.MAX_TEMPLATE:
        raise ValueError(f"is longer than {spec.MAX_TEMPLATE} characters")
    if not text.startswith(base_path + "/"):
        raise ValueError(f"does not begin with {base_path}/")
    segments = template.parse(text)
    if len(segments) > spec.MAX_SEGMENTS or len(template.args(segments)) > spec.MAX_ARGS:
        raise ValueError(f"has more than {spec.MAX_SEGMENTS} segments or {spec.MAX_ARGS} arguments")


def is_name(value: Any) -> TypeGuard[str]:
    """Whether `value` can be the name of a parameter or a type."""
    return isinstance(value, str) and 0 < len(value) <= spec.MAX_NAME and value.isprintable() and value.strip() == value


def is_field_name(value: Any) -> TypeGuard[str]:
    """Whether `value` can be written as a field of a query."""
    return is_name(value) and not any(char in value for char in " \t'\"()[]<>=,")


def _list(value: Any, limit: int, what: str, where: str) -> list[Any]:
    """`value` where it is a list, else none. Raises SpecError where it is longer than `limit`."""
    if not isinstance(value, list):
        return []
    if len(value) > limit:
        raise SpecError(f"{shown(where)}: more than {limit:,} {what}, the most that it can hold")
    return value
