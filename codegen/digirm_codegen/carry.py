"""Carries the hand knowledge of one API version over to the next: what still applies stays, letter for letter."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from digirm_codegen import toml_spans
from digirm_runtime import overrides, overrides_check, spec

if TYPE_CHECKING:
    from digirm_codegen.spec_files import Capture
    from digirm_codegen.toml_spans import Address
    from digirm_runtime.overrides import Overrides

_SAYS_NOTHING = overrides.OperationEntry(path="", method="", source="", reason="")


class Carried(NamedTuple):
    """The text of an `overrides.toml` for the next version, and a sentence on each thing that no longer applied."""

    text: str
    dropped: tuple[str, ...]


def carry(text: str, capture: Capture) -> Carried:
    """The overrides in `text` for the version that `capture` holds.

    An entry that no longer applies is taken out, of one that names several things only those; all else stays as it is,
    comments included, and the result applies to `capture`. Raises SpecError where the text is damaged or wrong whatever
    the version.
    """
    dropped: list[str] = []
    while True:
        known = overrides.parse(text, "overrides.toml")
        _, stale = spec.examine(
            capture.documents,
            api_version=capture.api_version,
            base_path=capture.base_path,
            provenance=capture.provenance,
            unavailable=capture.unavailable,
            overrides=known,
        )
        overrides_check.raise_for(entry for entry in stale if not entry.address)
        if not stale:
            return Carried(text, tuple(dropped))
        # What goes can have been all that another entry stood on: again, until everything applies.
        dropped += [entry.message for entry in stale]
        text = toml_spans.without(text, _whole(known, [entry.address for entry in stale]))


def _whole(known: Overrides, addresses: list[Address]) -> set[Address]:
    """`addresses`, with the whole entry in place of its parts where without them it would say nothing, or too much."""
    gone = set(addresses)
    lists: Counter[tuple[str, int, str]] = Counter()
    for address in addresses:
        match address:
            case (str(section), int(index), str(key), int()):
                lists[section, index, key] += 1
            case ("operation", int(index), "schema"):
                blank = {"path": "", "method": "", "schema": None, "source": "", "reason": ""}
                if msgspec.structs.replace(known.operation[index], **blank) == _SAYS_NOTHING:
                    gone.add(("operation", index))
            case _:
                pass
    for (section, index, key), count in lists.items():
        if count == len(getattr(getattr(known, section)[index], key)):
            gone.add((section, index))
    return gone
