"""The Lark grammar of a language: `grammar.lark.jinja` rendered with a spec's terminals."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from digirm_runtime.errors import SpecError
from digirm_runtime.query.lexer import forms

_FINGERPRINT = re.compile(r"sha256:[0-9a-f]{64}")


def render(tables: dict[str, Any]) -> str:
    """The grammar's text (LALR). Raises SpecError where something in the tables cannot be written safely."""
    import jinja2

    environment = jinja2.Environment(  # noqa: S701 - the output is a grammar, and every value is quoted below
        undefined=jinja2.StrictUndefined, keep_trailing_newline=True, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(Path(__file__).with_name("grammar.lark.jinja").read_text("utf-8"))
    fingerprint = tables["spec"]["fingerprint"]
    return template.render(
        fingerprint=fingerprint if _FINGERPRINT.fullmatch(fingerprint) else "unknown",
        forms=forms(tables["terminals"]),
        terminals=[(name, _regex(pattern)) for name, pattern in tables["terminals"].items()],
    )


def _regex(pattern: str) -> str:
    """A pattern between slashes, so that none of its characters can end it."""
    try:
        re.compile(pattern)
    except re.error as error:
        raise SpecError(f"{pattern!a} is no regular expression: {error}") from None
    if not pattern.isprintable():
        raise SpecError(f"{pattern!a} cannot be written in a grammar")
    return "/" + re.sub(r"(\\.)|/", lambda m: m[1] or r"\/", pattern) + "/"
