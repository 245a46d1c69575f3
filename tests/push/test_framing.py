"""The protocol's bytes: the documented examples, any cutting into pieces, and what must be refused."""

from __future__ import annotations

import struct
import tracemalloc
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digirm_runtime.push.framing import (
    MAX_MESSAGE,
    TO_SERVER,
    ConnectionRequest,
    ConnectionResponse,
    Decoder,
    Frame,
    PublishMessage,
    PublishMessageReceived,
    PushError,
    inflate,
)

ALL = range(1, 5)
WORDS = st.integers(0, 0xFFFF)
REQUESTS = st.builds(
    ConnectionRequest, st.text(max_size=40), st.text(max_size=40), st.integers(0, 0xFFFFFFFF), version=WORDS
)
MESSAGES = st.builds(
    PublishMessage, WORDS, WORDS, st.binary(max_size=200), st.sampled_from((0, 1)), st.sampled_from((0, 1))
)
# Behind the type, a block 0 with status 4 would be the length of the longer form.
RECEIVED = st.builds(PublishMessageReceived, WORDS, WORDS.filter(lambda status: status != 4))
FRAMES = st.one_of(REQUESTS, st.builds(ConnectionResponse, WORDS, WORDS), MESSAGES, RECEIVED)


def test_documented_request() -> None:
    # doc-remotemanager.digi.com/api/monitor/tcp-transport/connectrequest-message
    encoded = bytes.fromhex("0001 00000013 0001 0005 7065707369 0004 636f6c61 00000104")
    assert ConnectionRequest("pepsi", "cola", 0x104).encode() == encoded
    assert Decoder(TO_SERVER).feed(encoded) == [ConnectionRequest("pepsi", "cola", 0x104)]


def test_documented_response() -> None:
    # .../connectresponse-message, with the status of a success
    encoded = bytes.fromhex("0002 00000004 00c8 0001")
    assert ConnectionResponse(200).encode() == encoded
    assert Decoder().feed(encoded) == [ConnectionResponse(200)]


def test_documented_message() -> None:
    # .../publishmessage-message: the sizes of the example, whose payload is cut there
    body = b"<Document>" + b" " * (0x205 - 21) + b"</Document>"
    encoded = bytes.fromhex("0003 0000020f 01a7 0002 00 00 00000205") + body
    assert PublishMessage(0x1A7, 2, body, 0, 0).encode() == encoded
    assert Decoder().feed(encoded) == [PublishMessage(0x1A7, 2, body, 0, 0)]


def test_acknowledgement_in_both_forms() -> None:
    # .../publishmessagereceived-message, and what devicecloud sends
    documented = bytes.fromhex("0004 00000004 01a7 00c8")
    short = bytes.fromhex("0004 01a7 00c8")
    assert PublishMessageReceived(0x1A7).encode(documented=True) == documented
    assert PublishMessageReceived(0x1A7).encode() == short
    assert Decoder(TO_SERVER).feed(documented + short) == [PublishMessageReceived(0x1A7)] * 2


@given(st.lists(FRAMES, max_size=5), st.lists(st.integers(1, 40), max_size=30), st.booleans())
def test_cut_into_any_pieces(frames: list[Frame], sizes: list[int], documented: bool) -> None:
    long = {"documented": True} if documented else {}
    data = b"".join(
        frame.encode(**long) if isinstance(frame, PublishMessageReceived) else frame.encode() for frame in frames
    )
    decoder = Decoder(ALL)
    found: list[Frame] = []
    at = 0
    for size in (*sizes, len(data)):
        found += decoder.feed(data[at : at + size])
        at += size
    assert found == frames
    assert not decoder.partial


@given(st.lists(st.binary(max_size=40), max_size=10), st.booleans())
def test_anything_else_is_a_push_error(pieces: list[bytes], to_server: bool) -> None:
    decoder = Decoder(TO_SERVER if to_server else (2, 3))
    try:
        for piece in pieces:
            decoder.feed(piece)
    except PushError:
        with pytest.raises(PushError):
            decoder.feed(b"")


@given(st.sampled_from((1, 2, 3, 4)), st.integers(0, 0xFFFFFFFF), st.binary(max_size=60))
def test_any_head_is_taken_or_refused(kind: int, size: int, rest: bytes) -> None:
    decoder = Decoder(ALL, max_message=100)
    with suppress(PushError):
        decoder.feed(struct.pack("!HI", kind, size) + rest)
        # What is still to come is bounded.
        assert kind == 4 or size <= max(100, 10 + 2 * 0xFFFF)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"HTTP/1.1 502 Bad Gateway", "does not speak the protocol of monitors: a message begins with 0x4854"),
        ("0001", "begins with 0x0001"),  # a client's message
        ("0004", "begins with 0x0004"),
        ("0003 7fffffff", "type 3 says that it has 2147483647 bytes"),
        ("0003 ffffffff", "type 3 says that it has 4294967295 bytes"),
        ("0003 00000009", "type 3 says that it has 9 bytes"),
        ("0002 00000005", "type 2 says that it has 5 bytes"),
        ("0003 0000000c 0001 0001 00 01 00000003 7b7d", "payload says that it has 3 bytes, and its message has 2"),
        ("0003 0000000c 0001 0001 00 01 ffffffff 7b7d", "payload says that it has 4294967295 bytes"),
        ("0003 0000000c 0001 0001 07 01 00000002 7b7d", "compressed in a way that is not known: 7"),
        ("0003 0000000c 0001 0001 00 09 00000002 7b7d", "format that is not known: 9"),
    ],
)
def test_refused(data: str | bytes, said: str) -> None:
    with pytest.raises(PushError, match=said) as raised:
        Decoder().feed(data if isinstance(data, bytes) else bytes.fromhex(data))
    assert not raised.value.again


@pytest.mark.parametrize(
    "data",
    [
        "0001 0000000a 0001 ffff 000000000000",  # a longer user than there are bytes
        "0001 0000000b 0001 0000 0000 0000000000",  # something behind the end
        "0001 0000000a 0001 0004 00000000 0000",  # no room for the password
        "0001 0000000c 0001 0002 c3c3 0000 00000001",  # no UTF-8
    ],
)
def test_refused_requests(data: str) -> None:
    with pytest.raises(PushError, match="a connection request"):
        Decoder(TO_SERVER).feed(bytes.fromhex(data))


@given(st.lists(FRAMES, max_size=5), st.integers(1, 60))
def test_messages_before_a_fault_come_first(frames: list[Frame], size: int) -> None:
    data = b"".join(frame.encode() for frame in frames) + b"HTTP/1.1 502 Bad Gateway"
    decoder = Decoder(ALL)
    found: list[Frame] = []
    with suppress(PushError):
        for at in range(0, len(data), size):
            found += decoder.feed(data[at : at + size])
    assert found == frames
    assert not decoder.partial
    assert decoder.fault is not None
    with pytest.raises(PushError, match="0x4854"):  # for good
        decoder.feed(ConnectionResponse(200).encode())


def test_a_message_is_refused_by_its_head_alone() -> None:
    decoder = Decoder(max_message=100)
    with pytest.raises(PushError, match="101 bytes"):
        decoder.feed(struct.pack("!HI", 3, 101))
    assert not decoder.partial


def test_a_longer_message_than_usual_is_taken_where_that_is_asked_for() -> None:
    size = MAX_MESSAGE + 1
    head = struct.pack("!HI", 3, size)
    with pytest.raises(PushError, match=f"{size} bytes"):
        Decoder().feed(head)
    decoder = Decoder(max_message=size)
    assert decoder.feed(head) == []
    [frame] = decoder.feed(PublishMessage(1, 1, bytes(size - 10)).encode()[6:])
    assert isinstance(frame, PublishMessage)
    assert len(frame.payload) == size - 10


def test_no_more_is_kept_than_one_message() -> None:
    frame = PublishMessage(1, 1, bytes(50_000)).encode()
    data = frame * 3
    decoder = Decoder()
    tracemalloc.start()
    try:
        for _ in range(30):
            for at in range(0, len(data), 7_000):
                decoder.feed(data[at : at + 7_000])
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert not decoder.partial
    assert kept < 2 * len(frame)


@pytest.mark.parametrize(
    "request_",
    [
        ConnectionRequest("a", "b", -1),
        ConnectionRequest("a", "b", 1 << 32),
        ConnectionRequest("a" * 65_536, "b", 1),
        ConnectionRequest("a", "ä" * 40_000, 1),
    ],
)
def test_what_cannot_be_sent(request_: ConnectionRequest) -> None:
    with pytest.raises(ValueError, match=r"32 bits|65535 bytes"):
        request_.encode()


def test_a_password_is_not_shown() -> None:
    assert repr(ConnectionRequest("user", "hidden", 3)) == "ConnectionRequest(monitor=3)"


@given(st.binary(max_size=500))
def test_unpacking(data: bytes) -> None:
    assert inflate(zlib.compress(data)) == data
    assert inflate(zlib.compress(data), len(data)) == data


@given(st.binary(max_size=60))
def test_unpacking_anything(data: bytes) -> None:
    with suppress(PushError):
        assert len(inflate(data, 1000)) <= 1000


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"no zlib", "cannot be unpacked"),
        (b"", "ends early"),
        (zlib.compress(b"abc")[:-1], "ends early"),
        (zlib.compress(b"abc") + b"d", "follows its end"),
        (zlib.compress(bytes(1001)), "more than 1000 bytes"),
    ],
)
def test_refused_to_unpack(data: bytes, said: str) -> None:
    with pytest.raises(PushError, match=said):
        inflate(data, 1000)


def test_a_bomb_is_not_unpacked() -> None:
    bomb = zlib.compress(bytes(50_000_000), 9)
    tracemalloc.start()
    try:
        with pytest.raises(PushError, match="more than 100000 bytes"):
            PublishMessage(1, 1, bomb, 1).body(100_000)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 2_000_000
