"""`digirm bump`: an API's new version taken in one step: specs, client and changelog."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from digirm_cli import crawl
from digirm_cli.common import FINDINGS, FINE, PARTIAL, URL_HELP, named, plain, warn
from digirm_cli.diff import remarks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from digirm_codegen.bump import Bumped


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "bump",
        help="take a new API version: specs, client and changelog in one step",
        description="Crawl an API, compare it with the version that the client was made from, write its specs, carry "
        "the overrides over, generate the client, have it check itself, and update the changelog: all of it, or, where "
        "anything fails, nothing.",
        epilog="Exit codes: 0 fine, 1 findings (--fail-on), 2 it could not be done and nothing was written, "
        "3 a category was unavailable.",
    )
    parser.add_argument("url", nargs="?", metavar="URL", help=URL_HELP)
    parser.add_argument("--api-version", required=True, type=named, metavar="V", help="the version that it shows")
    parser.add_argument("--specs", default="specs", type=named, metavar="DIR", help="the folder of all versions' specs")
    parser.add_argument("--out", default="generated", type=named, metavar="DIR", help="the folder of the package")
    parser.add_argument("--package", default="digirm", metavar="NAME", help="the package (default: %(default)s)")
    parser.add_argument(
        "--changelog", default="CHANGELOG.md", metavar="FILE", help="'' for none (default: %(default)s)"
    )
    parser.add_argument(
        "--against",
        nargs="+",
        action="extend",
        default=[],
        type=named,
        metavar="PATH",
        help="also what in these files and folders the new version does not accept",
    )
    parser.add_argument(
        "--report", type=named, metavar="FILE", help="write what changed as Markdown, for a pull request"
    )
    parser.add_argument("--levels", type=named, metavar="FILE", help="levels of your own, as for diff")
    parser.add_argument(
        "--fail-on",
        choices=("breaking", "warning", "none"),
        default="none",
        help="exit with 1 where there are findings of this level; what was done stays (default: %(default)s)",
    )
    parser.add_argument(
        "--concurrency", type=crawl.concurrency, default=4, metavar="N", help="requests in flight (1-4)"
    )
    parser.add_argument("--force", action="store_true", help="go on where something that was available would be lost")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the subcommand. Raises SpecError where it cannot be done."""
    from pathlib import Path

    from digirm_codegen.bump import Target, bump, ensure_possible
    from digirm_codegen.diff import levels
    from digirm_runtime.errors import APIError, TransportError

    changelog = Path(args.changelog) if args.changelog else None
    report = Path(args.report) if args.report else None
    target = Target(Path(args.specs), Path(args.out) / args.package, changelog, report)
    own = [Path(path) for path in args.against]
    ensure_possible(target, args.api_version, own)
    own_levels = levels.load(Path(args.levels)) if args.levels else ()
    url = crawl.address(args)
    try:
        found = crawl.captured(args, url)
    except (APIError, TransportError) as error:
        return crawl.refused(url, error)
    crawl.report(found, [])
    done = bump(found, target, own_levels=own_levels, against=own, force=args.force)
    for line in _said(done, args.levels):
        warn(line)
    crawl.show(found, done.specs, f"written in {target.folder(args.api_version)}")
    written, removed, unchanged = map(len, done.package)
    print(f"{target.package}: {written} files written, {removed} removed, {unchanged} unchanged")
    if done.report is not None:
        print(plain(done.report.text()), end="")
        if done.report.fails(args.fail_on):
            return FINDINGS
    return PARTIAL if found.unavailable else FINE


def _said(done: Bumped, levels_file: str) -> Iterator[str]:
    """What a bump has to say beside its results."""
    for problem in done.problems:
        yield f"skipped: {problem}"
    if done.report is None:
        yield "there is no earlier version to compare with"
    else:
        yield from remarks(done.report, done.unused, levels_file)
