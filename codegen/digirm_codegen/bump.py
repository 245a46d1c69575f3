"""A new API version taken in one step: specs, client and changelog, all of it or nothing."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from digirm_codegen import changelog, generate, output, reuse, spec_files
from digirm_codegen.carry import carry
from digirm_codegen.diff import levels, report, surface
from digirm_codegen.diff.findings import quoted
from digirm_codegen.diff.report import Report
from digirm_codegen.diff.review import Clients, Review, Version, ensure_there, review
from digirm_codegen.files import Changes
from digirm_codegen.previous import previous
from digirm_codegen.spec_files import Capture, Difference
from digirm_runtime import spec as specs
from digirm_runtime.errors import SpecError
from digirm_runtime.package import MANIFEST

OVERRIDES = "overrides.toml"
PREVIOUS = "previous.json"
_MOST_SECONDS = 600


class Target(NamedTuple):
    """Where everything is: the folder of all specs, the folder of the package, the changelog, if any, and the file for
    the report in Markdown, if any.
    """

    specs: Path
    package: Path
    changelog: Path | None
    report: Path | None = None

    def folder(self, api_version: str) -> Path:
        """The specs folder of a version. Raises SpecError for a name that no folder should have."""
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,99}", api_version):
            raise SpecError(f"{api_version!a} cannot be the name of a specs folder")
        return self.specs / api_version


class Bumped(NamedTuple):
    """What a bump did.

    `report` compares the version before with this one, None where there was none; `unused` are the levels that fit no
    finding. `specs` and `package` are files, and `problems` entries of the specs that were left out.
    """

    report: Report | None
    unused: tuple[levels.Entry, ...]
    specs: list[Difference]
    package: output.Written
    problems: tuple[str, ...]


class _Stage(NamedTuple):
    """The new version while it is nowhere but in a temporary folder."""

    folder: Path
    files: dict[str, bytes]
    dropped: tuple[str, ...]


def ensure_possible(target: Target, api_version: str, against: Sequence[Path] = ()) -> None:
    """Raise SpecError for what cannot be, as far as that is known before a long crawl."""
    generate.validate_package_name(target.package.name)
    spec_files.ensure_writable(target.folder(api_version))
    ensure_there(against)
    report_place = None if target.report is None else _real(target.report)
    if target.changelog is not None and _real(target.changelog) == report_place:
        raise SpecError(f"{target.report} cannot be both the report and the changelog")


def bump(
    capture: Capture,
    target: Target,
    *,
    own_levels: tuple[levels.Entry, ...] = (),
    against: Sequence[Path] = (),
    force: bool = False,
) -> Bumped:
    """Take over what was crawled: write specs, overrides carried from the version before, client and changelog.

    The version before is the one that the package was made from; `against` are people's own files, to be looked through
    for what this version no longer accepts.
    Everything is made and checked in a temporary folder first. Raises SpecError where it cannot be done, or, without
    `force`, where something would be lost; every file is then as it was.
    """
    ensure_possible(target, capture.api_version, against)
    folder = target.folder(capture.api_version)
    before = former_version(target, capture.api_version)
    old = None if before is None else Version.read(before)
    kept: list[str] = []
    if not force:
        capture, kept = spec_files.keep(capture, folder)
        spec_files.guard(capture, folder)
        lost = sorted(set(capture.unavailable) & set(old.capture.documents if old else ()))
        if lost:
            raise SpecError(f"{', '.join(lost)}: available in {before}, but not now; --force takes the version without")
    with tempfile.TemporaryDirectory() as scratch:
        stage = _stage(capture, folder, before, Path(scratch), force)
        made = Path(scratch) / "out" / target.package.name
        kind, former = output.models(target.package), reuse.Former(target.package)
        inputs = reuse.inputs(stage.folder, kind)
        rendered = generate.render(stage.folder, kind, former)
        output.write(made, rendered.files)
        _self_check(made)
        found: Review | None = None
        if old is not None:
            clients = _clients(target.package, old.folder, made)
            new = Version(stage.folder, capture)
            found = review(old, new, own_levels=own_levels, against=against, clients=clients, dropped=stage.dropped)
            found = found._replace(report=found.report._replace(kept=tuple(kept)))
        changes = Changes()
        _plan(stage, folder, changes)
        differences = spec_files.plan(folder, spec_files.render(capture), changes)
        written = output.plan(target.package, rendered.files, changes)
        if target.changelog is not None:
            _plan_changelog(target.changelog, old, capture, found, changes)
        if target.report is not None:
            page = report.first(capture) if found is None else found.report.markdown()
            place = _real(target.report)
            changes.write(place.parent, place.name, page.encode("utf-8", "backslashreplace"))
        with output.accessible("write", target.specs):
            changes.apply()
    former.save(inputs, rendered.files[MANIFEST], rendered.problems)
    shown, unused = (None, ()) if found is None else found
    return Bumped(shown, unused, differences, written, tuple(rendered.problems))


def _clients(package: Path, before: Path, made: Path) -> Clients | None:
    """What users of the package have and will have; None where there is none yet."""
    if not (package / MANIFEST).is_file():
        return None
    return Clients(_offered(package, before), surface.of_package(made))


def _offered(package: Path, before: Path) -> surface.Surface:
    """What users of the package have; what its specs say where a killed run left it half written."""
    if output.whole(package) is not None:
        with suppress(SpecError):
            return surface.of_package(package)
    return surface.of_specs(before)


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


def _stage(capture: Capture, folder: Path, before: Path | None, scratch: Path, force: bool) -> _Stage:
    """The specs folder as it will be, with what people and samples added to it, or else to the version before.

    Without `force`, raises SpecError where the version's own overrides do not apply.
    """
    staged = scratch / "specs" / folder.name
    spec_files.write(staged, spec_files.render(capture))
    own = _beside(folder)
    files = ({} if before is None else _beside(before)) | own
    files.pop(PREVIOUS, None)
    dropped: tuple[str, ...] = ()
    if OVERRIDES in files:
        source = (folder if OVERRIDES in own else before or folder) / OVERRIDES
        text, dropped = carry(_decoded(files[OVERRIDES], source), capture)
        if dropped and OVERRIDES in own and not force:
            entries = "".join(f"\n  {entry}" for entry in dropped)
            raise SpecError(
                f"{source} no longer fits the spec:{entries}\n"
                "Remove these entries from it, or run with --force, which leaves them out."
            )
        files[OVERRIDES] = text.encode()
    _write(staged, files)
    if before is not None:
        kept = specs.read_json(folder / PREVIOUS) if PREVIOUS in own else None
        names = previous(specs.load(before), specs.load(staged), kept)
        if names is not None:
            files[PREVIOUS] = names
            _write(staged, {PREVIOUS: names})
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


def _plan_changelog(file: Path, old: Version | None, new: Capture, found: Review | None, changes: Changes) -> None:
    """Add to `changes` the changelog with a section, where there is something to say.

    Raises SpecError where the file cannot be read as text.
    """
    again = old is not None and old.capture.api_version == new.api_version
    if old is None or found is None:
        section = f"### API {quoted(new.api_version)}\n\n- The first version that was captured.\n"
    elif again and not found.report.findings and not found.report.dropped and not found.report.ended():
        return
    else:
        title = f"API {quoted(old.capture.api_version)} → {quoted(new.api_version)}"
        section = changelog.section(title, found.report)
    place = _real(file)
    with output.accessible("read", file):
        try:
            text = _decoded(place.read_bytes(), file)
        except FileNotFoundError:
            text = ""
    # What a version has come to in several steps is told in one section.
    changed = changelog.insert(text, section, add=again)
    if changed != text:
        changes.write(place.parent, place.name, changed.encode())


def _real(file: Path) -> Path:
    """Where a file to write is, which links may lead to. Raises SpecError where it cannot be one."""
    circle = SpecError(f"{file} is a link that leads back to itself")
    try:
        place = file.resolve()
        if place.is_symlink():
            raise circle
        if place.exists() and not place.is_file():
            raise SpecError(f"{file} is not a regular file")
    except RuntimeError:  # how Python up to 3.12 says it
        raise circle from None
    except OSError as error:
        raise SpecError(f"cannot write {file}: {error.strerror}") from None
    return place
