"""`digirm explore`: a browser page to browse, try and check the API, and to take calls away from."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from digirm_cli.common import FINE, fail, named, warn

if TYPE_CHECKING:
    from pathlib import Path

    from digirm_explorer.embedded import Embedded


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "explore",
        help="browse and try the API in a browser",
        description="Serve a page on loopback to browse the API, compose and check requests, send them, and take them "
        "away as programs, until Ctrl-C. Without a URL it starts a simulator to try everything on. The link that lets "
        "a browser in goes to standard output; it works once, and the next one goes to standard error.",
        epilog="Exit codes: 0 ended by a signal, 2 it could not run.",
    )
    parser.add_argument(
        "url",
        nargs="?",
        metavar="URL",
        help="the service, which is only read until writes are allowed in the page, or a sim: URL (default: a "
        "simulator of its own)",
    )
    parser.add_argument("--specs", type=named, metavar="DIR", help="know the API by this spec (default: the client's)")
    parser.add_argument("--port", type=_port, default=8765, help="port; 0 takes a free one (default 8765)")
    kept = parser.add_mutually_exclusive_group()
    kept.add_argument("--history", type=named, metavar="FILE", help="keep the history here (default: the user's state)")
    kept.add_argument("--no-history", action="store_true", help="keep the history in memory only")
    parser.add_argument(
        "--devices", type=_devices, metavar="N", help="size of the simulator's fleet, where there is no URL (100)"
    )
    parser.add_argument("--open", action="store_true", help="open the link in the browser as well")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the subcommand."""
    try:
        from digirm_explorer import page
        from digirm_explorer.running import Running, StartError, bind, logged
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] not in (
            "digirm_explorer",
            "starlette",
            "anyio",
            "uvicorn",
            "h11",
            "click",
        ):
            raise
        return fail("explore needs more packages: pip install 'digirm[explorer]'")
    from digirm_explorer.history import HistoryError
    from digirm_runtime.errors import SpecError

    if problem := page.missing() or _wrong(args):
        return fail(problem)
    try:
        bound = bind(args.port)
    except StartError as error:
        return fail(str(error))
    try:
        running = Running(
            bound,
            url=None if _simulated(args.url) else args.url,
            embedded=_embedded(args),
            specs=args.specs,
            history=_history(args),
            announce=lambda link: warn(f"another browser is let in by {link}"),
        )
    except HistoryError as error:
        bound.close()
        return fail(f"{error}; --history FILE keeps it elsewhere, --no-history in memory")
    except SpecError as error:
        bound.close()
        return fail(str(error))

    def ready() -> None:
        print(f"Open {running.access.link}", flush=True)
        if args.open:
            import threading
            import webbrowser

            # In a thread: a browser of the terminal keeps whoever opens it waiting, and the page would wait with it.
            threading.Thread(target=webbrowser.open, args=(running.access.link,), daemon=True).start()

    with logged(warn):
        running.run(ready)
    return FINE


def _wrong(args: argparse.Namespace) -> str | None:
    """What is wrong with the arguments, as far as it is to be seen without reading a spec."""
    url: str | None = args.url
    if url is not None and args.devices is not None:
        return "--devices is for the simulator that is started where there is no URL; write sim:?devices=N"
    if url is None:
        return None
    if _simulated(url):
        from digirm_simulator.inprocess import parsed

        try:
            parsed(url)
        except ValueError as error:
            return str(error)
        return None
    if not url.strip():
        # An unset variable in a script must not mean another service.
        return "the URL is empty; leave it out for a simulator"
    if not url.lower().startswith(("http://", "https://")):
        return f"{url!r} does not begin with http:// or https://, and is no sim: URL"
    from digirm_runtime.client import AsyncClient
    from digirm_runtime.errors import RemoteManagerError

    try:
        AsyncClient(url, auth=("nobody", "nobody"), throttle=None)
    except (RemoteManagerError, ValueError) as error:
        return str(error)
    return None


def _simulated(url: str | None) -> bool:
    return url is not None and url.lower().startswith("sim:")


def _embedded(args: argparse.Namespace) -> Embedded | None:
    if args.url is not None and not _simulated(args.url):
        return None
    from digirm_explorer.embedded import Embedded

    return Embedded(args.url, args.specs, args.devices)


def _history(args: argparse.Namespace) -> Path | None:
    if args.no_history:
        return None
    from pathlib import Path

    from digirm_explorer.history import default_file

    return Path(args.history) if args.history is not None else default_file()


def _port(text: str) -> int:
    value = int(text)
    if not 0 <= value <= 65535:
        raise argparse.ArgumentTypeError("must be from 0 to 65535")
    return value


def _devices(text: str) -> int:
    value = int(text)
    if not 0 <= value <= 1_000_000:
        raise argparse.ArgumentTypeError("must be from 0 to 1000000")
    return value
