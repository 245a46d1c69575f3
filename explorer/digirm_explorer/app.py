"""The local web application: what the page asks for, as routes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from threading import Event
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from digirm_explorer import exchange, page
from digirm_explorer.exchange import reply
from digirm_explorer.problems import Problem, problem
from digirm_explorer.security import Access, Gate

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from starlette.types import Receive, Scope, Send

    from digirm_explorer.history import History
    from digirm_explorer.knowledge import Knowledge
    from digirm_explorer.service import Service
    from digirm_explorer.shelf import Kept

_LOG = logging.getLogger(__name__)
P = ParamSpec("P")
T = TypeVar("T")


class Explorer:
    """The routes, and what they share. What belongs to the API is imported by the first request that needs it."""

    def __init__(self, knowledge: Knowledge, service: Service, history: History) -> None:
        from concurrent.futures import ThreadPoolExecutor

        from digirm_explorer.sending import Sending
        from digirm_explorer.shelf import Shelf

        # Threads of their own: no query waits for a file that another process uses, or for a long answer.
        self._memory = ThreadPoolExecutor(1, "digirm-history")
        self._checker = ThreadPoolExecutor(2, "digirm-queries")
        self._knowledge = knowledge
        self._service = service
        self._history = history
        self._shelf = Shelf()
        self._sending = Sending(knowledge, service, history, self._shelf, self._memory)
        self._calls: set[asyncio.Task[Any]] = set()
        #: Set when a page has asked for something, and so is there.
        self.visited = Event()

    def application(self, access: Access) -> Gate:
        """The whole application, which lets in whom `access` knows."""
        routes = [
            Route("/", page.page),
            Route("/favicon.ico", page.no_icon),
            Route("/assets/{name}", page.asset),
            self._route("/api/session", self._session),
            self._route("/api/catalog", self._catalog),
            self._route("/api/examples", self._examples),
            self._route("/api/gauge", self._gauge),
            self._route("/api/credentials", self._sign_in, "POST"),
            self._route("/api/credentials", self._sign_out, "DELETE"),
            self._route("/api/writes", self._writes, "POST"),
            self._route("/api/judge", self._judge, "POST"),
            self._route("/api/query/check", self._check, "POST"),
            self._route("/api/query/complete", self._complete, "POST"),
            self._route("/api/query/sql", self._sql, "POST"),
            self._route("/api/send", self._send, "POST"),
            self._route("/api/export", self._export, "POST"),
            self._route("/api/link", self._link, "POST"),
            self._route("/api/answers/{id}", self._download),
            self._route("/api/history", self._search),
            self._route("/api/history", self._clear, "DELETE"),
            self._route("/api/history/{id}", self._remembered),
            self._route("/api/history/{id}", self._forget, "DELETE"),
        ]
        return Gate(Starlette(routes=routes), access)

    def warm(self) -> None:
        """Read what the first query and the first call need. Errors are told by those, and logged."""
        try:
            import digirm_runtime.transport  # noqa: F401 - takes a quarter of a second
            from digirm_explorer import queries

            asked = {"endpoint": "devices/inventory", "query": "a = 'b' and", "orderby": None, "fields": None}
            queries.check(self._knowledge, asked)
            queries.complete(self._knowledge, {"endpoint": asked["endpoint"], "text": "", "cursor": 0})
            _ = self._knowledge.calls
            self._service.client()
        except Exception as error:
            known = problem(error)
            if known is None:
                raise
            if known.kind != "credentials":  # which the page asks for
                _LOG.warning("%s", known.message)

    def stop(self) -> None:
        """End the calls that are under way."""
        for call in self._calls:
            call.cancel()

    async def aclose(self) -> None:
        """Close connections and files."""
        await self._service.aclose()
        self._shelf.close()
        for threads in (self._memory, self._checker):
            threads.shutdown(cancel_futures=True)
        self._history.close()

    def _route(self, path: str, work: Callable[[Request], Awaitable[Any]], method: str = "GET") -> Route:
        async def answer(request: Request) -> Response:
            self.visited.set()
            try:
                found = await work(request)
            except ClientDisconnect:
                return Response(status_code=499)
            except Exception as error:
                known = problem(error)
                if known is None:
                    _LOG.exception("%s %s went wrong", request.method, path)
                    known = Problem("internal", f"digirm explore went wrong: {type(error).__name__}; see its terminal")
                return reply(known.document(), known.status)
            return found if isinstance(found, Response) else reply(found)

        return Route(path, answer, methods=[method])

    async def _session(self, _: Request) -> dict[str, Any]:
        await self._service.started()
        return await asyncio.to_thread(self._session_now)

    def _session_now(self) -> dict[str, Any]:
        from digirm_runtime.base import VERSION

        file = self._history.file
        return {**self._service.session(), "version": VERSION, "history": None if file is None else str(file)}

    async def _catalog(self, _: Request) -> Response:
        return await asyncio.to_thread(lambda: reply(self._knowledge.catalog))

    async def _examples(self, _: Request) -> Any:
        from digirm_explorer.examples import examples

        return await asyncio.to_thread(examples)

    async def _gauge(self, _: Request) -> Any:
        return self._service.gauge()

    async def _sign_in(self, request: Request) -> Any:
        asked = await exchange.asked(request, exchange.SignIn)
        await asyncio.to_thread(self._service.sign_in, asked.kind, asked.name, asked.secret)
        await self._service.tidy()
        return await self._session(request)

    async def _sign_out(self, request: Request) -> Any:
        await asyncio.to_thread(self._service.sign_out)
        await self._service.tidy()
        return await self._session(request)

    async def _writes(self, request: Request) -> Any:
        self._service.allowed = (await exchange.asked(request, exchange.Allow)).allow
        return await self._session(request)

    async def _judge(self, request: Request) -> Any:
        from digirm_explorer.judging import judge

        asked = await exchange.asked(request, exchange.Composing)
        await self._service.started()
        return await asyncio.to_thread(lambda: judge(self._knowledge, self._service.url, asked.request))

    async def _check(self, request: Request) -> Any:
        from digirm_explorer import queries

        return await _in(self._checker, queries.check, self._knowledge, await exchange.data(request))

    async def _complete(self, request: Request) -> Any:
        from digirm_explorer import queries

        return await _in(self._checker, queries.complete, self._knowledge, await exchange.data(request))

    async def _sql(self, request: Request) -> Any:
        from digirm_explorer import queries

        return await _in(self._checker, queries.sql, self._knowledge, await exchange.data(request))

    async def _send(self, request: Request) -> Any:
        data = await exchange.data(request)
        call = asyncio.create_task(self._answer(data))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)
        # With its body read, the next that comes of a request is that the page has gone.
        gone = asyncio.ensure_future(request.receive())
        try:
            await asyncio.wait((call, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            if not call.done():
                call.cancel()
        try:
            return await call
        except asyncio.CancelledError:
            raise Problem("aborted", "stopped before its answer came") from None

    async def _answer(self, data: Any) -> Response:
        await self._service.started()
        answer = await self._sending.send(data)
        # It may be long: others are not to wait while it is written.
        return await asyncio.to_thread(reply, answer)

    async def _export(self, request: Request) -> Any:
        from digirm_explorer.composed import Composed
        from digirm_explorer.exporting import export

        asked = await exchange.asked(request, exchange.Export)
        composed = Composed.read(asked.request)
        await self._service.started()

        def exported() -> dict[str, str | None]:
            service = self._service
            return export(self._knowledge, service.url, service.exported(), composed, asked.form, asked.every)

        return await asyncio.to_thread(exported)

    async def _link(self, request: Request) -> Any:
        from digirm_explorer.linking import shared

        asked = await exchange.asked(request, exchange.Composing)
        return await asyncio.to_thread(lambda: shared(asked.request, self._service.secrets()))

    async def _download(self, request: Request) -> Response:
        kept = self._shelf.get(request.path_params["id"])
        if kept is None:
            raise Problem("invalid", "this answer is not kept any more: send the request again", status=404)
        return _Download(kept)

    async def _search(self, request: Request) -> Any:
        before = request.query_params.get("before")
        number = None if before is None else exchange.number(before)
        return await _in(self._memory, self._history.search, request.query_params.get("search", ""), number)

    async def _remembered(self, request: Request) -> Any:
        found = await _in(self._memory, self._history.get, exchange.number(request.path_params["id"]))
        if found is None:
            raise Problem("invalid", "this call is forgotten", status=404)
        return found

    async def _forget(self, request: Request) -> None:
        await _in(self._memory, self._history.forget, exchange.number(request.path_params["id"]))

    async def _clear(self, _: Request) -> None:
        await _in(self._memory, self._history.clear)


class _Download(StreamingResponse):
    """The body of an answer as it came, which is kept until it is sent, or who reads it has gone."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept
        headers = {"content-disposition": "attachment", "content-length": str(kept.size)}
        # Whatever the service says that it is: no browser is to show it, least of all as a page of this address.
        super().__init__(self._chunks(), media_type="application/octet-stream", headers=headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        with self._kept.used():
            await super().__call__(scope, receive, send)

    async def _chunks(self) -> AsyncIterator[bytes]:
        for chunk in self._kept.chunks():
            yield chunk


async def _in(threads: Executor, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    return await asyncio.get_running_loop().run_in_executor(threads, lambda: work(*args, **kwargs))
