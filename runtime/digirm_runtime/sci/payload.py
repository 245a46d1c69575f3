"""What a command says, as XML that cannot be anything but its payload."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from digirm_runtime.xmltext import XMLError, build, inside, parse, undeclared

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_DOCTYPE = re.compile(r"\ufeff?(?>\s*<!--.*?-->)*+\s*<!DOCTYPE", re.DOTALL)


class StoredPayload:
    """A payload that lies in the account's files: `StoredPayload("/~/my_commands/set_settings.xml")`."""

    __slots__ = ("path",)

    def __init__(self, path: str) -> None:
        if not path.strip():
            raise ValueError("the path of a stored payload must not be empty")
        self.path = path

    def __repr__(self) -> str:
        return f"StoredPayload({self.path!r})"


#: Elements as a mapping (by the rules of `digirm_runtime.xmltext.build`), an element, or XML text.
Payload: TypeAlias = "Mapping[str, Any] | Element | str | bytes | StoredPayload | None"


def payload_xml(payload: Payload) -> str:
    """The elements of a payload as text.

    Raises ValueError for text that is not well-formed, for what XML cannot hold, and for a payload that names targets
    of its own; TypeError for what is no payload.
    """
    if payload is None:
        return ""
    if isinstance(payload, StoredPayload):
        return build("file", payload.path)
    if isinstance(payload, Mapping):
        return _checked(inside(dict(payload)))
    if isinstance(payload, bytes):
        try:
            payload = payload.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise ValueError(f"the payload is not UTF-8: {error}") from None
    if isinstance(payload, str):
        return _checked(undeclared(payload))
    from xml.etree.ElementTree import Element

    if isinstance(payload, Element):
        return _checked(build(payload.tag, payload))
    raise TypeError(f"a payload is a mapping, an element, XML text or a StoredPayload, not {type(payload).__name__}")


def _checked(text: str) -> str:
    """The text, if it is elements and nothing else. Raises ValueError."""
    try:
        # In an element of its own, which it cannot leave without being refused.
        _, value = parse(f"<payload>{text}</payload>")
    except XMLError as error:
        # Within an element a document type is no more than a mistake in the spelling.
        why = "a document type (DOCTYPE) is refused" if _DOCTYPE.match(text) else error
        raise ValueError(f"the payload cannot be sent: {why}") from None
    if isinstance(value, str) and value.strip():
        raise ValueError(f"the payload is text, not XML: {value.strip()[:60]!r}")
    if isinstance(value, dict) and "targets" in value:
        raise ValueError("the payload holds <targets>: these are given apart, and say whom the command reaches")
    return text.strip()
