"""`digirm whoami`: which credentials are used, whether they work, and what the account sees; never a secret."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from digirm_cli.common import FINDINGS, FINE, UNUSABLE, URL_HELP, fail, plain, warn

if TYPE_CHECKING:
    from digirm import Client

ROOT = "/ws/v1"
#: Answers the customer as one object; which user asks, no public path of the service tells.
ACCOUNT = f"{ROOT}/account/current"
#: Seconds after which a service that says nothing, or only "later", is given up.
DEADLINE = 60.0


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "whoami",
        help="which credentials are used, do they work, what does the account see",
        description="Find credentials as a client does (environment, then netrc), ask the service which APIs the "
        "account has, and say which spec the installed client was made from. No secret is shown.",
        epilog="Exit codes: 0 fine, 1 the service refused, 2 no credentials, or no answer.",
    )
    parser.add_argument("url", nargs="?", metavar="URL", help=URL_HELP)
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0: the credentials work; 1: the service refused; 2: no answer, or one of another kind of service.

    Raises CredentialsError where there are no credentials, SpecError for a damaged client.
    """
    from digirm import Client

    try:
        client = Client(args.url, read_only=True)
    except ValueError as error:
        return fail(f"{args.url or 'DIGIRM_URL'}: {error}")
    with client:
        found: dict[str, Any] = {
            "url": client.url,
            "credentials": client.credentials_source,
            "accepted": None,
            "simulator": None,
            "account": None,
            "categories": None,
            "spec": client.spec_info,
        }
        code = _ask(client, found)
    print(json.dumps(found) if args.format == "json" else _text(found))
    return code


def _ask(client: Client, found: dict[str, Any]) -> int:
    """Fill in what the service says; the exit code."""
    from digirm_runtime.errors import APIError, AuthError, Forbidden, TransportError
    from digirm_runtime.options import Options
    from digirm_runtime.wire import SIMULATOR_HEADER

    options = Options(deadline=DEADLINE)
    try:
        reply = client.fetch("GET", ROOT, options=options)
    except APIError as error:
        if isinstance(error, AuthError | Forbidden):
            found["accepted"] = False
        warn(_one_line(error))
        return FINDINGS
    except TransportError as error:
        warn(_one_line(error))
        return UNUSABLE
    categories = _categories(reply.data)
    if categories is None:
        return fail(f"{client.url}{ROOT} lists no APIs: this is another kind of service")
    found |= {"accepted": True, "categories": categories, "simulator": SIMULATOR_HEADER in reply.headers}
    if ACCOUNT.removeprefix(f"{ROOT}/").partition("/")[0] in categories:
        try:
            found["account"] = _account(client.request("GET", ACCOUNT, options=options))
        except (APIError, TransportError) as error:
            # The list has shown that the credentials work; a role may still not see the customer.
            warn(f"the account is not known: {_one_line(error)}")
    return FINE


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _categories(document: Any) -> list[str] | None:
    """The names of the APIs in a listing; None for what is none."""
    items = document.get("list") if isinstance(document, dict) else None
    if not isinstance(items, list):
        return None
    paths = [item.get("path") for item in items if isinstance(item, dict)]
    return sorted({path.rstrip("/").rpartition("/")[2] for path in paths if isinstance(path, str)} - {""})


def _account(document: Any) -> dict[str, Any] | None:
    """The plain values of the customer's object, none that may be secret."""
    from digirm_runtime.secrets import is_secret

    if not isinstance(document, dict):
        return None
    return {
        key: value for key, value in document.items() if isinstance(value, str | int | float) and not is_secret(key)
    }


def _text(found: dict[str, Any]) -> str:
    spec, names = found["spec"], found["categories"]
    lines = {
        "service": found["url"] + (" (a simulator)" if found["simulator"] else ""),
        "credentials": found["credentials"],
        "accepted": {True: "yes", False: "no", None: "unknown"}[found["accepted"]],
        "account": ", ".join(f"{key} {value}" for key, value in (found["account"] or {}).items()) or "unknown",
        "sees": "unknown" if names is None else f"{len(names)} APIs: {', '.join(names)}",
        "client": f"API {spec['api_version']}, {spec['provenance']} spec, {spec['fingerprint'][:19]}",
    }
    return "\n".join(plain(f"{name:<13}{' '.join(str(value).split())}") for name, value in lines.items())
