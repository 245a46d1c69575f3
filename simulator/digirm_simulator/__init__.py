"""A local Remote Manager: the self-documenting `/ws/v1` API over a synthetic fleet, in process or over HTTP."""

from digirm_simulator.app import Recorded, Simulator
from digirm_simulator.contract import Contract, ContractError
from digirm_simulator.store import StoreError

__all__ = ["Contract", "ContractError", "Recorded", "Simulator", "StoreError"]
