"""Reading the raw documents of a capture for comparison: anything that is JSON, nothing of it trusted."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec

from digirm_runtime.template import shape

#: In place of a value where a document has no such key.
ABSENT: Final = msgspec.UNSET


class Entries(NamedTuple):
    """The entries of a list by name, and what has none: `odd` holds malformed and repeated ones, or what is no list."""

    named: dict[str, Any]
    odd: Any


def same(one: Any, two: Any) -> bool:
    """Whether two JSON values have the same canonical form: order of keys aside, and `1` is not `true`.

    Raises RecursionError where they are nested too deep to tell.
    """
    if one is two:
        return True
    if one is ABSENT or two is ABSENT or type(one) is not type(two):
        return False
    if isinstance(one, str):
        return bool(one == two)
    return packed(one) == packed(two)


def packed(value: Any) -> bytes:
    """A short form of a JSON value that is the same exactly where the canonical form is. Raises RecursionError."""
    try:
        return _encode(value)
    except (UnicodeEncodeError, OverflowError):
        # Half a surrogate pair, or a number of more than 64 bits.
        return json.dumps(value, sort_keys=True).encode()


_encode = msgspec.json.Encoder(order="sorted").encode


def entries(holder: Any, key: str, name_of: Callable[[Any], str | None]) -> Entries:
    """The list that `holder` has under `key`, by the names that `name_of` finds; None and a second one are odd."""
    found = holder.get(key, ABSENT) if isinstance(holder, dict) else ABSENT
    if not isinstance(found, list):
        return Entries({}, found)
    named: dict[str, Any] = {}
    odd: list[Any] = []
    for item in found:
        name = name_of(item)
        if name is None or name in named:
            odd.append(item)
        else:
            named[name] = item
    return Entries(named, odd)


def texts(holder: Any, key: str) -> Entries:
    """The list of texts that `holder` has under `key`, by themselves; empty ones, repeated and other ones are odd."""
    found = holder.get(key, ABSENT) if isinstance(holder, dict) else ABSENT
    if isinstance(found, list) and all(type(item) is str for item in found):
        named = dict.fromkeys(found)
        if len(named) == len(found) and "" not in named:
            return Entries(named, [])
    return entries(holder, key, lambda item: item if isinstance(item, str) and item else None)


def odd_differ(old: Entries, new: Entries) -> bool:
    """Whether what has no name differs. That a list came or went is told by its entries, where it has any."""
    if old.odd is ABSENT and new.odd == []:
        return not new.named
    if new.odd is ABSENT and old.odd == []:
        return not old.named
    return not same(old.odd, new.odd)


def text_at(key: str) -> Callable[[Any], str | None]:
    """A function that finds the text which an object has under `key`; None where there is none, or an empty one."""

    def name_of(item: Any) -> str | None:
        name = item.get(key) if isinstance(item, dict) else None
        return name if isinstance(name, str) and name else None

    return name_of


def method_of(item: Any) -> str | None:
    """The method of a request in capitals, whichever way it is spelt."""
    name = item.get("method") if isinstance(item, dict) else None
    return name.upper() if isinstance(name, str) and name else None


def changed_keys(old: Any, new: Any, known: frozenset[str]) -> tuple[list[str], list[str], list[str]]:
    """(removed, added, changed) keys of two objects, those that are `known` aside; sorted."""
    before = old.keys() - known if isinstance(old, dict) else set()
    after = new.keys() - known if isinstance(new, dict) else set()
    changed = sorted(key for key in before & after if not same(old[key], new[key]))
    return sorted(before - after), sorted(after - before), changed


def address(path: str) -> str:
    """What two paths have in common that are one but for the names of arguments; what is no template, as it is."""
    try:
        return shape(path)
    except ValueError:
        return path


def below(path: str, base_path: str) -> str:
    """A path without the base path, where it is below that."""
    return path[len(base_path) :] if (path + "/").startswith(base_path + "/") else path
