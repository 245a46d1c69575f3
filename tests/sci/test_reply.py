"""What is answered: recorded replies, in pieces of any size, and what must not pass for a reply."""

from __future__ import annotations

import pickle
import tracemalloc
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digirm_runtime.errors import RemoteManagerError, TransportError
from digirm_runtime.sci import DeviceError, JobTimeoutError, Result, Results, SCIError
from digirm_runtime.sci.reply import Answer, Reader, read_answer
from digirm_runtime.wire import Response
from tests.support.recordings import recorded

REPLIES: dict[str, str] = {name: text for name, text in recorded("sci-replies.json").items() if name != "_source"}
DEVICE = "00000000-00000000-00409DFF-FF58175B"
LOWER = "00000000-00000000-00409dff-ffaabbcc"
NOT_CONNECTED = Result(DEVICE, {}, DeviceError(2001, "Device Not Connected"))


def read(text: str | bytes) -> Answer:
    return read_answer(Response(200, {}, text.encode() if isinstance(text, str) else text))


def inside(content: str) -> str:
    return f'<sci_reply version="1.0"><reboot>{content}</reboot></sci_reply>'


def test_a_device_that_is_not_connected_is_a_value() -> None:
    results = read(REPLIES["device_not_connected"]).accepted()
    assert list(results) == [NOT_CONNECTED]
    assert results.errors == {DEVICE: DeviceError(2001, "Device Not Connected")}
    assert str(results[0].error) == "2001 Device Not Connected"
    with pytest.raises(SCIError, match=f"^{DEVICE}: 2001 Device Not Connected$") as caught:
        results.raise_for_errors()
    assert caught.value.results is results


def test_a_request_that_is_refused_keeps_what_devices_said() -> None:
    with pytest.raises(SCIError, match=r"^Invalid SCI request\. No valid targets found\.$") as caught:
        read(REPLIES["bad_device"]).accepted()
    [result] = caught.value.results
    assert result == Result(
        "00010000-00000000-03599990-42983300", {}, DeviceError(303, "Invalid target. Device not found.")
    )
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.results) == (str(caught.value), caught.value.results)
    assert isinstance(again, RemoteManagerError)


def test_the_answer_of_a_device() -> None:
    [result] = read(REPLIES["query_state_ok"]).accepted().raise_for_errors()
    assert result.device_id == LOWER
    assert result.value == {
        "rci_reply": {"@version": "1.1", "query_state": {"device_stats": {"firmwarestate": "running"}}}
    }
    assert (result.error, result.text) == (None, "running")


def test_the_printed_answer_with_the_time() -> None:
    printed = (
        '<sci_reply version="1.0"><data_service><device id="00000000-00000000-00XXXXXX-XXXXXXXX"><requests>'
        '<device_request target_name="get_time" status="0">Time: Wed Sep 13 08:33:21 2023\n'
        "</device_request></requests></device></data_service></sci_reply>"
    )
    [result] = read(printed).accepted()
    assert result.text == "Time: Wed Sep 13 08:33:21 2023\n"
    assert result.value["requests"] == {
        "device_request": {"@target_name": "get_time", "@status": "0", "#text": result.text}
    }


def test_jobs() -> None:
    assert read(REPLIES["async_accepted"]).job_id == "133225503"
    with pytest.raises(SCIError, match="job 133225503"):
        read(REPLIES["async_accepted"]).accepted()
    for name, status in (("async_in_progress", "in_progress"), ("async_complete_error", "complete")):
        reader = Reader()
        reader.feed(REPLIES[name].encode())
        assert reader.status == status


@given(st.sampled_from(sorted(REPLIES)), st.lists(st.integers(0, 400), max_size=8))
def test_pieces_of_any_size_say_the_same(name: str, cuts: list[int]) -> None:
    body = REPLIES[name].encode()
    whole, parts = Reader(), Reader()
    expected = whole.feed(body)
    whole.close()
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    found = [one for begin, end in pairwise(edges) for one in parts.feed(body[begin:end])]
    parts.close()
    assert found == expected
    assert (parts.status, parts.job_id, parts.errors) == (whole.status, whole.job_id, whole.errors)


@given(st.sampled_from(sorted(REPLIES)), st.lists(st.tuples(st.integers(0, 400), st.binary(max_size=6)), max_size=4))
def test_whatever_comes_is_read_or_refused(name: str, changes: list[tuple[int, bytes]]) -> None:
    body = bytearray(REPLIES[name].encode())
    for place, bytes_ in changes:
        body[place : place + len(bytes_) // 2] = bytes_
    try:
        answer = read(bytes(body))
    except TransportError:
        return
    assert all(isinstance(result, Result) and isinstance(result.text, str) for result in answer.results)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ('<error id="7"><desc>Words</desc><hint>more</hint></error>', DeviceError(7, "Wordsmore")),
        ("<error>Words</error>", DeviceError(None, "Words")),
        ('<error id="x">Words</error>', DeviceError(None, "Words")),
        ('<error id="99999999999999999999"/>', DeviceError(None, "an error without words")),
        ('<error id="1">A</error><error id="2">B</error>', DeviceError(1, "A; B")),
        ("<error/>", DeviceError(None, "an error without words")),
        ("<error>two\n lines</error>", DeviceError(None, "two lines")),
    ],
)
def test_errors_in_any_form(content: str, error: DeviceError) -> None:
    [result] = read(inside(f'<device id="a">{content}</device>')).accepted()
    assert (result.error, result.value) == (error, {})
    assert str(error) == (f"{error.id} {error.message}" if error.id is not None else error.message)


def test_what_stands_beside_devices() -> None:
    summary = read(inside("<summary><success>3</success></summary>")).accepted()
    assert (len(summary), summary.others) == (0, {"summary": {"success": "3"}})
    assert [*read("<sci_reply><reboot/></sci_reply>").accepted()] == [*read("<sci_reply/>").accepted()] == []
    for error in ("<error>No</error>", "<error id='3'><desc>No</desc></error>"):
        with pytest.raises(SCIError, match="No"):
            read(f"<sci_reply>{error}</sci_reply>").accepted()
    [empty, text] = read(inside('<device id="a"/><device id="b">text</device>')).accepted()
    assert (empty, text) == (Result("a", {}), Result("b", {"#text": "text"}))


@pytest.mark.parametrize(
    "body",
    [
        "",
        " ",
        "<html><body>Bad gateway</body></html>",
        "<result><error>No</error></result>",
        '{"error": "no"}',
        REPLIES["bad_device"][:-5],
        REPLIES["bad_device"] + "<a/>",
        f'<!DOCTYPE sci_reply [<!ENTITY a "b">]>{REPLIES["bad_device"]}',
        inside("<device id='a'>&lol;</device>"),
        inside("<a>" * 500 + "</a>" * 500),
        inside("<device id='a'>text<b/></device>"),
        b"\xff\xfe<\0s\0c\0i\0/\0>\0",
    ],
)
def test_what_is_no_reply_does_not_pass_for_one(body: str | bytes) -> None:
    with pytest.raises(TransportError) as caught:
        read(body)
    assert caught.value.body == (body.encode() if isinstance(body, str) else body)


@pytest.mark.parametrize("body", ["", " \n", "<sci_reply/>", '<sci_reply version="1.0"><reboot/></sci_reply>'])
@pytest.mark.parametrize("location", ["/ws/sci/42", "https://remotemanager.digi.com/ws/sci/42/"])
def test_a_job_that_only_the_header_names(body: str, location: str) -> None:
    answer = read_answer(Response(202, {"location": location}, body.encode()))
    assert answer.job_id == "42"
    with pytest.raises(SCIError, match="job 42"):
        answer.accepted()


@pytest.mark.parametrize("location", ["", "/ws/v1/42", "/ws/sci/", "/ws/sci/4x", "/ws/sci/42/1", "/ws/sci/" + "1" * 20])
def test_a_header_that_names_no_job(location: str) -> None:
    answer = read_answer(Response(202, {"location": location}, b"<sci_reply/>"))
    assert (answer.job_id, answer.refused) == (None, None)
    with pytest.raises(TransportError):
        read_answer(Response(202, {"location": location}, b""))


def test_what_the_body_says_stands_above_the_header() -> None:
    header = {"location": "/ws/sci/42"}
    assert read_answer(Response(202, header, b"<sci_reply><jobId>7</jobId></sci_reply>")).job_id == "7"
    for content in ("<device id='a'/>", "<error>No</error>"):
        assert read_answer(Response(200, header, inside(content).encode())).job_id is None
    for broken in (b"<", b"<sci_reply>", b"html"):
        with pytest.raises(TransportError):
            read_answer(Response(202, header, broken))


@pytest.mark.parametrize("kind", ["text/xml; charset=ISO-8859-1", 'application/xml;charset="iso-8859-1"; a=b'])
def test_the_charset_of_the_header_is_heeded(kind: str) -> None:
    body = inside("<device id='a'>\xe9</device>").encode("latin-1")
    [result] = read_answer(Response(200, {"content-type": kind}, body)).accepted()
    assert result.text == "\xe9"
    with pytest.raises(TransportError, match="utf-16"):
        read_answer(Response(200, {"content-type": "text/xml; charset=utf-16"}, body))


def test_a_large_reply_takes_the_memory_of_one_result() -> None:
    def chunks() -> Iterator[bytes]:
        yield b"<sci_reply><send_message>"
        for number in range(4000):
            yield b'<device id="%d"><state>%s</state></device>' % (number, b"x" * 1000)
        yield b"</send_message></sci_reply>"

    reader, count = Reader(), 0
    tracemalloc.start()
    try:
        for chunk in chunks():
            count += len(reader.feed(chunk))
        reader.close()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 4000
    assert peak < 1_000_000


def test_what_is_said_beside_devices_does_not_grow_without_bound() -> None:
    reader = Reader()
    reader.feed(b"<sci_reply><send_message>")
    for _ in range(50):
        assert reader.feed(b"<error>%s</error>" % (b"x" * 100_000) + b"<other>y</other>" * 10) == []
    for _ in range(50):
        reader.feed(b"<error>y</error>" * 10)
    assert len(reader.errors) == 100
    assert max(len(error.message) for error in reader.errors) == 10_000


def test_a_result_without_end_is_given_up() -> None:
    reader = Reader(most=100_000)
    reader.feed(b"<sci_reply><send_message><device>")
    with pytest.raises(TransportError, match="bytes"):
        reader.feed(b"<a/>" * 100_000)


def test_results_are_a_sequence() -> None:
    fine = Result("a", {"b": ["c", {"@d": "e", "#text": "f"}]})
    results = Results([fine, NOT_CONNECTED])
    assert (len(results), results[0], [*results[1:]], fine in results) == (2, fine, [NOT_CONNECTED], True)
    assert fine.text == "cf"
    assert results == Results([fine, NOT_CONNECTED])
    assert results != Results([fine])
    assert hash(results) == hash(Results([fine, NOT_CONNECTED]))
    assert repr(results) == "<Results of 2 devices, 1 with an error>"
    many = Results([Result(str(number), {}, DeviceError(1, "No")) for number in range(9)])
    with pytest.raises(SCIError, match="and 4 more"):
        many.raise_for_errors()
    assert issubclass(JobTimeoutError, TimeoutError)
