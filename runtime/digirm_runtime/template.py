"""Path templates such as `/ws/v1/users/inventory/{username:.+}`: reading them, and filling them so that no value can
reach another template.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache, lru_cache
from typing import NamedTuple, TypeAlias
from urllib.parse import quote, unquote


class Arg(NamedTuple):
    """A variable part: its name in the template, and whether its value may hold `/`."""

    wire: str
    multi: bool


Segment: TypeAlias = "tuple[str | Arg, ...]"

_LITERAL = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@-]+")
#: A percent sign that was encoded any number of times.
_PERCENT = re.compile(r"%(?:25)+")
#: Templates of which `shape` keeps the answer at hand.
_MAX_SHAPES = 16_384


def parse(template: str) -> tuple[Segment, ...]:
    """The segments of a template that begins with `/`; each is a tuple of literal text and arguments.

    A pattern behind `:` is read for one thing: whether it lets `/` through. Raises ValueError for what is no template.
    """
    if not template.startswith("/"):
        raise ValueError("does not begin with '/'")
    segments: list[Segment] = []
    parts: list[str | Arg] = []
    text = ""
    position = 1
    while position <= len(template):
        char = template[position] if position < len(template) else "/"
        if char == "{":
            end = _closing(template, position)
            name, _, pattern = template[position + 1 : end].partition(":")
            if not name.strip():
                raise ValueError("has an argument without a name")
            if text:
                parts.append(text)
                text = ""
            parts.append(Arg(name.strip(), bool(pattern) and _lets_slash(pattern)))
            position = end
        elif char == "/":
            if text:
                parts.append(text)
                text = ""
            segments.append(_segment(parts))
            parts = []
        else:
            text += char
        position += 1
    seen = [part.wire for segment in segments for part in segment if isinstance(part, Arg)]
    if len(seen) != len(set(seen)):
        raise ValueError("names an argument twice")
    return tuple(segments)


def _closing(template: str, start: int) -> int:
    depth = 0
    for position in range(start, len(template)):
        depth += {"{": 1, "}": -1}.get(template[position], 0)
        if depth == 0:
            return position
    raise ValueError("has an unclosed '{'")


def _lets_slash(pattern: str) -> bool:
    # The pattern is the server's text: it is looked at, never compiled.
    return pattern in (".+", ".*") or pattern.startswith((".+", ".*"))


def _segment(parts: Sequence[str | Arg]) -> Segment:
    if not parts:
        raise ValueError("has an empty segment")
    for part in parts:
        if isinstance(part, str) and not _LITERAL.fullmatch(part):
            raise ValueError(f"has a segment that no address can hold: {part!r}")
    if sum(isinstance(part, Arg) for part in parts) > 2:
        # More could be told apart in many ways, and looking for them all takes for ever.
        raise ValueError("has a segment of more than two arguments")
    if len(parts) == 1 and parts[0] in (".", ".."):
        raise ValueError("has a dot segment")
    return tuple(parts)


@lru_cache(_MAX_SHAPES)
def shape(path: str) -> str:
    """A template without the names of its arguments: what makes two requests the same.

    `/parts/{id}` and `/parts/{partId:[0-9]{2}}` are `/parts/{}`. Raises ValueError for what is no template.
    """
    return "".join(
        "/" + "".join(part if isinstance(part, str) else "{}" for part in segment) for segment in parse(path)
    )


def args(segments: Iterable[Segment]) -> tuple[Arg, ...]:
    """The arguments of a template in order."""
    return tuple(part for segment in segments for part in segment if isinstance(part, Arg))


def literals(segments: Iterable[Segment]) -> tuple[str, ...]:
    """The segments without arguments: the names under which an operation is found."""
    return tuple(part for segment in segments if len(segment) == 1 and isinstance(part := segment[0], str))


def fill(segments: Iterable[Segment], values: Sequence[object]) -> str:
    """The path with `values` in place of the arguments, each percent-encoded whole.

    Raises ValueError for None, empty or blank values and for `.` or `..` in any encoding: none of these can name an
    object, and each could reach another address.
    """
    remaining = iter(values)
    path = ""
    for segment in segments:
        path += "/" + "".join(part if isinstance(part, str) else _encode(part, next(remaining)) for part in segment)
    return path


def _encode(arg: Arg, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"{arg.wire} must be text or a whole number, not {type(value).__name__}")
    text = str(value)
    for piece in text.split("/") if arg.multi else [text]:
        plain = decoded(piece)
        if not plain.strip() or plain.strip() in (".", ".."):
            raise ValueError(f"{arg.wire} must not be empty, blank, '.' or '..': {text!r}")
    try:
        return quote(text, safe="/" if arg.multi else "")
    except UnicodeEncodeError:
        raise ValueError(f"{arg.wire} holds characters that no address can: {text!r}") from None


def split(path: str) -> list[str]:
    """The decoded segments of a path."""
    return [unquote(piece) for piece in path.split("/")[1:]]


def decoded(text: str) -> str:
    """`text` with every level of percent-encoding undone, as a careless proxy would."""
    while (plain := unquote(_PERCENT.sub("%", text))) != text:
        text = plain
    return text


def matches(segments: Sequence[Segment], path: Sequence[str]) -> bool:
    """Whether the decoded path segments fit the template."""

    @cache
    def fits(i: int, j: int) -> bool:
        if i == len(segments) or j == len(path):
            return i == len(segments) and j == len(path)
        longest = len(path) if _is_multi(segments[i]) else j + 1
        return any(_fits(segments[i], "/".join(path[j:end])) and fits(i + 1, end) for end in range(j + 1, longest + 1))

    return fits(0, 0)


def _fits(segment: Segment, text: str) -> bool:
    if len(segment) == 1:
        return bool(text) if isinstance(segment[0], Arg) else segment[0] == text
    pattern = "".join(".+" if isinstance(part, Arg) else re.escape(part) for part in segment)
    return re.fullmatch(pattern, text, re.DOTALL) is not None


def widen(segments: Iterable[Segment], names: Collection[str]) -> tuple[Segment, ...]:
    """The same template with the arguments named marked as holding `/`."""
    return tuple(
        tuple(Arg(p.wire, True) if isinstance(p, Arg) and p.wire in names else p for p in segment)
        for segment in segments
    )


def render(segments: Iterable[Segment]) -> str:
    """A template's text: arguments as `{name}`, or `{name:.+}` where they may hold `/`."""
    return "".join(
        "/" + "".join(p if isinstance(p, str) else f"{{{p.wire}:.+}}" if p.multi else f"{{{p.wire}}}" for p in segment)
        for segment in segments
    )


def rivals(own: Sequence[Segment], others: Mapping[str, Sequence[Segment]]) -> tuple[str, ...]:
    """Those of `others` (by template) that some value of `own`'s arguments could reach, and that are not wider than it.

    `/jobs/{id}` could reach `/jobs/bulk`; `/jobs/bulk` could not reach anything.
    """
    # A path that only this template's own arguments can make: a template that takes it too is wider, or the same.
    generic = split(fill(own, ["\x00generic"] * len(args(own))))
    return tuple(
        sorted(render(theirs) for theirs in others.values() if not matches(theirs, generic) and _overlap(own, theirs))
    )


def _overlap(one: Sequence[Segment], two: Sequence[Segment]) -> bool:
    """Whether some path fits both templates."""

    @cache
    def meet(i: int, j: int) -> bool:
        if i == len(one) or j == len(two):
            return i == len(one) and j == len(two)
        if not _may_equal(one[i], two[j]):
            return False
        # An argument that holds `/` may take more than one segment of the other.
        return (
            meet(i + 1, j + 1)
            or (_is_multi(one[i]) and j + 1 < len(two) and meet(i, j + 1))
            or (_is_multi(two[j]) and i + 1 < len(one) and meet(i + 1, j))
        )

    return meet(0, 0)


def _is_multi(segment: Segment) -> bool:
    return any(isinstance(part, Arg) and part.multi for part in segment)


def _may_equal(a: Segment, b: Segment) -> bool:
    if len(a) == 1 and isinstance(a[0], str):
        return _fits(b, a[0])
    if len(b) == 1 and isinstance(b[0], str):
        return _fits(a, b[0])
    return True
