"""Exports: a spec in forms that other programs, and people, read."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from digirm_runtime.spec import Spec


class Format(NamedTuple):
    """A format: what it is, the module that makes it, and whether that makes several files.

    Every module has `export(spec, server, problems)`, which gives one text, and adds what it leaves out to `problems`;
    one of several files also has `pages`, the same as texts by file name, and `MARKER`, with which each begins.
    """

    help: str
    module: str
    folder: bool = False


FORMATS = {
    "openapi": Format("OpenAPI 3.1 as JSON", "openapi"),
    "postman": Format("Postman collection 2.1 as JSON", "postman"),
    "http": Format(".http file for the REST clients of editors", "http_file"),
    "markdown": Format("reference pages, one per category and an index", "markdown", folder=True),
}


class Exported(NamedTuple):
    """A spec in one format, and sentences about what was left out.

    `files` are texts by file name, which begin with `marker`; or one text under the empty name where the export is a
    single file.
    """

    files: dict[str, str]
    problems: list[str]
    marker: str = ""

    @property
    def text(self) -> str:
        """A single file's text."""
        return self.files[""]


def export(spec: Spec, name: str, server: str | None = None, *, folder: bool = False) -> Exported:
    """`spec` in the format `name` for the service at `server` (default: the public one).

    With `folder` a format of several files gives them; otherwise every format gives one text. The same spec gives the
    same bytes. Raises SpecError where an override makes no sense; ValueError for an unknown format.
    """
    from digirm_runtime.credentials import DEFAULT_URL

    if name not in FORMATS:
        raise ValueError(f"the format must be one of {', '.join(FORMATS)}, not {name!r}")
    chosen = FORMATS[name]
    module = import_module(f"{__name__}.{chosen.module}")
    problems = list(spec.problems)
    if folder and chosen.folder:
        pages: Callable[[Spec, str, list[str]], dict[str, str]] = module.pages
        return Exported(pages(spec, server or DEFAULT_URL, problems), problems, module.MARKER)
    text: Callable[[Spec, str, list[str]], str] = module.export
    return Exported({"": text(spec, server or DEFAULT_URL, problems)}, problems)
