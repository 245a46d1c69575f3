"""`digirm bump`: a version taken in one step, or nothing of it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest

from digirm_cli.main import main
from digirm_codegen.bump import Target, former_version
from digirm_codegen.generate import generate
from digirm_runtime import spec
from digirm_runtime.errors import SpecError
from tests.codegen.support import ROOT, listing, path, request, tree_of
from tests.crawl.dialect import root, serve
from tests.support.server import Answer

FIELD = {"field": "name", "operators": ["=", "contains"], "orderby": True, "type": "Text"}
OVERRIDES = """
format = 1  # by hand

[names]
"GET /ws/v1/parts/inventory" = { name = "parts.all", source = "a test", reason = "a test" }
"GET /ws/v1/rooms" = { name = "rooms.look", source = "a test", reason = "a test" }

[schemas.Part]
category = "parts"
source = "a test"
reason = "a test"
properties = { name = "string" }
"""


def inventory(name: str, *fields: dict[str, Any]) -> dict[str, Any]:
    get = request("GET", "query", "size", query=list(fields))
    return listing(path(f"/ws/v1/{name}/inventory", get), path(f"/ws/v1/{name}"))


def serving(documents: dict[str, Any], **more: Answer) -> Any:
    """A server of these categories; `more` are other answers, by category."""
    answers = {"/ws/v1": Answer(body=root(*documents, *more))}
    answers |= {f"/ws/v1/{name}": Answer(body=document) for name, document in documents.items()}
    return serve(answers | {f"/ws/v1/{name}": answer for name, answer in more.items()})


FIRST = {"parts": inventory("parts", FIELD), "rooms": inventory("rooms", FIELD)}
SECOND = {"parts": inventory("parts", {**FIELD, "type": "Numeric"}), "halls": inventory("halls", FIELD)}


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("DIGIRM_USERNAME", "user")
    monkeypatch.setenv("DIGIRM_PASSWORD", "hunter2")
    (tmp_path / "place").mkdir()
    with chdir(tmp_path / "place"):
        yield Path("place").absolute().parent


def bump(version: str, documents: dict[str, Any], *options: str, **more: Answer) -> int:
    with serving(documents, **more) as server:
        arguments = [server.url, "--api-version", version, "--out", "src", "--package", "acme_rm"]
        return main(["bump", *arguments, *options])


@pytest.fixture
def taken(place: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A folder with the first version, and hand knowledge."""
    assert bump("1", FIRST) == 0
    Path("specs/1/overrides.toml").write_text(OVERRIDES)
    generate("specs/1", "src", "acme_rm")
    capsys.readouterr()
    return place


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


def test_and_the_same_again(taken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bump("2", SECOND) == 0
    before = tree_of(taken)
    capsys.readouterr()
    assert bump("2", SECOND) == 0
    shown = capsys.readouterr()
    assert tree_of(taken) == before
    assert ": 0 files written in specs/2\n" in shown.out
    assert "src/acme_rm: 0 files written" in shown.out
    assert "no changes" in shown.out


def test_and_back(taken: Path) -> None:
    before = tree_of(taken)
    assert bump("2", SECOND) == 0
    assert bump("1", FIRST) == 0
    after = tree_of(taken)
    # What the second version had is kept for one version, too.
    (taken / "specs" / "1" / "previous.json").unlink()
    generate("specs/1", "src", "acme_rm")
    again = tree_of(taken)
    assert {name: data for name, data in again.items() if "specs/2/" not in name and name != "CHANGELOG.md"} == {
        name: data for name, data in before.items() if name != "CHANGELOG.md"
    }
    assert "### API `2` → `1`" in (taken / "CHANGELOG.md").read_text()
    assert "specs/1/previous.json" in after


@pytest.mark.usefixtures("taken")
def test_drift_within_a_version(capsys: pytest.CaptureFixture[str]) -> None:
    halls = {**FIRST, "halls": inventory("halls", FIELD)}
    assert bump("1", halls) == 0
    assert "category-added" in capsys.readouterr().out
    assert "### API `1` → `1`" in Path("CHANGELOG.md").read_text()
    assert Path("specs/1/overrides.toml").read_text() == OVERRIDES
    assert "halls.json" in {file.name for file in Path("specs/1").iterdir()}


def test_hand_knowledge_of_the_same_version_must_apply(taken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = tree_of(taken)
    assert bump("1", SECOND) == 2
    assert "overrides.toml no longer fits" in capsys.readouterr().err
    assert tree_of(taken) == before


@pytest.mark.usefixtures("taken")
def test_what_a_version_has_by_hand_stays() -> None:
    assert bump("2", SECOND) == 0
    own = OVERRIDES.replace('"GET /ws/v1/rooms" = { name = "rooms.look"', '"GET /ws/v1/halls" = { name = "halls.look"')
    Path("specs/2/overrides.toml").write_text(own)
    assert bump("2", SECOND) == 0
    assert Path("specs/2/overrides.toml").read_text() == own
    assert "look" in Path("src/acme_rm/api/halls.py").read_text()


@pytest.mark.usefixtures("taken")
def test_samples_come_along() -> None:
    sample = {"$defs": {"Part": {"type": "object", "properties": {"size": {"type": "integer"}}}}}
    Path("specs/1/schemas").mkdir()
    Path("specs/1/schemas/parts.json").write_text(json.dumps(sample))
    assert bump("2", SECOND) == 0
    assert json.loads(Path("specs/2/schemas/parts.json").read_bytes()) == sample
    assert "size:" in Path("src/acme_rm/models/parts.py").read_text()


def test_the_kind_of_types_stays(place: Path) -> None:
    generate_first(place, "msgspec")
    assert bump("2", SECOND) == 0
    assert json.loads(Path("src/acme_rm/_manifest.json").read_bytes())["models"] == "msgspec"


def generate_first(place: Path, models: str) -> None:
    assert bump("1", FIRST) == 0
    Path("specs/1/overrides.toml").write_text(OVERRIDES)
    shutil.rmtree(place / "src")
    generate("specs/1", "src", "acme_rm", models=models)


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


class TestUnavailable:
    REFUSED = Answer(403)

    def test_what_was_there_is_not_lost_in_passing(self, taken: Path, capsys: pytest.CaptureFixture[str]) -> None:
        before = tree_of(taken)
        assert bump("2", {"parts": FIRST["parts"]}, rooms=self.REFUSED) == 2
        assert "rooms: available in specs/1, but not now; --force" in capsys.readouterr().err
        assert tree_of(taken) == before

    @pytest.mark.usefixtures("taken")
    def test_by_force(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert bump("2", {"parts": FIRST["parts"]}, "--force", rooms=self.REFUSED) == 3
        assert "category-unavailable" in capsys.readouterr().out
        assert spec.load("specs/2").unavailable == {"rooms": (403, "forbidden")}

    def test_in_neither_version(self, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert bump("1", {"parts": FIRST["parts"]}, rooms=self.REFUSED) == 3
        capsys.readouterr()
        assert bump("2", {"parts": FIRST["parts"]}, rooms=self.REFUSED) == 3
        shown = capsys.readouterr()
        assert "rooms was unavailable both times" in shown.err
        assert "no changes" in shown.out
        assert (place / "specs" / "2").is_dir()

    def test_findings_outrank_it(self, taken: Path) -> None:
        documents = {"parts": SECOND["parts"]}
        assert bump("2", documents, "--force", "--fail-on", "breaking", rooms=self.REFUSED) == 1
        assert (taken / "specs" / "2").is_dir()


class TestAllOrNothing:
    @pytest.fixture(autouse=True)
    def unchanged(self, taken: Path) -> Iterator[None]:
        Path("file").touch()
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
            (["--changelog", "src"], "Is a directory"),
            (["--report", "file/report.md"], "Not a directory"),
            (["--report", "src"], "Is a directory"),
            (["--levels", "missing.toml"], "cannot read missing.toml"),
            (["--against", "missing.py"], "missing.py"),
        ],
    )
    def test_what_is_asked_for_cannot_be(
        self, options: list[str], reason: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert bump("2", SECOND, *options) == 2
        shown = capsys.readouterr()
        assert reason in shown.err
        assert shown.out == ""

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
