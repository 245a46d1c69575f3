"""What can be said about receiving over TCP, and what follows from it and from a client."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypedDict
from urllib.parse import urlsplit

from digirm_runtime.errors import CredentialsError
from digirm_runtime.operation import Param
from digirm_runtime.options import check_seconds
from digirm_runtime.push.framing import MAX_BODY, MAX_MESSAGE, ConnectionRequest
from digirm_runtime.push.monitors import number
from digirm_runtime.push.session import Plan
from digirm_runtime.push.tcp import Address

if TYPE_CHECKING:
    from digirm_runtime.base import BaseClient

#: The documented ports, with TLS and in the clear.
TLS_PORT, CLEAR_PORT = 3201, 3200
DEFAULT_TIMEOUT = 60.0
#: Settings that are whole numbers from 1 on, and the highest: no length in a message is higher.
_MOST = {"port": 0xFFFF, "max_message": 0xFFFFFFFF, "max_body": 0xFFFFFFFF}
_SWITCHES = ("reconnect", "documented_ack")


class Receiving(TypedDict, total=False):
    """Settings of `receive` and `run`; each may be left out, or None, which is the same."""

    #: First hand out what a persistent monitor has recorded since then; as for `history`. Some may come again.
    since: Param
    #: Where to connect: the client's host, and the documented port, unless said otherwise.
    host: str | None
    port: int | None
    #: Whether to use TLS: as the client's URL does. A context says how.
    tls: bool | ssl.SSLContext | None
    #: Seconds for connecting, for the service's answer, and for each message from its first byte to its last.
    timeout: float | None
    #: Whether to connect again, ever more slowly, where the connection breaks.
    reconnect: bool | None
    #: The longest message, and the longest payload once unpacked, in bytes.
    max_message: int | None
    max_body: int | None
    #: Acknowledge with the 10 bytes that are documented, instead of the 6 that `devicecloud` sends.
    documented_ack: bool | None


def prepared(client: BaseClient, id: int | str, how: Receiving) -> tuple[Address, Plan]:
    """Where to connect, and how to receive.

    Raises CredentialsError where there is no user and password to send, ValueError and TypeError for settings that
    cannot be.
    """
    said: dict[str, Any] = {name: value for name, value in how.items() if value is not None}
    parts = urlsplit(client.url)
    host = said.get("host", parts.hostname)
    if host is None:
        raise ValueError(
            f"{parts.scheme}: is a server in this process, to which nobody can connect; "
            "say host= and port=, or use history and follow"
        )
    _check_host(host)
    _check_numbers(said)
    _check_switches(said)
    pair = client._credentials.user_password()
    if pair is None:
        raise CredentialsError(
            "a monitor over TCP is received with a user and a password: its protocol has no place for an API key"
        )
    timeout = said.get("timeout", DEFAULT_TIMEOUT)
    check_seconds("timeout", timeout)
    context = _context(said.get("tls", parts.scheme == "https"))
    port = said.get("port", CLEAR_PORT if context is None else TLS_PORT)
    request = ConnectionRequest(*pair, number(id))
    request.encode()  # raises for what cannot be sent, before anything is
    plan = Plan(
        request,
        f"{host}:{port}",
        timeout=timeout,
        reconnect=said.get("reconnect", True),
        max_message=said.get("max_message", MAX_MESSAGE),
        max_body=said.get("max_body", MAX_BODY),
        documented_ack=said.get("documented_ack", False),
    )
    return Address(host, port, context), plan


def _context(tls: object) -> ssl.SSLContext | None:
    # Nothing else will do: what is merely false must not have the password sent in the clear.
    if isinstance(tls, bool):
        return ssl.create_default_context() if tls else None
    if isinstance(tls, ssl.SSLContext):
        return tls
    raise TypeError(f"tls must be True, False or an ssl.SSLContext, not {tls!r:.60}")


def _check_host(host: object) -> None:
    if not isinstance(host, str):
        raise TypeError(f"host must be a text, not {host!r:.60}")
    try:
        host.encode("idna")  # as it is when the host is looked up
        fits = host != "" and host.isprintable() and " " not in host
    except UnicodeError:
        fits = False
    if not fits:
        raise ValueError(f"{host!r:.80} is no name or address of a host")


def _check_numbers(said: Mapping[str, object]) -> None:
    for name, most in _MOST.items():
        value = said.get(name, 1)
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError(f"{name} must be a whole number, not {value!r:.60}")
        if not 1 <= value <= most:
            raise ValueError(f"{name} must be from 1 to {most}, not {value}")


def _check_switches(said: Mapping[str, object]) -> None:
    for name in _SWITCHES:
        value = said.get(name, True)
        if not isinstance(value, bool):
            raise TypeError(f"{name} must be True or False, not {value!r:.60}")
