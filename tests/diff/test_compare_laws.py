"""What holds for any two captures, whatever their documents are."""

from __future__ import annotations

import copy
import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digirm_codegen.diff.compare import Comparison, compare
from digirm_codegen.diff.findings import CHECKS, Finding, in_order
from digirm_codegen.diff.report import Report
from digirm_codegen.spec_files import Capture
from digirm_runtime.errors import SpecError
from digirm_runtime.spec import canonical, normalise
from tests.diff.support import capture, document, field, get, item

# Few choices, so that two captures have much in common.
BASES = ("/ws/v1", "/ws/v2")
NAMES = ("id", "partId", "part_id", "`@team`", "<b>|\u202e")
PATHS = ("", "/{id}", "/{part_id}", "/bin")
OPERATORS: tuple[list[Any], ...] = (["="], ["=", "<>"], ["<>", "="], ["=", "=", "<>"], [], ["=", 1])
#: What is put anywhere in a document.
ODD: tuple[Any, ...] = (None, True, 1, 1.0, 2**70, "", "id", "\ud800", [], ["="], {}, {"path": "id"}, {"more": [{}]})


@st.composite
def captures(draw: st.DrawFn) -> Capture:
    def pick(*options: Any) -> Any:
        return draw(st.sampled_from(options))

    def request() -> Any:
        fields = [field(pick(*NAMES), *pick(*OPERATORS), type=pick("Text", "Tags"), orderby=pick(True, False))]
        if pick(True, False):
            fields.append(field("partId"))
        return get(*fields, params=[pick(*NAMES), "size"], method=pick("GET", "GET", "get", "POST"))

    base, names = pick(*BASES), pick(["parts"], ["parts", "part"], ["parts", "@team"], ["part", "@team"])
    found = {
        name: document(*(item(f"{base}/{name}{path}", request()) for path in sorted({"", pick(*PATHS)})))
        for name in names
        if pick(True, True, True, False)
    }
    for _ in range(pick(0, 0, 1, 2)):
        spoil(found, pick)
    made = capture(
        *(name for name in names if name not in found),
        base_path=base,
        provenance=pick("live", "live", "live", "reconstructed"),
        root=pick({}, {}, {}, {"more": 1}, {"more": True}),
        extras={name: {"title": "@team"} for name in found if pick(False, False, True)},
    )
    return msgspec.structs.replace(made, documents={name: normalise(one) for name, one in found.items()})


def spoil(documents: dict[str, Any], pick: Callable[..., Any]) -> None:
    """Replace, remove or repeat one part of the documents."""
    if not documents:
        return
    holder: Any = documents
    key: Any = pick(*sorted(documents))
    while isinstance(holder[key], dict | list) and holder[key] and pick(True, True, True, True, False):
        holder = holder[key]
        key = pick(*(sorted(holder) if isinstance(holder, dict) else range(len(holder))))
    change = pick("replace", "remove", "more")
    # Copies: the next change may be made inside.
    if change == "replace" or holder is documents:
        holder[key] = copy.deepcopy(pick(*ODD))
    elif change == "remove":
        del holder[key]
    elif isinstance(holder, list):
        holder.insert(key, copy.deepcopy(pick(holder[key], *ODD)))
    else:
        holder["more"] = copy.deepcopy(pick(*ODD))


def contents(one: Capture) -> tuple[Any, ...]:
    """What two captures must have in common to be equal."""
    documents = canonical(one.documents), canonical(one.root), canonical(one.extras)
    return (*documents, one.base_path, one.provenance, set(one.unavailable))


def copied(one: Capture) -> Capture:
    """The same with nothing in common in memory, and keys in another order."""

    def turned(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: turned(value[key]) for key in reversed(value)}
        return [turned(inner) for inner in value] if isinstance(value, list) else value

    return msgspec.structs.replace(one, documents={name: turned(found) for name, found in one.documents.items()})


@given(captures())
def test_nothing_changed_from_a_capture_to_itself(one: Capture) -> None:
    assert compare(one, copied(one)) == Comparison((), tuple(sorted(one.unavailable)))


@given(captures(), captures())
def test_there_is_a_finding_exactly_where_they_differ(old: Capture, new: Capture) -> None:
    assert bool(compare(old, new).findings) == (contents(old) != contents(new))


@given(captures(), st.data())
def test_any_small_change_is_found(old: Capture, data: st.DataObject) -> None:
    found = copy.deepcopy(old.documents)
    spoil(found, lambda *options: data.draw(st.sampled_from(options)))
    new = msgspec.structs.replace(old, documents={name: normalise(one) for name, one in found.items()})
    findings = compare(old, new).findings
    assert bool(findings) == (contents(old) != contents(new))
    for finding in findings:
        # Of a document that can be read at all, what differs has a name.
        whole = finding.message.endswith("differs in its document")
        documents = (one.documents[finding.category] for one in (old, new) if whole)
        assert not (whole and all(isinstance(one, dict) for one in documents))


def mirrored(finding: Finding) -> tuple[Any, ...]:
    """A finding as it is the other way round; paths without the base path, which may be another."""
    values = finding.values[::-1] if finding.id == CHECKS[finding.id].mirror else finding.values
    return (CHECKS[finding.id].mirror, *relative(finding), values)


def relative(finding: Finding) -> tuple[Any, ...]:
    category, path, method, name = finding.place
    return category, re.sub("^/ws/v[12]", "", path), method, name, bool(finding.notes)


@given(captures(), captures())
def test_the_other_way_round_is_the_mirror_image(old: Capture, new: Capture) -> None:
    there, back = compare(old, new), compare(new, old)
    assert there.not_compared == back.not_compared
    assert Counter(map(mirrored, there.findings)) == Counter(
        (finding.id, *relative(finding), _sorted_keys(finding)) for finding in back.findings
    )


def _sorted_keys(finding: Finding) -> tuple[str, ...]:
    return finding.values[::-1] if finding.id == "unknown-keys-changed" else finding.values


@given(captures(), captures())
def test_findings_are_in_order_and_each_is_one_safe_line(old: Capture, new: Capture) -> None:
    findings = compare(old, new).findings
    assert findings == compare(copied(old), copied(new)).findings == tuple(sorted(findings, key=in_order))
    assert len({(finding.id, finding.place) for finding in findings}) == len(findings)
    for line in (text for finding in findings for text in (finding.message, *finding.notes)):
        assert line.isprintable()
        prose = re.sub("`[^`]+`", "", line)
        assert not set("`@<|\\\u202e\ud800") & set(prose), "the server's words stand in backticks"
    report = Report("1", "2", findings)
    assert json.loads(report.as_json())["findings"] == [
        json.loads(json.dumps(msgspec.structs.asdict(finding))) for finding in findings
    ]
    assert report.text().count("\n") == 1 + len(findings) + sum(len(finding.notes) for finding in findings)
    report.markdown()


@pytest.mark.parametrize("depth", [10, 100_000])
def test_what_is_nested_too_deep_is_not_taken_for_equal(depth: int) -> None:
    def nested(core: int) -> Capture:
        found: Any = core
        for _ in range(depth):
            found = [found]
        made = capture(parts=document(item("/ws/v1/parts", get())))
        return msgspec.structs.replace(made, documents={"parts": {**made.documents["parts"], "deep": found}})

    if depth < 100:
        assert [finding.id for finding in compare(nested(1), nested(2)).findings] == ["unknown-keys-changed"]
    else:
        with pytest.raises(SpecError, match="nested too deep"):
            compare(nested(1), nested(2))
