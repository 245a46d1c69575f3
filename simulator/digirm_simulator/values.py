"""How stored values and query literals become what a column holds and is compared with.

What both mean is defined in `digirm_runtime.query.values`; here they get the one form that SQLite stores. A stored
value that is unset, or does not fit its type, has no form (None) and equals `empty`.

One thing differs from the predicate: a list in a field of text or group is compared as the JSON text of its items,
where the predicate asks each item. Lists of tags are compared item by item in both.
"""

from __future__ import annotations

import json
import sys
from typing import Any, TypeAlias

from digirm_runtime.query.values import TEXTS, Value, bindable, bindable_time, boolean, instant, number, plain
from digirm_runtime.query.values import LiteralError as LiteralError
from digirm_runtime.query.values import milliseconds as milliseconds
from digirm_runtime.text import time_text as time_text

#: What a column holds, and what a literal is bound as.
Form: TypeAlias = "str | int | float | None"


def stored_form(compares: str, value: Any) -> Form:
    """The comparable form of a stored JSON value; None where it is unset."""
    if value in (None, "", []):
        return None
    if compares == "number":
        found = number(value)
        return None if found is None else bindable(found)
    if compares == "timestamp":
        moment = instant(value)
        return None if moment is None else bindable_time(moment)
    if compares == "boolean":
        return boolean(value)
    if compares not in TEXTS:
        return json.dumps(value, sort_keys=True)
    items = map(plain, value if isinstance(value, list) else [value])
    texts = [text for item in items if item and (text := item.lstrip("/") if compares == "group" else item)]
    if not texts:
        return None
    listed = compares == "tags" or isinstance(value, list)
    return json.dumps(texts, ensure_ascii=False) if listed else texts[0]


def bound_form(kind: str, value: Value) -> Form:
    """The form of what a Comparison's field is compared with."""
    if isinstance(value, str):
        return value.casefold()
    if kind == "timestamp" and isinstance(value, int):
        return bindable_time(value)
    return bindable(value) if kind == "number" and value is not None else value


def after_prefix(prefix: str) -> str | None:
    """The first text behind all that begin with `prefix`, in the order of code points; None where there is none."""
    kept = prefix.rstrip(chr(sys.maxunicode))
    if not kept:
        return None
    following = ord(kept[-1]) + 1
    # No text holds half of a surrogate pair.
    return kept[:-1] + chr(0xE000 if following == 0xD800 else following)
