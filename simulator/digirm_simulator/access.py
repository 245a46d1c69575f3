"""Who may ask, and how often."""

from __future__ import annotations

import base64
import hmac
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from digirm_simulator.replies import Problem


class Accounts:
    """Users (HTTP Basic) and API keys. With neither given, any credentials will do, but some there must be."""

    def __init__(self, users: Mapping[str, str] | None, api_keys: Mapping[str, str] | None) -> None:
        self.users = dict(users or {})
        self.api_keys = dict(api_keys or {})

    def check(self, headers: Mapping[str, str]) -> None:
        """Raises Problem 401 for requests without valid credentials."""
        known = self.users
        name, secret = _basic(headers.get("authorization", ""))
        if not name and "x-api-key-id" in headers:
            known = self.api_keys
            name, secret = headers["x-api-key-id"], headers.get("x-api-key-secret", "")
        if not name or not secret:
            raise Problem(401, "Credentials are required: HTTP Basic or an API key")
        if (self.users or self.api_keys) and not _same(known.get(name), secret):
            raise Problem(401, "Invalid credentials")


def _basic(header: str) -> tuple[str, str]:
    """User and password; both empty where the header is not of this kind."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        user, _, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return user, password


def _same(expected: str | None, given: str) -> bool:
    # Compared in constant time, also for a user who does not exist.
    return hmac.compare_digest((expected or "").encode(), given.encode()) and expected is not None


class Throttle:
    """Sliding windows of (requests, seconds). Refused requests do not count."""

    def __init__(self, windows: Iterable[tuple[int, float]], clock: Callable[[], datetime]) -> None:
        self._windows = [(count, seconds, deque[float](maxlen=max(count, 1))) for count, seconds in windows]
        self._clock = clock
        self._lock = threading.Lock()
        if any(count < 1 or seconds <= 0 for count, seconds, _ in self._windows):
            raise ValueError("a throttle is a number of requests and a number of seconds, both positive")

    def check(self) -> None:
        """Take a slot in every window. Raises Problem 429 where one is full."""
        with self._lock:
            now = self._clock().timestamp()
            for count, seconds, times in self._windows:
                if len(times) == count and now - times[0] < seconds:
                    raise Problem(429, f"Too many requests: at most {count} in {seconds:g} seconds")
            for _, _, times in self._windows:
                times.append(now)
