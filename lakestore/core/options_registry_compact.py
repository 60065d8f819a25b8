"""Options of compaction, lookups, deletion vectors, indexes, clustering, and of writers' memory."""

from lakestore.core.options_registry_entry import Refuses, inert, refused

_NO_COMPACTION = (
    "LakeStore does not compact inside its writers yet; compaction moves rows between files and changes none of them."
)
_EXPIRES_IN_COMPACTION = (
    "Rows past that age go when they are compacted. LakeStore does not compact, so the rows that are there are the "
    "table's rows."
)
_LOOKUP = "Steers how other engines look up old rows while they compact or join; the table's rows do not depend on it."
_DELETION_VECTORS = (
    "Rows would have to be left out by the deletion vectors beside the files, which LakeStore does not read yet. Read "
    "and write the table with Paimon."
)
_INDEXES = "An index only helps other engines to skip rows; LakeStore reads the rows themselves."
_MEMORY = "Memory, threads or batches inside another engine; no row depends on it."
_CLUSTERING = "LakeStore does not cluster while it writes; the order of rows in an append table has no meaning."

OPTIONS = (
    *inert(
        _NO_COMPACTION,
        """
        num-levels int
        num-sorted-run.compaction-trigger int 5
        num-sorted-run.stop-trigger int
        compaction.max-size-amplification-percent int 200
        compaction.size-ratio int 1
        compaction.force-up-level-0 bool false
        compaction.force-rewrite-all-files bool false
        compaction.optimization-interval duration
        compaction.total-size-threshold size
        compaction.incremental-size-threshold size
        compaction.offpeak.start.hour int -1
        compaction.offpeak.end.hour int -1
        compaction.offpeak-ratio int 0
        compaction.min.file-num int 5
        compaction.small-file-ratio double 0.7
        compaction.delete-ratio-threshold double 0.2
        compaction.file-num-limit int 100000
        compaction.skip-expired-partitions bool false
        compaction.bucket-distribution-strategy text linear
        full-compaction.delta-commits int
        commit.force-compact bool false
        overwrite-upgrade bool true
        precommit-compact bool false
        changelog.precommit-compact.thread-num int
        unaware-bucket.compaction.parallelism int
        visibility-callback.enabled bool false
        visibility-callback.check-interval duration 10s
        visibility-callback.timeout duration 30min
        """,
    ),
    *inert(
        _EXPIRES_IN_COMPACTION,
        """
        record-level.expire-time duration
        record-level.time-field text
        """,
    ),
    *inert(
        _LOOKUP,
        """
        lookup-compact radical|gentle RADICAL
        lookup-compact.max-interval int
        lookup-wait bool true
        force-lookup bool false
        lookup.async bool false
        lookup.async-thread-number int 16
        lookup.blob-as-descriptor bool false
        lookup.bootstrap-parallelism int 4
        lookup.cache auto|full|memory AUTO
        lookup.cache-file-retention duration 1h
        lookup.cache-max-disk-size size
        lookup.cache-max-memory-size size 256mb
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
        file-index.<type>.columns text
        file-index.<type>.<setting> text
        file-index.in-manifest-threshold size 500b
        file-index.read.enabled bool true
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
        _CLUSTERING,
        """
        clustering.columns text
        clustering.strategy text auto
        clustering.incremental bool false
        clustering.incremental.mode global-sort|local-sort global-sort
        clustering.incremental.optimize-write bool false
        clustering.history-partition.idle-to-full-sort duration
        clustering.history-partition.limit int 5
        sink.clustering.sample-factor int 100
        sink.clustering.sort-in-cluster bool true
        sort-compaction.local-sample.magnification int 1000
        sort-compaction.range-strategy text SIZE
        zorder.var-length-contribution int 8
        """,
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
