"""The crawler: asks a self-documenting API what it has, through the ordinary asynchronous client.

What the server says is kept, whatever else it holds; what cannot be had, or cannot be a category, is reported and left
out. What is beyond a limit of size, depth or count ends the run; what takes too long is unreachable. The client's own
flow does retries, throttling and credentials.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from digirm_codegen.spec_files import Capture, Kind, Unavailable
from digirm_runtime import template
from digirm_runtime.errors import APIError, NotFound, SpecError, TooLarge, TransportError
from digirm_runtime.overrides import Overrides
from digirm_runtime.selfdoc import Cleaner, TooDeepError
from digirm_runtime.spec import (
    MAX_CATEGORIES,
    MAX_DEPTH,
    MAX_FILE_BYTES,
    MAX_NAME,
    canonical,
    normalise,
    ordered,
    shown,
)
from digirm_runtime.spec_reader import Reader
from digirm_runtime.wire import SIMULATOR_HEADER

if TYPE_CHECKING:
    from digirm_runtime.client import AsyncClient, Reply

BASE_PATH = "/ws/v1"
#: The most that all documents of one API can have, in bytes.
MAX_BYTES = 256 * 1024 * 1024
#: How long one document may take, in seconds, with all tries and waits.
MAX_SECONDS = 120.0
_KINDS: dict[int, Kind] = {401: "forbidden", 403: "forbidden", 404: "not_found", 429: "throttled"}

#: Called with (categories done, categories in all).
Progress: TypeAlias = Callable[[int, int], None]


async def crawl(
    client: AsyncClient,
    *,
    api_version: str,
    base_path: str = BASE_PATH,
    concurrency: int = 4,
    progress: Progress | None = None,
) -> Capture:
    """Capture the API below `base_path`, with at most `concurrency` requests in flight.

    Raises SpecError where it is not a self-documenting API, or one beyond the limits of a spec, APIError and
    TransportError where its root cannot be had. A category that refuses, fails or takes more than `MAX_SECONDS` is
    noted in the result and does not stop the others.
    """
    job = _Crawl(client, base_path, asyncio.Semaphore(concurrency), progress)
    root, items = await job.root()
    names = job.names(items)
    try:
        async with asyncio.TaskGroup() as group:
            for name in names:
                group.create_task(job.category(name, len(names)))
    except ExceptionGroup as limits:
        # Nothing else leaves a task. One is enough to know.
        raise limits.exceptions[0] from None
    return Capture(
        api_version=api_version,
        base_path=base_path,
        provenance="reconstructed" if job.simulated else "live",
        documents=job.documents,
        unavailable=job.unavailable,
        root=root,
        extras={name: extra for name, extra in names.items() if extra},
        problems=tuple(job.problems),
    )


class _Crawl:
    """One crawl under way."""

    def __init__(
        self, client: AsyncClient, base_path: str, slots: asyncio.Semaphore, progress: Progress | None
    ) -> None:
        self.client = client
        self.base_path = base_path
        self.slots = slots
        self.progress = progress
        self.cleaner = Cleaner(client.origin)
        #: Counts what the documents list, and knows the limits.
        self.reader = Reader(base_path, Overrides(), "live")
        self.bytes = 0
        self.documents: dict[str, Any] = {}
        self.unavailable: dict[str, Unavailable] = {}
        self.problems: list[str] = []
        self.simulated = False

    async def fetch(self, path: str) -> Reply:
        try:
            async with self.slots, asyncio.timeout(MAX_SECONDS):
                reply = await self.client.fetch("GET", path, max_bytes=MAX_FILE_BYTES)
        except TooLarge as error:
            raise SpecError(str(error)) from None
        except TimeoutError:
            # Without what came of it: that much is no damaged answer.
            raise TransportError(f"no complete answer within {MAX_SECONDS:g} s", method="GET", url=path) from None
        self.simulated = self.simulated or SIMULATOR_HEADER in reply.headers
        return reply

    async def root(self) -> tuple[dict[str, Any], list[Any]]:
        """The root document without its list, and the items of that list in an order that is not the server's."""
        try:
            document = (await self.fetch(self.base_path)).data
        except NotFound:
            raise self.not_such_an_api("it answers 404") from None
        except TransportError as error:
            if error.body:
                raise self.not_such_an_api("its answer ends early or is not JSON") from None
            raise
        if not isinstance(document, dict):
            raise self.not_such_an_api("its answer is not a JSON object")
        if not isinstance(document.get("list"), list):
            raise self.not_such_an_api("its answer has no list of paths")
        if len(document["list"]) > MAX_CATEGORIES:
            raise SpecError(f"{self.base_path} lists more than {MAX_CATEGORIES:,} categories, the most of a spec")
        try:
            root = self.cleaner.clean({key: value for key, value in document.items() if key not in ("count", "list")})
            items = ordered([self.item(item) for item in document["list"]], "path")
            self.bytes += len(canonical(root)) + len(canonical(items))
        except TooDeepError:
            raise self.too_deep(self.base_path) from None
        except ValueError:
            raise self.not_such_an_api("its answer cannot be written as JSON") from None
        return root, items

    def item(self, item: Any) -> Any:
        """A root item, cleaned but for its path: without its host, another server's path could be one of ours."""
        if not isinstance(item, dict) or not isinstance(item.get("path"), str):
            return self.cleaner.clean(item)
        return {**self.cleaner.clean(item), "path": item["path"]}

    def not_such_an_api(self, reason: str) -> SpecError:
        return SpecError(f"{self.client.origin}{self.base_path} is not a self-documenting API: {reason}")

    def too_deep(self, path: str) -> SpecError:
        return SpecError(f"{path}: its answer is nested deeper than {MAX_DEPTH} levels, the most of a spec")

    def names(self, items: list[Any]) -> dict[str, dict[str, Any]]:
        """The categories that `items` list, by name, with what an item holds beside its path."""
        found: dict[str, dict[str, Any]] = {}
        if any(isinstance(item, dict) and "requests" in item for item in items):
            raise self.not_such_an_api("it describes requests, as one category does; name the API's own address")
        for item in items:
            path = item.get("path") if isinstance(item, dict) else None
            try:
                name = self.name(path)
                if name in found:
                    raise ValueError("is listed twice; the first is kept")
            except ValueError as error:
                self.problems.append(f"root item {shown(path)} {error}")
            else:
                found[name] = {key: value for key, value in item.items() if key != "path"}
        if not found:
            raise self.not_such_an_api(f"it lists no path directly below {self.base_path}")
        return found

    def name(self, path: object) -> str:
        """The category that a root item's path names. Raises ValueError for a path that is none."""
        if not isinstance(path, str):
            raise ValueError("is not text; skipped")
        name = path.removeprefix(self.base_path + "/")
        if name == path or "/" in name:
            raise ValueError(f"is not directly below {self.base_path}; skipped")
        if len(name) > MAX_NAME:
            raise ValueError(f"is longer than {MAX_NAME} characters; skipped")
        try:
            segments = template.parse("/" + name)
        except ValueError as error:
            raise ValueError(f"{error}; skipped") from None
        if template.args(segments):
            raise ValueError("is a template, not a category; skipped")
        return name

    async def category(self, name: str, total: int) -> None:
        """Capture one category, or note why it cannot be had. Raises SpecError for one beyond a limit."""
        try:
            self.keep(name, await self.fetch(f"{self.base_path}/{name}"))
        except APIError as error:
            kind = _KINDS.get(error.status, "failed" if error.status >= 500 else "refused")
            self.unavailable[name] = Unavailable(error.status, kind)
        except TransportError as error:
            self.unavailable[name] = Unavailable(None, "invalid" if error.body else "unreachable")
        except SpecError:
            raise
        except Exception as error:
            # Whatever a server can provoke, it costs this category and no other.
            self.unavailable[name] = Unavailable(None, "invalid")
            self.problems.append(f"{shown(name)}: {type(error).__name__}: {shown(str(error))}")
        if self.progress:
            self.progress(len(self.documents) + len(self.unavailable), total)

    def keep(self, name: str, reply: Reply) -> None:
        document = reply.data
        try:
            if not isinstance(document, dict) or not isinstance(document.get("list"), list):
                raise ValueError("no list of paths")
            document = normalise(self.cleaner.clean(document))
            size = len(canonical(document))
        except TooDeepError:
            raise self.too_deep(f"{self.base_path}/{name}") from None
        except ValueError:
            self.unavailable[name] = Unavailable(reply.status, "invalid")
            return
        self.bytes += size
        if size > MAX_FILE_BYTES:
            raise SpecError(f"{self.base_path}/{name}: its answer is longer than {MAX_FILE_BYTES} bytes")
        if self.bytes > MAX_BYTES:
            raise SpecError(f"{self.base_path}/{name}: with it all answers are longer than {MAX_BYTES} bytes")
        self.reader.paths(name, document)
        self.reader.problems.clear()
        self.documents[name] = document
