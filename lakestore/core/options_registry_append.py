"""Options of append tables: small files, and how rows are laid out."""

from lakestore.core.options_registry_entry import honoured, inert

_LAYOUT = "How other engines spread sorting over tasks; LakeStore sorts all it takes at a time as one."

OPTIONS = (
    honoured(
        "compaction.min.file-num int 5",
        "Small files of an append table that are worth being written together.",
    ),
    honoured(
        "compaction.file-num-limit int 100000",
        "Small files of an append table without buckets that one compaction looks at.",
    ),
    honoured(
        "precommit-compact bool false",
        "Whether a writer writes its own small files together before it commits them, in append tables without "
        "buckets. It makes some when rows of many partitions come mixed.",
    ),
    honoured(
        "bucket-append-ordered bool true",
        "With false a bucketed append table may be laid out by `clustering.incremental`. Compaction of small files "
        "keeps the order of rows either way.",
    ),
    *inert(
        "Asks for rewriting files with many deleted rows, told by deletion vectors; LakeStore refuses to write tables "
        "that have these.",
        "compaction.delete-ratio-threshold double 0.2",
    ),
    *inert("How many tasks of a Flink job compact; LakeStore has none.", "unaware-bucket.compaction.parallelism int"),
    honoured(
        "clustering.columns text",
        "Columns, apart by commas, along which rows of an append table without primary key are laid out: by each "
        "writer, or by compaction under `clustering.incremental`; `cluster_by` takes them when given none.",
    ),
    honoured(
        "clustering.strategy text auto",
        "The curve: `zorder`, `hilbert` or `order`; `auto` is `order` for one column, `zorder` up to four and "
        "`hilbert` from five on.",
    ),
    honoured(
        "clustering.incremental bool false",
        "Whether compaction lays an append table out by levels, a part of it at a time, instead of writing small "
        "files together.",
    ),
    honoured(
        "clustering.incremental.optimize-write bool false",
        "Whether writers lay their rows out as well when `clustering.incremental` is set.",
    ),
    honoured(
        "clustering.history-partition.idle-to-full-sort duration",
        "Partitions not written to for that long are laid out in full when compaction of others is asked for.",
    ),
    honoured("clustering.history-partition.limit int 5", "How many such partitions are laid out at a time."),
    honoured(
        "row-tracking.enabled bool false",
        "Whether every row of an append table without buckets has an id that it keeps: `_ROW_ID`, and beside it "
        "`_SEQUENCE_NUMBER`, the snapshot that wrote it last.",
    ),
    *inert(
        "LakeStore always gives the ids of one commit out partition by partition.",
        "row-tracking.partition-group-on-commit bool true",
    ),
    *inert(
        _LAYOUT,
        """
        clustering.incremental.mode global-sort|local-sort global-sort
        sink.clustering.sample-factor int 100
        sink.clustering.sort-in-cluster bool true
        sort-compaction.local-sample.magnification int 1000
        sort-compaction.range-strategy text SIZE
        """,
    ),
    *inert(
        "LakeStore scales strings by a sample of the table's own values, which sets eight bytes apart whatever this "
        "says.",
        "zorder.var-length-contribution int 8",
    ),
)
