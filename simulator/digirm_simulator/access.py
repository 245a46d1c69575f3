"""Who may ask, and who may write."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from digirm_simulator.replies import Problem

ADMINISTRATOR = "Administrator"
READ_ONLY = "Read only application"


class User(NamedTuple):
    """Who asks: the name (of an API key: its id) and the role."""

    name: str
    role: str = ADMINISTRATOR

    @property
    def may_write(self) -> bool:
        """Whether the role allows more than reading: one whose name holds `read only` or `read-only` does not."""
        return "read only" not in self.role.lower().replace("-", " ")


@dataclass(frozen=True, slots=True)
class Account:
    """What a user or an API key is known by; the password (of a key: its secret) is never shown."""

    password: str = field(repr=False)
    role: str = ADMINISTRATOR


class Accounts:
    """Users (HTTP Basic) and API keys. With neither given, any credentials will do, but some there must be.

    A plain text in place of an Account is the password of an administrator.
    """

    def __init__(
        self, users: Mapping[str, str | Account] | None = None, api_keys: Mapping[str, str | Account] | None = None
    ) -> None:
        self.users = _accounts(users)
        self.api_keys = _accounts(api_keys)

    def check(self, headers: Mapping[str, str]) -> User:
        """Who sent a request with these headers (lower-case names). Raises Problem 401 without valid credentials."""
        known = self.users
        name, secret = _basic(headers.get("authorization", ""))
        if not name and "x-api-key-id" in headers:
            known = self.api_keys
            name, secret = headers["x-api-key-id"], headers.get("x-api-key-secret", "")
        if not name or not secret:
            raise Problem(401, "Credentials are required: HTTP Basic or an API key")
        account = known.get(name)
        if not (self.users or self.api_keys):
            return User(name)
        # Compared in constant time, also for a user who does not exist.
        same = hmac.compare_digest(_bytes(account.password if account else ""), _bytes(secret))
        if account is None or not same:
            raise Problem(401, "Invalid credentials")
        return User(name, account.role)


def _accounts(given: Mapping[str, str | Account] | None) -> dict[str, Account]:
    return {name: Account(one) if isinstance(one, str) else one for name, one in (given or {}).items()}


# Clients send the same with every request.
@lru_cache(maxsize=256)
def _basic(header: str) -> tuple[str, str]:
    """User and password; both empty where the header is not of this kind."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        user, _, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return user, password


def _bytes(secret: str) -> bytes:
    # What a header holds need not be text that can be encoded.
    return secret.encode("utf-8", "surrogatepass")
