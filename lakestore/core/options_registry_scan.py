"""Options of scans: where they stand, how they are cut, and streaming reads."""

from lakestore.core.options_registry_entry import Refuses, honoured, inert, refused

_TIME_TRAVEL = (
    "The table's stored options pin every reader to another state than the latest; streams begin there, scans are "
    "refused. Unset it, and name the state where you read, as in `table.at(snapshot=…)`."
)
_INCREMENTAL = (
    "Readers would have to return changes instead of rows. Unset it; changes are asked for where they are read: "
    "`table.changes(between=…)`."
)
_PART_ONLY = "Readers would have to return only part of the table. Unset it, and pass `where=` to the scan."
_BRANCHES = "Rows would have to come from several branches, merged in a way that LakeStore does not know. Unset it."
_STREAMING = "Steers the streaming jobs of other engines; a stream of LakeStore is told where it is opened."
_PLANNING = "How another engine spreads planning and reading over its tasks; no row depends on it."

OPTIONS = (
    honoured("source.split.target-size size 128mb", "Size of the pieces that a scan is cut into."),
    honoured("source.split.open-file-cost size 4mb", "Least size that a file counts for when pieces are cut."),
    honoured("consumer-id text", "Consumer whose position a stream goes on from, and moves."),
    honoured(
        "consumer.ignore-progress bool false", "Whether a stream begins anew in spite of its consumer's position."
    ),
    honoured(
        "consumer.mode exactly-once|at-least-once exactly-once",
        "Whether a consumer moves when a change is acknowledged, or when the next is asked for.",
    ),
    honoured("continuous.discovery-interval duration", "Wait between looks for a snapshot; 1 s if not set."),
    honoured("scan.bounded.watermark long", "A stream ends before the first snapshot whose watermark is above it."),
    honoured("streaming-read-overwrite bool false", "Whether a stream tells what an overwrite changes."),
    honoured(
        "streaming-read-append-overwrite bool false",
        "Whether a stream of an append table tells the new rows of an overwrite.",
    ),
    honoured("streaming.read.snapshot.delay duration", "Age that a snapshot must have before a stream reads it."),
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
    honoured("scan.fallback-branch text", "Branch from which scans take the partitions that the table itself lacks."),
    *inert(
        "Scans look into both branches in any case, and each failure is an error.",
        "scan.fallback-branch.read-fail-fast bool false",
    ),
    *refused(
        Refuses.READ,
        _BRANCHES,
        """
        scan.fallback-delta-branch text
        scan.fallback-snapshot-branch text
        scan.primary-branch text
        """,
    ),
    *refused(
        Refuses.BOTH,
        "A branch is named where it is opened, and this would make another one of it for other engines only. Unset it,"
        " and open the branch: `table.at(branch=…)` or `db.table$branch_name`.",
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
        "LakeStore never leaves rows out in silence: a file that is lost or damaged is an error.",
        """
        scan.ignore-corrupt-files bool false
        scan.ignore-lost-files bool false
        """,
    ),
    *inert(
        _STREAMING,
        """
        scan.bounded bool
        scan.max-snapshot.count int -1
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
