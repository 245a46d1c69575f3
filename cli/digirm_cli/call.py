"""What `digirm get`, `post`, `put` and `delete` share: one call of any path, checked before it is sent."""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from digirm_cli.common import FINDINGS, FINE, URL_HELP, fail, named, warn
from digirm_runtime.calls.planned import CallError

if TYPE_CHECKING:
    from digirm_runtime.calls.known import Found, Known, Specs
    from digirm_runtime.calls.planned import Planned
    from digirm_runtime.client import Client
    from digirm_runtime.credentials import Credentials

_EPILOG = (
    "Items are those of HTTPie: name==value is a parameter, Name:value a header, and for post and put name=value and "
    "name:=JSON are fields of the body; a backslash before one of = : ; @ makes it an ordinary character. "
    "Exit codes: 0 fine, 1 the check or the service refused it, 2 it could not be sent, or no answer."
)


def add(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser], method: str, help: str, description: str
) -> None:
    """Add the subcommand of one method."""
    parser = subparsers.add_parser(method.lower(), help=help, description=description, epilog=_EPILOG)
    parser.add_argument("path", metavar="PATH", help="such as /ws/v1/devices/inventory, or devices/inventory for it")
    parser.add_argument("items", nargs="*", metavar="ITEM", help="a parameter, a header, a field: see below")
    parser.add_argument("--url", metavar="URL", help=URL_HELP)
    if method in ("POST", "PUT"):
        parser.add_argument("--body", type=named, metavar="FILE", help="send this file as the body; - is stdin")
    parser.add_argument("--out", type=named, metavar="FILE", help="write the answer to this file, as it comes")
    if method == "GET":
        parser.add_argument("--all", action="store_true", help="every item of a list as a line of JSON, page by page")
    checks = parser.add_mutually_exclusive_group()
    checks.add_argument("--specs", type=named, metavar="DIR", help="check by this spec (default: the client's)")
    checks.add_argument("--no-check", action="store_true", help="send it whatever the spec says")
    parser.add_argument("--strict", action="store_true", help="what a reconstructed spec lacks is an error")
    shown = parser.add_mutually_exclusive_group()
    for name, words in {
        "dry-run": "print the request without secrets",
        "curl": "print the command for curl",
        "httpie": "print the command for HTTPie",
        "python": "print the program",
        "httpx": "print the program for httpx alone",
        "http": "print the request for a .http file of editors",
    }.items():
        shown.add_argument(
            f"--{name}", dest="shown", action="store_const", const=name, help=f"{words}; nothing is sent"
        )
    parser.set_defaults(run=partial(_run, method), body=None, all=False)


def _run(method: str, args: argparse.Namespace) -> int:
    """0: answered, or printed; 1: refused by the check or the service; 2: not sent, or not answered.

    Raises CredentialsError, SpecError, TransportError.
    """
    from digirm_cli.planned import plan
    from digirm_runtime.calls.known import Specs, not_a_list

    if args.url is not None and not args.url.strip():
        # An unset variable in a script must not mean the production service.
        return fail("the URL is empty; leave --url out for the default")
    specs = Specs(_maker(args.specs), strict=args.strict)
    try:
        planned = plan(method, _url(args), args.path, args.items, args.body, specs.base_path)
        known = None
        if not args.no_check:
            found = specs.judge(method, planned.path, planned.params)
            if not _say(found):
                return FINDINGS
            known = found.known
        if args.all and (which := not_a_list(planned, known, specs.base_path)):
            return fail(f"--all is for {which}")
        return _show(args, specs, planned, known) if args.shown else _send(args, specs, planned, known)
    except CallError as error:
        return fail(str(error))


def _maker(specs: str | None) -> Callable[..., Client]:
    """What makes a client of the spec folder, or of the installed package."""
    if specs is not None:
        from digirm_runtime import dynamic

        return partial(dynamic.client, specs)
    from digirm import Client

    return Client


def _url(args: argparse.Namespace) -> str:
    from digirm_runtime.credentials import DEFAULT_URL

    url: str = args.url or os.environ.get("DIGIRM_URL") or DEFAULT_URL
    return url


def _say(found: Found) -> bool:
    """Print what the check found; whether the call may be made."""
    for text in (*found.warnings, *found.errors):
        warn(text)
    if found.errors:
        warn("nothing was sent; --no-check sends it all the same")
    return not found.errors


def _send(args: argparse.Namespace, specs: Specs, planned: Planned, known: Known | None) -> int:
    from digirm_cli import answer
    from digirm_runtime.errors import APIError

    try:
        client = specs.make(args.url, read_only=planned.method == "GET")
    except ValueError as error:
        return fail(f"{args.url or 'DIGIRM_URL'}: {error}")
    send = answer.all_items if args.all else answer.one
    with client:
        try:
            send(client, planned, known, args.out)
        except APIError as error:
            # Of a query that the service could not parse the carets are worth their lines.
            report = getattr(error, "report", None)
            warn(" ".join(str(error).split()) if report is None else str(error))
            return FINDINGS
        except (answer.BinaryError, ValueError) as error:
            return fail(str(error))
        except BrokenPipeError:
            raise
        except OSError as error:
            if args.out is None:
                raise
            return fail(f"cannot write {args.out}: {error.strerror or error}")
    return FINE


def _show(args: argparse.Namespace, specs: Specs, planned: Planned, known: Known | None) -> int:
    from digirm_runtime.calls import spelled
    from digirm_runtime.credentials import DEFAULT_URL

    over_http = planned.url.lower().startswith(("http://", "https://"))
    if over_http or "@" in planned.url:
        try:
            # An address that is none, or has credentials in it, is refused here as it is where something is sent.
            specs.make(planned.url, auth=("nobody", "nobody"), throttle=None)
        except ValueError as error:
            return fail(f"{args.url or 'DIGIRM_URL'}: {error}")
    if args.shown == "python":
        text = spelled.python(planned, known, args.specs, default_url=DEFAULT_URL, every=args.all)
    elif args.all and args.shown != "httpx":
        return fail("--all takes many requests, which only --python and --httpx can show")
    elif args.shown == "dry-run":
        text = _dry(planned, _credentials(planned.url) if over_http else None)
    elif not over_http:
        return fail(
            f"{planned.url} is nothing that {args.shown} can reach: give the address that digirm simulate prints"
        )
    elif args.shown == "httpx":
        text = spelled.httpx(planned, known, _credentials(planned.url), every=args.all)
    else:
        text = {"curl": spelled.curl, "httpie": spelled.httpie, "http": spelled.http_file}[args.shown](
            planned, _credentials(planned.url)
        )
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A command means the same whatever the terminal's encoding, and a file is named by its own bytes.
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape", newline="\n")
    print(text)
    return FINE


def _credentials(url: str) -> Credentials | None:
    """The credentials that a call would use; None where there are none, which is said."""
    from digirm_runtime import credentials
    from digirm_runtime.errors import CredentialsError

    try:
        return credentials.discover(url)
    except CredentialsError as error:
        warn(str(error))
        return None


def _dry(planned: Planned, credentials: Credentials | None) -> str:
    """The request as text, secrets masked."""
    from digirm_runtime.secrets import MASK, is_secret, masked, shown
    from digirm_runtime.text import printable

    lines = [f"{planned.method} {shown(planned.address)}"]
    lines += [f"{name}: {MASK if is_secret(name) else value}" for name, value in planned.sent_headers.items()]
    if credentials is not None:
        lines += [f"{name}: {MASK}" for name in credentials.headers()]
    if planned.fields is not None:
        lines += ["", json.dumps(masked(planned.fields), ensure_ascii=False)]
    elif planned.file is not None:
        lines += ["", f"< {planned.file}"]
    return "\n".join(map(printable, lines))
