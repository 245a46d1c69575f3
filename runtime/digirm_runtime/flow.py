"""The one flow of a call: throttle, retry, decode, errors.

It is a generator. It yields steps and is sent their results; it does no input or output and knows no event loop. A
driver of a few lines runs it over blocking calls, another over asyncio (`digirm_runtime.transport`).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator, Iterable
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from digirm_runtime.errors import RemoteManagerError, TransportError, api_error

if TYPE_CHECKING:
    from digirm_runtime.throttle import Governor
    from digirm_runtime.wire import Request, Response

T = TypeVar("T")

IDEMPOTENT = frozenset(("GET", "HEAD", "PUT", "DELETE"))
RETRIED = frozenset((429, 500, 502, 503, 504))
RETRIES = 3
FIRST_DELAY = 0.5
LONGEST_DELAY = 10.0
#: The longest `Retry-After`, in seconds, that is waited for without a deadline.
LONGEST_WAIT = 60.0


class Send:
    """Send `request`; the result is a Response, its body read unless `stream`.

    `timeout` bounds each wait of the connection, in seconds; `until` the whole, on the monotonic clock. Fails with
    TransportError.
    """

    __slots__ = ("request", "stream", "timeout", "until")

    def __init__(self, request: Request, timeout: float, until: float | None, stream: bool) -> None:
        self.request = request
        self.timeout = timeout
        self.until = until
        self.stream = stream


class Acquire:
    """Wait for a slot of the governor. Fails with TransportError where none comes `until` then."""

    __slots__ = ("governor", "until")

    def __init__(self, governor: Governor, until: float | None) -> None:
        self.governor = governor
        self.until = until


class Wait:
    """Let `seconds` pass."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


Step: TypeAlias = Send | Acquire | Wait
Flow: TypeAlias = Generator[Step, Any, T]


class Plan:
    """What the flow must know of one call beside its request: times in seconds."""

    __slots__ = ("deadline", "governor", "retries", "stream", "timeout")

    def __init__(
        self,
        *,
        timeout: float,
        retries: int = RETRIES,
        deadline: float | None = None,
        governor: Governor | None = None,
        stream: bool = False,
    ) -> None:
        self.timeout = timeout
        self.retries = retries
        self.deadline = deadline
        self.governor = governor
        self.stream = stream


def perform(request: Request, plan: Plan, decode: Callable[[Response], T], shown_url: str) -> Flow[T]:
    """Send until it works, or until it is clear that it will not.

    Idempotent methods are repeated on 429, 500, 502, 503, 504, on broken connections and on bodies that `decode`
    refuses with TransportError; others only on 429 and where the request did not leave (neither was executed). A
    `Retry-After` beyond the deadline, or beyond a minute without one, ends the tries. With
    `plan.stream` the slot stays taken and is the decoded value's to give back.
    """
    idempotent = request.method in IDEMPOTENT
    until = None if plan.deadline is None else time.monotonic() + plan.deadline
    attempt = 0
    while True:
        attempt += 1
        held = False
        delay: float | None = None
        failure: RemoteManagerError
        try:
            if plan.governor is not None:
                yield Acquire(plan.governor, until)
                held = True
            response: Response = yield Send(request, plan.timeout, until, plan.stream)
            if response.status < 300:
                value = decode(response)
                # A stream's slot is free when its last byte has come.
                held = held and not plan.stream
                return value
            delay = retry_after(response.headers.get("retry-after"), time.time())
            failure = api_error(
                status=response.status,
                headers=response.headers,
                body=response.read(),
                method=request.method,
                url=shown_url,
                attempts=attempt,
                retry_after=delay,
            )
            again = response.status == 429 or (idempotent and response.status in RETRIED)
            if response.status == 429 and plan.governor is not None:
                plan.governor.pause(delay if delay is not None else FIRST_DELAY)
        except TransportError as error:
            error.method, error.url, error.attempts = request.method, shown_url, attempt
            failure, again = error, idempotent or not error.sent
        finally:
            if held and plan.governor is not None:
                plan.governor.leave()
        if delay is None:
            delay = min(LONGEST_DELAY, FIRST_DELAY * 2 ** (attempt - 1)) * random.uniform(0.5, 1.0)  # noqa: S311
        # Without a deadline nobody has said that they would wait for an hour.
        late = delay > LONGEST_WAIT if until is None else time.monotonic() + delay > until
        if not again or attempt > plan.retries or late:
            raise failure
        yield Wait(delay)


def retry_after(value: str | None, now: float) -> float | None:
    """Seconds from a `Retry-After` header (seconds or an HTTP date), at most an hour; None where it says nothing."""
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        from email.utils import parsedate_to_datetime

        try:
            seconds = parsedate_to_datetime(value).timestamp() - now
        except (ValueError, OverflowError):
            return None
    return min(max(seconds, 0.0), 3600.0) if seconds == seconds else None


def decode_json(response: Response, *, required: bool) -> Any:
    """A body as JSON; None for an empty one. Raises TransportError where `required` JSON is missing or broken off."""
    body = response.read()
    if response.status == 204 or (not body and not required):
        return None
    import msgspec

    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        what = "ends early or is no JSON" if body else "is empty"
        kind = response.headers.get("content-type", "no content type")
        raise TransportError(f"answered {response.status}, but the body ({kind}) {what}: {error}", body=body) from None


def decode_any(response: Response, *, required: bool) -> Any:
    """A body by its content type: JSON decoded, text as str, all else as bytes; None where there is none."""
    body = response.read()
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json" or kind.endswith("+json"):
        return decode_json(response, required=required)
    if response.status == 204 or not body:
        return None
    if kind.startswith("text/") or kind in ("application/xml", "application/csv"):
        return _text(body, response.headers)
    return body


def _text(body: bytes, headers: dict[str, str]) -> str:
    charset = headers.get("content-type", "").lower().partition("charset=")[2].partition(";")[0].strip(" \"'")
    try:
        return body.decode(charset or "utf-8", "replace")
    except (LookupError, ValueError):
        # No such character set, or one that is a transformation of another kind.
        return body.decode("utf-8", "replace")


def header_safe(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Headers with lower-case names. Raises ValueError for names and values that no header can have."""
    safe = {}
    for name, value in headers:
        token = name.isascii() and name.replace("-", "").replace("_", "").isalnum()
        if not token or not value.isascii() or not value.isprintable():
            raise ValueError(f"header {name!r} holds characters that no header can")
        safe[name.lower()] = value
    return safe
