"""Compacting some buckets of a table: pick, rewrite, commit, and what to do when somebody else was there first.

1. Of each bucket the live files make a tree of levels, and the policy picks what to compact (``core.pick``).
2. Buckets are rewritten beside each other, as many as a memory budget allows (``data.rewrite``).
3. Up to ``COMMIT_BYTES`` of input go into one COMPACT snapshot.
4. Does it not fit any more, because another compactor or an overwrite took files away, then the buckets that still fit
   are committed, and what was written for the others is deleted.

Invariant: a file that a snapshot may name is never deleted. After an outcome that nobody can know nothing is.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

from lakestore.core.append_units import append_units
from lakestore.core.changes import compact_changes
from lakestore.core.conflict import find_conflict, rank_of
from lakestore.core.levels import Levels
from lakestore.core.options import parse_options
from lakestore.core.pick import Cause, CompactUnit, PickState, drops_deletes, full, pick
from lakestore.core.row_tracking import tracked, tracks_rows
from lakestore.data.append_rewrite import rewrite_append
from lakestore.data.file_writer import WriteParts
from lakestore.data.rewrite import BucketFilesAt, CompactResult, RewriteParts, discard, rewrite
from lakestore.env import Env
from lakestore.errors import CommitUnknownError, ConflictError, ErrorKind, LakestoreError
from lakestore.events import BucketCompacted
from lakestore.format.binary_row import decode_row
from lakestore.maintain.expired import expired_test
from lakestore.meta.commit import Committer
from lakestore.meta.manifests import Manifests
from lakestore.meta.scan import snapshot_entries
from lakestore.meta.schemas import Schemas
from lakestore.meta.snapshots import Snapshots
from lakestore.model.manifest import ManifestEntry
from lakestore.model.message import CommitMessage, CommitRequest
from lakestore.model.options import MIB, TableOptions
from lakestore.model.schema import TableSchema
from lakestore.model.snapshot import BATCH_COMMIT_IDENTIFIER
from lakestore.storage.parallel import map_ordered
from lakestore.storage.paths import TablePaths
from lakestore.storage.store import Store

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

Place = tuple[bytes, int]
"""Partition and bucket number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactParts:
    """An open table, as compaction sees it.

    Attributes:
        name: What messages call it.
        store: Where its files are.
        paths: How they are called.
        env: Clock, ids, events.
        schema: A schema of it; a newer one is used where files are newer.
        options: That schema's options.
        schemas: Its schemas.
        snapshots: Its snapshots.
        manifests: Its manifests.
        committer: Makes snapshots of it.
    """

    name: str
    store: Store
    paths: TablePaths
    env: Env
    schema: TableSchema
    options: TableOptions
    schemas: Schemas
    snapshots: Snapshots
    manifests: Manifests
    committer: Committer

    def at_schema(self, schema: TableSchema) -> "CompactParts":
        """The table in another schema."""
        if schema.id == self.schema.id:
            return self
        return replace(self, schema=schema, options=parse_options(schema.options, schema=schema))

    def fitting(self, entries: Iterable[ManifestEntry]) -> "CompactParts":
        """The table in a schema that is not older than any of those files: none of their columns may get lost."""
        newest = max((entry.file.schema_id for entry in entries), default=self.schema.id)
        if newest <= self.schema.id:
            return self
        return self.at_schema(self.schemas.latest() or self.schemas.get(newest))

    def schema_of(self, number: int) -> TableSchema:
        """One of the table's schemas."""
        return self.schema if number == self.schema.id else self.schemas.get(number)

    def clustered_by(self, schema_id: int) -> tuple[str, ...]:
        """Columns by which the table is laid out in one of its schemas."""
        schema = self.schema_of(schema_id)
        return parse_options(schema.options, schema=schema).append.cluster.columns

    def now_ms(self) -> int:
        """Local wall clock, encoded as if it were UTC, as files carry it."""
        now = self.env.clock.now_ms()
        return now + self.env.clock.local_offset_ms(now)

    def rewriting(self, snapshot_id: int) -> RewriteParts:
        """What rewriting files takes; where rows have ids they come along."""
        tracks = tracks_rows(self.schema)
        schema = tracked(self.schema) if tracks else self.schema
        return RewriteParts(
            write=WriteParts(store=self.store, paths=self.paths, schema=schema, options=self.options, env=self.env),
            schema_of=(lambda number: tracked(self.schema_of(number))) if tracks else self.schema_of,
            what=f"table {self.name} at snapshot {snapshot_id}",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """One bucket and what is to be done in it.

    Attributes:
        place: Its live files, and where they are.
        total_buckets: Bucket count of its partition.
        unit: What to compact.
        drop_deletes: Retract rows fall out.
    """

    place: BucketFilesAt
    total_buckets: int
    unit: CompactUnit
    drop_deletes: bool


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


def pick_buckets(parts: CompactParts, entries: Iterable[ManifestEntry], *, whole: bool) -> list[Bucket]:
    """The buckets in which something is to be compacted.

    Args:
        parts: The table, in a schema not older than the files.
        entries: All live files of the buckets looked at.
        whole: Compact everything to the top level.
    """
    options, state = parts.options, PickState(now_ms=parts.now_ms())
    by_place: defaultdict[Place, list[ManifestEntry]] = defaultdict(list)
    for entry in entries:
        if entry.bucket >= 0:
            by_place[entry.partition, entry.bucket].append(entry)
    expired = expired_test(parts.schema, parts.schema_of, options.compact, now_ms=parts.env.clock.now_ms())
    chosen = []
    for (partition, bucket), own in by_place.items():
        files = tuple(entry.file for entry in own)
        if not parts.schema.primary_keys:
            chosen += _append_buckets(parts, own, state, whole=whole)
            continue
        levels = Levels.of(files, num_levels=options.compact.num_levels)
        if whole:
            unit = full(levels, rewrite_all=options.compact.force_rewrite_all, must_rewrite=expired)
        else:
            unit = pick(levels, options.compact, state, looks_up=options.looks_up)
        if unit is not None:
            place = BucketFilesAt(
                partition=partition,
                bucket=bucket,
                files=files,
                top=levels.max_level,
                expired=frozenset(file.name for file in unit.files if expired(file)),
            )
            drops = drops_deletes(levels, unit.output_level)
            chosen.append(Bucket(place=place, total_buckets=own[0].total_buckets, unit=unit, drop_deletes=drops))
    return chosen


def _append_buckets(
    parts: CompactParts, entries: Sequence[ManifestEntry], state: PickState, *, whole: bool
) -> list[Bucket]:
    """What to compact in one bucket of an append table, as many times as there are sets of files."""
    first, files = entries[0], tuple(entry.file for entry in entries)
    place = BucketFilesAt(partition=first.partition, bucket=first.bucket, files=files, top=0)
    units = append_units(files, parts.options, whole=whole, clustered_by=parts.clustered_by, state=state)
    return [Bucket(place=place, total_buckets=first.total_buckets, unit=unit, drop_deletes=False) for unit in units]


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
                return

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
