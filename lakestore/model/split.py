"""The answer to a scan at one snapshot, cut into pieces of work for readers."""

from dataclasses import dataclass, field

from lakestore.model.datafile import DataFile
from lakestore.model.predicate import Predicate


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Files of one bucket that one reader reads together.

    Attributes:
        partition: Serialized BinaryRow of the partition columns.
        bucket: Bucket number.
        files: The files; of a merged split all files of one or more whole sections.
        raw: True: read the files one after another, no merge, no retract row to drop.
    """

    partition: bytes
    bucket: int
    files: tuple[DataFile, ...]
    raw: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneReport:
    """How much each rule skipped. Counts are exact.

    Attributes:
        manifests: Manifests of the snapshot; ``manifests_skipped`` of them were not read.
        files: Live files of the snapshot in the manifests that were read.
        files_by_partition: Files skipped because their partition cannot match; likewise the other fields.
        files_hidden: Files of level 0 that are not shown before they are compacted (``first-row``).
        bytes: Bytes of all live files considered; ``bytes_read`` of those left in the plan.
    """

    manifests: int = 0
    manifests_skipped: int = 0
    files: int = 0
    files_by_partition: int = 0
    files_by_bucket: int = 0
    files_by_key: int = 0
    files_by_stats: int = 0
    files_hidden: int = 0
    files_left: int = 0
    bytes: int = 0
    bytes_left: int = 0


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
