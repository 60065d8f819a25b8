"""ANALYZE: statistics of the rows that a reader gets, stored with a snapshot of their own (``StatsFileHandler``).

Columns are read one at a time, in batches; Arrow kernels count. Memory is the distinct values of one column.

Invariant: the statistics name the snapshot that was read; the ANALYZE snapshot that carries them may come after others.
"""

from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from lakestore.core.values import scalars_of
from lakestore.errors import ErrorKind, InvalidInputError, NotFoundError
from lakestore.format.statistics_file import statistics_to_json
from lakestore.maintain.cleaning import CleanParts
from lakestore.meta.commit import Committer
from lakestore.meta.scan import snapshot_entries
from lakestore.model.message import CommitRequest
from lakestore.model.snapshot import CommitKind, Snapshot
from lakestore.model.statistics import ColumnSummary, TableStatistics
from lakestore.model.types import Field, TypeRoot
from lakestore.storage.partition_text import partition_text
from lakestore.storage.paths import statistics_name

ReadColumn = Callable[[str], Iterator[pa.RecordBatch]]
"""Reads one column of the snapshot."""

_BOUNDED = {
    TypeRoot.BOOLEAN,
    TypeRoot.TINYINT,
    TypeRoot.SMALLINT,
    TypeRoot.INT,
    TypeRoot.BIGINT,
    TypeRoot.FLOAT,
    TypeRoot.DOUBLE,
    TypeRoot.DECIMAL,
    TypeRoot.DATE,
    TypeRoot.TIMESTAMP,
    TypeRoot.TIMESTAMP_LTZ,
}
"""Types whose bounds optimizers ask for, as Spark does; texts and binaries have lengths instead."""


def analyze(
    parts: CleanParts, committer: Committer, snapshot: Snapshot | None, columns: Sequence[str], read: ReadColumn
) -> TableStatistics:
    """Compute the statistics of a snapshot and commit them.

    Args:
        parts: The table, in the schema that ``read`` reads in.
        committer: Makes the snapshot.
        snapshot: What ``read`` reads.
        columns: Columns to look at.
        read: Reads one column.

    Raises:
        InvalidInputError: There is no snapshot yet.
        NotFoundError: There is no such column.
    """
    if snapshot is None:
        raise InvalidInputError(f"{parts.name} has no snapshot yet, so there is nothing to analyze")
    fields = {field.name: field for field in parts.schema.fields}
    unknown = [name for name in columns if name not in fields]
    if unknown:
        raise NotFoundError(
            f"{parts.name} has no column {unknown[0]!r}; there are {', '.join(fields)}", kind=ErrorKind.COLUMN_NOT_FOUND
        )
    entries = snapshot_entries(parts.manifests, snapshot)
    stored = sum(entry.file.row_count for entry in entries)
    size = sum(entry.file.size for entry in entries)
    rows = sum(batch.num_rows for batch in read(parts.schema.fields[0].name))
    statistics = TableStatistics(
        snapshot_id=snapshot.id,
        schema_id=snapshot.schema_id,
        rows=rows,
        size=size * rows // stored if stored else 0,
        columns={name: summarize(fields[name], read(name)) for name in columns},
    )
    name = statistics_name(parts.env.new_id(), 0)
    parts.store.put(parts.paths.statistics(name), statistics_to_json(statistics))
    committer.commit(
        CommitRequest(
            user=parts.env.new_id(),
            kind=CommitKind.ANALYZE,
            statistics=name,
            allow_empty=True,
            schema_id=parts.schema.id,
        )
    )
    return statistics


def summarize(field: Field, batches: Iterator[pa.RecordBatch]) -> ColumnSummary:
    """The summary of one column."""
    nulls = values = length = longest = 0
    distinct: pa.Array | None = None
    sized = _lengths(field)
    for batch in batches:
        column = batch.column(0)
        nulls += column.null_count
        present = column.drop_null()
        if not len(present):
            continue
        values += len(present)
        if sized:
            lengths = pc.binary_length(present)
            length += pc.sum(lengths).as_py()
            longest = max(longest, pc.max(lengths).as_py())
        if not pa.types.is_nested(present.type):
            found = pc.unique(present)
            distinct = found if distinct is None else pc.unique(pa.concat_arrays([distinct, found]))
    low, high = _bounds(field, distinct)
    width = _width(field)
    return ColumnSummary(
        field_id=field.id,
        distinct=None if distinct is None and values else (0 if distinct is None else len(distinct)),
        low=low,
        high=high,
        nulls=nulls,
        average_bytes=-(-length // values) if sized and values else width,
        most_bytes=longest if sized and values else width,
    )


def _bounds(field: Field, distinct: pa.Array | None) -> tuple[str | None, str | None]:
    if distinct is None or field.type.root not in _BOUNDED:
        return None, None
    known = distinct.filter(pc.invert(pc.is_nan(distinct))) if pa.types.is_floating(distinct.type) else distinct
    if not len(known):
        return None, None
    ordered = pc.array_sort_indices(known)
    ends = known.take(pa.array([ordered[0].as_py(), ordered[-1].as_py()]))
    low, high = (partition_text(value, field.type, legacy=True) for value in scalars_of(ends, field.type))
    return low, high


def _lengths(field: Field) -> bool:
    return field.type.root in {TypeRoot.CHAR, TypeRoot.VARCHAR, TypeRoot.BINARY, TypeRoot.VARBINARY}


def _width(field: Field) -> int | None:
    """Bytes of a value of a type of fixed width; None for others."""
    widths = {TypeRoot.BOOLEAN: 1, TypeRoot.TINYINT: 1, TypeRoot.SMALLINT: 2, TypeRoot.INT: 4, TypeRoot.BIGINT: 8}
    widths |= {TypeRoot.FLOAT: 4, TypeRoot.DOUBLE: 8, TypeRoot.DATE: 4, TypeRoot.TIMESTAMP: 8}
    widths |= {TypeRoot.TIMESTAMP_LTZ: 8, TypeRoot.DECIMAL: 8 if (field.type.precision or 38) <= 18 else 16}
    return widths.get(field.type.root)
