"""Writing an export to a file or a folder, or comparing it with what is there."""

from __future__ import annotations

from pathlib import Path

from digirm_codegen.exports import Exported
from digirm_codegen.files import Changes
from digirm_runtime.errors import SpecError
from digirm_runtime.saving import beside


def write(out: Path, exported: Exported) -> None:
    """Write a single file as `out`, or several into the folder `out`: all of them or none.

    In a folder, files of an earlier export that this one lacks are removed. Raises SpecError where that cannot be done,
    or would replace a file that is none of an export's.
    """
    try:
        if not exported.marker:
            with beside(out) as file:
                file.write(exported.text.encode())
            return
        changes = Changes()
        for name, text in exported.files.items():
            found = _read(out / name)
            if found != text.encode():
                if (out / name).is_symlink() or (found is not None and not _is_own(found, exported)):
                    raise SpecError(f"{out / name} was not made by export-spec; nothing was written")
                changes.write(out, name, text.encode())
        for name in _gone(out, exported):
            changes.remove(out, name)
        changes.apply()
    except OSError as error:
        raise SpecError(f"cannot write {out}: {error.strerror or error}") from None


def compare(out: Path, exported: Exported) -> list[str]:
    """How what is at `out` differs: lines `missing: PATH`, `differs: PATH`, `extra: PATH`.

    Raises SpecError where it cannot be read.
    """
    differences: list[str] = []
    try:
        for name, text in exported.files.items():
            file = out / name
            found = _read(file)
            if found != text.encode():
                differences.append(f"{'missing' if found is None else 'differs'}: {file.as_posix()}")
        if exported.marker:
            differences += [f"extra: {(out / name).as_posix()}" for name in _gone(out, exported)]
    except OSError as error:
        raise SpecError(f"cannot read {out}: {error.strerror or error}") from None
    return differences


def _gone(folder: Path, exported: Exported) -> list[str]:
    """Files that an earlier export made and this one lacks."""
    endings = {Path(name).suffix for name in exported.files}
    try:
        found = sorted(file.name for file in folder.iterdir() if file.suffix in endings and file.is_file())
    except FileNotFoundError:
        return []
    return [
        name
        for name in found
        if name not in exported.files
        and not (folder / name).is_symlink()
        and _is_own((folder / name).read_bytes(), exported)
    ]


def _is_own(data: bytes, exported: Exported) -> bool:
    return data.startswith(exported.marker.encode())


def _read(file: Path) -> bytes | None:
    """What a file holds; None where there is none. Raises OSError where it cannot be read."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None
