"""A bounded memory of what immutable metadata files hold.

Manifests and manifest lists are written once under names that hold a fresh uuid, so what was read once stays true.
Hints, snapshots and schemas are not kept here: a rollback or a new table of the same name can give their numbers out
again.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from lakestore.model.manifest import ManifestEntry, ManifestMeta
from lakestore.storage.parallel import Mutex

ENTRIES_BYTES = 256 * 1024 * 1024
"""Estimated bytes of manifest entries held at most."""

LISTS_BYTES = 32 * 1024 * 1024
"""Estimated bytes of manifest lists held at most."""

V = TypeVar("V")

Key = tuple[str, str, str]
"""Store (``url``, ``endpoint``) and path."""


class BoundedCache(Generic[V]):
    """Least recently used goes first. Threads may share it.

    Args:
        bytes_max: Greatest sum of the costs of its values; a value above it is not kept at all.
    """

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._bytes = 0
        self._values: OrderedDict[Key, tuple[V, int]] = OrderedDict()
        self._mutex = Mutex()

    @property
    def bytes(self) -> int:
        """Sum of the costs of all values held."""
        return self._bytes

    def get(self, key: Key) -> V | None:
        """The value, None if it is not held."""
        with self._mutex:
            held = self._values.get(key)
            if held is None:
                return None
            self._values.move_to_end(key)
            return held[0]

    def put(self, key: Key, value: V, *, cost: int) -> None:
        """Hold a value in place of any under that key.

        Args:
            key: Store and path.
            value: Immutable.
            cost: Bytes that it takes, roughly.
        """
        with self._mutex:
            self._remove(key)
            if cost > self._bytes_max:
                return
            self._values[key] = (value, cost)
            self._bytes += cost
            while self._bytes > self._bytes_max:
                self._remove(next(iter(self._values)))

    def drop(self, key: Key) -> None:
        """Forget a value, if it is held."""
        with self._mutex:
            self._remove(key)

    def clear(self) -> None:
        """Forget everything."""
        with self._mutex:
            self._values.clear()
            self._bytes = 0

    def _remove(self, key: Key) -> None:
        held = self._values.pop(key, None)
        if held is not None:
            self._bytes -= held[1]


@dataclass(frozen=True, slots=True)
class ManifestCache:
    """What manifests and manifest lists hold."""

    entries: BoundedCache[tuple[ManifestEntry, ...]] = field(default_factory=lambda: BoundedCache(ENTRIES_BYTES))
    lists: BoundedCache[tuple[ManifestMeta, ...]] = field(default_factory=lambda: BoundedCache(LISTS_BYTES))


SHARED_CACHE = ManifestCache()
"""Used by all tables of the process."""
