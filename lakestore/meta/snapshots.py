"""Snapshot files and the hints at them.

Hints are never trusted (Paimon ``SnapshotManager``, ``HintFileUtils``). LATEST is believed when the snapshot it names
exists and the one after it does not, since numbers are given out without gaps; whatever else it says, or if it is
missing, torn or stale, the folder is listed. A believed hint costs three reads: hint, next number, named number.

Invariant: a snapshot that exists but does not parse is an error, never a reason to go back to an older one.
"""

from collections.abc import Iterator, Sequence

from lakestore.errors import CorruptTableError, ErrorKind, NotFoundError
from lakestore.format.snapshot_file import snapshot_from_json
from lakestore.model.snapshot import Snapshot
from lakestore.storage.parallel import map_ordered
from lakestore.storage.paths import SNAPSHOT_PREFIX, TablePaths, parse_numbered
from lakestore.storage.store import Store

LOOKUPS_MAX = 5
"""How often a search begins again because snapshots expired or were rolled back under it."""

HINT_DIGITS_MAX = 18
"""Digits of a hint that is looked at; a longer number leaves no room for a next one."""

READ_WORKERS = 8
"""Snapshots read at a time when all are wanted."""


class Snapshots:
    """Reads the snapshots of a table or branch; writes the hints.

    Args:
        store: Where the table is.
        paths: How its files are called.
    """

    def __init__(self, store: Store, paths: TablePaths) -> None:
        self._store = store
        self._paths = paths

    def latest(self) -> Snapshot | None:
        """The latest snapshot, None for a table that has none yet.

        Raises:
            CorruptTableError: Its file does not parse.
        """
        hint = self.latest_hint()
        if hint is not None and self._store.get_or_none(self._paths.snapshot(hint + 1)) is None:
            snapshot = self.find(hint)
            if snapshot is not None:
                return snapshot
        for _ in range(LOOKUPS_MAX):
            ids = self.ids()
            if not ids:
                return None
            snapshot = self.find(ids[-1])
            if snapshot is not None:
                return snapshot
        raise self._restless()

    def latest_id(self) -> int | None:
        """Number of the latest snapshot, None for a table that has none yet."""
        hint = self.latest_hint()
        if hint is not None and not self._exists(hint + 1) and self._exists(hint):
            return hint
        return max(self.ids(), default=None)

    def earliest_id(self) -> int | None:
        """Number of the earliest snapshot, None for a table that has none yet."""
        hint = self.earliest_hint()
        if hint is not None and self._exists(hint) and (hint == 1 or not self._exists(hint - 1)):
            return hint
        return min(self.ids(), default=None)

    def find(self, snapshot_id: int) -> Snapshot | None:
        """The snapshot of that number, None if there is none.

        Raises:
            CorruptTableError: The file does not parse, or is another snapshot's.
        """
        return find_snapshot(self._store, self._paths.snapshot(snapshot_id), snapshot_id)

    def get(self, snapshot_id: int) -> Snapshot:
        """The snapshot of that number.

        Raises:
            NotFoundError: There is none; the message names the earliest and the latest that exist.
            CorruptTableError: The file does not parse.
        """
        snapshot = self.find(snapshot_id) if snapshot_id > 0 else None
        if snapshot is None:
            raise NotFoundError(
                f"snapshot {snapshot_id} not found in {self._where()}; {_range_text(self.ids())}",
                kind=ErrorKind.SNAPSHOT_NOT_FOUND,
            )
        return snapshot

    def ids(self) -> list[int]:
        """Numbers of all snapshots, ascending, by listing. Temporary and foreign names are passed over."""
        found = (parse_numbered(file.name, SNAPSHOT_PREFIX) for file in self._store.list(self._paths.snapshot_dir()))
        return sorted(number for number in found if number)

    def list(self) -> list[Snapshot]:
        """All snapshots, ascending. Those that expire meanwhile are left out."""
        found = map_ordered(self.find, self.ids(), workers=READ_WORKERS)
        return [snapshot for snapshot in found if snapshot is not None]

    def walk_back(self, start: int) -> Iterator[Snapshot]:
        """Snapshots from that number down to the earliest that is left."""
        for snapshot_id in range(start, 0, -1):
            snapshot = self.find(snapshot_id)
            if snapshot is None:
                return
            yield snapshot

    def at_timestamp(self, epoch_ms: int) -> Snapshot:
        """The latest snapshot that was committed at that time or before.

        Args:
            epoch_ms: Milliseconds since the epoch.

        Raises:
            NotFoundError: There is none; the message names the earliest snapshot and its time.
        """
        for _ in range(LOOKUPS_MAX):
            ids = self.ids()
            best: Snapshot | None = None
            low, high = 0, len(ids)
            while low < high:
                middle = (low + high) // 2
                snapshot = self.find(ids[middle])
                if snapshot is None:
                    break
                if snapshot.time_millis <= epoch_ms:
                    best, low = snapshot, middle + 1
                else:
                    high = middle
            else:
                return best or self._refuse_time(epoch_ms, ids)
        raise self._restless()

    def latest_hint(self) -> int | None:
        """What LATEST says, None if it is missing or says nothing. Only a hint."""
        return self._hint(self._paths.latest_hint())

    def earliest_hint(self) -> int | None:
        """What EARLIEST says, None if it is missing or says nothing. Only a hint."""
        return self._hint(self._paths.earliest_hint())

    def write_latest_hint(self, snapshot_id: int) -> None:
        """Let LATEST name that snapshot."""
        self._store.put(self._paths.latest_hint(), str(snapshot_id).encode())

    def write_earliest_hint(self, snapshot_id: int) -> None:
        """Let EARLIEST name that snapshot."""
        self._store.put(self._paths.earliest_hint(), str(snapshot_id).encode())

    def _hint(self, path: str) -> int | None:
        data = self._store.get_or_none(path)
        if data is None or not data.isdigit() or len(data) > HINT_DIGITS_MAX:
            return None
        return int(data) or None

    def _exists(self, snapshot_id: int) -> bool:
        return self._store.info(self._paths.snapshot(snapshot_id)) is not None

    def _where(self) -> str:
        return f"{self._store.url}{self._paths.snapshot_dir()}"

    def _refuse_time(self, epoch_ms: int, ids: Sequence[int]) -> Snapshot:
        earliest = self.find(ids[0]) if ids else None
        since = "there is none" if earliest is None else f"the earliest is {earliest.id} of {earliest.time_millis}"
        raise NotFoundError(
            f"no snapshot at or before {epoch_ms} (milliseconds since the epoch) in {self._where()}; {since}",
            kind=ErrorKind.SNAPSHOT_NOT_FOUND,
        )

    def _restless(self) -> NotFoundError:
        return NotFoundError(
            f"snapshots in {self._where()} went away {LOOKUPS_MAX} times while being looked up: the table is being"
            " rolled back or expired too fast; try again",
            kind=ErrorKind.SNAPSHOT_NOT_FOUND,
        )


def _range_text(ids: Sequence[int]) -> str:
    return f"there are {ids[0]} to {ids[-1]}" if ids else "there are none"


def find_snapshot(store: Store, path: str, snapshot_id: int) -> Snapshot | None:
    """The snapshot in a file of its own, in ``snapshot/`` or ``changelog/``; None if there is no such file.

    Raises:
        CorruptTableError: The file does not parse, or is another snapshot's.
    """
    data = store.get_or_none(path)
    if data is None:
        return None
    snapshot = snapshot_from_json(data, path)
    if snapshot.id != snapshot_id:
        raise CorruptTableError(f"field 'id': expected {snapshot_id}, found {snapshot.id}", path=path)
    return snapshot
