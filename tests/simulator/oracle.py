"""The query language over plain documents, written from its description and without looking at the simulator's code."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from digirm_runtime.query.ast import And, Condition, Expr, Not
from tests.simulator.support import NOW

TYPES = {
    "id": "Text",
    "name": "Text",
    "location": "Text",
    "connection_status": "Enumerated",
    "signal_percent": "Numeric",
    "vendor_id": "Numeric",
    "last_update": "Timestamp",
    "group": "Group",
    "tags": "Tags",
    "managed": "Boolean",
}
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
}
_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}


def matches(expr: Expr, document: dict[str, Any]) -> bool:
    if isinstance(expr, Condition):
        return _holds(expr, document.get(expr.field))
    if isinstance(expr, Not):
        return not matches(expr.item, document)
    results = [matches(item, document) for item in expr.items]
    return all(results) if isinstance(expr, And) else any(results)


def _holds(condition: Condition, stored: Any) -> bool:
    sign = condition.operator
    if sign == "<>":
        return not _holds(Condition(condition.field, "=", condition.value), stored)
    kind = TYPES[condition.field]
    fits = fitting(kind, stored)
    text = condition.value.text
    if kind == "Group" and sign not in ("contains", "endsWith"):
        text = text.lstrip("/")
    if condition.value.kind == "empty":
        return not fits
    if kind == "Numeric":
        return any(_COMPARE[sign](number, _number(text)) for number in fits)
    if kind == "Boolean":
        return any(truth is (text.lower() == "true") for truth in fits)
    if kind == "Timestamp":
        return any(_COMPARE[sign](moment, _milliseconds(_time(text))) for moment in fits)
    if text == "" and sign == "=":
        return not fits
    return any(_text_holds(sign, one, text.casefold()) for one in fits)


def _text_holds(sign: str, left: str, right: str) -> bool:
    if sign == "contains":
        return right in left
    if sign == "startsWith":
        return left.startswith(right)
    if sign == "endsWith":
        return left.endswith(right)
    return _COMPARE[sign](left, right)


def fitting(kind: str, stored: Any) -> list[Any]:
    """What a field holds, as values of its kind; nothing where it is unset. A list may hold several texts."""
    if kind == "Numeric":
        return [] if (number := _number(stored)) is None else [number]
    if kind == "Timestamp":
        return [] if (moment := _stored_time(stored)) is None else [moment]
    if kind == "Boolean":
        return [str(stored).lower() == "true"] if str(stored).lower() in ("true", "false") else []
    found = []
    for item in stored if isinstance(stored, list) else [stored]:
        if isinstance(item, str | int | float):
            text = (str(item).lower() if isinstance(item, bool) else str(item)).casefold()
            found.append(text.lstrip("/") if kind == "Group" else text)
    return [text for text in found if text]


def ordered(documents: list[dict[str, Any]], orderby: list[tuple[str, bool]]) -> list[dict[str, Any]]:
    """Documents in the order of fields, each with whether it descends. The unset come first; equals keep the order of
    `documents`, or turn it where the last field descends.
    """

    def key(document: dict[str, Any], field: str) -> tuple[bool, Any]:
        fits = fitting(TYPES[field], document.get(field))
        return (True, fits[0]) if fits else (False, 0)

    found = documents[::-1] if orderby and orderby[-1][1] else list(documents)
    for field, descending in reversed(orderby):
        # Sorting keeps the order of equals in both directions.
        found.sort(key=lambda document: key(document, field), reverse=descending)
    return found


def _number(value: Any) -> int | float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    if not isinstance(value, str):
        return value
    try:
        return int(value, 0)
    except ValueError:
        try:
            return float(value)
        except ValueError:
            return None


def _stored_time(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    if not isinstance(value, str):
        return math.floor(value)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return _milliseconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _milliseconds(moment: datetime) -> int:
    return (moment - datetime.fromtimestamp(0, UTC)) // timedelta(milliseconds=1)


def _time(text: str) -> datetime:
    if text[0] in "+-":
        distance = timedelta(**{_UNITS[text[-1]]: int(text[1:-1])})
        return NOW + distance if text[0] == "+" else NOW - distance
    return datetime.fromisoformat(text)
