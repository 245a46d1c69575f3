"""Whatever a spec holds, no export has a character in it that cannot be seen, or a file outside its folder."""

from __future__ import annotations

import json
from pathlib import PurePosixPath

import pytest
from hypothesis import example, given, settings

from digirm_codegen import exports
from digirm_runtime.errors import SpecError
from tests.codegen.hostile import NAMES, assert_shown, made_of, several


@pytest.mark.parametrize("name", exports.FORMATS)
@settings(max_examples=10)
@given(several)
@example(NAMES)
def test_texts_everywhere(name: str, words: list[str]) -> None:
    try:
        found = made_of(words)
    except SpecError as error:
        assert_shown(str(error))
        return
    result = exports.export(found, name, folder=True)
    for file, text in result.files.items():
        assert not {"/", "..", "\\"}.intersection(PurePosixPath(file).parts)
        text.encode()
        assert all(char.isprintable() or char == "\n" for char in text), file
        if name in ("openapi", "postman"):
            json.loads(text)
