"""What a service, a user or a restart does to the page: a message in place, and nothing that was typed is lost."""

from __future__ import annotations

import json
import socket
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from digirm_simulator import Simulator
from tests.browser.conftest import Contexts
from tests.browser.support import (
    DEVICES,
    Explorer,
    answer_of,
    ask,
    editor,
    parameter,
    path_of,
    request_of,
    send,
    status_of,
    view,
    write,
)
from tests.support.server import Answer, Server

CREDENTIALS = {"DIGIRM_USERNAME": "ada", "DIGIRM_PASSWORD": "old-word"}
TYPED = "name contains 'pump' and last_update > -1d"


@pytest.fixture(scope="module")
def service() -> Iterator[Server]:
    with Server(lambda _: Answer()) as server:
        yield server


@pytest.fixture(scope="module")
def at_service(service: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Explorer]:
    with Explorer(tmp_path_factory.mktemp("at_service"), service.url, env=CREDENTIALS) as running:
        yield running


@pytest.fixture
def asking(at_service: Explorer, contexts: Contexts) -> Page:
    """A page at the service, with a query typed."""
    page = at_service.enter(contexts())
    ask(page, "GET", DEVICES)
    write(page, "query", TYPED)
    return page


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def failure(page: Page, title: str) -> None:
    expect(answer_of(page)).to_contain_text(title)


def test_not_signed_in(asking: Page, service: Server) -> None:
    accepted = "Basic " + b64encode(b"ada:secret-word").decode()
    refused = Answer(401, {"error_message": "who?"})
    service.reply = lambda got: Answer(body={"list": []}) if got.headers["authorization"] == accepted else refused
    send(asking)
    expect(status_of(asking)).to_contain_text("401")
    failure(asking, "Not signed in")
    answer_of(asking).get_by_role("button", name="Credentials").click()
    dialog = asking.get_by_role("dialog", name="Credentials")
    dialog.get_by_role("radio", name="User and password").check()
    dialog.get_by_label("User", exact=True).fill("ada")
    dialog.get_by_label("Password", exact=True).fill("secret-word")
    dialog.get_by_role("button", name="Use these").click()
    expect(dialog).to_have_count(0)
    send(asking)
    expect(status_of(asking)).to_contain_text("200")
    expect(editor(asking, "query")).to_have_text(TYPED)
    assert "secret-word" not in asking.content()


def test_a_page_of_html_is_text(asking: Page, service: Server) -> None:
    body = b"<html><title>oops</title><script>document.title = 'taken'</script><h1>Gateway Time-out</h1></html>"
    service.reply = lambda _: Answer(504, body, (("content-type", "text/html"),))
    send(asking)
    expect(status_of(asking)).to_contain_text("504")
    failure(asking, "A fault of the service")
    view(asking, "Text")
    expect(answer_of(asking).get_by_role("tabpanel")).to_contain_text("<h1>Gateway Time-out</h1>")
    assert asking.title() not in ("taken", "oops")
    expect(editor(asking, "query")).to_have_text(TYPED)


def test_fifty_megabytes(asking: Page, service: Server, tmp_path: Path) -> None:
    record = json.dumps({"id": "x" * 36, "name": "pump", "notes": "n" * 900}).encode()
    body = b'{"list":[' + b",".join([record] * (50_000_000 // len(record))) + b"]}"
    service.reply = lambda _: Answer(body=body)
    send(asking)
    expect(status_of(asking)).to_contain_text("200")
    expect(answer_of(asking)).to_contain_text("beginning")
    answer_of(asking).get_by_role("button", name="Download").click()
    with asking.expect_download() as caught:
        asking.get_by_role("menuitem", name="As it came").click()
    caught.value.save_as(tmp_path / "body")
    assert (tmp_path / "body").stat().st_size == len(body)
    expect(editor(asking, "query")).to_have_text(TYPED)


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        ("application/json", b'{"list": [1, 2'),
        ("application/json", b"<html>no</html>"),
        ("application/xml", b'{"no": "xml"}'),
        ("text/csv", b"a,b\n1,2,3\n"),
    ],
)
def test_a_body_that_is_not_what_its_type_says(asking: Page, service: Server, media_type: str, body: bytes) -> None:
    service.reply = lambda _: Answer(body=body, headers=(("content-type", media_type),))
    send(asking)
    expect(status_of(asking)).to_contain_text("200")
    expect(answer_of(asking).locator(".note")).to_be_visible()
    expect(editor(asking, "query")).to_have_text(TYPED)


def test_a_query_of_ten_thousand_characters(asking: Page, service: Server) -> None:
    service.reply = lambda _: Answer(414, {"error_message": "too long"})
    text = ("nmae = 'x' or " * 1000)[:9990] + "name = 'x'"
    write(asking, "query", text)
    expect(request_of(asking).get_by_role("list", name="Faults").get_by_role("listitem").first).to_be_visible()
    editor(asking, "query").press("End")
    asking.keyboard.type(" and")
    send(asking)
    expect(answer_of(asking)).to_contain_text("414")
    asking.reload()
    expect(editor(asking, "query")).to_have_text(text + " and")


def test_a_part_of_the_page_that_cannot_be_fetched(at_service: Explorer, contexts: Contexts) -> None:
    context = contexts()
    missing = "**/assets/HelpDialog-*.js"
    context.route(missing, lambda route: route.abort())
    page = at_service.enter(context)
    ask(page, "GET", DEVICES)
    write(page, "query", TYPED)
    page.get_by_role("button", name="Help").click()
    alert = page.get_by_role("alert").filter(has_text="cannot be fetched")
    expect(alert).to_be_visible()
    context.unroute(missing)
    alert.get_by_role("button", name="Reload").click()
    expect(alert).to_have_count(0)
    expect(editor(page, "query")).to_have_text(TYPED)
    page.get_by_role("button", name="Help").click()
    expect(page.get_by_role("dialog")).to_be_visible()


def test_two_tabs_do_not_disturb_each_other(asking: Page, at_service: Explorer, service: Server) -> None:
    service.reply = lambda got: Answer(body={"asked": got.path})
    other = asking.context.new_page()
    other.goto(at_service.url)
    ask(other, "GET", "/ws/v1/groups/inventory")
    send(asking)
    send(other)
    for page, path in ((asking, DEVICES), (other, "/ws/v1/groups/inventory")):
        expect(path_of(page)).to_have_value(path)
        expect(status_of(page)).to_contain_text("200")
        expect(answer_of(page).get_by_role("tabpanel")).to_contain_text(path)
    expect(editor(asking, "query")).to_have_text(TYPED)


def test_a_service_that_is_down_and_comes_back(contexts: Contexts, tmp_path: Path) -> None:
    port = free_port()
    with Explorer(tmp_path, f"http://127.0.0.1:{port}", env=CREDENTIALS) as explorer:
        page = explorer.enter(contexts())
        ask(page, "GET", DEVICES)
        write(page, "query", TYPED)
        send(page)
        failure(page, "The service did not answer")
        # A simulator; then another in its place, which knows nothing of the first.
        for devices in (3, 5):
            with Simulator(port=port, devices=devices):
                write(page, "query", "")
                send(page)
                expect(status_of(page)).to_contain_text(f"{devices} records")
            write(page, "query", TYPED)
            send(page)
            failure(page, "The service did not answer")
            expect(editor(page, "query")).to_have_text(TYPED)
        with Simulator(port=port, devices=5):
            answer_of(page).get_by_role("button", name="Try again").click()
            expect(status_of(page)).to_contain_text("200")


def test_the_explorer_is_restarted(contexts: Contexts, tmp_path: Path) -> None:
    with Explorer(tmp_path) as first:
        page = first.enter(contexts())
        ask(page, "GET", DEVICES)
        write(page, "query", TYPED)
        assert first.stop() == 0
    parameter(page, "size").fill("7")
    send(page)
    expect(page.get_by_role("alert")).to_contain_text("does not answer")
    with Explorer(tmp_path, port=first.port) as second:
        send(page)
        expect(page.get_by_role("alert")).to_contain_text("This page has no session")
        second.enter(page.context).close()
        page.get_by_role("alert").get_by_role("button", name="Try again").click()
        expect(page.get_by_text("This page has no session")).to_have_count(0)
        expect(editor(page, "query")).to_have_text(TYPED)
        expect(parameter(page, "size")).to_have_value("7")
        send(page)
        expect(status_of(page)).to_contain_text("200")
