"""The governor's slots for tests: a clock, a governor with limits, takers."""

from digirm_runtime.lockout import Owner, Slot, Waiter
from digirm_runtime.options import Throttle
from digirm_runtime.throttle import Governor


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Caller(Waiter):
    """A waiter that keeps who was woken; every one is another thread to the governor."""

    def __init__(self, woken: list[str] | None = None, name: str = "", alive: bool = True) -> None:
        def wake() -> bool:
            if woken is not None and alive:
                woken.append(name)
            return alive

        super().__init__(wake, (object(), None), blocks=True)


def guard(*windows: tuple[int, float], concurrent: int = 4, clock: Clock | None = None) -> Governor:
    made = Governor(clock or Clock())
    limits = Throttle(*windows, concurrent=concurrent)
    made.join(limits)
    made.keeps = limits  # type: ignore[attr-defined]  # limits hold as long as the client that asked for them
    return made


def slot(governor: Governor, owner: Owner | None = None) -> Slot:
    caller = Caller()
    caller.owner = owner or caller.owner
    taken = governor.enter(caller)
    assert isinstance(taken, Slot)
    return taken


def delay(governor: Governor) -> float | None:
    """How long a newcomer would wait, as far as that is known."""
    caller = Caller()
    answer = governor.enter(caller)
    if isinstance(answer, Slot):
        answer.release()
        return 0.0
    governor.forget(caller)
    return caller.expected
