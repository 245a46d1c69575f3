"""Guessed renames: what convinces, and what does not."""

from __future__ import annotations

import pytest

from digirm_codegen.diff.compare import compare
from digirm_codegen.diff.renames import MAX_GUESSED, MAX_SHARING, alike
from digirm_codegen.spec_files import Capture
from tests.diff.support import capture, document, field, get, item, parts


def notes(old: Capture, new: Capture) -> dict[str, tuple[str, ...]]:
    """The notes by what they are on."""
    found = compare(old, new).findings
    return {finding.name or finding.path or finding.category: finding.notes for finding in found if finding.notes}


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("deviceId", "device_id"),
        ("device-id", "DEVICE_ID"),
        ("lastupdate", "last_update"),
        ("status_connection", "connection_status"),
        ("last_update", "last_updated"),
        ("colour", "color"),
        ("name", "device_name"),
        ("firmware_version", "firmware_version_text"),
    ],
)
def test_alike(one: str, two: str) -> None:
    assert alike(one, two) == alike(two, one) > 0


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("id", "device_id"),
        ("tx_bytes", "rx_bytes"),
        ("min_size", "max_size"),
        ("address1", "address2"),
        ("address", "address_2"),
        ("name", "type"),
        ("start_time", "end_time"),
        ("_", "-"),
        ("a" * 500, "a" * 501),
    ],
)
def test_not_alike(one: str, two: str) -> None:
    assert alike(one, two) == alike(two, one) == 0


def test_a_field_of_the_same_type_and_operators() -> None:
    old = parts(get(field("lastUpdate"), field("bin_name"), field("size", "=")))
    new = parts(get(field("last_update"), field("bin_names", type="Tags"), field("sizes", "=", "<")))
    assert notes(old, new) == {
        "lastUpdate": ("perhaps renamed to `last_update`",),
        "last_update": ("perhaps renamed from `lastUpdate`",),
    }


def test_a_field_of_an_api_that_moved() -> None:
    old = capture(parts=document(item("/ws/v1/parts", get(field("lastUpdate")))))
    new = capture(base_path="/api", parts=document(item("/api/parts", get(field("last_update")))))
    assert list(notes(old, new)) == ["lastUpdate", "last_update"]


def test_a_field_that_could_be_two_is_neither() -> None:
    old = parts(get(field("name")))
    assert notes(old, parts(get(field("part_name"), field("bin_name")))) == {}
    assert notes(old, parts(get(field("part_name"), field("bin_name"), field("Name")))) == {
        "Name": ("perhaps renamed from `name`",),
        "name": ("perhaps renamed to `Name`",),
    }


def test_a_parameter() -> None:
    old, new = parts(get(params=("pageSize", "order"))), parts(get(params=("page_size", "fields")))
    assert notes(old, new) == {
        "pageSize": ("perhaps renamed to `page_size`",),
        "page_size": ("perhaps renamed from `pageSize`",),
    }


@pytest.mark.parametrize(
    ("old", "new", "note"),
    [
        ("/ws/v1/parts/{id}", "/ws/v1/parts/{part_id}", "the same address as `/ws/v1/parts/{part_id}`"),
        ("/ws/v1/parts/bin/{id}", "/ws/v1/parts/bins/{id}", ""),
        ("/ws/v1/parts/shelf/{id}", "/ws/v1/parts/shelves/{id}", None),
        ("/ws/v1/parts/shelf/{id}", "/ws/v1/parts/shelfs/{id}", "perhaps renamed to `/ws/v1/parts/shelfs/{id}`"),
        ("/ws/v1/parts/summary", "/ws/v1/parts/inventory/summary", None),
    ],
)
def test_a_path(old: str, new: str, note: str | None) -> None:
    before, now = (capture(parts=document(item(path, get(method="PUT", params=())))) for path in (old, new))
    expected = {old: (f"{note}, with the same requests",)} if note else {}
    assert {path: found for path, found in notes(before, now).items() if path == old} == expected


def test_a_path_whose_requests_changed_too() -> None:
    before = capture(parts=document(item("/ws/v1/parts/{id}", get(field("id")))))
    now = capture(parts=document(item("/ws/v1/parts/{part_id}", get(field("bin")))))
    [note] = notes(before, now)["/ws/v1/parts/{id}"]
    assert note == "the same address as `/ws/v1/parts/{part_id}`, with other requests"


def test_a_path_that_moved_to_another_category() -> None:
    request = get(field("id"), params=("query", "cursor"))
    before = capture(parts=document(item("/ws/v1/parts/bins/inventory", request)), stores=document())
    now = capture(parts=document(), stores=document(item("/ws/v1/stores/inventory", request)))
    assert notes(before, now) == {}, "inventories are alike everywhere, but what they belong to is not"
    now = capture(parts=document(), stores=document(item("/ws/v1/stores/bins/inventory", request)))
    assert notes(before, now) == {
        "/ws/v1/parts/bins/inventory": (
            "perhaps renamed to `/ws/v1/stores/bins/inventory`, with the same requests",
        ),
        "/ws/v1/stores/bins/inventory": (
            "perhaps renamed from `/ws/v1/parts/bins/inventory`, with the same requests",
        ),
    }  # fmt: skip


def test_requests_without_parameters_are_alike_everywhere() -> None:
    """So that they are the same says nothing of where they moved; that they take something does."""
    for request, moved in ((get(params=()), False), (get(params=("size",)), True), (get(field("id"), params=()), True)):
        before = capture(parts=document(item("/ws/v1/parts/bins/inventory", request)), stores=document())
        now = capture(parts=document(), stores=document(item("/ws/v1/stores/bins/inventory", request)))
        assert bool(notes(before, now)) is moved


def test_arguments_with_patterns_have_the_same_address() -> None:
    before, now = (
        capture(parts=document(item(f"/ws/v1/parts/{argument}/bins", get())))
        for argument in ("{id:[0-9]{2}}", "{part_id:.+}")
    )
    [note] = notes(before, now)["/ws/v1/parts/{id:[0-9]{2}}/bins"]
    assert note == "the same address as `/ws/v1/parts/{part_id:.+}/bins`, with the same requests"


def test_what_differs_in_style_alone_is_nobody_elses() -> None:
    old = parts(get(field("size"), field("bin_size")))
    assert notes(old, parts(get(field("Size"), field("BinSizes")))) == {
        "size": ("perhaps renamed to `Size`",),
        "Size": ("perhaps renamed from `size`",),
        "bin_size": ("perhaps renamed to `BinSizes`",),
        "BinSizes": ("perhaps renamed from `bin_size`",),
    }
    # Of another type it is another field.
    assert notes(old, parts(get(field("Size", type="Tags"), field("bin_size")))) == {}


def test_of_very_many_only_those_of_another_style_are_told() -> None:
    def made(style: str, per_request: int = 40) -> Capture:
        """Fields of which each has names that are alike in every style."""
        names = [f"{chr(97 + i % 26)}{chr(97 + i // 26)}le" for i in range(per_request)]
        requests = MAX_GUESSED // 2 // per_request + 1
        return capture(
            parts=document(
                *(
                    item(f"/ws/v1/parts/p{number}", get(*(field(style.format(name)) for name in names)))
                    for number in range(requests)
                )
            )
        )

    old = made("bin_{}")
    assert len(notes(old, made("bin-{}"))) == 2 * 40
    assert notes(old, made("bin_{}_text")) == {}
    few = capture(parts=document(*old.documents["parts"]["list"][:3]))
    later = capture(parts=document(*made("bin_{}_text").documents["parts"]["list"][:3]))
    assert len(notes(few, later)) == 2 * 40


def test_a_category() -> None:
    def named(name: str, *paths: str) -> Capture:
        return capture(documents={name: document(*(item(f"/ws/v1/{name}{path}", get(field("id"))) for path in paths))})

    few, many = ("", "/inventory"), ("", "/inventory", "/inventory/{id}", "/bulk")
    assert notes(named("spare_part", *few), named("spare_parts", *few)) == {
        "spare_part": ("perhaps renamed to `spare_parts`",),
        "spare_parts": ("perhaps renamed from `spare_part`",),
    }
    assert notes(named("spare_part", *few), named("spare_parts", "/a", "/b")) == {}
    assert notes(named("parts", *few), named("stores", *few)) == {}
    assert list(notes(named("parts", *many), named("stores", *many))) == ["parts", "stores"]


def test_too_many_to_tell_are_left_alone() -> None:
    words = [f"{chr(97 + i // 26)}{chr(97 + i % 26)}le" for i in range(MAX_SHARING + 1)]
    old, new = ([field(f"{prefix}{word}") for word in words] for prefix in ("stumb", "tumb"))
    assert notes(parts(get(*old)), parts(get(*new))) == {}
    assert len(notes(parts(get(*old)), parts(get(*(field(f["field"].upper()) for f in old))))) == 2 * len(words)
