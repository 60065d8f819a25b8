"""Rows from anywhere into exactly a table's columns.

1. Match columns by name: one too many is refused, a missing nullable one becomes nulls.
2. Unwrap dictionaries, views and large offsets; choose one conversion per column (``core.ingest_nested`` for nested
   ones).
3. Convert; a column that already has the right type is handed through without a copy.
4. Look for nulls where none may be, and for values longer than the type allows.

Invariant: what comes out has the Arrow schema of the fields, and every value equals the one that came in.
When that cannot be, the error names row, column and value, and nothing comes out.
"""

from collections.abc import Collection, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from lakestore.core.ingest_cast import LOSSES, Convert, conversion, first_loss, is_identity, plain, plain_type
from lakestore.core.ingest_nested import nested_conversion
from lakestore.core.ingest_places import Place, check_length, lossy
from lakestore.core.nested_arrays import null_array
from lakestore.errors import ErrorKind, InvalidInputError
from lakestore.model.arrow import arrow_schema, arrow_type
from lakestore.model.types import NESTED, DataType, Field, TypeRoot


def to_schema(
    rows: pa.Table | pa.RecordBatch,
    fields: Sequence[Field],
    *,
    keys: Collection[str] = (),
    first_row: int = 0,
) -> pa.Table:
    """The rows as a table with exactly the columns of ``fields``, in their order and types.

    Args:
        rows: Columns in any order, of any Arrow types that hold values of the fields' types.
        fields: The table's columns.
        keys: Columns that must not be null whatever their type says, and whose nulls are key errors.
        first_row: Number of the first of the rows, for messages.

    Raises:
        InvalidInputError: A column is unknown, doubled or missing, a type can never be the column's, or a
            value is null, too long or would change; the message names it.
    """
    names = rows.schema.names
    _check_names(names, fields)
    columns = []
    for field in fields:
        if field.name in names:
            column = rows.column(field.name)
            chunked = column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])
            column = _converted(chunked, field, first_row)
        else:
            column = _absent(field, len(rows), is_key=field.name in keys)
        _check_nulls(column, field, is_key=field.name in keys, first_row=first_row)
        if field.type.root not in NESTED:
            check_length(column, field.type, Place.column(field.name, first_row))
        columns.append(column)
    return pa.Table.from_arrays(columns, schema=arrow_schema(fields))


def _check_names(names: Sequence[str], fields: Sequence[Field]) -> None:
    known = [field.name for field in fields]
    extra = [name for name in names if name not in known]
    if extra:
        raise InvalidInputError(
            f"column {extra[0]!r} is not in the table ({len(extra)} such: {', '.join(map(repr, extra))}); "
            f"there are {', '.join(map(repr, known))}. Drop the column, add it to the table first, or let the "
            "table follow the rows with evolve=True (on the command line --evolve)",
            kind=ErrorKind.EXTRA_COLUMN,
        )
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise InvalidInputError(
            f"column {doubled[0]!r} appears {names.count(doubled[0])} times in the rows; keep one of them",
            kind=ErrorKind.INVALID_SCHEMA,
        )


def _absent(field: Field, count: int, *, is_key: bool) -> pa.ChunkedArray:
    if is_key or not field.type.nullable:
        raise InvalidInputError(
            f"column {field.name!r} ({field.type}) is missing from the rows and "
            f"{'is part of the key' if is_key else 'must not be null'}: supply it",
            kind=ErrorKind.MISSING_COLUMN,
        )
    wanted = arrow_type(field.type)
    return pa.chunked_array([null_array(count, wanted)], wanted)


def _converted(column: pa.ChunkedArray, field: Field, first_row: int) -> pa.ChunkedArray:
    if field.type.root in NESTED:
        return _converted_nested(column, field, first_row)
    convert = _conversion_of(column.type, field)
    column = plain(column)
    if is_identity(convert):
        return column
    wanted = arrow_type(field.type)
    chunks = []
    row = first_row
    for chunk in column.chunks:
        try:
            chunks.append(convert(chunk))
        except LOSSES as error:
            place = Place.column(field.name, row)
            raise lossy(place, first_loss(chunk, convert), chunk, field.type, error) from error
        row += len(chunk)
    return pa.chunked_array(chunks, wanted)


def _converted_nested(column: pa.ChunkedArray, field: Field, first_row: int) -> pa.ChunkedArray:
    convert = nested_conversion(column.type, field.type, field.name)
    chunks = []
    row = first_row
    for chunk in column.chunks:
        chunks.append(convert(chunk, Place.column(field.name, row)))
        row += len(chunk)
    return pa.chunked_array(chunks, arrow_type(field.type))


def _conversion_of(source: pa.DataType, field: Field) -> Convert:
    unwrapped = plain_type(source)
    convert = conversion(unwrapped, field.type)
    if convert is not None:
        return convert
    raise InvalidInputError(
        f"column {field.name!r}: values of Arrow type {source} are not taken for {field.type}"
        f"{_advice(unwrapped, field.type)}",
        kind=ErrorKind.INVALID_TYPE,
    )


def _advice(source: pa.DataType, target: DataType) -> str:
    wanted = arrow_type(target)
    if target.root is TypeRoot.TIMESTAMP and pa.types.is_timestamp(source):
        return (
            f": the column has the time zone {source.tz}, the table's timestamps have none. Say which wall "
            f"clock you mean, for example with pyarrow.compute.local_timestamp"
        )
    if target.root is TypeRoot.TIMESTAMP_LTZ and pa.types.is_timestamp(source):
        return (
            ": the column has no time zone, the table's values are instants. Say which zone they are in, "
            "for example with pyarrow.compute.assume_timezone"
        )
    return f". Convert the column to {wanted} yourself if that is what you mean"


def _check_nulls(column: pa.ChunkedArray, field: Field, *, is_key: bool, first_row: int) -> None:
    if (field.type.nullable and not is_key) or column.null_count == 0:
        return
    row = first_row + pc.index(column.is_null(), True).as_py()
    what = "is part of the key" if is_key else "is NOT NULL"
    raise InvalidInputError(
        f"row {row}, column {field.name!r}: null, but the column {what}; {column.null_count} of "
        f"{len(column)} rows are null here",
        kind=ErrorKind.NULL_KEY if is_key else ErrorKind.INVALID_VALUE,
    )
