"""Requests for `/ws/sci`, as texts."""

from __future__ import annotations

from tests.simulator.support import Answer, Api

DEVICE = "00000000-00000000-00409DFF-FF58175B"


def request(operation: str, payload: str = "", target: str = f'<device id="{DEVICE}"/>', **attributes: str) -> bytes:
    said = "".join(f' {name}="{value}"' for name, value in attributes.items())
    targets = f"<targets>{target}</targets>"
    return f'<sci_request version="1.0"><{operation}{said}>{targets}{payload}</{operation}></sci_request>'.encode()


def send(
    api: Api, operation: str, payload: str = "", target: str = f'<device id="{DEVICE}"/>', **attributes: str
) -> Answer:
    return api("POST", "/ws/sci", request(operation, payload, target, **attributes))


def said(api: Api, operation: str, payload: str = "", **attributes: str) -> str:
    """What is inside of the device in the reply."""
    found = send(api, operation, payload, **attributes)
    assert found.status == 200, found.body
    begin, end = f'<sci_reply version="1.0"><{operation}><device id="{DEVICE}"', f"</{operation}></sci_reply>"
    body = str(found.body)
    assert body.startswith(begin)
    assert body.endswith(end)
    inside = body[len(begin) : -len(end)]
    return "" if inside == "/>" else inside.removeprefix(">").removesuffix("</device>")


def device_request(name: str, text: str = "") -> str:
    return f'<requests><device_request target_name="{name}">{text}</device_request></requests>'


def rci(commands: str) -> str:
    return f'<rci_request version="1.1">{commands}</rci_request>'
