"""Which files are looked at, and that nothing of them is executed, whatever they hold."""

from __future__ import annotations

import errno
import os
import shutil
import socket
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digirm_codegen import against
from digirm_codegen.against.scan import MAX_FILE_BYTES
from digirm_runtime.errors import SpecError
from digirm_runtime.package import MANIFEST
from digirm_runtime.spec import Spec
from tests.codegen.support import GOLDEN
from tests.diff.conftest import Scanned
from tests.diff.test_against import CASES

USE = "curl https://h/ws/v1/parts/labels/1\n"
ENDINGS = ("py", "yaml", "json", "txt")


def put(file: Path, content: str = USE) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content, "utf-8")
    return file


def test_folders_are_walked_in_one_order(contracts: tuple[Spec, Spec], tmp_path: Path) -> None:
    names = ["b.txt", "a/z.sh", "a/b/c", "c/Makefile", "README.md"]
    for name in names:
        put(tmp_path / name)
    for name in (".git/x", ".venv/x.py", "node_modules/x.json", "a/__pycache__/x.pyc"):
        put(tmp_path / name)
    found = against.scan([tmp_path], *contracts)
    assert [use.file for use in found.uses] == sorted(str(tmp_path / name) for name in names)
    assert (found.files, found.problems) == (5, ())


def test_a_file_that_is_named_twice_is_read_once(contracts: tuple[Spec, Spec], tmp_path: Path) -> None:
    file = put(tmp_path / "a" / "x.txt")
    found = against.scan([file, tmp_path, tmp_path / "a"], *contracts)
    assert (len(found.uses), found.files) == (1, 1)


def test_generated_clients_and_specs_are_left_out(contracts: tuple[Spec, Spec], tmp_path: Path) -> None:
    shutil.copytree(GOLDEN, tmp_path / "small")
    put(tmp_path / "small" / "index.json", "{}")  # any other index is a file like others
    found = against.scan([tmp_path], *contracts)
    assert {Path(use.file).name for use in found.uses} <= {"openapi.json"}


def test_links_that_lead_out_are_not_followed(contracts: tuple[Spec, Spec], tmp_path: Path) -> None:
    put(tmp_path / "outside" / "x.txt")
    inside = put(tmp_path / "inside" / "y.txt").parent
    (inside / "out").symlink_to(tmp_path / "outside")
    (inside / "file").symlink_to(tmp_path / "outside" / "x.txt")
    (inside / "loop").symlink_to(inside)
    (inside / "broken").symlink_to(inside / "nothing")
    found = against.scan([inside], *contracts)
    assert [use.file for use in found.uses] == [str(inside / "y.txt")]
    assert [problem.partition(":")[0] for problem in found.problems] == [str(inside / "file"), str(inside / "out")]


def test_what_is_not_read_is_said(contracts: tuple[Spec, Spec], tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(b"\x89PNG\0" + USE.encode())
    with (tmp_path / "large.csv").open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    os.mkfifo(tmp_path / "pipe")  # opening it would wait for ever
    found = against.scan([tmp_path], *contracts)
    assert found.uses == ()
    assert found.problems == (
        f"{tmp_path / 'large.csv'}: 4 MiB, larger than 4 MiB, not judged",
        f"{tmp_path / 'pipe'}: not a regular file, not judged",
        f"{tmp_path / 'a.png'} and 1 more: binary, not judged",
    )


def test_what_is_named_and_no_regular_file_is_never_opened(contracts: tuple[Spec, Spec], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        named = [Path(os.devnull), *(tmp_path / name for name in ("pipe", "socket", "link"))]
        found = against.scan(named, *contracts)
    assert found.files == 0
    assert found.problems == tuple(f"{path}: not a regular file, not judged" for path in named[:3])


def test_links_that_lead_to_themselves(contracts: tuple[Spec, Spec], tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to(tmp_path / "two")
    (tmp_path / "two").symlink_to(tmp_path / "one")
    used = put(tmp_path / "x.txt")
    found = against.scan([tmp_path], *contracts)
    assert [use.file for use in found.uses] == [str(used)]
    reason = os.strerror(errno.ELOOP)
    assert found.problems == tuple(f"cannot read {tmp_path / name}: {reason}" for name in ("one", "two"))
    for named in (tmp_path / "one", tmp_path / "one" / "x.txt"):
        with pytest.raises(SpecError, match=reason):
            against.scan([named], *contracts)


def test_a_path_below_a_file(contracts: tuple[Spec, Spec], tmp_path: Path) -> None:
    file = put(tmp_path / "x.txt")
    with pytest.raises(SpecError, match=os.strerror(errno.ENOTDIR)):
        against.scan([file / "y"], *contracts)


def test_a_generated_client_that_is_named_itself_is_looked_into(contracts: tuple[Spec, Spec], tmp_path: Path) -> None:
    client = tmp_path / "out" / "client"
    client.mkdir(parents=True)
    (client / MANIFEST).write_text("{}", "utf-8")
    put(client / "_package.py")
    assert against.scan([tmp_path / "out"], *contracts).files == 0
    assert {Path(use.file).name for use in against.scan([client], *contracts).uses} == {"_package.py"}


def test_a_text_that_is_too_long_for_a_request_is_said(scanned: Scanned) -> None:
    found = scanned("x.txt", "\n# endpoint: parts/inventory\n" + "state = 'new' or " * 10_000)
    assert found.uses == ()
    [problem] = found.problems
    assert problem.endswith("x.txt:3: a text of 169999 characters was not judged")


def test_a_path_that_is_none(contracts: tuple[Spec, Spec], tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="does not exist"):
        against.scan([tmp_path / "nothing"], *contracts)


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("x.py", "def f(:\n# /ws/v1/parts/labels/1", "it is not Python (line 1)"),
        ("x.py", "x = " + "(" * 5000 + "\n# /ws/v1/parts/labels/1", "it is not Python"),
        ("x.yaml", "a: b: c\n# /ws/v1/parts/labels/1", "it is not YAML (line 1)"),
        ("x.yml", "{% if x %}\n/ws/v1/parts/labels/1", "it is not YAML (line 1)"),
        ("x.json", "{\n/ws/v1/parts/labels/1", "a bracket is not closed"),
        ("x.json", "]\n/ws/v1/parts/labels/1", "a bracket is closed that was not opened"),
        ("x.json", '{"\\x": 1}\n/ws/v1/parts/labels/1', "it is not JSON (line 1)"),
    ],
)
def test_a_damaged_file_is_a_problem_and_its_addresses_are_judged(
    name: str, content: str, problem: str, scanned: Scanned
) -> None:
    found = scanned(name, content)
    assert [use.line for use in found.uses] == [2]
    [said] = found.problems
    assert problem in said
    assert said.endswith("only addresses in its text were judged")


def test_encodings(scanned: Scanned) -> None:
    text = "# -*- coding: latin-1 -*-\nx = 'é', '/ws/v1/parts/labels/1'\n"
    assert [use.line for use in scanned("x.py", text.encode("latin-1")).uses] == [2]
    assert [use.line for use in scanned("x.txt", b"\xef\xbb\xbf# endpoint: parts/inventory\nstate = 'new'").uses] == [2]
    assert [use.line for use in scanned("x.txt", b"\xff\xfe\xfd\n" + USE.encode()).uses] == [2]


def test_nothing_is_executed(scanned: Scanned, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    python = f"open({str(trap)!r}, 'w').close()\nrm.parts.recount(1)\nraise SystemExit(3)\n"
    assert [use.line for use in scanned("x.py", python).uses] == [2]
    yaml = f"a: !!python/object/apply:os.system ['touch {trap}']\nb: !x /ws/v1/parts/labels/1\n"
    assert [use.line for use in scanned("x.yaml", yaml).uses] == [2]
    assert not trap.exists()


def test_bombs(scanned: Scanned) -> None:
    names = "abcdefghijklmnopqrstuvwxyz"
    laughs = "a: &a [/ws/v1/parts/labels/1]\n" + "".join(
        f"{name}: &{name} [{', '.join([f'*{above}'] * 9)}]\n" for above, name in pairwise(names)
    )
    assert [use.line for use in scanned("x.yaml", laughs).uses] == [1]
    assert scanned("x.yaml", "a: &a {<<: *a, endpoint: parts/inventory, b: *a}").uses == ()
    for name in ("x.json", "x.yaml"):
        [problem] = scanned(name, "[" * 10_000 + "]" * 10_000).problems
        assert "nested deeper than 500 levels" in problem
    doubled = "".join(f"{name} = {after} + {after}\n" for name, after in pairwise(names))
    assert scanned("x.py", f"{doubled}z = 'state'\nrm.parts.inventory.list(query=a)").uses == ()
    assert scanned("x.py", "x = x\nx.parts.recount()\ny = y.parts\ny.recount()").files == 1
    assert scanned("x.py", f"x = {'+'.join(['y'] * 3000)}").uses == ()


def test_what_is_shown_is_one_printable_line(scanned: Scanned) -> None:
    [use] = scanned("x.py", "rm.parts.inventory.list(query=\"state\\t=\\n'\\u202e\\x1b[31m'\")").uses
    assert use.text.isprintable()
    assert use.message.isprintable()


PIECES = st.sampled_from([str(case.values[1]) for case in CASES])
MARKS = st.sampled_from(
    [
        *("/ws/v1", "/ws/v1/parts", "?query=", "query=", "&", "%", "%zz", "{", "}", "[", "]", "(", ")", ":", "- "),
        *("&a ", "*a", "<<: ", "!!x ", "|\n", "\n", "\\\n", '"', "'", "f'{", "#", "# endpoint: ", "rm.", "fields."),
        *("\ud800", "\0", "\x85"),
    ]
)
TEXTS = st.lists(st.one_of(PIECES, MARKS, st.text(max_size=8)), max_size=8).map("".join)


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("place")


@given(st.sampled_from(ENDINGS), TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass")) | st.binary(max_size=60))
def test_any_content_is_read(contracts: tuple[Spec, Spec], place: Path, ending: str, content: bytes) -> None:
    file = place / f"x.{ending}"
    file.write_bytes(content)
    found = against.scan([file], *contracts)
    assert found.files <= 1
    assert list(found.uses) == sorted(set(found.uses))
    lines = content.count(b"\n") + content.count(b"\r") + content.count(b"\x0c") + 1
    for use in found.uses:
        assert use.text.isprintable()
        assert use.message.isprintable()
        assert 1 <= use.line <= lines + content.count(b"\xc2\x85") + content.count(b"\xe2\x80")


@given(TEXTS)
def test_what_both_versions_accept_is_never_found(contracts: tuple[Spec, Spec], place: Path, text: str) -> None:
    for ending in ENDINGS:
        (place / f"y.{ending}").write_bytes(text.encode("utf-8", "replace"))
    files = [place / f"y.{ending}" for ending in ENDINGS]
    assert against.scan(files, contracts[0], contracts[0]).uses == ()
