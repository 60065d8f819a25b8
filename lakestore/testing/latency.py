"""A store whose calls take time, as those of an object store do."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from lakestore.env import Clock
from lakestore.storage.store import Store
from lakestore.testing.watched import WatchedStore

T = TypeVar("T")


class LatencyStore(WatchedStore):
    """Waits before each call.

    Args:
        inner: The store that does the work.
        clock: Waits; a test's own clock need not wait for real.
        seconds: How long a call takes.
        by_operation: Operations that take another time. Writing a piece takes none by default: it is gathered.
    """

    def __init__(
        self, inner: Store, *, clock: Clock, seconds: float, by_operation: Mapping[str, float] | None = None
    ) -> None:
        super().__init__(inner)
        self._clock = clock
        self._seconds = seconds
        self._by_operation = {"write": 0.0, "open_output": 0.0, "open_input": 0.0, **(by_operation or {})}

    def _call(self, operation: str, path: str, action: Callable[[], T]) -> T:
        del path
        wait = self._by_operation.get(operation, self._seconds)
        if wait > 0:
            self._clock.sleep(wait)
        return action()
