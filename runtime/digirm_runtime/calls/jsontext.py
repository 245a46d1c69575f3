"""JSON as text that people read and terminals are safe from, and as a Python value where nothing is lost."""

from __future__ import annotations

import json
from typing import Any, NoReturn

#: What bodies are laid out with.
_LAYOUT = str.maketrans("", "", "\t\n\r")
#: Python reads no literal of 200 brackets within each other.
_DEEPEST = 100
#: The whole numbers that a client encodes.
_NUMBERS = range(-(2**63), 2**64)


def parse(text: str | bytes) -> Any:
    """JSON as the standard has it. Raises ValueError, also for NaN and for what is nested too deep."""
    return _parse(text)


def spell(value: Any, indent: int | None = None) -> str:
    """JSON in which people can read their letters, and whatever is not printable is escaped."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    if all(line.isprintable() for line in text.split("\n")):
        return text
    return json.dumps(value, indent=indent)


def shown(text: str) -> str | None:
    """A body's text without anything that could move a cursor; None where it cannot be had so.

    It stays as it was typed, but for JSON's own escapes of what is not printable.
    """
    if _is_plain(text):
        return text
    try:
        parse(text)
    except ValueError:
        return None
    # Where JSON can be read, such characters stand in its strings.
    return text.translate({ord(char): json.dumps(char)[1:-1] for char in set(text) if not _is_plain(char)})


def literal(text: str) -> dict[str, Any] | list[Any] | None:
    """The object or array that a text is; None where it is none, or where a Python value would say something else."""
    try:
        value = _parse(text, object_pairs_hook=_pairs, parse_float=_float, parse_int=_int)
        # Half of a surrogate pair has no bytes.
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict | list) and _is_flat(value, _DEEPEST) else None


def _parse(text: str | bytes, **hooks: Any) -> Any:
    def refuse(name: str) -> NoReturn:
        raise ValueError(f"{name} is no JSON")

    try:
        return json.loads(text, parse_constant=refuse, **hooks)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def _is_plain(text: str) -> bool:
    return text.translate(_LAYOUT).isprintable()


def _pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(items)
    if len(found) < len(items):
        raise ValueError("a name is there twice")
    return found


def _float(digits: str) -> float:
    from decimal import Decimal

    value = float(digits)
    if Decimal(repr(value)) != Decimal(digits):
        raise ValueError("more digits than a float has")
    return value


def _int(digits: str) -> int:
    value = int(digits)
    if value not in _NUMBERS:
        raise ValueError("too large a number")
    return value


def _is_flat(value: Any, left: int) -> bool:
    if not isinstance(value, dict | list):
        return True
    inner = value.values() if isinstance(value, dict) else value
    return left > 0 and all(_is_flat(one, left - 1) for one in inner)
