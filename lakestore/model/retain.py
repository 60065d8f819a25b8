"""How long things are kept: options of expiry as typed records."""

from dataclasses import dataclass

UNLIMITED = 2**31 - 1
"""Default of ``snapshot.num-retained.max``: as many as there are."""
HOUR_MS = 3_600_000


VALUES_TIME = "values-time"
UPDATE_TIME = "update-time"
"""The two values of ``partition.expiration-strategy`` that are known; others name classes of the Java engines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """How many of a numbered kind are kept, and how long.

    Attributes:
        at_least: Newest ones that are never expired.
        at_most: Newest ones beyond which all are expired, however young.
        time_ms: Milliseconds for which one between the two is kept.
        limit: Number expired in one run.
    """

    at_least: int = 10
    at_most: int = UNLIMITED
    time_ms: int = HOUR_MS
    limit: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class RetainOptions:
    """Retention of snapshots, changelogs and consumers.

    Attributes:
        snapshots: Options ``snapshot.num-retained.*``, ``snapshot.time-retained``, ``snapshot.expire.limit``.
        changelog_at_least: Option ``changelog.num-retained.min``, None for as many as snapshots.
        changelog_at_most: Option ``changelog.num-retained.max``, likewise.
        changelog_ms: Option ``changelog.time-retained``, likewise.
        consumer_changelog_only: Option ``consumer.changelog-only``: consumers hold back changelogs, not snapshots.
        clean_directories: Option ``snapshot.clean-empty-directories``.
        consumer_ms: Option ``consumer.expiration-time``, None to keep consumers.
        expire_tags: Option ``tag.time-expire-enabled``.
    """

    snapshots: Keep = Keep()
    changelog_at_least: int | None = None
    changelog_at_most: int | None = None
    changelog_ms: int | None = None
    consumer_changelog_only: bool = False
    clean_directories: bool = False
    consumer_ms: int | None = None
    expire_tags: bool = True

    @property
    def changelogs(self) -> Keep:
        """Retention of changelogs: what is not said of them is as for snapshots."""
        snapshots, time_ms = self.snapshots, self.changelog_ms
        least, most = self.changelog_at_least, self.changelog_at_most
        return Keep(
            at_least=snapshots.at_least if least is None else least,
            at_most=snapshots.at_most if most is None else most,
            time_ms=snapshots.time_ms if time_ms is None else time_ms,
            limit=snapshots.limit,
        )

    @property
    def decoupled(self) -> bool:
        """Whether changelogs outlive their snapshots."""
        snapshots, changelogs = self.snapshots, self.changelogs
        return (
            changelogs.at_most > snapshots.at_most
            or changelogs.at_least > snapshots.at_least
            or changelogs.time_ms > snapshots.time_ms
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionExpiryOptions:
    """Expiry of partitions, and what marks one as done.

    Attributes:
        time_ms: Option ``partition.expiration-time``, None to keep partitions.
        strategy: Option ``partition.expiration-strategy``.
        check_ms: Option ``partition.expiration-check-interval``.
        most: Option ``partition.expiration-max-num``.
        batch: Option ``partition.expiration-batch-size``: partitions of one commit, None for all in one.
        on_batch_commit: Option ``end-input.check-partition-expire``: look after every batch commit.
        formatter: Option ``partition.timestamp-formatter``.
        pattern: Option ``partition.timestamp-pattern``.
        done_actions: Option ``partition.mark-done-action``.
    """

    time_ms: int | None = None
    strategy: str = VALUES_TIME
    check_ms: int = HOUR_MS
    most: int = 100
    batch: int | None = None
    on_batch_commit: bool = False
    formatter: str | None = None
    pattern: str | None = None
    done_actions: tuple[str, ...] = ("success-file",)
