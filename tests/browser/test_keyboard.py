"""The whole way with the keyboard alone: nothing here touches a mouse."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from tests.browser.support import (
    DEVICES,
    accept,
    answer_of,
    editor,
    parameter,
    path_of,
    request_of,
    status_of,
    tree,
)

#: More stops than the page has.
MOST = 300


def has_focus(target: Locator) -> bool:
    return bool(target.evaluate("(element) => element === document.activeElement"))


def tab_to(page: Page, target: Locator, key: str = "Tab") -> None:
    """Press Tab until a control has the focus."""
    expect(target).to_be_visible()
    for _ in range(MOST):
        if has_focus(target):
            return
        page.keyboard.press(key)
    raise AssertionError(f"{MOST} times {key} do not lead to {target}")


def test_browse_compose_send_and_read(page: Page) -> None:
    keys = page.keyboard
    page.get_by_role("tab", name="Browse").focus()
    keys.press("/")
    search = page.get_by_role("searchbox", name="Search paths, fields and parameters")
    expect(search).to_be_focused()
    keys.type("devices/inventory")
    keys.press("ArrowDown")
    item = tree(page).get_by_role("treeitem", name=f"GET {DEVICES}", exact=True)
    for _ in range(MOST):
        if has_focus(item):
            break
        keys.press("ArrowDown")
    keys.press("Enter")
    expect(path_of(page)).to_have_value(DEVICES)
    expect(item).to_have_attribute("aria-selected", "true")

    # The editor takes no Tab: one comes in, completes, and gets out again.
    query = editor(page, "query")
    tab_to(page, query)
    keys.type("connection_stat")
    keys.press("Control+Space")
    accept(page)
    expect(query).to_have_text("connection_status")
    # All of it is typed over; that browsers would leave styles behind is against the page's policy, and would be told.
    keys.press("ControlOrMeta+a")
    keys.type("connection_status != 'connected'")
    expect(query).to_have_text("connection_status != 'connected'")
    keys.press("Escape")
    mend = request_of(page).get_by_role("list", name="Faults").get_by_role("button").first
    tab_to(page, mend)
    keys.press("Enter")
    expect(query).to_have_text("connection_status <> 'connected'")
    # What was mended has the focus, so that one goes on where one was.
    expect(query).to_be_focused()

    size = parameter(page, "size")
    tab_to(page, size, "Shift+Tab")
    keys.type("5")
    keys.press("Control+Enter")
    expect(status_of(page)).to_contain_text("200")
    # What is offered while one types a path does not cover the answer.
    path = path_of(page)
    tab_to(page, path, "Shift+Tab")
    keys.press("End")
    keys.press("ArrowDown")
    expect(page.get_by_role("listbox", name="Path: suggestions")).to_be_visible()
    keys.press("Control+Enter")
    expect(page.get_by_role("listbox", name="Path: suggestions")).to_be_hidden()

    grid = answer_of(page).get_by_role("grid", name="Records")
    expect(grid).to_have_attribute("aria-rowcount", "6")
    tab_to(page, grid)
    keys.press("ArrowUp")
    keys.press("ArrowRight")
    keys.press("Enter")
    expect(grid.locator("th[aria-sort=ascending]")).to_have_count(1)
    keys.press("ArrowDown")
    keys.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    keys.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(grid).to_be_focused()

    tab_to(page, answer_of(page).get_by_role("tab", name="Table", exact=True), "Shift+Tab")
    keys.press("ArrowRight")
    expect(answer_of(page).get_by_role("tab", name="Tree", exact=True)).to_be_focused()
    body = answer_of(page).get_by_role("tree", name="Body of the answer")
    tab_to(page, body)
    for key in ("Home", "ArrowDown", "ArrowRight", "End"):
        keys.press(key)
    expect(body.locator("[aria-selected=true]")).to_have_count(1)


def test_take_away_menus_and_splitters(page: Page) -> None:
    keys = page.keyboard
    take = request_of(page).get_by_role("button", name="Take away")
    tab_to(page, take)
    keys.press("Enter")
    dialog = page.get_by_role("dialog", name="Take this call away")
    tab_to(page, dialog.get_by_role("tab", name="cURL", exact=True))
    keys.press("ArrowRight")
    expect(dialog.get_by_role("tab", name="HTTPie", exact=True)).to_have_attribute("aria-selected", "true")
    expect(dialog.get_by_label("The call")).to_contain_text("http")
    keys.press("Escape")
    expect(take).to_be_focused()

    keys.press("Control+Enter")
    expect(status_of(page)).to_contain_text("200")
    tab_to(page, answer_of(page).get_by_role("button", name="Download"))
    keys.press("ArrowDown")
    expect(page.get_by_role("menuitem", name="JSON", exact=True)).to_be_focused()
    keys.press("End")
    expect(page.get_by_role("menuitem", name="As it came")).to_be_focused()
    keys.press("Escape")
    expect(answer_of(page).get_by_role("button", name="Download")).to_be_focused()

    splitter = page.get_by_role("separator", name="Width of the API pane")
    tab_to(page, splitter)
    before = int(splitter.get_attribute("aria-valuenow") or 0)
    keys.press("ArrowRight")
    keys.press("ArrowRight")
    expect(splitter).to_have_attribute("aria-valuenow", str(before + 4))
    # It is kept where it was put.
    page.reload()
    expect(splitter).to_have_attribute("aria-valuenow", str(before + 4))

    tab_to(page, page.get_by_role("button", name="Theme: system"))
    keys.press("Enter")
    expect(page.get_by_role("button", name="Theme: light")).to_be_focused()
