import keyword

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digirm_runtime import naming


@pytest.mark.parametrize(
    ("wire", "name"),
    [
        ("inventory", "inventory"),
        ("class", "class_"),
        ("2fa-tokens", "x2fa_tokens"),
        ("inventory.xml", "inventory_xml"),
        ("__class__", "class_"),
        ("_private", "private"),
        ("Größe", "Gr_e"),
        ("...", None),
        ("", None),
        ("日本", None),
    ],
)
def test_identifier(wire: str, name: str | None) -> None:
    assert naming.identifier(wire) == name


@pytest.mark.parametrize(
    ("wire", "name"), [("configId", "config_id"), ("dry-run", "dry_run"), ("URLPath", "url_path"), ("from", "from_")]
)
def test_snake(wire: str, name: str) -> None:
    assert naming.snake(wire) == name


@given(st.text(max_size=300))
def test_names_are_plain_identifiers_that_hide_nothing(wire: str) -> None:
    for name in (naming.identifier(wire), naming.snake(wire)):
        if name is not None:
            assert name.isascii()
            assert name.isidentifier()
            assert not keyword.iskeyword(name)
            assert not name.startswith("_")
            assert len(name) <= naming.MAX_IDENTIFIER + 1


wires = st.lists(st.sampled_from(["a-b", "a_b", "a.b", "a b", "get", "class", "class_", "A-b"]), unique=True)


@given(wires)
def test_collisions_are_settled_by_wire_name_alone(names: list[str]) -> None:
    wanted = {wire: naming.identifier(wire) or "" for wire in names}
    settled = naming.settle(wanted, {"get"})
    assert sorted(settled) == sorted(names)
    assert len(set(settled.values())) == len(names)
    assert "get" not in settled.values()
    if "a_b" in settled:
        assert settled["a_b"] == "a_b"
    shuffled = dict(reversed(list(wanted.items())))
    assert naming.settle(shuffled, {"get"}) == settled


def test_a_new_neighbour_does_not_rename_the_exact_one() -> None:
    assert naming.settle({"a_b": "a_b", "a-b": "a_b"})["a_b"] == "a_b"
    both = naming.settle({"a.b": "a_b", "a-b": "a_b"})
    assert both["a-b"] == f"a_b_{naming.tag('a-b')}"
