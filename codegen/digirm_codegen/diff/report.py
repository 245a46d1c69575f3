"""What a comparison found, as text, as JSON, and as Markdown for a pull request."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from digirm_codegen.diff.findings import LEVELS, Finding, Level, quoted

if TYPE_CHECKING:
    from digirm_codegen.against import Use
    from digirm_codegen.diff.surface import Lost
    from digirm_codegen.spec_files import Capture

#: A list of more items is folded in Markdown.
FOLD = 10
#: What fits into a comment of a pull request, and a bit less: the rest is counted only.
MAX_MARKDOWN = 60_000
MAX_LINE = 1000
_TITLES: dict[Level, str] = {"breaking": "Breaking", "warning": "Warnings", "info": "Info"}
_CLIENT = "Python names that vanish or change"
_USES = "Uses that no longer work"
_NOT_JUDGED = "Not judged"
_NOT_COMPARED = "Not compared, as unavailable both times"
_KEPT = "Not captured again, as unavailable now: the earlier capture stands"
_DROPPED = "Overrides left out"


class Report(NamedTuple):
    """Findings in order, and the titles of the two versions.

    `client` are the names that users of the generated client lose, `uses` places in their files; None where nobody
    looked. `not_judged` are sentences on what of their files was not looked through, `not_compared` the categories that
    neither version has, `kept` those whose earlier capture stands, `dropped` sentences on
    overrides that did not come along.
    """

    old: str
    new: str
    findings: tuple[Finding, ...]
    client: tuple[Lost, ...] | None = None
    uses: tuple[Use, ...] | None = None
    not_judged: tuple[str, ...] = ()
    not_compared: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()

    def at(self, level: Level) -> tuple[Finding, ...]:
        """The findings of one level."""
        return tuple(finding for finding in self.findings if finding.level == level)

    def worst(self) -> Level | None:
        """The level of the gravest finding, None where there is none."""
        return next((level for level in LEVELS if self.at(level)), None)

    def lost(self) -> tuple[Lost, ...]:
        """The names that users of the generated client lose; those that are still there, but changed, come last."""
        return tuple(sorted(self.client or (), key=lambda one: one.kind == "changed"))

    def ended(self) -> tuple[Lost, ...]:
        """The names that users lose and no finding explains: aliases whose time is over, and what overrides rename."""
        return tuple(one for one in self.lost() if one.kind != "changed" and not one.because)

    def fails(self, on: str) -> bool:
        """Whether there is something as grave as `on`, a level or `none`; a use that no longer works is."""
        if on not in LEVELS:
            return False
        worst = self.worst()
        return bool(self.uses) or (worst is not None and LEVELS.index(worst) <= LEVELS.index(on))

    def counts(self) -> str:
        """How many findings there are of each level, in words."""
        if not self.findings:
            return "no changes"
        breaking, warnings, info = (len(self.at(level)) for level in LEVELS)
        return f"{breaking:,} breaking, {warnings:,} warning{'' if warnings == 1 else 's'}, {info:,} info"

    def text(self) -> str:
        """The report for a terminal."""
        lines = [f"{_line(self.old)} -> {_line(self.new)}: {self.counts()}"]
        for level in LEVELS:
            for finding in self.at(level):
                lines.append(f"{finding.level:9}{finding.id:22}{finding.message}")
                lines += [f"{'':31}{note}" for note in finding.notes]
        if self.client is not None:
            lines += ["", f"{_CLIENT}: {len(self.client):,}"]
            lines += [f"{one.kind:9}{_line(one.name)}: {one.message}" for one in self.lost()]
        if self.uses is not None:
            lines += ["", f"{_USES}: {len(self.uses):,}"]
            lines += [f"{_line(use.file)}:{use.line}: {use.kind}: {use.message}" for use in self.uses]
        for heading, left in self.left_out():
            lines += ["", f"{heading}: {len(left):,}", *map(_line, left)]
        return "\n".join(lines) + "\n"

    def as_json(self) -> str:
        """The report as one JSON object; `client`, `uses` and `not_judged` are there where somebody looked."""
        found: dict[str, Any] = {"old": self.old, "new": self.new}
        found["findings"] = [msgspec.structs.asdict(finding) for finding in self.findings]
        found["not_compared"] = self.not_compared
        found["kept"] = self.kept
        found["dropped"] = self.dropped
        if self.client is not None:
            found["client"] = [one._asdict() for one in self.lost()]
        if self.uses is not None:
            found["uses"] = [use._asdict() for use in self.uses]
            found["not_judged"] = self.not_judged
        return json.dumps(found, indent=2) + "\n"

    def markdown(self) -> str:
        """The report for a pull request: the verdict, what breaks first, long lists folded.

        What a server, or somebody's file, says is code in it: it cannot be markup, a link or a mention.
        """
        page = _Page()
        page.add(f"# API changes: {quoted(self.old)} to {quoted(self.new)}", "", f"{self.verdict()}", "")
        for level in LEVELS:
            found = self.at(level)
            page.section(_TITLES[level], _by_category(found), len(found), fold=level == "info")
        if self.client is not None:
            lines = (f"- {quoted(one.name)}: {one.message}{_reason(one)}" for one in self.lost())
            page.section(_CLIENT, lines, len(self.client), fold=True)
        if self.uses is not None:
            lines = (f"- {quoted(f'{use.file}:{use.line}')}: {quoted(use.text)}: {use.message}" for use in self.uses)
            page.section(_USES, lines, len(self.uses), fold=False)
        for heading, left in self.left_out():
            page.section(heading, (f"- {quoted(one, MAX_LINE)}" for one in left), len(left), fold=True)
        return page.text()

    def left_out(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """What the verdict does not speak of: headings, and what anybody said below them."""
        sections = (
            (_NOT_JUDGED, self.not_judged),
            (_NOT_COMPARED, self.not_compared),
            (_KEPT, self.kept),
            (_DROPPED, self.dropped),
        )
        return (section for section in sections if section[1])

    def verdict(self) -> str:
        """The line that says whether this breaks callers."""
        counts = self.counts()
        if self.uses:
            counts += f", {len(self.uses):,} use{'s that no longer work' if self.uses[1:] else ' that no longer works'}"
        if self.uses or self.at("breaking"):
            return f"🔴 **Breaks callers:** {counts}."
        ended = sum(one.kind != "changed" for one in self.lost())
        if ended:
            names = "a Python name ends" if ended == 1 else f"{ended:,} Python names end"
            return f"🟡 **The contract breaks nothing known, but {names}:** {counts}."
        unseen = self.not_compared or self.kept or any(one.id == "category-unavailable" for one in self.findings)
        return f"🟡 **Breaks nothing that is known:** {counts}." if unseen else f"🟢 **Breaks nothing:** {counts}."


def title(capture: Capture) -> str:
    """What a report calls a version."""
    return f"{capture.api_version} ({capture.provenance})"


def first(capture: Capture) -> str:
    """The page for a pull request with the first version that was captured, of which there is nothing to compare."""
    categories = len(capture.documents)
    page = _Page()
    page.add(f"# API {quoted(title(capture))}", "")
    page.add(f"The first version that was captured: {categories:,} categor{'y' if categories == 1 else 'ies'}.", "")
    missing = (f"- {quoted(name)}: {why.kind}" for name, why in sorted(capture.unavailable.items()))
    page.section("Unavailable", missing, len(capture.unavailable), fold=True)
    return page.text()


class _Page:
    """Lines of Markdown up to a length; what comes after it is counted."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._room = MAX_MARKDOWN

    def add(self, *lines: str) -> None:
        self._lines += lines
        self._room -= sum(len(line) + 1 for line in lines)

    def section(self, title: str, lines: Iterable[str], count: int, *, fold: bool) -> None:
        """A heading and a list of `count` items; a line that is no item belongs to what comes after it."""
        if not count:
            return
        fold = fold and count > FOLD
        self.add(f"## {title} ({count:,})", "", *(["<details><summary>Show all</summary>", ""] if fold else []))
        done = 0
        for line in lines:
            if self._room < len(line):
                self.add("", f"... and {count - done:,} more.")
                break
            self.add(line)
            done += line.startswith("- ")
        self.add("", *(["</details>", ""] if fold else []))

    def text(self) -> str:
        return "\n".join(self._lines).rstrip() + "\n"


def _reason(one: Lost) -> str:
    return f" ({quoted(one.because)})" if one.because else ""


def _by_category(findings: tuple[Finding, ...]) -> Iterator[str]:
    """The items of a list, under the names of their categories where there are many."""
    named = len(findings) > FOLD
    for number, (category, found) in enumerate(groupby(findings, key=lambda finding: finding.category)):
        if named:
            yield from [""] * (number > 0)
            yield f"**{quoted(category)}**" if category else "**The whole API**"
            yield ""
        for finding in found:
            yield f"- {finding.id}: {finding.message}" + "".join(f"\n  - {note}" for note in finding.notes)


def _line(text: str) -> str:
    """Anybody's text on one line."""
    return quoted(text, MAX_LINE)[1:-1]
