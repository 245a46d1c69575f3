"""A local Remote Manager: the self-documenting `/ws/v1` API over a synthetic fleet, in process or over HTTP.

The names below are imported when they are first used: the pytest plugin is loaded by runs that never do.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from digirm_simulator.access import Account
    from digirm_simulator.app import Simulator
    from digirm_simulator.clock import Clock
    from digirm_simulator.contract import Contract, ContractError
    from digirm_simulator.faults import Dropped, Fault
    from digirm_simulator.record import Recorded
    from digirm_simulator.sci import DeviceError, DeviceRequest
    from digirm_simulator.store import StoreError

__all__ = [
    "Account",
    "Clock",
    "Contract",
    "ContractError",
    "DeviceError",
    "DeviceRequest",
    "Dropped",
    "Fault",
    "Recorded",
    "Simulator",
    "StoreError",
]

_MODULES = {
    "Account": "access",
    "Clock": "clock",
    "Contract": "contract",
    "ContractError": "contract",
    "DeviceError": "sci",
    "DeviceRequest": "sci",
    "Dropped": "faults",
    "Fault": "faults",
    "Recorded": "record",
    "Simulator": "app",
    "StoreError": "store",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
