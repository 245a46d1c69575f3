"""Three minutes at the limit of the throttle: does the simulator's memory stay flat, and does nothing fail?

python -m benchmarks.soak [--seconds 180]; 0: met, 1: missed.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from math import ceil
from pathlib import Path
from typing import NamedTuple

from digirm import APIError, Client, Options, RemoteManagerError, Throttled

WINDOWS = ((240, 60), (40, 10))
CONCURRENT = 4
DEVICES = 2000
#: Clients that know of no limits, so that those are always reached; each waits so many seconds after a refusal.
CLIENTS, PAUSE = 8, 0.1
#: Megabytes that the server may grow by after the first part of the run, in which caches fill.
GROWTH, WARM_UP = 20.0, 0.25
QUERY = "connection_status = 'connected' and last_update > -1d"


class Server(NamedTuple):
    """A simulator in a process of its own."""

    url: str
    pid: int

    def memory(self) -> float:
        """Megabytes that the process holds."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextmanager
def server() -> Iterator[Server]:
    """The simulator over HTTP, with its limits."""
    limits = [word for requests, seconds in WINDOWS for word in ("--throttle", f"{requests}/{seconds}")]
    command = [sys.executable, "-m", "digirm_cli.main", "simulate", "--port", "0", "--devices", str(DEVICES)]
    command += [*limits, "--concurrent", str(CONCURRENT)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
        try:
            assert child.stdout is not None
            found = re.match(r"Serving (\S+)", child.stdout.readline())
            assert found, "the simulator did not start"
            yield Server(found[1], child.pid)
            assert child.poll() is None, "the simulator ended by itself"
        finally:
            child.terminate()


class Load:
    """What the clients do, and what they got; statuses by how often, 0 for no answer at all."""

    def __init__(self, url: str, until: float) -> None:
        self.url = url
        self.until = until
        self.statuses: Counter[int] = Counter()
        self._lock = threading.Lock()

    def run(self) -> Iterator[None]:
        """Start all clients, give back control until they have ended."""
        threads = [threading.Thread(target=self._calls, args=(number,)) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            yield
            time.sleep(1.0)

    def _calls(self, client: int) -> None:
        with Client(self.url, auth=("soak", "soak"), throttle=None) as rm:
            for number in count(client):
                if time.monotonic() >= self.until:
                    return
                options = Options(retries=0, timeout=30)
                try:
                    self._call(rm, number, f"soak-{client}-{number // 6}", options)
                    status = 200
                except Throttled:
                    status = 429
                    time.sleep(PAUSE)
                except APIError as error:
                    status = error.status
                except RemoteManagerError:
                    status = 0
                with self._lock:
                    self.statuses[status] += 1

    @staticmethod
    def _call(rm: Client, number: int, name: str, options: Options) -> None:
        calls = (
            lambda: rm.request("GET", "/ws/v1/devices/inventory", params={"query": QUERY}, options=options),
            lambda: rm.request("GET", "/ws/v1/devices/bulk", params={"fields": "id,name"}, options=options),
            lambda: rm.request("GET", "/ws/v1/events/inventory", params={"size": "1000"}, options=options),
            lambda: rm.request("POST", "/ws/v1/streams/inventory", body={"id": name}, options=options),
            lambda: rm.request("DELETE", f"/ws/v1/streams/inventory/{name}", options=options),
            lambda: rm.request("GET", "/ws/v1/streams/inventory", params={"query": f"id = '{name}'"}, options=options),
        )
        calls[number % len(calls)]()


def main() -> int:
    """Run, print the figures, and say whether they are good."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=180.0)
    seconds: float = parser.parse_args().seconds
    with server() as found:
        started = time.monotonic()
        load = Load(found.url, started + seconds)
        memory = [(time.monotonic() - started, found.memory()) for _ in load.run()]
    warm = [megabytes for at, megabytes in memory if at >= seconds * WARM_UP]
    growth = max(warm) - warm[0]
    failed = sum(number for status, number in load.statuses.items() if status == 0 or status >= 500)
    print(f"{seconds:g} s, {CLIENTS} clients, {DEVICES} devices, limits {WINDOWS}, {CONCURRENT} at once")
    print("answers: " + ", ".join(f"{status}: {number}" for status, number in sorted(load.statuses.items())))
    print(
        f"memory: {memory[0][1]:.0f} MB at first, {warm[0]:.1f} MB warm, then at most {growth:+.1f} MB (<= {GROWTH:g})"
    )
    print(f"5xx or no answer: {failed} (0)")
    allowed = min(requests * ceil(seconds / window) for requests, window in WINDOWS)
    answered = load.statuses.total() - load.statuses[429]
    print(f"answered: {answered} of about {allowed} that the limits allow")
    met = growth <= GROWTH and failed == 0
    print("met" if met else "MISSED")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
