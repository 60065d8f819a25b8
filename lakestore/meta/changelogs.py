"""Changelogs that outlive their snapshots: ``changelog/changelog-N`` (Paimon ``ChangelogManager``).

When changes are kept longer than snapshots, an expiring snapshot leaves a copy of its file here. Whoever follows the
changes looks in ``snapshot/`` first and here next. The hints beside the files are hints, as those of snapshots are.

Invariant: a changelog that exists but does not parse is an error, never taken for an absent one.
"""

from lakestore.errors import ErrorKind, NotFoundError
from lakestore.format.snapshot_file import snapshot_to_json
from lakestore.meta.snapshots import find_snapshot
from lakestore.model.snapshot import Snapshot
from lakestore.storage.parallel import map_ordered
from lakestore.storage.paths import CHANGELOG_PREFIX, EARLIEST, LATEST, TablePaths, parse_numbered
from lakestore.storage.store import Store

READ_WORKERS = 8
"""Changelogs read at a time when all are wanted."""


class Changelogs:
    """Reads and writes the changelogs of a table or branch that outlive their snapshots.

    Args:
        store: Where the table is.
        paths: How its files are called.
    """

    def __init__(self, store: Store, paths: TablePaths) -> None:
        self._store = store
        self._paths = paths

    def ids(self) -> list[int]:
        """Numbers of all changelogs, ascending, by listing."""
        found = (parse_numbered(file.name, CHANGELOG_PREFIX) for file in self._store.list(self._paths.changelog_dir()))
        return sorted(number for number in found if number)

    def earliest_id(self) -> int | None:
        """Number of the earliest changelog, None when there is none."""
        return min(self.ids(), default=None)

    def latest_id(self) -> int | None:
        """Number of the latest changelog, None when there is none."""
        return max(self.ids(), default=None)

    def find(self, snapshot_id: int) -> Snapshot | None:
        """The changelog of that snapshot, None if there is none.

        Raises:
            CorruptTableError: The file does not parse, or is another snapshot's.
        """
        return find_snapshot(self._store, self._paths.changelog(snapshot_id), snapshot_id)

    def get(self, snapshot_id: int) -> Snapshot:
        """The changelog of that snapshot.

        Raises:
            NotFoundError: There is none.
            CorruptTableError: The file does not parse.
        """
        snapshot = self.find(snapshot_id) if snapshot_id > 0 else None
        if snapshot is None:
            where = f"{self._store.url}{self._paths.changelog_dir()}"
            raise NotFoundError(
                f"changelog {snapshot_id} not found in {where}: its snapshot still exists, or both have expired",
                kind=ErrorKind.SNAPSHOT_NOT_FOUND,
            )
        return snapshot

    def list(self) -> list[Snapshot]:
        """All changelogs, ascending. Those that expire meanwhile are left out."""
        found = map_ordered(self.find, self.ids(), workers=READ_WORKERS)
        return [snapshot for snapshot in found if snapshot is not None]

    def put(self, snapshot: Snapshot) -> None:
        """Keep the changelog of a snapshot that is about to expire. Writing it again changes nothing."""
        self._store.put(self._paths.changelog(snapshot.id), snapshot_to_json(snapshot))

    def delete(self, snapshot_id: int) -> None:
        """Remove one changelog; the files that it names are the caller's business."""
        self._store.delete(self._paths.changelog(snapshot_id))

    def write_latest_hint(self, snapshot_id: int) -> None:
        """Let LATEST name that changelog."""
        self._store.put(f"{self._paths.changelog_dir()}/{LATEST}", str(snapshot_id).encode())

    def write_earliest_hint(self, snapshot_id: int) -> None:
        """Let EARLIEST name that changelog."""
        self._store.put(f"{self._paths.changelog_dir()}/{EARLIEST}", str(snapshot_id).encode())

    def delete_hints(self) -> None:
        """Remove both hints, once the last changelog is gone."""
        for hint in (EARLIEST, LATEST):
            self._store.delete(f"{self._paths.changelog_dir()}/{hint}")
