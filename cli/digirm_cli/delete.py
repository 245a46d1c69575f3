"""`digirm delete`: one DELETE of any path."""

from __future__ import annotations

import argparse

from digirm_cli import call


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    call.add(subparsers, "DELETE", "delete at any path of the service", "Send one DELETE and print the answer.")
