"""Laying out the rows of an append table along a curve, so that queries skip most of its bytes.

1. For each partition all files of the latest snapshot are read and sorted along the curve (``data.range_sort``), and
   written as new files, in row groups small enough for a query to read a small part of a file.
2. One commit takes the old files away and puts the new ones in their place. Files that others append meanwhile
   are not touched. If somebody else replaced one of the old files, the new ones are removed and nothing has changed.

The rows stay what they are, so the commit is a COMPACT snapshot: no stream reader takes them for new ones. (Paimon's
sort compact through Flink commits an OVERWRITE that would also drop files that were appended meanwhile.)

Only tables without buckets can be laid out: buckets promise the order in which rows were written.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from lakestore.core.curve import Curve, curve_for
from lakestore.core.filter import matches_values
from lakestore.core.options import check_writable
from lakestore.core.pick import Cause, CompactUnit
from lakestore.core.row_tracking import tracked, tracks_rows
from lakestore.data.cluster_rewrite import DEFAULT_MEMORY, Layout, rewrite_clustered
from lakestore.data.file_writer import BucketNames, WriteParts, delete_files
from lakestore.data.rewrite import BucketFilesAt, RewriteParts
from lakestore.errors import ConflictError, ErrorKind, InvalidInputError
from lakestore.format.binary_row import decode_row
from lakestore.maintain.describe import partition_text
from lakestore.meta.commit import Committer
from lakestore.meta.scan import live_entries_of
from lakestore.model.manifest import ManifestEntry
from lakestore.model.message import CommitMessage, CommitRequest
from lakestore.model.options import TableOptions
from lakestore.model.predicate import Predicate
from lakestore.model.schema import TableSchema
from lakestore.model.snapshot import Snapshot
from lakestore.read.parts import ScanParts

Progress = Callable[[str, int], None]
"""Is told the partition at hand and how many of its rows were written since the last call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusteredPartition:
    """What laying out one partition came to.

    Attributes:
        partition: Its text, ``day=2026-11-20``; empty for a table without partitions.
        rows: Rows in it.
        files_before: Files that were read.
        bytes_before: Their bytes.
        files_after: Files written.
        bytes_after: Their bytes.
        spilled_bytes: Decoded bytes set aside on local disk on the way.
    """

    partition: str
    rows: int
    files_before: int
    bytes_before: int
    files_after: int = 0
    bytes_after: int = 0
    spilled_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterReport:
    """What laying out a table came to.

    Attributes:
        curve: The curve.
        columns: The columns that it goes through.
        partitions: What was done, by partition; what would be, in a dry run.
        snapshot_id: The snapshot made; None in a dry run, and when there was nothing to do.
        milliseconds: How long it took.
    """

    curve: Curve
    columns: tuple[str, ...]
    partitions: tuple[ClusteredPartition, ...]
    snapshot_id: int | None
    milliseconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Clusterer:
    """Lays out one append table.

    Attributes:
        scan: The table, for reading.
        schema: Its schema.
        options: That schema's options.
        committer: Makes snapshots of it.
        memory_bytes: Decoded bytes held while sorting.
        scratch_directory: Where rows are set aside that memory does not hold; by default the system's.
        progress: Is told how it goes.
    """

    scan: ScanParts
    schema: TableSchema
    options: TableOptions
    committer: Committer
    memory_bytes: int = DEFAULT_MEMORY
    scratch_directory: str | None = None
    progress: Progress | None = None

    def run(
        self,
        snapshot: Snapshot | None,
        *,
        columns: Sequence[str],
        curve: str | None,
        where: Predicate | None = None,
        dry_run: bool = False,
    ) -> ClusterReport:
        """Lay out the table, or some partitions of it.

        Args:
            snapshot: The latest snapshot.
            columns: Columns that queries filter by, the most frequent first.
            curve: Name of the curve; None chooses by the number of columns.
            where: Bound predicate on partition columns; None for all partitions.
            dry_run: Only say what would be done.

        Raises:
            InvalidInputError: The table has a primary key or buckets, or a column cannot be sorted by.
            NotFoundError: A column does not exist.
            ConflictError: Another commit replaced files meanwhile; nothing has changed.
        """
        started = self.scan.env.clock.monotonic()
        self._refuse()
        columns = tuple(dict.fromkeys(columns))
        self.schema.select(columns)
        chosen = curve_for(curve, len(columns))
        entries = [] if snapshot is None else self._entries(snapshot, where)
        messages: list[CommitMessage] = []
        reports: list[ClusteredPartition] = []
        try:
            for partition in sorted({entry.partition for entry in entries}):
                own = [entry for entry in entries if entry.partition == partition]
                report = self._before(own)
                if not dry_run and snapshot is not None:
                    after, report = self._lay_out(snapshot, own, chosen, columns, report)
                    messages.append(after)
                reports.append(report)
        except BaseException:
            self._discard(messages)
            raise
        made = self._commit(messages, snapshot) if messages else None
        elapsed = (self.scan.env.clock.monotonic() - started) * 1000
        return ClusterReport(
            curve=chosen, columns=tuple(columns), partitions=tuple(reports), snapshot_id=made, milliseconds=elapsed
        )

    def _refuse(self) -> None:
        name = self.scan.name
        if self.schema.primary_keys:
            raise InvalidInputError(
                f"{name} has a primary key: its files are in the order of the key, so they cannot be laid out along"
                " other columns; an append table can"
            )
        if self.options.bucket.count != -1:
            raise InvalidInputError(
                f"{name} has {self.options.bucket.count} buckets, which promise the order in which rows were written;"
                " only tables with bucket=-1 can be laid out"
            )
        check_writable(self.schema)

    def _entries(self, snapshot: Snapshot, where: Predicate | None) -> list[ManifestEntry]:
        manifests = self.scan.manifests
        entries, _ = live_entries_of(manifests, manifests.read_snapshot_lists(snapshot))
        if where is None:
            return entries
        keys, types = self.schema.partition_keys, self.schema.partition_types
        wanted = {
            partition
            for partition in {entry.partition for entry in entries}
            if matches_values(where, dict(zip(keys, decode_row(partition, types), strict=True))) is True
        }
        return [entry for entry in entries if entry.partition in wanted]

    def _before(self, entries: Sequence[ManifestEntry]) -> ClusteredPartition:
        files = [entry.file for entry in entries]
        return ClusteredPartition(
            partition=partition_text(entries[0].partition, self.schema),
            rows=sum(file.row_count for file in files),
            files_before=len(files),
            bytes_before=sum(file.size for file in files),
        )

    def _lay_out(
        self,
        snapshot: Snapshot,
        entries: Sequence[ManifestEntry],
        curve: Curve,
        columns: Sequence[str],
        report: ClusteredPartition,
    ) -> tuple[CommitMessage, ClusteredPartition]:
        first = entries[0]
        before = tuple(entry.file for entry in entries)
        place = BucketFilesAt(partition=first.partition, bucket=first.bucket, files=before, top=self._level)
        clustered = rewrite_clustered(
            self._rewrite_parts(snapshot),
            place,
            CompactUnit(self._level, before, "laying out was asked for", Cause.CLUSTERING),
            Layout(
                curve=curve,
                columns=tuple(columns),
                memory_bytes=self.memory_bytes,
                scratch_directory=self.scratch_directory,
                progress=partial(self._tell, report.partition),
            ),
        )
        after = tuple(clustered.result.after)
        message = CommitMessage(
            partition=first.partition,
            bucket=first.bucket,
            total_buckets=first.total_buckets,
            compact_before=before,
            compact_after=after,
        )
        done = replace(
            report,
            files_after=len(after),
            bytes_after=sum(file.size for file in after),
            spilled_bytes=clustered.spilled_bytes,
        )
        return message, done

    @property
    def _level(self) -> int:
        """Where files go: in a table that is laid out by levels they are all done."""
        return self.options.compact.num_levels - 1 if self.options.append.cluster.incremental else 0

    def _schema_of(self, number: int) -> TableSchema:
        return self.schema if number == self.schema.id else self.scan.schemas.get(number)

    def _rewrite_parts(self, snapshot: Snapshot) -> RewriteParts:
        write, what = self._write_parts(), self.scan.what(snapshot.id)
        if not tracks_rows(self.schema):
            return RewriteParts(write=write, schema_of=self._schema_of, what=what)
        return RewriteParts(
            write=replace(write, schema=tracked(self.schema)),
            schema_of=lambda number: tracked(self._schema_of(number)),
            what=what,
        )

    def _tell(self, partition: str, rows: int) -> None:
        if self.progress is not None:
            self.progress(partition, rows)

    def _write_parts(self) -> WriteParts:
        scan = self.scan
        return WriteParts(store=scan.store, paths=scan.paths, schema=self.schema, options=self.options, env=scan.env)

    def _commit(self, messages: Sequence[CommitMessage], snapshot: Snapshot | None) -> int:
        request = CommitRequest(
            user=self.scan.env.new_id(),
            messages=tuple(messages),
            schema_id=self.schema.id,
            base_snapshot=None if snapshot is None else snapshot.id,
        )
        try:
            return self.committer.commit(request).snapshot_ids[-1]
        except ConflictError as error:
            self._discard(messages)
            if error.kind is not ErrorKind.FILE_GONE:
                raise
            raise ConflictError(
                f"{self.scan.name}: another commit replaced files while they were laid out, so nothing was changed;"
                " run it again; under clustering.incremental or write-only no writer compacts small files meanwhile"
                f" ({error.message})",
                kind=error.kind,
            ) from error

    def _discard(self, messages: Sequence[CommitMessage]) -> None:
        for message in messages:
            names = BucketNames(self._write_parts(), message.partition, message.bucket)
            delete_files(self.scan.store, names, message.compact_after)
