"""The commit: from a request to one or two snapshots. Commits are tried again here and nowhere else.

1. The append part of the request becomes an APPEND or OVERWRITE snapshot, the compact part a COMPACT snapshot with the
   same user and identifier; each runs its own race for a number (``commit_race``).
2. Won, for certain: write the hints, delete what lost attempts left.
3. Lost, for certain: delete what was written. In doubt: delete nothing.

Invariant: a call that returns has made its snapshots exactly once; one that raises ``CommitUnknownError`` deleted
nothing; one that raises anything else made no snapshot. Data files are never deleted here.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from lakestore.core.backoff import WaitLimits
from lakestore.core.changes import Changes, append_changes, compact_changes
from lakestore.env import Env
from lakestore.errors import ConflictError, InvalidInputError, LakestoreError, StorageError, UnsupportedFormatError
from lakestore.events import CommitFinished
from lakestore.meta.commit_checks import CommitChecks
from lakestore.meta.commit_files import CommitFiles
from lakestore.meta.commit_race import Race, RaceParts
from lakestore.meta.manifests import Manifests
from lakestore.meta.publish import Publisher
from lakestore.meta.schemas import Schemas
from lakestore.meta.snapshots import Snapshots
from lakestore.model.message import CommitRequest, CommitResult
from lakestore.model.options import CommitOptions
from lakestore.model.schema import TableSchema
from lakestore.model.snapshot import Snapshot
from lakestore.storage.paths import TablePaths
from lakestore.storage.store import Store


@dataclass(slots=True, kw_only=True, eq=False)
class Committer:
    """Makes snapshots of one table.

    Attributes:
        store: Where the table is.
        paths: How its files are called.
        schemas: Reader of schema files.
        snapshots: Reader of snapshot files.
        manifests: Reader and writer of manifests.
        env: Clock, ids, randomness, events.
        options: Retries and waits.
        schema: The latest schema known.
        table_name: What messages call the table.
    """

    store: Store
    paths: TablePaths
    schemas: Schemas
    snapshots: Snapshots
    manifests: Manifests
    env: Env
    options: CommitOptions
    schema: TableSchema
    table_name: str
    _parts: RaceParts = field(init=False)
    _known: int | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        waits = WaitLimits(min_seconds=self.options.min_wait_ms / 1000, max_seconds=self.options.max_wait_ms / 1000)
        publisher = Publisher(
            self.store, self.paths, snapshots=self.snapshots, manifests=self.manifests, env=self.env, waits=waits
        )
        checks = CommitChecks(
            store=self.store,
            paths=self.paths,
            schemas=self.schemas,
            snapshots=self.snapshots,
            manifests=self.manifests,
            schema=self.schema,
            table_name=self.table_name,
        )
        self._parts = RaceParts(
            snapshots=self.snapshots,
            manifests=self.manifests,
            publisher=publisher,
            checks=checks,
            env=self.env,
            options=self.options,
            waits=waits,
            table_name=self.table_name,
        )

    def commit(self, request: CommitRequest) -> CommitResult:
        """Make the request's files visible: an APPEND or OVERWRITE snapshot, then a COMPACT snapshot.

        Returns:
            The snapshots made. When the append part landed and the compact part did not, ``compact_error`` says why.

        Raises:
            ConflictError: The changes do not fit on what others committed; nothing is visible.
            CommitUnknownError: Nobody can know whether it landed; the message says how to look.
            InvalidInputError: An overwrite brings files of partitions that it does not replace.
            UnsupportedFormatError: The table has index files that a commit with deletes would have to rewrite.
            StorageError: The store failed before anything could land.
        """
        append = append_changes(request)
        compact = compact_changes(request)
        made: list[int] = []
        attempts = 0
        if not append.empty or request.overwrite is not None or (request.allow_empty and compact.empty):
            attempts = self._commit_part(request, append, made)
        error: LakestoreError | None = None
        if not compact.empty:
            try:
                attempts = max(attempts, self._commit_part(request, compact, made))
            except LakestoreError as failure:
                if not made:
                    raise
                error = failure
        return CommitResult(snapshot_ids=tuple(made), attempts=attempts, compact_error=error)

    def last_identifier(self, user: str) -> int | None:
        """The identifier of the newest snapshot of that user, None when no snapshot still there is the user's."""
        latest = self.snapshots.latest()
        if latest is None:
            return None
        line = self.snapshots.walk_back(latest.id)
        return next((snapshot.commit_identifier for snapshot in line if snapshot.commit_user == user), None)

    def filter_committed(self, user: str, identifiers: Iterable[int]) -> tuple[int, ...]:
        """Those identifiers of a user that are not committed yet, in rising order.

        Identifiers of one user rise, so all up to the one of the user's newest snapshot are committed.
        """
        last = self.last_identifier(user)
        return tuple(sorted(number for number in identifiers if last is None or number > last))

    def _commit_part(self, request: CommitRequest, changes: Changes, made: list[int]) -> int:
        """Race for one snapshot and add its number to those made; the attempts it took."""
        files = CommitFiles(self.store, self.paths, self.manifests, merge_all=request.merge_manifests)
        race = Race(parts=self._parts, request=request, changes=changes, files=files, known=self._known)
        try:
            snapshot = race.run()
        except (ConflictError, InvalidInputError, UnsupportedFormatError):
            if not race.in_doubt:
                files.clean(landed=False)
            raise
        if snapshot is not None:
            made.append(snapshot.id)
            self._known = snapshot.id
            self._write_hints(snapshot)
            files.clean(landed=True)
            self._report(race, snapshot)
        return race.attempts

    def _write_hints(self, snapshot: Snapshot) -> None:
        """Hints are worth a try, and no more."""
        try:
            self.snapshots.write_latest_hint(snapshot.id)
            if snapshot.id == 1:
                self.snapshots.write_earliest_hint(1)
        except StorageError:
            return

    def _report(self, race: Race, snapshot: Snapshot) -> None:
        adds = race.changes.adds
        self.env.emit(
            CommitFinished(
                table=self.table_name,
                snapshot_id=snapshot.id,
                attempts=race.attempts,
                files_added=len(adds),
                files_deleted=len(race.changes.deletes),
                rows_added=sum(entry.file.row_count for entry in adds),
                milliseconds=(self.env.clock.monotonic() - race.started) * 1000,
            )
        )
