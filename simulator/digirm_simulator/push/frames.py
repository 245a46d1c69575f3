"""The messages of the TCP push protocol, as the server reads and writes them. Numbers are big-endian."""

from __future__ import annotations

import asyncio
import struct
from typing import NamedTuple

CONNECTION_REQUEST, CONNECTION_RESPONSE, PUBLISH_MESSAGE, PUBLISH_MESSAGE_RECEIVED = range(1, 5)
OK, BAD_REQUEST, FORBIDDEN = 200, 400, 403
_VERSION = 1
_HEAD = struct.Struct(">HI")
_TEXT = struct.Struct(">H")
_MONITOR = struct.Struct(">I")
_RESPONSE = struct.Struct(">HIHH")
_PUBLISH = struct.Struct(">HIHHBBI")
_RECEIVED = struct.Struct(">HHH")
_PAIR = struct.Struct(">HH")
#: Bytes of a request to connect: names and passwords are not long.
_MOST = 4096
_FORMATS = {"xml": 0, "json": 1}


class FrameError(ValueError):
    """What is no message of this protocol, or not the one that was expected."""


class Connect(NamedTuple):
    """A request to connect."""

    user: str
    password: str
    monitor: int

    def __repr__(self) -> str:
        return f"<Connect {self.monitor}>"


async def read_connect(reader: asyncio.StreamReader) -> Connect:
    """Read a request to connect. Raises FrameError, and asyncio.IncompleteReadError where it breaks off."""
    kind, length = _HEAD.unpack(await reader.readexactly(_HEAD.size))
    if kind != CONNECTION_REQUEST or length > _MOST:
        raise FrameError("expected a ConnectionRequest")
    body = await reader.readexactly(length)
    try:
        (version,) = _TEXT.unpack_from(body, 0)
        user, at = _text(body, 2)
        password, at = _text(body, at)
        (monitor,) = _MONITOR.unpack_from(body, at)
    except (struct.error, UnicodeDecodeError):
        raise FrameError("the lengths of a ConnectionRequest do not fit") from None
    if version != _VERSION or at + _MONITOR.size != length:
        raise FrameError("a ConnectionRequest of another version")
    return Connect(user, password, monitor)


def _text(body: bytes, at: int) -> tuple[str, int]:
    (size,) = _TEXT.unpack_from(body, at)
    at += _TEXT.size
    if at + size > len(body):
        raise struct.error
    return body[at : at + size].decode(), at + size


def response(status: int) -> bytes:
    """The answer to a request to connect; the version behind the status is inferred."""
    return _RESPONSE.pack(CONNECTION_RESPONSE, _RESPONSE.size - _HEAD.size, status, _VERSION)


def publish(block: int, count: int, payload: bytes, *, compressed: bool, form: str) -> bytes:
    """A block of events; the numbers of the formats are inferred."""
    length = _PUBLISH.size - _HEAD.size + len(payload)
    return _PUBLISH.pack(PUBLISH_MESSAGE, length, block, count, compressed, _FORMATS[form], len(payload)) + payload


async def read_received(reader: asyncio.StreamReader) -> tuple[int, int]:
    """Read an acknowledgement: the block, and the status. Raises as `read_connect` does.

    Digi's library sends it without a length, the documentation has one: both are read.
    """
    kind, rest = (data := await reader.readexactly(_RECEIVED.size))[:2], data[2:]
    if kind != _TEXT.pack(PUBLISH_MESSAGE_RECEIVED):
        raise FrameError("expected a PublishMessageReceived")
    # No status is as small as a length.
    if rest == _MONITOR.pack(len(rest)):
        rest = await reader.readexactly(len(rest))
    block, status = _PAIR.unpack(rest)
    return block, status
