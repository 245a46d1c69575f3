"""Nothing in a spec becomes code, a path outside the package, or a broken file."""

import importlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from digirm_codegen.generate import generate
from digirm_codegen.models import DEFAULT, KINDS
from digirm_runtime import overrides
from digirm_runtime.errors import SpecError
from tests.codegen.hostile import GOOD, NAMES, is_address, made_of, rendered
from tests.codegen.support import field, listing, path, request, write_spec
from tests.codegen.syntax import assert_harmless


@pytest.mark.parametrize("text", ["format = 99", "format = 99\nunheard = 1", "format = '1'"])
def test_overrides_of_another_format_are_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "overrides.toml"
    file.write_text(text)
    with pytest.raises(SpecError, match=r"overrides\.toml has not the format 1"):
        overrides.load(file)


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_hostile_text_in_every_place(name: str) -> None:
    result = rendered(made_of([name]), DEFAULT)
    assert_harmless(result, DEFAULT)
    # The rest of the document survives.
    assert f'"{GOOD}"' in result.files["api/parts.py"]


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_keys_in_every_kind_of_type(kind: str) -> None:
    result = rendered(made_of(NAMES), kind)
    assert_harmless(result, kind)
    assert re.search(r"^class Part\(|^Part = TypedDict\(", result.files["models/parts.py"], re.MULTILINE)


def test_every_hostile_name_at_once_imports_and_works(tmp_path: Path, load: Callable[[Path, str], Any]) -> None:
    usable = [name for name in NAMES if name.strip() and name.encode(errors="ignore").decode() == name]
    query = [field(name, name, "=", "like") for name in usable]
    parts = [path(f"/ws/v1/parts/{name}", request("GET", *usable, query=query)) for name in usable]
    parts += [path(f"/ws/v1/parts/x{{{name}}}/{name}", request("PUT", *usable)) for name in usable]
    others = {name: listing(path(f"/ws/v1/{name}", request("GET"))) for name in usable if is_address(name)}
    specs = write_spec(tmp_path / "specs", {**others, "parts": listing(*parts)})
    result = generate(specs, tmp_path, "hostile_rm")
    assert result.problems
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["hostile_rm", "specs"]
    hostile = load(tmp_path, "hostile_rm")
    for file in sorted((tmp_path / "hostile_rm").rglob("*.py")):
        parts_of_name = file.relative_to(tmp_path).with_suffix("").parts
        importlib.import_module(".".join(part for part in parts_of_name if part != "__init__"))
    client = hostile.Client("http://127.0.0.1:9", auth=("a", "b"))
    # The mended names lead to the wire names, and the wire names always work.
    assert client["parts"]["None"] is client.parts.None_
    assert client["parts"]["__init__"] is not None
    assert client["None"] is client.None_
    assert callable(client.request)


def test_what_cannot_be_named_is_reported_and_the_rest_generated() -> None:
    result = rendered(made_of(["---"]), DEFAULT)
    assert [problem for problem in result.problems if "'---'" in problem or "/---" in problem]
    assert f'"{GOOD}"' in result.files["api/parts.py"]
