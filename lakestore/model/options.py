"""Table options as typed records. Below the API nothing sees ``dict[str, str]``.

``core.options`` (the registry of every Paimon key) parses a schema's option map into one ``TableOptions``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from lakestore.model.append import AppendOptions
from lakestore.model.file_index import FileIndexOptions
from lakestore.model.retain import PartitionExpiryOptions, RetainOptions
from lakestore.model.rows import ChangelogProducer, MergeEngine
from lakestore.model.stats import TRUNCATE_16, StatsMode
from lakestore.model.stream import StreamOptions
from lakestore.model.tag_options import TagOptions

MIB = 1024 * 1024


class BucketFunction(StrEnum):
    """Option ``bucket-function.type``. The values are format."""

    DEFAULT = "default"
    MOD = "mod"
    HIVE = "hive"


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketOptions:
    """How rows find their bucket.

    Attributes:
        count: Option ``bucket``: > 0 fixed, -1 none (append) or dynamic (keyed), -2 postponed.
        key: Option ``bucket-key``; empty means the trimmed primary key.
        function: Option ``bucket-function.type``.
    """

    count: int = -1
    key: tuple[str, ...] = ()
    function: BucketFunction = BucketFunction.DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOptions:
    """How data files are written.

    Attributes:
        format: Option ``file.format``: parquet, orc or avro.
        compression: Option ``file.compression``; which codecs there are is the format's.
        zstd_level: Option ``file.compression.zstd-level``.
        target_bytes: Option ``target-file-size``; 128 MiB with, 256 MiB without a primary key.
        data_prefix: Option ``data-file.prefix``.
        changelog_prefix: Option ``changelog-file.prefix``.
        suffix_compression: Option ``file.suffix.include.compression``.
        thin: Option ``data-file.thin-mode``: leave out the ``_KEY_`` columns.
        directory: Option ``data-file.path-directory``.
        row_group_rows: LakeStore's own ``lakestore.row-group-rows``: rows of one Parquet row group at most.
        format_per_level: Option ``file.format.per.level``; primary-key tables only.
        compression_per_level: Option ``file.compression.per.level``; primary-key tables only.
        changelog_format: Option ``changelog-file.format``; None for the format of the level.
        changelog_compression: Option ``changelog-file.compression``; None for the codec of the level.
    """

    format: str = "parquet"
    compression: str = "zstd"
    zstd_level: int = 1
    target_bytes: int = 256 * MIB
    data_prefix: str = "data-"
    changelog_prefix: str = "changelog-"
    suffix_compression: bool = False
    thin: bool = False
    directory: str | None = None
    row_group_rows: int = 256 * 1024
    format_per_level: Mapping[int, str] = field(default_factory=dict)
    compression_per_level: Mapping[int, str] = field(default_factory=dict)
    changelog_format: str | None = None
    changelog_compression: str | None = None

    def at_level(self, level: int, *, changelog: bool = False) -> "FileOptions":
        """The options of one file of a primary-key table: its own format and codec in the place of the table's."""
        form = self.format_per_level.get(level, self.format)
        codec = self.compression_per_level.get(level, self.compression)
        if changelog:
            form, codec = self.changelog_format or form, self.changelog_compression or codec
        return (
            self if (form, codec) == (self.format, self.compression) else replace(self, format=form, compression=codec)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StatsOptions:
    """Which column statistics are written.

    Attributes:
        mode: Option ``metadata.stats-mode``.
        columns: Option ``fields.<column>.stats-mode``, by column.
        dense: Option ``metadata.stats-dense-store``.
        keep_first: Option ``metadata.stats-keep-first-n-columns``, -1 for all.
        changelog_mode: Option ``changelog-file.stats-mode``; None for ``mode``.
    """

    mode: StatsMode = TRUNCATE_16
    columns: Mapping[str, StatsMode] = field(default_factory=dict)
    dense: bool = True
    keep_first: int = -1
    changelog_mode: StatsMode | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeOptions:
    """How versions of one key become one row.

    Attributes:
        engine: Option ``merge-engine``.
        sequence_fields: Option ``sequence.field``, in order.
        sequence_descending: Option ``sequence.field.sort-order`` is ``descending``.
        ignore_delete: Option ``ignore-delete`` and its older spellings.
        ignore_update_before: Option ``ignore-update-before``.
        rowkind_field: Option ``rowkind.field``.
        changelog_producer: Option ``changelog-producer``.
    """

    engine: MergeEngine = MergeEngine.DEDUPLICATE
    sequence_fields: tuple[str, ...] = ()
    sequence_descending: bool = False
    ignore_delete: bool = False
    ignore_update_before: bool = False
    rowkind_field: str | None = None
    changelog_producer: ChangelogProducer = ChangelogProducer.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOptions:
    """How much a writer holds.

    Attributes:
        buffer_bytes: Option ``write-buffer-size``: rows held over all open buckets together.
        write_only: Option ``write-only``.
    """

    buffer_bytes: int = 256 * MIB
    write_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitOptions:
    """The commit loop and the manifests.

    Attributes:
        max_retries: Option ``commit.max-retries``: lost races before giving up. None, when the option is not
            set, leaves it to the committer, which goes on as long as others make progress.
        min_wait_ms: Option ``commit.min-retry-wait``.
        max_wait_ms: Option ``commit.max-retry-wait``.
        timeout_ms: Option ``commit.timeout``, None for none.
        ignore_empty: Option ``snapshot.ignore-empty-commit``: whether a commit without changes makes no snapshot;
            None, when the option is not set, leaves it to the caller.
        manifest_target_bytes: Option ``manifest.target-file-size``.
        manifest_merge_min_count: Option ``manifest.merge-min-count``.
        manifest_merge_early: LakeStore's own ``lakestore.manifest-merge-early``: so many manifests are merged already
            while they are small together; 0 for never.
        manifest_full_compaction_bytes: Option ``manifest.full-compaction-threshold-size``.
        manifest_compression: Option ``manifest.compression``.
    """

    max_retries: int | None = None
    min_wait_ms: int = 10
    max_wait_ms: int = 10_000
    timeout_ms: int | None = None
    ignore_empty: bool | None = None
    manifest_target_bytes: int = 8 * MIB
    manifest_merge_min_count: int = 30
    manifest_merge_early: int = 5
    manifest_full_compaction_bytes: int = 16 * MIB
    manifest_compression: str = "zstd"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionOptions:
    """How partition folders are spelled.

    Attributes:
        default_name: Option ``partition.default-name``.
        legacy_name: Option ``partition.legacy-name``.
    """

    default_name: str = "__DEFAULT_PARTITION__"
    legacy_name: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanOptions:
    """How scans are cut and where they stand.

    Attributes:
        split_target_bytes: Option ``source.split.target-size``.
        split_open_cost: Option ``source.split.open-file-cost``.
        window_rows: LakeStore's own ``lakestore.merge-window-rows``: rows of one run held while merging.
        fallback_branch: Option ``scan.fallback-branch``: partitions that the branch being read lacks come from it.
    """

    split_target_bytes: int = 128 * MIB
    split_open_cost: int = 4 * MIB
    window_rows: int = 256 * 1024
    fallback_branch: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlterOptions:
    """What changes of columns are allowed, and where new ones go.

    Attributes:
        before_partition: Option ``add-column-before-partition``: a new column without a place of its own goes in
            front of the first partition column, not to the end.
        keep_nullable: Option ``alter-column-null-to-not-null.disabled``.
        implicit_only: Option ``disable-explicit-type-casting``: only casts that lose next to nothing.
    """

    before_partition: bool = False
    keep_nullable: bool = True
    implicit_only: bool = False


class LookupMode(StrEnum):
    """Option ``lookup-compact``: how eagerly level-0 files of a lookup table are compacted. The values are format."""

    RADICAL = "radical"
    GENTLE = "gentle"


@dataclass(frozen=True, slots=True, kw_only=True)
class OffPeak:
    """Hours in which compaction may take in larger runs.

    Attributes:
        start_hour: Option ``compaction.offpeak.start.hour``: first hour of the local day, 0 to 23.
        end_hour: Option ``compaction.offpeak.end.hour``: the hour that is no longer in; may lie after midnight.
        ratio: Option ``compaction.offpeak-ratio``: percent added to ``size_ratio``.
    """

    start_hour: int
    end_hour: int
    ratio: int

    def ratio_at(self, hour: int) -> int:
        """Percent added in that hour of the local day; 0 outside of the off-peak hours."""
        if self.start_hour <= self.end_hour:
            inside = self.start_hour <= hour < self.end_hour
        else:
            inside = hour < self.end_hour or self.start_hour <= hour
        return self.ratio if inside else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactOptions:
    """When files are compacted, and which; sizes in bytes, times in milliseconds.

    Attributes:
        trigger: Option ``num-sorted-run.compaction-trigger``: sorted runs of a bucket from which it is compacted.
        stop_trigger: Option ``num-sorted-run.stop-trigger``: runs above which a commit waits for the compaction that
            runs beside it; ``trigger`` + 3.
        num_levels: Option ``num-levels``, level 0 included; ``trigger`` + 1.
        max_amplification: Option ``compaction.max-size-amplification-percent``.
        size_ratio: Option ``compaction.size-ratio``, in percent.
        off_peak: The ``compaction.offpeak`` options, None where they are not set.
        optimization_interval_ms: Option ``compaction.optimization-interval``.
        total_size_threshold: Option ``compaction.total-size-threshold``: below it every compaction is full.
        incremental_size_threshold: Option ``compaction.incremental-size-threshold``: above it below the top level, too.
        force_up_level0: Option ``compaction.force-up-level-0``: no fresh file stays.
        force_rewrite_all: Option ``compaction.force-rewrite-all-files``: a full compaction copies every file.
        small_file_ratio: Option ``compaction.small-file-ratio``, of the target file size.
        force_compact: Option ``commit.force-compact``: what is due is compacted before a commit returns.
        full_delta_commits: Option ``full-compaction.delta-commits``.
        lookup_mode: Option ``lookup-compact``.
        lookup_max_interval: Option ``lookup-compact.max-interval``: commits between two forced ones; 2 x ``trigger``.
        lookup_wait: Option ``lookup-wait``: where old values are looked up, commits wait for it.
        force_lookup: Option ``force-lookup``.
        row_deduplicate: Option ``changelog-producer.row-deduplicate``.
        row_deduplicate_ignore: Option ``changelog-producer.row-deduplicate-ignore-fields``.
        skip_expired_partitions: Option ``compaction.skip-expired-partitions``: jobs leave partitions alone that expiry
            by ``values-time`` would drop.
        expire_ms: Option ``record-level.expire-time``.
        expire_field: Option ``record-level.time-field``.
        recent_bytes: Option ``lookup.cache-max-memory-size``: rows that a writer keeps for the compaction to come.
    """

    trigger: int = 5
    stop_trigger: int = 8
    num_levels: int = 6
    max_amplification: int = 200
    size_ratio: int = 1
    off_peak: OffPeak | None = None
    optimization_interval_ms: int | None = None
    total_size_threshold: int | None = None
    incremental_size_threshold: int | None = None
    force_up_level0: bool = False
    force_rewrite_all: bool = False
    small_file_ratio: float = 0.7
    force_compact: bool = False
    full_delta_commits: int | None = None
    lookup_mode: LookupMode = LookupMode.RADICAL
    lookup_max_interval: int = 10
    lookup_wait: bool = True
    force_lookup: bool = False
    row_deduplicate: bool = False
    row_deduplicate_ignore: tuple[str, ...] = ()
    skip_expired_partitions: bool = False
    expire_ms: int | None = None
    expire_field: str | None = None
    recent_bytes: int = 256 * MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class TableOptions:
    """All options of one table that change what LakeStore does."""

    bucket: BucketOptions = field(default_factory=BucketOptions)
    files: FileOptions = field(default_factory=FileOptions)
    stats: StatsOptions = field(default_factory=StatsOptions)
    merge: MergeOptions = field(default_factory=MergeOptions)
    write: WriteOptions = field(default_factory=WriteOptions)
    commit: CommitOptions = field(default_factory=CommitOptions)
    partition: PartitionOptions = field(default_factory=PartitionOptions)
    scan: ScanOptions = field(default_factory=ScanOptions)
    alter: AlterOptions = field(default_factory=AlterOptions)
    compact: CompactOptions = field(default_factory=CompactOptions)
    append: AppendOptions = field(default_factory=AppendOptions)
    tags: TagOptions = field(default_factory=TagOptions)
    retain: RetainOptions = field(default_factory=RetainOptions)
    partition_expiry: PartitionExpiryOptions = field(default_factory=PartitionExpiryOptions)
    stream: StreamOptions = field(default_factory=StreamOptions)
    file_index: FileIndexOptions = field(default_factory=FileIndexOptions)
    dynamic_partition_overwrite: bool = True
    deletion_vectors: bool = False

    @property
    def looks_up(self) -> bool:
        """Whether compaction looks old values up, so that level 0 is to be emptied soon (``LookupStrategy``)."""
        return (
            self.merge.engine is MergeEngine.FIRST_ROW
            or self.merge.changelog_producer is ChangelogProducer.LOOKUP
            or self.deletion_vectors
            or self.compact.force_lookup
        )

    @property
    def compacts_beside(self) -> bool:
        """Whether a commit may return before what it made due is compacted, as in Paimon ``MergeTreeWriter``."""
        return self.settles and not (self.looks_up and self.compact.lookup_wait)

    @property
    def settles(self) -> bool:
        """Whether small buckets may be merged whole when commits pause: nothing asks for other full compactions."""
        if self.compact.force_compact or self.compact.full_delta_commits is not None:
            return False
        return self.merge.changelog_producer is not ChangelogProducer.FULL_COMPACTION
