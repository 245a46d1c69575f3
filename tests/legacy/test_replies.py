"""Answers of any shape: read, or refused in words; never a traceback, and never a list without an end."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from digirm_runtime.errors import RemoteManagerError
from digirm_runtime.legacy.objects import OBJECTS
from digirm_runtime.legacy.replies import Pages, Written, numbered, record, written
from digirm_runtime.wire import Response

HEAD = ("resultTotalRows", "requestedStartRow", "resultSize", "requestedSize", "remainingSize", "pageCursor")
words = st.sampled_from(["", "0", "1", "-1", "2", "99999999999999999999", "many", "1.5", " 2 ", "\u0662", "x y&z"])
names = st.sampled_from([*HEAD, "Core", "items", "error", "location", "desc", "list"])
documents = st.recursive(
    words | st.integers(-2, 3) | st.booleans() | st.none() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=8,
)
elements = st.recursive(
    words.map(lambda text: text.replace("&", "&amp;")),
    lambda inner: st.lists(
        st.builds(
            lambda name, attribute, text: f"<{name}{attribute}>{text}</{name}>",
            names,
            st.sampled_from(["", " id='1'"]),
            inner,
        ),
        max_size=4,
    ).map("".join),
    max_leaves=8,
)
bodies = st.one_of(
    documents.map(lambda value: ("application/json", json.dumps(value).encode())),
    st.builds(lambda root, text: ("application/xml", f"<{root}>{text}</{root}>".encode()), names, elements),
    st.tuples(
        st.sampled_from(["application/json", "application/xml", "text/html", "x; charset=no"]), st.binary(max_size=9)
    ),
)


def response(kind: str, body: bytes, start: int = 0) -> Response:
    made = Response(200, {"content-type": kind}, body)
    made.asked = ("GET", f"/ws/Core?start={start}&size=2", 1)
    return made


@given(bodies, st.sampled_from(["start", "pageCursor"]), st.booleans())
def test_pages(body: tuple[str, bytes], pages: str, numbers: bool) -> None:
    read = Pages("Core", (), pages, frozenset(HEAD) if numbers else None)
    start = 0
    try:
        for _ in range(100):
            page = read(response(*body, start))
            assert isinstance(page["list"], list)
            if "next_uri" not in page:
                return
            name, _, following = page["next_uri"].partition("=")
            assert name == f"?{pages}"
            if pages == "pageCursor":
                # The pager ends a walk whose cursor comes again.
                return
            assert int(following) > start
            start = int(following)
    except RemoteManagerError:
        return
    raise AssertionError("the same page again and again is a list without an end")


@given(bodies)
def test_records_and_results(body: tuple[str, bytes]) -> None:
    with suppress(RemoteManagerError):
        assert isinstance(record("Core", (), None)(response(*body)), dict)
    for sent in ((), ({"a": 1},), ({"a": 1}, {"b": 2})):
        try:
            made = written("Core", sent)(response(*body))
        except RemoteManagerError:
            continue
        assert isinstance(made, Written)
        assert all(isinstance(location, str) for location in made.locations)
        assert all(failure["error_context"] in (None, *sent) for failure in made.failures)


def test_numbers() -> None:
    sent: Any = {
        "fdSize": "7", "cstId": " 12 ", "other": "7", "list": [{"fdSize": "-1.5e3"}, "x"], "id": {"fdSize": "00042"},
    }  # fmt: skip
    assert numbered(sent, OBJECTS["FileData"].numbers) == {
        "fdSize": 7, "cstId": 12, "other": "7", "list": [{"fdSize": -1500.0}, "x"], "id": {"fdSize": 42},
    }  # fmt: skip
    point = {"timestamp": "5", "quality": "1", "data": "7"}
    typed = {"timestamp": 5, "quality": 1, "data": "7"}
    assert numbered(point, OBJECTS["DataPoint"].numbers) == typed
    assert numbered({"currentValue": point}, OBJECTS["DataStream"].numbers) == {"currentValue": typed}
    for text in ("", "x", "1_0", "nan", "inf", "-Infinity", "\u0662", "0x10", "9" * 5_000, "1e999"):
        assert numbered({"fdSize": text}, ("fdSize",)) == {"fdSize": text}
