"""What an API says about itself, freed of the machine that says it, and compared with what a client was made from.

The crawler writes what is cleaned here; a client that expects a version (`Client(expect=...)`) compares with it.
"""

from __future__ import annotations

import re
import sys
import time
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from digirm_runtime.errors import (
    APIError,
    ContractWarning,
    RemoteManagerError,
    ServerError,
    SpecError,
    Throttled,
    TooLarge,
    TransportError,
    WouldWaitForItself,
)
from digirm_runtime.flow import decode_json
from digirm_runtime.options import Options
from digirm_runtime.spec import MAX_DEPTH, MAX_FILE_BYTES, fingerprint, normalise

if TYPE_CHECKING:
    from digirm_runtime.base import BaseClient
    from digirm_runtime.flow import Flow, Plan
    from digirm_runtime.throttle import Owner
    from digirm_runtime.wire import Response

#: How often a category is asked about that gives no answer.
TRIES = 2
#: The part of a call's deadline that a comparison may take.
SHARE = 0.25

_OURS = __name__.partition(".")[0]


class TooDeepError(ValueError):
    """A document is nested so deep that what reads it later could fail."""


class Cleaner:
    """Takes the host behind `origin` out of documents: a spec speaks of an API, not of the machine that serves it."""

    def __init__(self, origin: str) -> None:
        self._host = _host_pattern(origin)

    def clean(self, value: Any, depth: int = 0) -> Any:
        """`value` without the host. Raises TooDeepError for more than `MAX_DEPTH` levels."""
        if depth > MAX_DEPTH:
            raise TooDeepError(f"nested deeper than {MAX_DEPTH}")
        if isinstance(value, str):
            return self._host.sub("", value) if self._host else value
        if isinstance(value, list):
            return [self.clean(item, depth + 1) for item in value]
        if isinstance(value, dict):
            return {key: self.clean(item, depth + 1) for key, item in value.items()}
        return value


def _host_pattern(origin: str) -> re.Pattern[str] | None:
    """Matches the origin, with or without its scheme and port, but not a lone word that happens to be a host's name."""
    host = urlsplit(origin).hostname
    if not host:
        return None
    shown = re.escape(f"[{host}]" if ":" in host else host)
    forms = [rf"(?:https?:)?//{shown}(?::\d+)?(?![\w.-])", rf"(?<![\w.-]){shown}:\d+(?!\w)"]
    if "." in host or ":" in host:
        forms.append(rf"(?<![\w.-]){shown}(?![\w-])")
    return re.compile("|".join(forms), re.IGNORECASE)


class Expectation:
    """What one client expects of its service: the categories of the version that its package was made from.

    The first call below a category asks for the category's own description first, once, and compares it. Calls that
    come meanwhile go on: nobody waits for another's comparison. What gives no answer in time is asked again at the next
    call, and then no more.
    """

    def __init__(self, client: BaseClient, version: str) -> None:
        """Raises ValueError for another version than the package's, SpecError where it does not know its categories."""
        info = client.spec_info
        if version != info.get("api_version"):
            raise ValueError(f"expect={version!r}, but this client was made from version {info.get('api_version')!r}")
        base, known = info.get("base_path"), info.get("categories")
        if not isinstance(base, str) or not isinstance(known, dict):
            raise SpecError("the manifest of this client names no categories to compare: generate the package again")
        self._version = version
        self._prefix = f"{base}/"
        # Who takes a category out of here compares it: taking is one step, also among threads.
        self._open = {name: _Question(marked, TRIES) for name, marked in known.items()}

    def before(self, flow: Flow[Any], plan: Plan, client: BaseClient, path: str, owner: Owner | None) -> Flow[Any]:
        """`flow`, which sends to `path` by `plan`, with the comparison before it; both share the plan's deadline."""
        name = path.removeprefix(self._prefix).partition("?")[0].partition("/")[0]
        question = self._open.pop(name, None) if path.startswith(self._prefix) else None
        if question is not None:
            began = time.monotonic()
            yield from self._compare(client, name, question, plan, owner)
            if plan.deadline is not None:
                plan.deadline = max(0.0, plan.deadline - (time.monotonic() - began))
        return (yield from flow)

    def _compare(
        self, client: BaseClient, name: str, question: _Question, plan: Plan, owner: Owner | None
    ) -> Flow[None]:
        path = self._prefix + name
        again: _Question | None = question
        doubt = ""
        try:
            doubt = yield from _doubt(client, path, question.known, plan, owner)
            again = None
        except WouldWaitForItself:
            pass  # nobody was asked
        except RemoteManagerError as error:
            if question.tries > 1:
                again = question._replace(tries=question.tries - 1)
            else:
                doubt, again = _reason(error), None
        finally:
            if again is not None:
                self._open[name] = again
        if doubt:
            self._warn(path, doubt)

    def _warn(self, path: str, doubt: str) -> None:
        if doubt == _DIFFERS:
            text = (
                f"{path} is not what version {self._version} has there: the service is of another version. "
                "`digirm crawl --check` shows the difference, `digirm bump` makes a client that fits"
            )
        else:
            text = f"{path} could not be compared with version {self._version}: {doubt}"
        warnings.warn(text, ContractWarning, stacklevel=_level_of_caller())


_DIFFERS = "it differs"


class _Question(NamedTuple):
    """A category that was not compared yet: its fingerprint, and how often it may still be asked about."""

    known: str
    tries: int


def _reason(error: RemoteManagerError) -> str:
    if isinstance(error, APIError):
        return f"it answered {error.status}"
    return "its answer is too long" if isinstance(error, TooLarge) else "it gave no usable answer"


def _doubt(client: BaseClient, path: str, known: str, plan: Plan, owner: Owner | None) -> Flow[str]:
    """What speaks against the description of a category, empty where it has the fingerprint `known`.

    It is tried once, for as long as one silence of the call may last or a share of its deadline: the call comes first.
    Raises RemoteManagerError where another try may say more.
    """
    most = plan.timeout if plan.deadline is None else min(plan.timeout, SHARE * plan.deadline)
    options = Options(timeout=most, deadline=most, retries=0)
    try:
        response: Response = yield from client._send(
            "GET", path, None, None, options, lambda response: response, owner=owner, max_bytes=MAX_FILE_BYTES
        )
    except (Throttled, ServerError):
        raise
    except (TooLarge, APIError) as error:
        return _reason(error)
    try:
        document = decode_json(response, required=True)
        if not isinstance(document, dict) or not isinstance(document.get("list"), list):
            return "its answer has no list of paths"
        found = fingerprint(normalise(Cleaner(client.origin).clean(document)))
    except (TransportError, ValueError):
        return "its answer cannot be read"
    return "" if found == known else _DIFFERS


def _level_of_caller() -> int:
    """The `stacklevel` of the first frame outside the runtime.

    That is the line which called; where a page is fetched ahead, in a thread or task of its own, the outermost frame.
    """
    level, frame = 1, sys._getframe(1)
    while frame.f_globals.get("__name__", "").partition(".")[0] == _OURS and frame.f_back is not None:
        level, frame = level + 1, frame.f_back
    return level
