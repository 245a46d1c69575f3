"""Comparing two versions of a large API, against reading their JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from benchmarks import synthetic
from benchmarks.harness import Row, paired, timed
from digirm_codegen import spec_files
from digirm_codegen.diff.compare import compare
from digirm_codegen.spec_files import Capture
from digirm_runtime.spec import normalise

PATHS, FIELDS = 2000, 20_000
TARGET = 5


def rows(rounds: int) -> list[Row]:
    """Two captures that are the same, that differ in one category, and that differ a little in each request."""
    with TemporaryDirectory() as scratch:
        return list(_rows(Path(scratch), rounds))


def _rows(scratch: Path, rounds: int) -> Iterator[Row]:
    old = synthetic.capture(PATHS, FIELDS)
    some = {sorted(old.documents)[0]}
    for what, categories in (
        ("are the same", set[str]()),
        ("differ in one category", some),
        ("differ in each list", set(old.documents)),
    ):
        folders = [scratch / what / name for name in ("old", "new")]
        for folder, one in zip(folders, (old, changed(old, categories)), strict=True):
            spec_files.write(folder, spec_files.render(one))
        pairs = paired(timed(partial(diff, *folders)), timed(partial(load, *folders)), rounds)
        label = f"`diff` of two APIs of {PATHS:,} paths and {FIELDS:,} fields that {what}"
        yield Row(label, "`json.load` of the two", pairs, TARGET)


def diff(old: Path, new: Path) -> int:
    """As the command does it: read, checked and compared; the number of findings."""
    return len(compare(spec_files.read(old), spec_files.read(new)).findings)


def load(*folders: Path) -> list[Any]:
    """The JSON of all files of specs folders."""
    found = []
    for folder in folders:
        for file in sorted(folder.glob("*.json")):
            with file.open("rb") as stream:
                found.append(json.load(stream))
    return found


def changed(capture: Capture, categories: set[str]) -> Capture:
    """The same with a parameter less and four fields changed in each list of these categories."""
    documents = json.loads(json.dumps(capture.documents))
    for name in categories:
        for item in documents[name]["list"]:
            for request in item["requests"]:
                for number, field in enumerate(request.get("query", ())[:4]):
                    _change(number, field)
                if "query" in request:
                    request["params"].pop()
        documents[name] = normalise(documents[name])
    return msgspec.structs.replace(capture, documents=documents)


def _change(number: int, field: dict[str, Any]) -> None:
    match number:
        case 0:
            field["field"] = field["field"].replace("_", "-")
        case 1:
            field["type"] = "Timestamp"
        case 2:
            field["operators"].pop()
        case _:
            field["orderby"] = not field["orderby"]
