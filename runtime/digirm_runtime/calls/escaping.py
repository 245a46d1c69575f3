"""How HTTPie writes names and values in one word, such as `name==value`, and how such a word is read.

A backslash before one of `=`, `:`, `;` and `@` makes it an ordinary character; before any other character it is one
itself.
"""

from __future__ import annotations

from digirm_runtime.calls.planned import CallError

#: The longest first, which counts where several begin at one place.
SEPARATORS = (":=@", "==@", "=@", ":@", ":=", "==", "=", ":", ";", "@")
_SPECIAL = frozenset("=:;@")


def split(item: str) -> tuple[str, str, str]:
    """(name, separator, value) of one item. Raises CallError for one without a separator."""
    chars: list[str] = []
    bare: list[bool] = []
    position = 0
    while position < len(item):
        char, following = item[position], item[position + 1 : position + 2]
        position += 1
        if char != "\\" or not following:
            chars.append(char)
            bare.append(True)
            continue
        position += 1
        if following in _SPECIAL:
            chars.append(following)
            bare.append(False)
        else:  # both stay, and the second cannot escape what comes after it
            chars += [char, following]
            bare += [True, True]
    text = "".join(chars)
    for start in range(len(text)):
        for separator in SEPARATORS:
            end = start + len(separator)
            if text.startswith(separator, start) and all(bare[start:end]):
                return text[:start], separator, text[end:]
    raise CallError(f"{item!r} is no item: write name==value for a parameter, name=value for a field of the body")


def spell(name: str, separator: str, value: str) -> str | None:
    """The item of this name and value; None where HTTPie has no way to write it."""
    if name.endswith("\\") or name.startswith("-"):  # an escape, an option
        return None
    escaped = "".join(f"\\{char}" if char in _SPECIAL else char for char in name)
    first = f"\\{value}" if value[:1] in _SPECIAL and value else value
    for written in (f"{escaped}{separator}{value}", f"{escaped}{separator}{first}"):
        if split(written) == (name, separator, value):
            return written
    return None
