"""What is secret, by its name, and how it is masked in addresses and values; `masking` does so in texts.

Secret are passwords, install codes, tokens and keys that let somebody in, and the headers that carry them.
"""

from __future__ import annotations

import re
from typing import Any

#: What stands in the place of a secret.
MASK = "***"
#: Words that make a name secret, as v1 (`install_code`), the older API (`devInstallCode`) and devices spell them.
WORDS = (
    r"pass[\s_-]?(?:word|wd|phrase)|(?<!com)(?<!by)pass[\s_-]?code(?!c)|(?:pwd|psk)(?![a-z])|secret|install[\s_-]?code"
    r"|(?<!next)(?<!next[\s_-])(?<!page)(?<!page[\s_-])(?<!sync)(?<!sync[\s_-])"
    r"(?<!continuation)(?<!continuation[\s_-])token(?![\w-])"
    r"|(?:access|api|auth|refresh|session|transport)[\s_-]?token|sim[\s_-]?(?:pin|puk)(?![a-z])"
    r"|(?:access|api|encryption|pre[\s_-]?shared|private|wep|wpa)[\s_-]?key(?!s)"
)
#: Headers that carry credentials.
HEADERS = frozenset(
    ("authorization", "proxy-authorization", "cookie", "cookie2", "set-cookie", "set-cookie2", "x-api-key")
)
# What a text without secrets has none of: to look for these is much faster than to look for names.
_MARKS = (
    *("pass", "pwd", "psk", "secret", "install", "token", "authorization", "cookie", "private", "shared", "access"),
    *("encryption", "wep", "wpa", "apik", "api_", "api-", "api ", "simp", "sim_", "sim-", "sim ", "\\u00", "&#"),
)
# A letter that is percent-encoded for no reason.
_CODED = re.compile(r"%(?:[46][1-9a-f]|[57][0-9a])", re.IGNORECASE)
_WORDS = re.compile(WORDS, re.IGNORECASE)
# Rules for passwords, such as `password_minimum_length`: their numbers are no secret.
_RULE = re.compile(r"password_(?:minimum|require)_", re.IGNORECASE)
_USER = re.compile(r"^([a-z][a-z0-9+.-]*://)[^/?#]*@", re.IGNORECASE)


def is_secret(name: str) -> bool:
    """Whether what stands under this name (of a field, a parameter, a column, a header) is secret."""
    if _WORDS.search(name) is not None:
        return True
    plain = name.strip().lower().replace("_", "-")
    return plain in HEADERS or plain.startswith("x-api-key-")


def may_hold(text: str) -> bool:
    """Whether something in a text may be secret. Fast."""
    lower = text.lower()
    if any(mark in lower for mark in _MARKS) or _CODED.search(text) is not None:
        return True
    return "@" in text and ("://" in text or ":\\/" in text)


def hides(name: str, value: object) -> bool:
    """Whether a JSON value under this name is to be masked: what says nothing is not, nor is the number of a rule."""
    if value is None or value == "" or isinstance(value, bool) or not is_secret(name):
        return False
    return not (isinstance(value, int | float) and _RULE.match(name))


def shown(url: str) -> str:
    """An address as logs and errors may show it: user, password and the values of secret parameters are masked."""
    if "@" in url:
        url = _USER.sub(rf"\1{MASK}@", url)
    if not may_hold(url):
        return url
    from digirm_runtime.masking import Masker

    return Masker().url(url)


def masked(value: Any) -> Any:
    """A JSON value with its secrets masked."""
    from digirm_runtime.masking import Masker

    return Masker().value(value)
