"""What one small call costs, and what a client costs to make."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version

import httpx

from benchmarks.harness import Row, paired, timed
from benchmarks.server import AUTH, INVENTORY, Settings, serve
from digirm import Client, Throttle

#: Calls, and clients, in one measurement.
CALLS = 200
CLIENTS = 10
DEVICE = "00000000-00000000-0040FFFF-FF10A300"
PARAMS: dict[str, str | int] = {"size": 1, "orderby": "name asc"}
#: Never reached, but about as many calls fall into its windows as may fall into those of an account.
THROTTLE = Throttle((2400, 0.06), (400, 0.01), concurrent=4)
PEER = f"httpx {version('httpx')}"


def rows(rounds: int) -> list[Row]:
    """Calls with flow and limiter, and clients, against httpx without any of it."""
    with serve(Settings(pages=1)) as url:
        return [*_calls(url, 3 * rounds), *_clients(url, rounds)]


def _calls(url: str, rounds: int) -> Iterator[Row]:
    path = f"{INVENTORY}/{DEVICE}"
    with Client(url, auth=AUTH, throttle=THROTTLE) as rm, httpx.Client(auth=AUTH) as peer:
        device = peer.get(url + path).json()
        assert rm.devices.inventory.get(DEVICE) == rm.request("GET", path, params=PARAMS) == device
        ours = timed(lambda: rm.devices.inventory.get(DEVICE), CALLS)
        theirs = timed(lambda: peer.get(url + path).json(), CALLS)
        what = "a small GET, `rm.devices.inventory.get(id)`"
        yield Row(what, f"`client.get(url).json()`, {PEER}", paired(ours, theirs, rounds), 0.9)
        ours = timed(lambda: rm.request("GET", path, params=PARAMS), CALLS)
        theirs = timed(lambda: peer.get(url + path, params=PARAMS).json(), CALLS)
        what = 'a small GET, `rm.request("GET", path, params=...)`'
        yield Row(what, f"`client.get(url, params=...).json()`, {PEER}", paired(ours, theirs, rounds), 0.9)


def _clients(url: str, rounds: int) -> Iterator[Row]:
    def ours() -> None:
        with Client(url, auth=AUTH, throttle=THROTTLE) as rm:
            rm.devices.inventory.get(DEVICE)

    def theirs() -> None:
        with httpx.Client(auth=AUTH) as client:
            client.get(f"{url}{INVENTORY}/{DEVICE}").json()

    # Another account: the limits of these clients would hold for the calls below.
    made = timed(lambda: Client(url, auth=("other", "other")), CLIENTS)
    pairs = paired(made, timed(httpx.Client, CLIENTS), rounds)
    yield Row("make a second `digirm.Client()`", f"make an `httpx.Client()`, {PEER}", pairs, 0.05)
    pairs = paired(timed(ours, CLIENTS), timed(theirs, CLIENTS), rounds)
    yield Row("make a second client, make its first call, close it", f"the same with {PEER}", pairs)
