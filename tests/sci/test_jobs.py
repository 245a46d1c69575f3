"""Jobs over both faces: how they stand, waiting, results and the list."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from digirm import AsyncClient, Client
from digirm_runtime.errors import NotFound, RemoteManagerError, TransportError
from digirm_runtime.sci import JobTimeoutError, SCIError
from tests.support.recordings import recorded
from tests.support.server import Answer, Got, Server, script

REPLIES: dict[str, str] = recorded("sci-replies.json")
DEVICE = "00000000-00000000-00409DFF-FF58175B"
AUTH = ("user", "secret-word")
XML = (("content-type", "application/xml"),)
pytestmark = pytest.mark.parametrize("awaited", [False, True], ids=["blocking", "asyncio"])


def reply(name: str, status: int = 200) -> Answer:
    return Answer(status, REPLIES[name].encode(), XML)


def body(text: str, status: int = 200) -> Answer:
    return Answer(status, text.encode(), XML)


class Service:
    """A service with one job, which is complete after so many questions."""

    def __init__(self, questions: int = 0, *, while_running: int = 202) -> None:
        self.left = questions
        self.while_running = while_running

    def __call__(self, got: Got) -> Answer:
        if got.target != "/ws/sci/7":
            return body("<sci_reply><error>No such job</error></sci_reply>", 404)
        if got.method == "HEAD":
            self.left -= 1
            return Answer(200 if self.left < 0 else self.while_running)
        if got.method == "DELETE":
            return Answer(204)
        return reply("async_in_progress" if self.left > 0 else "async_complete_error")


def ask(awaited: bool, url: str, name: str, *args: Any, number: Any = 7, **kwargs: Any) -> Any:
    """One method of a job; results come as a list."""
    if not awaited:
        with Client(url, auth=AUTH) as client:
            result = getattr(client.sci.job(number), name)(*args, **kwargs)
            return list(result) if name == "results" else result

    async def main() -> Any:
        async with AsyncClient(url, auth=AUTH) as client:
            result = getattr(client.sci.job(number), name)(*args, **kwargs)
            return [one async for one in result] if name == "results" else await result

    return asyncio.run(main())


def test_how_it_stands(awaited: bool) -> None:
    with Server(Service(questions=2)) as server:
        assert ask(awaited, server.url, "status") == "in_progress"
        assert [ask(awaited, server.url, "done") for _ in range(3)] == [False, False, True]
        assert ask(awaited, server.url, "status") == "complete"
    assert [got.method for got in server.got] == ["GET", "HEAD", "HEAD", "HEAD", "GET"]


def test_where_the_short_question_finds_nothing_the_long_one_is_asked(awaited: bool) -> None:
    with Server(Service(questions=2, while_running=404)) as server:
        assert [ask(awaited, server.url, "done") for _ in range(3)] == [False, True, True]
        with pytest.raises(NotFound):
            ask(awaited, server.url, "done", number=8)


def test_waiting(awaited: bool) -> None:
    passed: list[float] = []
    with Server(Service(questions=3)) as server:
        assert ask(awaited, server.url, "wait", poll=0.001, progress=passed.append).id == 7
    assert len(passed) == 3
    assert passed == sorted(passed)


def test_waiting_ends_in_time(awaited: bool) -> None:
    with Server(Service(questions=1_000_000)) as server:
        with pytest.raises(JobTimeoutError, match="job 7 is not complete after 0 seconds; it goes on"):
            ask(awaited, server.url, "wait", 0)
        with pytest.raises(TimeoutError):
            ask(awaited, server.url, "wait", 0.01, poll=0.004)
        for wrong in ({"poll": 0}, {"timeout": -1}, {"timeout": float("nan")}):
            with pytest.raises(ValueError, match="time in seconds"):
                ask(awaited, server.url, "wait", **wrong)


def test_results(awaited: bool) -> None:
    with Server(Service()) as server:
        [result] = ask(awaited, server.url, "results")
        assert (result.device_id, str(result.error)) == (DEVICE, "2001 Device Not Connected")
    with Server(Service(questions=1)) as server, pytest.raises(SCIError, match="job 7 is in_progress"):
        ask(awaited, server.url, "results")
    for text, error in (
        ("<sci_reply><status>complete</status><reboot><error>No</error></reboot></sci_reply>", SCIError),
        ("<sci_reply><status>complete</status><reboot>", TransportError),
        ("<html/>", TransportError),
    ):
        with script(body(text)) as server, pytest.raises(error):
            ask(awaited, server.url, "results")


def test_answers_have_the_charset_of_their_header(awaited: bool) -> None:
    text = "<sci_reply><status>complete</status><reboot><device id='a'>\xe9</device></reboot></sci_reply>"
    answer = Answer(200, text.encode("latin-1"), (("content-type", "text/xml; charset=iso-8859-1"),))
    with script(answer, answer) as server:
        assert [result.text for result in ask(awaited, server.url, "results")] == ["\xe9"]
        assert ask(awaited, server.url, "status") == "complete"


def test_deleting(awaited: bool) -> None:
    with Server(Service()) as server:
        assert ask(awaited, server.url, "delete") is None
    assert (server.got[0].method, server.got[0].target) == ("DELETE", "/ws/sci/7")


def test_a_status_is_read_and_no_more(awaited: bool) -> None:
    for text in (
        # What follows the status is not even looked at.
        "<sci_reply><status>complete</status><reboot><" + "a" * 100_000,
        f"<sci_reply><reboot><device id='{DEVICE}'/></reboot></sci_reply>",
    ):
        with script(body(text)) as server:
            assert ask(awaited, server.url, "status") == "complete"
    for text in ("<sci_reply/>", "<sci_reply>", "<a/>"):
        with script(body(text)) as server, pytest.raises(TransportError, match="GET /ws/sci/7"):
            ask(awaited, server.url, "status")


@pytest.mark.parametrize("number", ["", "x", "-1", "1/../2", "1?a", "\u0661", 10**20, True, 1.5, None])
def test_a_job_has_a_number(awaited: bool, number: Any) -> None:
    with pytest.raises(ValueError, match="a job has a number"):
        ask(awaited, "http://127.0.0.1:1", "status", number=number)


def listed(awaited: bool, url: str, **kwargs: Any) -> list[dict[str, Any]]:
    if not awaited:
        with Client(url, auth=AUTH) as client:
            return list(client.sci.jobs(**kwargs))

    async def main() -> list[dict[str, Any]]:
        async with AsyncClient(url, auth=AUTH) as client:
            return [one async for one in client.sci.jobs(**kwargs)]

    return asyncio.run(main())


def pages(
    total: int, most: int, remaining: Callable[[int], object] = int, *, begin: str | None = None
) -> Callable[[Got], Answer]:
    """The list of jobs 0 to `total`, at most `most` on a page; `remaining` makes of a number what is said of it."""

    def answer(got: Got) -> Answer:
        start, size = int(got.params.get("start", 0)), min(most, int(got.params["size"]))
        rows = range(start, min(total, start + size))
        left = remaining(max(0, total - start - len(rows)))
        jobs = "".join(f"<Job><jobId>{row}</jobId></Job>" for row in rows)
        where = f"<requestedStartRow>{start}</requestedStartRow>" if begin is None else begin
        head = f"{where}<remainingSize>{left}</remainingSize>"
        return body(f"<result>{head}{jobs}</result>")

    return answer


def test_the_list_over_its_pages(awaited: bool) -> None:
    with Server(pages(total=5, most=2)) as server:
        assert [one["jobId"] for one in listed(awaited, server.url)] == list("01234")
        assert [got.params.get("start") for got in server.got] == [None, "2", "4"]
        assert [one["jobId"] for one in listed(awaited, server.url, limit=3)] == list("012")
    with Server(pages(total=0, most=2)) as server:
        assert listed(awaited, server.url) == []
    with script(Answer(200, b'{"resultTotalRows": "0"}', (("content-type", "application/json"),))) as server:
        assert listed(awaited, server.url) == []


@pytest.mark.parametrize("remaining", [lambda _: "many", lambda _: -1, lambda _: ""])
def test_a_count_that_is_none_ends_the_list(awaited: bool, remaining: Any) -> None:
    with Server(pages(total=4, most=2, remaining=remaining)) as server:
        assert [one["jobId"] for one in listed(awaited, server.url)] == list("01")


def test_a_count_that_does_not_fall_is_an_error_and_no_loop(awaited: bool) -> None:
    with Server(pages(total=10_000, most=2, remaining=lambda _: 5)) as server:
        with pytest.raises(RemoteManagerError, match="fewer"):
            listed(awaited, server.url)
        assert len(server.got) == 2


def test_a_place_that_lies_is_an_error_and_no_loop(awaited: bool) -> None:
    with Server(pages(total=9, most=2, begin="<requestedStartRow>0</requestedStartRow>")) as server:
        with pytest.raises(RemoteManagerError, match="from 2 on, and gave those from 0 on"):
            listed(awaited, server.url)
        assert len(server.got) == 2


def test_a_place_that_is_not_said_is_the_one_that_was_asked_for(awaited: bool) -> None:
    with Server(pages(total=5, most=2, begin="")) as server:
        assert [one["jobId"] for one in listed(awaited, server.url)] == list("01234")


@pytest.mark.parametrize("text", ["", "<html/>", "<result>", "{}", "<!DOCTYPE a><result/>"])
def test_what_is_no_list_is_an_error(awaited: bool, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digirm_runtime.flow.RETRIES", 0)
    with script(body(text)) as server, pytest.raises(TransportError, match="GET /ws/sci"):
        listed(awaited, server.url)
