"""Options of special tables, of Flink, Spark, Hive and Iceberg, of catalogs, and of releases gone by."""

from lakestore.core.options_registry_entry import Refuses, inert, refused

_EVOLUTION = (
    "A row's columns lie in several files that have to be put together by row id, which LakeStore does not do. Read "
    "and write the table with Paimon."
)
_NO_BLOBS = "Concerns columns of type BLOB, which LakeStore refuses by their type."
_NO_VARIANTS = "Concerns columns of type VARIANT, which LakeStore refuses by their type."
_FORMAT_TABLES = "Concerns tables of type `format-table`, which `type` refuses."
_FLINK = "Concerns the tasks of a Flink or Spark job; LakeStore has none."
_ICEBERG = "Describes the Iceberg metadata that `metadata.iceberg.storage` asks for, and that is refused for writing."
_CATALOG = "A setting of catalogs; a table's rows do not depend on it."
_RETIRED = "No release of Paimon that LakeStore writes for looks at it any more."

OPTIONS = (
    *refused(Refuses.BOTH, _EVOLUTION, "data-evolution.enabled bool false"),
    *inert(
        "Only asked in tables with data evolution, which are refused.",
        """
        data-evolution.compaction.rewrite-row-ids bool false
        data-evolution.merge-into.file-pruning bool true
        data-evolution.merge-into.source-persist bool false
        data-evolution.reassign.skip-contiguous-row-count long 1000000000
        data-evolution.row-id-conflict-rewrite.max-size size 256mb
        data-evolution.row-sidecar.enabled bool false
        data-evolution.row-sidecar.max-selected-rows long 4096
        data-evolution.row-sidecar.max-selection-ratio double 0.05
        write.data-evolution.update-conflict-retry.max-attempts int 20
        write.data-evolution.update-conflict-retry.wait-ms long 10
        """,
    ),
    *refused(
        Refuses.BOTH,
        "A chain table's rows lie in several branches, which LakeStore does not read together. Read and write it with "
        "Paimon.",
        "chain-table.enabled bool false",
    ),
    *inert(
        "Only asked once `chain-table.enabled` is set, and that is refused.",
        """
        chain-table.chain-partition-keys text
        chain-table.split.key-range-enabled bool true
        chain-table.streaming.merge-snapshot bool false
        """,
    ),
    *inert(
        _NO_BLOBS,
        """
        blob-as-descriptor bool false
        blob-compaction.enabled bool false
        blob-descriptor.<setting> text
        blob-descriptor.source-table text
        blob-view.resolve.enabled bool true
        blob-write-null-on-fetch-failure bool false
        blob-write-null-on-missing-file bool false
        blob.copy-buffer-size size 4kb
        blob.split-by-file-size bool
        blob.target-file-size size
        """,
    ),
    *inert("Concerns columns of type VECTOR, which LakeStore refuses by their type.", "vector.target-file-size size"),
    *inert(
        _NO_VARIANTS,
        """
        variant.inferShreddingSchema bool false
        variant.shredding.adaptive.maxInferBufferRow int 256
        variant.shredding.adaptive.retentionRatio double 0.05
        variant.shredding.inferenceMode per-file|adaptive per-file
        variant.shredding.maxInferBufferRow int 4096
        variant.shredding.maxSchemaDepth int 50
        variant.shredding.maxSchemaWidth int 300
        variant.shredding.minFieldCardinalityRatio double 0.1
        variant.shreddingSchema text
        """,
    ),
    *inert(
        _FORMAT_TABLES,
        """
        format-table.commit-hive-sync-url text
        format-table.file.compression text
        format-table.implementation paimon|engine paimon
        format-table.partition-path-only-value bool false
        format-table.repair.collect-statistics bool false
        format-table.scan.list-parallelism int 64
        format-table.statistics.parallelism int 8
        """,
    ),
    *inert(
        "Concerns the query of a table of type `materialized-table`, which `type` refuses for writing.",
        """
        materialized-table.definition-query text
        materialized-table.interval-freshness text
        materialized-table.interval-freshness.time-unit text
        materialized-table.logical-refresh-mode text
        materialized-table.refresh-handler-bytes text
        materialized-table.refresh-handler-description text
        materialized-table.refresh-mode text
        materialized-table.refresh-status text
        """,
    ),
    *refused(
        Refuses.WRITE,
        "Each commit would have to write Iceberg metadata too, and Iceberg readers would miss LakeStore's commits. "
        "Set it to `disabled`.",
        "metadata.iceberg.storage text disabled",
    ),
    *inert(
        _ICEBERG,
        """
        metadata.iceberg.compaction.max.file-num int 50
        metadata.iceberg.compaction.min.file-num int 10
        metadata.iceberg.database text
        metadata.iceberg.delete-after-commit.enabled bool true
        metadata.iceberg.format-version int 2
        metadata.iceberg.glue.skip-archive bool false
        metadata.iceberg.hadoop-conf-dir text
        metadata.iceberg.hive-client-class text
        metadata.iceberg.hive-conf-dir text
        metadata.iceberg.hive-skip-update-stats bool false
        metadata.iceberg.manifest-compression text snappy
        metadata.iceberg.manifest-legacy-version bool false
        metadata.iceberg.previous-versions-max int 0
        metadata.iceberg.storage-location text
        metadata.iceberg.table text
        metadata.iceberg.uri text
        """,
    ),
    *inert(
        _FLINK,
        """
        filesystem.job-level-settings.enabled bool true
        sink.committer-cpu double 1.0
        sink.committer-memory size
        sink.committer-operator-chaining bool true
        sink.coordinator-commit.enabled bool false
        sink.cross-partition.managed-memory size 256mb
        sink.key-only-deletes.enabled bool false
        sink.managed.writer-buffer-memory size 256mb
        sink.operator-uid.suffix text
        sink.parallelism int
        sink.use-managed-memory-allocator bool false
        sink.writer-coordinator.cache-expire-after-access duration
        sink.writer-coordinator.cache-memory size 2gb
        sink.writer-coordinator.cache-soft-values bool true
        sink.writer-coordinator.enabled bool false
        sink.writer-coordinator.page-size size 32kb
        sink.writer-coordinator.prefetch-manifests bool false
        sink.writer-cpu double 1.0
        sink.writer-memory size
        sink.writer-refresh-detectors text
        unaware-bucket.no-shuffle bool false
        requiredSparkConfsCheck.enabled bool true
        write.use-v2-write bool false
        """,
    ),
    *inert(
        "Steers how Spark maps its own columns and types; what is stored does not change.",
        """
        legacy-timestamp-mapping.enabled bool false
        write.hive-style-dynamic-partition.enabled bool false
        write.merge-schema bool false
        write.merge-schema.explicit-cast bool false
        write.merge-schema.type-widening bool false
        """,
    ),
    *inert(
        _CATALOG,
        """
        warehouse text
        metastore text filesystem
        uri text
        table.type managed|external managed
        lock.enabled bool
        lock.type text
        lock-acquire-timeout duration 8min
        lock-check-max-sleep duration 8s
        case-sensitive bool
        cache-enabled bool true
        cache.deletion-vectors.max-num int 100000
        cache.expire-after-access duration 10min
        cache.expire-after-write duration 30min
        cache.manifest.max-memory size
        cache.manifest.small-file-memory size 128mb
        cache.manifest.small-file-threshold size 1mb
        cache.manifest.soft-values bool true
        cache.partition.max-num long 0
        cache.snapshot.max-num-per-table int 20
        catalog-key text jdbc
        catalog-options-table.enabled bool false
        client-pool-size int 2
        file-io.allow-cache bool true
        format-table.enabled bool true
        resolving-file-io.enabled bool false
        sync-all-properties bool true
        """,
    ),
    *refused(
        Refuses.BOTH,
        "Manifests are Avro; those of old releases in other formats are not read. Rewrite the table with Paimon.",
        "manifest.format text avro",
    ),
    *refused(
        Refuses.WRITE,
        "Rows would have to go to a log system as well, which current Paimon no longer has. Unset it.",
        "log.system text none",
    ),
    *inert(
        _RETIRED,
        """
        append-only.assert-disorder bool false
        changelog-producer.compaction-interval duration 0s
        compaction.max.file-num int 50
        log.changelog-mode text auto
        log.consistency text transactional
        log.format text debezium-json
        log.key.format text json
        log.retention duration
        lookup.local-file-type text sort
        record-level.time-field-type text
        write-mode text auto
        """,
    ),
)
