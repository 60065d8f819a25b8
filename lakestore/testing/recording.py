"""A store that remembers what was asked of it, for budgets of requests."""

from collections import Counter
from collections.abc import Callable
from typing import TypeVar

from lakestore.storage.store import Store
from lakestore.testing.watched import WatchedStore

T = TypeVar("T")


class RecordingStore(WatchedStore):
    """Remembers each call as (operation, path), in order, before it is done.

    Args:
        inner: The store that does the work.

    Attributes:
        log: The calls.
    """

    def __init__(self, inner: Store) -> None:
        super().__init__(inner)
        self.log: list[tuple[str, str]] = []

    def _call(self, operation: str, path: str, action: Callable[[], T]) -> T:
        self.log.append((operation, path))
        return action()

    def counts(self) -> Counter[str]:
        """Number of calls of each operation."""
        return Counter(operation for operation, _ in self.log)

    def paths(self, operation: str) -> list[str]:
        """Paths of the calls of one operation, in order."""
        return [path for done, path in self.log if done == operation]

    def forget(self) -> None:
        """Start anew."""
        self.log.clear()
