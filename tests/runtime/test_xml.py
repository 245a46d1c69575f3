"""XML as dicts: what is read as what, what is refused, and that nothing is expanded."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from itertools import islice, product
from string import ascii_letters
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digirm_runtime import xmlguard
from digirm_runtime.xmlguard import MARKS
from digirm_runtime.xmltext import DEEPEST, Records, Value, XMLError, build, check, inside, parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<a/>", ""),
        ("<a></a>", ""),
        ("<a> x\n</a>", " x\n"),
        ("<a>  </a>", "  "),
        ("<a><b/></a>", {"b": ""}),
        ("<a>\n  <b>1</b>\n  <b>2</b>\n</a>", {"b": ["1", "2"]}),
        ("<a><b>1</b><c/><b/><b>3</b></a>", {"b": ["1", "", "3"], "c": ""}),
        ("<a><b/><b/></a>", {"b": ["", ""]}),
        ("<a><one>1</one></a>", {"one": ["1"]}),
        ("<a><b><one/></b></a>", {"b": {"one": [""]}}),
        ('<a x="1"/>', {"@x": "1"}),
        ('<a x="1">text</a>', {"@x": "1", "#text": "text"}),
        ('<a x="1"> <b y="2">z</b> </a>', {"@x": "1", "b": {"@y": "2", "#text": "z"}}),
        ("<a>x<!-- no -->y<?no?></a>", "xy"),
        ("<a><![CDATA[<b>&amp;]]></a>", "<b>&amp;"),
        ("<a>&lt;&#65;&#x1F600;&amp;</a>", "<A😀&"),
        ('<a xmlns="urn:x"><b xmlns:y="urn:y" y:c="1"/></a>', {"{urn:x}b": {"{urn:y}c": "1"}}),
    ],
)
def test_what_is_read_as_what(text: str, expected: Value) -> None:
    name, value = parse(text, ("one",))
    if "urn" in text:
        assert (name, value) == ("{urn:x}a", {"{urn:x}b": {"@{urn:y}c": "1"}})
    else:
        assert (name, value) == ("a", expected)
    assert parse(text.encode(), ("one",)) == (name, value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "no element found"),
        (b"   ", "no element found"),
        (b"{}", "no well-formed XML"),
        (b"<a>", "no element found|unclosed"),
        (b"<a></b>", "mismatched tag: line 1, column 5"),
        (b"<a/><b/>", "junk after document element"),
        (b"<a/>x", "junk after document element"),
        (b"<a>\n<b>&nbsp;</b></a>", "undefined entity.*line 2"),
        (b"<a>x<b/></a>", "'a' holds text beside elements"),
        (b"<a><c/><d><b/>x<b/></d></a>", "'d' holds text beside elements"),
        (b"<a><b/>x</a>", "'a' holds text beside elements"),
        ("<a>\u00a0<b/></a>".encode(), "'a' holds text"),
        (b"<a x='1' x='2'/>", "duplicate attribute"),
        (b"<x:a/>", "unbound prefix"),
        (b"<a>\x01</a>", "not well-formed"),
        (b"<a>\xe4</a>", "not well-formed"),
        (b"<?xml version='1.0' encoding='us-ascii'?><a>\xe4</a>", "not well-formed"),
        (b"<?xml version='1.0' encoding='utf-7'?><a>+ADw-</a>", "encoding 'utf-7' is not read"),
        (b"<?xml version='1.0' encoding='utf-16'?><a/>", "encoding 'utf-16' is not read"),
        (b"<?xml version='1.0' encoding='base64'?><a/>", "encoding 'base64' is not read"),
        ("<a/>".encode("utf-16"), "two and four bytes"),
        ("<a/>".encode("utf-16-be"), "two and four bytes"),
        ("<a/>".encode("utf-16-le"), "two and four bytes"),
        ("<a/>".encode("utf-32"), "two and four bytes"),
        (b"\xef\xbb\xbf<?xml version='1.0' encoding='iso-8859-1'?><a>\xe4</a>", "not well-formed"),
        (b"<!DOCTYPE a><a/>", "DOCTYPE"),
        (b"<!DOCTYPE a [<!ENTITY b 'x'>]><a>&b;</a>", "DOCTYPE"),
        (b"<?xml version='1.0'?><!-- x --><!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", "DOCTYPE"),
        (b"<!-- " + b" " * 10_000 + b" --><!DOCTYPE a SYSTEM 'http://127.0.0.1/'><a/>", "DOCTYPE"),
        (b"<a>" * DEEPEST + b"<b/>" + b"</a>" * DEEPEST, "nested deeper than 100"),
        (b"<a>" * 100_000, "nested deeper than 100"),
    ],
)
def test_what_is_refused(text: bytes, reason: str) -> None:
    with pytest.raises(XMLError, match=reason):
        parse(text)
    for size in (1, 7, 70_000):
        with pytest.raises(XMLError, match=reason):
            fed(text, size)


def test_a_bomb_is_refused_before_it_is_read() -> None:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 20))
    bomb = f'<!DOCTYPE a [<!ENTITY e0 "ha">{entities}]><a>&e19;</a>'.encode()
    tracemalloc.start()
    try:
        with pytest.raises(XMLError, match="DOCTYPE"):
            parse(bomb)
        with pytest.raises(XMLError, match="DOCTYPE"):
            fed(bomb, 100)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_the_root_has_to_begin_soon() -> None:
    assert parse(b"<!-- " + b"x" * 60_000 + b"--><a/>") == ("a", "")
    with pytest.raises(XMLError, match="the root's tag does not end within 65,536 bytes"):
        parse(b"<!-- " + b"x" * 70_000 + b"--><a/>")


def test_the_deepest_that_is_read() -> None:
    text = "<a>" * DEEPEST + "x" + "</a>" * DEEPEST
    value = parse(text)[1]
    records = Records(depth=0)
    assert records.feed(text.encode()) == [("a", value)]
    for _ in range(DEEPEST - 1):
        assert isinstance(value, dict)
        value = value["a"]
    assert value == "x"


def test_encodings() -> None:
    latin = "<?xml version='1.0' encoding='ISO-8859-1'?><a>Müller</a>".encode("iso-8859-1")
    assert parse(latin) == fed_as_one(latin) == ("a", "Müller")
    windows = "<?xml version='1.0' encoding='windows-1252'?><a>5 €</a>".encode("cp1252")
    assert parse(windows) == fed_as_one(windows) == ("a", "5 €")
    marked = "<a>ü</a>".encode("utf-8-sig")
    assert parse(marked) == fed_as_one(marked) == ("a", "ü")
    # Spellings that are common, and not XML's.
    for name in ("utf8", "UTF8", "latin1", "cp1252", "ascii"):
        spelled = f"<?xml version='1.0' encoding=\"{name}\"?><a>u</a>".encode()
        assert parse(spelled) == ("a", "u")
        for size in range(1, len(spelled)):
            assert fed_as_one(spelled, size) == ("a", "u")
    utf8 = "<?xml version='1.0' encoding='utf8' standalone='yes'?><a>ü</a>".encode()
    assert parse(utf8) == fed_as_one(utf8) == fed_as_one(utf8, 1) == ("a", "ü")
    assert parse(utf8, charset="iso-8859-1") == ("a", "Ã¼")
    # Text is text, whatever its declaration says of bytes that are gone.
    assert parse(latin.decode("iso-8859-1")) == ("a", "Müller")
    # The header of HTTP stands above the declaration, and a byte-order mark above both.
    assert parse("<?xml version='1.0' encoding='ISO-8859-1'?><a>ü</a>".encode(), charset="utf-8") == ("a", "ü")
    assert parse(marked, charset="iso-8859-1") == ("a", "ü")
    with pytest.raises(XMLError, match="'utf-16' is not read"):
        parse(b"<a/>", charset="utf-16")
    with pytest.raises(XMLError, match="'utf-16' is not read"):
        Records(charset="utf-16").feed(b"<a/><!-- -->")
    with pytest.raises(XMLError, match="character 3 "):
        parse("<a>\ud800</a>")


def fed(text: bytes, size: int, depth: int = 1) -> list[tuple[str, Value]]:
    records = Records(("one",), depth)
    found = [pair for at in range(0, len(text), size) for pair in records.feed(text[at : at + size])]
    records.close()
    return found


def fed_as_one(text: bytes, size: int = 3) -> tuple[str, Value]:
    (one,) = fed(text, size, depth=0)
    return one


def test_records() -> None:
    text = b"""<?xml version="1.0"?>
    <result kind="list"><total>2</total>
        <Core><id>1</id><tag>a</tag></Core>
        <Core><id>2</id><tag>b</tag><tag>c</tag><one/></Core><empty/></result>"""
    cores: list[Value] = [{"id": "1", "tag": "a"}, {"id": "2", "tag": ["b", "c"], "one": [""]}]
    for size in (1, 5, 1000):
        assert fed(text, size) == [("total", "2"), ("Core", cores[0]), ("Core", cores[1]), ("empty", "")]
        assert fed(text, size, depth=2) == [
            ("total", "2"), ("id", "1"), ("tag", "a"), ("id", "2"), ("tag", "b"), ("tag", "c"), ("one", ""),
            ("empty", ""),
        ]  # fmt: skip
    records = Records()
    assert records.feed(text[:60]) == []
    assert (records.root, records.attributes) == ("result", {"kind": "list"})
    # A record is handed out as soon as it ends.
    assert Records().feed(b"<r><a>1</a>") == [("a", "1")]
    # What is nothing but text is not lost; a list without records has none.
    assert fed(b"<error>no</error>", 4) == [("error", "no")]
    assert fed(b"<result/>", 4) == []
    with pytest.raises(XMLError, match="unclosed token"):
        fed(text[:-1], 100)
    with pytest.raises(XMLError, match="no element found"):
        fed(text[:-9], 100)
    with pytest.raises(XMLError, match="no element found"):
        Records().close()


def test_a_record_has_a_bound() -> None:
    for begin in (b"<r><a>", b"<r><a><b/>", b"<r>  "):
        records = Records(most=200_000)
        records.feed(begin)
        for _ in range(15):
            records.feed(b" " * 10_000)
        with pytest.raises(XMLError, match="no record ended within 200,000 bytes"):
            records.feed(b" " * 100_000)


def test_a_large_document_streams_in_little_memory() -> None:
    record = b"<Core><id><devId>1</devId></id><dpName>" + b"x" * 9_000 + b"</dpName><dpTags/></Core>\n"

    def chunks() -> Iterator[bytes]:
        yield b"<result>"
        for _ in range(500):
            yield record * 7  # some 30 MB in all
        yield b"</result>"

    records = Records()
    found = 0
    tracemalloc.start()
    try:
        for chunk in chunks():
            found += len(records.feed(chunk))
        records.close()
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()
    assert found == 3_500


@pytest.mark.parametrize(
    "text", [b"<r><a b='%s'/><c/></r>", b"<r><a><!--%s--></a><c/></r>", b"<r><a/><c/></r><!--%s-->"]
)
def test_long_tokens(text: bytes) -> None:
    """Read from its beginning for every piece, this would take minutes."""
    whole = text % (b"x" * 8_000_000)
    assert isinstance(parse(whole)[1], dict)
    with pytest.raises(XMLError, match="a tag or a comment is longer than 262,144 bytes"):
        fed(whole, 4_000)
    assert [name for name, _ in fed(text % (b"x" * 200_000), 4_000)] == ["a", "c"]


def test_long_text_comes_in_pieces() -> None:
    long = "x" * 1_000_000
    for text in (f"<r><a>{long}</a></r>", f"<r><a><![CDATA[{long}]]></a></r>"):
        assert parse(text) == ("r", {"a": long})
        assert fed(text.encode(), 4_000) == [("a", long)]


names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,5}", fullmatch=True)
texts = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")) | st.sampled_from("\t\n\r<>&'\""), max_size=8
)
nonblank = texts.filter(lambda text: bool(text.strip(" \t\r\n")))


def _elements(inner: st.SearchStrategy[Value]) -> st.SearchStrategy[Value]:
    many = st.lists(inner, min_size=2, max_size=3)
    return st.builds(
        lambda attributes, children: {**{f"@{name}": value for name, value in attributes.items()}, **children},
        st.dictionaries(names, texts, max_size=2),
        st.dictionaries(names, inner | many, min_size=1, max_size=3)
        | nonblank.map(lambda text: {"@a": "", "#text": text}),
    )


values: st.SearchStrategy[Value] = st.recursive(texts, _elements, max_leaves=8)


@given(names, values)
def test_what_is_built_is_read_back(name: str, value: Value) -> None:
    text = build(name, value)
    assert parse(text) == (name, value)
    assert parse(text.encode()) == (name, value)
    assert fed_as_one(text.encode()) == (name, value)
    assert ElementTree.fromstring(text).tag == name
    if isinstance(value, dict) and not any(key.startswith(("@", "#")) for key in value):
        assert inside(value) == text.removeprefix(f"<{name}>").removesuffix(f"</{name}>")


@given(st.binary(max_size=60) | st.lists(st.sampled_from(
    [b"<a>", b"</a>", b"<b x='1'>", b"</b>", b"<one/>", b"x", b" ", b"&amp;", b"<!--", b"-->", b"<![CDATA[", b"]]>",
     b"<?xml version='1.0'?>", b"<!DOCTYPE a>", b"&x;", b"\xef\xbb\xbf", b"\xff\xfe", b"\0"]), max_size=12,
).map(b"".join), st.integers(1, 9))  # fmt: skip
def test_whatever_comes_both_readers_agree(text: bytes, size: int) -> None:
    try:
        expected = parse(text, ("one",))
    except XMLError:
        with pytest.raises(XMLError):
            fed(text, size, depth=0)
        return
    assert fed(text, size, depth=0) == [expected]


def test_what_is_built() -> None:
    element = ElementTree.fromstring("<set a='1&amp;2'>x<b>&lt;</b>y<c/></set>")
    assert build("set", element) == '<set a="1&amp;2">x<b>&lt;</b>y<c/></set>'
    assert build("a", {"b": [1, 2.5, True, None], "@c": 3}) == '<a c="3"><b>1</b><b>2.5</b><b>true</b><b/></a>'
    assert build("at", datetime(2021, 2, 17, 23, 15, 1, tzinfo=timezone(timedelta(hours=2)))) == (
        "<at>2021-02-17T21:15:01.000Z</at>"
    )
    with pytest.raises(ValueError, match="zone"):
        build("at", datetime(2021, 2, 17))
    assert build("a", ["x", {}]) == "<a>x</a><a/>"
    assert build("a", {"b": []}) == "<a/>"
    assert build("a", '"]]>\r') == '<a>"]]&gt;&#13;</a>'
    assert inside({"a": "<", "b": {"c": element}}) == f"<a>&lt;</a><b>{build('c', element)}</b>"
    for name in ("", "1a", "a b", "a>", "a/", "-a", "a:", ":a", "a:b:c", "a\n", "{u}a", "²"):
        for value in ({name: "x"}, {f"@{name}": "x"}):
            with pytest.raises(ValueError, match="cannot be a name"):
                build("a", value)
        with pytest.raises(ValueError, match="cannot be a name"):
            build(name, "x")
    for text in ("\0", "\x1f", "\ud800", "\ufffe"):
        with pytest.raises(ValueError, match="cannot have the character"):
            build("a", text)
        with pytest.raises(ValueError, match="cannot have the character"):
            build("a", {"@b": text})
    for key in (1, None, b"a", ("a",)):
        for wrong in ({key: "x"}, {"a": {key: "x"}}, [{key: "x"}]):
            with pytest.raises(ValueError, match="cannot be a name"):
                build("a", wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="bytes cannot be written"):
        build("a", b"x")
    with pytest.raises(TypeError, match="list in a list"):
        build("a", [["x"]])
    deep: dict[str, object] = {}
    deep["a"] = deep
    with pytest.raises(ValueError, match="nested deeper"):
        build("a", deep)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="inf"):
        build("a", float("inf"))


def test_the_parser_is_imported_when_it_is_used() -> None:
    code = "import sys, digirm_runtime.xmltext; print([m for m in sys.modules if m.startswith(('xml', 'pyexpat'))])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def _names(many: int) -> Iterator[str]:
    return map("".join, islice(product(ascii_letters, repeat=4), many))


@pytest.mark.parametrize(
    "record",
    [
        "<r><a " + " ".join(f"{name}=''" for name in _names(MARKS)) + "/></r>",
        "<r><a>" + "<b c = '' d\n=\n''/>" * (MARKS // 3) + "<b/><b/></a></r>",
        "<r><a>" + "<b></b>" * MARKS + "</a></r>",
    ],
    ids=["attributes", "both", "elements"],
)
def test_what_a_record_may_hold(record: str) -> None:
    """Each element and attribute takes many times its bytes."""
    text = record.encode()
    tracemalloc.start()
    try:
        with pytest.raises(XMLError, match="more than 500,000 elements and attributes"):
            parse(text)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
    with pytest.raises(XMLError, match=r"more than 500,000 elements and attributes|longer than 262,144 bytes"):
        fed(text, 50_000)


def test_what_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xmlguard, "MARKS", 50)
    monkeypatch.setattr(xmlguard, "MARKS_AT_ONCE", 100)
    # Ends of elements, and a text as it mostly is, count for nothing.
    for text in (b"<r>" + b"<a></a>" * 49 + b"</r>", b"<r><a b='='>" + b"YQ==" * 99 + b"</a></r>"):
        assert parse(text)[0] == "r"
        assert fed(text, 1_000)
    crowded = b"<r><record>" + b"<a b=''/>" * 25 + b"</record></r>"
    for read in (parse, Records().feed, lambda text: fed(text, 1)):
        with pytest.raises(XMLError, match="more than 50 elements"):
            read(crowded)
    # Each record has a count of its own, and so has each piece.
    records = Records()
    records.feed(b"<records>")
    for _ in range(9):
        assert len(records.feed(b"<a/>" * 90)) == 90
    with pytest.raises(XMLError, match="more than 100 elements"):
        records.feed(b"<a/>" * 101)


def test_a_document_may_not_have_any_number_of_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parser would keep them all, in whatever record they are."""
    monkeypatch.setattr(xmlguard, "NAMES", 50)
    assert len(fed(("<r>" + "".join(f"<{name}/>" for name in _names(49)) + "</r>").encode(), 10)) == 49
    for form in ("<{}/>", "<a {}=''/>"):
        with pytest.raises(XMLError, match="more than 50 names"):
            fed(("<r>" + "".join(map(form.format, _names(51))) + "</r>").encode(), 10)


def test_text_can_be_checked_without_reading_it() -> None:
    for text in ("<a/>", "<?xml version='1.0'?><a b='c'>x<d/>y</a>", "<a>ü</a>"):
        check(text)
    for text, reason in (
        ("", "no element"),
        ("x", "no well-formed"),
        ("<a/><b/>", "junk"),
        ("<a>\ud800</a>", "character 3"),
        ("<!DOCTYPE a><a/>", r"DOCTYPE\) is refused"),
    ):
        with pytest.raises(XMLError, match=reason):
            check(text)
