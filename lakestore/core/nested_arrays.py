"""Nested Arrow arrays taken apart and put together again, without looking at a single value.

What Arrow leaves to chance is settled here: children begin where the array begins, null lists and maps hold nothing,
and members of null rows are null, unless they are NOT NULL: then they are zero, for Arrow writes no such nulls.
All kinds of lists come apart into the same two parts.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Offsets = NDArray[np.int64]
"""Where each list begins in its values and where the last one ends, from 0 on."""

_MAX_VALUES = (1 << 31) - 1
_WIDEST = 32
"""Bytes of the widest value, or of two offsets."""
_LONG = {pa.string_view(): pa.large_string(), pa.binary_view(): pa.large_binary()}


def is_list_like(kind: pa.DataType) -> bool:
    """Whether values are lists of some kind; maps are not meant."""
    tests = (
        pa.types.is_list,
        pa.types.is_large_list,
        pa.types.is_fixed_size_list,
        pa.types.is_list_view,
        pa.types.is_large_list_view,
    )
    return any(test(kind) for test in tests)


def list_parts(array: Any) -> tuple[Offsets, Any]:  # noqa: ANN401 - pyarrow has no types
    """The offsets and the values of an array of lists of any kind; null lists are empty.

    Raises:
        pa.ArrowCapacityError: There are more values than one list array can hold.
    """
    kind = array.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_map(kind):
        starts = np.asarray(array.offsets).astype(np.int64)
        lengths = np.diff(starts)
        hidden = array.null_count and lengths[np.asarray(array.is_null())].any()
        if not hidden:
            begin, end = int(starts[0]), int(starts[-1])
            return _checked(starts - begin), array.values.slice(begin, end - begin)
        starts = starts[:-1]
    elif pa.types.is_fixed_size_list(kind):
        lengths = np.full(len(array), kind.list_size, np.int64)
        starts = (np.arange(len(array)) + array.offset) * kind.list_size
    else:
        starts, lengths = np.asarray(array.offsets).astype(np.int64), np.asarray(array.sizes).astype(np.int64)
    if array.null_count:
        lengths = np.where(np.asarray(array.is_null()), 0, lengths)
    offsets = _checked(np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)]))
    shifts = (starts - offsets[:-1])[lengths > 0]
    if not len(shifts) or (shifts == shifts[0]).all():
        return offsets, array.values.slice(int(shifts[0]) if len(shifts) else 0, int(offsets[-1]))
    places = np.repeat(starts - offsets[:-1], lengths) + np.arange(int(offsets[-1]))
    return offsets, _takeable(array.values).take(pa.array(places))


def _takeable(array: Any) -> Any:  # noqa: ANN401 - pyarrow has no types
    """The same values without views, of which Arrow cannot take some."""
    kind = array.type
    if kind in _LONG:
        return array.cast(_LONG[kind])
    if pa.types.is_map(kind):
        offsets, keys, values = map_parts(array)
        keys, values = _takeable(keys), _takeable(values)
        return make_map(array, offsets, keys, values, pa.map_(keys.type, values.type))
    if is_list_like(kind):
        offsets, values = list_parts(array)
        values = _takeable(values)
        return make_list(array, offsets, values, pa.list_(values.type))
    if pa.types.is_struct(kind):
        members = [_takeable(child) for child in array.flatten()]
        fields = [kind.field(place).with_type(member.type) for place, member in enumerate(members)]
        return make_rows(array, members, pa.struct(fields))
    return array


def map_parts(array: Any) -> tuple[Offsets, Any, Any]:  # noqa: ANN401 - pyarrow has no types
    """The offsets, keys and values of an array of maps, or of lists of rows of two."""
    offsets, entries = list_parts(array)
    keys, values = entries.flatten()
    return offsets, keys, values


def make_list(array: Any, offsets: Offsets, values: Any, kind: pa.DataType) -> pa.Array:  # noqa: ANN401
    """Lists that are null where ``array`` is null."""
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values, type=kind, mask=null_mask_of(array))


def make_map(array: Any, offsets: Offsets, keys: Any, values: Any, kind: pa.DataType) -> pa.Array:  # noqa: ANN401
    """Maps that are null where ``array`` is null."""
    return pa.MapArray.from_arrays(pa.array(offsets, pa.int32()), keys, values, type=kind, mask=null_mask_of(array))


def make_rows(array: Any, members: Sequence[Any], kind: pa.DataType) -> pa.Array:  # noqa: ANN401
    """Rows that are null where ``array`` is null."""
    fields = [kind.field(place) for place in range(kind.num_fields)]
    mask = null_mask_of(array)
    if not fields:
        valid = None if mask is None else pc.invert(mask).buffers()[1]
        return pa.StructArray.from_buffers(kind, len(array), [valid])
    if mask is not None:
        members = [
            _unhidden(member, mask) if member.null_count and not field.nullable else member
            for field, member in zip(fields, members, strict=True)
        ]
    return pa.StructArray.from_arrays(members, fields=fields, mask=mask)


def null_array(count: int, kind: pa.DataType) -> Any:  # noqa: ANN401 - pyarrow has no types
    """So many nulls, with nothing null in them that the type says is not."""
    return settled(pa.nulls(count, kind))


def settled(array: Any) -> Any:  # noqa: ANN401 - pyarrow has no types
    """The same values, where members that are NOT NULL have nulls only in rows that are there, which is an error.

    Kernels leave nulls in members of null rows; Parquet's writer takes those for nulls of the member.
    """
    kind = array.type
    if not has_strict_members(kind):
        return array
    if isinstance(array, pa.ChunkedArray):
        return pa.chunked_array([settled(chunk) for chunk in array.chunks], kind)
    if pa.types.is_struct(kind):
        return make_rows(array, [settled(member) for member in array.flatten()], kind)
    if pa.types.is_map(kind):
        offsets, keys, values = map_parts(array)
        return make_map(array, offsets, settled(keys), settled(values), kind)
    offsets, values = list_parts(array)
    return make_list(array, offsets, settled(values), kind)


def has_strict_members(kind: pa.DataType) -> bool:
    """Whether rows inside have members that are never null."""
    if pa.types.is_struct(kind):
        members = [kind.field(place) for place in range(kind.num_fields)]
        return any(not member.nullable or has_strict_members(member.type) for member in members)
    if pa.types.is_map(kind):
        return has_strict_members(kind.key_type) or has_strict_members(kind.item_type)
    return pa.types.is_list(kind) and has_strict_members(kind.value_type)


def null_mask_of(array: Any) -> Any:  # noqa: ANN401 - pyarrow has no types
    """True where the array is null; None when it has no null."""
    return array.is_null() if array.null_count else None


def _unhidden(array: Any, mask: Any) -> Any:  # noqa: ANN401 - pyarrow has no types
    """The array with no null at all, if all that it has are under the mask; else as it is: real nulls are no secret."""
    if not pc.all(pc.or_(array.is_valid(), mask)).as_py():
        return array
    kind = array.type
    if pa.types.is_struct(kind):
        places = range(kind.num_fields)
        return pa.StructArray.from_arrays([array.field(at) for at in places], fields=[kind.field(at) for at in places])
    if pa.types.is_map(kind):
        return pa.MapArray.from_arrays(array.offsets, array.keys, array.items, type=kind)
    if pa.types.is_list(kind):
        return pa.ListArray.from_arrays(array.offsets, array.values, type=kind)
    return pc.fill_null(array, _zero(kind))  # what kernels leave under nulls is anything


def _zero(kind: pa.DataType) -> Any:  # noqa: ANN401 - pyarrow has no types
    """The scalar of nothing but zero bytes."""
    nothing = pa.py_buffer(bytes(_WIDEST))
    varying = len(pa.array([], kind).buffers()) == 3
    return pa.Array.from_buffers(kind, 1, [None, nothing, nothing] if varying else [None, nothing])[0]


def _checked(offsets: Offsets) -> Offsets:
    if offsets[-1] > _MAX_VALUES:
        raise pa.ArrowCapacityError(f"{offsets[-1]} values in lists of one batch; hand in smaller batches")
    return offsets
