"""`digirm diff`: what changed between two versions of an API, and what that breaks."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from digirm_cli.common import FINDINGS, FINE, fail, named, plain, warn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from digirm_codegen.diff.levels import Entry
    from digirm_codegen.diff.report import Report


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "diff",
        help="what changed between two versions of an API",
        description="Compare two specs folders, as crawl writes them, and say what changed from OLD to NEW: what "
        "breaks callers, what may, and what is merely new.",
        epilog="Exit codes: 0 nothing as grave as --fail-on says, 1 something is, or a use that --against found no "
        "longer works, 2 they could not be compared.",
    )
    parser.add_argument("old", type=named, metavar="OLD", help="the folder of the earlier version")
    parser.add_argument("new", type=named, metavar="NEW", help="the folder of the later version")
    parser.add_argument(
        "--format", choices=("text", "json", "markdown"), default="text", help="default: text; markdown: a pull request"
    )
    parser.add_argument(
        "--fail-on", choices=("breaking", "warning", "none"), default="breaking", help="exit with 1 (default: breaking)"
    )
    parser.add_argument("--levels", type=named, metavar="FILE", help="levels of findings, as a TOML file")
    parser.add_argument("--client", action="store_true", help="also the names that the generated client loses")
    parser.add_argument(
        "--against",
        nargs="+",
        action="extend",
        default=[],
        type=named,
        metavar="PATH",
        help="also what in these files and folders the later version does not accept",
    )
    parser.add_argument("--out", type=named, metavar="FILE", help="write to FILE instead of stdout")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 or 1: the two were compared. Raises SpecError where they cannot be."""
    report = _report(args)
    text = {"text": report.text, "json": report.as_json, "markdown": report.markdown}[args.format]()
    if args.format != "json":
        text = plain(text)
    if args.out is None:
        sys.stdout.write(text)
    else:
        from digirm_runtime.saving import beside

        try:
            with beside(args.out) as file:
                file.write(text.encode("utf-8", "backslashreplace"))
        except OSError as error:
            return fail(f"cannot write {args.out}: {error.strerror or error}")
    return FINDINGS if report.fails(args.fail_on) else FINE


def remarks(report: Report, unused: tuple[Entry, ...], levels_file: str) -> Iterator[str]:
    """What a comparison has to say beside its findings, for standard error."""
    from digirm_codegen.diff.findings import quoted

    for entry in report.dropped:
        yield f"override that no longer applies, left out: {entry}"
    for name in report.not_compared:
        yield f"{quoted(name)} was unavailable both times: it is not compared"
    for name in report.kept:
        yield f"{quoted(name)} is unavailable now: the earlier capture stands"
    yield from report.not_judged
    for fits_none in unused:
        yield f"{levels_file}: no finding is as this entry says: {fits_none}"


def _report(args: argparse.Namespace) -> Report:
    from pathlib import Path

    from digirm_codegen.diff import levels, surface
    from digirm_codegen.diff.review import Clients, Version, review

    own_levels = levels.load(Path(args.levels)) if args.levels else ()
    own = [Path(path) for path in args.against]
    old, new = (Version.read(Path(folder)) for folder in (args.old, args.new))
    clients = Clients(surface.of_specs(old.folder), surface.of_specs(new.folder)) if args.client else None
    report, unused = review(old, new, own_levels=own_levels, against=own, clients=clients)
    for line in remarks(report, unused, args.levels):
        warn(line)
    return report
