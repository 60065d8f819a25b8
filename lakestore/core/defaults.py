"""Column defaults: what is written where a row has null.

As in Paimon, a default fills every null of its column while rows are written, whether the column was missing or null
was given; NOT NULL is checked before. Rows that are there already do not change. The text of a default is read as if
it were a STRING value that is cast to the column's type (Paimon ``DefaultValueUtils``); quotes around it go.
"""

from collections.abc import Collection, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lakestore.core.casts import find_cast
from lakestore.errors import ErrorKind, InvalidInputError
from lakestore.model.types import MAX_LENGTH, DataType, Field, TypeRoot

STRING = DataType(root=TypeRoot.VARCHAR, length=MAX_LENGTH)


def parse_default(text: str, kind: DataType) -> Any:  # noqa: ANN401 - a pyarrow scalar
    """The value that a default stands for.

    Raises:
        InvalidInputError: The type takes no default, or the text is no value of it.
    """
    cast = find_cast(STRING, kind)
    if cast is None:
        raise InvalidInputError(f"{kind} takes no default", kind=ErrorKind.INVALID_TYPE)
    if len(text) > 1 and text.startswith("'") and text.endswith("'"):
        text = text[1:-1]
    value = cast(pa.array([text], pa.string()))[0]
    if not value.is_valid:
        raise InvalidInputError(f"the default {text!r} has too many digits for {kind}", kind=ErrorKind.INVALID_VALUE)
    return value


def with_defaults(rows: pa.Table, fields: Sequence[Field], *, only: Collection[str] | None = None) -> pa.Table:
    """The rows with nulls replaced by the defaults of their columns.

    Args:
        rows: Rows in the columns of ``fields``.
        fields: The table's columns.
        only: Columns that are filled; all by default.

    Raises:
        InvalidInputError: A default is no value of its column.
    """
    for position, field in enumerate(fields):
        column = rows.column(position)
        if field.default_value is None or (only is not None and field.name not in only):
            continue
        if column.null_count:
            filled = pc.fill_null(column, parse_default(field.default_value, field.type))
            rows = rows.set_column(position, rows.schema.field(position), filled)
    return rows
