"""What the service answers: one result for each device, and what it says of the request as a whole."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, overload

from digirm_runtime.errors import RemoteManagerError, TooLarge, TransportError
from digirm_runtime.wire import Response
from digirm_runtime.xmltext import Records, TooMuchError, Value, XMLError

#: An answer that is not streamed may have so many bytes.
MOST = 64 * 1024 * 1024
#: Of what an answer says of the request as a whole so much is kept: the memory of a stream must not grow with it.
_MOST_ERRORS = 100
_LONGEST_MESSAGE = 10_000
_JOB = re.compile(r"/ws/sci/([0-9]{1,19})/?$")


class DeviceError(NamedTuple):
    """Why a device has not done as it was told: `2001 Device Not Connected`. `id` is None where none was given."""

    id: int | None
    message: str

    def __str__(self) -> str:
        return self.message if self.id is None else f"{self.id} {self.message}".rstrip()


class Result(NamedTuple):
    """What became of a command on one device.

    `value` holds the elements of the answer by name, as `digirm_runtime.xmltext` reads them; `error` is None where the
    device has answered.
    """

    device_id: str
    value: dict[str, Value]
    error: DeviceError | None = None

    @property
    def text(self) -> str:
        """All text of the answer, without the elements around it."""
        return "".join(_texts(self.value))


class Results(Sequence[Result]):
    """The results of one request, a device each, in the order of the answer.

    `others` holds by name what was answered beside them: with `reply="summary"` that is all.
    """

    def __init__(self, results: Sequence[Result] = (), others: Mapping[str, Value] | None = None) -> None:
        self._results = tuple(results)
        self.others: dict[str, Value] = dict(others or {})

    @overload
    def __getitem__(self, index: int) -> Result: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Result]: ...

    def __getitem__(self, index: int | slice) -> Result | Sequence[Result]:
        return self._results[index]

    def __len__(self) -> int:
        return len(self._results)

    def __iter__(self) -> Iterator[Result]:
        return iter(self._results)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Results) and (other._results, other.others) == (self._results, self.others)

    def __hash__(self) -> int:
        return hash(tuple(result.device_id for result in self._results))

    def __repr__(self) -> str:
        # What devices say may be secret.
        return f"<Results of {len(self._results)} devices, {len(self.errors)} with an error>"

    @property
    def errors(self) -> dict[str, DeviceError]:
        """The errors by device id; empty where all have answered."""
        return {result.device_id: result.error for result in self._results if result.error is not None}

    def raise_for_errors(self) -> Results:
        """These results. Raises SCIError where a device has an error."""
        errors = self.errors
        if errors:
            shown = "; ".join(f"{device}: {error}" for device, error in [*errors.items()][:5])
            more = f"; and {len(errors) - 5} more" if len(errors) > 5 else ""
            raise SCIError(f"{shown}{more}", results=self)
        return self


class SCIError(RemoteManagerError):
    """A command that the service refused as a whole, or, by `raise_for_errors`, one that devices have not done.

    `results` holds what was answered for single devices; empty where they were streamed.
    """

    def __init__(self, message: str, results: Results | None = None) -> None:
        super().__init__(message)
        self.results = Results() if results is None else results


class JobTimeoutError(RemoteManagerError, TimeoutError):
    """A job that was not complete in time; it goes on."""


class Reader:
    """Reads an answer piece by piece, in the memory of one device's result (at most `most` bytes of it).

    `status` is that of a job, `job_id` the number of one that was made, `errors` what was said of the request as a
    whole; all of them as far as the answer has been read. `others`, all else by name, is collected where it is given.
    `charset` is that of the HTTP header.
    """

    def __init__(
        self, charset: str | None = None, most: int = 16 * 1024 * 1024, others: dict[str, Value] | None = None
    ) -> None:
        self._records = Records(depth=2, most=most, charset=charset)
        self._known = False
        self._blank = True  # whether there was nothing to read
        self._told = False  # whether anything was said of devices, the request or a job
        self.status: str | None = None
        self.job_id: str | None = None
        self.errors: list[DeviceError] = []
        self._others = others

    def feed(self, chunk: bytes) -> list[Result]:
        """The results that are complete now.

        Raises TransportError for what is no answer to a command, TooLarge for a result that is more than can be held.
        """
        self._blank = self._blank and not chunk.strip()
        try:
            records = self._records.feed(chunk)
        except XMLError as error:
            raise _unreadable(error) from None
        if not self._known and self._records.root:
            self._known = True
            if self._records.root != "sci_reply":
                raise TransportError(f"the answer is a <{self._records.root}>, not an <sci_reply>")
        results = []
        for name, value in records:
            self._told = self._told or name in ("device", "error", "desc", "status", "jobId")
            if name == "device":
                results.append(_result(value))
            elif name in ("error", "desc"):  # the latter stands in an <error> directly below the root
                if len(self.errors) < _MOST_ERRORS:
                    self.errors.append(device_error(value))
            elif name == "status":
                self.status = " ".join(_text(value).split())
            elif name == "jobId":
                self.job_id = _text(value).strip()
            elif value and self._others is not None:
                self._others[name] = value
        return results

    def close(self, location: str = "") -> None:
        """The answer ends here. Raises TransportError where it broke off.

        `location` is the header; it names the job that was made where the body says nothing.
        """
        made = None if self._told else _JOB.search(location)
        if made:
            self.job_id = made[1]
        if made and self._blank:
            return
        try:
            self._records.close()
        except XMLError as error:
            raise _unreadable(error) from None

    def refused(self, results: Results | None = None) -> SCIError | None:
        """The error for what was said of the request as a whole, if anything, and for a job that nobody waits for."""
        if self.errors:
            return SCIError("; ".join(map(str, self.errors)), results=results)
        if self.job_id is not None:
            return SCIError(f"the service made job {self.job_id} of the request instead of answering it")
        return None


class Answer(NamedTuple):
    """A whole answer: the results, the number of a job that was made, and why there are no results to be had."""

    results: Results
    job_id: str | None
    refused: SCIError | None

    def accepted(self) -> Results:
        """The results. Raises SCIError where the request as a whole was refused, or became a job unasked."""
        if self.refused is not None:
            raise self.refused
        return self.results


def read_answer(response: Response) -> Answer:
    """Read a whole answer. Raises TransportError for what is none, TooLarge for more than can be held."""
    body = response.read()
    others: dict[str, Value] = {}
    reader = Reader(response.charset, MOST, others)
    try:
        found = reader.feed(body)
        reader.close(response.headers.get("location", ""))
    except TooLarge as error:
        raise TooLarge(f"{error}; rm.sci.stream reads the results one by one", body=body) from None
    except TransportError as error:
        error.body = body
        raise
    results = Results(found, others)
    return Answer(results, reader.job_id, reader.refused(results))


def _unreadable(error: XMLError) -> TransportError:
    if isinstance(error, TooMuchError):
        return TooLarge(f"the answer is more than can be read: {error}")
    return TransportError(f"the answer is no XML that can be read: {error}")


def _result(value: Value) -> Result:
    content: dict[str, Any] = dict(value) if isinstance(value, dict) else {"#text": value} if value else {}
    device = content.pop("@id", "")
    found = content.pop("error", None)
    error = None
    if found is not None:
        error = device_error(found)
    return Result(device if isinstance(device, str) else "", content, error)


def device_error(value: Value) -> DeviceError:
    """An error in any of its forms: with and without a number, its words in a `<desc>` or alone, once or repeated."""
    if isinstance(value, list):
        several = [device_error(one) for one in value]
        return DeviceError(several[0].id, "; ".join(one.message for one in several))
    number = value.get("@id") if isinstance(value, dict) else None
    known = isinstance(number, str) and number.isascii() and number.isdecimal() and len(number) < 10
    message = " ".join(_text(value).split())[:_LONGEST_MESSAGE]
    return DeviceError(int(number) if known and isinstance(number, str) else None, message or "an error without words")


def _text(value: Value) -> str:
    return "".join(_texts(value))


def _texts(value: Value) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
    else:
        for name, one in value.items():
            if not name.startswith("@"):
                yield from _texts(one)
