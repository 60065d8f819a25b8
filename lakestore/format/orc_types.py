"""How Paimon's types stand in ORC files (Paimon ``OrcTypeUtil``), where Arrow does not do it by itself.

| Paimon | ORC |
|---|---|
| TIME | int, milliseconds of the day |
| CHAR, VARCHAR | string; Paimon writes char, filled up with blanks that readers cut off, and varchar |
| BINARY, VARBINARY | binary |
| TIMESTAMP / TIMESTAMP WITH LOCAL TIME ZONE | timestamp / timestamp with local time zone, of any precision |
| ARRAY / MAP, MULTISET / ROW | list / map / struct |

Every column, and every member of a ROW, carries its field id as attribute ``paimon.id``.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lakestore.core.nested_arrays import list_parts, make_list, make_map, make_rows, map_parts
from lakestore.errors import ErrorKind, InvalidInputError, InvariantError, UnsupportedFormatError
from lakestore.model.arrow import arrow_type
from lakestore.model.types import TIMESTAMPS, DataType, Field, TypeRoot

_FIELD_ID = b"paimon.id"
_COUNT = DataType(root=TypeRoot.INT, nullable=False)

_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_NANOS_MAX = (1 << 63) - 1

Leaf = Callable[[Any, DataType], Any]


def file_field(field: Field) -> pa.Field:
    """The Arrow field that Arrow writes as Paimon writes that column."""
    return pa.field(field.name, _file_type(field.type)).with_metadata({_FIELD_ID: str(field.id).encode()})


def _file_type(kind: DataType) -> pa.DataType:
    if kind.root is TypeRoot.TIME:
        return pa.int32()
    if kind.root is TypeRoot.ROW:
        return pa.struct([file_field(member) for member in kind.fields])
    if kind.root is TypeRoot.ARRAY and kind.element is not None:
        return pa.list_(_file_type(kind.element))
    if kind.root in {TypeRoot.MAP, TypeRoot.MULTISET}:
        key, value = _entry(kind)
        return pa.map_(_file_type(key), _file_type(value))
    return arrow_type(kind)


def to_file(array: Any, kind: DataType) -> Any:  # noqa: ANN401 - pyarrow has no types
    """Values with the clock times among them as numbers, and parts of null rows null.

    ORC has no NOT NULL. Arrow's writer mixes up the fractions of timestamps where a part has a value and the row that
    it is in has none.

    Raises:
        InvalidInputError: A timestamp that cannot be written to ORC; the message does not name the column.
    """
    return _rebuilt(array, kind, _to_leaf, _file_type(kind))


def _to_leaf(leaf: Any, kind: DataType) -> Any:  # noqa: ANN401 - pyarrow has no types
    if kind.root in TIMESTAMPS:
        _check_timestamps(leaf)
    return leaf.view(pa.int32()) if kind.root is TypeRoot.TIME else leaf


def _check_timestamps(array: Any) -> None:  # noqa: ANN401 - pyarrow has no types
    """Refuse what Arrow would write as bytes that nobody reads, or could not read back.

    Arrow's ORC writer gives fractions of a second before 1970 a minus sign of their own, which ORC does not know;
    its reader holds timestamps as 64-bit nanoseconds.
    """
    values = array.view(pa.int64()).fill_null(0).to_numpy()
    per_second = _PER_SECOND[array.type.unit]
    limit = _NANOS_MAX // (10**9 // per_second)
    bad = ((values < 0) & (values % per_second != 0)) | (values < -limit) | (values > limit)
    if bad.any():
        shown = array.slice(int(bad.argmax()), 1).cast(pa.string())[0].as_py()
        raise InvalidInputError(
            f"the timestamp {shown} cannot be written to ORC, which holds fractions of a second from 1970 on and "
            "years from 1678 to 2261 only: set option file.format to parquet",
            kind=ErrorKind.INVALID_VALUE,
        )


def from_file(array: Any, kind: DataType, *, padded: bool) -> Any:  # noqa: ANN401 - pyarrow has no types
    """Values with the numbers among them that are clock times as such.

    Args:
        array: The values.
        kind: Their type.
        padded: CHAR values may be filled up with blanks to their full length, as Java's ORC writer leaves them.
    """
    special = {TypeRoot.TIME, TypeRoot.CHAR} if padded else {TypeRoot.TIME}
    if not any(part.root in special for part in kind.parts()):
        return array
    return _rebuilt(array, kind, partial(_from_leaf, padded=padded), None)


def _from_leaf(leaf: Any, kind: DataType, *, padded: bool) -> Any:  # noqa: ANN401 - pyarrow has no types
    if kind.root is TypeRoot.TIME and pa.types.is_int32(leaf.type):
        return leaf.view(pa.time32("ms"))
    if kind.root is TypeRoot.CHAR and padded and pa.types.is_string(leaf.type):
        return pc.utf8_rtrim(leaf, characters=" ")
    return leaf


def refuse_missing_zones(error: pa.ArrowException, what: str) -> None:
    """Say what to do when ORC's library does not find the time zones that it needs for timestamps.

    Raises:
        UnsupportedFormatError: That is what the error is about.
    """
    if "time zone" in str(error).lower():
        raise UnsupportedFormatError(
            f"{what}: ORC files need the system's time zones ({error}): install the tzdata package of the operating "
            "system, or set the environment variable TZDIR to a folder that has them"
        ) from error


def column_paths(name: str, kind: DataType, form: pa.DataType) -> list[str]:
    """What to ask of a file for a column of which some members only are wanted; the name alone for all of it.

    ORC's library names members by their path through rows and lists. Maps are read whole, as is a column in which a
    path would not be clear.

    Args:
        name: The column.
        kind: Its type with the wanted members of ROWs.
        form: Its type in the file.
    """
    paths = _paths(name, kind, form)
    return [name] if paths is None or any("." in part for part in _names(form)) else paths


def _paths(path: str, kind: DataType, form: pa.DataType) -> list[str] | None:
    """Paths of what is wanted inside; None for all that is there."""
    if kind.root is TypeRoot.ARRAY and kind.element is not None and pa.types.is_list(form):
        return _paths(path, kind.element, form.value_type)
    if kind.root is not TypeRoot.ROW or not pa.types.is_struct(form):
        return None
    members = [(each, form.get_field_index(each.name)) for each in kind.fields]
    found = {
        f"{path}.{each.name}": _paths(f"{path}.{each.name}", each.type, form.field(at).type)
        for each, at in members
        if at >= 0
    }
    if not found or (len(found) == form.num_fields and all(paths is None for paths in found.values())):
        return None
    return [one for whole, paths in found.items() for one in (paths or [whole])]


def _names(form: pa.DataType) -> Iterator[str]:
    """Names of the members at any depth."""
    for place in range(form.num_fields):
        member = form.field(place)
        yield member.name
        yield from _names(member.type)


def _entry(kind: DataType) -> tuple[DataType, DataType]:
    key, value = (kind.element, _COUNT) if kind.root is TypeRoot.MULTISET else (kind.key, kind.value)
    if key is None or value is None:
        raise InvariantError(f"type {kind} has no entries")
    return key, value


def _rebuilt(array: Any, kind: DataType, leaf: Leaf, wanted: pa.DataType | None) -> Any:  # noqa: ANN401
    """The array with its leaves exchanged; a struct without a member of the type stays without.

    Args:
        array: The values.
        kind: Their type.
        leaf: Applied to every leaf.
        wanted: Type of the result; None for what the leaves make it.
    """
    form = array.type
    if kind.root is TypeRoot.ROW and pa.types.is_struct(form):
        own = {each.name: each.type for each in kind.fields}
        names = [form.field(at).name for at in range(form.num_fields)]
        members = [
            _rebuilt(child, own[name], leaf, wanted and wanted.field(name).type) if name in own else child
            for name, child in zip(names, array.flatten(), strict=True)
        ]
        made = pa.struct([(name, each.type) for name, each in zip(names, members, strict=True)])
        return make_rows(array, members, wanted or made)
    if kind.root is TypeRoot.ARRAY and kind.element is not None and pa.types.is_list(form):
        offsets, values = list_parts(array)
        values = _rebuilt(values, kind.element, leaf, wanted and wanted.value_type)
        return make_list(array, offsets, values, wanted or pa.list_(values.type))
    if kind.root in {TypeRoot.MAP, TypeRoot.MULTISET} and pa.types.is_map(form):
        key, value = _entry(kind)
        offsets, keys, values = map_parts(array)
        keys = _rebuilt(keys, key, leaf, wanted and wanted.key_type)
        values = _rebuilt(values, value, leaf, wanted and wanted.item_type)
        return make_map(array, offsets, keys, values, wanted or pa.map_(keys.type, values.type))
    return leaf(array, kind)
