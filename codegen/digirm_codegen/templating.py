"""The Jinja environment of the generator, in which a value can only be printed as code that was made for it.

Text of a spec is untrusted. A template may print `Code` alone, and only the filters here make it: a literal, an
identifier or the inside of a docstring. Anything else raises, so that a forgotten filter is a fault of the generator
and never a hole in its output.
"""

from __future__ import annotations

import keyword
import textwrap
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

WIDTH = 120


class Code(str):
    """Text that is safe to stand in Python source where its filter was used."""

    __slots__ = ()


def literal(value: object) -> Code:
    """A Python literal in pure ASCII, with double quotes where that needs no escape."""
    if isinstance(value, str):
        text = ascii(value)
        return Code(f'"{text[1:-1]}"' if text[0] == "'" and '"' not in text and "\\'" not in text else text)
    if value is None or isinstance(value, bool | int):
        return Code(repr(value))
    if isinstance(value, tuple | list):
        inner = ", ".join(literal(item) for item in value)
        return Code(f"({inner}{',' if len(value) == 1 else ''})" if isinstance(value, tuple) else f"[{inner}]")
    if isinstance(value, dict):
        return Code("{" + ", ".join(f"{literal(key)}: {literal(item)}" for key, item in value.items()) + "}")
    raise TypeError(f"no literal for {type(value).__name__}")


def name(value: str) -> Code:
    """An identifier that `digirm_runtime.naming` made; raises ValueError for anything else."""
    if not value.isascii() or not value.isidentifier() or keyword.iskeyword(value):
        raise ValueError(f"{value!a} is no Python name")
    return Code(value)


def part(value: str) -> Code:
    """Part of an identifier, which may be a keyword as long as something stands beside it."""
    if not value.isascii() or not value.isidentifier():
        raise ValueError(f"{value!a} is no part of a Python name")
    return Code(value)


def doc(text: str) -> Code:
    """Text inside a docstring, on one line: nothing in it ends the docstring or is invisible."""
    return Code("".join(map(_doc_char, " ".join(text.split()))))


def _doc_char(char: str) -> str:
    if char in '\\"':
        return "\\" + char
    return char if char.isascii() and char.isprintable() else "\\" + ascii(char)[1:-1]


def docstring(paragraphs: list[str], indent: int) -> Code:
    """The inside of a docstring: `doc` paragraphs wrapped at the line length, the closing quotes on their own line."""
    wrapped = [
        textwrap.wrap(doc(text), WIDTH - indent - 3, break_long_words=False, break_on_hyphens=False)
        for text in paragraphs
    ]
    margin = "\n" + " " * indent
    text = ("\n" + margin).join(margin.join(lines) for lines in wrapped)
    return Code(text + margin if "\n" in text else text)


def fitted(left: str, parts: list[Code], right: str, *, indent: int) -> Code:
    """A bracketed list on one line where it fits, else one part per line."""
    line = f"{left}{', '.join(parts)}{right}"
    if indent + len(line) <= WIDTH and "\n" not in line:
        return Code(line)
    margin = " " * indent
    return Code("\n".join([left, *(f"{margin}    {part}," for part in parts), margin + right]))


def _printable(value: Any) -> Any:
    if not isinstance(value, Code):
        raise TypeError(f"a template prints {type(value).__name__} {value!r}, which no filter made safe")
    return value


@cache
def environment() -> Environment:
    """The environment with the package's templates."""
    # What is made is Python, not HTML; `_printable` is the guard that autoescape would be.
    env = Environment(  # noqa: S701
        loader=PackageLoader("digirm_codegen"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_printable,
    )
    env.filters.update(literal=literal, name=name, part=part, doc=doc, docstring=docstring)
    return env


def render(template: str, **values: object) -> str:
    """A template filled in. Raises TypeError or ValueError where it would print what was not made safe."""
    return environment().get_template(template).render(values)
