"""What a streaming read works with, what it is asked for, and the steps that it consists of."""

from dataclasses import dataclass, field
from zlib import crc32

import pyarrow as pa

from lakestore.meta.changelogs import Changelogs
from lakestore.meta.snapshots import Snapshots
from lakestore.meta.tags import Tags
from lakestore.model.manifest import ManifestEntry
from lakestore.model.predicate import Predicate
from lakestore.model.snapshot import Snapshot
from lakestore.model.stream import ExpiredPolicy, OverwritePolicy, Position, Shard, Start, Until
from lakestore.read.change_rows import ChangeReader


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowParts:
    """The parts of an open table that a streaming read works with.

    Attributes:
        reader: Reads rows as changes.
        snapshots: The table's snapshots.
        changelogs: Its changelogs that outlive their snapshots.
        tags: Its tags.
    """

    reader: ChangeReader
    snapshots: Snapshots
    changelogs: Changelogs
    tags: Tags


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowRequest:
    """What a streaming read is asked for.

    Attributes:
        begin: Where it begins, or goes on.
        where: Predicate as the user made it.
        overwrites: What becomes of commits that replace rows.
        expired: What becomes of a position that has expired.
        until: Where it ends.
        delay_ms: Age that a snapshot must have before it is read.
        poll_ms: Wait between two looks for a snapshot that is not there yet.
        buckets: Only these buckets; None for all.
        shard: Only what belongs to this reader of several.
    """

    begin: Start | Position
    where: Predicate | None = None
    overwrites: OverwritePolicy = OverwritePolicy.SKIP
    expired: ExpiredPolicy = ExpiredPolicy.FAIL
    until: Until = field(default_factory=Until)
    delay_ms: int = 0
    poll_ms: int = 1000
    buckets: frozenset[int] | None = None
    shard: Shard | None = None

    def takes(self, entry: ManifestEntry, *, by_file: bool) -> bool:
        """Whether a file belongs to this reader.

        Args:
            entry: The file.
            by_file: Share out files rather than buckets: right only where no row replaces another.
        """
        if self.buckets is not None and entry.bucket not in self.buckets:
            return False
        if self.shard is None:
            return True
        own = crc32(entry.file.name.encode()) if by_file else crc32(entry.partition) + entry.bucket
        return own % self.shard.count == self.shard.index


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Some rows.

    Attributes:
        batch: The rows, with their kinds in the first column.
        snapshot: The snapshot that they are of.
        full: Whether they are of the state of that snapshot, not changes that it made.
        last: Whether nothing more of it follows.
        position: Where a reader goes on that has these rows behind it.
    """

    batch: pa.RecordBatch
    snapshot: Snapshot
    full: bool
    last: bool
    position: Position


@dataclass(frozen=True, slots=True)
class Moved:
    """A snapshot had nothing to read; the reader is now here."""

    position: Position


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing is there to be read; come back after so many seconds."""

    seconds: float


Step = Rows | Moved | Wait


def mark_of(snapshot: Snapshot) -> str:
    """A text that no other commit's snapshot has, of whatever writer."""
    return snapshot.delta_manifest_list
