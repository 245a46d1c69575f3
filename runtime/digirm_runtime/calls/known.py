"""What a spec knows of a request: its operation, the name of that in a client, and what is wrong with the request."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias
from urllib.parse import quote

from digirm_runtime import template
from digirm_runtime.face import Method as FaceMethod
from digirm_runtime.face import _Gone
from digirm_runtime.operation import CHECKED
from digirm_runtime.query.spelling import misspelt, suggest
from digirm_runtime.tree import OWN_KEYWORDS

if TYPE_CHECKING:
    from digirm_runtime.calls.planned import Planned
    from digirm_runtime.client import Client
    from digirm_runtime.operation import Endpoint
    from digirm_runtime.query.language import Language

#: Where a client is made only to be asked for its names: it finds no credentials, and opens no connection.
_NOWHERE = "http://localhost"
_SHOWN = 12


class Named(NamedTuple):
    """How a client calls an operation: its dotted name, and the Python names of its parameters by wire name."""

    dotted: str
    endpoint: Endpoint
    keywords: Mapping[str, str]


class Known(NamedTuple):
    """One method of one path template, with the values that a path has in place of its arguments.

    `named` is None where no client can call it, `values` where a part of a segment is an argument.
    """

    method: str
    listed: str
    params: tuple[str, ...]
    named: Named | None
    values: tuple[str, ...] | None

    @property
    def kind(self) -> str:
        """An operation kind of `digirm_runtime.tree`."""
        return self.named.endpoint.kind if self.named else "call"


#: The segments of an operation's template, its parameters, and how a client calls it.
_Operation: TypeAlias = "tuple[tuple[template.Segment, ...], tuple[str, ...], Named | None]"


class Found(NamedTuple):
    """What came of a judgement: the operation, if there is one, then what would keep it from working, and doubts."""

    known: Known | None
    errors: list[str]
    warnings: list[str]


class Specs:
    """One spec, as a generated client or a spec folder has it."""

    def __init__(self, make: Callable[..., Client], *, strict: bool = False) -> None:
        """`make` makes a client of the spec; it takes what `Client` takes. Raises SpecError for a damaged one."""
        self.make = make
        client = make(_NOWHERE, auth=("nobody", "nobody"), throttle=None)
        assert client._package is not None
        self._client = client
        self._language: Language = client._package.language
        spec = self._language.tables["spec"]
        self.base_path: str = spec["base_path"]
        self._firm: bool = strict or spec["provenance"] == "live"
        self._strict = strict
        self._listed: dict[str, dict[str, Any]] = self._language.tables["endpoints"]
        self._categories: dict[str, dict[tuple[str, str], _Operation]] = {}

    def judge(self, method: str, path: str, params: Mapping[str, str], *, queries: bool = True) -> Found:
        """What the spec says of a request. `path` is as it is sent, without parameters.

        Without `queries`, what the query language says of its parameters is left out.
        """
        found = Found(None, [], [])
        pieces = template.split(path.rstrip("/"))
        if not self._below(pieces):
            self._elsewhere(path, pieces, found)
            return found
        if pieces == template.split(self.base_path):
            return found
        methods = self._methods(pieces) or self._methods(_bare(pieces))
        if not methods:
            self._unknown_path(path, pieces, found)
            return found
        known = methods.get(method)
        if known is None:
            listed, *_ = methods.values()
            text = f"{listed.listed} has no {method} that the spec knows of; it has {', '.join(sorted(methods))}"
            (found.errors if self._firm else found.warnings).append(text)
            return found
        self._params(known, params, found)
        if queries:
            self._queries(known, params, found)
        return found._replace(known=known)

    def _below(self, pieces: Sequence[str]) -> bool:
        base = template.split(self.base_path)
        return list(pieces[: len(base)]) == base

    def _methods(self, pieces: list[str]) -> dict[str, Known]:
        """The operations of the template that fits a path best, by method; none where none fits."""
        fitting: dict[tuple[int, str], dict[str, Known]] = {}
        for (method, listed), (segments, params, named) in self._operations(pieces).items():
            if template.matches(segments, pieces):
                known = Known(method, listed, params, named, _values(segments, pieces))
                fitting.setdefault((len(template.args(segments)), listed), {})[method] = known
        return fitting[min(fitting)] if fitting else {}

    def _operations(self, pieces: Sequence[str]) -> dict[tuple[str, str], _Operation]:
        """The operations of a path's category by method and listed path; those of all others stay unread."""
        category = pieces[self.base_path.count("/")]
        if category not in self._categories:
            found: dict[tuple[str, str], _Operation] = {}
            # What no name could be made for is known to the query language alone.
            for listed, methods in self._listed.items():
                if listed.startswith(f"{self.base_path}/{category}"):
                    segments = template.parse(listed)
                    found |= {(method, listed): (segments, tuple(row[0]), None) for method, row in methods.items()}
            for named in self._named(category):
                endpoint = named.endpoint
                segments = template.parse(endpoint.template)
                found[endpoint.method, endpoint.listed] = segments, tuple(named.keywords), named
            self._categories[category] = found
        return self._categories[category]

    def _named(self, category: str) -> Iterator[Named]:
        try:
            node = self._client[category]
        except KeyError:
            return
        yield from _walk(node, self._client._children[category])

    def _unknown_path(self, path: str, pieces: list[str], found: Found) -> None:
        nearest = self._nearest(pieces)
        if nearest is not None:
            found.errors.append(f"the spec has no path {path}; did you mean {nearest}?")
        else:
            (found.errors if self._firm else found.warnings).append(f"the spec has no path {path}")

    def _elsewhere(self, path: str, pieces: list[str], found: Found) -> None:
        """A path beside the API, of which the spec says nothing: only what was surely meant to be below it."""
        nearest = self._nearest(pieces)
        if nearest is None and (meant := _recased(pieces, template.split(self.base_path)[-1])) is not None:
            found.errors.append(f"there is no {path}; did you mean {meant}?")
            return
        if nearest is None and pieces and self._methods([*template.split(self.base_path), *pieces]):
            nearest = self.base_path + path
        if nearest is not None:
            found.errors.append(f"{path} is not below {self.base_path}; did you mean {nearest}?")

    def _nearest(self, pieces: list[str]) -> str | None:
        """The path that a misspelt one was meant to be: words in another case, or with a slip of the pen."""
        best: tuple[int, str] | None = None
        listed = {template.parse(path) for path in self._listed}
        base = template.split(self.base_path)
        if len(pieces) > len(base):
            listed |= {segments for segments, _, _ in self._operations(pieces).values()}
        for segments in listed:
            fitted = _fitted(segments, pieces)
            if fitted is not None and (best is None or fitted < best):
                best = fitted
        return best[1] if best else None

    def _checked(self, known: Known) -> frozenset[str]:
        """The parameters that the language judges: of a request that takes no query it knows nothing."""
        return CHECKED if known.method in self._listed.get(known.listed, {}) else frozenset()

    def _params(self, known: Known, params: Mapping[str, str], found: Found) -> None:
        judged = self._checked(known)
        for name in params:
            if name in known.params or name in judged:
                continue
            twin = next((one for one in known.params if one.lower() == name.lower()), None)
            nearest = twin or misspelt(name, known.params)
            hint = nearest or suggest(name, known.params)
            takes = ", ".join(known.params[:_SHOWN]) or "none"
            text = f"{known.method} {known.listed} takes no parameter {name!r} that the spec knows of" + (
                f"; did you mean {hint}?" if hint else f"; it takes {takes}"
            )
            (found.errors if self._firm or nearest else found.warnings).append(text)
        if known.kind in ("update_all", "delete_all") and not any(value.strip() for value in params.values()):
            takes = ", ".join(known.params[:_SHOWN])
            found.errors.append(
                f"{known.method} {known.listed} without a filter would reach everything; it takes {takes}"
            )

    def _queries(self, known: Known, params: Mapping[str, str], found: Found) -> None:
        checked = {name: params[name] for name in self._checked(known) if name in params}
        if checked:
            endpoint = f"{known.method} {known.listed}"
            query = checked.pop("query", None)
            report = self._language.check(endpoint, query, strict=self._strict, **checked)
            if report.diagnostics:
                (found.warnings if report.ok else found.errors).append(str(report))


def _walk(node: Any, dotted: str) -> Iterator[Named]:
    """Every operation of a node and those below it, without those that only the version before had."""
    for name, member in vars(type(node)).items():
        if isinstance(member, FaceMethod) and not isinstance(member, _Gone):
            yield _sample(member.__wrapped__, f"{dotted}.{name}")
    for attribute in node._children.values():
        yield from _walk(getattr(node, attribute), f"{dotted}.{attribute}")


def _sample(make: Callable[..., Any], dotted: str) -> Named:
    """An operation made of nothing but names: each keyword's value is its own name, which shows what becomes of it."""
    args: list[Any] = []
    keywords: dict[str, Any] = {}
    for param in inspect.signature(make).parameters.values():
        if param.kind is param.POSITIONAL_ONLY:
            args.append("x")
        elif param.name == "body":
            args.append({})
        elif param.name not in OWN_KEYWORDS:
            keywords[param.name] = param.name
    made = make(*args, **keywords)
    return Named(dotted, made.endpoint, dict(made.params))


def legacy_object(path: str) -> str | None:
    """The name of the legacy object that a path is of, with its pages or one item of it."""
    from digirm_runtime.legacy.objects import OBJECTS

    pieces = template.split(path)
    return pieces[1] if pieces[0] == "ws" and len(pieces) > 1 and pieces[1] in OBJECTS else None


def not_a_list(planned: Planned, known: Known | None, base_path: str) -> str | None:
    """What has pages to walk, and why a call is none of that; None where it has pages, or may have."""
    if planned.method != "GET":
        return f"lists, and a {planned.method} asks for none"
    if not planned.path.startswith(f"{base_path}/"):
        name = legacy_object(planned.path)
        return f"lists below {base_path}, and {planned.path} is not there" + (
            f"; in Python there is rm.legacy.{name}.list()" if name else ""
        )
    if known is not None and known.kind == "csv":
        return "lists; a bulk export holds everything as it is"
    if known is not None and known.kind not in ("list", "call"):
        return f"lists, and {planned.path} is none"
    return None


def _recased(pieces: list[str], version: str) -> str | None:
    """A path with `/ws` and the name behind it in their own case, where they were not; there may be unknown names."""
    from digirm_runtime.legacy.objects import OBJECTS

    if len(pieces) < 2 or pieces[0].lower() != "ws":
        return None
    names = {name.lower(): name for name in (*OBJECTS, "sci", version)}
    meant = ["ws", names.get(pieces[1].lower(), pieces[1])]
    return None if meant == pieces[:2] else "/" + "/".join(map(quote, [*meant, *pieces[2:]]))


def _bare(pieces: list[str]) -> list[str]:
    """A path without the `.json` or `.xml` that the service takes at its end."""
    return [*pieces[:-1], pieces[-1].removesuffix(".json").removesuffix(".xml")]


def _values(segments: Sequence[template.Segment], pieces: list[str]) -> tuple[str, ...] | None:
    """The arguments of a path that fits a template. None where they do not say which path they were taken from."""
    values: list[str] = []
    rest = list(pieces)
    for number, segment in enumerate(segments):
        if len(segment) != 1:
            return None
        if isinstance(part := segment[0], str):
            del rest[0]
        else:
            taken = len(rest) - (len(segments) - number - 1) if part.multi else 1
            values.append("/".join(rest[:taken]))
            del rest[:taken]
    try:
        return tuple(values) if template.split(template.fill(segments, values)) == pieces else None
    except ValueError:
        return None


def _fitted(segments: Sequence[template.Segment], pieces: list[str]) -> tuple[int, str] | None:
    """(slips, the path without them) of a path that fits a template but for slips; its last argument may be long."""
    more = len(pieces) - len(segments)
    if more < 0 or (more and isinstance(segments[-1][0], str)):
        return None
    slips, fitted = 0, []
    for number, piece in enumerate(pieces):
        segment = segments[min(number, len(segments) - 1)]
        word = segment[0]
        if len(segment) != 1 or not isinstance(word, str) or word == piece:
            fitted.append(quote(piece, safe=""))
        elif word.lower() == piece.lower():
            slips += 1
            fitted.append(word)
        elif misspelt(piece, [word]):
            slips += 10
            fitted.append(word)
        else:
            return None
    return (slips, "/" + "/".join(fitted)) if slips else None
