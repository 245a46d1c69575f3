"""A call in other words: for curl, for HTTPie, as a Python program, as a request of an editor's `.http` file.

No credentials stand in any of them. curl and HTTPie find those of netrc by themselves, and those of the environment are
named by their variables. Whatever a user wrote is quoted for a POSIX shell, and reaches the service unchanged.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from shlex import quote
from typing import TYPE_CHECKING, Any
from urllib.parse import quote as percent

from digirm_cli.items import ItemError, spell
from digirm_cli.planned import STDIN
from digirm_runtime.text import printable

if TYPE_CHECKING:
    from digirm_cli.known import Known
    from digirm_cli.planned import Planned
    from digirm_runtime.credentials import Credentials

#: Between the parts of a command that is too long for a line.
_NEXT_LINE = " \\\n    "
_KEY_VARIABLES = {"X-API-KEY-ID": "DIGIRM_API_KEY_ID", "X-API-KEY-SECRET": "DIGIRM_API_KEY_SECRET"}
_USER = '"$DIGIRM_USERNAME:$DIGIRM_PASSWORD"'
#: Items of a page that was not asked for with a size (documented, and the most that a page can have).
_PAGE = 1000


def curl(planned: Planned, credentials: Credentials | None) -> str:
    """The call for curl, 7.76 or later. It ends with 22 where the service answers with an error."""
    parts = ["curl -sS --fail-with-body"]
    if credentials is None or credentials.netrc is not None:
        parts.append(_netrc(credentials))
    elif _has_key(credentials):
        parts += [f'-H "{name}: ${variable}"' for name, variable in _KEY_VARIABLES.items()]
    else:
        parts.append(f"-u {_USER}")
    if planned.method != "GET" and not (planned.method == "POST" and _has_body(planned)):
        parts.append(f"-X {planned.method}")
    for name, value in planned.sent_headers.items():
        # Without a value curl leaves a header out, save where a semicolon ends it.
        if (name, value) != ("Accept", "*/*"):
            parts.append(f"-H {quote(f'{name}: {value}' if value else f'{name};')}")
    apart = not _has_body(planned) and planned.method != "POST" and _readable(planned.params)
    if apart:
        parts += ["-G", *(f"--data-urlencode {quote(f'{name}={value}')}" for name, value in planned.params.items())]
    if planned.fields is not None:
        parts.append(f"--data-raw {quote(_json(planned.fields))}")
    elif planned.file is not None:
        parts.append(f"--data-binary {quote('@' + planned.file)}")
    address = planned.url.rstrip("/") + planned.path if apart else planned.address
    # What looks like a pattern of addresses to curl is the host's.
    parts.append(f"{'-g ' if '[' in address else ''}{quote(address)}")
    return _NEXT_LINE.join(parts)


def httpie(planned: Planned, credentials: Credentials | None) -> str:
    """The call for HTTPie, 3.0 or later. It ends with 4 or 5 where the service answers with an error.

    Raises ItemError for a header that HTTPie has no way to write.
    """
    # Without a terminal HTTPie would wait for a body on standard input, also where there is one already.
    parts = ["http --check-status" + ("" if planned.file is not None else " --ignore-stdin")]
    headers: list[str] = []
    if credentials is not None and credentials.netrc is None:
        if _has_key(credentials):
            # Else it would send what netrc has for the host, too.
            parts.append("--ignore-netrc")
            headers = [f'"{name}:${variable}"' for name, variable in _KEY_VARIABLES.items()]
        else:
            parts.append(f"-a {_USER}")
    if planned.fields is not None:
        parts.append(f"--raw {quote(_json(planned.fields))}")
    items = [spell(name, "==", value) for name, value in planned.params.items()] if _readable(planned.params) else []
    readable = [item for item in items if item is not None]
    apart = len(readable) == len(planned.params)
    address = planned.url.rstrip("/") + planned.path if apart else planned.address
    parts.append(f"{planned.method} {quote(address)}")
    parts += [quote(item) for item in readable] if apart else []
    for name, value in planned.sent_headers.items():
        item = spell(name, ":", value) if value else f"{name};"
        if item is None:
            raise ItemError(f"HTTPie has no way to write the header {name}: try --curl")
        # With a body it would ask for JSON.
        if (name, value) != ("Accept", "*/*") or _has_body(planned):
            headers.append(quote(item))
    parts += headers
    if planned.file is not None and planned.file != STDIN:
        parts.append(f"< {quote(planned.file)}")
    return _NEXT_LINE.join(parts)


def http_file(planned: Planned, credentials: Credentials | None) -> str:
    """The call for the REST clients of VS Code and of JetBrains' editors; credentials are the editor's variables.

    Raises ItemError for what such a file cannot hold.
    """
    if planned.file == STDIN:
        raise ItemError("an editor has no standard input: name the body's file with --body")
    if any("{{" in value for value in (planned.url, *planned.headers.values())):
        raise ItemError("an editor would take {{ for a variable's name")
    lines = [
        f"@host = {printable(planned.url.rstrip('/'))}",
        "",
        f"### {planned.method} {printable(planned.path)}",
        f"{planned.method} {{{{host}}}}{planned.target}",
    ]
    if credentials is not None and _has_key(credentials):
        lines += ["X-API-KEY-ID: {{api_key_id}}", "X-API-KEY-SECRET: {{api_key_secret}}"]
    else:
        lines.append("Authorization: Basic {{username}} {{password}}")
    lines += [f"{name}: {value}" for name, value in planned.sent_headers.items()]
    if planned.fields is not None:
        lines += ["", _json(planned.fields, indent=2).replace("{{", "{\\u007b")]
    elif planned.file is not None:
        if not planned.file.isprintable():
            raise ItemError("an editor cannot read a file of this name")
        lines += ["", f"< {planned.file}"]
    return "\n".join(lines)


def python(planned: Planned, known: Known | None, specs: str | None, *, default_url: str, every: bool) -> str:
    """The call as a program: by the method of the client where it has one, else by `request`."""
    uses = {"Client"} if specs is None else set()
    call = _method(planned, known, uses, every=every)
    if call is None:
        call = _pages(planned, known, uses) if every else _request(planned, uses)
    where = "" if planned.url == default_url else repr(planned.url)
    lines: list[str] = []
    if "sys" in uses:
        lines.append("import sys")
    if "Path" in uses:
        lines.append("from pathlib import Path")
    names = sorted(uses - {"sys", "Path"})
    lines += [""] if lines else []
    if specs is None:
        lines.append(f"from digirm import {', '.join(names)}")
        opened = f"Client({where})"
    else:
        lines += [
            "from digirm_runtime import dynamic",
            *(f"from digirm_runtime.options import {name}" for name in names),
        ]
        opened = f"dynamic.client({', '.join(filter(None, (repr(specs), where)))})"
    return "\n".join([*lines, "", f"with {opened} as rm:", *(f"    {line}" for line in call)])


def _method(planned: Planned, known: Known | None, uses: set[str], *, every: bool) -> list[str] | None:
    """The lines that call the client's own method; None where it has none that sends this."""
    if known is None or known.named is None or known.values is None or (every and known.kind != "list"):
        return None
    named = known.named
    if not set(planned.params) <= set(named.keywords) or (planned.fields is None and planned.file is None) != (
        planned.method not in ("POST", "PUT")
    ):
        return None
    args = [repr(value) for value in known.values]
    if _has_body(planned):
        args.append(_python_body(planned, uses))
    size = planned.params.get("size", "")
    number = int(size) if size.isascii() and size.isdecimal() and len(size) < 10 else None
    for wire, value in planned.params.items():
        args.append(f"{named.keywords[wire]}={number if wire == 'size' and number is not None else repr(value)}")
    if known.kind == "list" and not every:
        args.append(f"limit={number or _PAGE}")
    headers = dict(planned.headers)
    if planned.file is not None:
        headers = {name: value for name, value in planned.sent_headers.items() if name != "Accept"}
    if headers:
        args.append(_options(headers, uses))
    call = f"rm.{named.dotted}({', '.join(args)})"
    if known.kind in ("list", "csv"):
        return [f"for item in {call}:", "    print(item)"]
    return [f"print({call}{'.items' if known.kind == 'create' else ''})"]


def _request(planned: Planned, uses: set[str]) -> list[str]:
    """The lines that call the path."""
    args = [repr(planned.method), repr(planned.path)]
    if planned.params:
        args.append(f"params={planned.params!r}")
    if _has_body(planned):
        args.append(f"body={_python_body(planned, uses)}")
    args.append(_options(planned.sent_headers, uses))
    return [f"print(rm.request({', '.join(args)}))"]


def _pages(planned: Planned, known: Known | None, uses: set[str]) -> list[str]:
    """The lines that call the path of a list page by page."""
    element = "list" if known is None or known.named is None else known.named.endpoint.element
    args = [repr(planned.method), repr(planned.path), "params=params"]
    if planned.headers:
        args.append(_options(planned.headers, uses))
    return [
        f"params = {planned.params!r}",
        "while True:",
        f"    page = rm.request({', '.join(args)})",
        f"    for item in page[{element!r}]:",
        "        print(item)",
        "    if not page.get('cursor'):",
        "        break",
        "    params['cursor'] = page['cursor']",
    ]


def _options(headers: Mapping[str, str], uses: set[str]) -> str:
    uses.add("Options")
    return f"options=Options(headers={headers!r})"


def _python_body(planned: Planned, uses: set[str]) -> str:
    if planned.file is None:
        return repr(planned.fields)
    uses.add("sys" if planned.file == STDIN else "Path")
    return "sys.stdin.buffer.read()" if planned.file == STDIN else f"Path({planned.file!r}).read_bytes()"


def _has_key(credentials: Credentials) -> bool:
    return "x-api-key-id" in credentials.headers()


def _has_body(planned: Planned) -> bool:
    return planned.fields is not None or planned.file is not None


def _netrc(credentials: Credentials | None) -> str:
    """How curl is told of netrc: it knows of one file, and older ones not of the variable."""
    file = None if credentials is None else credentials.netrc
    if file is None or file == os.path.expanduser("~/.netrc"):  # noqa: PTH111 - as it was found
        return "-n"
    return f"--netrc-file {quote(file)}"


def _readable(params: Mapping[str, str]) -> bool:
    """Whether parameters can be shown as they are, and not only percent-encoded in the address."""
    return bool(params) and all(
        percent(name, safe="") == name and value.isprintable() for name, value in params.items()
    )


def _json(value: Any, indent: int | None = None) -> str:
    """JSON in which people can read their letters, and whatever is not printable is escaped."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    if all(line.isprintable() for line in text.split("\n")):
        return text
    return json.dumps(value, indent=indent)
