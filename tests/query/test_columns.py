"""`fields=`: which columns a spec knows, and what is said of another one, before anything is sent."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

import digirm
from digirm import Options, QueryError
from digirm_runtime import dynamic
from digirm_runtime.errors import SpecError
from digirm_runtime.overrides import ColumnsEntry, OperationEntry, Overrides, SchemaEntry, load
from digirm_runtime.query.language import Language
from digirm_runtime.spec import Spec, from_documents
from tests.query.query_api import a_field, document

ROOT = Path(__file__).parents[2]
BULK, INVENTORY = "/ws/v1/devices/bulk", "/ws/v1/devices/inventory"
KNOWN: dict[str, Any] = {"source": "the tests", "reason": "an example"}
SCHEMA = OperationEntry(path=INVENTORY, method="GET", schema="Device", **KNOWN)
DEVICE = SchemaEntry(category="devices", properties={"id": "string", "street": "string", "Code": "any"}, **KNOWN)
#: Columns by where they are known from.
QUERY_FIELD, FIELD_BESIDE, PROPERTY, LISTED = "name", "carrier", "street", "notes"


def a_spec(provenance: str = "reconstructed", *columns: ColumnsEntry, documents: dict[str, Any] | None = None) -> Spec:
    """Two endpoints with a query field each, and a schema of what the inventory answers."""
    listing = [
        *document(BULK, a_field("name"), params=("query", "fields"))["list"],
        *document(INVENTORY, a_field("carrier"), params=("query", "cursor"))["list"],
    ]
    overrides = Overrides(operation=(SCHEMA,), schemas={"Device": DEVICE}, columns=columns)
    return from_documents(
        documents or {"devices": {"list": listing}},
        api_version="1.0",
        base_path="/ws/v1",
        provenance=provenance,
        overrides=overrides,
    )


def entry(certainty: Any = "recorded", path: str = BULK) -> ColumnsEntry:
    return ColumnsEntry(path=path, columns=("id", "name", LISTED), certainty=certainty, **KNOWN)


def listed(certainty: str = "recorded", provenance: str = "reconstructed") -> Language:
    """The language of an API of which a list of columns is known."""
    return Language.from_spec(a_spec(provenance, entry(certainty)))


LIVE, RECONSTRUCTED = Language.from_spec(a_spec("live")), Language.from_spec(a_spec())


def said(language: Language, fields: Any, *, strict: bool = False) -> list[tuple[str, str, str | None]]:
    found = language.check("devices/bulk", None, fields=fields, strict=strict).diagnostics
    return [(d.code, d.severity, d.suggestion) for d in found]


@pytest.mark.parametrize(
    ("column", "unlisted", "recorded", "strict", "suggestion"),
    [
        ("nmae", "error", "error", "error", "name"),
        ("stret", "error", "error", "error", PROPERTY),
        ("carier", "error", "error", "error", FIELD_BESIDE),
        ("signal", "warning", "error", "error", None),
        ("carrier2", "warning", "error", "error", FIELD_BESIDE),
        ("NAME", "warning", "warning", "error", "name"),
        ("code", "warning", "warning", "error", "Code"),
        ("é" * 200, "warning", "error", "error", None),
    ],
)
@pytest.mark.parametrize("provenance", ["live", "reconstructed"])
def test_verdicts(
    provenance: str, column: str, unlisted: str, recorded: str, strict: str, suggestion: str | None
) -> None:
    # A live spec lists query fields, not columns, so that it is no surer of these than a reconstructed one.
    plain = Language.from_spec(a_spec(provenance))
    assert said(plain, column) == said(listed("inferred", provenance), column) == [("Q423", unlisted, suggestion)]
    assert said(listed("recorded", provenance), column) == [("Q423", recorded, suggestion)]
    assert said(listed("documented", provenance), column) == [("Q423", recorded, suggestion)]
    assert said(plain, column, strict=True) == [("Q423", strict, suggestion)]


def test_what_is_known() -> None:
    for language in (LIVE, RECONSTRUCTED):
        assert said(language, [QUERY_FIELD, FIELD_BESIDE, PROPERTY, "id", "Code"], strict=True) == []
        assert said(language, LISTED) == [("Q423", "warning", None)]
    assert said(listed(), [LISTED, QUERY_FIELD, FIELD_BESIDE, PROPERTY], strict=True) == []


@pytest.mark.parametrize(
    ("bulk", "other"),
    [
        ("/ws/v1/things/bulk", "/ws/v1/things/inventory"),
        ("/ws/v1/things/bulk/summary", "/ws/v1/things/summary"),
        ("/ws/v1/things/use/bulk", "/ws/v1/things/use"),
        ("/ws/v1/things/bulk/history/{id}", "/ws/v1/things/history/{id}"),
    ],
)
def test_the_operation_beside_a_bulk_operation(bulk: str, other: str) -> None:
    overrides = Overrides(
        operation=(OperationEntry(path=other, method="GET", schema="Thing", **KNOWN),),
        schemas={"Thing": SchemaEntry(category="things", properties={"size": "integer"}, **KNOWN)},
    )
    listing = [document(bulk, params=("fields",)), document(other, a_field("id")), document("/ws/v1/things/x")]
    spec = from_documents(
        {"things": {"list": [item for part in listing for item in part["list"]]}},
        api_version="1.0",
        base_path="/ws/v1",
        provenance="live",
        overrides=overrides,
    )
    report = Language.from_spec(spec).check(bulk, None, fields="id,size,color", strict=True)
    assert [(d.code, report.texts["fields"][d.start : d.end]) for d in report.diagnostics] == [("Q423", "color")]


def test_text_and_lists() -> None:
    report = RECONSTRUCTED.check("devices/bulk", None, fields=["name", "nmae"])
    assert report.texts["fields"] == "name,nmae"
    (found,) = report.diagnostics
    assert (found.start, found.end, found.parameter) == (5, 9, "fields")
    for given in ("name, nmae", ("name", " nmae")):
        (found,) = RECONSTRUCTED.check("devices/bulk", None, fields=given).diagnostics
        assert (found.start, found.end, found.suggestion) == (6, 10, "name")
    assert said(RECONSTRUCTED, "") == said(RECONSTRUCTED, []) == [("Q421", "error", None)]
    assert said(RECONSTRUCTED, "signal,signal") == [("Q423", "warning", None), ("Q422", "warning", None)]


@pytest.mark.parametrize(
    ("given", "mend"),
    [("id;name", "id,name"), ("id ; name|notes", "id,name,notes"), ("name id", "name,id"), ("id;nmae", None)],
)
def test_columns_that_something_else_separates(given: str, mend: str | None) -> None:
    """One of several names is no mend: it would drop the others."""
    assert said(listed(), given) == [("Q423", "error", mend)]
    assert said(listed(), f"notes,{given}")[0] == ("Q423", "error", mend)


def test_a_flood_of_unknown_columns_is_cut() -> None:
    report = RECONSTRUCTED.check("devices/bulk", None, fields=[f"signal_{n}" for n in range(5000)])
    assert [d.code for d in report.diagnostics] == ["Q423"] * 100 + ["Q124"]
    assert not report.ok


def test_lists_of_columns_must_fit_the_spec() -> None:
    for wrong in (entry(path=INVENTORY), entry(path="/ws/v1/devices/nothing")):
        with pytest.raises(SpecError, match=f"columns: GET {wrong.path} is not in the spec, or takes no fields"):
            a_spec("live", wrong)
    with pytest.raises(SpecError, match=f"columns: {BULK} is listed twice"):
        a_spec("live", entry(), entry())


@pytest.mark.parametrize(
    "text", ['path = "/x"\ncolumns = ["a"]\n', 'path = "/x"\ncolumns = "a"\ncertainty = "recorded"\n']
)
def test_entries_are_checked(tmp_path: Path, text: str) -> None:
    file = tmp_path / "overrides.toml"
    file.write_text(f'[[columns]]\n{text}source = "s"\nreason = "r"\n', "utf-8")
    with pytest.raises(SpecError, match="columns"):
        load(file)


def test_the_recorded_columns_of_devices_are_known() -> None:
    recorded = json.loads((ROOT / "tests/data/recorded/devices-bulk.json").read_text("utf-8"))["header"]
    assert len(recorded.split(",")) == 61
    assert not digirm.check_query("devices/bulk", None, fields=recorded, strict=True).diagnostics
    assert not digirm.check_query("devices/bulk", None, fields="no_such_column").ok


# -- clients ----------------------------------------------------------------------------------------------------------

BLOCKING: list[Any] = [digirm.Client, lambda *a, **k: dynamic.client(ROOT / "specs/22.7", *a, **k)]
ASYNC: list[Any] = [digirm.AsyncClient, lambda *a, **k: dynamic.async_client(ROOT / "specs/22.7", *a, **k)]
WRONG = [["id", "nmae"], "id,nmae", ("id", "nmae")]


def check_refusal(error: QueryError) -> None:
    (found,) = error.report.diagnostics
    assert (found.code, found.severity, found.suggestion) == ("Q423", "error", "name")
    assert "'nmae' is no known column of 'GET devices/bulk'" in str(error)


@pytest.mark.parametrize("fields", WRONG)
@pytest.mark.parametrize("client", BLOCKING, ids=["generated", "dynamic"])
def test_a_client_sends_no_misspelt_column(client: Any, fields: Any) -> None:
    with client("sim:?devices=3") as rm:
        with pytest.raises(QueryError) as caught:
            list(rm.devices.bulk.csv(fields=fields))
        check_refusal(caught.value)
        assert not rm._handler.requests


@pytest.mark.parametrize("fields", WRONG)
@pytest.mark.parametrize("client", ASYNC, ids=["generated", "dynamic"])
def test_an_async_client_sends_no_misspelt_column(client: Any, fields: Any) -> None:
    async def main() -> None:
        async with client("sim:?devices=3") as rm:
            with pytest.raises(QueryError) as caught:
                [row async for row in rm.devices.bulk.csv(fields=fields)]
            check_refusal(caught.value)
            assert not rm._handler.requests

    asyncio.run(main())


@pytest.mark.parametrize("fields", [["id", "name"], "id,name"])
@pytest.mark.parametrize("client", BLOCKING, ids=["generated", "dynamic"])
def test_known_columns_are_sent_as_they_are(client: Any, fields: Any) -> None:
    with client("sim:?devices=3", validate="strict") as rm:
        assert [list(row) for row in rm.devices.bulk.csv(fields=fields)] == [["id", "name"]] * 3


@pytest.mark.parametrize("validate", ["warn", "off"])
@pytest.mark.parametrize("client", BLOCKING, ids=["generated", "dynamic"])
def test_a_user_who_says_so_is_never_held_back(client: Any, validate: Any, caplog: pytest.LogCaptureFixture) -> None:
    with client("sim:?devices=3") as rm:
        # The simulator refuses such a column, as the service is known to.
        with pytest.raises(digirm.BadRequest, match="nmae"):
            list(rm.devices.bulk.csv(fields="id,nmae", options=Options(validate=validate)))
        assert [request.status for request in rm._handler.requests] == [400]
    assert ("no known column" in caplog.text) == (validate == "warn")
