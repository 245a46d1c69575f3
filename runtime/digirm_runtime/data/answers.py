"""What the answer to a batch says of each of its points.

Known of other objects: 201 says that all is stored, 207 that each entry of the list must be looked at (outside code);
one that failed holds `error_status`, `error_message` and, as `error_context`, the item as it was sent (documented).
That entries come in the order of the items is likely. An answer that leaves open what became of a point is no answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from digirm_runtime.errors import TransportError
from digirm_runtime.flow import decode_json

if TYPE_CHECKING:
    from digirm_runtime.wire import Response

_MIXED = 207
_ALL_STORED = (201, 204)


class Refusal(NamedTuple):
    """A point that was refused: its place in the batch, and what the service said."""

    place: int
    message: str
    status: int


def refusals(items: Sequence[Mapping[str, Any]], response: Response) -> list[Refusal]:
    """The points of a batch that were refused; all others are stored. Raises TransportError where that is not clear."""
    all_stored = response.status in _ALL_STORED
    if all_stored and not response.read().strip():
        return []
    entries = _entries(response)
    failed = {place: entry for place, entry in enumerate(entries) if "error_status" in entry}
    others = [entry for entry in entries if "error_status" not in entry]
    if any("error" in entry or "error_message" in entry for entry in others):
        raise _unclear(response, "tells of an error without its status")
    each = len(entries) == len(items)
    # What the service says of a point that it has stored is not known: only that it says something.
    if not failed and (all_stored or (each and all(others))):
        return []
    if not all("stream_id" in entry for entry in others):
        raise _unclear(response, "has entries that are neither points nor failures")
    if not each and not (response.status == _MIXED and failed and not others):
        raise _unclear(response, f"has {len(entries)} entries for {len(items)} points")
    return list(_found(items, failed, response, ordered=each))


def _entries(response: Response) -> list[dict[str, Any]]:
    """The entries of a list, bare or under `list`; an object alone is one."""
    answer = decode_json(response, required=True)
    entries = answer.get("list", [answer]) if isinstance(answer, dict) else answer
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise _unclear(response, "holds no list of points")
    return entries


def _found(
    items: Sequence[Mapping[str, Any]], failed: Mapping[int, dict[str, Any]], response: Response, *, ordered: bool
) -> Iterator[Refusal]:
    """Whose the failures are: by the item that they hold, else by their place among as many entries as points."""
    left = set(range(len(items)))
    for number, entry in failed.items():
        context = entry.get("error_context")
        place = number if ordered and number in left else None
        if place is None or not _same(items[place], context):
            alike = [at for at in sorted(left) if _same(items[at], context)]
            # Which of several equal points failed makes no difference.
            if alike and all(items[at] == items[alike[0]] for at in alike):
                place = alike[0]
        if place is None:
            raise _unclear(response, "has a failure that belongs to no point of the batch")
        left.discard(place)
        status = entry["error_status"]
        yield Refusal(place, str(entry.get("error_message", "")), status if isinstance(status, int) else 400)


def _same(item: Mapping[str, Any], context: object) -> bool:
    """Whether what a failure holds is this item: the service may add to it, or leave out what is secret."""
    if not isinstance(context, Mapping):
        return False
    shared = item.keys() & context.keys()
    return "stream_id" in shared and all(
        item[name] == context[name] or str(item[name]) == str(context[name]) for name in shared
    )


def _unclear(response: Response, what: str) -> TransportError:
    return TransportError(
        f"answered {response.status}, but the body {what}: what was stored is unknown", body=response.read()
    )
