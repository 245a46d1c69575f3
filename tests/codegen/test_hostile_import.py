"""Importing a package that was made from a hostile spec does nothing but import it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from digirm_codegen import output
from digirm_codegen.models import KINDS
from digirm_codegen.render import package
from digirm_runtime import spec
from tests.codegen.hostile import NAMES, made_of, rendered
from tests.codegen.support import GOLDEN, tree_of

SCRIPT = Path(__file__).with_name("importing.py")


def imported(folder: Path, *names: str) -> subprocess.CompletedProcess[str]:
    """Import packages of a folder after the one called `harmless`."""
    return subprocess.run(
        [sys.executable, "-B", "-I", "-X", "utf8", str(SCRIPT), str(folder), "harmless", *names],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_importing_does_nothing_else(tmp_path: Path, kind: str) -> None:
    output.write(tmp_path / "harmless", package(spec.load(GOLDEN / "specs"), kind).files)
    texts = [NAMES, NAMES[20:40], NAMES[70:90]]
    names = [f"hostile_{number}" for number in range(len(texts))]
    for name, words in zip(names, texts, strict=True):
        output.write(tmp_path / name, rendered(made_of(words), kind).files)
    before = tree_of(tmp_path)
    done = imported(tmp_path, *names)
    assert (done.stdout, done.stderr, done.returncode) == (f"imported {len(names)}\n", "", 0)
    assert tree_of(tmp_path) == before
    assert sorted(entry.name for entry in tmp_path.iterdir()) == sorted(["harmless", *names])


@pytest.mark.parametrize(
    "harm",
    [
        "open(__file__, 'a')",
        "import os; os.system('true')",
        "import socket",
        "import antigravity",
        "exec('x = 1')",
        "eval('1 + f()', {'f': int})",
        "open('/etc/hostname')",
        "import os; os.environ.update(X='1')",
        "import pathlib; pathlib.Path('x').mkdir()",
    ],
)
def test_what_the_test_above_would_find(tmp_path: Path, harm: str) -> None:
    for name, text in (("harmless", ""), ("hostile", harm)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"__all__ = []\n{text}\n")
    done = imported(tmp_path, "hostile")
    # Told by the hook, not by a traceback.
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.partition(" ")[0] in ("open", "import", "exec", "compile", "os.system", "os.putenv", "os.mkdir")
