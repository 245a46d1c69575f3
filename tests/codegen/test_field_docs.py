"""What `[[docs]]` says of a query field stands below its attribute, where editors look, and costs nothing when run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from types import CodeType

import pytest

from digirm_codegen.generate import generate
from tests.codegen.support import SMALL, write_spec

HOSTILE = 'ends """ here \\" \u202e {{ x }} {% y %}\n\nimport os #'


def generated(tmp_path: Path, *docs: str) -> str:
    """The fields of parts, with these docs of the names."""
    entries = "\n".join(
        f'[[docs]]\nfield = "name"\npaths = ["/ws/v1/parts/{node}"]\ndoc = {quoted}\nsource = "s"\nreason = "r"\n'
        for node, quoted in zip(("inventory", "bulk"), docs, strict=False)
    )
    result = generate(write_spec(tmp_path / "specs", SMALL, overrides=entries), tmp_path, "made")
    assert result.problems == ()
    return (tmp_path / "made" / "fields" / "_parts.py").read_text("utf-8")


def strings_below(source: str) -> dict[str, str]:
    """Class and attribute → the string below it."""
    found = {}
    for cls in ast.parse(source).body:
        if isinstance(cls, ast.ClassDef):
            for node, below in zip(cls.body, cls.body[1:], strict=False):
                if (
                    isinstance(node, ast.Assign)
                    and isinstance(below, ast.Expr)
                    and isinstance(below.value, ast.Constant)
                ):
                    (target,) = node.targets
                    found[f"{cls.name}.{ast.unparse(target)}"] = str(below.value.value)
    return found


def constants(code: CodeType) -> Iterator[object]:
    for constant in code.co_consts:
        yield constant
        if isinstance(constant, CodeType):
            yield from constants(constant)


def test_each_attribute_has_its_own(tmp_path: Path) -> None:
    source = generated(tmp_path, '"The part\'s name."', '"The name in the CSV."')
    assert strings_below(source) == {
        "_PartsInventoryFields.name": "The part's name.",
        "_PartsBulkFields.name": "The name in the CSV.",
    }


def test_they_are_no_part_of_the_compiled_module(tmp_path: Path) -> None:
    code = compile(generated(tmp_path, '"The part\'s name."'), "fields", "exec")
    assert "name" in constants(code)
    assert "The part's name." not in constants(code)


def test_a_long_one_is_wrapped(tmp_path: Path) -> None:
    source = generated(tmp_path, '"' + "word " * 60 + '"')
    (text,) = strings_below(source).values()
    assert text.split() == ["word"] * 60
    assert max(map(len, source.split("\n"))) <= 120


@pytest.mark.parametrize("text", [HOSTILE, '"', "\\", '"""', "'''\\"])
def test_it_is_text_whatever_it_holds(tmp_path: Path, text: str) -> None:
    quoted = '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    source = generated(tmp_path, quoted)
    assert source.isascii()
    (shown,) = strings_below(source).values()
    # What cannot be seen is spelt out.
    assert shown.isprintable() or "\n" in shown
    assert shown.replace("\\u202e", "\u202e").split() == text.split()
