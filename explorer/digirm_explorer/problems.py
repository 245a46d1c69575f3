"""Why the explorer gives no answer, as the page is told it."""

from __future__ import annotations

from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["session", "transport", "credentials", "locked", "confirm", "invalid", "aborted", "internal"]

_STATUS: dict[Kind, int] = {
    "session": 401,
    "transport": 502,
    "credentials": 409,
    "locked": 403,
    "confirm": 409,
    "invalid": 400,
    "aborted": 499,
    "internal": 500,
}


class Problem(Exception):  # noqa: N818 - what the page is told, and no failure of the explorer
    """A request of the page that gets no answer of the service.

    `status` is the HTTP status; `preview` and `digest` belong to `confirm`: what would be sent, and what confirms it.
    """

    def __init__(
        self,
        kind: Kind,
        message: str,
        *,
        status: int | None = None,
        preview: str | None = None,
        digest: str | None = None,
    ) -> None:
        super().__init__(message)
        self.kind: Kind = kind
        self.message = message
        self.status = _STATUS[kind] if status is None else status
        self.preview = preview
        self.digest = digest

    def document(self) -> dict[str, dict[str, str]]:
        """What is sent to the page."""
        found = {"kind": self.kind, "message": self.message, "preview": self.preview, "digest": self.digest}
        return {"error": {name: value for name, value in found.items() if value is not None}}


def problem(error: Exception) -> Problem | None:
    """The problem that an error of digirm's own is; None for one that nobody foresaw."""
    if isinstance(error, Problem):
        return error
    from digirm_explorer.examples import ExampleError
    from digirm_explorer.history import HistoryError
    from digirm_runtime import errors

    if isinstance(error, errors.CredentialsError):
        # What a program does instead, whoever sits at the page cannot.
        said = str(error).replace("or pass auth=", "or type them in under Credentials")
        return Problem("credentials", said)
    # A damaged file is no fault of the request, though an ExampleError is a ValueError, as a QueryError is.
    if isinstance(error, errors.SpecError | HistoryError | ExampleError):
        return Problem("internal", str(error))
    if isinstance(error, ValueError):
        return Problem("invalid", str(error))
    if isinstance(error, errors.RemoteManagerError):
        return Problem("transport", str(error))
    return None
