"""Commands as calls, over both faces: what leaves, what is repeated, and what becomes of answers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from digirm import AsyncClient, Client, Options
from digirm_runtime import xmlguard
from digirm_runtime.errors import RemoteManagerError, ServerError, TooLarge, TransportError
from digirm_runtime.sci import ALL, Result, Results, SCIError
from tests.support.recordings import recorded
from tests.support.server import Answer, dropped, script

REPLIES: dict[str, str] = recorded("sci-replies.json")
DEVICE = "00000000-00000000-00409DFF-FF58175B"
AUTH = ("user", "secret-word")
OPERATIONS = (
    "send_message",
    "update_firmware",
    "disconnect",
    "query_firmware_targets",
    "data_service",
    "file_system",
    "reboot",
    "cli",
)
XML = (("content-type", "application/xml"),)
pytestmark = pytest.mark.parametrize("awaited", [False, True], ids=["blocking", "asyncio"])


def reply(name: str, status: int = 200) -> Answer:
    return Answer(status, REPLIES[name].encode(), XML)


def call(awaited: bool, url: str, name: str, *args: Any, settings: dict[str, Any] | None = None, **kwargs: Any) -> Any:
    """One method of `rm.sci`, over a client of one face; what is iterated over comes as a list."""
    settings = {"auth": AUTH, **(settings or {})}
    if not awaited:
        with Client(url, **settings) as client:
            result = getattr(client.sci, name)(*args, **kwargs)
            return list(result) if name == "stream" else result

    async def main() -> Any:
        async with AsyncClient(url, **settings) as client:
            result = getattr(client.sci, name)(*args, **kwargs)
            return [one async for one in result] if name == "stream" else await result

    return asyncio.run(main())


def test_what_leaves(awaited: bool) -> None:
    with script(reply("query_state_ok")) as server:
        results = call(awaited, server.url, "send_message", DEVICE, {"rci_request": {"query_state": None}}, cache=False)
    assert isinstance(results, Results)
    [got] = server.got
    assert (got.method, got.target) == ("POST", "/ws/sci")
    assert (got.headers["content-type"], got.headers["accept"]) == ("application/xml", "application/xml")
    assert got.body.decode() == (
        f'<sci_request version="1.0"><send_message cache="false"><targets><device id="{DEVICE}"/></targets>'
        "<rci_request><query_state/></rci_request></send_message></sci_request>"
    )


@pytest.mark.parametrize("operation", OPERATIONS)
def test_each_operation_has_a_method(awaited: bool, operation: str) -> None:
    with script(reply("device_not_connected")) as server:
        assert call(awaited, server.url, operation, ALL, "show system" if operation == "cli" else None).errors
    sent = server.got[0].body.decode()
    assert f"<{operation}><targets>" in sent
    assert ("<execute>show system</execute>" in sent) == (operation == "cli")


def test_conveniences(awaited: bool) -> None:
    with script(reply("device_not_connected")) as server:
        call(awaited, server.url, "get_time", DEVICE)
        call(awaited, server.url, "device_request", DEVICE, "my target", "<data>")
    assert b'<requests><device_request target_name="get_time"/></requests></data_service>' in server.got[0].body
    assert b'<device_request target_name="my target">&lt;data&gt;</device_request>' in server.got[1].body


@pytest.mark.parametrize("failing", [Answer(503), dropped()])
def test_a_command_is_not_repeated_unless_that_does_no_harm(awaited: bool, failing: Answer) -> None:
    with script(failing, reply("query_state_ok")) as server:
        with pytest.raises((ServerError, TransportError)):
            call(awaited, server.url, "reboot", DEVICE)
        assert len(server.got) == 1
    with script(failing, reply("query_state_ok")) as server:
        assert len(call(awaited, server.url, "reboot", DEVICE, options=Options(idempotent=True))) == 1
        assert len(server.got) == 2


def test_a_broken_answer_is_not_asked_for_again(awaited: bool) -> None:
    with script(Answer(body=b"<sci_reply>", headers=XML)) as server:
        with pytest.raises(TransportError, match="no XML that can be read"):
            call(awaited, server.url, "reboot", DEVICE)
        assert len(server.got) == 1


def test_a_throttled_command_was_not_executed_and_is_sent_again(awaited: bool) -> None:
    with script(Answer(429, headers=(("retry-after", "0"),)), reply("query_state_ok")) as server:
        assert len(call(awaited, server.url, "reboot", DEVICE)) == 1


def test_a_read_only_client_sends_no_command(awaited: bool) -> None:
    with script(reply("query_state_ok")) as server:
        for name, *args in (("reboot", DEVICE), ("get_time", DEVICE), ("start", "reboot", DEVICE)):
            with pytest.raises(RemoteManagerError, match="read-only"):
                call(awaited, server.url, name, *args, settings={"read_only": True})
        assert server.got == []


def test_a_request_that_is_refused_is_an_error_with_its_results(awaited: bool) -> None:
    with script(reply("bad_device")) as server:
        with pytest.raises(SCIError, match="No valid targets") as caught:
            call(awaited, server.url, "send_message", DEVICE)
        assert len(caught.value.results) == 1
        with pytest.raises(SCIError, match="No valid targets") as caught:
            call(awaited, server.url, "start", "send_message", DEVICE)
        assert len(caught.value.results) == 1


def test_an_answer_is_not_held_beyond_its_limit(awaited: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    from digirm_runtime.sci import request

    monkeypatch.setattr(request._POST, "max_bytes", 20)
    with script(reply("query_state_ok")) as server:
        with pytest.raises(TooLarge):
            call(awaited, server.url, "reboot", DEVICE)
        # What is streamed has no such limit.
        [result] = call(awaited, server.url, "stream", "reboot", DEVICE)
        assert result.text == "running"


def test_an_answer_that_holds_too_much_is_not_asked_for_again(awaited: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xmlguard, "MARKS", 50)
    monkeypatch.setattr(xmlguard, "MARKS_AT_ONCE", 100)
    twice = Options(idempotent=True)
    devices = f"<device id='{DEVICE}'>{'<a/>' * 30}</device>" * 4
    crowded = f"<sci_reply><reboot>{devices}</reboot></sci_reply>".encode()
    with script(Answer(body=crowded, headers=XML)) as server:
        with pytest.raises(
            TooLarge, match=r"100 elements and attributes.*; rm\.sci\.stream reads the results"
        ) as caught:
            call(awaited, server.url, "reboot", DEVICE, options=twice)
        assert caught.value.body == crowded
        assert len(server.got) == 1
    with script(
        Answer(body=f"<sci_reply><reboot><device>{'<b/>' * 51}</device></reboot></sci_reply>".encode(), headers=XML)
    ) as server:
        with pytest.raises(TooLarge, match="50 elements and attributes"):
            call(awaited, server.url, "stream", "reboot", DEVICE, options=twice)
        assert len(server.got) == 1


def test_a_stream(awaited: bool) -> None:
    with script(reply("device_not_connected"), reply("bad_device")) as server:
        assert [type(one) for one in call(awaited, server.url, "stream", "reboot", DEVICE)] == [Result]
        with pytest.raises(SCIError, match="No valid targets"):
            call(awaited, server.url, "stream", "reboot", DEVICE)
    half = Answer(body=REPLIES["query_state_ok"].encode()[:-20], headers=XML)
    with script(half) as server, pytest.raises(TransportError, match="POST /ws/sci: the answer is no XML"):
        call(awaited, server.url, "stream", "reboot", DEVICE)


def test_a_stream_that_became_a_job_is_an_error(awaited: bool) -> None:
    with script(reply("async_accepted", 202)) as server, pytest.raises(SCIError, match="made job 133225503"):
        call(awaited, server.url, "stream", "reboot", DEVICE)


def test_wrong_arguments_send_nothing(awaited: bool) -> None:
    with script(reply("query_state_ok")) as server:
        for name, *args in (("reboot", []), ("reboot", "all"), ("send_message", DEVICE, "<a>"), ("cli", DEVICE, " ")):
            with pytest.raises(ValueError, match=r"targets|device|payload|empty"):
                call(awaited, server.url, name, *args)
        assert server.got == []


def test_a_job_begins(awaited: bool) -> None:
    with script(reply("async_accepted", 202)) as server:
        for name, *args in (("start", "reboot", DEVICE), ("request", "reboot", DEVICE), ("reboot", DEVICE)):
            synchronous = {} if name == "start" else {"synchronous": False}
            assert call(awaited, server.url, name, *args, **synchronous).id == 133225503
    assert all(b'<reboot synchronous="false">' in got.body for got in server.got)


@pytest.mark.parametrize("number", ["", "x1", "-1", "1/2", "9" * 30])
def test_a_job_without_a_number_is_an_error(awaited: bool, number: str) -> None:
    answer = f"<sci_reply><reboot><jobId>{number}</jobId></reboot></sci_reply>".encode()
    with script(Answer(202, answer, XML)) as server, pytest.raises(SCIError, match="job"):
        call(awaited, server.url, "start", "reboot", DEVICE)
