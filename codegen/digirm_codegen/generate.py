"""`generate`: a spec folder in, a client package out."""

from __future__ import annotations

import keyword
import sys
from pathlib import Path
from typing import NamedTuple

from digirm_codegen import models as payloads
from digirm_codegen import output
from digirm_codegen.render import package as render_package
from digirm_runtime import spec as specs
from digirm_runtime.errors import SpecError

#: What a client imports, and the rest of this distribution.
_NEEDED = frozenset(
    (
        *(f"digirm_{room}" for room in ("runtime", "codegen", "simulator", "explorer", "cli")),
        *("httpx", "lark", "jinja2", "msgspec", "pydantic"),
    )
)


class Result(NamedTuple):
    """What became of the package's files (relative paths), what the spec had that could not be used, with `check` how
    the files on disk differ, and files in the folder that are somebody else's.
    """

    written: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: tuple[str, ...]
    problems: tuple[str, ...]
    differences: tuple[str, ...] = ()
    strangers: tuple[str, ...] = ()


def generate(
    spec_folder: str | Path,
    out: str | Path,
    package: str = "digirm",
    check: bool = False,
    models: str | None = None,
) -> Result:
    """Write the client of the spec in `spec_folder` as the folder `package` in `out`, or only compare it.

    `models` is a kind of payload types (`digirm_codegen.models.KINDS`); None is what the package has, TypedDicts for a
    new one. Raises SpecError where the spec cannot be read, the name cannot be a package's, or the folder cannot be
    written; ValueError for an unknown kind.
    """
    validate_package_name(package)
    if models is not None and models not in payloads.KINDS:
        raise ValueError(f"models must be one of {', '.join(payloads.KINDS)}, not {models!r}")
    folder = Path(out) / package
    kind = models or output.models(folder)
    rendered = render_package(specs.load(spec_folder), kind if kind in payloads.KINDS else payloads.DEFAULT)
    problems = tuple(rendered.problems)
    if check:
        return Result((), (), (), problems, tuple(output.compare(folder, rendered.files)))
    written = output.write(folder, rendered.files)
    strangers = tuple(output.strangers(folder, rendered.files))
    return Result(written.written, written.removed, written.unchanged, problems, (), strangers)


def validate_package_name(name: str) -> None:
    """Raise SpecError for a name that no package can have, or that would hide a module which the client needs."""
    if not (name.isascii() and name.isidentifier()) or keyword.iskeyword(name):
        raise SpecError(f"{name!a} cannot be the name of a Python package")
    if name in _NEEDED or name in sys.stdlib_module_names:
        raise SpecError(f"a package {name!a} would hide the module of that name; choose another")
