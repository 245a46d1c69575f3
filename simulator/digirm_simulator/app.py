"""The simulator's core: requests in plain types to answers in plain types, without any I/O but its database."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from digirm_runtime.query.ast import Expr
from digirm_runtime.wire import Request, Response
from digirm_simulator import contract as contracts
from digirm_simulator import fleet, listing
from digirm_simulator.access import Accounts, Throttle
from digirm_simulator.contract import Contract, Path
from digirm_simulator.replies import Problem, empty_reply, error_reply, json_reply
from digirm_simulator.resources import Resource, add_groups, resources
from digirm_simulator.routing import Match, Router
from digirm_simulator.special import COMPANY, SPECIAL, Call
from digirm_simulator.store import Store

if TYPE_CHECKING:
    from digirm_runtime.query.language import Language

_LIST_PARAMS = frozenset({"query", "orderby", "size", "cursor", "start_time", "end_time"})
_LOG = logging.getLogger(__name__)


class Recorded(NamedTuple):
    """One request that was answered."""

    method: str
    path: str
    status: int


class Simulator:
    """A local Remote Manager for `digirm_runtime.wire` requests.

    `contract` (a Contract, or a folder in its format) stands before `version`. `data` is a file that keeps the state;
    without one it is in memory, and `devices` and `seed` make the first state. `users` maps names to passwords,
    `api_keys` ids to secrets; with neither, any credentials will do. `throttle` is a list of (requests, seconds).
    `clock` gives the time, aware and in UTC. `requests` holds the last answered requests.

    Raises ContractError or StoreError (both ValueErrors) for a version, contract or data file that cannot be used.
    """

    def __init__(
        self,
        version: str = "22.7",
        *,
        contract: Contract | str | FilePath | None = None,
        devices: int = 100,
        seed: int = 0,
        data: str | FilePath | None = None,
        users: Mapping[str, str] | None = None,
        api_keys: Mapping[str, str] | None = None,
        throttle: Iterable[tuple[int, float]] | None = None,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        if not 0 <= devices <= 1_000_000:
            raise ValueError("a fleet has 0 to 1,000,000 devices")
        if contract is None:
            contract = contracts.builtin(version)
        self.contract: Contract = contract if isinstance(contract, Contract) else contracts.load(contract)
        self.clock = clock or _utc_now
        self.requests: deque[Recorded] = deque(maxlen=10_000)
        self._accounts = Accounts(users, api_keys)
        self._throttle = Throttle(throttle or (), self.clock)
        self._router = Router(self.contract.paths.values())
        self._parser = _Parser(self.contract)
        self._store = Store(data)
        self._closed = False
        try:
            self._resources = resources(self.contract, self._store)
            if self._store.new:
                self._seed(devices, seed)
                self._store.finish()
        except BaseException:
            self._store.close()
            raise

    def handle(self, request: Request) -> Response:
        """Answer one request; safe to call from several threads. Raises RuntimeError after `close()`."""
        if self._closed:
            raise RuntimeError("this simulator is closed")
        raw_path = ""
        try:
            raw_path, query = _target(request.url)
            self._accounts.check(request.headers)
            self._throttle.check()
            reply = self._answer(request, raw_path, query)
        except Problem as problem:
            reply = error_reply(problem, self._headers(problem, raw_path))
        except Exception:
            _LOG.exception("%s %s failed", request.method, raw_path)
            reply = error_reply(Problem(500, "The simulator failed; its log says why"))
        self.requests.append(Recorded(request.method, raw_path, reply.status))
        if request.method == "HEAD":
            if isinstance(reply.body, bytes):
                reply.headers["content-length"] = str(len(reply.body))
            reply.body = b""
        return reply

    def put(self, path: str, document: Mapping[str, object]) -> None:
        """Store an object as it is into the inventory at `path`, over one with the same key: for tests and demos.

        Raises ValueError for a path that is no stored inventory.
        """
        if path not in self._resources:
            raise ValueError(f"{path} holds no stored objects")
        collection = self._resources[path].collection
        with self._store.lock:
            if collection.get(str(document[collection.key])) is None:
                collection.insert([document])
            else:
                collection.replace(document)

    def close(self) -> None:
        """Give back the database; a second time does nothing."""
        self._closed = True
        self._store.close()

    def _answer(self, request: Request, raw_path: str, query: str) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        if raw_path == self.contract.base_path:
            if method != "GET":
                raise Problem(405, f"{request.method} is not allowed here")
            return json_reply(self.contract.root_document())
        try:
            match = self._router.match(raw_path)
            params = listing.Params(parse_qsl(query, keep_blank_values=True, errors="strict"))
        except ValueError:
            raise Problem(400, "The address is not encoded as UTF-8") from None
        if match is None:
            raise Problem(404, f"There is no {raw_path}")
        if method not in match.path.requests:
            raise Problem(405, f"{request.method} is not allowed on {match.path.template}")
        return self._dispatch(method, match, params, request.body, raw_path)

    def _dispatch(self, method: str, match: Match, params: listing.Params, body: bytes, raw_path: str) -> Response:
        path, args = match
        described, template, now = path.requests[method], path.template, self.clock()
        if special := SPECIAL.get((method, template.removeprefix(self.contract.base_path))):
            return special(Call(described, args, params, self._parser, now, self._devices))
        if resource := self._resources.get(template):
            if method == "GET":
                return listing.page(described, resource.collection, params, raw_path, self._parser, now)
            if method == "POST" and described.creates:
                return resource.create(body, described.creates)
            if method == "DELETE" and described.params:
                fields = resource.collection.fields
                where = listing.selection(described, fields, resource.collection.columns, params, self._parser, now)
                if where is None:
                    raise Problem(400, f"DELETE needs one of {', '.join(described.params)}")
                resource.collection.delete_where(where)
                return empty_reply()
        elif item := self._item_of(path, args):
            resource, key = item
            if method == "GET":
                return resource.read(key)
            if method == "PUT":
                return resource.update(key, body)
            if method == "DELETE":
                return resource.delete(key)
        elif method == "GET" and (document := self.contract.group_document(template)) is not None:
            return json_reply(document)
        elif method == "GET" and args and not _LIST_PARAMS & set(described.params):
            raise Problem(404, f"Nothing is stored at {raw_path}")
        elif method == "GET" and "bulk" in template.split("/"):
            source = self._resources.get(template.replace("/bulk", "/inventory"))
            return listing.bulk(described, source.collection if source else None, params, self._parser, now)
        elif method == "GET" and not template.endswith(".xml"):
            return listing.page(described, None, params, raw_path, self._parser, now)
        raise Problem(501, f"{method} {template} is not simulated")

    def _item_of(self, path: Path, args: Mapping[str, str]) -> tuple[Resource, str] | None:
        """The collection and the key, for the address of a stored object."""
        template, _, rest = path.template.rpartition("/{")
        resource = self._resources.get(path.item_of or template)
        if resource is None or len(args) != 1 or "/" in rest:
            return None
        return resource, next(iter(args.values()))

    @property
    def _devices(self) -> Resource | None:
        return self._resources.get(self.contract.base_path + "/devices/inventory")

    def _headers(self, problem: Problem, raw_path: str) -> dict[str, str]:
        if problem.status == 401:
            return {"www-authenticate": 'Basic realm="Remote Manager simulator"'}
        if problem.status == 405:
            match = self._router.match(raw_path)
            return {"allow": ", ".join(match.path.requests if match else ("GET",))}
        return {}

    def _seed(self, devices: int, seed: int) -> None:
        base, now = self.contract.base_path, self.clock()
        if found := self._devices:
            fleet_list = list(fleet.devices(devices, seed, now))
            found.collection.insert(fleet_list)
            if groups := self._resources.get(f"{base}/groups/inventory"):
                add_groups(groups.collection, sorted({device["group"] for device in fleet_list if "group" in device}))
        account = {"customer_id": fleet.CUSTOMER_ID}
        rows: dict[str, list[Mapping[str, object]]] = {
            "/automations/inventory": [
                account | {"id": number, "name": name}
                for number, name in enumerate(("Reboot script", "Nightly scan"), 1)
            ],
            "/subaccounts/inventory": [account | {"company_name": COMPANY}],
            "/users/inventory": [account | {"username": name} for name in self._accounts.users or ("sim",)],
        }
        for template, documents in rows.items():
            if resource := self._resources.get(base + template):
                resource.collection.insert(documents)


class _Parser:
    """The contract's query language, made when the first query comes."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._lock = threading.Lock()

    def parse(self, text: str) -> Expr:
        with self._lock:
            language = self._language
        return language.parse(text)

    @cached_property
    def _language(self) -> Language:
        from digirm_runtime import spec
        from digirm_runtime.query.language import Language

        found = self._contract
        return Language.from_spec(
            spec.from_documents(
                found.documents(), api_version=found.version, base_path=found.base_path, provenance="reconstructed"
            )
        )


def _target(url: str) -> tuple[str, str]:
    """Path and query of a URL, both as they were sent. Raises Problem where it is none."""
    try:
        url.encode()
    except UnicodeEncodeError:
        raise Problem(400, "The address is not encoded as UTF-8") from None
    if not url.startswith("/"):
        try:
            parts = urlsplit(url)
        except ValueError:
            raise Problem(400, "The address cannot be read") from None
        return parts.path or "/", parts.query
    path, _, query = url.partition("#")[0].partition("?")
    return path, query


def _utc_now() -> datetime:
    return datetime.now(UTC)
