"""A new API version taken in one step: specs, client and changelog, all of it or nothing."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from digirm_codegen import changelog, generate, output, spec_files
from digirm_codegen.against import scan
from digirm_codegen.carry import carry
from digirm_codegen.diff import levels, surface
from digirm_codegen.diff.compare import Comparison, compare
from digirm_codegen.diff.findings import Finding, quoted
from digirm_codegen.diff.report import Report, title
from digirm_codegen.files import Changes
from digirm_codegen.previous import previous
from digirm_codegen.reuse import Former
from digirm_codegen.spec_files import Capture, Difference
from digirm_runtime import spec as specs
from digirm_runtime.errors import SpecError
from digirm_runtime.package import MANIFEST

OVERRIDES = "overrides.toml"
PREVIOUS = "previous.json"
_MOST_SECONDS = 600


class Target(NamedTuple):
    """Where everything is: the folder of all specs, the folder of the package, and the changelog, if any."""

    specs: Path
    package: Path
    changelog: Path | None

    def folder(self, api_version: str) -> Path:
        """The specs folder of a version. Raises SpecError for a name that no folder should have."""
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,99}", api_version):
            raise SpecError(f"{api_version!a} cannot be the name of a specs folder")
        return self.specs / api_version


class Bumped(NamedTuple):
    """What a bump did.

    `report` compares the version before with this one, None where there was none; `not_compared` are the categories
    that neither has, `not_judged` is what of `against` could not be looked through, `unused` the levels that fit no
    finding. `specs` and `package` are files, `dropped` overrides
    that no longer apply, and `problems` entries of the specs that were left out.
    """

    report: Report | None
    not_compared: tuple[str, ...]
    not_judged: tuple[str, ...]
    unused: tuple[levels.Entry, ...]
    specs: list[Difference]
    package: output.Written
    dropped: tuple[str, ...]
    problems: tuple[str, ...]


class _Stage(NamedTuple):
    """The new version while it is nowhere but in a temporary folder."""

    folder: Path
    files: dict[str, bytes]
    dropped: tuple[str, ...]


def bump(
    capture: Capture,
    target: Target,
    *,
    own_levels: tuple[levels.Entry, ...] = (),
    against: Sequence[Path] = (),
    page: Path | None = None,
    force: bool = False,
) -> Bumped:
    """Take over what was crawled: write specs, overrides carried from the version before, client and changelog.

    The version before is the one that the package was made from; `against` are people's own files, to be looked through
    for what this version no longer accepts; `page` is a file for the report in Markdown.
    Everything is made and checked in a temporary folder first. Raises SpecError where it cannot be done, or, without
    `force`, where something would be lost; every file is then as it was.
    """
    generate.validate_package_name(target.package.name)
    folder = target.folder(capture.api_version)
    before = former_version(target, capture.api_version)
    old = None if before is None else spec_files.read(before)
    if not force:
        capture, _ = spec_files.keep(capture, folder)
        spec_files.guard(capture, folder)
        lost = sorted(set(capture.unavailable) & set(old.documents if old else ()))
        if lost:
            raise SpecError(f"{', '.join(lost)}: available in {before}, but not now; --force takes the version without")
    compared = Comparison((), ()) if old is None else compare(old, capture)
    findings, unused = levels.apply(compared.findings, own_levels)
    with tempfile.TemporaryDirectory() as scratch:
        stage = _stage(capture, folder, before, Path(scratch))
        made = Path(scratch) / "out" / target.package.name
        kind, former = output.models(target.package), Former(target.package)
        rendered = generate.render(stage.folder, kind, former)
        output.write(made, rendered.files)
        _self_check(made)
        uses = scan(against, specs.load(before), specs.load(stage.folder)) if before is not None and against else None
        report = None
        if old is not None:
            client = _lost(findings, target.package, made)
            report = Report(title(old), title(capture), findings, client, uses and uses.uses)
        changes = Changes()
        differences = spec_files.plan(folder, spec_files.render(capture), changes)
        _plan(stage, folder, changes)
        written = output.plan(target.package, rendered.files, changes)
        if target.changelog is not None and (old is None or findings):
            _update(target.changelog, _section(old, capture, findings, stage.dropped), changes)
        if page is not None and report is not None:
            changes.write(page.parent, page.name, report.markdown().encode("utf-8", "backslashreplace"))
        with output.accessible("write", target.specs):
            changes.apply()
    former.save(generate.made_of(folder, kind), rendered.files[MANIFEST], rendered.problems)
    problems = tuple(rendered.problems)
    not_judged = () if uses is None else uses.problems
    return Bumped(report, compared.not_compared, not_judged, unused, differences, written, stage.dropped, problems)


def _section(old: Capture | None, new: Capture, findings: tuple[Finding, ...], dropped: tuple[str, ...]) -> str:
    if old is None:
        return f"### API {quoted(new.api_version)}\n\n- The first version that was captured.\n"
    title = f"API {quoted(old.api_version)} → {quoted(new.api_version)}"
    return changelog.section(title, findings, dropped)


def _lost(findings: tuple[Finding, ...], old: Path, new: Path) -> tuple[surface.Lost, ...] | None:
    """The names that users of the package in `old` miss in that in `new`; None where there was none."""
    if not (old / MANIFEST).is_file():
        return None
    return surface.join(findings, surface.lost(surface.of_package(old), surface.of_package(new)))


def former_version(target: Target, api_version: str) -> Path | None:
    """The specs folder to compare a new capture with: of what the package was made from, of the same version, or the
    newest. None where there is none.
    """
    made_from = output.origin(target.package).get("api_version")
    names = [name for name in (made_from, api_version) if isinstance(name, str)]
    folders = [target.specs / name for name in names if Path(name).name == name]
    try:
        folders += sorted(target.specs.iterdir(), key=lambda folder: _natural(folder.name), reverse=True)
    except OSError:
        return None
    return next((folder for folder in folders if (folder / spec_files.INDEX).is_file()), None)


def _natural(name: str) -> list[tuple[int, str]]:
    """`22.10` comes after `22.9`, and both after what does not begin with a number."""
    return [(int(number or -1), word) for number, word in re.findall(r"(\d*)(\D*)", name[:100])]


def _stage(capture: Capture, folder: Path, before: Path | None, scratch: Path) -> _Stage:
    """The specs folder as it will be, with what people and samples added to it, or to the version before."""
    staged = scratch / "specs" / folder.name
    spec_files.write(staged, spec_files.render(capture))
    known = folder if (folder / spec_files.INDEX).is_file() else before
    files = {} if known is None else _beside(known)
    dropped: tuple[str, ...] = ()
    if known is not None and known != folder and OVERRIDES in files:
        text, dropped = carry(_decoded(files[OVERRIDES], known / OVERRIDES), capture)
        files[OVERRIDES] = text.encode()
    if before != folder or PREVIOUS not in files:
        files.pop(PREVIOUS, None)
        _write(staged, files)
        names = None if before is None else previous(specs.load(before), specs.load(staged))
        if names is not None:
            files[PREVIOUS] = names
    _write(staged, files)
    return _Stage(staged, files, dropped)


def _beside(folder: Path) -> dict[str, bytes]:
    """What is in a specs folder beside its crawl, by relative path. Raises SpecError."""
    with output.accessible("read", folder):
        found = [folder / OVERRIDES, folder / PREVIOUS, *sorted((folder / "schemas").glob("*.json"))]
        return {file.relative_to(folder).as_posix(): file.read_bytes() for file in found if file.is_file()}


def _decoded(data: bytes, file: Path) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise SpecError(f"{file} is not UTF-8 text") from None


def _write(folder: Path, files: dict[str, bytes]) -> None:
    changes = Changes()
    for name, data in files.items():
        changes.write(folder, name, data)
    changes.apply()


def _plan(stage: _Stage, folder: Path, changes: Changes) -> None:
    """Add to `changes` what people, samples and the version before gave, where it is not there yet."""
    there = _beside(folder)
    for name, data in stage.files.items():
        if there.get(name) != data:
            changes.write(folder, name, data)
    if PREVIOUS in there and PREVIOUS not in stage.files:
        changes.remove(folder, PREVIOUS)


def _self_check(package: Path) -> None:
    """Have a package check itself, in a process of its own. Raises SpecError with what it found."""
    command = [sys.executable, "-m", "digirm_runtime.selfcheck", str(package)]
    try:
        done = subprocess.run(  # noqa: S603 - this interpreter, on what was generated
            command, capture_output=True, text=True, timeout=_MOST_SECONDS, check=False, cwd=package.parent
        )
    except subprocess.TimeoutExpired:
        raise SpecError("the new client's self-check does not come to an end; nothing was written") from None
    if done.returncode:
        found = (done.stdout or done.stderr).strip()
        raise SpecError(f"the new client fails its self-check; nothing was written:\n{found}")


def _update(file: Path, new: str, changes: Changes) -> None:
    """Add to `changes` the changelog with a section. Raises SpecError where it cannot be read as text."""
    place = file.resolve()
    with output.accessible("read", file):
        try:
            text = _decoded(place.read_bytes(), file)
        except FileNotFoundError:
            text = ""
    changed = changelog.insert(text, new)
    if changed != text:
        changes.write(place.parent, place.name, changed.encode())
