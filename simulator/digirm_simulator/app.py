"""The simulator's core: requests in plain types to answers in plain types, without any I/O but its database."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path as FilePath
from types import TracebackType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from digirm_runtime.query.values import milliseconds
from digirm_runtime.wire import Request, Response
from digirm_simulator import behaviours
from digirm_simulator import contract_files as contracts
from digirm_simulator.access import Account, Accounts, User
from digirm_simulator.behaviours import commands, monitors
from digirm_simulator.clock import Clock
from digirm_simulator.contract import Contract
from digirm_simulator.faults import Dropped, Faults
from digirm_simulator.finish import finished, freeing
from digirm_simulator.fleet import devices as fleet_of
from digirm_simulator.life import Life
from digirm_simulator.paging import Params
from digirm_simulator.record import MOST_REQUESTS, Requests
from digirm_simulator.replies import Problem, error_reply, json_reply
from digirm_simulator.resources import attach, check_storable
from digirm_simulator.routing import Match
from digirm_simulator.store import Image, Store
from digirm_simulator.throttle import Slot, Throttle
from digirm_simulator.world import CUSTOMER_ID, Call, World

if TYPE_CHECKING:
    from digirm_simulator.fleet_api import Devices
    from digirm_simulator.push import Pushes
    from digirm_simulator.server import Running

_LOG = logging.getLogger(__name__)
# Fleets up to this size begin as a copy of a prepared state, which is kept.
_COPIED = 2000
_READS = ("GET", "HEAD", "OPTIONS")
#: Milliseconds, by the clock, of the fleet's life that take no time worth mentioning; a server ticks more often.
_BEHIND = 2000
_CLOSED = "this simulator is closed"


class Simulator:
    """A local Remote Manager for `digirm_runtime.wire` requests.

    `contract` (a Contract, a contract folder, or one of crawled specs) stands before `version`. `data` is a file that
    keeps the state; without one it is in memory, and `devices` and `seed` make the first state. `users` maps names to
    passwords or Accounts, `api_keys` ids to secrets or Accounts; with neither, any credentials will do. `throttle` is a
    list of (requests, seconds), `concurrent` how many requests may be answered at once. `clock` gives the time, real
    time by default. `trigram` keeps an index for `contains`. `kept_requests` is how many requests the log keeps.
    `push_port` is where TCP monitors can be connected to, on loopback (0: a free port); HTTP monitors push to loopback,
    and to `push_hosts`.

    As a context manager it is started: `url` is then an address for clients, in this process without `port`, over HTTP
    on loopback with one (0: a free one). `requests` holds the last requests, `faults` what goes wrong on demand,
    `devices` the fleet.

    Raises ContractError or StoreError (both ValueErrors) for a version, contract or data file that cannot be used, and
    OSError for a push port in use.
    """

    def __init__(
        self,
        version: str = "22.7",
        *,
        contract: Contract | str | FilePath | None = None,
        devices: int = 100,
        seed: int = 0,
        data: str | FilePath | None = None,
        users: Mapping[str, str | Account] | None = None,
        api_keys: Mapping[str, str | Account] | None = None,
        throttle: Iterable[tuple[int, float]] | None = None,
        concurrent: int | None = None,
        clock: Clock | None = None,
        trigram: bool = False,
        port: int | None = None,
        push_port: int | None = None,
        push_hosts: Iterable[str] = (),
        kept_requests: int = MOST_REQUESTS,
    ) -> None:
        if not 0 <= devices <= 1_000_000:
            raise ValueError("a fleet has 0 to 1,000,000 devices")
        if contract is None:
            contract = contracts.builtin(version)
        self.contract: Contract = contract if isinstance(contract, Contract) else contracts.load(contract)
        self.clock = clock or Clock()
        self.requests = Requests(kept_requests)
        self.faults = Faults(seed)
        self._accounts = Accounts(users, api_keys)
        self._throttle = Throttle(throttle or (), concurrent, self.clock)
        self._port = port
        self._push_hosts = tuple(push_hosts)
        self._pushes: Pushes | None = None
        self._started: Running | None = None
        self._shared = ""
        self._closed = False
        self._lived = 0
        first_users = tuple((name, account.role) for name, account in self._accounts.users.items()) or (User("sim"),)
        if data is None and devices <= _COPIED:
            at = _minute(self.clock())
            self._store = Store.of(_image(self.contract, devices, seed, first_users, at, trigram))
        else:
            self._store = Store(data, trigram=trigram)
        try:
            # Of a state that goes on, what was its seed stays it.
            seed = int(self._store.remembered("seed", str(seed)))
            self._world = _world(self.contract, self._store, self.clock, seed)
            if self._store.new:
                _fill(self._world, devices, first_users)
            self._world.observers.extend(behaviours.observers())
            commands.resume(self._world)
            self._world.open_pushes = self._open_pushes
            if push_port is not None:
                self._open_pushes().listen(push_port)
            monitors.resume(self._world)
            self._life = Life(self._world)
            self._going_on = tuple(behaviours.catchers_up())
        except BaseException:
            self._close_pushes()
            self._store.close()
            raise

    @property
    def push_port(self) -> int:
        """The port to which clients of TCP monitors connect. Raises RuntimeError where there is none."""
        port = None if self._pushes is None else self._pushes.port
        if port is None:
            raise RuntimeError("this simulator has no push port: give it one, Simulator(push_port=0)")
        return port

    @property
    def url(self) -> str:
        """The address for clients. Raises RuntimeError before the simulator is started."""
        if self._started is not None:
            return self._started.url
        if not self._shared:
            raise RuntimeError("the simulator is not started: use it as a context manager")
        return f"sim:#{self._shared}"

    @property
    def devices(self) -> Devices:
        """The fleet, to look at and to change. Raises LookupError where the contract has no devices."""
        from digirm_simulator.fleet_api import Devices

        return Devices(self._world, self._life, self.tick)

    def __enter__(self) -> Simulator:
        """Start. Raises RuntimeError where that was done before, or it is closed; ServeError for a port in use."""
        if self._closed:
            raise RuntimeError(_CLOSED)
        if self._shared or self._started is not None:
            raise RuntimeError("this simulator is started already")
        try:
            if self._port is None:
                from digirm_simulator import inprocess

                self._shared = inprocess.share(self)
            else:
                from digirm_simulator.server import Running

                self._started = Running(self, self._port)
                self._started.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def handle(self, request: Request) -> Response:
        """Answer one request; safe to call from several threads.

        Raises RuntimeError after `close()`, and faults.Dropped (a ConnectionError) where a fault drops the connection.
        """
        if self._closed:
            raise RuntimeError(_CLOSED)
        slot: Slot | None = None
        raw_path, status = "", 0
        try:
            try:
                raw_path, query = _target(request.url)
                reply = self.faults.before(request)
                if reply is None:
                    user = self._accounts.check(request.headers)
                    slot = self._throttle.enter()
                    reply = self._answer(request, raw_path, query, user)
            except Problem as problem:
                reply = error_reply(problem, self._headers(problem, raw_path))
            status = reply.status
            reply = self.faults.after(request, finished(request, reply))
            return reply if slot is None else freeing(reply, slot)
        except BaseException as error:
            if slot is not None:
                slot.leave()
            if not isinstance(error, Exception) or isinstance(error, Dropped):
                raise
            if self._closed:
                raise RuntimeError(_CLOSED) from None
            _LOG.exception("%s %s failed", request.method, raw_path)
            status = 500
            return error_reply(Problem(status, "The simulator failed; its log says why"))
        finally:
            self.requests.add(request, raw_path, status)

    def tick(self) -> None:
        """Let the fleet live up to now; each request does so too."""
        if not self._closed:
            self._catch_up(self.clock())

    def is_behind(self) -> bool:
        """Whether before the next request the fleet has to live through more than a moment, or a command to be done.

        That may take long, and the script of a device may ask this simulator itself.
        """
        present = milliseconds(self.clock())
        return present - self._lived > _BEHIND or present + _BEHIND >= self._world.commands_due

    def put(self, path: str, document: Mapping[str, object]) -> None:
        """Store an object as it is into the inventory at `path`, over one with the same key: for tests and demos.

        Raises ValueError for a path that is no stored inventory, and for what JSON cannot hold.
        """
        if path not in self._world.resources:
            raise ValueError(f"{path} holds no stored objects")
        check_storable(document)
        collection = self._world.resources[path].collection
        with self._store.transaction():
            if collection.get(str(document[collection.key])) is None:
                collection.insert([document])
            else:
                collection.replace(document)

    def close(self) -> None:
        """Stop serving and give back the database; a second time does nothing."""
        if self._closed:
            return
        if self._started is not None:
            self._started.stop()
        if self._shared:
            from digirm_simulator import inprocess

            inprocess.unshare(self._shared)
        self._closed = True
        self._close_pushes()
        self._store.close()

    def _open_pushes(self) -> Pushes:
        if self._pushes is None:
            from digirm_simulator.push import Pushes

            self._pushes = self._world.pushes = Pushes(self._world, self._accounts, self._push_hosts)
        return self._pushes

    def _close_pushes(self) -> None:
        if self._pushes is not None:
            self._pushes.close()

    def _answer(self, request: Request, raw_path: str, query: str, user: User) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        if raw_path == self.contract.base_path:
            if method != "GET":
                raise Problem(405, f"{request.method} is not allowed here")
            return json_reply(self.contract.root_document())
        try:
            match = self.contract.router.match(raw_path)
            params = Params.read(query)
        except ValueError:
            raise Problem(400, "The address is not encoded as UTF-8, or has too many parameters") from None
        if match is None:
            return self._answer_other(request, raw_path, params, user)
        if method not in match.path.requests:
            raise Problem(405, f"{request.method} is not allowed on {match.path.template}")
        if method not in _READS and not user.may_write:
            raise Problem(403, f"The role {user.role} does not allow {method}")
        return self._behave(method, match, params, request.read(), raw_path, user)

    def _answer_other(self, request: Request, raw_path: str, params: Params, user: User) -> Response:
        """What lies beside v1: `/ws/sci` and the legacy objects."""
        from digirm_simulator import other

        if not raw_path.startswith(other.BASE) or raw_path.startswith(f"{self.contract.base_path}/"):
            raise Problem(404, f"There is no {raw_path}")
        now = self.clock()
        self._catch_up(now)
        return other.answer(other.read(self._world, request, raw_path, params, now, user))

    def _behave(self, method: str, match: Match, params: Params, body: bytes, raw_path: str, user: User) -> Response:
        path, args = match
        now = self.clock()
        self._catch_up(now)
        behave = behaviours.behaviours()[self.contract.does[path.template, method]]
        call = Call(self._world, path.requests[method], path, args, params, body, raw_path, now, user)
        if method in _READS:
            reply = behave(call)
            if not isinstance(reply.body, bytes):
                reply.body = self._while_open(reply.body)
            return reply
        with self._store.transaction():
            return behave(call)

    def _while_open(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        try:
            yield from chunks
        except Exception:
            if self._closed:
                raise RuntimeError(_CLOSED) from None
            raise

    def _catch_up(self, now: datetime) -> None:
        present = milliseconds(now)
        self._life.catch_up(now)
        if present >= self._world.due:
            with self._store.lock:
                self._world.due = min(catch_up(self._world, now) for catch_up in self._going_on)
        if present >= self._world.commands_due:
            from digirm_simulator.sci import jobs

            jobs.run_due(self._world, now)
        self._lived = max(self._lived, present)

    def _headers(self, problem: Problem, raw_path: str) -> dict[str, str]:
        if problem.status == 401:
            return {"www-authenticate": 'Basic realm="Remote Manager simulator"'}
        if problem.status == 405:
            match = self.contract.router.match(raw_path)
            return {"allow": ", ".join(match.path.requests if match else ("GET",))}
        return {}


@lru_cache(maxsize=8)
def _image(
    contract: Contract, devices: int, seed: int, users: tuple[tuple[str, str], ...], at: datetime, trigram: bool
) -> Image:
    """The first state, which the simulators of one minute begin with a copy of."""
    store = Store(trigram=trigram)
    try:
        _fill(_world(contract, store, Clock(at, speed=0), seed), devices, users)
        return store.image()
    finally:
        store.close()


def _minute(moment: datetime) -> datetime:
    return moment - timedelta(seconds=moment.second, microseconds=moment.microsecond)


def _world(contract: Contract, store: Store, clock: Clock, seed: int) -> World:
    world = World(contract, store, contract, clock, seed)
    for name, columns in behaviours.tables().items():
        store.private(name, columns)
    attach(world, behaviours.resource_classes())
    return world


def _fill(world: World, devices: int, users: Iterable[tuple[str, str]]) -> None:
    """Make the first state."""
    with world.store.transaction():
        if found := world.resource("/devices/inventory"):
            found.collection.insert(fleet_of(devices, world.seed, world.now()))
        if found := world.resource("/users/inventory"):
            found.collection.insert(
                {"customer_id": CUSTOMER_ID, "role": role, "username": name} for name, role in users
            )
        for seed in behaviours.seeds():
            seed(world)
    world.store.finish()


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
