"""`digirm check`: validate queries offline."""

from __future__ import annotations

import argparse
import errno
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from digirm_cli.common import FINDINGS, FINE, fail

if TYPE_CHECKING:
    from digirm_runtime.query.diagnostics import Diagnostic, Report
    from digirm_runtime.query.language import Language


class Source(NamedTuple):
    """A query and where it came from; `line` is 0 for the command line."""

    text: str
    file: str = ""
    line: int = 0


def register(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "check",
        help="validate queries offline",
        description="Validate queries without a connection. Without --endpoint only their syntax is checked.",
        epilog="Exit codes: 0 all queries are fine (warnings alone are), 1 one is not, 2 the check could not run.",
    )
    parser.add_argument("queries", nargs="*", metavar="QUERY", help="a query; - reads standard input, one a line")
    parser.add_argument("--endpoint", metavar="E", help="what the queries are for, such as devices/inventory")
    parser.add_argument("--specs", metavar="DIR", help="judge by this spec folder (default: the installed client's)")
    parser.add_argument("--strict", action="store_true", help="names that a reconstructed spec lacks are errors")
    parser.add_argument("--format", choices=("text", "json", "github"), default="text", help="default: text")
    parser.add_argument(
        "--file",
        action="append",
        default=[],
        metavar="F",
        help="queries in a file, one a line; empty lines and lines that begin with # are skipped",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0: every query is fine; 1: one is not; 2: nothing to check, or a file that cannot be read."""
    if not args.queries and not args.file:
        return fail("no query given: digirm check [--endpoint E] QUERY ...")
    try:
        sources = list(_sources(args.queries, args.file))
    except OSError as error:
        return fail(f"cannot read {error.filename or 'standard input'}: {error.strerror}")
    except UnicodeDecodeError:
        return fail("the queries are not UTF-8 text")
    language = _language(args.specs)
    good = 0
    for source in sources:
        report = language.check(args.endpoint, source.text, strict=args.strict)
        good += report.ok
        for line in _SHOW[args.format](source, report):
            print(line)
    if args.format == "text":
        # Through a pipe the lines would otherwise come after their summary.
        sys.stdout.flush()
        what = "1 query" if len(sources) == 1 else f"{len(sources)} queries"
        print(f"{what}, {len(sources) - good} with errors; judged by {language.info}", file=sys.stderr)
    return FINE if good == len(sources) else FINDINGS


def _language(specs: str | None) -> Language:
    from digirm_runtime.query.language import Language

    if specs is not None:
        from digirm_runtime.spec import load

        return Language.from_spec(load(specs))
    from importlib.util import find_spec

    from digirm_runtime.errors import SpecError

    found = find_spec("digirm")
    folders = list(found.submodule_search_locations or ()) if found else []
    if not folders:
        raise SpecError("no generated client is installed; name a spec folder with --specs")
    return Language.from_folder(Path(folders[0]) / "query")


def _sources(queries: list[str], files: list[str]) -> Iterator[Source]:
    for query in queries:
        if query == "-":
            yield from _lines(_stdin(), "<stdin>")
        else:
            yield Source(query)
    for file in files:
        yield from _lines(_stdin() if file == "-" else Path(file).read_bytes().decode("utf-8-sig"), file)


def _stdin() -> str:
    if sys.stdin is None:  # as it is where the process was started with it closed
        raise OSError(errno.EBADF, "it is closed")
    # Bytes, because the terminal's encoding says nothing of a file's.
    return sys.stdin.buffer.read().decode("utf-8-sig")


def _lines(text: str, file: str) -> Iterator[Source]:
    # Not splitlines(): a query may hold characters that it takes for line ends.
    for number, line in enumerate(text.split("\n"), 1):
        query = line.removesuffix("\r")
        if query.strip() and not query.lstrip().startswith("#"):
            yield Source(query, file, number)


def _as_text(source: Source, report: Report) -> Iterator[str]:
    where = f"{source.file}:{source.line}: " if source.line else ""
    if report.ok:
        yield f"{where}ok  {_plain(report.canonical or '')}"
    elif where:
        yield f"{where}faulty"
    if report.diagnostics:
        yield str(report)


def _as_json(source: Source, report: Report) -> Iterator[str]:
    import json

    place = {"file": source.file, "line": source.line} if source.line else {}
    yield json.dumps({**report.to_dict(), **place})


def _as_github(source: Source, report: Report) -> Iterator[str]:
    """Workflow commands, which the service shows beside the line."""
    for found in report.diagnostics:
        properties = {"title": found.code}
        if source.line and found.parameter == "query":
            columns = {"col": str(found.start + 1), "endColumn": str(max(found.end, found.start + 1))}
            properties |= {"file": source.file, "line": str(source.line), **columns}
        pairs = ",".join(f"{name}={_escaped(value, ':,')}" for name, value in properties.items())
        yield f"::{found.severity} {pairs}::{_escaped(_message(found, report))}"


def _message(found: Diagnostic, report: Report) -> str:
    hint = "" if found.suggestion is None else f" (did you mean {found.suggestion}?)"
    return f"{found.message}{hint}; judged by {report.spec}"


def _escaped(text: str, more: str = "") -> str:
    """Text that cannot end a workflow command, nor begin another."""
    for char in "%\r\n" + more:
        text = text.replace(char, f"%{ord(char):02X}")
    return text


def _plain(text: str) -> str:
    return "".join(char if char.isprintable() else "�" for char in text)


_SHOW = {"text": _as_text, "json": _as_json, "github": _as_github}
