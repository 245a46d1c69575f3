"""What would be sent is shown whole, and a confirmation is one for that request, once."""

from typing import Any

import pytest

from digirm_explorer import confirming
from digirm_explorer.problems import Problem
from digirm_runtime.wire import Request
from tests.explorer.upstream import Upstream
from tests.support.server import Answer, script

URL = "http://h.example/ws/v1/devices/inventory"


def request(body: bytes = b"", method: str = "POST", url: str = URL, **headers: str) -> Request:
    return Request(method, url, headers, body)


def test_a_confirmation_is_used_up() -> None:
    first, second = confirming.digest(request(b"x")), confirming.digest(request(b"x"))
    assert first != second
    assert [confirming.confirms(first, request(b"x")) for _ in range(2)] == [True, False]
    assert confirming.confirms(second, request(b"x"))


@pytest.mark.parametrize(
    "other",
    [
        request(b"y"),
        request(b"x", "PUT"),
        request(b"x", url=URL + "/1"),
        request(b"x", accept="*/*"),
        # The same bytes, one after the other.
        request(b"x", "POS", "T" + URL),
    ],
)
def test_another_request_is_not_confirmed(other: Request) -> None:
    assert not confirming.confirms(confirming.digest(request(b"x")), other)


@pytest.mark.parametrize("given", ["", "0" * 64, "é\ud800"])
def test_a_guess_confirms_nothing(given: str) -> None:
    confirming.digest(request())
    assert not confirming.confirms(given, request())


def test_what_waits_too_long_is_shown_again() -> None:
    first = confirming.digest(request())
    later = [confirming.digest(request()) for _ in range(100)]
    assert not confirming.confirms(first, request())
    assert all(confirming.confirms(one, request()) for one in later)


def test_all_of_a_request_is_shown_but_its_credentials() -> None:
    body = b"a" * 200_000 + b"\nthe end"
    shown = confirming.preview(request(body, authorization="Basic eDp5", accept="*/*"), ["authorization"])
    assert shown == (
        f"POST {URL}\nhost: h.example\nauthorization: (your credentials)\naccept: */*\ncontent-length: 200008\n\n"
        + body.decode()
    )


def test_what_cannot_be_seen_is_written_out() -> None:
    body = "{\n\t'a': '\u202ex\u2066\u200b\x1b[2K\r\u00e9\U0001f600\x00'}"
    shown = confirming.preview(request(body.encode() + b"\xff"), [])
    assert shown.partition("\n\n")[2] == (
        "{\n\t'a': '<U+202E>x<U+2066><U+200B><U+001B>[2K<U+000D>\u00e9\U0001f600<U+0000>'}\ufffd"
    )


def test_a_masked_secret_is_to_be_typed_again_before_anything_is_changed() -> None:
    more: dict[str, Any] = {"params": [{"name": "install_code", "value": "***", "on": True}]}
    with script(Answer(200, {})) as server, Upstream(server.url) as upstream:
        upstream.service.allowed = True
        for given in (None, "guessed"):
            with pytest.raises(Problem, match="type again") as caught:
                upstream.send("POST", confirm=given, **more)
            assert caught.value.kind == "invalid"
        assert server.got == []
        # A question changes nothing.
        assert upstream.send("GET", **more)["status"] == 200


def test_a_request_is_sent_once_for_one_confirmation() -> None:
    with script(Answer(201, {})) as server, Upstream(server.url) as upstream:
        upstream.service.allowed = True
        with pytest.raises(Problem) as caught:
            upstream.send("DELETE")
        assert upstream.send("DELETE", confirm=caught.value.digest)["status"] == 201
        with pytest.raises(Problem, match="sent already"):
            upstream.send("DELETE", confirm=caught.value.digest)
        assert len(server.got) == 1
