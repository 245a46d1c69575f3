"""Explains values that are none: quotes that are missing, wrong or in the wrong place, numbers and times.

The part of `faults.py` that looks at values; the class there is the one to use.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from digirm_runtime.query import foreign
from digirm_runtime.query.ast import Literal, read_literal
from digirm_runtime.query.diagnostics import Diagnostic, quoted
from digirm_runtime.query.lexer import TYPOGRAPHIC, Lexer
from digirm_runtime.query.printer import print_text
from digirm_runtime.query.tokens import Token

_NEVER_CLOSED = "this quote is never closed; a quote inside text is doubled"
_NUMBER_LIKE = re.compile(r"[+-]?[0-9.][0-9.,_eE+-]*|0[xX]\w*")
_MENDED_NUMBERS = ((r"\+([0-9]+(?:\.[0-9]+)?)", r"\1"), (r"(-?)\.([0-9]+)", r"\g<1>0.\2"), (r"(-?[0-9]+)\.", r"\1"))
_GLUED = re.compile(r"([0-9]+)(and|or)", re.IGNORECASE)
_DOTTED = re.compile(r"[0-9]+(?:\.[0-9]+){2,}")
_ENCODED = re.compile("%[0-9A-Fa-f]{2}")
_TYPED = re.compile(rf"[{TYPOGRAPHIC}]([^{TYPOGRAPHIC}\n]{{0,200}})[{TYPOGRAPHIC}]")
_APOSTROPHE = re.compile("(?<=[^\\W\\d_])[\u2019`\u00b4\u2032](?=[^\\W\\d_])")
_SEPARATORS = re.compile(r"[\s,;]+")
_KEYWORD = re.compile(r"\b(?:and|or|not)\b", re.IGNORECASE)
_LAST_WORD = re.compile(r"([=<>!~]+|[^\W\d]\w*)\s*\Z")
_END = re.compile(r"\s*+\Z")
#: Of a text that is looked at for what its last word is.
_TAIL = 60
#: Words at the beginning of a run that tell whether it is encoded.
_FEW = 20


class ValueFaults:
    """Explains what stands for values in one text."""

    def __init__(self, text: str, lexer: Lexer) -> None:
        self.text = text
        self.lexer = lexer
        self.diagnostics: list[Diagnostic] = []
        self._rest: tuple[Token, Sequence[Token]] | None = None
        self._explained = 0  # the offset up to which a phrase was explained as a whole

    def add(
        self, code: str, message: str, start: int, end: int, suggestion: str | None = None, *, warning: bool = False
    ) -> None:
        """Note a diagnostic; at the text's end the span is empty."""
        self.diagnostics.append(Diagnostic(code, "warning" if warning else "error", message, start, end, suggestion))

    def _value(self, tokens: Sequence[Token]) -> Literal | None:
        """Judge what stands for a value; the literal, where it is one."""
        first, last = tokens[0], tokens[-1]
        raw = self.text[first.start : last.end]
        word = self._of(first)
        form = self.lexer.form(word)
        if form is not None:
            self._leave(first, tokens[1:])
            return read_literal(form, word)
        if first.kind == "UNCLOSED":
            self._unclosed(tokens)
        elif first.kind == "DQUOTED":
            self._double(first, tokens[1:])
        elif first.kind == "TYPOGRAPHIC":
            self._typographic(first, last, raw)
        elif first.kind == "BRACKET":
            area = f"[{', '.join(_SEPARATORS.split(raw.strip('[] ')))}]"
            mend = area if self.lexer.form(area) == "area" else None
            self.add("Q117", f"{quoted(raw)} is no area: [number, number, ...]", first.start, last.end, mend)
        else:
            stop = next((n for n in range(1, len(tokens)) if self._goes_on(tokens[n : n + 2])), len(tokens))
            self._unquoted(self._without_ending(tokens[:stop]))
            self._leave(tokens[stop - 1], tokens[stop:])
        return None

    def _goes_on(self, tokens: Sequence[Token]) -> bool:
        """Whether words that follow unquoted text are no part of it: a connective, or a field and an operator."""
        word, sign = self._of(tokens[0]), tokens[1] if len(tokens) > 1 else None
        if sign is None or tokens[0].kind != "WORD":
            return word in foreign.SIGN_CONNECTIVES
        return sign.kind == "SIGNS" and self.lexer.is_operator(self._of(sign)[0]) and self.lexer.is_field(word)

    def _double(self, first: Token, rest: Sequence[Token]) -> None:
        word = self._of(first)
        if len(word) > 1 and word.endswith('"'):
            self.add("Q111", "text stands in single quotes, not in double ones", *first[1:], print_text(word[1:-1]))
            self._leave(first, rest)
            return
        mend = print_text(word[1:]) if _simple(word[1:]) else None
        self.add("Q111", "text stands in single quotes, not in double ones; this one is never closed", *first[1:], mend)

    def _typographic(self, first: Token, last: Token, raw: str) -> None:
        start, end, mend = first.start, last.end, None
        inner = _APOSTROPHE.sub("'", raw[1:-1]) if len(raw) > 1 and raw[-1] in TYPOGRAPHIC else TYPOGRAPHIC
        if not any(char in TYPOGRAPHIC for char in inner):
            mend = print_text(inner)
        elif found := _TYPED.match(self.text, start):
            end, mend = found.end(), print_text(found[1])
            self._explain(end)
        self.add("Q112", "text stands in straight single quotes: '...'", start, end, mend)

    def _without_ending(self, tokens: Sequence[Token]) -> Sequence[Token]:
        """Note the `;` of `name = x;`; the tokens without it."""
        kind, start, end = tokens[-1]
        if kind != "WORD" or (end - start < 2 and len(tokens) < 2) or not self._is_ending(end - 1, end):
            return tokens
        self.ending(end - 1, end)
        return tokens[:-1] if end - start < 2 else [*tokens[:-1], Token(kind, start, end - 1)]

    def ending(self, start: int, end: int) -> None:
        """Note what ends a text in other languages."""
        self.add("Q117", f"a query does not end with {quoted(self.text[start:end])}", start, end, "")

    def _unquoted(self, tokens: Sequence[Token]) -> None:
        start, end = tokens[0].start, tokens[-1].end
        raw = self.text[start:end]
        time = foreign.duration(raw)
        ago = foreign.now(self.text, start)
        number = next((re.sub(wrong, right, raw) for wrong, right in _MENDED_NUMBERS if re.fullmatch(wrong, raw)), None)
        if ago is not None:
            self._explain(max(end, ago.end))
            advice = "there is no 'now': relative times count from it, as in -1d"
            self.add("Q110", advice, start, ago.end, ago.mend)
        elif time is not None:
            message = f"the relative time {time.fault}: sign, number and d, h, m or s, as in -1d"
            self.add("Q118", message, start, end, time.mend)
        elif raw.lower() in foreign.NULLS | foreign.NONES:
            message = f"there is no value {quoted(raw)}; unset values are found with 'empty', text is quoted"
            self.add("Q110", message, start, end, "empty" if raw.lower() in foreign.NULLS else None)
        elif len(tokens) > 1 and tokens[-1].kind == "UNCLOSED":
            self._half_quoted(tokens, raw)
        elif glued := _GLUED.fullmatch(raw):
            self.add("Q110", f"a blank is missing before {quoted(glued[2])}", start, end, f"{glued[1]} {glued[2]}")
        elif number is not None or (_NUMBER_LIKE.fullmatch(raw) and not re.match(r"[0-9]{4}-", raw)):
            mend = number or (print_text(raw) if _DOTTED.fullmatch(raw) else None)
            self.add("Q110", f"{quoted(raw)} is no number; text stands in single quotes", start, end, mend)
        else:
            mend = print_text(raw) if "'" not in raw and '"' not in raw else None
            self.add("Q110", "text and times stand in single quotes", start, end, mend)

    def _half_quoted(self, tokens: Sequence[Token], raw: str) -> None:
        """Note `Marvel'` and `Fred's`."""
        start, quote = tokens[0].start, tokens[-1].start
        before = self.text[start:quote]
        touches = tokens[-2].end == quote
        if touches and self.text[quote + 1 : quote + 2].isalnum():
            mend = print_text(raw) if _simple(raw.replace("'", "", 1)) else None
            self.add("Q110", "text and times stand in single quotes", start, tokens[-1].end, mend)
        elif touches:
            mend = print_text(before) if _simple(before) else None
            self.add("Q102", f"this quote closes nothing: none stands before {quoted(before)}", start, quote + 1, mend)
        else:
            self.add("Q110", "text and times stand in single quotes", start, tokens[-2].end, print_text(before.strip()))
            self._unclosed(tokens)

    def _encoded(self, chunk: Sequence[Token]) -> bool:
        """Note text that is encoded for a URL, as `name%20=%20'x'`."""
        start, end = chunk[0].start, chunk[-1].end
        signs = (token.end - 1 for token in chunk[:_FEW] if token.kind == "SIGNS")
        at = next((sign for sign in signs if self.text[sign] == "%"), None)
        if at is None or not _ENCODED.match(self.text, at):
            return False
        raw = self.text[start:end]
        mend = _decoded(raw)
        self.add("Q117", "this is encoded for a URL; a query is written plainly", start, end, mend)
        return True

    def _late_unit(self, start: int, end: int) -> bool:
        """Note `-1 day`, of which only the number is a value."""
        time = foreign.duration(self.text[start:end])
        if time is None:
            return False
        message = f"the relative time {time.fault}: sign, number and d, h, m or s without blanks, as in -1d"
        self.add("Q118", message, start, end, time.mend)
        return True

    def _ends_early(self, previous: Token, chunk: Sequence[Token]) -> bool:
        """Note a quote that ends a text before its end, or that never ended the text before it."""
        end = previous.end
        if previous.kind not in ("TEXT", "STRING") or end != chunk[0].start:
            return False
        body = self.text[previous.start + 1 : end - 1]
        last = _LAST_WORD.search(body[-_TAIL:])
        if body.endswith("\\"):
            self.add("Q114", "a backslash escapes nothing; a quote inside text is doubled", end - 2, end, "''")
        elif last and self.lexer.is_operator(last[1]) and (not last[1].isalnum() or _KEYWORD.search(body)):
            self.add("Q102", _NEVER_CLOSED, previous.start, previous.start + 1)
        elif chunk[0].kind == "WORD" and self.text[end].isalnum():
            self.add("Q113", "the text ends here; a quote inside text is doubled", end - 1, end, "''")
        else:
            return False
        return True

    def _unclosed(self, chunk: Sequence[Token]) -> bool:
        """Note a quote that is never closed; only where nothing else can be meant it is closed at the end."""
        token = chunk[-1]
        if token.kind != "UNCLOSED":
            return False
        body = self.text[token.start + 1 : token.end]
        if _simple(body):
            self.add("Q102", _NEVER_CLOSED, token.start, token.end, print_text(body))
        else:
            self.add("Q102", _NEVER_CLOSED, token.start, token.start + 1)
        return True

    def _is_ending(self, start: int, end: int) -> bool:
        return self.text[start:end] in foreign.ENDINGS and _END.match(self.text, end) is not None

    def _leave(self, previous: Token, rest: Sequence[Token]) -> None:
        """Keep what follows a value for later, so that a text of any length is explained without recursion."""
        self._rest = (previous, rest) if rest else None

    def _explain(self, end: int) -> None:
        self._explained = max(self._explained, end)

    def _unexplained(self, chunk: Sequence[Token]) -> Sequence[Token]:
        if not chunk or chunk[0].start >= self._explained:
            return chunk
        return chunk[next((n for n, token in enumerate(chunk) if token.start >= self._explained), len(chunk)) :]

    def _of(self, token: Token) -> str:
        return self.text[token.start : token.end]


def _simple(text: str) -> bool:
    """Whether a text cannot hold anything but text."""
    return bool(text) and text == text.strip() and not re.search(r"['\"()\[\]=<>]", text) and not _KEYWORD.search(text)


def _decoded(raw: str) -> str | None:
    """Text without its encoding for a URL; None where it has more than one reading, or none."""
    from urllib.parse import unquote

    try:
        text = unquote(raw, errors="strict")
    except UnicodeDecodeError:
        return None
    if "+" not in raw or " " in raw:
        return text
    # Forms write a blank as `+`, others as `%20`; that of a text may be one itself.
    blank = "%20" not in raw and "+" in re.sub("'[^']*'", "", text)
    return unquote(raw.replace("+", " ")) if blank else None
