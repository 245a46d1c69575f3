"""Jobs: commands that go on without the program that gave them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from math import inf
from typing import Any, TypeAlias

from digirm_runtime.errors import TransportError
from digirm_runtime.operation import Endpoint, Operation
from digirm_runtime.options import NO_OPTIONS, Options, check_seconds
from digirm_runtime.sci.reply import MOST, Answer, JobTimeoutError, Reader, Result, SCIError
from digirm_runtime.sci.request import PATH
from digirm_runtime.wire import Response

COMPLETE = "complete"
#: The wait between two questions grows by this factor, up to so many seconds.
GROWTH = 1.5
LONGEST = 15.0
#: What `wait` tells: the seconds that it has waited so far.
Progress: TypeAlias = Callable[[float], object]

_MEDIA_TYPE = "application/xml"
_ONE = f"{PATH}/{{id}}"
_GET = Endpoint("GET", _ONE, "call", accept=_MEDIA_TYPE)
_HEAD = Endpoint("HEAD", _ONE, "call", accept=_MEDIA_TYPE)
_DELETE = Endpoint("DELETE", _ONE, "call", accept=_MEDIA_TYPE)
_LIST = Endpoint("GET", PATH, "list", accept=_MEDIA_TYPE, max_bytes=MOST)


def number(job: int | str) -> int:
    """The number of a job. Raises ValueError for what is none."""
    text = str(job).strip()
    if isinstance(job, bool) or not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise ValueError(f"a job has a number, not {str(job)[:60]!r}")
    return int(text)


def begun(answer: Answer) -> int:
    """The number of the job that an answer says was begun. Raises SCIError where none was."""
    if answer.job_id is None:
        raise answer.refused or SCIError("the service began no job", results=answer.results)
    try:
        return number(answer.job_id)
    except ValueError as error:
        raise SCIError(f"the service began a job that cannot be asked for: {error}") from None


def answer_of(job: int, options: Options | None) -> Operation[Response]:
    """The call for what a job says of itself: its status, and the results once it is complete."""
    return Operation(_GET, (job,), options=options)


def is_done(job: int, options: Options | None) -> Operation[bool]:
    """The call that asks whether a job is complete: 200 says so (documented), any other success that it is not."""
    return Operation(_HEAD, (job,), options=options, reader=lambda response: response.status == 200)


def deletion(job: int, options: Options | None) -> Operation[None]:
    """The call that deletes a job."""
    return Operation(_DELETE, (job,), options=options, reader=lambda _: None)


def listed(limit: int | None, options: Options | None) -> Operation[dict[str, Any]]:
    """The list of jobs, each a dict of texts: `jobId`, `jobStatus` ... It has pages as lists of the legacy API do."""
    from digirm_runtime.legacy.replies import Pages

    return Operation(
        _LIST,
        params={"size": 1000 if limit is None else max(1, min(limit, 1000))},
        # `size` is none of v1's.
        options=(options or NO_OPTIONS).unchecked(),
        limit=limit,
        reader=Pages("Job", (), "start", None),
    )


def pauses(job: int, timeout: float | None, poll: float, progress: Progress | None) -> Iterator[float]:
    """How long to wait after each question that was answered with no. The caller asks first, then waits.

    Raises JobTimeoutError where the answer that comes after `timeout` seconds is still no, ValueError for times that
    are none.
    """
    check_seconds("poll", poll)
    if timeout is not None and not 0 <= timeout < 1e9:
        raise ValueError(f"timeout must be a time in seconds, not {timeout!r}")
    begun = time.monotonic()
    pause = poll
    while True:
        left = inf if timeout is None else begun + timeout - time.monotonic()
        yield max(0.0, min(pause, left))
        if left <= 0:
            raise JobTimeoutError(f"job {job} is not complete after {timeout:g} seconds; it goes on")
        if progress is not None:
            progress(time.monotonic() - begun)
        pause = min(pause * GROWTH, max(LONGEST, poll))


class Stream:
    """Reads the results in the answer to a command, or of a job, piece by piece."""

    def __init__(self, response: Response, job: int | None = None) -> None:
        self._job = job
        self._location = response.headers.get("location", "") if job is None else ""
        self._reader = Reader(response.charset)

    def feed(self, chunk: bytes) -> list[Result]:
        """The results that are complete now. Raises SCIError for a job that is not, TransportError for no answer."""
        results = self._reader.feed(chunk)
        self._check()
        return results

    def close(self) -> None:
        """Raises TransportError where the answer broke off, SCIError for what it says of the command as a whole."""
        self._reader.close(self._location)
        self._check()
        refused = self._reader.refused()
        if refused is not None:
            raise refused

    def _check(self) -> None:
        status = self._reader.status
        if status not in (None, COMPLETE):
            raise SCIError(f"job {self._job} is {status}: there are no results yet")


class Status:
    """Reads no more of what a job says of itself than its status."""

    def __init__(self, response: Response) -> None:
        self._reader = Reader(response.charset)
        self.status: str | None = None

    def feed(self, chunk: bytes) -> bool:
        """Whether the status is known now."""
        results = self._reader.feed(chunk)
        # An answer that begins with results has them all.
        self.status = self._reader.status or (COMPLETE if results or self._reader.errors else None)
        return self.status is not None

    def close(self) -> str:
        """The status. Raises TransportError where the answer had none."""
        if self.status is None:
            self._reader.close()
            raise TransportError("the answer does not say how the job stands")
        return self.status
