"""How the service writes numbers and times, how the times of its answers are read, and text that is safe to show."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


def printable(text: str) -> str:
    """Anybody's text with escapes for what could move a cursor, end a line or change the direction of reading."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def number_text(value: int | float) -> str:
    """A number without an exponent. Raises ValueError for one that is not finite."""
    if isinstance(value, int):
        return str(int(value))
    if value - value != 0:
        raise ValueError(f"{value!r} is no number that can be sent")
    text = repr(float(value))
    if "e" in text:
        from decimal import Decimal

        text = format(Decimal(text), "f")
    return text


def time_text(value: datetime) -> str:
    """A time as UTC with milliseconds and `Z`. Raises ValueError without a time zone: it would be anyone's guess."""
    if value.utcoffset() is None:
        raise ValueError(f"{value!r} has no time zone; use datetime.now(UTC) or .astimezone()")
    from datetime import UTC

    return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def parse_time(value: str | int) -> datetime:
    """A time of an answer as an aware datetime in UTC.

    Text is ISO 8601 with a zone (`2021-02-18T21:01:39.607Z`, as the v1 API writes it; any offset, any number of
    fraction digits, of which six are kept) or, as the older API writes it, epoch milliseconds of at least 12 digits; an
    int is epoch milliseconds. Raises ValueError for anything else, a time without a zone included: it would be anyone's
    guess.
    """
    from datetime import UTC, datetime, timedelta

    try:
        if isinstance(value, int):
            return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=value)
        text = value.strip()
        # Fewer digits would be a date without its dashes to ISO 8601.
        if text.isascii() and text.isdecimal() and 12 <= len(text) <= 15:
            return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=int(text))
        time = datetime.fromisoformat(text)
        if time.tzinfo is not None:
            return time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{value!r:.60} is no time: the service writes 2021-02-18T21:01:39.607Z") from None
    raise ValueError(f"{text[:60]!r} has no time zone")
