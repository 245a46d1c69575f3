"""What bodies become: exact where JSON is, lenient where only a stickler would refuse, an error with its bytes else."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digirm_runtime.errors import TransportError
from digirm_runtime.flow import decode_json
from digirm_runtime.wire import Response

numbers = st.integers(-(10**40), 10**40) | st.floats(allow_nan=False, allow_infinity=False)
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | numbers | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(values)
def test_json_is_exact(value: Any) -> None:
    read = decode_json(Response(200, {}, json.dumps(value).encode()), required=True)
    assert read == value
    assert json.dumps(read) == json.dumps(value)  # 1 and 1.0 are equal, but not the same


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (rb'{"list": [{"name": "\ud800"}]}', {"list": [{"name": "\ud800"}]}),
        (b'{"value": Infinity}', {"value": float("inf")}),
        (b'\xef\xbb\xbf{"id": 1}', {"id": 1}),
    ],
)
def test_one_odd_value_does_not_cost_a_page(body: bytes, value: Any) -> None:
    assert decode_json(Response(200, {}, body), required=True) == value


@pytest.mark.parametrize("body", [b'{"id": "\xff"}', b'{"id": 1', b"<html>", b"[" * 100_000, b"", b'{"id": 1}]'])
def test_what_is_no_json_is_an_error_with_its_bytes(body: bytes) -> None:
    with pytest.raises(TransportError, match="answered 200") as caught:
        decode_json(Response(200, {"content-type": "text/html"}, body), required=True)
    assert caught.value.body == body
