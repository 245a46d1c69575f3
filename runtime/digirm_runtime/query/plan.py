"""Which class a field of a given type and operator set gets: the one rule that generated and dynamic fields follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from digirm_runtime.query.tables import forms_of

#: Wire operator -> base class of `builder`, and the class attribute that holds its spelling where there are two.
_BASES = {
    "=": ("Equal", "_equal"),
    "==": ("Equal", "_equal"),
    "<>": ("NotEqual", "_unequal"),
    "!=": ("NotEqual", "_unequal"),
    "<": ("Less", ""),
    "<=": ("LessEqual", ""),
    ">": ("Greater", ""),
    ">=": ("GreaterEqual", ""),
}
#: Base class of `builder` -> the operator of Python that it stands for.
COMPARISONS = {
    "Equal": "==",
    "NotEqual": "!=",
    "Less": "<",
    "LessEqual": "<=",
    "Greater": ">",
    "GreaterEqual": ">=",
}
_DEFAULT = ("=", "<>", "<", "<=", ">", ">=")
_VALUES = {
    "text": "TextValue",
    "timestamp": "TimeValue",
    "relative": "TimeValue",
    "number": "NumberValue",
    "boolean": "BooleanValue",
    "area": "AreaValue",
}


class Plan(NamedTuple):
    """A field class: all names are those of `digirm_runtime.query.builder`, all spellings those of the spec.

    `bases`: (base class, value type); `spellings`: class attribute -> operator, where it is not the base's own;
    `words`: (method, operator, value type); `signs`: operators for `Signs.op`, whose base is then among `bases`.
    """

    bases: tuple[tuple[str, str], ...]
    spellings: tuple[tuple[str, str], ...]
    words: tuple[tuple[str, str, str], ...]
    signs: tuple[str, ...]


def plan(type_: str, operators: Sequence[str], tables: Mapping[str, Any]) -> Plan:
    """The class for a type and its operators, by the tables of a language."""
    from digirm_runtime.naming import settle, snake

    bases: dict[str, str] = {}
    spellings: dict[str, str] = {}
    signs: list[str] = []
    words: list[str] = []
    # The defaults come first, so that `==` stands for Python's only where there is no `=`.
    for operator in sorted(operators, key=lambda op: op not in _DEFAULT):
        base, attribute = _BASES.get(operator, ("", ""))
        if base and base not in bases:
            bases[base] = _value(type_, operator, tables)
            if operator not in _DEFAULT:
                spellings[attribute] = operator
        elif operator[0].isalpha() or operator[0] == "_":
            words.append(operator)
        else:
            signs.append(operator)
    if signs:
        bases["Signs"] = _value(type_, signs[0], tables)
    wanted = {operator: snake(operator) or "op" for operator in words}
    names = settle(wanted, reserved=("op",))
    return Plan(
        tuple(bases.items()),
        tuple(spellings.items()),
        tuple((names[operator], operator, _value(type_, operator, tables)) for operator in words),
        tuple(signs),
    )


def _value(type_: str, operator: str, tables: Mapping[str, Any]) -> str:
    forms = forms_of(tables, operator, type_)
    kinds = dict.fromkeys(_VALUES.get(form, "AnyValue") for form in forms or ())
    return next(iter(kinds)) if len(kinds) == 1 else "AnyValue"
