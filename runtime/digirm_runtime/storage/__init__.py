"""Files in practice: uploads and downloads in constant memory, and listings that go on where they broke off.

A file of the service is named by its file set and its path in there, `"fileset/a/path.bin"`. The addresses are those
that Digi's own applications use (`/ws/v1/files/inventory/{fileset}/{path}`: GET, POST, DELETE).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing, closing
from copy import copy
from functools import partial
from typing import TYPE_CHECKING, Any

from digirm_runtime.errors import TransportError
from digirm_runtime.face import Api, AsyncApi, Options, acall, alisting, call, listing
from digirm_runtime.flow import decode_json
from digirm_runtime.operation import Endpoint, Operation
from digirm_runtime.options import NO_OPTIONS
from digirm_runtime.storage.sources import FileSource as FileSource
from digirm_runtime.storage.sources import Local as Local
from digirm_runtime.storage.sources import Progress as Progress
from digirm_runtime.storage.sources import source
from digirm_runtime.storage.transfer import Transfer, with_headers

if TYPE_CHECKING:
    from os import PathLike

    from digirm_runtime.wire import AsyncResponse, Response

_SETS = "/ws/v1/files/inventory"
_FILES = "/ws/v1/files/inventory/{fileset}"
_FILE = "/ws/v1/files/inventory/{fileset}/{path:.+}"
_LISTED = "/ws/v1/files/inventory/{fileset}/{path}"
_CONTENT = "application/octet-stream"


class _Ops:
    """The operations; they send nothing."""

    _filesets = Endpoint("GET", _SETS, "list")
    _list = Endpoint("GET", _FILES, "list")
    _upload = Endpoint("POST", _FILE, "call", media_type=_CONTENT, listed=_LISTED)
    _download = Endpoint("GET", _FILE, "get", media_type=_CONTENT, listed=_LISTED)
    _delete = Endpoint("DELETE", _FILE, "delete", listed=_LISTED)

    @staticmethod
    def filesets(
        *, cursor: str | None = None, limit: int | None = None, options: Options | None = None
    ) -> Operation[dict[str, Any]]:
        """The file sets, as an iterable over all pages; its `.cursor` resumes it."""
        return Operation(_Ops._filesets, (), {"cursor": cursor}, limit=limit, options=options)

    @staticmethod
    def list(
        fileset: str,
        prefix: str = "",
        *,
        cursor: str | None = None,
        limit: int | None = None,
        prefetch: bool = False,
        options: Options | None = None,
    ) -> Operation[dict[str, Any]]:
        """The files of a file set whose names begin with `prefix`, as an iterable over all pages.

        Its `.cursor` resumes it: `list(fileset, prefix, cursor=...)`. The service is not known to select by name, so
        that all entries are fetched.
        """
        return Operation(
            _Ops._list,
            (fileset,),
            {"cursor": cursor},
            limit=limit,
            prefetch=prefetch,
            options=options,
            reader=partial(_beginning, prefix) if prefix else None,
        )

    @staticmethod
    def upload(
        local: Local,
        remote: str,
        *,
        progress: Progress | None = None,
        media_type: str | None = None,
        options: Options | None = None,
    ) -> Operation[Any]:
        """Store a file as `remote` (`"fileset/path"`), over one of that name, and return what the service answers.

        `local` is a path, bytes, or an open binary file, of which what follows its position is sent. It is read while
        it is sent, and anew for a try that has to be repeated, which does no harm: the same content under the same name
        is the same file. `progress(done, total)` is called with bytes, and from 0 on again for another try.

        Raises OSError where the file cannot be read, or changes its size meanwhile; ValueError and TypeError for what
        cannot be uploaded; else what all calls raise.
        """
        given = options or NO_OPTIONS
        if given.idempotent is None:
            given = copy(given)
            given.idempotent = True
        operation = Operation[Any](_Ops._upload, _named(remote), body=source(local, progress), options=given)
        return operation if media_type is None else with_headers(operation, {"content-type": media_type})

    @staticmethod
    def delete(remote: str, *, options: Options | None = None) -> Operation[Any]:
        """Delete `remote` (`"fileset/path"`)."""
        return Operation(_Ops._delete, _named(remote), options=options)

    @staticmethod
    def download(remote: str, options: Options | None) -> Operation[Any]:
        """The content of a file."""
        return Operation(_Ops._download, _named(remote), options=options)


class Storage(Api):
    """The files of an account, `rm.storage`."""

    filesets = listing(_Ops.filesets)
    list = listing(_Ops.list)
    upload = call(_Ops.upload)
    delete = call(_Ops.delete)

    def download(
        self,
        remote: str,
        local: str | PathLike[str],
        *,
        progress: Progress | None = None,
        options: Options | None = None,
    ) -> int:
        """Save `remote` (`"fileset/path"`) as the file `local` and return its size in bytes.

        It is written beside `local` and takes its place when it is complete; nothing is left of one that is not. A
        download that breaks off goes on where it was if the service can do that, else it starts anew, as often as a
        call is repeated, and after such a pause. `progress(done, total)` is called with bytes; `total` is None where
        the service does not say.

        Raises OSError before anything is sent where the file cannot be written; else what all calls raise.
        """
        from digirm_runtime.saving import beside

        transfer = Transfer(_Ops.download(remote, options), progress, again=True)
        with beside(local) as file, closing(self._walk(transfer)) as pieces:
            for place, chunk in pieces:
                if file.tell() != place:
                    file.seek(place)
                    file.truncate()
                file.write(chunk)
        return transfer.done

    def chunks(
        self, remote: str, *, progress: Progress | None = None, options: Options | None = None
    ) -> Generator[bytes, None, None]:
        """The content of `remote` (`"fileset/path"`) in pieces, as they come.

        One that breaks off goes on where it was if the service can do that; else TransportError is raised, and what was
        handed out is right and incomplete. Close the generator, as with `contextlib.closing`, to leave it early.
        """
        transfer = Transfer(_Ops.download(remote, options), progress, again=False)
        with closing(self._walk(transfer)) as pieces:
            for _, chunk in pieces:
                if chunk:
                    yield chunk

    def _walk(self, transfer: Transfer) -> Generator[tuple[int, bytes], None, None]:
        """The pieces of a download, each with its place."""
        from digirm_runtime.drivers import run

        while True:
            response: Response = run(transfer.asking(self._client), self._client._transport)
            try:
                place = transfer.begin(response)
                # An empty content has a place, too: what another try has left there must go.
                yield place, b""
                for chunk in response.chunks():
                    at = transfer.done
                    yield at, transfer.take(chunk)
                transfer.end()
                return
            except TransportError as error:
                transfer.broke(error)
            finally:
                response.close()


class AsyncStorage(AsyncApi):
    """`Storage` for asyncio: the same methods, awaited, and `async for` over lists and pieces."""

    filesets = alisting(_Ops.filesets)
    list = alisting(_Ops.list)
    upload = acall(_Ops.upload)
    delete = acall(_Ops.delete)

    async def download(
        self,
        remote: str,
        local: str | PathLike[str],
        *,
        progress: Progress | None = None,
        options: Options | None = None,
    ) -> int:
        """`Storage.download`. The event loop stands still while a piece is written."""
        from digirm_runtime.saving import beside

        transfer = Transfer(_Ops.download(remote, options), progress, again=True)
        with beside(local) as file:
            async with aclosing(self._walk(transfer)) as pieces:
                async for place, chunk in pieces:
                    if file.tell() != place:
                        file.seek(place)
                        file.truncate()
                    file.write(chunk)
        return transfer.done

    async def chunks(
        self, remote: str, *, progress: Progress | None = None, options: Options | None = None
    ) -> AsyncGenerator[bytes, None]:
        """`Storage.chunks`; `contextlib.aclosing` leaves it early."""
        transfer = Transfer(_Ops.download(remote, options), progress, again=False)
        async with aclosing(self._walk(transfer)) as pieces:
            async for _, chunk in pieces:
                if chunk:
                    yield chunk

    async def _walk(self, transfer: Transfer) -> AsyncGenerator[tuple[int, bytes], None]:
        from digirm_runtime.drivers import arun

        while True:
            response: AsyncResponse = await arun(transfer.asking(self._client), self._client._transport)
            try:
                place = transfer.begin(response)
                yield place, b""
                async with aclosing(response.achunks()) as chunks:
                    async for chunk in chunks:
                        at = transfer.done
                        yield at, transfer.take(chunk)
                transfer.end()
                return
            except TransportError as error:
                transfer.broke(error)
            finally:
                await response.aclose()


def _named(remote: str) -> tuple[str, str]:
    """The file set and the path of a name. Raises ValueError for what is none."""
    fileset, slash, path = remote.partition("/")
    if not fileset or not slash or not path:
        raise ValueError(f"a file is named as 'fileset/path', not {remote!r}")
    return fileset, path


def _beginning(prefix: str, response: Response) -> Any:
    """A page of a list with those entries alone whose names begin so."""
    page = decode_json(response, required=True)
    if not isinstance(page, dict) or not isinstance(entries := page.get("list"), list):
        return page  # the pager says what is wrong with it
    kept = [entry for entry in entries if isinstance(entry, dict) and str(entry.get("name", "")).startswith(prefix)]
    return page | {"list": kept}
