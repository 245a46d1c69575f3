"""One call, and its answer on standard output or in a file."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digirm_cli.common import stdin, unread
from digirm_runtime.calls.planned import STDIN, CallError
from digirm_runtime.calls.sending import operation, sent
from digirm_runtime.text import printable

if TYPE_CHECKING:
    from digirm_runtime.calls.known import Known
    from digirm_runtime.calls.planned import Planned
    from digirm_runtime.client import Client
    from digirm_runtime.operation import Operation
    from digirm_runtime.wire import Response

_TEXTS = ("application/xml", "application/csv")
_PRETTY = 2
#: So many bytes of one answer are held at most, to check it or for a terminal; a longer one passes through.
_HELD = 8 << 20
#: So long may a page of `--all` be.
_PAGE = 64 << 20


class BinaryError(Exception):
    """An answer that would upset a terminal; the text says what to do."""


def one(client: Client, planned: Planned, known: Known | None, out: str | None) -> None:
    """Send a call and write its answer.

    Raises APIError, TransportError; BinaryError where a terminal would get bytes, or too many of them; OSError for a
    file that cannot be written, before anything is sent.
    """
    asked = _operation(planned, known, "call", accept="*/*")
    terminal = out is None and sys.stdout.isatty()
    with _sink(out) as write:
        # What can be checked is read within the flow: a body that is broken is asked for again.
        response = sent(client, asked, partial(_begin, terminal=terminal))
        try:
            if out is None and isinstance(response.body, bytes):
                write(_printed(response, response.body, terminal=terminal))
            else:
                for chunk in response.chunks():
                    write(chunk)
        finally:
            response.close()


def all_items(client: Client, planned: Planned, known: Known | None, out: str | None) -> None:
    """Write every item of a list as a line of JSON, page after page. Raises what `one` raises."""
    from digirm_runtime.paging import Listing

    listing = Listing(client, _operation(planned, known, "list", accept="application/json"))
    terminal = out is None and sys.stdout.isatty()
    with _sink(out) as write:
        for page in listing.pages():
            write(b"".join(_line(item, terminal=terminal) for item in page))


def _operation(planned: Planned, known: Known | None, kind: str, *, accept: str) -> Operation[Any]:
    """The operation of a call, its file read. Raises CallError for a file that cannot be read."""
    content = None if planned.file is None else _content(planned.file)
    max_bytes = _PAGE if kind == "list" else _HELD
    return operation(planned, known, kind, accept=accept, content=content, max_bytes=max_bytes)


def _content(file: str) -> bytes:
    try:
        return stdin().read() if file == STDIN else Path(file).read_bytes()
    except (OSError, ValueError) as error:
        raise CallError(unread(file, error)) from None


def _kind(response: Response) -> str:
    return response.headers.get("content-type", "").partition(";")[0].strip().lower()


def _is_json(kind: str) -> bool:
    return kind == "application/json" or kind.endswith("+json")


def _begin(response: Response, *, terminal: bool) -> Response:
    """An answer before it is written: as bytes where all of it is held, with its JSON checked; else it comes in pieces.

    Raises TransportError for a broken one, BinaryError for one that is too long for a terminal.
    """
    from digirm_runtime.flow import decode_json

    json_text = _is_json(_kind(response))
    try:
        if (terminal or json_text) and not _hold(response) and terminal:
            raise BinaryError(f"more than {_HELD >> 20} MiB are nothing for a terminal: --out FILE")
        if json_text and isinstance(response.body, bytes):
            decode_json(response, required=response.asked[0] == "GET")
    except BaseException:
        response.close()
        raise
    return response


def _hold(response: Response) -> bool:
    """Read an answer to its end, unless it is too long: then it is as if nothing had been read of it."""
    from digirm_runtime.bodies import Body

    body = response.body
    if isinstance(body, bytes):
        return True
    held: list[bytes] = []
    rest, size = iter(body), 0
    for chunk in rest:
        held.append(chunk)
        size += len(chunk)
        if size > _HELD:
            whole = (piece for part in (held, rest) for piece in part)
            response.body = Body(whole, getattr(body, "close", lambda: None))
            return False
    response.body = b"".join(held)
    return True


def _printed(response: Response, body: bytes, *, terminal: bool) -> bytes:
    """What is printed of an answer that is held. Raises BinaryError."""
    kind = _kind(response)
    if _is_json(kind):
        return _json(body, terminal=terminal) if body.strip() else b""
    if not terminal:
        return body
    if kind.startswith("text/") or kind in _TEXTS or kind.endswith("+xml"):
        lines = _text(body).replace("\r\n", "\n").split("\n")
        shown = "\n".join("\t".join(map(printable, line.split("\t"))) for line in lines)
        return shown.encode() + b"\n" * (not shown.endswith("\n"))
    if body:
        raise BinaryError(f"{len(body)} bytes of {kind or 'an unknown kind'} are nothing for a terminal: --out FILE")
    return b""


def _text(body: bytes) -> str:
    """Text for a terminal; the older API writes ISO-8859-1."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body.decode("iso-8859-1")


def _json(body: bytes, *, terminal: bool) -> bytes:
    """JSON on one line, or laid out for a terminal, whose cursor nothing in it moves; numbers stay as they came."""
    import msgspec

    try:
        text = msgspec.json.format(body, indent=_PRETTY if terminal else -1).decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # Halves of surrogate pairs, a byte order mark, NaN: what this parser refuses and the other one reads.
        layout: dict[str, Any] = {"indent": _PRETTY} if terminal else {"separators": (",", ":")}
        text = json.dumps(json.loads(body), **layout)
    if terminal:
        text = "\n".join(map(_escaped, text.split("\n")))
    return text.encode() + b"\n"


def _escaped(line: str) -> str:
    """A line of JSON with JSON's own escapes for what is not printable."""
    if line.isprintable():
        return line
    return "".join(char if char.isprintable() else _escape(char) for char in line)


def _escape(char: str) -> str:
    return f"\\u{ord(char):04x}" if char < "\x80" else json.dumps(char)[1:-1]


def _line(item: Any, *, terminal: bool) -> bytes:
    text = json.dumps(item, ensure_ascii=False, separators=(",", ":"))
    try:
        return (_escaped(text) if terminal else text).encode() + b"\n"
    except UnicodeEncodeError:  # half of a surrogate pair
        return json.dumps(item, separators=(",", ":")).encode() + b"\n"


@contextmanager
def _sink(out: str | None) -> Iterator[Callable[[bytes], None]]:
    """What takes the bytes: standard output, or a file that appears when it is complete."""
    if out is not None:
        from digirm_runtime.saving import beside

        with beside(out) as file:

            def save(data: bytes) -> None:
                file.write(data)

            yield save
        return
    stream = sys.stdout
    if isinstance(stream, io.TextIOWrapper):
        stream.flush()
        binary = stream.buffer

        def write(data: bytes) -> None:
            binary.write(data)
            binary.flush()

        yield write
    else:  # a stream of a program that runs the command
        yield lambda data: print(data.decode("utf-8", "replace"), end="", file=stream)
