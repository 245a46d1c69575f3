"""A call for curl and for HTTPie, quoted for a POSIX shell."""

from __future__ import annotations

from collections.abc import Mapping
from shlex import quote
from typing import TYPE_CHECKING
from urllib.parse import quote as percent

from digirm_runtime.calls import proof
from digirm_runtime.calls.escaping import spell
from digirm_runtime.calls.jsontext import shown
from digirm_runtime.calls.jsontext import spell as spell_json
from digirm_runtime.calls.planned import STDIN, CallError

if TYPE_CHECKING:
    from digirm_runtime.calls.planned import Planned
    from digirm_runtime.credentials import Credentials

#: Between the parts of a command that is too long for a line.
_NEXT_LINE = " \\\n    "
#: Bytes of one argument: Linux takes 128 KiB.
_LONGEST = 120_000


def curl(planned: Planned, credentials: Credentials | None) -> str:
    """The call for curl, 7.76 or later. It ends with 22 where the service answers with an error.

    Raises CallError for a body that no command line can hold.
    """
    parts = ["curl -sS --fail-with-body"]
    if credentials is proof.ANYBODY:
        parts.append(f"-u {proof.USER}:{proof.PASSWORD}")
    elif proof.in_netrc(credentials):
        # curl knows of one file, and older ones not of the variable.
        file = proof.other_netrc(credentials)
        parts.append("-n" if file is None else f"--netrc-file {quote(file)}")
    elif proof.has_key(credentials):
        parts += [f'-H "{name}: ${variable}"' for name, variable in proof.KEY_VARIABLES.items()]
    else:
        parts.append(f"-u {_user()}")
    if planned.method == "HEAD":
        parts.append("-I")
    elif planned.method != "GET" and not (planned.method == "POST" and planned.has_body):
        parts.append(f"-X {planned.method}")
    for name, value in planned.sent_headers.items():
        # Without a value curl leaves a header out, save where a semicolon ends it.
        if (name, value) != ("Accept", "*/*"):
            parts.append(f"-H {quote(f'{name}: {value}' if value else f'{name};')}")
    apart = not planned.has_body and planned.method != "POST" and _readable(planned.params)
    if apart:
        parts += ["-G", *(f"--data-urlencode {quote(f'{name}={value}')}" for name, value in planned.params.items())]
    if planned.file is not None:
        parts.append(f"--data-binary {quote('@' + planned.file)}")
    elif planned.has_body:
        parts.append(f"--data-raw {quote(_body(planned))}")
    address = planned.url.rstrip("/") + planned.path if apart else planned.address
    # What looks like a pattern of addresses to curl is the host's.
    parts.append(f"{'-g ' if '[' in address else ''}{quote(address)}")
    return _NEXT_LINE.join(parts)


def httpie(planned: Planned, credentials: Credentials | None) -> str:
    """The call for HTTPie, 3.0 or later. It ends with 4 or 5 where the service answers with an error.

    Raises CallError for a header that HTTPie has no way to write, and for a body that no command line can hold.
    """
    # Without a terminal HTTPie would wait for a body on standard input, also where there is one already.
    parts = ["http --check-status" + ("" if planned.file is not None else " --ignore-stdin")]
    headers: list[str] = []
    if credentials is proof.ANYBODY:
        parts.append(f"-a {proof.USER}:{proof.PASSWORD}")
    elif not proof.in_netrc(credentials):
        if proof.has_key(credentials):
            # Else it would send what netrc has for the host, too.
            parts.append("--ignore-netrc")
            headers = [f'"{name}:${variable}"' for name, variable in proof.KEY_VARIABLES.items()]
        else:
            parts.append(f"-a {_user()}")
    if planned.file is None and planned.has_body:
        text = _body(planned)
        parts.append(f"--raw{'=' if text.startswith('-') else ' '}{quote(text)}")
    items = [spell(name, "==", value) for name, value in planned.params.items()] if _readable(planned.params) else []
    readable = [item for item in items if item is not None]
    apart = len(readable) == len(planned.params)
    address = planned.url.rstrip("/") + planned.path if apart else planned.address
    parts.append(f"{planned.method} {quote(address)}")
    parts += [quote(item) for item in readable] if apart else []
    for name, value in planned.sent_headers.items():
        item = spell(name, ":", value) if value else f"{name};"
        if item is None:
            raise CallError(f"HTTPie has no way to write the header {name}: try curl")
        # With a body it would ask for JSON.
        if (name, value) != ("Accept", "*/*") or planned.has_body:
            headers.append(quote(item))
    parts += headers
    if planned.file is not None and planned.file != STDIN:
        parts.append(f"< {quote(planned.file)}")
    return _NEXT_LINE.join(parts)


def _user() -> str:
    user, password = proof.USER_VARIABLES
    return f'"${user}:${password}"'


def _body(planned: Planned) -> str:
    """A body as one argument. What a terminal takes for a key that was pressed is not put into a command to paste."""
    text = spell_json(planned.fields) if planned.text is None else shown(planned.text)
    if text is None:
        raise CallError("the body holds characters that a terminal would act on: try Python")
    if len(text.encode()) > _LONGEST:
        raise CallError("the body is too long for a command line: try Python, or a file")
    return text


def _readable(params: Mapping[str, str]) -> bool:
    """Whether parameters can be shown as they are, and not only percent-encoded in the address."""
    return bool(params) and all(
        percent(name, safe="") == name and value.isprintable() for name, value in params.items()
    )
