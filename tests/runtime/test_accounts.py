"""Accounts: whose clients share which limits, and for how long they are remembered."""

import gc
from typing import Any

import pytest

from digirm_runtime import throttle
from digirm_runtime.limits import MARGIN
from digirm_runtime.options import Throttle
from digirm_runtime.throttle import member
from tests.support.slots import delay, slot


def test_one_account_is_as_strict_as_its_strictest_client() -> None:
    mine = member("https://h", "strict", Throttle((240, 60), concurrent=4))
    governor = mine.governors[0]
    stricter: Any = member("https://h", "strict", Throttle((3, 60), concurrent=2))
    assert stricter.governors[0] is governor
    assert member("https://h", "strict", Throttle((100, 60), concurrent=8)).governors[0] is governor
    assert member("https://h", "other", Throttle((240, 60))).governors[0] is not governor
    held = [slot(governor), slot(governor)]
    assert delay(governor) is None
    for taken in held:
        taken.release()
    slot(governor).release()
    assert delay(governor) == pytest.approx(60 + MARGIN, abs=5)
    # The limits are those of clients that live; what was sent is not forgotten with them.
    del stricter
    gc.collect()
    for _ in range(237):
        slot(governor).release()
    assert delay(governor) != 0


def test_an_account_remembers_beyond_its_last_client() -> None:
    only: Any = member("https://h", "remembered", Throttle((1, 60)))
    slot(only.governors[0]).release()
    del only
    gc.collect()
    again = member("https://h", "remembered", Throttle((1, 60)))
    assert delay(again.governors[0]) == pytest.approx(60, abs=5)


def test_a_pause_and_a_lesson_outlive_the_clients_of_an_account() -> None:
    paused = member("https://h", "paused", Throttle((100, 60)))
    paused.governors[0].refuse(3600.0, told=True)
    governor = paused.governors[0]
    lowered = member("https://h", "lowered", Throttle((100, 60)))
    lowered.governors[0].refuse(0.0, told=False)
    taught = lowered.governors[0]
    del paused, lowered
    gc.collect()
    for number in range(300):
        member("https://h", f"others {number}", Throttle((1, 60)))
    assert member("https://h", "paused", Throttle((100, 60))).governors[0] is governor
    assert member("https://h", "lowered", Throttle((100, 60))).governors[0] is taught


def test_accounts_that_nobody_uses_are_forgotten() -> None:
    for number in range(1000):
        member("https://h", f"passing {number}", Throttle((1, 60)))
    assert sum(1 for _, account in throttle._accounts if account.startswith("passing")) < 500


def test_uploads_have_a_bucket_of_their_own_and_count_as_requests() -> None:
    mine = member("https://h", "uploads", Throttle((240, 60), concurrent=4, uploads=(2, 60)))
    uploads, requests = mine.uploading
    assert requests is mine.governors[0]
    first = slot(uploads)
    assert delay(uploads) is None, "one at a time"
    first.release()
    slot(uploads).release()
    assert delay(uploads) == pytest.approx(60, abs=5)
    assert delay(requests) == 0
    without = member("https://h", "no bucket", Throttle((240, 60), uploads=None))
    assert without.uploading == without.governors
