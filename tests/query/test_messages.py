"""messages.txt: every diagnostic as people see it, and the proof that no wording is left out.

`UPDATE_MESSAGES=1 pytest tests/query/test_messages.py` writes the file anew; then read what changed.
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from digirm_runtime.query import server
from digirm_runtime.query.language import Language
from tests.query.notation import unfold
from tests.query.query_api import example, odd, reconstructed_with_certainty
from tests.query.test_columns import listed
from tests.query.test_documentation import LANGUAGE

SNAPSHOT = Path(__file__).with_name("messages.txt")
SOURCE = Path(__file__).parents[2] / "runtime/digirm_runtime/query"

#: What is asked of each language: a query, or another parameter as `name: text`, or what the service answered
#: to a query behind it; in the notation of `unfold`.
QUERIES = r"""
{3* }
name = 'x
name = 'x and ip = 'y'
name = 'x and ip = y
name = Fred 'x
name = x' and id = 1
(id = 1 or (id = 2)
id in (1, 2
id = 1)
and id = 1
id = 1 and
() or id = 1
id = 1 name = 'x'
name = foo ip = bar
name
name 'x'
name ? 'x' ?
name =
= 'x'
name = 'x' or 'y'
name = Daffy Duck
name = Fred's
name = it's "x"
name = none
name = null
name = 1.2.3.4
id = 1e5
id = +5
id = 1and name = 'x'
last_update > now() - 1d
name = a 'b
name = "x"
name = "x
name = \u2018x\u2019
name = \u2018x
name = \u201cit's\u201d
name = 'Fred's'
name = 'Fred\'s'
id > = 3
id = = 3
name contains startsWith 'x'
{201*(}id = 1{201*)}
id = 1 2
id = 1;
id = 1 order by name
name = 'x'.
[id = 1 or name = 'x']
'x'
name%20=%20'x'
geoposition within (1, 2)
geoposition within [1, 2
name = ('x', 'y')
last_update > 1d
last_update > -1day
last_update > -1.5d
last_update > -2weeks
last_update > -1mo
last_update > -1dya
last_update > -1 d
last_update > - 1d
name\t= 'x'
name = 'x'and id = 1
name not contains 'x'
name contains not 'x'
id = 1 && name = 'x'
!name = 'x'
'name' = 'x'
{101*id = 1) or }id = 1
name = 'x' and\u00a0ip = 'y'
name = '\ud800'
nmae = 'x'
signal > 5
Name = 'x'
name like 'x'
name like '%x'
name is not 'x'
name is null
name in ('x', 'y')
name not in ('x', 'y')
id between 1 and 5
name does not contain 'x'
name sounds 'x'
id contains 10
größe = 1
5 < id
'x' = name
startsWith(name, 'x')
id = 'abc'
id = '10'
connection_status = 'conected'
last_update > '2024-01-31'
last_update > '2024-13-31T00:00:00Z'
last_update > 'yesterday'
last_update > '-1d'
last_update > 5
last_update > -1w
name contains empty
nmae == "x" and (id != 3 or
orderby: {1* }
orderby: name,
orderby: nmae
orderby: last_update
orderby: name descending
orderby: name desc first
orderby: name, id
orderby: -name
orderby: desc name
orderby: name\u00a0desc
orderby: \ud800
size: 0
size: 5000
size: 1,000
fields: id,,name
fields: id,id
fields: nmae
fields: id;name
endpoint: devices/inventry
endpoint: streams/nothing
id = 0x1F, answer: Invalid input 'x' (line 1, pos 7)
name = foo, answer: Invalid input 'f', expected text (line 1, pos 8)
"""


def _many_unknown() -> str:
    return " or ".join(f"unknown{number} = 1" for number in range(102))


def _many_columns() -> str:
    return "fields: " + ",".join(f"unknown{number}" for number in range(102))


def cases() -> list[tuple[str, Language, str | None, str]]:
    """(spec, language, endpoint, what is asked), for every one whose words differ."""
    live = [("live", LANGUAGE, "devices/inventory", line) for line in QUERIES.split("\n")[1:-1]]
    doubted = example("reconstructed")
    more = ["signal > 5", "Name = 'x'", "id contains 10", "id = 'abc'", "orderby: last_update", _many_unknown()]
    return [
        *live,
        ("live", LANGUAGE, "devices/inventory", _many_unknown()),
        ("live", LANGUAGE, "devices/summary", "orderby: id"),
        *(("reconstructed", doubted, "devices/inventory", line) for line in more),
        *(("reconstructed", doubted, "devices/inventory", line) for line in ("fields: signal,Name", _many_columns())),
        ("columns listed", listed(), "devices/bulk", "fields: id,signal"),
        ("vouched for", reconstructed_with_certainty(), "devices/inventory", "id contains 10"),
        ("odd", odd(), "devices/inventory", "empty = 'x'"),
        ("live", LANGUAGE, None, "anything == 1"),
    ]


def report(language: Language, endpoint: str | None, asked: str) -> str:
    query, _, answer = asked.partition(", answer: ")
    if answer:
        return str(server.read(answer, query, endpoint, language))
    name, _, text = asked.partition(": ")
    given: dict[str, Any] = {"endpoint": endpoint, "text": None}
    if name in ("orderby", "size", "fields", "endpoint"):
        given[name] = unfold(text)
    else:
        given["text"] = unfold(asked)
    return str(language.check(**given))


def test_every_message_is_as_it_was() -> None:
    shown = []
    for spec, language, endpoint, asked in cases():
        title = asked if len(asked) < 100 else f"{asked[:80]}..."
        lines = report(language, endpoint, asked).split("\n")[:-1]
        body = "\n".join(lines if len(lines) < 50 else lines[-3:])
        shown.append(f"# {spec}, {endpoint}: {title}\n{body}\n")
    text = "\n".join(shown)
    if os.environ.get("UPDATE_MESSAGES"):
        SNAPSHOT.write_text(text, "utf-8")
    assert SNAPSHOT.read_text("utf-8") == text


def _places() -> set[tuple[str, int]]:
    """Where the package makes a diagnostic: (file, first line of the call)."""
    found = set()
    for file in SOURCE.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and node.args and isinstance(code := node.args[0], ast.Constant):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                if name in ("add", "Diagnostic") and str(code.value).startswith("Q"):
                    found.add((str(file), node.lineno))
    return found


def test_every_place_that_says_something_is_in_the_snapshot() -> None:
    seen: set[tuple[str, int]] = set()

    def trace(frame: FrameType, _event: str, _argument: object) -> Callable[..., Any] | None:
        if not frame.f_code.co_filename.startswith(str(SOURCE)):
            return None
        seen.add((frame.f_code.co_filename, frame.f_lineno))
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        for _, language, endpoint, asked in cases():
            report(language, endpoint, asked)
    finally:
        sys.settrace(before)
    places = _places()
    assert len(places) > 60
    assert sorted(places - seen) == []
