"""What is secret, and that nothing of it is left in a text."""

import csv
import html
import io
import json
from urllib.parse import parse_qsl, quote, quote_plus
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digirm_runtime.masking import Masker
from digirm_runtime.secrets import is_secret, masked, shown
from digirm_runtime.wire import Request

#: No other text holds these characters, in any spelling.
MARK = "QJ7"
SECRETS = st.text(st.sampled_from("Zß✓😀 \"'&<>;\\,\n\t/=:{}[]"), max_size=12).map(lambda text: f"{MARK}{text}{MARK}")
NAMES = st.sampled_from([
    "password", "newPassword", "secret", "client-secret", "install_code", "devInstallCode", "auth_token",
    "monTransportToken", "private_key", "x-api-key-secret", "token",
])  # fmt: skip
#: Values in which nothing is secret.
HARMLESS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("name", [
    "password", "Password", "wifi_passphrase", "secret", "install_code", "installCode", "devInstallCode",
    "auth_token", "monTransportToken", "token", "access_token", "apiKey", "pre-shared-key", "Authorization",
    "X-API-KEY-ID", "Set-Cookie", "api_secret", "psk", "wpa_psk", "wpa_key", "encryption_key", "access_key",
    "accessKey", "SharedAccessKey", "passcode", "sim_pin", "pwd", "csrf_token", "device-token",
])  # fmt: skip
def test_names_of_secrets(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        "name",
        "id",
        "key",
        "cursor",
        "passed",
        "compass",
        "token_type",
        "next_token",
        "sync_token",
        "continuationToken",
        "bypass_code",
        "compass_code",
        "api_keys",
        "install_date",
        "pageToken",
        "tokens",
        "keyboard",
        "simple",
        "shared",
    ],
)
def test_names_of_others(name: str) -> None:
    assert not is_secret(name)


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("/ws/v1/devices?size=1", "/ws/v1/devices?size=1"),
        ("/ws/v1/users/forgot_password/fred", "/ws/v1/users/forgot_password/fred"),
        ("/x?a=1&password=p&b=2#f", "/x?a=1&password=***&b=2#f"),
        ("/x?New_Password=", "/x?New_Password="),
        ("/x?p%61ssword=p", "/x?p%61ssword=***"),
        ("/x?query=install_code%20%3D%20'p'", "/x?query=install_code%20%3D%20%27***%27"),
        ("https://fred:p@host/x?y", "https://***@host/x?y"),
        ("/x?mail=fred@host", "/x?mail=fred@host"),
        ("/x?#secret=p", "/x?#secret=***"),
        ("https://h/#access_token=p", "https://h/#access_token=***"),
        ("/ws;password=p", "/ws;password=***"),
    ],
)
def test_addresses(url: str, seen: str) -> None:
    assert shown(url) == seen
    assert repr(Request("GET", url)) == f"<Request GET {seen}>"


def test_values() -> None:
    value = {
        "password": 1234, "Secret": {"a": ["x"]}, "auth_token": None, "install_code": "", "list": [{"secret": "s"}],
        "password_require_number": True, "password_minimum_length": 12, "note": "password=abc", "id": 7,
        "named": {"value": "x", "key": "password"},
    }  # fmt: skip
    assert masked(value) == {
        "password": "***", "Secret": "***", "auth_token": None, "install_code": "", "list": [{"secret": "***"}],
        "password_require_number": True, "password_minimum_length": 12, "note": "password=***", "id": 7,
        "named": {"value": "***", "key": "password"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ('{ "password" : "a\\"b" ,\n "id": 1.0}', '{ "password" : "***" ,\n "id": 1.0}'),
        ('{"secret": [1, {"a": "]"}], "b": 2}', '{"secret": "***", "b": 2}'),
        ('{"secret": false, "password": null, "install_code": ""}', None),
        ('{"id": 1}\n{"p\\u0061ssword": 12}\n', '{"id": 1}\n{"p\\u0061ssword": "***"}\n'),
        ('{"id": 1, "secret": "cut o', '{"id": 1, "secret": "***"'),
        ('{"id": 1, "secret": {"cut": [1', '{"id": 1, "secret": "***"'),
        ('{"text": "{\\"secret\\": \\"x\\"}"}', '{"text": "{\\"secret\\": \\"***\\"}"}'),
        ("{'secret': 'x', id: 1}", "{'secret': '***', id: 1}"),
        ('{secret: "x", "id": 1}', '{secret: "***", "id": 1}'),
        ("<a><password>x</password><b>1</b></a>", "<a><password>***</password><b>1</b></a>"),
        ("<a:secret><secret>x</secret>y</a:secret><b/>", "<a:secret>***</a:secret><b/>"),
        ("<password/><b>1</b>", None),
        ("<a password='x' b='1'>c</a>", "<a password=\"***\" b='1'>c</a>"),
        ('<set name="password" value="x"/>', '<set name="password" value="***"/>'),
        ('<set name="password">x</set><b>1</b>', '<set name="password">***</set><b>1</b>'),
        ("<a><secret>cut o", "<a><secret>***"),
        ("<a><!-- secret=x --><![CDATA[<secret>x</secret>]]></a>", None),
        ("<a>{&quot;secret&quot;: &quot;x&quot;}</a>", '<a>{"secret": "***"}</a>'),
        ('<input type="password" name="password"><p>Enter it</p>', None),
        ("id,secret\n1,x\n2,\n", "id,secret\n1,***\n2,\n"),
        ('"id";"secret"\r\n1;"a;b"\r\n', "id;secret\r\n1;***\r\n"),
        ("secret\nx\n", "secret\n***\n"),
        ("Wrong password, try again", None),
        ("Wrong password, not secret=x", "Wrong password, not secret=***"),
        ("id,secret\n1,a,b\n", "id,secret\n1,***,***\n"),
        ("a=1&secret=x+y&b=2", "a=1&secret=***&b=2"),
        ("Password: correct horse\nnext", "Password: ***\nnext"),
        ("secret = 'it''s' and name = 'x'", "secret = '***' and name = 'x'"),
        ("Authorization: Basic Zm9v", "Authorization: ***"),
        ("see https://fred:x@host/ for it", "see https://***@host/ for it"),
        ("The password must have at least 12 characters", None),
        ("# of today\nid|secret\n1|x\n", "# of today\nid|secret\n1|***\n"),
        ("Report\nid\tsecret\n1\tx\n", "Report\nid\tsecret\n1\t***\n"),
        ("password: >-\n  x\n  secret\nb: 1", "password: ***\nb: 1"),
        ("name: password\nvalue: x", "name: password\nvalue: ***"),
        ("id,secret\r1,x\r", "id,secret\r1,***\r"),
        ("install_code startsWith 'x' and a = 'b'", "install_code startsWith '***' and a = 'b'"),
        ("password contains 'x'", "password contains '***'"),
        ("password not in ('a','x') and a = 'b'", "password not in *** and a = 'b'"),
        ("devInstallCode like 'x'", "devInstallCode like '***'"),
        ('{"name":"password","value":"x","id":1}', '{"name":"password","value":"***","id":1}'),
        ('{"value":"x","key":"password"}', '{"value":"***","key":"password"}'),
        ('{"name":"colour","value":"red"}', None),
        ("<name>password</name><value>x</value>", "<name>password</name><value>***</value>"),
        ("name=password&value=x", "name=password&value=***"),
        ("the password is: x", "the password is: ***"),
        ("password -> x", "password -> ***"),
        ("password: |\n  x\n\n  x\n\nother: 1", "password: ***\n\nother: 1"),
        (
            '--b\r\na: form-data; name="password"\r\nt: u\r\n\r\nx\r\n--b--',
            '--b\r\na: form-data; name="password"\r\nt: u\r\n\r\n***\r\n--b--',
        ),
        ("a\n-----BEGIN RSA PRIVATE KEY-----\nx\n-----END RSA PRIVATE KEY-----\nb", "a\n***\nb"),
        ('["-----BEGIN PRIVATE KEY-----\\nx', '["***'),
        ("<password><password/>x</password>y", "<password>***</password>y"),
        ('{"password_minimum_length": "x"}', '{"password_minimum_length": "***"}'),
        ('{"password_minimum_length": 12}', None),
        ("", None),
    ],
)
def test_texts(text: str, seen: str | None) -> None:
    masker = Masker()
    found = masker.text(text)
    if "<!--" in text:
        assert "x" not in found
        return
    assert found == (text if seen is None else seen)
    assert masker.masked == (seen is not None)
    assert Masker().text(found) == found


def test_a_known_value_is_masked_wherever_it_stands() -> None:
    masker = Masker(["tok3n", "no"])
    masker.value({"password": 'hu"nter2'})
    assert masker.text('{"a": "not hu\\"nter2", "b": "tok3n"}') == '{"a": "not ***", "b": "***"}'
    assert masker.url("/x/hu%22nter2") == "/x/***"


@pytest.mark.parametrize("text", [
    'id,data\n1,"{""password"":""QJ7""}"\n', '"{""password"": [""QJ7""]}",x\n',
    "id,data\n1,\"<a password=\"\"QJ7\"\"/>\"\n",
])  # fmt: skip
def test_nothing_is_left_in_a_cell_of_a_table(text: str) -> None:
    assert MARK not in Masker().text(text)


def test_a_known_value_is_found_however_it_is_escaped() -> None:
    value = "a \"b'<c/"
    masker = Masker([value])
    for spelled in (
        value, json.dumps(value), escape(value), html.escape(value), html.escape(value, quote=False), quote(value),
        quote(value, safe=""), quote_plus(value), value.replace('"', '""'),
        html.escape(value).replace("&#x27;", "&apos;"),
    ):  # fmt: skip
        assert masker.text(f"_{spelled}_").strip('"_') == "***"


def test_too_many_secrets_are_told() -> None:
    masker = Masker()
    masker.value([{"password": f"hunter{number}"} for number in range(150)])
    assert not masker.full
    assert masker.text("hunter149") == "***"
    masker.value([{"password": f"hunter{number}"} for number in range(300)])
    assert masker.full


def test_headers_that_carry_credentials_are_left_out() -> None:
    masker = Masker()
    assert masker.headers([("Date", "now"), ("Location", "/x?secret=a")]) == [
        ("Date", "now"),
        ("Location", "/x?secret=***"),
    ]
    masker = Masker()
    assert masker.headers([("Set-Cookie", "a=b"), ("X-Auth-Token", "t"), ("X-API-KEY-ID", "i")]) == []
    assert masker.masked


def test_what_lies_too_deep_is_masked_whole() -> None:
    text = "password: x"
    for _ in range(12):
        text = json.dumps({"a": text})
    assert "x" not in Masker().text(text).replace("***", "")


@settings(max_examples=50)
@given(HARMLESS, NAMES, SECRETS | st.lists(SECRETS) | st.dictionaries(st.text(max_size=3), SECRETS), st.data())
def test_json_keeps_all_but_its_secrets(other: object, name: str, secret: object, data: st.DataObject) -> None:
    document = {"first": other, name: secret, "inner": [{name: secret, "last": other}]}
    text = json.dumps(document, ensure_ascii=data.draw(st.booleans()), indent=data.draw(st.sampled_from([None, 2])))
    found = Masker().text(text)
    assert MARK not in found
    if MARK in text:
        expected = {"first": other, name: "***", "inner": [{name: "***", "last": other}]}
        assert json.loads(found) == json.loads(json.dumps(expected))
    assert MARK not in Masker().text(json.dumps({"inside": [text]}))
    assert MARK not in Masker().text(text[: data.draw(st.integers(0, len(text)))])
    assert MARK not in json.dumps(masked(document))


@given(NAMES, SECRETS, st.data())
def test_xml_has_none(name: str, secret: str, data: st.DataObject) -> None:
    text = (
        f"<?xml version='1.0'?><list n='1'><{name} at='1'><v>{escape(secret)}</v>{escape(secret)}</{name}>"
        f"<x {name}={quoteattr(secret)}/><n:{name}><![CDATA[{secret.replace(']]>', '')}]]></n:{name}>"
        f'<setting name="{name}" value={quoteattr(secret)}>{escape(secret)}</setting>'
        f"<text>{escape(json.dumps({name: secret}))}</text></list>"
    )
    found = Masker().text(text)
    assert MARK not in found
    assert found.endswith("</list>")
    assert MARK not in Masker().text(text[: data.draw(st.integers(0, len(text)))])


@given(NAMES, SECRETS, st.text("ab \n\",;'", max_size=5), st.sampled_from(",;\t"))
def test_csv_keeps_all_but_its_secrets(name: str, secret: str, other: str, delimiter: str) -> None:
    out = io.StringIO()
    rows = [["id", name, "name"], ["1", secret, other], ["2", "", other], ["3", secret, other]]
    csv.writer(out, delimiter=delimiter).writerows(rows)
    found = Masker().text(out.getvalue())
    assert MARK not in found
    rows[1][1] = rows[3][1] = "***"
    assert list(csv.reader(io.StringIO(found, newline=""), delimiter=delimiter)) == rows


@given(NAMES, SECRETS, st.text(max_size=8), st.sampled_from([quote, quote_plus]))
def test_addresses_and_forms_keep_all_but_their_secrets(name: str, secret: str, other: str, code: object) -> None:
    assert callable(code)
    form = f"a={quote(other, safe='')}&{name}={code(secret, safe='')}&b={quote(other, safe='')}"
    expected = [("a", other), (name, "***"), ("b", other)]
    for text, query in (
        (Masker().text(form), form),
        (Masker().url(f"/x?{form}"), form),
        (shown(f"https://host/x?{form}#here"), form),
    ):
        assert MARK not in text
        seen = text.partition("?")[2].partition("#")[0] if "?" in text else text
        if "***" not in Masker().text(other):
            assert parse_qsl(seen, keep_blank_values=True) == expected, query


@given(st.lists(st.sampled_from([*"ab\"'<>{}[]:=,;&\\? \n", "password", "secret", "\ud800"]), max_size=60).map("".join))
def test_any_text_is_taken(text: str) -> None:
    Masker().text(text)
    Masker().url(text)
    shown(text)
