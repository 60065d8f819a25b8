"""The compaction job: everything that is due in a table, or everything there is (``table.compact()``).

1. Read the live files of the latest snapshot; keep the partitions asked for, and those that have been idle long enough.
2. Pick what is to be compacted, the most urgent buckets first, within the budgets.
3. Rewrite and commit (``compact_run``). Buckets that others compacted first are planned again on the fresh state.

The job holds no lock and keeps no state: it may be stopped at any moment, and several may run at once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from lakestore.core.filter import matches_values
from lakestore.core.options import check_writable
from lakestore.core.value_text import Internal
from lakestore.errors import ConflictError, ErrorKind
from lakestore.format.binary_row import decode_row
from lakestore.maintain.compact_history import history_entries
from lakestore.maintain.compact_parts import CompactParts
from lakestore.maintain.compact_pick import Bucket, Extent, pick_buckets
from lakestore.maintain.compact_run import CompactRun, Done
from lakestore.maintain.describe import partition_text
from lakestore.maintain.partition_times import is_over
from lakestore.meta.scan import snapshot_entries
from lakestore.model.manifest import ManifestEntry
from lakestore.model.predicate import Predicate
from lakestore.model.snapshot import Snapshot

PLANS_MAX = 10
"""How often buckets that others compacted first are planned again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactedBucket:
    """What was done in one bucket, or would be.

    Attributes:
        partition: ``key=value`` words of the partition, empty without partitions.
        bucket: Bucket number.
        output_level: Level that the files go to.
        reason: Why they were picked.
        files_before: Files taken away; ``bytes_before`` are their bytes.
        files_after: Files in their place, files that only moved up included.
        bytes_written: Bytes written for them, changelog files not included.
        changelog_rows: Row changes found.
        milliseconds: How long rewriting took.
    """

    partition: str
    bucket: int
    output_level: int
    reason: str
    files_before: int
    bytes_before: int
    files_after: int = 0
    bytes_written: int = 0
    changelog_rows: int = 0
    milliseconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactReport:
    """What a compaction came to.

    Attributes:
        base_snapshot: The snapshot that was planned on last, None for a table without snapshots.
        snapshot_ids: Snapshots made; empty when nothing was to be done, and in a dry run.
        buckets: What was done, or in a dry run would be, by bucket.
        skipped: Buckets due that the budgets left for next time.
        lost: How often another job replaced the files of a bucket first; such buckets were planned again.
        milliseconds: How long it all took.
    """

    base_snapshot: int | None
    snapshot_ids: tuple[int, ...] = ()
    buckets: tuple[CompactedBucket, ...] = ()
    skipped: int = 0
    lost: int = 0
    milliseconds: float = 0.0

    @property
    def snapshot_id(self) -> int | None:
        """The last snapshot made, None for none."""
        return self.snapshot_ids[-1] if self.snapshot_ids else None


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactProgress:
    """How far a compaction is.

    Attributes:
        buckets_done: Buckets rewritten, of ``buckets`` planned.
        bytes_done: Bytes read for them, of ``bytes`` planned.
        last: The bucket rewritten last.
    """

    buckets_done: int
    buckets: int
    bytes_done: int
    bytes: int
    last: CompactedBucket


def compact_table(
    parts: CompactParts,
    *,
    full: bool = False,
    where: Predicate | None = None,
    idle_ms: int | None = None,
    budget_bytes: int | None = None,
    budget_files: int | None = None,
    dry_run: bool = False,
    progress: Callable[[CompactProgress], None] | None = None,
) -> CompactReport:
    """Compact a table.

    Args:
        parts: The table.
        full: Compact every bucket to its top level, or all small files of an append table; else what the policy
            finds due.
        where: Bound predicate on partition columns; other partitions are left alone.
        idle_ms: Only partitions to which nothing was written for that long.
        budget_bytes: Bytes of files to read at most; one bucket is compacted in any case.
        budget_files: Files to read at most, likewise.
        dry_run: Only say what would be done.
        progress: Is told of each bucket rewritten.

    Raises:
        InvalidInputError: The table's rows cannot be merged.
        ConflictError: Others replaced the files first again and again; buckets compacted before stay so.
        CommitUnknownError: Nobody can know whether a snapshot was made; nothing was deleted.
        UnsupportedFormatError: The table has deletion vectors or another index that compaction would have to rewrite.
    """
    job = _Job(parts, where=where, idle_ms=idle_ms, budget_bytes=budget_bytes, budget_files=budget_files)
    return job.run(full=full, dry_run=dry_run, progress=progress)


class _Job:
    """One call."""

    def __init__(
        self,
        parts: CompactParts,
        *,
        where: Predicate | None,
        idle_ms: int | None,
        budget_bytes: int | None,
        budget_files: int | None,
    ) -> None:
        self._parts = parts.at_schema(parts.schemas.latest() or parts.schema)
        if not self._parts.schema.primary_keys:
            check_writable(self._parts.schema)
        self._where = where
        self._idle_ms = idle_ms
        self._budget_bytes = budget_bytes
        self._budget_files = budget_files
        self._skipped = 0

    def run(self, *, full: bool, dry_run: bool, progress: Callable[[CompactProgress], None] | None) -> CompactReport:
        """Plan, and compact until nobody else was first."""
        clock = self._parts.env.clock
        started = clock.monotonic()
        snapshot, buckets = self._plan(full=full)
        made: list[int] = []
        landed: list[CompactedBucket] = []
        lost = 0
        plans = 0
        while buckets and snapshot is not None and not dry_run:
            plans += 1
            counter = _Counter(self._parts, buckets, progress)
            run = CompactRun(
                parts=self._parts, user=self._parts.env.new_id(), base_snapshot=snapshot.id, progress=counter
            )
            outcome = run.run(buckets)
            made += outcome.snapshot_ids
            landed += [described(self._parts, done) for done in outcome.landed]
            lost += len(outcome.lost)
            if not outcome.lost:
                break
            if plans == PLANS_MAX:
                raise self._crowded(outcome.lost)
            again = {(bucket.place.partition, bucket.place.bucket) for bucket in outcome.lost}
            snapshot, buckets = self._plan(full=full)
            buckets = [bucket for bucket in buckets if (bucket.place.partition, bucket.place.bucket) in again]
        if dry_run:
            landed = [planned(self._parts, bucket) for bucket in buckets]
        return CompactReport(
            base_snapshot=None if snapshot is None else snapshot.id,
            snapshot_ids=tuple(made),
            buckets=tuple(landed),
            skipped=self._skipped,
            lost=lost,
            milliseconds=(clock.monotonic() - started) * 1000,
        )

    def _plan(self, *, full: bool) -> tuple[Snapshot | None, list[Bucket]]:
        """The latest snapshot, and what to do in it, the most urgent first."""
        snapshot = self._parts.snapshots.latest()
        if snapshot is None:
            return None, []
        everything = snapshot_entries(self._parts.manifests, snapshot)
        entries = self._wanted(everything)
        self._parts = self._parts.fitting(entries)
        buckets = pick_buckets(self._parts, entries, Extent.WHOLE if full else Extent.DUE) + self._history(everything)
        buckets.sort(key=lambda bucket: -len(bucket.unit.files))
        return snapshot, self._within_budget(buckets)

    def _history(self, everything: Sequence[ManifestEntry]) -> list[Bucket]:
        """What to lay out in full of an append table's partitions that the job was not asked for."""
        if self._where is None or self._parts.schema.primary_keys:
            return []
        where, options = self._where, self._parts.options
        others = [entry for entry in everything if not self._is_of(where, entry.partition)]
        top = options.compact.num_levels - 1
        entries = history_entries(others, options.append.cluster, top=top, now_ms=self._parts.now_ms())
        self._parts = self._parts.fitting(entries)
        return pick_buckets(self._parts, entries, Extent.WHOLE)

    def _is_of(self, where: Predicate, partition: bytes) -> bool:
        keys = self._parts.schema.partition_keys
        return matches_values(where, dict(zip(keys, _values(self._parts, partition), strict=True))) is True

    def _wanted(self, entries: Sequence[ManifestEntry]) -> list[ManifestEntry]:
        """The files of the partitions asked for."""
        partitions = {entry.partition for entry in entries}
        where = self._where
        if where is not None:
            partitions = {one for one in partitions if self._is_of(where, one)}
        if self._idle_ms is not None:
            latest = self._parts.now_ms() - self._idle_ms
            busy = {entry.partition for entry in entries if (entry.file.creation_time or 0) > latest}
            partitions -= busy
        if self._parts.options.compact.skip_expired_partitions:
            over = is_over(self._parts.schema, self._parts.options.partition_expiry, now_ms=self._parts.now_ms())
            partitions = {one for one in partitions if not over(one)}
        return [entry for entry in entries if entry.partition in partitions]

    def _within_budget(self, buckets: Sequence[Bucket]) -> list[Bucket]:
        chosen: list[Bucket] = []
        size = files = 0
        for bucket in buckets:
            size += bucket.unit.size
            files += len(bucket.unit.files)
            too_large = self._budget_bytes is not None and size > self._budget_bytes
            too_many = self._budget_files is not None and files > self._budget_files
            if chosen and (too_large or too_many):
                break
            chosen.append(bucket)
        self._skipped = len(buckets) - len(chosen)
        return chosen

    def _crowded(self, lost: Sequence[Bucket]) -> ConflictError:
        numbers = ", ".join(sorted({str(bucket.place.bucket) for bucket in lost}))
        return ConflictError(
            f"{self._parts.name}: other jobs replaced the files of bucket(s) {numbers} first, {PLANS_MAX} times in a"
            " row; nothing of these was committed. One compaction job per table is enough: stop the others, or try"
            " again",
            kind=ErrorKind.RETRIES_EXHAUSTED,
        )


class _Counter:
    """Turns buckets done into progress."""

    def __init__(
        self, parts: CompactParts, buckets: Sequence[Bucket], tell: Callable[[CompactProgress], None] | None
    ) -> None:
        self._described = partial(described, parts)
        self._tell = tell
        self._buckets = len(buckets)
        self._bytes = sum(bucket.unit.size for bucket in buckets)
        self._buckets_done = self._bytes_done = 0

    def __call__(self, done: Done) -> None:
        self._buckets_done += 1
        self._bytes_done += done.bucket.unit.size
        if self._tell is not None:
            self._tell(
                CompactProgress(
                    buckets_done=self._buckets_done,
                    buckets=self._buckets,
                    bytes_done=self._bytes_done,
                    bytes=self._bytes,
                    last=self._described(done),
                )
            )


def planned(parts: CompactParts, bucket: Bucket) -> CompactedBucket:
    """What would be done in a bucket."""
    unit, place = bucket.unit, bucket.place
    return CompactedBucket(
        partition=partition_text(place.partition, parts.schema),
        bucket=place.bucket,
        output_level=unit.output_level,
        reason=unit.reason,
        files_before=len(unit.files),
        bytes_before=unit.size,
    )


def described(parts: CompactParts, done: Done) -> CompactedBucket:
    """What was done in a bucket."""
    result, plan = done.result, planned(parts, done.bucket)
    known = {file.name for file in result.before}
    return CompactedBucket(
        partition=plan.partition,
        bucket=plan.bucket,
        output_level=plan.output_level,
        reason=plan.reason,
        files_before=len(result.before),
        bytes_before=sum(file.size for file in result.before),
        files_after=len(result.after),
        bytes_written=sum(file.size for file in result.after if file.name not in known),
        changelog_rows=sum(file.row_count for file in result.changelog),
        milliseconds=done.milliseconds,
    )


def _values(parts: CompactParts, partition: bytes) -> tuple[Internal, ...]:
    return decode_row(partition, parts.schema.partition_types)
