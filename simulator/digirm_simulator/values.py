"""How stored values and query literals become what a column holds and is compared with.

What both mean is defined in `digirm_runtime.query.values`; here they get the one form that SQLite stores. A stored
value that is unset, or does not fit its type, has no form (None) and equals `empty`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeAlias

from digirm_runtime.query.ast import Literal
from digirm_runtime.query.values import LiteralError as LiteralError
from digirm_runtime.query.values import bindable, bindable_time, boolean, instant, literal_value, number, plain
from digirm_runtime.query.values import milliseconds as milliseconds
from digirm_runtime.text import time_text as time_text

#: What a column holds, and what a literal is bound as.
Form: TypeAlias = "str | int | float | None"


def stored_form(compares: str, value: Any) -> Form:
    """The comparable form of a stored JSON value; None where it is unset."""
    if value is None or value == "":
        return None
    if compares == "number":
        found = number(value)
        return None if found is None else bindable(found)
    if compares == "timestamp":
        moment = instant(value)
        return None if moment is None else bindable_time(moment)
    if compares == "boolean":
        return boolean(value)
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
    if compares == "area":
        raise LiteralError("areas are not simulated")
    value = literal_value(compares, literal, operator, now)
    if compares == "timestamp" and isinstance(value, int):
        return bindable_time(value)
    if compares == "number" and isinstance(value, int | float):
        return bindable(value)
    return value.casefold() if isinstance(value, str) else value


def _text(value: Any) -> str:
    if isinstance(value, Mapping | list):
        return json.dumps(value, sort_keys=True, ensure_ascii=False).casefold()
    found = plain(value)
    return "" if found is None else found
