"""What the subcommands share: exit codes, and words for standard error."""

from __future__ import annotations

import sys

FINE = 0
FINDINGS = 1
UNUSABLE = 2
PARTIAL = 3
INTERRUPTED = 130

URL_HELP = "the service, or sim: for the embedded simulator (default: $DIGIRM_URL, else https://remotemanager.digi.com)"


def warn(message: str) -> None:
    """Print `message` to standard error; what a server put into it cannot move the cursor or colour the terminal."""
    shown = "".join(char if char.isprintable() or char == "\n" else ascii(char)[1:-1] for char in message)
    print(f"digirm: {shown}", file=sys.stderr)


def fail(message: str) -> int:
    """Say why the command could not run, and return the exit code for that."""
    warn(message)
    return UNUSABLE
