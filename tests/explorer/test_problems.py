"""What the page is told of errors that are meant for programs."""

import pytest

from digirm_explorer.problems import problem
from digirm_runtime.credentials import discover
from digirm_runtime.errors import CredentialsError


def test_missing_credentials_can_be_typed_in() -> None:
    with pytest.raises(CredentialsError) as caught:
        discover("https://127.0.0.1", {"NETRC": "/nonexistent"})
    found = problem(caught.value)
    assert found is not None
    assert found.kind == "credentials"
    assert found.message.endswith(", or type them in under Credentials")
    assert "auth=" not in found.message
