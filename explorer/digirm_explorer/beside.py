"""What the page's tree shows beside v1, from `beside.toml`: the older objects, and commands to devices."""

from __future__ import annotations

import re
import textwrap
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from digirm_runtime import template
from digirm_runtime.legacy.objects import OBJECTS

_XML = "application/xml"
_SCI = "/ws/sci"
_ELEMENT = re.compile(r"<([A-Za-z]\w*)>[^<]*</")
#: What the path arguments are, where the name does not say it.
_ARGUMENTS = {
    "source": "What the alarm is about: a device's id, or a stream.",
    "path": "The file set and the path below it, such as ~/folder/name.",
}
#: Attributes of a command's element, and what they say.
_ATTRIBUTES = {
    "@reply": "How much is answered: all, errors, summary or none.",
    "@synchronous": "false begins a job, whose number is answered.",
    "@syncTimeout": "Seconds that the service waits for the devices.",
    "@cache": "true, false or only: may, or must, the service answer for the device?",
    "@allowOffline": "true: devices that are not connected may answer later.",
    "@waitForReconnect": "true: the command ends when the device is back.",
}
_TARGETS = '<targets>\n  <device id="00000000-00000000-00000000-00000000"/>\n</targets>'
_VERBS = {"list": "List", "get": "Get", "create": "Create", "update": "Change", "delete": "Delete"}


def groups() -> list[dict[str, Any]]:
    """The groups `legacy` and `sci` of `Catalog`."""
    known = tomllib.loads(Path(__file__).with_name("beside.toml").read_text("utf-8"))
    return [
        {
            "id": "legacy",
            "title": "Older objects",
            "doc": "The API before v1, for what v1 does not have. Bodies and answers are XML.",
            "categories": [
                {
                    "name": entry["name"],
                    "title": entry["name"],
                    "doc": entry["doc"],
                    "operations": list(_legacy(entry, known["params"])),
                }
                for entry in known["legacy"]
            ],
        },
        {
            "id": "sci",
            "title": "Commands to devices",
            "doc": "The Server Command Interface (SCI): what devices are asked and told. All of it is one path.",
            "categories": [*_commands(known["sci"]), _jobs(known["job"])],
        },
    ]


def _legacy(entry: Mapping[str, Any], usual: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """The operations of one older object."""
    base, at, one = f"/ws/{entry['name']}", entry.get("at", {}), entry["one"]
    params = {name: doc for name, doc in usual.items() if name not in entry.get("without", ())}
    params |= entry.get("params", {})
    numbers = OBJECTS[entry["name"]].numbers
    where = {"list": ("GET", at.get("list", ""))}
    where |= {"get": ("GET", one)} if "GET" in entry["methods"] else {}
    where |= {"create": ("POST", "")} if "create" in entry else {}
    where |= {"update": ("PUT", at.get("update", ""))} if "update" in entry else {}
    where |= {"delete": ("DELETE", one)} if "DELETE" in entry["methods"] else {}
    for kind, (method, below) in where.items():
        text = str(entry.get(kind, "")).strip()
        body = {
            "media_type": _XML,
            "fields": [
                {"name": name, "type": "number" if name in numbers else "text", "doc": ""}
                for name in dict.fromkeys(_ELEMENT.findall(text))
            ],
            "example": f"{text}\n",
        }
        yield _operation(
            method,
            base + below,
            title=f"{_title(entry, kind)} ({entry['name']})",
            doc=entry["doc"],
            client=f"rm.legacy.{entry['name']}.{kind}",
            kind=kind,
            certainty="inferred" if kind in entry.get("inferred", ()) else entry["certainty"],
            source=entry["source"],
            params=[{"name": name, "doc": doc} for name, doc in params.items()] if kind == "list" else [],
            body=body if text else None,
        )


def _title(entry: Mapping[str, Any], kind: str) -> str:
    a_thing, things = entry["called"]
    usual = f"{_VERBS[kind]} {things if kind == 'list' else a_thing}"
    return str(entry.get("titles", {}).get(kind, usual))


def _commands(known: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The categories of commands."""
    for category in dict.fromkeys(entry["category"] for entry in known):
        operations = [
            _operation(
                "POST",
                _SCI,
                id=f"POST {_SCI} {entry['name']}",
                title=entry["title"],
                doc=entry["doc"],
                client=f"rm.sci.{entry['name']}",
                kind="call",
                certainty=entry["certainty"],
                source=entry["source"],
                body={
                    "media_type": _XML,
                    "fields": [{"name": name, "type": "text", "doc": doc} for name, doc in _ATTRIBUTES.items()],
                    "example": _request(entry),
                },
            )
            for entry in known
            if entry["category"] == category
        ]
        yield {"name": category.lower(), "title": category, "doc": "", "operations": operations}


def _request(entry: Mapping[str, Any]) -> str:
    """A whole request; its target is a device that nobody has."""
    operation = entry.get("operation", entry["name"])
    begin = f"{operation} {entry['attributes']}" if "attributes" in entry else operation
    content = textwrap.indent("\n".join(filter(None, (_TARGETS, entry.get("inner")))), "  ")
    inner = textwrap.indent(f"<{begin}>\n{content}\n</{operation}>", "  ")
    return f'<sci_request version="1.0">\n{inner}\n</sci_request>\n'


def _jobs(known: list[dict[str, Any]]) -> dict[str, Any]:
    operations = [
        _operation(
            entry["method"],
            entry["path"],
            title=entry["title"],
            doc=entry["doc"],
            client=f"rm.sci.{entry['name']}",
            kind=entry["kind"],
            certainty="documented",
            source="Digi's documentation",
        )
        for entry in known
    ]
    return {"name": "jobs", "title": "Jobs", "doc": "Commands that go on after the request.", "operations": operations}


def _operation(method: str, path: str, **known: Any) -> dict[str, Any]:
    """`Operation` of the contract, of which nothing is said in the query language."""
    arguments = template.args(template.parse(path))
    return {
        "id": f"{method} {path}",
        "method": method,
        "path": path,
        "path_params": [{"name": arg.wire, "doc": _ARGUMENTS.get(arg.wire, "")} for arg in arguments],
        "params": [],
        "endpoint": None,
        "fields": None,
        "columns": [],
        "body": None,
        **known,
    }
