"""Where credentials come from: the call, then the environment, then netrc; and where they go."""

from __future__ import annotations

import os
from base64 import b64encode
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from digirm_runtime.errors import CredentialsError
from digirm_runtime.options import ApiKey

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_URL = "https://remotemanager.digi.com"


class Credentials:
    """The headers that prove who asks, and the place they were found at (safe to show)."""

    __slots__ = ("_headers", "source")

    def __init__(self, headers: Mapping[str, str], source: str) -> None:
        self._headers = dict(headers)
        self.source = source

    def headers(self) -> dict[str, str]:
        """The request headers."""
        return self._headers

    def account(self) -> str:
        """A stand-in for the credential that tells two accounts apart and gives nothing away."""
        from hashlib import sha256

        return sha256(repr(sorted(self._headers.items())).encode()).hexdigest()[:16]

    def __repr__(self) -> str:
        return f"<Credentials from {self.source}>"


def basic(user: str, password: str) -> dict[str, str]:
    """The header of HTTP Basic authentication. Raises CredentialsError for text that has no UTF-8."""
    try:
        return {"authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode()}
    except UnicodeEncodeError:
        raise CredentialsError("the user or password holds characters that cannot be sent") from None


def given(auth: object) -> Credentials:
    """Credentials passed by the caller. Raises TypeError for anything else."""
    if isinstance(auth, ApiKey):
        return Credentials(auth.headers(), "auth argument (API key)")
    if isinstance(auth, tuple) and len(auth) == 2 and all(isinstance(part, str) for part in auth):
        return Credentials(basic(auth[0], auth[1]), "auth argument (user and password)")
    raise TypeError("auth must be (user, password), ApiKey(id, secret) or an httpx.Auth")


def discover(url: str, environ: Mapping[str, str] | None = None) -> Credentials:
    """Credentials for `url` from the environment or netrc. Raises CredentialsError where there are none."""
    env = os.environ if environ is None else environ
    key, secret = env.get("DIGIRM_API_KEY_ID"), env.get("DIGIRM_API_KEY_SECRET")
    user, password = env.get("DIGIRM_USERNAME"), env.get("DIGIRM_PASSWORD")
    for one, other, names in (
        (key, secret, "DIGIRM_API_KEY_ID and DIGIRM_API_KEY_SECRET"),
        (user, password, "DIGIRM_USERNAME and DIGIRM_PASSWORD"),
    ):
        if bool(one) != bool(other):
            raise CredentialsError(f"only one of {names} is set")
    if key and secret:
        if user:
            import warnings

            warnings.warn("both an API key and a user are set in the environment; the API key is used", stacklevel=4)
        try:
            return Credentials(ApiKey(key, secret).headers(), "environment (DIGIRM_API_KEY_ID)")
        except CredentialsError as error:
            raise CredentialsError(f"DIGIRM_API_KEY_ID and DIGIRM_API_KEY_SECRET: {error}") from None
    if user and password:
        return Credentials(basic(user, password), "environment (DIGIRM_USERNAME)")
    found = _netrc(urlsplit(url).hostname or "", env.get("NETRC"))
    if found is not None:
        return Credentials(basic(*found), "netrc")
    raise CredentialsError(
        "no credentials: set DIGIRM_API_KEY_ID and DIGIRM_API_KEY_SECRET (or DIGIRM_USERNAME and DIGIRM_PASSWORD), "
        f"add {urlsplit(url).hostname} to ~/.netrc, or pass auth="
    )


def _netrc(host: str, path: str | None) -> tuple[str, str] | None:
    from netrc import NetrcParseError, netrc

    try:
        entry = netrc(path).authenticators(host)
    except OSError:
        return None
    except UnicodeDecodeError:
        raise CredentialsError("netrc cannot be read: it is not UTF-8") from None
    except NetrcParseError as error:
        raise CredentialsError(f"netrc cannot be read: line {error.lineno}: {error.msg}") from None
    return (entry[0], entry[2] or "") if entry else None
