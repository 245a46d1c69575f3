"""The one naming function: wire names to Python names, the same for generated and dynamic clients.

A name is mended, never refused, as long as something of it is left. Where two wire names want one Python name, the one
that is spelt so on the wire keeps it and the others get a suffix made from their own wire name, never from their
position: adding a path to the API renames nothing else.
"""

from __future__ import annotations

import hashlib
import keyword
import re
from collections.abc import Collection, Iterable

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_OTHER = re.compile(r"[^A-Za-z0-9]+")
MAX_IDENTIFIER = 80


def identifier(wire: str) -> str | None:
    """An attribute name for a path segment or a field: `class` → `class_`, `2fa-tokens` → `x2fa_tokens`.

    None where no letter or digit is left. Never begins with `_`: such names belong to the client itself.
    """
    if wire.isascii() and wire.isidentifier() and not wire.startswith("_"):
        name = wire
    else:
        name = _OTHER.sub("_", wire).strip("_")
        if not name:
            return None
        if name[0].isdigit():
            name = "x" + name
    if len(name) > MAX_IDENTIFIER:
        name = f"{name[: MAX_IDENTIFIER - 9].rstrip('_')}_{tag(wire)}"
    return name + "_" if keyword.iskeyword(name) else name


def snake(wire: str) -> str | None:
    """A parameter name: `configId` → `config_id`, `dry-run` → `dry_run`."""
    name = identifier(_CAMEL.sub("_", wire))
    return None if name is None else identifier(name.lower())


def camel(names: Iterable[str]) -> str:
    """A class name from attribute names: `devices`, `x2fa_tokens` → `DevicesX2faTokens`."""
    return "".join(part[:1].upper() + part[1:] for name in names for part in name.split("_"))


def tag(wire: str) -> str:
    """Eight characters that stand for a wire name."""
    return hashlib.sha256(wire.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def settle(wanted: dict[str, str], reserved: Collection[str] = ()) -> dict[str, str]:
    """Final names for wire names that want the names given: unique, and none of `reserved`.

    The result depends on the set of wire names alone, not on their order.
    """
    claims: dict[str, list[str]] = {}
    for wire, name in wanted.items():
        claims.setdefault(name, []).append(wire)
    settled: dict[str, str] = {}
    taken = set(reserved)
    losers: list[str] = []
    for name, wires in claims.items():
        keeper = name if name in wires else wires[0] if len(wires) == 1 else None
        if name in taken and keeper is not None:
            keeper = None
        if keeper is not None:
            settled[keeper] = name
            taken.add(name)
        losers += [wire for wire in wires if wire != keeper]
    for wire in sorted(losers):
        # A reserved name that nobody else wants needs no more than the mark that Python's own style gives.
        plain = wanted[wire] + "_"
        free = len(claims[wanted[wire]]) == 1 and plain not in taken and plain not in claims
        name = plain if free else f"{wanted[wire]}_{tag(wire)}"
        while name in taken or (name in claims and not free):
            name += tag(name)
        settled[wire] = name
        taken.add(name)
    return settled
