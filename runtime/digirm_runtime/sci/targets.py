"""Whom a command is for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeAlias

from digirm_runtime.device_id import device_id
from digirm_runtime.xmltext import build

_DEVICE_ID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{8}){3}")


class _Named:
    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        if not name.strip():
            # An unset variable in a script must not reach anybody.
            raise ValueError(f"the name of a {type(self).__name__.lower()} must not be empty")
        self.name = name

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.name == self.name

    def __hash__(self) -> int:
        return hash((type(self), self.name))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"


class Tag(_Named):
    """All devices with this tag."""

    __slots__ = ()


class Group(_Named):
    """All devices of the group with this path."""

    __slots__ = ()


class All:
    """All devices of the account: the one value is `ALL`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "ALL"


ALL = All()

Target: TypeAlias = str | Tag | Group | All
#: One target, or several of any kinds.
Targets: TypeAlias = Target | Iterable[Target]


def flat(targets: Targets) -> list[Target]:
    """The targets one by one, each once, devices by the id that the service knows.

    A device is its id, or anything that `digirm_runtime.device_id` makes one of: a MAC or an IMEI. Raises ValueError
    for other text and where there are none, TypeError for what is no target.
    """
    several = [targets] if isinstance(targets, str | Tag | Group | All) else list(targets)
    if not several:
        raise ValueError("no targets: the command would reach nobody")
    return list(dict.fromkeys(map(_checked, several)))


def _checked(target: object) -> Target:
    if isinstance(target, Tag | Group | All):
        return target
    if not isinstance(target, str):
        raise TypeError(f"a target is a device id, Tag, Group or ALL, not {type(target).__name__}")
    text = target.strip()
    if _DEVICE_ID.fullmatch(text):
        return text
    try:
        return device_id(text)
    except ValueError as error:
        if text.lower() == "all":
            raise ValueError(f"{text!r} is no device: ALL means all of them") from None
        raise ValueError(f"a device is given by its id, MAC or IMEI: {error}") from None


def targets_xml(targets: Targets) -> str:
    """The `<targets>` element. Raises ValueError and TypeError as `flat` does."""
    return f"<targets>{''.join(map(_xml, flat(targets)))}</targets>"


def _xml(target: Target) -> str:
    if isinstance(target, Tag):
        return build("device", {"@tag": target.name})
    if isinstance(target, Group):
        return build("group", {"@path": target.name})
    return build("device", {"@id": "all" if isinstance(target, All) else target})
