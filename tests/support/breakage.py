"""Every fault that a walk has to survive: what the server writes in place of a good answer, whose body is given."""

from __future__ import annotations

import gzip
from collections.abc import Callable

from tests.support.wire import Wire, chunked, http, past

Fault = Callable[[bytes], Wire]

HTML = b"<!DOCTYPE html><html><body><h1>Gateway</h1>\xe4</body></html>"
_HTML = ("content-type", "text/html")
_GZIP = ("content-encoding", "gzip")
_CHUNKED = ("transfer-encoding", "chunked")


def refused(_: bytes) -> Wire:
    """The connection is refused: no request comes that could be answered."""
    raise AssertionError("a refused connection has no answer")


def _flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


#: An error status that passes.
STATUSES: dict[str, Fault] = {
    "429": lambda _: http(429, b'{"error_message": "too fast", "error_status": 429}'),
    "429 retry-after seconds": lambda _: http(429, b"", ("retry-after", "0")),
    "429 retry-after date": lambda _: http(429, b"", ("Retry-After", past())),
    "429 retry-after nonsense": lambda _: http(429, b"", ("retry-after", "soon")),
    "500": lambda _: http(500, b'{"error_message": "oops", "error_status": 500}'),
    "500 that closes": lambda _: http(500, b"Internal Server Error", ("connection", "close"), then="close"),
    "502 HTML": lambda _: http(502, HTML, _HTML),
    "503 retry-after": lambda _: http(503, b"", ("retry-after", "0")),
    "503 empty": lambda _: http(503),
    "504 HTML": lambda _: http(504, HTML, _HTML),
    "504 truncated HTML": lambda _: http(504, HTML[:20], _HTML, declared=len(HTML), then="close"),
    "500 with damaged gzip": lambda _: http(500, b"no gzip", _GZIP),
}

#: A connection that breaks before an answer is complete.
BREAKS: dict[str, Fault] = {
    "dropped before headers": lambda _: Wire(),
    "reset before headers": lambda _: Wire((), "reset"),
    "dropped in the status line": lambda _: Wire((b"HTTP/1.",)),
    "dropped in the headers": lambda _: Wire((b"HTTP/1.1 200 OK\r\ncontent-type: applica",)),
    "dropped after headers": lambda page: http(200, b"", declared=len(page), then="close"),
    "truncated": lambda page: http(200, page[: len(page) // 2], declared=len(page), then="close"),
    "reset in the body": lambda page: http(200, page[: len(page) // 2], declared=len(page), then="reset"),
    "chunks that stop": lambda page: http(200, chunked(page[:9], page[9:], end=b""), _CHUNKED, then="close"),
    "chunks of garbage": lambda page: http(200, chunked(page[:9], end=b"zz\r\n" + page), _CHUNKED, then="close"),
    "not HTTP": lambda _: Wire((b"SSH-2.0-OpenSSH_9.2\r\n\x00\x01",)),
    "two lengths": lambda page: http(200, page, ("content-length", "3"), ("content-length", "4"), then="close"),
    "a length that is none": lambda page: http(200, page, ("content-length", "-5"), declared=-1, then="close"),
}

#: A complete answer whose body cannot be what was asked for.
BODIES: dict[str, Fault] = {
    "empty": lambda _: http(200),
    "JSON that ends early": lambda page: http(200, page[:-1]),
    "JSON that ends early, unannounced": lambda page: http(200, page[: len(page) // 2], declared=-1, then="close"),
    "JSON and more": lambda page: http(200, page + b"}"),
    "no JSON": lambda _: http(200, b"OK"),
    "HTML as JSON": lambda _: http(200, HTML),
    "HTML": lambda _: http(200, HTML, _HTML),
    "invalid UTF-8": lambda page: http(200, page.replace(b'"name"', b'"na\xffe"', 1)[:-1] + b', "x": "\xc3("}'),
    "nested too deep": lambda _: http(200, b"[" * 100_000),
    "gzip that is none": lambda page: http(200, page, _GZIP),
    "gzip damaged": lambda page: http(200, _flipped(gzip.compress(page), -6), _GZIP),
    "gzip cut": lambda page: http(200, gzip.compress(page)[:-20], _GZIP),
    "deflate that is none": lambda page: http(200, page, ("content-encoding", "deflate")),
    "an encoding that nobody asked for": lambda _: http(200, b"\x1b\x00\xff", ("content-encoding", "br")),
}

FAULTS: dict[str, Fault] = STATUSES | BREAKS | BODIES | {"refused": refused}

#: Good answers in unusual forms.
FORMS: dict[str, Fault] = {
    "byte by byte": lambda page: Wire(tuple(bytes([byte]) for byte in http(200, page).pieces[0]), "keep"),
    "chunks": lambda page: http(200, chunked(page[:1], page[1:7], page[7:]), _CHUNKED),
    "chunks with extensions and a trailer": lambda page: http(
        200, b"%x;a=b\r\n%s\r\n0\r\nx-sum: 1\r\n\r\n" % (len(page), page), _CHUNKED
    ),
    "gzip": lambda page: http(200, gzip.compress(page), _GZIP),
    "gzip byte by byte": lambda page: Wire(
        tuple(bytes([byte]) for byte in http(200, gzip.compress(page), _GZIP).pieces[0]), "keep"
    ),
    "until the end": lambda page: http(200, page, declared=-1, then="close"),
    "closed behind it": lambda page: http(200, page, ("connection", "close"), then="close"),
    "100 first": lambda page: Wire((b"HTTP/1.1 100 Continue\r\n\r\n", *http(200, page).pieces), "keep"),
    "103 first": lambda page: Wire(
        (b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n" * 3, *http(200, page).pieces), "keep"
    ),
    "status 299": lambda page: http(299, page),
    "other words for JSON": lambda page: http(200, page, ("Content-Type", "Application/Vnd.Digi+JSON; charset=UTF-8")),
    "no content type": lambda page: http(200, page, ("content-type", "")),
    "UTF-16": lambda page: http(200, page.decode().encode("utf-16")),
    "half a surrogate pair": lambda page: http(200, page[:-1] + b', "x": "\\ud83d"}'),
    "not a number": lambda page: http(200, page[:-1] + b', "x": NaN}'),
    "blanks around it": lambda page: http(200, b" \r\n\t" + page + b"\n\n"),
    "a header of 32 KB": lambda page: http(200, page, ("x-long", "x" * 32_000)),
    "many headers": lambda page: http(200, page, *[(f"x-{number}", "y") for number in range(200)]),
    "HTTP/1.0": lambda page: Wire((http(200, page).pieces[0].replace(b"HTTP/1.1", b"HTTP/1.0", 1),), "close"),
}
