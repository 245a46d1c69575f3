"""Paths that are neither stored collections nor plain lists, by template below the base path."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from digirm_runtime.wire import Response
from digirm_simulator import fleet
from digirm_simulator.contract import Request as Described
from digirm_simulator.listing import Params, Parser, selection
from digirm_simulator.replies import Problem, json_reply
from digirm_simulator.sql import ALL

if TYPE_CHECKING:
    from digirm_simulator.resources import Resource

COMPANY = "Example Company"


class Call(NamedTuple):
    """One request, read."""

    described: Described
    args: Mapping[str, str]
    params: Params
    parser: Parser
    now: datetime
    devices: Resource | None


Special: TypeAlias = Callable[[Call], Response]


def _account(_: Call) -> Response:
    return json_reply({"company_name": COMPANY, "customer_id": fleet.CUSTOMER_ID})


def _security(_: Call) -> Response:
    flags = dict.fromkeys(
        (f"password_require_{kind}" for kind in ("lowercase", "uppercase", "number", "special")), True
    )
    return json_reply({"customer_id": fleet.CUSTOMER_ID, "password_minimum_length": 12, **flags})


def _below_device(call: Call) -> Response:
    """Channels, management data and metrics: the simulated devices have none."""
    if call.devices is None or call.devices.collection.get(call.args["id"]) is None:
        raise Problem(404, f"There is no device '{call.args['id']}'")
    return json_reply({"count": 0, "list": []})


def _report(*keys: str) -> Special:
    """How many devices share each value, or each combination of values, of `keys`."""

    def answer(call: Call) -> Response:
        rows: list[tuple[Any, ...]] = []
        if call.devices is not None:
            table = call.devices.collection
            condition = selection(
                call.described, call.described.query, table.columns, call.params, call.parser, call.now
            )
            rows = table.tally(keys, condition or ALL)
        items = [
            {
                "count": row[-1],
                **({"value": row[0]} if len(keys) == 1 else {"values": dict(zip(keys, row, strict=False))}),
            }
            for row in rows
            if row[0] is not None
        ]
        return json_reply({"count": len(items), "list": items})

    return answer


SPECIAL: Mapping[tuple[str, str], Special] = {
    ("GET", "/account/current"): _account,
    ("GET", "/account/current/security"): _security,
    ("GET", "/devices/channels/{id}"): _below_device,
    ("GET", "/devices/management/{id}"): _below_device,
    ("GET", "/devices/metrics/{id}"): _below_device,
    ("GET", "/reports/devices/connection_status"): _report("connection_status"),
    ("GET", "/reports/devices/maintenance_window"): _report("in_maintenance_window"),
    ("GET", "/reports/devices/vendor_id_and_type"): _report("vendor_id", "type"),
}
