from tests.runtime.conftest import short_delays

__all__ = ["short_delays"]
