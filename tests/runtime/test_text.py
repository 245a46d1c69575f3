from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digirm_runtime.text import parse_time, time_text

ZONES = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=ZONES))
def test_what_is_written_is_read_again(time: datetime) -> None:
    read = parse_time(time_text(time))
    assert read.tzinfo is UTC
    assert timedelta() <= time - read < timedelta(milliseconds=1)
    assert parse_time(time.isoformat()) == time
    assert parse_time((read - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)) == read


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2021-02-18T21:01:39.607Z", datetime(2021, 2, 18, 21, 1, 39, 607000, UTC)),
        ("2021-02-18T21:01:39Z", datetime(2021, 2, 18, 21, 1, 39, 0, UTC)),
        ("2021-02-18T21:01:39.6Z", datetime(2021, 2, 18, 21, 1, 39, 600000, UTC)),
        ("2021-02-18T21:01:39.123456789Z", datetime(2021, 2, 18, 21, 1, 39, 123456, UTC)),
        ("2021-02-18T23:01:39.607+02:00", datetime(2021, 2, 18, 21, 1, 39, 607000, UTC)),
        ("2021-02-18T15:01:39-0600", datetime(2021, 2, 18, 21, 1, 39, 0, UTC)),
        (" 2021-02-18T21:01Z ", datetime(2021, 2, 18, 21, 1, 0, 0, UTC)),
        ("1613682099607", datetime(2021, 2, 18, 21, 1, 39, 607000, UTC)),
        (1613682099607, datetime(2021, 2, 18, 21, 1, 39, 607000, UTC)),
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
        (-1, datetime(1969, 12, 31, 23, 59, 59, 999000, UTC)),
    ],
)
def test_times_of_answers(text: str | int, expected: datetime) -> None:
    assert parse_time(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", " ", "now", "-1d", "20210218", "1613682099", "2021-02-30T00:00:00Z", "2021-02-18T21:01:39.607Zz", "x" * 9999,
     "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", 10**18, -(10**18), "1" * 16, "\uff12021-02-18T21:01Z"],
)  # fmt: skip
def test_what_is_no_time(text: str | int) -> None:
    with pytest.raises(ValueError, match=r"is no time|no time zone") as caught:
        parse_time(text)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("text", ["2021-02-18T21:01:39.607", "2021-02-18"])
def test_a_time_without_a_zone_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        parse_time(text)
