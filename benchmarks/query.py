"""Checking a query offline, against parsers of equivalent filters and a bare scan by the lexer's expression."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version
from itertools import cycle, islice, product
from pathlib import Path

from benchmarks.harness import Row, over_bare, paired
from digirm._package import PACKAGE
from digirm.query import check_query

ENDPOINT = "devices/inventory"
#: One query of four conditions in each language, with places for new values.
OURS = (
    "connection_status = 'connected' and last_update > -{n}d and (ip startsWith '10.20.{n}.' or name contains 'x{n}')"
)
ODATA = (
    "connection_status eq 'connected' and last_update gt {n} and (startswith(ip,'10.20.{n}.') or contains(name,'x{n}'))"
)
LUQUM = "connection_status:connected AND last_update:[{n} TO *] AND (ip:10.20.{n}.* OR name:*x{n}*)"
SQL = "connection_status = 'connected' and last_update > {n} and (ip like '10.20.{n}.%' or name like '%x{n}%')"
_checked = partial(check_query, ENDPOINT)
#: Queries in one measurement.
COUNT = 2000
#: Where `make bench` puts the compiled sqlglot, beside the pure one of the environment.
COMPILED = Path(sys.prefix) / "sqlglot-compiled"


def rows(rounds: int) -> list[Row]:
    """A shape that was seen and one that was not, against each peer; the first check of a process."""
    return [*_parsers(rounds), *_scan(rounds), *_compiled(rounds), *_first(rounds)]


def _parsers(rounds: int) -> Iterator[Row]:
    assert check_query(ENDPOINT, OURS.format(n=1)).ok
    seen, unseen = _each(OURS, _checked), _each_shape(_parsed)
    peers = {
        f"odata-query {version('odata-query')}": _each(ODATA, _odata_query()),
        f"luqum {version('luqum')}": _each(LUQUM, _luqum()),
        f"sqlglot {version('sqlglot')}": _each(SQL, _sqlglot()),
    }
    for name, peer in peers.items():
        yield Row("check, shape seen before", name, paired(seen, peer, rounds), 1 / 20)
    for name, peer in peers.items():
        yield Row("check, shape never seen, with AST", name, paired(unseen, peer, rounds), 1 / 4)


def _parsed(text: str) -> None:
    check_query(ENDPOINT, text).query  # noqa: B018 - the AST is made when it is asked for


def _odata_query() -> Callable[[str], object]:
    from odata_query.grammar import ODataLexer, ODataParser

    lexer, parser = ODataLexer(), ODataParser()
    return lambda text: parser.parse(lexer.tokenize(text))


def _luqum() -> Callable[[str], object]:
    from luqum.parser import parser

    return parser.parse


def _sqlglot() -> Callable[[str], object]:
    from sqlglot import parse_one

    return parse_one


def _scan(rounds: int) -> Iterator[Row]:
    # Without groups, of which findall would make a tuple for each match: as bare as a scan gets.
    bare = re.compile(re.sub(r"\(\?P<\w+>", "(?:", PACKAGE.language.parser.lexer.pattern.pattern)).findall
    pairs = paired(_each(OURS, _checked), _each(OURS, bare), rounds)
    yield Row("check, shape seen before", "`findall` with the token expression, its groups left out", pairs, 1.8)


def _compiled(rounds: int) -> Iterator[Row]:
    if not COMPILED.is_dir():
        return
    command = [sys.executable, "-c", f"from benchmarks.query import compiled; compiled({rounds})"]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    for what, name, pairs in json.loads(out):
        yield Row(what, name, [(a, b) for a, b in pairs])


FIRST = f"from digirm import check_query\nassert check_query({ENDPOINT!r}, {OURS.format(n=1)!r}).ok"
GRAMMAR = "from lark import Lark\nLark(open({!r}, encoding='utf-8').read(), parser='lalr')"


def _first(rounds: int) -> Iterator[Row]:
    import digirm

    file = str(Path(digirm.__file__).parent / "query" / "grammar.lark")

    pairs = paired(lambda: over_bare(FIRST), lambda: over_bare(GRAMMAR.format(file)), rounds)
    yield Row("first check of a process", "`import lark`, then the same grammar from its text", pairs, 0.3)


def compiled(rounds: int) -> None:
    """In a process of its own: print the rows against the compiled sqlglot as JSON."""
    sys.path.insert(0, str(COMPILED))
    peer = _each(SQL, _sqlglot())
    from sqlglot import parser

    assert not parser.__file__.endswith(".py"), "this is the pure one"
    name = f"sqlglot[c] {version('sqlglot')}"
    found = [
        ("check, shape seen before", name, paired(_each(OURS, _checked), peer, rounds)),
        ("check, shape never seen, with AST", name, paired(_each_shape(_parsed), peer, rounds)),
    ]
    print(json.dumps(found))


def _each(template: str, use: Callable[[str], object]) -> Callable[[], float]:
    """Seconds for one text, of many that differ in their values."""
    texts = cycle([template.format(n=n) for n in range(10, 10 + COUNT)])

    def measure() -> float:
        batch = [next(texts) for _ in range(COUNT)]
        started = time.perf_counter()
        for text in batch:
            use(text)
        return (time.perf_counter() - started) / COUNT

    return measure


def _each_shape(use: Callable[[str], object]) -> Callable[[], float]:
    """Seconds for one text, of many with other fields, operators and connectives, never twice the same."""
    kinds = PACKAGE.language.kinds(ENDPOINT)
    text = [name for name in kinds if not check_query(ENDPOINT, f"{name} contains 'x'").diagnostics]
    times = [name for name in kinds if kinds[name] == "timestamp"]
    places = product(text, ("=", "<>", "contains", "startsWith"), times, ("and", "or"), text, ("and", "or"), text)

    def measure() -> float:
        batch = [
            f"{a} {op} 'connected' {one} {moment} > -7d and ({b} startsWith '10.20.7.' {other} {c} contains 'x7')"
            for a, op, moment, one, b, other, c in islice(places, COUNT)
        ]
        assert not check_query(ENDPOINT, batch[0]).diagnostics
        started = time.perf_counter()
        for one in batch:
            use(one)
        return (time.perf_counter() - started) / COUNT

    return measure
