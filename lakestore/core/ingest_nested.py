"""Nested Arrow columns into ARRAY, MAP, MULTISET and ROW, value for value, or not at all.

1. ``nested_conversion`` compares the types once, all the way down, and refuses what can never fit by its path.
2. What it returns takes an array apart, converts the values inside as columns of their own, whole, and puts the
   array together again: work per column and batch, never per row.
3. On the way up it looks for nulls where none may be.

ROW members are matched by name. A list of rows with members ``key`` and ``value`` is taken for a MAP too, for
libraries that have no maps. Dictionaries, views, large and fixed-size lists are taken at any depth.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakestore.core.ingest_cast import LOSSES, conversion, first_loss, plain_array, plain_type
from lakestore.core.ingest_places import Place, check_length, lossy, shown
from lakestore.core.nested_arrays import (
    Offsets,
    is_list_like,
    list_parts,
    make_list,
    make_map,
    make_rows,
    map_parts,
    null_array,
)
from lakestore.errors import ErrorKind, InvalidInputError
from lakestore.model.arrow import arrow_type
from lakestore.model.types import NESTED, DataType, Field, TypeRoot

Rebuild = Callable[[Any, Place], pa.Array]
"""From an Arrow array, and where it is, to one of the wanted type."""

_ENTRY = ("key", "value")


def nested_conversion(source: pa.DataType, target: DataType, path: str) -> Rebuild:
    """How values of an Arrow type become values of a Paimon type, nested or not.

    Args:
        source: Arrow type of the values.
        target: The type they are for.
        path: Where they are, for messages: ``address.city``.

    Raises:
        InvalidInputError: They never do: another family of types, or a ROW with other members.
    """
    plain = plain_type(source)
    if target.root not in NESTED:
        return _leaf(source, target, path)
    wanted = arrow_type(target)
    if pa.types.is_null(plain):
        return lambda array, _: null_array(len(array), wanted)
    rebuild = _BUILDERS[target.root](plain, target, path)
    if rebuild is None:
        raise InvalidInputError(
            f"column {path!r}: values of Arrow type {source} are not taken for {target}: they must come as {wanted} "
            "or another spelling of the same",
            kind=ErrorKind.INVALID_TYPE,
        )
    return lambda array, place: rebuild(plain_array(array), place)


def _leaf(source: pa.DataType, target: DataType, path: str) -> Rebuild:
    convert = conversion(plain_type(source), target)
    if convert is None:
        raise InvalidInputError(
            f"column {path!r}: values of Arrow type {source} are not taken for {target}. Convert them to "
            f"{arrow_type(target)} yourself if that is what you mean",
            kind=ErrorKind.INVALID_TYPE,
        )

    def rebuild(array: Any, place: Place) -> pa.Array:  # noqa: ANN401 - pyarrow has no types
        values = plain_array(array)
        try:
            result = convert(values)
        except LOSSES as error:
            raise lossy(place, first_loss(values, convert), values, target, error) from error
        check_length(result, target, place)
        return result

    return rebuild


def _array(source: pa.DataType, target: DataType, path: str) -> Rebuild | None:
    if not is_list_like(source) or target.element is None:
        return None
    kind, wanted = target.element, arrow_type(target)
    convert = nested_conversion(source.value_type, kind, f"{path}.element")

    def rebuild(array: Any, place: Place) -> pa.Array:  # noqa: ANN401 - pyarrow has no types
        offsets, values = list_parts(array)
        inside = place.inside(offsets)
        found = convert(values, inside)
        _refuse_nulls(found, kind, inside)
        return make_list(array, offsets, found, wanted)

    return rebuild


def _map(source: pa.DataType, target: DataType, path: str) -> Rebuild | None:
    """MAP and MULTISET, whose values are counts."""
    entry = _entry_types(source)
    if entry is None:
        return None
    multiset = target.root is TypeRoot.MULTISET
    key = (target.element if multiset else target.key) or _COUNT
    value = _COUNT if multiset else target.value or _COUNT
    wanted = arrow_type(target)
    convert_key = nested_conversion(entry[0], key, f"{path}.key")
    convert_value = nested_conversion(entry[1], value, f"{path}.value")

    def rebuild(array: Any, place: Place) -> pa.Array:  # noqa: ANN401 - pyarrow has no types
        offsets, keys, values = map_parts(array)
        inside = place.inside(offsets)
        keys_place, values_place = inside.member("key"), inside.member("value")
        found_keys = convert_key(keys, keys_place)
        _refuse_nulls(found_keys, key.with_nullable(nullable=False), keys_place)
        _refuse_twice(found_keys, offsets, inside)
        found_values = convert_value(values, values_place)
        _refuse_nulls(found_values, value, values_place)
        return make_map(array, offsets, found_keys, found_values, wanted)

    return rebuild


def _row(source: pa.DataType, target: DataType, path: str) -> Rebuild | None:
    if not pa.types.is_struct(source):
        return None
    names = [source.field(place).name for place in range(source.num_fields)]
    _check_members(names, target, path)
    steps = [_member_step(source, names, member, path) for member in target.fields]
    wanted = arrow_type(target)

    def rebuild(array: Any, place: Place) -> pa.Array:  # noqa: ANN401 - pyarrow has no types
        children = array.flatten()
        members = []
        for member, (position, convert) in zip(target.fields, steps, strict=True):
            here = place.member(member.name)
            values = pa.nulls(len(array)) if position is None else children[position]
            found = convert(values, here)
            _refuse_nulls(found, member.type, here, holder=array)
            members.append(found)
        return make_rows(array, members, wanted)

    return rebuild


def _member_step(source: pa.DataType, names: list[str], member: Field, path: str) -> tuple[int | None, Rebuild]:
    inner = f"{path}.{member.name}"
    if member.name in names:
        position = names.index(member.name)
        return position, nested_conversion(source.field(position).type, member.type, inner)
    if not member.type.nullable:
        raise InvalidInputError(
            f"column {inner!r} ({member.type}) is missing from the rows and must not be null: supply it",
            kind=ErrorKind.MISSING_COLUMN,
        )
    return None, nested_conversion(pa.null(), member.type, inner)


def _check_members(names: list[str], target: DataType, path: str) -> None:
    known = [member.name for member in target.fields]
    extra = [name for name in names if name not in known]
    if extra:
        raise InvalidInputError(
            f"column {f'{path}.{extra[0]}'!r} is not in the table ({len(extra)} such: "
            f"{', '.join(map(repr, extra))}); in {path!r} there are {', '.join(map(repr, known))}. Drop it, or add it "
            "to the table first",
            kind=ErrorKind.EXTRA_COLUMN,
        )
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise InvalidInputError(
            f"column {f'{path}.{doubled[0]}'!r} appears {names.count(doubled[0])} times in the rows; keep one of them",
            kind=ErrorKind.INVALID_SCHEMA,
        )


def _entry_types(source: pa.DataType) -> tuple[pa.DataType, pa.DataType] | None:
    """Types of the keys and values of maps, or of lists of (key, value)."""
    if pa.types.is_map(source):
        return source.key_type, source.item_type
    if not is_list_like(source) or not pa.types.is_struct(source.value_type) or source.value_type.num_fields != 2:
        return None
    key, value = source.value_type.field(0), source.value_type.field(1)
    return (key.type, value.type) if (key.name, value.name) == _ENTRY else None


def _refuse_nulls(values: Any, kind: DataType, place: Place, *, holder: Any = None) -> None:  # noqa: ANN401
    """Refuse nulls in values that are NOT NULL; members of rows that are null themselves do not count."""
    if kind.nullable or not values.null_count:
        return
    bad = values.is_null()
    if holder is not None and holder.null_count:
        bad = pc.and_(bad, holder.is_valid())
    at = pc.index(bad, True).as_py()
    if at >= 0:
        raise InvalidInputError(
            f"{place.text(at)}: null, but the type there is {kind}",
            kind=ErrorKind.INVALID_VALUE,
        )


def _refuse_twice(keys: Any, offsets: Offsets, place: Place) -> None:  # noqa: ANN401 - pyarrow has no types
    """Refuse a map with a key twice: each engine would take another one of them."""
    lengths = np.diff(offsets)
    if not len(keys) or lengths.max() < 2 or pa.types.is_nested(keys.type):
        return
    codes = np.asarray(keys.dictionary_encode().indices).astype(np.int64)
    pairs = np.repeat(np.arange(len(lengths)), lengths) * (int(codes.max()) + 1) + codes
    order = np.argsort(pairs, kind="stable")
    same = np.flatnonzero(np.diff(pairs[order]) == 0)
    if len(same):
        at = int(order[same + 1].min())
        raise InvalidInputError(
            f"{place.text(at)}: the map has a key twice: {shown(keys, at)}", kind=ErrorKind.INVALID_VALUE
        )


_COUNT = DataType(root=TypeRoot.INT, nullable=False)
_BUILDERS: dict[TypeRoot, Callable[[pa.DataType, DataType, str], Rebuild | None]] = {
    TypeRoot.ARRAY: _array,
    TypeRoot.MAP: _map,
    TypeRoot.MULTISET: _map,
    TypeRoot.ROW: _row,
}
