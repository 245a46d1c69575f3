"""What can be said about receiving over TCP, and what follows from it and from a client."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, TypedDict
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


class Receiving(TypedDict, total=False):
    """Settings of `receive` and `run`; each may be left out."""

    #: First hand out what a persistent monitor has recorded since then; as for `history`. Some may come again.
    since: Param
    #: Where to connect: the client's host, and the documented port, unless said otherwise.
    host: str
    port: int
    #: Whether to use TLS: as the client's URL does. A context says how.
    tls: bool | ssl.SSLContext
    #: Seconds for connecting, for the service's answer, and for each message from its first byte to its last.
    timeout: float
    #: Whether to connect again, ever more slowly, where the connection breaks.
    reconnect: bool
    #: The longest message, and the longest payload once unpacked, in bytes.
    max_message: int
    max_body: int
    #: Acknowledge with the 10 bytes that are documented, instead of the 6 that `devicecloud` sends.
    documented_ack: bool


def prepared(client: BaseClient, id: int | str, how: Receiving) -> tuple[Address, Plan]:
    """Where to connect, and how to receive.

    Raises CredentialsError where there is no user and password to send, ValueError for settings that cannot be.
    """
    parts = urlsplit(client.url)
    host = how.get("host") or parts.hostname
    if not host:
        raise ValueError(
            f"{parts.scheme}: is a server in this process, to which nobody can connect; "
            "say host= and port=, or use history and follow"
        )
    pair = client._credentials.user_password()
    if pair is None:
        raise CredentialsError(
            "a monitor over TCP is received with a user and a password: its protocol has no place for an API key"
        )
    timeout = how.get("timeout", DEFAULT_TIMEOUT)
    check_seconds("timeout", timeout)
    tls = how.get("tls", parts.scheme == "https")
    context = (ssl.create_default_context() if tls else None) if isinstance(tls, bool) else tls
    port = how.get("port") or (CLEAR_PORT if context is None else TLS_PORT)
    request = ConnectionRequest(*pair, number(id))
    request.encode()  # raises for what cannot be sent, before anything is
    plan = Plan(
        request,
        f"{host}:{port}",
        timeout=timeout,
        reconnect=how.get("reconnect", True),
        max_message=how.get("max_message", MAX_MESSAGE),
        max_body=how.get("max_body", MAX_BODY),
        documented_ack=how.get("documented_ack", False),
    )
    return Address(host, port, context), plan
