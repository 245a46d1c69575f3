"""Device commands: the replies that are printed somewhere byte for byte, targets, errors, and what devices do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digirm_simulator import Account, Clock, Simulator
from digirm_simulator.sci import DeviceRequest
from digirm_simulator.sci import request as sci_request
from tests.simulator.sci_support import DEVICE, device_request, rci, request, said, send
from tests.simulator.support import Answer, Api
from tests.support.recordings import recorded

RECORDED = recorded("sci-replies.json")
MOMENT = datetime(2023, 9, 13, 8, 33, 21, tzinfo=UTC)
NOT_CONNECTED = '<error id="2001"><desc>Device Not Connected</desc></error>'
OFF = "disconnected"
INVALID = "Invalid SCI request."


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    made = Simulator(devices=0, clock=Clock(MOMENT, speed=0))
    made.devices.add(DEVICE, name="A & <B>")
    yield made
    made.close()


def test_get_time_as_an_article_prints_it(api: Api) -> None:
    sent = f"""<sci_request version="1.0">
  <data_service>
    <targets>
      <device id="{DEVICE}" />
    </targets>
   <requests>
     <device_request target_name="get_time"></device_request>
   </requests>
  </data_service>
</sci_request>"""
    found = api("POST", "/ws/sci", sent.encode())
    assert (found.status, found.headers["content-type"]) == (200, "application/xml")
    assert found.body == (
        f'<sci_reply version="1.0"><data_service><device id="{DEVICE}"><requests>'
        '<device_request target_name="get_time" status="0">Time: Wed Sep 13 08:33:21 2023\n'
        "</device_request></requests></device></data_service></sci_reply>"
    )


def test_a_device_that_is_not_connected(simulator: Simulator, api: Api) -> None:
    simulator.devices.disconnect(DEVICE)
    assert send(api, "reboot").body == RECORDED["device_not_connected"]


def test_a_device_that_does_not_exist(api: Api) -> None:
    target = '<device id="00010000-00000000-03599990-42983300"/>'
    assert send(api, "send_message", rci("<query_state/>"), target).body == RECORDED["bad_device"]


def test_query_state_as_recorded(simulator: Simulator, api: Api) -> None:
    device = simulator.devices.add("00000000-00000000-00409DFF-FFAABBCC")
    device.on("query_state", {"device_stats": {"firmwarestate": "running"}})
    target = '<device id="00000000-00000000-00409dff-ffaabbcc"/>'
    assert send(api, "send_message", rci("<query_state/>"), target).body == RECORDED["query_state_ok"]


def test_a_job_as_recorded(simulator: Simulator, api: Api) -> None:
    found = send(api, "send_message", rci("<query_state/>"), synchronous="false")
    number = found.headers["location"].rpartition("/")[2]
    assert (found.status, found.headers["location"]) == (202, f"/ws/sci/{number}")
    assert found.body == RECORDED["async_accepted"].replace("133225503", number)
    simulator.devices.disconnect(DEVICE)
    path = send(api, "reboot", synchronous="false").headers["location"]
    assert api("HEAD", path)[:2] == (202, "")
    assert api.get(path)[:2] == (200, RECORDED["async_in_progress"])
    simulator.clock.advance(seconds=5)
    assert api("HEAD", path)[:2] == (200, "")
    assert api.get(path)[:2] == (200, RECORDED["async_complete_error"])


def targeted(api: Api, target: str) -> list[str]:
    body = str(send(api, "query_firmware_targets", "", target).body)
    return [part.partition('"')[0] for part in body.split('<device id="')[1:]]


def test_targets(simulator: Simulator, api: Api) -> None:
    others = [simulator.devices.add(tags=["pump", "x"], group="Top/Below")["id"] for _ in range(2)]
    assert targeted(api, '<device id="all"/>') == [DEVICE, *others]
    assert targeted(api, '<device tag="pump"/>') == others
    assert targeted(api, '<group path="Top"/>') == targeted(api, '<group path="/Top/Below"/>') == others
    both = f'<device id="{others[1]}"/><device id="{others[0]}"/><device tag="x"/>'
    assert targeted(api, both) == [others[1], others[0]]
    assert targeted(api, '<device tag="none"/>') == []
    found = send(api, "reboot", "", '<group path="Nowhere"/>')
    assert found.body == (
        f'<sci_reply version="1.0"><reboot><error>{INVALID} No valid targets found.</error></reboot></sci_reply>'
    )


@pytest.mark.parametrize("target", ['<device id="all"/>', '<device tag="pump"/>', "{each}"])
def test_a_request_is_for_so_many_devices_at_most(
    simulator: Simulator, api: Api, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    monkeypatch.setattr(sci_request, "MOST_TARGETS", 3)
    simulator.devices.update(DEVICE, tags=["pump"])
    ids = [DEVICE, *(simulator.devices.add(tags=["pump"])["id"] for _ in range(2))]

    def sent() -> Answer:
        return send(
            api, "query_firmware_targets", "", target.format(each="".join(f'<device id="{id}"/>' for id in ids))
        )

    assert str(sent().body).count("<device id=") == 3
    ids.append(simulator.devices.add(tags=["pump"])["id"])
    found = sent()
    assert (found.status, "more than 3 devices" in found.body) == (400, True)


def test_one_device_that_exists_is_enough(api: Api) -> None:
    body = send(api, "reboot", "", f'<device id="{DEVICE}"/><device id="nonsense"/>').body
    assert "<error id=" in body
    assert "<error>" not in body


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (b"", "no"),
        (b"<sci_request", "no well-formed XML"),
        (b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><sci_request>&b;</sci_request>", "DOCTYPE"),
        ("<sci_request/>".encode("utf-16"), "encodings"),
        (b"<a>" * 101 + b"</a>" * 101, "deeper"),
        (b"<reboot/>", "Expected an sci_request"),
        (b"<sci_request/>", "Expected an sci_request"),
        (b'<sci_request version="1.0"/>', "Expected one operation"),
        (b"<sci_request><reboot/><cli/></sci_request>", "Expected one operation"),
        (b"<sci_request><reboot/><reboot/></sci_request>", "Expected one operation"),
        (b"<sci_request><explode/></sci_request>", "Unknown operation"),
        (request("reboot", reply="loud"), "'reply' is one of"),
        (request("reboot", target="<device/>"), "names no target"),
        (request("reboot", target="<fleet/>"), "names no target"),
        (request("reboot", "<targets/>"), "one list of targets"),
        (request("send_message", "<file>/~/missing.xml</file>"), "There is no file"),
        (request("file_system", "b'<commands/>"), "text beside elements"),
        (request("file_system", "b'"), "text beside elements"),
        (request("send_message", "b'<rci_request/>'"), "text beside elements"),
    ],
)
def test_what_is_no_request(api: Api, sent: bytes, text: str) -> None:
    found = api("POST", "/ws/sci", sent)
    assert found.status == 400
    assert found.body.startswith(f'<sci_reply version="1.0"><error>{INVALID} ')
    assert text in found.body


def test_who_may_not_write_and_what_is_not_there(api: Api) -> None:
    assert api("PUT", "/ws/sci", b"").status == 405
    for path in ("/ws/sci/99", "/ws/sci/x", "/ws/sci/" + "9" * 40, "/ws/sci/1/2"):
        assert api.get(path).status == 404
    assert Api(api.simulator, {}).get("/ws/sci").status == 401
    with Simulator(devices=0, users={"v": Account("v", "Read only application")}) as other:
        found = Api(other, {"authorization": "Basic djp2"})("POST", "/ws/sci", request("reboot"))
    assert (found.status, found.body) == (
        403,
        '<sci_reply version="1.0"><error>The role Read only application does not allow POST</error></sci_reply>',
    )


def test_replies_are_cut(simulator: Simulator, api: Api) -> None:
    offline = simulator.devices.add(connection_status="disconnected")["id"]
    target = f'<device id="{DEVICE}"/><device id="{offline}"/>'

    def reply(kind: str) -> str:
        body = str(send(api, "query_firmware_targets", "", target, reply=kind).body)
        return body.removeprefix('<sci_reply version="1.0">').removesuffix("</sci_reply>")

    name = "query_firmware_targets"
    assert reply("all").count("<device ") == 2
    assert reply("errors") == f'<{name}><device id="{offline}">{NOT_CONNECTED}</device></{name}>'
    assert reply("none") == f"<{name}/>"
    assert reply("summary") == f"<{name}><summary><success>1</success><failure>1</failure></summary></{name}>"


def test_what_the_service_knows_it_answers_for_devices_that_are_not_connected(simulator: Simulator, api: Api) -> None:
    simulator.devices.disconnect(DEVICE)
    query = rci("<query_setting><system/></query_setting>")
    assert said(api, "send_message", query) == NOT_CONNECTED
    assert "A &amp; &lt;B&gt;" in said(api, "send_message", query, cache="true")
    assert "A &amp; &lt;B&gt;" in said(api, "send_message", query, cache="only")
    assert said(api, "send_message", rci("<reboot/>"), cache="true") == NOT_CONNECTED
    simulator.devices.connect(DEVICE)
    assert said(api, "data_service", device_request("get_time"), cache="only") == NOT_CONNECTED


def test_settings_are_kept(api: Api) -> None:
    sent = rci(
        '<set_setting><system><contact>Ann &amp; Bob</contact></system><boot index="2"><x>1</x></boot></set_setting>'
    )
    assert said(api, "send_message", sent) == (
        '<rci_reply version="1.1"><set_setting><system/><boot index="2"/></set_setting></rci_reply>'
    )
    found = said(api, "send_message", rci("<query_setting><system/><boot index='2'/><none/></query_setting>"))
    assert "<contact>Ann &amp; Bob</contact>" in found
    assert '<boot index="2"><x>1</x></boot>' in found
    assert "<none><error" in found
    assert "<contact>Ann" in said(api, "send_message", rci("<query_setting/>"))
    assert 'id="2"' in said(api, "send_message", rci("<set_setting/>"))
    huge = f"<set_setting><a><b>{'x' * 70_000}</b></a></set_setting>"
    assert "no room" in said(api, "send_message", rci(huge))


def test_other_messages(api: Api) -> None:
    found = said(api, "send_message", rci('<query_state/><do_command target="zigbee"/>'))
    assert "<firmwarestate>running</firmwarestate>" in found
    assert '<do_command target="zigbee"><error id="1">' in found
    assert said(api, "send_message").startswith("<error id=")
    assert said(api, "data_service").startswith("<error id=")
    assert said(api, "data_service", device_request("nobody")).startswith('<error id="2005">')


def test_the_command_line(api: Api) -> None:
    assert "A &amp; &lt;B&gt;" in said(api, "cli", "<execute>show system</execute>")
    assert said(api, "cli", "<execute> show version </execute>").startswith(" Firmware Version")
    assert (
        said(api, "cli", "<execute>rm -rf /</execute>")
        == '<error id="1"><desc>Unknown command: rm -rf /</desc></error>'
    )
    assert "Expected a command" in said(api, "cli")


def test_a_reboot_ends_the_connection_for_less_than_a_minute(simulator: Simulator, api: Api) -> None:
    assert said(api, "reboot") == ""
    assert simulator.devices[DEVICE]["connection_status"] == "disconnected"
    assert said(api, "reboot") == NOT_CONNECTED
    simulator.clock.advance(minutes=1)
    assert simulator.devices[DEVICE]["connection_status"] == "connected"
    assert said(api, "send_message", rci("<reboot/>")) == '<rci_reply version="1.1"><reboot/></rci_reply>'
    assert simulator.devices[DEVICE]["connection_status"] == "disconnected"


def test_who_is_connected_or_not_by_a_test_stays_so_after_a_reboot(simulator: Simulator, api: Api) -> None:
    for hold in (
        simulator.devices.disconnect,
        lambda key: simulator.devices.update(key, name="x", connection_status=OFF),
    ):
        simulator.devices.connect(DEVICE)
        said(api, "reboot")
        hold(DEVICE)
        simulator.clock.advance(minutes=5)
        assert simulator.devices[DEVICE]["connection_status"] == OFF


def test_a_disconnect_ends_a_reboot(simulator: Simulator, api: Api) -> None:
    said(api, "reboot")
    simulator.devices.connect(DEVICE)
    said(api, "disconnect")
    simulator.clock.advance(minutes=5)
    assert simulator.devices[DEVICE]["connection_status"] == OFF


def test_a_disconnect_lasts(simulator: Simulator, api: Api) -> None:
    assert said(api, "disconnect") == "<disconnected/>"
    simulator.clock.advance(hours=2)
    assert simulator.devices[DEVICE]["connection_status"] == "disconnected"


def test_firmware(api: Api) -> None:
    assert "<name>Firmware Image</name>" in said(api, "query_firmware_targets")
    assert said(api, "update_firmware", "<data>AAAA</data>") == "<submitted/>"
    assert said(api, "update_firmware", filename="a.bin") == "<submitted/>"
    assert "Expected an image" in said(api, "update_firmware")


def test_a_payload_from_the_files_of_the_account(api: Api) -> None:
    api("POST", "/ws/v1/files/inventory/~/my_commands/query.xml", rci("<query_state/>").encode())
    assert "firmwarestate" in said(api, "send_message", "<file>/~/my_commands/query.xml</file>")
    api("POST", "/ws/v1/files/inventory/~/bad.xml", b"<!DOCTYPE a><a/>")
    assert send(api, "send_message", "<file>~/bad.xml</file>").status == 400


@pytest.mark.parametrize(
    "request_",
    [
        '<rci_request version="1.1" xmlns="http://www.digi.com/rci"><query_state/></rci_request>',
        '<rci_request version="1.1" xml:lang="de"><query_state/></rci_request>',
        '<x:rci_request xmlns:x="urn:x"><x:query_state/></x:rci_request>',
    ],
)
def test_namespaces_mean_nothing(api: Api, request_: str) -> None:
    assert "<firmwarestate>running<" in said(api, "send_message", request_)


def test_elements_of_one_name_in_many_namespaces_are_all_there(simulator: Simulator, api: Api) -> None:
    sent: list[DeviceRequest] = []

    def keeps(request: DeviceRequest) -> None:
        sent.append(request)

    simulator.devices[DEVICE].on("many", keeps)
    parts = "".join(f'<n:part xmlns:n="urn:{number}">{number}</n:part><part>{number}</part>' for number in range(300))
    said(api, "send_message", rci(f"<many><one/>{parts}</many>"))
    [found] = sent
    assert isinstance(found.payload, dict)
    assert found.payload["one"] == ""
    # Those of one namespace stand together.
    plain = [str(number) for number in range(300)]
    assert found.payload["part"] == ["0", *plain, *plain[1:]]


def test_settings_have_no_namespaces(api: Api) -> None:
    group = '<x:a x:b="1" b="2"><c/><x:c>1</x:c></x:a>'
    sent = f'<rci_request xmlns:x="urn:x"><set_setting>{group}</set_setting></rci_request>'
    assert said(api, "send_message", sent) == '<rci_reply version="1.1"><set_setting><a/></set_setting></rci_reply>'
    found = said(api, "send_message", rci('<query_setting><a/><x:none xmlns:x="urn:x"/></query_setting>'))
    assert '<a b="2"><c/><c>1</c></a><none><error' in found


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.recursive(
        st.text(max_size=5),
        lambda inner: st.dictionaries(
            st.sampled_from(
                ["reboot", "targets", "device", "send_message", "rci_request", "file_system", "commands", "ls", "cli"]
            ),
            inner,
            max_size=3,
        ),
        max_leaves=6,
    )
)
def test_whatever_is_sent_is_answered(api: Api, value: object) -> None:
    def written(name: str, value: object) -> str:
        if isinstance(value, dict):
            return f"<{name}>{''.join(written(key, item) for key, item in value.items())}</{name}>"
        return f'<{name} id="{str(value)!r}" path="{value}">{value}</{name}>'

    sent = written("sci_request", value).encode("utf-8", "replace")
    assert api("POST", "/ws/sci", sent).status in (200, 400)
