"""Exactly-once commits of a job: a writer that comes back under its name and commits each of its numbers once.

The commit user is made of the job's name, and Paimon asks that the numbers of one user rise; so a number is committed
when the user's newest snapshot, or one before it, has it. Snapshots expire, and then nothing in them tells any more.
Therefore, beside them:

1. ``consumer/job-NAME/`` keeps facts: the greatest number committed up to some snapshot. One is written before each
   commit, about the snapshot that the commit starts from; what came after that is found in the line of snapshots. A
   fact is named after its snapshot and its writer, so none is ever written over a later one.
2. A consumer of the job's own holds back the expiry of snapshots after that one, by every engine, as long as the job
   may commit. So whoever comes back finds what was committed since, or proof that nothing was, however late. ``close``
   writes the last fact down and lets go. Where the consumer was deleted or has expired, and with it the proof, the job
   stops with an error instead of guessing.
3. A number up to the last one is a replay: nothing is done.
4. ``owner`` beside them names the writer that took the job last. A writer looks at the latest snapshot first, then
   whether it still owns the job, and then writes its fact: so what another one commits that took the job over since
   is never before the snapshot that the fact is about, and the fact is true even if it was stopped for an hour.
5. Between that look and the snapshot no other commit of the same user is let in (``rivals_since``): the number of the
   next snapshot is given once, so of two writers that both think the job theirs one is shut out, whatever the timing.
6. A rollback takes numbers back: what the snapshots that are left do not hold is not committed any more.

Invariant: for each number at most one snapshot with new rows is made, and ``commit`` returns normally only when there
is one (or the number had no rows and is remembered).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from lakestore.env import Env
from lakestore.errors import CommitUnknownError, ConflictError, ErrorKind, InvalidInputError
from lakestore.maintain.job_files import check_prepared, land
from lakestore.maintain.write import WriteSession
from lakestore.meta.consumers import Consumers
from lakestore.meta.jobs import Jobs
from lakestore.meta.manifests import Manifests
from lakestore.meta.snapshots import Snapshots
from lakestore.model.job import JobFact, Prepared, snapshot_mark, user_of
from lakestore.model.message import CommitRequest, CommitResult
from lakestore.model.snapshot import BATCH_COMMIT_IDENTIFIER, CommitKind, Snapshot

HOLD_SLACK = 10
"""Snapshots by which the consumer may lag behind, so that it need not move with every commit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobParts:
    """What jobs need of an open table.

    Attributes:
        name: What messages call the table.
        job: Name of the job.
        mark: Mark of the table.
        jobs: The records.
        consumers: The table's consumers.
        snapshots: The table's snapshots.
        manifests: Its manifests.
        env: Ids.
    """

    name: str
    job: str
    mark: str
    jobs: Jobs
    consumers: Consumers
    snapshots: Snapshots
    manifests: Manifests
    env: Env


@dataclass(frozen=True, slots=True)
class _Since:
    """What the line of snapshots says of a job since the snapshot that a fact is about.

    Attributes:
        latest: The latest snapshot, None for an empty table.
        newest: Number of the job's newest commit since, None for none.
        broken: That snapshot is another one now, or is gone from the end of the line: the table was rolled back.
        gap: Snapshots since have expired, so that there may be commits that nobody sees.
    """

    latest: Snapshot | None
    newest: int | None = None
    broken: bool = False
    gap: bool = False

    @property
    def base(self) -> int:
        """Number of the latest snapshot, 0 for an empty table."""
        return 0 if self.latest is None else self.latest.id

    @property
    def mark(self) -> str | None:
        """The latest snapshot's mark."""
        return None if self.latest is None else mark_of(self.latest)


@dataclass(slots=True, kw_only=True, eq=False)
class JobCommits:
    """Commits the numbers of one job.

    Attributes:
        parts: The table.
    """

    parts: JobParts
    _owner: str = field(init=False)
    _record: JobFact | None = field(init=False, default=None)
    _held: int | None = field(init=False, default=None)
    _unsure: int | None = field(init=False, default=None)
    _written: list[JobFact] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self._owner = self.parts.env.new_id()

    @property
    def user(self) -> str:
        """The commit user."""
        return user_of(self.parts.job)

    def recover(self) -> int | None:
        """The greatest committed number, None for none; takes the job over from any other writer of its name.

        Raises:
            CommitUnknownError: Nobody can know whether a commit landed.
            ConflictError: Another writer takes the job over at the same time.
        """
        parts = self.parts
        # First the others are shut out, then what they said and committed is looked for.
        parts.jobs.claim(parts.job, self._owner)
        told = parts.jobs.facts(parts.job)
        own = [fact for fact in told if fact.table == parts.mark]
        found = own[-1] if own else JobFact(table=parts.mark, owner=self._owner)
        since = self._since(found)
        last = self._settled(found, since)
        self._require_ownership()
        self._unsure = None
        self._record = replace(found, owner=self._owner, last=last, seen=since.base, seen_mark=since.mark)
        if any(fact.open for fact in own):
            # Somebody crashed, or is still at it: what lands late must not be overlooked.
            self._hold()
        parts.jobs.put(parts.job, self._record)
        for fact in told:
            if (fact.seen, fact.owner) != (self._record.seen, self._owner):
                parts.jobs.delete(parts.job, fact)
        self._written = [self._record]
        if self._held is None:
            self._let_go()
        return last

    def is_committed(self, identifier: int) -> bool:
        """Whether that number is known to be committed; takes the job over at the first call.

        Raises:
            InvalidInputError: It can be no commit's number.
            ConflictError: Another writer takes the job over at the same time.
        """
        if type(identifier) is not int or not 0 <= identifier < BATCH_COMMIT_IDENTIFIER:
            raise InvalidInputError(
                f"commit number {identifier!r}: expected a whole number from 0 to {BATCH_COMMIT_IDENTIFIER - 1}"
            )
        last = self._known().last
        return last is not None and identifier <= last

    def commit(
        self,
        session: WriteSession,
        prepared: Sequence[Prepared],
        *,
        identifier: int,
        watermark: int | None,
        properties: Mapping[str, str] | None,
    ) -> CommitResult:
        """Make prepared files visible under a number, unless it is committed already: then the result says so.

        Raises:
            ConflictError: It does not fit on what others committed; nothing is visible, and no file is removed.
            CommitUnknownError: Nobody can know whether it landed; committing the same number again finds out.
            NotFoundError: A file is gone.
        """
        if self._catch_up(identifier):
            return CommitResult(snapshot_ids=(), already_committed=True)
        check_prepared(session, prepared, mark=self.parts.mark, name=self.parts.name)
        messages = tuple(message for one in prepared for message in one.messages)
        base = self._announce()
        if not messages and watermark is None and not properties:
            self._record = replace(self._known(), last=identifier)
            return CommitResult(snapshot_ids=())
        bases = [one.base_snapshot for one in prepared if one.base_snapshot is not None]
        request = CommitRequest(
            user=self.user,
            identifier=identifier,
            messages=messages,
            base_snapshot=min(bases, default=None),
            watermark=watermark,
            properties=properties,
            operation="WRITE",
            schema_id=max((one.schema_id for one in prepared), default=session.schema.id),
            allow_empty=True,
            rivals_since=base,
        )
        try:
            result = land(session, request)
        except CommitUnknownError:
            self._unsure = identifier
            raise
        except ConflictError as error:
            if error.kind is ErrorKind.IDENTIFIER_TAKEN and self._catch_up(identifier):
                return CommitResult(snapshot_ids=(), already_committed=True)
            raise
        self._landed(identifier, result)
        return result

    def close(self) -> None:
        """Write down what is committed, and hold back nothing any more; an outcome that is not known stays open."""
        if self._record is None or self._held is None or self._unsure is not None:
            return
        if self.parts.jobs.owner(self.parts.job) == self._owner:
            self._record = replace(self._record, open=False)
            self._write_down()
            self._let_go()

    def _known(self) -> JobFact:
        """What this writer knows; it may be newer than what it has written down."""
        if self._record is None:
            self.recover()
        if self._record is None:
            raise self._fenced("was taken over by another writer of that name")
        return self._record

    def _catch_up(self, identifier: int) -> bool:
        """Look for what became of the job since this writer last looked; whether that number is committed.

        Raises:
            ConflictError: Another writer has committed, or the table was rolled back.
        """
        record = self._known()
        since = self._since(record)
        if since.broken:
            raise ConflictError(
                f"{self.parts.name}: the table was rolled back behind snapshot {record.seen}, so what job"
                f" {self.parts.job!r} has committed is another matter now; nothing was committed. recover() tells what"
                " is left, and goes on from there",
                kind=ErrorKind.SNAPSHOT_NOT_FOUND,
            )
        self._require_ownership()
        if since.gap and since.newest is None and record.open:
            raise self._unknown(f"since snapshot {record.seen} some have expired")
        newest = since.newest
        if newest is not None and (record.last is None or newest > record.last):
            if newest < identifier and newest != self._unsure:
                raise self._fenced(f"has committed number {newest} by another writer of that name since")
            self._unsure = None
        last = newest if record.last is None else max(record.last, newest or 0)
        self._record = replace(record, last=last, seen=since.base, seen_mark=since.mark)
        return last is not None and identifier <= last

    def _announce(self) -> int:
        """Write down what is committed up to the snapshot last looked at, and hold back those after it; its number."""
        record = self._known()
        if self._held is None or record.seen + 1 - self._held > HOLD_SLACK:
            self._hold()
        self._record = replace(record, open=True)
        self._write_down()
        return record.seen

    def _hold(self) -> None:
        """Hold back the expiry of snapshots after the one last looked at."""
        following = self._known().seen + 1
        self.parts.consumers.put(self.user, following)
        self._held = following

    def _write_down(self) -> None:
        """Write what is known; the facts of this writer before it go."""
        jobs, job, fact = self.parts.jobs, self.parts.job, self._known()
        jobs.put(job, fact)
        for old in self._written:
            if old.seen != fact.seen:
                jobs.delete(job, old)
        self._written = [fact]

    def _landed(self, identifier: int, result: CommitResult) -> None:
        mark = snapshot_mark(CommitKind.APPEND, self.user, identifier)
        self._record = replace(self._known(), last=identifier, seen=result.snapshot_ids[0], seen_mark=mark)
        self._unsure = None

    def _since(self, record: JobFact) -> _Since:
        """What happened since the snapshot that the record is about; the latest snapshot is looked at first."""
        latest = self.parts.snapshots.latest()
        if latest is None or latest.id < record.seen:
            return _Since(latest, broken=record.seen > 0)
        newest: int | None = None
        reached = latest.id
        for snapshot in self.parts.snapshots.walk_back(latest.id):
            if snapshot.id <= record.seen:
                return _Since(latest, newest, broken=record.seen_mark not in {None, mark_of(snapshot)})
            if newest is None and snapshot.commit_user == self.user:
                newest = snapshot.commit_identifier
            reached = snapshot.id
        return _Since(latest, newest, gap=reached > record.seen + 1)

    def _settled(self, record: JobFact, since: _Since) -> int | None:
        """The greatest committed number.

        Raises:
            CommitUnknownError: Snapshots that would tell have expired.
        """
        if since.newest is not None:
            return since.newest
        if since.broken:
            return self._left(since.latest)
        if since.gap and record.open:
            raise self._unknown(f"since snapshot {record.seen} some have expired")
        return record.last

    def _left(self, latest: Snapshot | None) -> int | None:
        """The greatest number that a table that was rolled back still holds."""
        earliest = 1
        for snapshot in self._line(latest):
            earliest = snapshot.id
            if snapshot.commit_user == self.user:
                return snapshot.commit_identifier
        if earliest > 1:
            raise self._unknown(f"the table was rolled back, and snapshots before {earliest} have expired")
        return None

    def _line(self, latest: Snapshot | None) -> Iterator[Snapshot]:
        return iter(()) if latest is None else self.parts.snapshots.walk_back(latest.id)

    def _require_ownership(self) -> None:
        if self.parts.jobs.owner(self.parts.job) != self._owner:
            raise self._fenced("was taken over by another writer of that name")

    def _fenced(self, what: str) -> ConflictError:
        return ConflictError(
            f"{self.parts.name}: job {self.parts.job!r} {what}, so this one must not commit any more; nothing was"
            " committed now. Let one writer of a name run at a time, or give each its own",
            kind=ErrorKind.WRITER_FENCED,
        )

    def _unknown(self, reason: str) -> CommitUnknownError:
        return CommitUnknownError(
            f"{self.parts.name}: nobody can know which numbers job {self.parts.job!r} has committed: {reason}, although"
            f" consumer {self.user!r} should have held them. Look into the table for its rows; then go on with a job of"
            " another name"
        )

    def _let_go(self) -> None:
        self.parts.consumers.delete(self.user)
        self._held = None


def mark_of(snapshot: Snapshot) -> str:
    """The mark of a snapshot."""
    return snapshot_mark(snapshot.commit_kind, snapshot.commit_user, snapshot.commit_identifier)
