"""A spec as a `.http` file, which the REST clients of VS Code and of JetBrains' editors send requests from.

A request's parameters stand below it as comments; a request line that takes some ends in `?`, so that any of them can
be made part of it by taking the `#` away. Credentials are variables that the file does not define.
"""

from __future__ import annotations

from urllib.parse import quote

from digirm_codegen.exports.operations import (
    Listed,
    arguments,
    hint,
    listed,
    operation_doc,
    origin,
    path_with,
    title,
    variable,
)
from digirm_codegen.exports.payloads import Payloads
from digirm_codegen.exports.text import plain
from digirm_runtime import tree
from digirm_runtime.spec import Spec

#: The value of an argument until it is given one; no object has this name.
UNSET = "change-me"
_HELP = (
    "Credentials are the variables api_key_id and api_key_secret of the editor's environment. For a user's password,",
    "take those two lines out of a request and the # before Authorization away, and define username and password.",
    "Parameters are the comments below a request line: take the # away and write a percent-encoded value.",
    "Bodies hold every key that is known; take out what is not to be changed.",
)
_CREDENTIALS = (
    "X-API-KEY-ID: {{api_key_id}}",
    "X-API-KEY-SECRET: {{api_key_secret}}",
    "# Authorization: Basic {{username}} {{password}}",
)


def export(spec: Spec, server: str, problems: list[str]) -> str:
    """The file for the service at `server`; what is left out of it is added to `problems`."""
    named = tree.build(spec)
    problems += named.problems
    payloads = Payloads(spec, named, problems)
    found = listed(named)
    names = sorted({variable(arg.name) for one in found for arg in one.operation.args})
    head = [
        f"{title(spec)}, API version {spec.api_version} ({spec.provenance}, {spec.fingerprint})",
        *origin(spec),
        *_HELP,
    ]
    lines = [
        *map(_comment, head),
        "",
        f"@host = {plain(server).rstrip('/')}",
        *(f"@{name} = {UNSET}" for name in names),
    ]
    for one in found:
        lines += ["", *_request(spec, payloads, one)]
    return "\n".join(lines) + "\n"


def _request(spec: Spec, payloads: Payloads, one: Listed) -> list[str]:
    operation = one.operation
    segments, _ = arguments(operation)
    path = path_with(segments, [variable(arg.name) for arg in operation.args], "{{{{{}}}}}")
    said = [f"Certainty: {operation.certainty}."] if operation.certainty else []
    lines = [f"### {one.dotted}", *map(_comment, [*filter(None, [operation_doc(spec, operation)]), *said])]
    if operation.method == "DELETE":
        lines.append("# @note")  # has VS Code ask before it is sent
    lines.append(f"{operation.method} {{{{host}}}}{path}{'?' if operation.params else ''}")
    for param in operation.params:
        if known := hint(spec, operation, param.wire):
            lines.append(_comment(known))
        lines.append(f"#   &{quote(param.wire, safe='')}=")
    lines += _CREDENTIALS
    if operation.has_body:
        lines += ["Content-Type: application/json", "", *payloads.body(operation).splitlines()]
    return lines


def _comment(text: str) -> str:
    """A comment that is none of the settings (`# @note`) that editors look for in comments, and no parameter."""
    shown = plain(text)
    return f"# {shown}" if shown[:1].isalnum() else f"# : {shown}"
