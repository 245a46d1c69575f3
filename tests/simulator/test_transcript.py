"""Every exchange with /ws/v1 that the documentation prints, replayed on the day when it was printed.

What is printed is test data (`tests/data/recorded/transcript.json`); nothing of digirm reads it but this test. What
cannot agree stands in one table, `contract/disagreements.json`, which `docs/simulator.md` shows.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest

from digirm_runtime.wire import Request
from digirm_simulator import Clock, Simulator
from digirm_simulator.fidelity import disagreements
from tests.simulator.support import DEVICES, Answer, answer
from tests.support.recordings import recorded

TRANSCRIPT = recorded("transcript.json")
_HOST = "remotemanager.digi.com"


class Difference(NamedTuple):
    """A place of an answer where what is printed and what is answered differ; either may be missing (None)."""

    where: str
    printed: Any
    answered: Any


def filled(value: Any) -> Any:
    """A value of the transcript with the recordings that it names."""
    if isinstance(value, list):
        return [filled(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "$file" not in value:
        return {key: filled(item) for key, item in value.items()}
    found = recorded(value["$file"])
    for key in filter(None, value.get("$key", "").split("/")):
        found = found[int(key) if key.isdigit() else key]
    return {key: item for key, item in found.items() if key != "_source"}


def httpie(line: str, headers: dict[str, str]) -> Request:
    """The request that HTTPie makes of a command line: `==` parameters, `=` keys of a JSON body, `<<<` a body."""
    command, _, given = line.partition(" <<< ")
    words = shlex.split(command)[1:]
    method = words.pop(0) if words[0].isupper() else ""
    path = words.pop(0).removeprefix("https://").removeprefix(_HOST)
    body, params = "".join(shlex.split(given)), []
    keys: dict[str, str] = {}
    for word in words:
        found = re.match(r"([\w-]+)(==|=|:)(.*)", word, re.DOTALL)
        assert found, word
        name, sign, value = found.groups()
        if sign == "==":
            params.append((name, value))
        elif sign == "=":
            keys[name] = value
        else:
            headers = headers | {name.lower(): value}
    if keys:
        body = json.dumps(keys)
    url = path + ("?" + urlencode(params) if params else "")
    return Request(method or ("POST" if body else "GET"), url, headers, body.encode())


def differences(printed: Any, answered: Any, cut: bool, where: str = "") -> Iterator[Difference]:
    """Where two JSON values differ. A printed object whose only key is `...` stands for any; cut lists go on."""
    if isinstance(printed, dict) and isinstance(answered, dict):
        if printed.keys() == {"..."}:
            return
        if printed.get("path") != answered.get("path"):
            # Another path is another item: the rest of it says nothing.
            yield Difference(f"{where}.path", printed.get("path"), answered.get("path"))
            return
        for key in printed.keys() | answered.keys():
            yield from differences(printed.get(key), answered.get(key), cut, f"{where}.{key}".lstrip("."))
    elif isinstance(printed, list) and isinstance(answered, list):
        for number, item in enumerate(printed):
            found = answered[number] if number < len(answered) else None
            yield from differences(item, found, cut, f"{where}[{number}]")
        if not cut and len(answered) > len(printed):
            yield Difference(f"{where}[{len(printed)}]", None, answered[len(printed)])
    elif printed != answered or type(printed) is not type(answered):
        yield Difference(where, printed, answered)


def compared(exchange: dict[str, Any], found: Answer) -> list[Difference]:
    if found.status != exchange["status"]:
        return [Difference("status", exchange["status"], found.status)]
    if "lines" in exchange:
        lines = found.body.splitlines()
        pairs = [(f"line {n + 1}", line, lines[n]) for n, line in enumerate(exchange["lines"])]
        assert found.body.endswith("\n")
        return [Difference(*pair) for pair in pairs if pair[1] != pair[2]]
    printed, answered = filled(exchange.get("body", "")), found.body
    if exchange.get("part") == "paths":
        answered = answered | {"list": [{"path": item["path"]} for item in answered["list"]]}
    cut = exchange.get("part") == "cut"
    if cut:
        # The keys are printed in order: what comes after the last one is cut off too.
        answered = {key: value for key, value in answered.items() if key <= max(printed)}
    return sorted(differences(printed, answered, cut), key=str)


class Replay:
    """A simulator in the state of the documentation's account, and the cursors that it gives for those printed."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.cursors: dict[str, str] = {}

    def __call__(self, exchange: dict[str, Any]) -> list[Difference]:
        headers = {"authorization": TRANSCRIPT["user"]["header"]}
        found = answer(self.simulator.handle(httpie(self.given(exchange["line"]), headers)))
        # Cursors are opaque: the one that is answered stands for the one printed, from here on.
        body = filled(exchange.get("body"))
        if isinstance(body, dict) and "cursor" in body and isinstance(found.body, dict):
            assert re.fullmatch(r"[\w.~-]+", found.body["cursor"])
            self.cursors[body["cursor"]] = found.body["cursor"]
        return compared(json.loads(self.given(json.dumps(filled(exchange)))), found)

    def given(self, text: str) -> str:
        for printed, own in self.cursors.items():
            text = text.replace(printed, own)
        return text


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    user = TRANSCRIPT["user"]
    made = Simulator(
        devices=0,
        users={user["name"]: user["password"]},
        api_keys={"<your-api-key-id>": "<your-api-key-secret>"},
        clock=Clock(datetime.fromisoformat(TRANSCRIPT["time"]), speed=0),
    )
    for device in filled(TRANSCRIPT["stored"]):
        made.put(DEVICES, device)
    yield made
    made.close()


def test_every_printed_exchange_agrees_but_for_what_the_table_lists(simulator: Simulator) -> None:
    replay = Replay(simulator)
    found = {
        (exchange["line"], difference.where, str(difference.printed), str(difference.answered))
        for exchange in TRANSCRIPT["exchanges"]
        for difference in replay(exchange)
    }
    assert found == {(one.exchange, one.where, one.printed, one.simulated) for one in disagreements()}
    assert all(one.reason for one in disagreements())


def test_what_is_printed_of_automations_inventory_is_answered_wherever_it_stands(simulator: Simulator) -> None:
    (printed,) = recorded("automations.selfdoc.partial.json")["list"]
    headers = {"authorization": TRANSCRIPT["user"]["header"]}
    body = answer(simulator.handle(httpie("http remotemanager.digi.com/ws/v1/automations", headers))).body
    (answered,) = [item for item in body["list"] if item["path"] == printed["path"]]
    assert list(differences(printed, answered, cut=True)) == []


def test_the_printed_ways_to_authenticate(simulator: Simulator) -> None:
    line = f"http https://{_HOST}{DEVICES}"
    keys = " 'X-API-KEY-ID:<your-api-key-id>' 'X-API-KEY-SECRET:<your-api-key-secret>'"
    assert answer(simulator.handle(httpie(line + keys, {}))).status == 200
    assert answer(simulator.handle(httpie(line, {"authorization": "Basic ZnJlZDpzZWNyZXQ="}))).status == 200
    assert answer(simulator.handle(httpie(line, {}))).status == 401


def test_paths_are_case_sensitive_as_printed(simulator: Simulator) -> None:
    headers = {"authorization": TRANSCRIPT["user"]["header"]}
    found = [
        answer(simulator.handle(Request("GET", path, headers)))
        for path in ("/ws/v1/users/inventory", "/ws/v1/Users/Inventory")
    ]
    assert [one.status for one in found] == [200, 404]


def test_the_recorded_parse_error(simulator: Simulator) -> None:
    recording = recorded("query-parse-error.json")
    url = f"{DEVICES}?{urlencode({'query': recording['query']})}"
    found = answer(simulator.handle(Request("GET", url, {"authorization": TRANSCRIPT["user"]["header"]})))
    assert found.status == 400
    assert found.body["error_message"].rstrip("\n") == recording["error_message"]
