"""What runs after a commit, unless the table is ``write-only``: expiry of tags, partitions, consumers and snapshots.

It must cost next to nothing when nothing can be due. So a process remembers until when that is certain: the earliest
snapshot expires no sooner than its next one's time plus the retention, or than the newest snapshot's number allows. A
fresh process asks for the hint and that one snapshot; all other requests come only when something is due.

Invariants: the commit has landed before, and no failure here undoes or fails it: it is told as an event. What is
remembered only ever delays expiry, never hastens it.
"""

from dataclasses import dataclass

from lakestore.core.retain import check_keep, may_expire
from lakestore.errors import LakestoreError
from lakestore.events import CleaningFailed, SnapshotsExpired
from lakestore.maintain.cleaning import CleaningReport, CleanParts
from lakestore.maintain.expire import expire_snapshots
from lakestore.maintain.expire_changelogs import expire_changelogs
from lakestore.maintain.expire_consumers import expire_consumers
from lakestore.maintain.expire_tags import expire_tags
from lakestore.maintain.partition_jobs import Commit, expire_partitions

SLACK = 20
"""A commit waits a twentieth of the retention longer, so that several snapshots expire in one run."""
SLACK_MAX_MS = 300_000
"""Milliseconds that it waits at most."""

TAGS_EVERY_MS = 60_000
"""How often a process looks for tags and consumers whose time is over; both are kept for hours and days."""


@dataclass(slots=True)
class ExpiryMemory:
    """What one process knows of one table's next expiry. Not shared between processes, and never trusted to delete.

    Attributes:
        earliest: Number of the earliest snapshot, as far as known.
        quiet_until_ms: No snapshot is old enough before that time.
        looked_ms: When tags and consumers were looked at, None for never.
        partitions_ms: When partitions were looked at, or the first commit was made.
    """

    earliest: int | None = None
    quiet_until_ms: int = 0
    looked_ms: int | None = None
    partitions_ms: int | None = None

    def forget(self) -> None:
        """Something expired: look anew."""
        self.earliest = None
        self.quiet_until_ms = 0


def expire_after_commit(parts: CleanParts, memory: ExpiryMemory, latest: int, commit: Commit) -> CleaningReport:
    """Expire what is due, quickly finding that nothing is.

    Args:
        parts: The table, on the branch that was committed to.
        memory: What this process knows.
        latest: Number of the snapshot just made.
        commit: Makes the commit that drops partitions.

    Returns:
        What went; of a failure, what was done before it.
    """
    report = CleaningReport()
    try:
        report += _tags_and_consumers(parts, memory)
        if _partitions_due(parts, memory):
            report += expire_partitions(parts, commit)
        if _snapshots_due(parts, memory, latest):
            retain = parts.options.retain
            memory.forget()
            if retain.expire_tags:
                report += expire_tags(parts)
            report += expire_snapshots(parts, retain)
            if retain.decoupled:
                report += expire_changelogs(parts, retain)
    except LakestoreError as error:
        parts.env.emit(CleaningFailed(table=parts.name, snapshot_id=latest, reason=error.message))
    if report.snapshots:
        parts.env.emit(
            SnapshotsExpired(
                table=parts.name,
                first=report.snapshots[0],
                last=report.snapshots[-1],
                files_deleted=len(report.deletions),
            )
        )
    return report


def _tags_and_consumers(parts: CleanParts, memory: ExpiryMemory) -> CleaningReport:
    retain = parts.options.retain
    now = parts.env.clock.now_ms()
    if memory.looked_ms is not None and now - memory.looked_ms < TAGS_EVERY_MS:
        return CleaningReport()
    memory.looked_ms = now
    report = CleaningReport()
    if retain.expire_tags and parts.options.tags.default_time_retained_ms is not None:
        report += expire_tags(parts)
    if retain.consumer_ms is not None:
        report += expire_consumers(parts, retain.consumer_ms)
    return report


def _partitions_due(parts: CleanParts, memory: ExpiryMemory) -> bool:
    """Whether it is time to look: after every batch commit where asked for, else once per interval of a process."""
    options = parts.options.partition_expiry
    if options.time_ms is None or not parts.schema.partition_keys:
        return False
    now = parts.env.clock.now_ms()
    if memory.partitions_ms is None:
        memory.partitions_ms = now
        return options.on_batch_commit or options.check_ms == 0
    if not options.on_batch_commit and now - memory.partitions_ms < options.check_ms:
        return False
    memory.partitions_ms = now
    return True


def _snapshots_due(parts: CleanParts, memory: ExpiryMemory, latest: int) -> bool:
    """Whether a snapshot may be due, by what is known or takes two requests to learn."""
    keep = parts.options.retain.snapshots
    if latest - keep.at_least < 1:
        return False
    check_keep(keep)
    if memory.earliest is None:
        memory.earliest = parts.snapshots.earliest_hint()
        if memory.earliest is None:
            return True
        following = parts.snapshots.find(memory.earliest + 1)
        if following is None:
            return memory.earliest < latest
        memory.quiet_until_ms = following.time_millis + keep.time_ms + min(keep.time_ms // SLACK, SLACK_MAX_MS)
    earliest = memory.earliest
    if not may_expire(keep, earliest=earliest, latest=latest):
        return False
    if latest - keep.at_most + 1 > earliest:
        return True
    return parts.env.clock.now_ms() > memory.quiet_until_ms
