"""`digirm generate`: write the client of a spec, or check that it is up to date."""

from __future__ import annotations

import argparse
from typing import Any

from digirm_cli.common import FINDINGS, FINE, named, warn


def register(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "generate",
        help="write the typed client of a spec",
        description="Write the client that a spec folder describes as OUT/PACKAGE. Entries of the spec that cannot be "
        "used are reported on stderr, one a line, and left out.",
    )
    parser.add_argument("--specs", required=True, type=named, metavar="DIR", help="folder of one API version")
    parser.add_argument("--out", required=True, type=named, metavar="DIR", help="folder that holds the package")
    parser.add_argument("--package", default="digirm", metavar="NAME", help="name of the package (default: digirm)")
    parser.add_argument(
        "--models",
        choices=("typeddict", "msgspec", "pydantic"),
        help="payload types: dicts (typeddict), or objects of msgspec or pydantic "
        "(default: what the package has; typeddict for a new one)",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing; list what differs on stdout and exit with 1 if anything does",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0: written, or nothing differs; 1: `--check` found a difference. Raises SpecError where it cannot run."""
    from digirm_codegen.generate import generate

    result = generate(args.specs, args.out, args.package, check=args.check, models=args.models)
    for problem in result.problems:
        warn(f"skipped: {problem}")
    for stranger in result.strangers:
        warn(f"left alone, but not generated: {stranger}")
    if args.check:
        for difference in result.differences:
            print(difference)
        return FINDINGS if result.differences else FINE
    print(
        f"{args.out}/{args.package}: {len(result.written)} files written, {len(result.removed)} removed, "
        f"{len(result.unchanged)} unchanged"
    )
    return FINE
