"""Rows of a file in the columns of another version of the schema.

1. A wanted column is the file's column of the same field id, whatever its name and place there.
2. A column that the file's schema does not have is null; a partition column is the partition's value, whatever
   the file says.
3. A column whose type has changed is cast (``core.casts``); a change of type without a cast is refused by name,
   before anything is read. Members of ROWs, at any depth, go by their field ids as columns do.

``stored`` and ``ColumnSource.cast`` are the two steps for one column: from what Arrow made of the file to the Arrow
form of its own declared type, and from that to the wanted type.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from lakestore.core.casts import Cast, find_cast
from lakestore.core.narrow import narrowed
from lakestore.core.nested_arrays import is_list_like, list_parts, make_list, make_map, make_rows, map_parts, null_array
from lakestore.errors import UnsupportedFormatError
from lakestore.model.arrow import arrow_type
from lakestore.model.types import EXOTIC, NESTED, DataType, Field, TypeRoot


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnSource:
    """Where the values of one wanted column come from.

    Attributes:
        target: The wanted column.
        own: The file's column of that id, narrowed to the members of ROWs that are wanted; None if it has none, so
            that the column is null or constant.
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
        UnsupportedFormatError: A type has changed in a way that is not read, or is special.
    """
    by_id = {field.id: field for field in own}
    return tuple(_source(by_id.get(field.id), field, what) for field in wanted)


def _source(own: Field | None, target: Field, what: str) -> ColumnSource:
    special = next((part for part in target.type.parts() if part.root in EXOTIC), None)
    if special is not None:
        raise UnsupportedFormatError(
            f"{what}: column {target.name!r} is {target.type}; this release does not read {special.root}: leave the"
            " column out"
        )
    if own is None:
        return ColumnSource(target=target, own=None, cast=None)
    needed = replace(own, type=narrowed(own.type, target.type))
    cast = find_cast(needed.type, target.type)
    if cast is None:
        raise UnsupportedFormatError(
            f"{what}: column {target.name!r} is {target.type} now but was written as {own.type}; LakeStore does not"
            " read that change of type: leave the column out, or compact the table with an engine that does"
        )
    return ColumnSource(target=target, own=needed, cast=cast)


def stored(column: Any, kind: DataType) -> Any:  # noqa: ANN401 - Array in, Array out; ChunkedArray likewise
    """What Arrow read of a file, as the Arrow type of the column's declared type.

    Files may spell a type otherwise: another time unit, no time zone, 64-bit offsets, dictionaries, wider or
    narrower integers and decimals. Members of ROWs are found by name, in any order; a missing one that may be null is.

    Raises:
        pa.ArrowInvalid: A value does not fit the declared type.
        pa.ArrowNotImplementedError: The file's type is of another family.
    """
    wanted = arrow_type(kind)
    form = column.type
    if form == wanted:
        return column
    if kind.root in NESTED:
        return _stored_nested(column, kind, wanted)
    if pa.types.is_dictionary(form):
        return stored(column.cast(form.value_type), kind)
    if pa.types.is_timestamp(form) and pa.types.is_timestamp(wanted):
        return column.cast(pa.timestamp(wanted.unit, form.tz)).cast(pa.int64()).cast(wanted)
    if not any(test(form) and test(wanted) for test in _SPELLINGS) or _is_wider_float(form, wanted):
        raise pa.ArrowNotImplementedError(f"the file has it as {form}, the schema as {kind}")
    return column.cast(wanted)


def _stored_nested(column: Any, kind: DataType, wanted: pa.DataType) -> Any:  # noqa: ANN401 - as ``stored``
    if isinstance(column, pa.ChunkedArray):
        return pa.chunked_array([stored(chunk, kind) for chunk in column.chunks], wanted)
    form = column.type
    if kind.root is TypeRoot.ROW and pa.types.is_struct(form):
        return make_rows(column, _stored_members(column, kind), wanted)
    if kind.root is TypeRoot.ARRAY and kind.element is not None and is_list_like(form):
        offsets, values = list_parts(column)
        return make_list(column, offsets, stored(values, kind.element), wanted)
    key, value = (kind.element, _COUNT) if kind.root is TypeRoot.MULTISET else (kind.key, kind.value)
    if key is not None and value is not None and pa.types.is_map(form):
        offsets, keys, values = map_parts(column)
        return make_map(column, offsets, stored(keys, key), stored(values, value), wanted)
    raise pa.ArrowNotImplementedError(f"the file has it as {form}, the schema as {kind}")


def _stored_members(column: Any, kind: DataType) -> list[Any]:  # noqa: ANN401 - pyarrow has no types
    found = column.flatten()
    members = []
    for member in kind.fields:
        at = column.type.get_field_index(member.name)
        if at < 0 and not member.type.nullable:
            raise pa.ArrowInvalid(f"member {member.name!r} is NOT NULL in the file's schema, but the file lacks it")
        members.append(null_array(len(column), arrow_type(member.type)) if at < 0 else stored(found[at], member.type))
    return members


def _is_wider_float(form: pa.DataType, wanted: pa.DataType) -> bool:
    return bool(pa.types.is_floating(form) and form.bit_width > wanted.bit_width)


def _is_text(kind: pa.DataType) -> bool:
    return kind in {pa.string(), pa.large_string(), pa.string_view()}


def _is_bytes(kind: pa.DataType) -> bool:
    # Some writers leave out the STRING annotation of text columns, and Arrow checks the bytes when it casts.
    plain = kind in {pa.binary(), pa.large_binary(), pa.binary_view()}
    return plain or _is_text(kind) or bool(pa.types.is_fixed_size_binary(kind))


_COUNT = DataType(root=TypeRoot.INT, nullable=False)
"""How often a value is in a MULTISET."""
_SPELLINGS = (
    pa.types.is_integer,
    pa.types.is_decimal,
    pa.types.is_floating,
    pa.types.is_date,
    pa.types.is_time,
    _is_bytes,
)
