"""The explorer for tests: served on loopback in a thread, and a browser that was let in."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from digirm_explorer import page
from digirm_explorer.running import Running, bind

INDEX = (
    '<!doctype html><meta property="csp-nonce" nonce="DIGIRM_NONCE"><script src="/assets/x-1.js" nonce="DIGIRM_NONCE">'
)


class Said(NamedTuple):
    """An answer of the explorer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Browser:
    """Asks as the page does: by the explorer's own address, with the cookie that the link gave."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.port = int(urlsplit(running.access.link).port or 0)
        self.origin = f"http://127.0.0.1:{self.port}"
        self.cookie = ""

    def enter(self) -> None:
        said = self.ask(self.running.access.link.removeprefix(self.origin))
        assert said.status == 303
        self.cookie = said.headers["set-cookie"].partition(";")[0]

    def ask(self, path: str, body: Any = None, method: str = "", headers: Mapping[str, str] | None = None) -> Said:
        method = method or ("GET" if body is None else "POST")
        own = {"cookie": self.cookie, **({} if method == "GET" else {"origin": self.origin})}
        content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, content, own | dict(headers or {}))
            response = connection.getresponse()
            return Said(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def send(self, method: str, path: str, **more: Any) -> Any:
        return self.ask("/api/send", {"request": {"method": method, "path": path, **more}}).json


@contextmanager
def explorer(**settings: Any) -> Iterator[Browser]:
    """An explorer with a browser that is in; `settings` are those of `Running`."""
    running = Running(bind(0), **settings)
    ready = threading.Event()
    thread = threading.Thread(target=running.run, args=(ready.set,), daemon=True)
    thread.start()
    assert ready.wait(60)
    try:
        browser = Browser(running)
        browser.enter()
        yield browser
    finally:
        running.stop()
        thread.join()


def bundle(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a page of two files in the place of the one that npm builds."""
    (folder / "assets").mkdir()
    (folder / "index.html").write_text(INDEX)
    (folder / "assets" / "x-1.js").write_text("export {};")
    monkeypatch.setattr(page, "STATIC", folder)
