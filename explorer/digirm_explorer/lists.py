"""The records of an answer, and the request of the next page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

if TYPE_CHECKING:
    from digirm_explorer.bodies import Body
    from digirm_explorer.composed import Composed
    from digirm_runtime.calls.known import Known
    from digirm_runtime.calls.planned import Planned

#: The keys of lists in JSON: of v1, and of the older API.
_KEYS = ("list", "items")


class Listed(NamedTuple):
    """What an answer holds of a list: `number` records, under the key `items` of JSON, as `rows`, or as CSV.

    `next` are the parameters of the next page; `says` why they are missing.
    """

    items: str | None = None
    rows: list[dict[str, Any]] | None = None
    number: int | None = None
    next: dict[str, str] | None = None
    says: str | None = None


def listed(body: Body, planned: Planned, known: Known | None, content: bytes, media_type: str) -> Listed:
    """What of a list there is in an answer; `content` is its body as it came."""
    from digirm_runtime.calls.known import legacy_object

    if body.shortened:
        return Listed()
    if body.kind == "csv":
        return Listed(number=body.number)
    name = legacy_object(planned.path)
    if name is not None and body.kind in ("json", "xml") and planned.method == "GET":
        return _legacy(name, body, planned, content, media_type)
    if body.kind != "json" or not isinstance(body.value, dict):
        return Listed()
    own = known.named.endpoint.element if known is not None and known.named is not None else "list"
    key = next((key for key in (own, *_KEYS) if isinstance(body.value.get(key), list)), None)
    if key is None:
        return Listed()
    found = Listed(items=key, number=len(body.value[key]))
    return found if planned.method != "GET" else _followed(found, key, body.value, planned)


def following(composed: Composed, params: dict[str, str]) -> Composed:
    """The request of the next page: the same with these parameters. What was off stays, and is off."""
    from digirm_explorer.composed import Param

    left = dict(params)
    found = []
    for param in composed.params:
        if not param.on:
            found.append(param)
        elif param.name in left:
            found.append(Param(param.name, left.pop(param.name)))
    found += [Param(name, value) for name, value in left.items()]
    # Parameters behind the path are among those.
    return msgspec.structs.replace(composed, path=composed.path.partition("?")[0], params=found)


def _legacy(name: str, body: Body, planned: Planned, content: bytes, media_type: str) -> Listed:
    from digirm_runtime.errors import APIError, RemoteManagerError, TransportError
    from digirm_runtime.legacy.objects import OBJECTS
    from digirm_runtime.legacy.replies import Pages
    from digirm_runtime.wire import Response

    kind = OBJECTS[name]
    response = Response(200, {"content-type": media_type}, content)
    response.asked = planned.method, planned.target, 1
    try:
        answer = Pages(name, kind.lists, kind.pages, None)(response)
    except (TransportError, APIError):
        return Listed()  # no list: a file's content, an error, a page of something else
    except RemoteManagerError as error:
        return Listed(says=str(error))
    rows = [row for row in answer["list"] if isinstance(row, dict)]
    in_json = body.kind == "json" and isinstance(body.value, dict) and isinstance(body.value.get("items"), list)
    found = Listed(items="items" if in_json else None, rows=None if in_json else rows, number=len(rows))
    return _followed(found, "list", answer, planned)


def _followed(found: Listed, key: str, answer: dict[str, Any], planned: Planned) -> Listed:
    """With the next page, as the pager of the clients finds it."""
    from digirm_runtime.calls.sending import operation
    from digirm_runtime.errors import RemoteManagerError
    from digirm_runtime.operation import encode_params
    from digirm_runtime.paging import Pager

    page = operation(planned, None, "list", accept="*/*")
    page.endpoint.element = key
    pager: Pager[Any] = Pager(page)
    try:
        pager.due()
        pager.read(answer)
        behind = pager.due()
    except (RemoteManagerError, ValueError) as error:
        return found._replace(says=f"the next page cannot be had: {error}")
    return found if behind is None else found._replace(next=dict(encode_params(behind.params)))
