"""Whatever a server says of itself, the commands print nothing that a terminal would act upon."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings

from digirm_cli.main import main
from digirm_codegen import spec_files
from digirm_codegen.exports import FORMATS
from digirm_codegen.spec_files import Capture, Unavailable
from digirm_runtime.errors import SpecError
from digirm_runtime.spec import normalise
from tests.codegen.hostile import NAMES, assert_shown, documents, is_address, several
from tests.crawl.dialect import root, serve
from tests.support.server import Answer

REPORTS = ("text", "json", "markdown")
TURNED = NAMES[::-1]
FEW = NAMES[:5]
#: As many as a crawl asks for without a wait for the throttle.
CATEGORIES = 12


def captured(words: list[str]) -> Capture:
    """A capture with these texts in every place that a server fills."""
    found = documents(words)
    refused = {name: Unavailable(403, "forbidden") for name in words[::7] if is_address(name) and name not in found}
    return Capture(
        api_version=words[0],
        base_path="/ws/v1",
        provenance="live",
        documents={name: normalise(document) for name, document in found.items()},
        unavailable=refused,
        root={words[1]: words[2]},
        extras={"parts": {words[3]: words[4]}},
    )


def written(folder: Path, words: list[str]) -> str | None:
    """The name of a folder with the capture of these texts; None where they cannot be in one."""
    try:
        spec_files.write(folder, spec_files.render(captured(words)))
    except (SpecError, ValueError) as error:
        assert_shown(str(error))
        return None
    return str(folder)


def printed(*arguments: str) -> tuple[int, str]:
    """(exit code, standard output) of a command, both streams of which can be shown."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(list(arguments))
    assert_shown(out.getvalue())
    assert_shown(err.getvalue())
    assert "Traceback" not in err.getvalue()
    return code, out.getvalue()


@pytest.mark.parametrize("format", REPORTS)
@settings(max_examples=10, deadline=None)
@given(several, several)
@example(NAMES, TURNED)
def test_a_diff(format: str, before: list[str], after: list[str]) -> None:
    with TemporaryDirectory() as folder:
        old, new = written(Path(folder, "1"), before), written(Path(folder, "2"), after)
        if old is None or new is None:
            return
        code, said = printed("diff", old, new, "--format", format)
        assert code == 2 or said


@pytest.mark.parametrize("format", REPORTS)
def test_a_diff_with_what_code_loses(format: str, tmp_path: Path) -> None:
    old, new = written(tmp_path / "1", NAMES), written(tmp_path / "2", FEW)
    assert old is not None
    assert new is not None
    use = tmp_path / "use\u202e\x1b[31m.py"
    use.write_text("".join(f'rm.request("GET", "/ws/v1/{name}")\n' for name in NAMES if name.isidentifier()))
    code, said = printed("diff", old, new, "--client", "--against", str(use), "--format", format)
    assert code == 1
    assert said.count("[31m.py") > 10


@pytest.mark.parametrize("format", FORMATS)
@settings(max_examples=10, deadline=None)
@given(several)
@example(NAMES)
def test_an_export(format: str, words: list[str]) -> None:
    with TemporaryDirectory() as folder:
        if (specs := written(Path(folder, "1"), words)) is not None:
            code, said = printed("export-spec", "--specs", specs, "--format", format)
            assert code == 2 or said


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("DIGIRM_USERNAME", "user")
    monkeypatch.setenv("DIGIRM_PASSWORD", "a-secret")
    with chdir(tmp_path):
        yield


@pytest.mark.usefixtures("place")
def test_a_bump() -> None:
    for version, words in (("1", NAMES), ("2", TURNED)):
        everything = documents(words)
        found = {"parts": everything["parts"], **dict(islice(everything.items(), CATEGORIES))}
        answers = {f"/ws/v1/{name}": Answer(body=document) for name, document in found.items()}
        skipped = [word for word in words if not is_address(word)]
        with serve({"/ws/v1": Answer(body=root(*skipped, *found)), **answers}) as server:
            code, said = printed("bump", server.url, "--api-version", version, "--report", "report.md")
        assert code in (0, 3)
        assert "files written" in said
    for file in ("report.md", "CHANGELOG.md"):
        assert_shown(Path(file).read_text("utf-8"))
