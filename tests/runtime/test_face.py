"""What people and tools see of a method: its signature, its documentation, and the body behind it."""

from __future__ import annotations

import inspect
import pydoc
from typing import Any

import pytest

from digirm import AsyncClient, Client
from digirm_runtime.branch import Branch

NOWHERE: Any = {"url": "http://127.0.0.1:9", "auth": ("a", "b")}


def returned(method: object) -> str:
    return str(inspect.signature(method).return_annotation)  # type: ignore[arg-type]


def test_a_signature_names_what_the_caller_gets() -> None:
    inventory, awaited = Client(**NOWHERE).devices.inventory, AsyncClient(**NOWHERE).devices.inventory
    assert [returned(inventory.get), returned(awaited.get)] == ["Device", "Awaitable[Device]"]
    assert [returned(inventory.list), returned(awaited.list)] == ["Listing[Device]", "AsyncListing[Device]"]
    assert returned(inventory.create) == "Created[Device]"
    assert returned(Client(**NOWHERE).devices.bulk.csv) == "Rows"
    assert returned(AsyncClient(**NOWHERE).devices.bulk.csv) == "AsyncRows"


def test_help_shows_a_function_without_private_names() -> None:
    text = pydoc.plain(pydoc.render_doc(Client(**NOWHERE).devices.inventory.get))
    assert "get(id: str | int, /, *, options: Options | None = None) -> Device" in text
    assert "function get in module digirm.api.devices" in text
    assert "GET /ws/v1/devices/inventory/{id}" in text


def test_help_of_a_node_lists_its_methods() -> None:
    text = pydoc.plain(pydoc.render_doc(Client(**NOWHERE).devices.inventory))
    assert "list(" in text
    assert "Devices of the account." in text


def test_the_body_behind_a_method_is_found() -> None:
    method = Client(**NOWHERE).devices.inventory.get
    made = inspect.unwrap(method)("x")
    assert (made.endpoint.method, made.args) == ("GET", ("x",))  # type: ignore[attr-defined]
    assert method.__qualname__ == "DevicesInventoryApi.get"
    assert Client(**NOWHERE).devices.inventory.get is not method


def test_a_method_is_made_once_for_each_node() -> None:
    inventory = Client(**NOWHERE).devices.inventory
    assert inventory.get is inventory.get


def test_a_fault_below_a_name_is_not_taken_for_a_wrong_name() -> None:
    class Broken(Branch):
        _children = {"x": "x"}  # noqa: RUF012

        @property
        def x(self) -> None:
            raise KeyError("inner")

    with pytest.raises(KeyError, match="inner"):
        Broken()["x"]
    with pytest.raises(KeyError, match="'y': the names below are x"):
        Broken()["y"]
    with pytest.raises(KeyError, match="the names below are none"):
        Branch()["y"]
