"""A call as a request of a `.http` file, as the REST clients of VS Code and of JetBrains' editors read it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from digirm_runtime.calls import proof
from digirm_runtime.calls.jsontext import parse, shown, spell
from digirm_runtime.calls.planned import STDIN, CallError
from digirm_runtime.text import printable

if TYPE_CHECKING:
    from digirm_runtime.calls.planned import Planned
    from digirm_runtime.credentials import Credentials

#: What an editor takes for something else than a line of a body: the next request, a file, a script, a comment.
_MARK = re.compile(r"^[ \t]*(?:###|<[ \t>@]|[>#]|//)", re.MULTILINE)


def http_file(planned: Planned, credentials: Credentials | None) -> str:
    """The call as a file; credentials are the editor's variables. Raises CallError for what such a file cannot hold."""
    if planned.file == STDIN:
        raise CallError("an editor has no standard input: name the body's file with --body")
    if any("{{" in value for value in (planned.url, *planned.headers.values())):
        raise CallError("an editor would take {{ for a variable's name")
    lines = [
        f"@host = {printable(planned.url.rstrip('/'))}",
        "",
        f"### {planned.method} {printable(planned.path)}",
        f"{planned.method} {{{{host}}}}{planned.target}",
    ]
    if credentials is proof.ANYBODY:
        lines.append(f"Authorization: Basic {proof.USER} {proof.PASSWORD}")
    elif proof.has_key(credentials):
        lines += ["X-API-KEY-ID: {{api_key_id}}", "X-API-KEY-SECRET: {{api_key_secret}}"]
    else:
        lines.append("Authorization: Basic {{username}} {{password}}")
    lines += [f"{name}: {value}" for name, value in planned.sent_headers.items()]
    if planned.text is not None:
        lines += ["", _body(planned.text, planned.sent_headers)]
    elif planned.fields is not None:
        lines += ["", spell(planned.fields, indent=2).replace("{{", "{\\u007b")]
    elif planned.file is not None:
        if not planned.file.isprintable():
            raise CallError("an editor cannot read a file of this name")
        lines += ["", f"< {planned.file}"]
    return "\n".join(lines)


def _body(text: str, headers: dict[str, str]) -> str:
    """A body's text that an editor sends as it is."""
    types = [value for name, value in headers.items() if name.lower() == "content-type"]
    kind = "".join(types).partition(";")[0].strip().lower()
    xml = kind.endswith(("/xml", "+xml"))
    is_json = not xml and _is_json(text)
    if xml or is_json:
        # What stands around a document says nothing, and an editor leaves it out.
        text = text.strip(" \t\r\n").replace("\r\n", "\n")
    plain = shown(text)
    if plain is None or "\r" in plain:
        raise CallError("the body holds characters that an editor would change: try Python")
    if _MARK.search(plain) or (not xml and not is_json and plain != plain.strip()):
        raise CallError("the body has lines that an editor would not send: try Python")
    if "\n" in plain and kind == "application/x-www-form-urlencoded":
        raise CallError("an editor would join the lines of a form: try Python")
    if "{{" not in plain:
        return plain
    if is_json:
        return plain.replace("{{", "{\\u007b")
    if xml and _is_simple(plain):
        return plain.replace("{{", "{&#123;")
    raise CallError("an editor would take {{ in the body for a variable's name: try Python")


def _is_json(text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


def _is_simple(xml: str) -> bool:
    """Whether each `{` stands where a reference can stand for it: in no comment, section, instruction or entity."""
    head, _, rest = xml.partition("?>") if xml.startswith("<?") else ("", "", xml)
    return "{{" not in head and "<!" not in rest and "<?" not in rest
