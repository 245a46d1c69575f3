"""XML of the legacy API: a page of devices as dicts, and what stays in memory of a large document."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import xmltodict  # type: ignore[import-untyped]

from benchmarks.harness import Row, paired, timed
from digirm_runtime.xmltext import Records, parse

DEVICES = 1_000
#: A recorded answer, whose device is repeated.
SAMPLE = Path(__file__).parents[1] / "tests" / "data" / "recorded" / "legacy-objects.json"
#: The document that is streamed, and the bound of what it may take, in megabytes.
LARGE = 100
BOUND = 2.0


def rows(rounds: int) -> list[Row]:
    """Seconds of a page, and megabytes that many of them take more than one."""
    head, device, tail = _sample()
    page = head + device * DEVICES + tail
    ours, theirs = parse(page), xmltodict.parse(page)
    assert isinstance(ours[1], dict)
    # The same but for empty elements, which are None there.
    assert json.loads(json.dumps(theirs["result"]).replace("null", '""')) == ours[1]
    pairs = paired(timed(lambda: parse(page)), timed(lambda: xmltodict.parse(page)), rounds)
    what = f"a DeviceCore page of {DEVICES:,} devices ({len(page) / 1e6:.1f} MB of XML) as dicts"
    return [Row(what, f"`xmltodict` {version('xmltodict')}", pairs, 1 / 2.7), _memory()]


def _sample() -> tuple[bytes, bytes, bytes]:
    """A page before, of and behind its device."""
    text: str = json.loads(SAMPLE.read_text(encoding="utf-8"))["DeviceCore.xml"]
    first, last = text.index("<DeviceCore>"), text.index("</DeviceCore>") + len("</DeviceCore>\n")
    return text[:first].encode(), text[first:last].encode(), text[text.index("</result>") :].encode()


def _memory() -> Row:
    command = [sys.executable, "-c", "from benchmarks.xml import measure; measure()"]
    grown = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return Row(f"most memory in {LARGE} MB of XML, record by record", f"{BOUND:g} MB", [(grown, BOUND)], 1, "MB")


def measure() -> None:
    """In a process of its own: print the megabytes by which its peak grows from a small document to a large one."""
    head, device, tail = _sample()
    peaks = []
    for megabytes in (1, LARGE):
        many = megabytes * 10_000 // len(device)

        def chunks(times: int = many) -> Iterator[bytes]:
            yield head
            for _ in range(times):
                yield device * 100
            yield tail

        records = Records()
        found = sum(name == "DeviceCore" for chunk in chunks() for name, _ in records.feed(chunk))
        records.close()
        assert found == many * 100
        peaks.append(_peak())
    print(max(peaks[1] - peaks[0], 0.01))


def _peak() -> float:
    """The most megabytes that were in memory; other than ru_maxrss, VmHWM does not begin with the parent's."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024
