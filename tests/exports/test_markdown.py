"""Reference pages: what stands on them, and that nothing a server says becomes markup."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from digirm_codegen.exports import export, text
from digirm_codegen.exports.markdown import INDEX, MARKER
from digirm_runtime import tree
from tests.exports.support import HOSTILE, Hostile, hostile_spec, hostiles, loaded, names, whole

PARSER = MarkdownIt("commonmark").enable("table")
#: Stands where a link would begin by itself; it is nothing to see.
NOTHING = "<!-- -->"


def inline(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield from token.children or ()


def tables(tokens: list[Token]) -> Iterator[list[list[Token]]]:
    """The rows of cells of each table."""
    rows: list[list[Token]] = []
    for number, token in enumerate(tokens):
        if token.type == "table_open":
            rows = []
        elif token.type == "tr_open":
            rows.append([])
        elif token.type in ("th_open", "td_open"):
            rows[-1].append(tokens[number + 1])
        elif token.type == "table_close":
            yield rows


def lines_of_tables(page: str) -> int:
    return sum(line.startswith("|") and not line.startswith("|---") for line in page.splitlines())


def harmless(page: str) -> list[Token]:
    """The tokens of a page that holds no markup but that of the pages themselves."""
    assert page.startswith(MARKER)
    assert all(char.isprintable() or char == "\n" for char in page)
    tokens = PARSER.parse(page)
    allowed = {
        "heading",
        "inline",
        "paragraph",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "bullet_list",
        "list_item",
    }
    for token in tokens:
        if token.type == "html_block":
            assert token.content.strip() == MARKER
        else:
            assert token.type.removesuffix("_open").removesuffix("_close") in allowed, token
    for token in inline(tokens):
        if token.type == "html_inline":
            assert token.content == NOTHING
        elif token.type == "link_open":
            target = str(token.attrs["href"])
            assert target.startswith("#") or (target.endswith(".md") and "/" not in target and ":" not in target)
        else:
            assert token.type in ("text", "code_inline", "softbreak", "link_close", "text_special"), token
    found = list(tables(tokens))
    assert all(len(row) == len(rows[0]) for rows in found for row in rows)
    assert sum(map(len, found)) == lines_of_tables(page)
    return tokens


def test_the_pages_have_every_operation_and_field() -> None:
    pages = export(loaded(), "markdown", folder=True).files
    named = tree.build(loaded())
    assert set(pages) == {INDEX, *(f"{category.wire}.md" for category in named.categories)}
    for category in named.categories:
        page = pages[f"{category.wire}.md"]
        spans = {token.content for token in inline(harmless(page)) if token.type == "code_inline"}
        for node in category.walk():
            for operation in node.operations:
                assert operation.wire in spans
                assert {param.name for param in operation.params} <= spans
                assert {field.name for field in operation.query} <= spans
                assert {op for field in operation.query for op in field.operators} <= spans
                assert {value for field in operation.query for value in field.values} <= spans


def test_a_page_says_how_sure_it_is_and_why() -> None:
    pages = export(loaded(), "markdown", folder=True).files
    devices = pages["devices.md"]
    assert (
        "| `rm.devices.inventory.list(...)` | `GET /ws/v1/devices/inventory` | iterable over pages, `Device` |"
        in devices
    )
    assert "### Device\n" in devices
    assert "| `id` | string | yes |" in devices
    assert "## Sources" in devices
    assert "doc-remotemanager.digi.com" in devices
    index = pages[INDEX]
    assert "`reconstructed`" in index
    assert loaded().fingerprint in index
    assert "[devices](devices.md)" in index
    assert "## Unavailable" not in index


def test_what_is_unavailable_or_left_out_is_said() -> None:
    found = export(hostile_spec(Hostile("a", "b", "c", "bad name", "gone", "d")), "markdown", folder=True)
    index = found.files[INDEX]
    assert "| `gone` | 500 | `gone` |" in index
    assert "## Left out" in index
    assert any("bad name" in problem for problem in found.problems)


def test_one_document_links_within_itself() -> None:
    document = whole("markdown").text
    tokens = harmless(document)
    anchors = {
        f"#{tokens[number + 1].content.lower()}" for number, token in enumerate(tokens) if token.type == "heading_open"
    }
    links = {str(token.attrs["href"]) for token in inline(tokens) if token.type == "link_open"}
    assert links
    assert links <= anchors
    assert document.count(MARKER) == 1


@settings(max_examples=40)
@given(hostiles)
def test_no_text_becomes_markup_or_leaves_the_folder(texts: Hostile) -> None:
    spec = hostile_spec(texts)
    found = export(spec, "markdown", folder=True)
    for name, page in found.files.items():
        assert PurePosixPath(name).name == name
        assert name.isascii()
        assert name.isprintable()
        assert not set(name) & set('/\\:*?"<>|')
        harmless(page)
    lower = [name.lower() for name in found.files]
    assert len(lower) == len(set(lower))
    harmless(export(spec, "markdown").text)


@given(names)
@example("`")
@example("a `-1d` b `")
@example("see `<b>` or `|`")
def test_text_stays_what_it_is(given: str) -> None:
    for written in (text.prose(given), text.code(given)):
        assert "\n" not in written
        tokens = harmless(f"{MARKER}\n\n| a | b |\n|---|---|\n| x {written} | y |\n")
        (rows,) = tables(tokens)
        shown = "".join(child.content for child in rows[1][0].children or () if child.type != "html_inline")
        # Blanks and backticks may differ, nothing else.
        assert kept(shown) == kept("x" + text.plain(given))
        assert rows[1][1].content == "y"


@given(st.text("\\|`a ", max_size=12))
@example("a\\|b")
def test_text_stays_in_its_cell_however_backslashes_are_read(given: str) -> None:
    """Some readers take a backslash together with the one before it, others with the sign behind it."""
    for written in (text.prose(given), text.code(given)):
        assert not re.findall(r"(?<!\\)\|", written)
        assert "|" not in re.sub(r"\\.", "", written)


def kept(shown: str) -> str:
    return shown.replace(" ", "").replace("`", "").replace("'", "")


def test_the_hostile_texts_are_in_one_page_each_once() -> None:
    page = "\n".join([MARKER, "", "| a |", "|---|", *(f"| {text.code(one) or 'x'} |" for one in HOSTILE)])
    (rows,) = tables(harmless(page + "\n"))
    assert len(rows) == len(HOSTILE) + 1
