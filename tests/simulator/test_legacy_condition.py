"""`condition`: what it means, against an oracle of its own, and what it refuses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digirm_simulator import Clock, Simulator
from tests.simulator.legacy_support import Legacy, six_devices
from tests.simulator.support import DEVICES, NOW, device_id

#: True, false or unknown, as SQL has it.
Truth: TypeAlias = "bool | None"
Test: TypeAlias = "Callable[[dict[str, Any]], Truth]"

_STORED: list[dict[str, Any]] = [
    {"name": "Pump", "alerts": 0, "connection_status": "connected", "contact": "O'Brien", "tags": ["a", "b"]},
    {"name": "pump 2", "alerts": 3, "connection_status": "disconnected", "description": "100% [new]"},
    {"name": "Straße", "alerts": 12, "connection_status": "connected", "last_update": "2022-01-02T03:04:05.678Z"},
    {"connection_status": "disconnected", "last_update": "2022-07-01T00:00:00.000Z", "contact": "a_b"},
]
_TEXTS = ("dpName", "dpContact", "dpDescription", "dpTags")
_SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda one, other: bool(one == other),
    "<>": lambda one, other: bool(one != other),
    "!=": lambda one, other: bool(one != other),
    "<": lambda one, other: bool(one < other),
    "<=": lambda one, other: bool(one <= other),
    ">": lambda one, other: bool(one > other),
    ">=": lambda one, other: bool(one >= other),
}


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def comparing(read: Callable[[dict[str, Any]], Any], compare: Callable[[Any], bool]) -> Test:
    def test(item: dict[str, Any]) -> Truth:
        found = read(item)
        return None if found is None else compare(found)

    return test


@st.composite
def comparisons(draw: st.DrawFn) -> tuple[str, Test]:
    kind = draw(st.sampled_from(("text", "like", "number", "code", "time")))
    sign = draw(st.sampled_from(sorted(_SIGNS)))
    compare = _SIGNS[sign]
    if kind in ("text", "like"):
        column = draw(st.sampled_from(_TEXTS))
        wanted = draw(st.sampled_from(("", "pump", "PUMP 2", "o'brien", "straße", ",a,b,", "a_b", "100%", "zz")))

        def text(item: dict[str, Any], column: str = column) -> str | None:
            found = item.get(column)
            return None if found is None else str(found).casefold()

        if kind == "text":
            spelled = column.swapcase() if draw(st.booleans()) else column
            return f"{spelled}{sign}{quoted(wanted)}", comparing(text, lambda found: compare(found, wanted.casefold()))
        pattern = draw(st.sampled_from(("%{}", "{}%", "%{}%", "{}", "_%{}"))).format(wanted)
        body = "".join(".*" if char == "%" else "." if char == "_" else re.escape(char) for char in pattern.casefold())
        return f"{column} like {quoted(pattern)}", comparing(
            text, lambda found: re.fullmatch(body, found, re.DOTALL) is not None
        )
    if kind == "number":
        wanted_number = draw(st.integers(-1, 13))
        literal = draw(st.sampled_from((f"{wanted_number}", f"'{wanted_number}'")))
        return f"numFiredAlarms {sign} {literal}", comparing(
            lambda item: None if "numFiredAlarms" not in item else int(item["numFiredAlarms"]),
            lambda found: compare(found, wanted_number),
        )
    if kind == "code":
        code = draw(st.integers(-1, 2))
        return f"dpConnectionStatus {sign} {code}", comparing(
            lambda item: int(item["dpConnectionStatus"]), lambda found: compare(found, code)
        )
    moment = draw(st.sampled_from(("2022-01-02T03:04:05.678Z", "2022-07-01T00:00:00Z", "2022-03-01T00:00:00.000Z")))
    exact = moment.replace("00Z", "00.000Z") if "." not in moment else moment
    return f"dpLastUpdateTime {sign} {quoted(moment)}", comparing(
        lambda item: item.get("dpLastUpdateTime"), lambda found: compare(found, exact)
    )


def every(one: Truth, other: Truth) -> Truth:
    return False if False in (one, other) else None if None in (one, other) else True


def negated(one: Truth) -> Truth:
    return None if one is None else not one


def both(one: tuple[str, Test], other: tuple[str, Test]) -> tuple[str, Test]:
    return f"({one[0]}) and ({other[0]})", lambda item: every(one[1](item), other[1](item))


def either(one: tuple[str, Test], other: tuple[str, Test]) -> tuple[str, Test]:
    return f"({one[0]}) OR ({other[0]})", lambda item: negated(every(negated(one[1](item)), negated(other[1](item))))


def opposite(one: tuple[str, Test]) -> tuple[str, Test]:
    return f"not ({one[0]})", lambda item: negated(one[1](item))


CONDITIONS = st.recursive(
    comparisons(),
    lambda inner: st.builds(both, inner, inner) | st.builds(either, inner, inner) | st.builds(opposite, inner),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def fleet() -> Iterator[Legacy]:
    with closing(Simulator(devices=0, clock=Clock(NOW, speed=0))) as simulator:
        for number, document in enumerate(_STORED):
            simulator.put(DEVICES, {"id": device_id(number), "customer_id": 7493, **document})
        yield Legacy(simulator)


@pytest.fixture
def legacy() -> Iterator[Legacy]:
    with six_devices() as found:
        yield found


@given(condition=CONDITIONS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_condition_selects_what_it_says(fleet: Legacy, condition: tuple[str, Test]) -> None:
    text, test = condition
    everything = fleet.json("/ws/DeviceCore")["items"]
    assert fleet.json("/ws/DeviceCore", condition=text)["items"] == [item for item in everything if test(item) is True]


@given(
    text=st.text(st.sampled_from("dpName=<>!'\"%_()1.,;-/*\\ andorlikeESCAPE\n\0é"), max_size=60) | st.text(max_size=30)
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_answered(fleet: Legacy, text: str) -> None:
    status = fleet.get("/ws/DeviceCore", condition=text).status
    assert status in (200, 400)
    assert fleet.json("/ws/DeviceCore")["resultTotalRows"] == "4"


def test_precedence_is_that_of_sql(fleet: Legacy) -> None:
    everything = {item.get("dpName") for item in fleet.json("/ws/DeviceCore")["items"]} - {None}
    assert fleet.names("dpName = 'Pump' or dpName = 'pump 2' and numFiredAlarms = 12") == {"Pump"}
    assert fleet.names("(dpName = 'Pump' or dpName = 'pump 2') and numFiredAlarms = 3") == {"pump 2"}
    assert fleet.names("not dpName = 'Pump' and dpName > ''") == everything - {"Pump"}
    assert fleet.names("  ") >= set()


def test_wildcards_are_plain_behind_an_escape(fleet: Legacy) -> None:
    assert fleet.names("dpDescription like '%0!%%' escape '!'") == {"pump 2"}
    assert fleet.names(r"dpDescription like '1\_%' escape '\'") == set()
    assert fleet.names("dpName not like 'pump%' and dpName like '%'") == {"Straße"}


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("dpNothing = 1", "Unknown column 'dpNothing' in condition (position 1)"),
        ("dpName", "expected an operator, not its end (position 7)"),
        ("dpName = ", "expected a value, not its end"),
        ("dpName = dpName", "expected a value, not 'dpName'"),
        ("dpName = 'a", "cannot be read (position 10)"),
        ("dpName = 'a' and", "expected a column, not its end"),
        ("(dpName = 'a'", "expected a ')', not its end"),
        ("dpName = 'a')", "expected the end, not ')'"),
        ("dpName = 'a'; drop table x", "cannot be read (position 13)"),
        ("dpName = 'a' -- x", "cannot be read (position 14)"),
        ("upper(dpName) = 'a'", "Unknown column 'upper'"),
        ("dpName in ('a')", "expected an operator, not 'in'"),
        ("dpLastUpdateTime > -1d", "cannot be read (position 20)"),
        ("dpLastUpdateTime > 'yesterday'", "is compared with times"),
        ("dpLastUpdateTime like '2022%'", "has no 'like'"),
        ("dpConnectionStatus = 'connected'", "is compared with numbers"),
        ("dpConnectionStatus like '1'", "has no 'like'"),
        ("numFiredAlarms = 'x'", "is compared with numbers"),
        ("dpCapabilities = 1", "Not simulated: column 'dpCapabilities'"),
        ("dpName like 'a' escape 'ab'", "An 'escape' is one character"),
        ("dpName like '%%%%%%%%a'", "A pattern has at most"),
        ("dpName not = 'a'", "expected 'like'"),
        ("(" * 17 + "dpName = 'a'" + ")" * 17, "nested at most 16 deep"),
        ("not " * 17 + "dpName = 'a'", "nested at most 16 deep"),
        (" or ".join(["dpName='a'"] * 401), "at most 400 comparisons"),
        ("dpName = '" + "a" * 16_000 + "'", "at most 16000 characters"),
        ("dpName = '\0'", "must not hold a NUL"),
    ],
)
def test_what_is_refused(fleet: Legacy, condition: str, message: str) -> None:
    found = fleet.get("/ws/DeviceCore", condition=condition)
    assert found.status == 400
    shown = found.body.replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&")
    assert message in shown


def test_what_is_as_large_as_may_be(fleet: Legacy) -> None:
    assert fleet.names(" or ".join(["dpName='Pump'"] * 400)) == {"Pump"}
    assert fleet.names("(" * 16 + "dpName = 'Pump'" + ")" * 16) == {"Pump"}
    chain = "dpName = 'Pump'"
    for _ in range(15):
        chain = f"(dpName = 'x' or not ({chain}) or numFiredAlarms = 1) and dpName > ''" if len(chain) < 300 else chain
    assert fleet.get("/ws/DeviceCore", condition=chain).status == 200


@pytest.mark.parametrize(
    "object", ["DeviceCore", "DataStream", "Monitor", "Alarm", "AlarmStatus", "FileData", "FileDataCore", "Group"]
)
def test_every_column_that_is_shown_can_be_asked_for_or_says_that_it_cannot(legacy: Legacy, object: str) -> None:
    from digirm_simulator.legacy import columns

    table = {
        "DeviceCore": columns.DEVICE_CORE,
        "DataStream": columns.DATA_STREAM,
        "Monitor": columns.MONITOR,
        "Alarm": columns.ALARM,
        "AlarmStatus": columns.ALARM_STATUS,
        "FileData": columns.FILE_DATA,
        "FileDataCore": columns.FILE_DATA,
        "Group": columns.GROUP,
    }[object]
    for column in table:
        wanted = "'2022-01-01T00:00:00Z'" if column.kind == "timestamp" else "1"
        found = legacy.get(f"/ws/{object}", condition=f"{column.name} = {wanted}")
        assert found.status == 200 or "Not simulated" in found.body, found.body


@pytest.mark.parametrize("version", ["22.7", "docs-2023"])
def test_what_is_shown_is_found_by_it(version: str) -> None:
    with closing(Simulator(version, devices=30, seed=3, clock=Clock(NOW, speed=0))) as simulator:
        api = Legacy(simulator)
        items = api.json("/ws/DeviceCore")["items"]
        for item in items[:10]:
            texts = {name: text for name, text in item.items() if isinstance(text, str)}
            skipped = {"dpCapabilities", "dpFirmwareLevel", "dpMapLat", "dpMapLong"}
            condition = " and ".join(f"{name} = {quoted(text)}" for name, text in texts.items() if name not in skipped)
            assert api.json("/ws/DeviceCore", condition=condition)["items"] == [item]


def test_topics_are_found_whatever_their_case() -> None:
    with six_devices() as legacy:
        monitor = "<Monitor><monTopic>DataPoint/\u00c4rger</monTopic><monDescription>\u00d6l</monDescription></Monitor>"
        assert legacy.send("POST", "/ws/Monitor", monitor).status == 201
        for condition in (
            "monTopic = 'DATAPOINT/\u00c4RGER'",
            "monTopic like '%/\u00e4r%'",
            "monDescription = '\u00f6l'",
            "monDescription like '\u00d6%'",
        ):
            assert legacy.json("/ws/Monitor", condition=condition)["resultTotalRows"] == "1", condition
