"""FileData and FileDataCore of the older API: views on the files of v1."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from digirm_runtime.wire import Request
from tests.simulator.legacy_support import Legacy, six_devices
from tests.simulator.support import BASIC


@pytest.fixture
def legacy() -> Iterator[Legacy]:
    with six_devices() as found:
        yield found


def test_files(legacy: Legacy) -> None:
    content = bytes(range(256))
    body = (
        "<FileData><fdContentType>text/plain</fdContentType><fdType>file</fdType>"
        f"<fdData>{base64.encodebytes(content).decode()}</fdData><fdArchive>false</fdArchive></FileData>"
    )
    made = legacy.send("PUT", "/ws/FileData/~/lab/deep/a%20b.bin?type=file&archive=false", body)
    assert (made.status, made.headers["location"]) == (201, "/ws/FileData/~/lab/deep/a%20b.bin")
    assert legacy.send("PUT", "/ws/FileData/~/lab/deep/a%20b.bin", body).status == 200
    assert legacy.send("PUT", "/ws/FileData/reports/x.csv", b"a,b\n").status == 201
    assert legacy.get("/ws/v1/files/inventory/reports").body["list"][0]["name"] == "x.csv"

    raw = legacy.simulator.handle(Request("GET", "/ws/FileData/~/lab/deep/a%20b.bin", BASIC))
    assert (raw.read(), raw.headers["content-type"]) == (content, "text/plain")

    home = legacy.json("/ws/FileData", condition="fdPath='~/'")
    assert [(item["fdType"], item["id"]["fdName"], item["fdSize"]) for item in home["items"]] == [
        ("directory", "lab", "0")
    ]
    [found] = legacy.json("/ws/FileData", condition="fdType='file' and fdPath like '~/lab/%'", embed="true")["items"]
    assert base64.b64decode(found["fdData"]) == content
    assert (found["fdSize"], found["fdContentType"]) == ("256", "text/plain")
    assert "fdData" not in legacy.json("/ws/FileData", condition="fdType='file'")["items"][0]
    assert "fdData" not in legacy.json("/ws/FileDataCore", condition="fdType='file'", embed="true")["items"][0]
    full = f"{found['id']['fdPath']}{found['id']['fdName']}".replace(" ", "%20")
    assert legacy.simulator.handle(Request("GET", f"/ws/FileData{full}", BASIC)).read() == content
    below = legacy.json("/ws/FileData/~/lab")
    assert [item["id"]["fdName"] for item in below["items"]] == ["deep"]

    assert "<message>1 items deleted</message>" in legacy("DELETE", "/ws/FileData/~/lab").body
    assert legacy("DELETE", "/ws/FileData/~/lab").status == 404
    assert legacy.get("/ws/FileData/~/lab/deep/a%20b.bin").status == 404
    [left] = legacy.json("/ws/FileData", condition="fdSize > '3' and fdSize<5")["items"]
    assert left["id"] == {"fdPath": "/db/reports/", "fdName": "x.csv"}
    assert legacy("DELETE", "/ws/FileData/db/reports/x.csv").status == 200


@pytest.mark.parametrize(
    "body",
    [
        "<FileData><fdData>!!</fdData></FileData>",
        "<FileData><fdType>directory</fdType></FileData>",
        "<FileData><fdContentType>a\nb</fdContentType></FileData>",
        "<FileData><fdData>YQ==",
        "<!DOCTYPE FileData [<!ENTITY a 'b'>]><FileData><fdData>&a;</fdData></FileData>",
    ],
)
def test_files_that_are_refused(legacy: Legacy, body: str) -> None:
    assert legacy.send("PUT", "/ws/FileData/~/a", body).status == 400
    assert legacy.get("/ws/FileData/~/a").status == 404


def test_a_whole_file_set_is_never_deleted(legacy: Legacy) -> None:
    legacy.send("PUT", "/ws/FileData/~/a", b"1")
    legacy.send("PUT", "/ws/FileData/reports/b", b"2")
    home = legacy.json("/ws/FileData/~/")["items"][0]["id"]["fdPath"]
    for path in ("", "/~", "/~/", home.rstrip("/"), "/reports", "/db/reports/"):
        assert legacy("DELETE", f"/ws/FileData{path}").status == 400, path
    assert legacy.json("/ws/FileData")["resultTotalRows"] == "2"


def test_an_event_tells_the_type_of_a_file(legacy: Legacy) -> None:
    monitor = {"topics": ["FileData"], "type": "polling", "persistent": True}
    number = legacy("POST", "/ws/v1/monitors/inventory", monitor).body["id"]
    body = "<FileData><fdContentType>text/plain</fdContentType><fdData>YQ==</fdData></FileData>"
    assert legacy.send("PUT", "/ws/FileData/~/a.txt", body).status == 201
    [event] = legacy.get(f"/ws/v1/monitors/history/{number}").body["list"]
    assert "text/plain" in json.dumps(event)
    assert "octet-stream" not in json.dumps(event)


def test_a_page_of_the_web_is_a_file_like_others(legacy: Legacy) -> None:
    text = b"<!DOCTYPE html><html>&nbsp;"
    assert legacy.send("PUT", "/ws/FileData/~/index.html", text).status == 201
    assert legacy.simulator.handle(Request("GET", "/ws/FileData/~/index.html", BASIC)).read() == text


@pytest.mark.parametrize("name", ["\u00c4\u00d6.txt", "stra\u00dfe.txt", "\u0130.TXT"])
def test_conditions_do_not_see_the_case_of_any_letter(legacy: Legacy, name: str) -> None:
    assert legacy.send("PUT", f"/ws/FileData/~/{quote(name)}", b"x").status == 201
    for text in (name, name.lower(), name.casefold()):
        for condition in (f"fdName = '{text}'", f"fdName like '%{text[1:5]}%'"):
            found = legacy.json("/ws/FileData", condition=condition)["items"]
            assert [item["id"]["fdName"] for item in found] == [name], condition
