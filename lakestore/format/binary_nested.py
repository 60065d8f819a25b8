"""Paimon ``BinaryArray``, ``BinaryMap`` and rows inside rows: nested values in a BinaryRow.

1. An array: its size (4 bytes, little-endian), one null bit per element in whole 4-byte words, the elements, padded
   to 8 bytes, and the variable part. Elements take 1, 2, 4 or 8 bytes, as wide as their type; what takes a slot in a
   row takes one here, with offsets counted from the start of the array.
2. A map: the byte length of its array of keys (4 bytes, little-endian), that array, and the array of values. A
   multiset is a map to INT.
3. A row inside a row: its bytes, without the field count.

Unlike fields of a row, null elements of an array never reserve room in the variable part.

In internal form an ARRAY is a tuple of values, a MAP or MULTISET a tuple of pairs, a ROW a tuple of its members.
"""

from collections.abc import Callable, Sequence
from typing import Any

from lakestore.core.value_text import Internal
from lakestore.errors import ErrorKind, InvalidInputError
from lakestore.model.types import DataType, TypeRoot

Nested = Internal | tuple[Any, ...]
"""A value in internal form, nested or not."""

EncodeField = Callable[[Nested, DataType, int], tuple[bytes, bytes]]
"""Slot and padded variable part of a value whose variable part begins at that offset."""

DecodeField = Callable[[bytes, int, DataType], Nested]
"""The value, not null, whose slot begins there."""

_SIZE_BYTES = 4
_SLOT_BYTES = 8
_WIDTHS = {
    **dict.fromkeys((TypeRoot.BOOLEAN, TypeRoot.TINYINT), 1),
    TypeRoot.SMALLINT: 2,
    **dict.fromkeys((TypeRoot.INT, TypeRoot.DATE, TypeRoot.TIME, TypeRoot.FLOAT), 4),
}
_COUNT = DataType(root=TypeRoot.INT, nullable=False)


def encode_array(values: Sequence[Nested], element: DataType, encode: EncodeField) -> bytes:
    """The bytes of an array."""
    width = _width(element)
    head = _header_bytes(len(values))
    fixed = bytearray(_padded(head + width * len(values)))
    fixed[:_SIZE_BYTES] = len(values).to_bytes(_SIZE_BYTES, "little")
    variable = bytearray()
    for place, value in enumerate(values):
        if value is None:
            fixed[_SIZE_BYTES + place // 8] |= 1 << place % 8
            continue
        slot, tail = encode(value, element, len(fixed) + len(variable))
        fixed[head + width * place : head + width * (place + 1)] = slot[:width]
        variable += tail
    return bytes(fixed + variable)


def decode_array(data: bytes, element: DataType, decode: DecodeField) -> tuple[Nested, ...]:
    """The values of an array.

    Raises:
        ValueError: The bytes are no array of such elements.
    """
    size = int.from_bytes(data[:_SIZE_BYTES], "little")
    width = _width(element)
    head = _header_bytes(size)
    if len(data) < _padded(head + width * size):
        raise ValueError(f"an array of {size} elements in {len(data)} bytes")
    # A narrow element is read as a slot: the bytes after it are looked at by nobody, but must be there.
    padded = data + bytes(_SLOT_BYTES - width)
    return tuple(
        None if data[_SIZE_BYTES + place // 8] >> place % 8 & 1 else decode(padded, head + width * place, element)
        for place in range(size)
    )


def encode_map(pairs: Sequence[tuple[Nested, Nested]], kind: DataType, encode: EncodeField) -> bytes:
    """The bytes of a map or multiset."""
    key, value = entry_types(kind)
    keys = encode_array([pair[0] for pair in pairs], key, encode)
    return len(keys).to_bytes(_SIZE_BYTES, "little") + keys + encode_array([pair[1] for pair in pairs], value, encode)


def decode_map(data: bytes, kind: DataType, decode: DecodeField) -> tuple[tuple[Nested, Nested], ...]:
    """The pairs of a map or multiset.

    Raises:
        ValueError: The bytes are no such map.
    """
    length = int.from_bytes(data[:_SIZE_BYTES], "little")
    if _SIZE_BYTES + length > len(data):
        raise ValueError(f"a map whose keys take {length} of its {len(data)} bytes")
    key, value = entry_types(kind)
    keys = decode_array(data[_SIZE_BYTES : _SIZE_BYTES + length], key, decode)
    values = decode_array(data[_SIZE_BYTES + length :], value, decode)
    return tuple(zip(keys, values, strict=True))


def entry_types(kind: DataType) -> tuple[DataType, DataType]:
    """Types of the keys and values of a MAP, and of a MULTISET, whose values are counts."""
    key, value = (kind.element, _COUNT) if kind.root is TypeRoot.MULTISET else (kind.key, kind.value)
    if key is None or value is None:
        raise InvalidInputError(f"{kind} has no keys and values", kind=ErrorKind.INVALID_TYPE)
    return key, value


def _width(element: DataType) -> int:
    return _WIDTHS.get(element.root, _SLOT_BYTES)


def _header_bytes(size: int) -> int:
    return _SIZE_BYTES + (size + 31) // 32 * 4


def _padded(count: int) -> int:
    return (count + 7) // 8 * 8
