from __future__ import annotations

import csv
import io

import pytest

from digirm_simulator import csvform
from tests.simulator.support import DEVICES, Api, device_id
from tests.support.recordings import recorded

BULK = "/ws/v1/devices/bulk"


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_the_recorded_device_gives_the_recorded_line(api: Api) -> None:
    expected = recorded("devices-bulk.json")
    api.simulator.put(DEVICES, expected["device"])
    found = api.get(BULK, query=f"id = '{expected['device']['id']}'")
    assert found.headers["content-type"].startswith("text/csv")
    assert found.body == f"{expected['header']}\n{expected['lines'][0]}\n"


def test_quoting_is_that_of_every_recorded_cell() -> None:
    recording = recorded("devices-bulk.json")
    for line in recording["lines"]:
        assert csvform.line(next(csv.reader([line]))).decode() == line + "\n"


def test_all_rows_whatever_their_number(api: Api) -> None:
    for number in range(1200):
        api.simulator.put(DEVICES, {"id": device_id(number), "name": f'extra, "{number}"'})
    found = rows(api.get(BULK, query="name startsWith 'extra'", fields="name,id").body)
    assert sorted(row["id"] for row in found) == [device_id(number) for number in range(1200)]
    assert {"name": 'extra, "7"', "id": device_id(7)} in found


def test_fields_select_and_order_columns(api: Api) -> None:
    assert api.get(BULK, query="id = 'none'", fields="name,id").body == "name,id\n"
    found = api.get(BULK, orderby="name desc", fields="last_update,name").body
    assert [row["name"] for row in rows(found)] == [
        item.get("name", "") for item in api.get(DEVICES, orderby="name desc").body["list"]
    ]


@pytest.mark.parametrize(
    "params", [{"fields": "nmae"}, {"fields": "id,"}, {"query": "nmae = 'x'"}, {"orderby": "tags"}]
)
def test_refused(api: Api, params: dict[str, str]) -> None:
    assert api.get(BULK, **params).status == 400


def test_other_bulk_lists(api: Api) -> None:
    assert api.get("/ws/v1/users/bulk").body == "username\nsim\n"
    assert api.get("/ws/v1/alerts/bulk/summary", fields="name,id", query="status = 'reset'").body == "name,id\n"
    assert api.get("/ws/v1/streams/bulk", fields="stream_id").status == 400  # as recorded
    for number in range(5):
        api("POST", "/ws/v1/streams/inventory", {"id": f"s{number}", "units": "°C"})
    newest = api.get("/ws/v1/streams/bulk", fields="id,units", size=2, order="desc").body
    assert newest == "id,units\ns4,°C\ns3,°C\n"
    assert api.get("/ws/v1/streams/bulk", cursor="x").status == 400
