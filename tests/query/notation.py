"""Texts as the documentation and the project's corpus write them, where some characters cannot be seen."""

from __future__ import annotations

import re


def unfold(text: str) -> str:
    r"""A text with `\t`, `\n`, `\u00a0` and `{201*(}` written out."""
    text = re.sub(r"\{(\d+)\*(.+?)\}", lambda found: found[2] * int(found[1]), text)
    text = re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), text)
    return text.replace(r"\t", "\t").replace(r"\n", "\n")
