"""The public surface of a generated package, and what a newer one lacks."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import pytest

from digirm_codegen.diff import surface
from digirm_codegen.diff.findings import Finding
from digirm_codegen.diff.surface import Lost, Surface
from digirm_codegen.generate import generate
from digirm_runtime.errors import SpecError
from tests.codegen.support import GOLDEN, SMALL, SMALL_OVERRIDES, write_spec
from tests.diff import small


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> tuple[Surface, Surface]:
    folder = tmp_path_factory.mktemp("specs")
    return surface.of_specs(small.old(folder)), surface.of_specs(small.new(folder))


@pytest.fixture(scope="module")
def lost(sides: tuple[Surface, Surface]) -> tuple[Lost, ...]:
    return surface.lost(*sides)


def of(lost: tuple[Lost, ...], kind: str) -> dict[str, str]:
    return {one.name: one.message for one in lost if one.kind == kind}


def test_a_package_has_what_its_users_write() -> None:
    found = surface.of_package(GOLDEN / "package")
    assert sorted(found.methods) == [
        "rm.parts.bulk.csv",
        "rm.parts.describe",
        "rm.parts.inventory.create",
        "rm.parts.inventory.delete",
        "rm.parts.inventory.get",
        "rm.parts.inventory.list",
        "rm.parts.inventory.update",
        "rm.parts.labels.get",
        "rm.parts.recount",
    ]
    listing = found.methods["rm.parts.inventory.list"]
    assert (listing.request, listing.returns) == ("GET /ws/v1/parts/inventory", "Listing[models.parts.Part]")
    assert list(listing.arguments) == ["query", "orderby", "size", "cursor", "limit", "prefetch", "options"]
    create = found.methods["rm.parts.inventory.create"]
    assert create.returns == "Created[models.parts.Part]"
    assert create.arguments["body"] == ("positional or keyword", True)
    assert found.methods["rm.parts.inventory.get"].arguments["part_id"] == ("positional-only", True)
    assert found.methods["rm.parts.labels.get"].request == "GET /ws/v1/parts/labels/{name:.+}"
    name = found.fields["fields.parts.bulk.name"]
    assert (name.path, name.wire) == ("/parts/bulk", "name")
    words = {"contains", "starts_with", "ends_with"}
    assert name.operators.keys() == {"==", "!=", "<", "<=", ">", ">="} | words
    assert list(found.types["models.parts.Part"]) == ["id", "name", "sha-512", "maker", "tags", "notes"]
    assert found.types["models.parts.Maker"] == {"name": "NotRequired[str | None]"}
    assert {"Client", "fields", "check_query"} <= found.names


def test_specs_have_the_surface_of_their_package() -> None:
    assert surface.of_specs(GOLDEN / "specs") == surface.of_package(GOLDEN / "package")


@pytest.mark.parametrize("kind", ["msgspec", "pydantic"])
def test_objects_have_their_attributes(kind: str, tmp_path: Path) -> None:
    generate(GOLDEN / "specs", tmp_path, "small", models=kind)
    found = surface.of_package(tmp_path / "small")
    assert list(found.types["models.parts.Part"]) == ["id", "name", "sha_512", "maker", "tags", "notes"]
    assert found.methods["rm.parts.inventory.get"].returns == "models.parts.Part"


def test_nothing_is_lost_of_the_same(sides: tuple[Surface, Surface]) -> None:
    for side in sides:
        assert surface.lost(side, side) == ()


def test_methods_that_are_gone(lost: tuple[Lost, ...]) -> None:
    assert of(lost, "method") == {
        "rm.parts.inventory.delete": "is gone",
        "rm.parts.labels": "is gone with 1 method",
        "rm.parts.notes": "is gone with 3 methods",
        "rm.parts.recount": "is gone; `POST /ws/v1/parts/recount/{id}` is now `rm.parts.count_again`",
    }


def test_arguments_that_are_gone(lost: tuple[Lost, ...]) -> None:
    assert of(lost, "argument") == {"rm.parts.inventory.list(size)": "is no longer taken"}


def test_fields_and_operators_that_are_gone(lost: tuple[Lost, ...]) -> None:
    assert of(lost, "field") == {
        "fields.parts.inventory.state": "is gone",
        "fields.parts.notes": "is gone with 1 field",
    }
    operators = "`<` `<=` `>` `>=` `starts_with` `ends_with`"
    assert of(lost, "operator") == {"fields.parts.inventory.name": f"no longer has {operators}"}


def test_what_changed(lost: tuple[Lost, ...]) -> None:
    message = "takes `TextValue`, no longer `NumberValue`, with `==` `!=` `<` `<=` `>` `>=`"
    assert of(lost, "changed") == {"fields.parts.inventory.id": message}


def test_keys_that_are_gone(lost: tuple[Lost, ...]) -> None:
    assert of(lost, "key") == {"models.parts.Part['tags']": "is no longer a key"}


def test_a_name_that_stays_and_does_something_else(tmp_path: Path) -> None:
    before = deepcopy(SMALL)
    after = deepcopy(SMALL)
    inventory = after["parts"]["list"][0]["requests"]
    overrides = SMALL_OVERRIDES.replace('kind = "call"', 'kind = "create"').replace(
        "[schemas.Part.properties]\nid", "[schemas.Part.properties]\nid"
    )
    overrides = overrides.replace('name = "string"\nsha-512', 'name = "integer"\nsha-512')
    overrides = overrides.replace('schema = "Part"\ndoc = "Parts in stock."\n', 'doc = "Parts in stock."\n')
    assert inventory[1]["method"] == "POST"
    old = surface.of_specs(write_spec(tmp_path / "old", before, overrides=SMALL_OVERRIDES))
    new = surface.of_specs(write_spec(tmp_path / "new", after, overrides=overrides))
    assert [(one.kind, one.name, one.message) for one in surface.lost(old, new)] == [
        ("changed", "models.parts.Part['name']", "is `NotRequired[int | None]`, no longer `NotRequired[str | None]`"),
        (
            "changed",
            "rm.parts.inventory.list",
            "returns `Listing[dict[str, Any]]`, no longer `Listing[models.parts.Part]`",
        ),
        ("changed", "rm.parts.recount", "returns `Created[dict[str, Any]]`, no longer `Any`"),
        ("changed", "rm.parts.recount(body)", "must be given now"),
    ]


def test_a_type_and_path_arguments(tmp_path: Path) -> None:
    after = deepcopy(SMALL)
    for entry in after["parts"]["list"]:
        entry["path"] = entry["path"].replace("/recount/{id}", "/recount/{id}/{how}").replace("{partId}", "{part}")
    overrides = SMALL_OVERRIDES.replace("/recount/{id}", "/recount/{id}/{how}").replace("{partId}", "{part}")
    begin = overrides.index("[schemas.Maker]")
    overrides = overrides[:begin].replace('maker = "Maker"\n', "")
    old = surface.of_specs(write_spec(tmp_path / "old", SMALL, overrides=SMALL_OVERRIDES))
    new = surface.of_specs(write_spec(tmp_path / "new", after, overrides=overrides))
    # That `part_id` is called `part` now is nothing that a caller could have written.
    assert [(one.kind, one.name, one.message) for one in surface.lost(old, new)] == [
        (
            "changed",
            "rm.parts.recount",
            "sends `POST /ws/v1/parts/recount/{id}/{how}`, no longer `POST /ws/v1/parts/recount/{id}`",
        ),
        ("changed", "rm.parts.recount", "takes 2 path arguments (`id`, `how`), no longer 1"),
        ("key", "models.parts.Part['maker']", "is no longer a key"),
        ("type", "models.parts.Maker", "is gone"),
    ]


def test_another_base_path_alone_changes_no_name(tmp_path: Path) -> None:
    text = (GOLDEN / "specs" / "parts.json").read_text("utf-8").replace("/ws/v1", "/ws/v2")
    import json

    overrides = SMALL_OVERRIDES.replace("/ws/v1", "/ws/v2")
    spec = write_spec(tmp_path / "v2", {"parts": json.loads(text)}, overrides=overrides, base_path="/ws/v2")
    assert surface.lost(surface.of_package(GOLDEN / "package"), surface.of_specs(spec)) == ()


def test_names_of_the_root() -> None:
    old = surface.of_package(GOLDEN / "package")
    new = old._replace(names=old.names - {"ago"})
    assert surface.lost(old, new) == (Lost("name", "ago", "is no longer in the package"),)


#: What an alias warns of.
AWAY = "rm.parts.x is gone since API version 9: it is no longer listed"


def test_a_name_that_is_kept_for_one_version_counts_as_lost(tmp_path: Path) -> None:
    old = surface.of_package(GOLDEN / "package")
    generate(GOLDEN / "specs", tmp_path, "small")
    mend(
        tmp_path / "small" / "api" / "parts.py",
        ("_face.call(_PartsOps.recount)", f"_face.gone(_face.call(_PartsOps.recount), {AWAY!r}, checked=False)"),
        (
            "_face.rows(_PartsBulkOps.csv)",
            f"_face.gone_keywords(_face.rows(_PartsBulkOps.csv), {{'fields': {AWAY!r}}})",
        ),
        ("_face.call(_PartsLabelsOps.get)", f"_face.gone(_face.call(_PartsLabelsOps.get), {AWAY!r})"),
    )
    mend(
        tmp_path / "small" / "fields" / "_parts.py",
        ('state = _t.EnumeratedField("state")', f'state = _b.gone(_t.EnumeratedField("state"), {AWAY!r})'),
    )
    new = surface.of_package(tmp_path / "small")
    stays = "; it stays for one version and warns"
    assert [(one.kind, one.name, one.message) for one in surface.lost(old, new)] == [
        ("argument", "rm.parts.bulk.csv(fields)", f"is no longer taken{stays}"),
        ("field", "fields.parts.inventory.state", f"is gone{stays}"),
        ("method", "rm.parts.labels", f"is gone with 1 method{stays}"),
        ("method", "rm.parts.recount", f"is gone{stays}"),
    ]
    # What a user has not mended by then breaks when they vanish in the end.
    ended = "was an alias (`gone since API version 9`), and is no longer kept"
    assert [(one.kind, one.name, one.message) for one in surface.lost(new, new._replace(kept={}))] == [
        ("argument", "rm.parts.bulk.csv(fields)", ended),
        ("field", "fields.parts.inventory.state", ended),
        ("method", "rm.parts.labels", ended),
        ("method", "rm.parts.recount", ended),
    ]
    assert surface.lost(new, new) == ()
    # What the contract has again is not lost, and of a method that is gone nobody asks for its keywords.
    assert surface.lost(new, old) == ()
    without = new._replace(methods={name: new.methods[name] for name in new.methods if ".bulk." not in name}, kept={})
    assert "rm.parts.bulk.csv(fields)" not in {one.name for one in surface.lost(new, without)}


def test_types_that_are_kept_are_aliases_too() -> None:
    found = surface.of_package(GOLDEN.parent / "previous" / "package")
    assert found.kept["models.parts.Maker"] == "gone since API version 9.2"
    assert found.kept["rm.bins.describe"] == "gone since API version 9.2"
    assert found.kept["rm.parts.inventory.create(dry_run)"] == "gone since API version 9.2"
    assert list(found.types) == ["models.parts.Part"]
    ended = {one.name: one for one in surface.lost(found, found._replace(kept={}))}
    assert ended["models.parts.Maker"].kind == "type"
    assert ended["models.bins"].message == "was an alias (`gone since API version 9.2`), and is no longer kept"


def mend(file: Path, *pairs: tuple[str, str]) -> None:
    text = file.read_text("utf-8")
    for before, after in pairs:
        assert before in text
        text = text.replace(before, after)
    file.write_text(text, "utf-8")


def finding(id: str, path: str = "", method: str = "", name: str = "", category: str = "parts") -> Finding:
    return Finding(id, "breaking", "a sentence", category, path, method, name)


FINDINGS = [
    finding("field-removed", "/ws/v1/parts/inventory", "GET", "state"),
    finding("field-type-changed", "/ws/v1/parts/inventory", "GET", "id"),
    finding("field-type-changed", "/ws/v1/parts/bulk", "GET", "id"),
    finding("method-removed", "/ws/v1/parts/inventory/{partId}", "DELETE"),
    finding("operator-removed", "/ws/v1/parts/inventory", "GET", "name"),
    finding("orderby-lost", "/ws/v1/parts/inventory", "GET", "name"),
    finding("parameter-removed", "/ws/v1/parts/inventory", "GET", "size"),
    finding("path-removed", "/ws/v1/parts/labels/{name:.+}"),
    finding("path-removed", "/ws/v1/parts/notes"),
    finding("path-removed", "/ws/v1/parts/notes/{id}"),
]


def test_findings_explain_what_is_lost(lost: tuple[Lost, ...]) -> None:
    notes = "path-removed parts /ws/v1/parts/notes, path-removed parts /ws/v1/parts/notes/{id}"
    joined = surface.join(FINDINGS, lost)
    assert [one._replace(because="") for one in joined] == list(lost)
    assert {one.name: one.because for one in joined} == {
        "fields.parts.inventory.id": "field-type-changed parts GET /ws/v1/parts/inventory id",
        "fields.parts.inventory.name": "operator-removed parts GET /ws/v1/parts/inventory name",
        "fields.parts.inventory.state": "field-removed parts GET /ws/v1/parts/inventory state",
        "fields.parts.notes": "path-removed parts /ws/v1/parts/notes",
        "models.parts.Part['tags']": "",
        "rm.parts.inventory.delete": "method-removed parts DELETE /ws/v1/parts/inventory/{partId}",
        "rm.parts.inventory.list(size)": "parameter-removed parts GET /ws/v1/parts/inventory size",
        "rm.parts.labels": "path-removed parts /ws/v1/parts/labels/{name:.+}",
        "rm.parts.notes": notes,
        "rm.parts.recount": "",  # renamed by hand
    }


@pytest.mark.parametrize(
    ("id", "what"),
    [
        ("category-removed", "is gone"),
        # Nobody knows whether it is.
        ("category-unavailable", "could not be captured in this version,"),
    ],
)
def test_a_category_explains_all_of_it(id: str, what: str) -> None:
    old = surface.of_package(GOLDEN / "package")
    new = old._replace(methods={}, fields={}, types={})
    lost = surface.lost(old, new)
    assert [(one.kind, one.name, one.message, one.because) for one in surface.join([finding(id)], lost)] == [
        ("field", "fields.parts", f"{what} with 5 fields", f"{id} parts"),
        ("method", "rm.parts", f"{what} with 9 methods", f"{id} parts"),
        ("type", "models.parts", f"{what} with 2 types", f"{id} parts"),
    ]
    for other in ("art", "part", "parts/bulk", "bulk", "v1", "ws"):
        assert all(not one.because for one in surface.join([finding(id, category=other)], lost))


def test_an_alias_of_what_could_not_be_captured_stays() -> None:
    old = surface.of_package(GOLDEN / "package")
    methods = {name: method for name, method in old.methods.items() if name != "rm.parts.recount"}
    new = old._replace(methods=methods, kept={"rm.parts.recount": "unconfirmed"})
    [one] = surface.join([finding("category-unavailable")], surface.lost(old, new))
    assert one.message == "could not be captured in this version; it stays until it can be captured and warns"


def test_what_could_not_be_captured_and_is_gone_now() -> None:
    package = surface.of_package(GOLDEN / "package")
    methods = {name: method for name, method in package.methods.items() if name != "rm.parts.recount"}
    old = package._replace(methods=methods, kept={"rm.parts.recount": "unconfirmed: the category parts could not be"})
    new = old._replace(kept={"rm.parts.recount": "gone since API version 9.2"})
    [one] = surface.lost(old, new)
    assert (one.kind, one.name) == ("method", "rm.parts.recount")
    assert one.message == "could not be captured before, and is gone; it stays for one version and warns"
    assert surface.lost(old, old) == surface.lost(new, new) == ()


def test_a_list_that_an_override_moved_still_has_its_fields() -> None:
    package = surface.of_package(GOLDEN / "package")
    moved = {
        name.replace("rm.parts.inventory.list", "rm.parts.all"): method for name, method in package.methods.items()
    }
    fields = {name.replace("fields.parts.inventory.", "fields.parts."): field for name, field in package.fields.items()}
    old = package._replace(methods=moved, fields=fields)
    lost = surface.lost(old, old._replace(fields={}))
    [one] = [one for one in lost if one.kind == "field"]
    assert "GET /parts/inventory" in one.requests


def test_what_a_part_of_a_category_lost_explains_no_other() -> None:
    """Neither what has the same name in another category, nor what only begins alike."""
    method = surface.Method("GET /ws/v1/cars/inventory", {}, "Any")
    other = surface.Method("GET /ws/v1/car/parts/inventory", {}, "Any")
    old = Surface("/ws/v1", {"rm.cars.list": method, "rm.car.parts.list": other}, {}, {}, frozenset())
    lost = surface.lost(old, old._replace(methods={}))
    for findings, names in (
        ([finding("category-removed", category="car")], {"rm.car"}),
        ([finding("category-removed", category="cars")], {"rm.cars"}),
        ([finding("category-removed", category="parts")], set[str]()),
        ([finding("path-removed", "/ws/v1/car", category="car")], set[str]()),
        ([finding("path-removed", "/ws/v2/cars/inventory", category="cars")], {"rm.cars"}),
        ([finding("path-removed", "/ws/v1/parts/inventory")], set[str]()),
    ):
        assert {one.name for one in surface.join(findings, lost) if one.because} == names, findings


def test_a_base_path_named_as_a_category_is_no_other_place() -> None:
    method = surface.Method("GET /parts/v1/parts/{id:[0-9]{2}}", {}, "Any")
    old = Surface("/parts/v1", {"rm.parts.get": method}, {}, {}, frozenset())
    lost = surface.lost(old, old._replace(methods={}))
    [one] = surface.join([finding("path-removed", "/parts/v1/parts/{part}")], lost)
    assert one.because == "path-removed parts /parts/v1/parts/{part}"
    [one] = surface.join([finding("path-removed", "/parts/v1")], lost)
    assert not one.because


def test_patterns_of_arguments_are_no_difference() -> None:
    old = surface.of_package(GOLDEN / "package")
    method = old.methods["rm.parts.inventory.get"]
    before, now = (
        old._replace(methods={"rm.parts.get": method._replace(request=f"GET /ws/v1/parts/{argument}/notes")})
        for argument in ("{id:[0-9]{2}}", "{part}")
    )
    assert surface.lost(before, now) == surface.lost(now, before) == ()


def test_what_is_lost_by_the_thousand_is_explained() -> None:
    count = 20_000
    field = surface.FieldObject("/parts/inventory", "", {})
    method = surface.Method("GET /ws/v1/parts/inventory", {"query": surface.Argument("keyword-only", False)}, "Any")
    old = Surface(
        "/ws/v1",
        {"rm.parts.inventory.list": method},
        {f"fields.parts.inventory.f{number}": field._replace(wire=f"f-{number}") for number in range(count)},
        {},
        frozenset(),
    )
    new = old._replace(fields={"fields.parts.inventory.other": field._replace(wire="other")})
    findings = [finding("field-removed", "/ws/v1/parts/inventory", "GET", f"f-{number}") for number in range(count)]
    joined = surface.join(findings, surface.lost(old, new))
    assert {(one.wire, one.because) for one in joined} == {
        (f"f-{number}", f"field-removed parts GET /ws/v1/parts/inventory f-{number}") for number in range(count)
    }


def test_another_base_path_and_names_of_arguments_hide_no_reason(lost: tuple[Lost, ...]) -> None:
    findings = [finding("method-removed", "/ws/v2/parts/inventory/{part}", "DELETE")]
    because = {one.name: one.because for one in surface.join(findings, lost) if one.because}
    assert because == {"rm.parts.inventory.delete": "method-removed parts DELETE /ws/v2/parts/inventory/{part}"}


def test_only_some_reasons_are_listed() -> None:
    old = surface.of_package(GOLDEN / "package")
    paths = ["", "/bulk", "/inventory", "/inventory/{partId}", "/labels/{name:.+}", "/recount/{id}"]
    findings = [finding("path-removed", f"/ws/v1/parts{path}") for path in paths]
    [_, one, _] = surface.join(findings, surface.lost(old, old._replace(methods={}, fields={}, types={})))
    assert one.because.count("path-removed") == 3
    assert one.because.endswith(" and 3 more")


def test_a_file_that_is_too_large_is_none_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generate(GOLDEN / "specs", tmp_path, "small")
    largest = max(file.stat().st_size for file in (tmp_path / "small").rglob("*.py"))
    monkeypatch.setattr(surface, "MAX_FILE_BYTES", largest)
    surface.of_package(tmp_path / "small")
    monkeypatch.setattr(surface, "MAX_FILE_BYTES", largest - 1)
    with pytest.raises(SpecError, match="is larger than"):
        surface.of_package(tmp_path / "small")


def test_a_package_is_never_executed(tmp_path: Path) -> None:
    generate(GOLDEN / "specs", tmp_path, "small")
    trap = f"\nopen({str(tmp_path / 'trap')!r}, 'w').close()\nraise SystemExit(3)\n"
    for file in (tmp_path / "small").rglob("*.py"):
        file.write_text(file.read_text("utf-8") + trap, "utf-8")
    assert surface.of_package(tmp_path / "small") == surface.of_package(GOLDEN / "package")
    assert not (tmp_path / "trap").exists()


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("_manifest.json", None),
        ("_manifest.json", "{}"),
        ("_manifest.json", "["),
        ("client.py", None),
        ("client.py", "class Client: x = ("),
        ("client.py", ""),
        ("client.py", "class Client:\n    parts: nothing.Here\n"),
        ("api/parts.py", "class PartsApi:\n    get = 3\n"),
        ("api/parts.py", "class PartsApi:\n    get = call(Nothing.get)\n"),
        ("fields/_types.py", ""),
        ("fields/_parts.py", "ROOT = x\n"),
        ("models/parts.py", "\0"),
        ("__init__.py", "\xff"),
    ],
)
def test_what_is_no_package_is_refused(path: str, text: str | None, tmp_path: Path) -> None:
    generate(GOLDEN / "specs", tmp_path, "small")
    file = tmp_path / "small" / path
    file.unlink()
    if text is not None:
        file.write_text(text, "latin-1")
    with pytest.raises(SpecError):
        surface.of_package(tmp_path / "small")


def test_no_folder_is_no_package(tmp_path: Path) -> None:
    with pytest.raises(SpecError):
        surface.of_package(tmp_path / "nothing")
    with pytest.raises(SpecError):
        surface.of_specs(tmp_path / "nothing")
