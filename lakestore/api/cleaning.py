"""What users do to keep a table small: expire, remove orphans, drop partitions. What deletes has a dry run."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import pyarrow as pa

from lakestore.api.context import TableContext
from lakestore.api.predicates import partitions_where
from lakestore.api.times import timestamp_millis
from lakestore.errors import InvalidInputError
from lakestore.maintain.analyze import analyze
from lakestore.maintain.cleaning import CleaningReport, CleanParts
from lakestore.maintain.compact_manifests import ManifestsReport, compact_manifests
from lakestore.maintain.drop import purge, remove_missing
from lakestore.maintain.expire import with_overrides
from lakestore.maintain.expire_changelogs import (
    expire_all_changelogs,
    expire_changelogs,
    expire_snapshots_and_changelogs,
)
from lakestore.maintain.orphans import remove_orphans
from lakestore.maintain.partition_jobs import (
    Commit,
    LivePartition,
    drop_partitions,
    expire_partitions,
    live_partitions,
    mark_done,
    matching,
    truncate,
)
from lakestore.model.checked import checked
from lakestore.model.message import CommitResult
from lakestore.model.predicate import Predicate
from lakestore.model.statistics import TableStatistics
from lakestore.read.plan import plan_scan
from lakestore.read.reader import read_plan

DAY = timedelta(days=1)


class ExpiringSnapshots:
    """The part of ``SnapshotRefs`` that lets snapshots expire."""

    _context: TableContext

    @checked
    def expire(
        self,
        *,
        retain_max: int | None = None,
        retain_min: int | None = None,
        older_than: "timedelta | datetime | str | int | None" = None,
        limit: int | None = None,
        dry_run: bool = False,
    ) -> CleaningReport:
        """Expire snapshots, with the files that nothing else needs, and the changelogs that outlived theirs.

        What tags, branches and consumers need stays. What is not given is as the table's options say; with only
        ``retain_max`` given, fewer than the option ``snapshot.num-retained.min`` may be left.

        Args:
            retain_max: Snapshots kept at most.
            retain_min: Snapshots kept at least.
            older_than: Age as a ``timedelta``, or time as in ``Table.at``: only snapshots that were followed by the
                next one before that.
            limit: Snapshots that go at most.
            dry_run: Only list what would go.

        Raises:
            InvalidInputError: A number is below 1, or more are to be kept at least than at most.
            CorruptTableError: Something that decides what is needed is damaged; nothing was deleted.
        """
        for name, value in (("retain_max", retain_max), ("retain_min", retain_min), ("limit", limit)):
            if value is not None and value < 1:
                raise InvalidInputError(f"expire({name}={value}): expected 1 or more")
        context = self._context
        parts, now = context.clean_parts(), context.env.clock.now_ms()
        retain = with_overrides(
            context.options.retain,
            retain_max=retain_max,
            retain_min=retain_min,
            time_ms=None if older_than is None else now - before_ms(older_than, now_ms=now),
            limit=limit,
        )
        context.memory.forget()
        return expire_snapshots_and_changelogs(parts, retain, dry_run=dry_run)

    @checked
    def expire_changelogs(self, *, everything: bool = False, dry_run: bool = False) -> CleaningReport:
        """Expire changelogs that outlived their snapshots.

        Args:
            everything: All of them, whatever the options keep.
            dry_run: Only list what would go.
        """
        parts = self._context.clean_parts()
        if everything:
            return expire_all_changelogs(parts, dry_run=dry_run)
        return expire_changelogs(parts, parts.options.retain, dry_run=dry_run)


def before_ms(age: "timedelta | datetime | str | int", *, now_ms: int) -> int:
    """The point in time that an age or a time names, in epoch milliseconds.

    Args:
        age: A ``timedelta`` back from now, or a time as ``Table.at(timestamp=…)`` takes it.
        now_ms: Now.

    Raises:
        InvalidInputError: It is no time, or one before 1970, or the age of something that is to come.
    """
    ago = age // timedelta(milliseconds=1) if isinstance(age, timedelta) else 0
    moment = now_ms - ago if isinstance(age, timedelta) else timestamp_millis(age)
    if ago < 0 or moment < 0:
        raise InvalidInputError(
            f"older_than={age!r}: expected an age such as timedelta(days=1), or a time since 1970 (ISO text,"
            " datetime or epoch milliseconds)"
        )
    return moment


class Cleaned:
    """The part of ``Table`` that removes what is no longer needed."""

    _context: TableContext

    @checked
    def remove_orphans(
        self, *, older_than: "timedelta | datetime | str | int" = DAY, dry_run: bool = False
    ) -> CleaningReport:
        """Remove files that nothing names: no snapshot, changelog or tag of the table or of any branch.

        Only files of known names are ever removed, and only when everything could be read; files of other kinds are
        named in the report's notes.

        Args:
            older_than: Age (``timedelta``), or time, before which a file must have been written by the store's clock.
                Less than the longest commit takes would remove the files of commits under way.
            dry_run: Only list what would go.

        Raises:
            CorruptTableError: Something is damaged or missing; nothing was deleted.
            StorageError: The store failed; nothing was deleted that was not on the list.
        """
        now = self._context.env.clock.now_ms()
        grace = max(now - before_ms(older_than, now_ms=now), 0)
        return remove_orphans(self._context.clean_parts(), grace_ms=grace, dry_run=dry_run)

    def partitions(self) -> list[LivePartition]:
        """The partitions that have rows, by name."""
        context, _ = self._context.at_latest()
        return live_partitions(context.clean_parts())

    @checked
    def drop_partitions(self, where: "str | Predicate", *, dry_run: bool = False) -> CleaningReport:
        """Drop whole partitions, in one commit; older snapshots keep them.

        Args:
            where: Predicate on partition columns.
            dry_run: Only list which.

        Raises:
            InvalidInputError: It looks at other columns, or the table has no partitions.
        """
        parts, commit = self._job()
        return drop_partitions(parts, commit, self._partitions(parts, where, verb="drop_partitions"), dry_run=dry_run)

    @checked
    def expire_partitions(self, *, dry_run: bool = False) -> CleaningReport:
        """Drop the partitions whose time is over, as the options ``partition.expiration-*`` say.

        Raises:
            InvalidInputError: The table has no partitions or no ``partition.expiration-time``.
        """
        parts, commit = self._job()
        return expire_partitions(parts, commit, dry_run=dry_run)

    @checked
    def mark_partitions_done(self, where: "str | Predicate") -> tuple[str, ...]:
        """Write a success file into the folder of each partition that meets the predicate; their paths."""
        parts, _ = self._job()
        return mark_done(parts, self._partitions(parts, where, verb="mark_partitions_done"))

    def truncate(self) -> CommitResult:
        """Remove all rows, in one commit; older snapshots keep them until they expire."""
        parts, commit = self._job()
        return truncate(parts, commit)

    @checked
    def purge(self, *, dry_run: bool = False) -> CleaningReport:
        """Empty the table for good: no rows, history, branches, tags, consumers or changelogs stay. See ``truncate``.

        Nobody else may be writing.
        """
        parts, commit = self._job()
        self._context.memory.forget()
        return purge(parts, commit, dry_run=dry_run)

    @checked
    def remove_missing_files(self, *, dry_run: bool = False) -> CleaningReport:
        """Repair: take data files that are not there any more out of the table, so that the rest can be read again."""
        parts, commit = self._job()
        return remove_missing(parts, commit, dry_run=dry_run)

    @checked
    def compact_manifests(self, *, dry_run: bool = False) -> ManifestsReport:
        """Rewrite the manifests of the table into few; no row changes. Commits do that by themselves when many."""
        parts, _ = self._job()
        return compact_manifests(parts, self._context.committer(), dry_run=dry_run)

    @checked
    def analyze(self, columns: Sequence[str] | None = None) -> TableStatistics:
        """Compute statistics and store them with a new snapshot, for the optimizers of other engines.

        Args:
            columns: Columns to compute for: all by default, none for the numbers of rows and bytes only.

        Raises:
            NotFoundError: There is no such column.
            InvalidInputError: The table has no snapshot yet.
        """
        context, snapshot = self._context.at_latest()
        names = context.schema.names if columns is None else tuple(columns)
        parts = context.scan_parts()

        def read(column: str) -> Iterator[pa.RecordBatch]:
            plan = plan_scan(parts, schema=context.schema, options=context.options, snapshot=snapshot, columns=[column])
            return read_plan(parts, plan, schema=context.schema, options=context.options)

        return analyze(context.clean_parts(), context.committer(), snapshot, names, read)

    def _job(self) -> "tuple[CleanParts, Commit]":
        context, _ = self._context.at_latest()
        return context.clean_parts(), context.committer().commit

    def _partitions(self, parts: CleanParts, where: "str | Predicate", *, verb: str) -> list[LivePartition]:
        if not parts.schema.partition_keys:
            raise InvalidInputError(f"{verb}() needs partitions and {parts.name} has none")
        bound = partitions_where(where, parts.schema, verb=verb)
        found = live_partitions(parts)
        return found if bound is None else matching(parts, bound, found)
