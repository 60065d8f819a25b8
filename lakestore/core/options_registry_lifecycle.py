"""Options of commits and manifests, and of what happens to old snapshots, tags, partitions and consumers."""

from lakestore.core.options_registry_entry import Limit, Refuses, honoured, inert, refused

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
        "lakestore.manifest-merge-early int 5",
        "LakeStore's own: while manifests have less than 256 KB together, so many are merged already, for quick plans;"
        " 0 for never.",
    ),
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
    honoured(
        "tag.automatic-creation none|process-time|watermark|batch none",
        "Whether commits make tags by themselves: by their time, by their watermark, or each batch commit one.",
    ),
    honoured("tag.creation-period daily|hourly|two-hours daily", "How long a period is that gets an automatic tag."),
    honoured("tag.creation-period-duration duration", "Any other length of that period; counts before the former."),
    honoured("tag.creation-delay duration 0ms", "How long after the end of a period its tag is made."),
    honoured(
        "tag.period-formatter with_dashes|without_dashes|without_dashes_and_spaces with_dashes",
        "How automatic tags of days and hours are named.",
    ),
    honoured("tag.automatic-completion bool false", "Whether missed periods get their tags too, one with each commit."),
    honoured("tag.batch.customized-name text", "Name of the tag that batch commits make, in place of its date."),
    honoured("tag.num-retained-max int", "Automatic tags that are kept; of batch tags, tags of any kind."),
    honoured("tag.default-time-retained duration", "How long tags are kept that are made without saying."),
    honoured("sink.process-time-zone text", "Time zone in which commit times are cut to periods; the machine's own."),
    honoured("sink.watermark-time-zone text UTC", "Time zone in which watermarks are cut to periods."),
    *inert(
        "Marks and tags that only jobs of other engines make; they name snapshots and change no row.",
        """
        tag.create-success-file bool false
        scan.plan-auto-tag-for-read.time-retained duration
        sink.savepoint.auto-tag bool false
        snapshot.watermark-idle-timeout duration
        """,
    ),
    *inert(
        _MARK_DONE,
        """
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
