"""Streamed rows under faults: retried before the first byte, and never a short answer without an error."""

import gzip
from collections.abc import Callable
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from digirm import Options, RemoteManagerError, TransportError
from tests.support.breakage import BODIES, BREAKS, FORMS, STATUSES, Fault, refused
from tests.support.collection import Broken, Collection
from tests.support.faces import FACES, outcome, same
from tests.support.server import Got
from tests.support.wire import Wire, WireServer, http

ROWS = [{"id": str(number), "name": f'thing "{number}",\nof many'} for number in range(2_000)]
CSV = "id,name\n" + "".join('{},"{}"\n'.format(row["id"], row["name"].replace('"', '""')) for row in ROWS)
BEFORE = {**STATUSES, "refused": refused} | {
    name: BREAKS[name]
    for name in ("dropped before headers", "reset before headers", "dropped in the status line", "not HTTP")
}
WITHIN = {name: fault for name, fault in BREAKS.items() if name not in BEFORE} | {
    name: fault for name, fault in BODIES.items() if "gzip" in name or "deflate" in name
}

NOT_OF_CSV = (
    "other words for JSON",
    "no content type",
    "blanks around it",
    "UTF-16",
    "half a surrogate pair",
    "not a number",
)


def as_csv(fault: Fault) -> Fault:
    """The same fault of an answer that is CSV by its type."""
    if fault is refused:
        return fault

    def wire(page: bytes) -> Wire:
        pieces, then = fault(page)
        whole = b"".join(pieces).replace(b"application/json", b"text/csv;charset=UTF-8", 1)
        size = max(1, len(whole) // max(1, len(pieces)))
        return Wire(tuple(whole[at : at + size] for at in range(0, len(whole), size)), then)

    return wire


def broken(*steps: Fault | None) -> Callable[[], Callable[[Got], Wire]]:
    good = as_csv(FORMS["chunks"])
    return lambda: Broken(lambda _: CSV.encode(), *[step and as_csv(step) for step in steps], *[good] * 4)


async def read(rm: Any) -> Any:
    """The rows that came, and the error behind them."""
    rows: list[Any] = []
    try:
        async for row in rm.devices.bulk.csv(fields=["id", "name"]):
            rows.append(row)  # noqa: PERF401 - what came before the error counts
    except RemoteManagerError as error:
        return rows, type(error), error.attempts  # type: ignore[attr-defined]
    return rows, None, 0


@pytest.mark.parametrize("name", BEFORE)
def test_what_fails_before_the_first_byte_is_retried(name: str) -> None:
    steps = [BEFORE[name]] * (1 if name == "refused" else 3)
    found = same(read, broken(*steps))
    assert found.result == (ROWS, None, 0)
    assert len(found.got) == (1 if name == "refused" else 4)


@pytest.mark.parametrize("name", WITHIN)
def test_rows_that_break_off_end_with_an_error(name: str) -> None:
    found = same(read, broken(WITHIN[name]))
    rows, error, _ = found.result
    if error is None:
        # Headers that cannot be read come before any row: the request was repeated.
        assert rows == ROWS
        assert len(found.got) == 2
    else:
        assert error is TransportError
        assert rows == ROWS[: len(rows)]
        assert len(found.got) == 1


@pytest.mark.parametrize("name", [name for name in FORMS if name not in NOT_OF_CSV])
def test_rows_in_unusual_forms(name: str) -> None:
    step = as_csv(FORMS[name])
    text = CSV if "byte by byte" not in name else CSV[: CSV.index("\n20,")] + "\n"
    expected = ROWS if text is CSV else ROWS[:20]
    found = same(read, lambda: Broken(lambda _: text.encode(), step))
    assert found.result == (expected, None, 0)


def test_an_error_page_is_no_row() -> None:
    for name in ("HTML", "HTML as JSON", "empty"):

        async def body(rm: Any) -> Any:
            return [row async for row in rm.devices.bulk.csv(options=Options(retries=0))]

        found = same(body, partial(Broken, lambda _: b"", BODIES[name]))
        assert isinstance(found.failure, TransportError)


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    for number, fault in enumerate([*WITHIN.values(), *STATUSES.values()]):
        path = tmp_path / f"{number}.csv"

        async def body(rm: Any, path: Path = path) -> Any:
            return await rm.devices.bulk.csv(options=Options(retries=0)).to_csv(path)

        found = same(body, broken(fault))
        assert isinstance(found.failure, RemoteManagerError)
        assert not list(tmp_path.iterdir())


def test_a_file_is_the_answer_byte_by_byte(tmp_path: Path) -> None:
    async def body(rm: Any) -> Any:
        return await rm.devices.bulk.csv().to_csv(tmp_path / "all.csv")

    assert same(body, broken(STATUSES["503 empty"])).result == len(ROWS)
    assert [path.name for path in tmp_path.iterdir()] == ["all.csv"]
    assert (tmp_path / "all.csv").read_bytes() == CSV.encode()


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("what", ["rows", "items", "items ahead"])
def test_leaving_half_way_gives_back_the_only_slot(what: str, face: str) -> None:
    async def body(rm: Any) -> Any:
        for _ in range(3):
            things = rm.devices.bulk.csv() if what == "rows" else rm.devices.inventory.list(prefetch="ahead" in what)
            async with aclosing(aiter(things)) as left:
                first = await anext(left)
            assert first["id"] == "0"
        return await rm.request("GET", "/ws/v1/x")

    def reply(got: Got) -> Wire:
        page = Collection(range(3)).page(got).replace(b'"size"', b'"cursor": "after:2", "size"')
        return as_csv(FORMS["chunks"])(CSV.encode()) if "bulk" in got.path else http(200, page)

    with WireServer(reply) as server:
        assert outcome(face, body, server).result["count"] == 3


def test_a_compressed_answer_that_stops_anywhere_is_an_error() -> None:
    plain = b"id,name\n" + b"".join(b"%d,thing %d\n" % (number, number * 7919 % 1000) for number in range(200))
    packed = gzip.compress(plain)
    cuts = range(20, len(packed), 40)
    steps = [as_csv(lambda _, cut=cut: http(200, packed[:cut], ("content-encoding", "gzip"))) for cut in cuts]

    async def body(rm: Any) -> list[Any]:
        return [(await read(rm))[1] for _ in cuts]

    assert same(body, partial(Broken, lambda _: plain, *steps)).result == [TransportError] * len(cuts)
