"""One snapshot to be, against all rivals: attempt after attempt until it has a number, or cannot have one.

1. Find the latest snapshot; after a lost race, by following the line of snapshots from the one that won.
2. Check that the changes still fit on it (``commit_checks``); an overwrite finds its scope anew each time.
3. Write the manifests of the delta once, and a base list per attempt (``commit_files``).
4. Put the snapshot under the next number if it is free, and find out what came of it (``publish``).
5. Lost: wait in proportion to what the attempt took, and go again from 1.

Which snapshot is ours is told by its ``uuid``: one per race, the same in all its attempts. Retries: a lost race means
that somebody else made progress. When the option ``commit.max-retries`` is set it is kept; otherwise up to
``RACES_MAX`` races may be lost, so that an append, which conflicts with nothing, does not fail only because a table is
busy. ``commit.timeout`` bounds both.

Invariant: ``in_doubt`` is false only while it is certain that no snapshot of this race was made.
"""

from dataclasses import dataclass, field

from lakestore.core.backoff import WaitLimits, wait_seconds
from lakestore.core.changes import Changes, next_snapshot
from lakestore.core.row_tracking import tracks_rows, with_row_ids
from lakestore.env import Env
from lakestore.errors import ConflictError, ErrorKind
from lakestore.events import CommitRetried
from lakestore.meta.commit_checks import CommitChecks
from lakestore.meta.commit_files import CommitFiles
from lakestore.meta.manifests import Manifests
from lakestore.meta.publish import Publisher
from lakestore.meta.snapshots import Snapshots
from lakestore.model.message import CommitRequest
from lakestore.model.options import CommitOptions
from lakestore.model.snapshot import BATCH_COMMIT_IDENTIFIER, CommitKind, Snapshot

RACES_MAX = 1000
"""Races that a commit may lose when the option ``commit.max-retries`` is not set."""

FOLLOW_MAX = 10_000
"""Snapshots that others may make while one commit waits."""

STEPS_MAX = 4
"""How many snapshots are read one after another from a place that may lag behind, before another way is tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RaceParts:
    """What all races of one committer share.

    Attributes:
        snapshots: Reader of snapshots.
        manifests: Reader and writer of manifests.
        publisher: Puts snapshots.
        checks: What a commit checks.
        env: Clock, ids, randomness, events.
        options: Retries and waits.
        waits: The least and the greatest wait.
        table_name: What messages call the table.
    """

    snapshots: Snapshots
    manifests: Manifests
    publisher: Publisher
    checks: CommitChecks
    env: Env
    options: CommitOptions
    waits: WaitLimits
    table_name: str


@dataclass(slots=True, kw_only=True, eq=False)
class Race:
    """One snapshot to be, over all its attempts; one use.

    Attributes:
        parts: What it works with.
        request: What the caller wants.
        changes: The entries of this snapshot; of an overwrite, with the scope that the last attempt found.
        files: Writes the files, and knows which are to be cleaned up.
        known: Number of a snapshot that was the latest some time ago.
        uuid: The mark.
        started: When it began, on the monotonic clock.
        attempts: Attempts so far.
        in_doubt: A put was sent, and nobody has seen yet whose the number is.
    """

    parts: RaceParts
    request: CommitRequest
    changes: Changes
    files: CommitFiles
    known: int | None
    uuid: str = field(init=False)
    started: float = field(init=False)
    attempts: int = field(init=False, default=0)
    in_doubt: bool = field(init=False, default=False)
    _asked: Changes = field(init=False)

    def __post_init__(self) -> None:
        self.uuid = self.parts.env.new_id()
        self.started = self.parts.env.clock.monotonic()
        self._asked = self.changes

    def run(self) -> Snapshot | None:
        """The snapshot made; None when there is nothing to commit.

        Raises:
            ConflictError: The changes do not fit, or the races that may be lost are lost.
            CommitUnknownError: Nobody can know whether an attempt landed.
        """
        parts = self.parts
        if not self._overwrites and not tracks_rows(parts.checks.schema):
            self.files.delta(self.changes)
        retries = RACES_MAX if parts.options.max_retries is None else parts.options.max_retries
        winner: Snapshot | None = None
        for _ in range(retries + 1):
            self.attempts += 1
            attempt_began = parts.env.clock.monotonic()
            # Before the latest snapshot is read: what comes after that is the time in which rivals win.
            parts.checks.look_for_schema()
            base = self._first_base() if winner is None else self._follow(winner)
            snapshot = self._prepare(base)
            if snapshot is None:
                return None
            self.in_doubt = True
            published = parts.publisher.put(snapshot)
            if published.ours:
                parts.publisher.confirm(base, snapshot, self.files.delta(self.changes).manifests)
                return snapshot
            self.in_doubt = False
            winner = published.winner
            self._check_rival(winner)
            if self.attempts > retries or self._out_of_time():
                break
            self._wait(winner, attempt_began)
        raise self._exhausted()

    @property
    def _overwrites(self) -> bool:
        """Whether the changes depend on what is live."""
        return self.request.overwrite is not None and self.changes.kind is CommitKind.OVERWRITE

    def _first_base(self) -> Snapshot | None:
        latest = self._find_latest(self.known)
        if latest is None:
            return None
        since = self.request.rivals_since
        for number in range(latest.id if since is None else since + 1, latest.id):
            between = self.parts.snapshots.find(number)
            if between is None:
                raise self._gone(latest)
            self._check_rival(between)
        self._check_rival(latest)
        return latest

    def _find_latest(self, known: int | None) -> Snapshot | None:
        """The latest snapshot: a few steps from one known, else a few steps from LATEST, else by listing."""
        snapshots = self.parts.snapshots
        latest = None if known is None else self._walk(known)
        if latest is None:
            hint = snapshots.latest_hint()
            latest = None if hint is None else self._walk(hint)
        return snapshots.latest() if latest is None else latest

    def _walk(self, start: int) -> Snapshot | None:
        """The latest snapshot if it is that one or follows within ``STEPS_MAX``; None if it does not."""
        latest: Snapshot | None = None
        for number in range(start + 1, start + STEPS_MAX + 1):
            following = self.parts.snapshots.find(number)
            if following is None:
                return self.parts.snapshots.find(start) if latest is None else latest
            latest = following
        return None

    @property
    def _plain(self) -> bool:
        """A batch append: it conflicts with nothing, so what others did meanwhile does not matter to it."""
        return self.changes.kind is CommitKind.APPEND and self.request.identifier == BATCH_COMMIT_IDENTIFIER

    def _follow(self, winner: Snapshot) -> Snapshot:
        """The latest snapshot after a lost race; unless plain, after a look at each one since.

        Raises:
            ConflictError: The winner is gone, and with it the knowledge of what came between.
        """
        if self._plain:
            latest = self._find_latest(winner.id)
            if latest is not None and latest.id >= winner.id:
                return latest
            raise self._gone(winner)
        newest = winner
        for _ in range(FOLLOW_MAX):
            following = self.parts.snapshots.find(newest.id + 1)
            if following is None:
                break
            newest = following
            self._check_rival(newest)
        if newest is winner and self.parts.snapshots.find(winner.id) is None:
            raise self._gone(winner)
        return newest

    def _gone(self, winner: Snapshot) -> ConflictError:
        return ConflictError(
            f"{self.parts.table_name}: snapshot {winner.id}, which won the race against {self._words}, was expired or"
            " rolled back before the next attempt, so nobody can tell whether the changes still fit. Nothing was"
            " committed: plan again from the latest snapshot",
            kind=ErrorKind.SNAPSHOT_NOT_FOUND,
        )

    def _prepare(self, base: Snapshot | None) -> Snapshot | None:
        """Check the changes against the base and write what the snapshot will name; None for nothing to do."""
        parts = self.parts
        schema = parts.checks.fitting_schema(self.request, base)
        metas = () if base is None else parts.manifests.read_snapshot_lists(base)
        if self._overwrites:
            live = parts.checks.overwritten(self.request, self._asked, metas)
            self.changes = self._asked.replacing(live)
            if self.changes.empty and not self.request.allow_empty:
                return None
        else:
            self.changes = self._asked
        parts.checks.check(self.request, self.changes, base, metas, attempts=self.attempts)
        next_row_id = None
        if tracks_rows(schema):
            self.changes, next_row_id = with_row_ids(
                self.changes,
                snapshot_id=1 if base is None else base.id + 1,
                next_row_id=0 if base is None else base.next_row_id or 0,
            )
        lists = self.files.lists(metas, self.files.delta(self.changes))
        return next_snapshot(
            base,
            self.changes,
            self.request,
            lists,
            schema_id=schema.id,
            uuid=self.uuid,
            time_millis=parts.env.clock.now_ms(),
            next_row_id=next_row_id,
        )

    def _check_rival(self, snapshot: Snapshot) -> None:
        """Refuse when a snapshot carries the user and number of this commit, batch commits aside.

        Where rivals are to be shut out (``rivals_since``) its user is enough.
        """
        request = self.request
        if (
            request.identifier == BATCH_COMMIT_IDENTIFIER
            or snapshot.commit_user != request.user
            or (snapshot.commit_kind is CommitKind.COMPACT) != (self.changes.kind is CommitKind.COMPACT)
        ):
            return
        shut_out = request.rivals_since is not None and snapshot.id > request.rivals_since
        if not shut_out and snapshot.commit_identifier != request.identifier:
            return
        raise ConflictError(
            f"{self.parts.table_name}: {self._words} meets snapshot {snapshot.id}, commit {snapshot.commit_identifier}"
            " of the same user, made by another call: either this is a replay (ask filter_committed first), or two"
            " processes write under one user. Nothing was committed now",
            kind=ErrorKind.IDENTIFIER_TAKEN,
        )

    def _wait(self, winner: Snapshot, attempt_began: float) -> None:
        env = self.parts.env
        seconds = wait_seconds(
            losses=self.attempts,
            attempt_seconds=env.clock.monotonic() - attempt_began,
            draw=env.rng.random(),
            limits=self.parts.waits,
        )
        env.emit(
            CommitRetried(
                table=self.parts.table_name,
                snapshot_id=winner.id,
                attempt=self.attempts,
                reason=f"{winner.commit_kind} commit of {winner.commit_user} took the number",
                wait_seconds=seconds,
            )
        )
        env.clock.sleep(seconds)

    def _out_of_time(self) -> bool:
        timeout = self.parts.options.timeout_ms
        return timeout is not None and (self.parts.env.clock.monotonic() - self.started) * 1000 >= timeout

    def _exhausted(self) -> ConflictError:
        seconds = self.parts.env.clock.monotonic() - self.started
        retries, timeout = self.parts.options.max_retries, self.parts.options.timeout_ms
        return ConflictError(
            f"{self.parts.table_name}: {self._words} lost {self.attempts} races in {seconds:.1f} s, and options"
            f" commit.max-retries ({'not set' if retries is None else retries}) and commit.timeout"
            f" ({'not set' if timeout is None else f'{timeout} ms'}) allow no more. Nothing was committed; try again",
            kind=ErrorKind.RETRIES_EXHAUSTED,
        )

    @property
    def _words(self) -> str:
        return f"{self.changes.kind} commit {self.request.identifier} of {self.request.user}"
