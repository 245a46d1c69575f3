"""A composed request in other words, to be taken away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from digirm_runtime.calls import spelled
from digirm_runtime.calls.known import not_a_list
from digirm_runtime.calls.planned import CallError
from digirm_runtime.calls.spelled import ANYBODY as ANYBODY

if TYPE_CHECKING:
    from digirm_explorer.composed import Composed
    from digirm_explorer.knowledge import Knowledge
    from digirm_runtime.calls.known import Known
    from digirm_runtime.calls.planned import Planned
    from digirm_runtime.credentials import Credentials

#: The forms, of which the programs can walk all pages of a list.
FORMS = ("curl", "httpie", "python", "httpx", "http")
_PROGRAMS = ("python", "httpx")


def export(
    knowledge: Knowledge, url: str, credentials: Credentials | None, composed: Composed, form: str, every: bool
) -> dict[str, str | None]:
    """The request as `text`; None, and `why`, where it cannot be sent or the form has no way to write it.

    The text names the places of credentials by their kind, and holds none: `credentials` are those that the page uses,
    None where there are none, and `ANYBODY` for the embedded simulator, which takes any. `every` walks all pages of a
    list. Raises ValueError for an unknown form, SpecError for a damaged spec.
    """
    from digirm_explorer.composed import ComposedError, planned

    if form not in FORMS:
        raise ValueError(f"there is no such form; there are {', '.join(FORMS)}")
    specs = knowledge.calls
    try:
        call = planned(composed, url, specs.base_path)
        found = specs.judge(call.method, call.path, call.params)
        if every and (which := not_a_list(call, found.known, specs.base_path)):
            raise CallError(f"all pages are for {which}")
        if every and form not in _PROGRAMS:
            raise CallError("all pages take many requests, which only the Python programs can make")
        # The client's own method would refuse what the spec calls an error, and the page sends it.
        known = None if found.errors else found.known
        return {"text": _text(knowledge, call, known, credentials, form, every=every), "why": ""}
    except (CallError, ComposedError) as error:
        return {"text": None, "why": str(error)}


def _text(
    knowledge: Knowledge, call: Planned, known: Known | None, credentials: Credentials | None, form: str, *, every: bool
) -> str:
    if form == "python":
        from digirm_runtime.credentials import DEFAULT_URL

        return spelled.python(call, known, knowledge.folder, credentials, default_url=DEFAULT_URL, every=every)
    if form == "httpx":
        return spelled.httpx(call, known, credentials, every=every)
    return {"curl": spelled.curl, "httpie": spelled.httpie, "http": spelled.http_file}[form](call, credentials)
