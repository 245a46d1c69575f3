"""Calls are judged before they are sent: paths, methods, parameters and queries."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from digirm_runtime import spec as specs
from tests.calls.conftest import Run
from tests.support.server import Server

ROOT = Path(__file__).resolve().parents[2]
DRY = ("--dry-run", "--url", "sim:")
NOT_SENT = "digirm: nothing was sent; --no-check sends it all the same\n"


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("devices/Inventory", "/ws/v1/devices/inventory"),
        ("devices/inventry", "/ws/v1/devices/inventory"),
        ("/ws/v1/device", "/ws/v1/devices"),
        ("/ws/v1/Devices/Inventory/a b", "/ws/v1/devices/inventory/a%20b"),
        ("/ws/v1/streams/History/a/b", "/ws/v1/streams/history/a/b"),
        ("/devices/inventory", "/ws/v1/devices/inventory"),
        ("/WS/V1/devices", "/ws/v1/devices"),
        ("/ws/devicecore/a b", "/ws/DeviceCore/a%20b"),
        ("/ws/SCI", "/ws/sci"),
        ("/WS/DeviceCore", "/ws/DeviceCore"),
        ("/WS/sci/1", "/ws/sci/1"),
        ("/Ws/V1/nonsense", "/ws/v1/nonsense"),
        ("/WS/DeviceVendors", "/ws/DeviceVendors"),
    ],
)
def test_a_misspelt_path_is_not_sent(path: str, meant: str, digirm: Run) -> None:
    ran = digirm("get", path, *DRY)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.endswith(f"; did you mean {meant}?\n{NOT_SENT}")


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("devices/inventory", "/ws/v1/devices/inventory"),
        ("ws/v1/devices/inventory/", "/ws/v1/devices/inventory/"),
        ("/ws/v1", "/ws/v1"),
        ("/", "/"),
        ("devices/inventory.json", "/ws/v1/devices/inventory.json"),
        ("streams/history/00000000-00000000-00409DFF-FF000001/a/b", None),
        ("groups/inventory/a é%2Fb%zz", "/ws/v1/groups/inventory/a%20%C3%A9%2Fb%25zz"),
        ("/ws/DeviceCore", "/ws/DeviceCore"),
        ("/ws/sci/17", "/ws/sci/17"),
        ("/ws/DeviceVendors", "/ws/DeviceVendors"),
    ],
)
def test_paths_that_are_fine(path: str, sent: str | None, digirm: Run) -> None:
    ran = digirm("get", path, *DRY)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[0] == f"GET sim:{sent or '/ws/v1/' + path}"


def test_a_reconstructed_spec_may_lack_a_path_and_a_live_one_does_not(digirm: Run, tmp_path: Path) -> None:
    said = "the spec has no path /ws/v1/devices/quite-another"
    ran = digirm("get", "devices/quite-another", *DRY)
    assert (ran.code, ran.err) == (0, f"digirm: {said}\n")
    ran = digirm("get", "devices/quite-another", *DRY, "--strict")
    assert (ran.code, ran.err) == (1, f"digirm: {said}\n{NOT_SENT}")
    live = tmp_path / "live"
    shutil.copytree(ROOT / "specs" / "22.7", live)
    index = json.loads((live / "index.json").read_bytes())
    (live / "index.json").write_bytes(specs.canonical({**index, "provenance": "live"}))
    ran = digirm("get", "devices/quite-another", *DRY, "--specs", str(live))
    assert (ran.code, ran.err) == (1, f"digirm: {said}\n{NOT_SENT}")


def test_a_method_that_the_path_does_not_have(digirm: Run) -> None:
    said = "digirm: /ws/v1/devices/bulk has no DELETE that the spec knows of; it has GET, POST\n"
    assert digirm("delete", "devices/bulk", *DRY)[::2] == (0, said)
    assert digirm("delete", "devices/bulk", *DRY, "--strict")[::2] == (1, said + NOT_SENT)


def test_parameters(digirm: Run) -> None:
    ran = digirm("get", "devices/inventory", "sise==1", "Tag==x", "colour==blue", "name==x", *DRY)
    takes = "digirm: GET /ws/v1/devices/inventory takes no parameter"
    assert ran.code == 1
    assert [line for line in ran.err.splitlines() if line.startswith(takes)] == [
        f"{takes} 'colour' that the spec knows of; it takes group, child_groups, size, cursor, order, orderby, tag, "
        "type, address, name, query",
        f"{takes} 'sise' that the spec knows of; did you mean size?",
        f"{takes} 'Tag' that the spec knows of; did you mean tag?",
    ]
    ran = digirm("get", "devices/inventory?size=1&name=a%20b", "colour==blue", *DRY)
    assert (ran.code, ran.err.count("\n")) == (0, 1)
    assert ran.out.startswith("GET sim:/ws/v1/devices/inventory?size=1&name=a%20b&colour=blue\n")


def test_a_query_where_none_is_taken(digirm: Run) -> None:
    ran = digirm("delete", "devices/inventory", "query==name = 'x'", "tag==x", *DRY)
    takes = "takes no parameter 'query' that the spec knows of; it takes tag, type, address, name"
    assert (ran.code, ran.err) == (0, f"digirm: DELETE /ws/v1/devices/inventory {takes}\n")
    ran = digirm("get", "devices/inventory/1", "size==10", *DRY)
    assert ran.code == 0
    assert "takes no" in ran.err


def test_a_query_is_shown_with_carets(digirm: Run) -> None:
    ran = digirm("get", "devices/inventory", "query==nmae = 'x'", "size==none", *DRY)
    assert (ran.code, ran.out) == (1, "")
    assert "  nmae = 'x'\n  ^^^^\n  did you mean: name\n" in ran.err
    assert "the size is a whole number" in ran.err
    assert digirm("get", "devices/inventory", "query==nmae = 'x'", "--no-check", *DRY).code == 0


def test_what_would_reach_everything_needs_a_filter(digirm: Run) -> None:
    ran = digirm("delete", "devices/inventory", *DRY)
    assert (ran.code, ran.out) == (1, "")
    assert "without a filter would reach everything; it takes tag, type, address, name" in ran.err
    assert digirm("delete", "devices/inventory", "tag== ", *DRY).code == 1
    assert digirm("delete", "devices/inventory", "tag==old", *DRY).code == 0


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("get",), "the following arguments are required: PATH"),
        (("get", "x", "--nonsense"), "unrecognized arguments: --nonsense"),
        (("get", "x", "--body", "f"), "unrecognized arguments: --body"),
        (("post", "x", "--all"), "unrecognized arguments: --all"),
        (("get", "x", "--curl", "--httpie"), "not allowed with"),
        (("get", "x", "--specs", "a", "--no-check"), "not allowed with"),
        (("get", "https://h.example/ws/v1"), "--url names the service"),
        (("get", ""), "the path is empty"),
        (("get", "//h.example/x"), "begins with one '/'"),
        (("get", "devices/%252e%252E/x"), "no '.' and '..'"),
        (("get", "devices/a#b"), "write %23"),
        (("get", "a\udcffb"), "the path is not UTF-8 text"),
        (("get", "devices", "--url", "http://127.0.0.1/\udcff"), "the URL is not UTF-8 text"),
        (("get", "devices", "--url", "http://127.0.0.1/\udcff", "--curl"), "the URL is not UTF-8 text"),
        (("get", "devices", "--url", "sim:\udcff", "--python"), "the URL is not UTF-8 text"),
        (("get", "devices?a=%ff"), "the parameters behind the path are not UTF-8 text"),
        (("get", "/ws/v1/x?=v&a", "b=="), "a parameter behind the path has no name before its '='"),
        (("get", "devices?="), "a parameter behind the path has no name"),
        (("get", "devices?a=1&a=2"), "'a' is given twice"),
        (("get", "devices?a=1", "a==2"), "'a' is given twice"),
        (("get", "devices", "a=1"), "a GET carries no body: write a==... for a parameter"),
        (("delete", "devices", "a=1"), "a DELETE carries no body"),
        (("post", "devices/inventory", "id=1", "--body", "f"), "either --body or made of fields"),
        (("post", "devices/inventory", "--body", "missing-file"), "cannot read missing-file: No such file"),
        (("get", "devices/inventory", "--url", " "), "the URL is empty"),
        (("get", "devices/inventory", "--url", "nonsense:"), "does not begin with http:// or https://"),
        (("get", "devices/inventory", "--url", "https://h.example?x"), "not the URL of a service"),
        (("get", "devices/inventory", "--url", "https://canary:canary@h.example"), "credentials in a URL"),
        (("get", "devices/inventory", "--url", "https://canary:canary@h.example", "--curl"), "credentials in a URL"),
        (("get", "devices/inventory", "--url", "x:canary@h", "--python"), "credentials in a URL"),
        (("get", "devices/inventory", "--specs", "missing-folder"), "missing-folder: No such file"),
        (("get", "devices/inventory", "--out", "missing-folder/x"), "cannot write missing-folder/x: No such file"),
        (("get", "devices/inventory/x", "--all"), "--all is for lists, and /ws/v1/devices/inventory/x is none"),
        (
            ("get", "/ws/DeviceCore", "--all"),
            "/ws/DeviceCore is not there; in Python there is rm.legacy.DeviceCore.list()",
        ),
        (
            ("get", "/ws/DeviceVendors", "--all"),
            "--all is for lists below /ws/v1, and /ws/DeviceVendors is not there\n",
        ),
        (("get", "devices/bulk", "--all"), "a bulk export holds everything"),
        (("get", "devices/inventory", "--all", "--curl"), "only --python and --httpx can show"),
    ],
)
def test_what_cannot_be_sent(argv: tuple[str, ...], said: str, digirm: Run, noted: Server) -> None:
    url = () if "--url" in argv else ("--url", noted.url)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("DIGIRM_API_KEY_ID", "a")
        environment.setenv("DIGIRM_API_KEY_SECRET", "b")
        ran = digirm(*argv, *url)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert not noted.got


def test_items_stand_wherever_they_like(digirm: Run) -> None:
    for argv in (
        ("size==1", "--url", "sim:", "name==x", "--dry-run"),
        ("--url", "sim:", "--dry-run", "size==1", "name==x"),
        ("--dry-run", "size==1", "--url", "sim:", "--", "name==x"),
    ):
        ran = digirm("get", "devices/inventory", *argv)
        assert (ran.code, ran.err) == (0, "")
        assert ran.out.startswith("GET sim:/ws/v1/devices/inventory?size=1&name=x\n")
