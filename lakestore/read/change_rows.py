"""Changes as Arrow: a first column ``_row_kind``, then the columns asked for.

Rows of data and changelog files are handed out as they are, in the order of the files, with their kinds. The predicate
goes over each row by itself: an update that carries a row out of what is asked for shows as its -U alone. Where a take
back is only known to be right in its key (what writers hand in, with changelog producer ``none`` or ``input``), the
part of the predicate that looks at key and partition columns decides on it.
"""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakestore.core.filter import keep, mask
from lakestore.data.file_reader import BucketFiles
from lakestore.data.file_writer import is_retract
from lakestore.model.arrow import arrow_schema
from lakestore.model.manifest import ManifestEntry
from lakestore.model.options import TableOptions
from lakestore.model.predicate import Predicate, columns_of
from lakestore.model.rows import KIND_FIELD, VALUE_KIND, ChangelogProducer, RowKind
from lakestore.model.schema import TableSchema
from lakestore.model.split import Plan
from lakestore.model.types import Field
from lakestore.read.parts import ScanParts
from lakestore.read.prune import Pruner, key_part
from lakestore.read.reader import raw_batches, read_plan

ROW_KIND = "_row_kind"
"""Name of the first column of changes."""

_KIND_TYPE = pa.dictionary(pa.int8(), pa.string())


def change_schema(schema: TableSchema, columns: Sequence[str]) -> pa.Schema:
    """Arrow schema of changes. Beside the keys every column may be null: a delete may know the key only."""
    fields = [
        field if not schema.primary_keys or field.name in schema.primary_keys else field.with_nullable(True)  # noqa: FBT003
        for field in arrow_schema(schema.select(columns))
    ]
    return pa.schema([pa.field(ROW_KIND, _KIND_TYPE, nullable=False), *fields])


def with_kinds(rows: pa.RecordBatch, kinds: pa.Array, schema: pa.Schema) -> pa.RecordBatch:
    """Rows as changes.

    Args:
        rows: Holds at least the columns of ``schema`` but the first.
        kinds: Kind of each row, int8.
        schema: From ``change_schema``.
    """
    told = pa.DictionaryArray.from_arrays(kinds, pa.array([kind.short for kind in RowKind]))
    return pa.RecordBatch.from_arrays([told, *(rows.column(name) for name in schema.names[1:])], schema=schema)


def of_one_kind(rows: pa.RecordBatch, kind: RowKind, schema: pa.Schema) -> pa.RecordBatch:
    """Rows as changes that are all of one kind."""
    return with_kinds(rows, pa.array(np.full(rows.num_rows, kind, np.int8)), schema)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeReader:
    """Reads rows of one table as changes.

    Attributes:
        parts: The open table.
        schema: Schema that rows are handed out in.
        options: Its options.
        columns: Names of the columns to hand out.
        where: Bound predicate, None for all rows.
    """

    parts: ScanParts
    schema: TableSchema
    options: TableOptions
    columns: tuple[str, ...]
    where: Predicate | None

    @property
    def arrow_schema(self) -> pa.Schema:
        """Arrow schema of what is read."""
        return change_schema(self.schema, self.columns)

    def of_files(
        self, entries: Sequence[ManifestEntry], *, snapshot_id: int, kind: RowKind | None = None
    ) -> Iterator[pa.RecordBatch]:
        """The rows of files as they are.

        Args:
            entries: The files, in order.
            snapshot_id: For messages.
            kind: The kind that all rows have; by default what the files say, inserts in append tables.
        """
        files = self.parts.files(self.schema, self.options, snapshot_id)
        pruner = Pruner(self.schema, files.schema_of, self.options.bucket, self._surely)
        buckets: dict[tuple[bytes, int], BucketFiles] = {}
        kept = []
        for entry in entries:
            place = (entry.partition, entry.bucket)
            if self._surely is not None and not pruner.keeps_entry(entry):
                continue
            if place not in buckets:
                buckets[place] = files.bucket(*place)
            kept.append((buckets[place], entry.file))
        with closing(raw_batches(kept, self._fields(), where=self._surely)) as batches:
            for batch in batches:
                changes = self._changes(batch, kind)
                if changes.num_rows:
                    yield changes

    def of_plan(self, plan: Plan, kind: RowKind = RowKind.INSERT) -> Generator[pa.RecordBatch, None, None]:
        """The rows of a planned scan, all of one kind."""
        schema = self.arrow_schema
        with closing(read_plan(self.parts, plan, schema=self.schema, options=self.options)) as batches:
            for batch in batches:
                yield of_one_kind(batch, kind, schema)

    @property
    def _exact(self) -> bool:
        """Whether every row is known in all its columns."""
        told = self.options.merge.changelog_producer
        return not self.schema.primary_keys or told not in {ChangelogProducer.NONE, ChangelogProducer.INPUT}

    @property
    def _surely(self) -> Predicate | None:
        """The predicate as far as it holds for every row that is handed out."""
        return self.where if self._exact else key_part(self.where, self.schema)

    def _fields(self) -> tuple[Field, ...]:
        needed = [*self.columns, *sorted(columns_of(self.where) if self.where is not None else ())]
        fields = self.schema.select(dict.fromkeys(needed or self.schema.names[:1]))
        return (*fields, KIND_FIELD) if self.schema.primary_keys else fields

    def _changes(self, batch: pa.RecordBatch, kind: RowKind | None) -> pa.RecordBatch:
        if self._exact or self.where is None:
            kept = keep(self.where, batch)
        else:
            taken_back = is_retract(batch.column(VALUE_KIND))
            by_key = key_part(self.where, self.schema)
            whole = pc.fill_null(mask(self.where, batch), fill_value=False)
            if by_key is not None:
                taken_back = pc.and_(taken_back, pc.fill_null(mask(by_key, batch), fill_value=False))
            kept = batch.filter(pc.or_(whole, taken_back))
        if kind is not None or not self.schema.primary_keys:
            return of_one_kind(kept, kind or RowKind.INSERT, self.arrow_schema)
        return with_kinds(kept, kept.column(VALUE_KIND), self.arrow_schema)
