"""`digirm bump`: a version taken in one step, or nothing of it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from digirm_cli.main import main
from digirm_codegen.bump import Target, former_version
from digirm_codegen.generate import generate
from digirm_runtime import spec
from digirm_runtime.errors import SpecError
from tests.bump.support import FIRST, OVERRIDES, SECOND, bump, generate_first
from tests.codegen.support import ROOT, tree_of
from tests.crawl.dialect import serve
from tests.support.server import Answer

pytestmark = pytest.mark.usefixtures("place")


def test_the_first_version(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bump("1", FIRST) == 0
    shown = capsys.readouterr()
    assert shown.err == "digirm: there is no earlier version to compare with\n"
    assert "2 of 2 categories, live, version 1: 3 files written in specs/1\n" in shown.out
    assert spec.load("specs/1").api_version == "1"
    assert generate("specs/1", "src", "acme_rm", check=True).differences == ()
    assert Path("CHANGELOG.md").read_text() == (
        "# Changelog\n\n## [Unreleased]\n\n### API `1`\n\n- The first version that was captured.\n"
    )
    assert not list(place.rglob("previous.json"))


def test_the_first_version_as_a_report(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bump("1", FIRST, "--against", "missing.py") == 2
    assert "missing.py does not exist" in capsys.readouterr().err
    (place / "real").mkdir()
    Path("report.md").symlink_to("real/report.md")
    assert bump("1", FIRST, "--report", "report.md", "--against", "real") == 0
    assert Path("report.md").is_symlink()
    assert (
        (place / "real" / "report.md")
        .read_text()
        .startswith("# API `1 (live)`\n\nThe first version that was captured: 2 categories.\n")
    )


def test_the_next_version(taken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = tree_of(taken / "specs" / "1")
    assert bump("2", SECOND, "--report", "report.md") == 0
    shown = capsys.readouterr()
    assert tree_of(taken / "specs" / "1") == before
    assert "override that no longer applies, left out: " in shown.err
    assert "GET /ws/v1/rooms" in shown.err
    assert "1 (live) -> 2 (live): 2 breaking, 0 warnings, 1 info\n" in shown.out
    overrides = Path("specs/2/overrides.toml").read_text()
    assert overrides == "".join(line for line in OVERRIDES.splitlines(keepends=True) if "/rooms" not in line)
    new = spec.load("specs/2")
    assert [category.name for category in new.categories] == ["halls", "parts"]
    assert new.previous["api_version"] == "1"
    assert generate("specs/2", "src", "acme_rm", check=True).differences == ()
    entries = [line for line in Path("CHANGELOG.md").read_text().splitlines() if line.startswith(("- ", "### "))]
    assert entries[0] == "### API `1`"
    assert entries[2] == "### API `1` → `2`"
    assert [entry.partition(":")[0] for entry in entries[3:]] == [
        "- breaking",
        "- breaking",
        "- info",
        "- override that no longer applies",
    ]
    report = Path("report.md").read_text()
    assert "`rm.rooms`" in report
    assert "**Breaks callers:**" in report


def test_the_kind_of_types_stays(place: Path) -> None:
    generate_first(place, "msgspec")
    assert bump("2", SECOND) == 0
    assert json.loads(Path("src/acme_rm/_manifest.json").read_bytes())["models"] == "msgspec"


@pytest.mark.parametrize(("fail_on", "code"), [("none", 0), ("breaking", 1), ("warning", 1)])
def test_exit_code_by_level(taken: Path, fail_on: str, code: int) -> None:
    assert bump("2", SECOND, "--fail-on", fail_on) == code
    assert (taken / "specs" / "2").is_dir()


@pytest.mark.usefixtures("taken")
def test_levels_of_ones_own(capsys: pytest.CaptureFixture[str]) -> None:
    levels = "".join(
        f'[[level]]\nid = "{name}"\nlevel = "info"\nreason = "a test"\n'
        for name in ("category-removed", "field-type-changed", "path-removed")
    )
    Path("levels.toml").write_text(f"format = 1\n{levels}")
    assert bump("2", SECOND, "--levels", "levels.toml", "--fail-on", "breaking") == 0
    assert "levels.toml: no finding is as this entry says: path-removed" in capsys.readouterr().err


@pytest.mark.usefixtures("taken")
def test_ones_own_files(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine.py").write_text("def use(rm):\n    return rm.rooms.inventory.list()\n")
    assert bump("2", SECOND, "--against", "mine.py", "--fail-on", "breaking") == 1
    assert "mine.py:2" in capsys.readouterr().out


class TestAllOrNothing:
    @pytest.fixture(autouse=True)
    def unchanged(self, taken: Path) -> Iterator[None]:
        Path("file").touch()
        Path("empty").mkdir()
        Path("circle").symlink_to("circle")
        Path("linked.md").symlink_to("CHANGELOG.md")
        before = tree_of(taken)
        yield
        assert tree_of(taken) == before

    def test_the_service_refuses(self, capsys: pytest.CaptureFixture[str]) -> None:
        with serve({"/ws/v1": Answer(401)}) as server:
            assert main(["bump", server.url, "--api-version", "2", "--out", "src", "--package", "acme_rm"]) == 2
        assert "the credentials were refused" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("options", "reason"),
        [
            (["--package", "json"], "would hide the module"),
            (["--api-version", "../2"], "cannot be the name of a specs folder"),
            (["--api-version", "/2"], "cannot be the name of a specs folder"),
            (["--api-version", ".hidden"], "cannot be the name of a specs folder"),
            (["--specs", "file"], "is not a folder"),
            (["--out", "file"], "Not a directory"),
            (["--changelog", "src"], "src is not a regular file"),
            (["--changelog", "/dev/null"], "/dev/null is not a regular file"),
            (["--report", "file/report.md"], "Not a directory"),
            (["--report", "src"], "src is not a regular file"),
            (["--report", "x" * 300], "File name too long"),
            (["--levels", "missing.toml"], "cannot read missing.toml"),
            (["--against", "missing.py"], "missing.py does not exist"),
            (["--against", "x" * 300], "File name too long"),
            (["--against", "empty"], "empty: there is no file that could be looked through"),
            (["--report", "CHANGELOG.md"], "cannot be both the report and the changelog"),
            (["--report", "linked.md"], "cannot be both the report and the changelog"),
            (["--report", "circle"], "circle is a link that leads back to itself"),
            (["--changelog", "circle"], "circle is a link that leads back to itself"),
        ],
    )
    def test_what_is_asked_for_cannot_be(
        self, options: list[str], reason: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert bump("2", SECOND, *options) == 2
        shown = capsys.readouterr()
        assert reason in shown.err
        assert shown.out == ""

    @pytest.mark.parametrize(
        "options", [["--against", "missing.py"], ["--report", "CHANGELOG.md"], ["--report", "src"]]
    )
    def test_it_is_said_before_anything_is_asked_of_the_service(
        self, options: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        for package in ("acme_rm", "new_rm"):
            arguments = ["http://127.0.0.1:9", "--api-version", "2", "--out", "src", "--package", package]
            assert main(["bump", *arguments, *options]) == 2
            assert "127.0.0.1" not in capsys.readouterr().err

    def test_a_changelog_that_is_no_text(self, capsys: pytest.CaptureFixture[str], taken: Path) -> None:
        before = (taken / "CHANGELOG.md").read_bytes()
        (taken / "CHANGELOG.md").write_bytes(b"\xff\xfe")
        assert bump("2", SECOND) == 2
        assert "CHANGELOG.md is not UTF-8 text" in capsys.readouterr().err
        (taken / "CHANGELOG.md").write_bytes(before)


def test_a_self_check_that_fails(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    generate_first(place, "msgspec")
    before = tree_of(place)
    # In the process that checks, a library is broken that this one has imported already.
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "msgspec.py").write_text("raise ImportError('broken')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "broken"))
    assert bump("2", SECOND) == 2
    assert "fails its self-check; nothing was written" in capsys.readouterr().err
    assert tree_of(place) == before


@pytest.mark.parametrize(
    ("made_from", "folders", "found"),
    [
        (None, [], None),
        (None, ["22.9", "22.10", "9"], "22.10"),
        (None, ["docs-2023", "22.7"], "22.7"),
        (None, ["22.7", "23"], "23"),
        (None, ["new", "22.7"], "new"),
        ("22.7", ["22.7", "22.10", "new"], "22.7"),
        ("gone", ["22.7", "new"], "new"),
        ("../22.7", ["22.7"], "22.7"),
    ],
)
def test_the_version_before(place: Path, made_from: str | None, folders: list[str], found: str | None) -> None:
    for name in folders:
        (place / "specs" / name).mkdir(parents=True)
        (place / "specs" / name / "index.json").touch()
    if made_from is not None:
        (place / "src").mkdir()
        manifest = {"format": 1, "spec": {"api_version": made_from}, "files": {}}
        (place / "src" / "_manifest.json").write_text(json.dumps(manifest))
    before = former_version(Target(place / "specs", place / "src", None), "new")
    assert before == (None if found is None else place / "specs" / found)


def test_a_target_needs_a_name_that_is_a_folder() -> None:
    with pytest.raises(SpecError):
        Target(Path("specs"), Path("package"), None).folder("a/b")


def run(clone: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "digirm_cli.main", *arguments]
    return subprocess.run(command, cwd=clone, capture_output=True, text=True, check=False, timeout=120)


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "safe.directory=*", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, timeout=60).stdout


def test_a_scratch_clone_from_one_version_to_the_other_and_back(tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", str(ROOT), "clone")
    clone = tmp_path / "clone"
    done = run(clone, "bump", "sim:docs-2023", "--api-version", "docs-2023", "--report", "report.md")
    assert (done.returncode, "self-check" in done.stderr) == (0, False), done.stderr
    changed = set(git(clone, "status", "--porcelain").split()[1::2])
    assert all(name.startswith(("generated/", "specs/docs-2023/", "CHANGELOG.md", "report.md")) for name in changed)
    manifest = json.loads((clone / "generated" / "digirm" / "_manifest.json").read_bytes())
    assert manifest["spec"]["api_version"] == "docs-2023"
    assert "### API `22.7` → `docs-2023`" in (clone / "CHANGELOG.md").read_text()
    assert "`network_interfaces`" in (clone / "report.md").read_text()
    assert run(clone, "generate", "--specs", "specs/docs-2023", "--out", "generated", "--check").returncode == 0

    (clone / "report.md").unlink()
    assert run(clone, "bump", "sim:22.7", "--api-version", "22.7").returncode == 0
    manifest = json.loads((clone / "generated" / "digirm" / "_manifest.json").read_bytes())
    assert manifest["spec"]["api_version"] == "22.7"
    assert run(clone, "generate", "--specs", "specs/22.7", "--out", "generated", "--check").returncode == 0
    # Back again but for what tells of the way: the changelog, and names that stay for one version.
    (clone / "specs" / "22.7" / "previous.json").unlink()
    assert run(clone, "generate", "--specs", "specs/22.7", "--out", "generated").returncode == 0
    left = set(git(clone, "status", "--porcelain").split()[1::2])
    assert {name for name in left if not name.startswith("specs/docs-2023/")} == {"CHANGELOG.md"}
