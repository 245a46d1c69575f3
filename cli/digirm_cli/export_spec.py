"""`digirm export-spec`: a spec in a form that other tools read."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from digirm_cli.common import FINDINGS, FINE, fail, named, warn

if TYPE_CHECKING:
    from digirm_runtime.spec import Spec
    from digirm_simulator.contract import Contract


def register(subparsers: Any) -> None:
    """Add the subcommand."""
    from digirm_codegen.exports import FORMATS

    parser = subparsers.add_parser(
        "export-spec",
        help="write a spec in a form that other tools read",
        description="Write a spec in a form that other tools read. Entries of the spec that cannot be used are "
        "reported on stderr, one a line, and left out.",
        epilog="Exit codes: 0 fine, 1 --check found a difference, 2 it could not run.",
    )
    parser.add_argument(
        "--specs",
        required=True,
        type=named,
        metavar="DIR",
        help="folder of one API version, as crawl writes it; a contract of the simulator, or the version of one, too",
    )
    parser.add_argument(
        "--format",
        required=True,
        choices=tuple(FORMATS),
        help="; ".join(f"{name}: {chosen.help}" for name, chosen in FORMATS.items()),
    )
    parser.add_argument(
        "--out",
        type=named,
        metavar="PATH",
        help="write to this file instead of stdout; for "
        f"{', '.join(name for name, chosen in FORMATS.items() if chosen.folder)} into this folder",
    )
    parser.add_argument("--server", type=named, metavar="URL", help="the service's address (default: the public one)")
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing; list what differs from --out on stdout and exit with 1 if anything does",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0: written, or nothing differs; 1: `--check` found a difference. Raises SpecError where it cannot run."""
    from pathlib import Path

    from digirm_codegen import exports
    from digirm_codegen.exports import writing

    if args.check and args.out is None:
        return fail("--check needs --out, the export to compare with")
    try:
        spec = _spec(args.specs)
    except ValueError as error:
        return fail(str(error))
    exported = exports.export(spec, args.format, args.server, folder=args.out is not None)
    for problem in exported.problems:
        warn(f"skipped: {problem}")
    if args.out is None:
        sys.stdout.write(exported.text)
        return FINE
    if args.check:
        differences = writing.compare(Path(args.out), exported)
        for difference in differences:
            print(difference)
        return FINDINGS if differences else FINE
    writing.write(Path(args.out), exported)
    return FINE


def _spec(name: str) -> Spec:
    """The spec of a specs folder, or of a contract by folder or version. Raises SpecError, or ValueError."""
    from pathlib import Path

    from digirm_runtime import spec as specs

    folder = Path(name)
    if (folder / "index.json").is_file():
        return specs.load(folder)
    from digirm_simulator import contract_files as contracts

    if not folder.exists() and name in contracts.versions():
        return _of_contract(contracts.builtin(name))
    if any((folder / file).is_file() for file in ("types.json", "contract.json")):
        return _of_contract(contracts.load(folder))
    return specs.load(folder)


def _of_contract(contract: Contract) -> Spec:
    """The spec that a crawl of the contract would give, with what the contract alone says: how sure everything is."""
    import msgspec

    from digirm_runtime import spec as specs
    from digirm_runtime.overrides import Overrides

    certainty: list[dict[str, Any]] = []
    operations: list[dict[str, Any]] = []
    for path in contract.paths.values():
        for request in path.requests.values():
            known = {"source": request.source, "reason": "as the contract says"}
            known |= {"path": path.template, "method": request.method}
            certainty.append({**known, "certainty": request.certainty})
            levels: dict[str, list[str]] = {}
            for field in request.query:
                levels.setdefault(request.field_certainty(field), []).append(field)
            certainty += [{**known, "certainty": level, "fields": fields} for level, fields in levels.items()]
            if path.multi_segment:
                operations.append({**known, "multi_segment": path.multi_segment})
    return specs.from_documents(
        contract.documents(),
        api_version=contract.version,
        base_path=contract.base_path,
        provenance="reconstructed",
        overrides=msgspec.convert({"certainty": certainty, "operation": operations}, Overrides),
    )
