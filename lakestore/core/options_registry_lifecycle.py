"""Options of commits and manifests, and of what happens to old snapshots, tags, partitions and consumers."""

from lakestore.core.options_registry_entry import Limit, Refuses, honoured, inert, refused

_NO_EXPIRY = "LakeStore does not expire by itself yet; until somebody does, all that is in the table is the table."
_NO_AUTO_TAGS = "LakeStore makes no tags by itself yet; tags name snapshots and change no row."
_MARK_DONE = "LakeStore does not mark partitions as done yet; the marks are for other systems and change no row."
_METASTORE = "For tables registered in a metastore; LakeStore works on the table's folder."

OPTIONS = (
    honoured(
        "commit.max-retries int 10",
        "Lost races after which a commit gives up; if not set, it goes on while others make progress.",
    ),
    honoured("commit.min-retry-wait duration 10ms", "Shortest wait after a lost race."),
    honoured("commit.max-retry-wait duration 10s", "Longest wait after a lost race."),
    honoured("commit.timeout duration", "Time after which a commit gives up."),
    honoured("snapshot.ignore-empty-commit bool", "Whether a commit without changes makes no snapshot."),
    honoured("manifest.target-file-size size 8mb", "Size at which a manifest is closed and the next one begun."),
    honoured("manifest.merge-min-count int 30", "Number of small manifests that are merged into one."),
    honoured(
        "manifest.full-compaction-threshold-size size 16mb",
        "Size of changed manifests that makes a commit rewrite them all.",
    ),
    honoured(
        "manifest.compression text zstd",
        "Codec of manifests: zstd, snappy, deflate or none.",
        Limit(
            accepts="zstd|zstandard|snappy|deflate|none|null",
            refuses=Refuses.WRITE,
            reason="LakeStore cannot write this codec. Use zstd, snappy, deflate or none.",
        ),
    ),
    *refused(
        Refuses.WRITE,
        "LakeStore does not check its commits against a safe snapshot. Unset it before writing.",
        "commit.strict-mode.last-safe-snapshot long",
    ),
    *inert(
        "Names classes of the Java engines, which run on their commits only; the table's rows are the same.",
        """
        commit.callbacks text
        commit.callback.<class>.param text
        commit.custom-listeners text
        tag.callbacks text
        tag.callback.<class>.param text
        """,
    ),
    *inert(
        "A commit that adds a file twice is refused by LakeStore in any case.",
        "commit.discard-duplicate-files bool false",
    ),
    *inert(
        "For streaming jobs of other engines; `snapshot.ignore-empty-commit` is what LakeStore asks.",
        "commit.force-create-snapshot bool false",
    ),
    *inert("Only names the writers of other engines in their snapshots.", "commit.user-prefix text"),
    *inert(
        "In which order and how entries stand in manifests changes nothing that they say.",
        """
        manifest-sort.enabled bool false
        manifest-sort.max-rewrite-size size 256mb
        manifest-sort.partition-field text
        manifest.delete-file-drop-stats bool false
        manifest.merge-optimize.enabled bool true
        """,
    ),
    *inert(
        _NO_EXPIRY,
        """
        snapshot.num-retained.min int 10
        snapshot.num-retained.max int 2147483647
        snapshot.time-retained duration 1h
        snapshot.expire.limit int 50
        snapshot.expire.execution-mode sync|async sync
        snapshot.clean-empty-directories bool false
        changelog.num-retained.min int
        changelog.num-retained.max int
        changelog.time-retained duration
        partition.expiration-time duration
        partition.expiration-strategy text values-time
        partition.expiration-check-interval duration 1h
        partition.expiration-max-num int 100
        partition.expiration-batch-size int
        end-input.check-partition-expire bool false
        partition.timestamp-formatter text
        partition.timestamp-pattern text
        consumer.expiration-time duration
        tag.num-retained-max int
        tag.default-time-retained duration
        tag.time-expire-enabled bool true
        """,
    ),
    *inert(
        _NO_AUTO_TAGS,
        """
        tag.automatic-creation none|process-time|watermark|batch none
        tag.automatic-completion bool false
        tag.batch.customized-name text
        tag.create-success-file bool false
        tag.creation-delay duration 0ms
        tag.creation-period daily|hourly|two-hours daily
        tag.creation-period-duration duration
        tag.period-formatter with_dashes|without_dashes|without_dashes_and_spaces with_dashes
        scan.plan-auto-tag-for-read.time-retained duration
        sink.savepoint.auto-tag bool false
        snapshot.watermark-idle-timeout duration
        sink.process-time-zone text
        sink.watermark-time-zone text UTC
        """,
    ),
    *inert(
        _MARK_DONE,
        """
        partition.mark-done-action text success-file
        partition.mark-done-action.custom.class text
        partition.mark-done-action.http.params text
        partition.mark-done-action.http.url text
        partition.mark-done-action.mode text process-time
        partition.mark-done.recover-from-state bool true
        partition.end-input-to-done bool false
        partition.idle-time-to-done duration
        partition.time-interval duration
        """,
    ),
    *refused(
        Refuses.WRITE,
        "Writers would have to turn away partition values that are no timestamps, which LakeStore does not check. "
        "Unset it before writing.",
        "partition.timestamp-format.strict bool false",
    ),
    *inert(
        _METASTORE,
        """
        metastore.partitioned-table bool false
        metastore.tag-to-partition text
        metastore.tag-to-partition.preview text none
        partition.idle-time-to-report-statistic duration 0ms
        """,
    ),
    *inert(
        "How rows are spread over the tasks of a Flink or Spark job; LakeStore writes from one process.",
        "partition.sink-strategy text NONE",
    ),
)
