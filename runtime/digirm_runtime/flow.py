"""The one flow of a call: throttle, retry, decode, errors.

It is a generator. It yields steps and is sent their results; it does no input or output and knows no event loop. A
driver of a few lines runs it over blocking calls, another over asyncio (`digirm_runtime.drivers`).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from digirm_runtime.errors import RemoteManagerError, Throttled, TooLarge, TransportError, api_error
from digirm_runtime.throttle import LONGEST_WAIT, Paused
from digirm_runtime.watch import NO_HOOKS, Watch

if TYPE_CHECKING:
    from digirm_runtime.hooks import Hooks
    from digirm_runtime.throttle import Governor, Owner, Slot
    from digirm_runtime.wire import Request, Response

T = TypeVar("T")

#: Methods that change nothing.
READS = frozenset(("GET", "HEAD"))
IDEMPOTENT = frozenset(("GET", "HEAD", "PUT", "DELETE"))
RETRIED = frozenset((500, 502, 503, 504))
#: How often a try that failed is repeated, and one that the throttle refused: together the latter take over a minute,
#: the longest window that Digi documents.
RETRIES = 3
REFUSALS = 10
#: The first wait between two tries and the longest, in seconds; each twice the one before, up to half less by chance.
FIRST_DELAY = 0.5
LONGEST_DELAY = 10.0


class Send:
    """Send `request`; the result is a Response, its body read unless `stream`.

    `timeout` bounds each wait of the connection, in seconds; `until` the whole, on the monotonic clock; `max_bytes` a
    body that is not streamed, once unpacked. Fails with TransportError.
    """

    __slots__ = ("max_bytes", "request", "stream", "timeout", "until")

    def __init__(
        self, request: Request, timeout: float, until: float | None, stream: bool, max_bytes: int | None = None
    ) -> None:
        self.request = request
        self.timeout = timeout
        self.until = until
        self.stream = stream
        self.max_bytes = max_bytes

    def takes(self, size: int) -> None:
        """Note that so many bytes of the body have come in all. Raises TooLarge where they are too many."""
        if self.max_bytes is not None and size > self.max_bytes:
            raise TooLarge(f"the answer is longer than {self.max_bytes} bytes")


class Acquire:
    """Wait for a slot of the governor, which is the result; `owner` is on whose behalf, None the driver's own.

    `on_wait` is called once if it must be waited for, with the seconds where they are known. Fails with TransportError
    where no slot comes `until` then, and with RemoteManagerError where waiting would never end.
    """

    __slots__ = ("governor", "on_wait", "owner", "until")

    def __init__(
        self,
        governor: Governor,
        until: float | None,
        owner: Owner | None = None,
        on_wait: Callable[[float | None], None] | None = None,
    ) -> None:
        self.governor = governor
        self.until = until
        self.owner = owner
        self.on_wait = on_wait


class Wait:
    """Let `seconds` pass."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


Step: TypeAlias = Send | Acquire | Wait
Flow: TypeAlias = Generator[Step, Any, T]


class Plan:
    """What the flow must know of one call beside its request: times in seconds.

    `retries` None means the usual ones; `idempotent` None that the method decides. A slot of each of `governors` is
    taken, in that order, on behalf of `owner`. `mask` hides credentials in what the server says. An answer of more than
    `max_bytes` is not read to its end, and with such a limit neither it nor one that is nested too deep is asked for
    again.
    """

    __slots__ = (
        "deadline",
        "governors",
        "hooks",
        "idempotent",
        "mask",
        "max_bytes",
        "owner",
        "retries",
        "stream",
        "timeout",
    )

    def __init__(
        self,
        *,
        timeout: float,
        retries: int | None = None,
        deadline: float | None = None,
        idempotent: bool | None = None,
        governors: Sequence[Governor] = (),
        owner: Owner | None = None,
        hooks: Hooks | None = None,
        stream: bool = False,
        mask: Callable[[str], str] | None = None,
        max_bytes: int | None = None,
    ) -> None:
        self.timeout = timeout
        self.max_bytes = max_bytes
        self.mask = mask
        self.retries = retries
        self.deadline = deadline
        self.idempotent = idempotent
        self.governors = governors
        self.owner = owner
        self.hooks = hooks or NO_HOOKS
        self.stream = stream


def perform(request: Request, plan: Plan, decode: Callable[[Response], T], shown_url: str) -> Flow[T]:
    """Send until it works, or until it is clear that it will not.

    Idempotent methods are repeated on 500, 502, 503, 504, on broken connections and on bodies that `decode` refuses
    with TransportError; every method on 429 and where the request did not leave (neither was executed). A `Retry-After`
    beyond the deadline, or beyond a minute without one, ends the tries. With `plan.stream` the slots stay taken until
    the response is closed.
    """
    watch = Watch(plan.hooks, request.method, shown_url)
    idempotent = request.method in IDEMPOTENT if plan.idempotent is None else plan.idempotent
    until = None if plan.deadline is None else time.monotonic() + plan.deadline
    failed = refused = 0
    while True:
        held: list[Slot] = []
        sent = False
        delay: float | None = None
        failure: RemoteManagerError
        watch.attempt += 1
        try:
            for governor in plan.governors:
                slot = yield Acquire(governor, until, plan.owner, watch.waits)
                held.append(slot)
            watch.sends()
            sent = True
            response: Response = yield Send(request, plan.timeout, until, plan.stream, plan.max_bytes)
            try:
                watch.answered(response.status)
            except BaseException:
                response.close()
                raise
            response.asked = request.method, shown_url, watch.attempt
            if response.status < 300:
                if plan.stream:
                    response.held, held = held, []
                return decode(response)
            delay = retry_after(response.headers.get("retry-after"), time.time())
            failure = api_error(
                status=response.status,
                headers=response.headers,
                body=response.read(),
                method=request.method,
                url=shown_url,
                attempts=watch.attempt,
                retry_after=delay,
                mask=plan.mask,
            )
            throttled = response.status == 429
            # What was refused was not executed, and counts for no window.
            sent = not throttled
            again = throttled or (idempotent and response.status in RETRIED)
        except Paused as pause:
            raise Throttled(
                f"{request.method} {shown_url} was not sent: {pause}, which only a call with a deadline does",
                status=429,
                method=request.method,
                url=shown_url,
                attempts=watch.attempt - 1,
                retry_after=pause.seconds,
            ) from None
        except TransportError as error:
            error.method, error.url, error.attempts = request.method, shown_url, watch.attempt
            failure, throttled = error, False
            # Who limits an answer expects one without measure: the next would be no better.
            measured = plan.max_bytes is not None and isinstance(error, TooLarge)
            again = (idempotent or not error.sent) and not measured
        else:
            if not delay:
                # Coming back at once, as a date that has passed asks for, would only be refused again.
                told, delay = False, backoff(refused if throttled else failed)
            else:
                told = True
            if throttled:
                for governor in plan.governors:
                    governor.refuse(delay, told=told)
        finally:
            for slot in held:
                slot.release(sent=sent)
        if delay is None:
            delay = backoff(failed)
        failed, refused = failed + (not throttled), refused + throttled
        usual = failed > RETRIES or refused > REFUSALS
        spent = usual if plan.retries is None else watch.attempt > plan.retries
        # Without a deadline nobody has said that they would wait for an hour.
        late = delay > LONGEST_WAIT if until is None else time.monotonic() + delay > until
        if not again or spent or late:
            raise failure
        watch.retries(delay, failure)
        yield Wait(delay)


def backoff(times: int, first: float | None = None, longest: float = LONGEST_DELAY) -> float:
    """Seconds to wait after so many waits before: each twice the one before, up to half less by chance."""
    begin = FIRST_DELAY if first is None else first
    return min(longest, begin * 2.0 ** min(times, 100)) * random.uniform(0.5, 1.0)  # noqa: S311


def retry_after(value: str | None, now: float) -> float | None:
    """Seconds from a `Retry-After` header (seconds or an HTTP date), at most an hour; None where it says nothing."""
    if not value:
        return None
    try:
        seconds = float(value.replace("_", " "))  # an underscore is Python's, not HTTP's
    except ValueError:
        from email.utils import parsedate_to_datetime

        try:
            seconds = parsedate_to_datetime(value).timestamp() - now
        except (ValueError, OverflowError):
            return None
    return min(max(seconds, 0.0), 3600.0) if seconds == seconds else None


def decode_json(response: Response, *, required: bool) -> Any:
    """A body as JSON; None for an empty one. Raises TransportError where `required` JSON is missing or broken off,
    TooLarge where it is nested too deep.
    """
    body = response.read()
    if response.status == 204 or (not body and not required):
        return None
    import msgspec

    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        import json

        kind = response.headers.get("content-type", "no content type")
        answered = f"answered {response.status}, but the body ({kind})"
        try:
            # Halves of surrogate pairs, NaN, a byte-order mark: one name in a page must not cost the page.
            return json.loads(body)
        except ValueError:
            pass
        except RecursionError:
            raise TooLarge(f"{answered} is nested too deep to be read", body=body) from None
        what = "ends early or is no JSON" if body else "is empty"
        if isinstance(error, UnicodeDecodeError):
            what = "is not UTF-8"
        raise TransportError(f"{answered} {what}: {error}", body=body) from None


def decode_any(response: Response, *, required: bool) -> Any:
    """A body by its content type: JSON decoded, text as str, all else as bytes; None where there is none."""
    body = response.read()
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json" or kind.endswith("+json"):
        return decode_json(response, required=required)
    if response.status == 204 or not body:
        return None
    if kind.startswith("text/") or kind in ("application/xml", "application/csv"):
        return _text(body, response.charset)
    return body


def _text(body: bytes, charset: str | None) -> str:
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
