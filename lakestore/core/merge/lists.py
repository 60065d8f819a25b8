"""Arrays of lists and maps taken apart and put together, and codes that say which values are alike.

A list array is handled as the elements of all its lists one after another, with the number of the list that each
element is of. Maps are lists of (key, value) structs.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lakestore.core.sorting import Indices, Mask
from lakestore.errors import InvalidInputError

INT32_LIMIT = (1 << 31) - 1

_FLOAT_NAN = np.int32(0x7FC00000)
_DOUBLE_NAN = np.int64(0x7FF8000000000000)


@dataclass(frozen=True, slots=True, eq=False)
class Elements:
    """The elements of lists.

    Attributes:
        values: All elements, list after list; structs of key and value for maps.
        lists: For each element the number of its list.
    """

    values: pa.Array
    lists: Indices

    def filter(self, mask: Mask) -> "Elements":
        """Some of the elements."""
        return Elements(self.values.filter(pa.array(mask)), self.lists[mask])

    def take(self, order: Indices) -> "Elements":
        """Elements at those places."""
        return Elements(self.values.take(pa.array(order)), self.lists[order])


def elements_of(array: pa.Array) -> Elements:
    """The elements of the lists of an array; a null list has none."""
    valid: Mask | None = array.is_valid().to_numpy(zero_copy_only=False) if array.null_count else None
    dense = array.drop_null() if valid is not None else array
    offsets = np.zeros(1, np.int32)
    if len(dense):
        offsets = np.frombuffer(dense.buffers()[1], np.int32, dense.offset + len(dense) + 1)[dense.offset :]
    first, last = int(offsets[0]), int(offsets[-1])
    numbers = np.arange(len(array)) if valid is None else np.flatnonzero(valid)
    return Elements(_children(dense).slice(first, last - first), np.repeat(numbers, np.diff(offsets)))


def _children(array: pa.Array) -> pa.Array:
    if not pa.types.is_map(array.type):
        return array.values
    members = [array.type.key_field, array.type.item_field]
    return pa.StructArray.from_arrays([array.keys, array.items], fields=members)


def lists_of(elements: Elements, count: int, kind: pa.DataType, valid: Mask | None = None) -> pa.Array:
    """Lists of elements that lie list after list.

    Args:
        elements: The elements.
        count: Number of lists.
        kind: Type of the lists: a list or a map.
        valid: Which lists are not null; None for all.
    """
    return lists_of_sizes(elements.values, np.bincount(elements.lists, minlength=count), kind, valid)


def lists_of_sizes(child: pa.Array, sizes: NDArray[np.int64], kind: pa.DataType, valid: Mask | None = None) -> pa.Array:
    """Lists with so many elements each of those that lie one after another; otherwise as ``lists_of``."""
    if len(child) > INT32_LIMIT:
        raise InvalidInputError(
            f"merged lists of type {kind} have {len(child)} elements together, more than one Arrow array holds; read"
            " fewer rows at a time (option lakestore.merge-window-rows)"
        )
    count = len(sizes)
    offsets = np.concatenate([np.zeros(1, np.int32), np.cumsum(sizes).astype(np.int32)])
    bits = None if valid is None or bool(valid.all()) else pa.array(valid).buffers()[1]
    if pa.types.is_map(kind):
        members = pa.struct([pa.field(kind.key_field.name, kind.key_type, nullable=False), kind.item_field])
        child = pa.StructArray.from_arrays(child.flatten(), fields=list(members))
    elif child.type != kind.value_type:
        child = child.cast(kind.value_type)
    return pa.Array.from_buffers(kind, count, [bits, pa.py_buffer(offsets)], children=[child])


def joined(first: pa.Array, second: pa.Array) -> pa.Array:
    """Lists end to end, place by place, as one array with the two lists of a place next to each other."""
    rows = np.arange(len(first))
    order = np.stack([rows, rows + len(first)], axis=1).reshape(-1)
    return pa.concat_arrays([first, second]).take(pa.array(order))


def codes_of(array: pa.Array) -> NDArray[np.int64]:
    """Numbers that are equal where values are: nulls are alike, and so are NaNs, but not 0.0 and -0.0."""
    kind = array.type
    if pa.types.is_struct(kind):
        codes = _valid_codes(array)
        for index in range(kind.num_fields):
            codes = pair_codes(codes, codes_of(array.field(index)))
        missing = array.is_null().to_numpy(zero_copy_only=False)
        return np.where(missing, -1, codes) + 1 if array.null_count else codes
    if pa.types.is_list(kind) or pa.types.is_map(kind):
        return _list_codes(array)
    if pa.types.is_floating(kind):
        array = _bits_of(array)
    encoded = array.dictionary_encode().indices
    numbers = encoded.fill_null(-1) if encoded.null_count else encoded
    plain: NDArray[np.int64] = numbers.to_numpy().astype(np.int64)
    return plain + 1


def pair_codes(first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.int64]:
    """Numbers from 0 that are equal where both are, given in the order in which pairs first occur."""
    if not len(first):
        return first
    width = int(second.max()) + 1
    if int(first.max()) >= (1 << 62) // max(width, 1):
        first = codes_of(pa.array(first))
    pairs: NDArray[np.int64] = pa.array(first * width + second).dictionary_encode().indices.to_numpy()
    return pairs.astype(np.int64)


def firsts_of(codes: NDArray[np.int64]) -> Mask:
    """Where each code occurs for the first time."""
    where = np.full(int(codes.max(initial=-1)) + 1, -1)
    where[codes[::-1]] = np.arange(len(codes))[::-1]
    mask = np.zeros(len(codes), np.bool_)
    mask[where[where >= 0]] = True
    return mask


def lasts_of(codes: NDArray[np.int64]) -> Mask:
    """Where each code occurs for the last time."""
    return firsts_of(codes[::-1])[::-1]


def occurrences(codes: NDArray[np.int64]) -> Indices:
    """For each place how often its code has occurred before."""
    order = np.argsort(codes, kind="stable")
    ranked = codes[order]
    begins = np.ones(len(codes), np.bool_)
    np.not_equal(ranked[1:], ranked[:-1], out=begins[1:])
    starts = np.flatnonzero(begins)
    counts = np.arange(len(codes)) - np.repeat(starts, np.diff(starts, append=len(codes)))
    result = np.empty(len(codes), np.int64)
    result[order] = counts
    return result


def _valid_codes(array: pa.Array) -> NDArray[np.int64]:
    valid: NDArray[Any] = array.is_valid().to_numpy(zero_copy_only=False)
    return valid.astype(np.int64)


def _bits_of(array: pa.Array) -> pa.Array:
    """Floats as the integers that have their bits, one for all NaNs."""
    values = array.fill_null(0.0).to_numpy()
    wide = pa.types.is_float64(array.type)
    bits = values.view(np.int64 if wide else np.int32)
    bits = np.where(np.isnan(values), _DOUBLE_NAN if wide else _FLOAT_NAN, bits)
    return pa.array(bits, mask=array.is_null().to_numpy(zero_copy_only=False))


def _list_codes(array: pa.Array) -> NDArray[np.int64]:
    """Pass k takes the k-th elements of all lists that have one into their lists' codes."""
    elements = elements_of(array)
    if pa.types.is_map(array.type):
        # Maps are equal whatever the order of their keys.
        ranks = codes_of(elements.values.field(0))
        elements = elements.take(np.lexsort((ranks, elements.lists)))
    own = codes_of(elements.values)
    sizes = np.bincount(elements.lists, minlength=len(array))
    codes = _valid_codes(array)
    ages = np.arange(len(own)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    for age in range(int(sizes.max(initial=0))):
        element = np.zeros(len(array), np.int64)
        at = ages == age
        element[elements.lists[at]] = own[at] + 1
        codes = pair_codes(codes, element)
    return codes if len(codes) else np.zeros(len(array), np.int64)
