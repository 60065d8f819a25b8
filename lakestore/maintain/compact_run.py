"""Compacting some buckets of a table: pick, rewrite, commit, and what to do when somebody else was there first.

1. Of each bucket the live files make a tree of levels, and the policy picks what to compact (``core.pick``).
2. Buckets are rewritten beside each other, as many as a memory budget allows (``data.rewrite``).
3. Up to ``COMMIT_BYTES`` of input go into one COMPACT snapshot.
4. Does it not fit any more, because another compactor or an overwrite took files away, then the buckets that still fit
   are committed, and what was written for the others is deleted.

Invariant: a file that a snapshot may name is never deleted. After an outcome that nobody can know nothing is.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from lakestore.core.changes import compact_changes
from lakestore.core.conflict import find_conflict, rank_of
from lakestore.core.pick import Cause
from lakestore.data.append_rewrite import rewrite_append
from lakestore.data.rewrite import CompactResult, discard, rewrite
from lakestore.errors import CommitUnknownError, ConflictError, ErrorKind, LakestoreError
from lakestore.events import BucketCompacted
from lakestore.format.binary_row import decode_row
from lakestore.maintain.compact_parts import CompactParts
from lakestore.maintain.compact_pick import Bucket
from lakestore.meta.scan import snapshot_entries
from lakestore.model.message import CommitMessage, CommitRequest
from lakestore.model.options import MIB
from lakestore.model.snapshot import BATCH_COMMIT_IDENTIFIER
from lakestore.storage.parallel import map_ordered

WORKERS_MAX = 4
"""Buckets rewritten at a time."""

MEMORY_BYTES = 768 * MIB
"""What rewriting may hold, over all buckets rewritten at a time, about."""

UNIT_BYTES_MAX = 384 * MIB
"""What rewriting one bucket holds at most, about: the windows, what is merged of them, row groups being encoded."""

DECODED_PER_BYTE = 8
"""Bytes in memory of one byte in a file, at a guess on the safe side."""

COMMIT_BYTES = 4096 * MIB
"""Bytes read for one snapshot, about: what a crash may cost."""

CONFLICTS_MAX = 20
"""How often a commit may lose buckets to others; each time means that one of them made progress."""

_LOST = frozenset(
    {ErrorKind.FILE_GONE, ErrorKind.FILE_ADDED_TWICE, ErrorKind.LEVEL_OVERLAP, ErrorKind.BUCKET_COUNT_CHANGED}
)
"""Conflicts that concern some buckets and not others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """One bucket rewritten.

    Attributes:
        bucket: What was to be done.
        result: What was done.
        milliseconds: How long it took.
    """

    bucket: Bucket
    result: CompactResult
    milliseconds: float

    def message(self) -> CommitMessage:
        """What the committer is told."""
        place = self.bucket.place
        return CommitMessage(
            partition=place.partition,
            bucket=place.bucket,
            total_buckets=self.bucket.total_buckets,
            compact_before=tuple(self.result.before),
            compact_after=tuple(self.result.after),
            compact_changelog=tuple(self.result.changelog),
        )


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What a run came to.

    Attributes:
        snapshot_ids: Snapshots made.
        landed: Buckets compacted.
        lost: Buckets in which others replaced files first.
    """

    snapshot_ids: list[int] = field(default_factory=list)
    landed: list[Done] = field(default_factory=list)
    lost: list[Bucket] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactRun:
    """Rewrites buckets and commits what came of it.

    Attributes:
        parts: The table, in a schema not older than the files.
        user: Commit user of the snapshots.
        identifier: Commit identifier of the snapshots.
        base_snapshot: The snapshot that was planned on.
        progress: Is told of each bucket rewritten.
    """

    parts: CompactParts
    user: str
    identifier: int = BATCH_COMMIT_IDENTIFIER
    base_snapshot: int
    progress: Callable[[Done], None] = lambda _: None

    def run(self, buckets: Sequence[Bucket]) -> Outcome:
        """Compact the buckets.

        Raises:
            CommitUnknownError: Nobody can know whether a snapshot was made; nothing was deleted.
            LakestoreError: Anything else, of which nothing became visible; snapshots made before stand.
        """
        outcome = Outcome()
        # Whatever is rewritten is in here from the moment that its files are there, until it is handed to a commit.
        made: list[Done] = []

        def rewritten(bucket: Bucket) -> Done:
            done = self._rewrite(bucket)
            made.append(done)
            self._tell(done)
            return done

        try:
            with closing(map_ordered(rewritten, buckets, workers=_workers(buckets))) as finished:
                for done in finished:
                    self.progress(done)
                    if sum(each.bucket.unit.size for each in made) >= COMMIT_BYTES:
                        self._commit(_taken(made), outcome)
            self._commit(_taken(made), outcome)
        except BaseException:
            self._discard(made)
            raise
        return outcome

    def _rewrite(self, bucket: Bucket) -> Done:
        clock = self.parts.env.clock
        started = clock.monotonic()
        parts = self.parts.rewriting(self.base_snapshot)
        if self.parts.schema.primary_keys:
            result = rewrite(parts, bucket.place, bucket.unit, drop_deletes=bucket.drop_deletes)
        else:
            result = rewrite_append(parts, bucket.place, bucket.unit)
        return Done(bucket=bucket, result=result, milliseconds=(clock.monotonic() - started) * 1000)

    def _tell(self, done: Done) -> None:
        bucket, result = done.bucket, done.result
        self.parts.env.emit(
            BucketCompacted(
                table=self.parts.name,
                bucket=bucket.place.bucket,
                reason=bucket.unit.reason,
                output_level=bucket.unit.output_level,
                files_before=len(result.before),
                files_after=len(result.after),
                bytes_written=sum(file.size for file in result.written),
                milliseconds=done.milliseconds,
            )
        )

    def _commit(self, buckets: Sequence[Done], outcome: Outcome) -> None:
        """Make one snapshot of those that fit."""
        left = [done for done in buckets if not done.result.empty]
        tries = 0
        # A second snapshot cannot bear the user and identifier of the first: they say that the work is done.
        first = not outcome.snapshot_ids
        user, identifier = (self.user, self.identifier) if first else (self.parts.env.new_id(), BATCH_COMMIT_IDENTIFIER)
        while left:
            request = CommitRequest(
                user=user,
                identifier=identifier,
                messages=tuple(done.message() for done in left),
                base_snapshot=self.base_snapshot,
                schema_id=self.parts.schema.id,
            )
            try:
                made = self.parts.committer.commit(request)
            except CommitUnknownError:
                raise
            except LakestoreError as error:
                tries += 1
                if not isinstance(error, ConflictError) or error.kind not in _LOST or tries > CONFLICTS_MAX:
                    self._discard(left)
                    raise
                fits = self._fitting(left)
                lost = [done for done in left if done not in fits]
                self._discard(lost)
                outcome.lost += [done.bucket for done in lost]
                left = fits
            else:
                outcome.snapshot_ids += made.snapshot_ids
                outcome.landed += left
                self._forget(left)
                return

    def _forget(self, buckets: Iterable[Done]) -> None:
        """Let go of the rows of files that are live no more."""
        if self.parts.recent is not None:
            for done in buckets:
                live = {file.name for file in done.result.after}
                self.parts.recent.drop(file.name for file in done.result.before if file.name not in live)

    def _fitting(self, buckets: Sequence[Done]) -> list[Done]:
        """Those whose files are all as they were in the snapshot that is the latest now."""
        snapshot = self.parts.snapshots.latest()
        entries = [] if snapshot is None else snapshot_entries(self.parts.manifests, snapshot)
        types = self.parts.schema.key_types

        def rank(key: bytes) -> tuple[Any, ...]:
            return rank_of(decode_row(key, types))

        fits = []
        for done in buckets:
            request = CommitRequest(user=self.user, messages=(done.message(),))
            live = [entry for entry in entries if entry.partition == done.bucket.place.partition]
            conflict = find_conflict(live, compact_changes(request), key_rank=rank if types else None)
            if conflict is None:
                fits.append(done)
        return fits

    def _discard(self, buckets: Iterable[Done]) -> None:
        parts = self.parts.rewriting(self.base_snapshot)
        for done in buckets:
            discard(parts, done.bucket.place.partition, done.bucket.place.bucket, done.result)


def _taken(made: list[Done]) -> list[Done]:
    """All of them, which the list gives up."""
    taken, made[:] = made[:], []
    return taken


def _workers(buckets: Sequence[Bucket]) -> int:
    """How many buckets may be rewritten at a time within the memory budget; sorting takes all of it."""
    if any(bucket.unit.cause is Cause.CLUSTERING for bucket in buckets):
        return 1
    needs = (min(UNIT_BYTES_MAX, DECODED_PER_BYTE * bucket.unit.size) for bucket in buckets)
    return max(1, min(WORKERS_MAX, MEMORY_BYTES // max(1, *needs, 1)))
