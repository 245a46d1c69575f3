"""The one AST of the query language: hashable, comparable, picklable nodes.

Spans (0-based, half-open offsets into the text a node came from) take no part in equality or hash, so a node that was
built equals a node that was parsed. `And` and `Or` are n-ary and flatten, so chains never nest. Nothing here recurses,
so a tree of any depth can be compared, hashed, pickled and shown.
"""

from __future__ import annotations

from collections.abc import Iterable

TYPE_CHECKING = False  # not from `typing`: a process whose queries are fine never imports it
if TYPE_CHECKING:
    from typing import Any, NoReturn, TypeAlias

#: Offsets of a condition's field, operator and value: (start, end) of each, flattened.
Spans: TypeAlias = tuple[int, int, int, int, int, int]


class _Frozen:
    """Base of what cannot be changed, so that it may be hashed and shared."""

    __slots__ = ()

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} cannot be changed", name=name, obj=self)

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} cannot be changed", name=name, obj=self)


class Node(_Frozen):
    """Base of the nodes that have a truth value: they combine with `&`, `|` and `~`."""

    __slots__ = ()

    def __and__(self, other: Expr) -> Expr:
        return And((_expr(self), other)) if isinstance(other, Node) else NotImplemented

    def __or__(self, other: Expr) -> Expr:
        return Or((_expr(self), other)) if isinstance(other, Node) else NotImplemented

    def __invert__(self) -> Expr:
        return Not(_expr(self))

    def __bool__(self) -> NoReturn:
        raise TypeError(
            "a query has no truth value of its own: combine conditions with & | ~ (each in parentheses), "
            "not with 'and', 'or', 'not' or a chained comparison"
        )

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, Node) and type(self) is type(other) and _key(_expr(self)) == _key(_expr(other))

    def __hash__(self) -> int:
        return hash(tuple(_key(_expr(self))))

    def __str__(self) -> str:
        from digirm_runtime.query.printer import print_expr

        return print_expr(_expr(self))

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self}>"

    def __reduce__(self) -> tuple[Any, ...]:
        # Flat, because pickle recurses.
        return _rebuild, (_key(_expr(self), spans=True),)


def _expr(node: Node) -> Expr:
    """A node as one of the four that there are."""
    return node  # type: ignore[return-value]  # pyright: ignore[reportReturnType]


class Literal(_Frozen):
    """A value as written.

    `kind` is one of `text`, `number`, `relative`, `empty`, `boolean`, `area`; `text` is the spelling, for `text`
    without the quotes and with `''` undone, for all others as written (`0x10` stays `0x10`).
    """

    __slots__ = ("kind", "text")
    kind: str
    text: str

    def __init__(self, kind: str, text: str) -> None:
        _set_kind(self, kind)
        _set_text(self, text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Literal) and self.kind == other.kind and self.text == other.text

    def __hash__(self) -> int:
        return hash((self.kind, self.text))

    def __repr__(self) -> str:
        return f"Literal({self.kind!r}, {self.text!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.kind, self.text)


# How slots are set from within: quicker than object.__setattr__.
_set_kind, _set_text = (Literal.__dict__[name].__set__ for name in ("kind", "text"))


def read_literal(kind: str, text: str) -> Literal:
    """A literal from its spelling in a query."""
    return Literal(kind, text[1:-1].replace("''", "'") if kind == "text" else text)


class Condition(Node):
    """`field operator value`; `operator` in the spelling of the spec (`startsWith`)."""

    __slots__ = ("field", "operator", "spans", "value")
    field: str
    operator: str
    value: Literal
    spans: Spans | None

    def __init__(self, field: str, operator: str, value: Literal, spans: Spans | None = None) -> None:
        _set_field(self, field)
        _set_operator(self, operator)
        _set_value(self, value)
        _set_spans(self, spans)


_set_field, _set_operator, _set_value, _set_spans = (
    Condition.__dict__[name].__set__ for name in ("field", "operator", "value", "spans")
)


class Not(Node):
    """`not item`."""

    __slots__ = ("item",)
    item: Expr

    def __init__(self, item: Expr) -> None:
        _set_item(self, item)


_set_item = Not.__dict__["item"].__set__


class _Chain(Node):
    """Two or more items joined by one connective."""

    __slots__ = ("items",)
    items: tuple[Expr, ...]

    def __init__(self, items: Iterable[Expr]) -> None:
        flat: list[Expr] = []
        for item in items:
            if isinstance(item, _Chain) and type(item) is type(self):
                flat.extend(item.items)
            else:
                flat.append(item)
        if len(flat) < 2:
            raise ValueError(f"{type(self).__name__} needs two items or more")
        _set_items(self, tuple(flat))


_set_items = _Chain.__dict__["items"].__set__


class And(_Chain):
    """All items hold."""

    __slots__ = ()


class Or(_Chain):
    """One item holds at least."""

    __slots__ = ()


Expr: TypeAlias = Condition | Not | And | Or


def conditions(expr: Expr) -> Iterable[Condition]:
    """The conditions of an expression, from left to right."""
    stack: list[Expr] = [expr]
    while stack:
        node = stack.pop()
        if isinstance(node, Condition):
            yield node
        elif isinstance(node, Not):
            stack.append(node.item)
        else:
            stack.extend(reversed(node.items))


def _key(expr: Expr, *, spans: bool = False) -> list[tuple[Any, ...]]:
    """The tree from its root as a flat list, which determines it."""
    key: list[tuple[Any, ...]] = []
    stack: list[Expr] = [expr]
    while stack:
        node = stack.pop()
        if isinstance(node, Condition):
            entry = (node.field, node.operator, node.value.kind, node.value.text)
            key.append((*entry, node.spans) if spans else entry)
        elif isinstance(node, Not):
            key.append(("not",))
            stack.append(node.item)
        else:
            key.append(("and" if isinstance(node, And) else "or", len(node.items)))
            stack.extend(reversed(node.items))
    return key


def _rebuild(key: list[tuple[Any, ...]]) -> Expr:
    done: list[Expr] = []
    for entry in reversed(key):
        if len(entry) == 1:
            done.append(Not(done.pop()))
        elif len(entry) == 2:
            items = [done.pop() for _ in range(entry[1])]
            done.append(And(items) if entry[0] == "and" else Or(items))
        else:
            field, operator, kind, text, spans = entry
            done.append(Condition(field, operator, Literal(kind, text), spans))
    return done[0]
