"""`generate`: a spec folder in, a client package out."""

from __future__ import annotations

import keyword
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from digirm_codegen import output, reuse
from digirm_runtime.errors import SpecError
from digirm_runtime.package import MANIFEST

if TYPE_CHECKING:
    from digirm_codegen.render import Rendered

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
    folder, specs = Path(out) / package, Path(spec_folder)
    kind = _kind(models, folder)
    former = reuse.Former(folder)
    inputs = reuse.inputs(specs, kind)
    whole = former.whole(inputs)
    if whole is not None:
        strangers = tuple(output.strangers(folder, whole.files))
        if check:
            return Result((), (), (), whole.problems, tuple(f"extra: {path}" for path in strangers))
        return Result((), (), tuple(sorted(whole.files)), whole.problems, (), strangers)
    rendered = render(specs, kind, former)
    problems = tuple(rendered.problems)
    if check:
        return Result((), (), (), problems, tuple(output.compare(folder, rendered.files)))
    written = output.write(folder, rendered.files)
    former.save(inputs, rendered.files[MANIFEST], rendered.problems)
    strangers = tuple(output.strangers(folder, rendered.files))
    return Result(written.written, written.removed, written.unchanged, problems, (), strangers)


def render(spec_folder: Path, kind: str | None, former: reuse.Former | None = None) -> Rendered:
    """The files of the client of a spec, costly ones from a former run where they would be the same."""
    from digirm_codegen import models as payloads
    from digirm_codegen.render import package
    from digirm_runtime import spec as specs

    return package(specs.load(spec_folder), kind if kind in payloads.KINDS else payloads.DEFAULT, former)


def _kind(models: str | None, folder: Path) -> str | None:
    """The kind of payload types asked for, or that of the package in `folder`."""
    if models is None:
        return output.models(folder)
    from digirm_codegen import models as payloads

    if models not in payloads.KINDS:
        raise ValueError(f"models must be one of {', '.join(payloads.KINDS)}, not {models!r}")
    return models


def validate_package_name(name: str) -> None:
    """Raise SpecError for a name that no package can have, or that would hide a module which the client needs."""
    if not (name.isascii() and name.isidentifier()) or keyword.iskeyword(name):
        raise SpecError(f"{name!a} cannot be the name of a Python package")
    if name in _NEEDED or name in sys.stdlib_module_names:
        raise SpecError(f"a package {name!a} would hide the module of that name; choose another")
