"""Nested Python values as Arrow columns: dicts for ROWs, lists for ARRAYs, dicts or pairs for MAPs and MULTISETs.

A column of nested values is turned inside out first: all members of one name, all elements, all keys become a
column of their own, down to scalars, which go the way of any column of Python values. So a value means the same
wherever it stands, and nothing in a dict is passed over: members that the table does not have stay, for
``core.ingest`` to refuse.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa

from lakestore.core.ingest_places import Place
from lakestore.core.nested_arrays import make_list, make_map, make_rows
from lakestore.errors import ErrorKind, InvalidInputError
from lakestore.model.arrow import arrow_type
from lakestore.model.types import NESTED, DataType, TypeRoot

Scalars = Callable[[list[Any], DataType | None, Place], pa.Array]
"""A column of scalars, of that type if it is known, and where it is."""

_COUNT = DataType(root=TypeRoot.INT, nullable=False)
_Values = Sequence[Any]


def nested_array(values: _Values, kind: DataType | None, place: Place, scalars: Scalars) -> Any:  # noqa: ANN401
    """A column of Python values of any type.

    Args:
        values: The values; None is null.
        kind: The type they are for; None where the table says nothing.
        place: Where they are, for messages.
        scalars: Makes a column of scalars.

    Raises:
        InvalidInputError: A value is of another family than its type.
    """
    if kind is None or kind.root not in NESTED:
        return scalars(list(values), kind, place)
    if kind.root is TypeRoot.ROW:
        return _rows(values, kind, place, scalars)
    if kind.root is TypeRoot.ARRAY:
        return _lists(values, kind, place, scalars)
    return _maps(values, kind, place, scalars)


def _rows(values: _Values, kind: DataType, place: Place, scalars: Scalars) -> Any:  # noqa: ANN401
    _require(values, lambda value: value is None or isinstance(value, Mapping), kind, "a dict of its members", place)
    types = {member.name: member.type for member in kind.fields}
    names = dict.fromkeys(chain.from_iterable(value for value in values if value is not None))
    holder = _holder(values)
    members = [
        nested_array(
            [None if value is None else value.get(name) for value in values],
            types.get(name),
            place.member(str(name)),
            scalars,
        )
        for name in names
    ]
    fields = [pa.field(str(name), member.type) for name, member in zip(names, members, strict=True)]
    return make_rows(holder, members, pa.struct(fields))


def _lists(values: _Values, kind: DataType, place: Place, scalars: Scalars) -> Any:  # noqa: ANN401
    _require(values, lambda value: value is None or _is_list(value), kind, "a list", place)
    offsets = _offsets(values)
    inside = list(chain.from_iterable(value for value in values if value is not None))
    found = nested_array(inside, kind.element, place.inside(offsets), scalars)
    return make_list(_holder(values), offsets, found, pa.list_(found.type))


def _maps(values: _Values, kind: DataType, place: Place, scalars: Scalars) -> Any:  # noqa: ANN401
    _require(values, _is_map, kind, "a dict, or a list of pairs", place)
    entries = [list(value.items()) if isinstance(value, Mapping) else value for value in values]
    offsets = _offsets(entries)
    inside = place.inside(offsets)
    pairs = list(chain.from_iterable(value for value in entries if value is not None))
    _require(pairs, lambda pair: _is_list(pair) and len(pair) == 2, kind, "pairs of key and value", inside)
    key, value = (kind.element, _COUNT) if kind.root is TypeRoot.MULTISET else (kind.key, kind.value)
    _refuse_null_keys(pairs, inside)
    keys = nested_array([pair[0] for pair in pairs], key, inside.member("key"), scalars)
    if not pairs and key is not None:
        keys = pa.array([], arrow_type(key))  # Arrow has no maps whose keys are of no type
    items = nested_array([pair[1] for pair in pairs], value, inside.member("value"), scalars)
    return make_map(_holder(values), offsets, keys, items, pa.map_(keys.type, items.type))


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence | np.ndarray | pa.Array) and not isinstance(value, str | bytes | bytearray)


def _is_map(value: object) -> bool:
    return value is None or isinstance(value, Mapping) or _is_list(value)


def _holder(values: _Values) -> pa.Array:
    """An array that is null where a value is."""
    return pa.array([None if value is None else True for value in values], pa.bool_())


def _offsets(values: _Values) -> Any:  # noqa: ANN401 - an array of longs
    lengths = [0 if value is None else len(value) for value in values]
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(np.array(lengths, np.int64))])


def _require(values: _Values, test: Callable[[Any], bool], kind: DataType, wanted: str, place: Place) -> None:
    for at, value in enumerate(values):
        if not test(value):
            raise InvalidInputError(
                f"{place.text(at)}: the value {str(value)[:80]!r} ({type(value).__name__}) is no {kind}: expected "
                f"{wanted}",
                kind=ErrorKind.INVALID_TYPE,
            )


def _refuse_null_keys(pairs: _Values, place: Place) -> None:
    bad = next((at for at, pair in enumerate(pairs) if pair[0] is None), None)
    if bad is not None:
        raise InvalidInputError(f"{place.text(bad)}: the key is null, which no MAP holds", kind=ErrorKind.INVALID_VALUE)
