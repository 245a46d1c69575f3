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


def check_seconds(name: str, value: float | None) -> None:
    """Raise ValueError for what is no time in seconds above 0."""
    # `not` rather than `<=`: a time that is no number is refused too.
    if value is not None and (not isinstance(value, int | float) or not 0 < value < 1e9):
        raise ValueError(f"{name} must be a time in seconds above 0, not {value!r}")


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
    the documented 10-second window), 4 at a time. `uploads` is the window of device-data uploads, one at a time
    (documented: 60 a minute); None gives them no limit of their own.
    """

    __slots__ = ("__weakref__", "concurrent", "uploads", "windows")

    def __init__(
        self, *windows: tuple[int, float], concurrent: int = 4, uploads: tuple[int, float] | None = (60, 60)
    ) -> None:
        limits = windows if uploads is None else (*windows, uploads)
        # `not` rather than `<=`: a time that is no number is refused too.
        if concurrent < 1 or any(requests < 1 or not 0 < seconds < 1e9 for requests, seconds in limits):
            raise ValueError("a throttle needs at least one request in a positive time, and one at a time")
        self.windows = windows
        self.concurrent = concurrent
        self.uploads = uploads

    def __repr__(self) -> str:
        windows = ", ".join(map(repr, self.windows))
        return f"Throttle({windows}{', ' * bool(windows)}concurrent={self.concurrent}, uploads={self.uploads})"


class Options:
    """Settings of one call; None means the client's own.

    `timeout` is how many seconds a connection may be silent; `deadline` how many the call may take with all its tries
    and waits (a streamed answer must have begun by then); `retries` is how often a try that failed or was refused is
    repeated; `headers` are added to the request; `validate` is as for the client. `idempotent` says whether repeating
    the request does no harm: True lets a POST be repeated as a GET is, False keeps a PUT or DELETE from it. `actor` and
    `account_filter` are as for the client.
    """

    __slots__ = ("account_filter", "actor", "deadline", "headers", "idempotent", "retries", "timeout", "validate")

    def __init__(
        self,
        *,
        timeout: float | None = None,
        retries: int | None = None,
        headers: Mapping[str, str] | None = None,
        validate: Validate | None = None,
        deadline: float | None = None,
        idempotent: bool | None = None,
        actor: str | None = None,
        account_filter: str | None = None,
    ) -> None:
        if validate is not None:
            check_validate(validate)
        check_seconds("timeout", timeout)
        check_seconds("deadline", deadline)
        if retries is not None and (not isinstance(retries, int) or retries < 0):
            raise ValueError(f"retries must be a whole number from 0 on, not {retries!r}")
        self.timeout = timeout
        self.retries = retries
        self.headers = dict(headers or {})
        self.validate = validate
        self.deadline = deadline
        self.idempotent = idempotent
        self.actor = actor
        self.account_filter = account_filter

    def unchecked(self) -> Options:
        """The same without a check of what is sent."""
        import copy

        changed = copy.copy(self)
        changed.validate = "off"
        return changed

    def __repr__(self) -> str:
        # Header values may be credentials.
        return (
            f"Options(timeout={self.timeout}, retries={self.retries}, headers={sorted(self.headers)}, "
            f"validate={self.validate!r}, deadline={self.deadline}, idempotent={self.idempotent}, "
            f"actor={self.actor!r}, account_filter={self.account_filter!r})"
        )


NO_OPTIONS = Options()
