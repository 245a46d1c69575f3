"""Taking entries out of TOML files of every layout: the rest means what it meant, and is spelt as it was spelt."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digirm_codegen.toml_spans import Address, without

STRINGS = st.sampled_from(
    ['"a"', '""', '"]}, # \\" \\\\"', "'[{ \" #'", '"""x\n[[t]]\n# no """', '"""q"""""', "'''\\'''", "'''\n]\n'''"]
)
SCALARS = STRINGS | st.sampled_from(["1", "-2.5e3", "true", "inf", "2020-01-01", "2020-01-01 10:00:00Z", "0xff"])
KEYS = st.sampled_from(["a", "b-1", '"c d"', "'e.f'", '"g\\"]"', "h . i"])
GAPS = st.sampled_from(["", " ", "\n", "\n  # of what follows, ]\n  ", " # of what stands before\n"])
NEXT = st.sampled_from([",", ", ", ",\n", ",\n    ", ", # c\n    ", "\n, "])
END = st.sampled_from(["", " ", ",", ",\n", "\n", ", # c\n", " # c\n"])


@st.composite
def values(draw: st.DrawFn, depth: int = 2) -> str:
    """A value in some layout."""
    kind = draw(st.sampled_from(["scalar", "array", "table"] if depth else ["scalar"]))
    if kind == "scalar":
        return draw(SCALARS)
    if kind == "table":
        keys = draw(st.lists(KEYS, unique=True, max_size=3))
        return "{" + ", ".join(f" {key} = {draw(values(depth - 1))}" for key in keys) + " }"
    items = draw(st.lists(values(depth - 1), max_size=4))
    text = "[" + draw(GAPS)
    for i, item in enumerate(items):
        text += item + draw(END if i == len(items) - 1 else NEXT)
    return text + "]"


@st.composite
def files(draw: st.DrawFn) -> str:
    """A file with tables, arrays of tables, tables below those, comments and blank lines."""
    headers = ["", "[t]", "[[u]]", "[[u]]", '[u."x y"]', "[[u.v]]", "[[u.v]]", "[t.w]", "[[u]]"]
    text = ""
    for header in draw(st.sampled_from([headers, headers[:3], headers[:1]])):
        text += draw(st.sampled_from(["", "\n", "# of what follows\n", "\n# ----\n\n"]))
        text += f"{header}{draw(st.sampled_from(['', '  # c']))}\n" if header else ""
        for key in draw(st.lists(KEYS, unique=True, max_size=3)):
            text += f"{key} = {draw(values())}{draw(st.sampled_from(['', ' # c']))}\n"
    return text + draw(st.sampled_from(["", "\n\n", "# The end."]))


def addresses(data: Any, above: Address = ()) -> Iterator[Address]:
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield (*above, key)
        yield from addresses(value, (*above, key))


def kept(data: Any, gone: set[Address], above: Address = ()) -> Any:
    """`data` without what is at `gone`, and without what is or becomes empty."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else None
    if items is None:
        return str(data)
    left = [(key, kept(value, gone, (*above, key))) for key, value in items if (*above, key) not in gone]
    left = [(key, value) for key, value in left if value not in ([], {})]
    return dict(left) if isinstance(data, dict) else [value for _, value in left]


@settings(max_examples=50)
@given(files(), st.data())
def test_what_is_left_means_what_it_meant(text: str, data: st.DataObject) -> None:
    known = tomllib.loads(text)
    assert without(text, ()) == text
    found = list(addresses(known))
    gone = set(data.draw(st.lists(st.sampled_from(found), max_size=4))) if found else set()
    result = without(text, gone)
    assert kept(tomllib.loads(result), set()) == kept(known, gone)
    # Nothing is written anew: what is left is the file with pieces cut out.
    position = 0
    for char in result.rstrip("\n"):
        position = text.index(char, position) + 1


@pytest.mark.parametrize(
    ("text", "gone", "left"),
    [
        ('a = ["x", "y"] # c\n', ("a", 0), 'a = ["y"] # c\n'),
        ('a = ["x", "y"]', ("a", 1), 'a = ["x"]'),
        ('a = ["x"]', ("a", 0), "a = []"),
        ('a = [\n  "x", # of x\n  "y",\n]\n', ("a", 0), 'a = [\n  "y",\n]\n'),
        ('a = [\n  "x",\n  # of y\n  "y"\n]\n', ("a", 1), 'a = [\n  "x",\n  # of y\n]\n'),
        ("a = { b = 1, c = 2 }\n", ("a", "b"), "a = { c = 2 }\n"),
        ("a = { b = 1, c = 2 }\n", ("a", "c"), "a = { b = 1 }\n"),
        ("a = 1\nb = 2 # c\n\n# d\nc = 3\n", ("b",), "a = 1\n\n# d\nc = 3\n"),
        ("[[a]]\nb = 1\n\n# Of the next.\n[[a]]\nb = 2\n", ("a", 0), "# Of the next.\n[[a]]\nb = 2\n"),
        ("[[a]]\nb = 1\n\n[[a]]\nb = 2\n", ("a", 1), "[[a]]\nb = 1\n"),
        ("[a]\nb = 1\n[a.c]\nd = 1\n[e]\n", ("a",), "[e]\n"),
        ("[[a]]\n[a.c]\nd = 1\n[[a]]\n[a.c]\nd = 2\n", ("a", 0, "c"), "[[a]]\n[[a]]\n[a.c]\nd = 2\n"),
        ("a.b = 1\na.c = 2\n", ("a", "b"), "a.c = 2\n"),
        ("a = 1\r\nb = 2\r\n\r\n[c]\r\n", ("b",), "a = 1\r\n\r\n[c]\r\n"),
    ],
)
def test_the_layout_is_what_a_person_would_leave(text: str, gone: Address, left: str) -> None:
    assert without(text, [gone]) == left
