"""Reports of findings: what they show, and what a server's words cannot do in them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digirm_cli.main import main
from digirm_codegen import spec_files
from digirm_codegen.against import Use
from digirm_codegen.diff.compare import compare
from digirm_codegen.diff.findings import Finding, Level, quoted
from digirm_codegen.diff.report import MAX_MARKDOWN, Report, first, title
from digirm_codegen.diff.surface import Lost
from tests.diff.support import capture, document, field, get, item, parts
from tests.house.snippets import ROOT

GOLDEN = ROOT / "tests" / "golden" / "diff" / "22.7-to-docs-2023.md"
EVIL = "x` @team <img src=x> |#1 https://evil.example/ [a](b)\n## Breaking\u202e\x1b[31m"
LOST = Lost("method", "rm.parts.list", "is gone")
CHANGED = Lost("changed", "rm.bins.list", "returns Any")
USE = Use("app.py", 7, "query", "bin = 1", "the field `bin` is gone")


def found(level: Level, number: int = 0) -> Finding:
    return Finding("path-added", level, f"`/{number}` is new", "parts", f"/{number}")


def test_from_22_7_to_docs_2023(tmp_path: Path) -> None:
    new = tmp_path / "docs-2023"
    assert main(["crawl", "sim:docs-2023", "--out", str(new), "--api-version", "docs-2023"]) == 0
    out = tmp_path / "report.md"
    assert main(["diff", str(ROOT / "specs" / "22.7"), str(new), "--format", "markdown", "--out", str(out)]) == 1
    assert out.read_text("utf-8") == GOLDEN.read_text("utf-8")
    text = Report("22.7 (reconstructed)", "docs-2023 (reconstructed)", _findings(new)).text()
    assert text in (ROOT / "docs" / "diff.md").read_text("utf-8"), "as the page shows it"


def _findings(new: Path) -> tuple[Finding, ...]:
    return compare(spec_files.read(ROOT / "specs" / "22.7"), spec_files.read(new)).findings


def test_text() -> None:
    old = parts(get(field("lastUpdate"), field("bin", type="Text")))
    new = parts(get(field("last_update"), field("bin", type="Tags", orderby=False)))
    report = Report(title(old), title(new), compare(old, new).findings, (CHANGED, LOST), (USE,))
    assert report.text() == (
        "1 (live) -> 1 (live): 2 breaking, 1 warning, 1 info\n"
        "breaking field-type-changed    "
        "`GET /ws/v1/parts/inventory`: the query field `bin` was of type `Text`, it is of type `Tags`\n"
        "breaking field-removed         "
        "`GET /ws/v1/parts/inventory`: the query field `lastUpdate` is gone (of type `Text`)\n"
        "                               perhaps renamed to `last_update`\n"
        "warning  orderby-lost          "
        "`GET /ws/v1/parts/inventory`: the query field `bin` can no longer be ordered by\n"
        "info     field-added           "
        "`GET /ws/v1/parts/inventory`: the query field `last_update` is new (of type `Text`)\n"
        "                               perhaps renamed from `lastUpdate`\n"
        "\n"
        "Python names that vanish or change: 2\n"
        "method   rm.parts.list: is gone\n"
        "changed  rm.bins.list: returns Any\n"
        "\n"
        "Uses that no longer work: 1\n"
        "app.py:7: query: the field `bin` is gone\n"
    )


def test_json() -> None:
    report = Report("1", "2", compare(parts(get(params=())), parts(get(params=("size",)))).findings)
    finding = {
        "id": "parameter-added",
        "level": "info",
        "message": "`GET /ws/v1/parts/inventory` takes the new parameter `size`",
        "category": "parts",
        "path": "/ws/v1/parts/inventory",
        "method": "GET",
        "name": "size",
        "values": [],
        "notes": [],
    }
    assert json.loads(report.as_json()) == {
        "old": "1", "new": "2", "findings": [finding], "not_compared": [], "kept": [], "dropped": [],
    }  # fmt: skip
    looked = json.loads(report._replace(client=(LOST,), uses=(USE,)).as_json())
    assert looked["client"][0]["name"] == "rm.parts.list"
    assert looked["uses"] == [USE._asdict()]
    assert looked["not_judged"] == []
    more = json.loads(report._replace(uses=(), not_judged=("a",), not_compared=("b",), dropped=("c",)).as_json())
    assert (more["not_judged"], more["not_compared"], more["dropped"]) == (["a"], ["b"], ["c"])


def test_nobody_looked_is_not_nothing_found() -> None:
    report = Report("1", "2", ())
    assert report.text() == "1 -> 2: no changes\n"
    assert "client" not in json.loads(report.as_json())
    assert report._replace(client=(), uses=()).text().splitlines()[1:] == [
        "", "Python names that vanish or change: 0", "", "Uses that no longer work: 0",
    ]  # fmt: skip
    assert json.loads(report._replace(client=(), uses=()).as_json())["uses"] == []


def test_markdown_has_what_breaks_first_and_folds_what_is_long() -> None:
    many = tuple(found("info", number) for number in range(11))
    report = Report("1", "2", (*many, found("warning"), found("breaking")), (LOST,), (USE,))
    lines = report.markdown().splitlines()
    assert lines[:3] == [
        "# API changes: `1` to `2`", "",
        "🔴 **Breaks callers:** 1 breaking, 1 warning, 11 info, 1 use that no longer works.",
    ]  # fmt: skip
    assert [line for line in lines if line.startswith(("#", "<", "**"))][1:] == [
        "## Breaking (1)", "## Warnings (1)",
        "## Info (11)", "<details><summary>Show all</summary>", "**`parts`**", "</details>",
        "## Python names that vanish or change (1)", "## Uses that no longer work (1)",
    ]  # fmt: skip
    assert "- `rm.parts.list`: is gone" in lines
    assert "- `app.py:7`: `bin = 1`: the field `bin` is gone" in lines


def test_what_the_verdict_does_not_speak_of() -> None:
    report = Report("1", "2", (), not_judged=("a.bin: binary",), not_compared=("bins",), dropped=("names: `x`",))
    assert report.text() == (
        "1 -> 2: no changes\n"
        "\nNot judged: 1\na.bin: binary\n"
        "\nNot compared, as unavailable both times: 1\nbins\n"
        "\nOverrides left out: 1\nnames: \\x60x\\x60\n"
    )
    assert report.markdown().splitlines()[4:] == [
        "## Not judged (1)", "", "- `a.bin: binary`", "",
        "## Not compared, as unavailable both times (1)", "", "- `bins`", "",
        "## Overrides left out (1)", "", "- `names: \\x60x\\x60`",
    ]  # fmt: skip


def test_the_first_version() -> None:
    assert first(capture("bins", parts=document())) == (
        "# API `1 (live)`\n\nThe first version that was captured: 1 category.\n\n"
        "## Unavailable (1)\n\n- `bins`: forbidden\n"
    )
    assert first(capture(parts=document(), bins=document())).endswith(" captured: 2 categories.\n")


@pytest.mark.parametrize(
    ("report", "line"),
    [
        (Report("1", "2", ()), "🟢 **Breaks nothing:** no changes."),
        (Report("1", "2", (), not_compared=("a",)), "🟡 **Breaks nothing that is known:** no changes."),
        (Report("1", "2", (), kept=("a",)), "🟡 **Breaks nothing that is known:** no changes."),
        (
            Report("1", "2", (), client=(LOST,)),
            "🟡 **The contract breaks nothing known, but a Python name ends:** no changes.",
        ),
        (
            Report("1", "2", (), client=(LOST, LOST)),
            "🟡 **The contract breaks nothing known, but 2 Python names end:** no changes.",
        ),
        (Report("1", "2", (), client=(LOST._replace(kind="changed"),)), "🟢 **Breaks nothing:** no changes."),
        (
            Report("1", "2", (Finding("category-unavailable", "warning", "a"),)),
            "🟡 **Breaks nothing that is known:** 0 breaking, 1 warning, 0 info.",
        ),
        (Report("1", "2", (found("warning"),)), "🟢 **Breaks nothing:** 0 breaking, 1 warning, 0 info."),
        (Report("1", "2", (found("breaking"),)), "🔴 **Breaks callers:** 1 breaking, 0 warnings, 0 info."),
        (Report("1", "2", (), uses=(USE,)), "🔴 **Breaks callers:** no changes, 1 use that no longer works."),
    ],
)
def test_verdict(report: Report, line: str) -> None:
    assert report.verdict() == line


@pytest.mark.parametrize(
    ("report", "on", "fails"),
    [
        (Report("1", "2", ()), "warning", False),
        (Report("1", "2", (found("info"),)), "warning", False),
        (Report("1", "2", (found("info"), found("warning"))), "breaking", False),
        (Report("1", "2", (found("info"), found("warning"))), "warning", True),
        (Report("1", "2", (found("info"), found("breaking"))), "breaking", True),
        (Report("1", "2", (found("breaking"),), uses=(USE,)), "none", False),
        (Report("1", "2", (), uses=(USE,)), "breaking", True),
        (Report("1", "2", (), client=(LOST,)), "warning", False),
    ],
)
def test_what_fails(report: Report, on: str, fails: bool) -> None:
    assert report.fails(on) == fails


def prose(page: str) -> str:
    """A page of Markdown without its code; no code goes over the end of a line."""
    assert all(line.count("`") % 2 == 0 for line in page.splitlines())
    return "\n".join("".join(line.split("`")[::2]) for line in page.splitlines())


def test_a_server_cannot_write_markdown() -> None:
    requests = get(field(EVIL), params=(EVIL,))
    old = capture(documents={EVIL: document(item("/ws/v1/x", get(more=EVIL)), **{EVIL: 1})})
    new = capture(documents={EVIL: document(item("/ws/v1/x", requests), item(EVIL, get(method=EVIL)))})
    findings = compare(old, new).findings
    said = f"{quoted(EVIL)} is gone"
    lost, use = Lost("method", EVIL, said), Use(EVIL, 1, "query", EVIL, said)
    report = Report(EVIL, EVIL, findings, (lost,), (use,), (EVIL,), (EVIL,), (EVIL,), (EVIL,))
    shown = f"{prose(report.markdown())}\n{prose(first(new))}"
    assert not any(word in shown for word in ("@", "<img", "evil", "[", "|", "\u202e", "\x1b", "#1"))
    assert [line for line in shown.splitlines() if line.startswith("#")] == [
        "# API changes:  to ", "## Breaking (1)", "## Info (5)",
        "## Python names that vanish or change (1)", "## Uses that no longer work (1)",
        "## Not judged (1)", "## Not compared, as unavailable both times (1)",
        "## Not captured again, as unavailable now: the earlier capture stands (1)",
        "## Overrides left out (1)", "# API ",
    ]  # fmt: skip
    assert len(report.text().splitlines()) == 1 + len(findings) + 6 * 3
    assert report.as_json().isascii()


@given(st.text() | st.text("` \\\n", max_size=4) | st.just("\ud800"))
def test_what_is_quoted_is_code_to_its_end(text: str) -> None:
    code = quoted(text)
    assert code.isprintable()
    assert code[0] == code[-1] == "`"
    assert code[1:-1].strip()
    assert "`" not in code[1:-1]


def test_a_long_report_fits_into_a_comment_and_counts_the_rest() -> None:
    findings = tuple(found(level, number) for level in ("breaking", "info") for number in range(5000))
    page = Report("1", "2", findings, (LOST,) * 20, (USE,)).markdown()
    assert len(page) < MAX_MARKDOWN + 1000
    listed = sum(line.startswith("- path-added") for line in page.splitlines())
    left = [int(line.split()[2].replace(",", "")) for line in page.splitlines() if line.startswith("... and ")]
    assert listed + sum(left[:2]) == 10_000
    assert page.count("<details>") == page.count("</details>")
    assert page.count("is new") == listed
