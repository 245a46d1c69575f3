"""The older API: what the documentation prints of it, replayed, and how it views the world that v1 stores."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest

from digirm_simulator import Account, Clock, Simulator
from tests.simulator.legacy_support import Legacy, six_devices
from tests.simulator.support import BASIC, DEVICES, NOW, Api, device_id
from tests.support.recordings import recorded

RECORDED = recorded("legacy-objects.json")
DAY = datetime(2021, 2, 18, 22, 30, tzinfo=UTC)
PRINTED = "dpConnectionStatus = 1 and dpGlobalIP like '10.20.1.%' and dpLastUpdateTime > '2021-02-17T21:15:01.410Z'"
# What the store of the simulator numbers itself, and the capabilities, of which no source says which bit is which.
OWN = {"devId", "devVersion", "grpId", "dpCapabilities", "devRecordStartDate"}
VISION = {
    "alerts": 1,
    "capabilities": {"cli_service_available": True},
    "compliant": "yes",
    "connection_status": "connected",
    "contact": "Fred Kulack",
    "customer_id": 7493,
    "description": "S1luwLvGdnfF0nFnoPQ8Rb0bLeecqV5K0p0BSBlZRd1EddeV8y",
    "firmware_status": "none",
    "firmware_version": "20.11.32.168",
    "group": "Configs",
    "health_status": "normal",
    "id": "00000000-00000000-0004F3FF-FF0E4BD8",
    "ip": "172.20.10.3",
    "last_compliant": "2021-01-29T17:21:42.203Z",
    "last_connect": "2021-02-18T14:21:17.130Z",
    "last_disconnect": "2021-02-18T14:19:42.387Z",
    "last_noncompliant": "2021-01-29T17:21:38.583Z",
    "last_noncompliant_reason": "1 settings are not compliant: system/1/contact",
    "last_update": "2021-02-18T22:08:29.560Z",
    "location": "Rochester, MN 1",
    "mac": "00:04:F3:0E:4B:D8",
    "name": "Vision",
    "public_ip": "172.20.10.3",
    "registration_date": "2020-06-02T17:55:00.000Z",
    "restricted_status": "unrestricted",
    "serial_number": "IX14-420042",
    "signal_percent": 47,
    "sku": "IX14-M601",
    "tags": ["TestAutomations"],
    "type": "Digi IX14",
    "vendor_id": 4261412874,
}


@pytest.fixture
def account() -> Iterator[Legacy]:
    """The devices of the documentation, on its day."""
    with closing(Simulator(devices=0, clock=Clock(DAY, speed=0))) as simulator:
        for document in [*recorded("transcript.json")["stored"][1:2], recorded("devices-bulk.json")["device"], VISION]:
            simulator.put(DEVICES, {key: value for key, value in document.items() if key != "_source"})
        yield Legacy(simulator)


@pytest.fixture
def legacy() -> Iterator[Legacy]:
    with six_devices() as found:
        yield found


def texts(element: ElementTree.Element) -> dict[str, str]:
    return {part.tag: part.text or "" for part in element.iter() if not len(part) and part.tag not in OWN}


def test_the_printed_condition_and_its_answer(account: Legacy) -> None:
    found = account.xml("/ws/DeviceCore", condition=PRINTED)
    printed = ElementTree.fromstring(RECORDED["DeviceCore.xml"].encode("iso-8859-1"))
    assert [part.tag for part in found][:5] == [part.tag for part in printed][:5]
    assert [part.text for part in found][:5] == [part.text for part in printed][:5]
    silver = next(part for part in found.iter("DeviceCore") if part.findtext("dpName") == "SilverSurfer")
    expected = printed.find("DeviceCore")
    assert expected is not None
    assert [part.tag for part in silver.iter()] == [part.tag for part in expected.iter()]
    assert texts(silver) == texts(expected)


def test_the_text_of_an_answer_is_printed_alike(account: Legacy) -> None:
    text = account.get("/ws/DeviceCore", condition=f"{PRINTED} and dpName = 'SilverSurfer'").body
    lines = [line for line in text.splitlines() if not any(f"<{name}>" in line for name in OWN)]
    expected = [line for line in RECORDED["DeviceCore.xml"].splitlines() if not any(f"<{n}>" in line for n in OWN)]
    # There two devices met the condition.
    assert lines[0] == expected[0]
    assert lines[7:] == expected[7:]


@pytest.mark.parametrize("start", [0, 1, 2])
def test_the_printed_pages(account: Legacy, start: int) -> None:
    found = account.xml("/ws/DeviceCore", condition="dpConnectionStatus = 1", size=1, start=start)
    assert [(part.tag, part.text) for part in found][:5] == [
        ("resultTotalRows", "3"),
        ("requestedStartRow", str(start)),
        ("resultSize", "1"),
        ("requestedSize", "1"),
        ("remainingSize", str(2 - start)),
    ]
    assert len(found.findall("DeviceCore")) == 1


def test_the_printed_json(account: Legacy) -> None:
    found = account.json("/ws/DeviceCore", condition="dpConnectionStatus = 1 and dpName='Vision'", size=1)
    printed = RECORDED["DeviceCore.json"]
    assert found.keys() == printed.keys()
    [answered], [expected] = found["items"], printed["items"]
    assert answered.keys() == expected.keys()
    assert answered["id"].keys() == expected["id"].keys()
    assert {key: value for key, value in answered.items() if key not in OWN | {"id"}} == {
        key: value for key, value in expected.items() if key not in OWN | {"id"}
    }


def test_json_by_the_end_of_the_path(legacy: Legacy) -> None:
    for path in ("/ws/DeviceCore.json", "/ws/DeviceCore/.json"):
        assert legacy.get(path).body["resultTotalRows"] == "6"


def test_pages_together_are_all_devices(legacy: Legacy) -> None:
    found: list[str] = []
    remaining = 1
    while remaining:
        page = legacy.json("/ws/DeviceCore", start=len(found), size=4)
        found += [item["devConnectwareId"] for item in page["items"]]
        remaining = int(page["remainingSize"])
    assert found == legacy.ids()


@pytest.mark.parametrize("given", ["size=0", "size=1001", "size=x", "start=-1", f"start={'9' * 30}"])
def test_bad_paging(legacy: Legacy, given: str) -> None:
    found = legacy.get(f"/ws/DeviceCore?{given}")
    assert found.status == 400
    head = '<?xml version="1.0" encoding="ISO-8859-1"?>\n<result>\n   <error>GET DeviceCore error. '
    assert found.body.startswith(head)


def test_other_objects_and_methods(legacy: Legacy) -> None:
    assert legacy.get("/ws/Nothing").status == 404
    assert legacy.get("/ws/").status == 404
    refused = legacy("DELETE", "/ws/Group/1")
    assert (refused.status, refused.headers["allow"]) == (405, "GET")
    assert legacy("HEAD", "/ws/DeviceCore").status == 200


def test_errors_as_json(legacy: Legacy) -> None:
    found = Api(legacy.simulator, BASIC | {"accept": "application/json"}).get("/ws/DeviceCore", size=0)
    assert found.status == 400
    assert found.body["error"].startswith("GET DeviceCore error. ")


def test_one_device_by_number_and_by_id(legacy: Legacy) -> None:
    first = legacy.json("/ws/DeviceCore", size=1)["items"][0]
    for name in (first["id"]["devId"], first["devConnectwareId"], f"{first['id']['devId']}/0"):
        assert legacy.json(f"/ws/DeviceCore/{name}")["items"] == [first]
    assert legacy.get("/ws/DeviceCore/424242").status == 404
    assert legacy.names(f"devId = {first['id']['devId']}") == {first["dpName"]}
    assert first["dpName"] in legacy.names(f"grpId='{first['grpId']}'")


def test_read_only_roles_cannot_write() -> None:
    users = {"sim": Account("sim", role="Read only application")}
    with closing(Simulator(devices=1, users=users, clock=Clock(NOW, speed=0))) as simulator:
        viewer = Legacy(simulator)
        assert viewer.get("/ws/DeviceCore").status == 200
        for path in ("/ws/DeviceCore", "/ws/DataStream", "/ws/DataPoint/a", "/ws/FileData/~/a", "/ws/Monitor"):
            refused = viewer.send("PUT" if "File" in path else "POST", path, "<x/>")
            assert (refused.status, "Read only application" in refused.body) == (403, True)


def test_a_device_is_provisioned_changed_and_removed(legacy: Legacy) -> None:
    made = legacy.send("POST", "/ws/DeviceCore", "<DeviceCore><devMac>00:40:9d:11:22:33</devMac></DeviceCore>")
    assert made.status == 201
    location = made.headers["location"]
    number = location.split("/")[3]
    assert f"<location>DeviceCore/{number}/0</location>" in made.body
    key = "00000000-00000000-00409DFF-FF112233"
    assert legacy.get(f"{DEVICES}/{key}").body["connection_status"] == "disconnected"

    body = (
        f"<DeviceCore><devConnectwareId>{key}</devConnectwareId><grpPath>lab/one</grpPath><dpTags>,a, b,</dpTags>"
        "<dpName>J&#252;rgen &amp; Co</dpName><dpConnectionStatus>1</dpConnectionStatus></DeviceCore>"
    )
    assert legacy.send("PUT", "/ws/DeviceCore", body).status == 200
    stored = legacy.get(f"{DEVICES}/{key}").body
    assert (stored["group"], stored["tags"], stored["name"]) == ("lab/one", ["a", "b"], "Jürgen & Co")
    assert stored["connection_status"] == "disconnected"
    [shown] = legacy.xml("/ws/DeviceCore", condition="dpTags like '%,b,%'").findall("DeviceCore")
    assert (shown.findtext("dpName"), shown.findtext("dpTags")) == ("Jürgen & Co", ",a,b,")
    assert shown.findtext("grpPath") == "lab/one"

    assert legacy.send("PUT", f"/ws/DeviceCore/{number}", "<DeviceCore><grpPath/><dpTags/></DeviceCore>").status == 200
    stored = legacy.get(f"{DEVICES}/{key}").body
    assert not {"group", "tags"} & stored.keys()

    assert "<message>1 items deleted</message>" in legacy("DELETE", f"/ws/DeviceCore/{number}").body
    assert "<message>0 items deleted</message>" in legacy("DELETE", f"/ws/DeviceCore/{number}").body
    assert legacy.get(f"{DEVICES}/{key}").status == 404


def test_the_place_of_a_device_is_set_and_unset(legacy: Legacy) -> None:
    key = legacy.ids()[0]
    path = f"/ws/DeviceCore/{key}"

    def put(inside: str) -> int:
        return legacy.send("PUT", path, f"<DeviceCore>{inside}</DeviceCore>").status

    assert put("<dpMapLat>-44.5</dpMapLat><dpMapLong>92</dpMapLong>") == 200
    assert legacy.get(f"{DEVICES}/{key}").body["geoposition"] == {"coordinates": [92, -44.5], "type": "Point"}
    [shown] = legacy.json(path)["items"]
    assert (shown["dpMapLat"], shown["dpMapLong"]) == ("-44.5", "92")
    for wrong in ("<dpMapLat>1</dpMapLat>", "<dpMapLat>x</dpMapLat><dpMapLong>1</dpMapLong>"):
        assert put(wrong) == 400
    assert put("<dpMapLat>0x10</dpMapLat><dpMapLong>1</dpMapLong>") == 400
    assert put("<dpMapLat>90.1</dpMapLat><dpMapLong>1</dpMapLong>") == 400
    assert legacy.json(path)["items"] == [shown]
    assert put("<dpMapLat/><dpMapLong/>") == 200
    assert "geoposition" not in legacy.get(f"{DEVICES}/{key}").body


def test_an_object_that_was_read_changes_nothing(legacy: Legacy) -> None:
    for key in legacy.ids():
        before = legacy.get(f"{DEVICES}/{key}").body
        shown = legacy.xml(f"/ws/DeviceCore/{key}").find("DeviceCore")
        assert shown is not None
        assert legacy.send("PUT", "/ws/DeviceCore", ElementTree.tostring(shown)).status == 200
        assert legacy.get(f"{DEVICES}/{key}").body == before


def test_a_write_is_kept_whole_or_not_at_all(legacy: Legacy) -> None:
    known = legacy.ids()[0]
    before = legacy.get(f"{DEVICES}/{known}").body
    changes = "".join(
        f"<DeviceCore><devConnectwareId>{key}</devConnectwareId><dpName>{key}</dpName></DeviceCore>"
        for key in (known, device_id(7))
    )
    assert legacy.send("PUT", "/ws/DeviceCore", f"<list>{changes}</list>").status == 404
    assert legacy.get(f"{DEVICES}/{known}").body == before
    streams = "".join(
        f"<DataStream><streamId>{name}</streamId><dataType>{kind}</dataType></DataStream>"
        for name, kind in (("lab/a", "LONG"), ("lab/b", "none"))
    )
    assert legacy.send("POST", "/ws/DataStream", f"<list>{streams}</list>").status == 400
    assert legacy.get("/ws/DataStream/lab/a").status == 404


def test_of_a_list_every_item_is_answered(legacy: Legacy) -> None:
    known = legacy.ids()[0]
    body = (
        f"<list><DeviceCore><devConnectwareId>{known}</devConnectwareId></DeviceCore>"
        f"<DeviceCore><devConnectwareId>{device_id(7)}</devConnectwareId></DeviceCore>"
        "<DeviceCore><devCellularModemId>112222223333332</devCellularModemId></DeviceCore>"
        "<DeviceCore><dpName>none</dpName></DeviceCore></list>"
    )
    found = legacy.send("POST", "/ws/DeviceCore", body)
    assert found.status == 207
    answers = [(part.tag, part.text) for part in ElementTree.fromstring(found.body)]
    assert answers[0] == ("error", f"The device {known} is already provisioned.")
    assert answers[1][0] == "location"
    assert re.fullmatch(r"DeviceCore/\d+/0", answers[1][1] or "")
    assert answers[3][0] == "error"
    assert device_id(7) in legacy.ids()


def test_a_device_that_is_there(legacy: Legacy) -> None:
    known = legacy.ids()[0]
    body = f"<DeviceCore><devConnectwareId>{known}</devConnectwareId></DeviceCore>"
    found = legacy.send("POST", "/ws/DeviceCore", body)
    pattern = RECORDED["errors"]["POST DeviceCore duplicate (xml)"].replace(
        "00000000-00000000-BC5FF4FF-FFF7908A", known
    )
    assert found.status == 400
    assert pattern in found.body


def test_what_changes_is_told(legacy: Legacy) -> None:
    known = legacy.ids()[0]
    legacy.send("PUT", f"/ws/DeviceCore/{known}", "<DeviceCore><dpContact>Ada</dpContact></DeviceCore>")
    events = legacy.get("/ws/v1/events/inventory").body["list"]
    assert any(known in json.dumps(event) for event in events)


def test_groups(legacy: Legacy) -> None:
    groups = legacy.json("/ws/Group")["items"]
    [root] = [group for group in groups if group["grpParentId"] == "1"]
    by_id = {group["grpId"]: group for group in groups}
    assert root["grpPath"] == "/"
    assert all(group["grpParentId"] in by_id for group in groups if group is not root)
    region = next((group for group in groups if group["grpName"] == "Region1"), None)
    if region is not None:
        assert by_id[region["grpParentId"]]["grpPath"] == "/Production/"
    assert legacy.json("/ws/Group", condition=f"grpId='{root['grpId']}'")["items"] == [root]
    assert legacy.json(f"/ws/Group/{root['grpId']}")["items"] == [root]
    assert legacy.get("/ws/Group/7").status == 404


def test_alerts_are_acknowledged_and_reset(legacy: Legacy) -> None:
    key = legacy.ids()[0]
    legacy("PUT", "/ws/v1/alerts/inventory/1", {"scope": {"type": "Global"}})
    legacy.simulator.devices.connect(key)
    legacy.simulator.devices.disconnect(key)
    [state] = [item for item in legacy.json("/ws/AlarmStatus")["items"] if item["id"]["almsSourceEntityId"] == key]
    assert (state["id"]["almId"], state["almsStatus"]) == ("1", "1")
    path = f"/ws/AlarmStatus/1/{key}"
    for code, status in (("2", "acknowledged"), ("0", "reset")):
        body = f"<AlarmStatus><almsStatus>{code}</almsStatus></AlarmStatus>"
        assert legacy.send("PUT", path, body).status == 200
        assert legacy.json(path)["items"][0]["almsStatus"] == code
        [stored] = legacy.get("/ws/v1/alerts/status", query=f"source = '{key}'").body["list"]
        assert stored["status"] == status
        assert legacy.get(f"{DEVICES}/{key}").body["alerts"] == 0
    assert legacy.json("/ws/AlarmStatus", condition="almsStatus <> 0")["resultTotalRows"] == "0"
    assert legacy.send("PUT", path, "<AlarmStatus><almsStatus>1</almsStatus></AlarmStatus>").status == 400
    assert (
        legacy.send("PUT", "/ws/AlarmStatus/9/x", "<AlarmStatus><almsStatus>0</almsStatus></AlarmStatus>").status == 404
    )
    assert legacy.json("/ws/Alarm/1")["items"][0]["almName"] == "Production offline"


def test_fired_alerts_are_counted(legacy: Legacy) -> None:
    key = legacy.ids()[0]
    legacy("PUT", "/ws/v1/alerts/inventory/1", {"scope": {"type": "Global"}})
    second = {"name": "second", "type": "Device Offline", "scope": {"type": "Global"}}
    number = legacy("POST", "/ws/v1/alerts/inventory", second).body["list"][0]["id"]
    legacy.simulator.devices.connect(key)
    legacy.simulator.devices.disconnect(key)
    for alert, code, left in ((1, 2, 1), (1, 0, 1), (1, 2, 1), (number, 0, 0), (number, 0, 0)):
        body = f"<AlarmStatus><almsStatus>{code}</almsStatus></AlarmStatus>"
        assert legacy.send("PUT", f"/ws/AlarmStatus/{alert}/{key}", body).status == 200
        assert legacy.get(f"{DEVICES}/{key}").body["alerts"] == left
    told = legacy.get(f"/ws/v1/alerts/history/{number}_{key}").body["list"]
    assert [entry["status"] for entry in told][-2:] == ["fired", "reset"]


def test_monitors(legacy: Legacy) -> None:
    body = (
        "<Monitor><monTopic>DeviceCore,FileDataCore,[group=a,b]FileData,DataPoint[C,U]</monTopic>"
        "<monBatchSize>1</monBatchSize><monFormatType>json</monFormatType><monTransportType>tcp</monTransportType>"
        "<monCompression>gzip</monCompression><monTransportToken>top:secret</monTransportToken></Monitor>"
    )
    made = legacy.send("POST", "/ws/Monitor", body)
    assert made.status == 201
    location = ElementTree.fromstring(made.body).findtext("location") or ""
    assert made.headers["location"] == f"/ws/{location}"
    path = made.headers["location"]
    [found] = legacy.json(path)["items"]
    [printed] = RECORDED["Monitor.json"]["items"]
    assert printed.keys() <= found.keys()
    assert {key: found[key] for key in ("monBatchSize", "monCompression", "monFormatType", "monTransportType")} == {
        key: printed[key] for key in ("monBatchSize", "monCompression", "monFormatType", "monTransportType")
    }
    assert "secret" not in json.dumps(found)
    number = location.split("/")[1]
    stored = legacy.get(f"/ws/v1/monitors/inventory/{number}").body
    assert stored["topics"] == ["DeviceCore", "FileDataCore", "[group=a,b]FileData", "DataPoint[C,U]"]
    topics = ",".join(stored["topics"])
    listed = legacy.json("/ws/Monitor", condition=f"monTopic='{topics}' and monTransportType='tcp'")
    assert listed.keys() == RECORDED["Monitor.json"].keys()
    assert [item["monId"] for item in listed["items"]] == [number]
    changed = legacy.send("PUT", path, "<Monitor><monDescription>mine</monDescription></Monitor>")
    assert changed.status == 200
    assert legacy.json(path)["items"][0]["monDescription"] == "mine"
    assert legacy("DELETE", path).status == 200
    assert legacy.get(path).status == 404
    assert legacy.send("POST", "/ws/Monitor", "<Monitor><monBatchSize>x</monBatchSize></Monitor>").status == 400
    assert legacy.send("POST", "/ws/Monitor", "<Monitor><monBatchSize>0x1</monBatchSize></Monitor>").status == 400
    assert legacy.send("POST", "/ws/Monitor", "<Monitor><monTopic>a b</monTopic></Monitor>").status == 400


def test_what_xml_cannot_hold_does_not_break_an_answer(legacy: Legacy) -> None:
    legacy("PUT", f"{DEVICES}/{legacy.ids()[0]}", {"name": "bell\u0007 \ufffe <&>\r ]]> \U0001f600 \u202e"})
    [name] = [part.text for part in legacy.xml("/ws/DeviceCore").iter("dpName") if "bell" in (part.text or "")]
    assert name == "bell\ufffd \ufffd <&>\r ]]> \U0001f600 \u202e"
