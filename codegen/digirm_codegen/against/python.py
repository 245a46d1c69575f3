"""Python files: calls of methods, field objects, queries and addresses. They are parsed, never imported."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Mapping, Sequence

from digirm_codegen.against import text as texts
from digirm_codegen.against.judge import JUDGED, Judge
from digirm_codegen.against.side import Name
from digirm_codegen.against.uses import UNKNOWN, Text, Verdict
from digirm_runtime.query.tables import METHODS

#: Functions that take an endpoint and a query.
_CHECKERS = frozenset(("check_query", "complete", "predicate", "to_sql", "to_legacy"))
#: Assignments that are followed from a name to its value.
_FOLLOWED = 5
#: Parts that a text is made of.
_PARTS = 100
_SIGNS = {ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_FIELDS = "fields"


class UnparsableError(Exception):
    """A file that is no Python; the text says where."""


def scan(judge: Judge, source: bytes) -> Iterator[Verdict]:
    """What is wrong with the uses in a Python file. Raises UnparsableError for what is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on escapes and comparisons: the file's own business
            module = ast.parse(source)
    except SyntaxError as error:
        raise UnparsableError(f"it is not Python (line {error.lineno or 1})") from None
    except (ValueError, RecursionError, MemoryError):
        raise UnparsableError("it is not Python, or nested too deep") from None
    yield from _Scanner(judge, module).verdicts()


class _Scanner:
    """Looks at one module, from the outside in."""

    def __init__(self, judge: Judge, module: ast.Module) -> None:
        self.judge = judge
        self.module = module
        self.base = judge.old.spec.base_path
        self.roots = {name for node in judge.old.categories for name in (node.attribute, node.wire)}
        self.values = _assigned(module)
        self.done: set[int] = set()

    def verdicts(self) -> Iterator[Verdict]:
        # Parents come before what they hold: whatever they judge as a whole is `done`.
        for node in ast.walk(self.module):
            if isinstance(node, ast.Call):
                yield from self.call(node)
            elif isinstance(node, ast.Compare):
                yield from self.comparison(node)
            elif id(node) in self.done:
                continue
            elif isinstance(node, ast.Attribute | ast.Subscript):
                yield from self.names(node)
            elif isinstance(node, ast.Constant | ast.JoinedStr | ast.BinOp):
                yield from self.address(node)

    def call(self, node: ast.Call) -> Iterator[Verdict]:
        keywords = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg is not None}
        name = _last(node.func)
        if name in _CHECKERS and node.args:
            yield from self.checked(node, keywords)
            return
        for names in self.chains(node.func):
            if self.judge.old.operation(names) is not None:
                self.consume(node.func)
                given = {key: self.parameter(key, value) for key, value in keywords.items()}
                yield from self.judge.method(names, given, node.lineno)
                return
        yield from self.requested(node, keywords, name.upper())

    def checked(self, node: ast.Call, keywords: Mapping[str, ast.expr]) -> Iterator[Verdict]:
        """`check_query("parts/inventory", "name = 'x'", orderby="name")`"""
        written = self.text(node.args[0])
        method, _, name = written.text.rpartition(" ") if written else ("", "", "")
        known = written is not None and written.known and method in ("", *METHODS)
        asked = self.judge.endpoint(Text(name, written.line)) if known and written else None
        if asked is None:
            return
        self.done.add(id(node.args[0]))
        params = {key: self.parameter(key, keywords[key]) for key in JUDGED if key in keywords}
        if len(node.args) > 1 and _last(node.func) != "complete":
            params["query"] = self.parameter("query", node.args[1])
        yield from self.judge.request(asked._replace(method=method, params=params))

    def requested(self, node: ast.Call, keywords: Mapping[str, ast.expr], function: str) -> Iterator[Verdict]:
        """`rm.request("GET", "/ws/v1/parts", params={...})`, and the like of other clients: `httpx.get(url)`."""
        method = function if function in METHODS else ""
        arguments = [*node.args[:3], *(keywords[key] for key in ("url", "path") if key in keywords)]
        for argument in arguments:
            text = self.text(argument)
            if text is None:
                continue
            if text.text.upper() in METHODS:
                method = text.text.upper()
            found = [*texts.addresses(text.text, self.base, whole=True)] if self.base in text.text else []
            if len(found) == 1:
                self.done.update(map(id, ast.walk(argument)))
                asked = found[0].request(text.line, method)
                params = {**asked.params, **self.mapping(keywords.get("params"))}
                yield from self.judge.request(asked._replace(params=params))
                return

    def mapping(self, node: ast.expr | None) -> dict[str, Text]:
        """The entries of a dict display, or of `dict(name=value)`."""
        node = self.value(node) if node is not None else None
        if isinstance(node, ast.Dict):
            pairs = [(self.text(key), value) for key, value in zip(node.keys, node.values, strict=True) if key]
            return {key.text: self.parameter(key.text, value) for key, value in pairs if key and key.known}
        if isinstance(node, ast.Call) and _last(node.func) == "dict":
            return {key.arg: self.parameter(key.arg, key.value) for key in node.keywords if key.arg is not None}
        return {}

    def parameter(self, name: str, node: ast.expr) -> Text:
        """The text of a parameter, UNKNOWN where it is none; a list of columns is joined by commas."""
        value = self.value(node)
        if name == _FIELDS and isinstance(value, ast.List | ast.Tuple):
            columns = [self.text(item) for item in value.elts]
            return Text(",".join(UNKNOWN if column is None else column.text for column in columns), value.lineno)
        return self.text(value) or Text(UNKNOWN, node.lineno)

    def comparison(self, node: ast.Compare) -> Iterator[Verdict]:
        """`D.name == "x"`: the operators of field objects."""
        operands = [node.left, *node.comparators]
        for left, operator, right in zip(operands, node.ops, operands[1:], strict=False):
            sign = _SIGNS.get(type(operator), "")
            for side, written in ((left, sign), (right, _MIRRORED.get(sign, sign))):
                if sign and (names := self.field(side)) is not None:
                    yield from self.judge.field(names, side.lineno, written)
                    self.consume(side)

    def names(self, node: ast.Attribute | ast.Subscript) -> Iterator[Verdict]:
        """A chain of names that is not called: a field object, or a node of the client's tree."""
        field = self.field(node)
        chains = self.chains(node)
        self.consume(node)
        if field is not None:
            yield from self.judge.field(field, node.lineno)
            return
        for names in chains:
            if self.judge.old.operation(names) is not None:
                yield from self.judge.method(names, {}, node.lineno)
                return
            if len(names) > 1 and self.judge.old.node(names) is not None:
                yield from self.judge.node(names, node.lineno)
                return

    def address(self, node: ast.expr) -> Iterator[Verdict]:
        """A text that stands anywhere else."""
        text = self.text(node)
        if text is None:
            # Texts within are looked at by themselves, but not the sums that they are part of.
            self.done.update(id(part) for part in ast.walk(node) if isinstance(part, ast.BinOp))
            return
        self.done.update(map(id, ast.walk(node)))
        if self.base not in text.text:
            return
        if "\n" in text.text.strip():
            yield from texts.scan(self.judge, text.text, text.line)
            return
        for address in texts.addresses(text.text, self.base, whole=True):
            yield from self.judge.request(address.request(text.line))

    def chains(self, node: ast.expr) -> list[list[Name]]:
        """The chains of names that may begin at the client's root, the longest first."""
        root, names = self.chain(node)
        # A name is never the tree itself: what stands before the first category is the client.
        return [names[start:] for start in range(int(root), len(names)) if names[start].text in self.roots]

    def field(self, node: ast.expr) -> list[Name] | None:
        """The names below `fields`, where a chain begins there."""
        _, names = self.chain(node)
        start = next((place for place, name in enumerate(names[:2]) if name == Name(_FIELDS)), None)
        return None if start is None or start + 1 == len(names) else names[start + 1 :]

    def chain(self, node: ast.expr) -> tuple[bool, list[Name]]:
        """Whether a chain begins with a variable's name, and its names; variables that are set once are followed."""
        names: list[Name] = []
        followed = 0
        while True:
            value = self.values.get(_dotted(node)) if followed < _FOLLOWED else None
            if value is not None:
                node, followed = value, followed + 1
            elif isinstance(node, ast.Attribute):
                names.append(Name(node.attr))
                node = node.value
            elif isinstance(node, ast.Subscript) and isinstance(wire := getattr(node.slice, "value", None), str):
                names.append(Name(wire, wire=True))
                node = node.value
            else:
                break
        if isinstance(node, ast.Name):
            names.append(Name(node.id))
        return isinstance(node, ast.Name), names[::-1]

    def consume(self, node: ast.expr) -> None:
        """Nothing more is to be said of a chain and what it holds, but for the calls in it."""
        while isinstance(node, ast.Attribute | ast.Subscript):
            self.done.add(id(node))
            if isinstance(node, ast.Subscript):
                self.done.add(id(node.slice))
            node = node.value

    def value(self, node: ast.expr) -> ast.expr:
        """What a variable stands for that is set once; anything else is itself."""
        for _ in range(_FOLLOWED):
            found = self.values.get(_dotted(node))
            if found is None:
                break
            node = found
        return node

    def text(self, node: ast.expr | None) -> Text | None:
        """A text with UNKNOWN for each part that is only known when the program runs; None for what is no text."""
        parts = self.parts(node, [_PARTS])
        return None if parts is None or node is None else Text("".join(parts), self.value(node).lineno)

    def parts(self, node: ast.expr | None, budget: list[int]) -> list[str] | None:
        """The parts of a text; variables could make it as long as they like, and so there is a `budget` of parts."""
        node = self.value(node) if node is not None else None
        budget[0] -= 1
        if budget[0] < 0:
            return None
        if isinstance(node, ast.Constant):
            return [node.value] if isinstance(node.value, str) else None
        if isinstance(node, ast.FormattedValue):
            plain = node.conversion < 0 and node.format_spec is None
            return (self.parts(node.value, budget) if plain else None) or [UNKNOWN]
        if isinstance(node, ast.JoinedStr):
            return [part for value in node.values for part in self.parts(value, budget) or [UNKNOWN]]
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            left, right = self.parts(node.left, budget), self.parts(node.right, budget)
            return None if left is None and right is None else [*(left or [UNKNOWN]), *(right or [UNKNOWN])]
        return None


def _assigned(module: ast.Module) -> dict[str, ast.expr]:
    """The values of variables, and attributes such as `self.parts`, that are set in one place of the module."""
    values: dict[str, ast.expr] = {}
    times: dict[str, int] = {}

    def bind(name: str, value: ast.expr | None = None) -> None:
        times[name] = times.get(name, 0) + 1
        if value is not None:
            values[name] = value

    plain: set[int] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr):
            targets: Sequence[ast.expr] = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if (name := _dotted(target)) and node.value is not None:
                    plain.add(id(target))
                    bind(name, node.value)
        elif isinstance(node, ast.Name | ast.Attribute) and not isinstance(node.ctx, ast.Load):
            if id(node) not in plain and (name := _dotted(node)):
                bind(name)
        elif isinstance(node, ast.arg):
            bind(node.arg)
        elif isinstance(node, ast.ImportFrom | ast.Import):
            for alias in node.names:
                renamed = isinstance(node, ast.ImportFrom) and alias.name == _FIELDS and alias.asname
                bind(alias.asname or alias.name, ast.Name(_FIELDS) if renamed and alias.asname != _FIELDS else None)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bind(node.name)
    return {name: value for name, value in values.items() if times[name] == 1}


def _dotted(node: ast.expr) -> str:
    """`name`, or `name.attribute`; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return ""


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
