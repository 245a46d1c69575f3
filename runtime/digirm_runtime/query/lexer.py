"""The one lexer, made from a language's terminal table.

Fields, operators and literals are recognised by position: a whole `field operator value` is one match, so that a field
may be called `not` or `empty` and begin with `or`. Whatever is no part of the language becomes a loose token, which no
grammar accepts and `faults.py` explains. Every text is covered, in linear time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cached_property

TYPE_CHECKING = False  # not from `typing`: a process whose queries are fine never imports it
if TYPE_CHECKING:
    from digirm_runtime.query.tokens import Token

#: White space between tokens. Only the blank is known to be accepted by the service.
SPACE = " \t\r\n\f\v"
BLANK = rf"[^\S{SPACE}]+"
#: Halves of characters, which UTF-8 has no bytes for.
SURROGATES = "[\ud800-\udfff]+"
#: Quotation marks of word processors, and the backtick.
TYPOGRAPHIC = "\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\xab\xbb\u2039\u203a`\xb4\u2032\u2033"
#: What operators that are no words consist of.
SIGNS = "=<>!~^|&*%@:?/$#"

_STRUCTURE = ("LPAR", "RPAR", "AND", "OR", "NOT")


def forms(terminals: Iterable[str]) -> list[str]:
    """The terminals that are literal forms, in the order of attempts."""
    return [name for name in terminals if name not in (*_STRUCTURE, "FIELD", "OPERATOR")]


class Lexer:
    """Splits text by a terminal table (`tables["terminals"]`)."""

    def __init__(self, terminals: Mapping[str, str]) -> None:
        self._terminals = terminals
        #: The terminals that are literal forms.
        self.forms = forms(terminals)
        self._value = "|".join(f"(?P<{name}>{terminals[name]})" for name in self.forms)
        # One blank or more between words, and none of what `faults.spacing` warns of.
        joints = {"AND": "(?<= )(?:{})(?= )", "OR": "(?<= )(?:{})(?= )", "NOT": "(?:{})(?= )"}
        single = {name: joints.get(name, "{}").format(terminals[name]) for name in _STRUCTURE}
        #: Matches a condition, a connective or a bracket, spaced as usual; what it does not match needs a closer look.
        self.pattern = self._compile(" *+", single)

    def _compile(self, space: str, single: Mapping[str, str]) -> re.Pattern[str]:
        """Groups 1 and 2 are a condition's field and operator; the last group names what was matched."""
        field, operator = self._terminals["FIELD"], self._terminals["OPERATOR"]
        condition = f"(?P<FIELD>(?>{field})){space}(?P<OPERATOR>(?>{operator})){space}(?:{self._value})"
        rest = "|".join(f"(?P<{name}>{pattern})" for name, pattern in single.items())
        return re.compile(f"{space}(?:{condition}|{rest})")

    @cached_property
    def _any(self) -> re.Pattern[str]:
        from digirm_runtime.query.tokens import LOOSE

        return self._compile(f"[{SPACE}]*+", {name: self._terminals[name] for name in _STRUCTURE} | LOOSE)

    def tokens(self, text: str) -> list[Token]:
        """The tokens of a text; between them there is only white space."""
        from digirm_runtime.query.tokens import Token

        tokens: list[Token] = []
        position = 0
        match, forms = self._any.match, self.forms
        while found := match(text, position):
            kind = found.lastgroup or ""
            if kind in forms:
                tokens.append(Token("FIELD", *found.span("FIELD")))
                tokens.append(Token("OPERATOR", *found.span("OPERATOR")))
            tokens.append(Token(kind, *found.span(kind)))
            position = found.end()
        return tokens

    def is_operator(self, text: str) -> bool:
        """Whether a piece of text is an operator of the language."""
        return re.fullmatch(self._terminals["OPERATOR"], text) is not None

    def field_at(self, text: str, start: int) -> str:
        """The field's name that begins at an offset; empty where there is none."""
        found = re.compile(self._terminals["FIELD"]).match(text, start)
        return found[0] if found else ""

    def is_field(self, text: str) -> bool:
        """Whether a piece of text can be a field's name."""
        return re.fullmatch(self._terminals["FIELD"], text) is not None

    def form(self, text: str) -> str | None:
        """The literal form (lower case) of a piece of text; None for what is no literal."""
        found = re.fullmatch(f"(?>{self._value})", text)
        return found.lastgroup.lower() if found and found.lastgroup else None
