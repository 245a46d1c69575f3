"""How a call in other words says who asks, without saying a secret."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from digirm_runtime.credentials import given

if TYPE_CHECKING:
    from digirm_runtime.credentials import Credentials

#: For a simulator without users of its own, which takes any credentials, but some there must be.
USER, PASSWORD = "sim", "sim"
ANYBODY = given((USER, PASSWORD))
#: The variables of a key, by its headers, and those of a user.
KEY_VARIABLES = {"X-API-KEY-ID": "DIGIRM_API_KEY_ID", "X-API-KEY-SECRET": "DIGIRM_API_KEY_SECRET"}
USER_VARIABLES = ("DIGIRM_USERNAME", "DIGIRM_PASSWORD")


def in_netrc(credentials: Credentials | None) -> bool:
    """Whether a call looks into netrc; also where nothing was found."""
    return credentials is None or credentials.netrc is not None


def has_key(credentials: Credentials | None) -> bool:
    """Whether they are an API key."""
    return credentials is not None and "x-api-key-id" in credentials.headers()


def other_netrc(credentials: Credentials | None) -> str | None:
    """The netrc file where it is not the one that is found by itself."""
    file = None if credentials is None else credentials.netrc
    return None if file is None or file == os.path.expanduser("~/.netrc") else file  # noqa: PTH111 - as it was found
