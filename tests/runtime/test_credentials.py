from collections.abc import Callable
from pathlib import Path

import pytest

import digirm
from digirm_runtime import credentials
from digirm_runtime.client import AsyncClient, Client
from digirm_runtime.errors import CredentialsError
from digirm_runtime.options import ApiKey
from tests.support.leaks import showings

KEY = {"DIGIRM_API_KEY_ID": "kid", "DIGIRM_API_KEY_SECRET": "hush-key"}
USER = {"DIGIRM_USERNAME": "fred", "DIGIRM_PASSWORD": "secret"}


def test_basic_is_as_the_article_computes_it() -> None:
    assert credentials.basic("fred", "secret") == {"authorization": "Basic ZnJlZDpzZWNyZXQ="}


def test_the_api_key_comes_first_and_both_warn() -> None:
    with pytest.warns(UserWarning, match="both set in the environment; the API key is used"):
        found = credentials.discover("https://h", {**KEY, **USER})
    assert found.headers() == {"x-api-key-id": "kid", "x-api-key-secret": "hush-key"}
    assert found.source == "environment (DIGIRM_API_KEY_ID)"
    assert "hush" not in repr(found)


def test_the_warning_points_at_the_line_that_makes_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**KEY, **USER}.items():
        monkeypatch.setenv(name, value)
    for client in (Client, AsyncClient, digirm.Client):
        with pytest.warns(UserWarning, match="both set") as caught:
            client("https://h.example")
        assert [warning.filename for warning in caught] == [__file__]


def test_user_and_password() -> None:
    found = credentials.discover("https://h", USER)
    assert found.headers() == credentials.basic("fred", "secret")
    assert found.source == "environment (DIGIRM_USERNAME)"


@pytest.mark.parametrize("half", [{"DIGIRM_API_KEY_ID": "k"}, {"DIGIRM_PASSWORD": "hush"}])
def test_half_a_credential_is_a_fault(half: dict[str, str]) -> None:
    with pytest.raises(CredentialsError, match="only one of") as caught:
        credentials.discover("https://h", half)
    assert "hush" not in str(caught.value)


def test_an_empty_variable_is_not_set() -> None:
    found = credentials.discover("https://h", {"DIGIRM_API_KEY_ID": "", "DIGIRM_API_KEY_SECRET": "", **USER})
    assert found.source == "environment (DIGIRM_USERNAME)"


def test_an_argument_is_asked_first(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEY.items():
        monkeypatch.setenv(name, value)
    assert "auth argument (user and password)" in repr(Client("https://h.example", auth=("fred", "secret")))
    assert "auth argument (API key)" in repr(Client("https://h.example", auth=ApiKey("other", "hush")))
    assert "environment (DIGIRM_API_KEY_ID)" in repr(Client("https://h.example"))


def test_in_process_none_of_the_users_credentials_are_read(
    monkeypatch: pytest.MonkeyPatch, netrc: Callable[..., dict[str, str]]
) -> None:
    for name, value in {**KEY, "DIGIRM_USERNAME": "half", **netrc("default login fred nonsense")}.items():
        monkeypatch.setenv(name, value)
    for url in ("sim:", None):
        monkeypatch.setenv("DIGIRM_URL", "sim:")
        with Client(url) as client:
            assert "sim: (built in)" in repr(client)
            client.request("GET", "/ws/v1")


@pytest.mark.parametrize("auth", [("", "hush"), ("fred", ""), ("a:b", "hush"), ("fred", "hush\n"), ("fr\0ed", "hush")])
def test_a_user_that_basic_authentication_cannot_carry(auth: tuple[str, str]) -> None:
    with pytest.raises(CredentialsError) as caught:
        Client("https://h.example", auth=auth)
    assert "hush" not in str(caught.value)


@pytest.fixture
def netrc(tmp_path: Path) -> Callable[..., dict[str, str]]:
    def write(content: str) -> dict[str, str]:
        file = tmp_path / "the netrc"
        file.write_text(content, "utf-8")
        return {"NETRC": str(file)}

    return write


@pytest.mark.parametrize(
    ("url", "entry"),
    [
        ("https://a.example", "A.example"),
        ("https://A.EXAMPLE:8443/ws", "A.example"),
        ("http://[::1]:80", "::1"),
        ("https://b.example", "default"),
    ],
)
def test_netrc_by_host(url: str, entry: str, netrc: Callable[..., dict[str, str]]) -> None:
    env = netrc(
        "# machine b.example login x password y\n"
        "machine A.example login A.example password hush\n"
        "macdef init\n  cd /tmp\n\n"
        'machine ::1 login "::1" account x password hush\n'
        "default login default password hush\n"
    )
    if ":" in entry:  # a user cannot hold a colon, which shows that the entry was found
        with pytest.raises(CredentialsError, match=r"netrc \(.*the netrc, ::1\): the user holds a colon"):
            credentials.discover(url, env)
        return
    found = credentials.discover(url, env)
    assert found.headers() == credentials.basic(entry, "hush")
    assert found.source == f"netrc ({env['NETRC']}, {entry})"


def test_no_credentials(netrc: Callable[..., dict[str, str]], tmp_path: Path) -> None:
    env = netrc("machine a.example login fred password secret\n")
    for file in (env["NETRC"], str(tmp_path / "missing")):
        with pytest.raises(CredentialsError, match=rf"add b\.example to {file}, or pass auth="):
            credentials.discover("https://b.example", {"NETRC": file})


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("machine a.example nonsense hush\n", "it goes wrong near line"),
        ("\nmachine a.example login fred password with hush\n", "it goes wrong near line"),
        ("macdef hush", "it goes wrong near line"),
        ("machine a.example password hush\n", "the user is empty"),
        ("machine a.example login fred\n", "the password is empty"),
    ],
)
def test_an_odd_netrc_is_said_without_its_words(content: str, said: str, netrc: Callable[..., dict[str, str]]) -> None:
    with pytest.raises(CredentialsError, match=said) as caught:
        credentials.discover("https://a.example", netrc(content))
    assert "the netrc" in str(caught.value)
    assert not any("hush" in shown for shown in showings(caught.value))


def test_a_netrc_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(CredentialsError, match="cannot be read: Is a directory"):
        credentials.discover("https://a.example", {"NETRC": str(tmp_path)})


def test_others_may_not_read_the_netrc_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    file = tmp_path / ".netrc"
    file.write_text("machine a.example login fred password hush\n")
    file.chmod(0o600)
    assert credentials.discover("https://a.example", {}).source == "netrc (~/.netrc, a.example)"
    file.chmod(0o644)
    with pytest.raises(CredentialsError, match=r"^~/\.netrc cannot be read: .*too permissive"):
        credentials.discover("https://a.example", {})


@pytest.mark.parametrize("secret", ["hush\n", "hüsh", " hush", "", "hu\0sh", "hush\u2028"])
def test_a_secret_that_no_header_can_hold_is_refused_without_showing_it(secret: str) -> None:
    with pytest.raises(CredentialsError) as caught:
        ApiKey("kid", secret)
    assert "sh" not in str(caught.value).replace("such", "")
    if secret:
        with pytest.raises(CredentialsError, match=r"^environment \(DIGIRM_API_KEY_ID\): the secret") as caught:
            credentials.discover("https://h", {**KEY, "DIGIRM_API_KEY_SECRET": secret})
        assert "hush" not in str(caught.value)


def test_credentials_that_are_no_text(tmp_path: Path) -> None:
    with pytest.raises(CredentialsError, match="cannot be sent"):
        credentials.basic("fred", "\udcff")
    file = tmp_path / "netrc"
    file.write_bytes(b"machine a.example login fred password \xff\xfe\n")
    with pytest.raises(CredentialsError, match="not UTF-8"):
        credentials.discover("https://a.example", {"NETRC": str(file)})
