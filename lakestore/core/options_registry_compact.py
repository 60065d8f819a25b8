"""Options of compaction, lookups, deletion vectors, indexes, and of writers' memory."""

from lakestore.core.options_registry_entry import Refuses, honoured, inert, refused

_NO_COMPACTION = (
    "How and where other engines run compactions, or how they commit them; it does not say which rows a table has."
)
_LOOKUP = "Steers how other engines look up old rows while they compact or join; the table's rows do not depend on it."
_DELETION_VECTORS = (
    "Rows would have to be left out by the deletion vectors beside the files, which LakeStore does not read yet. Read "
    "and write the table with Paimon."
)
_INDEXES = "An index only helps other engines to skip rows; LakeStore reads the rows themselves."
_MEMORY = "Memory, threads or batches inside another engine; no row depends on it."

OPTIONS = (
    honoured(
        "num-sorted-run.compaction-trigger int 5",
        "Sorted runs of a bucket from which it is compacted. Every file of level 0 is one, and every level above.",
    ),
    honoured("num-levels int", "Levels of a bucket, level 0 included. Default: the compaction trigger plus 1."),
    honoured(
        "compaction.max-size-amplification-percent int 200",
        "From the trigger on, a bucket is compacted whole when all runs but the oldest are together larger than it by "
        "so many percent.",
    ),
    honoured(
        "compaction.size-ratio int 1",
        "From the trigger on, the newest runs are compacted as long as the next one is not larger by so many percent.",
    ),
    honoured("compaction.force-up-level-0 bool false", "Every compaction takes all of level 0, however few runs."),
    honoured(
        "compaction.force-rewrite-all-files bool false",
        "A full compaction rewrites every file, those that are at the top level already too.",
    ),
    honoured(
        "compaction.small-file-ratio double 0.7",
        "Files smaller than that share of `target-file-size` are rewritten with their neighbours instead of moved up.",
    ),
    honoured(
        "compaction.optimization-interval duration",
        "A bucket is compacted whole when that long has passed since it was last.",
    ),
    honoured("compaction.total-size-threshold size", "A bucket smaller than that is compacted whole, each time."),
    honoured(
        "compaction.incremental-size-threshold size",
        "A bucket that holds more than that below its top level is compacted whole.",
    ),
    honoured("compaction.offpeak.start.hour int -1", "First hour, 0 to 23 local time, of `compaction.offpeak-ratio`."),
    honoured("compaction.offpeak.end.hour int -1", "The hour from which `compaction.offpeak-ratio` holds no longer."),
    honoured("compaction.offpeak-ratio int 0", "Added to `compaction.size-ratio` in the off-peak hours."),
    honoured(
        "full-compaction.delta-commits int",
        "After so many commits everything is compacted to the top level, in the same call.",
    ),
    honoured(
        "record-level.expire-time duration",
        "Rows past that age go when their files are compacted; until then they are read.",
    ),
    honoured(
        "record-level.time-field text",
        "Column that says how old a row is: INT (seconds), BIGINT (seconds or milliseconds) or TIMESTAMP.",
    ),
    honoured(
        "lookup-compact radical|gentle RADICAL",
        "Whether tables that look old values up empty level 0 after each commit, or after some.",
    ),
    honoured(
        "lookup-compact.max-interval int",
        "With `lookup-compact` = gentle: commits after which level 0 is emptied at last. Default: twice the trigger.",
    ),
    honoured(
        "lookup.cache-max-memory-size size 256mb",
        "Rows of recent files that a process which writes a table keeps in memory, to compact them, and to look old "
        "values up in them, without decoding the files. 0 keeps none.",
    ),
    honoured("force-lookup bool false", "Compaction looks old values up, although no other option asks for it."),
    honoured(
        "num-sorted-run.stop-trigger int",
        "Sorted runs of a bucket above which a commit waits for the compaction that runs beside it. Default: the "
        "compaction trigger plus 3.",
    ),
    honoured(
        "commit.force-compact bool false",
        "What a commit makes due is compacted before it returns, instead of in the background.",
    ),
    honoured(
        "lookup-wait bool true",
        "Commits wait until level 0 is merged where compaction looks old values up; with false that goes on in the "
        "background, and its changelog, or in a `first-row` table its rows, come later.",
    ),
    honoured(
        "compaction.skip-expired-partitions bool false",
        "Compaction jobs leave partitions alone that are past `partition.expiration-time` by the time in their values.",
    ),
    *inert(
        _NO_COMPACTION,
        """
        compaction.bucket-distribution-strategy text linear
        overwrite-upgrade bool true
        changelog.precommit-compact.thread-num int
        visibility-callback.enabled bool false
        visibility-callback.check-interval duration 10s
        visibility-callback.timeout duration 30min
        """,
    ),
    *inert(
        _LOOKUP,
        """
        lookup.async bool false
        lookup.async-thread-number int 16
        lookup.blob-as-descriptor bool false
        lookup.bootstrap-parallelism int 4
        lookup.cache auto|full|memory AUTO
        lookup.cache-file-retention duration 1h
        lookup.cache-max-disk-size size
        lookup.cache-rows long 10000
        lookup.cache-spill-compression text zstd
        lookup.cache.bloom.filter.enabled bool true
        lookup.cache.bloom.filter.fpp double 0.05
        lookup.cache.high-priority-pool-ratio double 0.25
        lookup.continuous.discovery-interval duration
        lookup.dynamic-partition.refresh-interval duration 1h
        lookup.dynamic-partition.refresh.async bool false
        lookup.hash-load-factor double 0.75
        lookup.merge-buffer-size size 8mb
        lookup.merge-records-threshold int 1024
        lookup.refresh.async bool false
        lookup.refresh.async.pending-snapshot-count int 5
        lookup.refresh.full-load-threshold int
        lookup.refresh.time-periods-blacklist text
        lookup.remote-file.enabled bool false
        lookup.remote-file.level-threshold int -2147483648
        """,
    ),
    *refused(Refuses.BOTH, _DELETION_VECTORS, "deletion-vectors.enabled bool false"),
    *inert(
        "Only asked once `deletion-vectors.enabled` is set, and that is refused.",
        """
        deletion-vectors.bitmap64 bool false
        deletion-vectors.merge-on-read bool false
        deletion-vectors.modifiable bool false
        deletion-vector.index-file.target-size size 2mb
        """,
    ),
    *inert(
        _INDEXES,
        """
        global-index.enabled bool true
        global-index.build.max-parallelism int 4096
        global-index.build.max-shard int 32
        global-index.column-update-action text THROW_ERROR
        global-index.external-path text
        global-index.row-count-per-shard long 100000
        global-index.search-mode fast|full|detail
        global-index.thread-num int 32
        full-text-index.search-mode fast|full|detail fast
        scalar-index.search-mode fast|full|detail fast
        vector-index.search-mode fast|full|detail fast
        vector-search.distribute.enabled bool false
        vector-search.lateral-join.batch-size int 256
        vector-search.lateral-join.parallelism int 16
        pk-bitmap.index.columns text
        pk-btree.index.columns text
        pk-full-text.index.columns text
        pk-multivalue.index.columns text
        pk-vector.index.columns text
        fields.<column>.pk-vector.<setting> text
        fields.<column>.pk-btree.<setting> text
        fields.<column>.pk-bitmap.<setting> text
        fields.<column>.pk-multivalue.<setting> text
        fields.<column>.pk-full-text.<setting> text
        """,
    ),
    *inert(
        "Where index files lie; LakeStore refuses the tables whose index files decide about rows.",
        "index-file-in-data-file-dir bool false",
    ),
    *refused(
        Refuses.BOTH,
        "Data files would be sorted by other columns than the key, so that LakeStore's merge would go wrong. Use "
        "clustering on an append table.",
        "pk-clustering-override bool false",
    ),
    *inert(
        "Tables with dynamic or postponed buckets are refused for writing by `bucket`; reading does not ask it.",
        """
        dynamic-bucket.assigner-parallelism int
        dynamic-bucket.initial-buckets int
        dynamic-bucket.max-buckets int -1
        dynamic-bucket.target-row-num long 2000000
        cross-partition-upsert.bootstrap-parallelism int 10
        cross-partition-upsert.index-ttl duration
        postpone.batch-write-fixed-bucket bool true
        postpone.batch-write-fixed-bucket.max-parallelism int 2048
        postpone.batch-write-fixed-bucket.rescale-load-factor int 32
        postpone.default-bucket-num int
        postpone.target-row-num-per-bucket long
        postpone.target-size-per-bucket size 1gb
        """,
    ),
    *refused(
        Refuses.READ,
        "Readers would have to see rows that have no bucket yet, which LakeStore leaves out. Compact the table with "
        "Paimon and unset it.",
        "postpone.merge-on-read bool false",
    ),
    *inert(
        _MEMORY,
        """
        async-file-write bool true
        cache-page-size size 64kb
        file-operation.thread-num int
        file-reader-async-threshold size 10mb
        local-kv-db.block-size size 4kb
        local-merge-buffer-size size
        local-sort.max-num-file-handles int 128
        page-size size 64kb
        read.batch-size int 1024
        sort-engine min-heap|loser-tree loser-tree
        sort-spill-buffer-size size 64mb
        sort-spill-threshold int
        spill-compression text zstd
        spill-compression.zstd-level int 1
        write-buffer-for-append bool false
        write-buffer-spill.max-disk-size size
        write-buffer-spillable bool true
        write-max-writers-to-spill int 10
        write.batch-memory size 128mb
        write.batch-size int 1024
        """,
    ),
    *inert(
        "LakeStore always takes the next sequence number from the files of the bucket.",
        "write.sequence-number-init-mode scan|snapshot scan",
    ),
)
