"""What a spec can hold: a server that lists more, longer or deeper than any API ends the run with a clear error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digirm_runtime import spec
from digirm_runtime.errors import SpecError
from tests.codegen.support import field, listing, path, request, write_spec
from tests.support.overriding import spec_of


def nested(levels: int) -> Any:
    value: Any = "leaf"
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("limit", "value", "message"),
    [
        ("MAX_CATEGORIES", 2, "more than 2 categories, the most that a spec can hold"),
        ("MAX_PATHS", 1, "'b': more than 1 paths in one spec, the most that it can hold"),
        ("MAX_REQUESTS", 3, "'/ws/v1/b/x': more than 3 requests in one spec, the most that it can hold"),
        ("MAX_FIELDS", 5, "'GET /ws/v1/b/x': more than 5 query fields in one spec, the most that it can hold"),
        ("MAX_REQUEST_PARAMS", 2, "'GET /ws/v1/a/x': more than 2 parameters, the most that it can hold"),
        ("MAX_REQUEST_FIELDS", 2, "'GET /ws/v1/a/x': more than 2 query fields, the most that it can hold"),
        ("MAX_FIELD_OPERATORS", 2, "'GET /ws/v1/a/x': more than 2 operators of 'p', the most that it can hold"),
    ],
)
def test_too_many_is_an_error_that_says_of_what_and_where(
    monkeypatch: pytest.MonkeyPatch, limit: str, value: int, message: str
) -> None:
    fields = [field("p", "T", "=", "<", ">"), *(field(name, "T", "=") for name in "qr")]
    described = request("GET", "a", "b", "c", query=fields)
    many = {name: listing(path(f"/ws/v1/{name}/x", described, request("PUT"))) for name in "abc"}
    assert len(spec_of(many).templates()) == 3
    monkeypatch.setattr(spec, limit, value)
    with pytest.raises(SpecError) as caught:
        spec_of(many)
    assert str(caught.value) == message


@given(st.integers(spec.MAX_DEPTH - 3, spec.MAX_DEPTH + 3))
def test_depth_is_limited_and_exact(levels: int) -> None:
    # The document itself is one level.
    document = {"list": [], "deep": nested(levels - 1)}
    if levels <= spec.MAX_DEPTH:
        assert spec_of({"a": document}).problems == ()
        return
    with pytest.raises(SpecError, match="the document of 'a' is nested deeper than 100"):
        spec_of({"a": document})


def test_what_is_far_too_deep_is_an_error_too() -> None:
    with pytest.raises(SpecError, match="the document of 'a' cannot be written as JSON"):
        spec_of({"a": {"list": [], "deep": nested(100_000)}})


def test_a_text_that_looks_deep_is_not() -> None:
    assert spec_of({"a": {"list": [], "text": "\n" + " " * 1000}}).problems == ()


def test_a_file_that_is_not_in_canonical_form_is_still_what_was_captured(tmp_path: Path) -> None:
    folder = write_spec(tmp_path, {"a": listing(path("/ws/v1/a/x", request("GET")))})
    before = spec.load(folder)
    file = folder / "a.json"
    file.write_text(file.read_text("utf-8").replace("  ", "\t"), "utf-8")
    assert spec.load(folder) == before
    file.write_text(file.read_text("utf-8").replace("/x", "/y"), "utf-8")
    with pytest.raises(SpecError, match=r"a\.json does not match the fingerprint"):
        spec.load(folder)


@given(
    st.lists(st.dictionaries(st.sampled_from("ab"), st.sampled_from(["1", "2", 3, None]), max_size=2), max_size=8),
    st.randoms(),
)
def test_the_order_of_entries_is_not_the_server_s(items: list[Any], shuffle: Any) -> None:
    moved = list(items)
    shuffle.shuffle(moved)
    assert spec.ordered(items, "a") == spec.ordered(moved, "a")
