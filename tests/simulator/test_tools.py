"""The commands of the documentation, with curl and HTTPie themselves, against a port on loopback."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from digirm_simulator import Clock, Simulator, server
from tests.simulator.support import DEVICES, NOW

NEW = "00000000-00000000-0040FFFF-FF8001B0"
# Of the only form that HTTPie's plugin takes for a key.
KEY, SECRET = "0123456789abcdef" * 2, "fedcba9876543210" * 4
QUERY = "connection_status = 'connected' and last_update > -1d and ip startswith '10.20.1.'"


class Tools(NamedTuple):
    url: str
    environment: dict[str, str]

    def _run(self, command: list[str], body: str = "") -> str:
        ended = subprocess.run(command, input=body, capture_output=True, text=True, check=False, env=self.environment)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def curl(self, *args: str, body: str = "") -> str:
        """Address arguments begin with `/`."""
        program = shutil.which("curl")
        assert program is not None, "curl is needed: .ci/run installs it"
        return self._run([program, "--silent", "--show-error", *self._addressed(args)], body)

    def http(self, *args: str, body: str = "") -> str:
        program = [sys.executable, "-m", "httpie", "--print=hb", "--check-status"]
        ignore = [] if body else ["--ignore-stdin"]
        return self._run([*program, *ignore, *self._addressed(args)], body)

    def _addressed(self, args: tuple[str, ...]) -> list[str]:
        return [self.url + arg if arg.startswith("/ws/") else arg for arg in args]


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tools]:
    simulator = Simulator(
        devices=30,
        users={"fred": "pass word"},
        api_keys={KEY: SECRET},
        clock=Clock(NOW, speed=0),
    )
    home = tmp_path_factory.mktemp("home")
    with server.running(simulator) as url:
        netrc = home / ".netrc"
        netrc.write_text(f'machine {urlsplit(url).hostname}\nlogin fred\npassword "pass word"\n')
        netrc.chmod(0o600)
        kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
        # HTTPie's own files, and the credentials of the test alone.
        own = {"HOME": str(home), "HTTPIE_CONFIG_DIR": str(home / "httpie"), "NO_COLOR": "1"}
        yield Tools(url, {name: value for name, value in kept.items() if not name.startswith(("DRM", "DIGI"))} | own)
    simulator.close()


def shown(output: str) -> tuple[int, dict[str, object]]:
    """Status and JSON of what HTTPie or `curl -i` printed."""
    head, _, body = output.replace("\r\n", "\n").partition("\n\n")
    return int(head.split()[1]), json.loads(body) if body.strip() else {}


def test_curl_with_each_kind_of_credentials(tools: Tools) -> None:
    root = json.loads(tools.curl("-n", "/ws/v1"))
    assert root["count"] == 22
    assert json.loads(tools.curl("-u", "fred:pass word", "/ws/v1")) == root
    key = ["-H", f"X-API-KEY-ID: {KEY}", "-H", f"X-API-KEY-SECRET: {SECRET}"]
    assert json.loads(tools.curl(*key, "/ws/v1")) == root
    assert json.loads(tools.curl(*key, DEVICES))["count"] == 30
    assert shown(tools.curl("-i", "/ws/v1"))[0] == 401
    assert shown(tools.curl("-i", "-u", "fred:wrong", "/ws/v1"))[0] == 401


def test_curl_reads_writes_and_unpacks(tools: Tools) -> None:
    found = json.loads(tools.curl("-n", "-G", DEVICES, "--data-urlencode", f"query={QUERY}", "--compressed"))
    assert found["size"] == 1000
    made = tools.curl("-i", "-n", DEVICES, "-H", "content-type: application/json", "-d", json.dumps({"id": NEW}))
    assert shown(made)[0] == 201
    assert json.loads(tools.curl("-n", f"{DEVICES}/{NEW}.json", "-H", "X-Requested-With: XMLHttpRequest"))["id"] == NEW
    assert tools.curl("-n", "-I", DEVICES).startswith("HTTP/1.1 200 OK")
    gone = tools.curl("-n", "-X", "DELETE", f"{DEVICES}/{NEW}", "-w", "%{http_code}")
    assert gone == "204"
    assert tools.curl("-n", f"{tools.url}/ws/v1/devices/bulk?fields=id,name").startswith("id,name\n")


def test_httpie_with_the_netrc_file(tools: Tools) -> None:
    status, automations = shown(tools.http("/ws/v1/automations"))
    assert (status, automations["count"]) == (200, 14)
    status, found = shown(tools.http(DEVICES, "query==connection_status = 'connected'", "size==1"))
    assert (status, found["count"], found["size"]) == (200, 1, 1)
    status, following = shown(
        tools.http(DEVICES, "query==connection_status = 'connected'", "size==1", f"cursor=={found['cursor']}")
    )
    assert status == 200
    assert following["list"] != found["list"]


@pytest.mark.parametrize(
    "credentials",
    [
        (f"X-API-KEY-ID:{KEY}", f"X-API-KEY-SECRET:{SECRET}"),
        ("-a", "fred:pass word"),
        # The plugin tells a user from a key by the form.
        ("-A", "drm"),
        ("-A", "drm", "-a", "fred:pass word"),
        ("-A", "drm", "-a", f"{KEY}:{SECRET}"),
    ],
)
def test_httpie_with_each_kind_of_credentials(tools: Tools, credentials: tuple[str, ...]) -> None:
    address = tools.url.removeprefix("http://") + "/ws/v1"  # without a scheme, as the documentation writes it
    status, found = shown(tools.http(address, *credentials))
    assert (status, found["count"]) == (200, 22)


def test_httpie_creates_and_deletes(tools: Tools) -> None:
    body = json.dumps({"id": NEW, "install_code": "MYPASSW0RD", "group": "test/group"})
    status, made = shown(tools.http("POST", DEVICES, body=body))
    assert (status, made["count"]) == (201, 1)
    status, _ = shown(tools.http("DELETE", f"{DEVICES}/{NEW}"))
    assert status == 204
    assert "text/csv" in tools.http("/ws/v1/devices/bulk", f"query=={QUERY}")
