"""Whatever a spec holds, its package parses, has no syntax that it should not have, and stays inside its folder."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from digirm_codegen.models import KINDS
from digirm_runtime.errors import SpecError
from tests.codegen.hostile import GOOD, NAMES, assert_shown, made_of, named, rendered, several
from tests.codegen.syntax import assert_harmless


def assert_package(words: list[str], kind: str) -> None:
    try:
        found = made_of(words)
    except SpecError as error:
        assert_shown(str(error))
        return
    result = rendered(found, kind)
    assert_harmless(result, kind)
    for problem in result.problems:
        assert_shown(problem)
    # The rest of the document survives.
    assert f'"{GOOD}"' in result.files["api/parts.py"]


@settings(max_examples=30)
@given(several)
@example(NAMES[::-1])
def test_texts_everywhere(words: list[str]) -> None:
    assert_package(words, "typeddict")


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"typeddict"}))
@settings(max_examples=8)
@given(several)
def test_texts_everywhere_with_classes(kind: str, words: list[str]) -> None:
    assert_package(words, kind)


@settings(max_examples=20)
@given(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4), st.sampled_from(["GET", "PUT"]))
@example(["parts", "__init__"], "GET")
@example(["__class__"], "GET")
@example(["parts", "good", "get"], "PUT")
def test_texts_in_the_name_of_an_operation(words: list[str], method: str) -> None:
    try:
        result = rendered(made_of(["x", "y"], named(words, f"{method} {GOOD}")), "typeddict")
    except SpecError as error:
        assert_shown(str(error))
        return
    assert_harmless(result, "typeddict")
