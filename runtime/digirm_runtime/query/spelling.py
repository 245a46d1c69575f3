"""What a misspelt word may have been meant to be."""

from __future__ import annotations

from collections.abc import Iterable

_LONGEST = 80


def suggest(word: str, known: Iterable[str]) -> str | None:
    """The known word that comes nearest, for a `did you mean`; None where none is near."""
    if not 0 < len(word) <= _LONGEST:
        return None
    from difflib import get_close_matches

    lower: dict[str, str] = {}
    for name in known:
        lower.setdefault(name.lower(), name)
    nearest = misspelt(word, lower.values())
    if nearest is not None:
        return nearest
    close = get_close_matches(word.lower(), list(lower), n=1, cutoff=0.7)
    return lower[close[0]] if close else None


def misspelt(word: str, known: Iterable[str]) -> str | None:
    """The known word of which `word` is a slip of the pen: a letter too many, too few, wrong, or two swapped.

    Long words may hold two slips. Words that differ in digits only (`carrier`, `carrier2`) are names in their own
    right, and so are words of three letters or less.
    """
    if not 3 < len(word) <= _LONGEST:
        return None
    best: tuple[int, str] | None = None
    for name in known:
        limit = 0 if len(name) < 4 else 1 if len(name) < 8 else 2
        if abs(len(name) - len(word)) > limit or _letters(name) == _letters(word) != name.lower():
            continue
        slips = _distance(word.lower(), name.lower())
        if slips <= limit and (best is None or (slips, name) < best):
            best = slips, name
    return best[1] if best and _letters(best[1]) != _letters(word) else None


def _letters(word: str) -> str:
    return "".join(char for char in word.lower() if not char.isdigit())


def _distance(a: str, b: str) -> int:
    """Insertions, deletions, replacements and swaps of neighbours that turn one word into the other."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, 1):
        older, before, row = before, row, [i]
        for j, right in enumerate(b, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (left != right))
            if i > 1 and j > 1 and left == b[j - 2] and a[i - 2] == right:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
    return row[-1]
