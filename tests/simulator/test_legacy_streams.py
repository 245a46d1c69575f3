"""DataStream and DataPoint of the older API: views on the streams and their histories."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import pytest

from digirm_runtime.query.values import milliseconds
from digirm_runtime.text import time_text
from tests.simulator.legacy_support import Legacy, six_devices
from tests.simulator.support import BASIC, NOW, Api
from tests.support.recordings import recorded

RECORDED = recorded("legacy-objects.json")
STREAM = "<DataStream><streamId>{}</streamId><dataType>{}</dataType></DataStream>"


@pytest.fixture
def legacy() -> Iterator[Legacy]:
    with six_devices() as found:
        yield found


def points(legacy: Legacy, stream: str, *values: object, step: int = 1) -> None:
    """Upload values that were taken `step` minutes apart, the first one at NOW."""
    items = "".join(
        f"<DataPoint><streamId>{stream}</streamId><data>{value}</data><streamType>DOUBLE</streamType>"
        f"<timestamp>{time_text(NOW + timedelta(minutes=step * number))}</timestamp></DataPoint>"
        for number, value in enumerate(values)
    )
    found = legacy.send("POST", "/ws/DataPoint", f"<list>{items}</list>")
    assert found.status == 201, found.body


def data(page: dict[str, Any]) -> list[str]:
    return [item["data"] for item in page["items"]]


def test_a_stream_has_the_recorded_form(legacy: Legacy) -> None:
    body = (
        "<DataStream><streamId>another/test</streamId><dataType>INTEGER</dataType>"
        "<description>Some Integral Thing</description><dataTtl>172800</dataTtl><rollupTtl>432000</rollupTtl>"
        "</DataStream>"
    )
    made = legacy.send("POST", "/ws/DataStream", body)
    assert (made.status, made.headers["location"]) == (201, "/ws/DataStream/another/test")
    assert "<location>another/test</location>" in made.body
    [printed] = RECORDED["DataStream.json"]["items"]
    found = legacy.json("/ws/DataStream/another/test")
    assert found.keys() == RECORDED["DataStream.json"].keys()
    assert found["items"] == [printed | {"cstId": "7493"}]
    assert (found["resultSize"], found["requestedSize"]) == ("1", "1000")
    [shown] = legacy.xml("/ws/DataStream/another/test").findall("DataStream")
    assert [part.tag for part in shown] == list(printed)
    assert legacy.get("/ws/v1/streams/inventory/another/test").body["ttl"] == 172800


def test_the_recorded_errors(legacy: Legacy) -> None:
    wants_json = Api(legacy.simulator, BASIC | {"accept": "application/json"})
    found = wants_json("POST", "/ws/DataStream", STREAM.format("test", "foobar").encode())
    assert (found.status, found.body) == (400, RECORDED["errors"]["POST DataStream bad type (json)"])
    missing = legacy("DELETE", "/ws/DataStream/test")
    assert missing.status == 404
    printed = ElementTree.fromstring(RECORDED["errors"]["DELETE DataStream missing (xml)"])
    assert ElementTree.fromstring(missing.body).findtext("error") == printed.findtext("error")
    assert legacy.get("/ws/DataStream/test").status == 404
    assert legacy.get("/ws/DataPoint/test").status == 404
    assert legacy("DELETE", "/ws/DataPoint/test").status == 404
    assert legacy.send("PUT", "/ws/DataStream/test", "<DataStream/>").status == 404
    assert legacy.send("POST", "/ws/DataStream", "<DataStream/>").status == 400


def test_streams_are_changed_and_deleted(legacy: Legacy) -> None:
    legacy.send("POST", "/ws/DataStream", STREAM.format("a/b", "DOUBLE"))
    assert legacy.send("POST", "/ws/DataStream", STREAM.format("a/b", "DOUBLE")).status == 400
    changed = "<DataStream><units>&#176;C</units><dataTtl>60</dataTtl></DataStream>"
    assert legacy.send("PUT", "/ws/DataStream/a/b", changed).status == 200
    [found] = legacy.json("/ws/DataStream/a/b")["items"]
    assert (found["units"], found["dataTtl"], found["dataType"]) == ("°C", "60", "DOUBLE")
    assert legacy.send("PUT", "/ws/DataStream/a/b", STREAM.format("a/b", "STRING")).status == 400
    assert legacy.send("PUT", "/ws/DataStream/a/b", "<DataStream><dataTtl>x</dataTtl></DataStream>").status == 400
    assert legacy.send("PUT", "/ws/DataStream/a/b", "<DataStream><dataTtl>0x10</dataTtl></DataStream>").status == 400
    assert legacy("DELETE", "/ws/DataStream/a/b").status == 200
    assert legacy.get("/ws/v1/streams/inventory/a/b").status == 404


def test_pages_of_streams_follow_by_cursor(legacy: Legacy) -> None:
    found: list[str] = []
    params: dict[str, str | int] = {"size": 3}
    while page := legacy.json("/ws/DataStream", **params)["items"]:
        found += [item["streamId"] for item in page]
        params["pageCursor"] = legacy.json("/ws/DataStream", **params)["pageCursor"]
    listed = legacy.get("/ws/v1/streams/inventory").body["list"]
    assert found == sorted(item["id"] for item in listed)
    for cursor in ("x", "!", params["pageCursor"], "W10=", "WzEsMl0="):
        assert legacy.get("/ws/DataStream", pageCursor=cursor, condition="streamId = 'a'").status == 400


def test_the_path_of_streams_is_the_beginning_of_their_ids(legacy: Legacy) -> None:
    for name in ("lab", "lab/a", "lab/b/c", "label"):
        legacy.send("POST", "/ws/DataStream", STREAM.format(name, "STRING"))
    assert [item["streamId"] for item in legacy.json("/ws/DataStream/lab")["items"]] == ["lab", "lab/a", "lab/b/c"]
    found = legacy.json("/ws/DataStream", condition="streamId like 'lab/%' and dataType = 'string'")["items"]
    assert [item["streamId"] for item in found] == ["lab/a", "lab/b/c"]


def test_points_have_the_recorded_form(legacy: Legacy) -> None:
    body = "<DataPoint><data>0.0</data><streamType>FLOAT</streamType><quality>7</quality></DataPoint>"
    made = legacy.send("POST", "/ws/DataPoint/test", body)
    [printed] = RECORDED["DataPoint.json"]["items"]
    found = legacy.json("/ws/DataPoint/test")
    assert found.keys() == RECORDED["DataPoint.json"].keys()
    [item] = found["items"]
    [shown] = legacy.xml("/ws/DataPoint/test").findall("DataPoint")
    assert [part.tag for part in shown] == list(printed)
    assert item.keys() == printed.keys()
    now = {"timestamp": str(milliseconds(NOW)), "timestampISO": time_text(NOW)}
    assert item == printed | now | {
        "cstId": "7493",
        "id": item["id"],
        "quality": "7",
        "serverTimestamp": now["timestamp"],
        "serverTimestampISO": now["timestampISO"],
    }
    assert f"<location>DataPoint/test/{item['id']}</location>" in made.body
    assert made.headers["location"] == f"/ws/DataPoint/test/{item['id']}"
    [stream] = legacy.json("/ws/DataStream/test")["items"]
    assert stream["currentValue"]["data"] == "0.0"
    assert stream["currentValue"].keys() == item.keys() - {"cstId", "streamId"}


def test_points_by_page_time_and_order(legacy: Legacy) -> None:
    points(legacy, "lab/t", *range(7))
    path, found, params = "/ws/DataPoint/lab/t", [], {"size": 3, "order": "descending"}
    for size in (3, 3, 1):
        page = legacy.json(path, **params)
        assert page["resultSize"] == str(size)
        found += data(page)
        params["pageCursor"] = page["pageCursor"]
    assert data(legacy.json(path, **params)) == []
    assert found == ["6", "5", "4", "3", "2", "1", "0"]
    start, end = (time_text(NOW + timedelta(minutes=minute)) for minute in (2, 5))
    span = legacy.json(path, startTime=start, endTime=end)
    assert data(span) == ["2", "3", "4"]
    assert span["requestedStartTime"] == str(milliseconds(NOW + timedelta(minutes=2)))
    assert data(legacy.json(path, startTime=start, timeline="server")) == []
    for params in ({"order": "x"}, {"startTime": "x"}, {"timeline": "x"}, {"size": 0}, {"pageCursor": "x"}):
        assert legacy.get(path, **params).status == 400


def test_roll_ups(legacy: Legacy) -> None:
    points(legacy, "lab/t", 1, 2, 3, 10, step=30)
    found = legacy.json("/ws/DataPoint/lab/t", rollupInterval="hour", rollupMethod="sum")
    assert data(found) == ["3", "13"] or data(found) == ["3.0", "13.0"]
    assert [item["timestamp"] for item in found["items"]] == [
        str(milliseconds(NOW + timedelta(hours=hour))) for hour in (0, 1)
    ]
    v1 = legacy.get("/ws/v1/streams/rollups/lab/t", interval="hour", method="sum").body["list"]
    assert [item["timestampISO"] for item in found["items"]] == [item["timestamp"] for item in v1]
    assert legacy.get("/ws/DataPoint/lab/t", rollupInterval="x").status == 400


def test_points_are_deleted_by_time_and_one_by_one(legacy: Legacy) -> None:
    points(legacy, "lab/t", *range(6))
    path = "/ws/DataPoint/lab/t"
    span = f"startTime={quote(time_text(NOW))}&endTime={quote(time_text(NOW + timedelta(minutes=2)))}"
    assert "<message>2 items deleted</message>" in legacy.send("DELETE", f"{path}?{span}", "").body
    last = legacy.json(path, order="descending", size=1)["items"][0]
    assert "<message>1 items deleted</message>" in legacy("DELETE", f"{path}/{last['id']}").body
    assert "<message>0 items deleted</message>" in legacy("DELETE", f"{path}/{last['id']}").body
    assert data(legacy.json(path)) == ["2", "3", "4"]
    assert legacy.json("/ws/DataStream/lab/t")["items"][0]["currentValue"]["data"] == "4"
    assert "<message>3 items deleted</message>" in legacy("DELETE", path).body
    assert "currentValue" not in legacy.json("/ws/DataStream/lab/t")["items"][0]


def test_csv_uploads(legacy: Legacy) -> None:
    text = "#DATA,TIMESTAMP,STREAMID,DATATYPE\n1.5,,lab/t,DOUBLE\n2.5,,lab/u,DOUBLE\n"
    found = legacy.send("POST", "/ws/DataPoint", text)
    assert (found.status, found.body.count("<location>")) == (201, 2)
    assert legacy.send("POST", "/ws/DataPoint/lab/t", "data\n3.5\n").status == 201
    assert data(legacy.json("/ws/DataPoint/lab/t")) == ["1.5", "3.5"]


def test_of_many_points_those_that_fit_are_kept(legacy: Legacy) -> None:
    body = "".join(
        f"<DataPoint><streamId>lab/t</streamId><streamType>INTEGER</streamType><data>{value}</data></DataPoint>"
        for value in (1, "x", 3)
    )
    found = legacy.send("POST", "/ws/DataPoint", f"<list>{body}</list>")
    assert (found.status, [part.tag for part in ElementTree.fromstring(found.body)]) == (
        207,
        ["location", "error", "location"],
    )
    assert data(legacy.json("/ws/DataPoint/lab/t")) == ["1", "3"]
    assert legacy.send("POST", "/ws/DataPoint", "<DataPoint><data>1</data></DataPoint>").status == 400
    assert legacy.send("POST", "/ws/DataPoint/a", "<DataPoint/>").status == 400


@pytest.mark.parametrize("text", ["", " two  blanks ", "&lt;b&gt; &amp; 'q'", "\U0001f600", "é"])
def test_the_text_of_a_point_is_kept(legacy: Legacy, text: str) -> None:
    body = f"<?xml version='1.0' encoding='utf-8'?><DataPoint><data>{text}</data></DataPoint>"
    assert legacy.send("POST", "/ws/DataPoint/a", body).status == 201
    sent = ElementTree.fromstring(body).findtext("data")
    assert data(legacy.json("/ws/DataPoint/a")) == [sent]
    assert legacy.xml("/ws/DataPoint/a").findtext("DataPoint/data") == sent
    assert json.loads(json.dumps(legacy.get("/ws/v1/streams/inventory/a").body["value"])) == sent


_POINT = "<DataPoint><streamId>lab/t</streamId><data>{}</data>{}</DataPoint>"


@pytest.mark.parametrize("path", ["/ws/DataPoint", "/ws/v1/streams/history"])
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (_POINT.format(" a ", "<timestampISO>2020-01-01T00:00:00Z</timestampISO><location>1,2,3</location>"), [" a "]),
        (_POINT.format("", "<streamType>STRING</streamType>"), [""]),
        (_POINT.format("1", "<type>LONG</type>"), ["1"]),
        (_POINT.format("1", "<streamType> long </streamType><quality/>"), ["1"]),
        ('<?xml version="1.0" encoding="iso-8859-1"?>' + _POINT.format("\xe4", ""), ["\xe4"]),
        ("\xef\xbb\xbf\r\n " + _POINT.format("1", ""), ["1"]),
        ("<list>" + _POINT.format("1", "") + _POINT.format("2", "") + "</list>", ["1", "2"]),
        ("<DataPoint><stream_id>lab/t</stream_id><value>1</value></DataPoint>", ["1"]),
        ("<x>" + _POINT.format("1", "") + "</x>", None),
        ("<list>" + _POINT.format("1", "") + "<Other/></list>", None),
        (_POINT.format("1", "<unknown>1</unknown>"), None),
        (_POINT.format("1", "mixed"), None),
        (_POINT.format("<b/>", ""), None),
        (_POINT.format("1", "<data>2</data>"), None),
        ("<!DOCTYPE a [<!ENTITY x '1'>]>" + _POINT.format("&x;", ""), None),
    ],
    ids=range(15),
)
def test_xml_is_read_alike_here_and_in_v1(legacy: Legacy, path: str, body: str, expected: list[str] | None) -> None:
    found = legacy.send("POST", path, body.encode("iso-8859-1"))
    assert found.status == (400 if expected is None else 201), found.body
    if expected is None:
        assert legacy.get("/ws/v1/streams/inventory/lab/t").status == 404
    else:
        assert data(legacy.json("/ws/DataPoint/lab/t")) == expected


def test_a_point_describes_the_stream_that_it_creates(legacy: Legacy) -> None:
    named = "<description>porch</description><units>C</units><location>1,2,3</location>"
    for more in (named, named.replace("porch", "attic")):
        assert legacy.send("POST", "/ws/DataPoint", _POINT.format("1", more)).status == 201
    [stream] = legacy.json("/ws/DataStream/lab/t")["items"]
    assert (stream["description"], stream["units"]) == ("porch", "C")
    assert {item["description"] for item in legacy.json("/ws/DataPoint/lab/t")["items"]} == {""}
