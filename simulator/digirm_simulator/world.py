"""What the simulator's behaviours share: the world that they read and change, and the call that they answer."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from digirm_runtime.wire import Response
from digirm_simulator.contract import Contract, Path
from digirm_simulator.contract import Request as Described
from digirm_simulator.replies import Problem

if TYPE_CHECKING:
    from digirm_simulator.access import User
    from digirm_simulator.listing import Parser
    from digirm_simulator.paging import Params
    from digirm_simulator.push import Pushes
    from digirm_simulator.resources import Resource
    from digirm_simulator.sci.scripts import Script
    from digirm_simulator.store import Store

#: Later than every moment in epoch milliseconds.
NEVER = 1 << 62
#: The number of the account whose world this is: the one of the documentation's examples.
CUSTOMER_ID = 7493
COMPANY = "Example Company"
#: Where the older API has the account's own files, those of v1's file set `~`.
HOME = f"/db/CUS{CUSTOMER_ID:07}_{COMPANY.replace(' ', '_')}/"


class Change(NamedTuple):
    """One change of the world.

    `kind` is `create`, `update` or `delete` (of a stored object), or `connect`, `disconnect` or `report` (of a device,
    by the fleet's own life). `name` is the collection below the base path, such as `/devices/inventory`, `key` the
    object's. `by` is the user; None where the fleet did it.
    """

    kind: str
    name: str
    key: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    at: datetime
    by: str | None


class World:
    """The contract, what is stored under it, the time, and those who are told of changes."""

    def __init__(
        self, contract: Contract, store: Store, parser: Parser, clock: Callable[[], datetime], seed: int
    ) -> None:
        self.contract = contract
        self.store = store
        self.parser = parser
        self.seed = seed
        self.resources: dict[str, Resource] = {}
        self.observers: list[Callable[[World, Change], None]] = []
        #: When something that goes on by itself may end next, in epoch milliseconds.
        self.due = 0
        #: When the next task of a device command is to be done, in epoch milliseconds.
        self.commands_due = NEVER
        #: Held by who does such tasks: one at a time, and none from within another.
        self.commanding = threading.Lock()
        #: What devices answer to commands, by device id and the name of the command.
        self.scripts: dict[str, dict[str, Script]] = {}
        #: What sends the events of monitors, from when there is something to send, and what makes it.
        self.pushes: Pushes | None = None
        self.open_pushes: Callable[[], Pushes] | None = None
        #: The monitors that somebody listens to now; changed and read with the store's lock held.
        self.listening: set[int] = set()
        self._clock = clock

    def now(self) -> datetime:
        """The simulated time, aware and in UTC."""
        return self._clock()

    def resource(self, name: str) -> Resource | None:
        """The stored collection `name`, such as `/devices/inventory`; None where the contract has none."""
        return self.resources.get(self.contract.base_path + name)

    def wake(self, moment: int) -> None:
        """Look for what has ended at `moment` (epoch milliseconds) at the latest."""
        self.due = min(self.due, moment)

    def changed(self, change: Change) -> None:
        """Tell all observers of a change, within the transaction that makes it."""
        for observe in self.observers:
            observe(self, change)

    def random(self, *parts: object) -> random.Random:
        """Randomness that is the same for the same seed and `parts`, in every process."""
        # Text seeds are hashed the same way in every process and version.
        return random.Random("/".join(map(str, (self.seed, *parts))))  # noqa: S311


class Call(NamedTuple):
    """One request, read: what the contract says of it, its arguments and parameters, who asks, and when."""

    world: World
    described: Described
    path: Path
    args: Mapping[str, str]
    params: Params
    body: bytes
    raw_path: str
    now: datetime
    user: User

    @property
    def found(self) -> Resource | None:
        """The stored collection that the path is, or whose object it addresses."""
        path = self.world.contract.collection_of(self.path)
        return None if path is None else self.world.resources.get(path.template)

    @property
    def resource(self) -> Resource:
        """As `found`. Raises Problem 404 where there is none."""
        if self.found is None:
            raise Problem(404, f"Nothing is stored at {self.raw_path}")
        return self.found

    @property
    def key(self) -> str:
        """The last argument of the path: the key of the object that it addresses."""
        return list(self.args.values())[-1]


#: What answers a request. Raises Problem for an error answer.
Behaviour: TypeAlias = Callable[[Call], Response]
