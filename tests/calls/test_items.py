"""Request items: what they mean is what HTTPie takes them for, and what is spelled is read back as it was."""

from __future__ import annotations

from argparse import ArgumentTypeError
from pathlib import Path

import pytest
from httpie.cli.argtypes import KeyValueArgType  # type: ignore[import-untyped]
from httpie.cli.constants import SEPARATOR_GROUP_ALL_ITEMS  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from digirm_cli.items import Items, read
from digirm_runtime.calls.escaping import spell, split
from digirm_runtime.calls.planned import CallError

TEXT = st.text(st.sampled_from("ab=:;@\\[]- é\n'\"$"), max_size=12)


@given(TEXT)
def test_items_are_split_as_httpie_splits_them(item: str) -> None:
    try:
        theirs = KeyValueArgType(*SEPARATOR_GROUP_ALL_ITEMS)(item)
    except ArgumentTypeError:
        with pytest.raises(CallError, match="is no item"):
            split(item)
    else:
        assert split(item) == (theirs.key, theirs.sep, theirs.value)


@given(TEXT, st.sampled_from(["==", ":", "=", ":="]), TEXT)
def test_what_is_spelled_is_read_back(name: str, separator: str, value: str) -> None:
    item = spell(name, separator, value)
    if item is None:
        # A backslash that would escape what follows it, or a name that ends in one or looks like an option.
        assert "\\" in name + value or name.startswith("-") or not name
    else:
        assert split(item) == (name, separator, value)


def test_each_kind(tmp_path: Path) -> None:
    text, document = tmp_path / "a text", tmp_path / "a document"
    text.write_text("line\n")
    document.write_text('{"a": [1, 2]}')
    found = read(
        [
            "query==name = 'a==b'", "size==10", "X-One: 1 ", "X-Empty;", r"a\=b==c", "name=x=y", "n:=1",
            'tags:=["a"]',
            f"note=@{text}", f"more:=@{document}", f"from==@{text}", f"X-File:@{text}", r"array\[0\]=literal",
        ]
    )  # fmt: skip
    assert found == Items(
        {"query": "name = 'a==b'", "size": "10", "a=b": "c", "from": "line"},
        {"X-One": "1", "X-Empty": "", "X-File": "line"},
        {"name": "x=y", "n": 1, "tags": ["a"], "note": "line\n", "more": {"a": [1, 2]}, "array[0]": "literal"},
    )


@pytest.mark.parametrize(
    ("items", "said"),
    [
        (["nothing"], "'nothing' is no item: write name==value"),
        (["==x"], "has no name before its '=='"),
        (["a==1", "a==2"], "'a' is given twice"),
        (["a=1", "a:=2"], "'a' is given twice"),
        (["X-a:1", "x-A:2"], "the header x-A is given twice"),
        (["a:=nonsense"], "is not JSON behind ':='"),
        (["a:=NaN"], "NaN is no JSON"),
        (["a:=" + "[" * 100_000], "nested too deep"),
        (["a:=@missing-file"], "cannot read missing-file: No such file"),
        (["a=@\0"], "cannot read"),
        (["f@file"], "--body FILE"),
        (["a[b]=1"], "name:='{...}'"),
        (["Authorization:Basic abc"], "carries credentials"),
        (["x-api-key-secret:abc"], "carries credentials"),
        (["Host:other.example"], "the connection's own"),
        (["X-é:1"], "no header can"),
        (["X-a:1\r\nX-b:2"], "no header can"),
        (["X-a:"], "'Name;' for an empty one"),
        (["a=\udcff"], "is not UTF-8"),
    ],
)
def test_what_is_no_item(items: list[str], said: str) -> None:
    with pytest.raises(CallError) as caught:
        read(items)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "item", ["password:=hush", "password[]=hush", "a:=[hush", "Cookie:hush", "X-a:hush\0", "=hush", "a=hush\udcff"]
)
def test_values_are_not_shown(item: str) -> None:
    with pytest.raises(CallError) as caught:
        read([item])
    assert "hush" not in str(caught.value)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_bytes(b"\xff")
    with pytest.raises(CallError, match="not UTF-8 text"):
        read([f"a=@{file}"])
