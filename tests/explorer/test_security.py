"""Nobody but this machine's user gets at the explorer, and no page of another site through their browser."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digirm_explorer.security import Access, Gate, Message, Receive, Scope, Send
from tests.explorer.local import Said

OWN = "http://127.0.0.1:8765"


async def inner(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
    headers = [(b"content-security-policy", b"own")] if scope["path"] == "/" else []
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"in"})


class Door:
    """A gate, and the links that it announced."""

    def __init__(self, port: int = 8765) -> None:
        self.links: list[str] = []
        self.access = Access(port, self.links.append)
        self._gate = Gate(inner, self.access)

    def ask(
        self, path: str, method: str = "GET", *, cookie: str = "", host: str = "127.0.0.1:8765", **more: str
    ) -> Said:
        path, _, query = path.partition("?")
        headers = {"host": host, "cookie": cookie} | {name.replace("_", "-"): value for name, value in more.items()}
        return self.ask_with(path, query, method, list(headers.items()))

    def ask_with(self, path: str, query: str, method: str, headers: list[tuple[str, str]]) -> Said:
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
        }
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": b""}

        async def send(message: Message) -> None:
            sent.append(message)

        asyncio.run(self._gate(scope, receive, send))
        found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Said(sent[0]["status"], found, b"".join(message.get("body", b"") for message in sent[1:]))

    def enter(self) -> str:
        said = self.ask("/?" + self.access.link.partition("?")[2])
        assert (said.status, said.headers["location"]) == (303, "/")
        return said.headers["set-cookie"].partition(";")[0]


def test_a_link_lets_one_browser_in_and_the_next_link_another() -> None:
    door = Door()
    first = door.access.link
    assert first.startswith(f"{OWN}/?token=")
    cookie = door.enter()
    assert cookie.startswith("digirm_explorer_8765=")
    assert door.ask("/", cookie=cookie).body == b"in"
    assert door.ask("/?" + first.partition("?")[2]).status == 403
    assert door.links == [door.access.link]
    assert door.links != [first]
    other = door.enter()
    assert other != cookie
    assert door.ask("/api/session", cookie=cookie).status == door.ask("/api/session", cookie=other).status == 200


def test_the_cookie_is_nothing_for_scripts_and_for_other_sites() -> None:
    door = Door()
    said = door.ask("/?" + door.access.link.partition("?")[2])
    assert said.headers["set-cookie"].split("; ")[1:] == ["Path=/", "HttpOnly", "SameSite=Strict"]


def test_who_is_in_and_opens_an_old_link_again_gets_the_page() -> None:
    door = Door()
    link = door.access.link
    cookie = door.enter()
    said = door.ask("/?" + link.partition("?")[2], cookie=cookie)
    assert (said.status, said.headers["location"]) == (303, "/")
    assert "set-cookie" not in said.headers


@pytest.mark.parametrize("cookie", ["", "digirm_explorer_8765=", "digirm_explorer_8765=guessed", "digirm_explorer_1=x"])
def test_without_a_session_there_is_nothing_but_words(cookie: str) -> None:
    door = Door()
    said = door.ask("/", cookie=cookie)
    assert said.status == 403
    assert b"digirm explore" in said.body
    assert said.body != b"in"
    said = door.ask("/api/session", cookie=cookie)
    assert said.status == 401
    assert said.json["error"]["kind"] == "session"
    assert "open the link" in said.json["error"]["message"]


@given(st.text(st.characters(exclude_characters="&;#+%", codec="utf-8"), min_size=1))
def test_a_guess_lets_nobody_in(token: str) -> None:
    door = Door()
    assert door.access.enter(token) is None
    assert not door.access.knows(f"digirm_explorer_8765={token}")


@pytest.mark.parametrize(
    "host", ["evil.example:8765", "evil.example", "127.0.0.1", "127.0.0.1:8766", "", "127.0.0.2:8765"]
)
def test_a_name_that_is_not_its_own_is_refused(host: str) -> None:
    door = Door()
    cookie = door.enter()
    for path in ("/", "/api/session", "/assets/x.js", "/?" + door.access.link.partition("?")[2]):
        assert door.ask(path, cookie=cookie, host=host).status == 403
    assert len(door.links) == 1


@pytest.mark.parametrize("name", ["host", "origin"])
def test_a_header_that_comes_twice_is_none_of_both(name: str) -> None:
    door = Door()
    good = {"host": "127.0.0.1:8765", "origin": OWN, "cookie": door.enter()}
    assert door.ask_with("/api/send", "", "POST", list(good.items())).status == 200
    for twice in ([(name, "http://evil.example"), *good.items()], [*good.items(), (name, "http://evil.example")]):
        assert door.ask_with("/api/send", "", "POST", twice).status == 403


def test_a_look_at_the_link_does_not_use_it_up() -> None:
    door = Door()
    link = door.access.link
    said = door.ask("/?" + link.partition("?")[2], "HEAD")
    assert (said.status, "set-cookie" in said.headers) == (403, False)
    assert door.access.link == link
    assert door.links == []


def test_localhost_is_its_own_name_too() -> None:
    door = Door()
    cookie = door.enter()
    assert door.ask("/", cookie=cookie, host="localhost:8765").status == 200
    assert (
        door.ask("/api/x", "POST", cookie=cookie, host="localhost:8765", origin="http://localhost:8765").status == 200
    )
    assert "127.0.0.1" in Door(80).access.hosts


@pytest.mark.parametrize(
    "origin", [None, "null", "", "http://evil.example", "http://127.0.0.1:9", "https://127.0.0.1:8765"]
)
@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT", "OPTIONS"])
def test_what_is_more_than_a_get_comes_from_the_page_itself(origin: str | None, method: str) -> None:
    door = Door()
    cookie = door.enter()
    more: dict[str, Any] = {} if origin is None else {"origin": origin}
    said = door.ask("/api/send", method, cookie=cookie, **more)
    assert said.status == 403
    assert not any(name.startswith("access-control") for name in said.headers)
    assert door.ask("/api/send", method, cookie=cookie, origin=OWN).status == 200


def test_a_get_of_another_site_is_refused() -> None:
    door = Door()
    cookie = door.enter()
    assert door.ask("/api/history", cookie=cookie, origin="http://evil.example").status == 403
    for site, status in {"cross-site": 403, "same-site": 403, "same-origin": 200, "none": 200}.items():
        assert door.ask("/api/history", cookie=cookie, sec_fetch_site=site).status == status


def test_who_comes_by_a_link_on_another_site_is_let_in_by_a_second_request() -> None:
    door = Door()
    cookie = door.enter()
    said = door.ask("/", sec_fetch_site="cross-site")  # strict cookies are kept back
    assert said.status == 403
    assert b'http-equiv="refresh"' in said.body
    assert door.ask("/", sec_fetch_site="same-origin", cookie=cookie).status == 200
    assert b"refresh" not in door.ask("/", sec_fetch_site="same-origin").body


def test_every_answer_says_what_browsers_may_not_do() -> None:
    door = Door()
    cookie = door.enter()
    for said in (
        door.ask("/"),
        door.ask("/", cookie=cookie),
        door.ask("/api/session"),
        door.ask("/api/session", cookie=cookie),
        door.ask("/", host="evil.example"),
        door.ask("/assets/x.js"),
    ):
        assert said.headers["x-content-type-options"] == "nosniff"
        assert said.headers["referrer-policy"] == "no-referrer"
        assert said.headers["cross-origin-opener-policy"] == "same-origin"
        assert said.headers["cross-origin-resource-policy"] == "same-origin"
        assert said.headers["cache-control"] == "no-store"
        assert "content-security-policy" in said.headers
    assert door.ask("/api/session", cookie=cookie).headers["content-security-policy"].startswith("default-src 'none'")
    assert door.ask("/", cookie=cookie).headers["content-security-policy"] == "own"


def test_browsers_are_remembered_up_to_a_number() -> None:
    door = Door()
    cookies = [door.enter() for _ in range(101)]
    assert not door.access.knows(cookies[0])
    assert door.access.knows(cookies[1])
    assert door.access.knows(f"other=1; {cookies[-1]}")


def test_there_are_no_web_sockets() -> None:
    async def none() -> Message:
        raise AssertionError

    async def send(_: Message) -> None:
        raise AssertionError

    asyncio.run(Gate(inner, Access(1, print))({"type": "websocket"}, none, send))
