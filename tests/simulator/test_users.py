from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from digirm_simulator import Clock, Simulator
from digirm_simulator.access import Account
from tests.simulator.support import NOW, Api

USERS = "/ws/v1/users/inventory"
SECURITY = "/ws/v1/account/current/security"
SUBACCOUNTS = "/ws/v1/subaccounts/inventory"
GOOD = "Correct-Horse-7"


def basic(user: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{user}:pw".encode()).decode()}


@pytest.fixture
def shared() -> Iterator[Simulator]:
    users: dict[str, str | Account] = {
        "ann": "pw",
        "bob": Account("pw", role="User"),
        "Bob": Account("pw", role="User"),
    }
    with closing(Simulator(devices=2, users=users, clock=Clock(NOW, speed=0))) as simulator:
        yield simulator


@pytest.fixture
def ann(shared: Simulator) -> Api:
    return Api(shared, basic("ann"))


@pytest.fixture
def bob(shared: Simulator) -> Api:
    return Api(shared, basic("bob"))


def names(api: Api, **params: str | int) -> list[str]:
    return [user["username"] for user in api.get(USERS, **params).body["list"]]


def test_administrators_see_all_others_themselves(ann: Api, bob: Api) -> None:
    assert names(ann) == ["ann", "bob", "Bob"]
    assert names(bob) == ["bob"]
    assert names(bob, query="username <> 'bob'") == []
    assert bob.get(USERS, query="nmae = 'bob'").status == 400
    assert ann.get("/ws/v1/users/bulk").body == "username\nann\nbob\nBob\n"
    assert bob.get("/ws/v1/users/bulk").body == "username\nbob\n"
    assert bob.get("/ws/v1/users/bulk", query="username = 'ann'").body == "username\n"
    assert bob.get("/ws/v1/users/bulk", fields="password").status == 400
    assert ann.get(f"{USERS}/bob").body["username"] == bob.get(f"{USERS}/bob").body["username"] == "bob"
    assert bob.get(f"{USERS}/ann").status == bob.get(f"{USERS}/nobody").status == 404


def test_only_administrators_administer(ann: Api, bob: Api) -> None:
    made = ann("POST", USERS, {"username": "cleo", "role": "Read only application", "password": GOOD})
    assert (made.status, made.body) == (
        201,
        {"customer_id": 7493, "role": "Read only application", "username": "cleo"},
    )
    assert GOOD not in json.dumps(ann.get(USERS).body)
    assert bob("POST", USERS, {"username": "dan"}).status == 403
    assert bob("DELETE", f"{USERS}/bob").status == 403
    assert bob("DELETE", f"{USERS}/ann").status == 404
    assert bob("PUT", f"{USERS}/ann", {"city": "x"}).status == 404
    assert bob("PUT", f"{USERS}/bob", {"role": "Administrator"}).status == 403
    assert bob("PUT", f"{USERS}/bob", {"city": "Rochester"}).body["city"] == "Rochester"
    assert ann("DELETE", f"{USERS}/cleo").status == 204


@pytest.mark.parametrize(
    "wrong", [{"role": "Emperor"}, {"password": 7}, {"password": "short"}, {"password": "long-but-without-capitals-7"}]
)
def test_what_is_no_user_is_refused(ann: Api, wrong: dict[str, Any]) -> None:
    assert ann("POST", USERS, {"username": "cleo", **wrong}).status == 400
    assert ann("PUT", f"{USERS}/bob", wrong).status == 400
    assert "cleo" not in names(ann)


def test_passwords_can_be_checked_but_not_changed(ann: Api) -> None:
    path = "/ws/v1/users/change_password/0f0f"
    assert ann("POST", path, {"password": GOOD}, validate_only="true").status == 204
    found = ann("POST", path, {"password": "Correct-Horse"}, validate_only="true")
    assert (found.status, found.body["error_message"]) == (400, "The password must have at least one number")
    assert ann("POST", path, {}, validate_only="true").status == 400
    assert ann("POST", path, {"password": GOOD}).status == 403
    assert ann.get(path).status == 404


@pytest.mark.parametrize("path", ["forgot_password/ann", "forgot_username/ann@example.com"])
def test_no_mail_is_sent(ann: Api, path: str) -> None:
    found = ann("POST", f"/ws/v1/users/{path}")
    assert found.status == 403
    assert "Not simulated" in found.body["error_message"]


def test_rules_for_passwords_have_the_documented_defaults(ann: Api) -> None:
    assert ann.get(SECURITY).body == {
        "customer_id": 7493,
        "password_minimum_length": 12,
        "password_require_lowercase": True,
        "password_require_number": True,
        "password_require_special": True,
        "password_require_uppercase": True,
    }


def test_rules_for_passwords_can_be_changed_and_reset(ann: Api) -> None:
    defaults = ann.get(SECURITY).body
    changed = ann("PUT", SECURITY, {"password_minimum_length": 20, "password_require_number": False})
    expected = {**defaults, "password_minimum_length": 20, "password_require_number": False}
    assert (changed.status, changed.body) == (200, expected)
    assert ann.get(SECURITY).body == ann.get(SECURITY, system_defaults="false").body == expected
    assert ann.get(SECURITY, system_defaults="true").body == defaults
    assert ann("POST", USERS, {"username": "cleo", "password": GOOD}).status == 400
    assert ann("POST", USERS, {"username": "cleo", "password": "Correct-Horse-Battery"}).status == 201
    assert ann("DELETE", SECURITY).status == 204
    assert ann.get(SECURITY).body == defaults


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        {"password_minimum_length": 11},
        {"password_minimum_length": True},
        {"password_minimum_length": 10**9},
        {"password_require_number": 1},
        {"password_require_luck": True},
    ],
)
def test_rules_that_cannot_be_are_refused(ann: Api, wrong: Any) -> None:
    before = ann.get(SECURITY).body
    assert ann("PUT", SECURITY, wrong).status == 400
    assert ann.get(SECURITY).body == before


def test_account(ann: Api) -> None:
    account = ann.get("/ws/v1/account/current").body
    assert account.keys() == {"company_name", "customer_id"}
    assert ann.get(SUBACCOUNTS).body["list"] == [account]


def test_a_subaccount_is_answered_as_documented(ann: Api) -> None:
    sent = {
        "company_name": "Company ABC",
        "email": "user@company-abc.com",
        "username": "user-company-abc",
        "password": "xxxx",
        "name": "My display name",
        "notes": "(free text)",
        "tags": ["Good Standing", "Gold Plan"],
    }
    made = ann("POST", SUBACCOUNTS, sent)
    number = made.body["customer_id"]
    assert (made.status, made.body) == (201, {**sent, "password": "xxx", "customer_id": number})
    stored = {name: value for name, value in made.body.items() if name != "password"}
    assert ann.get(f"{SUBACCOUNTS}/{number}").body == stored
    assert ann.get(SUBACCOUNTS, query="tags = 'gold plan'").body["list"] == [stored]
    assert ann("PUT", f"{SUBACCOUNTS}/{number}", {"notes": "x"}).body["notes"] == "x"
    assert ann("POST", SUBACCOUNTS, {"company_name": 7}).status == 400
    assert ann("DELETE", f"{SUBACCOUNTS}/{number}").status == 204
    assert ann("DELETE", f"{SUBACCOUNTS}/7493").status == 400
    assert ann.get(SUBACCOUNTS).body["count"] == 1


def test_groups_are_those_of_the_devices_and_those_above(ann: Api) -> None:
    ann.simulator.devices.add(group="Alpha/Beta/Gamma")
    found = ann.get("/ws/v1/groups/inventory", query="path startsWith '/alpha'").body["list"]
    assert [item["path"] for item in found] == ["/Alpha", "/Alpha/Beta", "/Alpha/Beta/Gamma"]
    assert ann.get(f"/ws/v1/groups/inventory/{found[0]['id']}").body == found[0]
    everywhere = {item["path"] for item in ann.get("/ws/v1/groups/inventory").body["list"]}
    groups = {device["group"] for device in ann.simulator.devices if "group" in device}
    assert {f"/{group}" for group in groups} <= everywhere
