"""`digirm diff`: what changed between two versions of an API, and what that breaks."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from digirm_cli.common import FINDINGS, FINE, fail, named, plain, warn

if TYPE_CHECKING:
    from pathlib import Path

    from digirm_codegen.against import Use
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


def _report(args: argparse.Namespace) -> Report:
    from pathlib import Path

    from digirm_codegen import spec_files
    from digirm_codegen.diff import levels
    from digirm_codegen.diff.compare import compare
    from digirm_codegen.diff.findings import quoted
    from digirm_codegen.diff.report import Report, title

    entries = levels.load(Path(args.levels)) if args.levels else ()
    old_folder, new_folder = Path(args.old), Path(args.new)
    old, new = spec_files.read(old_folder), spec_files.read(new_folder)
    compared = compare(old, new)
    findings, unused = levels.apply(compared.findings, entries)
    client = uses = None
    if args.client:
        from digirm_codegen.diff import surface

        client = surface.join(findings, surface.lost(surface.of_specs(old_folder), surface.of_specs(new_folder)))
    if args.against:
        uses = _uses(args.against, old_folder, new_folder)
    for name in compared.not_compared:
        warn(f"{quoted(name)} was unavailable both times: it is not compared")
    for entry in unused:
        warn(f"{args.levels}: no finding is as this entry says: {entry}")
    return Report(title(old), title(new), findings, client, uses)


def _uses(paths: list[str], old: Path, new: Path) -> tuple[Use, ...]:
    """What in the user's files the later version no longer accepts; what could not be judged is said at once."""
    from pathlib import Path

    from digirm_codegen import against
    from digirm_runtime import spec
    from digirm_runtime.errors import SpecError

    found = against.scan([Path(path) for path in paths], spec.load(old), spec.load(new))
    for problem in found.problems:
        warn(problem)
    if not found.files:
        raise SpecError(f"--against {' '.join(paths)}: there is no file that could be looked through")
    return found.uses
