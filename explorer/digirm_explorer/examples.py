"""The example requests of the page: data in `examples/*.toml`, a file for each group."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from digirm_runtime.flow import READS


class ExampleError(ValueError):
    """The examples of this installation are damaged; the text says where."""


def examples() -> list[dict[str, Any]]:
    """The examples as the page is told them (`Example`), in the order in which it shows them."""
    return [_shown(entry) for entry in loaded()]


@cache
def loaded() -> tuple[dict[str, Any], ...]:
    """The examples as they are written, each with its `group`.

    `id` and `title` name it, `doc` says more. `method`, `path`, `path_values`, `params`, `headers`, `content_type` and
    `body` are the request; values for the path hold on a simulator as it is started without options. `operation` is
    what it is an example of, where method and path do not say it, and `reads` that it changes nothing, where the
    method does not. `first` names the examples that make what this one is about, in order. `status` is what a fresh
    simulator answers after these, 200 to 299 where it is not given; `empty` says that its list is empty, and `faulty`
    that its query has a mistake on purpose.

    Raises ExampleError.
    """
    found: list[dict[str, Any]] = []
    folder = files("digirm_explorer").joinpath("examples")
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if not file.name.endswith(".toml"):
            continue
        try:
            document = tomllib.loads(file.read_text("utf-8"))
            found += ({**entry, "group": document["group"]} for entry in document["example"])
        except (ValueError, KeyError) as error:
            raise ExampleError(f"{file.name}: {error}") from None
    return tuple(found)


def _shown(entry: Mapping[str, Any]) -> dict[str, Any]:
    method, path = entry["method"], entry["path"]
    return {
        "id": entry["id"],
        "title": entry["title"],
        "doc": " ".join((entry.get("doc", ""), *_hints(entry))).strip(),
        "group": entry["group"],
        "operation": entry.get("operation", f"{method} {path}"),
        "request": {
            "method": method,
            "path": path,
            "path_values": dict(entry.get("path_values", {})),
            "params": [{"name": name, "value": value, "on": True} for name, value in entry.get("params", {}).items()],
            "headers": [{"name": name, "value": value} for name, value in entry.get("headers", {}).items()],
            "body": entry.get("body", ""),
            "content_type": entry.get("content_type", ""),
        },
        "writes": method not in READS and not entry.get("reads", False),
        "first": list(entry.get("first", ())),
    }


def _hints(entry: Mapping[str, Any]) -> list[str]:
    """What to know before it is sent."""
    hints = []
    if entry.get("path_values") or "<device id=" in entry.get("body", ""):
        hints.append("Ids are those of a fresh simulator.")
    if entry.get("status", 200) >= 400:
        hints.append(f"A fresh simulator answers with {entry['status']}.")
    if entry.get("empty"):
        hints.append("A fresh simulator has none.")
    return hints
