"""The one error tree.

    RemoteManagerError
    ├─ QueryError            an invalid query, found before sending (also a ValueError)
    ├─ TranslationError      a condition that SQL, a predicate or a legacy condition cannot express (also a ValueError)
    ├─ SpecError             a spec folder, an override or a generated file that cannot be used
    ├─ CredentialsError      no usable credentials were found; nothing was sent
    ├─ WouldWaitForItself    every request that the throttle allows at a time is held open by the caller itself
    ├─ TransportError        no answer, or one that broke off or could not be decoded
    │  └─ TooLarge           an answer longer than the caller takes, or nested too deep
    └─ APIError              an answer with an error status
       ├─ BadRequest   400
       ├─ AuthError    401
       ├─ Forbidden    403
       ├─ NotFound     404
       ├─ Throttled    429   (retry_after)
       └─ ServerError  5xx   (retry_after)

Beside the calls of v1, and defined with them: `digirm_runtime.sci.SCIError` (a command that was refused as a whole) and
`JobTimeoutError`, `digirm_runtime.data.UploadError`, `digirm_runtime.push.PushError`.

All can be pickled. None of them holds credentials: URLs are kept without user information.

`ContractWarning` stands beside the tree: it is warned of, and ends no call.
"""

from __future__ import annotations

TYPE_CHECKING = False  # not from `typing`: checking a query never imports it
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from digirm_runtime.query.ast import Condition
    from digirm_runtime.query.report import Report


class RemoteManagerError(Exception):
    """Base of every error that digirm raises on purpose."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions with keyword-only attributes do not survive the default protocol.
        return _rebuild, (type(self), self.args, self.__dict__)


def _rebuild(cls: type[RemoteManagerError], args: tuple[Any, ...], state: dict[str, Any]) -> RemoteManagerError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class ContractWarning(UserWarning):
    """The service describes itself otherwise than the version that a client expects, or not at all."""


class QueryError(RemoteManagerError, ValueError):
    """An invalid query, ordering, size or field list. `report` holds every fault; `str()` shows carets."""

    def __init__(self, report: Report) -> None:
        super().__init__(str(report))
        self.report = report


class TranslationError(RemoteManagerError, ValueError):
    """A condition of a query that has no translation. `condition` is that one; None where it lies in no single one."""

    def __init__(self, reason: str, condition: Condition | None = None) -> None:
        shown = "" if condition is None else str(condition)
        shown = shown if len(shown) <= 100 else shown[:99] + "…"
        super().__init__(f"{shown}: {reason}" if shown else reason)
        self.condition = condition


class SpecError(RemoteManagerError):
    """A spec folder, an override or a generated file that cannot be used."""


class CredentialsError(RemoteManagerError):
    """No usable credentials were found; nothing was sent."""


class WouldWaitForItself(RemoteManagerError):
    """Waiting for a slot of the throttle would never end.

    All are held by the caller itself, by open streams for example, or by threads or tasks that wait for one more.
    """


class TransportError(RemoteManagerError):
    """No usable answer.

    `sent` is False where the request provably did not reach the server; `body` holds the bytes of an answer that broke
    off or could not be decoded; `attempts` counts the tries.
    """

    def __init__(
        self, message: str, *, method: str = "", url: str = "", sent: bool = True, body: bytes = b"", attempts: int = 1
    ) -> None:
        super().__init__(message)
        self.method = method
        self.url = url
        self.sent = sent
        self.body = body
        self.attempts = attempts

    def __str__(self) -> str:
        text = super().__str__()
        tries = f" after {self.attempts} attempts" if self.attempts > 1 else ""
        return f"{self.method} {self.url}{tries}: {text}" if self.url else text


class TooLarge(TransportError):
    """An answer that is nested too deep, holds more than can be held, or is longer than the caller takes.

    Nothing of it is kept.
    """


class APIError(RemoteManagerError):
    """An answer with an error status.

    `error_message` and `error_context` are the server's, where its body had them, the former without the credentials
    that it may quote; `body` is raw; `attempts` counts the tries.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        method: str,
        url: str,
        error_message: str | None = None,
        error_context: Any = None,
        body: bytes = b"",
        attempts: int = 1,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.method = method
        self.url = url
        self.error_message = error_message
        self.error_context = error_context
        self.body = body
        self.attempts = attempts
        self.retry_after = retry_after


class BadRequest(APIError):
    """400: the server refused the input.

    `report` shows with a caret what of a query the server could not parse; None where it said nothing of that kind.
    """

    report: Report | None = None

    def explain(self, report: Report | None) -> None:
        """Add what is known of a query that was refused."""
        if report is not None:
            self.report = report
            # The report holds the server's words already.
            self.args = (f"{self.method} {self.url} answered {self.status}\n{report}",)


class AuthError(APIError):
    """401: the credentials were refused."""


class Forbidden(APIError):
    """403: no permission, or the account is not subscribed to this feature."""


class NotFound(APIError):
    """404: no such object or path."""


class Throttled(APIError):
    """429: too many requests; `retry_after` in seconds where the server said so."""


class ServerError(APIError):
    """5xx: the service or a proxy before it failed; `retry_after` in seconds where the server said so."""


_BY_STATUS: dict[int, type[APIError]] = {400: BadRequest, 401: AuthError, 403: Forbidden, 404: NotFound, 429: Throttled}


def api_error(
    *,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    method: str,
    url: str,
    attempts: int = 1,
    retry_after: float | None = None,
    mask: Callable[[str], str] | None = None,
) -> APIError:
    """The error for an answer of 3xx to 5xx; HTML, text and empty bodies are as welcome as JSON ones.

    `mask` hides credentials in the server's words, which may quote the request.
    """
    text, context = _server_message(headers.get("content-type", ""), body, mask or str)
    cls = _BY_STATUS.get(status, ServerError if status >= 500 else APIError)
    tries = f" after {attempts} attempts" if attempts > 1 else ""
    return cls(
        f"{method} {url} answered {status}{tries}" + (f": {text}" if text else ""),
        status=status,
        method=method,
        url=url,
        error_message=text,
        error_context=context,
        body=body,
        attempts=attempts,
        retry_after=retry_after,
    )


def _server_message(content_type: str, body: bytes, mask: Callable[[str], str]) -> tuple[str | None, Any]:
    """What the server said, from the key it is known to use, or from a body that is plain text."""
    import json

    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        said = _xml_message(body)
        if said is not None:
            return mask(said), None
        text = mask(body.decode("utf-8", "replace").strip())
        # A proxy's HTML page says nothing that its status does not.
        return (text[:500] if text and "html" not in content_type and not text.startswith("<") else None), None
    if isinstance(document, dict):
        message = document.get("error_message") or document.get("description") or document.get("error")
        return (mask(message) if isinstance(message, str) else None), document.get("error_context")
    return None, None


#: How the errors of the legacy API and of SCI begin; a page of HTML does not.
_XML = (b"<?xml", b"<result", b"<error", b"<sci_reply")
_MOST_XML = 1_000_000


def _xml_message(body: bytes) -> str | None:
    """What stands in the `error` elements of an XML body, None where it is none or has none."""
    if not body.lstrip()[:10].lower().startswith(_XML) or len(body) > _MOST_XML:
        return None
    from digirm_runtime.xmltext import XMLError, parse

    try:
        name, value = parse(body.lstrip())
    except XMLError:
        return None
    stack: list[tuple[str, Any]] = [(name, value)]
    found: list[str] = []
    while stack:
        name, value = stack.pop()
        if isinstance(value, list):
            stack += ((name, item) for item in reversed(value))
        elif isinstance(value, dict) and name == "error":
            # SCI: the number is an attribute, and the text an element.
            texts = (value.get(key) for key in ("desc", "#text", "hint"))
            found += (text for text in texts if isinstance(text, str) and text.strip())
        elif isinstance(value, dict):
            stack += reversed(value.items())
        elif name == "error" and value.strip():
            found.append(value.strip())
    return "; ".join(found)[:2000] or None
