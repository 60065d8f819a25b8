"""Options of expiry: how long snapshots, changelogs, tags, consumers and partitions are kept."""

from lakestore.core.options_registry_entry import honoured, inert

OPTIONS = (
    honoured("snapshot.num-retained.min int 10", "Newest snapshots that never expire."),
    honoured("snapshot.num-retained.max int 2147483647", "Snapshots beyond so many expire however young they are."),
    honoured("snapshot.time-retained duration 1h", "How long a snapshot is kept after the next one was made."),
    honoured("snapshot.expire.limit int 50", "Snapshots that one expiry removes at most."),
    honoured(
        "snapshot.clean-empty-directories bool false", "Whether expiry removes folders of data that it has emptied."
    ),
    honoured("changelog.num-retained.min int", "Newest changelogs that never expire; as for snapshots if not set."),
    honoured("changelog.num-retained.max int", "Changelogs beyond so many expire; as for snapshots if not set."),
    honoured(
        "changelog.time-retained duration",
        "How long a changelog is kept; as for snapshots if not set. Longer than theirs, it outlives its snapshot.",
    ),
    honoured(
        "consumer.changelog-only bool false",
        "Whether consumers hold back changelogs but not snapshots; only where changelogs outlive snapshots.",
    ),
    honoured("consumer.expiration-time duration", "Consumers that have not moved for so long are removed."),
    honoured("tag.time-expire-enabled bool true", "Whether a commit removes tags whose time is over."),
    honoured("partition.expiration-time duration", "Partitions older than that are dropped."),
    honoured(
        "partition.expiration-strategy text values-time",
        "What a partition's age is: the time in its values, or (update-time) that of its newest file.",
    ),
    honoured("partition.expiration-check-interval duration 1h", "How often a process looks for expired partitions."),
    honoured("partition.expiration-max-num int 100", "Partitions that one expiry drops at most."),
    honoured("partition.expiration-batch-size int", "Partitions dropped by one commit; all at once if not set."),
    honoured("end-input.check-partition-expire bool false", "Whether every batch commit looks for expired partitions."),
    honoured("partition.timestamp-formatter text", "How times are spelled in partitions, as a Java pattern."),
    honoured(
        "partition.timestamp-pattern text", "Which columns hold the time of a partition, such as $day $hour:00:00."
    ),
    honoured(
        "partition.mark-done-action text success-file",
        "What marking a partition as done does: success-file writes _SUCCESS into its folder; others are refused.",
    ),
    *inert(
        "Expiry runs at the end of the commit call either way; the commit is visible before it begins.",
        "snapshot.expire.execution-mode sync|async sync",
    ),
)
