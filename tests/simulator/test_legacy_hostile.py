"""The older API, asked for what makes no sense."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digirm_runtime.wire import Request
from tests.simulator.legacy_support import Legacy, six_devices
from tests.simulator.support import BASIC


@pytest.fixture
def legacy() -> Iterator[Legacy]:
    with six_devices() as found:
        yield found


BOMB = '<!DOCTYPE a [<!ENTITY x "xxxxxxxxxx"><!ENTITY y "&x;&x;&x;&x;">]>'
HOSTILE = [
    b"",
    b"<",
    b"<a>",
    b"<a/>",
    b"\x00",
    b"\xff\xfe<\x00",
    b"<list/>",
    b"<list><Other/></list>",
    b'{"id": 1}',
    f"{BOMB}<{{}}>&y;</{{}}>".encode(),
    b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><{}/>',
    b"<{}>text</{}>",
    b"<{}>text<b/></{}>",
    b"<{}><unknown>1</unknown></{}>",
    b"<{}><streamId>a</streamId><streamId>b</streamId><monTopic>a</monTopic><monTopic>b</monTopic></{}>",
    b"<{}>" + b"<a>" * 200 + b"</a>" * 200 + b"</{}>",
    b'<?xml version="1.0" encoding="utf-7"?><{}/>',
    b"<{}/><{}/>",
]


@pytest.mark.parametrize("path", ["DeviceCore", "DataStream", "DataPoint", "Monitor"])
@pytest.mark.parametrize("body", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_bodies(legacy: Legacy, path: str, body: bytes) -> None:
    before = legacy.json("/ws/DeviceCore")["resultTotalRows"]
    found = legacy.send("POST", f"/ws/{path}", body.replace(b"{}", path.encode()))
    # A monitor needs nothing to be one.
    assert found.status == 400 or (path == "Monitor" and found.status == 201), found.body
    assert ElementTree.fromstring(found.body).tag == "result"
    assert legacy.json("/ws/DeviceCore")["resultTotalRows"] == before


_PARTS = st.sampled_from(
    ["~", "..", ".", "db", "1", "0", "-1", "9" * 30, "a%00b", "%2F", "%C3%A9", "a;b", ".json", "'", ""]
)
_OBJECTS = st.sampled_from(
    [
        "Alarm",
        "AlarmStatus",
        "DataPoint",
        "DataStream",
        "DeviceCore",
        "FileData",
        "FileDataCore",
        "Group",
        "Monitor",
        "X",
    ]
)
_VALUES = st.sampled_from(
    ["", "0", "-1", "1e9", "true", "2022-01-01T00:00:00Z", "W10=", "W1sxXV0=", "hour", "x", "9" * 40]
)
_PARAMS = st.sampled_from(
    [
        "condition",
        "embed",
        "endTime",
        "order",
        "pageCursor",
        "rollupInterval",
        "rollupMethod",
        "size",
        "start",
        "startTime",
    ]
)
_BODIES = st.sampled_from(
    [b"", b"<", b"\xff", b"a,b\n1,2\n", b"[1]", b"<list/>", b"<{}/>", b"<list><{}/><{}/></list>", b"<{}><id/></{}>"]
)


@given(
    method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"]),
    object=_OBJECTS,
    parts=st.lists(_PARTS, max_size=4),
    params=st.dictionaries(_PARAMS, _VALUES, max_size=3),
    body=_BODIES,
    accept=st.sampled_from(["*/*", "application/json"]),
)
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_breaks_it(
    legacy: Legacy, method: str, object: str, parts: list[str], params: dict[str, str], body: bytes, accept: str
) -> None:
    url = "/".join([f"/ws/{object}", *parts]) + f"?{urlencode(params)}"
    sent = body.replace(b"{}", object.encode())
    found = legacy.simulator.handle(Request(method, url, BASIC | {"accept": accept}, sent))
    assert found.status < 500, (url, found.read())
    if method != "HEAD" and found.status >= 400:
        text = found.read()
        error = (
            json.loads(text)["error"]
            if "json" in found.headers["content-type"]
            else ElementTree.fromstring(text)[0].text
        )
        assert error
