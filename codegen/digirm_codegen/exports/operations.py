"""What every export needs of a spec: its operations under the names of the client, and what is known of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from digirm_codegen.exports.text import codes
from digirm_runtime import template
from digirm_runtime.spec import Spec
from digirm_runtime.template import Arg, Segment
from digirm_runtime.tree import Operation, Tree

#: What the protocol says of parameters, the same for every path that takes them.
_TIME = "ISO 8601, milliseconds since 1970, or relative as `-1d`."
_PARAMETERS = {
    "query": "A condition in the API's query language.",
    "orderby": "Fields to sort by, each with `asc` or `desc`.",
    "fields": "Columns of the answer, with commas between them.",
    "size": "Objects on a page.",
    "cursor": "The `cursor` of the page before; all other parameters must stay as they were.",
    "start_time": f"From this time on: {_TIME}",
    "end_time": f"Up to this time, exclusive: {_TIME}",
}
_ORIGIN = {
    True: "Made by digirm from what the service says about itself.",
    False: "Made by digirm from a specification that was reconstructed from public sources; the certainty of each "
    "operation says how sure it is.",
}
#: Variables of exports that have some: the service's address, and credentials.
_VARIABLES = frozenset(("base_url", "host", "username", "password", "api_key_id", "api_key_secret"))


class Listed(NamedTuple):
    """An operation, the category it is in (its segment on the wire), and its dotted name in the client."""

    category: str
    dotted: str
    operation: Operation


def listed(named: Tree) -> list[Listed]:
    """Every operation, in the order of the client's tree."""
    return [
        Listed(category.wire, f"{dotted}.{operation.name}", operation)
        for category in named.categories
        for dotted, node in category.named()
        for operation in node.operations
    ]


def title(spec: Spec) -> str:
    """What a document of the whole API is called."""
    return f"Remote Manager {spec.base_path}"


def origin(spec: Spec) -> list[str]:
    """Sentences that say where the spec comes from, and what it lacks."""
    said = [_ORIGIN[spec.provenance == "live"]]
    if spec.unavailable:
        said.append(f"Unavailable when it was captured, and left out: {codes(sorted(spec.unavailable))}.")
    return said


def operation_doc(spec: Spec, operation: Operation) -> str:
    """What is known of an operation by hand; may be empty."""
    return operation.doc or spec.overrides.docs_of(operation.path, operation.method)


def parameter_doc(spec: Spec, operation: Operation, wire: str) -> str:
    """What is known of a parameter: by hand for this operation, or by the protocol for all; may be empty."""
    return spec.overrides.docs_of(operation.path, operation.method, parameter=wire) or _PARAMETERS.get(wire, "")


def columns(spec: Spec, operation: Operation) -> tuple[str, ...]:
    """The columns that a CSV answer is known to have."""
    entry = spec.overrides.columns_entry(operation.path) if operation.method == "GET" else None
    return entry.columns if entry else ()


def hint(spec: Spec, operation: Operation, wire: str) -> str:
    """A parameter's doc, and the names of fields that it can hold where it holds some; may be empty."""
    names: Sequence[str] = ()
    if wire == "query":
        names = [field.name for field in operation.query]
    elif wire == "orderby":
        names = [field.name for field in operation.query if field.orderby]
    elif wire == "fields":
        names = columns(spec, operation)
    known = f"Known: {codes(names)}." if names else ""
    return " ".join(filter(None, (parameter_doc(spec, operation, wire), known)))


def path_with(segments: Sequence[Segment], names: Sequence[str], form: str = "{{{}}}") -> str:
    """A template's text with `names` for its arguments, each in `form`."""
    rest = iter(names)
    return "".join(
        "/" + "".join(part if isinstance(part, str) else form.format(next(rest)) for part in segment)
        for segment in segments
    )


def arguments(operation: Operation) -> tuple[tuple[Segment, ...], tuple[Arg, ...]]:
    """An operation's template, read: its segments, and its arguments in their order."""
    segments = template.parse(operation.template)
    return segments, template.args(segments)


def variable(argument: str) -> str:
    """The variable that stands for a path argument where credentials are variables too."""
    return f"arg_{argument}" if argument in _VARIABLES else argument
