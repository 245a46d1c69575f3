"""`digirm sci`: commands to devices, their files, and the jobs that go on without this program."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from digirm_cli.common import FINDINGS, FINE, PARTIAL, URL_HELP, fail, named, plain, stdin, unread, warn
from digirm_runtime.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from digirm_runtime.client import Client
    from digirm_runtime.sci import DeviceFile, Result
    from digirm_runtime.sci.payload import Payload
    from digirm_runtime.sci.request import Attributes
    from digirm_runtime.sci.targets import Target
    from digirm_runtime.xmltext import Value

TARGET_HELP = "a device (its id, MAC or IMEI), tag:NAME, group:PATH, or all"
#: What takes devices away from their work: for more than named devices it must be meant.
_GRAVE = ("reboot", "disconnect", "update_firmware")


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "sci",
        help="commands to devices: their time, command line, files, reboot",
        description="Send commands to devices. What they answer goes to standard output, their errors to standard "
        "error, a line for each device.",
        epilog="Exit codes: 0 fine, 1 a device or the service refused, 2 it could not run, 3 a job is not complete.",
    )
    commands = parser.add_subparsers(metavar="WHAT", required=True)

    get_time = _command(commands, "get-time", "the time of devices", _get_time)
    get_time.add_argument("targets", nargs="+", type=named, metavar="TARGET", help=TARGET_HELP)
    _sending(get_time)

    cli = _command(commands, "cli", "run a command line on devices", _cli)
    cli.add_argument("targets", nargs=1, type=named, metavar="TARGET", help=TARGET_HELP)
    cli.add_argument("line", type=named, metavar="COMMAND", help='what to run, in quotes: "show system"')
    _sending(cli)

    reboot = _command(commands, "reboot", "reboot devices", _reboot)
    reboot.add_argument("targets", nargs="+", type=named, metavar="TARGET", help=TARGET_HELP)
    _sending(reboot)

    request = _command(commands, "request", "any operation with any payload", _request)
    request.add_argument("targets", nargs="+", type=named, metavar="TARGET", help=TARGET_HELP)
    request.add_argument("--operation", required=True, type=named, metavar="NAME", help="such as send_message")
    request.add_argument("--payload", metavar="FILE", help="the XML inside the operation; - is standard input")
    _sending(request)

    files = commands.add_parser("file", help="files on a device").add_subparsers(metavar="WHAT", required=True)
    for name, what, run in (
        ("ls", "list a folder", _ls),
        ("get", "save a file of the device", _get),
        ("put", "write a file to the device", _put),
        ("rm", "delete a file on the device", _rm),
    ):
        file = _command(files, name, what, run)
        file.add_argument("device", type=named, metavar="DEVICE", help="its id, MAC or IMEI")
        file.add_argument("path", type=named, metavar="PATH", help="on the device")
        if name == "get":
            file.add_argument("local", nargs="?", type=named, metavar="LOCAL", help="default: its name; - prints it")
        if name == "put":
            file.add_argument("local", type=named, metavar="LOCAL", help="the file to send; - is standard input")

    jobs = _command(commands, "jobs", "the jobs of the account", _jobs)
    jobs.add_argument("--limit", type=_count, metavar="N", help="no more than N")

    job = _command(commands, "job", "the results of a job", _job)
    job.add_argument("id", type=_count, metavar="ID", help="its number")
    job.add_argument("--wait", action="store_true", help="until it is complete")
    job.add_argument("--timeout", type=_count, metavar="SECONDS", help="wait, but no longer")
    job.add_argument("--delete", action="store_true", help="delete it when its results are printed")


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    what: str,
    run: Callable[[argparse.Namespace, Client], int],
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=what, description=f"{what[0].upper()}{what[1:]}.")
    parser.add_argument("--url", metavar="URL", help=URL_HELP)
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default: text; json: a line each")
    parser.set_defaults(run=lambda args: _connected(args, run))
    return parser


def _sending(parser: argparse.ArgumentParser) -> None:
    """The arguments of commands that can be jobs."""
    parser.add_argument("--async", dest="job", action="store_true", help="begin a job, and print its number")
    parser.add_argument("--sync-timeout", type=_count, metavar="SECONDS", help="how long the service waits for devices")
    parser.add_argument("--cache", choices=("true", "false", "only"), help="may, or must, the service answer itself")
    parser.add_argument("--allow-offline", action="store_true", default=None, help="devices may answer later")
    parser.add_argument("--wait-for-reconnect", action="store_true", default=None, help="it ends when they are back")
    parser.add_argument("--yes", action="store_true", help="reboot and the like: reach more than named devices")


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 0 < int(text[:20]) < 10**19):
        raise argparse.ArgumentTypeError("takes a whole number from 1 on")
    return int(text)


def _connected(args: argparse.Namespace, run: Callable[[argparse.Namespace, Client], int]) -> int:
    """Run a subcommand with a client. What is wrong with its arguments, and local files, ends in a message and a 2."""
    from digirm import Client
    from digirm_runtime.errors import BadRequest, NotFound
    from digirm_runtime.sci import JobTimeoutError, SCIError

    try:
        client = Client(args.url)
    except ValueError as error:
        return fail(f"{args.url or 'DIGIRM_URL'}: {error}")
    with client:
        try:
            return run(args, client)
        except SCIError as error:
            _complain(str(error))
            return FINDINGS
        except (BadRequest, NotFound) as error:
            warn(" ".join(str(error).split()))
            return FINDINGS
        except JobTimeoutError as error:
            warn(str(error))
            return PARTIAL
        except ValueError as error:
            return fail(str(error))


def _targets(args: argparse.Namespace) -> list[Target]:
    """The targets that are named. Raises ValueError."""
    from digirm_runtime.sci import ALL, Group, Tag

    found: list[Target] = []
    for text in args.targets:
        kind, _, name = text.partition(":")
        if text == "all":
            found.append(ALL)
        elif kind in ("tag", "group"):
            found.append(Tag(name) if kind == "tag" else Group(name))
        else:
            found.append(text)
    return found


def _get_time(args: argparse.Namespace, client: Client) -> int:
    from digirm_runtime.sci.request import device_request

    return _send(args, client, "data_service", device_request("get_time"))


def _cli(args: argparse.Namespace, client: Client) -> int:
    from digirm_runtime.sci.request import cli_request

    return _send(args, client, "cli", cli_request(args.line))


def _reboot(args: argparse.Namespace, client: Client) -> int:
    return _send(args, client, "reboot", None)


def _request(args: argparse.Namespace, client: Client) -> int:
    payload = None
    if args.payload is not None:
        try:
            payload = stdin().read() if args.payload == "-" else Path(args.payload).read_bytes()
        except OSError as error:
            return fail(unread(args.payload, error))
    return _send(args, client, args.operation, payload)


def _send(args: argparse.Namespace, client: Client, operation: str, payload: Payload) -> int:
    """Send a command, and print what became of it."""
    from digirm_runtime.sci import SCIError

    targets = _targets(args)
    if operation in _GRAVE and not args.yes and not all(isinstance(target, str) for target in targets):
        return fail(f"{operation} of {' '.join(args.targets)} reaches devices that are not named: say --yes")
    attributes: Attributes = {
        "sync_timeout": args.sync_timeout,
        "cache": {"true": True, "false": False, "only": "only"}.get(args.cache),  # type: ignore[typeddict-item]
        "allow_offline": args.allow_offline,
        "wait_for_reconnect": args.wait_for_reconnect,
    }
    if args.job:
        print(client.sci.start(operation, targets, payload, **attributes).id)
        return FINE
    show = _Show(args.format, bare=len(targets) == 1 and isinstance(targets[0], str))
    try:
        return show.all(client.sci.stream(operation, targets, payload, **attributes))
    except SCIError as error:
        warn(str(error))
        return FINDINGS


class _Show:
    """Prints results one by one. `bare` leaves out whose they are: that of one device that was named is known."""

    def __init__(self, format: str, *, bare: bool = False) -> None:
        self._json = format == "json"
        self._bare = bare

    def all(self, results: Iterable[Result]) -> int:
        """The exit code: whether all devices have answered."""
        code = FINE
        for result in results:
            self.one(result)
            if result.error is not None:
                code = FINDINGS
        return code

    def one(self, result: Result) -> None:
        device, value, error = result
        if error is not None:
            _complain(f"{device}: {error}")
        if self._json:
            failed = None if error is None else error._asdict()
            print(json.dumps({"device_id": device, "error": failed, "value": value, "text": result.text}))
        elif error is None:
            begin = "" if self._bare else f"{printable(device)}: "
            for line in _lines(result) or ([] if self._bare else ["done"]):
                print(f"{begin}{line}".rstrip())


def _lines(result: Result) -> list[str]:
    """What a device says, line by line as a terminal may show it: one text as it is, several by their places."""
    found = [(place, text) for place, text in _leaves(result.value, ()) if text.strip()]
    if len(found) == 1:
        return _shown(found[0][1])
    return [f"{plain('/'.join(place))}: {line}" for place, text in found for line in _shown(text)]


def _leaves(value: Value, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item, place)
    else:
        for name, item in value.items():
            if not name.startswith("@"):
                yield from _leaves(item, place if name == "#text" else (*place, name))


def _shown(text: str) -> list[str]:
    return plain(text.replace("\r\n", "\n").expandtabs().strip("\n")).split("\n")


def _complain(message: str) -> None:
    """Print what a device or the service says against a command: `device: 2001 Device Not Connected`."""
    with suppress(OSError):  # nobody is left to be told
        print(printable(message), file=sys.stderr)


def _ls(args: argparse.Namespace, client: Client) -> int:
    for file in client.sci.ls(args.device, args.path):
        print(_described(file) if args.format == "text" else _as_json(file))
    return FINE


def _described(file: DeviceFile) -> str:
    size = "-" if file.size is None else file.size
    time = "-" if file.last_modified is None else f"{file.last_modified:%Y-%m-%dT%H:%M:%SZ}"
    return f"{size:>12}  {time:<20}  {printable(file.path)}{'/' if file.directory else ''}"


def _as_json(file: DeviceFile) -> str:
    time = None if file.last_modified is None else f"{file.last_modified:%Y-%m-%dT%H:%M:%SZ}"
    return json.dumps({**file._asdict(), "last_modified": time})


def _get(args: argparse.Namespace, client: Client) -> int:
    if args.local == "-":
        for data in client.sci.read_file(args.device, args.path):
            sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return FINE
    local = args.local or args.path.rpartition("/")[2]
    if not local:
        return fail(f"{args.path} is a folder: name a file")
    try:
        with _progress(_bytes) as progress:
            client.sci.download(args.device, args.path, local, progress=progress)
    except OSError as error:
        return fail(f"cannot write {local}: {error.strerror or error}")
    return FINE


def _put(args: argparse.Namespace, client: Client) -> int:
    try:
        with (
            nullcontext(stdin()) if args.local == "-" else Path(args.local).open("rb") as file,
            _progress(_bytes) as progress,
        ):
            client.sci.upload(args.device, file, args.path, progress=progress)
    except OSError as error:
        return fail(unread(args.local, error))
    return FINE


def _rm(args: argparse.Namespace, client: Client) -> int:
    client.sci.rm(args.device, args.path)
    return FINE


@contextmanager
def _progress(line: Callable[..., str]) -> Iterator[Callable[..., None] | None]:
    """What rewrites its line on a terminal, and is nothing elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return

    def show(*so_far: float | None) -> None:
        print(f"\r{line(*so_far)}", end="", file=sys.stderr, flush=True)

    try:
        yield show
    finally:
        print(file=sys.stderr)


def _bytes(done: int, total: int | None) -> str:
    """How far a file has come."""
    if not total:
        return f"{done:,} bytes"
    return f"{done:,} of {total:,} bytes {'#' * min(20, 20 * done // total):.<20}"


def _jobs(args: argparse.Namespace, client: Client) -> int:
    for job in client.sci.jobs(limit=args.limit):
        if args.format == "json":
            print(json.dumps(job))
        else:
            words = [job.get(name, "-") for name in ("jobId", "jobStatus", "jobTargetCount", "jobDescription")]
            print(printable("  ".join(str(word) or "-" for word in words)))
    return FINE


def _job(args: argparse.Namespace, client: Client) -> int:
    job = client.sci.job(args.id)
    if args.wait or args.timeout is not None:
        with _progress(lambda seconds: f"job {job.id}: {seconds:.0f} s") as progress:
            job.wait(args.timeout, progress=progress)
    elif (status := job.status()) != "complete":
        warn(f"job {job.id} is {status}")
        return PARTIAL
    code = _Show(args.format).all(job.results())
    if args.delete:
        job.delete()
    return code
