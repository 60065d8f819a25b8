"""Reading a plan: splits one after another, as record batches.

Raw splits stream file by file; a few files are opened ahead, and small ones decoded ahead. Merged splits are merged
section by section, and sections of one run are streamed too: only their retract rows have to go. What is left of
the predicate is applied to the rows, columns that only it needs are dropped, and the limit cuts the stream. Batches
come when they are asked for; closing the generator closes files and threads.
"""

from collections.abc import Generator, Mapping, Sequence
from contextlib import closing

import pyarrow as pa

from lakestore.core.filter import keep
from lakestore.core.merge import is_add
from lakestore.core.select import narrow_columns, select_fields
from lakestore.data.file_reader import BucketFiles, OpenFile
from lakestore.data.merge_reader import kinds_of, read_merged
from lakestore.errors import ErrorKind, InvalidInputError
from lakestore.model.datafile import DataFile
from lakestore.model.file_index import RowSet
from lakestore.model.options import TableOptions
from lakestore.model.predicate import Predicate, columns_of
from lakestore.model.rows import KIND_FIELD
from lakestore.model.schema import TableSchema
from lakestore.model.split import Plan, Split
from lakestore.model.types import Field
from lakestore.read.parts import ScanParts
from lakestore.read.plan import sections_in
from lakestore.read.prune import key_part
from lakestore.storage.parallel import ReadAhead, map_ordered

FILES_AHEAD = 4
"""Files of a raw split that are open at a time."""


def read_plan(
    parts: ScanParts, plan: Plan, *, schema: TableSchema, options: TableOptions
) -> Generator[pa.RecordBatch, None, None]:
    """The rows of a plan.

    Args:
        parts: The open table.
        plan: The plan.
        schema: The schema that it was planned in.
        options: That schema's options.

    Raises:
        NotFoundError: A data file is gone: the snapshot expired.
        CorruptTableError: A data file is damaged.
        UnsupportedFormatError: A data file needs a feature that this release refuses.
        StorageError: The store failed.
    """
    reader = _Reader(parts, plan, schema, options)
    left = plan.limit
    for split in plan.splits:
        if left == 0:
            return
        with closing(reader.read(split)) as batches:
            for batch in batches:
                cut = batch if left is None else batch.slice(0, left)
                if left is not None:
                    left -= cut.num_rows
                if cut.num_rows:
                    yield cut
                if left == 0:
                    return


def raw_batches(
    files: Sequence[tuple[BucketFiles, DataFile]],
    fields: Sequence[Field],
    *,
    where: Predicate | None,
    rows: Mapping[str, RowSet] | None = None,
) -> Generator[pa.RecordBatch, None, None]:
    """The rows of files as they are, file after file: a few are opened ahead, and small ones decoded ahead.

    Args:
        files: Files, each with its bucket.
        fields: Columns to hand out.
        where: Bound predicate: row groups that cannot meet it are skipped.
        rows: By file name, the only rows that matter.
    """
    selected = rows or {}

    def opened(item: tuple[BucketFiles, DataFile]) -> "OpenFile | list[pa.RecordBatch]":
        bucket, file = item
        source = bucket.open(file, fields, where=where, rows=selected.get(file.name))
        if file.row_count > bucket.table.batch_rows:
            return source
        with source:
            return list(source.batches())

    with closing(map_ordered(opened, files, workers=min(FILES_AHEAD, len(files)))) as ahead:
        for source in ahead:
            if isinstance(source, list):
                yield from source
                continue
            with source, closing(ReadAhead(source.batches())) as batches:
                yield from batches


class _Reader:
    """What is the same for all splits of a plan."""

    def __init__(self, parts: ScanParts, plan: Plan, schema: TableSchema, options: TableOptions) -> None:
        self._files = parts.files(schema, options, plan.snapshot_id)
        self._schema = schema
        self._options = options
        self._where = plan.where
        self._where_key = key_part(plan.where, schema)
        self._wanted = select_fields(schema, plan.columns)
        self._fields = _fields_to_read(schema, plan.columns, plan.where)
        self._raw_fields = (*self._fields, KIND_FIELD) if schema.primary_keys else self._fields
        self._never_null = [field.name for field in self._fields if not field.type.nullable]

    def read(self, split: Split) -> Generator[pa.RecordBatch, None, None]:
        """The rows of one split, filtered and projected."""
        bucket = self._files.bucket(split.partition, split.bucket)
        if split.raw:
            yield from self._read_raw(bucket, split.files, split.rows)
            return
        for section in sections_in(self._schema, split.files, what=self._files.what):
            if len(section.runs) == 1:
                yield from self._read_raw(bucket, section.files)
                continue
            merged = read_merged(
                bucket,
                section,
                self._fields,
                options=self._options.merge,
                window_rows=self._options.scan.window_rows,
                where_key=self._where_key,
            )
            with closing(merged) as tables:
                for table in tables:
                    yield from self._finished(table).to_batches()

    def _read_raw(
        self, bucket: BucketFiles, files: Sequence[DataFile], rows: Mapping[str, RowSet] | None = None
    ) -> Generator[pa.RecordBatch, None, None]:
        found = raw_batches([(bucket, file) for file in files], self._raw_fields, where=self._where, rows=rows)
        with closing(found) as batches:
            yield from map(self._finished_raw, batches)

    def _finished_raw(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Retract rows have nothing to hide here: they just go."""
        kinds = kinds_of(batch) if self._schema.primary_keys else None
        return self._finished(batch if kinds is None else batch.filter(pa.array(is_add(kinds))))

    def _finished(self, rows: pa.RecordBatch | pa.Table) -> pa.RecordBatch | pa.Table:
        kept = keep(self._where, rows)
        for name in self._never_null:
            if kept.column(name).null_count:
                raise InvalidInputError(
                    f"{self._files.what}: column {name!r} is NOT NULL now, but rows written before it was are null; let"
                    " it be nullable again, or leave it out",
                    kind=ErrorKind.INVALID_SCHEMA,
                )
        return narrow_columns(kept, self._fields, self._wanted)


def _fields_to_read(schema: TableSchema, columns: Sequence[str], where: Predicate | None) -> tuple[Field, ...]:
    """Columns of the result, then those that only the predicate needs; one at least, to count rows by."""
    needed = [*columns, *sorted(columns_of(where) if where is not None else ())]
    return select_fields(schema, dict.fromkeys(needed or schema.names[:1]))
