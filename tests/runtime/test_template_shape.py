"""What makes two path templates the same."""

from __future__ import annotations

import pytest

from digirm_runtime.template import parse, render, shape


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/ws/v1/parts", "/ws/v1/parts"),
        ("/ws/v1/parts/{id}", "/ws/v1/parts/{}"),
        ("/ws/v1/parts/{partId:[0-9]{2}}/bins", "/ws/v1/parts/{}/bins"),
        ("/ws/v1/parts/{name:.+}", "/ws/v1/parts/{}"),
        ("/ws/v1/parts/{from}-{to}.csv", "/ws/v1/parts/{}-{}.csv"),
    ],
)
def test_the_names_of_arguments_are_no_part_of_it(path: str, expected: str) -> None:
    assert shape(path) == shape(render(parse(path))) == expected


@pytest.mark.parametrize("path", ["", "parts", "/parts/{", "/parts/{}", "/parts//bins", "/{id}/{id}"])
def test_what_is_no_template_has_none(path: str) -> None:
    for _ in range(2):
        with pytest.raises(ValueError, match=r"begin|argument|segment|unclosed"):
            shape(path)
