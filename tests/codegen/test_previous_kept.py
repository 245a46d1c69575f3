"""What `previous.json` keeps when a version is captured again, and of categories that could not be captured."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from digirm_codegen import render
from digirm_codegen.previous import previous
from digirm_runtime import overrides, spec, tree
from digirm_runtime.errors import SpecError
from digirm_runtime.spec import Spec
from tests.codegen.support import TEXT, field, listing, path, request

PARTS = listing(
    path("/ws/v1/parts/inventory", request("GET", "query", "size", "cursor", query=[field("name", "Text", *TEXT)])),
    path("/ws/v1/parts/recount/{id}", request("POST", "limit", "dry-run")),
)
BINS = listing(
    path("/ws/v1/bins/inventory", request("GET", "query", "size", query=[field("place", "Text", *TEXT)])),
    path("/ws/v1/bins/inventory/{id}", request("GET")),
)
BIN = overrides.SchemaEntry(
    category="bins", key="place", properties={"place": "string", "shelf": "Shelf"}, source="x", reason="x"
)
SHELF = overrides.SchemaEntry(category="bins", key="", properties={"board": "string"}, source="x", reason="x")
MISSING: dict[str, tuple[int | None, str]] = {"bins": (503, "failed")}


def a_spec(
    version: str,
    documents: dict[str, Any],
    *,
    missing: dict[str, tuple[int | None, str]] | None = None,
    before: bytes | None = None,
    types: bool = True,
) -> Spec:
    """A spec of some categories, with payload types for bins where there are bins, and with a `previous.json`."""
    made = spec.from_documents(
        documents,
        api_version=version,
        base_path="/ws/v1",
        provenance="live",
        unavailable=missing,
        previous=None if before is None else json.loads(before),
    )
    if types and "bins" in documents:
        made = msgspec.structs.replace(
            made, overrides=msgspec.structs.replace(made.overrides, schemas={"Bin": BIN, "Shelf": SHELF})
        )
    return made


def without(document: dict[str, Any], template: str) -> dict[str, Any]:
    return listing(*(item for item in document["list"] if item["path"] != template))


def changed(document: dict[str, Any], template: str, **values: Any) -> dict[str, Any]:
    """The document with other values in the request of one path."""
    found = json.loads(json.dumps(document))
    for item in found["list"]:
        if item["path"] == template:
            item["requests"][0].update(values)
    return dict(found)


def messages(made: Spec) -> dict[str, str]:
    """What every gone name of a client says, by its name."""
    found = tree.for_client(made)
    assert not found.problems
    told = [operation.gone for _, operation in tree.dotted(found) if operation.gone]
    told += [param.gone for _, operation in tree.dotted(found) for param in operation.params if param.gone]
    told += [gone.gone for node in found.nodes() for gone in node.gone_fields]
    return {gone.what: gone.message for gone in told}


def kept(content: bytes | None) -> dict[str, Any]:
    assert content is not None
    return dict(json.loads(content))


FIRST = a_spec("1.0", {"parts": PARTS, "bins": BINS})


def test_a_version_that_is_captured_again_keeps_what_it_kept() -> None:
    bump = a_spec("1.1", {"parts": without(PARTS, "/ws/v1/parts/recount/{id}"), "bins": BINS})
    first = previous(FIRST, bump)
    assert {lost["name"] for lost in kept(first)["operations"]} == {"parts.recount.create"}
    there = msgspec.structs.replace(bump, previous=kept(first))
    assert previous(there, bump, kept(first)) == first
    assert previous(FIRST, bump, kept(first)) == first

    less = a_spec("1.1", {"parts": bump_parts(), "bins": without(BINS, "/ws/v1/bins/inventory/{id}")}, types=False)
    second = previous(there, less, kept(first))
    assert kept(second)["api_version"] == "1.0"
    now = msgspec.structs.replace(less, previous=kept(second))
    assert messages(now) == {
        "rm.parts.recount.create": "rm.parts.recount.create is gone since API version 1.1: POST "
        "/ws/v1/parts/recount/{id} is no longer listed; it is sent as before",
        "rm.bins.inventory.get": "rm.bins.inventory.get is gone since API version 1.1 was captured again: GET "
        "/ws/v1/bins/inventory/{id} is no longer listed; it is sent as before",
        "fields.parts.inventory.name": "fields.parts.inventory.name is gone since API version 1.1 was captured again: "
        "parts/inventory no longer lists the query field",
    }
    text = render.package(now).files["models/bins.py"]
    assert "models.bins.Bin is gone since API version 1.1 was captured again: the spec describes no such" in text
    assert previous(now, less, kept(second)) == second
    assert previous(FIRST, less, kept(second)) == second


def bump_parts() -> dict[str, Any]:
    return changed(without(PARTS, "/ws/v1/parts/recount/{id}"), "/ws/v1/parts/inventory", query=[])


def test_what_is_offered_again_is_no_longer_kept() -> None:
    first = previous(FIRST, a_spec("1.1", {"parts": bump_parts()}))
    assert {lost["name"] for lost in kept(first)["operations"]} >= {"parts.recount.create", "bins.inventory.list"}
    gone = a_spec("1.1", {"parts": bump_parts()}, before=first)
    back = a_spec("1.1", {"parts": changed(PARTS, "/ws/v1/parts/inventory", query=[]), "bins": BINS})
    second = kept(previous(gone, back, kept(first)))
    assert {key: value for key, value in second.items() if key != "fields"} == {"api_version": "1.0", "format": 1}
    assert [lost["name"] for lost in second["fields"]] == ["name"]
    assert previous(gone, a_spec("1.1", {"parts": PARTS, "bins": BINS}), kept(first)) is None


def test_keywords_of_one_method_that_go_one_after_the_other() -> None:
    template = "/ws/v1/parts/recount/{id}"
    bump = a_spec("1.1", {"parts": changed(PARTS, template, params=["limit"])})
    first = previous(a_spec("1.0", {"parts": PARTS}), bump)
    there = msgspec.structs.replace(bump, previous=kept(first))
    less = a_spec("1.1", {"parts": changed(PARTS, template, params=[])})
    second = previous(there, less, kept(first))
    now = msgspec.structs.replace(less, previous=kept(second))
    said = messages(now)
    assert "is gone since API version 1.1: " in said["dry_run= of rm.parts.recount.create"]
    assert "is gone since API version 1.1 was captured again: " in said["limit_= of rm.parts.recount.create"]
    assert previous(now, less, kept(second)) == second
    none = a_spec("1.1", {"parts": without(PARTS, template)})
    third = previous(now, none, kept(second))
    # The method was lost while it had them: it keeps its signature.
    assert [param["wire"] for param in kept(third)["operations"][0]["params"]] == ["dry-run", "limit"]
    assert "params" not in kept(third)
    assert previous(msgspec.structs.replace(none, previous=kept(third)), none, kept(third)) == third


def test_a_category_that_could_not_be_captured_is_not_said_to_be_gone() -> None:
    new = a_spec("1.1", {"parts": PARTS}, missing=MISSING)
    first = previous(FIRST, new)
    now = msgspec.structs.replace(new, previous=kept(first))
    why = "is unconfirmed: the category bins could not be captured in version 1.1 (status 503)"
    assert messages(now) == {
        "rm.bins.describe": f"rm.bins.describe {why}; it is sent as before",
        "rm.bins.inventory.list": f"rm.bins.inventory.list {why}; it is sent as before, its query unchecked",
        "rm.bins.inventory.get": f"rm.bins.inventory.get {why}; it is sent as before",
        "fields.bins.inventory.place": f"fields.bins.inventory.place {why}",
    }
    assert f"models.bins.Bin {why}" in render.package(now).files["models/bins.py"]
    operation = dict(tree.dotted(tree.for_client(now)))["bins.inventory.get"]
    assert operation.gone is not None
    assert operation.gone.doc.startswith("Unconfirmed. The category bins could not be captured in version 1.1")
    timeout = a_spec("1.1", {"parts": PARTS}, missing={"bins": (None, "unreachable")}, before=first)
    assert "in version 1.1 (unreachable)" in messages(timeout)["rm.bins.describe"]


def test_names_are_carried_while_their_category_stays_unavailable() -> None:
    names: set[str] | None = None
    now, content = FIRST, None
    for version in ("1.1", "1.2", "1.3"):
        new = a_spec(version, {"parts": PARTS}, missing=MISSING)
        content = previous(now, new)
        now = msgspec.structs.replace(new, previous=kept(content))
        said = messages(now)
        assert all(f"could not be captured in version {version} (status 503)" in text for text in said.values())
        assert names is None or names == said.keys()
        names = set(said)
        assert previous(now, new, kept(content)) == content
        assert "Bin" in kept(content)["types"]["bins"]
        assert "Shelf" in kept(content)["types"]["bins"]
    back = a_spec("1.4", {"parts": PARTS, "bins": BINS})
    assert previous(now, back) is None
    # Now it is known what is gone; for one version, as everything.
    less = a_spec("1.4", {"parts": PARTS, "bins": without(BINS, "/ws/v1/bins/inventory/{id}")})
    content = previous(now, less)
    now = msgspec.structs.replace(less, previous=kept(content))
    assert messages(now)["rm.bins.inventory.get"].startswith("rm.bins.inventory.get is gone since API version 1.4: GET")
    assert previous(now, a_spec("1.5", {"parts": PARTS, "bins": without(BINS, "/ws/v1/bins/inventory/{id}")})) is None


def test_a_category_that_fails_when_its_version_is_captured_again() -> None:
    again = a_spec("1.0", {"parts": PARTS}, missing=MISSING)
    content = previous(FIRST, again)
    now = msgspec.structs.replace(again, previous=kept(content))
    assert all("is unconfirmed: the category bins could not be" in text for text in messages(now).values())
    assert previous(now, again, kept(content)) == content
    less = a_spec("1.0", {"parts": PARTS, "bins": without(BINS, "/ws/v1/bins/inventory/{id}")}, types=False)
    now = msgspec.structs.replace(less, previous=kept(previous(now, less, kept(content))))
    said = messages(now)
    assert said.keys() == {"rm.bins.inventory.get"}
    assert "is gone since API version 1.0 was captured again: " in said["rm.bins.inventory.get"]
    assert "Bin is gone since API version 1.0 was captured again: " in render.package(now).files["models/bins.py"]


def test_a_type_that_was_kept_for_another_one_and_is_lost_itself() -> None:
    def with_types(found: Spec, **types: overrides.SchemaEntry) -> Spec:
        return msgspec.structs.replace(found, overrides=msgspec.structs.replace(found.overrides, schemas=types))

    bump = with_types(a_spec("1.1", {"parts": PARTS, "bins": BINS}), Shelf=SHELF)
    there = msgspec.structs.replace(bump, previous=kept(previous(FIRST, bump)))
    assert there.previous["types"]["bins"].keys() == {"Bin", "Shelf"}
    less = a_spec("1.1", {"parts": PARTS, "bins": BINS}, types=False)
    now = msgspec.structs.replace(less, previous=kept(previous(there, less, there.previous)))
    text = render.package(now).files["models/bins.py"]
    assert "models.bins.Bin is gone since API version 1.1: " in text
    assert "models.bins.Shelf is gone since API version 1.1 was captured again: " in text


def test_what_was_gone_before_its_category_failed_is_not_carried() -> None:
    less = without(BINS, "/ws/v1/bins/inventory/{id}")
    bump = a_spec("1.1", {"parts": PARTS, "bins": less})
    there = msgspec.structs.replace(bump, previous=kept(previous(FIRST, bump)))
    new = a_spec("1.2", {"parts": PARTS}, missing=MISSING)
    assert {lost["name"] for lost in kept(previous(there, new))["operations"]} == {
        "bins.describe",
        "bins.inventory.list",
    }
    # Within the version that lost it, it stays gone.
    again = a_spec("1.1", {"parts": PARTS}, missing=MISSING)
    content = previous(there, again, there.previous)
    said = messages(msgspec.structs.replace(again, previous=kept(content)))
    assert said["rm.bins.inventory.get"].startswith("rm.bins.inventory.get is gone since API version 1.1: GET")
    assert said["rm.bins.inventory.list"].startswith("rm.bins.inventory.list is unconfirmed: ")


def test_a_request_that_stands_elsewhere_is_named_although_its_category_failed() -> None:
    moved = listing(*PARTS["list"], path("/ws/v1/bins/inventory/{binId}", request("GET")))
    new = a_spec("1.1", {"parts": moved}, missing=MISSING)
    names = {"GET /ws/v1/bins/inventory/{binId}": overrides.NameEntry(name="parts.bin", source="x", reason="x")}
    new = msgspec.structs.replace(new, overrides=msgspec.structs.replace(new.overrides, names=names))
    said = messages(msgspec.structs.replace(new, previous=kept(previous(FIRST, new))))
    assert said["rm.bins.inventory.get"] == "rm.bins.inventory.get is gone since API version 1.1: use rm.parts.bin"


NAN = {"format": 1, "api_version": "1", "types": {"x": {"Y": float("nan")}}}


@pytest.mark.parametrize("document", [[], {"format": 1}, NAN])
def test_a_damaged_file_of_the_version_itself_is_an_error(document: Any) -> None:
    with pytest.raises(SpecError, match=r"previous\.json"):
        previous(FIRST, FIRST, document)


def test_a_type_that_is_nested_deep_is_an_error() -> None:
    deep: Any = {}
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(SpecError, match=r"previous\.json"):
        previous(FIRST, FIRST, {"format": 1, "api_version": "1", "types": {"x": {"Y": deep}}})


def test_a_field_whose_name_in_python_alone_changed_is_not_lost() -> None:
    template = "/ws/v1/parts/inventory"
    both = [field("made-at", "Text", "="), field("made_at", "Text", "=")]
    old = a_spec("1", {"parts": changed(PARTS, template, query=both)})
    new = a_spec("2", {"parts": changed(PARTS, template, query=both[:1])})
    before, after = (tree.query_fields(tree.build(each).categories[0].children[0]) for each in (old, new))
    assert before["made_at"].name == "made_at"
    assert {each.name: name for name, each in after.items()} == {"made-at": "made_at"}
    assert previous(old, new) is None
    none = a_spec("2", {"parts": changed(PARTS, template, query=[])})
    assert {lost["wire"] for lost in kept(previous(old, none))["fields"]} == {"made-at", "made_at"}


def test_a_kept_keyword_keeps_its_name_before_a_path_argument() -> None:
    template = "/ws/v1/parts/recount/{id}"
    old = a_spec("1", {"parts": changed(PARTS, template, params=["id"])})
    new = a_spec("2", {"parts": changed(PARTS, template, params=[])})
    now = msgspec.structs.replace(new, previous=kept(previous(old, new)))
    operation = dict(tree.dotted(tree.for_client(now)))["parts.recount.create"]
    assert [(param.wire, param.name) for param in operation.params] == [("id", "id")]
    assert [arg.wire for arg in operation.args] == ["id"]
    assert operation.args[0].name != "id"
    assert messages(now).keys() == {"id= of rm.parts.recount.create"}
    compile(render.package(now).files["api/parts.py"], "parts.py", "exec")


def test_many_lost_names_below_one_node_keep_their_order() -> None:
    fields = [field(f"f{number}", "Text", "=") for number in range(100)]
    names = [f"/ws/v1/parts/n{number}" for number in range(100)]
    old = a_spec(
        "1",
        {
            "parts": listing(
                *changed(PARTS, "/ws/v1/parts/inventory", query=fields)["list"],
                *(path(name, request("GET")) for name in names),
                *(path(f"/ws/v1/parts/inventory/{{id}}/x{number}", request("GET")) for number in range(100)),
            )
        },
    )
    new = a_spec("2", {"parts": changed(PARTS, "/ws/v1/parts/inventory", query=fields[::2])})
    found = tree.for_client(msgspec.structs.replace(new, previous=kept(previous(old, new))))
    assert not found.problems
    for node in found.nodes():
        assert [child.attribute for child in node.children] == sorted(child.attribute for child in node.children)
        assert [each.name for each in node.operations] == sorted(each.name for each in node.operations)
    before, after = (dict(tree.dotted(each)) for each in (tree.build(old), found))
    assert {name: each.wire for name, each in after.items()} == {name: each.wire for name, each in before.items()}
    inventory = next(node for node in found.nodes() if node.path == ("parts", "inventory"))
    assert {each.name for each in inventory.gone_fields} == {f"f{number}" for number in range(1, 100, 2)}
