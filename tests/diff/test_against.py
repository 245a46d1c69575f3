"""What files ask of an API that its new version no longer accepts: a snippet, and what is found on which line."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from digirm_codegen import against
from digirm_codegen.against.text import addresses
from digirm_runtime import spec as specs
from digirm_runtime.query.language import Language
from digirm_runtime.spec import Spec
from tests.codegen.support import field, listing, path, request, write_spec
from tests.diff.conftest import Scanned

FINE = "name = 'x'"  # both versions accept it
GONE = "state = 'new'"  # only the old one does

PYTHON = {
    # Calls by name, whatever the client is called.
    f'rm.parts.inventory.list(query="{GONE}")': [(1, "query", GONE)],
    f'rm.parts.inventory.list(query="{FINE}")': [],
    'rm.parts.inventory.list(\n    orderby="name desc",\n    size=3,\n)': [
        (2, "orderby", "name desc"),
        (3, "parameter", "size"),
    ],
    'rm.parts.bulk.csv(fields=["name", "nothing"])': [],
    "async def f(self):\n    return await self.api.parts.inventory.delete(4)": [
        (2, "method", "parts.inventory.delete")
    ],
    "for n in Client().parts.notes.list(): pass": [(1, "method", "parts.notes.list")],
    "rm.parts.recount(3)": [(1, "method", "parts.recount")],
    'rm["parts"]["labels"].get("a")': [(1, "method", "['parts']['labels'].get")],
    'node = rm["parts"]["labels"]': [(1, "endpoint", "['parts']['labels']")],
    "inventory = rm.parts.inventory\ninventory.delete(1)": [(2, "method", "parts.inventory.delete")],
    "self.stock = rm.parts.inventory\nself.stock.list(size=2)": [(2, "parameter", "size")],
    "run = rm.parts.recount": [(1, "method", "parts.recount")],
    # Texts: joined, constant, in variables that are set once.
    'rm.parts.inventory.list(query="state "\n    "= \'new\'")': [(1, "query", GONE)],
    f'Q = "{GONE}"\n\nrm.parts.inventory.list(query=Q)': [(1, "query", GONE)],
    f'Q = "{GONE}"\nQ = "{FINE}"\nrm.parts.inventory.list(query=Q)': [],
    f'Q = "{GONE}"\ndef f(Q): rm.parts.inventory.list(query=Q)': [],
    f'Q = "{GONE}"\ndef f(q): rm.parts.inventory.list(query=Q)': [(1, "query", GONE)],
    f'rm.parts.inventory.list(query=f"{GONE}")': [(1, "query", GONE)],
    "rm.parts.inventory.list(query=f\"state = '{x}'\")": [],
    'rm.parts.inventory.list(query="state = \'" + x + "\'")': [],
    "rm.parts.inventory.list(query=make())": [],
    # What the old version did not accept either is not its business.
    "rm.parts.inventory.list(query=\"state = = 'new'\")": [],
    "rm.parts.inventory.list(nothing=1)": [],
    "rm.parts.nothing.list()": [],
    "other.inventory.delete(4)": [],
    # Field objects.
    "fields.parts.inventory.state": [(1, "field", "fields.parts.inventory.state")],
    "D = fields.parts.inventory\nq = D.state == 'new'": [(2, "field", "fields.parts.inventory.state")],
    "D = fields.parts.inventory\nq = D['state'] == 'new'": [(2, "field", "fields.parts.inventory['state']")],
    "from digirm import fields as f\nq = f.parts.inventory.name.starts_with('a')": [
        (2, "field", "fields.parts.inventory.name starts_with")
    ],
    "import digirm\nq = 'a' < digirm.fields.parts.inventory.name": [(2, "field", "fields.parts.inventory.name >")],
    "q = (fields.parts.inventory.name == 'x') & fields.parts.inventory.name.contains('y')": [],
    "q = fields.parts.notes": [(1, "field", "fields.parts.notes")],
    # A field by its wire name has every operator.
    "q = fields.parts.inventory['name'].op('~', 3)": [],
    "q = fields.parts.inventory['name'].ends_with('a')": [],
    "q = fields.parts.inventory['name'] < 'a'": [],
    # Functions that take an endpoint.
    f'check_query("parts/inventory", "{GONE}")': [(1, "query", GONE)],
    'check_query("parts/inventory", None, orderby="name")': [(1, "orderby", "name")],
    'digirm.complete("parts/notes", "tex")': [(1, "endpoint", "parts/notes")],
    'digirm.complete("parts/inventory", "state")': [],
    f'digirm.complete("parts/inventory", "{GONE}")': [],  # the beginning of a query is not one
    f'check_query("/ws/v1/parts/inventory", "{FINE}")': [],
    'check_query("nothing/at/all", "x = 1")': [],
    # Requests by address.
    f'rm.request("GET", "/ws/v1/parts/inventory", params={{"query": "{GONE}", "size": 5}})': [
        (1, "parameter", "size"),
        (1, "query", GONE),
    ],
    f'P = dict(query="{GONE}")\nrm.request("GET", "/ws/v1/parts/inventory", params=P)': [(1, "query", GONE)],
    'rm.request("DELETE", f"/ws/v1/parts/inventory/{id}")': [(1, "endpoint", "/ws/v1/parts/inventory/…")],
    'rm.request("PUT", f"/ws/v1/parts/inventory/{id}")': [],
    'BASE = "/ws/v1/parts"\nhttpx.delete(f"{BASE}/inventory/{id}")': [(2, "endpoint", "/ws/v1/parts/inventory/…")],
    "httpx.get('https://h/ws/v1/parts/inventory?query=state%20%3D%20%27new%27&size=1')": [
        (1, "parameter", "size"),
        (1, "query", GONE),
    ],
    'URL = HOST + "/ws/v1/parts/labels/big"': [(1, "endpoint", "/ws/v1/parts/labels/big")],
    '"""See\n/ws/v1/parts/labels/x, or not."""': [(2, "endpoint", "/ws/v1/parts/labels/x")],
    'x = "/ws/v1/parts/unknown/x", "/ws/v12/parts/labels/x", "/ws/v1"': [],
}
YAML = {
    f"endpoint: parts/inventory\nquery: {GONE}": [(2, "query", GONE)],
    f"endpoint: parts/inventory\nquery: {FINE}": [],
    f"- path: /ws/v1/parts/inventory\n  params:\n    query: {GONE}\n    size: 3": [
        (3, "query", GONE),
        (4, "parameter", "size"),
    ],
    f"url: 'https://h/ws/v1/parts/inventory?orderby=name'\nqueries:\n- {FINE}\n- {GONE}": [
        (1, "orderby", "name"),
        (4, "query", GONE),
    ],
    "a: &a {endpoint: parts/inventory, orderby: name}\nb:\n  <<: *a\n  query: state = 'x'": [
        (1, "orderby", "name"),
        (4, "query", "state = 'x'"),
    ],
    f"q: &q {GONE}\n---\nq: &q {GONE}\nx: {{endpoint: parts/inventory, query: *q}}": [(3, "query", GONE)],
    "method: delete\nurl: /ws/v1/parts/inventory/4": [(2, "endpoint", "/ws/v1/parts/inventory/4")],
    "method: put\nurl: /ws/v1/parts/inventory/4": [],
    "endpoint: parts/notes\nquery: text = 'x'": [(1, "endpoint", "parts/notes")],
    "steps:\n- run: |\n    true\n    curl -X DELETE https://h/ws/v1/parts/inventory/4": [
        (4, "endpoint", "/ws/v1/parts/inventory/4")
    ],
    "/ws/v1/parts/labels/{name}:\n  get: {}": [(1, "endpoint", "/ws/v1/parts/labels/{name}")],
    "path: /etc/passwd\nquery: state = 'new'": [],
    "endpoint: [parts/inventory]\nquery: {a: b}\n? [a, b]\n: c": [],
    "a: *nothing": [],
}
JSON = {
    f'{{"endpoint": "parts/inventory",\n "query": "{GONE}"}}': [(2, "query", GONE)],
    '[\n{"url": "/ws/v1/parts/inventory?size=1"}\n]': [(2, "parameter", "size")],
    f'{{"a": 1}}\n{{"endpoint": "parts/inventory", "query": "{GONE}"}}\n': [(2, "query", GONE)],
    '{"source": ["import x\\n",\n"x(\'/ws/v1/parts/labels/1\')\\n"]}': [(2, "endpoint", "/ws/v1/parts/labels/1")],
    '{"\\u002fws": "\\/ws\\/v1\\/parts\\/labels\\/1", "n": [1, true, null, -1.5e3]}': [
        (1, "endpoint", "/ws/v1/parts/labels/1")
    ],
}
TEXT = {
    f"# endpoint: parts/inventory\n{GONE}\n\n# a comment\n{FINE}\n": [(2, "query", GONE)],
    "# Endpoint: parts/notes\ntext = 'x'\n# endpoint:\nstate = 'x'": [(1, "endpoint", "parts/notes")],
    "curl 'https://h/ws/v1/parts/inventory?query=state%3D%27a%27'": [(1, "query", "state='a'")],
    "curl \"https://h/ws/v1/parts/inventory?query=state = 'a'&size=3\" | jq .": [
        (1, "parameter", "size"),
        (1, "query", "state = 'a'"),
    ],
    f'\ncurl -G "$URL/ws/v1/parts/inventory" \\\n  --data-urlencode "query={GONE}"\n': [(3, "query", GONE)],
    f'http :80/ws/v1/parts/inventory query=="{GONE}" orderby==name': [(1, "orderby", "name"), (1, "query", GONE)],
    'curl "$URL/ws/v1/parts/inventory?query=$QUERY" -d "query=$OTHER"': [],
    "curl -X DELETE $URL/ws/v1/parts/inventory/$ID": [(1, "endpoint", "/ws/v1/parts/inventory/$ID")],
    "curl --request PUT $URL/ws/v1/parts/inventory/$ID": [],
    "DELETE https://h/ws/v1/parts/inventory/1\n": [(1, "endpoint", "/ws/v1/parts/inventory/1")],
    "[labels](https://h/ws/v1/parts/labels/x) and (see /ws/v1/parts/notes).\r\n": [
        (1, "endpoint", "/ws/v1/parts/labels/x"),
        (1, "endpoint", "/ws/v1/parts/notes"),
    ],
    "/ws/v1/parts/labels/x /ws/v1/parts/labels/x\n/ws/v1/parts/labels/x": [
        (1, "endpoint", "/ws/v1/parts/labels/x"),
        (2, "endpoint", "/ws/v1/parts/labels/x"),
    ],
    "PUT /ws/v1/parts/inventory/1 DELETE /ws/v1/parts/inventory/1": [(1, "endpoint", "/ws/v1/parts/inventory/1")],
    "nothing at all": [],
}
CASES = [
    pytest.param(name, text, found, id=f"{name}-{text[:60]}")
    for name, table in (("x.py", PYTHON), ("x.yaml", YAML), ("x.json", JSON), ("x.sh", TEXT))
    for text, found in table.items()
]


@pytest.mark.parametrize(("name", "text", "found"), CASES)
def test_uses(name: str, text: str, found: list[tuple[int, str, str]], scanned: Scanned) -> None:
    scan = scanned(name, text)
    assert [(use.line, use.kind, use.text) for use in scan.uses] == found
    assert all(use.file.endswith(name) for use in scan.uses)
    assert scan.files == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'rm.parts.inventory.list(query="state = 1")',
            "may not accept it for `/ws/v1/parts/inventory`: Q201 `'parts/inventory' has no field 'state' that the",
        ),
        ("rm.parts.recount(1)", "has `POST /ws/v1/parts/recount/{id}` as `parts.count_again()`"),
        ("rm.parts.labels.get(1)", "has no `GET /ws/v1/parts/labels/{name:.+}`"),
        ('rm["parts"]["labels"]', "has nothing below `/ws/v1/parts/labels`"),
        ("rm.parts.inventory.list(size=1)", "takes no argument `size` for `parts.inventory.list()`"),
        ("fields.parts.inventory.state", "has no `fields.parts.inventory.state`"),
        ("fields.parts.inventory.name.ends_with('x')", "has no `ends_with` for the field `name`"),
        ('x = "/ws/v1/parts/labels/1"', "has no `/ws/v1/parts/labels/1`"),
        ('x = f"/ws/v1/parts/labels/{name}"', "has no `/ws/v1/parts/labels/…`"),
        ('x = "/ws/v1/parts/labels/a*[b](c)"', "has no `/ws/v1/parts/labels/a*[b](c`"),
        ('x = "/ws/v1/parts/inventory?size=1"', "takes no parameter `size` for `GET /ws/v1/parts/inventory`"),
        ('httpx.delete("/ws/v1/parts/inventory/1")', "has no `DELETE /ws/v1/parts/inventory/{partId}`"),
    ],
)
def test_messages(text: str, message: str, scanned: Scanned) -> None:
    [use] = scanned("x.py", text).uses
    assert use.message.startswith(f"version `9.2` {message}")


def test_an_error_is_more_than_a_warning(contracts: tuple[Spec, Spec], tmp_path: Path) -> None:
    old, new = contracts
    file = tmp_path / "x.py"
    file.write_text('rm.parts.inventory.list(orderby="name")', "utf-8")
    said = "accept it for `/ws/v1/parts/inventory`: Q402 `the answer cannot be ordered by 'name'`"
    [use] = against.scan([file], old, new).uses
    assert use.message == f"version `9.2` may not {said}"
    [use] = against.scan([file], old, msgspec.structs.replace(new, provenance="live")).uses
    assert use.message == f"version `9.2` does not {said}"


def test_more_faults_than_are_shown_are_counted(scanned: Scanned) -> None:
    [use] = scanned("x.py", f'rm.parts.inventory.list(query="{" and ".join([GONE] * 5)}")').uses
    assert use.message.count("Q201") == 3
    assert use.message.endswith("` and 2 more")


def test_what_a_file_says_is_code_in_a_message(scanned: Scanned) -> None:
    [use] = scanned("x.yml", "url: '/ws/v1/parts/labels/a`@b[c](d)`\\u202e'").uses
    assert use.message.count("`") == 4
    found = scanned("x.py", "rm.request('GET', '/ws/v1/parts/labels/<b>`x`')").uses
    assert all(one.message.count("`") == 4 for one in found)


def test_nothing_is_lost_of_the_same_contract(contracts: tuple[Spec, Spec], tmp_path: Path) -> None:
    for number, case in enumerate(CASES):
        name, text, _ = case.values
        (tmp_path / f"{number}{name}").write_text(str(text), "utf-8")
    for side in contracts:
        assert against.scan([tmp_path], side, side).uses == ()


def test_an_endpoint_that_only_the_new_version_has_is_judged_by_it(
    contracts: tuple[Spec, Spec], tmp_path: Path
) -> None:
    file = tmp_path / "x.yml"
    file.write_text("endpoint: parts/notes\nquery: nothing and\nsize: 3", "utf-8")
    old, new = contracts
    found = against.scan([file], new, old)  # the other way round: here the later version has more
    assert [(use.line, use.kind, use.text) for use in found.uses] == [(2, "query", "nothing and")]


def test_a_doubt_of_what_only_the_new_version_has_is_not_said(contracts: tuple[Spec, Spec], tmp_path: Path) -> None:
    new, old = contracts
    file = tmp_path / "x.yml"
    query = "nothing = 3"
    file.write_text(f"endpoint: parts/notes\nquery: {query}", "utf-8")
    [fault] = Language.from_spec(new).check("parts/notes", query).diagnostics
    assert fault.severity == "warning"
    assert against.scan([file], old, new).uses == ()


def test_a_longer_name_than_the_base_path_is_no_address() -> None:
    text = "/ws/v10/x https://h/ws/v1beta (/ws/v1x?query=a) /ws/v1?a=b /ws/v1/x"
    assert [found.path for found in addresses(text, "/ws/v1")] == ["/ws/v1", "/ws/v1/x"]


def test_a_category_that_could_not_be_captured_is_a_problem(contracts: tuple[Spec, Spec], tmp_path: Path) -> None:
    old, new = contracts
    new = msgspec.structs.replace(new, categories=(), unavailable={"parts": (503, "failed")})
    file = tmp_path / "x.py"
    file.write_text("rm.parts.bulk.csv()\nfields.parts.bulk.name\nrm.request('GET', '/ws/v1/parts/bulk')\n", "utf-8")
    found = against.scan([file], old, new)
    assert found.uses == ()
    assert found.problems == (
        f"{file}:1: `parts.bulk.csv`: the new version of `parts` could not be captured",
        f"{file}:2: `fields.parts.bulk.name`: the new version of `parts` could not be captured",
        f"{file}:3: `/ws/v1/parts/bulk`: the new version of `parts` could not be captured",
    )


def test_a_warning_of_the_old_version_is_not_said_again(tmp_path: Path) -> None:
    documents = {
        "parts": listing(path("/ws/v1/parts/inventory", request("GET", "query", query=[field("id", "Numeric", "=")])))
    }
    spec = specs.load(write_spec(tmp_path / "spec", documents))
    live = msgspec.structs.replace(spec, provenance="live")
    file = tmp_path / "x.yml"
    file.write_text("endpoint: parts/inventory\nquery: quantity = 3\n", "utf-8")
    # A reconstructed spec only doubts a field that it does not know.
    assert against.scan([file], spec, spec).uses == ()
    assert against.scan([file], live, spec).uses == ()
    assert against.scan([file], spec, live).uses == ()


def test_another_base_path_breaks_addresses_alone(contracts: tuple[Spec, Spec], tmp_path: Path) -> None:
    old, _ = contracts
    documents = {
        "parts": listing(path("/ws/v2/parts/bulk", request("GET", "query", query=[field("name", "Text", "=")])))
    }
    new = specs.load(write_spec(tmp_path / "spec", documents, base_path="/ws/v2", api_version="10"))
    file = tmp_path / "x.py"
    file.write_text(
        "rm.parts.bulk.csv(query=\"name = 'x'\")\n"
        "check_query('parts/bulk', \"name = 'x'\")\n"
        "check_query('parts/bulk', \"name contains 'x'\")\n"
        "check_query('/ws/v1/parts/bulk', \"name = 'x'\")\n"
        "rm.request('GET', '/ws/v1/parts/bulk')\n",
        "utf-8",
    )
    found = against.scan([file], old, new)
    assert [(use.line, use.kind, use.text) for use in found.uses] == [
        (3, "query", "name contains 'x'"),
        (4, "endpoint", "/ws/v1/parts/bulk"),
        (5, "endpoint", "/ws/v1/parts/bulk"),
    ]
