"""`digirm simulate`: serve a local Remote Manager on loopback."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from digirm_cli.common import FINE, fail, named, warn

if TYPE_CHECKING:
    from datetime import datetime


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "simulate",
        help="serve a local Remote Manager on loopback",
        description="Serve a local Remote Manager with a synthetic fleet on loopback, until Ctrl-C. Its address goes "
        "to standard output once it is ready, one line per request to standard error.",
        epilog="Exit codes: 0 ended by a signal, 2 it could not run.",
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on; any other than loopback lets others in (127.0.0.1)"
    )
    parser.add_argument("--port", type=_number(0, 65535), default=8080, help="port; 0 takes a free one (default 8080)")
    parser.add_argument(
        "--push-port",
        type=_number(0, 65535),
        metavar="N",
        help="let clients of TCP monitors connect here, on loopback; 0 takes a free port (default: none can)",
    )
    parser.add_argument(
        "--push-host",
        type=named,
        action="append",
        metavar="HOST",
        help="let HTTP monitors push to this host too, and not to loopback only",
    )
    parser.add_argument("--api-version", metavar="V", default="22.7", help="API version (default: 22.7)")
    parser.add_argument(
        "--contract", metavar="DIR", help="a contract folder, or one of crawled specs, instead of a built-in version"
    )
    parser.add_argument(
        "--devices", type=_number(0, 1_000_000), metavar="N", help="size of the fleet, in a new file (100)"
    )
    parser.add_argument("--seed", type=_number(0, 2**31), default=0, metavar="S", help="which fleet (default 0)")
    parser.add_argument("--data", metavar="FILE", help="keep the state in FILE instead of in memory")
    parser.add_argument("--trigram", action="store_true", help="keep an index for 'contains', which costs memory")
    parser.add_argument("--start", type=_time, metavar="TIME", help="the time of the simulated clock at the start")
    parser.add_argument(
        "--speed", type=_speed, default=1.0, metavar="X", help="let its time go by X times as fast; 0 stops it (1)"
    )
    parser.add_argument("--user", type=_pair, action="append", metavar="U:P", help="accept this user and password")
    parser.add_argument(
        "--read-only-user", type=_pair, action="append", metavar="U:P", help="accept this user, who cannot write"
    )
    parser.add_argument("--api-key", type=_pair, action="append", metavar="ID:SECRET", help="accept this API key")
    parser.add_argument(
        "--throttle", type=_window, action="append", metavar="N/SECONDS", help="answer 429 beyond N requests in SECONDS"
    )
    parser.add_argument(
        "--concurrent", type=_number(1, 10_000), metavar="N", help="answer 429 beyond N requests at the same time"
    )
    parser.add_argument(
        "--fault",
        action="append",
        metavar="SPEC",
        help="let requests fail: path=/ws/v1/devices/*,status=504,html,times=2 (see docs/simulator.md)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the subcommand."""
    try:
        from digirm_simulator.server import ServeError, serve
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] not in ("digirm_simulator", "uvicorn", "h11", "click"):
            raise
        return fail("simulate needs more packages: pip install 'digirm[simulator]'")
    from digirm_simulator import Clock, Simulator, faults
    from digirm_simulator.access import READ_ONLY, Account
    from digirm_simulator.push.http import is_loopback

    users: dict[str, str | Account] = dict(args.user or ())
    users |= {name: Account(password, READ_ONLY) for name, password in args.read_only_user or ()}
    wanted = []
    for text in args.fault or ():
        try:
            wanted.append(faults.parse(text))
        except ValueError as error:
            return fail(f"--fault {text}: {error}")
    kept = args.devices is not None and args.data is not None and _holds(args.data)
    try:
        simulator = Simulator(
            args.api_version,
            contract=args.contract,
            devices=100 if args.devices is None else args.devices,
            seed=args.seed,
            data=args.data,
            users=users,
            api_keys=dict(args.api_key or ()),
            throttle=args.throttle,
            concurrent=args.concurrent,
            clock=Clock(args.start, speed=args.speed),
            trigram=args.trigram,
            push_port=args.push_port,
            push_hosts=args.push_host or (),
            # Nobody can look at them from outside.
            kept_requests=0,
        )
    except (OSError, ValueError) as error:
        return fail(str(error))
    for fault in wanted:
        simulator.faults.add(fault)
    if kept:
        warn(f"the fleet comes from {args.data}: --devices counts for a new file only")
    if args.push_port is not None:
        warn(f"TCP monitors push on 127.0.0.1 port {simulator.push_port}")
    if not is_loopback(args.host):
        warn(f"serving on {args.host}: whoever reaches this machine can use it")
    try:
        serve(simulator, args.host, args.port)
    except ServeError as error:
        return fail(str(error))
    finally:
        simulator.close()
    return FINE


def _holds(file: str) -> bool:
    """Whether there is something in a file."""
    from pathlib import Path

    try:
        return Path(file).stat().st_size > 0
    except (OSError, ValueError):
        return False


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


def _time(text: str) -> datetime:
    from digirm_runtime.text import parse_time

    try:
        return parse_time(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = -1.0
    if not 0 <= speed < float("inf"):
        raise argparse.ArgumentTypeError("must be a number from 0 on")
    return speed
