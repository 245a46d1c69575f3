"""The page of `digirm explore` in Chromium: its first paint, what follows a keystroke, and devices as a table."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import quantiles

from playwright.sync_api import Browser, Page, expect, sync_playwright

from benchmarks.harness import Row, paired
from digirm_explorer.page import missing

DEVICES = 1000
QUERY = "connection_status = 'connected' and last_update > -1d and signal_percent > 5"
STROKES = 200
#: The bounds: milliseconds from a key to its diagnostics, and from an answer to its table.
STROKE, TABLE = 50.0, 300.0

EXPLORE = (
    "from digirm_cli.main import main; "
    f"raise SystemExit(main(['explore', '--port', '0', '--no-history', '--devices', '{DEVICES}']))"
)
#: The same server with a page of one word.
EMPTY = """
import socket, uvicorn
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route
page = "<!doctype html><html lang=en><title>digirm</title><h1>digirm</h1></html>"
async def root(request):
    return HTMLResponse(page)
class Server(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets)
        print(f"Open http://127.0.0.1:{bound.getsockname()[1]}/", flush=True)
bound = socket.create_server(("127.0.0.1", 0))
app = Starlette(routes=[Route("/", root)])
Server(uvicorn.Config(app, http="h11", ws="none", lifespan="off", log_config=None)).run(sockets=[bound])
"""

FIRST_PAINT = """() => new Promise((done) => new PerformanceObserver((list) => {
    for (const { name, startTime } of list.getEntries())
        if (name === 'first-contentful-paint') done(performance.timeOrigin + startTime);
}).observe({ type: 'paint', buffered: true }))"""

#: Times each change of whether there are faults, from the key that caused it; `reached` waits until so many were timed
#: and the page has nothing left to do, without asking for frames meanwhile.
WATCH = """() => {
    let pressed = 0, waiting = null;
    window.taken = [];
    const faulty = () => document.querySelector('[aria-label=Faults]') !== null;
    let before = faulty();
    const look = () => {
        if (waiting === null || window.taken.length < waiting.number) return;
        requestIdleCallback(waiting.done);
        waiting = null;
    };
    window.reached = (number) => new Promise((done) => { waiting = { number, done }; look(); });
    addEventListener('keydown', (event) => (pressed = event.timeStamp), true);
    new MutationObserver(() => {
        if (faulty() === before) return;
        before = !before;
        window.taken.push(performance.now() - pressed);
        look();
    }).observe(document.body, { childList: true, subtree: true });
}"""

#: Sends, and times from the last byte of the answer to the frame that shows its table.
SHOW = """(wanted) => new Promise((done) => {
    const look = new MutationObserver(() => {
        if (!document.querySelector(`[role=grid][aria-rowcount="${wanted}"] tbody td`)) return;
        look.disconnect();
        requestAnimationFrame(() => setTimeout(() => {
            const at = performance.now();
            const sent = performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('/api/send'));
            done([at - sent.at(-1).responseEnd, document.querySelectorAll('[role=grid] tr').length]);
        }));
    });
    look.observe(document.body, { childList: true, subtree: true, attributes: true });
    [...document.querySelectorAll('button')].find(({ textContent }) => textContent === 'Send').click();
})"""


def rows(rounds: int) -> list[Row]:
    """Nothing where there is no Chromium, or no page: it says so."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None or (why := missing()) is not None:
        print(why if chromium else "there is no chromium: its rows are left out", file=sys.stderr)
        return []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        found = list(_rows(browser, rounds))
        browser.close()
    return found


def _rows(browser: Browser, rounds: int) -> Iterator[Row]:
    pairs = paired(lambda: _first_paint(browser, EXPLORE), lambda: _first_paint(browser, EMPTY), rounds)
    yield Row("`digirm explore` to the first contentful paint", "an empty page of the same server", pairs, 2.5)
    with _serving(EXPLORE) as link, browser.new_context() as context:
        page = context.new_page()
        page.goto(link)
        stroke = _stroke(page)
        what = f"key pressed to diagnostics shown, 95th percentile of {STROKES}"
        yield Row(what, f"{STROKE:g} ms", [(stroke, STROKE)], 1, "ms")
        shown = [_table(page) for _ in range(rounds)]
        what = f"an answer of {DEVICES:,} devices to its table"
        yield Row(what, f"{TABLE:g} ms", [(milliseconds, TABLE) for milliseconds, _ in shown], 1, "ms")
        yield Row("rows of that table in the page", "of the answer", [(shown[-1][1], DEVICES)], 0.1, "rows")


@contextmanager
def _serving(program: str) -> Iterator[str]:
    """Run a server until the block ends; the link that it prints."""
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
        assert child.stdout is not None
        try:
            found = re.match(r"Open (\S+)", child.stdout.readline())
            assert found, "it did not start"
            yield found[1]
        finally:
            child.terminate()


def _first_paint(browser: Browser, program: str) -> float:
    """Seconds from the start of a process to the first paint of its page, in a browser that knows nothing of it."""
    with browser.new_context() as context:
        page = context.new_page()
        started = time.time()
        with _serving(program) as link:
            page.goto(link, wait_until="commit")
            painted: float = page.evaluate(FIRST_PAINT)
            return painted / 1000 - started


def _stroke(page: Page) -> float:
    """Milliseconds within which 95 of 100 keys have their diagnostics: one makes a number wrong, one makes it right."""
    editor = page.locator(".cm-content[aria-label=query]")
    editor.press("Control+a")
    page.keyboard.insert_text(QUERY)
    expect(page.get_by_role("region", name="What the query means")).to_contain_text("connection_status")
    expect(page.get_by_role("list", name="Faults")).to_have_count(0)
    page.evaluate(WATCH)
    for number in range(STROKES):
        page.keyboard.press("Backspace" if number % 2 else "x")
        page.evaluate("(number) => window.reached(number)", number + 1)
    taken: list[float] = page.evaluate("window.taken")
    editor.press("Control+a")
    editor.press("Delete")
    return quantiles(taken, n=20)[-1]


def _table(page: Page) -> tuple[float, int]:
    """Milliseconds from an answer to its table in a page that has shown none yet, and how many rows are in the page."""
    page.reload()
    page.wait_for_load_state("networkidle")
    milliseconds, count = page.evaluate(SHOW, DEVICES + 1)
    return milliseconds, count
