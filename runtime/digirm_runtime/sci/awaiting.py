"""Commands to devices over an async client: the same as `digirm_runtime.sci.blocking`, awaited."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing
from os import PathLike
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Generic, Literal, TypeVar, overload

from digirm_runtime.errors import NotFound, TransportError
from digirm_runtime.face import AsyncApi
from digirm_runtime.options import Options
from digirm_runtime.sci import files, job
from digirm_runtime.sci.payload import Payload, StoredPayload
from digirm_runtime.sci.reply import Answer, Result, Results
from digirm_runtime.sci.request import Attributes, Command, cli_request, command, device_request
from digirm_runtime.sci.targets import Targets

if TYPE_CHECKING:
    from typing import Unpack

    from digirm_runtime.client import AsyncClient
    from digirm_runtime.operation import Operation
    from digirm_runtime.paging import AsyncListing

W = TypeVar("W")


class AsyncCall(Generic[W]):
    """One operation: `await rm.sci.reboot(targets)`.

    It takes what `AsyncSci.request` takes behind the operation's name, and gives the results, or with
    `synchronous=False` a job.
    """

    def __init__(self, sci: AsyncSci, operation: str) -> None:
        self._sci = sci
        self._operation = operation

    @overload
    def __call__(
        self,
        targets: Targets,
        payload: W | None = None,
        *,
        synchronous: Literal[False],
        **attributes: Unpack[Attributes],
    ) -> Awaitable[AsyncJob]: ...

    @overload
    def __call__(
        self,
        targets: Targets,
        payload: W | None = None,
        *,
        synchronous: Literal[True] | None = None,
        **attributes: Unpack[Attributes],
    ) -> Awaitable[Results]: ...

    def __call__(
        self,
        targets: Targets,
        payload: Any = None,
        *,
        synchronous: bool | None = None,
        **attributes: Unpack[Attributes],
    ) -> Awaitable[Results | AsyncJob]:
        """Send it."""
        if self._operation == "cli":
            payload = cli_request(payload or "")
        return self._sci._request(self._operation, targets, payload, synchronous, attributes)

    def __repr__(self) -> str:
        return f"<AsyncCall {self._operation}>"


class AsyncSci(AsyncApi):
    """`Sci` for asyncio: the same methods, awaited; `async for` over `stream`, `jobs` and `read_file`."""

    def __init__(self, client: AsyncClient) -> None:
        super().__init__(client)
        self.send_message: AsyncCall[Payload] = AsyncCall(self, "send_message")
        self.update_firmware: AsyncCall[Payload] = AsyncCall(self, "update_firmware")
        self.disconnect: AsyncCall[Payload] = AsyncCall(self, "disconnect")
        self.query_firmware_targets: AsyncCall[Payload] = AsyncCall(self, "query_firmware_targets")
        self.data_service: AsyncCall[Payload] = AsyncCall(self, "data_service")
        self.file_system: AsyncCall[Payload] = AsyncCall(self, "file_system")
        self.reboot: AsyncCall[Payload] = AsyncCall(self, "reboot")
        self.cli: AsyncCall[str] = AsyncCall(self, "cli")

    @overload
    async def request(
        self,
        operation: str,
        targets: Targets,
        payload: Payload = None,
        *,
        synchronous: Literal[False],
        **attributes: Unpack[Attributes],
    ) -> AsyncJob: ...

    @overload
    async def request(
        self,
        operation: str,
        targets: Targets,
        payload: Payload = None,
        *,
        synchronous: Literal[True] | None = None,
        **attributes: Unpack[Attributes],
    ) -> Results: ...

    async def request(
        self,
        operation: str,
        targets: Targets,
        payload: Payload = None,
        *,
        synchronous: bool | None = None,
        **attributes: Unpack[Attributes],
    ) -> Results | AsyncJob:
        """`Sci.request`."""
        return await self._request(operation, targets, payload, synchronous, attributes)

    async def start(
        self, operation: str, targets: Targets, payload: Payload = None, **attributes: Unpack[Attributes]
    ) -> AsyncJob:
        """Begin a job: `request` with `synchronous=False`."""
        return await self.request(operation, targets, payload, synchronous=False, **attributes)

    async def _request(
        self, operation: str, targets: Targets, payload: Payload, synchronous: bool | None, attributes: Attributes
    ) -> Results | AsyncJob:
        answer = await self._run(command(operation, targets, payload, synchronous=synchronous, **attributes))
        return self.job(job.begun(answer)) if synchronous is False else answer.accepted()

    async def _run(self, sent: Command) -> Answer:
        answer: Answer = await self._client._run(sent.waiting(self._client._timeout))
        return answer

    def stream(
        self, operation: str, targets: Targets, payload: Payload = None, **attributes: Unpack[Attributes]
    ) -> AsyncGenerator[Result, None]:
        """`Sci.stream` for `async for`."""
        sent = command(operation, targets, payload, **attributes)
        return _streamed(self._client, sent.waiting(self._client._timeout))

    async def device_request(
        self, targets: Targets, target_name: str, data: str = "", **attributes: Unpack[Attributes]
    ) -> Results:
        """`Sci.device_request`."""
        return await self.data_service(targets, device_request(target_name, data), **attributes)

    async def get_time(self, targets: Targets, **attributes: Unpack[Attributes]) -> Results:
        """Ask devices for their time, which is the `text` of each result."""
        return await self.device_request(targets, "get_time", **attributes)

    def job(self, id: int | str) -> AsyncJob:
        """A job by its number, whichever program began it. Raises ValueError for what is no number."""
        return AsyncJob(self._client, id)

    def jobs(self, *, limit: int | None = None, options: Options | None = None) -> AsyncListing[dict[str, Any]]:
        """`Sci.jobs` for `async for`."""
        from digirm_runtime.paging import AsyncListing

        return AsyncListing(self._client, job.listed(limit, options))

    async def ls(
        self, device: str, path: str, *, hash: str = "any", **attributes: Unpack[Attributes]
    ) -> list[files.DeviceFile]:
        """`Sci.ls`."""
        return files.read_ls(await self._run(files.commands(device, files.ls_command(path, hash), attributes)))

    async def get_file(
        self,
        device: str,
        path: str,
        *,
        offset: int | None = None,
        length: int | None = None,
        **attributes: Unpack[Attributes],
    ) -> bytes:
        """`Sci.get_file`."""
        told = files.get_command(path, offset, length)
        return files.read_get(await self._run(files.commands(device, told, attributes)))

    async def put_file(
        self,
        device: str,
        path: str,
        data: bytes | StoredPayload,
        *,
        offset: int | None = None,
        truncate: bool = True,
        **attributes: Unpack[Attributes],
    ) -> None:
        """`Sci.put_file`."""
        told = files.put_command(path, data, offset, truncate=truncate)
        files.done(await self._run(files.commands(device, told, attributes)), "put_file")

    async def rm(self, device: str, path: str, **attributes: Unpack[Attributes]) -> None:
        """Delete a file on a device."""
        files.done(await self._run(files.commands(device, files.rm_command(path), attributes)), "rm")

    def read_file(
        self, device: str, path: str, *, piece: int = files.PIECE, **attributes: Unpack[Attributes]
    ) -> AsyncGenerator[bytes, None]:
        """`Sci.read_file` for `async for`."""
        return self._pieces(files.Getting(device, path, piece, attributes))

    async def _pieces(self, getting: files.Getting) -> AsyncGenerator[bytes, None]:
        while (due := getting.due()) is not None:
            if data := getting.read(await self._run(due)):
                yield data

    async def download(
        self,
        device: str,
        path: str,
        local: str | PathLike[str],
        *,
        piece: int = files.PIECE,
        progress: files.Progress | None = None,
        **attributes: Unpack[Attributes],
    ) -> int:
        """`Sci.download`. The event loop stands still while a piece is written."""
        from digirm_runtime.saving import beside

        getting = files.Getting(device, path, piece, attributes)
        with beside(local) as file:
            async for data in self._pieces(getting):
                file.write(data)
                if progress is not None:
                    progress(getting.done, getting.total)
        return getting.done

    async def upload(
        self,
        device: str,
        local: str | PathLike[str] | IO[bytes],
        path: str,
        *,
        piece: int = files.PIECE,
        progress: files.Progress | None = None,
        **attributes: Unpack[Attributes],
    ) -> int:
        """`Sci.upload`. The event loop stands still while a piece is read."""
        if isinstance(local, str | PathLike):
            with Path(local).open("rb") as file:
                return await self.upload(device, file, path, piece=piece, progress=progress, **attributes)
        size, total = 0, files.left(local)
        for due, size in files.putting(device, path, local, piece, attributes):
            files.done(await self._run(due), "put_file")
            if progress is not None:
                progress(size, total)
        return size


class AsyncJob:
    """`Job` for asyncio: the same methods, awaited; `async for` over `results`."""

    def __init__(self, client: AsyncClient, id: int | str) -> None:
        self.id = job.number(id)
        self._client = client

    def __repr__(self) -> str:
        return f"<AsyncJob {self.id}>"

    async def status(self, *, options: Options | None = None) -> str:
        """`Job.status`."""
        response = await self._client._stream(job.answer_of(self.id, options))
        status = job.Status(response)
        try:
            async with aclosing(response.achunks()) as chunks:
                async for chunk in chunks:
                    if status.feed(chunk):
                        break
            return status.close()
        except TransportError as error:
            error.method, error.url, error.attempts = response.asked
            raise
        finally:
            await response.aclose()

    async def done(self, *, options: Options | None = None) -> bool:
        """`Job.done`."""
        try:
            complete: bool = await self._client._run(job.is_done(self.id, options))
        except NotFound:
            return await self.status(options=options) == job.COMPLETE
        return complete

    async def wait(
        self,
        timeout: float | None = None,
        *,
        poll: float = 1.0,
        progress: job.Progress | None = None,
        options: Options | None = None,
    ) -> AsyncJob:
        """`Job.wait`."""
        for pause in job.pauses(self.id, timeout, poll, progress):
            if await self.done(options=options):
                break
            await asyncio.sleep(pause)
        return self

    def results(self, *, options: Options | None = None) -> AsyncGenerator[Result, None]:
        """`Job.results` for `async for`."""
        return _streamed(self._client, job.answer_of(self.id, options), self.id)

    async def delete(self, *, options: Options | None = None) -> None:
        """Delete it, and its results with it."""
        await self._client._run(job.deletion(self.id, options))


async def _streamed(
    client: AsyncClient, sent: Operation[Any], number: int | None = None
) -> AsyncGenerator[Result, None]:
    """The results of a streamed answer to a command, or of what the job of this number says."""
    response = await client._stream(sent)
    stream = job.Stream(response, number)
    try:
        async with aclosing(response.achunks()) as chunks:
            async for chunk in chunks:
                for result in stream.feed(chunk):
                    yield result
        stream.close()
    except TransportError as error:
        error.method, error.url, error.attempts = response.asked
        raise
    finally:
        await response.aclose()
