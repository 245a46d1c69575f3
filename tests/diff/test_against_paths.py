"""Which path template an address fits: the same that trying one after the other finds, however many there are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from digirm_codegen.against.paths import Paths
from digirm_runtime import template
from digirm_runtime.spec import Path, Request

BASE = "/ws/v1"
SEGMENTS = st.sampled_from(["a", "b", "a.b", "{x}", "{y}", "{x:.+}", "{z:.+}", "a{x}", "{x}b", "a{x:.+}", "{x}.{y}"])
TEMPLATES = st.lists(
    st.lists(SEGMENTS, min_size=1, max_size=4).map(lambda parts: f"{BASE}/{'/'.join(parts)}"), max_size=8, unique=True
)
ADDRESSES = st.lists(st.sampled_from(["a", "b", "ab", "a.b", "a%2Fb", "x", ""]), max_size=5).map(
    lambda parts: "/".join([BASE, *parts])
)


def paths(*templates: str) -> Paths:
    return Paths([Path(text, (Request("GET"),)) for text in templates], BASE)


def one_by_one(templates: list[str], address: str) -> str | None:
    """The best of the templates that fit, by trying each."""
    fitting = []
    for text in templates:
        try:
            segments = template.parse(text)
        except ValueError:  # an argument that is named twice
            continue
        if template.matches(segments, template.split(address)):
            fitting.append((not template.literals(segments[2:3]), len(template.args(segments)), text))
    return min(fitting)[2] if fitting else None


@given(TEMPLATES, ADDRESSES)
def test_the_template_is_the_one_that_fits_best(templates: list[str], address: str) -> None:
    found = paths(*templates).find(address)
    assert (found and found.template) == one_by_one(templates, address)


@given(TEMPLATES)
def test_a_template_finds_itself(templates: list[str]) -> None:
    known = paths(*templates)
    for text in templates:
        try:
            template.parse(text)
        except ValueError:
            continue
        found = known.find(text)
        assert found is not None
        assert found.template == text


def test_the_most_exact_comes_first() -> None:
    known = paths(
        "/ws/v1/{all:.+}", "/ws/v1/a/{y}/{x}", "/ws/v1/a/{x}/{y}", "/ws/v1/a/{x}/b", "/ws/v1/a/b/b", "/ws/v2/a"
    )
    wanted = {
        "/ws/v1/a/b/b": "/ws/v1/a/b/b",
        "/ws/v1/a/c/b": "/ws/v1/a/{x}/b",
        "/ws/v1/a/c/d": "/ws/v1/a/{x}/{y}",
        "/ws/v1/a/c/d/e": "/ws/v1/{all:.+}",
        "/ws/v1/b": "/ws/v1/{all:.+}",
        "/ws/v1": None,
        "/ws/v1/": None,
        "/ws/v2/a": None,
        "/ws/v10/a": None,
    }
    assert {address: (found := known.find(address)) and found.template for address in wanted} == wanted


def test_many_templates_and_many_addresses() -> None:
    known = paths(*(f"/ws/v1/c/n{number}/{{id}}/x" for number in range(2000)), "/ws/v1/c/{x:.+}")
    for number in range(20_000):
        found = known.find(f"/ws/v1/c/n{number % 2000}/{number}/x")
        assert found is not None
        assert found.template == f"/ws/v1/c/n{number % 2000}/{{id}}/x"


def test_arguments_that_fit_in_many_ways() -> None:
    text = BASE + "".join(f"/{{x{number}:.+}}" for number in range(30)) + "/end"
    assert paths(text).find(BASE + "/a" * 39) is None
