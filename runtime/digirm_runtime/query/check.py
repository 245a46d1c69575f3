"""Judges conditions against an endpoint's fields.

Against a `live` spec an unknown field or operator is an error. Against a `reconstructed` one it is a warning, unless it
is a slip of the pen or contradicts what is recorded or documented; `strict` makes it an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from digirm_runtime.query.ast import Condition, Literal
from digirm_runtime.query.diagnostics import Diagnostic, Severity, quoted
from digirm_runtime.query.printer import print_text
from digirm_runtime.query.spelling import misspelt, suggest
from digirm_runtime.query.tables import TIMESTAMP

_VOUCHED = ("recorded", "documented")
_NAMES = {
    "text": "text in single quotes",
    TIMESTAMP: "a time in single quotes such as '2024-01-31T12:00:00.000Z'",
    "number": "a number without quotes",
    "relative": "a relative time such as -1d",
    "boolean": "true or false",
    "area": "an area such as [-122.5, 37.5, -122.0, 38.0]",
}
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)(T(\d\d):(\d\d)(:(\d\d)([.,]\d+)?)?(Z|[+-]\d\d:?\d\d)?)?", re.ASCII)
#: Different unknown fields in one query, after which it is no query of this endpoint.
MAX_UNKNOWN = 100


class FieldRow(NamedTuple):
    """What the tables say of one field."""

    type: str
    operators: tuple[str, ...]
    orderby: bool
    values: tuple[str, ...]
    certainty: str | None


class Judge:
    """Judges by one endpoint's fields."""

    def __init__(
        self, tables: Mapping[str, Any], fields: Mapping[str, FieldRow], endpoint: str, *, strict: bool = False
    ) -> None:
        self.tables = tables
        self.fields = fields
        self.endpoint = endpoint
        self.strict = strict
        self.live = tables["spec"]["provenance"] == "live"
        self.firm = strict or self.live
        self._unknown: dict[str, tuple[Severity, str | None]] = {}

    def query(self, conditions: Iterable[Condition]) -> Iterable[Diagnostic]:
        """The diagnostics of a query's conditions; those of broken conditions have an empty operator."""
        for condition in conditions:
            a, b, c, d, e, f = condition.spans or (0, 0, 0, 0, 0, 0)
            row = self.fields.get(condition.field)
            if row is None:
                yield self.unknown_field(condition.field, a, b)
                if len(self._unknown) > MAX_UNKNOWN:
                    message = f"more than {MAX_UNKNOWN} unknown fields: what follows was not judged"
                    yield Diagnostic("Q124", "error", message, b, b)
                    return
            elif condition.operator:
                found = self._operator(condition, row, c, d) or self._value(condition, row, e, f)
                if found:
                    yield found

    def severity(self, row: FieldRow) -> Severity:
        """Of what contradicts a field's description: an error where somebody vouches for it."""
        return "error" if self.firm or row.certainty in _VOUCHED else "warning"

    def unknown_field(self, name: str, start: int, end: int, parameter: str = "query") -> Diagnostic:
        """The diagnostic for a field that the endpoint lacks."""
        severity, nearest = self._unknown.get(name) or self._nearest(name)
        message = f"{quoted(self.endpoint)} has no field {quoted(name)}"
        if severity == "warning":
            message += " that the spec knows of"
        return Diagnostic("Q201", severity, message, start, end, nearest, parameter)

    def _nearest(self, name: str) -> tuple[Severity, str | None]:
        slip = misspelt(name, self.fields)
        twin = next((known for known in self.fields if known.lower() == name.lower()), None)
        # Whether the case of a field's name matters is not documented.
        severity: Severity = "error" if self.firm or (slip and not twin) else "warning"
        self._unknown[name] = severity, twin or slip or suggest(name, self.fields)
        return self._unknown[name]

    def _operator(self, condition: Condition, row: FieldRow, start: int, end: int) -> Diagnostic | None:
        wanted = condition.operator.lower()
        if not row.operators or any(op.lower() == wanted for op in row.operators):
            return None
        known = ", ".join(row.operators)
        message = f"the field {quoted(condition.field)} has no operator {quoted(condition.operator)}; it has {known}"
        return Diagnostic("Q203", self.severity(row), message, start, end)

    def _value(self, condition: Condition, row: FieldRow, start: int, end: int) -> Diagnostic | None:
        value = condition.value
        operator = next((op for op in self.tables["operators"] if op.lower() == condition.operator.lower()), "")
        if value.kind == "empty":
            takes: list[str] = self.tables["empty"]
            if operator in takes or not takes:
                return None
            message = f"'empty' is only known to go with {' and '.join(takes)}, not with {quoted(operator)}"
            return Diagnostic("Q306", "warning", message, start, end)
        forms: Sequence[str] | None = self.tables["operator_forms"].get(operator) or self.tables["types"].get(row.type)
        if forms is None:
            return None
        if value.kind not in forms and not (value.kind == "text" and TIMESTAMP in forms):
            return self._form(condition.field, value, forms, row, start, end)
        if value.kind == "relative" and value.text[-1] not in "dhms":
            small = value.text[-1].lower()
            mend = f"{value.text[0]}{int(value.text[1:-1][:9]) * 7}d" if small == "w" else value.text[:-1] + small
            message = f"the unit of {quoted(value.text)} is not documented; documented are d, h, m and s"
            return Diagnostic("Q305", "warning", message, start, end, mend)
        if value.kind == "text" and "text" not in forms:
            return _time(value, start, end)
        if value.kind == "text" and row.values and operator in self.tables["empty"]:
            return self._enumerated(condition.field, value, row, start, end)
        return None

    def _form(
        self, field: str, value: Literal, forms: Sequence[str], row: FieldRow, start: int, end: int
    ) -> Diagnostic | None:
        """A literal of another form than the field's type takes."""
        expected = " or ".join(_NAMES.get(form, form) for form in forms)
        message = f"the field {quoted(field)} ({row.type}) takes {expected}"
        mend: str | None = None
        if value.kind == "text":
            # Whether the service reads a quoted number, boolean or relative time is not documented.
            mend = value.text if _form_of(value.text, self.tables) in forms else None
        elif "text" in forms:
            mend = print_text(value.text)
        open_question = mend is not None or (value.kind == "number" and TIMESTAMP in forms)
        if open_question:
            return Diagnostic("Q302", "warning", message, start, end, mend)
        return Diagnostic("Q301", self.severity(row), message, start, end)

    def _enumerated(self, field: str, value: Literal, row: FieldRow, start: int, end: int) -> Diagnostic | None:
        if any(known.lower() == value.text.lower() for known in row.values):
            return None
        slip = misspelt(value.text, row.values)
        nearest = slip or suggest(value.text, row.values)
        message = f"{quoted(value.text)} is no known value of {quoted(field)}; known: {', '.join(row.values)}"
        firm = self.strict or (self.live and slip is not None)
        mend = None if nearest is None else print_text(nearest)
        return Diagnostic("Q303", "error" if firm else "warning", message, start, end, mend)


def _time(value: Literal, start: int, end: int) -> Diagnostic | None:
    """An absolute time: only the full form in UTC is documented."""
    found = _ISO.fullmatch(value.text)
    if found is None:
        if re.fullmatch(r"[+-][0-9]+[dhms]", value.text):
            return Diagnostic("Q302", "warning", "a relative time is written without quotes", start, end, value.text)
        message = f"{quoted(value.text)} is no time such as '2024-01-31T12:00:00.000Z'"
        return Diagnostic("Q304", "warning", message, start, end)
    month, day, hour = int(found[2]), int(found[3]), int(found[5] or 0)
    if not (
        1 <= month <= 12 and 1 <= day <= 31 and hour <= 24 and int(found[6] or 0) < 60 and int(found[8] or 0) <= 60
    ):
        return Diagnostic("Q304", "warning", f"there is no such time: {quoted(value.text)}", start, end)
    if found[10] != "Z":
        message = "only times in UTC such as '2024-01-31T12:00:00.000Z' are documented"
        return Diagnostic("Q304", "warning", message, start, end)
    return None


def _form_of(text: str, tables: Mapping[str, Any]) -> str | None:
    forms = ("number", "relative", "boolean", "area")
    return next((form for form in forms if re.fullmatch(tables["terminals"].get(form.upper(), "(?!)"), text)), None)
