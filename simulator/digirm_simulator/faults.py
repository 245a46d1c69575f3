"""Faults on demand: what a network, a proxy or a busy service does to a client.

The same faults work in process and over HTTP. What cannot be said in an answer is said by its body, which then is a
`Faulty` one: it comes late, or breaks off. A connection that is dropped is the exception `Dropped`.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from digirm_runtime.wire import SIMULATOR_HEADER, Request, Response
from digirm_simulator.replies import Problem, error_reply
from digirm_simulator.routing import glob

_BODILESS = (204, 304)


class Dropped(ConnectionError):  # noqa: N818 - what befell the connection
    """The connection ends here: over HTTP the socket is closed."""

    def __init__(self, how: str = "Server disconnected without sending a response.") -> None:
        super().__init__(f"the connection broke: {how}")


@dataclass(slots=True, eq=False)
class Fault:
    """Which requests go wrong, how, and how often.

    Requests: `path` is a pattern in which `*` stands for any text; `method` one method; the first `after` that fit are
    left alone, then `times` fail (all where None), each with `probability`.

    An answer instead of the service's own: `status`, with `body`, or as a front proxy's page (`html`), or as an error
    in the service's shape; `throttle` is the service's 429; `retry_after` adds that header (seconds, or an HTTP date).

    What becomes of an answer, that one or the service's own: it comes `delay` seconds late; its body ends after
    `truncate` bytes and the connection with it; `wrong_json` leaves out the end of a JSON document, and what is left
    is none.

    No answer: `drop` ends the connection before anything is done, `lost` after the service has done its work.

    Raises ValueError for what fits no request or does nothing.
    """

    path: str | None = None
    method: str | None = None
    status: int | None = None
    html: bool = False
    body: str | bytes | None = field(default=None, repr=False)
    throttle: bool = False
    retry_after: float | str | None = None
    delay: float = 0.0
    truncate: int | None = None
    wrong_json: bool = False
    drop: bool = False
    lost: bool = False
    times: int | None = None
    after: int = 0
    probability: float = 1.0
    #: How many requests fitted, and how many of them failed.
    matched: int = field(default=0, init=False)
    fired: int = field(default=0, init=False)
    _pattern: re.Pattern[str] = field(default=re.compile(""), init=False, repr=False)
    _random: random.Random = field(default_factory=random.Random, init=False, repr=False)

    def __post_init__(self) -> None:
        self._pattern = glob("*" if self.path is None else self.path)
        if self.throttle and self.status is None:
            self.status = 429
        ends, answers = self.drop or self.lost, self.status is not None
        for wrong, why in (
            (self.path is not None and not self.path.startswith(("/", "*")), "path begins with / or *"),
            (answers and not 200 <= (self.status or 0) <= 599, "status is from 200 to 599"),
            (self.throttle and self.status != 429, "throttle means the status 429"),
            (self.html and self.body is not None, "html is a page already: give html or body"),
            (not answers and (self.html or self.body is not None), "html and body need a status"),
            (not answers and self.retry_after is not None, "retry_after needs a status"),
            (not _finite(self.retry_after), "retry_after is seconds or a date, on one line"),
            (not 0 <= self.delay <= 3600, "delay is from 0 to 3600 seconds"),
            (self.truncate is not None and self.truncate < 0, "truncate is a number of bytes, 0 or more"),
            (self.times is not None and self.times < 1, "times is 1 or more"),
            (self.after < 0, "after is 0 or more"),
            (not 0 < self.probability <= 1, "probability is more than 0 and at most 1"),
            (self.drop and self.lost, "a request is either dropped or its answer lost"),
            (
                ends and (answers or self.delay or self.truncate is not None or self.wrong_json),
                "where the connection ends there is no answer to change",
            ),
            (
                not (ends or answers or self.delay or self.truncate is not None or self.wrong_json),
                "a fault needs one of status, throttle, delay, truncate, wrong_json, drop and lost",
            ),
        ):
            if wrong:
                raise ValueError(why)

    def _fires(self, method: str, path: str) -> bool:
        if (self.method is not None and self.method.upper() != method) or not self._pattern.fullmatch(path):
            return False
        self.matched += 1
        if self.matched <= self.after or (self.times is not None and self.fired >= self.times):
            return False
        fires = self.probability == 1 or self._random.random() < self.probability
        self.fired += fires
        return fires

    def _answer(self) -> Response | None:
        """The answer instead of the service's; None where the service answers itself."""
        if self.status is None:
            return None
        headers = {SIMULATOR_HEADER: "simulator"}
        if self.retry_after is not None:
            after = self.retry_after
            headers["retry-after"] = after if isinstance(after, str) else f"{after:g}"
        try:
            reason = HTTPStatus(self.status).phrase
        except ValueError:
            reason = "Error"
        if self.status in _BODILESS:
            return Response(self.status, headers)
        if self.html:
            page = f"<html><head><title>{self.status} {reason}</title></head>\n<body><h1>{reason}</h1></body></html>\n"
            return Response(self.status, headers | {"content-type": "text/html"}, page.encode())
        if self.body is not None:
            text = self.body.encode() if isinstance(self.body, str) else self.body
            return Response(self.status, headers | {"content-type": "application/json"}, text)
        message = "Too many requests" if self.throttle else f"{reason} (a fault that was asked for)"
        return error_reply(Problem(self.status, message), headers)


class Faulty:
    """A body that comes late or breaks off.

    `delay` is in seconds: whoever reads the body waits for it, unless it was taken (set to 0) by one who waits
    otherwise. Where `keep` is not None, so many bytes come, and then Dropped is raised.
    """

    def __init__(self, source: bytes | Iterable[bytes], *, delay: float = 0.0, keep: int | None = None) -> None:
        self.source = source
        self.delay = delay
        self.keep = keep
        self._chunks = self._read()

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks

    def _read(self) -> Iterator[bytes]:
        if self.delay:
            time.sleep(self.delay)
        left = self.keep
        try:
            for chunk in (self.source,) if isinstance(self.source, bytes) else self.source:
                if left is not None and len(chunk) >= left:
                    yield chunk[:left]
                    break
                yield chunk
                left = None if left is None else left - len(chunk)
        finally:
            self.close()
        if self.keep is not None:
            raise Dropped("peer closed connection without sending complete message body")

    def close(self) -> None:
        """Give back what the source holds, read to its end or not."""
        close = getattr(self.source, "close", None)
        if close is not None:
            close()


class Faults:
    """The faults that are asked for, in the order in which they were added: a request gets the first that fires.

    What is left to chance follows from `seed`, and from the order in which requests come.
    """

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._made = 0
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self._current = threading.local()

    def add(self, fault: Fault | None = None, /, **settings: Any) -> Fault:
        """Add a fault, or one with the settings of `Fault`. Raises ValueError or TypeError where it cannot be."""
        made = Fault(**settings) if fault is None else fault
        with self._lock:
            made._random.seed(f"{self._seed}/{self._made}")
            self._made += 1
            self._faults = [*self._faults, made]
        return made

    def remove(self, fault: Fault) -> None:
        """Take one back. Raises ValueError where it is none of these."""
        with self._lock:
            if fault not in self._faults:
                raise ValueError(f"{fault} was not added")
            self._faults = [each for each in self._faults if each is not fault]

    def clear(self) -> None:
        """Take all back."""
        with self._lock:
            self._faults = []

    def __iter__(self) -> Iterator[Fault]:
        return iter(self._faults)

    def __len__(self) -> int:
        return len(self._faults)

    def begin(self, request: Request) -> Fault | None:
        """The fault that this request gets, counted; None where it gets none."""
        if not self._faults:
            return None
        path = request.url.partition("#")[0].partition("?")[0]
        if not path.startswith("/"):
            path = urlsplit(path).path or "/"
        with self._lock:
            for fault in self._faults:
                if fault._fires(request.method, path):
                    return fault
        return None

    def before(self, request: Request) -> Response | None:
        """The answer instead of the service's; None where the service answers. `after` follows in the same thread.

        Raises Dropped.
        """
        fault = self._current.fault = self.begin(request)
        if fault is None:
            return None
        if fault.drop:
            self._current.fault = None
            raise Dropped
        return fault._answer()

    def after(self, request: Request, response: Response) -> Response:
        """The answer as it leaves. Raises Dropped where it is lost."""
        fault: Fault | None = getattr(self._current, "fault", None)
        if fault is None:
            return response
        self._current.fault = None
        if fault.lost:
            response.close()
            raise Dropped
        body = response.body
        if fault.wrong_json and "json" in response.headers.get("content-type", "") and request.method != "HEAD":
            body = response.body = _cut(response.read())
        if isinstance(body, bytes) and request.method != "HEAD" and response.status not in _BODILESS:
            # What was announced is what would have come.
            response.headers["content-length"] = str(len(body))
        keep = None if fault.truncate is None or request.method == "HEAD" or not body else fault.truncate
        if isinstance(body, bytes) and keep is not None:
            keep = min(keep, len(body) - 1)
        if fault.delay or keep is not None:
            response.body = Faulty(body, delay=fault.delay, keep=keep)
        return response


def parse(text: str) -> Fault:
    """A fault from a text such as `path=/ws/v1/devices/*,status=504,html,times=2`. Raises ValueError."""
    settings: dict[str, Any] = {}
    for item in text.split(","):
        name, equals, value = item.strip().partition("=")
        read = _READ.get(name)
        if read is None or name in settings:
            raise ValueError(f"{name!r} is no setting of a fault, or is given twice; there are {', '.join(_READ)}")
        if (read is bool) == bool(equals):
            raise ValueError(f"{name} stands alone" if read is bool else f"{name} needs a value, as in {name}=...")
        try:
            settings[name] = True if read is bool else read(value)
        except ValueError:
            raise ValueError(f"{name} must be a number, not {value!r}") from None
    return Fault(**settings)


def _kind(annotation: str) -> type:
    return next(kind for kind in (bool, str, float, int) if kind.__name__ in annotation)


#: The settings that a text can have, with what reads their values.
_READ: dict[str, type] = {each.name: _kind(str(each.type)) for each in fields(Fault) if each.init}


def _cut(document: bytes) -> bytes:
    """A JSON document without its end: never one itself."""
    text = document.rstrip()
    # A number without its last digit would still be a number.
    return text.rstrip(b"0123456789") if text[-1:].isdigit() else text[:-1]


def _finite(retry_after: float | str | None) -> bool:
    if isinstance(retry_after, str):
        return retry_after.isprintable() and retry_after.isascii()
    return retry_after is None or 0 <= retry_after < float("inf")
