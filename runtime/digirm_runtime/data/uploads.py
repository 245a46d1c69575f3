"""Uploads of data points in batches: which points go when, and what has become of them. It sends nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Sized
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from digirm_runtime.data.answers import Refusal, refusals
from digirm_runtime.data.points import Point, encode
from digirm_runtime.errors import BadRequest, RemoteManagerError, ServerError, TransportError
from digirm_runtime.operation import Endpoint, Operation

if TYPE_CHECKING:
    from digirm_runtime.options import Options
    from digirm_runtime.storage.sources import Progress

#: A point as a caller gives it; a mapping has the keys of the service.
AnyPoint: TypeAlias = "Point | Mapping[str, Any]"

_UPLOAD = Endpoint("POST", "/ws/v1/streams/history", "create", uploads=True)


class Failure(NamedTuple):
    """A point that the service refused: its place in the input from 0 on, as it was sent, and what the service said."""

    position: int
    point: dict[str, Any]
    message: str
    status: int


class Report:
    """What has become of an upload.

    `sent` counts the points from the beginning of the input whose fate is certain: stored, or among the `failures`.
    """

    def __init__(self) -> None:
        self.sent = 0
        self.failures: list[Failure] = []

    def __repr__(self) -> str:
        return f"<Report {self.sent} sent, {len(self.failures)} of them failed>"


class UploadError(RemoteManagerError):
    """An upload that stopped; what stopped it is the `__cause__`.

    The fate of the first `sent` points is certain: they are stored, or among the `failures`. Of the next `unsure`
    points nobody knows, as no answer came, or none that says it; all others were not stored. To go on, upload what
    follows the first `sent`; points with a `timestamp` that come twice are told from others by it.
    """

    def __init__(self, message: str, *, sent: int, unsure: int, failures: Sequence[Failure]) -> None:
        super().__init__(message)
        self.sent = sent
        self.unsure = unsure
        self.failures = list(failures)


class Upload:
    """One upload. `add` gives the batch that a point completes, `rest` the last one; then `leaves` and `settle`."""

    def __init__(self, points: object, batch: int, progress: Progress | None, options: Options | None) -> None:
        if not isinstance(batch, int) or batch < 1:
            raise ValueError(f"batch must be a number of points from 1 on, not {batch!r}")
        self.report = Report()
        self._total = len(points) if isinstance(points, Sized) else None
        self._batch = batch
        self._progress = progress
        self._options = options
        self._items: list[dict[str, Any]] = []
        self._leaves = False

    def add(self, point: AnyPoint) -> Operation[list[Refusal]] | None:
        """Take a point; the operation of a full batch. Raises ValueError or TypeError for one that cannot be sent."""
        try:
            self._items.append(encode(point))
        except (ValueError, TypeError) as error:
            error.args = (f"point {self.report.sent + len(self._items)}: {error}",)
            raise
        return self.rest() if len(self._items) == self._batch else None

    def rest(self) -> Operation[list[Refusal]] | None:
        """The operation of what is left, if anything is; its result are the points that were refused."""
        items = self._items
        return Operation(_UPLOAD, body=items, options=self._options, reader=partial(refusals, items)) if items else None

    def leaves(self) -> None:
        """Note that the batch is about to be sent: from now on nobody knows what became of it."""
        self._leaves = True

    def settle(self, refused: Sequence[Refusal]) -> None:
        """Take the answer to a batch."""
        first = self.report.sent
        self._settled([Failure(first + at, self._items[at], message, status) for at, message, status in refused])

    def refused(self, error: BadRequest) -> bool:
        """Take the refusal of a batch: whether it is that of its only point, which is as good as an answer."""
        if len(self._items) != 1:
            return False
        message = error.error_message or str(error)
        self._settled([Failure(self.report.sent, self._items[0], message, error.status)])
        return True

    def _settled(self, failures: list[Failure]) -> None:
        self.report.failures += failures
        self.report.sent += len(self._items)
        # A new list: the old one may be on its way still in what a hook has kept.
        self._items = []
        self._leaves = False
        if self._progress is not None:
            self._progress(self.report.sent, self._total)

    @contextmanager
    def stopping(self) -> Iterator[None]:
        """Say of whatever stops the upload how far it came: raises UploadError from it."""
        try:
            yield
        except Exception as error:
            sent, failures = self.report.sent, self.report.failures
            unsure = len(self._items) if self._leaves and _unsure(error) else 0
            what = str(error) or type(error).__name__
            of = "" if self._total is None else f" of {self._total}"
            doubt = f", and the next {unsure} may be" if unsure else ""
            raise UploadError(
                f"the upload stopped: {what} ({sent}{of} points are sent{doubt})",
                sent=sent, unsure=unsure, failures=failures,
            ) from error  # fmt: skip


def _unsure(error: Exception) -> bool:
    """Whether a batch that was about to be sent may have been stored nevertheless."""
    if isinstance(error, TransportError):
        return error.sent
    return isinstance(error, ServerError) or not isinstance(error, RemoteManagerError)
