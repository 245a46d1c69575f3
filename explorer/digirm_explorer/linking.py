"""A composed request without its secrets, as links and the history hold it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from digirm_runtime.masking import Masker
from digirm_runtime.secrets import MASK

#: So many characters are kept of a body.
MOST_TEXT = 1 << 20


def shared(request: Mapping[str, Any], secrets: Iterable[str] = ()) -> dict[str, Any]:
    """What a link may hold of a composed request: the `request`, and whether something in it was `masked`.

    `secrets` are values that must not be in it wherever they stand. Raises ComposedError for what is no request.
    """
    import msgspec

    from digirm_explorer.composed import Composed, ComposedError

    masker = Masker(secrets)
    kept = without_secrets(masker, msgspec.to_builtins(Composed.read(request)))
    if masker.full:
        raise ComposedError("the request holds too many secrets for a link: leave some out")
    return {"request": kept, "masked": masker.masked}


def without_secrets(masker: Masker, request: Mapping[str, Any]) -> dict[str, Any]:
    """A composed request without its secrets, which the masker learns; it says whether there were any."""
    # What is learned from its end must not stay at its beginning.
    _masked(masker, request)
    kept = _masked(masker, request)
    if masker.full:
        # Not all of them were looked for elsewhere.
        kept |= {"path": MASK, "path_values": {}, "params": [], "headers": [], "body": MASK}
    return kept


def _masked(masker: Masker, request: Mapping[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, value in request.items():
        if name == "headers" and isinstance(value, list):
            pairs = [(str(header["name"]), str(header["value"])) for header in value]
            kept[name] = [{"name": name, "value": value} for name, value in masker.headers(pairs)]
        elif name == "path" and isinstance(value, str):
            kept[name] = masker.url(value)
        elif name == "body" and isinstance(value, str) and len(value) > MOST_TEXT:
            # Left out as what is secret is: it has to be given again.
            kept[name] = masker.text(value[:MOST_TEXT]) + MASK
            masker.masked = True
        else:
            kept[name] = masker.value(value)
    return kept
