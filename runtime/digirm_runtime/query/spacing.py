"""What is said of white space and odd characters in a text, whether it can be read or not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from digirm_runtime.query.diagnostics import HALF
from digirm_runtime.query.lexer import SPACE, SURROGATES

if TYPE_CHECKING:
    from digirm_runtime.query.faults import Faults
    from digirm_runtime.query.tokens import Token

#: Faults of the syntax that are noted of one text.
MAX_FAULTS = 100


def halves(text: str, faults: Faults) -> None:
    """Note halves of characters, which cannot be sent."""
    for half in re.finditer(SURROGATES, text):
        if too_many(faults, half.start()):
            return
        faults.add("Q126", HALF, *half.span())


def too_many(faults: Faults, end: int) -> bool:
    """Whether no more faults are to be noted of a text, of which the part before `end` was read; if so it is noted."""
    if len(faults.diagnostics) < MAX_FAULTS:
        return False
    faults.add("Q124", f"more than {MAX_FAULTS} faults: what follows was not read", end, end)
    return True


def spacing(text: str, tokens: Sequence[Token], faults: Faults) -> None:
    """Warn of white space, or of its absence, where the service is not known to share our leniency."""
    if any(char in text for char in SPACE[1:]):
        _odd(text, tokens, faults)
    for token in tokens:
        if token.kind in ("AND", "OR", "NOT"):
            before = token.start and token.kind != "NOT" and not text[token.start - 1].isspace()
            after = token.end < len(text) and not text[token.end].isspace()
            if before or after:
                word = text[token.start : token.end]
                mend = f"{' ' * bool(before)}{word}{' ' * after}"
                faults.add("Q120", f"'{word}' may need a blank on each side", *token[1:], mend, warning=True)
                break


def _odd(text: str, tokens: Sequence[Token], faults: Faults) -> None:
    position = 0
    for start, end in (*(token[1:] for token in tokens), (len(text), len(text))):
        if text[position:start].strip(" "):
            message = "only blanks are known to be accepted between words, not tabs or line breaks"
            faults.add("Q119", message, position, start, " ", warning=True)
            return
        position = end
