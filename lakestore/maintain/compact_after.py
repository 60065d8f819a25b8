"""What a writer compacts after its commit, unless ``write-only`` is set.

1. The buckets that the commit touched are looked at as they are in its snapshot. Where no other writer came between,
   that is known without a request: what was live before, and the files just written. Of an append table without
   buckets all files are looked at, every few commits.
2. The policy picks; every ``full-compaction.delta-commits`` commits everything goes to the top instead.
3. What is picked is rewritten and committed as a COMPACT snapshot of the same user and identifier.
4. Where another compactor was first, the bucket is looked at again: rows that are read only above level 0 must be there
   when the call returns.

Invariant: whatever happens here, the commit before stands, and its rows are there.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from lakestore.errors import InvariantError, LakestoreError
from lakestore.events import CompactionFailed
from lakestore.maintain.compact_parts import CompactParts
from lakestore.maintain.compact_pick import Extent, Place, pick_buckets
from lakestore.maintain.compact_run import CompactRun
from lakestore.meta.scan import snapshot_entries
from lakestore.model.manifest import EntryKind, ManifestEntry
from lakestore.model.message import CommitRequest, CommitResult
from lakestore.model.rows import ChangelogProducer
from lakestore.model.snapshot import BATCH_COMMIT_IDENTIFIER, CommitKind, Snapshot

PLANS_MAX = 10
"""How often buckets that others compacted first are looked at again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """A commit that landed.

    Attributes:
        request: What was committed.
        result: What it came to.
        live_before: All live files at ``request.base_snapshot``; None when nobody has looked.
    """

    request: CommitRequest
    result: CommitResult
    live_before: Sequence[ManifestEntry] | None

    @property
    def snapshot_id(self) -> int:
        """The snapshot made."""
        return self.result.snapshot_ids[-1]

    @property
    def touched(self) -> set[Place]:
        """The buckets that it wrote to."""
        return {(message.partition, message.bucket) for message in self.request.messages}

    def live(self) -> list[ManifestEntry] | None:
        """All live files at the snapshot made; None when that takes a look at it."""
        request = self.request
        next_one = request.base_snapshot is not None and self.snapshot_id == request.base_snapshot + 1
        deletes = request.overwrite is not None or any(message.deleted_files for message in request.messages)
        if self.live_before is None or not next_one or deletes:
            return None
        fresh = [
            ManifestEntry(
                kind=EntryKind.ADD,
                partition=message.partition,
                bucket=message.bucket,
                total_buckets=message.total_buckets,
                file=file,
            )
            for message in request.messages
            for file in message.new_files
        ]
        return [*self.live_before, *fresh]


def compact_after(parts: CompactParts, landed: Landed, *, extent: Extent = Extent.DUE) -> CommitResult:
    """Compact what is due after a commit; the commit's result, with the snapshots made here or the reason for none.

    Args:
        parts: The table.
        landed: The commit.
        extent: How much of the buckets is looked at.
    """
    if not landed.result.snapshot_ids or not landed.touched or not looks(parts, landed.snapshot_id):
        return landed.result
    made, failure = guarded(parts, landed.snapshot_id, lambda: _compact(parts, landed, extent))
    if failure is not None:
        return replace(landed.result, compact_error=failure)
    return replace(landed.result, snapshot_ids=(*landed.result.snapshot_ids, *made))


def is_unordered(parts: CompactParts) -> bool:
    """Whether the table is an append table without buckets."""
    return not parts.schema.primary_keys and parts.options.bucket.count == -1


def looks(parts: CompactParts, number: int) -> bool:
    """Whether what is there is looked at after that snapshot.

    An append to a table without buckets reads nothing of it, so that its writers look only every so many snapshots
    whether small files have gathered, then in all partitions. Layouts by levels are for the job.
    """
    if not is_unordered(parts):
        return True
    append = parts.options.append
    return not append.cluster.incremental and number % append.min_files == 0


def guarded(
    parts: CompactParts, number: int, compact: Callable[[], list[int]]
) -> tuple[list[int], LakestoreError | None]:
    """The snapshots that a compaction made, or why it failed; a failure is an event too, and raises nothing.

    Args:
        parts: The table.
        number: The snapshot after which it is compacted.
        compact: The compaction.
    """
    try:
        return compact(), None
    except LakestoreError as error:
        failure = error
    except (pa.ArrowException, OSError, MemoryError, RuntimeError) as error:
        failure = InvariantError(f"{parts.name}: compacting after snapshot {number} failed: {error!r}")
    parts.env.emit(CompactionFailed(table=parts.name, snapshot_id=number, reason=failure.message))
    return [], failure


def _compact(parts: CompactParts, landed: Landed, extent: Extent) -> list[int]:
    number, entries = landed.snapshot_id, landed.live()
    if entries is None and extent is not Extent.FRESH:
        entries = snapshot_entries(parts.manifests, parts.snapshots.get(number))
    whole = _full_is_due(parts, number)
    user = (landed.request.user, landed.request.identifier)
    wanted = None if whole or is_unordered(parts) else landed.touched
    extent = Extent.WHOLE if whole else extent
    first = None if entries is None else (number, entries)
    return compact_until_done(parts, wanted, first=first, user=user, extent=extent)


def compact_until_done(
    parts: CompactParts,
    wanted: Collection[Place] | None,
    *,
    first: "tuple[int, Sequence[ManifestEntry]] | None" = None,
    user: "tuple[str, int] | None" = None,
    extent: Extent = Extent.DUE,
) -> list[int]:
    """Pick, rewrite and commit until nobody else was first; the snapshots made.

    Args:
        parts: The table.
        wanted: The buckets looked at; None for all.
        first: A snapshot and its live files, to look at before the latest.
        user: User and identifier of the first snapshot made; a user of its own by default.
        extent: How much of the buckets is looked at.
    """
    made: list[int] = []
    for _ in range(PLANS_MAX):
        found, first = first or _latest(parts), None
        if found is None:
            break
        number, entries = found
        table = parts.fitting(entries)
        looked_at = [one for one in entries if wanted is None or (one.partition, one.bucket) in wanted]
        buckets = pick_buckets(table, looked_at, extent)
        if not buckets:
            break
        name, identifier = user or (parts.env.new_id(), BATCH_COMMIT_IDENTIFIER)
        run = CompactRun(parts=table, user=name, identifier=identifier, base_snapshot=number)
        outcome = run.run(buckets)
        made += outcome.snapshot_ids
        if made:
            user = None
        if not outcome.lost:
            break
        wanted = {(bucket.place.partition, bucket.place.bucket) for bucket in outcome.lost}
    return made


def _latest(parts: CompactParts) -> "tuple[int, Sequence[ManifestEntry]] | None":
    snapshot = parts.snapshots.latest()
    return None if snapshot is None else (snapshot.id, snapshot_entries(parts.manifests, snapshot))


def _full_is_due(parts: CompactParts, number: int) -> bool:
    """Whether, with that snapshot, as many commits have come since the last full compaction as one is wanted for."""
    every = parts.options.compact.full_delta_commits
    if every is None:
        if parts.options.merge.changelog_producer is not ChangelogProducer.FULL_COMPACTION:
            return False
        every = 1
    if every == 1:
        return True
    commits = 0
    for snapshot in parts.snapshots.walk_back(number):
        if snapshot.commit_kind is CommitKind.COMPACT:
            if _reaches_top(parts, snapshot):
                return False
            continue
        commits += 1
        if commits >= every:
            return True
    return False


def _reaches_top(parts: CompactParts, snapshot: Snapshot) -> bool:
    top = parts.options.compact.num_levels - 1
    metas = parts.manifests.read_list(snapshot.delta_manifest_list)
    entries = (entry for part in parts.manifests.read_all(metas) for entry in part)
    return any(entry.kind is EntryKind.ADD and entry.file.level >= top for entry in entries)
