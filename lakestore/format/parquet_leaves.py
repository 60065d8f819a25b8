"""The leaf columns below a nested Parquet column: which of them a narrowed type needs, and INT96 among them.

A Parquet file holds leaves only, one after another in the order of a walk down the types (Dremel's striping). Arrow
types are walked here in the same order, so that place n of the walk is leaf n of the file.
"""

from collections.abc import Collection, Iterator
from typing import Any

import pyarrow as pa

from lakestore.core.nested_arrays import is_list_like, list_parts, make_list, make_map, make_rows, map_parts
from lakestore.format.parquet_int96 import from_int96
from lakestore.model.types import DataType


def leaf_count(form: pa.DataType) -> int:
    """How many leaf columns values of that type take."""
    return sum(leaf_count(child) for child in _children(form)) if pa.types.is_nested(form) else 1


def wanted_leaves(form: pa.DataType, kind: DataType | None, first: int) -> list[int]:
    """Places of the leaves that a column needs; all of them when the type names none.

    Args:
        form: Arrow type of the column in the file.
        kind: The type wanted, with those ROW members only that are wanted, by name; None for all.
        first: Place of the column's first leaf.
    """
    found = list(_wanted(form, kind, first))
    return found or list(range(first, first + leaf_count(form)))


def _wanted(form: pa.DataType, kind: DataType | None, first: int) -> Iterator[int]:
    if kind is None or not pa.types.is_nested(form):
        yield from range(first, first + leaf_count(form))
    elif pa.types.is_struct(form):
        members = {member.name: member.type for member in kind.fields}
        for place in range(form.num_fields):
            child = form.field(place)
            if child.name in members:
                yield from _wanted(child.type, members[child.name], first)
            first += leaf_count(child.type)
    elif pa.types.is_map(form):
        keys = leaf_count(form.key_type)
        yield from range(first, first + keys)
        yield from _wanted(form.item_type, kind.value, first + keys)
    else:
        yield from _wanted(form.value_type, kind.element, first)


def with_timestamps(array: Any, leaves: Iterator[int], int96: Collection[int], *, name: str, path: str) -> Any:  # noqa: ANN401
    """A nested array with its INT96 leaves, read as raw bytes, as timestamps.

    Args:
        array: What Arrow read of the column.
        leaves: Places of its leaves in the file, in order; used up.
        int96: Places of the file's INT96 leaves.
        name: The column, for messages.
        path: The file, for messages.
    """
    form = array.type
    if not pa.types.is_nested(form):
        return from_int96(array, name=name, path=path) if next(leaves) in int96 else array

    def inner(child: Any) -> Any:  # noqa: ANN401 - pyarrow has no types
        return with_timestamps(child, leaves, int96, name=name, path=path)

    if pa.types.is_struct(form):
        members = [inner(child) for child in array.flatten()]
        fields = [form.field(place).with_type(member.type) for place, member in enumerate(members)]
        return make_rows(array, members, pa.struct(fields))
    if pa.types.is_map(form):
        offsets, keys, values = map_parts(array)
        keys, values = inner(keys), inner(values)
        kind = pa.map_(form.key_field.with_type(keys.type), form.item_field.with_type(values.type))
        return make_map(array, offsets, keys, values, kind)
    if not is_list_like(form):
        raise pa.ArrowNotImplementedError(f"timestamps of 96 bits inside {form}")
    offsets, values = list_parts(array)
    values = inner(values)
    return make_list(array, offsets, values, pa.list_(form.value_field.with_type(values.type)))


def _children(form: pa.DataType) -> Iterator[pa.DataType]:
    if pa.types.is_map(form):
        yield form.key_type
        yield form.item_type
    elif pa.types.is_struct(form):
        for place in range(form.num_fields):
            yield form.field(place).type
    else:
        yield form.value_type
