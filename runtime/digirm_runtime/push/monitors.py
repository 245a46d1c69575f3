"""The calls behind `rm.push`: definitions of monitors, and what the persistent ones have recorded.

Sources: the keys of a definition are those of Digi's own apps (github.com/digidotcom/digi-iot-web-apps); types, topics
and the history are documented (doc-remotemanager.digi.com/api/v1-monitors); that an acknowledgement is asked for by
`explicit` is documented for the legacy Monitor, and inferred for v1.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from digirm_runtime.operation import Endpoint, Operation, Param, Query
from digirm_runtime.options import NO_OPTIONS, Options
from digirm_runtime.push.events import Event

if TYPE_CHECKING:
    from digirm_runtime.wire import Response

_INVENTORY = "/ws/v1/monitors/inventory"
_TOPIC = re.compile(r"(?:\[group=[^\[\]]+\])?[A-Za-z_]+(?:/[^\[\],]*)?(?:\[[CUD](?:,?[CUD])*\])?")
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "type": ("http", "polling", "tcp"),
    "format": ("json", "xml"),
    "method": ("PUT", "POST"),
    "schema_type": ("handlebars",),
}
_NEVER = datetime.min.replace(tzinfo=UTC)
_NUMBERS = ("batch_duration", "batch_size", "connect_timeout", "response_timeout")


class _Events:
    """Makes an event of what a history lists."""

    def read(self, item: Any) -> Event:
        """The event; an item that is no object is one of unknown kind."""
        import json

        return Event(item) if isinstance(item, dict) else Event({}, json.dumps(item).encode())


_CREATE = Endpoint("POST", _INVENTORY, "create")
_LIST = Endpoint("GET", _INVENTORY, "list")
_GET = Endpoint("GET", _INVENTORY + "/{id}", "get")
_DELETE = Endpoint("DELETE", _INVENTORY + "/{id}", "delete")
_HISTORY = Endpoint("GET", "/ws/v1/monitors/history/{id}", "list", model=_Events())


class Calls:
    """One body for both faces."""

    @staticmethod
    def create(
        type: str,
        topics: Sequence[str],
        *,
        description: str | None = None,
        format: str = "json",
        persistent: bool | None = None,
        batch_size: int | None = None,
        batch_duration: int | None = None,
        compression: str | None = None,
        acknowledgement: str | None = None,
        url: str | None = None,
        method: str | None = None,
        headers: Mapping[str, str] | None = None,
        auth_token: str | None = None,
        connect_timeout: int | None = None,
        response_timeout: int | None = None,
        schema: str | None = None,
        schema_type: str | None = None,
        options: Options | None = None,
    ) -> Operation[dict[str, Any]]:
        """Make a monitor, and give it back as the service describes it, with its `id`.

        `type` is `tcp`, `http` (which needs `url`) or `polling`; topics are such as `DataPoint`,
        `DataPoint/<device id>/*`, `[group=north]devices` or `DeviceCore[U]`. A batch is sent when it has `batch_size`
        events, or after `batch_duration` seconds; time-outs are in milliseconds. A `persistent` monitor records what
        nobody received. One of type `tcp` is made with `acknowledgement="explicit"` unless said otherwise: the service
        would else take for received what it has sent.

        Raises ValueError before sending for what no monitor can be.
        """
        if type == "tcp" and acknowledgement is None:
            acknowledgement = "explicit"
        given = {
            "type": type, "topics": _topics(topics), "description": description, "format": format,
            "persistent": persistent, "batch_size": batch_size, "batch_duration": batch_duration,
            "compression": compression, "acknowledgement": acknowledgement, "url": url, "method": method,
            "headers": None if headers is None else dict(headers), "auth_token": auth_token,
            "connect_timeout": connect_timeout, "response_timeout": response_timeout, "schema": schema,
            "schema_type": "handlebars" if schema is not None and schema_type is None else schema_type,
        }  # fmt: skip
        body = {name: value for name, value in given.items() if value is not None}
        _judge(body)
        return Operation(_CREATE, body=body, options=options, reader=_made)

    @staticmethod
    def list(
        *,
        query: Query = None,
        orderby: str | None = None,
        limit: int | None = None,
        options: Options | None = None,
    ) -> Operation[dict[str, Any]]:
        """The monitors of the account."""
        return Operation(_LIST, params={"query": query, "orderby": orderby}, limit=limit, options=options)

    @staticmethod
    def get(id: int | str, /, *, options: Options | None = None) -> Operation[dict[str, Any]]:
        """One monitor."""
        return Operation(_GET, (number(id),), options=options)

    @staticmethod
    def delete(id: int | str, /, *, options: Options | None = None) -> Operation[None]:
        """Delete a monitor, with what it has recorded."""
        return Operation(_DELETE, (number(id),), options=options)

    @staticmethod
    def history(
        id: int | str,
        /,
        *,
        since: Param = None,
        until: Param = None,
        size: int | None = None,
        cursor: str | None = None,
        limit: int | None = None,
        options: Options | None = None,
    ) -> Operation[Event]:
        """What a persistent monitor has recorded, oldest first.

        `since` and `until` (exclusive) are times of the server: a datetime with a zone, ISO 8601, or relative to now
        such as `-1h`.
        """
        params = {"start_time": since, "end_time": until, "size": size, "cursor": cursor}
        # The parameters are not those that a spec judges.
        unchecked = (options or NO_OPTIONS).unchecked()
        return Operation(_HISTORY, (number(id),), params, limit=limit, options=unchecked)


class Follower:
    """Polls the history on and on: what to ask for next, and what of an answer is new.

    The service says times of events in milliseconds, and `since` takes in its own moment: events of the last moment
    come again, and are told apart by what they hold, and so are those without a time. What is older than was asked for
    was there before.
    """

    def __init__(self, id: int | str, since: Param, options: Options | None) -> None:
        self._id = number(id)
        self._options = options
        self._since: Param = since
        self._last = self._asked = _NEVER  # the latest time of an event, now and when the look began
        self._seen: Counter[str] = Counter()  # of that time
        self._untimed: Counter[str] = Counter()  # in the latest look
        self._again: Counter[str] = Counter()  # what was there before, and has not come in this look yet

    def due(self) -> Operation[Event]:
        """The next look."""
        self._asked = self._last
        self._again = self._seen + self._untimed
        self._untimed.clear()
        return Calls.history(self._id, since=self._since, options=self._options)

    def fresh(self, events: Iterable[Event]) -> list[Event]:
        """Those that were not there before."""
        return [event for event in events if self._new(event)]

    def _new(self, event: Event) -> bool:
        import json

        key = json.dumps(event.fields, sort_keys=True, default=str)
        time = event.time
        if time is None:
            self._untimed[key] += 1
        if self._again[key] > 0:
            self._again[key] -= 1
            return False
        if time is None:
            return True
        if time < self._asked:
            return False
        if time > self._last:
            self._last, self._since = time, event.timestamp
            self._seen.clear()
        # An older one does not come again: the next look asks for later ones.
        if time == self._last:
            self._seen[key] += 1
        return True


def number(id: int | str) -> int:
    """The id of a monitor as a number. Raises ValueError for what is none."""
    text = str(id).strip()
    if isinstance(id, bool) or not text.isascii() or not text.isdecimal() or int(text) > 0xFFFFFFFF:
        raise ValueError(f"{id!r:.60} is no id of a monitor: those are numbers")
    return int(text)


def _made(response: Response) -> Any:
    from digirm_runtime.created import Created
    from digirm_runtime.flow import decode_json

    made: Created[Any] = Created(decode_json(response, required=True), asked=response.asked)
    return made.one()


def _topics(topics: Sequence[str]) -> list[str]:
    if isinstance(topics, str):
        raise ValueError("topics is a list of texts")
    for text in topics:
        if not isinstance(text, str) or _TOPIC.fullmatch(text) is None:
            raise ValueError(f"{text!r:.80} is no topic: those are such as DataPoint, [group=a]devices, DeviceCore[U]")
    if not topics:
        raise ValueError("a monitor needs a topic")
    return list(topics)


def _judge(body: Mapping[str, Any]) -> None:
    for name, values in _CHOICES.items():
        if name in body and body[name] not in values:
            raise ValueError(f"{name} must be one of {', '.join(values)}, not {body[name]!r:.60}")
    for name in _NUMBERS:
        value = body.get(name, 0)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise ValueError(f"{name} must be a whole number from 0 on, not {value!r:.60}")
    url = body.get("url")
    if body["type"] == "http":
        from urllib.parse import urlsplit

        parts = urlsplit(url or "")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("a monitor of type http needs the url that it sends to")
        if "@" in parts.netloc:
            raise ValueError("credentials in a URL end up in logs: pass auth_token=")
    elif url is not None:
        raise ValueError(f"a monitor of type {body['type']} sends to no url")
