"""What a program can watch of its calls."""

from __future__ import annotations

TYPE_CHECKING = False  # not from `typing`, which takes as long to import as all of this
if TYPE_CHECKING:
    from collections.abc import Callable


class Event:
    """One moment of a call. What does not apply is None; nothing here holds a secret, a header or a body.

    `method` and `url` (path and parameters, those that carry secrets masked) name the call, and `attempt` counts its
    tries from 1. `status` is the answer's; `seconds` how long the answer took, or how long the flow will wait at most;
    `error` is what a retry follows.
    """

    __slots__ = ("attempt", "error", "method", "seconds", "status", "url")

    def __init__(
        self,
        method: str,
        url: str,
        attempt: int,
        *,
        status: int | None = None,
        seconds: float | None = None,
        error: Exception | None = None,
    ) -> None:
        self.method = method
        self.url = url
        self.attempt = attempt
        self.status = status
        self.seconds = seconds
        self.error = error

    def __repr__(self) -> str:
        parts = [f"{self.method} {self.url}", f"attempt {self.attempt}"]
        if self.status is not None:
            parts.append(f"status {self.status}")
        if self.seconds is not None:
            parts.append(f"{self.seconds:.3f} s")
        return f"<Event {', '.join(parts)}>"


class Hooks:
    """Functions that are called at moments of every call, in the thread or task of the call.

    `on_request` before each try is sent, `on_response` when its answer has come, `on_retry` before the wait that
    another try follows, `on_wait` when the throttle makes a call wait. What a function raises ends the call.
    """

    __slots__ = ("on_request", "on_response", "on_retry", "on_wait")

    def __init__(
        self,
        *,
        on_request: Callable[[Event], object] | None = None,
        on_response: Callable[[Event], object] | None = None,
        on_retry: Callable[[Event], object] | None = None,
        on_wait: Callable[[Event], object] | None = None,
    ) -> None:
        self.on_request = on_request
        self.on_response = on_response
        self.on_retry = on_retry
        self.on_wait = on_wait
