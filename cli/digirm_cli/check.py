"""`digirm check`: validate queries offline."""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digirm_cli.common import FINDINGS, FINE, fail
from digirm_cli.queries import Line, UnreadableError, ensure_readable, from_arguments, from_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from digirm_runtime.query.diagnostics import Diagnostic
    from digirm_runtime.query.language import Language
    from digirm_runtime.query.report import Report

#: Queries between two signs of life on a terminal.
_STEP = 1000


def register(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "check",
        help="validate queries offline",
        description="Validate queries without a connection. Without an endpoint only their syntax is checked. In files "
        "and on standard input each line is a query; empty lines and lines that begin with # are skipped, and a line "
        "'# endpoint: devices/inventory' says what the queries after it are for.",
        epilog="Exit codes: 0 all queries are fine (warnings alone are; with --fix: once mended), 1 one is not, 2 the "
        "check could not run.",
    )
    parser.add_argument("queries", nargs="*", metavar="QUERY", help="a query; - reads standard input")
    parser.add_argument("--endpoint", metavar="E", help="what the queries are for, such as devices/inventory")
    parser.add_argument("--specs", metavar="DIR", help="judge by this spec folder (default: the installed client's)")
    parser.add_argument("--strict", action="store_true", help="names that a reconstructed spec lacks are errors")
    parser.add_argument("--format", choices=("text", "json", "github"), default="text", help="default: text")
    parser.add_argument("--file", action="append", default=[], metavar="F", help="queries in a file")
    parser.add_argument("--files", action="store_true", help="all arguments are files of queries, as hooks pass them")
    parser.add_argument(
        "--fix",
        action="store_true",
        help="print the queries, mended where the mend is certain; what was mended is said on standard error. With "
        "--format json each object has the mended query as 'fixed', null where it cannot be mended",
    )
    parser.add_argument(
        "--explain",
        action="store_true",
        help="say what each query means, in a sentence under it. With --format json each object has it as "
        "'explanation', null where the query cannot be read",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0: every query is fine; 1: one is not; 2: nothing to check, or a file that cannot be read."""
    files, queries = ([*args.file, *args.queries], []) if args.files else (args.file, args.queries)
    if not files and not queries:
        # A hook is called with the files that changed, and there may be none.
        return FINE if args.files else fail("no query given: digirm check [--endpoint E] QUERY ...")
    if args.fix and args.format == "github":
        return fail("--fix prints queries, not annotations: use it with --format text or json")
    if args.explain and (args.fix or args.format == "github"):
        return fail("--explain goes with --format text or json, and not with --fix, which prints queries alone")
    try:
        ensure_readable(files)
        lines = chain(from_arguments(queries, args.endpoint), from_files(files, args.endpoint))
        language = _language(args.specs)
        return _fix(language, lines, args) if args.fix else _check(language, lines, args)
    except UnreadableError as error:
        return fail(str(error))


def _check(language: Language, lines: Iterable[Line], args: argparse.Namespace) -> int:
    show = _explaining(args.format, language) if args.explain else _SHOW[args.format]
    total = bad = 0
    for line in _watched(lines):
        if line.query is not None:
            report = language.check(line.endpoint, line.query, strict=args.strict)
            total += 1
            bad += not report.ok
            for shown in show(line, report):
                print(shown)
    if args.format == "text":
        _summary(language, f"{_count(total)}, {bad} with errors")
    return FINDINGS if bad else FINE


def _fix(language: Language, lines: Iterable[Line], args: argparse.Namespace) -> int:
    from digirm_runtime.query.fix import fix

    if isinstance(sys.stdout, io.TextIOWrapper):
        # What is printed may replace the file that was read, whatever the terminal's encoding.
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape", newline="\n")
    as_json = args.format == "json"
    total = mended = bad = 0
    for line in _watched(lines):
        if line.query is None:
            if not as_json:
                sys.stdout.write(line.begin + line.other + line.end)
            continue
        fixed = fix(language, line.endpoint, line.query, strict=args.strict)
        total += 1
        mended += bool(fixed.mended)
        bad += not fixed.report.ok
        if as_json:
            print(json.dumps({**_row(line, fixed.given), "fixed": fixed.text if fixed.report.ok else None}))
            continue
        sys.stdout.write(line.begin + fixed.text + line.end)
        for text, times in Counter(f"{found.code}: {found.message}" for found in fixed.mended).items():
            _say(f"{line.where}mended {text}{f' ({times} times)' if times > 1 else ''}")
        if fixed.report.diagnostics:
            verdict = "left" if fixed.report.ok else "not mended"
            _say(f"{line.where}{verdict}{fixed.why and ': '}{fixed.why}\n{fixed.report}")
    if not as_json:
        _summary(language, f"{_count(total)}, {mended} mended, {bad} with errors")
    return FINDINGS if bad else FINE


def _watched(lines: Iterable[Line]) -> Iterator[Line]:
    """The lines; they are counted on standard error where that is a terminal, and the output goes elsewhere."""
    shown = False
    watching = sys.stderr.isatty() and not sys.stdout.isatty()
    for number, line in enumerate(lines, 1):
        yield line
        if watching and number % _STEP == 0:
            print(f"\r{number} lines", end="", file=sys.stderr, flush=True)
            shown = True
    if shown:
        print(file=sys.stderr)


def _summary(language: Language, text: str) -> None:
    # Through a pipe the output would otherwise come after its summary.
    sys.stdout.flush()
    print(f"{text}; judged by {language.info}", file=sys.stderr)


def _count(total: int) -> str:
    return "1 query" if total == 1 else f"{total} queries"


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


def _as_text(line: Line, report: Report) -> Iterator[str]:
    if report.ok:
        yield _plain(f"{line.where}ok  {report.canonical or ''}")
    elif line.where:
        yield _plain(f"{line.where}faulty")
    if report.diagnostics:
        yield str(report)


def _as_json(line: Line, report: Report) -> Iterator[str]:
    yield json.dumps(_row(line, report))


def _row(line: Line, report: Report) -> dict[str, Any]:
    place = {"file": line.file, "line": line.number} if line.number else {}
    return {**report.to_dict(), **place}


def _explaining(form: str, language: Language) -> Callable[[Line, Report], Iterator[str]]:
    """What shows a report, and what its query means."""
    from digirm_runtime.query.explain import explain_report

    def show_text(line: Line, report: Report) -> Iterator[str]:
        yield from _as_text(line, report)
        if (meaning := explain_report(language, report)) is not None:
            yield _plain(f"    {meaning}")

    def show_json(line: Line, report: Report) -> Iterator[str]:
        yield json.dumps({**_row(line, report), "explanation": explain_report(language, report)})

    return show_json if form == "json" else show_text


def _as_github(line: Line, report: Report) -> Iterator[str]:
    """Workflow commands, which the service shows beside the line."""
    for found in report.diagnostics:
        properties = {"title": found.code}
        if line.number:
            properties |= {"file": line.file, "line": str(line.number)}
            if found.parameter == "query":
                properties |= {"col": str(found.start + 1), "endColumn": str(max(found.end, found.start + 1))}
        pairs = ",".join(f"{name}={_escaped(value, ':,')}" for name, value in properties.items())
        yield f"::{found.severity} {pairs}::{_escaped(_message(found, report))}"


def _message(found: Diagnostic, report: Report) -> str:
    hint = f" (did you mean {found.suggestion}?)" if found.suggestion and found.suggestion.strip() else ""
    return f"{found.message}{hint}; judged by {report.spec}"


def _escaped(text: str, more: str = "") -> str:
    """Text that cannot end a workflow command, nor begin another, nor move a terminal's cursor."""
    for char in "%\r\n" + more:
        text = text.replace(char, f"%{ord(char):02X}")
    return _plain(text)


def _say(text: str) -> None:
    """Print to standard error, where a query's characters must not move the cursor."""
    print("\n".join(map(_plain, text.split("\n"))), file=sys.stderr)


def _plain(text: str) -> str:
    return "".join(char if char.isprintable() else "�" for char in text)


_SHOW = {"text": _as_text, "json": _as_json, "github": _as_github}
