"""The answer to a scan at one snapshot, cut into pieces of work for readers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lakestore.model.datafile import DataFile
from lakestore.model.file_index import RowSet
from lakestore.model.predicate import Predicate


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Files of one bucket that one reader reads together.

    Attributes:
        partition: Serialized BinaryRow of the partition columns.
        bucket: Bucket number.
        files: The files; of a merged split all files of one or more whole sections.
        raw: True: read the files one after another, no merge, no retract row to drop.
        rows: By file name, the only rows that may match, where file indexes tell; raw splits only.
    """

    partition: bytes
    bucket: int
    files: tuple[DataFile, ...]
    raw: bool
    rows: Mapping[str, RowSet] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedBy:
    """What one rule took away. A file counts for the first rule that is against it.

    Attributes:
        rule: Its name.
        partitions: Partitions all of whose files went by this rule; ``buckets`` likewise.
        files: Files that went by it.
        bytes: Their bytes.
    """

    rule: str
    partitions: int = 0
    buckets: int = 0
    files: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneReport:
    """How much each rule skipped. Counts are exact.

    Attributes:
        manifests: Manifests of the snapshot; ``manifests_skipped`` of them were not read.
        partitions: Partitions with live files in the manifests that were read; ``partitions_left`` are in the plan.
        buckets: Likewise the buckets of those partitions.
        files: Live files of the snapshot in the manifests that were read.
        files_by_partition: Files skipped because their partition cannot match; likewise the other fields.
        files_hidden: Files of level 0 that are not shown before they are compacted (``first-row``).
        bytes: Bytes of all live files considered; ``bytes_left`` of those left in the plan.
        indexes_asked: Files whose file index was asked; ``indexes_fetched`` of them have it in a file of its own.
        rules: What each rule took away, those that took nothing included.
    """

    manifests: int = 0
    manifests_skipped: int = 0
    files: int = 0
    files_by_partition: int = 0
    files_by_bucket: int = 0
    files_by_key: int = 0
    files_by_stats: int = 0
    files_by_index: int = 0
    files_hidden: int = 0
    files_left: int = 0
    bytes: int = 0
    bytes_left: int = 0
    partitions: int = 0
    partitions_left: int = 0
    buckets: int = 0
    buckets_left: int = 0
    indexes_asked: int = 0
    indexes_fetched: int = 0
    rules: tuple[SkippedBy, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A scan's answer.

    Attributes:
        snapshot_id: The snapshot read; None for a table without snapshots.
        schema_id: Schema the rows are returned in.
        splits: The pieces of work.
        where: The bound predicate that rows must meet, None for all.
        columns: Names of the columns returned, in order.
        limit: Greatest number of rows returned, None for all.
        report: What was skipped.
    """

    snapshot_id: int | None
    schema_id: int
    splits: tuple[Split, ...]
    where: Predicate | None = None
    columns: tuple[str, ...] = ()
    limit: int | None = None
    report: PruneReport = field(default_factory=PruneReport)
