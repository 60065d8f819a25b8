"""Row kinds of the rows that users hand in: one for all rows, a column of them, or an array beside them.

Kinds are written ``+I``, ``-U``, ``+U`` and ``-D``, or as the numbers of the file format (``model.rows.RowKind``).
A column of kinds is taken out of the rows: it is no column of the table.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakestore.errors import ErrorKind, InvalidInputError
from lakestore.model.rows import RowKind
from lakestore.model.schema import TableSchema

SHORTS = tuple(kind.short for kind in RowKind)
"""``+I``, ``-U``, ``+U`` and ``-D``, in the order of their numbers."""

Kinded = tuple[pa.Table, pa.Array | None]
"""Rows and the kind of each as int8; None where nobody said."""


def with_kinds(
    tables: Iterable[pa.Table], row_kind: object, schema: TableSchema, rowkind_field: str | None = None
) -> Iterator[Kinded]:
    """Rows with what was said of their kinds.

    Args:
        tables: The rows.
        row_kind: None, a ``RowKind``, its short form, the name of a column, or an array with a kind for each row.
        schema: The table's schema.
        rowkind_field: Option ``rowkind.field``, which says the kinds already.

    Raises:
        InvalidInputError: There is no such column, a value is no row kind, there are more or fewer kinds than rows, or
            the table's own column says the kinds.
    """
    if row_kind is None:
        return ((table, None) for table in tables)
    if rowkind_field is not None:
        raise InvalidInputError(
            f"row_kind: the option rowkind.field says that column {rowkind_field!r} holds the kind of each row; leave "
            "row_kind out and fill that column"
        )
    if isinstance(row_kind, str) and row_kind not in SHORTS:
        return _from_column(tables, row_kind, schema)
    if isinstance(row_kind, str | RowKind):
        kind = RowKind(SHORTS.index(row_kind)) if isinstance(row_kind, str) else row_kind
        return ((table, repeated(kind, len(table))) for table in tables)
    return _beside(list(tables), codes_of(_arrow(row_kind), "row_kind"))


def repeated(kind: RowKind, rows: int) -> pa.Array:
    """That kind for each of so many rows, as int8."""
    return pa.array(np.full(rows, kind, np.int8))


def codes_of(values: Any, what: str, *, first_row: int = 0) -> pa.Array:  # noqa: ANN401 - Array or ChunkedArray
    """Row kinds as the numbers of the file format.

    Args:
        values: Short forms (plain or dictionary-encoded), or numbers.
        what: What messages call them.
        first_row: Number of the first of their rows, for messages.

    Raises:
        InvalidInputError: A value is no row kind; the message names its row.
    """
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_string_view(values.type):
        values = values.cast(pa.string())
    if pa.types.is_integer(values.type):
        known = pa.array(list(RowKind), values.type)
        expected = "0 (+I), 1 (-U), 2 (+U) or 3 (-D)"
    elif pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        known = pa.array(SHORTS, values.type)
        expected = f"one of {', '.join(SHORTS)}"
    else:
        raise InvalidInputError(
            f"{what}: values of Arrow type {values.type} are no row kinds; expected text ({', '.join(SHORTS)}) or "
            "the numbers 0 to 3",
            kind=ErrorKind.INVALID_TYPE,
        )
    found = pc.index_in(values, value_set=known)
    if found.null_count:
        at = pc.index(found.is_null(), True).as_py()
        raise InvalidInputError(
            f"row {first_row + at}, {what}: {values[at].as_py()!r} is no row kind; expected {expected}"
        )
    return found.cast(pa.int8())


def _from_column(tables: Iterable[pa.Table], name: str, schema: TableSchema) -> Iterator[Kinded]:
    if name in schema.names:
        raise InvalidInputError(
            f"row_kind={name!r} is a column of the table: a column of row kinds is taken out of the rows, so give it "
            "another name; for a column that the table keeps, set the option rowkind.field when it is created"
        )
    first = 0
    for table in tables:
        if name not in table.column_names:
            raise InvalidInputError(
                f"row_kind={name!r}: the rows have no such column; there are {table.column_names}. Expected one of "
                f"{', '.join(SHORTS)}, or the name of a column with such values",
                kind=ErrorKind.MISSING_COLUMN,
            )
        kinds = codes_of(table.column(name), f"column {name!r}", first_row=first)
        first += len(table)
        yield table.drop_columns([name]), kinds


def _beside(tables: list[pa.Table], kinds: pa.Array) -> Iterator[Kinded]:
    rows = sum(len(table) for table in tables)
    if rows != len(kinds):
        raise InvalidInputError(f"row_kind has {len(kinds)} values for {rows} rows; expected one for each row")
    first = 0
    for table in tables:
        yield table, kinds.slice(first, len(table))
        first += len(table)


def _arrow(values: Any) -> pa.Array | pa.ChunkedArray:  # noqa: ANN401 - whatever Arrow makes an array of
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values
    try:
        if hasattr(values, "__arrow_c_stream__"):
            return pa.chunked_array(values)
        if isinstance(values, list | tuple) and all(isinstance(value, RowKind) for value in values):
            return pa.array([int(value) for value in values], pa.int8())
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError) as error:
        raise InvalidInputError(
            f"row_kind is a {type(values).__name__}: expected a RowKind, one of {', '.join(SHORTS)}, the name of a "
            "column, or an array with one for each row",
            kind=ErrorKind.INVALID_TYPE,
        ) from error
