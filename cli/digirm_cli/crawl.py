"""`digirm crawl`: capture what an API says about itself as a specs folder."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from digirm_cli.common import FINDINGS, FINE, PARTIAL, URL_HELP, fail, named, warn

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from digirm_codegen.crawl import Progress
    from digirm_codegen.sample import Samples
    from digirm_codegen.spec_files import Capture, Difference
    from digirm_runtime.client import AsyncClient

#: What happened where there is no status to name.
_NO_STATUS = {"invalid": "its answer cannot be read"}


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "crawl",
        help="capture what an API says about itself as specs",
        description="Ask a self-documenting API for its categories and write them as a specs folder. A path in URL "
        "(http://host/api/v2) is where the API begins; the default is /ws/v1.",
        epilog="Exit codes: 0 fine, 1 drift (--check), 2 it could not run, 3 a category was unavailable.",
    )
    parser.add_argument("url", nargs="?", metavar="URL", help=URL_HELP)
    parser.add_argument("--out", required=True, type=named, metavar="DIR", help="the specs folder of this API version")
    parser.add_argument("--api-version", required=True, type=named, metavar="V", help="the version that it shows")
    either = parser.add_mutually_exclusive_group()
    either.add_argument(
        "--sample", type=_sample_size, default=0, metavar="N", help="infer payload types from N objects of each list"
    )
    either.add_argument("--check", action="store_true", help="compare with DIR only, and write nothing")
    parser.add_argument("--concurrency", type=concurrency, default=4, metavar="N", help="requests in flight (1-4)")
    parser.add_argument("--force", action="store_true", help="replace what was available by what is not")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the subcommand."""
    import asyncio
    from pathlib import Path

    from digirm_codegen import sample, spec_files
    from digirm_runtime.errors import APIError, TransportError

    folder = Path(args.out)
    if not args.check:
        spec_files.ensure_writable(folder)
    elif not (folder / spec_files.INDEX).is_file():
        return fail(f"there are no specs in {folder} to compare with")
    url = address(args)
    try:
        found = captured(args, url)
    except (APIError, TransportError) as error:
        return refused(url, error)
    capture, kept = (found, []) if args.force else spec_files.keep(found, folder)
    report(found, kept)
    if not args.force and not args.check:
        spec_files.guard(capture, folder)
    files = spec_files.render(capture)
    differences = spec_files.compare(folder, files) if args.check else spec_files.write(folder, files)
    show(found, differences, f"{'differ' if args.check else 'written'} in {folder}")
    if args.check and differences:
        return FINDINGS
    if args.sample:
        schemas, problems = asyncio.run(_sample(args, url, folder))
        for problem in problems:
            warn(problem)
        for file in sample.update(folder, schemas):
            print(f"sampled {file}")
    return PARTIAL if found.unavailable else FINE


def address(args: argparse.Namespace) -> str | None:
    """The URL argument, or that of the environment."""
    import os

    return os.environ.get("DIGIRM_URL") or None if args.url is None else args.url


def captured(args: argparse.Namespace, url: str | None) -> Capture:
    """Crawl `url` with the arguments `api_version` and `concurrency`. Raises as `digirm_codegen.crawl.crawl` does."""
    import asyncio

    return asyncio.run(_crawl(args, url))


def refused(url: str | None, error: Exception) -> int:
    """Say why the service cannot be crawled, and return the exit code for that."""
    from digirm_runtime.errors import AuthError

    reason = " ".join(str(error).split())
    if isinstance(error, AuthError):
        reason = f"the credentials were refused ({reason})"
    return fail(f"{url or 'the service'}: {reason}")


def show(found: Capture, differences: Sequence[Difference], verdict: str) -> None:
    """Print which files differ, and how many categories there were."""
    for file, state in differences:
        print(f"{state:8}{file}")
    print(
        f"{len(found.documents)} of {len(found.documents) + len(found.unavailable)} categories, {found.provenance}, "
        f"version {found.api_version}: {len(differences)} files {verdict}"
    )


def report(found: Capture, kept: list[str]) -> None:
    """Say on standard error what was skipped, and what could not be had."""
    for problem in found.problems:
        warn(problem)
    for name, (status, kind) in sorted(found.unavailable.items()):
        answer = f"status {status}" if status is not None else _NO_STATUS.get(kind, "no answer")
        warn(f"{name} is unavailable: {kind} ({answer})" + ("; the earlier capture is kept" if name in kept else ""))


async def _crawl(args: argparse.Namespace, url: str | None) -> Capture:
    from digirm_codegen.crawl import BASE_PATH, crawl

    origin, base_path = _split(url)
    async with _client(origin) as client:
        return await crawl(
            client,
            api_version=args.api_version,
            base_path=base_path or BASE_PATH,
            concurrency=args.concurrency,
            progress=_progress(),
        )


async def _sample(args: argparse.Namespace, url: str | None, folder: Path) -> tuple[Samples, list[str]]:
    from digirm_codegen.sample import sample
    from digirm_runtime import spec

    async with _client(_split(url)[0]) as client:
        return await sample(client, spec.load(folder), args.sample, concurrency=args.concurrency)


def _client(origin: str | None) -> AsyncClient:
    from digirm_runtime.client import AsyncClient
    from digirm_runtime.errors import SpecError

    try:
        return AsyncClient(origin, read_only=True)
    except ValueError as error:
        raise SpecError(f"{origin}: {error}") from None


def _split(url: str | None) -> tuple[str | None, str]:
    """(`url` without its path, that path); a URL of another kind is left to the client."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url or "")
    except ValueError:
        return url, ""
    if parts.scheme not in ("http", "https"):
        return url, ""
    return f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")


def _progress() -> Progress | None:
    """A counter that rewrites its line on a terminal, and nothing elsewhere."""
    import sys

    if not sys.stderr.isatty():
        return None

    def show(done: int, total: int) -> None:
        print(f"\r{done} of {total} categories", end="" if done < total else "\n", file=sys.stderr, flush=True)

    return show


def _sample_size(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError("takes 1 to 1000")
    return int(text)


def concurrency(text: str) -> int:
    """How many requests may be in flight."""
    if text not in ("1", "2", "3", "4"):
        raise argparse.ArgumentTypeError("takes 1 to 4: more at once is not fair to the service")
    return int(text)
