"""Manifest entries and the manifests' own descriptions in manifest lists."""

from dataclasses import dataclass
from enum import IntEnum

from lakestore.model.datafile import DataFile
from lakestore.model.stats import ColumnStats

UNAWARE_TOTAL_BUCKETS = -1
"""``_TOTAL_BUCKETS`` of tables without fixed buckets."""
POSTPONE_BUCKET = -2


class EntryKind(IntEnum):
    """What an entry does to the set of live files. The values are format: ``_KIND``."""

    ADD = 0
    DELETE = 1


FileId = tuple[bytes, int, int, str, tuple[str, ...], bytes | None, str | None]
"""Identity of a file: partition, bucket, level, name, extra files, embedded index, external path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestEntry:
    """One file added to or deleted from the table.

    Attributes:
        kind: ADD or DELETE.
        partition: Serialized BinaryRow of the partition columns.
        bucket: Bucket number, or -2 for postponed rows.
        total_buckets: Bucket count at the time of writing, -1 without fixed buckets, -2 postponed.
        file: The file.
    """

    kind: EntryKind
    partition: bytes
    bucket: int
    total_buckets: int
    file: DataFile

    @property
    def id(self) -> FileId:
        """Identity: a DELETE cancels the ADD of equal identity."""
        file = self.file
        return (
            self.partition,
            self.bucket,
            file.level,
            file.name,
            file.extra_files,
            file.embedded_index,
            file.external_path,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestMeta:
    """A manifest file as its manifest list describes it.

    Attributes:
        name: Bare file name.
        size: Bytes.
        added_files: Number of ADD entries.
        deleted_files: Number of DELETE entries.
        partition_stats: Bounds of the partitions of all entries.
        schema_id: Greatest schema id of the entries.
        min_bucket: Least bucket, None when the writer did not say; likewise the other bounds.
    """

    name: str
    size: int
    added_files: int
    deleted_files: int
    partition_stats: ColumnStats
    schema_id: int
    min_bucket: int | None = None
    max_bucket: int | None = None
    min_level: int | None = None
    max_level: int | None = None
    min_row_id: int | None = None
    max_row_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletionVectorRange:
    """Where an index file keeps the deletion vector of one data file (Paimon ``DeletionVectorMeta``).

    Attributes:
        data_file: Bare name of the data file.
        offset: First byte in the index file.
        length: Bytes as the writer counted them; the index file itself knows better.
        cardinality: Deleted rows, None when the writer did not say.
    """

    data_file: str
    offset: int
    length: int
    cardinality: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexEntry:
    """One index file in an index manifest (Paimon ``IndexManifestEntry``).

    Attributes:
        kind: ADD or DELETE.
        partition: Serialized BinaryRow of the partition columns.
        bucket: Bucket number.
        index_type: ``HASH``, ``DELETION_VECTORS`` or the name of a global index.
        name: Bare file name.
        size: Bytes.
        row_count: Hashes or vectors in the file.
        vectors: Ranges of deletion vectors, None for other indexes.
        external_path: Complete path when the file lies outside the table.
    """

    kind: EntryKind
    partition: bytes
    bucket: int
    index_type: str
    name: str
    size: int
    row_count: int
    vectors: tuple[DeletionVectorRange, ...] | None = None
    external_path: str | None = None
