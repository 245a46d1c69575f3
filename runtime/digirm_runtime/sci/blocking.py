"""Commands to devices over a blocking client."""

from __future__ import annotations

import time
from collections.abc import Generator
from os import PathLike
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Generic, Literal, TypeVar, overload

from digirm_runtime.errors import NotFound, TransportError
from digirm_runtime.face import Api
from digirm_runtime.options import Options
from digirm_runtime.sci import files, job
from digirm_runtime.sci.payload import Payload, StoredPayload
from digirm_runtime.sci.reply import Answer, Result, Results
from digirm_runtime.sci.request import Attributes, Command, cli_request, command, device_request
from digirm_runtime.sci.targets import Targets

if TYPE_CHECKING:
    from typing import Unpack

    from digirm_runtime.client import Client
    from digirm_runtime.operation import Operation
    from digirm_runtime.paging import Listing

W = TypeVar("W")


class Call(Generic[W]):
    """One operation: `rm.sci.reboot(targets)`.

    It takes what `Sci.request` takes behind the operation's name, and gives the results, or with `synchronous=False` a
    job.
    """

    def __init__(self, sci: Sci, operation: str) -> None:
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
    ) -> Job: ...

    @overload
    def __call__(
        self,
        targets: Targets,
        payload: W | None = None,
        *,
        synchronous: Literal[True] | None = None,
        **attributes: Unpack[Attributes],
    ) -> Results: ...

    def __call__(
        self,
        targets: Targets,
        payload: Any = None,
        *,
        synchronous: bool | None = None,
        **attributes: Unpack[Attributes],
    ) -> Results | Job:
        """Send it."""
        if self._operation == "cli":
            payload = cli_request(payload or "")
        return self._sci._request(self._operation, targets, payload, synchronous, attributes)

    def __repr__(self) -> str:
        return f"<Call {self._operation}>"


class Sci(Api):
    """Commands to devices. Those of a device that fails are values; a request that is refused raises SCIError.

    `cli` takes a command line, the other operations a payload, where they have one: elements as a mapping, an
    ElementTree element, XML text, or a StoredPayload. A command is not repeated where nobody knows whether it was
    executed. All raise ValueError or TypeError for what must not be sent, APIError and TransportError.
    """

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        self.send_message: Call[Payload] = Call(self, "send_message")
        self.update_firmware: Call[Payload] = Call(self, "update_firmware")
        self.disconnect: Call[Payload] = Call(self, "disconnect")
        self.query_firmware_targets: Call[Payload] = Call(self, "query_firmware_targets")
        self.data_service: Call[Payload] = Call(self, "data_service")
        self.file_system: Call[Payload] = Call(self, "file_system")
        self.reboot: Call[Payload] = Call(self, "reboot")
        self.cli: Call[str] = Call(self, "cli")

    @overload
    def request(
        self,
        operation: str,
        targets: Targets,
        payload: Payload = None,
        *,
        synchronous: Literal[False],
        **attributes: Unpack[Attributes],
    ) -> Job: ...

    @overload
    def request(
        self,
        operation: str,
        targets: Targets,
        payload: Payload = None,
        *,
        synchronous: Literal[True] | None = None,
        **attributes: Unpack[Attributes],
    ) -> Results: ...

    def request(
        self,
        operation: str,
        targets: Targets,
        payload: Payload = None,
        *,
        synchronous: bool | None = None,
        **attributes: Unpack[Attributes],
    ) -> Results | Job:
        """Any operation: the results, or with `synchronous=False` the job. `attributes` are those of `Attributes`.

        Raises SCIError where the service refuses the request as a whole.
        """
        return self._request(operation, targets, payload, synchronous, attributes)

    def start(self, operation: str, targets: Targets, payload: Payload = None, **attributes: Unpack[Attributes]) -> Job:
        """Begin a job: `request` with `synchronous=False`."""
        return self.request(operation, targets, payload, synchronous=False, **attributes)

    def _request(
        self, operation: str, targets: Targets, payload: Payload, synchronous: bool | None, attributes: Attributes
    ) -> Results | Job:
        answer = self._run(command(operation, targets, payload, synchronous=synchronous, **attributes))
        return self.job(job.begun(answer)) if synchronous is False else answer.accepted()

    def _run(self, sent: Command) -> Answer:
        answer: Answer = self._client._run(sent.waiting(self._client._timeout))
        return answer

    def stream(
        self, operation: str, targets: Targets, payload: Payload = None, **attributes: Unpack[Attributes]
    ) -> Generator[Result, None, None]:
        """The results as they come, in the memory of one: for answers that are too large to hold.

        Iterating raises SCIError at the end where the service said something of the request as a whole.
        """
        sent = command(operation, targets, payload, **attributes)
        return _streamed(self._client, sent.waiting(self._client._timeout))

    def device_request(
        self, targets: Targets, target_name: str, data: str = "", **attributes: Unpack[Attributes]
    ) -> Results:
        """Hand `data` to what listens under `target_name` on the devices."""
        return self.data_service(targets, device_request(target_name, data), **attributes)

    def get_time(self, targets: Targets, **attributes: Unpack[Attributes]) -> Results:
        """Ask devices for their time, which is the `text` of each result."""
        return self.device_request(targets, "get_time", **attributes)

    def job(self, id: int | str) -> Job:
        """A job by its number, whichever program began it. Raises ValueError for what is no number."""
        return Job(self._client, id)

    def jobs(self, *, limit: int | None = None, options: Options | None = None) -> Listing[dict[str, Any]]:
        """The jobs of the account: dicts of texts by the names on the wire, such as `jobId` and `jobStatus`."""
        from digirm_runtime.paging import Listing

        return Listing(self._client, job.listed(limit, options))

    def ls(
        self, device: str, path: str, *, hash: str = "any", **attributes: Unpack[Attributes]
    ) -> list[files.DeviceFile]:
        """What a folder on a device holds. `hash` asks for one of each file: `any`, `none`, `md5` or `crc32`.

        Raises SCIError where the device cannot do it, as all calls for files do.
        """
        return files.read_ls(self._run(files.commands(device, files.ls_command(path, hash), attributes)))

    def get_file(
        self,
        device: str,
        path: str,
        *,
        offset: int | None = None,
        length: int | None = None,
        **attributes: Unpack[Attributes],
    ) -> bytes:
        """The bytes of a file on a device, or `length` of them from `offset` on, in one request."""
        return files.read_get(self._run(files.commands(device, files.get_command(path, offset, length), attributes)))

    def put_file(
        self,
        device: str,
        path: str,
        data: bytes | StoredPayload,
        *,
        offset: int | None = None,
        truncate: bool = True,
        **attributes: Unpack[Attributes],
    ) -> None:
        """Write a file on a device in one request: bytes, or what lies in the account's files.

        `truncate` ends the file behind what was written; False leaves there what was longer before.
        """
        told = files.put_command(path, data, offset, truncate=truncate)
        files.done(self._run(files.commands(device, told, attributes)), "put_file")

    def rm(self, device: str, path: str, **attributes: Unpack[Attributes]) -> None:
        """Delete a file on a device."""
        files.done(self._run(files.commands(device, files.rm_command(path), attributes)), "rm")

    def read_file(
        self, device: str, path: str, *, piece: int = files.PIECE, **attributes: Unpack[Attributes]
    ) -> Generator[bytes, None, None]:
        """The bytes of a file on a device in pieces, a request each; a first one asks for its size.

        Raises TransportError for a device that gives fewer bytes than that, or does not know pieces. That the file
        changes meanwhile is not noticed otherwise.
        """
        return self._pieces(files.Getting(device, path, piece, attributes))

    def _pieces(self, getting: files.Getting) -> Generator[bytes, None, None]:
        while (due := getting.due()) is not None:
            if data := getting.read(self._run(due)):
                yield data

    def download(
        self,
        device: str,
        path: str,
        local: str | PathLike[str],
        *,
        piece: int = files.PIECE,
        progress: files.Progress | None = None,
        **attributes: Unpack[Attributes],
    ) -> int:
        """Save a file of a device as `local`, where it appears when it is complete; the number of its bytes.

        `progress` is called with the bytes so far, and how many there are, None where the device does not say. Raises
        OSError before anything is sent where `local` cannot be written.
        """
        from digirm_runtime.saving import beside

        getting = files.Getting(device, path, piece, attributes)
        with beside(local) as file:
            for data in self._pieces(getting):
                file.write(data)
                if progress is not None:
                    progress(getting.done, getting.total)
        return getting.done

    def upload(
        self,
        device: str,
        local: str | PathLike[str] | IO[bytes],
        path: str,
        *,
        piece: int = files.PIECE,
        progress: files.Progress | None = None,
        **attributes: Unpack[Attributes],
    ) -> int:
        """Write a file of this machine, or an open one, to a device in pieces; the number of its bytes.

        `progress` is called with the bytes so far, and how many there are, None for a pipe. Where a piece fails the
        device keeps those before it. Raises OSError where `local` cannot be read.
        """
        if isinstance(local, str | PathLike):
            with Path(local).open("rb") as file:
                return self.upload(device, file, path, piece=piece, progress=progress, **attributes)
        size, total = 0, files.left(local)
        for due, size in files.putting(device, path, local, piece, attributes):
            files.done(self._run(due), "put_file")
            if progress is not None:
                progress(size, total)
        return size


class Job:
    """A command that goes on without the program that gave it; `id` is all that another program needs of it."""

    def __init__(self, client: Client, id: int | str) -> None:
        self.id = job.number(id)
        self._client = client

    def __repr__(self) -> str:
        return f"<Job {self.id}>"

    def status(self, *, options: Options | None = None) -> str:
        """How it stands, in the service's word: `in_progress`, `complete`. Raises NotFound where there is none."""
        response = self._client._stream(job.answer_of(self.id, options))
        status = job.Status(response)
        try:
            any(map(status.feed, response.chunks()))
            return status.close()
        except TransportError as error:
            error.method, error.url, error.attempts = response.asked
            raise
        finally:
            response.close()

    def done(self, *, options: Options | None = None) -> bool:
        """Whether it is complete. Raises NotFound where there is none."""
        try:
            complete: bool = self._client._run(job.is_done(self.id, options))
        except NotFound:
            # Nobody has documented what the short question answers while a job runs.
            return self.status(options=options) == job.COMPLETE
        return complete

    def wait(
        self,
        timeout: float | None = None,
        *,
        poll: float = 1.0,
        progress: job.Progress | None = None,
        options: Options | None = None,
    ) -> Job:
        """Wait until it is complete, and return it: ask after `poll` seconds, then after ever longer ones.

        `progress` is called after each question with the seconds that have passed. Raises JobTimeoutError after
        `timeout` seconds; the job goes on.
        """
        for pause in job.pauses(self.id, timeout, poll, progress):
            if self.done(options=options):
                break
            time.sleep(pause)
        return self

    def results(self, *, options: Options | None = None) -> Generator[Result, None, None]:
        """The results as they come, in the memory of one.

        Iterating raises SCIError for a job that is not complete, and for what the service says of it as a whole.
        """
        return _streamed(self._client, job.answer_of(self.id, options), self.id)

    def delete(self, *, options: Options | None = None) -> None:
        """Delete it, and its results with it."""
        self._client._run(job.deletion(self.id, options))


def _streamed(client: Client, sent: Operation[Any], number: int | None = None) -> Generator[Result, None, None]:
    """The results of a streamed answer to a command, or of what the job of this number says."""
    response = client._stream(sent)
    stream = job.Stream(response, number)
    try:
        for chunk in response.chunks():
            yield from stream.feed(chunk)
        stream.close()
    except TransportError as error:
        error.method, error.url, error.attempts = response.asked
        raise
    finally:
        response.close()
