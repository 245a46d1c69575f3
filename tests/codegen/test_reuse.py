"""A run of the generator takes over what the run before made of the same, and nothing else."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import datamodel_code_generator
import pytest

from digirm_codegen.generate import Result, generate
from digirm_runtime.errors import SpecError
from digirm_runtime.query import recovery
from tests.codegen.support import GOLDEN, listing, path, request, tree_of, write_spec

SCHEMA = """
format = 1
[schemas.Part]
category = "parts"
source = "a test"
reason = "a test"
properties = {{ {key} = "string" }}
"""


@pytest.fixture
def specs(tmp_path: Path) -> Path:
    return Path(shutil.copytree(GOLDEN / "specs", tmp_path / "specs"))


@pytest.fixture
def run(tmp_path: Path, specs: Path) -> Callable[..., Result]:
    return lambda **options: generate(specs, tmp_path, "made", **options)


@pytest.fixture
def costly(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was made by the libraries that take their time."""
    made: list[str] = []
    real, lark = datamodel_code_generator.generate, recovery._lark

    def models(text: str, **options: object) -> object:
        made.append("models")
        return real(text, **options)  # type: ignore[call-overload]

    def grammar(text: str) -> object:
        made.append("grammar")
        return lark(text)

    monkeypatch.setattr(datamodel_code_generator, "generate", models)
    monkeypatch.setattr(recovery, "_lark", grammar)
    return made


def test_the_same_again_makes_nothing(run: Callable[..., Result], costly: list[str], tmp_path: Path) -> None:
    first = run()
    assert sorted(costly) == ["grammar", "models"]
    before = tree_of(tmp_path / "made")
    again, check = run(), run(check=True)
    assert sorted(costly) == ["grammar", "models"]
    assert (again.written, again.removed, set(again.unchanged)) == ((), (), set(first.written))
    assert check.differences == ()
    assert tree_of(tmp_path / "made") == before


def test_one_changed_category_costs_no_types(run: Callable[..., Result], costly: list[str], specs: Path) -> None:
    run()
    costly.clear()
    document = {"list": [{"path": "/ws/v1/extra", "requests": [{"method": "GET"}]}]}
    index = json.loads((specs / "index.json").read_bytes())
    found = {name: json.loads((specs / f"{name}.json").read_bytes()) for name in index["categories"]}
    overrides = (specs / "overrides.toml").read_text()
    write_spec(specs, {**found, "extra": document}, overrides=overrides, api_version=index["api_version"])
    result = run()
    assert costly == []
    assert "api/extra.py" in result.written
    assert "models/parts.py" in result.unchanged


def test_other_types_are_made(run: Callable[..., Result], costly: list[str], tmp_path: Path) -> None:
    specs = tmp_path / "specs"
    shutil.rmtree(specs)
    write_spec(specs, {"parts": listing(path("/ws/v1/parts", request("GET")))})
    for key in ("one", "two", "two", "one"):
        (specs / "overrides.toml").write_text(SCHEMA.format(key=key))
        run()
        assert f"{key}:" in (tmp_path / "made" / "models" / "parts.py").read_text()
    assert costly.count("models") == 3
    assert costly.count("grammar") == 1
    run(models="pydantic")
    assert "BaseModel" in (tmp_path / "made" / "models" / "parts.py").read_text()
    assert costly.count("models") == 4


@pytest.mark.parametrize("file", ["models/parts.py", "client.py", "query/tables.json", "_manifest.json"])
@pytest.mark.parametrize("damage", ["edited", "removed", "linked"])
def test_what_is_not_as_it_was_written_is_made_again(
    run: Callable[..., Result], tmp_path: Path, file: str, damage: str
) -> None:
    run()
    before = tree_of(tmp_path / "made")
    place = tmp_path / "made" / file
    if damage == "edited":
        place.write_text(place.read_text() + "\n")
    elif damage == "linked":
        place.rename(tmp_path / "elsewhere")
        place.symlink_to(tmp_path / "elsewhere")
    else:
        place.unlink()
    if (file, damage) in (("_manifest.json", "removed"), ("_manifest.json", "linked")):
        with pytest.raises(SpecError, match="holds no digirm package"):
            run()
        return
    assert run(check=True).differences
    assert run().written == (file,)
    assert tree_of(tmp_path / "made") == before


def test_a_file_of_someone_else_is_told_each_time(run: Callable[..., Result], tmp_path: Path) -> None:
    run()
    (tmp_path / "made" / "mine.py").touch()
    for _ in range(2):
        assert run().strangers == ("mine.py",)
        assert run(check=True).differences == ("extra: mine.py",)


def test_what_was_left_out_is_told_each_time(tmp_path: Path) -> None:
    specs = write_spec(tmp_path / "odd", {"parts": listing(path("/elsewhere", request("GET")))})
    problems = generate(specs, tmp_path, "made").problems
    assert problems
    assert generate(specs, tmp_path, "made").problems == problems


@pytest.mark.parametrize(
    "content", [b"", b"[]", b'{"format": 1, "run": 3, "made": []}', b'{"format": 1, "run": {"of": 1}}', b"[" * 200_000]
)
def test_a_damaged_cache_is_none(run: Callable[..., Result], costly: list[str], content: bytes) -> None:
    run()
    (file,) = Path(os.environ["DIGIRM_CACHE_DIR"]).iterdir()
    file.write_bytes(content)
    costly.clear()
    assert run().written == ()
    assert sorted(costly) == ["grammar", "models"]


@pytest.mark.parametrize("odd", [".#overrides.toml", "schemas/.#parts.json", "schemas/.checkpoints", "odd.json"])
@pytest.mark.parametrize("kind", ["folder", "dangling link"])
def test_what_cannot_be_read_beside_the_specs_makes_nothing_stale(
    run: Callable[..., Result], specs: Path, odd: str, kind: str
) -> None:
    (specs / "schemas").mkdir()
    if kind == "folder":
        (specs / odd).mkdir()
    else:
        (specs / odd).symlink_to("someone@host.1234")
    run()
    text = (specs / "overrides.toml").read_text()
    (specs / "overrides.toml").write_text(text.replace("Parts in stock.", "In other words."))
    assert "differs: api/parts.py" in run(check=True).differences
    assert "api/parts.py" in run().written


def test_nobody_has_a_home(run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DIGIRM_CACHE_DIR", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000_000)
    assert run().written
    assert run().written == ()


def test_problems_of_a_cache_are_one_line_each(run: Callable[..., Result]) -> None:
    run()
    (file,) = Path(os.environ["DIGIRM_CACHE_DIR"]).iterdir()
    document = json.loads(file.read_bytes())
    document["run"]["problems"] = ["one\ntwo\x1b[31m"]
    file.write_text(json.dumps(document))
    assert run().problems == ("one\\ntwo\\x1b[31m",)


def test_a_cache_that_cannot_be_written_is_none(
    run: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("DIGIRM_CACHE_DIR", str(tmp_path / "file"))
    assert run().written
    assert run().written == ()


def test_a_new_library_makes_all_anew(
    run: Callable[..., Result], costly: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from digirm_codegen import reuse

    run()
    costly.clear()
    monkeypatch.setattr(reuse, "_LIBRARIES", (*reuse._LIBRARIES, "pytest"))
    reuse._generator.cache_clear()
    run()
    reuse._generator.cache_clear()
    assert sorted(costly) == ["grammar", "models"]


def test_where_the_cache_is(run: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DIGIRM_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "xdg"))
    run()
    assert len(list((tmp_path / "xdg" / "digirm").iterdir())) == 1
