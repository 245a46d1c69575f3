"""Guesses at what was renamed: notes on the finding that something is gone and on the one that something is new.

Names are found through keys (their words, and their words but one), never by comparing each with each: the cost grows
with the number of findings, whatever a server lists.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import msgspec

from digirm_codegen.diff.documents import address, below, entries, method_of, packed, same, text_at, texts
from digirm_codegen.diff.findings import Finding, quoted

if TYPE_CHECKING:
    from digirm_codegen.spec_files import Capture

MAX_NAME = 120
MAX_WORDS = 8
#: A key that more names share than this says nothing.
MAX_SHARING = 16
#: Of more fields (or parameters) than this, gone and new, only those whose names differ in style alone are told.
MAX_GUESSED = 4000
#: A category of fewer paths looks like any other of its kind.
MIN_TWIN_PATHS = 4
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W_]+")
_NO_WORD = re.compile(r"[\W_]+")
_path_name = text_at("path")

_Words: TypeAlias = "tuple[str, ...]"
_Key: TypeAlias = "tuple[object, ...]"
#: (score, old, new): how convincing a pair is; positions in the lists of findings.
_Pair: TypeAlias = "tuple[float, int, int]"


class _Item(NamedTuple):
    """Something that is gone or new: its finding's place among all, its name, and what it must have in common."""

    position: int
    name: str
    kind: _Key = ()
    content: Any = None


class _Sides(NamedTuple):
    """The findings of one kind: the positions of those that say that something is gone, and of those that it is new,
    each with its capture.
    """

    findings: tuple[Finding, ...]
    abouts: Sequence[Any]
    each: tuple[tuple[list[int], Capture], tuple[list[int], Capture]]

    def renamed(self, pairs: Iterable[tuple[int, int]], name: Callable[[Finding], str]) -> dict[int, str]:
        """The notes on pairs of positions."""
        notes = {}
        for gone, come in pairs:
            notes[gone] = f"perhaps renamed to {quoted(name(self.findings[come]))}"
            notes[come] = f"perhaps renamed from {quoted(name(self.findings[gone]))}"
        return notes


def with_guesses(
    findings: tuple[Finding, ...], abouts: Sequence[Any], old: Capture, new: Capture
) -> tuple[Finding, ...]:
    """The findings with notes where something gone and something new are convincingly one and the same.

    `abouts`: for each finding the field or the entry of a path that it is about.
    """
    notes: dict[int, str] = {}
    groups: dict[str, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for position, finding in enumerate(findings):
        what, _, change = finding.id.rpartition("-")
        if what in ("category", "path", "parameter", "field") and change in ("removed", "added"):
            groups[what][change == "added"].append(position)
    for what, guess in (("category", _categories), ("path", _paths), ("parameter", _names), ("field", _names)):
        gone, come = groups[what]
        if gone and come:
            notes |= guess(_Sides(findings, abouts, ((gone, old), (come, new))))
    return tuple(
        msgspec.structs.replace(finding, notes=(notes[position],)) if position in notes else finding
        for position, finding in enumerate(findings)
    )


def alike(one: str, two: str) -> float:
    """How convincingly two names are one: 1 where only their style differs, 0 where nothing speaks for it."""
    return _alike(_words(one), _words(two))


def _alike(one: _Words, two: _Words) -> float:
    if not one or not two:
        return 0
    if "".join(one) == "".join(two):
        return 1
    if sorted(one) == sorted(two):
        return 0.9
    if len(one) == len(two):
        differing = [pair for pair in zip(one, two, strict=True) if pair[0] != pair[1]]
        return 0.8 * _spelling(*differing[0]) if len(differing) == 1 else 0
    short, long = sorted((one, two), key=len)
    if len(long) == len(short) + 1 and any(long[:i] + long[i + 1 :] == short for i in range(len(long))):
        # One word more, but not on a name that could be the end of anything, such as `id`.
        extra = set(long) - set(short)
        return 0.5 if len("".join(short)) >= 4 and not any(word.isdecimal() for word in extra) else 0
    return 0


def _spelling(one: str, two: str) -> float:
    """What share of two words is the same from either end; 0 where that is little, or numbers are concerned."""
    short, long = sorted((one, two), key=len)
    if len(short) < 4 or not (one.isalpha() and two.isalpha()):
        return 0
    begin = next((i for i, char in enumerate(short) if char != long[i]), len(short))
    end = next((i for i in range(len(short) - begin) if short[-1 - i] != long[-1 - i]), len(short) - begin)
    share = (begin + end) / len(long)
    return share if share >= 0.7 else 0


def _words(name: str) -> _Words:
    """The words of a name in lower case; none where it is longer than a name is."""
    if len(name) > MAX_NAME:
        return ()
    words = tuple(word.lower() for word in _WORD.findall(name))
    return words if len(words) <= MAX_WORDS else ()


def _keys(words: _Words) -> Iterator[_Key]:
    """What two names that are alike have at least one of in common."""
    if words:
        yield ("joined", "".join(words))
        yield ("sorted", *sorted(words))
        yield ("words", *words)
        for i in range(len(words)):
            yield ("words", *words[:i], *words[i + 1 :])
            yield ("but", i, *words[:i], *words[i + 1 :])


def _alike_pairs(gone: Iterable[_Item], come: Iterable[_Item]) -> Iterator[_Pair]:
    """The pairs of one kind whose names are alike."""
    by_kind: dict[_Key, tuple[list[_Item], list[_Item]]] = defaultdict(lambda: ([], []))
    for side, items in enumerate((gone, come)):
        for item in items:
            by_kind[item.kind][side].append(item)
    for ones, twos in by_kind.values():
        if not ones or not twos:
            continue
        words = {item.position: _words(item.name) for item in (*ones, *twos)}
        for before, now in _candidates(ones, twos, words):
            if score := _alike(words[before], words[now]):
                yield score, before, now


def _candidates(ones: list[_Item], twos: list[_Item], words: Mapping[int, _Words]) -> Iterable[tuple[int, int]]:
    """The positions of pairs whose names may be alike."""
    if len(ones) * len(twos) <= MAX_SHARING:
        return product([one.position for one in ones], [two.position for two in twos])

    def keys(item: _Item) -> set[_Key]:
        return set(_keys(words[item.position]))

    return {(one.position, two.position) for _, one, two in _sharing(ones, twos, keys)}


def _sharing(
    gone: Iterable[_Item], come: Iterable[_Item], keys: Callable[[_Item], Iterable[_Key]]
) -> Iterator[tuple[_Key, _Item, _Item]]:
    """The pairs that have a key in common, unless it is everybody's."""
    by_key: dict[_Key, tuple[list[_Item], list[_Item]]] = defaultdict(lambda: ([], []))
    for side, items in enumerate((gone, come)):
        for item in items:
            for key in keys(item):
                by_key[key][side].append(item)
    for key, (ones, twos) in by_key.items():
        if max(len(ones), len(twos)) <= MAX_SHARING:
            for one in ones:
                for two in twos:
                    yield key, one, two


def _matched(pairs: Iterable[_Pair]) -> list[tuple[int, int]]:
    """The pairs of which each half is the other's best, and the only one as good as that."""
    best: dict[tuple[str, int], list[tuple[float, int]]] = defaultdict(list)
    for score, gone, come in set(pairs):
        best["gone", gone].append((score, come))
        best["come", come].append((score, gone))

    def only(half: str, position: int) -> int | None:
        first, *others = sorted(best[half, position], reverse=True)
        return first[1] if not others or others[0][0] < first[0] else None

    halves = sorted(position for half, position in best if half == "gone")
    pairs_found = ((position, only("gone", position)) for position in halves)
    return [(gone, come) for gone, come in pairs_found if come is not None and only("come", come) == gone]


def _names(sides: _Sides) -> dict[int, str]:
    """Parameters and fields: of the same request, with alike names; fields of the same type and operators."""
    by_request: dict[_Key, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for side, (positions, _) in enumerate(sides.each):
        for position in positions:
            finding = sides.findings[position]
            by_request[finding.category, finding.path, finding.method][side].append(position)
    pairs: list[tuple[int, int]] = []
    rest: list[tuple[list[int], list[int]]] = []
    for gone, come in by_request.values():
        restyled = _restyled(sides, gone, come)
        pairs += restyled
        known = {position for pair in restyled for position in pair}
        left = [position for position in gone if position not in known]
        if left and len(come) > len(restyled):
            rest.append((left, [position for position in come if position not in known]))
    if sum(len(gone) + len(come) for gone, come in rest) <= MAX_GUESSED:
        for halves in rest:
            pairs += _matched(_alike_pairs(*([_named(sides, position) for position in half] for half in halves)))
    return sides.renamed(pairs, lambda finding: finding.name)


def _restyled(sides: _Sides, gone: list[int], come: list[int]) -> list[tuple[int, int]]:
    """The pairs whose names differ in style alone, where no other is called so: nothing is more convincing."""
    now = _by_plain_name(sides.findings, come)
    found = ((one, now.get(name)) for name, one in _by_plain_name(sides.findings, gone).items())
    pairs = [(one, two) for one, two in found if one is not None and two is not None]
    return [(one, two) for one, two in pairs if _same_kind(sides.abouts[one], sides.abouts[two])]


def _by_plain_name(findings: tuple[Finding, ...], positions: list[int]) -> dict[str, int | None]:
    """Positions by name without its style; None where two have the same."""
    found: dict[str, int | None] = {}
    for position in positions:
        name = findings[position].name
        if len(name) <= MAX_NAME and (plain := _NO_WORD.sub("", name.lower())):
            found[plain] = None if plain in found else position
    return found


def _same_kind(one: Any, two: Any) -> bool:
    """Whether two fields may be one; parameters always may."""
    if one is None or two is None:
        return True
    keys = ("type", "operators")
    return all(one.get(key) == two.get(key) for key in keys) or _field_kind(one) == _field_kind(two)


def _named(sides: _Sides, position: int) -> _Item:
    field = sides.abouts[position]
    return _Item(position, sides.findings[position].name, () if field is None else _field_kind(field))


def _field_kind(field: Any) -> _Key:
    """What a field must have in common with another to be it."""
    kind = field.get("type")
    return kind if isinstance(kind, str) else None, frozenset(texts(field, "operators").named)


def _paths(sides: _Sides) -> dict[int, str]:
    """Paths: of which only an argument's name, or one segment a little, differs; or that moved as they were."""
    items = [
        [
            _Item(position, below(sides.findings[position].path, capture.base_path), content=about.get("requests"))
            for position in positions
            for about in [sides.abouts[position]]
        ]
        for positions, capture in sides.each
    ]
    notes = {}
    known = {item.position: item for side in items for item in side}
    for before, now in _matched(_path_pairs(*items)):
        equal = "the same" if same(known[before].content, known[now].content) else "other"
        only_argument = address(known[before].name) == address(known[now].name)
        verb = "the same address as" if only_argument else "perhaps renamed {}"
        for position, other, way in ((before, now, "to"), (now, before, "from")):
            notes[position] = f"{verb.format(way)} {quoted(sides.findings[other].path)}, with {equal} requests"
    return notes


def _path_pairs(gone: list[_Item], come: list[_Item]) -> Iterator[_Pair]:
    for (kind, place, *_), one, two in _sharing(gone, come, _path_keys):
        if kind == "but":
            segments = (item.name.split("/")[int(str(place))] for item in (one, two))
            score = alike(*segments)
        else:
            score = 3 if kind == "address" else 2
        if score:
            yield score, one.position, two.position


def _path_keys(item: _Item) -> Iterator[_Key]:
    """What two paths that may be one have at least one of in common; its kind, and where they may differ, first."""
    if len(item.name) > MAX_NAME * MAX_WORDS:
        return
    blanked = address(item.name)
    yield ("address", 0, blanked)
    requests = entries({"requests": item.content}, "requests", method_of).named
    if any(request.get("params") or request.get("query") for request in requests.values()):
        # Requests without parameters are alike everywhere: that they are the same says nothing.
        yield ("moved", 0, *blanked.rsplit("/", 2)[1:], packed(item.content))
    segments = blanked.split("/")
    if len(segments) <= MAX_WORDS * 2:
        for i, segment in enumerate(segments):
            if segment and segment != "{}":
                yield ("but", i, *segments[:i], *segments[i + 1 :], *sorted(requests))


def _categories(sides: _Sides) -> dict[int, str]:
    """Categories: with alike names and at least half of their paths in common, or with the very same contents."""
    items = [
        [
            _Item(position, name, content=_relative(capture, name))
            for position in positions
            for name in [sides.findings[position].category]
            if name in capture.documents
        ]
        for positions, capture in sides.each
    ]
    contents: dict[int, Mapping[str, Any]] = {item.position: item.content for side in items for item in side}
    pairs = [
        (score, before, now)
        for score, before, now in _alike_pairs(*items)
        if 2 * len(contents[before].keys() & contents[now].keys())
        >= len(contents[before].keys() | contents[now].keys())
    ]

    def content(item: _Item) -> list[_Key]:
        return [(packed(item.content),)] if len(item.content) >= MIN_TWIN_PATHS else []

    pairs += [(2, one.position, two.position) for _, one, two in _sharing(items[0], items[1], content)]
    return sides.renamed(_matched(pairs), lambda finding: finding.category)


def _relative(capture: Capture, category: str) -> dict[str, Any]:
    """The requests of a category by path below its own."""
    top = f"{capture.base_path}/{category}"
    found = entries(capture.documents[category], "list", _path_name).named
    return {below(path, top): item.get("requests") for path, item in found.items()}
