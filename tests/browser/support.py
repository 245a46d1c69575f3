"""`digirm explore` as a user starts it, and what the tests do in its page."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from queue import Queue
from typing import Any

from playwright.sync_api import BrowserContext, Locator, Page, expect

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "explorer" / "web" / "node_modules" / "axe-core" / "axe.min.js"
DEVICES = "/ws/v1/devices/inventory"
WIDE = {"width": 1280, "height": 900}
NARROW = {"width": 400, "height": 800}

LINK = re.compile(r"http://127\.0\.0\.1:(\d+)/\?token=\S+")
#: Waiting ends when what is waited for is there; this is for a machine that has much else to do.
PATIENCE = 20_000
expect.set_options(timeout=PATIENCE)


def chromium() -> str:
    """Where the browser is."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    raise FileNotFoundError("there is no Chromium: run `make test-browser`, which installs it")


class Explorer:
    """A process `digirm explore`. Each browser context gets in by a link of its own."""

    def __init__(self, folder: Path, *arguments: str, port: int = 0, env: dict[str, str] | None = None) -> None:
        command = [sys.executable, "-m", "digirm_cli.main", "explore", *arguments, "--port", str(port)]
        if "--no-history" not in arguments:
            command += ["--history", str(folder / "history.sqlite")]
        self._links: Queue[str] = Queue()
        #: What it wrote to standard error.
        self.said: list[str] = []
        self._process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **(env or {})}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self._readers = [
            threading.Thread(target=self._read, args=(stream,), daemon=True)
            for stream in (self._process.stdout, self._process.stderr)
        ]
        for reader in self._readers:
            reader.start()
        self.link = self._links.get(timeout=60)
        found = LINK.fullmatch(self.link)
        assert found
        self.port = int(found[1])
        self.url = f"http://127.0.0.1:{self.port}/"

    def _read(self, stream: Any) -> None:
        for line in stream:
            self.said.append(line)
            if found := LINK.search(line):
                self._links.put(found[0])

    def enter(self, context: BrowserContext) -> Page:
        """A page of a context that is not in yet."""
        page = context.new_page()
        page.goto(self.link)
        self.link = self._links.get(timeout=60)
        # A narrow window shows another pane first.
        expect(page.get_by_role("tree", name="API", include_hidden=True)).to_be_attached()
        return page

    def stop(self) -> int:
        """End it as Ctrl-C does; its exit code."""
        self._process.send_signal(signal.SIGINT)
        try:
            code = self._process.wait(60)
        finally:
            self._process.kill()
        for reader in self._readers:
            reader.join()
        return code

    def __enter__(self) -> Explorer:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self.stop()
        for stream in (self._process.stdout, self._process.stderr):
            assert stream is not None
            stream.close()


def tree(page: Page) -> Locator:
    return page.get_by_role("tree", name="API")


def request_of(page: Page) -> Locator:
    return page.get_by_role("region", name="Request")


def answer_of(page: Page) -> Locator:
    return page.get_by_role("region", name="Answer")


def status_of(page: Page) -> Locator:
    return answer_of(page).get_by_role("status")


def path_of(page: Page) -> Locator:
    return request_of(page).get_by_role("combobox", name="Path", exact=True)


def method_of(page: Page) -> Locator:
    return request_of(page).get_by_role("combobox", name="Method", exact=True)


def parameter(page: Page, name: str) -> Locator:
    """The field of a query parameter."""
    return request_of(page).get_by_role("textbox", name=name, exact=True)


def editor(page: Page, name: str) -> Locator:
    """The field of a query parameter, once it is an editor and no longer what stands in for it."""
    return request_of(page).locator(".cm-content").and_(parameter(page, name))


def write(page: Page, name: str, text: str) -> None:
    """Type another text into the editor of a query parameter, or of the body.

    As users do: replaced at once, Chromium would keep the style of what was there, against the page's policy.
    """
    field = editor(page, name)
    field.press("ControlOrMeta+a")
    field.press("Delete")
    page.keyboard.insert_text(text)
    expect(field).to_have_text(text)


def accept(page: Page) -> None:
    """Take the first completion."""
    expect(page.get_by_role("listbox", name="Completions").get_by_role("option").first).to_be_visible()
    # The editor takes no key for an offer that nobody can have read yet: 75 ms after it came.
    page.wait_for_function("(shown) => performance.now() > shown + 80", arg=page.evaluate("performance.now()"))
    page.keyboard.press("Enter")


def ask(page: Page, method: str, path: str) -> None:
    """Compose a request by hand."""
    method_of(page).fill(method)
    path_of(page).fill(path)
    path_of(page).press("Escape")


def send(page: Page) -> None:
    request_of(page).get_by_role("button", name="Send", exact=True).click()


def view(page: Page, name: str) -> None:
    answer_of(page).get_by_role("tab", name=name, exact=True).click()


def aside(page: Page, name: str) -> None:
    page.get_by_role("tablist", name="Browse or look back").get_by_role("tab", name=name, exact=True).click()


def pane(page: Page, name: str) -> None:
    """Show a pane, where there is room for one at a time."""
    tabs = page.get_by_role("tablist", name="Pane")
    if tabs.is_visible():
        tabs.get_by_role("tab", name=name, exact=True).click()


def find(page: Page, text: str, operation: str) -> None:
    """Search the API, and pick an operation."""
    pane(page, "API")
    aside(page, "Browse")
    page.get_by_role("searchbox", name="Search paths, fields and parameters").fill(text)
    tree(page).get_by_role("treeitem", name=operation, exact=True).click()
