"""The history: what is kept of a call, and what never is."""

import json
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from digirm_explorer import history_file
from digirm_explorer.history import History, HistoryError, default_file, record
from digirm_explorer.linking import MOST_TEXT

URL = "http://127.0.0.1:1"
COMPOSED: dict[str, Any] = {
    "method": "GET",
    "path": "/ws/v1/devices/inventory",
    "path_values": {},
    "params": [{"name": "query", "value": "name = 'Zoë'", "on": True}],
    "headers": [],
    "body": "",
    "content_type": "",
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "history.sqlite"


@pytest.fixture
def history(file: Path) -> Iterator[History]:
    history = History(file)
    yield history
    history.close()


def add(history: History, target: str = "/ws/v1/devices/inventory", **more: Any) -> int:
    answer = {"url": URL, "method": "GET", "status": 200, "kind": "json", "text": "{}", **more}
    return history.keep(record({**COMPOSED, **answer.pop("request", {})}, target=target, **answer))


def test_a_call_is_kept_with_its_answer(history: History) -> None:
    target = "/ws/v1/devices/inventory?query=name%20%3D%20'Zo%C3%AB'"
    id = add(
        history, target, milliseconds=12.5, size=20, headers=[("content-type", "application/json")],
        media_type="application/json", text='{"list": [], "count": 0}',
    )  # fmt: skip
    history.follow(id, milliseconds=7.5, size=10)
    found = history.get(id)
    assert found is not None
    assert found.pop("at").endswith("Z")
    assert found == {
        "id": id, "url": URL, "method": "GET", "target": target, "status": 200, "milliseconds": 20, "size": 30,
        "pages": 2, "error": None, "request": COMPOSED, "masked_request": False, "masked_answer": False,
        "headers": [["content-type", "application/json"]], "media_type": "application/json", "kind": "json",
        "text": '{"list": [], "count": 0}', "shortened": False,
    }  # fmt: skip
    [entry] = history.search()
    assert entry == {name: history.get(id)[name] for name in entry}  # type: ignore[index]
    assert "text" not in entry


def test_a_call_without_an_answer_and_a_binary_answer(history: History) -> None:
    id = add(history, status=None, kind="empty", text=None, error="no answer")
    assert (found := history.get(id)) is not None
    assert (found["status"], found["error"], found["text"]) == (None, "no answer", None)


def test_search_finds_words_whatever_their_case_and_only_those(history: History) -> None:
    first = add(history, "/ws/v1/devices/inventory?query=name%20%3D%20%27ZO%C3%8B%27", text='{"id": "Straße_100%"}')
    second = add(history, "/ws/v1/groups/inventory", method="POST", status=404, request={"body": '{"x": "Überall"}'})
    for words, found in (
        ("", [second, first]),
        ("404", [second]),
        ("post INVENTORY", [second]),
        ("get groups", []),
        ("überall", [second]),
        ("'zoë'", [first]),
        ("STRASSE_100%", [first]),
        ("e_1", [first]),
        ("_%_", []),
        ("0%'", []),
        ("path_values", []),
        ("\ud800", []),
    ):
        assert [one["id"] for one in history.search(words)] == found, words
    assert [one["id"] for one in history.search(before=second)] == [first]
    assert [one["id"] for one in history.search(limit=1)] == [second]
    assert history.search(limit=-1) == []
    assert len(history.search(before=10**30)) == 2


def test_what_is_forgotten_is_gone(history: History, file: Path) -> None:
    first, second = add(history, text="apple"), add(history, text="pear")
    assert history.forget(first)
    assert not history.forget(first)
    assert history.get(first) is None
    assert history.get(10**30) is None
    # Neither in the file nor in the log beside it, while both are in use.
    assert b"apple" not in contents(file)
    assert b"pear" in contents(file)
    history.follow(first)
    assert [one["id"] for one in history.search()] == [second]
    history.clear()
    assert history.search() == []
    assert b"pear" not in contents(file)
    history.close()
    assert b"pear" not in contents(file)
    assert b"apple" not in contents(file)
    again = History(file)
    assert add(again) > second
    again.close()


def test_the_oldest_calls_go_first(file: Path) -> None:
    history = History(file, most_calls=3, most_bytes=100_000)
    ids = [add(history, text=f"answer {number}") for number in range(5)]
    assert [one["id"] for one in history.search()] == ids[:1:-1]
    large = add(history, text="x" * 99_600)
    assert [one["id"] for one in history.search()] == [large]
    larger = add(history, text="y" * 200_000)
    assert [one["id"] for one in history.search()] == [larger]
    history.close()


def test_a_long_body_is_shortened_after_its_secrets_are_masked(history: History) -> None:
    text = '{"a": "' + "x" * (MOST_TEXT - 30) + '", "secret": "0123456789abcdef"}'
    found = history.get(add(history, text=text, request={"body": text + " " * 99}))
    assert found is not None
    assert found["shortened"]
    assert found["masked_answer"]
    assert len(found["text"]) <= MOST_TEXT
    assert "0123" not in found["text"]
    assert found["request"]["body"].endswith("***")
    assert "0123" not in found["request"]["body"]
    assert found["masked_request"]


def test_credentials_are_left_out(history: History) -> None:
    id = add(
        history, f"/ws/v1/x?password={quote('pa ss/1')}&size=1", url="http://fred:hunter2@127.0.0.1:1",
        request={
            "headers": [{"name": "Authorization", "value": "Basic Zm9v"}, {"name": "Accept", "value": "text/csv"}],
            "params": [{"name": "Password", "value": "pa ss/1"}, {"name": "size", "value": "1"}],
            "body": '{"install_code": "c0de-c0de", "id": 1}',
        },
        headers=[("set-cookie", "s=1234567"), ("x-api-key-id", "keyid"), ("date", "today")],
        text='"the install code c0de-c0de is of another device; tok3n"', secrets=["tok3n"], error="bad: pa ss/1",
    )  # fmt: skip
    found = history.get(id)
    assert found is not None
    assert found["target"] == "/ws/v1/x?password=***&size=1"
    assert found["url"] == "http://***@127.0.0.1:1"
    assert found["request"]["headers"] == [{"name": "Accept", "value": "text/csv"}]
    assert [param["value"] for param in found["request"]["params"]] == ["***", "1"]
    assert found["request"]["body"] == '{"install_code": "***", "id": 1}'
    assert found["headers"] == [["date", "today"]]
    assert found["text"] == '"the install code *** is of another device; ***"'
    assert found["error"] == "bad: ***"
    assert found["masked_request"]
    assert found["masked_answer"]


def test_a_secret_of_the_body_is_masked_before_it(history: History) -> None:
    request = {"path": "/x/hunter2222", "body": '{"password": "hunter2222"}'}
    found = history.get(add(history, "/x/hunter2222", request=request))
    assert found is not None
    assert found["request"] == {**COMPOSED, "path": "/x/***", "body": '{"password": "***"}'}
    assert found["target"] == "/x/***"


def test_an_answer_to_more_secrets_than_can_be_looked_for_is_not_kept(history: History) -> None:
    body = json.dumps([{"install_code": f"code-{number}"} for number in range(300)])
    id = add(history, request={"body": body}, text='"what code-299 is for"', headers=[("x-for", "code-299")])
    found = history.get(id)
    assert found is not None
    assert (found["text"], found["headers"], found["masked_answer"]) == ("***", [], True)
    assert "code-" not in str(found)


def contents(file: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(file.parent.iterdir()))


#: No name, word or number of a call holds these characters, in any spelling.
PLANTED = st.text(st.sampled_from("Zß✓😀 \"'&<;\\,\n/"), min_size=3, max_size=12).map(lambda text: f"QJ7{text}7JQ")
NAMES = st.sampled_from(
    ["password", "Password", "secret", "install_code", "devInstallCode", "auth_token", "api_secret", "new-password"]
)


def xml(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


def csv_cell(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


@settings(max_examples=10)
@given(NAMES, PLANTED, st.integers(0, 40))
@example("password", 'QJ7","7JQ', 3)
def test_no_secret_reaches_the_file(name: str, value: str, cut: int) -> None:
    """Wherever a secret is planted, its first characters are not in any byte of the file, also after it was deleted."""
    coded = quote(value, safe="")
    document = json.dumps({"list": [{"id": 1, name: value, "more": {name: [value]}}], "count": 1})
    texts = [
        document,
        json.dumps({"inside": document}),
        document[: len(document) - cut],
        f'<list a="1"><x {name}="{xml(value)}"><{name}>{xml(value)}</{name}></x>'
        f"<inside>{xml(document)}</inside></list>",
        f"id,{name},name\r\n1,{csv_cell(value)},Fred\r\n",
        f"{name}={coded}&other=1",
        f"the {name}: {value.splitlines()[0].partition('&')[0].partition('<')[0]}",
        f"http://{coded}:{coded}@host/?{name}={coded}",
    ]
    with TemporaryDirectory() as folder:
        file = Path(folder) / "history"
        history = History(file)
        for text in texts:
            for kind in ("json", "text"):
                add(
                    history, f"/ws/v1/x?a=1&{name}={coded}", text=text, kind=kind,
                    headers=[("Set-Cookie", value), (f"X-{name}", value), ("Location", f"/x?{name}={coded}")],
                    error=text, request={
                        "headers": [{"name": "X-API-KEY-SECRET", "value": value}], "path_values": {name: value},
                        "params": [{"name": name, "value": value, "on": False}], "body": text,
                    },
                )  # fmt: skip
        assert b"QJ7" not in contents(file)
        for entry in history.search()[::2]:
            history.forget(entry["id"])
        assert b"QJ7" not in contents(file)
        history.close()
        assert b"QJ7" not in contents(file)


def test_several_threads_and_processes_share_a_file(file: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from digirm_explorer.history import History, record\n"
        "history = History(Path(sys.argv[1]))\n"
        "for number in range(40): history.keep(record({}, url='u', method='GET', target=f'/{sys.argv[2]}/{number}'))\n"
        "print(len(history.search()) > 0)"
    )
    others = [
        subprocess.Popen([sys.executable, "-c", script, str(file), str(number)], stdout=subprocess.PIPE, text=True)
        for number in range(2)
    ]
    history = History(file)
    with ThreadPoolExecutor(4) as pool:
        ids = list(pool.map(lambda number: add(history, f"/mine/{number}"), range(40)))
    assert [other.communicate(timeout=60)[0] for other in others] == ["True\n", "True\n"]
    assert len(set(ids)) == 40
    assert len(history.search(limit=1000)) == 120
    history.close()


def test_only_the_user_reads_it(file: Path) -> None:
    file.parent.mkdir()
    file.touch(0o644)
    history = History(file)
    add(history)
    assert {stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()} == {0o600}
    assert not os.access(file, os.X_OK)
    history.close()


def foreign(file: Path) -> None:
    with sqlite3.connect(file) as database:
        database.execute("CREATE TABLE mine (x)")
    database.close()


def later(file: Path) -> None:
    History(file).close()
    with sqlite3.connect(file) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda file: file.write_bytes(b"my diary, and nothing else. " * 100), "not a database"),
        (foreign, "another program"),
        (later, "another version"),
        (lambda file: file.mkdir(), "no file of data"),
        (os.mkfifo, "no file of data"),
    ],
)
def test_what_is_no_history_is_refused_and_stays(make: Any, why: str, tmp_path: Path) -> None:
    file = tmp_path / "history"
    make(file)
    before = file.read_bytes() if file.is_file() else None
    mode = file.stat().st_mode
    with pytest.raises(HistoryError, match=why) as caught:
        History(file)
    assert str(file) in str(caught.value)
    assert file.stat().st_mode == mode
    assert (file.read_bytes() if file.is_file() else None) == before


def test_a_damaged_history_is_an_error_and_stays(file: Path) -> None:
    history = History(file)
    for _ in range(30):
        add(history, text="x" * 5000)
    history.close()
    whole = bytearray(file.read_bytes())
    whole[4096:40960] = b"\xa5" * 36864
    file.write_bytes(whole)
    with pytest.raises(HistoryError, match="cannot be used"):
        History(file).search("nothing")
    assert file.read_bytes()[4096:40960] == b"\xa5" * 36864


def test_a_file_that_another_program_holds_is_not_waited_for(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_file, "PATIENCE", 0.01)
    history = History(file)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(HistoryError, match="locked"):
        add(history)
    other.execute("ROLLBACK")
    assert history.get(add(history)) is not None
    other.close()
    history.close()


def test_a_call_does_not_wait_for_those_before_it(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digirm_explorer.history.PATIENCE", 0.01)
    with history._lock, pytest.raises(HistoryError, match="busy"):
        add(history)
    assert history.get(add(history)) is not None


def test_after_its_end_it_says_so(history: History) -> None:
    history.close()
    history.close()
    with pytest.raises(HistoryError, match="closed"):
        history.search()


def test_it_can_be_kept_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    history = History(None)
    assert history.get(add(history)) is not None
    history.clear()
    history.close()
    assert list(tmp_path.iterdir()) == []


def test_where_it_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert default_file() == tmp_path / "digirm" / "explorer.sqlite"
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_file() == tmp_path / ".local" / "state" / "digirm" / "explorer.sqlite"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert default_file().is_relative_to(tmp_path / "Library")
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert default_file() == tmp_path / "local" / "digirm" / "explorer.sqlite"
