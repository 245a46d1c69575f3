"""What scanners hand to each other: requests as they stand in a file, and what is said of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias

Kind: TypeAlias = Literal["query", "orderby", "endpoint", "method", "field", "parameter"]

#: What stands in a text for a part that is only known when the program runs.
UNKNOWN = "\0"


class Use(NamedTuple):
    """A place (`line` from 1 on) whose `text` the new contract no longer accepts, and why."""

    file: str
    line: int
    kind: Kind
    text: str
    message: str


class Verdict(NamedTuple):
    """A use without its file."""

    line: int
    kind: Kind
    text: str
    message: str


class Text(NamedTuple):
    """A text of a file, and the line where it begins."""

    text: str
    line: int

    @property
    def known(self) -> bool:
        """Whether all of it is known without running a program."""
        return UNKNOWN not in self.text


class Request(NamedTuple):
    """A request that a file describes: its path as written (`relative`: below the base path), a method (empty:
    unknown), and its parameters by wire name.
    """

    path: Text
    method: str = ""
    params: Mapping[str, Text] = {}
    relative: bool = False
