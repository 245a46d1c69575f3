"""The service's own word on a query it could not read, as a report like those made offline.

The one such answer that is recorded is a report of the parser library Parboiled (or its fork Grappa): what was met and
what was expected, a line and a column from 1 on, then the line and a caret. What the service says is untrusted text.
"""

from __future__ import annotations

import re

from digirm_runtime.errors import SpecError
from digirm_runtime.query.diagnostics import Diagnostic, one_line
from digirm_runtime.query.report import Report, SpecInfo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from digirm_runtime.query.language import Language

_PLACE = re.compile(r"\(line ([0-9]{1,6}), pos ([0-9]{1,9})\)(?::[^\S\n]*\n([^\n]*))?")
#: Characters of a message in which the place is looked for: what is expected may be a long list.
_FAR = 10_000


class _Service(SpecInfo):
    """The judge was the service; the client's spec may explain its verdict."""

    __slots__ = ()

    def __str__(self) -> str:
        return f"the service; explained by {super().__str__()}" if self.provenance else "the service"


def read(message: str, text: str, endpoint: str | None = None, language: Language | None = None) -> Report | None:
    """The report on a query that the service refused with `message`; None where that names no place in `text`.

    `text` is the query as it was sent. Where `language` finds a fault at that place (for `endpoint`, if it knows that),
    the fault keeps its code and suggestion, and the service's words stand behind it; elsewhere they are a Q501. Other
    errors that `language` finds in the query follow. `str()` of the report shows the text with carets.
    """
    found = _PLACE.search(message[:_FAR])
    if found is None:
        return None
    offset = _offset(text, int(found[1]), int(found[2]), found[3])
    if offset is None:
        return None
    words = one_line(message[: found.start()].strip()) or "the query cannot be read"
    own = _own(text, endpoint, language)
    at = next((each for each in own.diagnostics if _stands_at(each, offset, text)), None)
    if at is None:
        first = Diagnostic("Q501", "error", f"the service: {words}", offset, min(offset + 1, len(text)))
    else:
        said = "" if words in at.message else f" (the service: {words})"
        first = at._replace(severity="error", message=at.message + said)
    rest = [each for each in own.diagnostics if each is not at and _of_query(each) and each.severity == "error"]
    spec = _Service(own.spec.api_version, own.spec.provenance, own.spec.fingerprint)
    return Report(own.texts, [first, *rest], spec=spec, endpoint=endpoint, query=own.query)


def _offset(text: str, line: int, column: int, shown: str | None) -> int | None:
    """The offset of a line and column, both from 1 on; None where `text` has no such place or is not what is shown."""
    lines = text.split("\n")
    if not 0 < line <= len(lines):
        return None
    here = lines[line - 1]
    # The parser runs on Java, whose characters are those of UTF-16.
    units = here.encode("utf-16-le", "surrogatepass")
    if not 0 < column <= len(units) // 2 + 1 or (shown is not None and shown.strip() != here.strip()):
        return None
    before = units[: 2 * (column - 1)].decode("utf-16-le", "ignore")
    return sum(len(each) + 1 for each in lines[: line - 1]) + len(before)


def _own(text: str, endpoint: str | None, language: Language | None) -> Report:
    """What digirm finds offline; nothing where it knows no language or cannot read its files."""
    if language is not None:
        try:
            return language.check(endpoint, text)
        except SpecError:
            pass  # the service's answer is what must be told
    return Report({"query": text}, (), spec=SpecInfo("", "", ""), endpoint=endpoint)


def _stands_at(diagnostic: Diagnostic, offset: int, text: str) -> bool:
    """Whether a fault of the query holds an offset; the end of the text belongs to the fault that ends there."""
    end = diagnostic.end + (diagnostic.end == len(text))
    return _of_query(diagnostic) and diagnostic.start <= offset < end


def _of_query(diagnostic: Diagnostic) -> bool:
    return diagnostic.parameter == "query"
