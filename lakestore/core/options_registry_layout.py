"""Options that say what a table is: keys, buckets, files, statistics, partitions, merging."""

from lakestore.core.options_registry_entry import Limit, Refuses, honoured, inert, refused

_FORMATS = "parquet|orc|avro"
_CODECS = "zstd|zstandard|snappy|lz4|gzip|zlib|deflate|none|null|uncompressed"
_PER_LEVEL = r"(\s*\d+\s*:\s*({0})\s*(,|$))*"
_NO_FORMAT = (
    "LakeStore reads and writes data files in Parquet, ORC and Avro. Write the table with the engine that made it, or "
    "create it with `file.format` = `parquet`."
)
_NO_CODEC = "LakeStore cannot write this codec. Use zstd, snappy, lz4, gzip or none."
_NO_DYNAMIC = (
    "Rows of a primary-key table without a fixed bucket count are routed by an index of keys, which LakeStore does "
    "not maintain. It reads such a table. To write it here, create it with `bucket` > 0."
)

OPTIONS = (
    honoured(
        "bucket int -1",
        "How many buckets a partition has: > 0 fixed; -1 none in an append table, dynamic in a primary-key table; -2 "
        "postponed.",
        Limit(accepts=r"\+?[1-9]\d*", keyed=True, refuses=Refuses.WRITE, reason=_NO_DYNAMIC),
    ),
    honoured(
        "bucket-key text", "Columns whose hash picks the bucket; the primary key without partition columns if not set."
    ),
    honoured(
        "bucket-function.type default|mod|hive default",
        "How the bucket key becomes a bucket number: by hash, or by remainder of one integer column.",
        Limit(
            accepts="default|mod",
            refuses=Refuses.WRITE,
            reason="LakeStore does not have Hive's bucket function; other rows of the same key would be in other "
            "buckets. Use `default` or `mod`.",
        ),
    ),
    honoured("primary-key text", "Moved into the schema's key list when a table is created; separated by commas."),
    honoured("partition text", "Moved into the schema's partition list when a table is created; separated by commas."),
    honoured(
        "type table|format-table|materialized-table|object-table|lance-table|iceberg-table table",
        "What sort of table this is; `table` is the only one that LakeStore writes.",
        Limit(
            accepts="table|materialized-table",
            refuses=Refuses.READ,
            reason="The folder is not laid out as a Paimon table. Read it with the engine that made it.",
        ),
        Limit(
            accepts="table",
            refuses=Refuses.WRITE,
            reason="Its rows are made by another engine, from a query or outside Paimon. Write a table of type "
            "`table`.",
        ),
    ),
    honoured(
        "file.format text parquet",
        "Format of data files. Avro holds rows one after the other and is slow; use Parquet where you can.",
        Limit(accepts=_FORMATS, refuses=Refuses.BOTH, reason=_NO_FORMAT),
    ),
    honoured(
        "file.format.per.level map",
        "Format of the files of one level of a primary-key table, as `0:avro,5:parquet`.",
        Limit(accepts=_PER_LEVEL.format(_FORMATS), refuses=Refuses.WRITE, reason=_NO_FORMAT),
    ),
    honoured(
        "file.compression text zstd",
        "Codec of data files: zstd, snappy, none; in Parquet also lz4 and gzip, in ORC lz4 and zlib, in Avro deflate.",
        Limit(accepts=_CODECS, refuses=Refuses.WRITE, reason=_NO_CODEC),
    ),
    honoured(
        "file.compression.per.level map",
        "Codec of the files of one level of a primary-key table, as `0:lz4,5:zstd`.",
        Limit(accepts=_PER_LEVEL.format(_CODECS), refuses=Refuses.WRITE, reason=_NO_CODEC),
    ),
    honoured(
        "file.compression.zstd-level int 1",
        "Level of zstd compression. ORC files know two: the fastest for 1, the library's usual one above it.",
    ),
    honoured(
        "changelog-file.format text",
        "Format of changelog files; that of data files if not set.",
        Limit(accepts=_FORMATS, refuses=Refuses.WRITE, reason=_NO_FORMAT),
    ),
    honoured(
        "changelog-file.compression text",
        "Codec of changelog files; that of data files if not set.",
        Limit(accepts=_CODECS, refuses=Refuses.WRITE, reason=_NO_CODEC),
    ),
    honoured(
        "target-file-size size",
        "Size at which a data file is closed and the next one begun: 128 mb with, 256 mb without a primary key.",
    ),
    honoured("data-file.prefix text data-", "Beginning of the names of data files."),
    honoured("changelog-file.prefix text changelog-", "Beginning of the names of changelog files."),
    honoured("file.suffix.include.compression bool false", "Whether names of data files tell the codec."),
    honoured(
        "data-file.thin-mode bool false",
        "Whether data files leave out the copies of the key columns. Both forms are read.",
    ),
    honoured("data-file.path-directory text", "Folder inside the table that holds the partitions."),
    honoured(
        "metadata.stats-mode text truncate(16)", "Column statistics in manifests: none, counts, truncate(n) or full."
    ),
    honoured("fields.<column>.stats-mode text", "The same for one column."),
    honoured(
        "changelog-file.stats-mode text", "Statistics of changelog files; `metadata.stats-mode` if it is not set."
    ),
    honoured("metadata.stats-dense-store bool true", "Whether columns without statistics are left out of them."),
    honoured(
        "metadata.stats-keep-first-n-columns int -1", "How many columns, from the first, have statistics; -1 for all."
    ),
    honoured("partition.default-name text __DEFAULT_PARTITION__", "Folder name of a null or empty partition value."),
    honoured(
        "partition.legacy-name bool true",
        "Whether folders of dates and timestamps are named by numbers, as older releases did.",
    ),
    honoured("write-buffer-size size 256mb", "How much a writer holds in memory before it writes files."),
    honoured(
        "write-only bool false",
        "Whether writers leave all compaction to others. LakeStore's writers always do, so far.",
    ),
    honoured(
        "dynamic-partition-overwrite bool true", "Whether an overwrite replaces only the partitions it has rows for."
    ),
    honoured(
        "merge-engine deduplicate|partial-update|aggregation|first-row deduplicate",
        "How the versions of one key become one row.",
    ),
    honoured("sequence.field text", "Columns that decide which version of a key is the latest, separated by commas."),
    honoured(
        "sequence.field.sort-order ascending|descending ascending",
        "Whether the greatest or the least of them is the latest.",
    ),
    honoured(
        "ignore-delete bool false", "Whether rows of kind -D and -U are dropped when written and skipped when merging."
    ),
    honoured("ignore-update-before bool false", "Whether rows of kind -U are dropped when written."),
    honoured("rowkind.field text", "Column that holds the row kind (+I, -U, +U, -D) of each row written."),
    honoured(
        "changelog-producer none|input|lookup|full-compaction none",
        "Where the changes of a primary-key table come from: none but the rows written; the rows as they were written; "
        "compaction, which looks up what stood before; or each full compaction, against the one before.",
    ),
    honoured(
        "changelog-producer.row-deduplicate bool false",
        "Whether `lookup` and `full-compaction` leave out updates that change nothing.",
    ),
    honoured(
        "changelog-producer.row-deduplicate-ignore-fields text",
        "Columns that do not count as a change there, separated by commas.",
    ),
    honoured("lakestore.row-group-rows int 262144", "LakeStore's own: most rows in one row group of a data file."),
    honoured(
        "lakestore.merge-window-rows int 262144", "LakeStore's own: most rows of one sorted run held while merging."
    ),
    *refused(
        Refuses.BOTH,
        "Nulls in keys would be merged as equal, which LakeStore does not do. Use a key without nulls.",
        "primary-key.nullable bool false",
    ),
    *refused(
        Refuses.BOTH,
        "Versions of a key would be ordered by snapshot, not by sequence number. Use `sequence.field`.",
        "sequence.snapshot-ordering bool false",
    ),
    *refused(
        Refuses.WRITE,
        "LakeStore puts all files under the table's own folder. Write with Paimon, or set the strategy to `none`.",
        "data-file.external-paths.strategy none|specific-fs|round-robin|entropy-inject|weight-robin none",
    ),
    *refused(
        Refuses.BOTH,
        "The columns are stored in files of their own, which LakeStore does not read. Leave the option out and store "
        "bytes.",
        """
        blob-field text
        blob-descriptor-field text
        blob-view-field text
        vector-field text
        vector.file.format text
        """,
    ),
    *refused(
        Refuses.BOTH,
        "The map would be spread over many columns of the file, which LakeStore cannot put together. Use `default`.",
        "fields.<column>.map.storage-layout default|shared-shredding default",
    ),
    *inert(
        "Only tells where files go once `data-file.external-paths.strategy` says that some do; that is refused.",
        """
        data-file.external-paths text
        data-file.external-paths.specific-fs text
        data-file.external-paths.weights text
        """,
    ),
    honoured("aggregation.remove-record-on-delete bool false", "Whether a -D takes away the whole aggregated row."),
    honoured(
        "partial-update.remove-record-on-delete bool false", "Whether a -D takes away the whole row of partial updates."
    ),
    honoured(
        "partial-update.remove-record-on-sequence-group text",
        "Ordering columns of sequence groups whose -D takes away the whole row.",
    ),
    honoured("fields.default-aggregate-function text", "Function of columns that name none."),
    honoured("fields.<column>.aggregate-function text", "How the values of the column become one."),
    honoured("fields.<column>.ignore-retract bool false", "Whether the column passes over rows that take back."),
    honoured("fields.<columns>.sequence-group text", "Columns that go by these ordering columns."),
    honoured("fields.<column>.list-agg-delimiter text ,", "What `listagg` puts between texts."),
    honoured("fields.<column>.distinct bool false", "Whether `listagg` and `collect` keep a value once."),
    honoured("fields.<column>.nested-key text", "Members that identify a nested row."),
    honoured("fields.<column>.nested-key-null-strategy merge|ignore|error merge", "What a nested key of null does."),
    honoured("fields.<column>.nested-sequence-field text", "Members that say which nested row is newer."),
    honoured("fields.<column>.count-limit int 2147483647", "How many nested rows are kept at most."),
    honoured("fields.<column>.ts-field text", "Member that says which map entry is newer; the last one if not set."),
    honoured(
        "add-column-before-partition bool false",
        "Whether a new column without a place of its own goes in front of the partition columns, not to the end.",
    ),
    honoured(
        "alter-column-null-to-not-null.disabled bool true",
        "Whether a nullable column stays nullable; set it to false if you know that no row has a null there.",
    ),
    honoured(
        "disable-explicit-type-casting bool false",
        "Whether a column's type may only change by casts that lose next to nothing.",
    ),
    *inert(
        "Files close by size alone in LakeStore; where a file ends changes no row.",
        "target-file-row-num long 9223372036854775807",
    ),
    *inert(
        "Statistics only help to skip files; LakeStore collects them by `metadata.stats-mode` at every level.",
        "metadata.stats-mode.per.level map",
    ),
    *inert("Row groups are cut by `lakestore.row-group-rows`; where they end changes no row.", "file.block-size size"),
    *inert(
        "Passed on to the file writers of other engines; files of any such layout read the same.",
        """
        parquet.<setting> text
        parquet.enable.dictionary text
        orc.<setting> text
        orc.column.encoding.direct text
        orc.dictionary.key.threshold double 0.8
        orc.timestamp-ltz.legacy.type bool true
        avro.<setting> text
        """,
    ),
    *inert(
        "Only says how the columns of a map layout are chosen that `map.storage-layout` refuses.",
        """
        fields.<column>.map.shared-shredding.max-columns int 256
        fields.<column>.map.shared-shredding.column-placement-policy text
        """,
    ),
    *inert("The table is where it was opened; engines that need its address store it here.", "path text"),
    *inert(
        "Makes other engines create the folder of a table on first use; the table is there already.",
        "auto-create bool false",
    ),
    *inert(
        "Whether a changelog is written for SQL deletes; the changelog of LakeStore's deletes is that of any write.",
        "delete.force-produce-changelog bool false",
    ),
)
