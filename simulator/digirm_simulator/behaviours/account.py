"""The account: what it is, its rules for passwords, and its subaccounts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from digirm_runtime.wire import Response
from digirm_simulator.behaviours import generic
from digirm_simulator.replies import Problem, dumps, empty_reply, json_reply
from digirm_simulator.resources import Resource, read_json
from digirm_simulator.world import COMPANY, CUSTOMER_ID, Behaviour, Call, Change, World

SUBACCOUNTS, ACCOUNT = "/subaccounts/inventory", "/account/current"
# The documented defaults, which are also the least that can be set.
_SHORTEST = 12
_LONGEST = 128
_DEFAULTS: Mapping[str, int | bool] = {
    "password_minimum_length": _SHORTEST,
    "password_require_lowercase": True,
    "password_require_number": True,
    "password_require_special": True,
    "password_require_uppercase": True,
}
# What the documentation's answer has in place of the password that was sent.
_MASK = "xxx"
_KINDS = {
    "lowercase": ("lowercase letter", str.islower),
    "uppercase": ("uppercase letter", str.isupper),
    "number": ("number", str.isdigit),
    "special": ("special character", lambda char: not char.isalnum()),
}

TABLES: Mapping[str, str] = {"security": "one INTEGER PRIMARY KEY CHECK (one = 1), body TEXT NOT NULL"}


def seed(world: World) -> None:
    """The account itself stands in the list of its subaccounts."""
    if found := world.resource(SUBACCOUNTS):
        found.collection.insert([{"company_name": COMPANY, "customer_id": CUSTOMER_ID}])


class Subaccounts(Resource):
    """Subaccounts: a company name, whom to write to, and what only the parent sees (name, notes, tags)."""

    def create(self, call: Call) -> Response:
        """Store one or more; one is answered as it is, not as a list, its password masked as documented."""
        sent = read_json(call.body)
        reply = super().create(call)
        if isinstance(sent, dict) and sent.get("password") is not None:
            return json_reply({**json.loads(reply.read()), "password": _MASK}, reply.status)
        return reply

    def apply(self, document: dict[str, Any], changes: Any, call: Call) -> None:
        """Bring what was sent into one. Raises Problem 400 for what cannot be taken."""
        super().apply(document, changes, call)
        for name in ("company_name", "email", "name", "notes", "username"):
            if not isinstance(document.get(name, ""), str):
                raise Problem(400, f"'{name}' must be a text")

    def remove(self, key: str, by: str | None) -> None:
        """Remove a subaccount; the account itself stays. Raises Problem 400 and 404."""
        if key == str(CUSTOMER_ID):
            raise Problem(400, "An account cannot remove itself")
        super().remove(key, by)


RESOURCES: Mapping[str, type[Resource]] = {SUBACCOUNTS: Subaccounts}


def _rules(world: World) -> dict[str, Any]:
    rows = world.store.sql("SELECT body FROM x_security")
    return {**_DEFAULTS, **(json.loads(rows[0][0]) if rows else {})}


def check_password(world: World, password: object) -> None:
    """Raises Problem 400 for a password that breaks the account's rules."""
    if not isinstance(password, str):
        raise Problem(400, "'password' must be a text")
    rules = _rules(world)
    if len(password) < rules["password_minimum_length"]:
        raise Problem(400, f"The password must have at least {rules['password_minimum_length']} characters")
    for name, (kind, fits) in _KINDS.items():
        if rules[f"password_require_{name}"] and not any(map(fits, password)):
            raise Problem(400, f"The password must have at least one {kind}")


def _current(_: Call) -> Response:
    return json_reply({"company_name": COMPANY, "customer_id": CUSTOMER_ID})


def _security(call: Call) -> Response:
    rules = dict(_DEFAULTS) if call.params.flag("system_defaults") else _rules(call.world)
    return json_reply({"customer_id": CUSTOMER_ID, **rules})


def _put_security(call: Call) -> Response:
    changes = read_json(call.body)
    if not isinstance(changes, dict):
        raise Problem(400, "Expected an object")
    before = _rules(call.world)
    rules = dict(before)
    for name, value in changes.items():
        if name not in _DEFAULTS:
            if name != "customer_id":
                raise Problem(400, f"Unknown field '{name}'")
            continue
        if type(value) is not type(_DEFAULTS[name]):
            raise Problem(400, f"'{name}' must be of the kind of its default, {dumps(_DEFAULTS[name])}")
        if name == "password_minimum_length" and not _SHORTEST <= value <= _LONGEST:
            raise Problem(400, f"'{name}' must be a number from {_SHORTEST} to {_LONGEST}")
        rules[name] = value
    call.world.store.sql("INSERT OR REPLACE INTO x_security VALUES (1, ?)", (dumps(rules),))
    call.world.changed(Change("update", ACCOUNT, "security", before, rules, call.now, call.user.name))
    return json_reply({"customer_id": CUSTOMER_ID, **rules})


def _delete_security(call: Call) -> Response:
    before = _rules(call.world)
    if call.world.store.sql("DELETE FROM x_security RETURNING one"):
        call.world.changed(Change("delete", ACCOUNT, "security", before, None, call.now, call.user.name))
    return empty_reply()


BEHAVIOURS: Mapping[str, Behaviour] = {
    "account.current": _current,
    "account.delete_security": _delete_security,
    "account.put_security": _put_security,
    "account.security": _security,
    "subaccounts.create": generic.create,
    "subaccounts.delete": generic.delete,
}
