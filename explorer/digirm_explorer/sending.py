"""A composed request on its way: checked, confirmed where it writes, sent, read, and remembered."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from digirm_explorer.problems import Problem, problem

if TYPE_CHECKING:
    from digirm_explorer.composed import Composed
    from digirm_explorer.history import History
    from digirm_explorer.knowledge import Knowledge
    from digirm_explorer.service import Service
    from digirm_explorer.shelf import Kept, Shelf
    from digirm_explorer.upstream import Attempt, Received
    from digirm_runtime.calls.known import Known
    from digirm_runtime.calls.planned import Planned
    from digirm_runtime.client import AsyncClient
    from digirm_runtime.operation import Operation
    from digirm_runtime.wire import Request

_LOG = logging.getLogger(__name__)
READS = frozenset(("GET", "HEAD"))
#: Characters of a text answer that the history gets; it keeps less of it.
_REMEMBERED = 2 << 20
_EXTENSIONS = {"json": ".json", "csv": ".csv", "xml": ".xml", "text": ".txt", "binary": ".bin", "empty": ".txt"}


class _Wanted(msgspec.Struct):
    request: dict[str, Any]
    confirm: str | None = None
    follows: int | None = None


class _Prepared(NamedTuple):
    composed: Composed
    planned: Planned
    known: Known | None
    client: AsyncClient
    operation: Operation[Any]
    follows: int | None


class Sending:
    """Sends what the page composed; its calls may run at once."""

    def __init__(self, knowledge: Knowledge, service: Service, history: History, shelf: Shelf) -> None:
        self._knowledge = knowledge
        self._service = service
        self._history = history
        self._shelf = shelf

    async def send(self, data: object) -> dict[str, Any]:
        """`Answer` of the page's `types.ts`. Raises Problem, and what a problem is made of."""
        from digirm_explorer.shelf import Kept
        from digirm_explorer.upstream import Attempt, fetch

        call = await asyncio.to_thread(self._prepare, data)
        kept, attempt = Kept(), Attempt()
        try:
            received = await fetch(call.client, call.operation, kept, attempt)
        except BaseException as error:
            kept.leave()
            if attempt.request is not None:
                # Cancelled by a page that has gone, this goes on: what was sent may have been carried out.
                await asyncio.shield(asyncio.to_thread(self._failed, call, attempt, error))
            raise
        self._shelf.add(kept)
        return await asyncio.to_thread(self._answer, call, received, kept)

    def _prepare(self, data: object) -> _Prepared:
        from digirm_explorer.composed import Composed, planned
        from digirm_explorer.upstream import MOST_OF_ERROR, request_of
        from digirm_runtime.calls.sending import operation

        try:
            wanted = msgspec.convert(data, _Wanted)
        except msgspec.ValidationError as error:
            raise Problem("invalid", f"that is nothing to send: {error}") from None
        composed = Composed.read(wanted.request)
        specs, url = self._knowledge.calls, self._service.url
        plan = planned(composed, url, specs.base_path)
        if plan.method not in READS and self._service.writes == "locked":
            raise Problem("locked", f"{url} is a real service, and is only read: allow writes before a {plan.method}")
        client = self._service.client()
        known = specs.judge(plan.method, plan.path, plan.params).known
        made = operation(plan, known, "call", accept="*/*", max_bytes=MOST_OF_ERROR)
        if plan.method not in READS and self._service.writes == "confirmed":
            _confirmed(client, request_of(client, made), wanted.confirm)
        return _Prepared(composed, plan, known, client, made, wanted.follows)

    def _answer(self, call: _Prepared, received: Received, kept: Kept) -> dict[str, Any]:
        from digirm_explorer import bodies, lists

        body = bodies.read(kept, received.media_type, received.charset)
        listed = lists.Listed()
        if received.status < 300 and received.says is None:
            content = b"" if body.shortened else kept.head(kept.size)
            type = received.headers.get("content-type", "")
            listed = lists.listed(body, call.planned, call.known, content, type)
        says = [text for text in (received.says, body.says, listed.says) if text]
        following = None if listed.next is None else lists.following(call.composed, listed.next)
        kept.name = _name(call.planned.path, body.kind)
        answer = {
            "id": kept.id,
            "history": None,
            "method": received.request.method,
            "target": received.target,
            "status": received.status,
            "reason": received.reason,
            "milliseconds": received.milliseconds,
            "size": kept.size,
            "tries": 1,
            "headers": list(received.headers.items()),
            "media_type": received.media_type,
            "kind": body.kind,
            "says": "; ".join(says) or None,
            "text": body.text,
            "shortened": body.shortened,
            "rows": listed.rows,
            "items": listed.items,
            "count": listed.number,
            "next": None if following is None else msgspec.to_builtins(following),
            "gauge": self._service.gauge(),
        }
        answer["history"] = self._remember(call, received.request, answer)
        return answer

    def _failed(self, call: _Prepared, attempt: Attempt, error: BaseException) -> None:
        """Remember a call that got no answer."""
        known = problem(error) if isinstance(error, Exception) else None
        stopped = isinstance(error, asyncio.CancelledError)
        text = "stopped before its answer came" if stopped else known.message if known else type(error).__name__
        assert attempt.request is not None
        request = attempt.request
        target = request.url.removeprefix(call.client.url)
        about = {"method": request.method, "target": target, "milliseconds": attempt.milliseconds, "error": text}
        self._remember(call, request, about)

    def _remember(self, call: _Prepared, request: Request, about: dict[str, Any]) -> int | None:
        from digirm_explorer.history import HistoryError

        try:
            if call.follows is not None and "error" not in about:
                self._history.follow(call.follows, milliseconds=about["milliseconds"], size=about["size"])
                return call.follows
            names = ("status", "size", "headers", "media_type", "kind", "shortened")
            text = about.get("text")
            return self._history.add(
                msgspec.to_builtins(call.composed),
                url=call.client.url,
                method=about["method"],
                target=about["target"],
                milliseconds=about["milliseconds"],
                error=about.get("error"),
                text=None if text is None else text[:_REMEMBERED],
                secrets=_secrets(call.client),
                **{name: about[name] for name in names if name in about},
            )
        except HistoryError as error:
            # An answer that came is not withheld because it cannot be remembered.
            _LOG.warning("%s %s is not remembered: %s", request.method, call.planned.path, error)
            return None


def _confirmed(client: AsyncClient, request: Request, given: str | None) -> None:
    """Raise Problem `confirm` for a request that was not confirmed as it is."""
    from digirm_explorer.confirming import confirms, digest, preview

    if given is not None and confirms(given, request):
        return
    text = "this changes a real service: confirm what will be sent"
    if given is not None:
        text = "the request is another one than was confirmed: look at it again"
    shown = preview(request, client._credentials.headers())
    raise Problem("confirm", text, preview=shown, digest=digest(request))


def _secrets(client: AsyncClient) -> list[str]:
    """What must not be remembered wherever it stands."""
    credentials = client._credentials
    pair = credentials.user_password()
    return [value for value in (*credentials.headers().values(), *(pair or ())[1:]) if value]


def _name(path: str, kind: str) -> str:
    """A file's name for what a path answered."""
    last = path.rstrip("/").rpartition("/")[2]
    safe = "".join(char if char.isascii() and (char.isalnum() or char in "-_") else "-" for char in last)
    return (safe.strip("-")[:80] or "answer") + _EXTENSIONS[kind]
