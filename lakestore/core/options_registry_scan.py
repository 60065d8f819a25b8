"""Options of scans: where they stand, how they are cut, and streaming reads."""

from lakestore.core.options_registry_entry import Refuses, honoured, inert, refused

_TIME_TRAVEL = (
    "The table's stored options pin every reader to another state than the latest. Unset it, and name the state where "
    "you read: `table.at(snapshot=…)`, `table.at(tag=…)` or `table.at(timestamp=…)`."
)
_INCREMENTAL = (
    "Readers would have to return changes instead of rows. Unset it; changes between snapshots are asked for where "
    "they are read."
)
_PART_ONLY = "Readers would have to return only part of the table. Unset it, and pass `where=` to the scan."
_BRANCHES = "Partitions would have to come from another branch, which LakeStore does not read yet. Unset it."
_STREAMING = "Steers streaming reads, which LakeStore does not do yet; a scan of a snapshot does not ask it."
_PLANNING = "How another engine spreads planning and reading over its tasks; no row depends on it."

OPTIONS = (
    honoured("source.split.target-size size 128mb", "Size of the pieces that a scan is cut into."),
    honoured("source.split.open-file-cost size 4mb", "Least size that a file counts for when pieces are cut."),
    *refused(
        Refuses.READ,
        _TIME_TRAVEL,
        "scan.mode text default",
        accepts="default|latest-full|full|latest",
    ),
    *refused(
        Refuses.READ,
        _TIME_TRAVEL,
        """
        scan.snapshot-id long
        scan.tag-name text
        scan.timestamp text
        scan.timestamp-millis long
        scan.watermark long
        scan.version text
        scan.file-creation-time-millis long
        scan.creation-time-millis long
        """,
    ),
    *refused(
        Refuses.READ,
        _INCREMENTAL,
        """
        incremental-between text
        incremental-between-timestamp text
        incremental-to-auto-tag text
        """,
    ),
    *inert(
        "Only says more about `incremental-between`, and that is refused.",
        """
        incremental-between-scan-mode auto|delta|changelog|diff auto
        incremental-between-tag-to-snapshot bool false
        """,
    ),
    *refused(
        Refuses.READ,
        _PART_ONLY,
        """
        scan.bucket int
        scan.partitions text
        """,
    ),
    *refused(
        Refuses.READ,
        _BRANCHES,
        """
        scan.fallback-branch text
        scan.fallback-delta-branch text
        scan.fallback-snapshot-branch text
        scan.primary-branch text
        """,
    ),
    *refused(
        Refuses.BOTH,
        "LakeStore opens the main branch only so far. Open the table without this option, or the branch with Paimon.",
        "branch text main",
    ),
    *refused(
        Refuses.READ,
        "An internal switch of compaction jobs, which read other rows than the table's. Unset it.",
        """
        batch-scan-mode none|compact none
        stream-scan-mode none|compact-bucket-table|file-monitor none
        """,
    ),
    *refused(
        Refuses.READ,
        "A catalog would have to decide which rows and columns a reader may see, and LakeStore asks none. Read it "
        "through that catalog.",
        "query-auth.enabled bool false",
    ),
    *inert(
        "Only asked once `scan.fallback-branch` is set, and that is refused.",
        "scan.fallback-branch.read-fail-fast bool false",
    ),
    *inert(
        "LakeStore never leaves rows out in silence: a file that is lost or damaged is an error.",
        """
        scan.ignore-corrupt-files bool false
        scan.ignore-lost-files bool false
        """,
    ),
    *inert(
        _STREAMING,
        """
        consumer-id text
        consumer.changelog-only bool false
        consumer.ignore-progress bool false
        consumer.mode exactly-once|at-least-once exactly-once
        continuous.discovery-interval duration 10s
        scan.bounded bool
        scan.bounded.watermark long
        scan.max-snapshot.count int -1
        streaming-read-append-overwrite bool false
        streaming-read-overwrite bool false
        streaming.read.snapshot.delay duration
        read.changelog bool false
        read.stream.maxBytesPerTrigger long
        read.stream.maxFilesPerTrigger int
        read.stream.maxRowsPerTrigger long
        read.stream.maxTriggerDelayMs long
        read.stream.minRowsPerTrigger long
        scan.remove-normalize bool false
        scan.watermark.alignment.group text
        scan.watermark.alignment.max-drift duration
        scan.watermark.alignment.update-interval duration 1s
        scan.watermark.emit.strategy text on-event
        scan.watermark.idle-timeout duration
        source.checkpoint-align.enabled bool false
        source.checkpoint-align.timeout duration 30s
        end-input.watermark long
        """,
    ),
    *inert(
        "Adds a column to system tables of other engines; scans of the table itself do not change.",
        """
        table-read.sequence-number.enabled bool false
        key-value.sequence_number.enabled bool false
        """,
    ),
    *inert(
        _PLANNING,
        """
        scan.manifest.parallelism int
        scan.max-splits-per-task int 10
        scan.plan-sort-partition bool false
        scan.dedicated-split-generation bool false
        scan.infer-parallelism bool true
        scan.infer-parallelism.max int 1024
        scan.parallelism int
        scan.split-enumerator.batch-size int 10
        scan.split-enumerator.mode text fair
        read.allow.fullScan bool true
        read.shuffle-bucket-with-partition bool true
        source.operator-uid.suffix text
        source.split.target-size-with-column-pruning bool false
        paimon.respect.minmaxsplitsize.enabled bool false
        paimon.split.openfilecost long
        """,
    ),
)
