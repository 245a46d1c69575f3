"""axe-core finds no fault that is moderate or worse in any view, light or dark, wide or narrow."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.conftest import Contexts
from tests.browser.support import (
    AXE,
    DEVICES,
    NARROW,
    WIDE,
    Explorer,
    answer_of,
    aside,
    editor,
    find,
    pane,
    parameter,
    request_of,
    send,
    status_of,
    view,
    write,
)

ANSWER = "[aria-label=Answer]"


def faults(page: Page, within: str = "html") -> list[str]:
    """What axe-core calls moderate, serious or critical, in the part of the page that is another than before."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text("utf-8"))
    found: list[dict[str, Any]] = page.evaluate(
        "(within) => axe.run(within, {resultTypes: ['violations'], preload: false}).then((all) => all.violations)",
        within,
    )
    return [
        f"{fault['id']}: {node['html'][:200]} ({node['failureSummary']})"
        for fault in found
        if fault["impact"] in ("moderate", "serious", "critical")
        for node in fault["nodes"]
    ]


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_no_fault(explorer: Explorer, contexts: Contexts, colours: str, viewport: ViewportSize) -> None:
    page = explorer.enter(contexts(color_scheme=colours, viewport=viewport, reduced_motion="reduce"))

    find(page, "connection_status", f"GET {DEVICES}")
    pane(page, "API")
    assert faults(page) == [], "browse"

    pane(page, "Request")
    write(page, "query", "connection_status != 'connected' and nmae = 'x'")
    expect(request_of(page).get_by_role("list", name="Faults").get_by_role("listitem").first).to_be_visible()
    assert faults(page) == [], "compose"
    editor(page, "query").press("Control+Space")
    write(page, "query", "connection_status = 'connected'")
    request_of(page).get_by_role("button", name="Show SQL").click()
    parameter(page, "size").fill("50")
    request_of(page).get_by_role("button", name="Take away").click()
    expect(page.get_by_label("The call")).to_be_visible()
    assert faults(page, "dialog") == [], "take away"
    page.keyboard.press("Escape")

    send(page)
    expect(status_of(page)).to_contain_text("200")
    expect(answer_of(page).get_by_role("grid", name="Records")).to_be_visible()
    assert faults(page, ANSWER) == [], "answer: table"
    for name in ("Tree", "Text", "Headers", "Picture"):
        view(page, name)
        assert faults(page, ANSWER) == [], f"answer: {name}"

    pane(page, "API")
    aside(page, "History")
    expect(page.get_by_role("list", name="Calls").get_by_role("listitem").first).to_be_visible()
    assert faults(page, "nav") == [], "history"
    aside(page, "Examples")
    expect(page.get_by_role("tabpanel", name="Examples").get_by_role("button").first).to_be_visible()
    assert faults(page, "nav") == [], "examples"
