"""Exactly-once commits of a job: a writer that comes back under its name and commits each of its numbers once.

The commit user is made of the job's name, and Paimon asks that the numbers of one user rise; so a number is committed
when the user's newest snapshot, or one before it, has it. Snapshots expire, and then nothing in them tells any more.
Therefore, beside them:

1. ``consumer/job-NAME`` remembers the greatest number known to be committed, and the one that is about to be (and the
   latest snapshot at that time). It is written before each commit, so one write tells both: that what was pending has
   landed, and what is pending now. It is never removed by expiry.
2. A consumer of the job's own holds back the expiry of snapshots after that one, by every engine, while a commit is
   pending and its fate not yet written down. So whoever comes back finds the pending snapshot, or proof that there is
   none, however late. ``close`` writes the fate down and lets go. Where the consumer was deleted or has expired,
   and with it the proof, the job stops with an error instead of guessing.
3. A number up to the one remembered is a replay: nothing is done.
4. The last writer that took the job owns it; the record names it, and another finds that out before it commits and
   stops. If two do commit one number at once, the line of snapshots lets only one of them in.

Invariant: for each number at most one snapshot with new rows is made, and ``commit`` returns normally only when there
is one (or the number had no rows and is remembered).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from lakestore.data.file_writer import BucketNames, delete_files
from lakestore.data.renumber import renumbered
from lakestore.env import Env
from lakestore.errors import CommitUnknownError, ConflictError, ErrorKind, InvalidInputError, NotFoundError
from lakestore.maintain.write import RENUMBERINGS_MAX, WriteSession
from lakestore.meta.consumers import Consumers
from lakestore.meta.jobs import Jobs
from lakestore.meta.manifests import Manifests
from lakestore.meta.snapshots import Snapshots
from lakestore.model.job import JobRecord, Pending, Prepared, user_of
from lakestore.model.message import CommitMessage, CommitRequest, CommitResult
from lakestore.model.snapshot import BATCH_COMMIT_IDENTIFIER, Snapshot
from lakestore.storage.parallel import map_ordered

HOLD_SLACK = 10
"""Snapshots by which the consumer may lag behind, so that it need not move with every commit."""

LOOK_WORKERS = 8
"""Files looked for at a time."""


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


@dataclass(slots=True, kw_only=True, eq=False)
class JobCommits:
    """Commits the numbers of one job.

    Attributes:
        parts: The table.
    """

    parts: JobParts
    _owner: str = field(init=False)
    _record: JobRecord | None = field(init=False, default=None)
    _held: int | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._owner = self.parts.env.new_id()

    @property
    def user(self) -> str:
        """The commit user."""
        return user_of(self.parts.job)

    def recover(self) -> int | None:
        """The greatest committed number, None for none; takes the job over from any other writer of its name.

        Raises:
            CommitUnknownError: Nobody can know whether a pending commit landed.
        """
        parts = self.parts
        found = parts.jobs.get(parts.job)
        if found is not None and found.table != parts.mark:
            found = None
        # First the others are shut out, then what they committed is looked for.
        taken = JobRecord(table=parts.mark, owner=self._owner) if found is None else replace(found, owner=self._owner)
        parts.jobs.put(parts.job, taken)
        last = self._newest(0) if found is None else self._settled(found)
        self._record = JobRecord(table=parts.mark, owner=self._owner, last=last)
        parts.jobs.put(parts.job, self._record)
        self._let_go()
        return last

    def is_committed(self, identifier: int) -> bool:
        """Whether that number is committed already; takes the job over at the first call.

        Raises:
            InvalidInputError: It can be no commit's number.
            ConflictError: Another writer has taken the job over.
        """
        if not 0 <= identifier < BATCH_COMMIT_IDENTIFIER:
            raise InvalidInputError(f"commit number {identifier}: expected 0 to {BATCH_COMMIT_IDENTIFIER - 1}")
        record = self._owned()
        last = self._settled(record)
        self._record = replace(record, last=last, pending=None)
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
        """Make prepared files visible under a number that ``is_committed`` has just said is not committed yet.

        Raises:
            ConflictError: It does not fit on what others committed; nothing is visible, and no file is removed.
            CommitUnknownError: Nobody can know whether it landed; committing the same number again finds out.
            NotFoundError: A file is gone.
        """
        self._check(session, prepared)
        messages = tuple(message for one in prepared for message in one.messages)
        base = self._announce(identifier)
        if not messages and watermark is None and not properties:
            self._remember(identifier)
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
        )
        try:
            result = _land(session, request)
        except ConflictError as error:
            if error.kind is ErrorKind.IDENTIFIER_TAKEN and self._newest(base) == identifier:
                self._remember(identifier)
                return CommitResult(snapshot_ids=(), already_committed=True)
            raise
        self._remember(identifier)
        self._refuse_twins(base, identifier, result)
        return result

    def close(self) -> None:
        """Write down what is committed, and hold back nothing any more."""
        parts = self.parts
        record = self._record
        if record is None or self._held is None:
            return
        now = parts.jobs.get(parts.job)
        if now is not None and now.owner == self._owner and record.pending is None:
            parts.jobs.put(parts.job, record)
            self._let_go()

    def unreferenced(self, prepared: Sequence[Prepared]) -> list[CommitMessage]:
        """The messages none of whose files any snapshot names, as far as the snapshots there are prove it."""
        found = []
        for one in prepared:
            added = self._added_since(one.base_snapshot or 0)
            for message in one.messages:
                names = {file.name for file in (*message.new_files, *message.changelog_files)}
                if added is not None and not names & added:
                    found.append(message)
        return found

    def _owned(self) -> JobRecord:
        """The record, proven to be this writer's."""
        parts = self.parts
        if self._record is None:
            self.recover()
        found = parts.jobs.get(parts.job)
        if self._record is None or found is None or found.owner != self._owner:
            raise ConflictError(
                f"{parts.name}: job {parts.job!r} was taken over by another writer of that name, so this one must not"
                " commit any more; nothing was committed now. Let one writer of a name run at a time, or give each its"
                " own",
                kind=ErrorKind.WRITER_FENCED,
            )
        # What this writer knows to have landed may be newer than what it has written down.
        return self._record

    def _announce(self, identifier: int) -> int:
        """Write down which number is about to be committed; the latest snapshot before."""
        parts = self.parts
        record = self._owned()
        base = parts.snapshots.latest_id() or 0
        if self._held is None or base + 1 - self._held > HOLD_SLACK:
            parts.consumers.put(self.user, base + 1)
            self._held = base + 1
        self._record = replace(record, pending=Pending(identifier=identifier, base=base))
        parts.jobs.put(parts.job, self._record)
        return base

    def _remember(self, identifier: int) -> None:
        """It is committed for certain; written down with the next announcement, or by ``close``."""
        if self._record is not None:
            self._record = replace(self._record, last=identifier, pending=None)

    def _settled(self, record: JobRecord) -> int | None:
        """The greatest committed number, with the fate of what was pending found out."""
        pending = record.pending
        if pending is None:
            return record.last
        landed = self._newest(pending.base)
        if landed is not None:
            return landed if record.last is None else max(landed, record.last)
        earliest, latest = self.parts.snapshots.earliest_id(), self.parts.snapshots.latest_id()
        if latest is not None and earliest is not None and latest > pending.base and earliest > pending.base + 1:
            raise CommitUnknownError(
                f"{self.parts.name}: nobody can know whether job {self.parts.job!r} committed number"
                f" {pending.identifier}: it would be in a snapshot after {pending.base}, and those before {earliest} have"  # noqa: E501
                f" expired although consumer {self.user!r} should have held them. Look into the table for its rows; then"  # noqa: E501
                f" go on with a job of another name"
            )
        return record.last

    def _newest(self, base: int) -> int | None:
        """Number of the newest snapshot of this user after that one."""
        latest = self.parts.snapshots.latest()
        if latest is None:
            return None
        for snapshot in self.parts.snapshots.walk_back(latest.id):
            if snapshot.id <= base:
                return None
            if snapshot.commit_user == self.user:
                return snapshot.commit_identifier
        return None

    def _refuse_twins(self, base: int, identifier: int, result: CommitResult) -> None:
        """Say so when a writer that had been shut out a moment ago brought the same number in all the same."""
        for number in range(base + 1, result.snapshot_ids[0] if result.snapshot_ids else base):
            other = self.parts.snapshots.find(number)
            if other is None or other.commit_user != self.user or other.commit_identifier != identifier:
                continue
            raise ConflictError(
                f"{self.parts.name}: two writers of job {self.parts.job!r} committed number {identifier} at once, as"
                f" snapshots {number} and {result.snapshot_ids[0]}: its rows may be in the table twice. Stop one writer,"  # noqa: E501
                f" and roll back to snapshot {number}",
                kind=ErrorKind.WRITER_FENCED,
            )

    def _let_go(self) -> None:
        self.parts.consumers.delete(self.user)
        self._held = None

    def _check(self, session: WriteSession, prepared: Sequence[Prepared]) -> None:
        for one in prepared:
            if one.table != self.parts.mark:
                raise ConflictError(
                    f"{self.parts.name}: the message was prepared for another table or branch than the one that is here"
                    " now: the table was dropped and made anew. Nothing was committed; prepare the rows again",
                    kind=ErrorKind.TABLE_REPLACED,
                )
        paths = [
            BucketNames(session.parts, message.partition, message.bucket).path(file.name)
            for one in prepared
            for message in one.messages
            for file in (*message.new_files, *message.changelog_files)
        ]
        store = session.parts.store
        for path, info in zip(paths, map_ordered(store.info, paths, workers=LOOK_WORKERS), strict=True):
            if info is None:
                raise NotFoundError(
                    f"{self.parts.name}: file {path} of the message is gone, aborted or cleaned up as an orphan; nothing"  # noqa: E501
                    " was committed: prepare the rows again"
                )

    def _added_since(self, base: int) -> set[str] | None:
        """Names of all files that snapshots after that one added; None where some of them have expired."""
        latest = self.parts.snapshots.latest_id() or 0
        manifests, names = self.parts.manifests, set[str]()
        for number in range(base + 1, latest + 1):
            snapshot = self.parts.snapshots.find(number)
            if snapshot is None:
                return None
            for listed in _lists(snapshot):
                names.update(
                    entry.file.name for part in manifests.read_all(manifests.read_list(listed)) for entry in part
                )
        return names


def _lists(snapshot: Snapshot) -> list[str]:
    changelog = snapshot.changelog_manifest_list
    return [snapshot.delta_manifest_list, *([] if changelog is None else [changelog])]


def _apart(session: WriteSession, request: CommitRequest) -> CommitRequest:
    """The same request with the rows of several writers of one bucket numbered one after another, in their order."""
    if not session.schema.primary_keys:
        return request
    greatest: dict[tuple[bytes, int], int] = {}
    messages = []
    for message in request.messages:
        place = (message.partition, message.bucket)
        files = (*message.new_files, *message.changelog_files)
        before = greatest.get(place)
        if before is not None and min(file.min_sequence for file in files) <= before:
            message = renumbered(session.parts, message, first=before + 1)  # noqa: PLW2901 - the same rows
            files = (*message.new_files, *message.changelog_files)
        greatest[place] = max(file.max_sequence for file in files)
        messages.append(message)
    return replace(request, messages=tuple(messages))


def _land(session: WriteSession, request: CommitRequest) -> CommitResult:
    """Commit; behind rows that others committed first. Files that were handed on stay, for the next try."""
    handed_on, request = request, _apart(session, request)
    for _ in range(RENUMBERINGS_MAX):
        try:
            result = session.committer.commit(request)
        except (ConflictError, InvalidInputError) as error:
            if error.kind is not ErrorKind.SEQUENCE_TAKEN:
                _drop(session, request, unless=handed_on)
                raise
        else:
            _drop(session, handed_on, unless=request)
            return session.finished(request, result)
        later = session.numbered_later(request)
        _drop(session, request, unless=handed_on)
        request = later
    _drop(session, request, unless=handed_on)
    raise ConflictError(
        f"{session.name}: other writers committed to the same buckets first, {RENUMBERINGS_MAX} times in a row; nothing"
        " was committed: try again",
        kind=ErrorKind.RETRIES_EXHAUSTED,
    )


def _drop(session: WriteSession, request: CommitRequest, *, unless: CommitRequest) -> None:
    """Delete the files of a request that no snapshot names for certain, but for those of another request."""
    kept = {file.name for message in unless.messages for file in (*message.new_files, *message.changelog_files)}
    for message in request.messages:
        names = BucketNames(session.parts, message.partition, message.bucket)
        files = [file for file in (*message.new_files, *message.changelog_files) if file.name not in kept]
        delete_files(session.parts.store, names, files)
