"""Errors or warnings: what depends on the spec's provenance, on certainty, and on `strict`."""

from __future__ import annotations

import pytest

from digirm_runtime.errors import QueryError, SpecError
from digirm_runtime.overrides import OperatorEntry, Overrides
from digirm_runtime.query.language import Language
from digirm_runtime.query.spelling import misspelt, suggest
from digirm_runtime.spec import from_documents
from tests.query.query_api import NUMERIC, a_field, a_spec, document, example, reconstructed_with_certainty

LIVE = example("live")
RECONSTRUCTED = example("reconstructed")
VOUCHED = reconstructed_with_certainty()


@pytest.mark.parametrize(
    ("query", "live", "reconstructed", "vouched"),
    [
        ("signal_percent > 3", "error", "warning", "warning"),
        ("nmae = 'x'", "error", "error", "error"),
        ("Name = 'x'", "warning", "warning", "warning"),
        ("ip2 = 'x'", "error", "warning", "warning"),
        ("name2 = 'x'", "error", "warning", "warning"),
        ("id contains 10", "error", "warning", "error"),
        ("last_update = -1d", "error", "warning", "error"),
        ("connection_status contains 'x'", "error", "warning", "warning"),
        ("id = 'abc'", "error", "warning", "error"),
        ("id = -1d", "error", "warning", "error"),
        ("id = '10'", "warning", "warning", "warning"),
        ("name = 10", "warning", "warning", "warning"),
        ("enabled = 'true'", "warning", "warning", "warning"),
        ("last_update > '-1d'", "warning", "warning", "warning"),
        ("last_update > 1549292520000", "warning", "warning", "warning"),
        ("last_update > '2024-02-30T00:00:00.000Z'", "warning", "warning", "warning"),
        ("last_update > '2024-02-29T00:00:00.000Z'", None, None, None),
        ("last_update > '2024-13-01T00:00:00.000Z'", "warning", "warning", "warning"),
        ("connection_status = 'conected'", "error", "warning", "warning"),
        ("connection_status = 'lost'", "warning", "warning", "warning"),
        ("connection_status = 'CONNECTED'", None, None, None),
        ("connection_status <> empty and id = empty", None, None, None),
        ("level = 'x' or level = 1 or level = -1d or level = [1] or level = true", None, None, None),
        ("geoposition within [1, 2, 3, 4]", None, None, None),
        ("geoposition within 'here'", "error", "warning", "warning"),
    ],
)
def test_severity(query: str, live: str | None, reconstructed: str | None, vouched: str | None) -> None:
    def worst(language: Language, *, strict: bool = False) -> str | None:
        found = language.check("devices/inventory", query, strict=strict).diagnostics
        return found[0].severity if found else None

    assert (worst(LIVE), worst(RECONSTRUCTED), worst(VOUCHED)) == (live, reconstructed, vouched)
    # What a live spec refuses is refused under `strict`, whatever the spec.
    if live == "error":
        assert worst(RECONSTRUCTED, strict=True) == "error"


@pytest.mark.parametrize("query", ["name == 'x'", "name != 'x'", 'name = "x"', r"name = 'it\'s'", "name = = 'x'"])
def test_some_faults_are_errors_whatever_the_spec(query: str) -> None:
    assert not RECONSTRUCTED.check("devices/inventory", query).ok
    assert not RECONSTRUCTED.check(None, query).ok


def test_every_report_names_its_spec() -> None:
    fingerprint = RECONSTRUCTED.info.fingerprint
    assert fingerprint.startswith("sha256:")
    report = RECONSTRUCTED.check("devices/inventory", "id = 1")
    assert (report.spec.provenance, report.spec.fingerprint) == ("reconstructed", fingerprint)
    assert str(report) == f"ok\njudged by devices/inventory, spec 1.0 (reconstructed, {fingerprint[:19]})"
    assert str(LIVE.check(None, "id = 1")).endswith(f"syntax only, spec 1.0 (live, {LIVE.info.fingerprint[:19]})")


@pytest.mark.parametrize(
    "endpoint", ["devices/inventory", "/ws/v1/devices/inventory", "/devices/inventory/", "GET devices/inventory"]
)
def test_endpoints_by_short_and_by_full_path(endpoint: str) -> None:
    assert LIVE.check(endpoint, "id = 1").ok
    assert not LIVE.check(endpoint, "nothing = 1").ok


def test_endpoints_with_blanks_in_their_path() -> None:
    template = "/api/v9/types/{id:[a b]+}/items"
    spec = from_documents(
        {"types": document(template, a_field("id", "Numeric", NUMERIC), params=("query",))},
        api_version="9",
        base_path="/api/v9",
        provenance="live",
    )
    language = Language.from_spec(spec)
    for endpoint in (template, f"GET {template}", "types/{id:[a b]+}/items", "GET types/{id:[a b]+}/items"):
        assert language.check(endpoint, "id = 1").ok, endpoint
        assert not language.check(endpoint, "nothing = 1").ok
    for endpoint in (f"PUT {template}", f"FETCH {template}"):
        assert [d.code for d in language.check(endpoint, "id = 1").diagnostics] == ["Q204"]
    (found,) = language.check("types/{id:[a b]+}/itmes", "id = 1").diagnostics
    assert found.suggestion == "types/{id:[a b]+}/items"


def test_queries_that_select_what_is_written() -> None:
    documents = {
        "jobs": document("/v2/jobs/cancel", a_field("id", "Numeric", NUMERIC), params=("query",), method="PUT"),
        "users": document("/v2/users/list", params=("cursor",)),
    }
    spec = from_documents(documents, api_version="2", base_path="/v2", provenance="live")
    language = Language.from_spec(spec)
    assert language.check("jobs/cancel", "id = 1").ok
    assert language.check("PUT jobs/cancel", "id = 1").ok
    assert [d.code for d in language.check("GET jobs/cancel", "id = 1").diagnostics] == ["Q204"]
    report = language.check("users/list", "id = 1", size=10, orderby="id", fields=["id"])
    assert [(d.code, d.parameter) for d in report.diagnostics] == [
        ("Q205", "query"),
        ("Q205", "fields"),
        ("Q205", "orderby"),
        ("Q205", "size"),
    ]
    assert not report.ok


def test_an_endpoint_is_suggested() -> None:
    (found,) = LIVE.check("devices/inventroy", "id = 1").diagnostics
    assert (found.code, found.parameter, found.suggestion) == ("Q204", "endpoint", "devices/inventory")


def test_an_endpoint_that_a_reconstructed_spec_may_lack_is_a_warning() -> None:
    report = RECONSTRUCTED.check("firmware/inventory", "vendor_id = 4261412867 and type = 'x'")
    assert report.ok
    assert [(d.code, d.severity) for d in report.diagnostics] == [("Q204", "warning")]
    assert report.canonical is not None
    for language, endpoint, strict in (
        (LIVE, "firmware/inventory", False),
        (RECONSTRUCTED, "firmware/inventory", True),
        (RECONSTRUCTED, "devices/inventroy", False),
        (RECONSTRUCTED, "PATCH devices/inventory", False),
    ):
        assert not language.check(endpoint, "vendor_id = 1", strict=strict).ok


def test_a_flood_of_warnings_hides_no_error() -> None:
    report = RECONSTRUCTED.check("devices/inventory", "signal = 1 or " * 500 + "nmae = 'x'")
    assert not report.ok
    assert len(report.diagnostics) == 101
    report = RECONSTRUCTED.check("devices/inventory", " or ".join(f"signal_{n} = 1" for n in range(500)))
    assert [d.code for d in report.diagnostics if d.severity == "error"] == ["Q124"]


@pytest.mark.parametrize("strict", [False, True])
def test_characters_that_cannot_stand_anywhere(strict: bool) -> None:
    def codes(**given: str) -> list[tuple[str, str, int, int]]:
        text = given.pop("text", None)
        found = RECONSTRUCTED.check("devices/inventory", text, strict=strict, **given).diagnostics  # type: ignore[arg-type]
        return [(d.code, d.severity, d.start, d.end) for d in found]

    assert codes(orderby="name\xa0desc") == [("Q125", "error", 4, 5)]
    assert codes(orderby="name desc") == []
    assert codes(fields="id,\u3000name") == [("Q125", "error", 3, 4)]
    assert codes(text="name = 'a\ud800\udfff'") == [("Q126", "error", 9, 11)]
    assert codes(orderby="name \udcff") == [("Q126", "error", 5, 6), ("Q403", "error", 5, 6)]
    unknown = ("Q423", "error" if strict else "warning", 3, 4)
    assert codes(fields="id,\udcff") == [("Q126", "error", 3, 4), unknown]
    with pytest.raises(QueryError):
        RECONSTRUCTED.parse("name = '\udcff'")
    assert "Q126" in str(RECONSTRUCTED.check(None, "name = '\udcff'"))
    assert codes(text="name = '" + "\ud800x" * 1000 + "'")[-1][0] == "Q124"


def test_size_takes_what_a_program_or_a_command_line_holds() -> None:
    for good in (1, 1000, "250"):
        assert not LIVE.check("devices/inventory", None, size=good).diagnostics
    for bad in (0, -1, True, "ten", "", "1e3", "٣"):
        assert not LIVE.check("devices/inventory", None, size=bad).ok


def test_operators_are_compared_without_case() -> None:
    language = Language.from_spec(
        a_spec(a_field("a", operators=["startsWith"]), a_field("b", operators=["STARTSWITH"]))
    )
    assert language.check("devices/inventory", "a startswith 'x' and b startswith 'x'").ok


def test_misspellings() -> None:
    known = ["name", "id", "ip", "carrier", "carrier2", "connection_status", "last_update"]
    assert misspelt("nmae", known) == "name"
    assert misspelt("nam", known) is None
    assert misspelt("names", known) == "name"
    assert misspelt("conection_staus", known) == "connection_status"
    assert misspelt("carrier3", known) is None
    assert misspelt("idd", known) is None
    assert misspelt("signal", known) is None
    assert suggest("LAST_UPDATED", known) == "last_update"
    assert suggest("x" * 5000, known) is None


def test_literals_of_operators_are_data() -> None:
    fields = (a_field("name", operators=["=", "Within", "longerThan", "is"]), a_field("place", operators=["Within"]))
    given = {
        "longerthan": OperatorEntry(literals=("number",), source="the tests", reason="an example"),
        "is": OperatorEntry(empty=True, source="the tests", reason="an example"),
        "=": OperatorEntry(empty=False, source="the tests", reason="an example"),
    }
    plain = Language.from_spec(a_spec(*fields))
    told = Language.from_spec(a_spec(*fields, overrides=Overrides(operators=given)))

    def codes(language: Language, text: str) -> list[str]:
        return [d.code for d in language.check("devices/inventory", text).diagnostics]

    assert codes(plain, "name longerThan 5") == ["Q302"]
    assert codes(told, "name LONGERTHAN 5") == []
    assert codes(told, "name longerThan 'x'") == ["Q301"]
    assert codes(plain, "place within 'x'") == codes(told, "place within 'x'") == ["Q301"]
    assert codes(plain, "name is empty") == codes(told, "name = empty") == ["Q306"]
    assert codes(told, "name is empty") == codes(plain, "name = empty") == []
    stale = Overrides(operators={"near": given["is"]})
    with pytest.raises(SpecError, match="no field has 'near'"):
        a_spec(*fields, overrides=stale)
    with pytest.raises(SpecError, match="unknown literal form 'wrong'"):
        Language.from_spec(
            a_spec(
                *fields, overrides=Overrides(operators={"is": OperatorEntry(literals=("wrong",), source="", reason="")})
            )
        )


@pytest.mark.parametrize(
    ("time", "suggestion"),
    [
        ("2024-02-30T12:00:00.000Z", None),
        ("2023-02-29T12:00:00.000Z", None),
        ("2024-13-31T12:00:00.000Z", None),
        ("2024-01-31T25:00:00.000Z", None),
        ("2024-01-31T23:60:00.000Z", None),
        ("0000-01-01T00:00:00.000Z", None),
        ("2024-01-31", None),
        ("2024-01-31T12:00", None),
        ("yesterday", None),
        ("2024-01-31T12:00:00.000+02:00", "'2024-01-31T10:00:00.000Z'"),
        ("0001-01-01T00:00:00.000+02:00", None),
    ],
)
def test_times_that_are_doubted(time: str, suggestion: str | None) -> None:
    (found,) = LIVE.check("devices/inventory", f"last_update > '{time}'").diagnostics
    assert (found.code, found.severity, found.suggestion) == ("Q304", "warning", suggestion)


def test_the_case_of_a_field_is_open() -> None:
    (found,) = LIVE.check("devices/inventory", "Name = 'x'").diagnostics
    assert (found.code, found.severity, found.suggestion) == ("Q201", "warning", "name")
    assert not LIVE.check("devices/inventory", "Name = 'x'", strict=True).ok
