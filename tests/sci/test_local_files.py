"""Files of this machine that are no ordinary ones, sent to a device."""

from __future__ import annotations

import io

import pytest

from digirm import Client
from digirm_simulator import Simulator


class OneArgument(io.BytesIO):
    """Seeks from the beginning only."""

    def seek(self, offset: int) -> int:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        return super().seek(offset)


class NoWayBack(io.BytesIO):
    """Seeks to its end, and not back."""

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_SET:
            raise OSError("no way back")
        return super().seek(offset, whence)


def test_a_file_that_seeks_in_its_own_way_is_sent_whole_or_not_at_all() -> None:
    with Simulator(devices=5, port=0) as simulator, Client(simulator.url, auth=("a", "b"), throttle=None) as rm:
        found = rm.devices.inventory.list(query="connection_status = 'connected'").first()
        assert found is not None
        assert rm.sci.upload(found["id"], OneArgument(b"0123456789"), "/seek") == 10
        with pytest.raises(OSError, match="no way back"):
            rm.sci.upload(found["id"], NoWayBack(b"other"), "/seek")
        assert rm.sci.get_file(found["id"], "/seek") == b"0123456789"
