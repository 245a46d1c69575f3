"""Values for the cells of a CSV, by what the spec says of its columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isinf
from typing import TYPE_CHECKING, Any, TypeAlias

from digirm_runtime.errors import QueryError
from digirm_runtime.query.selectable import beside
from digirm_runtime.query.values import boolean, number
from digirm_runtime.text import parse_time

if TYPE_CHECKING:
    from datetime import datetime

    from digirm_runtime.operation import Endpoint
    from digirm_runtime.query.language import Language

#: Makes a value of a cell that is not empty; gives back one that does not fit as it is.
Reader: TypeAlias = Callable[[str], Any]


def readers(language: Language, endpoint: Endpoint) -> Mapping[str, Reader]:
    """Column → reader for those columns of a bulk operation that hold numbers, times or truth values.

    A column is what the query field of its name is: of the operation itself, else of those beside it that answer the
    same as JSON. How a field of a type is compared says what its values are (`Language.kinds`).
    """
    kinds: dict[str, str] = {}
    for path in (*beside(endpoint.listed), endpoint.listed):
        try:
            kinds |= language.kinds(f"{endpoint.method} {path}")
        except QueryError:  # the spec has no such endpoint
            continue
    return {name: _READERS[kind] for name, kind in kinds.items() if kind in _READERS}


def _number(cell: str) -> int | float | str:
    found = number(cell)
    return cell if found is None or isinf(found) else found


def _time(cell: str) -> datetime | str:
    try:
        return parse_time(cell)
    except ValueError:
        return cell


def _truth(cell: str) -> bool | str:
    found = boolean(cell)
    return cell if found is None else found


_READERS: dict[str, Reader] = {"number": _number, "timestamp": _time, "boolean": _truth}
