"""`digirm diff` as a command: streams, exit codes, and what keeps it from running."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from digirm_cli.main import main
from digirm_codegen import spec_files
from digirm_codegen.spec_files import Capture
from tests.diff.support import capture, document, field, get, item, parts
from tests.house.snippets import ROOT

SMALL = ROOT / "tests" / "golden" / "small" / "specs"
OLD = parts(get(field("id"), field("bin")))
CASES = {
    "same": OLD,
    "breaking": parts(get(field("id"))),
    "warning": parts(get(field("id"), field("bin", orderby=False))),
    "info": parts(get(field("id"), field("bin"), field("size"))),
}


def folder(path: Path, one: Capture) -> str:
    spec_files.write(path, spec_files.render(one))
    return str(path)


@pytest.fixture
def old(tmp_path: Path) -> str:
    return folder(tmp_path / "old", OLD)


@pytest.mark.parametrize(
    ("what", "codes"), [("same", (0, 0, 0)), ("info", (0, 0, 0)), ("warning", (0, 1, 0)), ("breaking", (1, 1, 0))]
)
def test_exit_codes(what: str, codes: tuple[int, ...], old: str, tmp_path: Path) -> None:
    new = folder(tmp_path / "new", CASES[what])
    assert main(["diff", old, new]) == codes[0]
    assert tuple(main(["diff", old, new, "--fail-on", on]) for on in ("breaking", "warning", "none")) == codes


@pytest.mark.parametrize("format", ["text", "json", "markdown"])
def test_the_report_goes_to_standard_output_or_to_a_file(
    format: str, old: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = folder(tmp_path / "new", CASES["breaking"])
    assert main(["diff", old, new, "--format", format]) == 1
    shown = capsys.readouterr()
    assert (shown.out.count("is gone"), shown.err) == (1, "")
    if format == "json":
        [finding] = json.loads(shown.out)["findings"]
        assert (finding["id"], finding["level"], finding["name"]) == ("field-removed", "breaking", "bin")
    assert main(["diff", old, new, "--format", format, "--out", str(tmp_path / "report")]) == 1
    assert (tmp_path / "report").read_text("utf-8") == shown.out
    assert capsys.readouterr() == ("", "")


def test_a_report_that_cannot_be_written(old: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", old, old, "--out", str(tmp_path)]) == 2
    assert "cannot write" in capsys.readouterr().err


def damaged(path: Path, what: str) -> str:
    """A specs folder that cannot be compared."""
    if what == "missing":
        return str(path)
    if what == "file":
        path.write_text("{}")
        return str(path)
    folder(path, OLD)
    if what == "no index":
        (path / "index.json").unlink()
    elif what == "no document":
        (path / "parts.json").unlink()
    elif what == "not JSON":
        (path / "parts.json").write_text("{")
    elif what == "edited":
        (path / "parts.json").write_text((path / "parts.json").read_text().replace("bin", "box"))
    elif what == "deep":
        (path / "parts.json").write_text("[" * 100_000)
    elif what == "other format":
        (path / "index.json").write_text('{"format": 2}')
    return str(path)


@pytest.mark.parametrize(
    "what", ["missing", "file", "no index", "no document", "not JSON", "edited", "deep", "other format"]
)
@pytest.mark.parametrize("format", ["text", "json", "markdown"])
def test_what_cannot_be_compared_is_not_taken_for_unchanged(
    what: str, format: str, old: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = damaged(tmp_path / "bad", what)
    for pair in ([old, bad], [bad, old], [bad, bad]):
        assert main(["diff", *pair, "--format", format, "--fail-on", "none"]) == 2
        shown = capsys.readouterr()
        assert shown.out == ""
        assert shown.err.startswith("digirm: ")
        assert shown.err.count("\n") == 1


@pytest.mark.parametrize("argv", [[], ["a"], ["a", ""], ["a", "b", "c"], ["a", "b", "--fail-on", "info"]])
def test_wrong_usage(argv: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["diff", *argv])
    assert caught.value.code == 2


def test_unavailable_both_times_is_a_line_on_standard_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document_ = document(item("/ws/v1/parts/inventory", get()))
    one = folder(tmp_path / "one", capture("bins\n\x1b[31m", parts=document_))
    assert main(["diff", one, one, "--fail-on", "warning"]) == 0
    shown = capsys.readouterr()
    assert shown.out == (
        "1 (live) -> 1 (live): no changes\n\nNot compared, as unavailable both times: 1\nbins\\n\\x1b[31m\n"
    )
    assert shown.err == "digirm: `bins\\n\\x1b[31m` was unavailable both times: it is not compared\n"
    two = folder(tmp_path / "two", capture("bins\n\x1b[31m", "parts"))
    assert main(["diff", one, two]) == 0
    assert capsys.readouterr().out.count("category-unavailable") == 1
    assert main(["diff", one, two, "--fail-on", "warning"]) == 1


def test_levels(old: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new = folder(tmp_path / "new", CASES["breaking"])
    levels = tmp_path / "levels.toml"
    entry = "[[level]]\nid = 'field-removed'\nlevel = 'info'\nreason = 'known'\nname = '{}'\n"
    levels.write_text("format = 1\n" + entry.format("bin") + entry.format("box"))
    assert main(["diff", old, new, "--levels", str(levels)]) == 0
    shown = capsys.readouterr()
    assert "info instead of breaking: `known`" in shown.out
    assert shown.err == f"digirm: {levels}: no finding is as this entry says: field-removed name=`box`\n"
    levels.write_text("format = 1\n[[level]]\nid = 'nonsense'\nlevel = 'info'\nreason = 'known'\n")
    assert main(["diff", old, new, "--levels", str(levels)]) == 2
    assert capsys.readouterr() == ("", f"digirm: {levels}: no finding is called `nonsense`\n")


@pytest.fixture
def shrunk(tmp_path: Path) -> str:
    """The small spec without one of its paths, and without the overrides that speak of it."""
    one = spec_files.read(SMALL)
    name = next(iter(sorted(one.documents)))
    documents = {key: found for key, found in one.documents.items() if key != name}
    return folder(tmp_path / "new", capture(base_path=one.base_path, provenance=one.provenance, **documents))


def test_the_client_that_would_be_generated(shrunk: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", str(SMALL), shrunk, "--client", "--format", "json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["client"]
    assert all(one.keys() >= {"kind", "name", "message"} for one in report["client"])
    assert main(["diff", str(SMALL), str(SMALL), "--client", "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["findings"], report["client"]) == ([], [])


def test_uses_in_files(old: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new = folder(tmp_path / "new", CASES["breaking"])
    user = tmp_path / "user"
    user.mkdir()
    (user / "queries.txt").write_text("# endpoint: parts/inventory\nid = 'a'\nbin = 'x'\n")
    argv = ["diff", old, new, "--format", "json", "--against", str(user)]
    assert main(argv) == 1
    [use] = json.loads(capsys.readouterr().out)["uses"]
    assert (Path(use["file"]).name, use["line"], use["text"]) == ("queries.txt", 3, "bin = 'x'")
    levels = tmp_path / "levels.toml"
    levels.write_text("format = 1\n[[level]]\nid = 'field-removed'\nlevel = 'info'\nreason = 'known'\n")
    assert main([*argv, "--levels", str(levels)]) == 1, "a use that breaks is one, whatever the finding's level"
    assert main([*argv, "--levels", str(levels), "--fail-on", "none"]) == 0
    shutil.rmtree(user)
    capsys.readouterr()
    assert main(argv) == 2
    user.mkdir()
    assert main(argv) == 2, "where there is nothing to look through, nothing was found out"
    assert capsys.readouterr().out == ""


def test_what_could_not_be_judged_is_in_the_report(
    old: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.txt").write_text("nothing")
    (tmp_path / "mine.bin").write_bytes(b"\0")
    named = [str(tmp_path / "mine.txt"), str(tmp_path / "mine.bin")]
    assert main(["diff", old, old, "--format", "json", "--against", *named]) == 0
    shown = capsys.readouterr()
    [problem] = json.loads(shown.out)["not_judged"]
    assert "mine.bin" in problem
    assert shown.err == f"digirm: {problem}\n"
    assert main(["diff", old, old, "--against", named[1]]) == 2
    assert "there is no file that could be looked through" in capsys.readouterr().err
