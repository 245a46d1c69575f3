"""The protocol of TCP monitors, without input or output: messages to bytes and back.

Sources: Digi's documentation of the TCP transport (doc-remotemanager.digi.com/api/monitor/tcp-transport) and Digi's own
`devicecloud` 0.5.10. All numbers are big-endian; each message begins with its type and the length of the rest. The two
differ in one point: Digi's library sends the acknowledgement without a length. Both forms are read; which of them the
service reads is not known, and the library's is written unless asked otherwise.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Container
from typing import NamedTuple, TypeAlias

from digirm_runtime.errors import RemoteManagerError

CONNECTION_REQUEST = 1
CONNECTION_RESPONSE = 2
PUBLISH_MESSAGE = 3
PUBLISH_MESSAGE_RECEIVED = 4
VERSION = 1
OK = 200
#: Values of `PublishMessage.compression` and `.format`.
PLAIN, ZLIB = 0, 1
XML, JSON = 0, 1
#: The longest message that is taken, and the longest body that it may unpack to, in bytes.
MAX_MESSAGE = 16 * 1024 * 1024
MAX_BODY = 64 * 1024 * 1024

_HEAD = struct.Struct("!HI")
_SHORT = struct.Struct("!H")
_ID = struct.Struct("!I")
_PAIR = struct.Struct("!HH")
_PUBLISH = struct.Struct("!HHBBI")
#: Both heads of a message that publishes, and an acknowledgement without a length.
_BOTH = struct.Struct("!HIHHBBI")
_ACK = struct.Struct("!HHH")
_LONGEST_NAME = 0xFFFF


class PushError(RemoteManagerError):
    """A monitor's connection was refused, broke, or carried what is not its protocol.

    `status` is that of a refusal. `again` says whether connecting anew could help.
    """

    def __init__(self, message: str, *, status: int | None = None, again: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.again = again


class TooLargeError(PushError):
    """A payload that unpacks to more than is taken."""


class ConnectionRequest(NamedTuple):
    """The first message of a client."""

    user: str
    password: str
    monitor: int
    version: int = VERSION

    def encode(self) -> bytes:
        """Its bytes. Raises ValueError for a monitor that is no 32-bit number, or for texts of more than 64 KB."""
        if not 0 <= self.monitor <= 0xFFFFFFFF:
            raise ValueError(f"a monitor has a number of 32 bits for its id, not {self.monitor!r}")
        body = _SHORT.pack(self.version)
        for text in (self.user, self.password):
            data = text.encode()
            if len(data) > _LONGEST_NAME:
                raise ValueError("user and password have at most 65535 bytes each")
            body += _SHORT.pack(len(data)) + data
        body += _ID.pack(self.monitor)
        return _HEAD.pack(CONNECTION_REQUEST, len(body)) + body

    def __repr__(self) -> str:
        return f"ConnectionRequest(monitor={self.monitor})"


class ConnectionResponse(NamedTuple):
    """The server's answer to it: 200, 400 or 403."""

    status: int
    version: int = VERSION

    def encode(self) -> bytes:
        """Its 10 bytes."""
        return _HEAD.pack(CONNECTION_RESPONSE, _PAIR.size) + _PAIR.pack(self.status, self.version)


class PublishMessage(NamedTuple):
    """A batch of events: `payload` is as it is sent, `events` the number that the server says it holds."""

    block: int
    events: int
    payload: bytes
    compression: int = PLAIN
    format: int = JSON

    def encode(self) -> bytes:
        """Its bytes."""
        size = len(self.payload)
        head = _HEAD.pack(PUBLISH_MESSAGE, _PUBLISH.size + size)
        return head + _PUBLISH.pack(self.block, self.events, self.compression, self.format, size) + self.payload

    def body(self, most: int = MAX_BODY) -> bytes:
        """The payload unpacked. Raises PushError where it cannot be, or is longer than `most`."""
        return inflate(self.payload, most) if self.compression == ZLIB else self.payload


class PublishMessageReceived(NamedTuple):
    """A client's acknowledgement of a batch."""

    block: int
    status: int = OK

    def encode(self, *, documented: bool = False) -> bytes:
        """The 6 bytes that Digi's library sends, or the 10 that are documented."""
        if documented:
            return _HEAD.pack(PUBLISH_MESSAGE_RECEIVED, _PAIR.size) + _PAIR.pack(self.block, self.status)
        return _ACK.pack(PUBLISH_MESSAGE_RECEIVED, self.block, self.status)


Frame: TypeAlias = ConnectionRequest | ConnectionResponse | PublishMessage | PublishMessageReceived

#: What a client and a server may be sent.
TO_CLIENT = frozenset((CONNECTION_RESPONSE, PUBLISH_MESSAGE))
TO_SERVER = frozenset((CONNECTION_REQUEST, PUBLISH_MESSAGE_RECEIVED))
#: The least and the most bytes behind the head of a message.
_LENGTHS = {
    CONNECTION_REQUEST: (10, 10 + 2 * _LONGEST_NAME),
    CONNECTION_RESPONSE: (_PAIR.size, _PAIR.size),
    PUBLISH_MESSAGE: (_PUBLISH.size, 0xFFFFFFFF),  # the decoder has a bound for it
}
# Behind the type of an acknowledgement stand its length, which is 4, or the block and a status that is never this.


class Decoder:
    """Makes messages of bytes as they come, and keeps no more than one that is not complete yet.

    `accept` are the types that may come. Whatever is wrong with the bytes is a PushError as soon as it can be seen, and
    then for good: nobody knows where the next message would begin. Messages that are complete before that come first;
    `fault` then is what the next call raises.
    """

    def __init__(self, accept: Container[int] = TO_CLIENT, *, max_message: int = MAX_MESSAGE) -> None:
        self._accept = accept
        self._published = PUBLISH_MESSAGE in accept
        self._most = max_message
        self._kept: list[bytes] = []  # the beginning of a message
        self._size = 0  # bytes in it
        self._need = _SHORT.size  # bytes without which nothing more can be said of it
        self.fault: PushError | None = None

    @property
    def partial(self) -> bool:
        """Whether the beginning of a message waits for its rest."""
        return bool(self._kept)

    def feed(self, data: bytes) -> list[Frame]:
        """The messages that are complete with these bytes. Raises PushError where there are none before a fault."""
        if self.fault is not None:
            raise self.fault
        if self._kept:
            self._kept.append(data)
            self._size += len(data)
            if self._size < self._need:
                return []
            data = b"".join(self._kept)
        frames: list[Frame] = []
        at = self._usual(data, frames) if self._published else 0
        try:
            while (end := self._end(data, at)) is not None:
                frames.append(_decode(data, at, end))
                at = end
        except PushError as error:
            self.fault = error
            self._kept.clear()
            if not frames:
                raise
            return frames
        self._size = len(data) - at
        self._kept = [data[at:]] if self._size else []
        return frames

    def _usual(self, data: bytes, frames: list[Frame]) -> int:
        """Read messages that publish, as far as nothing is wrong with them, by one look at each; where they end.

        They are nearly all that a client is sent. What is wrong with the next one is found by reading it the long way.
        """
        at, last, most = 0, len(data), self._most
        while at + _BOTH.size <= last:
            kind, length, block, events, compression, format, size = _BOTH.unpack_from(data, at)
            end = at + _HEAD.size + length
            fits = length == size + _PUBLISH.size and length <= most and end <= last
            if not (fits and kind == PUBLISH_MESSAGE and compression in (PLAIN, ZLIB) and format in (XML, JSON)):
                break
            frames.append(PublishMessage(block, events, data[at + _BOTH.size : end], compression, format))
            at = end
        return at

    def _end(self, data: bytes, at: int) -> int | None:
        """Where the message at `at` ends; None where that is not in the data, of which `_need` bytes are needed."""
        there = len(data) - at
        if there < _HEAD.size:
            self._need = _SHORT.size if there < _SHORT.size else _HEAD.size
            if there >= _SHORT.size:
                self._check(*_SHORT.unpack_from(data, at))
            return None
        kind, size = _HEAD.unpack_from(data, at)
        self._check(kind)
        if kind == PUBLISH_MESSAGE_RECEIVED:
            size = 4 if size == _PAIR.size else 0
        else:
            least, most = _LENGTHS[kind]
            if size < least or size > most or size > self._most:
                raise PushError(f"a message of type {kind} says that it has {size} bytes")
        self._need = _HEAD.size + size
        return None if there < self._need else at + self._need

    def _check(self, kind: int) -> None:
        if kind not in self._accept:
            raise PushError(f"the peer does not speak the protocol of monitors: a message begins with {kind:#06x}")


def _decode(data: bytes, at: int, end: int) -> Frame:
    kind = data[at + 1]
    if kind == PUBLISH_MESSAGE:
        start = at + _HEAD.size + _PUBLISH.size
        block, events, compression, format, size = _PUBLISH.unpack_from(data, at + _HEAD.size)
        if size != end - start:
            raise PushError(f"a payload says that it has {size} bytes, and its message has {end - start} for it")
        if compression not in (PLAIN, ZLIB):
            raise PushError(f"a payload is compressed in a way that is not known: {compression}")
        if format not in (XML, JSON):
            raise PushError(f"a payload has a format that is not known: {format}")
        return PublishMessage(block, events, data[start:end], compression, format)
    if kind == CONNECTION_RESPONSE:
        return ConnectionResponse(*_PAIR.unpack_from(data, at + _HEAD.size))
    if kind == PUBLISH_MESSAGE_RECEIVED:
        return PublishMessageReceived(*_PAIR.unpack_from(data, end - _PAIR.size))
    return _request(data[at + _HEAD.size : end])


def _request(body: bytes) -> ConnectionRequest:
    (version,) = _SHORT.unpack_from(body)
    place, texts = _SHORT.size, []
    try:
        for _ in range(2):
            (size,) = _SHORT.unpack_from(body, place)
            place += _SHORT.size
            if place + size > len(body):
                raise PushError("a connection request is shorter than what it says that it holds")
            texts.append(body[place : place + size].decode())
            place += size
        if len(body) - place != _ID.size:
            raise PushError("a connection request has another length than what it holds")
    except struct.error:
        raise PushError("a connection request is shorter than what it says that it holds") from None
    except UnicodeDecodeError:
        raise PushError("a connection request holds a text that is not UTF-8") from None
    return ConnectionRequest(texts[0], texts[1], _ID.unpack_from(body, place)[0], version)


def inflate(data: bytes, most: int = MAX_BODY) -> bytes:
    """zlib or gzip data unpacked. Raises PushError, and TooLargeError for what has more than `most` bytes."""
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        body = unpacker.decompress(data, most + 1)
    except zlib.error as error:
        raise PushError(f"a payload cannot be unpacked: {error}") from None
    if len(body) > most:
        raise TooLargeError(f"a payload unpacks to more than {most} bytes")
    if not unpacker.eof:
        raise PushError("a payload cannot be unpacked: it ends early")
    if unpacker.unused_data:
        raise PushError("a payload cannot be unpacked: something follows its end")
    return body
