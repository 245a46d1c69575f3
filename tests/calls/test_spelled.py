"""A law of all spellings: whatever stands in a call, reading the words again gives the same call."""

from __future__ import annotations

import ast
import json
import shlex
from itertools import pairwise
from urllib.parse import parse_qsl, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from digirm_cli import items, spelled
from digirm_cli.planned import Planned, plan

TEXT = st.text(
    st.one_of(st.sampled_from("'\"`$\\!{}[]<>|&;=:@#%*?~ \n\té\u202e"), st.characters(exclude_categories=["Cs"])),
    max_size=10,
)
NAME = TEXT.filter(bool)
HEADER = st.text(st.sampled_from("ab'\"`$\\!{}=:;@ "), max_size=10).map(str.strip)


@st.composite
def calls(draw: st.DrawFn) -> Planned:
    method = draw(st.sampled_from(("GET", "POST", "PUT", "DELETE")))
    params = draw(st.dictionaries(NAME, TEXT, max_size=3))
    headers = {"X-Thing": draw(HEADER)} if draw(st.booleans()) else {}
    fields = draw(st.dictionaries(NAME, TEXT, min_size=1, max_size=3)) if method in ("POST", "PUT") else None
    media_type = None if fields is None else "application/json"
    path = plan(method, "", "/ws/" + draw(TEXT).replace("#", "").replace("?", "").strip("./ ") + "x", []).path
    return Planned(method, "http://h.example", path, params, headers, fields, None, media_type)


def words(command: str) -> list[str]:
    # A command's own line ends; none stands in a value, where it would be encoded.
    return shlex.split(command.replace(spelled._NEXT_LINE, " "))


def address(url: str) -> tuple[str, dict[str, str]]:
    parts = urlsplit(url)
    return parts.path, dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))


@given(calls())
def test_curl(call: Planned) -> None:
    given_words = words(spelled.curl(call, None))
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
            body = json.loads(value)
    assert (path, params, body) == (call.path, call.params, call.fields)
    assert {"Accept": "*/*"} | headers == call.sent_headers


@given(calls())
def test_httpie(call: Planned) -> None:
    try:
        given_words = words(spelled.httpie(call, None))
    except items.ItemError:
        assert "\\" in call.headers["X-Thing"]
        return
    start = given_words.index(call.method)
    path, params = address(given_words[start + 1])
    found = items.read(given_words[start + 2 :])
    assert (path, params | found.params) == (call.path, call.params)
    assert {"Accept": "*/*"} | found.headers == call.sent_headers
    assert call.fields is None or json.loads(given_words[given_words.index("--raw") + 1]) == call.fields


@given(calls())
def test_python(call: Planned) -> None:
    program = spelled.python(call, None, None, default_url="", every=False)
    [request] = [
        node for node in ast.walk(ast.parse(program))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "request"
    ]  # fmt: skip
    values = {one.arg: one.value for one in request.keywords}
    assert [ast.literal_eval(arg) for arg in request.args] == [call.method, call.path]
    assert ast.literal_eval(values.get("params", ast.Dict([], []))) == call.params
    assert ast.literal_eval(values.get("body", ast.Constant(None))) == call.fields


@given(calls())
def test_http_file(call: Planned) -> None:
    try:
        text = spelled.http_file(call, None)
    except items.ItemError:
        assert "{{" in call.headers["X-Thing"]
        return
    head, _, body = text.partition("\n\n###")[2].partition("\n\n")
    _, request, *headers = head.split("\n")
    method, _, target = request.partition(" {{host}}")
    assert (method, address(target)) == (call.method, (call.path, call.params))
    assert headers == [
        "Authorization: Basic {{username}} {{password}}",
        *(f"{name}: {value}" for name, value in call.sent_headers.items()),
    ]
    assert (json.loads(body) if body else None) == call.fields
    assert "{{" not in body
