"""The language itself: what is read, how it is printed, and that grammar and tables decide."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from digirm_runtime.errors import QueryError, SpecError
from digirm_runtime.query.ast import And, Condition, Literal, Not, Or
from digirm_runtime.query.language import Language, language_files
from digirm_runtime.query.printer import print_expr
from tests.query.query_api import EXAMPLE, TEXT, a_field, a_spec, example, odd

LANGUAGE = example()


def cond(name: str, value: str = "1") -> Condition:
    return Condition(name, "=", Literal("number", value))


def test_and_binds_tighter_than_or_and_not_tightest() -> None:
    expr = LANGUAGE.parse("not a = 1 and b = 2 or c = 3")
    assert expr == Or([And([Not(cond("a")), cond("b", "2")]), cond("c", "3")])


def test_chains_are_flat() -> None:
    expr = LANGUAGE.parse("a = 1 and (b = 1 and c = 1) and d = 1")
    assert expr == And([cond("a"), cond("b"), cond("c"), cond("d")])
    assert str(expr) == "a = 1 and b = 1 and c = 1 and d = 1"


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("a='it''s'", "text", "it's"),
        ("a=''", "text", ""),
        ("a=''''", "text", "'"),
        ("a='x\ny\0'", "text", "x\ny\0"),
        (r"a='C:\'", "text", "C:\\"),
        ("a=10", "number", "10"),
        ("a=-1.50", "number", "-1.50"),
        ("a=0x1F", "number", "0x1F"),
        ("a>-1d", "relative", "-1d"),
        ("a>+30s", "relative", "+30s"),
        ("a = EMPTY", "empty", "EMPTY"),
        ("a = True", "boolean", "True"),
        ("a within [-122.5, 37.5,1,2]", "area", "[-122.5, 37.5,1,2]"),
    ],
)
def test_literals(text: str, kind: str, value: str) -> None:
    expr = LANGUAGE.parse(text)
    assert isinstance(expr, Condition)
    assert expr.value == Literal(kind, value)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("name STARTSWITH'x'", "name startsWith 'x'"),
        ("NOT(a=1)", "not a = 1"),
        ("((a=1 OR b=2)) And c=3", "(a = 1 or b = 2) and c = 3"),
        ("a=1 or (b=2 and c=3)", "a = 1 or b = 2 and c = 3"),
        ("not (not (a=1 or b=2))", "not not (a = 1 or b = 2)"),
        ("orname=1 or andy = 2", "orname = 1 or andy = 2"),
        ("empty = empty", "empty = empty"),
    ],
)
def test_canonical_text(text: str, canonical: str) -> None:
    report = LANGUAGE.check(None, text)
    assert report.canonical == canonical
    assert print_expr(LANGUAGE.parse(canonical)) == canonical


def test_spans_take_no_part_in_equality() -> None:
    text = "  name   contains 'x'"
    expr = LANGUAGE.parse(text)
    assert isinstance(expr, Condition)
    assert expr.spans is not None
    assert [text[a:b] for a, b in zip(expr.spans[::2], expr.spans[1::2], strict=True)] == ["name", "contains", "'x'"]
    built = Condition("name", "contains", Literal("text", "x"))
    assert expr == built
    assert hash(expr) == hash(built)


def test_parse_raises_with_the_report() -> None:
    with pytest.raises(QueryError) as caught:
        LANGUAGE.parse("a ==")
    assert str(caught.value) == str(caught.value.report)
    assert isinstance(caught.value, ValueError)
    assert pickle.loads(pickle.dumps(caught.value)).report.diagnostics == caught.value.report.diagnostics


def test_depth_is_limited_and_length_is_not() -> None:
    assert LANGUAGE.check(None, "(" * 200 + "a=1" + ")" * 200).ok
    deep = LANGUAGE.check(None, "(" * 201 + "a=1" + ")" * 201)
    assert [(d.code, d.start) for d in deep.diagnostics] == [("Q116", 200)]
    assert [d.code for d in LANGUAGE.check(None, "not " * 201 + "a=1").diagnostics] == ["Q116"]
    assert LANGUAGE.check(None, "not a=1 and (not a=1) or " * 300 + "a=1").ok
    chain = " or ".join(f"a = {n}" for n in range(100_000))
    assert LANGUAGE.check(None, chain).canonical == chain


def test_a_built_tree_of_any_depth_is_printed_compared_hashed_and_copied() -> None:
    def tower() -> Not:
        tree = Not(cond("a"))
        for _ in range(50_000):
            tree = Not(tree)
        return tree

    tree = tower()
    assert tree == tower()
    assert hash(tree) == hash(tower())
    assert str(tree).count("not ") == 50_001
    assert copy.deepcopy(tree) == pickle.loads(pickle.dumps(tree)) == tree
    assert [d.code for d in LANGUAGE.check(None, tree).diagnostics] == ["Q116"]


def test_reports_survive_pickling() -> None:
    report = LANGUAGE.check("devices/inventory", "name = 'x' and (id = 1 or not ip contains '1')")
    again = pickle.loads(pickle.dumps(report))
    assert (again.ok, again.canonical, again.query, str(again)) == (True, report.canonical, report.query, str(report))


def test_names_that_look_like_keywords_and_signs() -> None:
    language = odd()
    text = "not =~ 'x' and not not resembles 'y' or empty == empty and from == 'z' and orname == 1"
    report = language.check("devices/inventory", text)
    assert str(report).startswith("ok\n"), str(report)
    assert report.canonical == text
    for text in ("and-y == 'x' or or.x == 1", "a:b == 'x' and a:b==1", "$size ~ [1,2] and größe == 1 and 2fa == 2"):
        report = language.check("devices/inventory", text)
        assert str(report).startswith("ok\n"), str(report)
    assert [d.code for d in language.check(None, "orname = 'x'").diagnostics] == ["Q202"]


def test_operators_come_from_the_spec_alone() -> None:
    query = "name contains 'x'"
    without = Language.from_spec(a_spec(a_field("name", operators=["="])))
    assert [d.code for d in without.check("devices/inventory", query).diagnostics] == ["Q202"]
    assert Language.from_spec(a_spec(a_field("name", operators=["=", "contains"]))).check("devices/inventory", query).ok
    new = Language.from_spec(a_spec(a_field("name", operators=["=", "sounds_like", "=*="])))
    report = new.check("devices/inventory", "name SOUNDS_LIKE 'x' and name =*= 'y'")
    assert report.canonical == "name sounds_like 'x' and name =*= 'y'"
    assert report.ok


def test_a_spec_without_any_query_still_has_a_language() -> None:
    language = Language.from_spec(a_spec())
    assert language.check("devices/inventory", "a = 1").ok is False
    assert language.check("devices/inventory", None, size=5).ok


def test_hostile_names_stay_literals() -> None:
    names = ["a/b", r"a\b", "a|b", "x*", "/", "a}", "{{x}}", "a;b", "FIELD:", "a#b", "(?#", "%ignore"]
    spec = a_spec(*(a_field(name, operators=["=", "/", "|", "$", "##"]) for name in names))
    language = Language.from_spec(spec)
    for name in [field.name for field in spec.categories[0].paths[0].requests[0].query]:  # type: ignore[index]
        for op in ("=", "/", "|", "$", "##"):
            report = language.check("devices/inventory", f"{name} {op} 'x'")
            assert report.query == Condition(name, op, Literal("text", "x")), str(report)


class TestFiles:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        for name, text in language_files(a_spec(*EXAMPLE)).items():
            (tmp_path / name).write_bytes(text.encode())
        return tmp_path

    def test_the_files_hold_the_same_language(self, folder: Path) -> None:
        language = Language.from_folder(folder)
        assert language.check("devices/inventory", "name contains 'x' and id > 0x10").ok
        tables = {key: value for key, value in language.tables.items() if key not in ("grammar_crc32", "lalr")}
        assert tables == Language.from_spec(a_spec(*EXAMPLE)).tables

    def test_they_depend_on_the_spec_alone(self) -> None:
        fields = [a_field("b"), a_field("a", operators=["<", "="]), a_field("c", operators=[*TEXT[::-1]])]
        assert language_files(a_spec(*fields)) == language_files(a_spec(*fields[::-1]))

    def test_a_damaged_grammar_fails_loudly(self, folder: Path) -> None:
        file = folder / "grammar.lark"
        file.write_text(file.read_text().replace("contains", "contain"))
        with pytest.raises(SpecError, match=r"grammar\.lark is not the grammar that was generated"):
            Language.from_folder(folder).check(None, "a = 1")

    def test_a_missing_grammar_fails_loudly(self, folder: Path) -> None:
        (folder / "grammar.lark").unlink()
        with pytest.raises(SpecError, match=r"cannot read .*grammar\.lark"):
            Language.from_folder(folder).check(None, "a = 1")

    @pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", json.dumps({"format": 99}).encode()])
    def test_damaged_tables_fail_loudly(self, folder: Path, content: bytes) -> None:
        (folder / "tables.json").write_bytes(content)
        with pytest.raises(SpecError, match=r"tables\.json"):
            Language.from_folder(folder).check(None, "a = 1")

    @pytest.mark.parametrize(
        "key", [key for key in json.loads(language_files(a_spec(*EXAMPLE))["tables.json"]) if key != "format"]
    )
    @pytest.mark.parametrize("value", ["missing", None, [], {}, 7, "x", [{"a": 1}]])
    def test_no_single_table_can_be_edited(self, folder: Path, key: str, value: object) -> None:
        file = folder / "tables.json"
        tables = json.loads(file.read_bytes())
        del tables[key]
        if value != "missing":
            tables[key] = value
        file.write_text(json.dumps(tables))
        with pytest.raises(SpecError, match=r"tables\.json is not what was generated"):
            Language.from_folder(folder).check("devices/inventory", "name = 'x'", orderby="id")

    def test_no_operator_can_be_slipped_in(self, folder: Path) -> None:
        file = folder / "tables.json"
        file.write_text(file.read_text().replace('"OPERATOR":"', '"OPERATOR":"sounds|'))
        with pytest.raises(SpecError, match=r"tables\.json is not what was generated"):
            Language.from_folder(folder).check(None, "name sounds 'x'")


def test_a_query_is_checked_without_what_only_generation_needs(tmp_path: Path) -> None:
    for name, text in language_files(a_spec(*EXAMPLE)).items():
        (tmp_path / name).write_bytes(text.encode())
    code = (
        "import sys\nfrom digirm_runtime.query import builder\nfrom digirm_runtime.query.language import Language\n"
        "assert 'lark' not in sys.modules\n"
        "assert Language.from_folder(sys.argv[1]).check('devices/inventory', builder.field('id') > 1).ok\n"
        "print(sorted({'jinja2', 'msgspec', 'httpx', 'asyncio'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
