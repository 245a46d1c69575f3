"""A composed request on its way: checked, confirmed where it writes, sent, read, and remembered."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from digirm_explorer.problems import Problem, problem

if TYPE_CHECKING:
    from concurrent.futures import Executor

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
#: Seconds that an answer waits for its number in the history, which another process may be using.
_PATIENCE = 1.0


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

    def __init__(
        self, knowledge: Knowledge, service: Service, history: History, shelf: Shelf, memory: Executor
    ) -> None:
        """`memory` is the thread in which the history is used: what waits for its file keeps nothing else waiting."""
        self._knowledge = knowledge
        self._service = service
        self._history = history
        self._shelf = shelf
        self._memory = memory

    async def send(self, data: object) -> dict[str, Any]:
        """`Answer` of the page's `types.ts`. Raises Problem, and what a problem is made of."""
        call = await asyncio.to_thread(self._prepare, data)
        async with self._service.calling(call.client):
            return await self._sent(call)

    async def _sent(self, call: _Prepared) -> dict[str, Any]:
        from digirm_explorer.shelf import Kept
        from digirm_explorer.upstream import Attempt, fetch

        kept, attempt = Kept(), Attempt()
        try:
            received = await fetch(call.client, call.operation, kept, attempt)
        except BaseException as error:
            kept.leave()
            if attempt.request is not None:
                # Cancelled by a page that has gone, this goes on: what was sent may have been carried out.
                await asyncio.shield(self._failed(call, attempt, error))
            raise
        return await asyncio.shield(self._came(call, received, kept))

    def _prepare(self, data: object) -> _Prepared:
        from digirm_explorer.composed import Composed, masked, planned
        from digirm_explorer.upstream import MOST_OF_ERROR
        from digirm_runtime.calls.sending import operation, prepared
        from digirm_runtime.flow import READS

        try:
            wanted = msgspec.convert(data, _Wanted)
        except msgspec.ValidationError as error:
            raise Problem("invalid", f"that is nothing to send: {error}") from None
        composed = Composed.read(wanted.request)
        specs, url = self._knowledge.calls, self._service.url
        plan = planned(composed, url, specs.base_path)
        if plan.method not in READS and self._service.writes == "locked":
            raise Problem("locked", f"{url} is a real service, and is only read: allow writes before a {plan.method}")
        if plan.method not in READS and (why := masked(plan)):
            raise Problem("invalid", why)
        client = self._service.client()
        known = specs.judge(plan.method, plan.path, plan.params).known
        made = operation(plan, known, "call", accept="*/*", max_bytes=MOST_OF_ERROR)
        if plan.method not in READS and self._service.writes == "confirmed":
            _confirmed(client, prepared(client, made), wanted.confirm)
        return _Prepared(composed, plan, known, client, made, wanted.follows)

    async def _came(self, call: _Prepared, received: Received, kept: Kept) -> dict[str, Any]:
        try:
            answer = await asyncio.to_thread(self._answer, call, received, kept)
        except BaseException:
            kept.leave()
            raise
        self._shelf.add(kept)
        answer["history"] = await self._remember(call, answer)
        return answer

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
        return {
            "id": kept.id,
            "history": None,
            "method": received.request.method,
            "target": received.target,
            "status": received.status,
            "reason": received.reason,
            "milliseconds": received.milliseconds,
            "size": kept.size,
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
            "writes": self._service.writes,
            "gauge": self._service.gauge(),
        }

    async def _failed(self, call: _Prepared, attempt: Attempt, error: BaseException) -> None:
        """Remember a call that got no answer."""
        known = problem(error) if isinstance(error, Exception) else None
        stopped = isinstance(error, asyncio.CancelledError)
        text = "stopped before its answer came" if stopped else known.message if known else type(error).__name__
        assert attempt.request is not None
        request = attempt.request
        target = request.url.removeprefix(call.client.url)
        about = {"method": request.method, "target": target, "milliseconds": attempt.milliseconds, "error": text}
        await self._remember(call, about)

    async def _remember(self, call: _Prepared, about: dict[str, Any]) -> int | None:
        """The number of the call in the history; None where it has none, or gets it later."""
        # A page that failed is a call of its own: it leaves a trace.
        if call.follows is not None and about.get("status", 400) < 400:
            values = None
        else:
            values = await asyncio.to_thread(self._record, call, about)
        loop = asyncio.get_running_loop()
        kept = loop.run_in_executor(self._memory, self._keep, call, about, values)
        done, _ = await asyncio.wait((kept,), timeout=_PATIENCE)
        return kept.result() if done else None

    def _record(self, call: _Prepared, about: dict[str, Any]) -> dict[str, Any]:
        from digirm_explorer.history import record
        from digirm_runtime.calls.sending import credentials

        names = ("status", "size", "headers", "media_type", "kind", "shortened")
        return record(
            msgspec.to_builtins(call.composed),
            url=call.client.url,
            method=about["method"],
            target=about["target"],
            milliseconds=about["milliseconds"],
            error=about.get("error"),
            text=about.get("text"),
            secrets=credentials(call.client).secrets(),
            **{name: about[name] for name in names if name in about},
        )

    def _keep(self, call: _Prepared, about: dict[str, Any], values: dict[str, Any] | None) -> int | None:
        from digirm_explorer.history import HistoryError

        try:
            if values is not None:
                return self._history.keep(values)
            assert call.follows is not None
            self._history.follow(call.follows, milliseconds=about["milliseconds"], size=about["size"])
            return call.follows
        except HistoryError as error:
            # An answer that came is not withheld because it cannot be remembered.
            _LOG.warning("%s %s is not remembered: %s", about["method"], call.planned.path, error)
            return None


def _confirmed(client: AsyncClient, request: Request, given: str | None) -> None:
    """Raise Problem `confirm` for a request that was not confirmed as it is."""
    from digirm_explorer.confirming import confirms, digest, preview
    from digirm_runtime.calls.sending import credentials

    if given is not None and confirms(given, request):
        return
    text = "this changes a real service: confirm what will be sent"
    if given is not None:
        text = "the request is another one than was confirmed, or was sent already: look at it again"
    shown = preview(request, credentials(client).headers())
    raise Problem("confirm", text, preview=shown, digest=digest(request))
