"""Delete rows of a primary-key table: by predicate, or by the keys of given rows.

A delete is a row of kind -D that wins over what it deletes. It must therefore carry what the file format and the merge
need of a row: a value in every NOT NULL column, and the columns that order versions. Where the merge engine would not
let the row go (``first-row``, or ``aggregation``, which takes values back), a delete is refused.

1. Under ``deduplicate``, rows that bring all that are written as they are, without reading the table.
2. Otherwise the rows to delete are read first, narrowed by the keys' values or ranges, and written back as -D.
3. Engines that build rows of all their versions go on from the values of a -D row when its key comes back. There only
   what is needed is written, and nulls for the rest: what was deleted must not shine through.

Invariant: a row that is not there is not written, and no row outside the given keys is touched.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from lakestore.core.ingest import to_schema
from lakestore.core.merge.refusals import refuse_delete, refuse_unordered
from lakestore.core.merge_options import parse_merge
from lakestore.core.values import Internal, scalars_of, to_text
from lakestore.errors import ErrorKind, InvalidInputError, InvariantError
from lakestore.format.binary_row import encode_columns
from lakestore.model.arrow import arrow_type
from lakestore.model.merging import MergeSpec
from lakestore.model.predicate import Predicate, Value, all_of, col
from lakestore.model.rows import MergeEngine, RowKind
from lakestore.model.schema import TableSchema
from lakestore.model.types import DataType, TypeRoot

MAX_LISTED_KEYS = 1000
"""Distinct values of a key column up to which a lookup lists them; above, it gives their range."""

TEMPORAL = (TypeRoot.DATE, TypeRoot.TIME, TypeRoot.TIMESTAMP, TypeRoot.TIMESTAMP_LTZ)

ReadRows = Callable[[Predicate | None], Iterator[pa.RecordBatch]]
"""Reads whole rows of the table that meet a predicate."""
WriteRows = Callable[[pa.Table, RowKind], None]
"""Takes whole rows of one kind."""


def delete_where(
    read: ReadRows,
    write: WriteRows,
    where: Predicate | None,
    *,
    schema: TableSchema,
    sequence_fields: Sequence[str],
) -> int:
    """Write a -D for every row that meets the predicate; returns how many.

    Args:
        read: Reads whole rows.
        write: Takes the -D rows.
        where: Which rows go; None for all.
        schema: The table's schema.
        sequence_fields: Option ``sequence.field``.

    Raises:
        InvalidInputError: The merge engine would keep the rows.
    """
    spec = parse_merge(schema, schema.options)
    refuse_delete(spec)
    needed = _needed(schema, sequence_fields, spec)
    count = 0
    for batch in read(where):
        count += batch.num_rows
        refuse_unordered(batch, spec)
        write(_bare(pa.Table.from_batches([batch]), needed, spec), RowKind.DELETE)
    return count


def delete_rows(
    batches: Iterable[pa.Table],
    *,
    schema: TableSchema,
    sequence_fields: Sequence[str],
    read: ReadRows,
    write: WriteRows,
) -> None:
    """Write a -D for every given key that the table holds, or for every given row that is complete.

    Args:
        batches: Rows with at least the key columns.
        schema: The table's schema.
        sequence_fields: Option ``sequence.field``.
        read: Reads whole rows of the table.
        write: Takes the -D rows.

    Raises:
        InvalidInputError: A key column is missing, or the merge engine would keep the rows.
    """
    spec = parse_merge(schema, schema.options)
    refuse_delete(spec)
    keys = schema.primary_keys
    needed = _needed(schema, sequence_fields, spec)
    for batch in batches:
        missing = [name for name in keys if name not in batch.column_names]
        if missing:
            raise InvalidInputError(
                f"delete() by rows needs the key columns {list(keys)}; {missing} are missing, there are "
                f"{batch.column_names}",
                kind=ErrorKind.MISSING_COLUMN,
            )
        if spec.engine is MergeEngine.DEDUPLICATE and needed <= set(batch.column_names):
            write(to_schema(batch, schema.fields), RowKind.DELETE)
        elif batch.num_rows:
            wanted = to_schema(batch.select(list(keys)), schema.select(keys))
            for found in _rows_with_keys(wanted, schema, read):
                refuse_unordered(found, spec)
                write(_bare(found, needed, spec), RowKind.DELETE)


def _needed(schema: TableSchema, sequence_fields: Sequence[str], spec: MergeSpec) -> set[str]:
    """Columns that a -D row must have values in."""
    ordering = [name for group in spec.groups if group.removes_record for name in group.ordered_by]
    filled = [field.name for field in schema.fields if not field.type.nullable]
    return {*filled, *schema.primary_keys, *sequence_fields, *ordering}


def _bare(rows: pa.Table, needed: Collection[str], spec: MergeSpec) -> pa.Table:
    """The rows as -D rows of that engine hold them."""
    if spec.engine is MergeEngine.DEDUPLICATE:
        return rows
    columns = [
        column if name in needed else pa.nulls(len(rows), column.type)
        for name, column in zip(rows.column_names, rows.columns, strict=True)
    ]
    return pa.Table.from_arrays(columns, schema=rows.schema)


def _rows_with_keys(keys: pa.Table, schema: TableSchema, read: ReadRows) -> Iterator[pa.Table]:
    types = schema.types(schema.primary_keys)
    narrow = all_of(_around(name, keys[name], kind) for name, kind in zip(schema.primary_keys, types, strict=True))
    wanted = _key_bytes(keys, schema)
    for batch in read(narrow):
        rows = pa.Table.from_batches([batch])
        yield rows.filter(pc.is_in(_key_bytes(rows, schema), value_set=wanted))


def _around(name: str, values: pa.ChunkedArray, kind: DataType) -> Predicate:
    distinct = pc.unique(values)
    if len(distinct) <= MAX_LISTED_KEYS:
        return col(name).isin([_literal(value, kind) for value in scalars_of(distinct, kind)])
    bounds = pc.min_max(values)
    low, high = (pa.array([bounds[end]], arrow_type(kind)) for end in ("min", "max"))
    return col(name).between(_literal(scalars_of(low, kind)[0], kind), _literal(scalars_of(high, kind)[0], kind))


def _literal(value: Internal, kind: DataType) -> Value | None:
    if isinstance(value, tuple):
        raise InvariantError(f"a key of type {kind}: nested values are no keys")
    return to_text(value, kind) if kind.root in TEMPORAL else value


def _key_bytes(rows: pa.Table, schema: TableSchema) -> pa.Array:
    """The keys as one binary column: equal keys, equal bytes."""
    names = schema.primary_keys
    encoded = encode_columns([rows[name] for name in names], schema.types(names))
    return pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), len(encoded), [None, pa.py_buffer(encoded.offsets), pa.py_buffer(encoded.data)]
    )
