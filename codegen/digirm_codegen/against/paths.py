"""Path templates as a tree of their segments: which of them an address fits, however many there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from digirm_runtime import template
from digirm_runtime.spec import Path
from digirm_runtime.template import Arg, Segment


class _Branch:
    """What comes behind the same segments: names, segments with arguments, and a path that ends here with its rank."""

    __slots__ = ("end", "names", "others")

    def __init__(self) -> None:
        self.names: dict[str, _Branch] = {}
        self.others: dict[Segment, _Branch] = {}
        self.end: tuple[int, Path] | None = None

    def below(self, segment: Segment) -> _Branch:
        """The branch behind a segment, made where there is none; what an argument is called does not matter."""
        if len(segment) == 1 and isinstance(segment[0], str):
            return self.names.setdefault(segment[0], _Branch())
        key = tuple(Arg("", part.multi) if isinstance(part, Arg) else part for part in segment)
        return self.others.setdefault(key, _Branch())


class Paths:
    """The paths of a contract below a base path.

    Of the templates that an address fits, those that begin with a name come first, then those with fewer arguments.
    """

    def __init__(self, paths: Iterable[Path], base_path: str) -> None:
        self._base = base_path + "/"
        self._templates: dict[str, Path] = {}
        self._root = _Branch()
        parsed: list[tuple[tuple[Segment, ...], Path]] = []
        for path in paths:
            try:
                segments = template.parse(path.template)
            except ValueError:  # the path of a category is not checked when a spec is read
                continue
            if path.template.startswith(self._base):
                self._templates.setdefault(path.template, path)
                parsed.append((segments[base_path.count("/") :], path))
        for rank, (segments, path) in enumerate(sorted(parsed, key=_order)):
            branch = self._root
            for segment in segments:
                branch = branch.below(segment)
            branch.end = branch.end or (rank, path)

    def find(self, path: str) -> Path | None:
        """The path whose template an address is, or else fits best; None where there is none."""
        if (found := self._templates.get(path)) is not None:
            return found
        if not path.startswith(self._base):
            return None
        pieces = template.split(path[len(self._base) - 1 :])
        # Every branch that can be reached is looked at once for each place in the address: nothing is tried again.
        reached: list[dict[_Branch, None]] = [{} for _ in range(len(pieces) + 1)]
        reached[0][self._root] = None
        for place in range(len(pieces)):
            for branch in reached[place]:
                for end, below in _behind(branch, pieces, place):
                    reached[end][below] = None
        ends = [branch.end for branch in reached[-1] if branch.end is not None]
        return min(ends, key=lambda end: end[0])[1] if ends else None


def _order(entry: tuple[tuple[Segment, ...], Path]) -> tuple[bool, int, str]:
    segments, path = entry
    return not template.literals(segments[:1]), len(template.args(segments)), path.template


def _behind(branch: _Branch, pieces: Sequence[str], place: int) -> Iterable[tuple[int, _Branch]]:
    """The branches that the pieces from a place on lead to, and the places behind what they take."""
    if (named := branch.names.get(pieces[place])) is not None:
        yield place + 1, named
    for segment, below in branch.others.items():
        multi = any(isinstance(part, Arg) and part.multi for part in segment)
        for end in range(place + 1, (len(pieces) if multi else place + 1) + 1):
            taken = "/".join(pieces[place:end])
            if bool(taken) if len(segment) == 1 else template.matches([segment], [taken]):
                yield end, below
