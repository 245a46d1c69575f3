"""A section of a changelog that says what changed in an API's contract."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from digirm_codegen.diff.findings import LEVELS, Finding, quoted

#: More entries of one level than this are counted only.
MAX_ENTRIES = 40
_UNRELEASED = re.compile(r"##\s+\[?unreleased\]?", re.IGNORECASE)
_NEW = "# Changelog\n"


def section(title: str, findings: Sequence[Finding], dropped: Sequence[str] = ()) -> str:
    """The section: findings by level, then overrides that were `dropped`.

    `title` is Markdown, as messages of findings are.
    """
    lines = [f"### {title}", ""]
    for level in LEVELS:
        found = [finding for finding in findings if finding.level == level]
        lines += [f"- {level}: {finding.message}" for finding in found[:MAX_ENTRIES]]
        if len(found) > MAX_ENTRIES:
            lines.append(f"- {level}: {len(found) - MAX_ENTRIES} more; `digirm diff` shows all")
    lines += [f"- override that no longer applies: {quoted(entry)}" for entry in dropped]
    return "\n".join(lines) + "\n"


def insert(text: str, new: str) -> str:
    """A changelog with a section in its part of what is unreleased, in place of one of the same title.

    An empty text becomes a changelog. Line ends stay as they are.
    """
    ending = "\r\n" if "\r\n" in text else "\n"
    lines = (text if text.strip() else _NEW).replace("\r\n", "\n").split("\n")
    if lines[-1] == "":
        lines.pop()
    start = next(_matching(lines, _UNRELEASED), None)
    if start is None:
        start = next(_matching(lines, re.compile("## ")), len(lines))
        above = [] if start and lines[start - 1] == "" else [""]
        lines[start:start] = [*above, "## [Unreleased]", ""]
        start += len(above)
    end = next(_matching(lines, re.compile("## "), start + 1), len(lines))
    added = new.rstrip("\n").split("\n")
    first = next((n for n in range(start, end) if lines[n] == added[0]), end)
    last = next(_matching(lines[:end], re.compile("#{2,3} "), first + 1), end)
    before = lines[:first]
    while before and before[-1] == "":
        before.pop()
    after = ["", *lines[last:]] if last < len(lines) else []
    return ending.join([*before, "", *added, *after, ""])


def _matching(lines: Sequence[str], pattern: re.Pattern[str], start: int = 0) -> Iterator[int]:
    return (number for number in range(start, len(lines)) if pattern.match(lines[number]))
