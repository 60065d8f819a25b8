"""The greatest sequence number in use in each bucket, so that a writer can go on from there.

Paimon ``MergeTreeWriter`` restores it from the live files of the bucket: new rows must come after all that readers
can see. Read once, when the first bucket is asked for.
"""

from lakestore.meta.manifests import Manifests
from lakestore.meta.scan import snapshot_entries
from lakestore.meta.snapshots import Snapshots
from lakestore.model.manifest import ManifestEntry
from lakestore.model.snapshot import Snapshot

NOTHING_WRITTEN = -1
"""Greatest sequence number of an empty bucket."""


class BucketSequences:
    """Greatest sequence numbers at the snapshot that is the latest when the first bucket is asked for.

    Args:
        manifests: Reader of the table's manifests.
        snapshots: Reader of its snapshots.
    """

    def __init__(self, manifests: Manifests, snapshots: Snapshots) -> None:
        self._manifests = manifests
        self._snapshots = snapshots
        self._found: dict[tuple[bytes, int], int] | None = None
        self.base: Snapshot | None = None
        """The snapshot that was asked; None if there was none yet, and before the first question."""
        self.base_snapshot: int | None = None
        """Its number, 0 if there was none yet; None before the first question."""
        self.live: tuple[ManifestEntry, ...] | None = None
        """The live files of that snapshot; None before the first question."""

    def __call__(self, partition: bytes, bucket: int) -> int:
        """The greatest sequence number of a bucket, -1 if it has no file.

        Raises:
            NotFoundError: The snapshot expired meanwhile.
            CorruptTableError: A manifest is damaged.
        """
        if self._found is None:
            self._found = self._load()
        return self._found.get((partition, bucket), NOTHING_WRITTEN)

    def forget(self) -> None:
        """Ask the latest snapshot again next time."""
        self._found = None

    def _load(self) -> dict[tuple[bytes, int], int]:
        found: dict[tuple[bytes, int], int] = {}
        self.base = snapshot = self._snapshots.latest()
        self.base_snapshot = 0 if snapshot is None else snapshot.id
        self.live = () if snapshot is None else tuple(snapshot_entries(self._manifests, snapshot))
        for entry in self.live:
            place = (entry.partition, entry.bucket)
            found[place] = max(found.get(place, NOTHING_WRITTEN), entry.file.max_sequence)
        return found
