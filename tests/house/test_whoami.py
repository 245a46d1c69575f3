"""`digirm whoami` against the simulator, in process and over HTTP, and against servers that refuse."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from digirm_cli.main import main
from digirm_runtime import flow
from digirm_runtime.wire import Request
from digirm_simulator import Simulator
from tests.support.server import Answer, Got, Server, dropped, script

KEY = {"DIGIRM_API_KEY_ID": "canary-id", "DIGIRM_API_KEY_SECRET": "canary-secret"}
USER = {"DIGIRM_USERNAME": "canary-user", "DIGIRM_PASSWORD": "canary-password"}
SPEC = {"api_version", "provenance", "fingerprint"}


class Run:
    """One run of the command: its exit code, and what it printed, in which no credentials stand."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *argv: str) -> None:
        self.code = main(["whoami", *argv])
        self.out, self.err = capsys.readouterr()
        for word in ("canary", "Y2FuYXJ5"):  # the second is the first in Base64
            assert word not in self.out + self.err
        assert "Traceback" not in self.err

    @property
    def lines(self) -> dict[str, str]:
        return {line[:13].strip(): line[13:] for line in self.out.splitlines()}

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        assert set(found["spec"]) >= SPEC
        return found


@pytest.fixture(autouse=True)
def short_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "FIRST_DELAY", 0.005)


@pytest.fixture
def simulator() -> Iterator[Server]:
    """A simulator behind a socket that accepts the credentials of these tests."""
    inside = Simulator(users={"canary-user": "canary-password"}, api_keys={"canary-id": "canary-secret"}, devices=0)

    def reply(got: Got) -> Answer:
        answer = inside.handle(Request(got.method, got.target, got.headers, got.body))
        return Answer(answer.status, answer.read(), tuple(answer.headers.items()))

    with Server(reply) as server:
        yield server
    inside.close()


def given(monkeypatch: pytest.MonkeyPatch, *variables: dict[str, str]) -> None:
    for name, value in {name: value for each in variables for name, value in each.items()}.items():
        monkeypatch.setenv(name, value)


def test_in_process(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, KEY)
    run = Run(capsys, "sim:")
    assert (run.code, run.err) == (0, "")
    assert run.lines["service"] == "sim: (a simulator)"
    assert run.lines["credentials"] == "sim: (built in)"
    assert run.lines["accepted"] == "yes"
    assert "customer_id 7493" in run.lines["account"]
    assert run.lines["sees"].startswith("22 APIs: account, alerts, ")
    assert run.lines["client"].startswith("API 22.7, reconstructed spec, sha256:")


@pytest.mark.parametrize(
    ("variables", "source"),
    [(KEY, "environment (DIGIRM_API_KEY_ID)"), (USER, "environment (DIGIRM_USERNAME)")],
)
def test_over_http(
    variables: dict[str, str], source: str, simulator: Server, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    given(monkeypatch, variables, {"DIGIRM_URL": simulator.url})
    run = Run(capsys, "--format", "json")
    assert (run.code, run.err) == (0, "")
    assert run.json["url"] == simulator.url
    assert run.json["credentials"] == source
    assert (run.json["accepted"], run.json["simulator"]) == (True, True)
    assert run.json["account"] == {"company_name": "Example Company", "customer_id": 7493}
    assert len(run.json["categories"]) == 22
    assert [got.method for got in simulator.got] == ["GET", "GET"]


def test_netrc_is_named(
    simulator: Server, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "netrc"
    file.write_text("machine 127.0.0.1 login canary-user password canary-password\n")
    monkeypatch.setenv("NETRC", str(file))
    run = Run(capsys, simulator.url)
    assert (run.code, run.lines["credentials"]) == (0, f"netrc ({file}, 127.0.0.1)")


def test_two_kinds_of_credentials_are_said(
    simulator: Server, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given(monkeypatch, KEY, USER)
    monkeypatch.setattr("warnings.filters", [("default", None, UserWarning, None, 0)])
    run = Run(capsys, simulator.url)
    assert run.code == 0
    said = "DIGIRM_API_KEY_ID and DIGIRM_USERNAME are both set in the environment; the API key is used"
    assert run.err == f"digirm: {said}\n"


def test_wrong_credentials(
    simulator: Server, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given(monkeypatch, {**USER, "DIGIRM_PASSWORD": "canary-mistyped"})
    run = Run(capsys, simulator.url)
    assert (run.code, run.lines["accepted"]) == (1, "no")
    assert run.lines["credentials"] == "environment (DIGIRM_USERNAME)"
    assert run.err == "digirm: GET /ws/v1 answered 401: Invalid credentials\n"


@pytest.mark.parametrize(
    ("answer", "code", "accepted", "said"),
    [
        (
            Answer(403, {"error_message": "not subscribed\n\x1b[31m"}),
            1,
            False,
            "answered 403: not subscribed \\x1b[31m",
        ),
        (Answer(404, {}), 1, None, "answered 404"),
        (Answer(504, b"<html>", (("content-type", "text/html"),)), 1, None, "answered 504 after 4 attempts"),
        (dropped(), 2, None, "the connection broke"),
        (Answer(200, b"<html>", (("content-type", "text/html"),)), 2, None, "another kind of service"),
        (Answer(200, {"list": 1}), 2, None, "another kind of service"),
        (Answer(200, b"{"), 2, None, "ends early"),
    ],
)
def test_refused_or_no_answer(
    answer: Answer, code: int, accepted: bool | None, said: str, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    given(monkeypatch, KEY)
    with script(answer) as server:
        run = Run(capsys, server.url, "--format", "json")
    assert (run.code, run.json["accepted"], run.json["categories"]) == (code, accepted, None)
    assert run.json["credentials"] == "environment (DIGIRM_API_KEY_ID)"
    assert said in run.err
    assert run.err.count("\n") == 1
    assert run.err.startswith("digirm: ")


@pytest.mark.parametrize(
    ("account", "shown"),
    [
        (
            Answer(200, {"role": "user", "api_token": "canary", "nested": {}, "name": "a\nb\x1b["}),
            "name a b\\x1b[, role user",
        ),
        (Answer(403, {"error_message": "no"}), "unknown"),
        (Answer(200, []), "unknown"),
    ],
)
def test_what_the_account_is(
    account: Answer, shown: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given(monkeypatch, KEY)
    listing = Answer(200, {"list": [{"path": "/ws/v1/account"}, {"path": "/ws/v1/b\x1b["}, {"path": 1}, 2]})
    with script(listing, account) as server:
        run = Run(capsys, server.url)
    assert (run.code, run.lines["accepted"]) == (0, "yes")
    assert run.lines["sees"] == "2 APIs: account, b\\x1b["
    assert sorted(run.lines["account"].split(", ")) == sorted(shown.split(", "))


@pytest.mark.parametrize(
    ("argv", "variables", "said"),
    [
        ((), {}, "no credentials: set DIGIRM_API_KEY_ID"),
        ((), {"DIGIRM_API_KEY_ID": "canary-id"}, "only one of DIGIRM_API_KEY_ID"),
        ((" ",), KEY, "the URL is empty"),
        (("https://canary:canary@h.example",), {}, "credentials in a URL"),
        (("nonsense:",), KEY, "does not begin with"),
        ((), {**KEY, "DIGIRM_URL": "https://h.example?x"}, "not the URL of a service"),
    ],
)
def test_what_keeps_it_from_asking(
    argv: tuple[str, ...], variables: dict[str, str], said: str, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    given(monkeypatch, variables)
    run = Run(capsys, *argv)
    assert (run.code, run.out) == (2, "")
    assert said in run.err
    assert run.err.count("\n") == 1
