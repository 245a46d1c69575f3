"""Tells hooks and the log of a call's moments. Neither ever sees a header, a body or a secret."""

from __future__ import annotations

import logging
import time

from digirm_runtime.hooks import Event, Hooks

NO_HOOKS = Hooks()
#: A wait of so many seconds is worth a line to whoever watches a program.
LONG_WAIT = 1.0

log = logging.getLogger("digirm")


class Watch:
    """Watches one call; `attempt` counts its tries."""

    __slots__ = ("_hooks", "_method", "_started", "_url", "attempt")

    def __init__(self, hooks: Hooks, method: str, url: str) -> None:
        self._hooks = hooks
        self._method = method
        self._url = url
        self._started = 0.0
        self.attempt = 0

    def sends(self) -> None:
        """A try is about to be sent."""
        if self._hooks.on_request is not None:
            self._hooks.on_request(Event(self._method, self._url, self.attempt))
        self._started = time.monotonic()

    def answered(self, status: int) -> None:
        """An answer came; of a streamed one, its head."""
        seconds = time.monotonic() - self._started
        if log.isEnabledFor(logging.DEBUG):
            log.debug("%s %s answered %d in %.3f s", self._method, self._url, status, seconds)
        if self._hooks.on_response is not None:
            self._hooks.on_response(Event(self._method, self._url, self.attempt, status=status, seconds=seconds))

    def retries(self, seconds: float, error: Exception) -> None:
        """The call will be tried again after a wait."""
        if log.isEnabledFor(logging.INFO):
            status = getattr(error, "status", None)
            # What the server said stays out of logs.
            what = f"answered {status}" if status else error.args[0]
            log.info("%s %s: %s; trying again in %.1f s", self._method, self._url, what, seconds)
        if self._hooks.on_retry is not None:
            self._hooks.on_retry(
                Event(
                    self._method,
                    self._url,
                    self.attempt,
                    status=getattr(error, "status", None),
                    seconds=seconds,
                    error=error,
                )
            )

    def waits(self, seconds: float | None) -> None:
        """The throttle makes the call wait, for so long where that is known."""
        if seconds is None or seconds >= LONG_WAIT:
            known = "" if seconds is None else f" {seconds:.1f} s"
            log.info("%s %s waits%s for the throttle", self._method, self._url, known)
        if self._hooks.on_wait is not None:
            self._hooks.on_wait(Event(self._method, self._url, self.attempt, seconds=seconds))
