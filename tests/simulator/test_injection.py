"""Hostile texts in every place that a client can write to: nothing changes, and nothing fails."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from digirm_simulator import Clock, Simulator
from tests.simulator.support import DEVICES, NOW, Api

BULK = "/ws/v1/devices/bulk"
REPORT = "/ws/v1/reports/devices/connection_status"

#: Pieces of SQL, of JSON paths, of full-text queries, of templates, and names that the database really has.
PIECES = [
    "'",
    "''",
    '"',
    "`",
    ";",
    "--",
    "/*",
    "*/",
    "\\",
    "%",
    "_",
    "?",
    "?1",
    ":a",
    "@a",
    "$.id",
    "(",
    ")",
    ",",
    "=",
    "<>",
    "|",
    " ",
    "\n",
    "\x00",
    "\ud7ff",
    "\U0010ffff",
    "0",
    "-1",
    "1e999",
    "f0",
    "seq",
    "id",
    "body",
    "name",
    "layout",
    "sqlite_master",
    '"/ws/v1/devices/inventory"',
    " or ",
    " and ",
    " not ",
    "1=1",
    "union select ",
    "drop table layout",
    "delete from ",
    "NEAR",
    "name = ",
    " contains ",
    "startsWith ",
    " asc",
    " desc",
    "null",
    "empty",
    "{id}",
    "../",
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=6).map("".join)


@pytest.fixture(scope="module", params=[False, True], ids=["", "trigram"])
def api(request: pytest.FixtureRequest) -> Iterator[Api]:
    with Simulator(devices=12, seed=3, clock=Clock(NOW, speed=0), trigram=request.param) as simulator:
        yield Api(simulator)


def everything(api: Api) -> list[str]:
    """The whole database as SQL."""
    return list(api.simulator._store.connection.iterdump())


@pytest.fixture(scope="module")
def before(api: Api) -> list[str]:
    api.get(DEVICES)  # whatever a first request does
    return everything(api)


def forged(api: Api, text: str, query: dict[str, Any]) -> str:
    """A cursor that belongs to its request, and stands on whatever `text` is."""
    first = api.get(DEVICES, **query, size=1).body
    if "cursor" not in first:
        return text
    bound, moment, *position = json.loads(base64.urlsafe_b64decode(first["cursor"] + "=="))
    item = json.dumps([bound, moment, *[text] * len(position)])
    return base64.urlsafe_b64encode(item.encode()).rstrip(b"=").decode()


@settings(max_examples=60)
@given(text=TEXTS)
@example(text="name' or '1'='1")
@example(text="x'); DROP TABLE layout; --")
@example(text='"/ws/v1/devices/inventory"')
def test_hostile_texts_change_nothing(api: Api, before: list[str], text: str) -> None:
    literal = "'" + text.replace("'", "''") + "'"
    lists: list[dict[str, Any]] = [
        {"query": text},
        {"query": f"name = {literal} or name contains {literal} or name startsWith {literal}"},
        {"query": f"tags = {literal} and not group startsWith {literal}"},
        {"query": f"name < {literal}", "orderby": "name desc"},
        {"orderby": text},
        {"orderby": f"name {text}"},
        {"order": text},
        {"size": text},
        {"cursor": text},
        {"group": text, "child_groups": "true"},
        {"tag": text, "type": text, "address": text, "name": text},
    ]
    for params in lists:
        for path in (DEVICES, BULK, REPORT):
            assert api.get(path, **params).status in (200, 400), (path, params)
    for query in ({}, {"query": "name startsWith 'S'"}, {"orderby": "last_update desc"}, {"orderby": "name,ip desc"}):
        assert api.get(DEVICES, **query, size=1, cursor=forged(api, text, query)).status in (200, 400)
    assert api.get(BULK, fields=text).status in (200, 400)
    assert api.get(BULK, fields=f"id,{text}").status in (200, 400)
    for method, inventory in (("GET", DEVICES), ("DELETE", DEVICES), ("GET", "/ws/v1/streams/inventory")):
        found = api(method, f"{inventory}/{quote(text, safe='')}")
        assert found.status in (200, 400, 404, 405), (method, text)
    assert everything(api) == before


@settings(max_examples=60)
@given(text=TEXTS)
def test_hostile_texts_are_kept_as_they_are(api: Api, before: list[str], text: str) -> None:
    """What is written comes back unchanged, is found by its value, and goes again without a trace in other objects."""
    users = "/ws/v1/users/inventory"
    made = api("POST", users, {"username": "guest", "first_name": text})
    if "\0" in text:
        assert made.status == 400
    else:
        assert made.status == 201
        assert api.get(f"{users}/guest").body["first_name"] == text
        assert api("DELETE", f"{users}/guest").status == 204
    assert [line for line in everything(api) if DEVICES in line] == [line for line in before if DEVICES in line]
