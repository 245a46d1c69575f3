"""A composed request becomes exactly the call that it shows, or a clear reason why it cannot."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digirm_explorer.composed import Composed, ComposedError, masked, planned
from digirm_explorer.linking import shared
from digirm_runtime.calls.planned import Planned

URL = "http://h.example"
TEXT = st.text(st.one_of(st.sampled_from("/%?#{}&=+ .é\n"), st.characters(exclude_categories=["Cs"])), max_size=10)


def plan(**composed: Any) -> Planned:
    return planned(Composed.read({"method": "GET", "path": "devices/inventory"} | composed), URL, "/ws/v1")


@given(
    TEXT,
    st.lists(st.tuples(TEXT.filter(bool), TEXT, st.booleans()), max_size=4, unique_by=lambda one: one[0]),
    TEXT,
)
def test_what_is_composed_is_what_is_planned(value: str, params: list[tuple[str, str, bool]], body: str) -> None:
    composed = {
        "method": "put",
        "path": "/ws/v1/devices/inventory/{id}/x",
        "path_values": {"id": value},
        "params": [{"name": name, "value": text, "on": on} for name, text, on in params],
        "body": body,
    }
    plain = value
    while (decoded := unquote(plain)) != plain:
        plain = decoded
    if plain.strip() in ("", ".", ".."):
        with pytest.raises(ComposedError, match=r"must not be empty|needs a value"):
            plan(**composed)
        return
    call = plan(**composed)
    assert unquote(call.path.removeprefix("/ws/v1/devices/inventory/").removesuffix("/x")) == value
    assert call.path.count("/") == 6
    assert (call.method, call.url, call.params) == ("PUT", URL, {name: text for name, text, on in params if on})
    assert (call.text, call.media_type) == ((body, "application/json") if body else (None, None))


@given(st.recursive(st.none() | st.booleans() | st.integers() | TEXT, lambda inner: st.lists(inner, max_size=3)))
def test_what_is_no_request(value: Any) -> None:
    for data in (value, {"method": value, "path": ["x"]}, {"method": "GET", "path": "x", "params": {"a": value}}):
        with pytest.raises(ComposedError, match="that is no request"):
            Composed.read(data)


def test_a_request_is_read_back() -> None:
    data = {
        "method": "POST",
        "path": "/ws/sci",
        "path_values": {"id": "1"},
        "params": [{"name": "a", "value": "b", "on": False}],
        "headers": [{"name": "X-a", "value": "b"}],
        "body": "<a/>",
        "content_type": "text/xml",
    }
    assert msgspec.to_builtins(Composed.read(data)) == data
    # What a later page may say besides is let pass.
    assert Composed.read(json.loads(json.dumps(data | {"more": 1}))) == Composed.read(data)


def test_placeholders() -> None:
    values = {"name": "a/ü", "b": "{c} %41?#"}
    assert plan(path="users/{name:.+}/x", path_values=values).path == "/ws/v1/users/a/%C3%BC/x"
    assert plan(path="users/{name}/{b:[^/]{2,}}", path_values=values).path == (
        "/ws/v1/users/a%2F%C3%BC/%7Bc%7D%20%2541%3F%23"
    )
    assert plan(path="parts/x{name}y", path_values=values).path == "/ws/v1/parts/xa%2F%C3%BCy"
    assert plan(path="a b/%7Bc}").path == "/ws/v1/a%20b/%7Bc%7D"


def test_parameters_may_stand_behind_the_path() -> None:
    call = plan(
        path=" /ws/v1/jobs/inventory?size=2&query=a%20b ",
        params=[{"name": "", "value": ""}, {"name": "x", "value": ""}, {"name": "size", "value": "3", "on": False}],
    )
    assert call.params == {"size": "2", "query": "a b", "x": ""}


@pytest.mark.parametrize(
    ("change", "media_type", "content_type"),
    [
        ({"path": "devices/inventory"}, "application/json", "application/json"),
        ({"path": "/ws/sci"}, "application/xml", "application/xml"),
        ({"path": "/ws/sci", "content_type": " text/xml; charset=utf-8 "},) + ("text/xml; charset=utf-8",) * 2,
        ({"headers": [{"name": "content-type", "value": "text/csv"}]}, "application/json", "text/csv"),
    ],
)
def test_a_body_says_its_type(change: dict[str, Any], media_type: str, content_type: str) -> None:
    call = plan(method="POST", body="<a/>", **change)
    assert call.media_type == media_type
    assert {name.lower(): value for name, value in call.sent_headers.items()} == {
        "accept": "*/*",
        "content-type": content_type,
    }


def test_a_header_is_what_stands_between_blanks() -> None:
    assert plan(headers=[{"name": " X-a ", "value": " b c\t"}]).headers == {"X-a": "b c"}


@pytest.mark.parametrize(
    "change",
    [
        {"body": '{"password": "***"}'},
        {"body": '{"xml": "<password>***</password>", "a": 1}'},
        {"body": '{"inner": "{\\"password\\": \\"***\\"}"}'},
        {"body": "<set><password>***</password></set>"},
        {"body": "<setting name='password' value='***'/>"},
        {"body": "<cli>password=***</cli>"},
        {"body": "id,password\n1,***\n2,x"},
        {"body": "password;id\r\n***;1\r\n"},
        {"body": 'id,password\n1,"***"'},
        {"body": "user=x&password=***"},
        {"body": "password=***&user=x"},
        {"body": " *** "},
        {"body": "password: ***\nx: 1"},
        {"body": "the password is: ***"},
        {"body": "password -> ***"},
        {"body": 'form-data; name="password"\r\n\r\n***\r\n--x'},
        {"body": "see https://user:***@example.com/"},
        {"body": "Authorization: ***"},
        {"params": [{"name": "install_code", "value": "***"}]},
        {"params": [{"name": "query", "value": "install_code = '***'"}]},
        {"path": "devices?password=***"},
        {"path": "devices/{code}", "path_values": {"code": "***"}},
        {"headers": [{"name": "X-a", "value": "***"}]},
    ],
)
def test_a_masked_value_is_seen(change: dict[str, Any]) -> None:
    assert "type again" in (masked(plan(method="POST", **change)) or "")


def test_the_beginning_of_a_body_is_not_sent_for_the_whole() -> None:
    kept = shared({"method": "PUT", "path": "/ws/v1/x", "body": "id,name\n" + "1,abc\n" * 400_000})["request"]
    assert "only the beginning" in (masked(planned(Composed.read(kept), "http://x", "/ws/v1")) or "")


@pytest.mark.parametrize(
    "body",
    [
        '{"a": "b"}',
        '{"a": "*** note ***"}',
        '{"a": "****"}',
        "# Title\n\n***\n\ntext",
        "a *** b",
        "5 stars: ***",
        '{"a": "x***"}',
        "",
    ],
)
def test_stars_that_mask_nothing(body: str) -> None:
    assert masked(plan(method="POST", body=body, params=[{"name": "a", "value": "***", "on": False}])) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"method": "G T"}, "a method is a word"),
        ({"method": ""}, "a method is a word"),
        ({"method": "é"}, "a method is a word"),
        ({"path": " http://elsewhere.example/ws/v1"}, "a path, not an address: which service"),
        ({"path": " "}, "the path is empty"),
        ({"path": "//h/x"}, "begins with one '/'"),
        ({"path": "a/../b"}, "holds no '.' and '..'"),
        ({"path": "a/%252e%252E/b"}, "holds no '.' and '..'"),
        ({"path": "a#b"}, "write %23"),
        ({"path": "a\ud800"}, "not UTF-8"),
        ({"path": "a/{id}"}, "the path needs a value for {id}"),
        ({"path": "a/{id}", "path_values": {"id": " "}}, "the path needs a value for {id}"),
        ({"path": "a/{id}", "path_values": {"id": "%2e."}}, "must not be empty, blank, '.' or '..'"),
        ({"path": "a/{id}", "path_values": {"id": "\ud800"}}, "characters that no address can"),
        ({"path": "a/{id"}, "a '{' that nothing closes"),
        ({"path": "a/{}"}, "an argument without a name"),
        ({"path": "a?x=1", "params": [{"name": "x", "value": "2"}]}, "the parameter 'x' is given twice"),
        ({"params": [{"name": "", "value": "hush"}]}, "a value, and no name"),
        ({"params": [{"name": "a", "value": "hush\ud800"}]}, "a parameter is not UTF-8"),
        ({"headers": [{"name": "Authorization", "value": "hush"}]}, "carries credentials"),
        ({"headers": [{"name": "x-api-key-secret ", "value": "hush"}]}, "carries credentials"),
        ({"headers": [{"name": "Host", "value": "hush"}]}, "the connection's own"),
        ({"headers": [{"name": "X-HTTP-Method-Override", "value": "hush"}]}, "another method"),
        ({"headers": [{"name": "x-http-method", "value": "hush"}]}, "another method"),
        ({"headers": [{"name": "X-Method-Override", "value": "hush"}]}, "another method"),
        ({"headers": [{"name": "X-a", "value": "hush\r\nX-b: c"}]}, "no header can"),
        ({"headers": [{"name": "", "value": "hush"}]}, "no header can"),
        ({"headers": [{"name": "X-a", "value": "1"}, {"name": "x-A", "value": "2"}]}, "is given twice"),
        ({"body": "hush"}, "a GET carries no body"),
        ({"method": "DELETE", "body": "hush"}, "a DELETE carries no body"),
        ({"method": "POST", "body": "hush\ud800"}, "the body is not UTF-8"),
        ({"method": "POST", "body": "x", "content_type": "text/xml\r\nX-b: c"}, "no header can"),
    ],
)
def test_what_cannot_be_sent(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ComposedError) as caught:
        plan(**change)
    assert said in str(caught.value)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        {"path": "x" * 65_537},
        {"path_values": {"id": "x" * 4_097}},
        {"body": "x" * (8 * 1024 * 1024 + 1)},
        {"params": [{"name": "a", "value": "b"}] * 201},
        {"headers": [{"name": "a", "value": "b"}] * 201},
        {"path_values": {str(number): "x" for number in range(201)}},
        {"method": "x" * 21},
    ],
)
def test_what_is_too_much(change: dict[str, Any]) -> None:
    with pytest.raises(ComposedError, match=r"length <="):
        plan(**change)
