import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digirm_runtime import template
from digirm_runtime.operation import Endpoint

SIBLINGS = [
    "/ws/v1/jobs",
    "/ws/v1/jobs/bulk",
    "/ws/v1/jobs/{job_id}",
    "/ws/v1/jobs/inventory",
    "/ws/v1/jobs/inventory/{id}",
    "/ws/v1/jobs/inventory/cancel",
    "/ws/v1/jobs/cancel/{job_id}",
    "/ws/v1/streams/history/{stream_id:.+}",
    "/ws/v1/streams/history/{device_id}/carrier/{sim_id}/usage/{usage_id}",
    "/ws/v1/users/inventory/{username:.+}",
    "/ws/v1/files/inventory/{fileset}",
    "/ws/v1/files/inventory/{fileset}/{path:.+}",
    "/ws/v1/reports/report-{name}.json",
    "/ws/v1/reports/report-all.json",
]


def endpoint(text: str) -> Endpoint:
    segments = template.parse(text)
    others = {other: template.parse(other) for other in SIBLINGS if other != text}
    return Endpoint("GET", text, "get", rivals=template.rivals(segments, others))


ENDPOINTS = [endpoint(text) for text in SIBLINGS if "{" in text]


def route(path: str) -> set[str]:
    """Every template that a path fits, by a reading of templates that is independent of the runtime's."""
    found = set()
    for text in SIBLINGS:
        pattern = ""
        for piece in re.split(r"(\{[^}]*\})", text):
            if piece.startswith("{"):
                pattern += ".+" if piece.endswith(":.+}") else "[^/]+"
            else:
                pattern += re.escape(piece)
        if re.fullmatch(pattern, path, re.DOTALL):
            found.add(text)
    return found


def most_specific(paths: set[str]) -> str:
    """The template a router would choose: the one with the fewest characters left to arguments."""
    return min(paths, key=lambda text: (text.count(":.+"), text.count("{"), text))


names = [piece for text in SIBLINGS for piece in text.split("/") if piece and "{" not in piece]
nasty = st.sampled_from(
    [*names, "..", ".", "", " ", "%2e%2e", "%252e", "a/b", "x/carrier/y/usage/z", "?", "#", "a%2Fb"]
)
values = st.one_of(nasty, st.text(max_size=12), st.lists(nasty, min_size=1, max_size=4).map("/".join), st.integers())


@given(st.sampled_from(ENDPOINTS), st.lists(values, min_size=3, max_size=3))
def test_no_argument_reaches_another_template(endpoint: Endpoint, chosen: list[object]) -> None:
    count = len(template.args(template.parse(endpoint.template)))
    try:
        path = endpoint.path(chosen[:count])
    except ValueError:
        return
    assert re.fullmatch(r"[A-Za-z0-9._~!$&'()*+,;=:@%/-]+", path)
    assert most_specific(route(path)) == endpoint.template
    segments = template.split(path)
    assert not {"", ".", ".."}.intersection(segments)


@pytest.mark.parametrize("value", [None, "", "  ", ".", "..", "%2e%2E", "%252e%252e", "\t", True, 1.5, b"x", "\ud800"])
def test_values_that_name_nothing_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match="id"):
        endpoint("/ws/v1/jobs/inventory/{id}").path([value])


def test_a_value_that_is_another_operation_names_it() -> None:
    with pytest.raises(ValueError, match="would reach /ws/v1/jobs/inventory, another operation"):
        endpoint("/ws/v1/jobs/{job_id}").path(["inventory"])


def test_slashes_stay_only_in_multi_segment_arguments() -> None:
    assert endpoint("/ws/v1/users/inventory/{username:.+}").path(["a/b@c.de"]) == "/ws/v1/users/inventory/a/b%40c.de"
    assert endpoint("/ws/v1/jobs/inventory/{id}").path(["a/b"]) == "/ws/v1/jobs/inventory/a%2Fb"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("ws", "begin"),
        ("/ws//v1", "empty segment"),
        ("/ws/", "empty segment"),
        ("/ws/../etc", "dot segment"),
        ("/ws/{}", "without a name"),
        ("/ws/{a", "unclosed"),
        ("/ws/{a}/{a}", "twice"),
        ("/ws/a b", "no address can hold"),
        ("/ws/a?b", "no address can hold"),
        ("/ws/\u202e", "no address can hold"),
    ],
)
def test_what_is_no_template_is_refused(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        template.parse(text)


def test_patterns_are_read_but_never_compiled() -> None:
    segments = template.parse("/a/{b:[^/]{2,3}}/{c:(((}/x-{d}.csv")
    assert [arg.wire for arg in template.args(segments)] == ["b", "c", "d"]
    assert template.render(segments) == "/a/{b}/{c}/x-{d}.csv"


def test_many_arguments_that_hold_slashes_are_compared_at_once() -> None:
    def many(name: str, end: str) -> str:
        return "/api/" + "/".join(f"{{{name}{number}:.+}}" for number in range(16)) + f"/{end}"

    one, other = template.parse(many("a", "y")), template.parse(many("b", "z"))
    assert template.rivals(one, {"other": other, "one": one}) == ()
    assert template.rivals(one, {"y": template.parse("/api/{b}/{c:.+}/y")}) == ()
    assert len(template.rivals(one, {"x": template.parse("/api/x/{c:.+}/y")})) == 1


def test_a_segment_has_two_arguments_at_most() -> None:
    with pytest.raises(ValueError, match="more than two"):
        template.parse("/api/{a}-{b}-{c}")
