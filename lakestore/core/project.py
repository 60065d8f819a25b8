"""Rows of a file in the columns of another version of the schema.

1. A wanted column is the file's column of the same field id, whatever its name and place there.
2. A column that the file's schema does not have is null; a partition column is the partition's value, whatever
   the file says.
3. A column whose type has changed is cast (``core.casts``); a change of type without a cast is refused by name,
   before anything is read.

``stored`` and ``ColumnSource.cast`` are the two steps for one column: from what Arrow made of the file to the Arrow
form of its own declared type, and from that to the wanted type.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from lakestore.core.casts import Cast, find_cast
from lakestore.errors import UnsupportedFormatError
from lakestore.model.arrow import arrow_type
from lakestore.model.types import EXOTIC, NESTED, DataType, Field


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnSource:
    """Where the values of one wanted column come from.

    Attributes:
        target: The wanted column.
        own: The file's column of that id; None if it has none, so that the column is null or constant.
        cast: From the file's type to the wanted one; None without a column of the file.
    """

    target: Field
    own: Field | None
    cast: Cast | None


def sources_of(own: Sequence[Field], wanted: Sequence[Field], *, what: str) -> tuple[ColumnSource, ...]:
    """Where each wanted column comes from.

    Args:
        own: Columns of the schema that the file was written with.
        wanted: Columns to hand out.
        what: The file, for messages.

    Raises:
        UnsupportedFormatError: A type has changed in a way that is not read, or is nested or special.
    """
    by_id = {field.id: field for field in own}
    return tuple(_source(by_id.get(field.id), field, what) for field in wanted)


def _source(own: Field | None, target: Field, what: str) -> ColumnSource:
    if target.type.root in {*NESTED, *EXOTIC}:
        raise UnsupportedFormatError(
            f"{what}: column {target.name!r} is {target.type}; this release does not read nested or special types:"
            " leave the column out"
        )
    if own is None:
        return ColumnSource(target=target, own=None, cast=None)
    cast = find_cast(own.type, target.type)
    if cast is None:
        raise UnsupportedFormatError(
            f"{what}: column {target.name!r} is {target.type} now but was written as {own.type}; LakeStore does not"
            " read that change of type: leave the column out, or compact the table with an engine that does"
        )
    return ColumnSource(target=target, own=own, cast=cast)


def stored(column: Any, kind: DataType) -> Any:  # noqa: ANN401 - Array in, Array out; ChunkedArray likewise
    """What Arrow read of a file, as the Arrow type of the column's declared type.

    Files may spell a type otherwise: another time unit, no time zone, 64-bit offsets, dictionaries, wider or
    narrower integers and decimals.

    Raises:
        pa.ArrowInvalid: A value does not fit the declared type.
        pa.ArrowNotImplementedError: The file's type is of another family.
    """
    wanted = arrow_type(kind)
    form = column.type
    if form == wanted:
        return column
    if pa.types.is_dictionary(form):
        return stored(column.cast(form.value_type), kind)
    if pa.types.is_timestamp(form) and pa.types.is_timestamp(wanted):
        return column.cast(pa.timestamp(wanted.unit, form.tz)).cast(pa.int64()).cast(wanted)
    if not any(test(form) and test(wanted) for test in _SPELLINGS) or _is_wider_float(form, wanted):
        raise pa.ArrowNotImplementedError(f"the file has it as {form}, the schema as {kind}")
    return column.cast(wanted)


def _is_wider_float(form: pa.DataType, wanted: pa.DataType) -> bool:
    return bool(pa.types.is_floating(form) and form.bit_width > wanted.bit_width)


def _is_text(kind: pa.DataType) -> bool:
    return kind in {pa.string(), pa.large_string(), pa.string_view()}


def _is_bytes(kind: pa.DataType) -> bool:
    # Some writers leave out the STRING annotation of text columns, and Arrow checks the bytes when it casts.
    plain = kind in {pa.binary(), pa.large_binary(), pa.binary_view()}
    return plain or _is_text(kind) or bool(pa.types.is_fixed_size_binary(kind))


_SPELLINGS = (
    pa.types.is_integer,
    pa.types.is_decimal,
    pa.types.is_floating,
    pa.types.is_date,
    pa.types.is_time,
    _is_bytes,
)
