"""The legacy client over HTTP: what is sent, how answers are read, and what happens when they lie."""

from __future__ import annotations

import gzip
import subprocess
import sys
from collections.abc import Callable
from inspect import signature
from typing import Any
from xml.etree import ElementTree

import pytest

from digirm import AsyncClient, Client, Options, Throttle
from digirm_runtime import xmlguard
from digirm_runtime.errors import APIError, BadRequest, NotFound, RemoteManagerError, TooLarge, TransportError
from digirm_runtime.legacy import column
from digirm_runtime.legacy.calls import MAX_BYTES, Calls
from digirm_runtime.query.builder import field
from tests.support.faces import FACES, run
from tests.support.recordings import recorded
from tests.support.server import Answer, Got, Server, script

AUTH = ("me", "secret")
SAMPLES: dict[str, Any] = recorded("legacy-objects.json")
XML = (("content-type", "application/xml"),)
ONCE = Options(retries=0)


def xml(text: str | bytes, status: int = 200) -> Answer:
    return Answer(status, text.encode() if isinstance(text, str) else text, XML)


def page(*rows: str, name: str = "DeviceCore", **head: object) -> Answer:
    told = "".join(f"<{key}>{value}</{key}>" for key, value in head.items())
    return xml(f"<result>{told}{''.join(f'<{name}>{row}</{name}>' for row in rows)}</result>")


Runs = Callable[..., Any]


@pytest.fixture(params=FACES)
def on(request: pytest.FixtureRequest) -> Runs:
    """Runs a body over one face, for each of them."""

    def runs(server: Server, body: Callable[[Any], Any], **settings: Any) -> Any:
        async def whole(rm: Any) -> Any:
            return await body(rm.legacy)

        return run(request.param, whole, server.url, **{"auth": AUTH, "throttle": None} | settings)

    return runs


async def every(listing: Any) -> list[Any]:
    return [item async for item in listing]


def test_the_recorded_lists(on: Runs) -> None:
    def reply(got: Got) -> Answer:
        name = got.path.rpartition("/")[2]
        if got.params.get("start", "0") != "0":
            return page(requestedStartRow=got.params["start"])
        if got.headers["accept"] == "application/json":
            return Answer(200, SAMPLES[f"{name}.json"])
        return xml(SAMPLES["DeviceCore.xml"])

    with Server(reply) as server:
        (device,) = on(server, lambda legacy: every(legacy.DeviceCore.list()))
        assert (device["dpName"], device["dpDescription"], device["devTerminated"]) == ("SilverSurfer", "", "false")
        assert device["id"] == {"devId": "3412224", "devVersion": "7"}
        # The page says that there are two devices, and prints one.
        assert [got.target for got in server.got] == ["/ws/DeviceCore", "/ws/DeviceCore?start=1"]
        assert server.got[0].headers["accept"] == "application/xml"
        (typed,) = on(server, lambda legacy: every(legacy.DeviceCore.list(numbers=True)))
        assert typed["id"] == {"devId": 3412224, "devVersion": 7}
        assert (typed["dvVendorId"], typed["dpConnectionStatus"]) == (4261412874, 1)
        assert (typed["devSerialNo"], typed["dpFirmwareLevelDesc"]) == ("6330010536411709", "20.11.32.168")

        server.got.clear()
        for name in ("DataStream", "DataPoint", "Monitor"):
            assert (
                on(server, lambda legacy, name=name: every(legacy[name].list(json=True)))
                == (SAMPLES[f"{name}.json"]["items"])
            )
        # A page that is not full is the last, although it has a cursor.
        assert [got.target for got in server.got] == ["/ws/DataStream", "/ws/DataPoint", "/ws/Monitor"]
        (stream,) = on(server, lambda legacy: every(legacy.DataStream.list(json=True, numbers=True)))
        assert (stream["cstId"], stream["dataTtl"], stream["streamId"]) == (7603, 172800, "another/test")
        (point,) = on(server, lambda legacy: every(legacy.DataPoint.list(json=True, numbers=True)))
        assert (point["timestamp"], point["data"], point["quality"]) == (1405130498373, "0.0", 0)


def test_paging_by_start(on: Runs) -> None:
    def reply(got: Got) -> Answer:
        start, size = int(got.params.get("start", 0)), int(got.params.get("size", 2))
        rows = [f"<n>{n}</n>" for n in range(start, min(5, start + size))]
        left = 5 - start - len(rows)
        return page(*rows, resultTotalRows=5, requestedStartRow=start, requestedSize=size, remainingSize=left)

    with Server(reply) as server:
        condition = (column("dpName") == "it's") & column("dpGlobalIP").startswith("10.")
        found = on(server, lambda legacy: every(legacy.DeviceCore.list(condition, size=2, embed=True, extra="a b")))
        assert [row["n"] for row in found] == ["0", "1", "2", "3", "4"]
        asked = {
            "condition": "dpName = 'it''s' and dpGlobalIP like '10.%'",
            "size": "2",
            "embed": "true",
            "extra": "a b",
        }
        assert [got.params for got in server.got] == [asked, {**asked, "start": "2"}, {**asked, "start": "4"}]

        server.got.clear()
        found = on(server, lambda legacy: every(legacy.DeviceCore.list("a = 1", start=1, limit=3)))
        assert [row["n"] for row in found] == ["1", "2", "3"]
        assert [got.params for got in server.got] == [{"condition": "a = 1", "size": "3", "start": "1"}]

        async def resumed(legacy: Any) -> list[Any]:
            listing = legacy.DeviceCore.list(size=2, prefetch=True)
            async for row in listing:
                if row["n"] == "2":
                    break
            return await every(legacy.DeviceCore.list(cursor=listing.cursor))

        assert [row["n"] for row in on(server, resumed)] == ["2", "3", "4"]


def test_paging_by_cursor(on: Runs) -> None:
    def reply(got: Got) -> Answer:
        at = int(got.params.get("pageCursor", "c 0").removeprefix("c "))
        rows = [f"<n>{n}</n>" for n in range(at, min(5, at + 2))]
        return page(*rows, name="DataPoint", resultSize=len(rows), requestedSize=2, pageCursor=f"c {at + 2}")

    with Server(reply) as server:
        found = on(server, lambda legacy: every(legacy.DataPoint.list(path="dev/a/[b]!", startTime=5, order="asc")))
        assert [row["n"] for row in found] == ["0", "1", "2", "3", "4"]
        assert {got.path for got in server.got} == {"/ws/DataPoint/dev/a/%5Bb%5D%21"}
        asked = {"startTime": "5", "order": "asc"}
        assert [got.params for got in server.got] == [
            asked,
            asked | {"pageCursor": "c 2"},
            asked | {"pageCursor": "c 4"},
        ]
    with script(page("<n/>", name="DataStream", requestedSize=1, pageCursor="x")) as server:
        with pytest.raises(RemoteManagerError, match="repeated a cursor"):
            on(server, lambda legacy: every(legacy.DataStream.list()))
        assert len(server.got) == 2


@pytest.mark.parametrize(
    ("head", "rows", "error"),
    [
        ({"remainingSize": 7}, 2, "do not become fewer"),
        ({"remainingSize": 7, "requestedStartRow": 0}, 1, "asked for rows from 1 on, and gave those from 0 on"),
        ({"remainingSize": 7, "resultTotalRows": 3}, 3, None),
        ({"remainingSize": -5, "resultTotalRows": 3}, 3, None),
        ({"remainingSize": 0, "resultTotalRows": 3}, 3, None),
        ({"remainingSize": "many"}, 1, None),
        ({"remainingSize": -1}, 1, None),
        ({"remainingSize": 10**30}, 1, None),
        ({"remainingSize": ""}, 1, None),
        ({}, 1, None),
    ],
)
def test_a_list_that_lies_ends(head: dict[str, Any], rows: int, error: str | None, on: Runs) -> None:
    with script(page("<n/>", **head)) as server:
        if error is None:
            assert len(on(server, lambda legacy: every(legacy.DeviceCore.list()))) == rows
        else:
            with pytest.raises(RemoteManagerError, match=error):
                on(server, lambda legacy: every(legacy.DeviceCore.list()))
        assert len(server.got) <= rows + 1


def test_a_list_whose_total_changes_ends(on: Runs) -> None:
    totals = {0: 3, 1: 9, 2: 3, 3: 9}

    def reply(got: Got) -> Answer:
        start = int(got.params.get("start", 0))
        rows = ["<n/>"] if start < 3 else []
        return page(*rows, resultTotalRows=totals[start], requestedStartRow=start)

    with Server(reply) as server:
        assert len(on(server, lambda legacy: every(legacy.DeviceCore.list()))) == 3
    totals[2] = 9
    with Server(reply) as server:
        assert len(on(server, lambda legacy: every(legacy.DeviceCore.list()))) == 3
        assert len(server.got) == 4


def test_a_list_that_grows_while_it_is_walked_ends(on: Runs) -> None:
    def reply(got: Got) -> Answer:
        start = int(got.params.get("start", 0))
        total = max(70, min(grown, start + 2))
        return page("<n/>" if start < total else "", resultTotalRows=total, requestedStartRow=start)

    # Up to 40 rows are added, each while one is read.
    grown = 110
    with Server(reply) as server:
        assert len(on(server, lambda legacy: every(legacy.DeviceCore.list()))) == 110
    grown = 10**9
    with Server(reply) as server, pytest.raises(RemoteManagerError, match="do not become fewer"):
        on(server, lambda legacy: every(legacy.DeviceCore.list()))
    assert len(server.got) < 200


def test_a_page_of_streams_and_points_is_full_with_1000(on: Runs) -> None:
    heads: list[dict[str, object]] = [{}, {"requestedSize": 5000}, {"requestedSize": 1000}]
    for head in heads:
        pages = [page(*["<n/>"] * rows, name="DataPoint", pageCursor="x", **head) for rows in (1000, 3)]
        with script(*pages) as server:
            assert len(on(server, lambda legacy: every(legacy.DataPoint.list(path="a", size=5000)))) == 1003
            assert [got.params.get("pageCursor") for got in server.got] == [None, "x"]


def test_what_may_repeat_is_a_list(on: Runs) -> None:
    rule = "<almRuleConfig><Rules><FireRule><Variable name='a' value='1'/></FireRule></Rules></almRuleConfig>"
    found = {"Rules": {"FireRule": [{"Variable": [{"@name": "a", "@value": "1"}]}]}}
    with script(page(rule, name="Alarm")) as server:
        assert on(server, lambda legacy: every(legacy.Alarm.list())) == [{"almRuleConfig": found}]
        assert on(server, lambda legacy: legacy.Alarm.get(5)) == {"almRuleConfig": found}
    known = {"lists": ("tag", "net")}
    asked: list[Callable[[Any], Any]] = [
        lambda legacy: legacy["New"].get(1, **known),
        lambda legacy: legacy["New"].get(1, json=True, **known),
        lambda legacy: legacy["New"].list(**known).first(),
        lambda legacy: legacy["New"].list(json=True, **known).first(),
    ]
    answers = {
        "application/xml": page("<tag>x</tag><net><ip>1</ip></net><ip>2</ip>", name="New"),
        "application/json": Answer(200, {"items": [{"tag": "x", "net": [{"ip": "1"}], "ip": "2"}]}),
    }
    with Server(lambda got: answers[got.headers["accept"]]) as server:
        for ask in asked:
            assert on(server, ask) == {"tag": ["x"], "net": [{"ip": "1"}], "ip": "2"}
        assert {got.target for got in server.got} <= {"/ws/New", "/ws/New/1", "/ws/New?size=1"}


def test_no_answer_is_lost_or_taken_for_another(on: Runs) -> None:
    def listed(answer: Answer, **settings: Any) -> Any:
        with script(answer) as server:
            return on(server, lambda legacy: every(legacy.XbeeCore.list(options=ONCE, **settings)))

    assert listed(xml("<result/>")) == []
    assert listed(page(name="XbeeCore")) == []
    assert listed(page("", name="XbeeCore", remainingSize=0)) == [""]
    # The server's JSON of a list of one may be the one.
    assert listed(Answer(200, {"items": {"a": "1"}}), json=True) == [{"a": "1"}]
    assert listed(Answer(200, {}), json=True) == []
    # An error with status 200 is no empty list.
    for answer in (xml("<result><error>no &amp; no</error></result>"), xml("<error>no &amp; no</error>")):
        with pytest.raises(APIError, match="answered 200: no & no"):
            listed(answer)
    with pytest.raises(APIError, match="answered 200: no"):
        listed(Answer(200, {"error": "no"}), json=True)
    for body in (
        b"<result>",
        b"",
        b"<html>",
        b"{}",
        b"<!DOCTYPE r><result/>",
        b"<result>x<XbeeCore/></result>",
        b"<html><body><p>Sign in</p></body></html>",
        b"\xff",
    ):
        with pytest.raises(TransportError, match=r"unusable|no records"):
            listed(xml(body))
    with pytest.raises(TransportError, match="holds no records"):
        listed(xml("<result>text</result>"))


def test_a_broken_answer_is_asked_for_again(on: Runs) -> None:
    with script(xml("<result><DeviceCore>"), page("<n/>")) as server:
        assert on(server, lambda legacy: every(legacy.DeviceCore.list())) == [{"n": ""}]
        assert len(server.got) == 2
    with script(xml("<result>"), xml("<result/>")) as server:
        with pytest.raises(TransportError, match="unusable"):
            on(server, lambda legacy: legacy.Monitor.create({"monTopic": "a"}))
        assert len(server.got) == 1


def test_an_answer_that_holds_too_much_is_not_asked_for_again(on: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xmlguard, "MARKS", 50)
    for body, reason in (
        ("<x/>" * 90, "more than 50 elements"),
        ("<x>" * 200 + "</x>" * 200, "more than 50 elements|nested deeper"),
    ):
        with script(xml(f"<result><a>{body}</a></result>")) as server:
            for call in (
                lambda legacy: every(legacy.DeviceCore.list()),
                lambda legacy: legacy.DeviceCore.get(1),
                lambda legacy: legacy.DeviceCore.delete(1),
            ):
                with pytest.raises(TooLarge, match=reason):
                    on(server, call)
            assert len(server.got) == 3


def test_one_record(on: Runs) -> None:
    with script(page("<a>1</a><cstId>2</cstId>", name="Monitor")) as server:
        assert on(server, lambda legacy: legacy.Monitor.get(17)) == {"a": "1", "cstId": "2"}
        assert on(server, lambda legacy: legacy.Monitor.get("17", numbers=True)) == {"a": "1", "cstId": 2}
        assert [got.path for got in server.got] == ["/ws/Monitor/17"] * 2
    with script(Answer(200, SAMPLES["Monitor.json"])) as server:
        assert on(server, lambda legacy: legacy.Monitor.get(178007, json=True))["monId"] == "178007"
    for answer in (xml("<result/>"), page("<a/>", "<a/>", name="Monitor")):
        with script(answer) as server, pytest.raises(RemoteManagerError, match=r"with [02] records, not with one"):
            on(server, lambda legacy: legacy.Monitor.get(1))
    content = b"<result><FileData><a/></FileData></result>"
    with script(xml(content)) as server:
        assert on(server, lambda legacy: legacy.FileData.get("/~/a b/x.xml")) == content
        assert server.got[0].path == "/ws/FileData/~/a%20b/x.xml"
        assert server.got[0].headers["accept"] == "*/*"


def test_writing(on: Runs) -> None:
    with script(xml("<result><location>Monitor/178008</location></result>", 201)) as server:
        made = on(
            server, lambda legacy: legacy.Monitor.create({"monTopic": "A&B", "monBatchSize": 10, "x": ["a", "b"]})
        )
        assert (made.location, made.locations, made.id) == ("Monitor/178008", ["Monitor/178008"], "178008")
        assert (made.failures, made.raw) == ([], [("location", "Monitor/178008")])
        (got,) = server.got
        assert (got.method, got.target) == ("POST", "/ws/Monitor")
        assert got.headers["content-type"] == got.headers["accept"] == "application/xml"
        assert got.body == (
            b"<Monitor><monTopic>A&amp;B</monTopic><monBatchSize>10</monBatchSize><x>a</x><x>b</x></Monitor>"
        )
        element = ElementTree.fromstring("<Whatever><a/></Whatever>")
        on(server, lambda legacy: legacy.Monitor.create([element, "<Monitor>as it is</Monitor>"], path="a/b"))
        assert server.got[-1].body == b"<list><Monitor><a/></Monitor><Monitor>as it is</Monitor></list>"
        assert server.got[-1].path == "/ws/Monitor/a/b"
        on(server, lambda legacy: legacy.DeviceCore.update({"devConnectwareId": "x", "grpPath": ""}))
        assert server.got[-1][:2] == ("PUT", "/ws/DeviceCore")
        assert server.got[-1].body.endswith(b"<grpPath/></DeviceCore>")
        on(server, lambda legacy: legacy.FileData.update(b"\0\xff", key="~/x.bin", type="file", archive=False))
        assert server.got[-1][:2] == ("PUT", "/ws/FileData/~/x.bin?type=file&archive=false")
        assert server.got[-1].headers["content-type"] == "application/octet-stream"
        assert server.got[-1].body == b"\0\xff"
        on(server, lambda legacy: legacy.FileData.delete("~/folder/"))
        assert server.got[-1][:2] == ("DELETE", "/ws/FileData/~/folder")
        declared = "\ufeff<?xml version='1.0' encoding='iso-8859-1'?>\n<Monitor>ü</Monitor>"
        on(server, lambda legacy: legacy.Monitor.create([declared, declared]))
        assert server.got[-1].body == "<list>\n<Monitor>ü</Monitor>\n<Monitor>ü</Monitor></list>".encode()
        # A declaration is one at the beginning only, and a byte-order mark belongs to a whole document.
        data = "<DataPoint><data><![CDATA[<?xml version='1.0'?><b/>]]></data></DataPoint>"
        for record in (data, f"\ufeff{data}", f"\ufeff<?xml version='1.0'?>{data}"):
            on(server, lambda legacy, record=record: legacy.DataPoint.create([record, record]))
            assert server.got[-1].body.decode() == f"<list>{data}{data}</list>"
            on(server, lambda legacy, record=record: legacy.DataPoint.create(record))
            assert server.got[-1].body.decode() == data


def test_other_answers_to_changes(on: Runs) -> None:
    def deleted(answer: Answer) -> Any:
        with script(answer) as server:
            return on(server, lambda legacy: legacy.Monitor.delete(5, options=ONCE))

    assert deleted(Answer(204)).raw is None
    assert deleted(xml("<result><message>1 items deleted</message></result>")).raw == [("message", "1 items deleted")]
    assert deleted(Answer(200, b"done", (("content-type", "text/plain"),))).raw == "done"
    assert deleted(Answer(201, b"", (("location", "https://x/ws/Monitor/7"),))).id == "7"
    assert deleted(Answer(200, {"location": ["a/1", "a/2"]})).locations == ["a/1", "a/2"]
    # What cannot be read is no success.
    said = "<?xml version='1.0'?><result><error>no</error></result>"
    for body in (*map(said.encode, ("utf-16", "utf-16-be", "utf-16-le", "utf-32", "cp037")), b"done", b"\xff"):
        with pytest.raises(TransportError, match="unusable"):
            deleted(xml(body))
        if b"\0" in body:
            with pytest.raises(TransportError, match="unusable"):
                deleted(Answer(200, body, (("content-type", "text/plain"),)))
    with pytest.raises(RemoteManagerError, match="expected one"):
        _ = deleted(Answer(204)).location


def test_of_several_some_may_fail(on: Runs) -> None:
    records: list[Any] = [{"devMac": "1"}, {"devMac": "2"}, {"devMac": "3"}]
    first, last = (f"<location>DeviceCore/{number}/0</location>" for number in (1, 3))
    body = f"<result>{first}<error>two <![CDATA[& a half]]></error>{last}</result>"
    with script(xml(body, 207)) as server:
        made = on(server, lambda legacy: legacy.DeviceCore.create(records))
    assert made.locations == ["DeviceCore/1/0", "DeviceCore/3/0"]
    assert made.failures == [
        {"error_status": 400, "error_message": "two & a half", "error_context": {"devMac": "2"}},
    ]
    with pytest.raises(BadRequest, match="two & a half"):
        made.raise_for_failures()
    with script(xml("<result><error>a</error><error>b</error></result>", 207)) as server:
        made = on(server, lambda legacy: legacy.DeviceCore.create(records))
        assert [(one["error_message"], one["error_context"]) for one in made.failures] == [("a", None), ("b", None)]
        # Of a single record the failure is an error.
        with pytest.raises(APIError, match="answered 207: a; b"):
            on(server, lambda legacy: legacy.DeviceCore.create(records[0]))


def test_errors_are_read(on: Runs) -> None:
    said = SAMPLES["errors"]
    provisioned = "The device 00000000-00000000-BC5FF4FF-FFF7908A is already provisioned."
    missing = "DELETE DataStream error. Error reading Stream does not exist entity id='test'"
    wrong = "POST DataStream error. Invalid dataType: foobar"
    several = "<?xml version='1.0'?>\n<result><error>a</error>\n<x/><error> b </error></result>"
    sci = "<sci_reply><reboot><error id='303'><desc>Invalid target.</desc></error></reboot></sci_reply>"
    cases: list[tuple[Answer, type[APIError], str]] = [
        (xml(said["POST DeviceCore duplicate (xml)"], 400), BadRequest, provisioned),
        (xml(said["DELETE DataStream missing (xml)"], 404), NotFound, missing),
        (Answer(400, said["POST DataStream bad type (json)"]), BadRequest, wrong),
        (xml(several, 400), BadRequest, "a; b"),
        (xml(sci, 400), BadRequest, "Invalid target."),
    ]
    for answer, kind, message in cases:
        with script(answer) as server, pytest.raises(kind) as caught:
            on(server, lambda legacy: legacy.DataStream.create({"streamId": "a"}))
        assert caught.value.error_message == message
        assert message in str(caught.value)
    # What is no error of this kind is as it was: pages say nothing, and nothing is expanded.
    for body in (b"<result><error>", b"<html><error>x</error></html>", b"<result><ok>1</ok></result>", b"<error/>",
                 b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'x'>]><error>&b;</error>"):  # fmt: skip
        with script(xml(body, 400)) as server, pytest.raises(BadRequest) as caught:
            on(server, lambda legacy: legacy.DataStream.create({"streamId": "a"}))
        assert caught.value.error_message is None


def test_credentials_in_errors_are_hidden(on: Runs) -> None:
    with script(xml("<error>no such user me:hush-hush</error>", 400)) as server, pytest.raises(BadRequest) as caught:
        on(server, lambda legacy: every(legacy.DeviceCore.list()), auth=("me", "hush-hush"))
    assert "hush-hush" not in str(caught.value)


def test_what_must_not_be_sent() -> None:
    with script(xml("<result/>")) as server, Client(server.url, auth=AUTH, read_only=True) as rm:
        legacy = rm.legacy
        with pytest.raises(TypeError, match=r"to_legacy\(\)"):
            legacy.DeviceCore.list(field("name") == "x")
        with pytest.raises(TypeError, match="not int"):
            legacy.DeviceCore.list(5)  # type: ignore[arg-type]
        nobody: Any = None
        with pytest.raises(ValueError, match="would reach everything"):
            legacy.Monitor.delete(nobody)
        with pytest.raises(TypeError, match="'key'"):
            legacy.Monitor.delete(condition="monId > 1")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
        for key in ("", "/", "..", "a/../b", "a//b", "%2e%2e/x"):
            with pytest.raises(ValueError, match="must not be"):
                legacy.DataStream.delete(key)
        nothing: list[Any] = [{}, [], [{}], None, "", "  ", ["<Monitor/>", "\n"]]
        for empty in nothing:
            with pytest.raises(ValueError, match="nothing in the record"):
                legacy.Monitor.create(empty)
        with pytest.raises(TypeError, match="written alone"):
            legacy.FileData.create([b"x"])
        wrong: list[Any] = [{"a><b": "x"}, {1: "a"}, [{"a": {None: "x"}}]]
        for record in wrong:
            with pytest.raises(ValueError, match="cannot be a name"):
                legacy.Monitor.create(record)
        for text, reason in (
            ("<!DOCTYPE x><Monitor/>", r"a document type \(DOCTYPE\) is refused"),
            ("<Monitor/></list><list><Monitor/>", "no well-formed XML"),
            ("<Monitor>", "no element found"),
        ):
            for one in (text, [text, "<Monitor/>"]):
                with pytest.raises(ValueError, match=f"the record of Monitor cannot be sent: .*{reason}"):
                    legacy.Monitor.create(one)
        with pytest.raises(ValueError, match="the content of a file is bytes"):
            legacy.FileData.update("hello", key="~/a")
        with pytest.raises(ValueError, match="not known"):
            legacy["NewThing"].list(numbers=True)
        for name in ("", "a/b", "A b", "..", "Ä", "v1", "sci"):
            with pytest.raises(ValueError, match=r"cannot be a legacy object's name|no legacy object"):
                legacy[name]
        with pytest.raises(AttributeError, match="begin with a capital"):
            legacy.deviceCore  # noqa: B018
        with pytest.raises(RemoteManagerError, match="read-only"):
            legacy.Monitor.create({"a": "x"})
        assert legacy.Monitor is legacy["Monitor"]
        assert repr(legacy.Monitor) == "<LegacyObject /ws/Monitor>"
        assert not server.got


def test_a_limit_of_bytes(on: Runs) -> None:
    bomb = gzip.compress(b"<result>" + b" " * (MAX_BYTES + 1))
    with script(Answer(200, bomb, (*XML, ("content-encoding", "gzip")))) as server:
        with pytest.raises(TooLarge, match="longer than"):
            on(server, lambda legacy: every(legacy.DeviceCore.list()))
        assert len(server.got) == 1


def test_uploads_have_limits_of_their_own() -> None:
    throttle = Throttle((100, 1000), uploads=(1, 1000))
    with script(xml("<result/>")) as server, Client(server.url, auth=AUTH, throttle=throttle) as rm:
        quick = Options(deadline=0.2)
        rm.legacy.DataPoint.create({"streamId": "a", "data": 1})
        for _ in range(3):
            assert list(rm.legacy.DataPoint.list(path="a")) == []
            rm.legacy.DataStream.create({"streamId": "a"})
        with pytest.raises(RemoteManagerError):
            rm.legacy.FileData.update(b"x", key="~/a", options=quick)
        assert len(server.got) == 7


def test_both_faces_say_what_they_take() -> None:
    nodes = (Client("sim:").legacy.Monitor, AsyncClient("sim:").legacy.Monitor)
    for name in ("list", "get", "create", "update", "delete"):
        made = getattr(Calls, name)
        for node in nodes:
            method = getattr(node, name)
            assert [*signature(method).parameters] == [*signature(made).parameters][1:]
            assert method.__doc__ == made.__doc__
            assert method.__qualname__ == f"{type(node).__name__}.{name}"
            assert getattr(type(node), name).__name__ == name


def test_nothing_is_imported_before_it_is_used() -> None:
    code = (
        "import sys, digirm; digirm.Client('sim:')\n"
        "print([m for m in sys.modules if m.startswith(('digirm_runtime.legacy', 'digirm_runtime.xml', 'xml.'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
