"""Every Paimon option is honoured, inert for a written reason, or refused: there is no fourth case."""

import re
from pathlib import Path

import pyarrow as pa
import pytest

from lakestore.core.merge_options import parse_merge
from lakestore.core.options import (
    check_readable,
    check_writable,
    describe_options,
)
from lakestore.core.options_registry import OLD_NAMES, REGISTRY, lookup
from lakestore.core.options_registry_entry import Refuses, Status
from lakestore.errors import ErrorKind, InvalidInputError, UnsupportedFormatError
from lakestore.model.arrow import fields_from_arrow
from lakestore.model.options import MIB, BucketFunction, CompactOptions, LookupMode, OffPeak, TableOptions
from lakestore.model.rows import ChangelogProducer, MergeEngine
from lakestore.model.schema import TableSchema
from lakestore.model.stats import StatsKind, StatsMode
from tests.core.option_examples import another_value, example_key, parse, table

PAIMON_KEYS = [
    line
    for line in (Path(__file__).parent / "paimon_option_keys.txt").read_text().splitlines()
    if not line.startswith("#")
]


def of(status):
    return [pytest.param(option, id=option.key) for option in REGISTRY.values() if option.status is status]


# The registry.


def test_no_key_of_paimon_is_missing():
    assert len(PAIMON_KEYS) > 470
    assert [key for key in PAIMON_KEYS if lookup(key) is None] == []


def test_every_entry_is_complete():
    for option in REGISTRY.values():
        assert option.status in Status
        assert option.text.endswith("."), option.key
        assert 20 < len(option.text) < 300, option.key
        assert option.default is None or option.check(option.default) is None, option.key
        assert (option.status is Status.REFUSED) <= bool(option.limits), option.key
        assert option.status is not Status.INERT or not option.limits, option.key
        for limit in option.limits:
            assert limit.reason.endswith("."), option.key
            assert limit.reason.count(". ") >= 1, f"{option.key}: a refusal says why and what to do"
    assert all(new in REGISTRY for new in OLD_NAMES.values())
    assert not set(OLD_NAMES) & set(REGISTRY)


def test_patterns_do_not_hide_plain_keys():
    for key, option in REGISTRY.items():
        if not option.is_pattern:
            assert lookup(key) is option
        else:
            assert lookup(key) is None
            assert lookup(example_key(option)) is not None


# Honoured keys change what LakeStore does.

CHANGES = {
    "bucket": "4",
    "bucket-key": "id",
    "bucket-function.type": "mod",
    "file.format": "ORC",
    "file.compression": "lz4",
    "file.compression.zstd-level": "9",
    "file.format.per.level": "0:Avro, 5:orc",
    "file.compression.per.level": "0:LZ4",
    "changelog-file.format": "Avro",
    "changelog-file.compression": "Snappy",
    "target-file-size": "1 gb",
    "data-file.prefix": "part-",
    "changelog-file.prefix": "log-",
    "file.suffix.include.compression": "true",
    "data-file.thin-mode": "TRUE",
    "data-file.path-directory": "data/v1/",
    "metadata.stats-mode": "full",
    "changelog-file.stats-mode": "counts",
    "fields.<column>.stats-mode": "none",
    "metadata.stats-dense-store": "false",
    "metadata.stats-keep-first-n-columns": "2",
    "partition.default-name": "__NULL__",
    "partition.legacy-name": "false",
    "write-buffer-size": "1 mb",
    "write-only": "true",
    "dynamic-partition-overwrite": "false",
    "merge-engine": "Aggregation",
    "sequence.field": "ts, v",
    "sequence.field.sort-order": "descending",
    "ignore-delete": "true",
    "ignore-update-before": "true",
    "rowkind.field": "v",
    "changelog-producer": "Lookup",
    "lakestore.row-group-rows": "10",
    "lakestore.merge-window-rows": "10",
    "commit.max-retries": "3",
    "commit.min-retry-wait": "1 s",
    "commit.max-retry-wait": "1 min",
    "commit.timeout": "1 h",
    "snapshot.ignore-empty-commit": "false",
    "manifest.target-file-size": "1 mb",
    "manifest.merge-min-count": "5",
    "lakestore.manifest-merge-early": "7",
    "manifest.full-compaction-threshold-size": "1 mb",
    "manifest.compression": "snappy",
    "source.split.target-size": "1 mb",
    "source.split.open-file-cost": "0",
    "consumer-id": "me",
    "consumer.ignore-progress": "true",
    "consumer.mode": "At-Least-Once",
    "continuous.discovery-interval": "5 s",
    "scan.bounded.watermark": "1000",
    "streaming-read-append-overwrite": "true",
    "streaming-read-overwrite": "true",
    "streaming.read.snapshot.delay": "1 min",
    "scan.fallback-branch": "old",
    "tag.automatic-creation": "Watermark",
    "tag.creation-period": "hourly",
    "tag.creation-period-duration": "10 min",
    "tag.creation-delay": "1 min",
    "tag.period-formatter": "without_dashes",
    "tag.automatic-completion": "true",
    "tag.batch.customized-name": "nightly",
    "tag.num-retained-max": "7",
    "tag.default-time-retained": "3 d",
    "sink.process-time-zone": "Europe/Berlin",
    "sink.watermark-time-zone": "Asia/Shanghai",
    "changelog-producer.row-deduplicate": "true",
    "changelog-producer.row-deduplicate-ignore-fields": "v",
    "snapshot.num-retained.min": "3",
    "snapshot.num-retained.max": "30",
    "snapshot.time-retained": "2 h",
    "snapshot.expire.limit": "5",
    "snapshot.clean-empty-directories": "true",
    "changelog.num-retained.min": "20",
    "changelog.num-retained.max": "200",
    "changelog.time-retained": "2 d",
    "consumer.changelog-only": "true",
    "consumer.expiration-time": "7 d",
    "tag.time-expire-enabled": "false",
    "partition.expiration-time": "7 d",
    "partition.expiration-strategy": "Update-Time",
    "partition.expiration-check-interval": "1 d",
    "partition.expiration-max-num": "5",
    "partition.expiration-batch-size": "2",
    "end-input.check-partition-expire": "true",
    "partition.timestamp-formatter": "yyyyMMdd",
    "partition.timestamp-pattern": "$pt",
    "partition.mark-done-action": "success-file,mark-event",
    "num-sorted-run.compaction-trigger": "3",
    "num-sorted-run.stop-trigger": "9",
    "lookup.cache-max-memory-size": "1 mb",
    "commit.force-compact": "true",
    "lookup-wait": "false",
    "compaction.skip-expired-partitions": "true",
    "num-levels": "4",
    "compaction.max-size-amplification-percent": "50",
    "compaction.size-ratio": "10",
    "compaction.force-up-level-0": "true",
    "compaction.force-rewrite-all-files": "true",
    "compaction.small-file-ratio": "0.5",
    "compaction.optimization-interval": "1 h",
    "compaction.total-size-threshold": "10 mb",
    "compaction.incremental-size-threshold": "20 mb",
    "compaction.offpeak.start.hour": "22",
    "compaction.offpeak.end.hour": "6",
    "compaction.offpeak-ratio": "30",
    "full-compaction.delta-commits": "4",
    "record-level.expire-time": "2 d",
    "record-level.time-field": "ts",
    "lookup-compact": "Gentle",
    "lookup-compact.max-interval": "20",
    "force-lookup": "true",
    "add-column-before-partition": "true",
    "alter-column-null-to-not-null.disabled": "false",
    "disable-explicit-type-casting": "true",
    "compaction.min.file-num": "3",
    "compaction.file-num-limit": "50",
    "precommit-compact": "true",
    "bucket-append-ordered": "false",
    "clustering.columns": "v, id",
    "clustering.strategy": "Hilbert",
    "clustering.incremental": "true",
    "clustering.incremental.optimize-write": "true",
    "clustering.history-partition.idle-to-full-sort": "1 d",
    "clustering.history-partition.limit": "9",
    "row-tracking.enabled": "true",
    "file-index.<type>.columns": "v",
    "file-index.in-manifest-threshold": "1 mb",
    "file-index.read.enabled": "false",
}
INDEX_SETTINGS = "file-index.<type>.<setting>"
OFF_PEAK = ("compaction.offpeak.start.hour", "compaction.offpeak.end.hour", "compaction.offpeak-ratio")
"""Options that mean something only together."""
NESTED = {"merge-engine": "aggregation", "fields.nested.aggregate-function": "nested_update"}
ELSEWHERE = {"primary-key", "partition", "type"}
"""Honoured by ``normalise_new_schema`` (test_validate) and by the refusals below."""


MERGING = {
    "aggregation.remove-record-on-delete": {
        "merge-engine": "aggregation",
        "aggregation.remove-record-on-delete": "true",
    },
    "partial-update.remove-record-on-delete": {
        "merge-engine": "partial-update",
        "partial-update.remove-record-on-delete": "true",
    },
    "partial-update.remove-record-on-sequence-group": {
        "merge-engine": "partial-update",
        "fields.g.sequence-group": "text",
        "partial-update.remove-record-on-sequence-group": "g",
    },
    "fields.default-aggregate-function": {
        "merge-engine": "aggregation",
        "fields.default-aggregate-function": "last_value",
    },
    "fields.<column>.aggregate-function": {"merge-engine": "aggregation", "fields.g.aggregate-function": "sum"},
    "fields.<column>.ignore-retract": {"merge-engine": "aggregation", "fields.g.ignore-retract": "true"},
    "fields.<columns>.sequence-group": {"merge-engine": "partial-update", "fields.g.sequence-group": "text"},
    "fields.<column>.list-agg-delimiter": {
        "merge-engine": "aggregation",
        "fields.text.aggregate-function": "listagg",
        "fields.text.list-agg-delimiter": ";",
    },
    "fields.<column>.distinct": {
        "merge-engine": "aggregation",
        "fields.text.aggregate-function": "listagg",
        "fields.text.distinct": "true",
    },
    "fields.<column>.nested-key": NESTED | {"fields.nested.nested-key": "k"},
    "fields.<column>.nested-key-null-strategy": NESTED
    | {"fields.nested.nested-key": "k", "fields.nested.nested-key-null-strategy": "ignore"},
    "fields.<column>.nested-sequence-field": NESTED
    | {"fields.nested.nested-key": "k", "fields.nested.nested-sequence-field": "v"},
    "fields.<column>.count-limit": NESTED | {"fields.nested.count-limit": "3"},
    "fields.<column>.ts-field": {
        "merge-engine": "aggregation",
        "fields.map.aggregate-function": "merge_map_with_keytime",
        "fields.map.ts-field": "k",
    },
}
"""Options by which rows are merged, each with what it takes to mean something; the last one is the option itself."""


@pytest.mark.parametrize("key", MERGING)
def test_merging_keys_change_the_merge(key):
    row = pa.struct([("k", pa.string()), ("v", pa.string())])
    columns = [("id", pa.int32()), ("g", pa.int64()), ("text", pa.string())]
    columns += [("nested", pa.list_(row)), ("map", pa.map_(pa.string(), row))]
    schema = TableSchema(id=0, fields=fields_from_arrow(pa.schema(columns)), primary_keys=("id",))
    options = MERGING[key]
    without = dict(list(options.items())[:-1])
    assert parse_merge(schema, options) != parse_merge(schema, without)


@pytest.mark.parametrize("option", of(Status.HONOURED))
def test_honoured_keys_change_the_options(option):
    if option.key in MERGING:
        return
    if option.key in ELSEWHERE:
        assert option.limits or option.key in {"primary-key", "partition"}
        return
    if option.key == INDEX_SETTINGS:
        indexed = {"file-index.bloom-filter.columns": "v"}
        assert parse(indexed | {"file-index.bloom-filter.v.items": "9"}) != parse(indexed)
        return
    others = {key: CHANGES[key] for key in OFF_PEAK if option.key in OFF_PEAK and key != option.key}
    assert parse(others | {example_key(option): CHANGES[option.key]}) != parse(others)
    if option.default is not None and option.key != "commit.max-retries":
        assert parse({example_key(option): option.default}, keyed=False) == parse({}, keyed=False)


def test_what_the_records_hold():
    options = parse({example_key(REGISTRY[key]): value for key, value in CHANGES.items()})
    assert options.bucket.count == 4
    assert options.bucket.key == ("id",)
    assert options.bucket.function is BucketFunction.MOD
    assert options.files.format == "orc"
    assert options.files.compression == "lz4"
    assert options.files.zstd_level == 9
    assert options.files.format_per_level == {0: "avro", 5: "orc"}
    assert options.files.compression_per_level == {0: "lz4"}
    assert (options.files.changelog_format, options.files.changelog_compression) == ("avro", "snappy")
    assert options.files.target_bytes == 1024 * MIB
    assert options.files.data_prefix == "part-"
    assert options.files.changelog_prefix == "log-"
    assert options.files.suffix_compression
    assert options.files.thin
    assert options.files.directory == "data/v1"
    assert options.files.row_group_rows == 10
    assert options.stats.mode == StatsMode(kind=StatsKind.FULL)
    assert options.stats.columns == {"v": StatsMode(kind=StatsKind.NONE)}
    assert not options.stats.dense
    assert options.stats.keep_first == 2
    assert options.partition.default_name == "__NULL__"
    assert not options.partition.legacy_name
    assert options.write.buffer_bytes == MIB
    assert options.write.write_only
    assert not options.dynamic_partition_overwrite
    assert options.merge.engine is MergeEngine.AGGREGATION
    assert options.merge.sequence_fields == ("ts", "v")
    assert options.merge.sequence_descending
    assert options.merge.ignore_delete
    assert options.merge.ignore_update_before
    assert options.merge.rowkind_field == "v"
    assert options.merge.changelog_producer is ChangelogProducer.LOOKUP
    assert options.commit.max_retries == 3
    assert options.commit.min_wait_ms == 1000
    assert options.commit.max_wait_ms == 60_000
    assert options.commit.timeout_ms == 3_600_000
    assert options.commit.ignore_empty is False
    assert options.commit.manifest_target_bytes == MIB
    assert options.commit.manifest_merge_min_count == 5
    assert options.commit.manifest_full_compaction_bytes == MIB
    assert options.commit.manifest_compression == "snappy"
    assert options.scan.split_target_bytes == MIB
    assert options.scan.split_open_cost == 0
    assert options.scan.window_rows == 10
    assert options.compact == CompactOptions(
        trigger=3,
        stop_trigger=9,
        force_compact=True,
        lookup_wait=False,
        skip_expired_partitions=True,
        num_levels=4,
        max_amplification=50,
        size_ratio=10,
        off_peak=OffPeak(start_hour=22, end_hour=6, ratio=30),
        optimization_interval_ms=3_600_000,
        total_size_threshold=10 * MIB,
        incremental_size_threshold=20 * MIB,
        force_up_level0=True,
        force_rewrite_all=True,
        small_file_ratio=0.5,
        full_delta_commits=4,
        lookup_mode=LookupMode.GENTLE,
        lookup_max_interval=20,
        force_lookup=True,
        row_deduplicate=True,
        row_deduplicate_ignore=("v",),
        expire_ms=172_800_000,
        expire_field="ts",
        recent_bytes=MIB,
    )
    assert (options.alter.before_partition, options.alter.keep_nullable, options.alter.implicit_only) == (
        True,
        False,
        True,
    )
    assert parse({"deletion-vectors.enabled": "true"}).deletion_vectors


def test_the_files_of_a_level_have_their_own_format_and_codec():
    files = parse(
        {"file.format": "orc", "file.format.per.level": "0:avro", "file.compression.per.level": "1:lz4"}
    ).files
    found = [files.at_level(level) for level in range(3)]
    assert [(one.format, one.compression) for one in found] == [("avro", "zstd"), ("orc", "lz4"), ("orc", "zstd")]
    assert found[2] is files
    assert files.at_level(0, changelog=True) == files.at_level(0)
    changelog = parse({"changelog-file.format": "avro", "changelog-file.compression": "none"}).files
    assert changelog.at_level(0).format == "parquet"
    told = changelog.at_level(0, changelog=True)
    assert (told.format, told.compression) == ("avro", "none")


@pytest.mark.parametrize("text", ["avro", "0:avro:orc", "x:avro"])
def test_levels_are_numbers(text):
    with pytest.raises(InvalidInputError, match=r"file\.format\.per\.level"):
        parse({"file.format.per.level": text})


def test_defaults():
    assert parse({}, keyed=False) == TableOptions()
    assert parse({}, keyed=False).files.target_bytes == 256 * MIB
    assert parse({}, keyed=True).files.target_bytes == 128 * MIB


@pytest.mark.parametrize("old", [old for old, new in OLD_NAMES.items() if REGISTRY[new].status is Status.HONOURED])
def test_older_spellings_are_read_and_the_present_one_wins(old):
    new = OLD_NAMES[old]
    default = REGISTRY[new].default
    other = CHANGES[new]
    assert parse({old: other}) == parse({new: other}) != parse({})
    assert parse({old: other, new: default or "false"}) == parse({new: default or "false"})
    if new != "clustering.columns":
        with pytest.raises(InvalidInputError, match=re.escape(repr(old))):
            parse({old: "maybe"})


# Inert keys change nothing.


@pytest.mark.parametrize("option", of(Status.INERT))
def test_inert_keys_change_nothing(option):
    options = {example_key(option): another_value(option)}
    assert parse(options) == parse({})
    for keyed in (True, False):
        check_readable(table(options, keyed=keyed))
        check_writable(table(options, keyed=keyed))


# Refused keys, and refused values of honoured ones.

CHECKS = {Refuses.READ: check_readable, Refuses.WRITE: check_writable}


def refuses(what, schema, key):
    try:
        CHECKS[what](schema)
    except UnsupportedFormatError as error:
        assert error.kind is ErrorKind.UNSUPPORTED_FEATURE
        assert repr(key) in error.message
        assert what.value in error.message
        return True
    return False


@pytest.mark.parametrize("option", of(Status.REFUSED))
def test_refused_keys_are_refused_by_name(option):
    key = example_key(option)
    schema = table({key: another_value(option)})
    for what in CHECKS:
        assert refuses(what, schema, key) is option.limits[0].refuses.covers(what)
    if option.default is not None:
        fine = table({key: option.default.upper()})
        assert not any(refuses(what, fine, key) for what in CHECKS)


@pytest.mark.parametrize(
    ("options", "keyed", "read", "write"),
    [
        ({"merge-engine": "partial-update"}, True, False, False),
        ({"merge-engine": "first-row"}, True, False, False),
        ({"merge-engine": "DEDUPLICATE"}, True, False, False),
        ({"merge-engine": "aggregation"}, False, False, False),
        ({"bucket": "-1"}, True, False, True),
        ({"bucket": "-2"}, True, False, True),
        ({"bucket": "16"}, True, False, False),
        ({"bucket": "-1"}, False, False, False),
        ({"bucket-function.type": "hive"}, True, False, True),
        ({"bucket-function.type": "mod"}, True, False, False),
        ({"changelog-producer": "input"}, True, False, False),
        ({"file.format": "csv"}, True, True, True),
        ({"file.format": "lance"}, False, True, True),
        ({"file.format": "avro"}, True, False, False),
        ({"file.format": "ORC"}, False, False, False),
        ({"file.format": "Parquet"}, True, False, False),
        ({"file.compression": "brotli"}, True, False, True),
        ({"file.format.per.level": "0:avro,1:json"}, True, False, True),
        ({"file.format.per.level": "0:avro, 5:PARQUET"}, True, False, False),
        ({"file.compression.per.level": "0:brotli"}, True, False, True),
        ({"file.compression.per.level": "0:lz4 , 1:zlib"}, True, False, False),
        ({"changelog-file.format": "text"}, True, False, True),
        ({"changelog-file.compression": "lzo"}, True, False, True),
        ({"manifest.compression": "lzma"}, True, False, True),
        ({"manifest.format": "orc"}, True, True, True),
        ({"type": "format-table"}, False, True, True),
        ({"type": "materialized-table"}, False, False, True),
        ({"scan.mode": "latest"}, True, False, False),
        ({"scan.mode": "compacted-full"}, True, True, False),
        ({"log.scan": "from-timestamp"}, True, True, False),
        ({"log.scan": "from-timestamp", "scan.mode": "default"}, True, False, False),
        ({"deletion-vectors.enabled": "false"}, True, False, False),
        ({"row-tracking.enabled": "true"}, False, False, False),
        ({"data-evolution.enabled": "true"}, False, True, True),
        ({"log.system": "kafka"}, False, False, True),
    ],
)
def test_refused_values(options, keyed, read, write):
    schema, key = table(options, keyed=keyed), next(iter(options))
    assert refuses(Refuses.READ, schema, key) is read
    assert refuses(Refuses.WRITE, schema, key) is write


def test_a_keyed_table_without_bucket_has_dynamic_buckets():
    schema = TableSchema(id=0, fields=table().fields, primary_keys=("id",), options={})
    check_readable(schema)
    assert refuses(Refuses.WRITE, schema, "bucket")


def test_all_reasons_are_told_at_once():
    with pytest.raises(UnsupportedFormatError) as caught:
        check_writable(table({"bucket-function.type": "hive", "bucket": "-1", "log.system": "kafka"}))
    assert caught.value.message.count("\n") == 3


# The page made from it.


def test_the_description_has_a_line_for_every_key():
    rows = describe_options()
    assert [row.key for row in rows] == sorted([*REGISTRY, *OLD_NAMES])
    for row in rows:
        assert row.status in {"honoured", "inert", "refused", "refused for reading", "refused for writing"}
        assert row.text
        assert "|" not in row.text
    by_key = {row.key: row for row in rows}
    assert by_key["bucket-function.type"].text.endswith("Values other than default, mod are refused for writing.")
    assert by_key["write.compaction-skip"].text == "Older spelling of `write-only`."
    assert by_key["log.system"].status == "refused for writing"
