"""Nested values under a changed nested type: members of a ROW by field id, elements and map values by their cast.

A member that the old type does not have is null. Keys of a MAP and elements of a MULTISET never change.
"""

from collections.abc import Callable
from typing import Any

from lakestore.core.cast_rules import same_type
from lakestore.core.nested_arrays import list_parts, make_list, make_map, make_rows, map_parts, null_array
from lakestore.model.arrow import arrow_type
from lakestore.model.types import DataType, TypeRoot

Convert = Callable[[Any], Any]
Finder = Callable[[DataType, DataType], Convert | None]


def nested_cast(source: DataType, target: DataType, find: Finder) -> Convert | None:
    """The cast between two nested types of one family; None if there is none.

    Args:
        source: The old type.
        target: The new type.
        find: Gives the cast between the types of two members, None if there is none.
    """
    if source.root is not target.root:
        return None
    if target.root is TypeRoot.ROW:
        return _row_cast(source, target, find)
    if target.root is TypeRoot.ARRAY and source.element is not None and target.element is not None:
        element = find(source.element, target.element)
        return None if element is None else _array_cast(target, element)
    if target.root is TypeRoot.MAP and source.key is not None and target.key is not None:
        value = find(source.value, target.value) if source.value is not None and target.value is not None else None
        return _map_cast(target, value) if value is not None and same_type(source.key, target.key) else None
    return None


def _row_cast(source: DataType, target: DataType, find: Finder) -> Convert | None:
    position_of = {member.id: position for position, member in enumerate(source.fields)}
    steps: list[tuple[int | None, Convert | None]] = []
    for member in target.fields:
        position = position_of.get(member.id)
        step = None if position is None else find(source.fields[position].type, member.type)
        if position is not None and step is None:
            return None
        steps.append((position, step))
    wanted = arrow_type(target)

    def convert(array: Any) -> Any:  # noqa: ANN401 - pyarrow has no types
        own = array.flatten()
        members = [
            null_array(len(array), wanted.field(at).type) if position is None or step is None else step(own[position])
            for at, (position, step) in enumerate(steps)
        ]
        return make_rows(array, members, wanted)

    return convert


def _array_cast(target: DataType, element: Convert) -> Convert:
    wanted = arrow_type(target)

    def convert(array: Any) -> Any:  # noqa: ANN401 - pyarrow has no types
        offsets, values = list_parts(array)
        return make_list(array, offsets, element(values), wanted)

    return convert


def _map_cast(target: DataType, value: Convert) -> Convert:
    wanted = arrow_type(target)

    def convert(array: Any) -> Any:  # noqa: ANN401 - pyarrow has no types
        offsets, keys, values = map_parts(array)
        return make_map(array, offsets, keys, value(values), wanted)

    return convert
