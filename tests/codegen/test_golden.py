"""The package that people review. After a change of the templates:

digirm generate --specs tests/golden/small/specs --out tests/golden/small --package package
"""

from pathlib import Path

from digirm_codegen.generate import generate
from tests.codegen.support import GOLDEN, SMALL, SMALL_OVERRIDES, tree_of, write_spec


def test_the_golden_package_is_what_the_generator_makes() -> None:
    assert generate(GOLDEN / "specs", GOLDEN, "package", check=True).differences == ()


def test_a_fresh_package_is_the_same_to_the_byte(tmp_path: Path) -> None:
    result = generate(GOLDEN / "specs", tmp_path, "package")
    assert result.problems == ()
    assert tree_of(tmp_path / "package") == tree_of(GOLDEN / "package")
    assert set(result.written) == set(tree_of(GOLDEN / "package"))


def test_the_golden_spec_is_the_one_of_these_tests(tmp_path: Path) -> None:
    assert tree_of(write_spec(tmp_path / "specs", SMALL, overrides=SMALL_OVERRIDES)) == tree_of(GOLDEN / "specs")
