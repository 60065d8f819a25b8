"""Consumers: named reading positions that hold back the expiry of what they have not read (Paimon ``ConsumerManager``).

One small file per consumer, overwritten in place by its one reader. Other engines overwrite it without a rename, so
that a reader may meet it half written: a file that does not parse is read again before it is called damaged.

Invariant: a consumer whose file exists but cannot be understood is an error, never "there is none": expiry that
passed over it would delete what the consumer still has to read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lakestore.env import Clock, SystemClock
from lakestore.errors import CorruptTableError, InvalidInputError
from lakestore.format.consumer_file import consumer_from_json, consumer_to_json
from lakestore.storage.parallel import map_ordered
from lakestore.storage.paths import CONSUMER_PREFIX, TablePaths
from lakestore.storage.store import FileInfo, Store

READ_TRIES = 5
"""How often a file that does not parse is read before it counts as damaged."""

READ_WAIT_SECONDS = 0.05
"""Seconds between these tries; writing the few bytes takes another engine far less."""

READ_WORKERS = 8
"""Consumers read at a time when all are wanted."""


@dataclass(frozen=True, slots=True)
class Consumer:
    """A reader's position.

    Attributes:
        id: Its name.
        next_snapshot: The snapshot that it reads next; expiry keeps this one and all after it.
        modified_ms: When it last moved, in milliseconds since the epoch; None when the store does not say.
        position: Where in that snapshot it stands, when LakeStore moved it.
    """

    id: str
    next_snapshot: int
    modified_ms: int | None = None
    position: Mapping[str, Any] | None = None


class Consumers:
    """Reads and moves the consumers of a table or branch.

    Args:
        store: Where the table is.
        paths: How its files are called; those of a branch for the branch's consumers.
        clock: For the wait before a half-written file is read again.
    """

    def __init__(self, store: Store, paths: TablePaths, *, clock: Clock | None = None) -> None:
        self._store = store
        self._paths = paths
        self._clock = clock or SystemClock()

    def list(self) -> list[Consumer]:
        """All consumers, by name. One that is deleted meanwhile is left out.

        Raises:
            CorruptTableError: A file does not parse, also after some tries.
        """
        files = self._store.list(self._paths.consumer_dir())
        named = [file for file in files if file.name.startswith(CONSUMER_PREFIX) and file.name != CONSUMER_PREFIX]
        found = map_ordered(self._of_file, named, workers=READ_WORKERS)
        return sorted((consumer for consumer in found if consumer is not None), key=lambda one: one.id)

    def get(self, consumer_id: str) -> Consumer | None:
        """The consumer of that name, None when there is none (proven).

        Raises:
            CorruptTableError: The file does not parse, also after some tries.
            InvalidInputError: No consumer can have that name.
        """
        found = self._read(self._paths.consumer(consumer_id))
        return None if found is None else Consumer(consumer_id, found[0], position=found[1])

    def put(self, consumer_id: str, next_snapshot: int, *, position: Mapping[str, Any] | None = None) -> None:
        """Let the consumer read that snapshot next; makes it when there is none.

        Args:
            consumer_id: Its name.
            next_snapshot: The snapshot.
            position: Where in that snapshot it stands, for LakeStore alone.

        Raises:
            InvalidInputError: The number is below 1, or no consumer can have that name.
        """
        if next_snapshot < 1:
            raise InvalidInputError(
                f"consumer {consumer_id!r}: next snapshot {next_snapshot} cannot exist; snapshots count from 1"
            )
        self._store.put(self._paths.consumer(consumer_id), consumer_to_json(next_snapshot, position))

    def delete(self, consumer_id: str) -> None:
        """Forget the consumer; that there is none is fine."""
        self._store.delete(self._paths.consumer(consumer_id))

    def _of_file(self, file: FileInfo) -> Consumer | None:
        found = self._read(file.path)
        if found is None:
            return None
        return Consumer(file.name.removeprefix(CONSUMER_PREFIX), found[0], file.modified_ms, found[1])

    def _read(self, path: str) -> tuple[int, Mapping[str, Any] | None] | None:
        tries = 0
        while True:
            data = self._store.get_or_none(path)
            if data is None:
                return None
            tries += 1
            try:
                return consumer_from_json(data, path)
            except CorruptTableError:
                if tries >= READ_TRIES:
                    raise
            self._clock.sleep(READ_WAIT_SECONDS)
