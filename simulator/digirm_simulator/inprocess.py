"""The simulator behind `sim:` URLs, found through the entry-point group `digirm.transports`."""

from __future__ import annotations

import threading
from itertools import count
from urllib.parse import parse_qsl

from digirm_runtime.wire import Handler, Request, Response
from digirm_simulator.app import Simulator
from digirm_simulator.contract_files import versions

_SHARED: dict[str, _Entry] = {}
_LOCK = threading.Lock()
_NUMBERS = count(1)
_STARTED = "started-"


def open_url(url: str) -> Handler:
    """The handler for `sim:`, `sim:22.7`, `sim:22.7?devices=5000&seed=7` or `sim:#name`.

    Each call makes a simulator of its own; with a name, one is shared in the process until its last user closes it.
    Raises ValueError, saying what is wrong, for a URL that means none of this.
    """
    version, options, name = parsed(url)
    rest = url.removeprefix("sim:").partition("#")[0]
    if not name:
        return _make(version, options)
    with _LOCK:
        entry = _SHARED.get(name)
        if entry is None and name.startswith(_STARTED):
            raise ValueError(f"{url!r}: that simulator is closed")
        if entry is None:
            entry = _SHARED[name] = _Entry(_make(version, options), rest)
        elif rest and rest != entry.made_by:
            raise ValueError(f"{url!r}: #{name} exists already, made by {'sim:' + entry.made_by!r}")
        entry.users += 1
    return _Shared(name, entry)


def parsed(url: str) -> tuple[str, dict[str, int], str]:
    """API version, options and name of a sim: URL, each empty where it has none. Raises ValueError as `open_url`."""
    scheme, colon, rest = url.partition(":")
    if scheme != "sim" or not colon:
        raise ValueError(f"{url!r} is not a sim: URL")
    rest, _, name = rest.partition("#")
    version, _, query = rest.partition("?")
    if version and version not in versions():
        raise ValueError(f"{url!r}: there is no API version {version!r}; there is: {', '.join(versions())}")
    return version, _options(url, query), name


def share(simulator: Simulator) -> str:
    """Give a simulator a name by which `sim:#name` finds it until `unshare`; clients that close leave it running."""
    with _LOCK:
        name = f"{_STARTED}{next(_NUMBERS)}"
        entry = _SHARED[name] = _Entry(simulator, "")
        entry.users = 1
    return name


def unshare(name: str) -> None:
    """Take the name away; clients that are still open find their simulator closed."""
    with _LOCK:
        _SHARED.pop(name, None)


def _options(url: str, query: str) -> dict[str, int]:
    options: dict[str, int] = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        if key not in ("devices", "seed") or key in options:
            raise ValueError(f"{url!r}: {key!r} is no option, or is given twice; there are devices and seed")
        if not (value.isascii() and value.isdigit() and len(value) <= 9):
            raise ValueError(f"{url!r}: {key} must be a whole number")
        options[key] = int(value)
    return options


def _make(version: str, options: dict[str, int]) -> Simulator:
    # Named one by one, so that the defaults stay in one place.
    return Simulator(version, **options) if version else Simulator(**options)  # type: ignore[arg-type]


class _Entry:
    """A shared simulator and how many use it."""

    def __init__(self, simulator: Simulator, made_by: str) -> None:
        self.simulator = simulator
        self.made_by = made_by
        self.users = 0


class _Shared:
    """One user's view of a shared simulator."""

    def __init__(self, name: str, entry: _Entry) -> None:
        self._name = name
        self._entry = entry
        self._closed = False

    def handle(self, request: Request) -> Response:
        """Answer one request. Raises RuntimeError after `close()`."""
        if self._closed:
            raise RuntimeError("this simulator is closed")
        return self._entry.simulator.handle(request)

    def close(self) -> None:
        """Leave; the last one closes the simulator. A second time does nothing."""
        with _LOCK:
            if self._closed:
                return
            self._closed = True
            self._entry.users -= 1
            if self._entry.users or _SHARED.pop(self._name, None) is None:
                return
        self._entry.simulator.close()
