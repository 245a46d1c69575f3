"""`digirm get`: one GET of any path."""

from __future__ import annotations

import argparse

from digirm_cli import call


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    call.add(subparsers, "GET", "read from any path of the service", "Send one GET and print the answer.")
