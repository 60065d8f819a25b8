"""Deleting and updating rows of an append table: copy-on-write, as Paimon does it through Spark.

1. The predicate is planned as for a scan: files that cannot hold a row that meets it are left alone.
2. Of each other file the columns of the predicate are read. Files without such a row are left alone, too; files of
   nothing else go.
3. The rest are written again without the rows, or with their new values; the rows keep their order and their numbers
   begin where those of the old file did.
4. One OVERWRITE commit takes the old files away and puts the new ones in. If somebody else replaced one of the old
   files meanwhile, what was written is removed, and all of it is done again on the latest snapshot.

Rows appended after the plan are not looked at: they come after the change.

Invariant: whatever happens, each row that does not meet the predicate is there once, before and after.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lakestore.core.filter import mask
from lakestore.core.ingest import to_schema
from lakestore.core.options import check_writable
from lakestore.core.select import select_fields
from lakestore.data.file_reader import BucketFiles
from lakestore.data.file_writer import BucketNames, DataFileWriter, delete_files, rows_per_group
from lakestore.data.rewrite import RewriteParts
from lakestore.errors import CommitUnknownError, ConflictError, ErrorKind, InvalidInputError, LakestoreError
from lakestore.maintain.compact_parts import CompactParts
from lakestore.meta.scan import snapshot_entries
from lakestore.model.arrow import arrow_schema
from lakestore.model.datafile import DataFile, FileSource
from lakestore.model.manifest import ManifestEntry
from lakestore.model.message import CommitMessage, CommitRequest, CommitResult
from lakestore.model.predicate import Predicate, columns_of
from lakestore.model.rows import SEQUENCE_NUMBER
from lakestore.model.snapshot import Snapshot
from lakestore.model.types import Field
from lakestore.read.parts import ScanParts
from lakestore.read.plan import plan_scan

TRIES_MAX = 20
"""How often others may replace the files first; each time means that one of them made progress."""

Values = Mapping[str, Any]
"""New values by column: a value, or a function that makes an array of the rows that meet the predicate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewriting:
    """Changes rows of one append table.

    Attributes:
        scan: The table, for reading.
        parts: The table, for writing.
        where: Which rows, as the user said it.
        values: What becomes of them; None: they go.
    """

    scan: ScanParts
    parts: CompactParts
    where: Predicate
    values: Values | None = None

    def run(self) -> CommitResult:
        """Change the rows in one commit; a result without snapshots if there are none.

        Raises:
            InvalidInputError: The predicate does not fit the columns, or a new value does not.
            ConflictError: Others replaced the files first, again and again; nothing has changed.
            CommitUnknownError: Nobody can know whether it landed; nothing was deleted.
        """
        for attempt in range(1, TRIES_MAX + 1):
            snapshot = self.parts.snapshots.latest()
            # After the snapshot: no file of it may be of a later schema, or columns would get lost.
            table = replace(self, parts=self.parts.at_schema(self.parts.schemas.latest() or self.parts.schema))
            table.check()
            messages = [] if snapshot is None else table.rewritten(snapshot)
            if snapshot is None or not messages:
                return CommitResult(snapshot_ids=())
            request = CommitRequest(
                user=self.parts.env.new_id(),
                messages=tuple(messages),
                base_snapshot=snapshot.id,
                schema_id=table.parts.schema.id,
                operation="DELETE" if self.values is None else "UPDATE",
            )
            try:
                return self.parts.committer.commit(request)
            except CommitUnknownError:
                raise
            except LakestoreError as error:
                self._discard(messages)
                if not isinstance(error, ConflictError) or error.kind is not ErrorKind.FILE_GONE:
                    raise
                if attempt == TRIES_MAX:
                    raise ConflictError(
                        f"{self.parts.name}: other commits replaced the files that hold the rows first, {TRIES_MAX}"
                        " times in a row; nothing has changed: try again",
                        kind=ErrorKind.RETRIES_EXHAUSTED,
                    ) from error
        return CommitResult(snapshot_ids=())

    def check(self) -> None:
        """Refuse what cannot be done; raises as ``run``."""
        schema = self.parts.schema
        check_writable(schema)
        moving = {*schema.partition_keys, *self.parts.options.bucket.key}
        for name in self.values or ():
            schema.find(name)
            if name in moving:
                raise InvalidInputError(
                    f"{self.parts.name}: column {name!r} says where rows lie (partition or bucket key), so it cannot be"
                    " updated: delete the rows and insert them anew"
                )

    def rewritten(self, snapshot: Snapshot) -> list[CommitMessage]:
        """One message for each bucket with rows that meet the predicate; raises as ``run``."""
        parts = self.parts.rewriting(snapshot.id)
        plan = plan_scan(
            self.scan,
            schema=parts.write.schema,
            options=self.parts.options,
            snapshot=snapshot,
            where=self.where,
        )
        if plan.where is None:
            return []
        entries = {
            (entry.partition, entry.bucket, entry.file.name): entry
            for entry in snapshot_entries(self.parts.manifests, snapshot)
        }
        messages: dict[tuple[bytes, int], CommitMessage] = {}
        try:
            for split in plan.splits:
                for file in split.files:
                    entry = entries[split.partition, split.bucket, file.name]
                    place = (entry.partition, entry.bucket)
                    message = messages.get(place) or _empty(entry)
                    changed = self._changed(parts, entry, plan.where)
                    if changed is not None:
                        messages[place] = replace(
                            message,
                            deleted_files=(*message.deleted_files, file),
                            new_files=(*message.new_files, *changed),
                        )
        except BaseException:
            self._discard(list(messages.values()))
            raise
        return list(messages.values())

    def _changed(self, parts: RewriteParts, entry: ManifestEntry, where: Predicate) -> Sequence[DataFile] | None:
        """What takes the file's place; None if no row of it meets the predicate."""
        bucket, file = parts.files(runs=1).bucket(entry.partition, entry.bucket), entry.file
        found = _count(bucket, file, where)
        if not found:
            return None
        if self.values is None and found == file.row_count:
            return ()
        names = BucketNames(parts.write, entry.partition, entry.bucket)
        with ExitStack() as stack:
            opened = stack.enter_context(bucket.open(file, parts.write.schema.fields))
            writer = stack.enter_context(
                DataFileWriter(
                    parts.write,
                    names,
                    level=file.level,
                    source=FileSource.APPEND,
                    first_sequence=file.min_sequence,
                )
            )
            for rows in self._gathered(opened.batches(), where, parts.write.schema.fields):
                writer.write(rows)
            return writer.close()

    def _gathered(
        self, batches: Iterator[pa.RecordBatch], where: Predicate, fields: Sequence[Field]
    ) -> Iterator[pa.Table]:
        """The rows as they are to be, in tables that fill a row group each."""
        waiting: list[pa.Table] = []
        for batch in batches:
            waiting.append(self._after(batch, where, fields))
            rows = pa.concat_tables(waiting)
            if len(rows) >= rows_per_group(rows, self.parts.options.files):
                yield rows
                waiting = []
        if waiting and (rows := pa.concat_tables(waiting)).num_rows:
            yield rows

    def _after(self, batch: pa.RecordBatch, where: Predicate, fields: Sequence[Field]) -> pa.Table:
        rows = pa.Table.from_batches([batch])
        met = pc.fill_null(mask(where, batch), fill_value=False)
        if self.values is None:
            return rows.filter(pc.invert(met))
        return updated(rows, met, self.values, fields) if met.true_count else rows

    def _discard(self, messages: Sequence[CommitMessage]) -> None:
        parts = self.parts.rewriting(0).write
        for message in messages:
            names = BucketNames(parts, message.partition, message.bucket)
            delete_files(self.parts.store, names, message.new_files)


def updated(rows: pa.Table, met: pa.BooleanArray, values: Values, fields: Sequence[Field]) -> pa.Table:
    """The rows, with new values where ``met`` is true.

    Raises:
        InvalidInputError: A value does not fit its column, or there are not as many as rows.
    """
    chosen = rows.filter(met)
    places = pc.if_else(met, pc.subtract(pc.cumulative_sum(met.cast(pa.int64())), 1), None)
    columns = []
    if SEQUENCE_NUMBER in rows.column_names:
        values = {**values, SEQUENCE_NUMBER: None}
    for name in rows.column_names:
        if name not in values:
            columns.append(rows[name])
            continue
        new = _new_values(name, values[name], chosen)
        own = [each for each in fields if each.name == name]
        fitted = to_schema(pa.table({name: new}), own)[name].combine_chunks()
        columns.append(pc.if_else(met, fitted.take(places), rows[name].combine_chunks()))
    return pa.Table.from_arrays(columns, schema=arrow_schema(fields))


def _new_values(name: str, value: Any, chosen: pa.Table) -> Any:  # noqa: ANN401 - whatever the user gave
    if not callable(value):
        return pa.nulls(len(chosen)) if value is None else pa.repeat(pa.array([value])[0], len(chosen))
    made = value(chosen)
    if not isinstance(made, pa.Array | pa.ChunkedArray) or len(made) != len(chosen):
        raise InvalidInputError(
            f"update: the function for column {name!r} returned {type(made).__name__}; expected an Arrow array of"
            f" {len(chosen)} values, one for each row it was given"
        )
    return made


def _count(bucket: BucketFiles, file: DataFile, where: Predicate) -> int:
    """Rows of a file that meet the predicate."""
    schema = bucket.table.schema
    fields = select_fields(schema, sorted(columns_of(where)) or schema.names[:1])
    with bucket.open(file, fields, where=where) as opened:
        return sum(mask(where, batch).true_count for batch in opened.batches())


def _empty(entry: ManifestEntry) -> CommitMessage:
    return CommitMessage(partition=entry.partition, bucket=entry.bucket, total_buckets=entry.total_buckets)
