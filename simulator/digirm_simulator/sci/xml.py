"""Replies as text, around `digirm_runtime.xmltext`."""

from __future__ import annotations

from collections.abc import Mapping

from digirm_runtime import xmltext
from digirm_runtime.wire import SIMULATOR_HEADER, Response
from digirm_runtime.xmlbuild import Part
from digirm_simulator.xmlchars import clean


def inner(parts: Mapping[str, Part]) -> str:
    """What is inside an element that holds these parts; attributes are none of it. Raises as `xmltext.build` does."""
    built = xmltext.build("x", {name: part for name, part in parts.items() if not name.startswith("@")})
    return built.removeprefix("<x>").removesuffix("</x>") if built != "<x/>" else ""


def wrap(name: str, attributes: Mapping[str, str], content: str) -> str:
    """An element around XML."""
    opening = xmltext.build(name, {f"@{key}": value for key, value in attributes.items()}).removesuffix("/>")
    return f"{opening}>{content}</{name}>" if content else f"{opening}/>"


def error(text: str, number: int | None = None) -> str:
    """An error as the service writes it: with a number that of a device, without one that of the request."""
    if number is None:
        return xmltext.build("error", clean(text))
    return xmltext.build("error", {"@id": str(number), "desc": clean(text)})


def sci_reply(content: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """The answer to a request for `/ws/sci`."""
    return xml_reply(f'<sci_reply version="1.0">{content}</sci_reply>', status, headers)


def xml_reply(text: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An XML answer."""
    own = {"content-type": "application/xml", SIMULATOR_HEADER: "simulator"}
    return Response(status, {**own, **(headers or {})}, text.encode())
