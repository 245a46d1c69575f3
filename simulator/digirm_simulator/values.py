"""How stored values and query literals become comparable: one form per kind of comparison.

A stored value that is unset, or does not fit its type, has no form (None) and equals `empty`. Text is compared without
regard to case, as the service documents; the form of a text is therefore its case-folded spelling.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from digirm_runtime.query.ast import Literal

#: What a column holds, and what a literal is bound as.
Form: TypeAlias = "str | int | float | None"

_RELATIVE = re.compile(r"([+-])([0-9]+)([dhmsw])", re.IGNORECASE)
_UNITS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "w": 7 * 86_400_000}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INT64 = 1 << 63


class LiteralError(ValueError):
    """A literal that its field cannot be compared with; the text says why."""


def stored_form(compares: str, value: Any) -> Form:
    """The comparable form of a stored JSON value; None where it is unset."""
    if value is None or value == "":
        return None
    if compares == "number":
        return _number(value) if isinstance(value, int | float | str) else None
    if compares == "timestamp":
        return parse_time(value) if isinstance(value, str) else _number(value) if isinstance(value, int) else None
    if compares == "boolean":
        return {"true": 1, "false": 0}.get(str(value).lower())
    if compares == "tags":
        tags = value if isinstance(value, list) else [value]
        return json.dumps([_text(tag) for tag in tags], ensure_ascii=False) if tags else None
    if compares == "area":
        return json.dumps(value, sort_keys=True)
    if compares == "group":
        return _text(value).lstrip("/") or None
    return _text(value)


def literal_form(compares: str, literal: Literal, operator: str, now: datetime) -> Form:
    """The form of a query's literal. Raises LiteralError where the field's type has no such value."""
    text = literal.text
    if compares == "number":
        number = _number(text) if literal.kind in ("number", "text") else None
        if number is None:
            raise LiteralError(f"{text!r} is not a number")
        return number
    if compares == "timestamp":
        moment = _moment(literal, now)
        if moment is None:
            raise LiteralError(f"{text!r} is not a time")
        return moment
    if compares == "boolean":
        if text.lower() not in ("true", "false"):
            raise LiteralError(f"{text!r} is neither true nor false")
        return int(text.lower() == "true")
    if compares == "area":
        raise LiteralError("areas are not simulated")
    if compares == "group" and operator not in ("contains", "endsWith"):
        # The service takes `/Marvel` for the group that it shows as `Marvel`.
        return text.casefold().lstrip("/")
    return text.casefold()


def parse_time(text: str) -> int | None:
    """Milliseconds since 1970 for an ISO 8601 time (UTC where it names no zone); None for what is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return milliseconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def milliseconds(moment: datetime) -> int:
    """An aware time as milliseconds since 1970."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def time_text(moment: datetime) -> str:
    """An aware time as the service writes it: ISO 8601, UTC, milliseconds, `Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _moment(literal: Literal, now: datetime) -> int | None:
    if relative := _RELATIVE.fullmatch(literal.text):
        sign, count, unit = relative.groups()
        # So many digits are beyond any time already, and Python converts only some thousand.
        distance = int(count.lstrip("0")[:20] or "0") * _UNITS[unit.lower()]
        return _bindable(milliseconds(now) + (distance if sign == "+" else -distance))
    if literal.kind == "number":
        number = _number(literal.text)
        return None if number is None else _bindable(int(number))
    return parse_time(literal.text)


def _bindable(moment: int) -> int:
    """A time within the 64 bits of SQLite's integers: beyond them is as far from every stored time as their end."""
    return max(-_INT64, min(moment, _INT64 - 1))


def _number(value: Any) -> int | float | None:
    if isinstance(value, str):
        try:
            value = int(value, 16) if "0x" in value.lower() else float(value) if "." in value else int(value)
        except ValueError:
            return None
    if isinstance(value, float) and (value != value or abs(value) == float("inf")):
        return None
    if isinstance(value, int) and abs(value) >= _INT64:
        return float(value) if abs(value) < 1 << 1000 else None
    return int(value) if isinstance(value, bool) else value


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value.casefold()
    if isinstance(value, Mapping | list):
        return json.dumps(value, sort_keys=True, ensure_ascii=False).casefold()
    return str(value).lower()
