"""What is taken away works: every form of a composed request is run, and gets the answer that the page gets."""

from __future__ import annotations

import ast
import csv
import io
import json
import re
import shlex
import subprocess
from base64 import b64encode
from contextlib import redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from httpie.context import Environment  # type: ignore[import-untyped]
from httpie.core import main as http  # type: ignore[import-untyped]

from digirm_explorer.composed import Composed, planned
from digirm_explorer.exporting import ANYBODY, FORMS, export
from digirm_explorer.knowledge import Knowledge
from digirm_runtime.calls.sending import operation
from digirm_runtime.credentials import Credentials, discover
from digirm_runtime.drivers import run
from digirm_runtime.errors import APIError
from digirm_simulator import Clock, Simulator

KNOWLEDGE = Knowledge()
DEVICE = "00000000-00000000-0040FFFF-FF8001B0"
HOSTILE = "it''s 100% %41 \"ü\" 日本 $(touch hit) `id` & <b> \\ {{x}} #?+ 😀"
REQUESTS: list[dict[str, Any]] = [
    {
        "method": "GET",
        "path": "devices/inventory",
        "params": [
            {"name": "query", "value": f"name <> '{HOSTILE}'"},
            {"name": "orderby", "value": "id", "on": False},
            {"name": "size", "value": "2"},
        ],
        "headers": [{"name": "X-Note", "value": "a 'b' \"c\" $(d)"}, {"name": "", "value": ""}],
    },
    {
        "method": "POST",
        "path": "/ws/v1/devices/inventory",
        "body": f'{{\n\t"id": "{DEVICE}",\n  "tags": ["a b", "ü"], '
        '"name": "é {{x}} \'$HOME\' \\u0041 \\u202e\u202e"\n}\n',
    },
    {
        "method": "POST",
        "path": "/ws/v1/automations/inventory",
        "body": json.dumps({"name": "it's", "actions": [{"a": {"b": [1.5, 2, None, True, {"c": HOSTILE}]}}] * 2}),
    },
    {
        "method": "POST",
        "path": "/ws/sci",
        "body": '<?xml version="1.0"?>\n<sci_request version="1.0">\n  <send_message>\n    <targets>\n      '
        f'<device id="{DEVICE}"/>\n    </targets>\n    <rci_request version="1.1"><do_command target="{{{{x}}}} '
        "it's é\"/></rci_request>\n  </send_message>\n</sci_request>\n",
    },
    {"method": "DELETE", "path": "/ws/v1/devices/inventory/{id}", "path_values": {"id": DEVICE}},
    {"method": "GET", "path": "/ws/v1/users/inventory/{username:.+}", "path_values": {"username": "ü /x?y#z%41'$"}},
    {
        "method": "GET",
        "path": "/ws/DeviceCore",
        "params": [{"name": "condition", "value": "devConnectwareId<>'a b'"}, {"name": "size", "value": "1"}],
    },
    {"method": "GET", "path": "/ws/v1/devices/bulk", "params": [{"name": "fields", "value": "id,name"}]},
]  # fmt: skip


class Seen(NamedTuple):
    """What must be the same of a call, whoever makes it."""

    method: str
    path: str
    params: dict[str, str]
    content: Any
    status: int


def simulated() -> Simulator:
    return Simulator(devices=3, port=0, clock=Clock(datetime(2026, 1, 31, 12, tzinfo=UTC), speed=0))


def seen(simulator: Simulator) -> list[Seen]:
    """The calls of a simulator, JSON as its value and a percent-encoded path as what it says."""
    return [
        Seen(one.method, str(httpx.URL(one.path)), one.params, content(one.body or b""), one.status)
        for one in simulator.requests
    ]


def content(body: bytes) -> Any:
    """A body: the value of JSON, or its text, in which a reference says the same as what it stands for."""
    try:
        return json.loads(body)
    except ValueError:
        return body.decode().strip().replace("&#123;", "{")


class Own(NamedTuple):
    """What the page's own sending arrives as, and what it is answered."""

    seen: list[Seen]
    bodies: list[bytes]


@pytest.fixture(scope="module")
def own() -> Own:
    with simulated() as simulator, KNOWLEDGE.make(simulator.url, auth=ANYBODY.user_password()) as client:
        bodies = []
        for request in REQUESTS:
            call = planned(Composed.read(request), simulator.url, "/ws/v1")
            found = KNOWLEDGE.calls.judge(call.method, call.path, call.params)
            assert not found.errors
            sent = operation(call, found.known, "call", accept="*/*")
            try:
                bodies.append(run(client._flow(sent, lambda response: response.read()), client._transport))
            except APIError as error:
                bodies.append(error.body or b"")
        return Own(seen(simulator), bodies)


def exported(simulator: Simulator, form: str) -> list[str]:
    texts = [export(KNOWLEDGE, simulator.url, ANYBODY, Composed.read(one), form, False) for one in REQUESTS]
    assert [one["why"] for one in texts] == [""] * len(REQUESTS)
    return [one["text"] or "" for one in texts]


def test_curl(own: Own, tmp_path: Path) -> None:
    with simulated() as simulator:
        commands = exported(simulator, "curl")
        script = "\n".join(f"{command} > {number}" for number, command in enumerate(commands))
        done = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, check=False, text=True)
        assert seen(simulator) == own.seen
    assert "404" in done.stderr
    assert [(tmp_path / str(number)).read_bytes() for number in range(len(commands))] == own.bodies
    assert not (tmp_path / "hit").exists()


def test_httpie(own: Own, tmp_path: Path) -> None:
    bodies = []
    with simulated() as simulator:
        for number, command in enumerate(exported(simulator, "httpie")):
            out = (tmp_path / str(number)).open("w+b")
            with out, (tmp_path / "err").open("w") as err:
                here = Environment(stdout=out, stdout_isatty=False, stdin=None, stderr=err, config_dir=tmp_path)
                words: list[str | bytes] = [*shlex.split(command.replace("\\\n", ""))]
                http(words, env=here)
                out.seek(0)
                bodies.append(out.read())
        assert seen(simulator) == own.seen
    assert bodies == own.bodies


def ran(program: str) -> str:
    """What a program prints; one that ends with an error prints nothing."""
    out = io.StringIO()
    with redirect_stdout(out):
        exec(compile(program, "program", "exec"), {})
    return out.getvalue()


def test_python_with_httpx(own: Own) -> None:
    with simulated() as simulator:
        for program, body, (*_, status) in zip(exported(simulator, "httpx"), own.bodies, own.seen, strict=True):
            if status >= 400:
                with pytest.raises(httpx.HTTPStatusError, match=str(status)):
                    ran(program)
            else:
                assert ran(program) == httpx.Response(200, content=body).text + "\n"
        assert seen(simulator) == own.seen


def test_python_with_digirm(own: Own) -> None:
    with simulated() as simulator:
        programs = exported(simulator, "python")
        for program, body, call in zip(programs, own.bodies, own.seen, strict=True):
            if call.status >= 400:
                with pytest.raises(APIError, match=str(call.status)):
                    ran(program)
            else:
                assert read(ran(program), program) == answer(body, program)
        assert seen(simulator) == own.seen
    methods = [program.rpartition("rm.")[2].partition("(")[0] for program in programs]
    assert methods == [
        "devices.inventory.list", "devices.inventory.create", "automations.inventory.create", "request",
        "devices.inventory.delete", "users.inventory.get", "request", "devices.bulk.csv",
    ]  # fmt: skip


def read(printed: str, program: str) -> Any:
    """What a program printed: an item a line, or one value, or text."""
    if "for item in" in program:
        return [ast.literal_eval(line) for line in printed.splitlines()]
    return printed.removesuffix("\n") if "rm.request" in program else ast.literal_eval(printed)


def answer(body: bytes, program: str) -> Any:
    """What a program has to print of an answer: the items of a list, the rows of CSV, the value of JSON, or text."""
    if ".csv(" in program:
        return list(csv.DictReader(io.StringIO(body.decode())))
    if "rm.request" in program:
        return body.decode()
    value = json.loads(body) if body else None
    if isinstance(value, dict) and "list" in value:
        return value["list"]
    return [value] if ".create(" in program else value


def test_requests_of_editors(own: Own) -> None:
    bodies = []
    with simulated() as simulator, httpx.Client() as client:
        for text in exported(simulator, "http"):
            head, _, content = text.partition("\n\n###")[2].partition("\n\n")
            host = re.match(r"@host = (.*)\n", text)
            assert host is not None
            _, request, *lines = head.split("\n")
            assert "{{" not in "".join(lines) + content
            method, _, target = request.partition(" {{host}}")
            headers = dict(line.split(": ", 1) for line in lines)
            user = re.sub(r"^Basic (\S+) (\S+)$", r"\1:\2", headers["Authorization"]).encode()
            headers["Authorization"] = "Basic " + b64encode(user).decode()
            sent = client.request(method, host[1] + target, headers=headers, content=content.encode())
            bodies.append(sent.content)
        assert seen(simulator) == own.seen
    assert bodies == own.bodies


@pytest.mark.parametrize("form", ["python", "httpx"])
@pytest.mark.parametrize("param", [{}, {"name": "unheard", "value": "of"}])
def test_programs_walk_all_pages(form: str, param: dict[str, str]) -> None:
    params = [{"name": "size", "value": "2"}, *([param] if param else [])]
    composed = Composed.read({"method": "GET", "path": "devices/inventory", "params": params})
    with simulated() as simulator:
        program = export(KNOWLEDGE, simulator.url, ANYBODY, composed, form, True)["text"] or ""
        assert len({ast.literal_eval(line)["id"] for line in ran(program).splitlines()}) == 3
        assert [one.params["size"] for one in simulator.requests] == ["2", "2"]


@pytest.mark.parametrize(
    ("change", "form", "every", "said"),
    [
        ({"method": "POST", "body": "{}"}, "python", True, "all pages are for lists, and a POST asks for none"),
        ({"path": "/ws/DeviceCore"}, "httpx", True, "rm.legacy.DeviceCore.list()"),
        ({}, "curl", True, "which only the Python programs can make"),
        ({"method": "POST", "body": "x\0y"}, "curl", False, "a terminal would act on"),
        ({"method": "POST", "body": "x\x1by"}, "httpie", False, "a terminal would act on"),
        ({"method": "POST", "body": "y" * 200_000}, "curl", False, "too long for a command line"),
        ({"method": "POST", "body": "{{x}}"}, "http", False, "a variable's name"),
        (
            {"headers": [{"name": "X-a", "value": "b\\=c"}]},
            "httpie",
            False,
            "HTTPie has no way to write the header X-a",
        ),
        ({"headers": [{"name": "Cookie", "value": "hush"}]}, "curl", False, "carries credentials"),
        ({"path": "/ws/v1/jobs/{id}"}, "python", False, "the path needs a value for {id}"),
    ],
)
def test_what_a_form_cannot_say(change: dict[str, Any], form: str, every: bool, said: str) -> None:
    composed = Composed.read({"method": "GET", "path": "devices/inventory"} | change)
    found = export(KNOWLEDGE, "http://h.example", None, composed, form, every)
    assert found["text"] is None
    assert said in (found["why"] or "")


def test_an_unknown_form() -> None:
    with pytest.raises(ValueError, match="there are curl, httpie, python, httpx, http"):
        export(KNOWLEDGE, "http://h.example", None, Composed.read({"method": "GET", "path": "x"}), "wget", False)


KEY = {"DIGIRM_API_KEY_ID": "canary-id", "DIGIRM_API_KEY_SECRET": "canary-secret"}
USER = {"DIGIRM_USERNAME": "canary-user", "DIGIRM_PASSWORD": "canary-pass"}


@pytest.fixture(params=["key", "user", "netrc", "none"])
def credentials(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Credentials | None:
    for name, value in {"key": KEY, "user": USER}.get(request.param, {}).items():
        monkeypatch.setenv(name, value)
    file = tmp_path / "net rc"
    file.write_text("machine 127.0.0.1 login canary-user password canary-pass\n")
    monkeypatch.setenv("NETRC", str(file))
    return None if request.param == "none" else discover("http://127.0.0.1")


def test_no_credentials_stand_in_any_form(credentials: Credentials | None) -> None:
    composed = Composed.read(REQUESTS[1])
    texts = [str(export(KNOWLEDGE, "http://127.0.0.1:1", credentials, composed, form, False)["text"]) for form in FORMS]
    assert "None" not in texts
    assert not any(word in text for text in texts for word in ("canary", "Y2FuYXJ5", "sim"))


def test_programs_find_their_credentials(credentials: Credentials | None) -> None:
    if credentials is None:
        assert "auth=httpx.NetRCAuth()" in _httpx("http://127.0.0.1:1", None)
        return
    users, keys = {"canary-user": "canary-pass"}, {"canary-id": "canary-secret"}
    with Simulator(devices=1, port=0, users=users, api_keys=keys) as simulator:
        assert json.loads(ran(_httpx(simulator.url, credentials)))["count"] == 1


def _httpx(url: str, credentials: Credentials | None) -> str:
    composed = Composed.read({"method": "GET", "path": "devices/inventory"})
    return str(export(KNOWLEDGE, url, credentials, composed, "httpx", False)["text"])


def test_what_the_spec_refuses_is_sent_as_the_page_sends_it() -> None:
    composed = Composed.read(
        {"method": "GET", "path": "devices/inventory", "params": [{"name": "query", "value": "nmae = 'x'"}]}
    )
    program = export(KNOWLEDGE, "http://h.example", None, composed, "python", False)["text"] or ""
    assert "rm.request('GET', '/ws/v1/devices/inventory', params={'query': \"nmae = 'x'\"}" in program


def test_a_program_for_a_spec_folder() -> None:
    folder = str(Path(__file__).resolve().parents[2] / "specs" / "22.7")
    composed = Composed.read({"method": "GET", "path": "devices/inventory"})
    program = export(Knowledge(folder), "http://h.example", ANYBODY, composed, "python", False)["text"] or ""
    assert f"with dynamic.client({folder!r}, 'http://h.example', auth=('sim', 'sim')) as rm:" in program
