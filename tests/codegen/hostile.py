"""Specs that mean harm, in every place that a server, a file or a sample fills."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import Any

from hypothesis import strategies as st

from digirm_codegen.models import KINDS
from digirm_codegen.render import Rendered, package
from digirm_runtime import overrides as given
from digirm_runtime import spec, template
from digirm_runtime.errors import SpecError
from digirm_runtime.spec import Spec
from tests.codegen.support import field, listing, path, request

NAMES = [
    *("x'y", 'x"y', '"""', "'''", '"""\nimport os\nos.abort()\n"""', "a\nb", "a\\", "\\", "\\N{DIGIT ONE}", "\\x41"),
    *("..", ".", "../../etc", "/etc/passwd", "C:\\x", "\\\\host\\x", "~root", "a/../../b", "%2e%2e", "%2f"),
    *("{{ 7*7 }}", "{% raise %}", "{# #}", "{{ ''.__class__ }}", "${x}", "%s", "%(x)s", "f'{x}'", "{", "}", "{x}"),
    *("__init__", "__class__", "__getattr__", "__dict__", "__slots__", "__import__", "__builtins__", "__all__"),
    *("_client", "_children", "_package", "_face", "_", "__", "____", "PACKAGE", "ROOT"),
    *("class", "None", "True", "print", "self", "cls", "options", "body", "limit", "typed", "prefetch", "type"),
    *("str", "int", "dict", "Any", "list", "object", "staticmethod", "property", "TYPE_CHECKING", "annotations"),
    *("Api", "AsyncApi", "PartsApi", "AsyncPartsApi", "_PartsOps", "PartsFields", "_PartsFields", "Client", "request"),
    *("Part", "PartItem", "BaseModel", "ConfigDict", "Field", "Object", "UNSET", "TypedDict", "NotRequired"),
    *("model_config", "model_fields", "model_dump", "extra", "field", "copy", "json", "schema"),
    *("\u202eevil", "\u2066x\u2069", "\u200bx", "\ufeffx", "x\u0000y", "x\u001b[31my", "x\ry", "x\u2028y", "x\x85y"),
    *("\uff21\uff22", "\u00fcber", "\ufb01x", "\U0001d400", "\u0130", "\u017f", "\u212a", "\ud800", "\udfff\ud800"),
    *("con", "aux", "nul", "index", "types", "2fa", "2-fa", "2_fa", "-", "", " ", "a" * 300, "a-b", "a_b", "A_B"),
    *("x; import os", "#", "# type: ignore", "\\\n", "x\n    import os", "@x", "lambda: 0", "0x", "1e999", "-0"),
    *("%import common.WORD", "%ignore /./", "%declare X", "start: x", "FIELD: /x/", "/x/i", "/", "//", "?x", "!x"),
    *("->", "match", "Optional", "a.b"),
    *("|", "\n%import x", "/\nstart: x\n", "~1..2", "$ref", "#/$defs/Part", "http://127.0.0.1/x", "file:///etc/passwd"),
]  # fmt: skip

#: Any text at all, the words above, and both stuck together.
words = st.one_of(
    st.sampled_from(NAMES),
    st.text(st.characters(codec=None, exclude_categories=()), min_size=1, max_size=20),
    st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)).map("".join),
    st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_.-]{0,9}", fullmatch=True),
)
#: Enough for the places of one spec to differ from each other.
several = st.lists(words, min_size=5, max_size=40)

GOOD = "/ws/v1/parts/good/{id}"
LISTED = "/ws/v1/parts/inventory"
WHY = {"source": "a", "reason": "b"}


def is_address(name: str) -> bool:
    """Whether a category can have this name: the crawler takes no other."""
    try:
        return len(template.parse(f"/ws/v1/{name}")) > 2
    except ValueError:
        return False


def documents(given: Sequence[str]) -> dict[str, Any]:
    """Documents with these texts in every place that a server fills."""
    words = cycle(given)

    def fields() -> list[dict[str, Any]]:
        return [
            field(take(), take(), take(), "="),
            field("plain", take(), "=", "!" + take()),
            field(take(), "Text", "="),
        ]

    def take() -> str:
        return next(words)

    def everywhere(method: str = "GET") -> dict[str, Any]:
        return {**request(method, take(), "query", take(), query=fields()), take(): take()}

    known = [field("plain", "Text", "=", take()), field("state", "Enumerated", "=")]
    return {
        **{name: listing(path(f"/ws/v1/{name}", everywhere())) for name in given if is_address(name)},
        "parts": {take(): take()}
        | listing(
            path(LISTED, request("GET", "query", "fields", take(), query=known), request("POST", take())),
            path(f"/ws/v1/parts/{take()}", everywhere(), request(take())),
            path(f"/ws/v1/parts/{take()}", everywhere(take())),
            path(f"/ws/v1/parts/{take()}/{{{take()}}}", everywhere(), request("PUT", take()), request("POST", take())),
            path(f"/ws/v1/parts/{{{take()}:{take()}}}/{take()}/x", everywhere()),
            path(f"/ws/v1/parts/{take()}{{{take()}}}{take()}", everywhere("DELETE")),
            path(GOOD, request("GET"), request("PUT"), **{take(): take()}),
            {"path": take(), "requests": take(), take(): {take(): [take()]}},
            {"path": f"/ws/v1/parts/odd/{take()}", "requests": [take(), {"method": "GET", "params": take()}]},
        ),
    }


def samples(given: Sequence[str]) -> dict[str, Any]:
    """What `schemas/*.json` could hold, keys and keywords alike."""
    words = cycle(given)
    leaf = {next(words): {"type": next(words), "$ref": next(words), "title": next(words), "default": next(words)}}
    deep = {
        next(words): {"type": ["object", "null"], "properties": {next(words): {"type": "string"}, **leaf}},
        next(words): {"type": "array", "items": {"type": "object", "properties": leaf}, "enum": [next(words)]},
        next(words): {"type": "string", "pattern": next(words), "format": next(words), "description": next(words)},
        next(words): {"type": "object", "additionalProperties": {"type": next(words)}},
    }
    schema = {"type": "object", "properties": {**deep, **{key: {"type": "integer"} for key in given}}}
    found = {"$defs": {"Part": schema, next(words): schema, f"GET {GOOD}": schema}, next(words): next(words)}
    return {"parts": found, next(words): found}


def hand_knowledge(given_words: Sequence[str]) -> given.Overrides:
    """Overrides with these texts in every place that is not an address."""
    words = cycle(given_words)

    def why() -> dict[str, Any]:
        return {"source": next(words), "reason": next(words)}

    def take(count: int) -> tuple[str, ...]:
        return tuple(next(words) for _ in range(count))

    part = {**dict.fromkeys(take(6), "string"), "id": "any", next(words): next(words), "x": "Part[]"}
    return given.Overrides(
        schemas={
            "Part": given.SchemaEntry(**why(), category="parts", properties=part, key="id", doc=next(words)),
            next(words): given.SchemaEntry(**why(), category="parts", properties=part, key=next(words)),
        },
        operation=(
            given.OperationEntry(
                **why(),
                path=LISTED,
                method="GET",
                schema="Part",
                element=next(words),
                media_type=next(words),
                multi_segment=take(2),
                doc=next(words),
            ),
            given.OperationEntry(**why(), path=GOOD, method="GET", schema="Part", doc=next(words)),
        ),
        values=(given.ValuesEntry(**why(), field="state", values=take(3), paths=(LISTED,)),),
        columns=(given.ColumnsEntry(**why(), path=LISTED, columns=take(3), certainty="documented"),),
        legacy=(
            given.LegacyEntry(
                **why(),
                object=next(words),
                field="plain",
                column="devName",
                paths=(LISTED,),
                values={next(words): next(words)},
                escape=next(words),
            ),
        ),
    )


def named(given_words: Sequence[str], path: str = "GET " + GOOD) -> given.Overrides:
    """Overrides that give an operation these texts for its dotted name."""
    return given.Overrides(names={path: given.NameEntry(**WHY, name=".".join(given_words))})


def previous(given_words: Sequence[str]) -> dict[str, Any]:
    """What `previous.json` could hold: names of the version before, beside those that the spec has itself."""
    words = cycle(given_words)

    def operation(name: str, node: str = "parts") -> dict[str, Any]:
        return {
            "name": f"{node}.{name}",
            "wires": [next(words)],
            "method": "GET",
            "path": f"/ws/v1/parts/{next(words)}/{{id}}",
            "template": "/ws/v1/parts/gone/{id}",
            "kind": "list",
            "args": [{"wire": "id", "name": "id"}],
            "params": [{"wire": next(words), "name": "dry_run"}, {"wire": "query", "name": next(words)}],
            "element": next(words),
            "media_type": next(words),
            "type": next(words),
        }

    gone = {**operation("gone_too"), "wires": ["parts"], "path": "/ws/v1/parts/gone/{id}", "type": "parts.Lost"}
    gone["params"] = [{"wire": next(words), "name": "dry_run"}]
    lost = {"type": "object", "properties": {word: {"type": next(words)} for word in given_words}, "required": ["x"]}
    return {
        "format": 1,
        "api_version": next(words),
        "operations": [gone, *(operation(word) for word in given_words), operation("x", next(words))],
        "params": [
            {"name": "parts.good.get", "method": "GET", "path": GOOD, "params": [{"wire": next(words), "name": "old"}]},
            {"name": next(words), "method": "GET", "path": GOOD, "params": [{"wire": "x", "name": next(words)}]},
        ],
        "fields": [
            {
                "node": "parts.inventory",
                "wires": ["parts", "inventory"],
                "name": word,
                "wire": next(words),
                "type": next(words),
                "operators": [next(words), "="],
            }
            for word in ("gone", *given_words)
        ],
        "types": {"parts": {"Lost": lost, **dict.fromkeys(given_words[-8:], lost)}, next(words): {"Lost": lost}},
    }


def made_of(given_words: Sequence[str], overrides: given.Overrides | None = None) -> Spec:
    """The spec of all of these. Raises SpecError where the texts cannot be in one."""
    return spec.from_documents(
        documents(given_words),
        api_version=given_words[0],
        base_path="/ws/v1",
        provenance=given_words[-1],
        schemas=samples(given_words),
        previous=previous(given_words),
        overrides=hand_knowledge(given_words) if overrides is None else overrides,
    )


def rendered(found: Spec, kind: str) -> Rendered:
    """The package of a spec; SpecError is what may come of it, and says why on lines that can be shown."""
    assert kind in KINDS
    try:
        return package(found, kind)
    except SpecError as error:
        assert_shown(str(error))
        raise


def assert_shown(text: str) -> None:
    """Assert that a message holds nothing that a terminal would act upon."""
    assert all(char.isprintable() or char == "\n" for char in text), ascii(text)
