"""The tables of the documentation that say how far the simulator is to be trusted, made from the contracts.

python -m digirm_simulator.fidelity FILE [--check]

They stand in FILE between `<!-- fidelity -->` and `<!-- /fidelity -->`, and `<!-- disagreements -->` and its end.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from digirm_simulator import contract_files as contracts
from digirm_simulator.contract import CERTAINTIES

_DISAGREEMENTS = Path(__file__).parent / "contract" / "disagreements.json"
#: Of more requests only the number is shown.
_REQUESTS_SHOWN = 2


class Disagreement(NamedTuple):
    """A place of a printed exchange that the simulator does not reproduce: what stands there, its answer, and why."""

    exchange: str
    where: str
    printed: str
    simulated: str
    reason: str


def disagreements() -> list[Disagreement]:
    """Every exchange of the documentation that cannot be reproduced."""
    return [Disagreement(**entry) for entry in json.loads(_DISAGREEMENTS.read_bytes())]


def answers(version: str) -> dict[tuple[str, str], str]:
    """How certain the answer to each request of a built-in contract is, by `METHOD path` and the behaviour's name.

    That is the weaker of two statements: that the request is one of the service's, and what the behaviour does.
    """
    contract, said = contracts.builtin(version), contracts.statements()
    return {
        (f"{method} {template}", name): _weaker(
            contract.paths[template].requests[method].certainty, said[name].certainty
        )
        for (template, method), name in contract.does.items()
    }


def uses() -> dict[str, dict[str, str]]:
    """The requests of all built-in contracts, and how certain their answers are, by the behaviour that answers them."""
    found: dict[str, dict[str, str]] = {}
    for version in contracts.versions():
        for (wire, name), level in answers(version).items():
            requests = found.setdefault(name, {})
            requests[wire] = _weaker(level, requests.get(wire, level))
    return {
        name: dict(sorted(requests.items(), key=lambda it: it[0].split()[::-1])) for name, requests in found.items()
    }


def tables() -> dict[str, str]:
    """The tables by the name of their markers."""
    used = uses()
    statements = sorted(contracts.statements().items(), key=lambda item: (_area(item[0]), item[0]))
    return {
        "fidelity": "\n\n".join(
            (
                _table(
                    ("requests", *CERTAINTIES), (row for version in contracts.versions() for row in _counts(version))
                ),
                _table(
                    ("behaviour", "requests", "what the simulator does", "certainty", "source"),
                    (
                        (
                            f"`{name}`",
                            _requests(name, used.get(name, {})),
                            statement.text,
                            _certainty(statement.certainty, used.get(name, {}).values()),
                            statement.source + (f", {statement.year}" if statement.year else ""),
                        )
                        for name, statement in statements
                    ),
                ),
            )
        ),
        "disagreements": _table(
            ("exchange", "place", "printed", "simulated", "why"),
            (
                (f"`{one.exchange}`", one.where, f"`{one.printed}`", f"`{one.simulated}`", one.reason)
                for one in disagreements()
            ),
        ),
    }


def render(page: str) -> str:
    """The page with fresh tables. Raises ValueError where it lacks the markers of one."""
    for name, table in tables().items():
        start, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        if not (page.count(start) == page.count(end) == 1 and page.index(start) < page.index(end)):
            raise ValueError(f"the page must hold the markers <!-- {name} --> and {end} once")
        page = f"{page.partition(start)[0]}{start}\n{table}\n\n{end}{page.partition(end)[2]}"
    return page


def _area(name: str) -> tuple[int, str]:
    """The protocol first, then what is usual for any path, then one category after the other."""
    area, dot, _ = name.partition(".")
    return (0 if area == "protocol" else 2 if dot else 1), area


def _weaker(one: str, other: str) -> str:
    return max(one, other, key=CERTAINTIES.index)


def _counts(version: str) -> Iterator[tuple[str, ...]]:
    """How many requests of a contract, and how many of their answers, are how certain."""
    requests = [request for path in contracts.builtin(version).paths.values() for request in path.requests.values()]
    known = Counter(request.certainty for request in requests)
    answered = Counter(answers(version).values())
    yield f"{version}: that there are these {len(requests)}", *(str(known[level]) for level in CERTAINTIES)
    yield f"{version}: what they do", *(str(answered[level]) for level in CERTAINTIES)


def _certainty(stated: str, requests: Collection[str]) -> str:
    """The certainty of a behaviour; where its requests differ, how many of them have which."""
    counted = Counter(requests or (stated,))
    if len(counted) == 1:
        return next(iter(counted))
    return ", ".join(f"{counted[level]} {level}" for level in CERTAINTIES if level in counted)


def _requests(name: str, requests: Collection[str]) -> str:
    if name.startswith("protocol."):
        return "every"
    if len(requests) > _REQUESTS_SHOWN:
        return f"{len(requests)} requests"
    return "<br>".join(f"`{request}`" for request in requests)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def main(argv: list[str] | None = None) -> int:
    """0: written, or up to date; 1: `--check` found the page out of date; 2: it could not run."""
    parser = argparse.ArgumentParser(prog="digirm_simulator.fidelity", description="Write the simulator's tables.")
    parser.add_argument("file", type=Path, help="the page")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if the page is out of date")
    args = parser.parse_args(argv)
    try:
        current = args.file.read_text("utf-8")
        text = render(current)
        if args.check:
            if current != text:
                print(f"{args.file} is out of date")
            return int(current != text)
        args.file.write_text(text, "utf-8", newline="\n")
    except (ValueError, OSError) as error:
        print(f"fidelity: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
