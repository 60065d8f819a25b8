"""What the picture of an LSM is made of: files, runs, buckets, and what is compacted next (``levels_picture``)."""

import dataclasses
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePicture:
    """One file of a run.

    Attributes:
        name: Its name.
        rows: Rows in it.
        deletes: Retract rows among them, None if nobody counted.
        bytes: Its size.
        min_key: Least key, as text; empty in append tables.
        max_key: Greatest key.
        start: Where its keys begin among those of the bucket, 0 to 1.
        end: Where they end.
    """

    name: str
    rows: int
    deletes: int | None
    bytes: int
    min_key: str
    max_key: str
    start: float
    end: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPicture:
    """One sorted run.

    Attributes:
        level: Its level.
        files: Its files, in key order.
        bytes: Bytes of them.
        picked: Whether the next compaction would take it.
    """

    level: int
    files: tuple[FilePicture, ...]
    bytes: int
    picked: bool

    @property
    def rows(self) -> int:
        """Rows in its files."""
        return sum(file.rows for file in self.files)

    @property
    def deletes(self) -> int:
        """Retract rows among them, as far as anybody counted."""
        return sum(file.deletes or 0 for file in self.files)


@dataclass(frozen=True, slots=True, kw_only=True)
class NextCompaction:
    """What would be compacted next.

    Attributes:
        cause: Which rule, ``size-ratio`` and the like.
        reason: Why, in words.
        runs: Runs that it takes.
        files: Files in them.
        bytes: Bytes in them.
        output_level: Where they go.
        drops_deletes: Whether retract rows go for good.
    """

    cause: str
    reason: str
    runs: int
    files: int
    bytes: int
    output_level: int
    drops_deletes: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketPicture:
    """The tree of one bucket.

    Attributes:
        partition: ``key=value`` words of the partition, empty without partitions.
        bucket: Bucket number.
        levels: Number of levels, empty ones included.
        runs: Its sorted runs, newest first. In append tables, one run of all files.
        bytes: Bytes of all files.
        next: What would be compacted next, None for nothing.
        full_bytes: Bytes that a full compaction would read.
    """

    partition: str
    bucket: int
    levels: int
    runs: tuple[RunPicture, ...]
    bytes: int
    next: NextCompaction | None
    full_bytes: int

    @property
    def amplification(self) -> float | None:
        """Bytes above those of the oldest run, in percent of it; None without a run below it."""
        oldest = self.runs[-1].bytes if self.runs else 0
        return (self.bytes - oldest) * 100 / oldest if oldest else None


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelsPicture:
    """The trees of a table at one snapshot.

    Attributes:
        table: What messages call the table.
        snapshot_id: The snapshot, None before the first commit.
        keyed: Whether it is a primary-key table; an append table has files but no levels.
        trigger: Sorted runs from which a bucket is compacted.
        buckets: Its buckets, by partition and number.
    """

    table: str
    snapshot_id: int | None
    keyed: bool
    trigger: int
    buckets: tuple[BucketPicture, ...]

    @property
    def files(self) -> int:
        """Number of files."""
        return sum(len(run.files) for bucket in self.buckets for run in bucket.runs)

    @property
    def bytes(self) -> int:
        """Bytes of all files."""
        return sum(bucket.bytes for bucket in self.buckets)

    @property
    def rows(self) -> int:
        """Rows in all files; of primary-key tables, row versions."""
        return sum(run.rows for bucket in self.buckets for run in bucket.runs)

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        return {**dataclasses.asdict(self), "files": self.files, "bytes": self.bytes, "rows": self.rows}
