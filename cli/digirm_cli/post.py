"""`digirm post`: one POST to any path."""

from __future__ import annotations

import argparse

from digirm_cli import call


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    call.add(
        subparsers,
        "POST",
        "create at any path of the service",
        "Send one POST and print the answer. It is not sent twice unless it provably did not arrive.",
    )
