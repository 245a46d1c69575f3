"""From a request's path to the contract's path template and its arguments. Case-sensitive."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import unquote

from digirm_runtime import template
from digirm_simulator.contract import Path

#: A path may say by this that it wants JSON, which is all that there is.
SUFFIX = ".json"
#: Arguments that name a file: there the suffix is the file's own.
_FILES = frozenset({"path", "fileset"})


def glob(pattern: str) -> re.Pattern[str]:
    """What a pattern for paths matches, in full: `*` stands for any text, with `/` or not, all else for itself."""
    return re.compile(".*".join(re.escape(part) for part in pattern.split("*")), re.DOTALL)


class Match(NamedTuple):
    """A path of the contract and the decoded values of its arguments."""

    path: Path
    args: dict[str, str]


class Router:
    """Finds the most specific template that fits: literal text before an argument, before one that takes `/`."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._literal: dict[str, Path] = {}
        routes: list[tuple[list[int], re.Pattern[str], Path]] = []
        for path in paths:
            if "{" not in path.template:
                self._literal[path.template] = path
                continue
            pattern, weights = "", []
            for segment in template.parse(path.template):
                weight = 0
                pattern += "/"
                for part in segment:
                    if isinstance(part, str):
                        pattern += re.escape(part)
                        continue
                    multi = part.multi or part.wire in path.multi_segment
                    pattern += f"(?P<{_group(part.wire)}>.+)" if multi else f"(?P<{_group(part.wire)}>[^/]+)"
                    weight = max(weight, 2 if multi else 1)
                weights.append(weight)
            routes.append((weights, re.compile(pattern, re.DOTALL), path))
        self._routes = sorted(routes, key=lambda route: route[0])

    def match(self, raw_path: str) -> Match | None:
        """The match for a path as it was sent, percent-encoded; it may end in `.json`, which is not part of it.

        Raises ValueError where the encoding is no UTF-8.
        """
        if literal := self._literal.get(raw_path):
            return Match(literal, {})
        if raw_path.endswith(SUFFIX):
            found = self._find(raw_path.removesuffix(SUFFIX))
            if found is not None and not found.args.keys() & _FILES:
                return found
        return self._find(raw_path)

    def _find(self, raw_path: str) -> Match | None:
        if literal := self._literal.get(raw_path):
            return Match(literal, {})
        for _, pattern, path in self._routes:
            if found := pattern.fullmatch(raw_path):
                values = {name[1:]: unquote(value, errors="strict") for name, value in found.groupdict().items()}
                return Match(path, values)
        return None


def _group(wire: str) -> str:
    if not re.fullmatch(r"\w+", wire, re.ASCII):
        raise ValueError(f"the argument {wire!r} of a path template cannot be used")
    return "_" + wire
