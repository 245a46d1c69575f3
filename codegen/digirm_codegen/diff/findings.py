"""One change of a contract, and the table of the changes that there are. `docs/diff.md` describes them for users."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, NamedTuple, TypeAlias, get_args

import msgspec

from digirm_runtime.text import printable

Level: TypeAlias = Literal["breaking", "warning", "info"]
LEVELS: tuple[Level, ...] = get_args(Level)
MAX_SHOWN = 200
#: Names that a message lists.
MAX_LISTED = 20


class Check(NamedTuple):
    """One kind of change: how much it matters, what it says, and the id of the same change the other way round."""

    level: Level
    says: str
    mirror: str


CHECKS: dict[str, Check] = {
    "base-path-changed": Check("breaking", "the API moved to another base path", "base-path-changed"),
    "provenance-changed": Check("info", "one spec is a live capture, the other is reconstructed", "provenance-changed"),
    "category-removed": Check("breaking", "a category is no longer listed", "category-added"),
    "category-added": Check("info", "a category is new", "category-removed"),
    "category-unavailable": Check(
        "warning", "a category was captured before and could not be now", "category-available"
    ),
    "category-available": Check("info", "a category could not be captured before and was now", "category-unavailable"),
    "path-removed": Check("breaking", "a path is gone", "path-added"),
    "path-added": Check("info", "a path is new", "path-removed"),
    "method-removed": Check("breaking", "a path no longer has a method", "method-added"),
    "method-added": Check("info", "a path has a new method", "method-removed"),
    "parameter-removed": Check("breaking", "a request no longer takes a parameter", "parameter-added"),
    "parameter-added": Check("info", "a request takes a new parameter", "parameter-removed"),
    "field-removed": Check("breaking", "a query field is gone", "field-added"),
    "field-added": Check("info", "a query field is new", "field-removed"),
    "operator-removed": Check("breaking", "a query field no longer takes an operator", "operator-added"),
    "operator-added": Check("info", "a query field takes a new operator", "operator-removed"),
    "field-type-changed": Check("breaking", "a query field has another type", "field-type-changed"),
    "orderby-lost": Check("warning", "a list can no longer be ordered by a field", "orderby-gained"),
    "orderby-gained": Check("info", "a list can now be ordered by a field", "orderby-lost"),
    "unknown-keys-changed": Check("info", "keys that digirm does not know changed", "unknown-keys-changed"),
    "order-changed": Check("info", "parameters or operators come in another order", "order-changed"),
    "document-changed": Check("info", "documents differ in a way that nothing else names", "document-changed"),
}


class Finding(msgspec.Struct, frozen=True):
    """One change and where it is; what does not apply is empty.

    `path` is a template as NEW has it, or OLD where it is gone; `name` is a parameter or a query field. All four, and
    `values`, hold the server's text as it is; `message` is one printable line, with the server's words in backticks.
    `values` are the operators or unknown keys that changed, or what was before and what is now; `notes` are guesses,
    and why the level is another than usual.
    """

    id: str
    level: Level
    message: str
    category: str = ""
    path: str = ""
    method: str = ""
    name: str = ""
    values: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def place(self) -> tuple[str, str, str, str]:
        """(category, path, method, name): what findings are sorted by."""
        return self.category, self.path, self.method, self.name


def in_order(finding: Finding) -> tuple[object, ...]:
    """The key that findings are sorted by."""
    return (*finding.place, finding.id, finding.message)


def quoted(text: str, limit: int = MAX_SHOWN) -> str:
    """A server's text for a message: in backticks, printable, on one line, and of at most `limit` characters or so.

    It holds no backtick itself, so that in Markdown it is code to its end: no markup, no link, nobody mentioned.
    """
    return _quoted(text if len(text) <= limit else text[: limit - 3] + "...")


@lru_cache(4096)
def _quoted(text: str) -> str:
    text = printable(text).replace("`", "\\x60")
    # Two backticks in a row would open another kind of code.
    return f"`{text}`" if text.strip() else f"`{text!r}`"


def counted(number: int, noun: str) -> str:
    """A number of things in words: `1 path`, `2,000 paths`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(texts: Sequence[str], shown: int = MAX_LISTED) -> str:
    """Some texts in a row, and how many more there are."""
    more = len(texts) - shown
    return ", ".join(texts[:shown]) + (f" and {more:,} more" if more > 0 else "")
