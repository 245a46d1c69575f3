"""Where a TCP monitor is received from, and settings that cannot be."""

from __future__ import annotations

import ssl
from typing import Any

import pytest

from digirm_runtime.client import Client
from digirm_runtime.errors import CredentialsError
from digirm_runtime.options import ApiKey
from digirm_runtime.push.receiving import Receiving

AUTH = ("user", "password")


def test_an_api_key_is_not_enough() -> None:
    with Client("http://127.0.0.1", auth=ApiKey("id", "secret")) as rm:
        with pytest.raises(CredentialsError, match="no place for an API key"):
            rm.push.receive(7)
        assert rm.push  # the other calls do with one


def test_where_a_client_connects() -> None:
    with Client("https://example.com/", auth=AUTH) as rm:
        host, port, tls = rm.push.receive(7)._address
        assert (host, port) == ("example.com", 3201)
        assert tls is not None
        assert (tls.verify_mode, tls.check_hostname) == (ssl.CERT_REQUIRED, True)
        assert rm.push.receive(7, tls=False)._address == ("example.com", 3200, None)
        assert rm.push.receive("7", tls=tls, host="other", port=5)._address == ("other", 5, tls)
    with Client("http://example.com:8080", auth=AUTH) as rm:
        assert rm.push.receive(7)._address == ("example.com", 3200, None)


def test_a_setting_that_is_none_was_left_out() -> None:
    nothing = Receiving(**dict.fromkeys(Receiving.__annotations__))  # type: ignore[typeddict-item]
    for url, port in (("https://example.com", 3201), ("http://example.com", 3200)):
        with Client(url, auth=AUTH) as rm:
            receiver = rm.push.receive(7, **nothing)
            assert receiver._address[:2] == ("example.com", port)
            assert (receiver._address.tls is None) == (port == 3200)
            assert vars(receiver._plan) == vars(rm.push.receive(7)._plan)


@pytest.mark.parametrize(
    ("how", "error", "said"),
    [
        ({"tls": "no"}, TypeError, "tls must be True, False or an ssl.SSLContext, not 'no'"),
        ({"tls": 0}, TypeError, "tls must be"),
        ({"port": 70_000}, ValueError, "port must be from 1 to 65535, not 70000"),
        ({"port": 0}, ValueError, "port must be"),
        ({"port": "3201"}, TypeError, "port must be a whole number"),
        ({"port": True}, TypeError, "port must be a whole number"),
        ({"max_message": -1}, ValueError, "max_message must be from 1 to 4294967295"),
        ({"max_body": 0}, ValueError, "max_body must be"),
        ({"max_body": 1.5}, TypeError, "max_body must be"),
        ({"host": "a" * 70 + ".x"}, ValueError, "no name or address of a host"),
        ({"host": ""}, ValueError, "no name"),
        ({"reconnect": "no"}, TypeError, "reconnect must be True or False, not 'no'"),
        ({"reconnect": 0}, TypeError, "reconnect must be"),
        ({"documented_ack": 1}, TypeError, "documented_ack must be True or False, not 1"),
        ({"host": "a\0b"}, ValueError, "no name"),
        ({"host": "a b"}, ValueError, "no name"),
        ({"host": b"a"}, TypeError, "host must be a text"),
    ],
)
def test_other_settings_that_cannot_be(how: dict[str, Any], error: type[Exception], said: str) -> None:
    with Client("https://example.com", auth=AUTH) as rm, pytest.raises(error, match=said):
        rm.push.receive(7, **how)


def test_settings_that_cannot_be() -> None:
    with Client("http://127.0.0.1", auth=AUTH) as rm:
        for id in ("", "x", -1, 1 << 32, True, "../7"):
            with pytest.raises(ValueError, match="no id of a monitor"):
                rm.push.receive(id)
        with pytest.raises(ValueError, match="timeout must be"):
            rm.push.receive(7, timeout=0)
    with Client("sim:") as rm, pytest.raises(ValueError, match="a server in this process, to which nobody can connect"):
        rm.push.receive(7)
    with (
        Client("http://127.0.0.1", auth=("user", "x" * 70_000)) as rm,
        pytest.raises(ValueError, match="65535 bytes"),
    ):
        rm.push.receive(7)
