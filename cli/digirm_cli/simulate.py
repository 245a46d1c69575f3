"""`digirm simulate`: serve a local Remote Manager on loopback."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from digirm_cli.common import FINE, fail


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "simulate",
        help="serve a local Remote Manager on loopback",
        description="Serve a local Remote Manager with a synthetic fleet on loopback, until Ctrl-C. Its address goes "
        "to standard output once it is ready, one line per request to standard error.",
        epilog="Exit codes: 0 ended by a signal, 2 it could not run.",
    )
    parser.add_argument("--port", type=_number(0, 65535), default=8080, help="port; 0 takes a free one (default 8080)")
    parser.add_argument("--api-version", metavar="V", help="API version (default: the newest that there is)")
    parser.add_argument("--contract", metavar="DIR", help="a contract folder instead of a built-in version")
    parser.add_argument(
        "--devices", type=_number(0, 1_000_000), default=100, metavar="N", help="size of the fleet (100)"
    )
    parser.add_argument("--seed", type=_number(0, 2**31), default=0, metavar="S", help="which fleet (default 0)")
    parser.add_argument("--data", metavar="FILE", help="keep the state in FILE instead of in memory")
    parser.add_argument("--user", type=_pair, action="append", metavar="U:P", help="accept this user and password")
    parser.add_argument("--api-key", type=_pair, action="append", metavar="ID:SECRET", help="accept this API key")
    parser.add_argument(
        "--throttle", type=_window, action="append", metavar="N/SECONDS", help="answer 429 beyond N requests in SECONDS"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the subcommand."""
    try:
        from digirm_simulator.server import ServeError, serve
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] not in ("digirm_simulator", "starlette", "uvicorn", "anyio", "h11"):
            raise
        return fail("simulate needs more packages: pip install 'digirm[simulator]'")
    from digirm_simulator import Simulator
    from digirm_simulator.contract import versions

    try:
        simulator = Simulator(
            args.api_version or max(versions(), key=_version),
            contract=args.contract,
            devices=args.devices,
            seed=args.seed,
            data=args.data,
            users=dict(args.user or ()),
            api_keys=dict(args.api_key or ()),
            throttle=args.throttle,
        )
    except ValueError as error:
        return fail(str(error))
    try:
        serve(simulator, port=args.port)
    except ServeError as error:
        return fail(str(error))
    finally:
        simulator.close()
    return FINE


def _version(text: str) -> list[int]:
    return [int(part) if part.isdigit() else 0 for part in text.split(".")]


def _number(least: int, most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        value = int(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"must be from {least} to {most}")
        return value

    return number


def _pair(text: str) -> tuple[str, str]:
    name, colon, secret = text.partition(":")
    if not name or not colon or not secret:
        # The text holds a secret: it stays out of the message.
        raise argparse.ArgumentTypeError("must be a name and a secret with ':' between them")
    return name, secret


def _window(text: str) -> tuple[int, float]:
    count, _, seconds = text.partition("/")
    try:
        window = int(count), float(seconds)
    except ValueError:
        window = 0, 0.0
    if window[0] < 1 or not 0 < window[1] < float("inf"):
        raise argparse.ArgumentTypeError("must be N/SECONDS, as in 240/60")
    return window
