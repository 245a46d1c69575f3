"""What the legacy API answers, read: pages of a list, records, and the results of changes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from digirm_runtime.created import Created
from digirm_runtime.errors import RemoteManagerError, TooLarge, TransportError, api_error
from digirm_runtime.flow import decode_any, decode_json
from digirm_runtime.wire import Response
from digirm_runtime.xmltext import Records, TooMuchError, XMLError, parse

#: The size of a page where none was asked for and the answer does not say, and the most that one has (documented).
_PAGE = 1000
#: So many pages in a row may leave as many rows as before: a list grows while it is walked, but must end.
_GROWING = 100


class Written(Created[dict[str, Any]]):
    """The answer to a create, update or delete.

    `items` are dicts with a `location` each; `failures` those of several records that failed, with `error_message`,
    `error_status` (400 is inferred: a record has no status of its own) and `error_context`, the record where there is
    one answer for each; `raw` is the answer as it was read, of XML its elements in their order.
    """

    __slots__ = ("_name",)
    _name: str  # of the object

    @property
    def locations(self) -> list[str]:
        """Where the objects are, such as `DeviceCore/3412224/0`, failures left out."""
        return [item["location"] for item in self.items if "location" in item]

    @property
    def location(self) -> str:
        """Where the only object is. Raises APIError if it failed, RemoteManagerError where there is not exactly one."""
        location: str = self.one().get("location", "")
        if not location:
            raise RemoteManagerError("the answer names no location")
        return location

    @property
    def id(self) -> str:
        """The location without the object's name: `178008` of `Monitor/178008`."""
        return self.location.lstrip("/").removeprefix("ws/").removeprefix(f"{self._name}/")

    def __repr__(self) -> str:
        return f"<Written {len(self.items)} items, {len(self.failures)} failures>"


class Pages:
    """Reads the pages of one list.

    A page names the next by `next_uri`, whose query the pager adds to the parameters. What a page says of the rows that
    remain ends the list, but is not believed where it would never do so. `pages` is the parameter that fetches the next
    page, `start` or `pageCursor`; `numbers` are the elements to make numbers of, None for none.
    """

    def __init__(self, name: str, lists: Collection[str], pages: str, numbers: Collection[str] | None) -> None:
        self._name = name
        self._repeat = lists
        self._lists = {name, *lists}
        self._pages = pages
        self._numbers = numbers
        # Start of a page -> the fewest rows that remained before it, and for how many pages they are no fewer.
        self._left: dict[int, tuple[int, int]] = {}

    def __call__(self, response: Response) -> dict[str, Any]:
        """The page as the pager takes it. Raises TransportError for a body that is none, APIError for an error."""
        answer = _answer(response, self._name, self._lists)
        items = answer.get("items" if is_json(response) else self._name, [])
        # The service's JSON is made from XML: a list of one may come without the list.
        items = items if isinstance(items, list) else [items] if items else []
        if not items and self._name not in answer and "error" in answer:
            raise _refusal(response)
        if is_json(response) and self._repeat:
            items = wrapped(items, self._repeat)
        if self._numbers is not None:
            items = [numbered(item, self._numbers) for item in items]
        asked = dict(parse_qsl(urlsplit(response.asked[1]).query, keep_blank_values=True))
        following = (self._by_cursor if self._pages == "pageCursor" else self._by_start)(answer, asked, len(items))
        return {"list": items} | ({"next_uri": f"?{self._pages}={quote(following)}"} if following else {})

    def _by_cursor(self, answer: dict[str, Any], asked: dict[str, str], count: int) -> str:
        """A cursor comes with the last page too; that one is not full."""
        cursor = answer.get("pageCursor")
        size = _number(answer.get("requestedSize")) or _number(asked.get("size")) or _PAGE
        return str(cursor) if cursor and isinstance(cursor, str | int) and count >= min(size, _PAGE) else ""

    def _by_start(self, answer: dict[str, Any], asked: dict[str, str], count: int) -> str:
        start = _number(asked.get("start")) or 0
        echoed = _number(answer.get("requestedStartRow"))
        if echoed is not None and echoed != start:
            raise RemoteManagerError(f"the service was asked for rows from {start} on, and gave those from {echoed} on")
        behind = start + count
        total, remaining = _number(answer.get("resultTotalRows")), _number(answer.get("remainingSize"))
        if total is not None:
            remaining = total - behind
        if not count or remaining is None or remaining <= 0:
            return ""
        fewest, growing = self._left.get(start, (remaining + 1, 0))
        growing = 0 if remaining < fewest else growing + 1
        # Without a total, nothing says that the service knows of `start`.
        if growing > (0 if total is None else _GROWING):
            raise RemoteManagerError(f"the rows that remain do not become fewer: {remaining} behind row {behind}")
        self._left[behind] = min(remaining, fewest), growing
        return str(behind)


def record(name: str, lists: Collection[str], numbers: Collection[str] | None) -> Callable[[Response], dict[str, Any]]:
    """A reader of the one record that a path names. It raises RemoteManagerError where there is not exactly one."""
    names = {name, *lists}

    def read(response: Response) -> dict[str, Any]:
        answer = _answer(response, name, names)
        found = answer.get("items" if is_json(response) else name, answer.get(name, []))
        found = found if isinstance(found, list) else [found]
        if not found and "error" in answer:
            raise _refusal(response)
        if len(found) != 1 or not isinstance(found[0], dict):
            method, url, _ = response.asked
            raise RemoteManagerError(
                f"{method} {url} answered with {len(found)} records, not with one; list() walks them"
            )
        one: dict[str, Any] = wrapped(found[0], lists) if is_json(response) and lists else found[0]
        return one if numbers is None else numbered(one, numbers)

    return read


def content(response: Response) -> bytes:
    """A file as it is."""
    return response.read()


def written(name: str, sent: Sequence[Any]) -> Callable[[Response], Written]:
    """A reader of the answer to a change; `sent` are the records."""

    def read(response: Response) -> Written:
        body = response.read()
        if not body.strip():
            answer: Any = None
            results = []
        elif is_json(response):
            answer = decode_json(response, required=False)
            results = [pair for entry in (answer if isinstance(answer, list) else [answer]) for pair in _pairs(entry)]
        elif is_xml(response):
            answer = results = _children(response)
        else:
            answer = decode_any(response, required=False)
            results = []
        entries: list[dict[str, Any]] = [
            {"location": text} if kind == "location" else {"error_status": 400, "error_message": text}
            for kind, text in results
            if kind in ("location", "error")
        ]
        header = response.headers.get("location")
        if not entries and header:
            entries = [{"location": urlsplit(header).path.removeprefix("/ws/")}]
        for place, entry in enumerate(entries):
            if "error_status" in entry:
                entry["error_context"] = sent[place] if len(entries) == len(sent) else None
        made = Written({"list": entries}, asked=response.asked)
        made.raw = answer
        made._name = name
        if made.failures and not made.items and len(sent) < 2:
            raise _refusal(response)
        return made

    return read


def _children(response: Response) -> list[tuple[str, str]]:
    """The results in an XML answer, in their order."""
    body = response.read()
    records = Records(charset=response.charset)
    try:
        found = records.feed(body)
        records.close()
    except XMLError as error:
        raise _unusable(response, error) from None
    return [(name, _plain(value)) for name, value in found]


def _pairs(entry: Any) -> list[tuple[str, str]]:
    """The results in an item of a JSON answer."""
    if not isinstance(entry, dict):
        return []
    return [
        (name, _plain(item))
        for name, items in entry.items()
        for item in (items if isinstance(items, list) else [items])
    ]


def _plain(value: Any) -> str:
    """The text of an element, with attributes or without."""
    if isinstance(value, dict):
        value = value.get("#text", value.get("desc", ""))
    return value.strip() if isinstance(value, str) else str(value)


def numbered(item: Any, names: Collection[str]) -> Any:
    """A record with numbers in the place of texts, for the elements named; a text that is no number stays."""
    if isinstance(item, list):
        return [numbered(part, names) for part in item]
    if not isinstance(item, dict):
        return item
    return {
        key: _numeric(value) if key in names and isinstance(value, str) else numbered(value, names)
        for key, value in item.items()
    }


def wrapped(item: Any, names: Collection[str]) -> Any:
    """A record of JSON in which the elements named are lists, also where the service wrote none."""
    if isinstance(item, list):
        return [wrapped(part, names) for part in item]
    if not isinstance(item, dict):
        return item
    return {
        key: [wrapped(value, names)] if key in names and not isinstance(value, list) else wrapped(value, names)
        for key, value in item.items()
    }


def is_json(response: Response) -> bool:
    """Whether the answer says that it is JSON."""
    return "json" in response.headers.get("content-type", "")


def is_xml(response: Response) -> bool:
    """Whether an answer says that it is XML, or looks like it, in whatever encoding."""
    body = response.read()
    return (
        "xml" in response.headers.get("content-type", "")
        or body.startswith((b"\xfe\xff", b"\xff\xfe"))
        or b"\0" in body[:4]
        or body.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<"
    )


def _answer(response: Response, of: str, lists: Collection[str]) -> dict[str, Any]:
    """The whole answer about an object: what stands below the root of XML."""
    if is_json(response):
        value: Any = decode_json(response, required=True)
        kind = "JSON"
    else:
        name, value = _xml(response, lists)
        kind = f"<{name[:60]}>"
        if name == "error":
            raise _refusal(response)
        value = value or {}
        if name != "result" and of not in value:
            value = None  # a page of HTML, such as that of a proxy, is no empty list
    if not isinstance(value, dict):
        raise TransportError(f"answered {response.status}, but {kind} holds no records", body=response.read())
    return value


def _xml(response: Response, lists: Collection[str]) -> tuple[str, Any]:
    try:
        return parse(response.read(), lists, charset=response.charset)
    except XMLError as error:
        raise _unusable(response, error) from None


def _unusable(response: Response, error: XMLError) -> TransportError:
    kind = response.headers.get("content-type", "no content type")
    # What is too much would be so again: TooLarge is not asked for again.
    failure = TooLarge if isinstance(error, TooMuchError) else TransportError
    return failure(f"answered {response.status}, but the body ({kind}) is unusable: {error}", body=response.read())


def _refusal(response: Response) -> RemoteManagerError:
    method, url, attempts = response.asked
    return api_error(
        status=response.status,
        headers=response.headers,
        body=response.read(),
        method=method,
        url=url,
        attempts=attempts,
    )


def _number(value: Any) -> int | None:
    """A number of rows; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value).strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def _numeric(text: str) -> int | float | str:
    """A number as XML has it, or the text."""
    plain = text.strip()
    if not plain.isascii() or "_" in plain or len(plain) > 300:
        return text
    for kind in (int, float):
        try:
            number = kind(plain)
        except ValueError:
            continue
        return number if number - number == 0 else text  # neither infinite nor no number
    return text
