"""What a link holds of a composed request: nothing that is secret."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from digirm_explorer.composed import ComposedError
from digirm_explorer.embedded import Embedded
from digirm_explorer.linking import shared
from tests.explorer.local import Browser, explorer

S = "hunter2222"
REQUEST: dict[str, Any] = {
    "method": "POST",
    "path": "/ws/v1/devices/inventory/{id}",
    "path_values": {"id": "00000000-00000000-00409DFF-FF000001"},
    "params": [{"name": "query", "value": "name = 'ä & # % +\U0001f600'", "on": False}],
    "headers": [{"name": "X-Note", "value": "a b"}],
    "body": '{"id": 12345678901234567890,\r\n "name": "x"}',
    "content_type": "application/json",
}


def test_a_request_without_secrets_stays_as_it_is() -> None:
    assert shared(REQUEST) == {"request": REQUEST, "masked": False}


@pytest.mark.parametrize(
    "body",
    [
        f"id,password\n1,{S}\n",
        f"<password><v>{S}</v></password>",
        f"<setting name='password'>{S}</setting>",
        f"<setting name='password' value='{S}'/>",
        f"<cli>password={S}</cli>",
        json.dumps({"inside": json.dumps({"password": S})}),
        f'{{"Authorization": "{S}"}}',
        f"password: {S}",
        f'{{"password": "never closed {S}',
        f"<password><![CDATA[{S}]]></password>",
    ],
)
def test_no_secret_of_a_body_is_in_a_link(body: str) -> None:
    found = shared({**REQUEST, "body": body})
    assert S not in json.dumps(found)
    assert found["masked"]


@pytest.mark.parametrize(
    "more",
    [
        {"params": [{"name": "query", "value": f"install_code = '{S}'", "on": True}]},
        {"params": [{"name": "authorization", "value": S, "on": False}]},
        {"headers": [{"name": "X-Foo", "value": f"Authorization: Bearer {S}"}]},
        {"headers": [{"name": "X-Auth-Token", "value": S}]},
        {"path_values": {"auth_token": S}},
        {"path": f"/ws?pass%77ord={S}"},
        {"path": f"/ws#token={S}"},
        {"path": f"https://me:{S}@host/ws"},
        {"path": f"/x/{S}", "body": json.dumps({"password": S})},
        {"body": f"the account's {S}"},
    ],
)
def test_no_secret_is_in_a_link(more: dict[str, Any]) -> None:
    found = shared({**REQUEST, **more}, [S] if "account" in str(more) else [])
    assert S not in json.dumps(found)
    assert found["masked"]


def test_more_secrets_than_are_looked_for_are_no_link() -> None:
    many = [{"password": f"{S}{number}"} for number in range(260)]
    with pytest.raises(ComposedError, match="too many"):
        shared({**REQUEST, "path": f"/x/{S}255", "body": json.dumps(many)})


def test_what_is_no_request_is_refused() -> None:
    with pytest.raises(ComposedError):
        shared({"method": "GET", "path": "/ws", "headers": [{"name": "a"}]})


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with explorer(embedded=Embedded(devices=1)) as running:
        yield running


def test_the_page_asks_for_a_link(browser: Browser) -> None:
    asked = {**REQUEST, "body": f'{{"password": "{S}"}}'}
    assert browser.ask("/api/link", {"request": asked}).json == {
        "request": {**REQUEST, "body": '{"password": "***"}'},
        "masked": True,
    }
    assert browser.ask("/api/link", {"request": {"method": 1}}).status == 400
