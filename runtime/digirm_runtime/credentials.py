"""Where credentials come from: the call, then the environment, then netrc; and where they go."""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from digirm_runtime.errors import CredentialsError
from digirm_runtime.options import ApiKey

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DEFAULT_URL = "https://remotemanager.digi.com"


class Credentials:
    """The headers that prove who asks, and the place they were found at (safe to show).

    `netrc` is the file that they were read from, None where they were not.
    """

    __slots__ = ("_headers", "netrc", "source")

    def __init__(self, headers: Mapping[str, str], source: str, netrc: str | None = None) -> None:
        self._headers = dict(headers)
        self.source = source
        self.netrc = netrc

    def headers(self) -> dict[str, str]:
        """The request headers."""
        return self._headers

    def user_password(self) -> tuple[str, str] | None:
        """The user and the password of basic authentication; None where another kind is used."""
        token = self._headers.get("authorization", "").partition(" ")[2]
        user, colon, password = b64decode(token).decode().partition(":")
        return (user, password) if colon else None

    def account(self) -> str:
        """A stand-in for the credential that tells two accounts apart and gives nothing away."""
        from hashlib import sha256

        return sha256(repr(sorted(self._headers.items())).encode()).hexdigest()[:16]

    def mask(self, text: str) -> str:
        """A text from outside without the secrets of more than 3 characters that a server may have sent back."""
        for secret in self.secrets():
            if len(secret) > 3:
                text = text.replace(secret, "***")
        return text

    def secrets(self) -> list[str]:
        """What must not be shown, the longest first: one may be a part of another."""
        token = self._headers.get("authorization", "").partition(" ")[2]
        password = b64decode(token).decode().partition(":")[2]
        return sorted((token, password, self._headers.get("x-api-key-secret", "")), key=len, reverse=True)

    def __repr__(self) -> str:
        return f"<Credentials from {self.source}>"


def basic(user: str, password: str) -> dict[str, str]:
    """The header of HTTP Basic authentication. Raises CredentialsError for what it cannot carry (RFC 7617)."""
    for name, value in (("user", user), ("password", password)):
        # The value stays out of the message: it is, or is almost, a secret.
        if not value:
            raise CredentialsError(f"the {name} is empty")
        if any(char < " " or char == "\x7f" or "\ud800" <= char <= "\udfff" for char in value):
            raise CredentialsError(f"the {name} holds characters that cannot be sent, such as a line break")
    if ":" in user:
        raise CredentialsError("the user holds a colon, which separates it from the password")
    return {"authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode()}


def given(auth: object) -> Credentials:
    """Credentials passed by the caller. Raises CredentialsError where they cannot be sent, TypeError for no such."""
    if isinstance(auth, ApiKey):
        return Credentials(auth.headers(), "auth argument (API key)")
    if isinstance(auth, tuple) and len(auth) == 2 and all(isinstance(part, str) for part in auth):
        return Credentials(basic(auth[0], auth[1]), "auth argument (user and password)")
    raise TypeError("auth must be (user, password), ApiKey(id, secret) or an httpx.Auth")


def discover(url: str, environ: Mapping[str, str] | None = None) -> Credentials:
    """Credentials for `url` from the environment or netrc; called while a client is made.

    Raises CredentialsError where there are none, half of them, or some that cannot be sent. Warns where the environment
    holds an API key and a user both.
    """
    env = os.environ if environ is None else environ
    key = _pair(env, "DIGIRM_API_KEY_ID", "DIGIRM_API_KEY_SECRET")
    if key is not None:
        if env.get("DIGIRM_USERNAME"):
            import warnings

            text = "DIGIRM_API_KEY_ID and DIGIRM_USERNAME are both set in the environment; the API key is used"
            warnings.warn(text, stacklevel=3)  # the line that makes the client
        return _found(lambda: ApiKey(*key).headers(), "environment (DIGIRM_API_KEY_ID)")
    user = _pair(env, "DIGIRM_USERNAME", "DIGIRM_PASSWORD")
    if user is not None:
        return _found(lambda: basic(*user), "environment (DIGIRM_USERNAME)")
    host, shown = urlsplit(url).hostname or "", _netrc_file(env)
    file = os.path.expanduser(shown)  # noqa: PTH111 - a home that is not known leaves it as it is
    entry = _netrc(host, file, shown)
    if entry is None:
        raise CredentialsError(
            "no credentials: set DIGIRM_API_KEY_ID and DIGIRM_API_KEY_SECRET (or DIGIRM_USERNAME and DIGIRM_PASSWORD), "
            f"add {host} to {shown}, or pass auth="
        )
    name, login, password = entry
    return _found(lambda: basic(login, password), f"netrc ({shown}, {name})", file)


def _pair(env: Mapping[str, str], name: str, secret: str) -> tuple[str, str] | None:
    """Two variables that belong together; None where neither is set or both are empty."""
    values = env.get(name, ""), env.get(secret, "")
    if not any(values):
        return None
    if not all(values):
        raise CredentialsError(f"only one of {name} and {secret} is set")
    return values


def _found(headers: Callable[[], dict[str, str]], source: str, netrc: str | None = None) -> Credentials:
    try:
        return Credentials(headers(), source, netrc)
    except CredentialsError as error:
        raise CredentialsError(f"{source}: {error}") from None


def _netrc_file(env: Mapping[str, str]) -> str:
    """The netrc file as a user would write it: the one that NETRC names, or the first of those that curl looks for."""
    if named := env.get("NETRC"):
        return named
    found = (name for name in ("~/.netrc", "~/_netrc") if os.path.exists(os.path.expanduser(name)))  # noqa: PTH110, PTH111
    return next(found, "~/.netrc")


def _netrc(host: str, file: str, shown: str) -> tuple[str, str, str] | None:
    """(name of the entry, login, password) for a host; None where there is no file or no entry for it."""
    from netrc import NetrcParseError, netrc

    try:
        # Only of the file that it finds by itself does the module ask that nobody else can read it.
        found = netrc(None if shown == "~/.netrc" else file)
        entries = {name.lower(): (name, login, key or "") for name, (login, _, key) in found.hosts.items()}
    except FileNotFoundError:
        return None
    except OSError as error:
        reason = error.strerror or "it cannot be opened"
    except UnicodeDecodeError:
        reason = "it is not UTF-8"
    except NetrcParseError as error:
        # The parser quotes words of the file, which may be a part of a password; of its checks it says more.
        reason = error.msg if error.lineno is None else f"it goes wrong near line {error.lineno}"
    else:
        # Names of hosts have no case. The entry `default` is for all others.
        return entries.get(host.lower()) or entries.get("default")
    raise CredentialsError(f"{shown} cannot be read: {reason}")
