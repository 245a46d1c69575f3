"""The records of an answer, and the request of the next page."""

from typing import Any

import pytest

from digirm_explorer.problems import Problem
from tests.explorer.upstream import Upstream, param
from tests.support.server import Answer, script


def ask(answer: Answer, *, path: str = "/ws/v1/devices/inventory", method: str = "GET", **more: Any) -> dict[str, Any]:
    with script(answer) as server, Upstream(server.url) as upstream:
        return upstream.send(method, path, **more)


def on(composed: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["value"] for one in composed["params"] if one["on"]}


def test_the_next_page_is_the_same_request_with_the_cursor() -> None:
    params = [
        param("query", "name = 'a'"),
        param("orderby", "id", on=False),
        param("cursor", "one"),
        param("size", "2"),
    ]
    answer = ask(Answer(body={"list": [1, 2], "cursor": "two", "count": 2}), params=params)
    assert (answer["items"], answer["count"]) == ("list", 2)
    params[2]["value"] = "two"
    assert answer["next"]["params"] == params
    assert answer["next"]["path"] == "/ws/v1/devices/inventory"


def test_parameters_behind_the_path_are_kept() -> None:
    answer = ask(Answer(body={"list": [1], "cursor": "c"}), path="/ws/v1/devices/inventory?size=1&query=id%20%3C%205")
    assert answer["next"]["path"] == "/ws/v1/devices/inventory"
    assert on(answer["next"]) == {"size": "1", "query": "id < 5", "cursor": "c"}


def test_of_the_address_of_a_next_page_only_the_parameters_are_taken() -> None:
    answer = ask(Answer(body={"list": [1], "next_uri": "http://evil.example/x?start=5&size=1"}))
    assert answer["next"]["path"] == "/ws/v1/devices/inventory"
    assert on(answer["next"]) == {"start": "5", "size": "1"}


def test_a_path_is_kept_with_its_placeholders() -> None:
    values = {"stream_id": "a/b"}
    answer = ask(
        Answer(body={"list": [1], "cursor": "c"}), path="/ws/v1/streams/history/{stream_id:.+}", path_values=values
    )
    assert answer["next"]["path"] == "/ws/v1/streams/history/{stream_id:.+}"
    assert answer["next"]["path_values"] == values


def test_a_cursor_that_repeats_is_no_next_page() -> None:
    answer = ask(Answer(body={"list": [1], "cursor": "one"}), params=[param("cursor", "one")])
    assert answer["next"] is None
    assert "repeated a cursor" in answer["says"]


@pytest.mark.parametrize("body", [{"list": 5}, {"other": []}, [1, 2], "text", 5, None, {}, {"list": {"cursor": 1}}])
def test_what_is_no_list_has_no_records(body: Any) -> None:
    answer = ask(Answer(body=body))
    assert answer["items"] is answer["count"] is answer["next"] is answer["rows"] is answer["says"] is None


@pytest.mark.parametrize("cursor", [None, "", True, [], {"a": 1}, "\ud800"])
def test_odd_cursors_break_nothing(cursor: Any) -> None:
    answer = ask(Answer(body={"list": [1], "cursor": cursor}))
    assert answer["items"] == "list"


@pytest.mark.parametrize("status", [302, 404, 500])
def test_an_error_has_no_next_page(status: int) -> None:
    answer = ask(Answer(status, {"list": [1], "cursor": "c"}))
    assert answer["items"] is answer["next"] is None


def test_only_what_reads_has_a_next_page() -> None:
    with script(Answer(body={"list": [1], "cursor": "c"})) as server, Upstream(server.url) as upstream:
        upstream.service.allowed = True
        with pytest.raises(Problem) as caught:
            upstream.send("POST")
        answer = upstream.send("POST", confirm=caught.value.digest)
    assert (answer["items"], answer["count"], answer["next"], answer["writes"]) == ("list", 1, None, "confirmed")


LEGACY = """<?xml version="1.0" encoding="ISO-8859-1"?>
<result><resultTotalRows>{total}</resultTotalRows><requestedStartRow>0</requestedStartRow>
<resultSize>2</resultSize><requestedSize>2</requestedSize><remainingSize>{left}</remainingSize>
<Monitor><monId>1</monId><monTopic>a</monTopic></Monitor><Monitor><monId>2</monId></Monitor></result>"""


def xml(text: str) -> Answer:
    return Answer(body=text.encode(), headers=(("content-type", "application/xml"),))


def test_the_older_api_has_rows_and_pages_too() -> None:
    answer = ask(xml(LEGACY.format(total=5, left=3)), path="/ws/Monitor", params=[param("size", "2")])
    assert answer["kind"] == "xml"
    assert answer["rows"] == [{"monId": "1", "monTopic": "a"}, {"monId": "2"}]
    assert (answer["items"], answer["count"]) == (None, 2)
    assert on(answer["next"]) == {"size": "2", "start": "2"}
    answer = ask(xml(LEGACY.format(total=2, left=0)), path="/ws/Monitor")
    assert answer["next"] is None


def test_the_json_of_the_older_api() -> None:
    body = {"resultTotalRows": "3", "requestedStartRow": "0", "remainingSize": "2", "items": [{"monId": "1"}]}
    answer = ask(Answer(body=body), path="/ws/Monitor")
    assert (answer["items"], answer["count"], answer["rows"]) == ("items", 1, None)
    assert on(answer["next"]) == {"start": "1"}


def test_an_older_api_that_contradicts_itself_is_told() -> None:
    answer = ask(xml(LEGACY.format(total=5, left=3)), path="/ws/Monitor", params=[param("start", "2")])
    assert answer["next"] is None
    assert "asked for rows from 2 on" in answer["says"]
    assert answer["text"]


@pytest.mark.parametrize("body", ["<other/>", "<sci_reply><a/></sci_reply>", "<result><error>no</error></result>"])
def test_xml_that_is_no_list(body: str) -> None:
    answer = ask(xml(body), path="/ws/FileData/~/some.xml")
    assert (answer["kind"], answer["rows"], answer["says"], answer["text"]) == ("xml", None, None, body)
