"""Receiving from a TCP monitor: how fast events come, and what stays in memory meanwhile."""

from __future__ import annotations

import asyncio
import json
import resource
import socket
import struct
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.harness import Row, paired, timed
from digirm import AsyncClient
from digirm_runtime.push import Batch
from digirm_runtime.push.framing import ConnectionRequest, ConnectionResponse, PublishMessage

#: Events in a batch: the service's default, and each by itself as soon as it happens.
BATCH, ALONE = 100, 1
BATCHES, ALL_ALONE = 3000, 60_000
FEW = 100
#: The bound in megabytes.
BOUND = 4.0
AUTH = ("user", "password")
DEVICE = "00000000-00000000-00409DFF-FF{:06X}"


def rows(rounds: int) -> list[Row]:
    """Seconds of many events, and megabytes that they take more than a few."""
    return [*_speed(rounds), _memory()]


def _speed(rounds: int) -> Iterator[Row]:
    bare = "bare asyncio reader that only splits the frames"
    unpacking = "bare asyncio reader that splits and unpacks the frames"
    for size, batches, compress in ((ALONE, ALL_ALONE, False), (BATCH, BATCHES, False), (BATCH, BATCHES, True)):
        events = size * batches
        with serving(batches, compress, size) as port:
            splitting = timed(_whole(partial(split, port, events, unpack=compress), events))
            packed = "zlib" if compress else "not compressed"
            name = f"{events:,} events over TCP in batches of {size}, {packed}"
            for what, use in USES.items():
                ours = timed(_whole(partial(received, port, events, partial(use, size)), events))
                # The peer knows of frames only: what is read of them has nothing to be held against.
                target = 2 if use is _acknowledge else None
                yield Row(f"{name}: {what}", unpacking if compress else bare, paired(ours, splitting, rounds), target)


def _acknowledge(size: int, batch: Batch) -> int:
    return size if batch.body else 0


def _hand_out(_size: int, batch: Batch) -> int:
    return sum(1 for _event in batch)


def _look(_size: int, batch: Batch) -> int:
    return sum(1 for event in batch if event.data["streamId"])


USES: Mapping[str, Callable[[int, Batch], int]] = {
    "receive and acknowledge": _acknowledge,
    "hand out each event": _hand_out,
    "and look at its data": _look,
}


async def received(port: int, count: int, use: Callable[[Batch], int]) -> int:
    """How many events digirm gives, by what is done with each batch."""
    found = 0
    async with (
        AsyncClient("http://127.0.0.1", auth=AUTH, throttle=None) as rm,
        aclosing(rm.push.receive(1, port=port).batches()) as batches,
    ):
        async for batch in batches:
            found += use(batch)
            if found >= count:
                break
    return found


async def split(port: int, count: int, *, unpack: bool = False) -> int:
    """How many events the frames say that they hold."""
    found = 0
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(ConnectionRequest(*AUTH, 1).encode())
    await reader.readexactly(10)
    while found < count:
        _, length = struct.unpack("!HI", await reader.readexactly(6))
        frame = await reader.readexactly(length)
        if unpack:
            zlib.decompress(frame[10:])
        found += struct.unpack_from("!H", frame, 2)[0]
    writer.transport.abort()
    return found


def _whole(receive: Callable[[], Any], events: int) -> Callable[[], None]:
    def run() -> None:
        found = asyncio.run(receive())
        assert found == events, found

    return run


def _memory() -> Row:
    with serving(BATCHES) as many, serving(FEW) as few:
        command = [sys.executable, "-c", f"from benchmarks.push import measure; measure({few}, {many})"]
        grown = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    what = f"most memory in {BATCH * BATCHES:,} events over TCP, over that in {BATCH * FEW:,}"
    return Row(what, f"{BOUND:g} MB", [(grown, BOUND)], 1, "MB")


def measure(few: int, many: int) -> None:
    """In a process of its own: print the megabytes by which its peak has grown from few events to many."""
    peaks = []
    for port, batches in ((few, FEW), (many, BATCHES)):
        assert asyncio.run(received(port, BATCH * batches, partial(_look, BATCH))) == BATCH * batches
        peaks.append(_peak())
    print(max(peaks[1] - peaks[0], 0.001))


def _peak() -> float:
    """The most megabytes that were in memory; other than ru_maxrss, VmHWM does not begin with the parent's."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


@contextmanager
def serving(batches: int, compress: bool = False, size: int = BATCH) -> Iterator[int]:
    """Run a server, in a process of its own, that sends each who connects so many batches; its port."""
    command = [sys.executable, "-c", f"from benchmarks.push import serve; serve({batches}, {compress}, {size})"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            yield int(child.stdout.readline())
        finally:
            # It ends with its input, also when this process is killed.
            child.stdin.close()


def serve(batches: int, compress: bool, size: int) -> None:
    """Serve until the input ends: frames that were made before, and whatever is said to them is dropped."""
    frames = [_frame(number, compress, size) for number in range(8)]
    whole = b"".join(frames)
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)

    def answer(connected: socket.socket) -> None:
        with connected:
            connected.recv(65536)
            connected.sendall(ConnectionResponse(200).encode())
            threading.Thread(target=_drop, args=(connected,), daemon=True).start()
            try:
                for _ in range(batches // len(frames)):
                    connected.sendall(whole)
                for number in range(batches % len(frames)):
                    connected.sendall(frames[number])
                while connected.fileno() >= 0 and connected.recv(65536):
                    pass
            except OSError:
                return

    def accept() -> None:
        while True:
            connected, _ = listener.accept()
            threading.Thread(target=answer, args=(connected,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.read()


def _drop(connected: socket.socket) -> None:
    try:
        while connected.recv(65536):
            pass
    except OSError:
        return


def _frame(block: int, compress: bool, size: int) -> bytes:
    events = [_event(block * size + number) for number in range(size)]
    # One alone is no list.
    body = json.dumps({"Document": {"Msg": events if size > 1 else events[0]}}).encode()
    return PublishMessage(block, size, zlib.compress(body) if compress else body, int(compress)).encode()


def _event(number: int) -> dict[str, Any]:
    """A data point as Digi's library shows it."""
    stream = f"{DEVICE.format(number % 1000)}/temperature"
    return {
        "DataPoint": {
            "cstId": 7603,
            "data": 0.411700824929 + number,
            "description": "",
            "id": f"684572e0-12c4-11e5-8507-{number:012x}",
            "quality": 0,
            "serverTimestamp": 1434307047694 + number,
            "streamId": stream,
            "streamUnits": "C",
            "timestamp": 1434307047694 + number,
        },
        "group": "*",
        "operation": "INSERTION",
        "timestamp": "2015-06-14T18:37:27.815Z",
        "topic": f"7603/DataPoint/{stream}",
    }
