"""`digirm bump` of what is there in part: hand knowledge, names, a half-written package, a category that is away."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from digirm_cli.main import main
from digirm_codegen import reuse
from digirm_codegen.generate import generate
from digirm_codegen.reuse import Former
from digirm_runtime import spec
from tests.bump.support import FIELD, FIRST, OVERRIDES, SECOND, bump, inventory, serving
from tests.codegen.support import tree_of
from tests.support.server import Answer

pytestmark = pytest.mark.usefixtures("place")


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


@pytest.mark.usefixtures("taken")
def test_drift_after_drift() -> None:
    """Names and changelog entries of each step stay, and the same again changes nothing."""

    def kept() -> set[str]:
        found = json.loads(Path("specs/1/previous.json").read_bytes())
        return {operation["path"] for operation in found["operations"]}

    halls = {**FIRST, "halls": inventory("halls", FIELD), "yards": inventory("yards", FIELD)}
    for name in ("halls", "yards", None):
        assert bump("1", halls) == 0
        if name:
            del halls[name]
    assert kept() >= {"/ws/v1/halls/inventory", "/ws/v1/yards/inventory"}
    text = Path("CHANGELOG.md").read_text()
    assert text.count("### API `1` → `1`") == 1
    assert [line.split(":")[0] for line in text.splitlines() if "`halls`" in line or "`yards`" in line] == [
        "- info", "- info", "- breaking", "- breaking",
    ]  # fmt: skip
    before = tree_of(Path())
    assert bump("1", halls) == 0
    assert tree_of(Path()) == before
    # What is offered again is no alias.
    assert bump("1", {**halls, "halls": inventory("halls", FIELD)}) == 0
    assert "/ws/v1/halls/inventory" not in kept()
    assert "/ws/v1/yards/inventory" in kept()


def test_hand_knowledge_of_the_same_version_must_apply(taken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = tree_of(taken)
    assert bump("1", SECOND) == 2
    shown = capsys.readouterr().err
    assert "specs/1/overrides.toml no longer fits" in shown
    assert "GET /ws/v1/rooms" in shown
    assert "or run with --force, which leaves them out" in shown
    assert tree_of(taken) == before
    assert bump("1", SECOND, "--force") == 0
    assert "override that no longer applies, left out: " in capsys.readouterr().err
    overrides = Path("specs/1/overrides.toml").read_text()
    assert overrides == "".join(line for line in OVERRIDES.splitlines(keepends=True) if "/rooms" not in line)
    assert "- override that no longer applies: " in Path("CHANGELOG.md").read_text()


@pytest.mark.usefixtures("taken")
def test_a_version_that_changed_nothing() -> None:
    assert bump("2", FIRST) == 0
    assert "### API `1` → `2`\n\n- The contract did not change.\n" in Path("CHANGELOG.md").read_text()


@pytest.mark.usefixtures("taken")
def test_what_the_folder_of_a_version_lacks_comes_from_the_version_before() -> None:
    sample = {"$defs": {"Part": {"type": "object", "properties": {"size": {"type": "integer"}}}}}
    for version in ("1", "2"):
        Path(f"specs/{version}/schemas").mkdir(parents=True)
    Path("specs/1/schemas/parts.json").write_text(json.dumps(sample))
    with serving(SECOND) as server:
        assert main(["crawl", server.url, "--api-version", "2", "--out", "specs/2"]) == 0
    assert bump("2", SECOND) == 0
    assert "[schemas.Part]" in Path("specs/2/overrides.toml").read_text()
    assert json.loads(Path("specs/2/schemas/parts.json").read_bytes()) == sample


@pytest.mark.parametrize("damage", ["all but the manifest is new", "a file is gone", "a file is no Python"])
def test_a_package_that_is_half_written(taken: Path, damage: str) -> None:
    package = taken / "src" / "acme_rm"
    if damage == "all but the manifest is new":
        manifest = (package / "_manifest.json").read_bytes()
        assert bump("2", SECOND) == 0
        (package / "_manifest.json").write_bytes(manifest)
    elif damage == "a file is gone":
        shutil.rmtree(package / "fields")
    else:
        (package / "api" / "rooms.py").write_text("def (")
    assert bump("2", SECOND, "--report", "report.md") == 0
    assert "`rm.rooms`" in Path("report.md").read_text()
    assert generate("specs/2", "src", "acme_rm", check=True).differences == ()


@pytest.mark.usefixtures("taken")
def test_what_a_run_was_made_of_is_what_was_staged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that somebody writes meanwhile is not taken for one that the package was made of."""
    monkeypatch.setenv("DIGIRM_CACHE_DIR", str(tmp_path / "cache"))
    Path("specs/2").mkdir()
    Path("specs/2/notes.json").write_text("{}")
    assert bump("2", SECOND) == 0
    Path("specs/2/notes.json").unlink()
    assert Former(Path("src/acme_rm")).whole(reuse.inputs(Path("specs/2"), None)) is not None


@pytest.mark.usefixtures("taken")
def test_hand_knowledge_comes_before_the_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a run that is killed on the way loses none: without an index a folder is no version yet."""
    order: list[Path] = []
    replace = Path.replace

    def noted(self: Path, target: Path) -> Path:
        order.append(target)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", noted)
    assert bump("2", SECOND) == 0
    [index] = [number for number, file in enumerate(order) if file == Path("specs/2/index.json")]
    assert {Path("specs/2/overrides.toml"), Path("specs/2/previous.json")} <= set(order[:index])


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
        assert "`rooms` was unavailable both times" in shown.err
        assert "no changes" in shown.out
        assert "Not compared, as unavailable both times: 1\nrooms\n" in shown.out
        assert (place / "specs" / "2").is_dir()

    def test_what_the_same_version_has_stays(self, taken: Path, capsys: pytest.CaptureFixture[str]) -> None:
        before = tree_of(taken / "specs")
        assert bump("1", {"parts": FIRST["parts"]}, "--report", "report.md", rooms=self.REFUSED) == 3
        assert tree_of(taken / "specs") == before
        assert "`rooms` is unavailable now: the earlier capture stands" in capsys.readouterr().err
        report = (taken / "report.md").read_text()
        assert "🟡 **Breaks nothing that is known:**" in report
        assert "the earlier capture stands (1)\n\n- `rooms`\n" in report

    @pytest.mark.usefixtures("taken")
    def test_what_was_lost_meanwhile_is_told_when_it_is_back(self, capsys: pytest.CaptureFixture[str]) -> None:
        parts = {"parts": FIRST["parts"]}
        assert bump("2", parts, "--force", rooms=self.REFUSED) == 3
        capsys.readouterr()
        other = inventory("rooms", {**FIELD, "field": "other"})
        assert bump("3", {**parts, "rooms": other}) == 0
        shown = capsys.readouterr().out
        assert (
            "fields.rooms.inventory.name: could not be captured before, and is gone; it stays for one version" in shown
        )
        assert "- Python name: `fields.rooms.inventory.name`" in Path("CHANGELOG.md").read_text()

    def test_names_stay_while_it_is_unavailable(self, taken: Path) -> None:
        parts = {"parts": FIRST["parts"]}
        for version in ("2", "3"):
            assert bump(version, parts, "--force", rooms=self.REFUSED) == 3
            kept = json.loads((taken / "specs" / version / "previous.json").read_bytes())
            assert {operation["path"] for operation in kept["operations"]} >= {"/ws/v1/rooms/inventory"}

    def test_findings_outrank_it(self, taken: Path) -> None:
        documents = {"parts": SECOND["parts"]}
        assert bump("2", documents, "--force", "--fail-on", "breaking", rooms=self.REFUSED) == 1
        assert (taken / "specs" / "2").is_dir()
