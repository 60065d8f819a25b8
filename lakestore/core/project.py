"""Rows of a file in the columns of another version of the schema.

1. A wanted column is the file's column of the same field id, whatever its name and place there.
2. A column that the file's schema does not have is null; a partition column is the partition's value, whatever
   the file says.
3. A column whose type has changed is cast, where that keeps every value (or rounds it exactly as Java does); any
   other change of type is refused by name, before anything is read.

``stored`` and ``evolved`` are the two steps for one column: from what Arrow made of the file to the Arrow form of
its own declared type, and from that to the wanted type.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from lakestore.core.value_text import Internal, as_float32
from lakestore.errors import UnsupportedFormatError
from lakestore.model.arrow import arrow_type
from lakestore.model.types import (
    BINARIES,
    EXOTIC,
    FLOATS,
    INTEGERS,
    NESTED,
    TIMESTAMPS,
    DataType,
    Field,
    TypeRoot,
)

_INTEGER_DIGITS = {TypeRoot.TINYINT: 3, TypeRoot.SMALLINT: 5, TypeRoot.INT: 10, TypeRoot.BIGINT: 19}


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnSource:
    """Where the values of one wanted column come from.

    Attributes:
        target: The wanted column.
        own: The file's column of that id; None if it has none, so that the column is null or constant.
    """

    target: Field
    own: Field | None


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
    sources = tuple(ColumnSource(target=field, own=by_id.get(field.id)) for field in wanted)
    for source in sources:
        if source.target.type.root in {*NESTED, *EXOTIC}:
            raise UnsupportedFormatError(
                f"{what}: column {source.target.name!r} is {source.target.type}; this release does not read nested"
                " or special types: leave the column out"
            )
        if source.own is not None and not keeps_values(source.own.type, source.target.type):
            raise UnsupportedFormatError(
                f"{what}: column {source.target.name!r} is {source.target.type} now but was written as"
                f" {source.own.type}; this release does not read that change of type: leave the column out, or"
                " compact the table with an engine that does"
            )
    return sources


def keeps_values(source: DataType, target: DataType) -> bool:
    """Whether values of the first type are read as the second."""
    if source == target.with_nullable(source.nullable):
        return True
    rule = _RULES.get((_family(source), _family(target)))
    return rule is not None and rule(source, target)


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


def evolved(column: Any, source: DataType, target: DataType) -> Any:  # noqa: ANN401 - as ``stored``
    """A column of one type as another that ``keeps_values``."""
    wanted = arrow_type(target)
    if column.type == wanted:
        return column
    if source.root is TypeRoot.DECIMAL and target.root in FLOATS:
        return column.cast(pa.string()).cast(wanted)
    if source.root in INTEGERS and target.root in FLOATS:
        return column.cast(wanted, safe=False)
    return column.cast(wanted)


def evolved_bound(value: Internal, source: DataType, target: DataType) -> Internal:
    """A bound of values of the first type as a bound of the same values read as the second."""
    if value is None or isinstance(value, bool | str | bytes):
        return value
    if target.root in FLOATS and source.root is not target.root:
        return as_float32(float(value)) if target.root is TypeRoot.FLOAT else float(value)
    return value


def _family(kind: DataType) -> TypeRoot:
    if kind.root in INTEGERS:
        return TypeRoot.INT
    if kind.root in FLOATS:
        return TypeRoot.DOUBLE
    return TypeRoot.VARBINARY if kind.root in BINARIES else kind.root


def _not_narrower(source: DataType, target: DataType) -> bool:
    return INTEGERS.index(source.root) <= INTEGERS.index(target.root)


def _float_widens(source: DataType, target: DataType) -> bool:
    return source.root is TypeRoot.FLOAT or target.root is TypeRoot.DOUBLE


def _not_shorter(source: DataType, target: DataType) -> bool:
    fixed = target.root in {TypeRoot.CHAR, TypeRoot.BINARY}
    return not fixed and (source.length or 0) <= (target.length or 0)


def _not_coarser(source: DataType, target: DataType) -> bool:
    return (source.precision or 0) <= (target.precision or 0)


def _room_for_digits(source: DataType, target: DataType) -> bool:
    digits = _INTEGER_DIGITS.get(source.root, (source.precision or 0) - (source.scale or 0))
    scale = target.scale or 0
    return scale >= (source.scale or 0) and (target.precision or 0) - scale >= digits


def _always(source: DataType, target: DataType) -> bool:
    del source, target
    return True


_RULES: Mapping[tuple[TypeRoot, TypeRoot], Callable[[DataType, DataType], bool]] = {
    (TypeRoot.INT, TypeRoot.INT): _not_narrower,
    (TypeRoot.INT, TypeRoot.DOUBLE): _always,
    (TypeRoot.INT, TypeRoot.DECIMAL): _room_for_digits,
    (TypeRoot.DOUBLE, TypeRoot.DOUBLE): _float_widens,
    (TypeRoot.DECIMAL, TypeRoot.DECIMAL): _room_for_digits,
    (TypeRoot.DECIMAL, TypeRoot.DOUBLE): _always,
    (TypeRoot.CHAR, TypeRoot.VARCHAR): _not_shorter,
    (TypeRoot.VARCHAR, TypeRoot.VARCHAR): _not_shorter,
    (TypeRoot.VARBINARY, TypeRoot.VARBINARY): _not_shorter,
    (TypeRoot.TIME, TypeRoot.TIME): _not_coarser,
    **{(root, root): _not_coarser for root in TIMESTAMPS},
}


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
