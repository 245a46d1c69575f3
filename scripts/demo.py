"""`make demo`: the whole chain on the embedded simulator. Exits with 0 only if each step behaved as it must."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SCRATCH = Path(".demo")
SPECS = SCRATCH / "specs" / "22.7"
OVERRIDES = Path("specs/22.7/overrides.toml")
CLIENT = SCRATCH / "client"
DIGIRM = str(Path(sys.executable).with_name("digirm"))
GOOD = "connection_status = 'connected' and last_update > -1d and ip startswith '10.20.1.'"
BAD = GOOD + " and nmae contains 'x'"
CALLS = """
from acme_rm import Client, QueryError, fields

with Client(throttle=None) as rm:                      # the address and credentials come from the environment
    device = next(iter(rm.devices.inventory.list(query="connection_status = 'connected'", limit=1)))
    print("a connected device:", device["id"], device.get("name"))
    D = fields.devices.inventory
    query = (D.connection_status == "connected") & D.name.contains("a")
    print("devices of a typed query:", sum(1 for _ in rm.devices.inventory.list(query=query)))
    made = rm.devices.inventory.create({"id": "00000000-00000000-00409DFF-FFDEC0DE"}).one()
    print("created:", made["id"])
    rm.devices.inventory.update(made["id"], {"name": "demo"})
    name = rm.devices.inventory.get(made["id"]).get("name")
    print("renamed:", name)
    assert name == "demo"
    rm.devices.inventory.delete(made["id"])
    try:
        rm.devices.inventory.list(query="nmae = 'demo'").first()
    except QueryError as error:
        print("not sent:", error.report.diagnostics[0].message)
    else:
        raise SystemExit("the misspelt query was sent")
"""


def main() -> int:
    """Run every step, and count those that misbehaved."""
    os.chdir(ROOT)
    shutil.rmtree(SCRATCH, ignore_errors=True)
    SCRATCH.mkdir()
    failures = 0
    with simulator() as url:
        env = {k: v for k, v in os.environ.items() if not k.startswith("DIGIRM_")}
        env |= {"DIGIRM_URL": url, "DIGIRM_USERNAME": "demo", "DIGIRM_PASSWORD": "demo"}
        env["PYTHONPATH"] = str(CLIENT)
        step("1. Capture what the API says about itself")
        failures += show(["crawl", url, "--out", str(SPECS), "--api-version", "22.7"], env)
        print("Beside it goes what people know beyond the crawl: documented payloads, better names.")
        print(f"$ cp {OVERRIDES} {SPECS}/", flush=True)
        shutil.copy(OVERRIDES, SPECS)
        step("2. Generate a typed client from it")
        failures += show(["generate", "--specs", str(SPECS), "--out", str(CLIENT), "--package", "acme_rm"])
        step("3. Check queries without a connection: a good one, and one with a misspelt field")
        check = ["check", "--specs", str(SPECS), "--endpoint", "devices/inventory"]
        failures += show([*check, GOOD])
        failures += show([*check, BAD], expect=1)
        step("4. Import the client and call the service")
        program = SCRATCH / "client.py"
        program.write_text(CALLS.lstrip(), "utf-8")
        print(CALLS.strip())
        print(f"\n$ PYTHONPATH={CLIENT} python {program}\noutput:", flush=True)
        failures += run([sys.executable, str(program)], env)
    print(f"\n{failures} steps misbehaved" if failures else "\nAll steps behaved as they must.")
    return 1 if failures else 0


@contextmanager
def simulator() -> Iterator[str]:
    """A simulator in a process of its own, on a free port of the loopback."""
    print("$ digirm simulate --port 0", flush=True)
    log = (SCRATCH / "simulator.log").open("w")
    with subprocess.Popen([DIGIRM, "simulate", "--port", "0"], stdout=subprocess.PIPE, stderr=log, text=True) as server:
        try:
            assert server.stdout is not None
            line = server.stdout.readline()
            if not line.startswith("Serving "):
                raise SystemExit("the simulator did not start; see .demo/simulator.log")
            print(line, end="", flush=True)
            yield line.split()[1]
        finally:
            server.terminate()


def step(title: str) -> None:
    """Announce a step."""
    print(f"\n== {title}", flush=True)


def show(arguments: list[str], env: dict[str, str] | None = None, expect: int = 0) -> bool:
    """Run `digirm` as a user would, and tell whether it ended otherwise than expected."""
    shown = " ".join(f'"{word}"' if " " in word else word for word in arguments)
    print(f"$ digirm {shown}", flush=True)
    return run([DIGIRM, *arguments], env, expect)


def run(command: list[str], env: dict[str, str] | None = None, expect: int = 0) -> bool:
    """Run a command and show its exit code; true where that is not the expected one."""
    code = subprocess.run(command, env=env, check=False).returncode
    print(f"[exit {code}]" + ("" if code == expect else f"  expected {expect}"), flush=True)
    return code != expect


if __name__ == "__main__":
    sys.exit(main())
