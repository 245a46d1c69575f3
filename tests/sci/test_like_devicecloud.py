"""What is sent is what Digi's own library sends: both against one server, their requests side by side."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from digirm import ALL, Client, Group, Tag
from digirm_runtime.xmltext import parse
from tests.support.recordings import recorded
from tests.support.server import Answer, script

REPLIES: dict[str, str] = recorded("sci-replies.json")
DEVICE = "00000000-00000000-00409DFF-FF58175B"
STATE = '<rci_request version="1.1"><query_state><device_stats/></query_state></rci_request>'
FILES = f'<sci_reply><file_system><device id="{DEVICE}"><commands>{{}}</commands></device></file_system></sci_reply>'


@pytest.fixture(scope="module")
def library() -> Any:
    with warnings.catch_warnings():
        # Of pkg_resources, which that library uses.
        warnings.simplefilter("ignore")
        import devicecloud
        import devicecloud.file_system_service
        import devicecloud.sci
    return devicecloud


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"reply": "all", "synchronous": True, "sync_timeout": 42},
        {"cache": False, "allow_offline": True, "wait_for_reconnect": True},
    ],
)
def test_requests(library: Any, attributes: dict[str, Any]) -> None:
    theirs = library.sci
    kinds = (
        (theirs.DeviceTarget(DEVICE), DEVICE),
        (theirs.AllTarget(), ALL),
        ([theirs.TagTarget("a"), theirs.DeviceTarget(DEVICE)], [Tag("a"), DEVICE]),
        (theirs.GroupTarget("x/y"), Group("x/y")),
    )
    answer = Answer(200, REPLIES["query_state_ok"].encode(), (("content-type", "application/xml"),))
    with script(answer) as server, Client(server.url, auth=("a", "b")) as rm:
        old = library.DeviceCloud("a", "b", base_url=server.url).get_sci_api()
        for their_target, our_target in kinds:
            old.send_sci("send_message", their_target, STATE, **attributes)
            rm.sci.request("send_message", our_target, STATE, **attributes)
    sent = [parse(got.body) for got in server.got]
    assert len(sent) == 8
    assert sent[::2] == sent[1::2]
    assert {got.target for got in server.got} == {"/ws/sci"}


def test_files(library: Any) -> None:
    target = library.sci.DeviceTarget(DEVICE)
    data = "<get_file><data>Zm9v</data></get_file>"
    answers = ["<ls hash='any'/>", data, data, "<put_file/>", "<put_file/>", "<rm/>"]
    replies = [Answer(200, FILES.format(answer).encode()) for answer in answers for _ in range(2)]
    with script(*replies) as server, Client(server.url, auth=("a", "b")) as rm:
        old = library.DeviceCloud("a", "b", base_url=server.url).get_fss_api()
        old.list_files(target, "/a")
        rm.sci.ls(DEVICE, "/a")
        old.get_file(target, "/a")
        rm.sci.get_file(DEVICE, "/a")
        old.get_file(target, "/a", offset=3, length=5)
        rm.sci.get_file(DEVICE, "/a", offset=3, length=5)
        old.put_file(target, "/a", file_data=b"\0foo", truncate=True)
        rm.sci.put_file(DEVICE, "/a", b"\0foo")
        old.put_file(target, "/a", file_data=b"", offset=7, truncate=False)
        rm.sci.put_file(DEVICE, "/a", b"", offset=7, truncate=False)
        old.delete_file(target, "/a")
        rm.sci.rm(DEVICE, "/a")
    # On Python 3 that library writes the bytes of the commands as Python shows them: b'<commands>...'.
    plain = [
        got.body.replace(b"b'<commands>", b"<commands>").replace(b"</commands>'", b"</commands>") for got in server.got
    ]
    sent = [parse(body) for body in plain]
    assert len(sent) == 12
    assert sent[::2] == sent[1::2]
