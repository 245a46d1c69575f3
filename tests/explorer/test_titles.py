"""What operations are called in the page's tree: as a person says it, and no two alike in a group."""

from collections import Counter

from digirm_explorer import titles
from digirm_explorer.beside import groups
from digirm_explorer.catalog import catalog
from digirm_explorer.knowledge import Knowledge
from digirm_runtime import tree
from digirm_runtime.spec import from_documents
from tests.query.query_api import document

KNOWLEDGE = Knowledge(None)


def operations() -> list[tree.Operation]:
    return [
        operation
        for node in tree.build(KNOWLEDGE.spec).categories
        for _, at in node.named()
        for operation in at.operations
    ]


def test_every_operation_of_the_spec_has_a_title_of_its_own() -> None:
    base = f"{KNOWLEDGE.spec.base_path}/"
    there = {f"{operation.method} {operation.path.removeprefix(base)}" for operation in operations()}
    assert there == set(titles.known())


def test_no_two_are_called_alike() -> None:
    found = [
        operation["title"]
        for group in catalog(KNOWLEDGE)["groups"]
        for category in group["categories"]
        for operation in category["operations"]
    ]
    assert [title for title, count in Counter(found).items() if count > 1] == []
    assert all(title[0].isupper() and ": " not in title and not title.endswith(".") for title in found)


def test_older_objects_are_named_by_what_they_are() -> None:
    (legacy,) = (group for group in groups() if group["id"] == "legacy")
    found = {operation["id"]: operation["title"] for one in legacy["categories"] for operation in one["operations"]}
    assert found["GET /ws/DeviceCore"] == "List devices (DeviceCore)"
    assert found["DELETE /ws/DeviceCore/{id}"] == "Delete a device (DeviceCore)"
    assert found["PUT /ws/FileData/{path:.+}"] == "Upload a file (FileData)"


def test_what_nobody_named_is_called_after_its_path() -> None:
    def titled(method: str, path: str) -> str:
        spec = from_documents(
            {"parts": document(path, method=method)}, api_version="1.0", base_path="/ws/v1", provenance="live"
        )
        (operation,) = (
            one
            for node in tree.build(spec).categories
            for _, at in node.named()
            for one in at.operations
            if one.path == path
        )
        return titles.title(operation, "/ws/v1")

    assert titled("GET", "/ws/v1/parts/inventory") == "List parts"
    assert titled("GET", "/ws/v1/parts/inventory/{id}") == "Get one of the parts"
    assert titled("GET", "/ws/v1/parts/bulk") == "Parts as CSV"
    assert titled("POST", "/ws/v1/parts/sort") == "Create parts sort"
