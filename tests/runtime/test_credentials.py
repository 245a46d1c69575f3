from pathlib import Path

import pytest

from digirm_runtime import credentials
from digirm_runtime.errors import CredentialsError
from digirm_runtime.options import ApiKey

KEY = {"DIGIRM_API_KEY_ID": "kid", "DIGIRM_API_KEY_SECRET": "hush-key"}
USER = {"DIGIRM_USERNAME": "fred", "DIGIRM_PASSWORD": "secret"}


def test_basic_is_as_the_article_computes_it() -> None:
    assert credentials.basic("fred", "secret") == {"authorization": "Basic ZnJlZDpzZWNyZXQ="}


def test_the_api_key_comes_first_and_both_warn() -> None:
    with pytest.warns(UserWarning, match="API key is used"):
        found = credentials.discover("https://h", {**KEY, **USER})
    assert found.headers() == {"x-api-key-id": "kid", "x-api-key-secret": "hush-key"}
    assert found.source == "environment (DIGIRM_API_KEY_ID)"
    assert "hush" not in repr(found)


def test_user_and_password() -> None:
    assert credentials.discover("https://h", USER).headers() == credentials.basic("fred", "secret")


@pytest.mark.parametrize("half", [{"DIGIRM_API_KEY_ID": "k"}, {"DIGIRM_PASSWORD": "hush"}])
def test_half_a_credential_is_a_fault(half: dict[str, str]) -> None:
    with pytest.raises(CredentialsError, match="only one of") as caught:
        credentials.discover("https://h", half)
    assert "hush" not in str(caught.value)


def test_netrc_by_host(tmp_path: Path) -> None:
    file = tmp_path / "netrc"
    file.write_text("machine a.example login fred password secret\n")
    file.chmod(0o600)
    env = {"NETRC": str(file)}
    assert credentials.discover("https://a.example/", env).source == "netrc"
    with pytest.raises(CredentialsError, match=r"add b\.example to ~/\.netrc"):
        credentials.discover("https://b.example", env)
    file.write_text("machine a.example nonsense hush\n")
    with pytest.raises(CredentialsError, match="netrc cannot be read") as caught:
        credentials.discover("https://a.example", env)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("secret", ["hush\n", "hüsh", " hush", "", "hu\0sh", "hush\u2028"])
def test_a_secret_that_no_header_can_hold_is_refused_without_showing_it(secret: str) -> None:
    with pytest.raises(CredentialsError) as caught:
        ApiKey("kid", secret)
    assert "sh" not in str(caught.value).replace("such", "")
    if secret:
        with pytest.raises(CredentialsError, match="DIGIRM_API_KEY_SECRET") as caught:
            credentials.discover("https://h", {**KEY, "DIGIRM_API_KEY_SECRET": secret})
        assert "hush" not in str(caught.value)


def test_credentials_that_are_no_text(tmp_path: Path) -> None:
    with pytest.raises(CredentialsError, match="cannot be sent"):
        credentials.basic("fred", "\udcff")
    file = tmp_path / "netrc"
    file.write_bytes(b"machine a.example login fred password \xff\xfe\n")
    file.chmod(0o600)
    with pytest.raises(CredentialsError, match="not UTF-8"):
        credentials.discover("https://a.example", {"NETRC": str(file)})
