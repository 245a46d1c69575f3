"""What each request does, by the name that the contract gives; one module per area.

A module exports `BEHAVIOURS`, and where it needs them `TABLES` (private tables: name to SQL column definitions),
`RESOURCES` (a class of its own for the objects of a collection), `seed` (its part of the first state), `observe`
(what it does when something changes), `catch_up` (what has come to its end by a time).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import cache
from importlib import import_module
from typing import Any

from digirm_simulator.resources import Resource
from digirm_simulator.world import Behaviour, Change, World

#: In the order in which they make the first state and are told of changes.
AREAS = (
    "generic",
    "groups",
    "devices",
    "commands",
    "streams",
    "rollups",
    "files",
    "reports",
    "configs",
    "monitors",
    "jobs",
    "firmware",
    "automations",
    "alerts",
    "users",
    "account",
    "events",
)


@cache
def behaviours() -> Mapping[str, Behaviour]:
    """All behaviours by name."""
    found: dict[str, Behaviour] = {}
    for entries in _each("BEHAVIOURS"):
        assert not entries.keys() & found.keys(), "two behaviours share a name"
        found |= entries
    return found


@cache
def resource_classes() -> Mapping[str, type[Resource]]:
    """The classes of the collections that have one of their own, by name below the base path."""
    return {name: made for entries in _each("RESOURCES") for name, made in entries.items()}


@cache
def tables() -> Mapping[str, str]:
    """The private tables: name to SQL column definitions."""
    return {name: columns for entries in _each("TABLES") for name, columns in entries.items()}


def seeds() -> Iterator[Callable[[World], None]]:
    """What makes the first state, in order."""
    return _each("seed")


def observers() -> Iterator[Callable[[World, Change], None]]:
    """Those who are told of every change, in order."""
    return _each("observe")


def catchers_up() -> Iterator[Callable[[World, datetime], int]]:
    """What brings the work that goes on by itself up to a time, in order; each gives when there will be more."""
    return _each("catch_up")


def _each(name: str) -> Iterator[Any]:
    for area in AREAS:
        module = import_module(f"{__name__}.{area}")
        if hasattr(module, name):
            yield getattr(module, name)
