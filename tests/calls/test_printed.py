"""The commands that are printed work as printed: each is run, and what arrives is what digirm itself sends."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

import pytest

from digirm_simulator import Clock, Simulator
from tests.calls.conftest import KEY, USER, Run, Stdout
from tests.support.server import Got, Server

TOOLS = ("curl", "httpie", "python", "httpx")
#: What a shell, curl, HTTPie, an editor or Python could take for something else than text.
HOSTILE = (
    "a'b\"c `touch hit` $(touch hit) ${HOME} $HOME !x \\ \\n *.py ~ %41 %zz {{host}} {a,b} [1-3] #&?=+;|<>() é 日本"
)
BROKEN = "two\nlines\ttab\x1b[31m\u202e"


class Shell(NamedTuple):
    """A folder of its own, a home with nothing in it, and an environment with the credentials of one test."""

    place: Path
    environment: dict[str, str]

    def run(self, command: str, *, stdin: bytes = b"") -> str:
        done = subprocess.run(
            ["sh", "-e", "-c", command], cwd=self.place, env=self.environment, input=stdin,
            capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr.decode()
        assert "canary" not in command
        assert not (self.place / "hit").exists()
        return done.stdout.decode()

    def print_and_run(self, tool: str, printed: str, *, stdin: bytes = b"") -> str:
        """Run what was printed: by Python, in a process of its own where digirm is used, or by the shell."""
        if tool == "httpx":
            assert "canary" not in printed
            out = io.StringIO()
            with pytest.MonkeyPatch.context() as here, redirect_stdout(out):
                here.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
                exec(compile(printed, "program", "exec"), {})
            return out.getvalue()
        if tool != "python":
            return self.run(printed, stdin=stdin)
        (self.place / "program.py").write_text(printed, "utf-8")
        return self.run('"$PYTHON" program.py', stdin=stdin)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    place, home = tmp_path / "place", tmp_path / "home"
    place.mkdir()
    home.mkdir()
    monkeypatch.chdir(place)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("NETRC")
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower() and name[:6] != "DIGIRM"}
    programs = os.pathsep.join((str(Path(sys.executable).parent), kept["PATH"]))
    own = {"PATH": programs, "PYTHON": sys.executable, "PYTHONWARNINGS": "error::DeprecationWarning:__main__"}
    return Shell(place, kept | own | {"HTTPIE_CONFIG_DIR": str(home / "httpie")})


def use(shell: Shell, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Give the test credentials of one kind, both here and in the shell."""
    if kind == "netrc":
        file = Path(shell.environment["HOME"]) / ".netrc"
        file.write_text("machine 127.0.0.1\n  login canary-user\n  password canary-pass\n")
        file.chmod(0o600)
        return
    for name, value in (KEY if kind == "key" else USER).items():
        monkeypatch.setenv(name, value)
        shell.environment[name] = value


def seen(got: Got) -> dict[str, Any]:
    """What must be the same of a request, whoever sent it."""
    headers = {
        name: value
        for name, value in got.headers.items()
        if name in ("accept", "content-type", "authorization") or name.startswith("x-")
    }
    body: Any = got.body
    if "json" in headers.get("content-type", ""):
        body = json.loads(got.body)
    # HTTPie decodes what need not be encoded, which is the same address (RFC 3986).
    return {"method": got.method, "path": unquote(got.path), "params": got.params, "headers": headers, "body": body}


def same(shell: Shell, digirm: Run, noted: Server, tool: str, argv: tuple[str, ...], stdin: bytes = b"") -> None:
    """Assert that what `tool` sends as printed is what digirm sends."""
    with pytest.MonkeyPatch.context() as here:
        here.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        assert digirm(*argv, "--no-check", "--url", noted.url).code == 0
        printed = digirm(*argv, "--no-check", "--url", noted.url, f"--{tool}")
    assert (printed.code, printed.err) == (0, "")
    shell.print_and_run(tool, printed.out, stdin=stdin)
    ours, theirs = map(seen, noted.got)
    assert theirs == ours


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("kind", ["key", "user", "netrc"])
def test_parameters_and_headers_arrive_unchanged(
    tool: str, kind: str, shell: Shell, digirm: Run, noted: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(shell, monkeypatch, kind)
    items = {
        "key": (f"query=={HOSTILE}", r"x y==\@a", "X-Thing;"),
        "user": (f"query=={BROKEN}", "empty==", f"X-Thing:{HOSTILE.encode('ascii', 'ignore').decode()}"),
        "netrc": ("query==connection_status = 'connected' and name <> 'a''b'", "size==5", "Accept:text/csv"),
    }[kind]
    path = f"devices/inventory/{HOSTILE.replace('#', '').replace('?', '')}" if kind == "key" else "devices/inventory"
    same(shell, digirm, noted, tool, ("get", path, *items))


@pytest.mark.parametrize("tool", TOOLS)
def test_a_key_goes_alone_where_netrc_knows_the_host(
    tool: str, shell: Shell, digirm: Run, noted: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(shell, monkeypatch, "netrc")
    use(shell, monkeypatch, "key")
    same(shell, digirm, noted, tool, ("get", "devices/inventory"))
    assert not any("authorization" in got.headers for got in noted.got)


@pytest.mark.parametrize("tool", TOOLS)
def test_bodies_arrive_unchanged(
    tool: str, shell: Shell, digirm: Run, noted: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(shell, monkeypatch, "user")
    same(
        shell, digirm, noted, tool, ("post", "devices/inventory", f"name={HOSTILE}", f"note={BROKEN}", "n:=[1.5,null]")
    )


@pytest.mark.parametrize("tool", TOOLS)
def test_files_arrive_unchanged(
    tool: str, shell: Shell, digirm: Run, noted: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(shell, monkeypatch, "user")
    name = "@it's $(touch hit).bin"
    (shell.place / name).write_bytes(bytes(range(256)) + b"\r\n")
    same(shell, digirm, noted, tool, ("put", "/ws/FileData/~/a b", "--body", name, "type==file", "Accept:text/plain"))


@pytest.mark.parametrize("tool", TOOLS)
def test_a_file_whose_name_is_no_text_is_named_by_its_bytes(
    tool: str, shell: Shell, digirm: Run, noted: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(shell, monkeypatch, "user")
    (shell.place / os.fsdecode(b"\xff.json")).write_bytes(b"[]")
    out = Stdout(terminal=False)
    call = ("post", "devices/inventory", "--body", os.fsdecode(b"\xff.json"), "--no-check", "--url", noted.url)
    assert digirm(*call, f"--{tool}", stdout=out).code == 0
    shell.print_and_run(tool, os.fsdecode(out.bytes.getvalue()))
    assert [got.body for got in noted.got] == [b"[]"]


@pytest.mark.parametrize("tool", TOOLS)
def test_standard_input_arrives_unchanged(
    tool: str, shell: Shell, digirm: Run, noted: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(shell, monkeypatch, "key")
    same(shell, digirm, noted, tool, ("post", "/ws/sci", "--body", "-"), stdin=b"<sci_request/>\n\x00")


@pytest.mark.parametrize("tool", TOOLS)
def test_requests_without_a_body(
    tool: str, shell: Shell, digirm: Run, noted: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(shell, monkeypatch, "key")
    method = "post" if tool == "httpie" else "delete"
    same(shell, digirm, noted, tool, (method, "devices/inventory", f"tag=={HOSTILE}"))


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    clock = Clock(datetime(2026, 1, 31, 12, tzinfo=UTC), speed=0)
    with Simulator(devices=3, port=0, users={"canary-user": "canary-pass"}, clock=clock) as found:
        yield found


def test_a_simulator_with_users_answers_them_all(
    simulator: Simulator, shell: Shell, digirm: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(shell, monkeypatch, "netrc")
    query = ("get", "devices/inventory", "query==name <> '$(touch hit)'", "size==2", "--url", simulator.url)
    answer = json.loads(digirm(*query).out)
    assert answer["count"] == 2
    for tool in ("curl", "httpie"):
        assert json.loads(shell.print_and_run(tool, digirm(*query, f"--{tool}").out)) == answer
    printed = shell.print_and_run("python", digirm(*query, "--python").out)
    assert len(printed.splitlines()) == 2
    printed = shell.print_and_run("python", digirm(*query, "--python", "--all").out)
    assert len(printed.splitlines()) == 3
    assert json.loads(shell.print_and_run("httpx", digirm(*query, "--httpx").out)) == answer
    assert len(shell.print_and_run("httpx", digirm(*query, "--httpx", "--all").out).splitlines()) == 3
    assert [one.status for one in simulator.requests] == [200] * 9


@pytest.mark.parametrize(
    ("argv", "program"),
    [
        (
            ("get", "devices/inventory", "name==x", "--all", "--url", "sim:"),
            "with Client('sim:') as rm:\n    for item in rm.devices.inventory.list(name='x'):\n        print(item)\n",
        ),
        (
            ("get", "devices/bulk", "fields==id,name", "--url", "sim:?devices=2"),
            "    for item in rm.devices.bulk.csv(fields='id,name'):\n        print(item)\n",
        ),
        (("get", "streams/history/a/b"), "with Client() as rm:\n    for item in rm.streams.history.list('a/b', limit"),
        (("get", "account/current", "--url", "sim:"), "    print(rm.account.current.get())\n"),
        (
            ("delete", "devices/inventory", "tag==x", "--url", "sim:"),
            "    print(rm.devices.inventory.delete_all(tag='x'))\n",
        ),
        (
            ("post", "devices/inventory", "id=00000000-00000000-0040FFFF-FF8001B0", "--url", "sim:"),
            "    print(rm.devices.inventory.create({'id': '00000000-00000000-0040FFFF-FF8001B0'}).items)\n",
        ),
        (
            ("post", "devices/inventory", "--body", "a.json", "Accept:text/plain", "--url", "http://h.example"),
            "    print(rm.devices.inventory.create(Path('a.json').read_bytes(), "
            "options=Options(headers={'Content-Type': 'application/json', 'Accept': 'text/plain'})).items)\n",
        ),
        (
            ("get", "devices/inventory", "unheard==of", "X-a:1", "--url", "sim:"),
            "print(rm.request('GET', '/ws/v1/devices/inventory', params={'unheard': 'of'}, "
            "options=Options(headers={'Accept': '*/*', 'X-a': '1'})))\n",
        ),
    ],
)  # fmt: skip
def test_programs_use_the_clients_methods(argv: tuple[str, ...], program: str, digirm: Run, shell: Shell) -> None:
    ran = digirm(*argv, "--python")
    assert ran.code == 0
    assert program in ran.out
    compile(ran.out, "program", "exec")
    if "sim:" in ran.out:
        shell.print_and_run("python", ran.out)


@pytest.mark.parametrize("more", [("fields==id",), ("--no-check",)])
def test_a_program_walks_all_pages_also_where_the_client_has_no_method(
    more: tuple[str, ...], digirm: Run, shell: Shell
) -> None:
    ran = digirm("get", "devices/inventory", "size==2", "--all", "--url", "sim:?devices=5", "--python", *more)
    assert ran.code == 0
    assert "page = rm.request('GET', '/ws/v1/devices/inventory', params=params)" in ran.out
    assert len(shell.print_and_run("python", ran.out).splitlines()) == 5


def test_a_program_for_a_spec_folder(digirm: Run, shell: Shell) -> None:
    folder = Path(__file__).resolve().parents[2] / "specs" / "22.7"
    Path("it's specs").symlink_to(folder)
    ran = digirm("get", "devices/inventory", "size==2", "--specs", "it's specs", "--url", "sim:", "--python")
    assert "with dynamic.client(\"it's specs\", 'sim:') as rm:" in ran.out
    assert len(shell.print_and_run("python", ran.out).splitlines()) == 2


def test_requests_for_editors(digirm: Run, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    use(shell, monkeypatch, "key")
    service = ("--url", "https://h.example", "--http", "--no-check")
    ran = digirm("post", "devices/inventory", f"name={{{{x}}}} {BROKEN}", "a b==c&d {{e}}\nf", "X-a:1", *service)
    head, _, body = ran.out.partition("\n\n{")
    assert head.splitlines() == [
        "@host = https://h.example",
        "",
        "### POST /ws/v1/devices/inventory",
        "POST {{host}}/ws/v1/devices/inventory?a%20b=c%26d%20%7B%7Be%7D%7D%0Af",
        "X-API-KEY-ID: {{api_key_id}}",
        "X-API-KEY-SECRET: {{api_key_secret}}",
        "Accept: */*",
        "Content-Type: application/json",
        "X-a: 1",
    ]
    assert "{{" not in body
    assert json.loads("{" + body) == {"name": f"{{{{x}}}} {BROKEN}"}
    use(shell, monkeypatch, "user")
    monkeypatch.delenv("DIGIRM_API_KEY_ID")
    monkeypatch.delenv("DIGIRM_API_KEY_SECRET")
    ran = digirm("put", "/ws/FileData/x", "--body", "a b.xml", *service)
    assert ran.out.endswith(
        "Authorization: Basic {{username}} {{password}}\nAccept: */*\nContent-Type: application/xml\n\n< a b.xml\n"
    )
    for argv in (("put", "x", "--body", "-"), ("get", "x", "X-a:{{b}}"), ("put", "x", "--body", "a\nb")):
        ran = digirm(*argv, *service)
        assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)


def test_what_has_no_other_words(digirm: Run, tmp_path: Path) -> None:
    for tool in ("curl", "httpie", "httpx", "http"):
        ran = digirm("get", "devices/inventory", "--url", "sim:", f"--{tool}")
        assert (ran.code, ran.out) == (2, "")
        assert f"sim: is nothing that {tool} can reach" in ran.err
    (tmp_path / "header").write_text(r"b\=c")
    ran = digirm("get", "/ws/x", f"X-a:@{tmp_path}/header", "--url", "http://h.example", "--httpie")
    assert ran.code == 2
    assert "HTTPie has no way to write the header X-a" in ran.err


def test_without_credentials_the_commands_look_into_netrc(digirm: Run) -> None:
    ran = digirm("get", "/ws/v1", "--url", "http://[::1]:1/", "--curl")
    assert ran.out == "curl -sS --fail-with-body \\\n    -n \\\n    -g 'http://[::1]:1/ws/v1'\n"
    assert "no credentials: set DIGIRM_API_KEY_ID" in ran.err
