"""Making the file indexes of live files anew, as the table's options ask for them now (Paimon ``rewrite_file_index``).

1. Of each live file the indexes that the options name are looked up under the names that its columns had when it was
   written; columns that it does not have are left out.
2. Files whose index has just those kinds of just those columns are left alone, unless ``all_files`` asks for them.
3. The columns are read and the indexes made; where nothing is to be indexed any more, the index goes.
4. One COMPACT snapshot takes each file's entry away and adds it again with its index. Rows and data files stay.
5. Files that others took away meanwhile are left out, and the rest is committed.

Invariant: a file's rows, name, level and statistics never change. An index file gets a name that none had before.
"""

from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field, replace

import pyarrow as pa

from lakestore.core.prune import may_match
from lakestore.data.file_reader import TableFiles
from lakestore.data.file_writer import BucketNames, WriteParts, place_indexes
from lakestore.errors import CommitUnknownError, ConflictError, ErrorKind, LakestoreError, StorageError
from lakestore.format.binary_row import decode_row
from lakestore.format.file_index import BytesAt, Part, read_head, write_container
from lakestore.format.index_kinds import IndexCollector
from lakestore.maintain.compact_parts import CompactParts
from lakestore.meta.scan import snapshot_entries
from lakestore.model.datafile import DataFile
from lakestore.model.file_index import IndexSpec
from lakestore.model.manifest import ManifestEntry
from lakestore.model.message import CommitMessage, CommitRequest
from lakestore.model.predicate import Predicate
from lakestore.model.schema import TableSchema
from lakestore.model.snapshot import Snapshot
from lakestore.read.bounds import partition_bounds
from lakestore.storage.file_names import file_index_name, is_file_index, next_file_index_name
from lakestore.storage.parallel import map_ordered

WORKERS = 2
"""Files read at a time."""

CONFLICTS_MAX = 20
"""How often a commit may lose files to others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexReport:
    """What making indexes came to.

    Attributes:
        files: Live files looked at.
        indexed: Files whose indexes were made.
        removed: Files whose indexes went.
        lost: Files that others replaced meanwhile.
        index_bytes: Bytes of the indexes made.
        snapshot_ids: The snapshot made, if one was needed.
        dry_run: Nothing was done; ``indexed`` and ``removed`` say what would be.
    """

    files: int = 0
    indexed: int = 0
    removed: int = 0
    lost: int = 0
    index_bytes: int = 0
    snapshot_ids: tuple[int, ...] = ()
    dry_run: bool = False

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        return {**asdict(self), "snapshot_ids": list(self.snapshot_ids)}


@dataclass(frozen=True, slots=True)
class _Made:
    """A file and its record with the new index; ``size`` is that of the index, 0 for none."""

    entry: ManifestEntry
    after: DataFile
    size: int


def rewrite_file_index(
    parts: CompactParts,
    snapshot: Snapshot | None,
    *,
    where: Predicate | None,
    all_files: bool = False,
    dry_run: bool = False,
) -> IndexReport:
    """Make the file indexes of live files as the options ask for them.

    Args:
        parts: The table, in its latest schema.
        snapshot: The latest snapshot.
        where: Bound predicate on partition columns, None for all.
        all_files: Files that have indexes of the kinds and columns asked for, too: settings may have changed.
        dry_run: Only count.

    Raises:
        CorruptTableError: A data file is damaged.
        ConflictError: Others committed first too many times; nothing changed.
        CommitUnknownError: Nobody can know whether the snapshot was made; nothing was deleted.
    """
    if snapshot is None:
        return IndexReport(dry_run=dry_run)
    entries = [one for one in snapshot_entries(parts.manifests, snapshot) if _chosen(parts.schema, one, where)]
    parts = parts.fitting(entries)
    job = _Job(parts, snapshot)
    due = [entry for entry in entries if job.is_due(entry, all_files=all_files)]
    if dry_run:
        indexed = sum(bool(job.specs(entry.file)) for entry in due)
        return IndexReport(files=len(entries), indexed=indexed, removed=len(due) - indexed, dry_run=True)
    return replace(job.run(due), files=len(entries))


@dataclass(slots=True)
class _Job:
    parts: CompactParts
    snapshot: Snapshot
    _specs: dict[int, tuple[IndexSpec, ...]] = field(default_factory=dict)

    def specs(self, file: DataFile) -> tuple[IndexSpec, ...]:
        """What is to be indexed of a file, by the names of its own schema; only what its types allow."""
        if file.schema_id not in self._specs:
            own = self.parts.schema_of(file.schema_id)
            found = specs_then(self.parts.options.file_index.specs, self.parts.schema, own)
            collector = IndexCollector(own.fields, found)
            self._specs[file.schema_id] = collector.specs
        return self._specs[file.schema_id]

    def is_due(self, entry: ManifestEntry, *, all_files: bool) -> bool:
        """Whether a file's index is not what is asked for."""
        file = entry.file
        if file.external_path is not None or entry.bucket < 0:
            return False
        specs = self.specs(file)
        old = [name for name in file.extra_files if is_file_index(name)]
        if file.embedded_index is None and not old:
            return bool(specs)
        if all_files or len(old) > 1 or not specs:
            return True
        wanted = {(spec.name, str(spec.kind)) for spec in specs}
        return {(part.column, part.kind) for part in self._head(entry, old)} != wanted

    def run(self, due: Sequence[ManifestEntry]) -> IndexReport:
        """Make the indexes and commit them."""
        # Whatever is written is in here from the moment that it is there.
        made: list[_Made] = []

        def make(entry: ManifestEntry) -> None:
            made.append(self._make(entry))

        try:
            with closing(map_ordered(make, due, workers=WORKERS)) as steps:
                for _ in steps:
                    continue
            changed = [one for one in made if one.after != one.entry.file]
            return self._commit(changed)
        except CommitUnknownError:
            raise
        except BaseException:
            self._discard(made)
            raise

    def _head(self, entry: ManifestEntry, old: Sequence[str]) -> Sequence[Part]:
        if entry.file.embedded_index is not None:
            return read_head(BytesAt(entry.file.embedded_index), f"index of {entry.file.name}")
        path = self._names(entry).path(old[0])
        with self.parts.store.open_input(path) as source:
            return read_head(source, path)

    def _names(self, entry: ManifestEntry) -> BucketNames:
        return BucketNames(self._write_parts(), entry.partition, entry.bucket)

    def _write_parts(self) -> WriteParts:
        parts = self.parts
        return WriteParts(
            store=parts.store, paths=parts.paths, schema=parts.schema, options=parts.options, env=parts.env
        )

    def _make(self, entry: ManifestEntry) -> _Made:
        file = entry.file
        own = self.parts.schema_of(file.schema_id)
        collector = IndexCollector(own.fields, self.specs(file))
        old = [name for name in file.extra_files if is_file_index(name)]
        bare = replace(
            file, embedded_index=None, extra_files=tuple(name for name in file.extra_files if name not in old)
        )
        if collector:
            self._read_into(collector, entry, own)
        indexes = collector.finish()
        if not indexes:
            return _Made(entry, bare, 0)
        container = write_container(indexes)
        name = next_file_index_name(old[0]) if old else file_index_name(file.name)
        embedded, beside = place_indexes(self._write_parts(), self._names(entry), container, name)
        after = replace(bare, embedded_index=embedded, extra_files=(*bare.extra_files, *beside))
        return _Made(entry, after, len(container))

    def _read_into(self, collector: IndexCollector, entry: ManifestEntry, own: TableSchema) -> None:
        files = TableFiles(
            store=self.parts.store,
            paths=self.parts.paths,
            schema=own,
            schema_of=lambda _: own,
            partition=self.parts.options.partition,
            files=self.parts.options.files,
            what=f"table {self.parts.name} at snapshot {self.snapshot.id}",
        )
        columns = own.select(dict.fromkeys(spec.column for spec in collector.specs))
        with files.bucket(entry.partition, entry.bucket).open(entry.file, columns) as opened:
            for batch in opened.batches():
                collector.add(pa.Table.from_batches([batch]))

    def _commit(self, made: Sequence[_Made]) -> IndexReport:
        left, lost = list(made), 0
        for _ in range(CONFLICTS_MAX):
            if not left:
                break
            try:
                result = self.parts.committer.commit(
                    CommitRequest(
                        user=self.parts.env.new_id(),
                        messages=_messages(left),
                        base_snapshot=self.snapshot.id,
                        schema_id=self.parts.schema.id,
                    )
                )
            except ConflictError as error:
                if error.kind is not ErrorKind.FILE_GONE:
                    raise
                fits = self._fitting(left)
                gone = [one for one in left if one not in fits]
                if not gone:
                    raise
                self._discard(gone)
                left, lost = fits, lost + len(gone)
                continue
            return IndexReport(
                indexed=sum(one.size > 0 for one in left),
                removed=sum(one.size == 0 for one in left),
                lost=lost,
                index_bytes=sum(one.size for one in left),
                snapshot_ids=result.snapshot_ids,
            )
        if left:
            raise ConflictError(
                f"{self.parts.name}: others replaced files {CONFLICTS_MAX} times while their indexes were made; try"
                " again when less is written",
                kind=ErrorKind.RETRIES_EXHAUSTED,
            )
        return IndexReport(lost=lost)

    def _fitting(self, made: Sequence[_Made]) -> list[_Made]:
        latest = self.parts.snapshots.latest()
        live = set() if latest is None else {one.id for one in snapshot_entries(self.parts.manifests, latest)}
        return [one for one in made if one.entry.id in live]

    def _discard(self, made: Iterable[_Made]) -> None:
        """Delete the index files that were made for nothing."""
        for one in made:
            for name in set(one.after.extra_files) - set(one.entry.file.extra_files):
                with suppress(StorageError, LakestoreError):
                    self.parts.store.delete(self._names(one.entry).path(name))


def specs_then(specs: Iterable[IndexSpec], now: TableSchema, then: TableSchema) -> tuple[IndexSpec, ...]:
    """What is to be indexed, by the names that the columns had under another schema; those it lacks are left out."""
    ids = {one.name: one.id for one in now.fields}
    names = {one.id: one.name for one in then.fields}
    found = []
    for spec in specs:
        name = names.get(ids.get(spec.column, -1))
        if name is not None:
            found.append(replace(spec, column=name))
    return tuple(found)


def _chosen(schema: TableSchema, entry: ManifestEntry, where: Predicate | None) -> bool:
    values = decode_row(entry.partition, schema.partition_types)
    return may_match(where, partition_bounds(schema, values, 1), 1)


def _messages(made: Sequence[_Made]) -> tuple[CommitMessage, ...]:
    groups: dict[tuple[bytes, int, int], list[_Made]] = {}
    for one in made:
        entry = one.entry
        groups.setdefault((entry.partition, entry.bucket, entry.total_buckets), []).append(one)
    return tuple(
        CommitMessage(
            partition=partition,
            bucket=bucket,
            total_buckets=total,
            compact_before=tuple(one.entry.file for one in own),
            compact_after=tuple(one.after for one in own),
        )
        for (partition, bucket, total), own in groups.items()
    )
