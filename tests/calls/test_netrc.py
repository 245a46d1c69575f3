"""One netrc file for digirm, curl and HTTPie: who logs in is the same, where all three can read the file."""

from __future__ import annotations

import os
import subprocess
import sys
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path

import pytest

from digirm_runtime import credentials
from digirm_runtime.errors import CredentialsError
from tests.support.server import Server

#: By what is particular to it, a file that lets `fred` with `pass` in at 127.0.0.1.
FILES = {
    "one line": "machine 127.0.0.1 login fred password pass\n",
    "many lines": "machine 127.0.0.1\n\tlogin fred\n\n\tpassword pass",
    "the password first": "machine 127.0.0.1 password pass login fred",
    "an account": "machine 127.0.0.1 login fred account acct password pass",
    "others before and behind": "machine a.example login x password y\nmachine 127.0.0.1 login fred password pass\n"
    "machine b.example login x password y\n",
    "the default": "machine a.example login x password y\ndefault login fred password pass\n",
    "the host before the default": "machine 127.0.0.1 login fred password pass\ndefault login x password y\n",
    "comments": "# machine 127.0.0.1 login x password y\n#\n"
    "machine 127.0.0.1 # here\nlogin fred\n# and\npassword pass\n",
    "a macro": "machine a.example login x password y\nmacdef init\nmachine 127.0.0.1 login x password y\n\n"
    "machine 127.0.0.1 login fred password pass\n",
    "quotes": 'machine "127.0.0.1" login "fred" password "pass"\n',
    "CRLF": "machine 127.0.0.1\r\nlogin fred\r\npassword pass\r\n",
}
#: The same for passwords that need quotes, or look as if they did.
PASSWORDS = {
    '"pass word"': "pass word",
    r'"a \"quoted\" \\ one"': r'a "quoted" \ one',
    "pass#word": "pass#word",
    "login": "login",
    "it's$HOME": "it's$HOME",
    '"päss wörd"': "päss wörd",
}


def ours(url: str, env: dict[str, str]) -> tuple[str, str] | None:
    return credentials.discover(url, env).user_password()


@pytest.fixture
def theirs(noted: Server, tmp_path: Path) -> Callable[[str, dict[str, str]], tuple[str, str] | None]:
    """Who logs in when curl or HTTPie asks: user and password, None where nobody does."""

    def ask(tool: str, env: dict[str, str]) -> tuple[str, str] | None:
        kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower() and name != "NETRC"}
        command = {
            # curl knows one place only; where NETRC names another, it has to be told.
            "curl": ["curl", "-sS", *(["--netrc-file", env["NETRC"]] if "NETRC" in env else ["-n"]), noted.url],
            "httpie": [sys.executable, "-m", "httpie", "--ignore-stdin", noted.url],
        }[tool]
        own = {"HTTPIE_CONFIG_DIR": str(tmp_path / "httpie"), "HOME": str(tmp_path)}
        done = subprocess.run(command, env=kept | own | env, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        sent = noted.got.pop().headers.get("authorization")
        if sent is None:
            return None
        user, _, password = b64decode(sent.removeprefix("Basic ")).decode().partition(":")
        return user, password

    return ask


def write(file: Path, content: str) -> dict[str, str]:
    file.write_bytes(content.encode())
    file.chmod(0o600)
    return {"NETRC": str(file)}


@pytest.mark.parametrize("content", FILES.values(), ids=FILES)
def test_all_three_read_the_same(
    content: str, theirs: Callable[[str, dict[str, str]], tuple[str, str] | None], noted: Server, tmp_path: Path
) -> None:
    env = write(tmp_path / "a netrc", content)
    assert ours(noted.url, env) == ("fred", "pass")
    assert theirs("curl", env) == ("fred", "pass")


def test_passwords_and_httpie(
    theirs: Callable[[str, dict[str, str]], tuple[str, str] | None], noted: Server, tmp_path: Path
) -> None:
    for written, password in PASSWORDS.items():
        env = write(tmp_path / "netrc", f"machine 127.0.0.1 login fred password {written}\n")
        assert ours(noted.url, env) == ("fred", password)
        assert theirs("curl", env) == ("fred", password)
    # HTTPie reads it with the module that digirm uses, so one file with everything is enough.
    env = write(
        tmp_path / "netrc",
        FILES["a macro"].replace("127.0.0.1 login fred password pass", '127.0.0.1 login fred password "pass word"'),
    )
    assert theirs("httpie", env) == ours(noted.url, env) == ("fred", "pass word")


def test_the_places_where_it_is_looked_for(
    theirs: Callable[[str, dict[str, str]], tuple[str, str] | None],
    noted: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("HOME", str(tmp_path))
    # As on Windows, where no file's name begins with a dot.
    write(tmp_path / "_netrc", "default login under password score\n")
    found = credentials.discover(noted.url, {})
    assert (found.source, found.netrc) == ("netrc (~/_netrc, default)", str(tmp_path / "_netrc"))
    assert found.user_password() == theirs("httpie", {}) == ("under", "score")
    write(tmp_path / ".netrc", "default login dot password dot\n")
    found = credentials.discover(noted.url, {"NETRC": ""})
    assert (found.source, found.netrc) == ("netrc (~/.netrc, default)", str(tmp_path / ".netrc"))
    assert found.user_password() == theirs("curl", {}) == ("dot", "dot")
    found = credentials.discover(noted.url, {"NETRC": "~/_netrc"})
    assert (found.source, found.user_password()) == ("netrc (~/_netrc, default)", ("under", "score"))


def test_a_port_and_the_case_of_a_host_do_not_count(tmp_path: Path) -> None:
    env = write(tmp_path / "netrc", "machine Remote.Example login fred password pass\n")
    for url in ("https://remote.example:8443/ws", "http://REMOTE.EXAMPLE"):
        assert ours(url, env) == ("fred", "pass")
    # An entry with a port is one of a host that nobody has.
    env = write(tmp_path / "netrc", "machine remote.example:8443 login fred password pass\n")
    with pytest.raises(CredentialsError, match="no credentials"):
        credentials.discover("https://remote.example:8443", env)


def test_what_curl_and_python_read_differently(
    theirs: Callable[[str, dict[str, str]], tuple[str, str] | None], noted: Server, tmp_path: Path
) -> None:
    """Of two entries of one host curl takes the first, HTTPie and digirm the last; docs/calls.md says so."""
    env = write(tmp_path / "netrc", "machine 127.0.0.1 login one password p\nmachine 127.0.0.1 login two password p\n")
    assert theirs("curl", env) == ("one", "p")
    assert theirs("httpie", env) == ours(noted.url, env) == ("two", "p")


def test_only_basic_authentication_has_a_user() -> None:
    key = {"DIGIRM_API_KEY_ID": "a", "DIGIRM_API_KEY_SECRET": "b"}
    assert credentials.discover("https://h", key).user_password() is None
    user = {"DIGIRM_USERNAME": "fred", "DIGIRM_PASSWORD": "a:b:ü"}
    found = credentials.discover("https://h", user)
    assert found.user_password() == ("fred", "a:b:ü")
    assert found.netrc is None
