"""Following a table: rows of its state, then change after change as they are committed. One generator of steps.

1. The first position is found once (``read.follow_start``), or is one that was saved.
2. A position with ``full`` set hands out the state of its snapshot; then the changes of each snapshot that follows.
3. Every batch says the position behind it, counted in rows within a snapshot, so that a reader which comes back with
   any of them gets each row after it once and none before it again.
4. Nothing to read: a ``Wait``. Whoever runs the generator waits, and may stop it at any step.
5. A position that has expired, also in the middle of being read, is dealt with as the policy says.

Invariant: for any sequence of restarts from positions handed out, the rows between two positions are the same rows in
the same order.
"""

from collections.abc import Generator, Iterator
from dataclasses import replace

import pyarrow as pa

from lakestore.core.stream_step import ends_at, ends_before, ends_idle
from lakestore.errors import InvalidInputError, NotFoundError, OutOfRangeError
from lakestore.model.snapshot import Snapshot
from lakestore.model.stream import ExpiredPolicy, Position, Start, StartMode
from lakestore.read.follow_line import SnapshotLine
from lakestore.read.follow_parts import FollowParts, FollowRequest, Moved, Rows, Step, Wait, mark_of
from lakestore.read.follow_rows import SnapshotRows
from lakestore.read.follow_start import first_position

Steps = Generator[Step, None, None]


class Follower:
    """One streaming read.

    Args:
        parts: The open table.
        request: What is asked for.
    """

    def __init__(self, parts: FollowParts, request: FollowRequest) -> None:
        self._parts = parts
        self._clock = parts.reader.parts.env.clock
        self._line = SnapshotLine(parts)
        self._rows = SnapshotRows(parts, request, self._line)
        if request.until.snapshot == -1:
            latest = parts.snapshots.latest_id() or 0
            request = replace(request, until=replace(request.until, snapshot=latest))
        self._request = request
        self._until = request.until
        self._active = self._clock.monotonic()

    def start(self) -> Position:
        """Where the read begins.

        Raises:
            OutOfRangeError: That has expired, and the policy is to fail.
            NotFoundError: There is no such tag.
            InvalidInputError: Readers that share the stream could begin at different snapshots, and lose rows by that.
        """
        begin = self._request.begin
        self._check_shard(begin)
        if isinstance(begin, Position):
            return begin
        try:
            return first_position(self._parts, begin, self._line)
        except OutOfRangeError as error:
            return self._recovered(error)

    def steps(self, position: Position) -> Steps:
        """The steps from that position on; ends where a bound says so.

        Raises:
            OutOfRangeError: The position has expired, and the policy is to fail.
        """
        while not ends_at(self._until, position.next_snapshot) or position.full:
            try:
                snapshot = self._state_at(position) if position.full else self._line.find(position)
                if snapshot is None:
                    if self._is_over():
                        return
                    yield self._wait()
                    continue
                if not position.full and ends_before(self._until, snapshot):
                    return
                young = 0 if position.full else self._request.delay_ms - (self._clock.now_ms() - snapshot.time_millis)
                if young > 0:
                    if self._is_over():
                        return
                    yield Wait(min(young, self._request.poll_ms) / 1000)
                    continue
                full = position.full
                position = yield from self._one(snapshot, position)
                self._active = self._clock.monotonic()
                if full and ends_before(self._until, snapshot):
                    return
            except OutOfRangeError as error:
                position = self._recovered(error)
                yield Moved(position)

    def _one(self, snapshot: Snapshot, position: Position) -> Generator[Step, None, Position]:
        """All rows of one snapshot; the position behind it."""
        behind = Position(next_snapshot=snapshot.id + 1, after=mark_of(snapshot))
        told = False
        try:
            batches = self._rows.state(snapshot) if position.full else self._rows.changes(snapshot)
            for step in self._told(batches, snapshot, position, behind):
                told = True
                yield step
        except OutOfRangeError:
            raise
        except NotFoundError as error:
            if position.tag is not None or not self._line.is_gone(snapshot, full=position.full):
                raise
            raise self._line.out_of_range(snapshot.id, "expired while it was read") from error
        if not told:
            yield Moved(behind)
        return behind

    def _told(
        self, batches: Iterator[pa.RecordBatch], snapshot: Snapshot, position: Position, behind: Position
    ) -> Iterator[Rows]:
        mark = self._rows.mark(snapshot)
        if position.rows and position.request != mark:
            raise InvalidInputError(
                f"the position stands behind {position.rows} rows of snapshot {snapshot.id}, but they were counted"
                " under another request: open the stream with the same where, select, buckets, shard and overwrites, or"
                f" go on with {{'version': 1, 'next_snapshot': {position.next_snapshot}}}, which reads them again"
            )
        done = position.rows
        held: pa.RecordBatch | None = None
        for batch in _skipped(batches, done):
            if held is not None:
                done += held.num_rows
                here = replace(position, rows=done, request=mark)
                yield Rows(batch=held, snapshot=snapshot, full=position.full, last=False, position=here)
            held = batch
        if held is not None:
            yield Rows(batch=held, snapshot=snapshot, full=position.full, last=True, position=behind)

    def _state_at(self, position: Position) -> Snapshot:
        if position.tag is not None:
            snapshot = self._parts.tags.get(position.tag).snapshot
            if snapshot.id != position.next_snapshot:
                raise self._line.out_of_range(
                    position.next_snapshot, f"is no longer that of tag {position.tag!r}, which names {snapshot.id} now"
                )
            return snapshot
        found = self._parts.snapshots.find(position.next_snapshot)
        if found is None:
            raise self._line.out_of_range(position.next_snapshot, "is not there, so its rows cannot be read")
        return found

    def _recovered(self, error: OutOfRangeError) -> Position:
        """Where to go on after a position that cannot be read."""
        policy = self._request.expired
        if policy is ExpiredPolicy.LATEST_FULL and error.latest is not None:
            return Position(next_snapshot=error.latest, full=True)
        if policy is ExpiredPolicy.FAIL or error.earliest == error.position:
            raise error
        return Position(next_snapshot=error.earliest or 1)

    def _check_shard(self, begin: Start | Position) -> None:
        """Where files are shared out a compaction moves rows between readers, so all must begin at one snapshot."""
        if self._request.shard is None or not self._rows.by_file:
            return
        floating = isinstance(begin, Start) and begin.mode in {StartMode.LATEST_FULL, StartMode.COMPACTED_FULL}
        if floating or self._request.expired is ExpiredPolicy.LATEST_FULL:
            raise InvalidInputError(
                "shards of a table without buckets share out its files, and a compaction writes those anew: readers"
                " that begin with the rows of different snapshots would lose some. Give all the same start, such as"
                " start='from-snapshot-full=7'"
            )

    def _is_over(self) -> bool:
        idle_ms = (self._clock.monotonic() - self._active) * 1000
        return ends_idle(self._until, now_ms=self._clock.now_ms(), idle_ms=idle_ms)

    def _wait(self) -> Wait:
        wait = self._request.poll_ms / 1000
        if self._until.idle_ms is not None:
            left = self._until.idle_ms / 1000 - (self._clock.monotonic() - self._active)
            wait = min(wait, max(left, 0.001))
        return Wait(wait)


def _skipped(batches: Iterator[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    """The batches without their first rows."""
    for batch in batches:
        if rows >= batch.num_rows:
            rows -= batch.num_rows
            continue
        yield batch.slice(rows)
        rows = 0
