"""Judges conditions against an endpoint's fields.

Against a `live` spec an unknown field or operator is an error. Against a `reconstructed` one it is a warning, unless it
is a slip of the pen or contradicts what is recorded or documented; `strict` makes it an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cached_property

from digirm_runtime.query.ast import Condition, read_literal
from digirm_runtime.query.printer import print_text
from digirm_runtime.query.shapes import Slot
from digirm_runtime.query.shapes import slot as make_slot
from digirm_runtime.query.spelling import misspelt, suggest
from digirm_runtime.query.tables import EQUALITY, TIMESTAMP, forms_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    from digirm_runtime.query.diagnostics import Diagnostic, Severity

_VOUCHED = ("recorded", "documented")
_NAMES = {
    "text": "text in single quotes",
    TIMESTAMP: "a time in single quotes such as '2024-01-31T12:00:00.000Z'",
    "number": "a number without quotes",
    "relative": "a relative time such as -1d",
    "boolean": "true or false",
    "area": "an area such as [-122.5, 37.5, -122.0, 38.0]",
}
_ISO = r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d([.,]\d+)?)?(?P<zone>Z|[+-]\d\d:?\d\d)?)?"
#: Says whether a text is a relative time of the documented form.
_duration = re.compile(r"[+-][0-9]+[dhms]").fullmatch
#: Different unknown fields in one query, after which it is no query of this endpoint.
MAX_UNKNOWN = 100
#: Diagnostics of each severity that a report holds of the names and values of one query.
MAX_JUDGED = 100


class FieldRow:
    """What the tables say of one field."""

    __slots__ = ("certainty", "operators", "orderby", "type", "values")

    def __init__(
        self, type_: str, operators: Sequence[str], orderby: bool, values: Sequence[str], certainty: str | None
    ) -> None:
        self.type = type_
        self.operators = operators
        self.orderby = orderby
        self.values = values
        self.certainty = certainty


#: Judges the value of a condition: (condition, its field, the value's start and end).
Rule: TypeAlias = "Callable[[Condition, FieldRow, int, int], Diagnostic | None]"


class Judge:
    """Judges by one endpoint's fields. Operators of conditions are in the spelling of the spec."""

    def __init__(
        self,
        tables: Mapping[str, Any],
        fields: Mapping[str, FieldRow],
        endpoint: str,
        accepted: Sequence[str] = (),
        columns: tuple[str | None, Sequence[str]] | None = None,
        *,
        strict: bool = False,
    ) -> None:
        """`accepted` are the parameters that the endpoint takes, `columns` its entry in the tables."""
        self.tables = tables
        self.fields = fields
        self.endpoint = endpoint
        self.accepted = accepted
        # A request that lists query fields takes a query, whatever its parameters say.
        self.takes_query = "query" in accepted or bool(fields)
        self.strict = strict
        self.live = tables["spec"]["provenance"] == "live"
        self.firm = strict or self.live
        self._columns = columns or (None, ())
        # (field, operator, kind of value) -> what judges such a value, if anything does, and what may stand for it.
        self._known: dict[tuple[str, str, str], tuple[Rule | None, Slot]] = {}

    def all(self, texts: Mapping[str, str], conditions: Iterable[Condition]) -> Iterable[Diagnostic]:
        """The diagnostics of what was given for the endpoint; `conditions` are those of the query."""
        from digirm_runtime.query import params

        for name, text in texts.items():
            if name not in self.accepted and not (name == "query" and self.takes_query):
                severity: Severity = "error" if self.firm else "warning"
                message = f"'{self.endpoint}' takes no {name}"
                yield _diagnostic("Q205", severity, message, 0, len(text), parameter=name)
            elif name == "query":
                yield from _bounded(self.query(conditions))
            elif name == "orderby":
                yield from _bounded(params.orderby(self, text))
            elif name == "fields":
                yield from _bounded(params.fields(self, text))

    def query(self, conditions: Iterable[Condition]) -> Iterable[Diagnostic]:
        """The diagnostics of a query's conditions; those of broken conditions have an empty operator."""
        unknown: dict[str, Diagnostic] = {}
        for condition in conditions:
            a, b, c, d, e, f = condition.spans or (0, 0, 0, 0, 0, 0)
            row = self.fields.get(condition.field)
            if row is None:
                known = unknown.get(condition.field) or self.unknown_field(condition.field, a, b)
                unknown[condition.field] = known
                yield known._replace(start=a, end=b)
                if len(unknown) > MAX_UNKNOWN:
                    message = f"more than {MAX_UNKNOWN} unknown fields: what follows was not judged"
                    yield _diagnostic("Q124", "error", message, b, b)
                    return
            elif condition.operator:
                found = self._operator(condition, row, c, d)
                if found is None and (rule := self._rule(condition, row)):
                    found = rule(condition, row, e, f)
                if found:
                    yield found

    def slots(self, conditions: Iterable[Condition]) -> list[Slot] | None:
        """What may stand for each condition's value where nothing is to be said of a query; None where something is.

        The same verdict as `query`, but quick where there is nothing to say.
        """
        found: list[Slot] = []
        for condition in conditions:
            key = condition.field, condition.operator, condition.value.kind
            known = self._known.get(key) or self._know(key, condition)
            if known is None:
                return None
            rule, slot = known
            if rule is not None and rule(condition, self.fields[condition.field], 0, 0):
                return None
            found.append(slot)
        return found

    def _know(self, key: tuple[str, str, str], condition: Condition) -> tuple[Rule | None, Slot] | None:
        """The rule and the slot of conditions like this one, which are kept; None where something is to be said."""
        row = self.fields.get(condition.field)
        if row is None or self._operator(condition, row, 0, 0):
            return None
        field, operator, kind = key
        rule = self._rule(condition, row)

        def accepts(text: str) -> bool:
            return rule is None or rule(Condition(field, operator, read_literal(kind, text)), row, 0, 0) is None

        pattern = self.tables["terminals"][kind.upper()]
        # A relative time that `_unit` says nothing of needs no closer look.
        slot = _duration if rule is _unit else make_slot(kind, pattern, accepts if rule else None)
        # Field and operator are the endpoint's own, so these are few.
        self._known[key] = rule, slot
        return rule, slot

    def severity(self, row: FieldRow) -> Severity:
        """Of what contradicts a field's description: an error where somebody vouches for it."""
        return "error" if self.firm or row.certainty in _VOUCHED else "warning"

    def unknown_field(self, name: str, start: int, end: int, parameter: str = "query") -> Diagnostic:
        """The diagnostic for a field that the endpoint lacks."""
        severity, nearest = self._unknown(name, self.fields, firm=self.firm)
        message = f"{_quoted(self.endpoint)} has no field {_quoted(name)}"
        if severity == "warning":
            message += " that the spec knows of"
        return _diagnostic("Q201", severity, message, start, end, nearest, parameter)

    @cached_property
    def columns(self) -> Collection[str]:
        """Every column that the endpoint is known to have, in a stable order."""
        return dict.fromkeys((*self.fields, *self._columns[1]))

    def unknown_column(self, name: str, start: int, end: int) -> Diagnostic:
        """The diagnostic for a column that the endpoint is not known to have.

        Specs list query fields and not columns, so that even a live one says little; a list that is vouched for does.
        """
        severity, nearest = self._unknown(name, self.columns, firm=self.strict or self._columns[0] in _VOUCHED)
        message = f"{_quoted(name)} is no known column of {_quoted(self.endpoint)}"
        return _diagnostic("Q423", severity, message, start, end, nearest, "fields")

    def _unknown(self, name: str, known: Collection[str], *, firm: bool) -> tuple[Severity, str | None]:
        """(severity, the known name that may be meant) for a name that is none of those known."""
        slip = misspelt(name, known)
        twin = next((one for one in known if one.lower() == name.lower()), None)
        # Whether the case of a name matters is not documented.
        firm = self.strict if twin else firm or slip is not None
        return "error" if firm else "warning", twin or slip or suggest(name, known)

    def _operator(self, condition: Condition, row: FieldRow, start: int, end: int) -> Diagnostic | None:
        if not row.operators or condition.operator in row.operators:
            return None
        known = ", ".join(row.operators)
        message = f"the field {_quoted(condition.field)} has no operator {_quoted(condition.operator)}; it has {known}"
        return _diagnostic("Q203", self.severity(row), message, start, end)

    def _rule(self, condition: Condition, row: FieldRow) -> Rule | None:
        """What judges the values of conditions like this one; None where every value of this kind is fine."""
        kind = condition.value.kind
        takes: list[str] = self.tables["empty"]
        if kind == "empty":
            return None if condition.operator in takes or not takes else self._empty
        forms = forms_of(self.tables, condition.operator, row.type)
        if forms is None:
            return None
        if kind not in forms and not (kind == "text" and TIMESTAMP in forms):
            return self._form
        if kind == "relative":
            return _unit
        if kind == "text" and "text" not in forms:
            return _time
        if kind == "text" and row.values and condition.operator in EQUALITY:
            return self._enumerated
        return None

    def _empty(self, condition: Condition, row: FieldRow, start: int, end: int) -> Diagnostic:  # noqa: ARG002
        """`empty` where it is not known to go."""
        takes = " and ".join(self.tables["empty"])
        message = f"'empty' is only known to go with {takes}, not with {_quoted(condition.operator)}"
        return _diagnostic("Q306", "warning", message, start, end)

    def _form(self, condition: Condition, row: FieldRow, start: int, end: int) -> Diagnostic:
        """A literal of another form than the field's type takes."""
        value, forms = condition.value, forms_of(self.tables, condition.operator, row.type) or ()
        expected = " or ".join(_NAMES.get(form, form) for form in forms)
        message = f"the field {_quoted(condition.field)} ({row.type}) takes {expected}"
        mend: str | None = None
        if value.kind == "text":
            # Whether the service reads a quoted number, boolean or relative time is not documented.
            mend = value.text if _form_of(value.text, self.tables) in forms else None
        elif "text" in forms and value.kind != "area":
            mend = print_text(value.text)
        open_question = mend is not None or (value.kind == "number" and TIMESTAMP in forms)
        if open_question:
            return _diagnostic("Q302", "warning", message, start, end, mend)
        return _diagnostic("Q301", self.severity(row), message, start, end)

    def _enumerated(self, condition: Condition, row: FieldRow, start: int, end: int) -> Diagnostic | None:
        """A value of a field whose values are known."""
        value = condition.value
        if any(known.lower() == value.text.lower() for known in row.values):
            return None
        slip = misspelt(value.text, row.values)
        nearest = slip or suggest(value.text, row.values)
        message = (
            f"{_quoted(value.text)} is no known value of {_quoted(condition.field)}; known: {', '.join(row.values)}"
        )
        firm = self.strict or (self.live and slip is not None)
        mend = None if nearest is None else print_text(nearest)
        return _diagnostic("Q303", "error" if firm else "warning", message, start, end, mend)


def _diagnostic(
    code: str,
    severity: Severity,
    message: str,
    start: int,
    end: int,
    suggestion: str | None = None,
    parameter: str = "query",
) -> Diagnostic:
    # Imported when there is something to say: most queries are fine, and each process pays for what it imports.
    from digirm_runtime.query.diagnostics import Diagnostic

    return Diagnostic(code, severity, message, start, end, suggestion, parameter)


def _quoted(text: str) -> str:
    from digirm_runtime.query.diagnostics import quoted

    return quoted(text)


def _bounded(diagnostics: Iterable[Diagnostic]) -> Iterable[Diagnostic]:
    """The first diagnostics of each severity: a megabyte of faults must not fill the memory, nor hide an error."""
    left = {"error": MAX_JUDGED, "warning": MAX_JUDGED}
    for diagnostic in diagnostics:
        left[diagnostic.severity] -= 1
        if left[diagnostic.severity] >= 0:
            yield diagnostic


def _unit(condition: Condition, row: FieldRow, start: int, end: int) -> Diagnostic | None:  # noqa: ARG001
    """A relative time: only some units are documented."""
    text = condition.value.text
    if _duration(text):
        return None
    count, small = text[1:-1], text[-1].lower()
    # `M` may have meant months, and a number of weeks beyond any date is no week's.
    weeks = f"{text[0]}{int(count) * 7}d" if small == "w" and len(count) < 10 else None
    mend = weeks if small == "w" else None if text[-1] == "M" else text[:-1] + small
    message = f"the unit of {_quoted(text)} is not documented; documented are d, h, m and s"
    return _diagnostic("Q305", "warning", message, start, end, mend)


def _time(condition: Condition, row: FieldRow, start: int, end: int) -> Diagnostic | None:  # noqa: ARG001
    """An absolute time: only the full form in UTC is documented."""
    from digirm_runtime.query.values import when
    from digirm_runtime.text import time_text

    text = condition.value.text
    if _duration(text):
        return _diagnostic("Q302", "warning", "a relative time is written without quotes", start, end, text)
    form = re.fullmatch(_ISO, text, re.ASCII)
    if form is None:
        message = f"{_quoted(text)} is no time such as '2024-01-31T12:00:00.000Z'"
        return _diagnostic("Q304", "warning", message, start, end)
    moment = when(text)
    if moment is None:
        return _diagnostic("Q304", "warning", f"there is no such time: {_quoted(text)}", start, end)
    zone = form["zone"]
    if zone == "Z":
        return None
    message = "only times in UTC such as '2024-01-31T12:00:00.000Z' are documented"
    try:
        mend = print_text(time_text(moment)) if zone else None
    except OverflowError:  # before the first year, or after the last, in UTC
        mend = None
    return _diagnostic("Q304", "warning", message, start, end, mend)


def _form_of(text: str, tables: Mapping[str, Any]) -> str | None:
    forms = ("number", "relative", "boolean", "area")
    return next((form for form in forms if re.fullmatch(tables["terminals"].get(form.upper(), "(?!)"), text)), None)
