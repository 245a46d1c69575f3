"""Pairs of small specs for what a newer contract takes away."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

from tests.codegen.support import NUMERIC, SMALL, SMALL_OVERRIDES, field, path, request, write_spec


def old(folder: Path, **settings: Any) -> Path:
    """The small API, with a node more that has three methods and a field."""
    documents = deepcopy(SMALL)
    documents["parts"]["list"] += [
        path("/ws/v1/parts/notes", request("GET", "query", query=[field("text", "Text", "=", "contains")])),
        path("/ws/v1/parts/notes/{id}", request("GET"), request("DELETE")),
    ]
    return write_spec(folder / "old", documents, **{"overrides": SMALL_OVERRIDES, **settings})


def new(folder: Path, **settings: Any) -> Path:
    """The same later: a node, a path, a parameter, a field, operators and orders are gone, a type is another."""
    documents = deepcopy(SMALL)
    [inventory, one, bulk, _labels, recount] = documents["parts"]["list"]
    get = inventory["requests"][0]
    get["params"].remove("size")
    get["query"] = [
        field("id", "Text", *NUMERIC),
        field("name", "Text", "=", "contains", "<>", orderby=False),
        field("made", "Timestamp", *NUMERIC),
    ]
    one["requests"] = [request("GET"), request("PUT")]
    documents["parts"]["list"] = [inventory, one, bulk, recount]
    overrides = SMALL_OVERRIDES.replace('name = "parts.recount"', 'name = "parts.count_again"')
    begin, end = overrides.index("[[values]]"), overrides.index("[schemas.Part]")
    overrides = overrides[:begin] + overrides[end:].replace('tags = "string[]"\n', "")
    for entry in overrides.split("[[operation]]"):
        if "/labels/" in entry:
            overrides = overrides.replace(f"[[operation]]{entry}", "")
    return write_spec(folder / "new", documents, **{"overrides": overrides, "api_version": "9.2", **settings})
