"""Rows from anywhere into exactly a table's columns.

1. Match columns by name: one too many is refused, a missing nullable one becomes nulls.
2. Unwrap dictionaries, views and large offsets; choose one conversion per column.
3. Convert; a column that already has the right type is handed through without a copy.
4. Look for nulls where none may be, and for values longer than the type allows.

Invariant: what comes out has the Arrow schema of the fields, and every value equals the one that came in.
When that cannot be, the error names row, column and value, and nothing comes out.
"""

from collections.abc import Collection, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from lakestore.core.ingest_cast import Convert, conversion, first_loss, is_identity, plain, plain_type
from lakestore.errors import ErrorKind, InvalidInputError
from lakestore.model.arrow import arrow_schema, has_length_limit
from lakestore.model.types import NESTED, STRINGS, DataType, Field, TypeRoot

_SHOWN_CHARACTERS = 80


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
        _check_length(column, field, first_row)
        columns.append(column)
    return pa.Table.from_arrays(columns, schema=arrow_schema(fields))


def _check_names(names: Sequence[str], fields: Sequence[Field]) -> None:
    known = [field.name for field in fields]
    extra = [name for name in names if name not in known]
    if extra:
        raise InvalidInputError(
            f"column {extra[0]!r} is not in the table ({len(extra)} such: {', '.join(map(repr, extra))}); "
            f"there are {', '.join(map(repr, known))}. Drop the column, or add it to the table first",
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
    wanted = arrow_schema([field]).field(0).type
    return pa.chunked_array([pa.nulls(count, wanted)], wanted)


def _converted(column: pa.ChunkedArray, field: Field, first_row: int) -> pa.ChunkedArray:
    convert = _conversion_of(column.type, field)
    column = plain(column)
    if is_identity(convert):
        return column
    wanted = arrow_schema([field]).field(0).type
    chunks = []
    row = first_row
    for chunk in column.chunks:
        try:
            chunks.append(convert(chunk))
        except (pa.ArrowInvalid, pa.ArrowCapacityError) as error:
            at = first_loss(chunk, convert)
            raise InvalidInputError(
                f"row {row + at}, column {field.name!r}: the value {_shown(chunk, at)} ({chunk.type}) is not "
                f"exactly a value of {field.type} ({error}); correct it, or convert the column yourself",
                kind=ErrorKind.LOSSY_VALUE,
            ) from error
        row += len(chunk)
    return pa.chunked_array(chunks, wanted)


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
    wanted = arrow_schema([Field(id=0, name="x", type=target)]).field(0).type
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
    if target.root in NESTED:
        return f": a nested column must come as exactly {wanted}"
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


def _check_length(column: pa.ChunkedArray, field: Field, first_row: int) -> None:
    if not has_length_limit(field.type):
        return
    is_text = field.type.root in STRINGS
    lengths = pc.utf8_length(column) if is_text else pc.binary_length(column)
    longest = pc.max(lengths).as_py()
    if longest is None or longest <= (field.type.length or 0):
        return
    at = pc.index(pc.greater(lengths, field.type.length), True).as_py()
    raise InvalidInputError(
        f"row {first_row + at}, column {field.name!r}: the value {_shown(column, at)} has "
        f"{lengths[at].as_py()} {'characters' if is_text else 'bytes'}, more than {field.type} holds",
        kind=ErrorKind.LOSSY_VALUE,
    )


def _shown(values: pa.Array | pa.ChunkedArray, at: int) -> str:
    """One value as text; through Arrow where Python has no such value (nanoseconds, bytes that are no text)."""
    if pa.types.is_temporal(values.type):
        text = str(values.slice(at, 1).cast(pa.string())[0].as_py())
    elif pa.types.is_string(values.type):
        text = repr(values.slice(at, 1).cast(pa.binary())[0].as_py().decode(errors="backslashreplace"))
    else:
        text = repr(values[at].as_py())
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"
