"""Payloads as dicts, the default: what the service sent, neither more nor less."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digirm_codegen.generate import generate
from digirm_runtime.errors import TransportError
from digirm_runtime.operation import Endpoint, Operation
from digirm_runtime.wire import Response
from tests.codegen.support import GOLDEN
from tests.support.server import Answer, script

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**300), 2**300)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


def decoded(kind: str, body: bytes) -> Any:
    headers = {"content-type": "application/json"}
    operation: Operation[Any] = Operation(Endpoint("GET", "/ws/v1/parts", kind))
    return operation.decode(Response(200, headers, body))


@given(value=JSON, kind=st.sampled_from(["get", "list", "describe", "call"]))
def test_answers_come_exactly_as_they_were_sent(value: Any, kind: str) -> None:
    # The text shows what `==` would not: 1 and 1.0 and true, 0.0 and -0.0.
    assert json.dumps(decoded(kind, json.dumps(value).encode())) == json.dumps(value)
    assert json.dumps(decoded(kind, json.dumps(value, ensure_ascii=False).encode())) == json.dumps(value)


@pytest.mark.parametrize(
    "text", ["18446744073709551616", "-9223372036854775809", "9007199254740993", "1" + "0" * 300, "-0.0", "5e-324"]
)
def test_numbers_are_exact(text: str) -> None:
    found = decoded("get", f'{{"id": {text}}}'.encode())["id"]
    assert found == json.loads(text)
    assert type(found) is type(json.loads(text))
    assert math.copysign(1, found) == math.copysign(1, json.loads(text))


@pytest.mark.parametrize("body", [b"[1", b"{'a': 1}", b'"\xff"', b"[" * 100_000, b""])
def test_what_is_no_json_is_a_clear_error_with_the_body_kept(body: bytes) -> None:
    with pytest.raises(TransportError) as caught:
        decoded("get", body)
    assert caught.value.body == body


def test_one_odd_name_does_not_cost_the_page() -> None:
    text = r'{"list": [{"name": "\ud800"}, {"height": NaN, "weight": 1e400}], "\udfff": 1}'
    assert json.dumps(decoded("list", text.encode())) == json.dumps(json.loads(text))


def test_unknown_keys_values_and_nulls_go_there_and_back(tmp_path: Path, load: Callable[[Path, str], Any]) -> None:
    part = {"id": 2**70, "name": None, "maker": [1], "tags": None, "new": {"a": None}, "notes": -(2**65)}
    generate(GOLDEN / "specs", tmp_path, "parts_rm")
    made = load(tmp_path, "parts_rm")
    with script(Answer(body=part)) as server, made.Client(server.url, auth=("a", "b")) as rm:
        assert rm.parts.inventory.get(1) == part
        assert rm.parts.inventory.update(1, rm.parts.inventory.get(1)) == part
        assert json.loads(server.got[-1].body) == part
