"""What a monitor tells of: payloads read into batches of events.

Sources: Digi's documentation (doc-remotemanager.digi.com/api/monitor/monitor-event-payload) and the documented example
of `devicecloud` 0.5.10: `{"Document": {"Msg": ...}}` with one event as an object and several as a list, and the same as
XML, with the envelope in attributes. What the history of a monitor lists are such events too (inferred).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from datetime import datetime

#: The kind of an event whose shape nobody has described.
UNKNOWN = "unknown"
#: So many values may be in a payload of JSON: a value takes more than its text. Events of data points have about 15,
#: those of devices some dozens.
VALUES = 2_000_000
_ENVELOPE = frozenset(("group", "operation", "replay", "timestamp", "topic"))
_DEVICE = re.compile(r"(?<![0-9A-Fa-f])[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{8}){3}(?![0-9A-Fa-f])")
_DEVICE_KEYS = ("device_id", "devConnectwareId", "deviceId")
_BLANK = b" \t\r\n\xef\xbb\xbf"
_SEPARATORS = b",[{"
#: All that tells nothing about where a value begins.
_REST = bytes(set(range(256)) - {*_SEPARATORS, *b'"'})


class _Document(msgspec.Struct):
    Msg: dict[str, Any] | list[msgspec.Raw]


class _Payload(msgspec.Struct):
    Document: _Document


class _Alone(msgspec.Struct):
    Msg: msgspec.Raw


class _OneAlone(msgspec.Struct):
    Document: _Alone


class _FaultError(ValueError):
    """Why a payload cannot be read; `large` where it holds more than is taken."""

    def __init__(self, message: str, *, large: bool = False) -> None:
        super().__init__(message)
        self.large = large


_payload = msgspec.json.Decoder(_Payload).decode
_alone = msgspec.json.Decoder(_OneAlone).decode
_any = msgspec.json.Decoder().decode
_BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Event:
    """One event, decoded when it is first looked at: of a batch of many, only those cost that are of interest."""

    __slots__ = ("_alone", "_fields", "_kind", "_raw")

    def __init__(
        self, fields: dict[str, Any] | None = None, raw: bytes | msgspec.Raw = b"", *, alone: bool = False
    ) -> None:
        self._fields = fields
        self._raw = raw
        self._alone = alone  # in a payload, which `raw` is, of the usual shape
        self._kind: str | None = None

    @property
    def raw(self) -> bytes:
        """Its bytes, where it came as JSON, or as a payload that holds no event of a known shape; b"" else."""
        return bytes(_alone(self._raw).Document.Msg if self._alone else self._raw)

    @property
    def fields(self) -> dict[str, Any]:
        """All that came, under the service's own keys; empty for what is no object."""
        if self._fields is None:
            try:
                value = _any(self._raw)
            except _BROKEN:
                value = _lenient(bytes(self._raw))
            self._fields = value if isinstance(value, dict) else {}
        return self._fields

    @property
    def topic(self) -> str:
        """What it is about: `7603/DataPoint/<stream>`; empty where nothing is said."""
        return self._text("topic")

    @property
    def operation(self) -> str:
        """What happened: `INSERTION`, `UPDATE` or `DELETION`, as the service spells it."""
        return self._text("operation")

    @property
    def timestamp(self) -> str:
        """When, by the service's clock, as it was written."""
        return self._text("timestamp")

    @property
    def group(self) -> str | None:
        """The group of the device, where it is told."""
        return self._text("group") or None

    @property
    def replay(self) -> bool:
        """Whether it says of itself that it is sent again."""
        return self._text("replay").lower() == "true"

    @property
    def time(self) -> datetime | None:
        """`timestamp` as a time in UTC; None where it is none."""
        from digirm_runtime.text import parse_time

        try:
            return parse_time(self.timestamp)
        except ValueError:
            return None

    @property
    def kind(self) -> str:
        """What `data` is: `DataPoint`, `DeviceCore`, `device`, ...; `unknown` where it holds no object."""
        if self._kind is None:
            self._kind = UNKNOWN
            for name, value in self.fields.items():
                if isinstance(value, dict) and name not in _ENVELOPE:
                    self._kind = name
                    break
        return self._kind

    @property
    def data(self) -> dict[str, Any]:
        """The object that it is about, as it was then; for an unknown kind all that came."""
        kind = self.kind
        data: dict[str, Any] = self.fields if kind == UNKNOWN else self.fields[kind]
        return data

    @property
    def device_id(self) -> str | None:
        """The device, where the object names one, or else its stream or the topic does."""
        data = self.data
        for key in _DEVICE_KEYS:
            if isinstance(value := data.get(key), str) and value:
                return value
        for text in (data.get("id"), data.get("streamId"), data.get("stream_id"), self.topic):
            if isinstance(text, str) and (found := _DEVICE.search(text)) is not None:
                return found[0]
        return None

    def _text(self, name: str) -> str:
        value = self.fields.get(name)
        if value is None:
            return ""
        return value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)

    def __eq__(self, other: object) -> bool:
        return self.fields == other.fields and self.raw == other.raw if isinstance(other, Event) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # as it is of dicts

    def __repr__(self) -> str:
        return f"<Event {self.kind} {self.operation} {self.topic}>"


class Batch:
    """Events that came together, and are acknowledged together; they are read when they are first asked for.

    `body` is the payload as it came, unpacked; `block` its number over TCP. Reading it raises for nothing: what is no
    event of a known shape is one event of unknown kind.
    """

    __slots__ = ("_events", "_fault", "block", "body")

    def __init__(self, body: bytes = b"", *, events: Sequence[Event] | None = None, block: int | None = None) -> None:
        self.body = body
        self.block = block
        self._events = events
        self._fault: _FaultError | None = None

    @property
    def events(self) -> Sequence[Event]:
        """The events, in their order."""
        if self._events is None:
            try:
                self._events = _read(self.body)
            except _FaultError as error:
                self._fault = error.with_traceback(None)
                self._events = [Event({}, self.body)]
        return self._events

    @property
    def fault(self) -> str | None:
        """Why the payload could not be read, where that is so."""
        _ = self.events
        return None if self._fault is None else str(self._fault)

    @property
    def too_large(self) -> bool:
        """Whether that is because it holds more than is taken."""
        _ = self.events
        return self._fault is not None and self._fault.large

    def __getitem__(self, index: int) -> Event:
        return self.events[index]

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    def __len__(self) -> int:
        return len(self.events)

    def __repr__(self) -> str:
        return f"<Batch of {len(self)} events>"


def _read(body: bytes) -> list[Event]:
    """The events of a payload. Raises _FaultError."""
    start = body[:1]
    if start not in (b"{", b"[", b"<"):
        start = body.lstrip(_BLANK)[:1]
    if start == b"<":
        return _xml(body)
    if start in (b"{", b"["):
        return _json(body)
    # A monitor with a template sends whatever its template says.
    return [Event({}, body)]


def _json(body: bytes) -> list[Event]:
    if len(body) > VALUES and _is_crowded(body):
        raise _FaultError(f"the payload holds more than {VALUES:,} values", large=True)
    try:
        found = _payload(body).Document.Msg
        if isinstance(found, dict):
            return [Event(found, body, alone=True)]
        return [Event(None, raw) for raw in found]
    except _BROKEN:
        pass  # of another shape, or no JSON to a strict reader
    value = _lenient(body)
    if value is None:
        raise _FaultError("the payload begins as JSON and is none")
    if isinstance(value, dict):
        inner = value.get("Document", value)
        value = inner.get("Msg", inner.get("list", value)) if isinstance(inner, dict) else value
    items = value if isinstance(value, list) else [value]
    return [Event(item) if isinstance(item, dict) else Event({}, body) for item in items]


def _is_crowded(body: bytes) -> bool:
    """Whether JSON holds too many values, without reading it: before each but the first stands a separator."""
    if sum(map(body.count, _SEPARATORS)) < VALUES:
        return False
    # Not those in strings. What takes quotes away in pairs that are next to each other leaves what is in strings there.
    bare = body.replace(b"\\\\", b"").replace(b'\\"', b"").translate(None, _REST).replace(b'""', b"")
    # Each string is a value or the name of one.
    return bare.count(b'"') > 4 * VALUES or sum(map(len, bare.split(b'"')[::2])) >= VALUES


def _lenient(text: bytes) -> Any:
    """JSON with halves of surrogate pairs, NaN or a byte-order mark: one name must not cost the batch. None if none."""
    import json

    try:
        return json.loads(text.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        return None


def _xml(body: bytes) -> list[Event]:
    from digirm_runtime import xmltext

    try:
        found: Any = _messages(body)
    except xmltext.XMLError as error:
        large = isinstance(error, xmltext.TooMuchError)
        raise _FaultError(f"the payload is no XML that is taken: {error}", large=large) from None
    return [_message(item, body) for item in found] if isinstance(found, list) else [Event({}, body)]


def _messages(body: bytes) -> Any:
    """The list of what XML has as `Msg`; something else, such as None, where there is none. Raises XMLError."""
    from digirm_runtime import xmltext
    from digirm_runtime.xmlguard import PROLOG

    try:
        root, value = xmltext.parse(body, ("Msg",))
    except xmltext.TooMuchError:
        # As a whole: each event may hold so much.
        records = xmltext.Records(("Msg",), most=len(body))
        found = records.feed(body[:PROLOG])
        if records.root != "Document":
            raise
        found += records.feed(body[PROLOG:])
        records.close()
        return [item for name, item in found if name == "Msg"] or None
    if root == "Document":
        return value.get("Msg") if isinstance(value, dict) else None
    return [value] if root == "Msg" else None


def _message(item: Any, body: bytes) -> Event:
    if not isinstance(item, dict):
        return Event({}, body)
    return Event({name.removeprefix("@"): value for name, value in item.items()})
