"""Code blocks of a Markdown file."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]


class Command(NamedTuple):
    """A command line of a `console` block, and the exit code that the block promises (`[exit N]`; else 0)."""

    line: str
    code: int

    @property
    def words(self) -> list[str]:
        return shlex.split(self.line)


def blocks(file: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", file.read_text("utf-8"), re.DOTALL | re.MULTILINE)


def commands(file: Path) -> list[Command]:
    found: list[Command] = []
    for line in "".join(blocks(file, "console")).splitlines():
        if line.startswith("$ "):
            found.append(Command(line[2:], 0))
        elif promised := re.fullmatch(r"\[exit (\d)\]", line):
            found[-1] = Command(found[-1].line, int(promised[1]))
    return found
