"""Users: administrators see all of them, others themselves. Nobody new can sign in: passwords are checked, not kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from digirm_runtime.wire import Response
from digirm_simulator import csvform, listing
from digirm_simulator.access import ADMINISTRATOR
from digirm_simulator.behaviours import generic
from digirm_simulator.behaviours.account import check_password
from digirm_simulator.behaviours.lookup import required
from digirm_simulator.replies import Problem, csv_reply, empty_reply
from digirm_simulator.resources import Resource, read_json
from digirm_simulator.world import Behaviour, Call

NAME = "/users/inventory"
ROLES = (
    ADMINISTRATOR,
    "User",
    "Read only user",
    "Application",
    "Read only application",
    "Custom user",
    "Custom read only user",
)


class Users(Resource):
    """Users, whose password is checked against the account's rules and never kept."""

    def apply(self, document: dict[str, Any], changes: Any, call: Call) -> None:
        """Bring what was sent into one. Raises Problem 400 for what cannot be taken."""
        super().apply(document, changes, call)
        if "role" in document and document["role"] not in ROLES:
            raise Problem(400, f"'role' must be one of {', '.join(ROLES)}")
        if (password := changes.get("password")) is not None:
            check_password(call.world, password)


RESOURCES: Mapping[str, type[Resource]] = {NAME: Users}


def _sees_all(call: Call) -> bool:
    return call.user.role.casefold() == ADMINISTRATOR.casefold()


def _themselves(call: Call) -> list[dict[str, Any]]:
    found = call.world.resource(NAME)
    document = found.collection.get(call.user.name) if found else None
    return [document] if document else []


def _list(call: Call) -> Response:
    if _sees_all(call):
        return generic.list_stored(call)
    return listing.computed(call, _themselves(call), "username")


def _csv(call: Call) -> Response:
    if _sees_all(call):
        return generic.csv(call)
    collection, described = required(call.world, NAME).collection, call.described
    condition = listing.selection(call, collection.fields, collection.columns)
    known = described.columns or tuple(sorted(described.query))
    columns = [name.strip() for name in (call.params.get("fields") or ",".join(known)).split(",")]
    if unknown := [name for name in columns if name not in known]:
        raise Problem(400, f"Unknown field '{unknown[0]}' in fields")
    found = _themselves(call) if condition is None or call.user.name in collection.keys(condition) else []
    return csv_reply([csvform.line(columns), *(csvform.row(user, columns) for user in found)])


def _visible(call: Call) -> None:
    """Raises Problem 404 for another user whom this one does not see."""
    if not _sees_all(call) and call.key != call.user.name:
        raise Problem(404, f"There is no object with username '{call.key}'")


def _read(call: Call) -> Response:
    _visible(call)
    return generic.read(call)


def _create(call: Call) -> Response:
    _administers(call)
    return generic.create(call)


def _update(call: Call) -> Response:
    _visible(call)
    changes = read_json(call.body)
    if isinstance(changes, dict) and "role" in changes:
        _administers(call)
    return generic.update(call)


def _delete(call: Call) -> Response:
    _visible(call)
    _administers(call)
    return generic.delete(call)


def _administers(call: Call) -> None:
    if not _sees_all(call):
        raise Problem(403, f"The role {call.user.role} does not administer users")


def _change_password(call: Call) -> Response:
    """Check a new password against the account's rules; to change one is not simulated."""
    if not call.params.flag("validate_only"):
        raise Problem(403, "Not simulated: passwords do not change; validate_only=true checks one")
    body = read_json(call.body)
    check_password(call.world, body.get("password") if isinstance(body, dict) else None)
    return empty_reply()


def _forgot(_: Call) -> Response:
    raise Problem(403, "Not simulated: no mail is sent")


BEHAVIOURS: Mapping[str, Behaviour] = {
    "users.change_password": _change_password,
    "users.create": _create,
    "users.csv": _csv,
    "users.delete": _delete,
    "users.forgot": _forgot,
    "users.list": _list,
    "users.read": _read,
    "users.update": _update,
}
