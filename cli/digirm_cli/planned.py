"""The call of a command line: its items and its file, as one request."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from digirm_cli.items import read
from digirm_runtime.calls.planned import CARRIES, JSON, XML, CallError, Planned, add, body_type, read_path, utf8

_TYPES = {".json": JSON, ".xml": XML, ".csv": "text/csv", ".txt": "text/plain"}


def plan(
    method: str, url: str, path: str, items: Sequence[str], file: str | None = None, base_path: str = "/ws/v1"
) -> Planned:
    """The request of a command line; a path that does not begin with `/` is below `base_path`. Raises CallError."""
    utf8(url, "the URL")
    given = read(items)
    path, params = read_path(path, base_path)
    for name, value in given.params.items():
        add(params, name, value, "the parameter ")
    if given.fields and method not in CARRIES:
        raise CallError(f"a {method} carries no body: write {next(iter(given.fields))}==... for a parameter")
    if given.fields and file is not None:
        raise CallError("the body is either --body or made of fields, not both")
    media_type = JSON if given.fields else None if file is None else _media_type(file, path, base_path)
    return Planned(method, url, path, params, given.headers, given.fields or None, file, media_type)


def _media_type(file: str, path: str, base_path: str) -> str:
    return _TYPES.get(PurePath(file).suffix.lower()) or body_type(path, base_path)
