"""From browsing to a program in one's hands, and back over the history."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.support import (
    DEVICES,
    accept,
    answer_of,
    aside,
    ask,
    editor,
    find,
    method_of,
    parameter,
    path_of,
    request_of,
    send,
    status_of,
    tree,
    view,
    write,
)


def posted(page: Page) -> Any:
    """Send, and what the page asked the local server to send."""
    with page.expect_response("**/api/send") as caught:
        send(page)
    return json.loads(caught.value.request.post_data or "")["request"]


def example(page: Page, title: str) -> None:
    """Search for an example, and send it."""
    aside(page, "Examples")
    page.get_by_role("searchbox", name="Search the examples").fill(title)
    page.get_by_role("tabpanel", name="Examples").get_by_role("button", name=title, exact=True).click()
    send(page)
    expect(status_of(page)).to_contain_text("200")


def test_browse_compose_send_and_take_away(page: Page, tmp_path: Path) -> None:
    # Browse: a field finds the path that has it.
    search = page.get_by_role("searchbox", name="Search paths, fields and parameters")
    search.fill("connection_status")
    item = tree(page).get_by_role("treeitem", name=f"GET {DEVICES}", exact=True)
    expect(item).to_contain_text("connection_status")
    item.click()
    expect(path_of(page)).to_have_value(DEVICES)
    documentation = page.get_by_role("region", name="Documentation")
    expect(documentation).to_contain_text("rm.devices.inventory.list")
    expect(documentation.get_by_role("row").filter(has_text="connection_status").first).to_contain_text("= <>")

    # Compose: the editor completes at the cursor.
    query = editor(page, "query")
    query.click()
    query.press_sequentially("connection_sta")
    offers = page.get_by_role("listbox", name="Completions")
    expect(offers.get_by_role("option").first).to_contain_text("connection_status")
    accept(page)
    expect(query).to_have_text("connection_status")
    query.press_sequentially(' != "connected"')

    # Mend: the faults are those of `digirm check`, and so are the mends.
    faults = request_of(page).get_by_role("list", name="Faults")
    expect(faults.get_by_role("listitem")).to_have_count(2)
    faults.get_by_role("button", name="Mend: <>", exact=False).first.click()
    request_of(page).get_by_role("button", name="Mend all").click()
    expect(query).to_have_text("connection_status <> 'connected'")
    expect(faults).to_have_count(0)
    meaning = page.get_by_role("region", name="What the query means")
    expect(meaning).to_contain_text("connection_status")
    meaning.get_by_role("button", name="Show SQL").click()
    expect(meaning.locator("pre")).to_contain_text("connection_status")

    # Send, and read as a table.
    write(page, "query", "connection_status = 'connected' or connection_status = 'disconnected'")
    parameter(page, "size").fill("1000")
    send(page)
    expect(status_of(page)).to_contain_text("200")
    grid = answer_of(page).get_by_role("grid", name="Records")
    expect(grid).to_have_attribute("aria-rowcount", "1001")
    assert grid.get_by_role("row").count() < 100
    grid.get_by_role("columnheader", name="name", exact=True).get_by_role("button").click()
    expect(grid.get_by_role("columnheader", name="name", exact=True)).to_have_attribute("aria-sort", "ascending")

    # Pages.
    answer_of(page).get_by_role("button", name="All pages").click()
    expect(grid).to_have_attribute("aria-rowcount", "1201")
    expect(status_of(page)).to_contain_text("2 pages")
    expect(answer_of(page).get_by_role("button", name="Next page")).to_be_disabled()

    # A picture, of all of them.
    view(page, "Picture")
    answer_of(page).get_by_role("tab", name="Counts").click()
    answer_of(page).get_by_role("combobox", name="Count by").select_option("connection_status")
    bars = answer_of(page).get_by_role("table")
    expect(bars.get_by_role("row")).to_have_count(3)
    counts = [int(cell.replace(",", "")) for cell in bars.locator("tbody td.numeric").all_inner_texts()]
    assert sum(counts) == 1200

    # Downloads hold what was fetched.
    view(page, "Table")
    for name, read in (("JSON", json.loads), ("JSON lines", str.splitlines), ("CSV", str.splitlines)):
        answer_of(page).get_by_role("button", name="Download").click()
        with page.expect_download() as caught:
            page.get_by_role("menuitem", name=name, exact=True).click()
        caught.value.save_as(tmp_path / name)
        assert len(read((tmp_path / name).read_text("utf-8"))) == 1200 + (name == "CSV")

    # Take away: the program does the same.
    parameter(page, "size").fill("3")
    request_of(page).get_by_role("button", name="Take away").click()
    dialog = page.get_by_role("dialog", name="Take this call away")
    dialog.get_by_role("tab", name="Python with digirm", exact=True).click()
    expect(dialog.get_by_label("The call")).to_contain_text("from digirm import")
    program = dialog.get_by_label("The call").inner_text()
    env = {**os.environ, "DIGIRM_USERNAME": "sim", "DIGIRM_PASSWORD": "sim"}
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    dialog.get_by_role("tab", name="cURL", exact=True).click()
    expect(dialog.get_by_label("The call")).to_contain_text("curl")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_the_history_is_searched_replayed_and_compared(page: Page) -> None:
    find(page, "devices/inventory", f"GET {DEVICES}")
    for query in ("name startsWith 'a'", "connection_status = 'connected'"):
        write(page, "query", query)
        parameter(page, "size").fill("2")
        send(page)
        expect(status_of(page)).to_contain_text("200")
    aside(page, "History")
    calls = page.get_by_role("list", name="Calls").get_by_role("listitem")
    page.get_by_role("searchbox", name="Search the history").fill("startsWith")
    expect(calls).to_have_count(1)
    # Of the answer in sight one sees that it is not that of the request, which came back to be sent.
    asked = answer_of(page).locator(".asked")
    expect(asked).to_contain_text(f"GET {DEVICES}?")
    expect(asked).to_contain_text("query=connection_status = 'connected'")
    expect(asked).not_to_contain_text("not the request as it is now")
    calls.get_by_role("button", name="Replay").click()
    expect(editor(page, "query")).to_have_text("name startsWith 'a'")
    expect(asked).to_contain_text("not the request as it is now")
    expect(request_of(page).get_by_role("button", name="Send", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(asked).to_contain_text("query=name startsWith 'a'")
    expect(asked).not_to_contain_text("not the request as it is now")
    page.get_by_role("searchbox", name="Search the history").fill("devices/inventory")
    expect(calls.nth(2)).to_be_visible()
    for at in (0, 1):
        calls.nth(at).get_by_role("checkbox", name="Compare").check()
    page.get_by_role("button", name="Compare the two answers").click()
    dialog = page.get_by_role("dialog", name="Two answers compared")
    expect(dialog.get_by_role("status")).to_contain_text("differ")
    page.keyboard.press("Escape")
    calls.nth(1).get_by_role("button", name="Show").click()
    expect(answer_of(page)).to_contain_text("From the history")

    # A body that was left out on purpose stays out, though the operation has an example of one.
    ask(page, "POST", DEVICES)
    expect(editor(page, "Body")).to_contain_text("Spare router")
    write(page, "Body", "")
    sent = posted(page)
    find(page, "devices/inventory", f"GET {DEVICES}")
    aside(page, "History")
    page.get_by_role("searchbox", name="Search the history").fill("POST")
    expect(calls).to_have_count(1)
    calls.get_by_role("button", name="Replay").click()
    expect(method_of(page)).to_have_value("POST")
    expect(editor(page, "Body")).to_have_text("")
    assert posted(page) == sent
    assert sent["body"] == ""

    # What is shown again is shown as it was: a CSV as a table.
    example(page, "All devices as CSV")
    grid = answer_of(page).get_by_role("grid", name="Records")
    expect(grid.get_by_role("columnheader", name="last_update", exact=True)).to_be_visible()
    lines = grid.get_attribute("aria-rowcount") or ""
    assert int(lines) > 100
    aside(page, "History")
    page.get_by_role("searchbox", name="Search the history").fill("size=2 'connected'")
    expect(calls).to_have_count(1)
    calls.get_by_role("button", name="Show").click()
    expect(grid).to_have_attribute("aria-rowcount", "3")
    page.get_by_role("searchbox", name="Search the history").fill("bulk")
    expect(calls.filter(has_text="bulk")).to_have_count(1)
    calls.get_by_role("button", name="Show").click()
    expect(grid).to_have_attribute("aria-rowcount", lines)

    page.get_by_role("searchbox", name="Search the history").fill("")
    expect(calls.nth(4)).to_be_visible()
    before = calls.count()
    calls.first.get_by_role("button", name="Forget").click()
    expect(calls).to_have_count(before - 1)
    page.get_by_role("button", name="Clear the history").click()
    page.get_by_role("dialog", name="Clear the history?").get_by_role("button", name="Forget all calls").click()
    expect(calls).to_have_count(0)


def test_what_is_picked_from_the_examples_works(page: Page) -> None:
    aside(page, "Examples")
    examples = page.get_by_role("tabpanel", name="Examples")
    expect(examples.get_by_role("button").first).to_be_visible()
    search = page.get_by_role("searchbox", name="Search the examples")
    search.fill("no such example")
    expect(examples).to_contain_text("Nothing found")
    expect(examples.get_by_role("listitem")).to_have_count(0)
    search.fill("")
    # One that reads, and one that changes something: the simulator takes both as they are.
    for item in (
        examples.get_by_role("listitem").filter(has_not_text="changes data").first,
        examples.get_by_role("listitem").filter(has_text="changes data").filter(has_text="POST").first,
    ):
        item.get_by_role("button").click()
        with page.expect_response("**/api/send") as caught:
            send(page)
        answer = caught.value.json()
        assert 200 <= answer["status"] < 300, answer["text"]
        expect(status_of(page)).to_contain_text(f"{answer['status']} {answer['reason']}")


def test_pictures_of_an_answer(page: Page) -> None:
    example(page, "Values of a stream")
    view(page, "Picture")
    line = answer_of(page).get_by_role("img", name="temperature over time: ", exact=False)
    expect(line).to_be_visible()
    expect(line.locator("canvas")).to_be_visible()
    expect(answer_of(page).get_by_role("tabpanel").last).to_contain_text("lowest")

    find(page, "devices/inventory", f"GET {DEVICES}")
    parameter(page, "size").fill("1000")
    send(page)
    expect(status_of(page)).to_contain_text("1,000 records")
    view(page, "Picture")
    answer_of(page).get_by_role("tab", name="Counts").click()
    by = answer_of(page).get_by_role("combobox", name="Count by")
    counts = answer_of(page).get_by_role("table").locator("tbody td.numeric")
    for field in ("health_status", "firmware_version", "group"):
        by.select_option(field)
        expect(answer_of(page).get_by_role("table")).to_contain_text(f"1,000 records by {field}")
        assert sum(int(cell.replace(",", "")) for cell in counts.all_inner_texts()) == 1000
    answer_of(page).get_by_role("tab", name="Places").click()
    plot = answer_of(page).get_by_role("img", name="Positions from ", exact=False)
    expect(plot.locator("circle").first).to_be_visible()
    expect(answer_of(page).get_by_role("figure")).to_contain_text("of 1,000 records have a position")
