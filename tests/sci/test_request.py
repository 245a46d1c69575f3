"""What is sent: targets, payload and attributes as the service takes them, and nothing that users could slip in."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digirm_runtime.options import NO_OPTIONS, Options
from digirm_runtime.sci import ALL, Group, StoredPayload, Tag
from digirm_runtime.sci.job import LONGEST, pauses
from digirm_runtime.sci.payload import payload_xml
from digirm_runtime.sci.request import MARGIN, cli_request, command, device_request, document
from digirm_runtime.sci.targets import flat
from digirm_runtime.xmltext import parse

DEVICE = "00000000-00000000-00409DFF-FF58175B"
LOWER = "00000000-00000000-00409dff-ffaabbcc"
STATE = '<rci_request version="1.1"><query_state><device_stats/></query_state></rci_request>'

#: Text that XML can hold.
words = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Cn", "Co"))).filter(str.strip)


def body(text: str) -> tuple[str, dict[str, Any]]:
    """The operation of a request, and what is in it."""
    root, value = parse(text)
    assert root == "sci_request"
    assert isinstance(value, dict)
    [(operation, content)] = [(name, one) for name, one in value.items() if name != "@version"]
    assert isinstance(content, dict)
    return operation, content


# The requests are those that the tests of Digi's own library expect of it.
@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (
            {"operation": "send_message", "targets": DEVICE, "payload": "<reset/>"},
            f'<send_message><targets><device id="{DEVICE}"/></targets><reset/></send_message>',
        ),
        (
            {"operation": "send_message", "targets": Group("TestGroup"), "payload": "<reset/>"},
            '<send_message><targets><group path="TestGroup"/></targets><reset/></send_message>',
        ),
        (
            {"operation": "send_message", "targets": LOWER, "payload": STATE},
            f'<send_message><targets><device id="{LOWER}"/></targets>{STATE}</send_message>',
        ),
        (
            {
                "operation": "update_firmware",
                "targets": LOWER,
                "payload": {"data": "aHNxcAbA"},
                "attributes": {"filename": "abcd.bin"},
            },
            f'<update_firmware filename="abcd.bin"><targets><device id="{LOWER}"/></targets><data>aHNxcAbA</data>'
            "</update_firmware>",
        ),
        (
            {
                "operation": "send_message",
                "targets": [ALL, Tag("a")],
                "payload": StoredPayload("/~/my_commands/set_settings.xml"),
                "reply": "all",
                "synchronous": True,
                "sync_timeout": 42,
                "cache": "only",
                "allow_offline": True,
                "wait_for_reconnect": False,
            },
            '<send_message reply="all" synchronous="true" syncTimeout="42" cache="only" allowOffline="true" '
            'waitForReconnect="false"><targets><device id="all"/><device tag="a"/></targets>'
            "<file>/~/my_commands/set_settings.xml</file></send_message>",
        ),
        ({"operation": "reboot", "targets": ALL}, '<reboot><targets><device id="all"/></targets></reboot>'),
    ],
)
def test_what_is_sent(given: dict[str, Any], sent: str) -> None:
    assert document(**given) == f'<sci_request version="1.0">{sent}</sci_request>'


def test_the_printed_request_for_the_time() -> None:
    """As Digi's article on ConnectCore web services prints it; the id is one."""
    printed = f"""<sci_request version="1.0">
  <data_service>
    <targets>
      <device id="{DEVICE}" />
    </targets>
   <requests>
     <device_request target_name="get_time"></device_request>
   </requests>
  </data_service>
</sci_request>"""
    assert parse(document("data_service", DEVICE, device_request("get_time"))) == parse(printed)


def test_targets_are_devices_in_any_spelling_each_once() -> None:
    assert flat("112233:445566") == ["00000000-00000000-112233FF-FF445566"]
    assert flat([DEVICE, f" {DEVICE} ", ALL, Tag("x"), ALL, Group("x"), Tag("x")]) == [
        DEVICE,
        ALL,
        Tag("x"),
        Group("x"),
    ]
    assert flat(iter([DEVICE])) == [DEVICE]
    assert {Tag("x"), Tag("x"), Group("x")} == {Group("x"), Tag("x")}
    assert [repr(ALL), repr(Tag("x")), repr(Group("a/b"))] == ["ALL", "Tag('x')", "Group('a/b')"]


@pytest.mark.parametrize("targets", [[], (), "", "all", "ALL", "tag:x", f'{DEVICE}"/><device id="all', f"{DEVICE}\0"])
def test_what_names_nobody_is_refused(targets: Any) -> None:
    with pytest.raises(ValueError, match=r"no targets|is no device|a device is given by"):
        document("reboot", targets)


@pytest.mark.parametrize("targets", [None, 5, [DEVICE, None], [[DEVICE]], {"id": DEVICE}.items()])
def test_what_is_no_target_is_refused(targets: Any) -> None:
    with pytest.raises(TypeError):
        document("reboot", targets)


@pytest.mark.parametrize("kind", [Tag, Group, StoredPayload])
def test_a_name_is_not_empty(kind: Any) -> None:
    with pytest.raises(ValueError, match="must not be empty"):
        kind(" ")


@given(words, words, words, words)
def test_no_text_leaves_its_place(tag: str, group: str, line: str, attribute: str) -> None:
    text = document(
        "cli", [Tag(tag), Group(group), DEVICE], cli_request(line), reply=attribute, attributes={"filename": attribute}
    )
    operation, content = body(text)
    assert operation == "cli"
    # A parser makes one line ending of all.
    assert content == {
        "@reply": attribute,
        "@filename": attribute,
        "targets": {"device": [{"@tag": tag}, {"@id": DEVICE}], "group": {"@path": group}},
        "execute": line,
    }


@given(st.one_of(st.text(), st.lists(st.sampled_from([
    "<a>", "</a>", "<a/>", "</send_message>", "</targets>", "<targets>", '<device id="all"/>', "<![CDATA[", "]]>",
    "<!--", "-->", "<?xml version='1.0'?>", "<!DOCTYPE a>", "&lt;", "&x;", '"', " ", "<file>",
])).map("".join)))  # fmt: skip
def test_a_payload_of_text_is_refused_or_stays_inside(text: str) -> None:
    try:
        sent = document("send_message", DEVICE, text)
    except ValueError:
        return
    operation, content = body(sent)
    assert operation == "send_message"
    assert content["targets"] == {"device": {"@id": DEVICE}}


def test_a_payload_in_each_of_its_forms() -> None:
    element = ElementTree.Element("a", {"b": 'c"<'})
    ElementTree.SubElement(element, "d").text = "e & f"
    expected = '<a b="c&quot;&lt;"><d>e &amp; f</d></a>'
    assert payload_xml(element) == expected
    assert payload_xml({"a": {"@b": 'c"<', "d": "e & f"}}) == expected
    assert payload_xml(f"\n{expected}\n") == expected
    assert payload_xml(f'\ufeff<?xml version="1.0" encoding="UTF-8"?>\n{expected}') == expected
    assert payload_xml(f'<?xml version="1.0" encoding="UTF-8"?>{expected}'.encode()) == expected
    # A declaration is one at the beginning only, and so is a byte-order mark.
    for text in ("<a><![CDATA[<?xml version='1.0'?><b/>]]></a>", "<a>\ufeff</a>"):
        for before in ("", "\ufeff", "\ufeff<?xml version='1.0'?>\n", "<?xml version='1.0'?>"):
            assert payload_xml(before + text) == text
    assert payload_xml({"a": [1, None, True]}) == "<a>1</a><a/><a>true</a>"
    assert payload_xml(None) == payload_xml("") == payload_xml({}) == ""
    assert "set.xml" in repr(StoredPayload("/~/set.xml"))


@pytest.mark.parametrize(
    "payload",
    [
        "hello",
        "<a>",
        "</send_message>",
        "<a/></payload><payload>",
        "<targets/>",
        {"targets": {"device": {"@id": "all"}}},
        ElementTree.Element("targets"),
        "<![CDATA[<targets/>]]>",
        '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
        '<?xml version="1.0"?><!DOCTYPE a><a/>',
        "<a>&undefined;</a>",
        "<a>text <b/></a>",
        b"\xff<a/>",
        {"a b": "c"},
        {"a": "\0"},
        {"a": "\ud800"},
        "<a>" * 200 + "</a>" * 200,
    ],
)
def test_what_is_no_payload_is_refused(payload: Any) -> None:
    with pytest.raises(ValueError, match=r"payload|XML"):
        document("send_message", DEVICE, payload)


@pytest.mark.parametrize("before", ["", " \n", "<?xml version='1.0'?>", "<!-- a --> <!-- <b> -->\n", "\ufeff"])
def test_a_document_type_is_refused_by_its_name(before: str) -> None:
    for payload in (f"{before}<!DOCTYPE a><a/>", f"{before}<!DOCTYPE a><a/>".encode()):
        with pytest.raises(ValueError, match=r"^the payload cannot be sent: a document type \(DOCTYPE\) is refused$"):
            document("send_message", DEVICE, payload)
    # Many comments take no time to look through.
    for payload in ("<a><!-- <!DOCTYPE a> --></b>", "<!-- a -->" * 200 + "</a>"):
        with pytest.raises(ValueError, match="well-formed"):
            document("send_message", DEVICE, payload)


@pytest.mark.parametrize("payload", [5, [], object(), {"a": object()}])
def test_what_cannot_be_a_payload_is_refused(payload: Any) -> None:
    with pytest.raises(TypeError):
        document("send_message", DEVICE, payload)


@pytest.mark.parametrize("operation", ["", "a b", "a><b", "1a", "re:boot", "a" * 101])
def test_an_operation_has_a_name(operation: str) -> None:
    with pytest.raises(ValueError, match="no operation"):
        document(operation, DEVICE)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"sync_timeout": 0}, ValueError),
        ({"sync_timeout": -1}, ValueError),
        ({"sync_timeout": 1.5}, TypeError),
        ({"sync_timeout": True}, TypeError),
        ({"cache": "never"}, ValueError),
        ({"attributes": {"cache": "true"}}, ValueError),
        ({"attributes": {"a b": "c"}}, ValueError),
        ({"reply": "\0"}, ValueError),
    ],
)
def test_wrong_attributes_are_refused(wrong: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        document("reboot", DEVICE, **wrong)


def test_a_command_line_is_not_empty() -> None:
    with pytest.raises(ValueError, match="empty"):
        cli_request(" ")


def test_a_call_waits_at_least_as_long_as_the_service() -> None:
    options = Options(timeout=5)
    assert command("reboot", DEVICE, sync_timeout=120, options=options).waiting(30).options.timeout == 120 + MARGIN
    assert options.timeout == 5
    assert command("reboot", DEVICE, sync_timeout=120).waiting(30).options.timeout == 120 + MARGIN
    # Who waits longer anyhow goes on to do so, and a job is not waited for.
    assert command("reboot", DEVICE, sync_timeout=10).waiting(300).options.timeout is None
    assert command("reboot", DEVICE, sync_timeout=120, synchronous=False).waiting(30).options.timeout is None
    assert command("reboot", DEVICE).waiting(30).options.timeout is None
    assert NO_OPTIONS.timeout is None


def test_pauses_between_questions_grow_to_their_limit() -> None:
    steps = pauses(7, None, 1.0, None)
    found = [next(steps) for _ in range(12)]
    assert found[:3] == [1.0, 1.5, 2.25]
    assert found[-1] == LONGEST
