"""`digirm put`: one PUT to any path."""

from __future__ import annotations

import argparse

from digirm_cli import call


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    call.add(subparsers, "PUT", "change at any path of the service", "Send one PUT and print the answer.")
