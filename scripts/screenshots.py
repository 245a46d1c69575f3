"""Pictures of the explorer's main views on its simulator, for the README: screenshots.py FOLDER.

They are looked at, not compared: fonts differ from machine to machine.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from playwright.sync_api import Page, ViewportSize, expect, sync_playwright

from tests.browser.support import (
    DEVICES,
    Explorer,
    answer_of,
    aside,
    chromium,
    editor,
    find,
    parameter,
    request_of,
    send,
    status_of,
    tree,
    view,
    write,
)

SIZE: ViewportSize = {"width": 1440, "height": 860}
QUERY = "connection_status = 'connected' and last_update > -1d and not group startsWith '/test'"
STREAM = "Values of a stream"


def columns(page: Page, *wanted: str) -> None:
    """Let the table show these."""
    answer_of(page).get_by_role("button", name="Columns").click()
    dialog = page.get_by_role("dialog", name="Columns")
    choices = dialog.get_by_role("group", name="Columns shown")
    for name in choices.locator("label:has(:checked)").all_inner_texts():
        if name not in wanted:
            choices.get_by_label(name, exact=True).uncheck()
    for name in wanted:
        choices.get_by_label(name, exact=True).check()
    dialog.get_by_role("button", name="Done").click()


def browse(page: Page) -> None:
    """A search and its reasons, an example that it found with its answer, and what the spec says of the fields."""
    find(page, "signal", f"GET {DEVICES}")
    page.get_by_role("navigation").get_by_role("button", name="Devices with a weak signal", exact=True).click()
    send(page)
    expect(status_of(page)).to_contain_text("200")
    columns(page, "name", "health_status", "signal_percent")
    expect(tree(page).get_by_role("treeitem", selected=True)).to_be_visible()
    fields = page.get_by_role("region", name="Query fields", exact=True)
    fields.get_by_role("searchbox", name="Filter the fields").fill("status")
    fields.evaluate("(fields) => fields.scrollIntoView()")


def compose(page: Page) -> None:
    """A query with faults, their mends, and an offer at the cursor; the answer is still that of another one."""
    page.get_by_role("searchbox", name="Search paths, fields and parameters").fill("")
    write(page, "query", "conection_status != 'connected' and health_status =")
    editor(page, "query").press("Control+Space")
    expect(page.get_by_role("listbox", name="Completions")).to_be_visible()
    expect(request_of(page).get_by_role("list", name="Faults")).to_be_visible()


def answer(page: Page) -> None:
    """The meaning of a query, and its answer as a table."""
    page.keyboard.press("Escape")
    write(page, "query", QUERY)
    write(page, "orderby", "last_update desc")
    page.keyboard.press("Escape")
    parameter(page, "size").fill("1000")
    send(page)
    expect(status_of(page)).to_contain_text("200")
    columns(page, "name", "group", "last_update")
    expect(answer_of(page).get_by_role("grid", name="Records")).to_be_visible()


def picture(page: Page) -> None:
    """The values of a stream over a day, and the history of calls; in the dark."""
    aside(page, "Examples")
    page.get_by_role("searchbox", name="Search the examples").fill(STREAM)
    page.get_by_role("tabpanel", name="Examples").get_by_role("button", name=STREAM, exact=True).click()
    send(page)
    view(page, "Picture")
    expect(answer_of(page).get_by_role("figure").locator("canvas")).to_be_visible()
    aside(page, "History")
    expect(page.get_by_role("list", name="Calls").get_by_role("listitem")).to_have_count(3)
    expect(page.get_by_text("Another request was begun")).to_have_count(0)
    page.emulate_media(color_scheme="dark")


def main(folder: Path) -> None:
    """Take all of them, one after the other in one page."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        chrome = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        with Explorer(Path(place), "--devices", "940") as explorer:
            page = explorer.enter(chrome.new_context(viewport=SIZE, color_scheme="light", reduced_motion="reduce"))
            splitter = page.get_by_role("separator", name="Width of the request")
            for _ in range(3):
                splitter.press("ArrowLeft")
            for shown in (browse, compose, answer, picture):
                shown(page)
                page.mouse.move(SIZE["width"] / 2, 4)
                page.screenshot(path=folder / f"explorer-{shown.__name__}.png", animations="disabled")
        chrome.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
