"""What a test lets a device answer: values or functions by the name of a command."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias
from xml.etree.ElementTree import Element

from digirm_runtime.xmlbuild import Part
from digirm_runtime.xmltext import Value
from digirm_simulator.sci import xml
from digirm_simulator.sci.request import text_of

_LOG = logging.getLogger(__name__)
#: The number of an error that names none.
DEVICE_FAILED = 2000


class DeviceError(Exception):
    """What a device answers instead of a result: a text, and the number of the error."""

    def __init__(self, text: str, id: int = DEVICE_FAILED) -> None:
        super().__init__(text)
        self.text = text
        self.id = id

    def xml(self) -> str:
        """The error as the service writes it."""
        return xml.error(self.text, self.id)


class DeviceRequest(NamedTuple):
    """What reached a device: the device as it is, the operation, the name of the command, and what was sent with it."""

    device: Mapping[str, Any]
    operation: str
    name: str
    payload: Value

    @property
    def text(self) -> str:
        """The text that was sent."""
        return text_of(self.payload)


def failure(error: BaseException) -> DeviceError:
    """What a device answers whose script failed."""
    return DeviceError(f"The simulated device failed: {type(error).__name__}: {error}")


#: A text, child elements as a dict, an Element, or an error.
Answer: TypeAlias = "str | int | float | Mapping[str, Any] | Element | DeviceError | None"
#: What answers a command: the answer itself, or what gives it for a request.
Script: TypeAlias = "Answer | Callable[[DeviceRequest], Answer]"


def played(script: Script, request: DeviceRequest) -> dict[str, Part]:
    """What a script answers, as the parts of an element. Raises DeviceError where that is an error, or it fails."""
    try:
        parts = _parts(script(request) if callable(script) else script)
        # Whatever cannot be written is the script's failure as well.
        xml.inner(parts)
        return parts
    except DeviceError:
        raise
    except Exception as error:
        _LOG.exception("the script of %s for %s failed", request.name, request.device.get("id"))
        raise failure(error) from None


def _parts(value: Answer) -> dict[str, Part]:
    if isinstance(value, DeviceError):
        raise value
    if isinstance(value, Element):
        return {value.tag: value}
    if isinstance(value, Mapping):
        return dict(value)
    return {} if value is None else {"#text": value}
