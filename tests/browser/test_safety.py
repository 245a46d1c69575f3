"""A real host is only read until one says otherwise, each write is shown first, and links hold no secrets."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from digirm_simulator import Simulator
from tests.browser.conftest import Contexts
from tests.browser.support import (
    DEVICES,
    NARROW,
    Explorer,
    answer_of,
    ask,
    editor,
    find,
    method_of,
    pane,
    path_of,
    request_of,
    send,
    status_of,
    write,
)

PUMP = '{"id": "00000000-00000000-00409DFF-FF123456", "name": "pump “well” & more"}'
#: More than a dialog holds, with all of the other in it.
LONG = PUMP[:-1] + ', "description": "' + "a line that fills the dialog, " * 300 + 'the last line"}'
#: No spec knows it: nothing comes with it.
USERS = "/ws/v1/people/inventory"
PASSWORD = "secret-word"


@pytest.fixture(scope="module")
def host() -> Iterator[Simulator]:
    """What stands for a real host: a service at an address."""
    with Simulator(port=0, devices=5, users={"ada": PASSWORD}) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def at_host(host: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Explorer]:
    env = {"DIGIRM_USERNAME": "ada", "DIGIRM_PASSWORD": PASSWORD}
    with Explorer(tmp_path_factory.mktemp("at_host"), host.url, env=env) as running:
        yield running


def written(host: Simulator) -> list[tuple[str, str, bytes | None]]:
    return [(one.method, one.path, one.body) for one in host.requests if one.method != "GET"]


def test_a_write_is_locked_then_confirmed(at_host: Explorer, host: Simulator, contexts: Contexts) -> None:
    page = at_host.enter(contexts())
    expect(page.get_by_role("banner")).to_contain_text("real service")
    ask(page, "POST", DEVICES)
    body = editor(page, "Body")
    expect(body).to_contain_text("Spare router")  # the example, which the path brings with it
    write(page, "Body", LONG)
    send(page)
    expect(answer_of(page)).to_contain_text("Writes are locked")
    assert written(host) == []

    page.get_by_role("button", name="Writes: locked").click()
    other = page.context.new_page()
    other.goto(at_host.url)
    expect(other.get_by_role("button", name="Writes: locked")).to_be_visible()
    page.get_by_role("button", name="Allow writes, each confirmed").click()
    expect(page.get_by_role("button", name="Writes: confirmed")).to_be_visible()
    # Playwright holds every page for focused: this is what a browser tells the one that one turns to.
    other.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(other.get_by_role("button", name="Writes: confirmed")).to_be_visible()
    other.close()
    send(page)
    dialog = page.get_by_role("dialog", name="Send this?")
    shown = dialog.get_by_label("What will be sent")
    expect(shown).to_contain_text(f"POST {host.url}{DEVICES}")
    expect(shown).to_contain_text(LONG)
    expect(shown).not_to_contain_text(PASSWORD)
    # Its end is as near as a key.
    expect(shown).to_contain_text("the last line")
    shown.focus()
    page.keyboard.press("End")
    page.wait_for_function(
        "(shown) => shown.scrollTop > 0 && shown.scrollTop + shown.clientHeight >= shown.scrollHeight - 1",
        arg=shown.element_handle(),
    )
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)
    assert written(host) == []

    write(page, "Body", PUMP)
    send(page)
    dialog.get_by_role("button", name="Send it").click()
    expect(status_of(page)).to_contain_text("201")
    [(method, path, sent)] = written(host)
    assert (method, path, json.loads(sent or b"")) == ("POST", DEVICES, json.loads(PUMP))
    expect(body).to_have_text(PUMP)


def test_whoever_has_no_link_is_kept_out(at_host: Explorer, contexts: Contexts) -> None:
    page = contexts().new_page()
    page.goto(at_host.url)
    expect(page.get_by_role("heading")).to_have_text("This browser is not let in yet")
    answer = page.request.get(f"{at_host.url}api/session")
    assert (answer.status, answer.json()["error"]["kind"]) == (401, "session")
    used = at_host.link
    at_host.enter(contexts()).close()
    page.goto(used)
    expect(page.get_by_role("heading")).to_have_text("This browser is not let in yet")


def test_a_link_restores_the_request_and_holds_no_secret(page: Page, explorer: Explorer) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ask(page, "POST", USERS)
    write(page, "Body", '{"username": "eve", "password": "hush-hush"}')
    request_of(page).get_by_role("button", name="Add a header").click()
    request_of(page).get_by_role("textbox", name="Header name").fill("Authorization")
    request_of(page).get_by_role("textbox", name="Authorization").fill("Basic c2VjcmV0")
    request_of(page).get_by_role("button", name="Copy link").click()
    expect(page.get_by_text("Link copied").first).to_be_visible()
    link: str = page.evaluate("navigator.clipboard.readText()")
    assert link.startswith(explorer.url)
    assert "hush-hush" not in link
    assert "c2VjcmV0" not in link

    sent: list[str] = []
    other = page.context.new_page()
    other.on("request", lambda request: sent.append(request.url))
    other.goto(link)
    expect(path_of(other)).to_have_value(USERS)
    expect(method_of(other)).to_have_value("POST")
    expect(request_of(other).get_by_role("textbox", name="Body")).to_contain_text("eve")
    expect(request_of(other)).to_contain_text("The request came with a link. Nothing was sent.")
    assert not [url for url in sent if url.endswith("/api/send")]


@pytest.mark.parametrize("fragment", ["#request=%7B", "#request=[]", "#request=" + "x" * 100_000, "#<script>"])
def test_a_hostile_link_breaks_nothing(page: Page, explorer: Explorer, fragment: str) -> None:
    ask(page, "GET", "/ws/v1/alerts/inventory")
    page.goto(explorer.url + fragment)
    expect(path_of(page)).to_have_value("/ws/v1/alerts/inventory")


def test_a_narrow_window_is_enough(explorer: Explorer, contexts: Contexts) -> None:
    page = explorer.enter(contexts(viewport=NARROW))
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    find(page, "devices/inventory", f"GET {DEVICES}")
    pane(page, "Request")
    write(page, "query", "connection_status = 'connected'")
    assert page.evaluate(overflow) == 0
    send(page)
    expect(status_of(page)).to_contain_text("200")
    expect(answer_of(page).get_by_role("grid", name="Records")).to_be_visible()
    assert page.evaluate(overflow) == 0
    pane(page, "Request")
    expect(editor(page, "query")).to_have_text("connection_status = 'connected'")
