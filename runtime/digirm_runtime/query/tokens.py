"""The tokens of any text: those of the language, and loose ones for all else, which no grammar accepts."""

from __future__ import annotations

import re
from typing import NamedTuple

from digirm_runtime.query.lexer import BLANK, SIGNS, TYPOGRAPHIC

#: What a loose token can be, in the order of attempts; `TEXT` may be unclosed.
LOOSE = {
    "STRING": r"'(?:[^']++|'')*+'",
    "UNCLOSED": r"'(?s:.*)",
    "DQUOTED": r'"[^"]*+"?',
    "TYPOGRAPHIC": rf"[{TYPOGRAPHIC}][^{TYPOGRAPHIC}'\"()]*+[{TYPOGRAPHIC}]|[{TYPOGRAPHIC}]",
    "BRACKET": r"\[[^\[\]'\"()]*+\]?|\]",
    "SIGNS": rf"[{re.escape(SIGNS)}]+",
    "BLANK": BLANK,
    "WORD": rf"[^\s()\[\]'\"{TYPOGRAPHIC}{re.escape(SIGNS)}]+",
}


class Token(NamedTuple):
    """A token: its terminal, and where it stands."""

    kind: str
    start: int
    end: int
