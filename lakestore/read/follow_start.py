"""The first position of a streaming read, found by looking at the table."""

from lakestore.core.stream_start import is_full_compaction
from lakestore.errors import NotFoundError
from lakestore.model.rows import ChangelogProducer
from lakestore.model.snapshot import Snapshot
from lakestore.model.stream import Position, Start, StartMode
from lakestore.read.follow_line import SnapshotLine
from lakestore.read.follow_parts import FollowParts, mark_of


def first_position(parts: FollowParts, start: Start, line: SnapshotLine) -> Position:
    """Where a read that begins so begins. A table without snapshots is read from its first one on.

    Raises:
        OutOfRangeError: What it should begin with has expired, or may have.
        NotFoundError: There is no such tag.
    """
    match start.mode:
        case StartMode.FROM_SNAPSHOT:
            return Position(next_snapshot=start.snapshot_id or 1)
        case StartMode.FROM_SNAPSHOT_FULL:
            return Position(next_snapshot=start.snapshot_id or 1, full=True)
        case StartMode.FROM_TAG:
            tag = parts.tags.get(start.tag or "")
            return Position(next_snapshot=tag.snapshot.id, full=True, tag=tag.name)
        case StartMode.FROM_TIMESTAMP:
            return _from_timestamp(parts, start.timestamp_ms or 0, line)
        case StartMode.EARLIEST:
            return Position(next_snapshot=min([*parts.snapshots.ids(), *parts.changelogs.ids()], default=1))
    latest = parts.snapshots.latest()
    if latest is None:
        return Position(next_snapshot=1)
    if start.mode is StartMode.LATEST:
        line.was_absent(latest.id + 1)
        return Position(next_snapshot=latest.id + 1, after=mark_of(latest))
    if start.mode is StartMode.COMPACTED_FULL:
        latest = _last_compacted(parts, latest)
    return Position(next_snapshot=latest.id, full=True)


def _last_compacted(parts: FollowParts, latest: Snapshot) -> Snapshot:
    """The newest snapshot that a compaction made, else the latest (Paimon ``CompactedStartingScanner``)."""
    options = parts.reader.options
    delta_commits = options.compact.full_delta_commits
    if options.merge.changelog_producer is ChangelogProducer.FULL_COMPACTION:
        delta_commits = delta_commits or 1
    walk = parts.snapshots.walk_back(latest.id)
    return next((one for one in walk if is_full_compaction(one, delta_commits=delta_commits)), latest)


def _from_timestamp(parts: FollowParts, epoch_ms: int, line: SnapshotLine) -> Position:
    """Behind the last snapshot that was committed before that time."""
    try:
        before = parts.snapshots.at_timestamp(epoch_ms - 1)
    except NotFoundError:
        kept = [one for one in parts.changelogs.list() if one.time_millis < epoch_ms]
        if not kept:
            return _from_the_beginning(parts, epoch_ms, line)
        before = kept[-1]
    return Position(next_snapshot=before.id + 1, after=mark_of(before))


def _from_the_beginning(parts: FollowParts, epoch_ms: int, line: SnapshotLine) -> Position:
    earliest = min([*parts.snapshots.ids(), *parts.changelogs.ids()], default=1)
    if earliest > 1:
        raise line.out_of_range(
            earliest - 1, f"may be the first since {epoch_ms} (milliseconds since the epoch) and has expired"
        )
    return Position(next_snapshot=1)
