"""Levels of findings set by hand, in a TOML file that `docs/diff.md` describes."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from digirm_codegen.diff.findings import CHECKS, Finding, Level, quoted
from digirm_runtime.errors import SpecError

FORMAT = 1
MAX_FILE_BYTES = 2**20


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The level of the findings of one kind, in one place; what is not given fits any, `*` fits any part."""

    id: str
    level: Level
    reason: str
    category: str = "*"
    path: str = "*"
    method: str = "*"
    name: str = "*"

    def fits(self, finding: Finding) -> bool:
        """Whether it speaks of `finding`."""
        wanted = (self.category, self.path, self.method.upper(), self.name)
        return self.id == finding.id and all(map(_fits, wanted, finding.place))

    def __str__(self) -> str:
        places = ((key, getattr(self, key)) for key in ("category", "path", "method", "name"))
        return " ".join((self.id, *(f"{key}={quoted(text)}" for key, text in places if text != "*")))


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: int
    level: tuple[Entry, ...] = ()


def load(file: Path) -> tuple[Entry, ...]:
    """The entries of a file of levels, in order. Raises SpecError where it cannot be read or says what is not known."""
    try:
        if file.stat().st_size > MAX_FILE_BYTES:
            raise SpecError(f"{file} is larger than {MAX_FILE_BYTES >> 20} MiB")
        found = msgspec.convert(tomllib.loads(file.read_text("utf-8")), _File)
    except OSError as error:
        raise SpecError(f"cannot read {file}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise SpecError(f"{file}: {error}") from None
    if found.format != FORMAT:
        raise SpecError(f"{file} is not a file of levels of format {FORMAT}")
    for entry in found.level:
        if entry.id not in CHECKS:
            raise SpecError(f"{file}: no finding is called {quoted(entry.id)}")
        if not entry.reason.strip():
            raise SpecError(f"{file}: {entry} has no reason")
    return found.level


def apply(findings: Iterable[Finding], entries: tuple[Entry, ...]) -> tuple[tuple[Finding, ...], tuple[Entry, ...]]:
    """(the findings with the levels that the entries give them, the entries that fit none); the last that fits wins."""
    used: set[int] = set()
    by_id: dict[str, list[tuple[int, Entry]]] = {}
    for number, entry in enumerate(entries):
        by_id.setdefault(entry.id, []).append((number, entry))
    changed: list[Finding] = []
    for finding in findings:
        fitting = [(number, entry) for number, entry in by_id.get(finding.id, ()) if entry.fits(finding)]
        used.update(number for number, _ in fitting)
        changed.append(_at(finding, fitting[-1][1]) if fitting else finding)
    return tuple(changed), tuple(entry for number, entry in enumerate(entries) if number not in used)


def _at(finding: Finding, entry: Entry) -> Finding:
    if entry.level == finding.level:
        return finding
    note = f"{entry.level} instead of {finding.level}: {quoted(entry.reason)}"
    return msgspec.structs.replace(finding, level=entry.level, notes=(*finding.notes, note))


def _fits(pattern: str, text: str) -> bool:
    # Brackets and question marks stand for themselves: templates are full of the like.
    return pattern == text or fnmatchcase(text, pattern.replace("[", "[[]").replace("?", "[?]"))
