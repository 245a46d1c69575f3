"""From two versions of an API to the report on them: one way for `digirm diff` and `digirm bump`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from digirm_codegen import spec_files
from digirm_codegen.diff import levels
from digirm_codegen.diff.compare import compare
from digirm_codegen.diff.report import Report, title
from digirm_runtime.errors import SpecError

if TYPE_CHECKING:
    from digirm_codegen.against import Scan
    from digirm_codegen.diff.surface import Surface
    from digirm_codegen.spec_files import Capture


class Version(NamedTuple):
    """A version of an API: its specs folder, and what the server said there."""

    folder: Path
    capture: Capture

    @classmethod
    def read(cls, folder: Path) -> Version:
        """The version in a specs folder. Raises SpecError as `spec_files.read` does."""
        return cls(folder, spec_files.read(folder))


class Clients(NamedTuple):
    """What clients of two versions offer to those who import them."""

    old: Surface
    new: Surface


class Review(NamedTuple):
    """The report, and the entries of `own_levels` that fit no finding."""

    report: Report
    unused: tuple[levels.Entry, ...]


def review(
    old: Version,
    new: Version,
    *,
    own_levels: tuple[levels.Entry, ...] = (),
    against: Sequence[Path] = (),
    clients: Clients | None = None,
    dropped: tuple[str, ...] = (),
) -> Review:
    """Compare two versions, and say what the changes mean to users of `clients` and to the files in `against`.

    `dropped` are overrides that did not come along. Raises SpecError where a specs folder cannot be read, or nothing in
    `against` could be looked through.
    """
    compared = compare(old.capture, new.capture)
    findings, unused = levels.apply(compared.findings, own_levels)
    report = Report(
        title(old.capture), title(new.capture), findings, not_compared=compared.not_compared, dropped=dropped
    )
    if clients is not None:
        from digirm_codegen.diff import surface

        report = report._replace(client=surface.join(findings, surface.lost(clients.old, clients.new)))
    if against:
        scanned = _scanned(against, old.folder, new.folder)
        report = report._replace(uses=scanned.uses, not_judged=scanned.problems)
    return Review(report, unused)


def ensure_there(paths: Sequence[Path]) -> None:
    """Raise SpecError where one of the user's own paths does not exist: worth knowing before a long crawl."""
    for path in paths:
        try:
            there = path.exists()
        except OSError as error:
            raise SpecError(f"cannot read {path}: {error.strerror}") from None
        if not there:
            raise SpecError(f"{path} does not exist")


def _scanned(paths: Sequence[Path], old: Path, new: Path) -> Scan:
    from digirm_codegen.against import scan
    from digirm_runtime import spec as specs

    found = scan(paths, specs.load(old), specs.load(new))
    if not found.files:
        why = "".join(f"\n  {problem}" for problem in found.problems)
        raise SpecError(f"{' '.join(map(str, paths))}: there is no file that could be looked through{why}")
    return found
