"""The rows of one step of a streaming read: the state of a snapshot, or the changes that it made."""

from collections.abc import Iterator
from zlib import crc32

import pyarrow as pa

from lakestore.core.stream_step import Source, least_level, source_of
from lakestore.errors import UnsupportedFormatError
from lakestore.model.manifest import EntryKind, ManifestEntry
from lakestore.model.predicate import columns_of
from lakestore.model.rows import RowKind
from lakestore.model.snapshot import Snapshot
from lakestore.read.follow_line import SnapshotLine
from lakestore.read.follow_parts import FollowParts, FollowRequest, mark_of
from lakestore.read.parts import Scope
from lakestore.read.plan import plan_scan, refuse_deletion_vectors
from lakestore.read.state_diff import StateDiff


class SnapshotRows:
    """Reads the rows of snapshots for one streaming read.

    Args:
        parts: The open table.
        request: What is asked for.
        line: The line of snapshots.
    """

    def __init__(self, parts: FollowParts, request: FollowRequest, line: SnapshotLine) -> None:
        self._parts = parts
        self._request = request
        self._line = line
        self._reader = reader = parts.reader
        merge, top = reader.options.merge, reader.options.compact.num_levels - 1
        self._keyed = bool(reader.schema.primary_keys)
        self._least_level = least_level(merge.changelog_producer, top=top) if self._keyed else 0
        self._by_file = not self._keyed and reader.options.bucket.count < 0
        self._fitting = reader.schema.id

    @property
    def by_file(self) -> bool:
        """Whether readers that share the stream share out files rather than buckets."""
        return self._by_file

    @property
    def _scope(self) -> Scope:
        """The rows that the changes so far have told: fresh ones, too, where no changelog tells them later."""
        return Scope(keep=self._belongs, fresh=True)

    def mark(self, snapshot: Snapshot) -> int:
        """A number that tells whether a count of rows of that snapshot still counts the same rows."""
        request, reader = self._request, self._reader
        asked = (reader.columns, reader.where, request.buckets and sorted(request.buckets), request.shard)
        made = (reader.schema.id, reader.options.scan.window_rows, request.overwrites, mark_of(snapshot))
        return crc32(repr((asked, made)).encode()) or 1

    def state(self, snapshot: Snapshot) -> Iterator[pa.RecordBatch]:
        """All rows of a snapshot, as far as the changes up to it have told them.

        Raises:
            UnsupportedFormatError: Columns have other types in it.
        """
        reader = self._reader
        self._check_types(snapshot)
        plan = plan_scan(
            reader.parts,
            schema=reader.schema,
            options=reader.options,
            snapshot=snapshot,
            where=self._request.where,
            columns=reader.columns,
            scope=self._scope,
        )
        return reader.of_plan(plan)

    def changes(self, snapshot: Snapshot) -> Iterator[pa.RecordBatch]:
        """The changes that a snapshot made.

        Raises:
            UnsupportedFormatError: It is an overwrite, and that is to fail; or columns have other types in it.
            OutOfRangeError: What it replaced has expired.
        """
        self._check_types(snapshot)
        producer = self._reader.options.merge.changelog_producer
        source = source_of(snapshot, producer=producer, overwrites=self._request.overwrites)
        match source:
            case Source.NOTHING:
                return iter(())
            case Source.CHANGELOG:
                return self._added(snapshot, snapshot.changelog_manifest_list or "")
            case Source.DELTA:
                return self._added(snapshot, snapshot.delta_manifest_list)
            case Source.REPLACED:
                return self._replaced(snapshot) if self._keyed else self._replaced_files(snapshot)

    def check(self, snapshot: Snapshot) -> None:
        """Refuse a snapshot whose changes ``changes`` would refuse; reads nothing."""
        producer = self._reader.options.merge.changelog_producer
        source_of(snapshot, producer=producer, overwrites=self._request.overwrites)

    def _check_types(self, snapshot: Snapshot) -> None:
        """Refuse rows of a later schema in which a column that is read has another type: its values might not fit."""
        if snapshot.schema_id <= self._fitting:
            return
        reader = self._reader
        now = {field.id: field for field in reader.parts.schemas.get(snapshot.schema_id).fields}
        read = {*reader.columns, *(columns_of(reader.where) if reader.where is not None else ())}
        for field in reader.schema.select([name for name in reader.schema.names if name in read]):
            later = now.get(field.id, field)
            if later.type.with_nullable(nullable=True) != field.type.with_nullable(nullable=True):
                raise UnsupportedFormatError(
                    f"{reader.parts.what(snapshot.id)}: column {field.name!r} is {later.type} now, and was {field.type}"
                    " when the stream was opened: its values might not fit. Open the stream again where it stands: its"
                    " `position`, or the position of the last change, goes on in the new schema"
                )
        self._fitting = snapshot.schema_id

    def _belongs(self, entry: ManifestEntry) -> bool:
        return entry.file.level >= self._least_level and self._request.takes(entry, by_file=self._by_file)

    def _entries(self, name: str, kind: EntryKind) -> list[ManifestEntry]:
        """Entries of one kind in the manifests of a list, in order, as far as they belong to this reader."""
        manifests = self._reader.parts.manifests
        return [
            entry
            for part in manifests.read_all(manifests.read_list(name))
            for entry in part
            if entry.kind is kind and self._request.takes(entry, by_file=self._by_file)
        ]

    def _added(self, snapshot: Snapshot, name: str) -> Iterator[pa.RecordBatch]:
        return self._reader.of_files(self._entries(name, EntryKind.ADD), snapshot_id=snapshot.id)

    def _replaced(self, snapshot: Snapshot) -> Iterator[pa.RecordBatch]:
        diff = StateDiff(reader=self._reader, scope=self._scope)
        return diff.changes(self._before(snapshot), snapshot)

    def _replaced_files(self, snapshot: Snapshot) -> Iterator[pa.RecordBatch]:
        """Of an append table: the rows of the files that went are taken back, those of the new ones inserted."""
        before = self._before(snapshot)
        if before is not None:
            refuse_deletion_vectors(self._reader.parts, before)
        gone = self._entries(snapshot.delta_manifest_list, EntryKind.DELETE)
        yield from self._reader.of_files(gone, snapshot_id=snapshot.id, kind=RowKind.DELETE)
        yield from self._added(snapshot, snapshot.delta_manifest_list)

    def _before(self, snapshot: Snapshot) -> Snapshot | None:
        if snapshot.id == 1:
            return None
        before = self._parts.snapshots.find(snapshot.id - 1)
        if before is None:
            raise self._line.out_of_range(
                snapshot.id, "is an overwrite, and the rows that it replaced have expired with the snapshot before it"
            )
        return before
