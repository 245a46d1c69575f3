"""Small values that users pass to clients and calls. None of them shows a secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from digirm_runtime.errors import CredentialsError

#: How a query is judged before it is sent: `strict` refuses what a reconstructed spec only doubts, `warn` logs, `off`
#: does not look.
Validate: TypeAlias = Literal["error", "strict", "warn", "off"]


def check_validate(value: str) -> None:
    """Raise ValueError for what is none of the words of `Validate`."""
    if value not in ("error", "strict", "warn", "off"):
        raise ValueError(f"validate must be 'error', 'strict', 'warn' or 'off', not {value!r}")


class ApiKey:
    """An API key: sent as `X-API-KEY-ID` and `X-API-KEY-SECRET` (documented by Digi).

    Raises CredentialsError for an id or secret that no header can hold, such as one with a newline behind it.
    """

    __slots__ = ("_secret", "id")

    def __init__(self, id: str, secret: str) -> None:
        for part, value in (("id", id), ("secret", secret)):
            if not value.isascii() or not value.isprintable() or not value or value.strip() != value:
                # The value stays out of the message: it is, or is almost, a secret.
                raise CredentialsError(f"the {part} of the API key is empty or holds characters that no header can")
        self.id = id
        self._secret = secret

    def headers(self) -> dict[str, str]:
        """The two request headers."""
        return {"x-api-key-id": self.id, "x-api-key-secret": self._secret}

    def __repr__(self) -> str:
        return "ApiKey(...)"


class Throttle:
    """Limits that a client keeps to: sliding windows as `(requests, seconds)`, and requests at one time.

    The default of `Client` is what Digi documents for a Premier account: 240 a minute, 40 in 10 seconds (its share of
    the documented 10-second window), 4 at a time.
    """

    __slots__ = ("concurrent", "windows")

    def __init__(self, *windows: tuple[int, float], concurrent: int = 4) -> None:
        if concurrent < 1 or any(requests < 1 or seconds <= 0 for requests, seconds in windows):
            raise ValueError("a throttle needs at least one request in a positive time, and one at a time")
        self.windows = windows
        self.concurrent = concurrent

    def __repr__(self) -> str:
        return f"Throttle({', '.join(map(repr, self.windows))}, concurrent={self.concurrent})"


class Options:
    """Settings of one call; None means the client's own.

    `timeout` is how many seconds a connection may be silent; `deadline` how many the call may take with all its tries
    and waits (a streamed answer must have begun by then); `retries` is how often a failed try is repeated; `headers`
    are added to the request; `validate` is as for the client.
    """

    __slots__ = ("deadline", "headers", "retries", "timeout", "validate")

    def __init__(
        self,
        *,
        timeout: float | None = None,
        retries: int | None = None,
        headers: Mapping[str, str] | None = None,
        validate: Validate | None = None,
        deadline: float | None = None,
    ) -> None:
        if validate is not None:
            check_validate(validate)
        self.timeout = timeout
        self.retries = retries
        self.headers = dict(headers or {})
        self.validate = validate
        self.deadline = deadline

    def __repr__(self) -> str:
        # Header values may be credentials.
        return (
            f"Options(timeout={self.timeout}, retries={self.retries}, headers={sorted(self.headers)}, "
            f"validate={self.validate!r}, deadline={self.deadline})"
        )


NO_OPTIONS = Options()
