"""How the service writes numbers and times: the same in queries and in parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


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
