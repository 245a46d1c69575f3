"""Text that can be sent: half characters, which UTF-8 does not have, are replaced."""

from __future__ import annotations

import json
from typing import Any


def sendable(text: str) -> str:
    """The text with a replacement character for each half; the number of UTF-16 units stays."""
    return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def sendable_all(data: dict[str, Any]) -> dict[str, Any]:
    """What JSON is made of, the keys included, with all its text sendable."""
    try:
        json.dumps(data, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        made: dict[str, Any] = json.loads(sendable(json.dumps(data, ensure_ascii=False)))
        return made
    return data
