"""Credentials that are searched for in everything that a program or a log could show."""

from __future__ import annotations

import logging
import pickle
import traceback
from base64 import b64encode
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

from digirm_runtime.errors import RemoteManagerError

USER = "canary-user"
PASSWORD = "can+ary/p4ss word"
KEY_ID = "canary-key"
SECRET = "canary/s3cret+key"
#: For parameters, bodies and headers that are secret by their name.
HIDDEN = "canary-hidden-value"

AUTH = (USER, PASSWORD)


def _forms(*words: str) -> set[str]:
    """How a word may be written."""
    return {
        form for word in words for form in (word, quote(word), quote(word, safe=""), quote_plus(word), repr(word)[1:-1])
    }


_CREDENTIALS = _forms(PASSWORD, SECRET) | {b64encode(f"{USER}:{PASSWORD}".encode()).decode().rstrip("=")}
_WORDS = _CREDENTIALS | _forms(HIDDEN)

#: What an error keeps of the answer as it was, for programs.
_RAW = ("body", "error_context")


def leaks(text: str) -> set[str]:
    """The secrets that stand in a text."""
    return {word for word in _WORDS if word in text}


def chain(error: BaseException) -> Iterator[BaseException]:
    """The error with every cause and context behind it."""
    pending, seen = [error], set[int]()
    while pending:
        one = pending.pop()
        if id(one) not in seen:
            seen.add(id(one))
            yield one
            pending += [other for other in (one.__cause__, one.__context__) if other is not None]


def variables(error: BaseException) -> Iterator[str]:
    """The local variables of every frame of a traceback, which error reporters send with it.

    Not of the tests' own frames: they know the credentials.
    """
    for one in chain(error):
        for frame, _ in traceback.walk_tb(one.__traceback__):
            if "/tests/" not in frame.f_code.co_filename:
                yield from map(_shown, list(frame.f_locals.values()))


def showings(error: BaseException) -> Iterator[str]:
    """All that a program or a log could show of an error, but the raw bytes of an answer."""
    for one in chain(error):
        yield str(one)
        yield repr(one)
        yield repr(one.args)
        yield repr({name: value for name, value in vars(one).items() if name not in _RAW})
    yield "".join(traceback.format_exception(error))


def _shown(value: object) -> str:
    try:
        return repr(value)
    except Exception:
        # Not finished when the error came.
        return ""


def check_error(error: RemoteManagerError) -> None:
    """An error shows no credentials, and survives pickling with all that it knows."""
    for text in showings(error):
        assert not leaks(text), text
    data = pickle.dumps(error)
    assert not any(word in data.decode("latin-1") for word in _CREDENTIALS)
    again = pickle.loads(data)
    assert type(again) is type(error)
    assert (str(again), again.args) == (str(error), error.args)
    assert repr(vars(again)) == repr(vars(error))
    assert repr(again) == repr(error)


def check_variables(error: BaseException) -> None:
    """The credentials are in no local variable of the frames that an error came through."""
    for text in variables(error):
        assert not any(word in text for word in _CREDENTIALS), text


class LogSearch(logging.Handler):
    """Keeps every record of every logger, as text and with its arguments."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.name}: {record.getMessage()} {record.args!r}")
        if record.exc_info and record.exc_info[1] is not None:
            self.lines += showings(record.exc_info[1])
