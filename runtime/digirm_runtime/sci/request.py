"""A command as the call that sends it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, TypedDict, Unpack

from digirm_runtime.operation import Endpoint, Operation
from digirm_runtime.options import NO_OPTIONS, Options
from digirm_runtime.sci.payload import Payload, payload_xml
from digirm_runtime.sci.reply import MOST, Answer, read_answer
from digirm_runtime.sci.targets import Targets, targets_xml
from digirm_runtime.xmltext import build

PATH = "/ws/sci"
#: Seconds that a call waits beyond the time that it gave the service to wait for devices.
MARGIN = 30.0

_MEDIA_TYPE = "application/xml"
_POST = Endpoint("POST", PATH, "call", media_type=_MEDIA_TYPE, accept=_MEDIA_TYPE, max_bytes=MOST)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}")


class Said(TypedDict, total=False):
    """What is sent of `Attributes`."""

    reply: str | None
    sync_timeout: int | None
    cache: bool | Literal["only"] | None
    allow_offline: bool | None
    wait_for_reconnect: bool | None
    attributes: Mapping[str, str] | None


class Attributes(Said, total=False):
    """What can be said of a command beside its targets and payload; what is left out is not sent.

    `reply` is how much is answered; `sync_timeout` how many seconds the service waits for the devices; `cache` whether
    it may answer itself (`"only"`: whether it must); `allow_offline` whether devices that are not connected may answer
    later, and `wait_for_reconnect` whether the command ends only then. `attributes` are further ones by their names on
    the wire, such as `{"filename": "abcd.bin"}` of `update_firmware`. `options` are those of every call: a command is
    not repeated where nobody knows whether it was executed, unless they say `idempotent=True`.
    """

    options: Options | None


def document(
    operation: str,
    targets: Targets,
    payload: Payload = None,
    *,
    synchronous: bool | None = None,
    reply: str | None = None,
    sync_timeout: int | None = None,
    cache: bool | Literal["only"] | None = None,
    allow_offline: bool | None = None,
    wait_for_reconnect: bool | None = None,
    attributes: Mapping[str, str] | None = None,
) -> str:
    """The request as it is sent. Raises ValueError and TypeError for what must not be."""
    if not _NAME.fullmatch(operation):
        raise ValueError(f"no operation has such a name: {operation[:60]!r}")
    if sync_timeout is not None and (isinstance(sync_timeout, bool) or not isinstance(sync_timeout, int)):
        raise TypeError("sync_timeout is a whole number of seconds")
    if sync_timeout is not None and not 0 < sync_timeout < 1_000_000:
        raise ValueError(f"sync_timeout is a number of seconds above 0, not {sync_timeout}")
    if cache not in (None, True, False, "only"):
        raise ValueError(f"cache is True, False or 'only', not {cache!r}")
    given: dict[str, Any] = {
        "reply": reply,
        "synchronous": synchronous,
        "syncTimeout": sync_timeout,
        "cache": cache,
        "allowOffline": allow_offline,
        "waitForReconnect": wait_for_reconnect,
    }
    sent = {f"@{name}": value for name, value in given.items() if value is not None}
    for name, value in (attributes or {}).items():
        if name in given:
            raise ValueError(f"{name} has a keyword of its own")
        sent[f"@{name}"] = value
    begin = build(operation, sent).removesuffix("/>")
    content = f"{targets_xml(targets)}{payload_xml(payload)}"
    return f'<sci_request version="1.0">{begin}>{content}</{operation}></sci_request>'


class Command(Operation[Answer]):
    """A command as a call. `patience` is how many seconds a client waits for its answer at least; None the usual."""

    __slots__ = ("patience",)

    def __init__(self, text: str, options: Options, patience: float | None) -> None:
        super().__init__(_POST, body=text, options=options, reader=read_answer)
        self.patience = patience

    def waiting(self, usual: float) -> Command:
        """The same call with at least the time that it needs, where a call has `usual` seconds."""
        timeout = usual if self.options.timeout is None else self.options.timeout
        if self.patience is not None and timeout < self.patience:
            import copy

            self.options = copy.copy(self.options)
            self.options.timeout = self.patience
        return self


def command(
    operation: str,
    targets: Targets,
    payload: Payload = None,
    *,
    synchronous: bool | None = None,
    options: Options | None = None,
    **said: Unpack[Said],
) -> Command:
    """A command as a call. Raises as `document` does."""
    text = document(operation, targets, payload, synchronous=synchronous, **said)
    waits = None if synchronous is False else said.get("sync_timeout")
    return Command(text, options or NO_OPTIONS, None if waits is None else waits + MARGIN)


def device_request(target_name: str, data: str = "") -> dict[str, Any]:
    """The payload of `data_service` that hands `data` to what listens under this name on a device."""
    content: dict[str, Any] = {"@target_name": target_name}
    if data:
        content["#text"] = data
    return {"requests": {"device_request": content}}


def cli_request(line: str) -> dict[str, Any]:
    """The payload of `cli`: one command line. Raises ValueError for none.

    Inferred from one program that sends it: no public page of Digi's shows its form.
    """
    if not line.strip():
        raise ValueError("the command is empty")
    return {"execute": line}
