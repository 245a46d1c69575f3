"""The one printer: an expression as query text that parses back to the same expression."""

from __future__ import annotations

from digirm_runtime.query.ast import And, Condition, Expr, Literal, Not, Or


def print_literal(value: Literal) -> str:
    """A literal as it is written in a query."""
    return print_text(value.text) if value.kind == "text" else value.text


def print_text(text: str) -> str:
    """Text as it is written in a query; quotes inside it are doubled, so that no text can end early."""
    return "'" + text.replace("'", "''") + "'"


def print_expr(expr: Expr) -> str:
    """The canonical text: one blank between words, and only the parentheses that the structure needs."""
    parts: list[str] = []
    stack: list[Expr | str] = [expr]
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            parts.append(node)
        elif isinstance(node, Condition):
            parts.append(f"{node.field} {node.operator} {print_literal(node.value)}")
        elif isinstance(node, Not):
            parts.append("not ")
            _push(stack, node.item, enclosed=isinstance(node.item, And | Or))
        else:
            joint, enclosing = (" and ", Or) if isinstance(node, And) else (" or ", type(None))
            for index in range(len(node.items) - 1, -1, -1):
                _push(stack, node.items[index], enclosed=isinstance(node.items[index], enclosing))
                if index:
                    stack.append(joint)
    return "".join(parts)


def _push(stack: list[Expr | str], item: Expr, *, enclosed: bool) -> None:
    if enclosed:
        stack += (")", item, "(")
    else:
        stack.append(item)
