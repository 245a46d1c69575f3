"""The characters that XML cannot have."""

from __future__ import annotations

import re

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean(text: str, instead: str = "?") -> str:
    """A text in which something else stands for each character that XML cannot have."""
    return _ILLEGAL.sub(instead, text)
