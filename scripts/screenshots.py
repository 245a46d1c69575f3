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


def browse(page: Page) -> None:
    """The tree, a search and its reasons, and what the spec says of an operation."""
    find(page, "signal", f"GET {DEVICES}")
    expect(tree(page).get_by_role("treeitem", selected=True)).to_be_visible()
    page.get_by_role("region", name="Documentation").get_by_role("heading").first.scroll_into_view_if_needed()


def compose(page: Page) -> None:
    """A query with faults, their mends, and an offer at the cursor."""
    page.get_by_role("searchbox", name="Search paths, fields and parameters").fill("")
    write(page, "query", "conection_status != 'connected' and ")
    editor(page, "query").press("Control+Space")
    expect(page.get_by_role("listbox", name="Completions")).to_be_visible()
    expect(request_of(page).get_by_role("list", name="Faults")).to_be_visible()


def answer(page: Page) -> None:
    """The meaning of a query, and its answer as a table."""
    page.keyboard.press("Escape")
    write(page, "query", QUERY)
    parameter(page, "size").fill("1000")
    send(page)
    expect(status_of(page)).to_contain_text("200")
    expect(answer_of(page).get_by_role("grid", name="Records")).to_be_visible()


def picture(page: Page) -> None:
    """A whole fleet by its health, and the history of calls."""
    write(page, "query", "")
    send(page)
    expect(status_of(page)).to_contain_text("940 records")
    view(page, "Picture")
    answer_of(page).get_by_role("tab", name="Counts").click()
    answer_of(page).get_by_role("combobox", name="Count by").select_option("health_status")
    aside(page, "History")
    expect(page.get_by_role("list", name="Calls").get_by_role("listitem").first).to_be_visible()


def main(folder: Path) -> None:
    """Take all of them, one after the other in one page."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        chrome = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        with Explorer(Path(place), "--devices", "940") as explorer:
            page = explorer.enter(chrome.new_context(viewport=SIZE, color_scheme="light", reduced_motion="reduce"))
            for shown in (browse, compose, answer, picture):
                shown(page)
                page.screenshot(path=folder / f"explorer-{shown.__name__}.png", animations="disabled")
        chrome.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
