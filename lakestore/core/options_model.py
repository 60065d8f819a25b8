"""The honoured options as one pydantic model: the only place where a table's option texts become values."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from lakestore.core.options_values import (
    parse_duration,
    parse_flag,
    parse_int,
    parse_levels,
    parse_size,
    split_names,
)
from lakestore.model.options import BucketFunction
from lakestore.model.rows import ChangelogProducer, MergeEngine
from lakestore.model.stats import StatsMode, parse_stats_mode


def _lower(text: str) -> str:
    return text.strip().lower()


def _bucket_count(count: int) -> int:
    if count not in {-1, -2} and count < 1:
        raise ValueError("expected a number of buckets > 0, or -1 or -2")
    return count


def _file_prefix(text: str) -> str:
    if not text or set(text) & {"/", "\\", "\0"} or text.startswith("."):
        raise ValueError("expected the beginning of a file name, without slashes and not with a dot first")
    return text


def _directory(text: str) -> str:
    parts = text.removesuffix("/").split("/")
    if "\\" in text or "\0" in text or any(part in {"", ".", ".."} for part in parts):
        raise ValueError("expected a folder inside the table, such as data or a/b")
    return "/".join(parts)


def _ascending_or_descending(text: str) -> bool:
    if _lower(text) not in {"ascending", "descending"}:
        raise ValueError("expected one of ascending, descending")
    return _lower(text) == "descending"


Size = Annotated[int, BeforeValidator(parse_size), Field(gt=0)]
Millis = Annotated[int, BeforeValidator(parse_duration)]
Flag = Annotated[bool, BeforeValidator(parse_flag)]
Int = Annotated[int, BeforeValidator(parse_int)]
Names = Annotated[tuple[str, ...], BeforeValidator(split_names)]
Prefix = Annotated[str, AfterValidator(_file_prefix)]
Word = Annotated[str, BeforeValidator(_lower), Field(min_length=1)]
WordOfLevel = Annotated[Mapping[int, str], BeforeValidator(parse_levels)]


class OptionTexts(BaseModel):
    """Every honoured option that is not about a single column. Fields are named as the option, `.` and `-` as `_`."""

    model_config = ConfigDict(extra="ignore", frozen=True, arbitrary_types_allowed=True)

    bucket: Annotated[Int, AfterValidator(_bucket_count)] = Field(-1, alias="bucket")
    # Not trimmed: Paimon takes blanks for parts of the names, and both must find the same buckets.
    bucket_key: Annotated[tuple[str, ...], BeforeValidator(lambda text: tuple(text.split(",")))] = Field(
        (), alias="bucket-key"
    )
    bucket_function_type: Annotated[BucketFunction, BeforeValidator(_lower)] = Field(
        BucketFunction.DEFAULT, alias="bucket-function.type"
    )
    file_format: Word = Field("parquet", alias="file.format")
    file_compression: Word = Field("zstd", alias="file.compression")
    file_compression_zstd_level: Annotated[Int, Field(ge=1, le=22)] = Field(1, alias="file.compression.zstd-level")
    file_format_per_level: WordOfLevel = Field({}, alias="file.format.per.level")
    file_compression_per_level: WordOfLevel = Field({}, alias="file.compression.per.level")
    changelog_file_format: Word | None = Field(None, alias="changelog-file.format")
    changelog_file_compression: Word | None = Field(None, alias="changelog-file.compression")
    target_file_size: Size | None = Field(None, alias="target-file-size")
    data_file_prefix: Prefix = Field("data-", alias="data-file.prefix")
    changelog_file_prefix: Prefix = Field("changelog-", alias="changelog-file.prefix")
    file_suffix_include_compression: Flag = Field(default=False, alias="file.suffix.include.compression")
    data_file_thin_mode: Flag = Field(default=False, alias="data-file.thin-mode")
    data_file_path_directory: Annotated[str, AfterValidator(_directory)] | None = Field(
        None, alias="data-file.path-directory"
    )
    lakestore_row_group_rows: Annotated[Int, Field(gt=0)] = Field(256 * 1024, alias="lakestore.row-group-rows")
    lakestore_merge_window_rows: Annotated[Int, Field(gt=0)] = Field(256 * 1024, alias="lakestore.merge-window-rows")
    metadata_stats_mode: Annotated[StatsMode, BeforeValidator(parse_stats_mode)] = Field(
        parse_stats_mode("truncate(16)"), alias="metadata.stats-mode"
    )
    metadata_stats_dense_store: Flag = Field(default=True, alias="metadata.stats-dense-store")
    metadata_stats_keep_first_n_columns: Annotated[Int, Field(ge=-1)] = Field(
        -1, alias="metadata.stats-keep-first-n-columns"
    )
    changelog_file_stats_mode: Annotated[StatsMode, BeforeValidator(parse_stats_mode)] | None = Field(
        None, alias="changelog-file.stats-mode"
    )
    merge_engine: Annotated[MergeEngine, BeforeValidator(_lower)] = Field(MergeEngine.DEDUPLICATE, alias="merge-engine")
    sequence_field: Names = Field((), alias="sequence.field")
    sequence_field_sort_order: Annotated[bool, BeforeValidator(_ascending_or_descending)] = Field(
        default=False, alias="sequence.field.sort-order"
    )
    ignore_delete: Flag = Field(default=False, alias="ignore-delete")
    ignore_update_before: Flag = Field(default=False, alias="ignore-update-before")
    rowkind_field: str | None = Field(None, alias="rowkind.field", min_length=1)
    changelog_producer: Annotated[ChangelogProducer, BeforeValidator(_lower)] = Field(
        ChangelogProducer.NONE, alias="changelog-producer"
    )
    write_buffer_size: Size = Field(256 * 1024 * 1024, alias="write-buffer-size")
    write_only: Flag = Field(default=False, alias="write-only")
    commit_max_retries: Annotated[Int, Field(ge=0)] | None = Field(None, alias="commit.max-retries")
    commit_min_retry_wait: Millis = Field(10, alias="commit.min-retry-wait")
    commit_max_retry_wait: Millis = Field(10_000, alias="commit.max-retry-wait")
    commit_timeout: Millis | None = Field(None, alias="commit.timeout")
    snapshot_ignore_empty_commit: Flag | None = Field(None, alias="snapshot.ignore-empty-commit")
    manifest_target_file_size: Size = Field(8 * 1024 * 1024, alias="manifest.target-file-size")
    manifest_merge_min_count: Annotated[Int, Field(ge=1)] = Field(30, alias="manifest.merge-min-count")
    lakestore_manifest_merge_early: Annotated[Int, Field(ge=0)] = Field(5, alias="lakestore.manifest-merge-early")
    manifest_full_compaction_threshold_size: Size = Field(
        16 * 1024 * 1024, alias="manifest.full-compaction-threshold-size"
    )
    manifest_compression: Word = Field("zstd", alias="manifest.compression")
    partition_default_name: Annotated[str, AfterValidator(_file_prefix)] = Field(
        "__DEFAULT_PARTITION__", alias="partition.default-name"
    )
    partition_legacy_name: Flag = Field(default=True, alias="partition.legacy-name")
    source_split_target_size: Size = Field(128 * 1024 * 1024, alias="source.split.target-size")
    scan_fallback_branch: Annotated[str, Field(min_length=1)] | None = Field(None, alias="scan.fallback-branch")
    source_split_open_file_cost: Annotated[int, BeforeValidator(parse_size)] = Field(
        4 * 1024 * 1024, alias="source.split.open-file-cost"
    )
    add_column_before_partition: Flag = Field(default=False, alias="add-column-before-partition")
    alter_column_null_to_not_null_disabled: Flag = Field(default=True, alias="alter-column-null-to-not-null.disabled")
    disable_explicit_type_casting: Flag = Field(default=False, alias="disable-explicit-type-casting")
    dynamic_partition_overwrite: Flag = Field(default=True, alias="dynamic-partition-overwrite")
    deletion_vectors_enabled: Flag = Field(default=False, alias="deletion-vectors.enabled")
