"""One browser for all tests; each has a page of its own, of which nothing may go wrong unseen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

from tests.browser.support import PATIENCE, WIDE, Explorer, chromium


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # Chromium does not run as root within its sandbox, and in containers there is often nobody else.
        running = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture(scope="module")
def explorer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Explorer]:
    """On its own simulator, whose fleet fills two pages."""
    with Explorer(tmp_path_factory.mktemp("explorer"), "--devices", "1200") as running:
        yield running


class Watch:
    """What pages did that no page may do."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def context(self, context: BrowserContext) -> BrowserContext:
        context.set_default_timeout(PATIENCE)
        context.add_init_script(
            "addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI, sourceFile, lineNumber }) =>"
            " console.error(`policy: ${violatedDirective} ${blockedURI} ${sourceFile}:${lineNumber}`))"
        )
        context.on("page", self._page)
        return context

    def _page(self, page: Page) -> None:
        page.on("request", self._request)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.faults.append(f"raised: {error}"))

    def _request(self, request: Request) -> None:
        found = urlsplit(request.url)
        if found.scheme not in ("blob", "data") and found.hostname != "127.0.0.1":
            self.faults.append(f"asked another host: {request.url}")

    def _console(self, message: ConsoleMessage) -> None:
        # Chromium's own words for each answer that is no success, which the page tells in its own.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.faults.append(f"console: {message.text}")


Contexts = Callable[..., BrowserContext]


@pytest.fixture
def contexts(browser: Browser) -> Iterator[Contexts]:
    """Makes browser contexts; what goes wrong in their pages fails the test."""
    watch = Watch()
    made: list[BrowserContext] = []

    def make(**settings: Any) -> BrowserContext:
        made.append(watch.context(browser.new_context(**{"viewport": WIDE, **settings})))
        return made[-1]

    yield make
    for context in made:
        context.close()
    assert watch.faults == []


@pytest.fixture
def page(explorer: Explorer, contexts: Contexts) -> Page:
    """A page of the explorer, loaded."""
    return explorer.enter(contexts())
