"""The query language over plain documents, written from its description and without looking at the simulator's code."""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import datetime, timedelta
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
    unset = stored in (None, "", [])
    sign = condition.operator
    if sign == "<>":
        return not _holds(Condition(condition.field, "=", condition.value), stored)
    if condition.value.kind == "empty":
        return unset
    kind = TYPES[condition.field]
    text = condition.value.text
    if unset:
        return sign == "=" and text == "" and kind not in ("Numeric", "Timestamp", "Tags")
    if kind == "Tags":
        tags = [str(tag).casefold() for tag in stored]
        wanted = text.casefold()
        return wanted in tags if sign == "=" else any(wanted in tag for tag in tags)
    if kind == "Numeric":
        return _COMPARE[sign](stored, int(text, 0) if "." not in text else float(text))
    if kind == "Timestamp":
        return _COMPARE[sign](datetime.fromisoformat(stored), _time(text))
    left, right = str(stored).casefold(), text.casefold()
    if kind == "Group" and sign not in ("contains", "endsWith"):
        left, right = left.lstrip("/"), right.lstrip("/")
    if sign == "contains":
        return right in left
    if sign == "startsWith":
        return left.startswith(right)
    if sign == "endsWith":
        return left.endswith(right)
    return _COMPARE[sign](left, right)


def _time(text: str) -> datetime:
    if text[0] in "+-":
        distance = timedelta(**{_UNITS[text[-1]]: int(text[1:-1])})
        return NOW + distance if text[0] == "+" else NOW - distance
    return datetime.fromisoformat(text)
