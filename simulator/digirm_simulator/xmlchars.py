"""The characters that XML cannot have."""

from __future__ import annotations


def clean(text: str, instead: str = "?") -> str:
    """A text in which something else stands for each character that XML cannot have."""
    from digirm_runtime.xmlbuild import ILLEGAL

    return ILLEGAL.sub(instead, text)
