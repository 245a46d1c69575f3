"""A section of a changelog that says what changed in an API's contract."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from digirm_codegen.diff.findings import LEVELS, Finding, quoted

if TYPE_CHECKING:
    from digirm_codegen.diff.report import Report

#: More entries of one level than this are counted only.
MAX_ENTRIES = 40
UNCHANGED = "- The contract did not change."
_UNCHANGED_IN_PART = "- Nothing that was compared changed."
_UNRELEASED = re.compile(r"##\s+\[?unreleased\b", re.IGNORECASE)
_RELEASE = re.compile(r"##\s")
_PART = re.compile(r"##?\s")
_LINK = re.compile(r" {0,3}\[[^\]]+\]:\s*\S")
#: A line that belongs to an entry: its first, or one that is indented.
_ENTRY = re.compile(r"- |[ \t]+\S")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)", re.DOTALL)
_COMMENT = re.compile(r" {0,3}<!--")
_HIDDEN = "(hidden)"
_NEW = "# Changelog\n"
_BOM = "\ufeff"


def section(title: str, report: Report) -> str:
    """The section: findings by level with their notes, names that end without a finding, and what was left out.

    `title` is Markdown, as messages and notes of findings are.
    """
    entries: list[str] = []
    for level in LEVELS:
        found = report.at(level)
        entries += [f"- {level}: {finding.message}{_notes(finding)}" for finding in found[:MAX_ENTRIES]]
        if len(found) > MAX_ENTRIES:
            entries.append(f"- {level}: {len(found) - MAX_ENTRIES} more; `digirm diff` shows all")
    if not entries:
        entries.append(_UNCHANGED_IN_PART if report.not_compared or report.kept else UNCHANGED)
    ended = report.ended()
    entries += [f"- Python name: {quoted(one.name)}: {one.message}" for one in ended[:MAX_ENTRIES]]
    if len(ended) > MAX_ENTRIES:
        entries.append(f"- Python name: {len(ended) - MAX_ENTRIES} more")
    entries += [f"- not compared, as unavailable both times: {quoted(name)}" for name in report.not_compared]
    entries += [f"- override that no longer applies: {quoted(entry)}" for entry in report.dropped]
    return "\n".join([f"### {title}", "", *entries]) + "\n"


def insert(text: str, new: str, *, add: bool = False) -> str:
    """A changelog with a section in its part of what is unreleased.

    The entries of a section of the same title are replaced, or, to `add`, the new ones come behind them: an entry that
    is there already moves to the end, so that the last word is the latest. An empty text becomes a changelog. All other
    lines stay byte for byte; new ones end as the first line does.
    """
    if not text.strip(f"{_BOM} \t\r\n"):
        text = _NEW
    lines = re.findall(r"[^\n]*\n|[^\n]+", text)
    ending = "\r\n" if lines[0].endswith("\r\n") else "\n"
    shown, bottom = _shown(lines)
    added = new.rstrip("\n").split("\n")
    start = _first(shown, _UNRELEASED, 0, bottom)
    if start is None:
        part = _first(shown, _RELEASE, 0, bottom)
        place = _above_links(shown, bottom if part is None else part)
        return _with(lines, place, ["## [Unreleased]", "", *added], ending)
    end = _first(shown, _PART, start + 1, bottom) or bottom
    first = _first(shown, re.compile(rf"{re.escape(added[0])}\s*$"), start + 1, end)
    if first is None:
        return _with(lines, _above_links(shown, end, start + 1), added, ending)
    last = first + 1
    for number in range(first + 1, end):
        if _ENTRY.match(shown[number]):
            last = number + 1
        elif shown[number].strip():
            break
    there = [line.rstrip("\r\n") for line in lines[first:last]]
    if add:
        entries = added[2:]
        added = [*(line for line in there if line not in entries), *entries]
    if added == there:
        return text
    return "".join([*lines[:first], *(line + ending for line in added), *lines[last:]])


def _notes(finding: Finding) -> str:
    return f" ({'; '.join(finding.notes)})" if finding.notes else ""


def _shown(lines: Sequence[str]) -> tuple[list[str], int]:
    """(the lines, with `_HIDDEN` for those in fenced code or HTML comments, where those end that nothing hides)."""
    shown: list[str] = []
    fence, comment, bottom = "", False, 0
    for line in lines:
        marks = _FENCE.match(line)
        if fence:
            if marks and marks[1].startswith(fence) and not marks[2].strip():
                fence = ""
        elif comment or _COMMENT.match(line):
            comment = "-->" not in line
        elif marks and not (marks[1][0] == "`" and "`" in marks[2]):
            fence = marks[1]
        else:
            shown.append(line if shown else line.removeprefix(_BOM))
            bottom = len(shown)
            continue
        shown.append(_HIDDEN)
        if not fence and not comment:
            bottom = len(shown)
    return shown, bottom


def _first(lines: Sequence[str], pattern: re.Pattern[str], start: int, end: int) -> int | None:
    return next((number for number in range(start, end) if pattern.match(lines[number])), None)


def _above_links(lines: Sequence[str], end: int, start: int = 0) -> int:
    """Where something new goes at the end of a part: above the definitions of links that it ends with."""
    place = end
    for number in range(end - 1, start - 1, -1):
        if _LINK.match(lines[number]):
            place = number
        elif lines[number].strip():
            break
    return place


def _with(lines: Sequence[str], place: int, added: Sequence[str], ending: str) -> str:
    """The text with lines put in, set off by blank lines."""
    before, after = "".join(lines[:place]), "".join(lines[place:])
    if before and not before.endswith("\n"):
        before += ending
    above = ending if place and lines[place - 1].strip() else ""
    return before + above + "".join(line + ending for line in added) + (ending + after if after else "")
