"""A law of all spellings: whatever stands in a call, reading the words again gives the same call."""

from __future__ import annotations

import ast
import json
import shlex
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digirm_cli import items
from digirm_cli.planned import plan
from digirm_runtime.calls import jsontext, shells, spelled
from digirm_runtime.calls.planned import CallError, Planned

HOSTILE = "'\"`$\\!{}[]<>|&;=:@#%*?~ \n\té\u202e\x7f😀"
TEXT = st.text(st.one_of(st.sampled_from(HOSTILE), st.characters(exclude_categories=["Cs"])), max_size=10)
NAME = TEXT.filter(bool)
HEADER = st.text(st.sampled_from("ab'\"`$\\!{}=:;@ "), max_size=10).map(str.strip)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
BODY = st.one_of(
    st.builds(
        lambda value, indent, plain: json.dumps(value, indent=indent, ensure_ascii=plain),
        JSON, st.sampled_from((None, 1, "\t")), st.booleans(),
    ).map(lambda text: ("application/json", text)),
    st.tuples(st.sampled_from(("application/xml", "text/csv", "application/json")), NAME),
)  # fmt: skip


@st.composite
def calls(draw: st.DrawFn) -> Planned:
    method = draw(st.sampled_from(("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD")))
    params = draw(st.dictionaries(NAME, TEXT, max_size=3))
    headers = {"X-Thing": draw(HEADER)} if draw(st.booleans()) else {}
    if draw(st.booleans()):
        headers["accept"] = draw(st.sampled_from(("*/*", "text/csv")))
    if draw(st.booleans()):
        headers["content-type"] = draw(st.sampled_from(("application/json", "text/xml; charset=utf-8")))
    path = plan(method, "", "/ws/" + draw(TEXT).replace("#", "").replace("?", "").strip("./ ") + "x", []).path
    call = Planned(method, "http://h.example", path, params, headers)
    if method not in ("POST", "PUT", "PATCH"):
        return call
    if draw(st.booleans()):
        fields = draw(st.dictionaries(NAME, TEXT, min_size=1, max_size=3))
        return call._replace(fields=fields, media_type="application/json")
    media_type, text = draw(BODY)
    return call._replace(text=text, media_type=media_type)


def same_body(call: Planned, written: str | None) -> None:
    """Assert that what was written is the body: as it was typed, but for JSON's escapes of what is not printable."""
    if call.fields is not None:
        assert written is not None
        assert json.loads(written) == call.fields
    elif call.text is not None and written != call.text:
        assert written is not None
        assert json.loads(written) == json.loads(call.text)
        assert not call.text.isprintable()


def lower(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def unwritable(call: Planned) -> bool:
    """Whether a body is neither JSON nor free of what a terminal acts on."""
    return call.text is not None and jsontext.shown(call.text) is None


def words(command: str) -> list[str]:
    # A command's own line ends; none stands in a value but in a body, where it would need a backslash before it.
    return shlex.split(command.replace(shells._NEXT_LINE, " "))


def address(url: str) -> tuple[str, dict[str, str]]:
    parts = urlsplit(url)
    return parts.path, dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))


@given(calls())
def test_curl(call: Planned) -> None:
    try:
        given_words = words(spelled.curl(call, None))
    except CallError:
        assert unwritable(call)
        return
    path, params = address(given_words[-1])
    headers: dict[str, str] = {}
    body = None
    for option, value in pairwise(given_words):
        if option == "--data-urlencode":
            name, _, text = value.partition("=")
            params[name] = text
        elif option == "-H":
            name, colon, text = value.partition(":")
            headers[name if colon else name.removesuffix(";")] = text.strip()
        elif option == "--data-raw":
            body = value
    assert (path, params) == (call.path, call.params)
    assert {"accept": "*/*"} | lower(headers) == lower(call.sent_headers)
    same_body(call, body)


@given(calls())
def test_httpie(call: Planned) -> None:
    try:
        given_words = words(spelled.httpie(call, None))
    except CallError:
        assert unwritable(call) or "\\" in call.headers["X-Thing"]
        return
    start = given_words.index(call.method)
    path, params = address(given_words[start + 1])
    found = items.read(given_words[start + 2 :])
    assert (path, params | found.params) == (call.path, call.params)
    assert {"accept": "*/*"} | lower(found.headers) == lower(call.sent_headers)
    if call.has_body:
        raw = next(number for number, word in enumerate(given_words) if word.startswith("--raw"))
        same_body(call, given_words[raw].partition("=")[2] or given_words[raw + 1])


def arguments(program: str, name: str) -> tuple[list[Any], dict[str, Any]]:
    """What the one call of a method in a program is given."""
    tree = ast.parse(program)
    values: dict[str, Any] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "body":
            values["body"] = eval(ast.unparse(node.value), {})
    [call] = [
        node for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name
    ]  # fmt: skip
    own = {"Options": dict} | values
    return (
        [eval(ast.unparse(arg), own) for arg in call.args],
        {str(one.arg): eval(ast.unparse(one.value), own) for one in call.keywords},
    )


def same_content(call: Planned, content: Any) -> None:
    """Assert that a body is that of the call: the value of its JSON, or its bytes."""
    if isinstance(content, bytes):
        assert content == (call.text or "").encode()
    else:
        assert content == (call.fields if call.text is None else json.loads(call.text))


@given(calls())
def test_python(call: Planned) -> None:
    positional, named = arguments(spelled.python(call, None, None, default_url="", every=False), "request")
    assert positional == [call.method, call.path]
    assert named.get("params", {}) == call.params
    same_content(call, named["body"] if call.has_body else None)
    assert named["options"] == {"headers": call.sent_headers}


@given(calls())
def test_httpx(call: Planned) -> None:
    positional, named = arguments(spelled.httpx(call, None, None, every=False), call.method.lower())
    assert positional == [call.url + call.path]
    assert named.get("params", {}) == call.params
    same_content(call, named.get("json", named.get("content")))
    own = {"accept": "*/*"} | ({"content-type": "application/json"} if "json" in named else {})
    assert own | lower(named.get("headers", {})) == {"accept": "*/*"} | lower(call.sent_headers)


@given(calls())
def test_http_file(call: Planned) -> None:
    try:
        text = spelled.http_file(call, None)
    except CallError:
        is_json = call.text is not None and jsontext.literal(call.text) is not None
        assert "{{" in call.headers.get("X-Thing", "") or (call.text is not None and not is_json)
        return
    head, _, body = text.partition("\n\n###")[2].partition("\n\n")
    _, request, *headers = head.split("\n")
    method, _, target = request.partition(" {{host}}")
    assert (method, address(target)) == (call.method, (call.path, call.params))
    assert headers == [
        "Authorization: Basic {{username}} {{password}}",
        *(f"{name}: {value}" for name, value in call.sent_headers.items()),
    ]
    assert "{{" not in body
    if call.fields is not None:
        assert json.loads(body) == call.fields
    elif call.text is not None:
        plain = body.replace("{&#123;", "{{") if "xml" in str(call.media_type) and "{{" in call.text else body
        if plain != call.text.strip(" \t\r\n"):
            assert json.loads(plain) == json.loads(call.text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<a><![CDATA[{{x}}]]></a>", "variable's name"),
        ("<?x {{y}}?><a/>", "variable's name"),
        ("<!DOCTYPE a [<!ENTITY b '{{c}}'>]><a/>", "variable's name"),
        ("<a>\n### POST /elsewhere\n</a>", "would not send"),
        ("<a>\n< /etc/passwd\n</a>", "would not send"),
        ("<a\n>x</a>", "would not send"),
        ("<a>\r</a>", "would change"),
        ("<a>\u202e</a>", "would change"),
    ],
)
def test_what_an_editor_would_not_send_as_it_is(text: str, said: str) -> None:
    with pytest.raises(CallError, match=said):
        spelled.http_file(Planned("POST", "http://h", "/ws/sci", {}, {}, media_type="text/xml", text=text), None)


def test_xml_with_braces_for_an_editor() -> None:
    call = Planned("POST", "http://h", "/ws/sci", {}, {}, media_type="text/xml")
    written = spelled.http_file(call._replace(text="\n<?xml version='1.0'?>\n<a b='{{c}}'>{{d}}</a>\n"), None)
    assert written.endswith("\n\n<?xml version='1.0'?>\n<a b='{&#123;c}}'>{&#123;d}}</a>")


@pytest.mark.parametrize(
    "text",
    [
        "1.00000000000000000001", "[1e400]", '{"a": 1, "a": 2}', "[18446744073709551616]", '["\\ud83d"]', "[NaN]",
        "[" * 150 + "]" * 150, "{", '"text"', "[" * 100_000,
    ],
)  # fmt: skip
def test_json_that_no_python_value_says_stays_text(text: str) -> None:
    assert jsontext.literal(text) is None
    call = Planned("POST", "http://h", "/x", {}, {}, media_type="application/json", text=text)
    for program, word, name in (
        (spelled.python(call, None, None, default_url="", every=False), "request", "body"),
        (spelled.httpx(call, None, None, every=False), "post", "content"),
    ):
        assert arguments(program, word)[1][name] == text.encode()


def test_a_body_that_is_too_long_for_a_command() -> None:
    call = Planned("POST", "http://h", "/x", {}, {}, media_type="text/plain", text="x" * 130_000)
    for form in (spelled.curl, spelled.httpie):
        with pytest.raises(CallError, match="too long for a command line"):
            form(call, None)
