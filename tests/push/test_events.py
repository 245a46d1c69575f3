"""Payloads into events: the documented shapes, and that nothing of any other is lost."""

from __future__ import annotations

import json
import tracemalloc
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digirm_runtime import xmlguard
from digirm_runtime.push import events
from digirm_runtime.push.events import UNKNOWN, VALUES, Batch, Event
from digirm_runtime.xmltext import TooMuchError, parse
from tests.push.server import payload, point

DEVICE = "00000000-00000000-00409DFF-FF3D7115"
# doc-remotemanager.digi.com/api/monitor/monitor-event-payload
DOCUMENTED_XML = f"""<?xml version="1.0" encoding="UTF-8"?>
<Msg topic="3/DeviceCore/882/7" operation="create" timestamp="2010-12-03T13:34:00.001Z" replay="true">
    <DeviceCore>
        <id>
            <devId>882</devId>
            <devVersion>7</devVersion>
        </id>
        <devMac>00:40:9D:3D:71:15</devMac>
        <devConnectwareId>{DEVICE}</devConnectwareId>
    </DeviceCore>
</Msg>""".encode()
# .../tcp-transport/publishmessage-message
TWO_XML = b"""<Document>
    <Msg topic="3/DeviceCore/882/7" operation="update" timestamp="2010-12-03T13:34:00.001Z">
        <DeviceCore><devId>882</devId></DeviceCore>
    </Msg>
    <Msg topic="3/XbeeCore/00:13:A2:00:40:01:60:45/1/0/1794/256" operation="update"
         timestamp="2010-12-03T13:34:00.001Z">
        <XbeeCore><xpNetAddr>1</xpNetAddr></XbeeCore>
    </Msg>
</Document>"""


def test_one_event_is_an_object() -> None:
    batch = Batch(payload([point(5)]))
    [event] = batch
    assert (len(batch), batch[0], batch.fault) == (1, event, None)
    assert event.kind == "DataPoint"
    assert event.data == {"cstId": 7603, "data": 5, "streamId": "test", "timestamp": 1434307047694}
    assert (event.topic, event.operation, event.group) == ("7603/DataPoint/test", "INSERTION", "*")
    assert event.timestamp == "2015-06-14T18:37:27.815Z"
    assert event.time == datetime(2015, 6, 14, 18, 37, 27, 815_000, UTC)
    assert (event.device_id, event.replay) == (None, False)
    assert json.loads(event.raw) == event.fields == point(5)
    assert repr(event) == "<Event DataPoint INSERTION 7603/DataPoint/test>"


def test_several_are_a_list() -> None:
    batch = Batch(payload([point(1), point(2)]))
    assert [event.data["data"] for event in batch] == [1, 2]
    assert repr(batch) == "<Batch of 2 events>"


def test_documented_xml() -> None:
    [event] = Batch(DOCUMENTED_XML)
    assert (event.kind, event.operation, event.topic) == ("DeviceCore", "create", "3/DeviceCore/882/7")
    assert event.data["id"] == {"devId": "882", "devVersion": "7"}
    assert (event.device_id, event.replay) == (DEVICE, True)
    assert event.time == datetime(2010, 12, 3, 13, 34, 0, 1000, UTC)


def test_several_in_xml() -> None:
    assert [(event.kind, event.data) for event in Batch(TWO_XML)] == [
        ("DeviceCore", {"devId": "882"}),
        ("XbeeCore", {"xpNetAddr": "1"}),
    ]
    [one] = Batch(b'<Document><Msg topic="a"><DataPoint><data>1</data></DataPoint></Msg></Document>')
    assert one.data == {"data": "1"}


@pytest.mark.parametrize(
    ("fields", "device"),
    [
        ({"device": {"id": DEVICE}, "topic": "devices"}, DEVICE),
        ({"alarm": {"device_id": DEVICE}}, DEVICE),
        ({"DataPoint": {"streamId": f"{DEVICE}/temp"}}, DEVICE),
        ({"DataPoint": {"stream_id": f"dia/channel/{DEVICE}/a"}}, DEVICE),
        ({"DataPoint": {}, "topic": f"1/DataPoint/{DEVICE}/a"}, DEVICE),
        ({"DataPoint": {"streamId": f"{DEVICE}0/temp"}}, None),
        ({"device": {"id": 5}, "topic": "1/devices"}, None),
        ({}, None),
    ],
)
def test_device(fields: dict[str, Any], device: str | None) -> None:
    assert Event(fields).device_id == device


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b'{"Document": {"Msg": "text"}}', [{}]),
        (b'{"Document": {"Msg": null}}', [{}]),
        (b'{"Document": {"Msg": [3, {"topic": "a"}]}}', [{}, {"topic": "a"}]),
        (b'{"Document": {"Msg": []}}', []),
        (b'{"Document": {}}', [{"Document": {}}]),
        (b'{"Document": 3}', [{"Document": 3}]),
        (b'{"list": [{"topic": "a"}], "count": 1}', [{"topic": "a"}]),
        (b'{"my": "template"}', [{"my": "template"}]),
        (b'[{"topic": "a"}, 2]', [{"topic": "a"}, {}]),
        (b"\xef\xbb\xbf " + payload([{"topic": "a"}]), [{"topic": "a"}]),
        (b'{"Document": {"Msg": {"topic": "\\ud800"}}}', [{"topic": "\ud800"}]),
        (b'{"Document": {"Msg": [{"topic": NaN}]}}', None),
        (b"name,value\n", [{}]),
        (b"", [{}]),
        (b"<Other><Msg/></Other>", [{}]),
        (b"<Document>text</Document>", [{}]),
        (b"<Document><Msg>text</Msg></Document>", [{}]),
    ],
)
def test_other_shapes_are_kept(body: bytes, fields: list[dict[str, Any]] | None) -> None:
    batch = Batch(body)
    if fields is None:
        [event] = batch
        assert event.topic == "nan"
    else:
        assert [event.fields for event in batch] == fields
    assert batch.fault is None
    assert batch.body == body
    if fields == [{}]:
        [event] = batch
        assert event.kind == UNKNOWN
        assert event.raw == body


@pytest.mark.parametrize(
    "body",
    [
        b'{"Document": {"Msg": ',
        b"[1, 2",
        b"{" + b'"a":{' * 50_000,
        b"<Document><Msg>",
        b'<!DOCTYPE x [<!ENTITY a "b">]><Document><Msg>&a;</Msg></Document>',
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><Document/>',
        b'<?xml version="1.0" encoding="utf-16"?><Document/>',
        b"<Document><Msg>a<b/></Msg></Document>",
        b"<a>" * 5000,
    ],
)
def test_broken_and_hostile_payloads_are_told_and_kept(body: bytes) -> None:
    batch = Batch(body)
    [event] = batch
    assert batch.fault
    assert (event.kind, event.data, event.raw) == (UNKNOWN, {}, body)


@pytest.mark.parametrize(
    ("start", "item", "end"),
    [
        (b'{"Document":{"Msg":[', b"{},", b"{}]}}"),
        (b'{"Document":{"Msg":[', b"1,", b"1]}}"),
        (b'{"Document":{"Msg":{"DataPoint":[', b"[],", b"1]}}}"),
        (b'{"list":[', b"[],", b"NaN]}"),
    ],
)
def test_a_payload_of_very_many_values_is_kept_and_not_read(start: bytes, item: bytes, end: bytes) -> None:
    per = sum(map(item.count, b",[{"))
    body = start + item * (VALUES // per) + end
    tracemalloc.start()
    try:
        batch = Batch(body)
        [event] = batch
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert batch.fault == "the payload holds more than 2,000,000 values"
    assert batch.too_large
    assert (event.kind, event.raw is body) == (UNKNOWN, True)
    assert most < 2 * len(body)


def test_many_events_are_read() -> None:
    body = payload([point(number) for number in range(10_000)])
    assert len(body) > VALUES
    batch = Batch(body)
    assert (len(batch), batch.fault, batch[9_999].data["data"]) == (10_000, None, 9_999)


@pytest.mark.parametrize("text", [",[{" * 100, '",[{\\' * 50, "\\" * 7 + ',"' * 150, '"",,' * 100])
def test_separators_in_texts_are_no_values(text: str) -> None:
    body = payload([{"topic": text, "device": {"description": text, "tags": [text]}}] * 10_000)
    assert sum(map(body.count, b",[{")) > 2 * VALUES
    batch = Batch(body)
    assert (len(batch), batch.fault, batch.too_large) == (10_000, None, False)
    assert batch[9_999].data["tags"] == [text]


TEXTS = st.text(',[{"\\\n: ab', max_size=8)


@given(
    st.recursive(
        TEXTS | st.none() | st.booleans(),
        lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
        max_leaves=20,
    )
)
def test_values_are_counted_without_reading_them(value: Any) -> None:
    def count(value: Any) -> int:
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return 1 + sum(map(count, inner))

    def is_crowded(most: int) -> bool:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(events, "VALUES", most)
            return events._is_crowded(body)

    body = json.dumps(value).encode()
    there = count(value)
    # Without those in texts there are the separators of values and the starts of empty lists and objects.
    assert not is_crowded(2 * there + 1)
    assert there == 1 or is_crowded(there - 1)


def big_xml(events: int, fields: int) -> bytes:
    inner = "".join(f"<dp{number}>{number}</dp{number}>" for number in range(fields))
    one = f'<Msg topic="a" operation="update"><DeviceCore>{inner}</DeviceCore></Msg>'
    return f"<Document>{one * events}</Document>".encode()


@pytest.fixture
def few_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a document need not be long to hold too much."""
    monkeypatch.setattr(xmlguard, "MARKS", 5_000)


@pytest.mark.usefixtures("few_marks")
def test_many_events_in_xml_are_read() -> None:
    body = big_xml(500, 100)
    with pytest.raises(TooMuchError):
        parse(body)
    batch = Batch(body)
    assert (len(batch), batch.fault) == (500, None)
    assert batch[499] == Batch(big_xml(1, 100))[0]


@pytest.mark.parametrize(
    "body",
    [
        b"<Document><Msg>" + b"<a/>" * 5_000 + b"</Msg></Document>",
        b"<Msg>" + b"<a/>" * 5_000 + b"</Msg>",
        b"<Other>" + b"<Msg/>" * 5_001 + b"</Other>",
        b"<Document>" + b"<a>" * 101,
    ],
)
@pytest.mark.usefixtures("few_marks")
def test_xml_that_holds_too_much_is_kept_and_not_read(body: bytes) -> None:
    batch = Batch(body)
    [event] = batch
    assert batch.fault
    assert "no XML that is taken: " in batch.fault
    assert batch.too_large
    assert (event.kind, event.raw is body) == (UNKNOWN, True)


@pytest.mark.usefixtures("few_marks")
def test_many_events_in_xml_that_is_broken_at_its_end() -> None:
    batch = Batch(big_xml(500, 100)[:-3])
    assert (len(batch), batch.fault is None, batch.too_large) == (1, False, False)


def test_an_event_with_bytes_that_are_no_text() -> None:
    [event] = Batch(b'{"Document": {"Msg": {"topic": "\xff"}}}')
    assert event.topic == "\ufffd"


@settings(max_examples=30)
@given(
    st.lists(
        st.dictionaries(st.text(), st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=5)),
        max_size=5,
    )
)
def test_whatever_an_event_holds_is_there(events: list[dict[str, Any]]) -> None:
    body = json.dumps({"Document": {"Msg": events}}).encode()
    assert [event.fields for event in Batch(body)] == events


@given(st.binary(max_size=80) | st.text("<>{}[]\"':,/&;!aMsgDocument ", max_size=60).map(str.encode))
def test_any_payload_is_read_somehow(body: bytes) -> None:
    batch = Batch(body)
    for event in batch:
        assert isinstance(event.kind, str)
        assert isinstance(event.data, dict)
        _ = event.time, event.device_id, repr(event)


def test_times_that_are_none() -> None:
    assert Event({"timestamp": "soon"}).time is None
    assert Event({}).time is None
    assert Event({"timestamp": "2021-02-18T21:01:39"}).time is None
    assert Event({"timestamp": 1434307047694}).time == datetime(2015, 6, 14, 18, 37, 27, 694_000, UTC)


def test_equality() -> None:
    assert Event({"a": 1}) == Event({"a": 1})
    assert Event({"a": 1}) != Event({"a": 2})
    assert Event({"a": 1}) != {"a": 1}
