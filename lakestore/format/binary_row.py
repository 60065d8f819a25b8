"""Paimon ``BinaryRow``, one row at a time: the form of keys, partitions and bounds in metadata files.

Serialized, a row is its field count (4 bytes, big-endian) and the row's bytes:

1. A header of 8-byte words: the row kind in byte 0 (0 here), then one null bit per field, counted from bit 8.
2. One 8-byte little-endian slot per field. What fits stands in the slot; text and bytes up to 7 bytes too, with
   ``0x80 | length`` in the last byte.
3. The variable part, each value padded with zeros to whole words; its slot holds ``offset << 32 | length``, the
   offset counted from the start of the row's bytes.

DECIMAL over 18 digits always takes 16 bytes of the variable part, and TIMESTAMP finer than milliseconds 8 (the
slot then holds the nanoseconds within the millisecond in place of a length). They do so for null as well: that
is how Java writes it, and the bytes decide the bucket.

Nested values stand in the variable part whole, never in the slot (``format.binary_nested``).

``encode_columns`` (``format.binary_rows``) writes the same bytes for whole columns, of types that can be keys.
"""

import struct
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, TypeVar, cast

from lakestore.core.calendar_text import NANOS_PER_MILLI
from lakestore.core.value_text import Internal, decimal_of, lossy, unscaled_of
from lakestore.errors import CorruptTableError, ErrorKind, InvalidInputError, UnsupportedFormatError
from lakestore.format.binary_nested import Nested, decode_array, decode_map, encode_array, encode_map
from lakestore.format.binary_rows import (
    INLINE_BYTES,
    WIDE_DECIMAL_BYTES,
    BinaryRows,
    encode_columns,
    header_bytes,
    is_variable_time,
    is_wide_decimal,
)
from lakestore.model.types import BINARIES, INTEGERS, NESTED, STRINGS, TIMESTAMPS, DataType, TypeRoot

__all__ = ["BinaryRows", "decode_row", "encode_columns", "encode_row"]

_FIXED = {
    TypeRoot.BOOLEAN: struct.Struct("<?7x"),
    TypeRoot.TINYINT: struct.Struct("<b7x"),
    TypeRoot.SMALLINT: struct.Struct("<h6x"),
    TypeRoot.INT: struct.Struct("<i4x"),
    TypeRoot.DATE: struct.Struct("<i4x"),
    TypeRoot.TIME: struct.Struct("<i4x"),
    TypeRoot.BIGINT: struct.Struct("<q"),
    TypeRoot.FLOAT: struct.Struct("<f4x"),
    TypeRoot.DOUBLE: struct.Struct("<d"),
}
_LONG = struct.Struct("<q")
LONG_DIGITS = 19
"""Most digits of a 64-bit number."""
_POINTER = struct.Struct("<II")
"""A slot that points into the variable part: length, offset."""
_WHOLE = {*INTEGERS, TypeRoot.DATE, TypeRoot.TIME}
_Value = TypeVar("_Value", bool, int, float, Decimal, str, bytes, tuple[Any, ...])


def encode_row(values: Sequence[Nested], types: Sequence[DataType]) -> bytes:
    """The serialized row of internal values.

    Raises:
        InvalidInputError: A value does not fit its type.
        UnsupportedFormatError: A value of a special type (VARIANT, BLOB, …) is not null.
    """
    return len(types).to_bytes(4, "big") + _encode_fields(values, types)


def _encode_fields(values: Sequence[Nested], types: Sequence[DataType]) -> bytes:
    """The bytes of a row, without the field count."""
    fixed = bytearray(header_bytes(len(types)) + 8 * len(types))
    variable = bytearray()
    slot = header_bytes(len(types))
    for position, (value, kind) in enumerate(zip(values, types, strict=True)):
        if value is None:
            fixed[1 + position // 8] |= 1 << position % 8
        content, tail = _encode_value(value, kind, len(fixed) + len(variable))
        fixed[slot : slot + 8] = content
        variable += tail
        slot += 8
    return bytes(fixed) + bytes(variable)


def decode_row(data: bytes, types: Sequence[DataType], *, path: str = "") -> tuple[Internal, ...]:
    """The internal values of a serialized row.

    Args:
        data: The serialized row.
        types: Types of its fields. A special type is fine where the value is null.
        path: The file that the row comes from, for messages.

    Nested values, of which metadata holds none, come as tuples (``format.binary_nested``).

    Raises:
        CorruptTableError: The bytes are no row of these types.
        UnsupportedFormatError: A value of a special type (VARIANT, BLOB, …) is not null.
    """
    arity = int.from_bytes(data[:4], "big")
    row = data[4:]
    if len(data) < 4 or arity != len(types) or len(row) < header_bytes(arity) + 8 * arity:
        raise CorruptTableError(
            f"a serialized row of {len(data)} bytes that counts {arity} fields cannot hold the {len(types)} fields "
            f"({', '.join(map(str, types))}) expected here",
            path=path,
        )
    try:
        return _decode_fields(row, types)
    except (ValueError, struct.error) as error:
        raise CorruptTableError(f"a serialized row of ({', '.join(map(str, types))}): {error}", path=path) from error


def _decode_fields(row: bytes, types: Sequence[DataType]) -> tuple[Internal, ...]:
    values: list[Internal] = []
    slot = header_bytes(len(types))
    for position, kind in enumerate(types):
        null = row[1 + position // 8] >> position % 8 & 1
        try:
            values.append(None if null else _decode_value(row, slot, kind))
        except (ValueError, struct.error) as error:
            raise ValueError(f"field {position} ({kind}): {error}") from error
        slot += 8
    return tuple(values)


def _encode_value(value: Nested, kind: DataType, offset: int) -> tuple[bytes, bytes]:
    """The slot and the padded variable part of a value."""
    if is_wide_decimal(kind):
        if value is None:
            return _POINTER.pack(0, offset), bytes(WIDE_DECIMAL_BYTES)
        number = unscaled_of(_require(value, Decimal, kind), kind)
        content = number.to_bytes((number if number >= 0 else ~number).bit_length() // 8 + 1, "big", signed=True)
        return _POINTER.pack(len(content), offset), content.ljust(WIDE_DECIMAL_BYTES, b"\0")
    if is_variable_time(kind):
        millis, nanos = divmod(0 if value is None else _require(value, int, kind), NANOS_PER_MILLI)
        return _POINTER.pack(nanos, offset), _pack(_LONG, millis, kind)
    if value is None:
        return bytes(8), b""
    if kind.root in {*STRINGS, *BINARIES}:
        content = _require(value, str, kind).encode() if kind.root in STRINGS else _require(value, bytes, kind)
        if len(content) <= INLINE_BYTES:
            return content.ljust(INLINE_BYTES, b"\0") + bytes([0x80 | len(content)]), b""
        return _POINTER.pack(len(content), offset), content + bytes(-len(content) % 8)
    if kind.root in NESTED:
        content = _encode_nested(_require(value, tuple, kind), kind)
        return _POINTER.pack(len(content), offset), content + bytes(-len(content) % 8)
    return _encode_fixed(value, kind), b""


def _encode_nested(value: tuple[Any, ...], kind: DataType) -> bytes:
    if kind.root is TypeRoot.ROW:
        return _encode_fields(value, [member.type for member in kind.fields])
    if kind.root is TypeRoot.ARRAY and kind.element is not None:
        return encode_array(value, kind.element, _encode_value)
    return encode_map(value, kind, _encode_value)


def _encode_fixed(value: Nested, kind: DataType) -> bytes:
    if kind.root is TypeRoot.DECIMAL:
        # A merged sum may have more digits than its type says; it has room in 64 bits.
        return _pack(_LONG, unscaled_of(_require(value, Decimal, kind), kind, digits_at_most=LONG_DIGITS), kind)
    if kind.root in TIMESTAMPS:
        millis, rest = divmod(_require(value, int, kind), NANOS_PER_MILLI)
        if rest:
            raise lossy(value, kind)
        return _pack(_LONG, millis, kind)
    if kind.root in _WHOLE:
        return _pack(_FIXED[kind.root], _require(value, int, kind), kind)
    if kind.root in {TypeRoot.FLOAT, TypeRoot.DOUBLE}:
        return _pack(_FIXED[kind.root], _require(value, float, kind), kind)
    if kind.root is TypeRoot.BOOLEAN:
        return _FIXED[kind.root].pack(_require(value, bool, kind))
    raise _special(kind)


def _special(kind: DataType) -> UnsupportedFormatError:
    return UnsupportedFormatError(f"BinaryRow fields of type {kind} are not supported")


def _require(value: Nested, wanted: type[_Value], kind: DataType) -> _Value:
    if not isinstance(value, wanted):
        raise InvalidInputError(
            f"{value!r} ({type(value).__name__}) is no internal value of {kind}", kind=ErrorKind.INVALID_TYPE
        )
    return value


def _pack(form: struct.Struct, value: float, kind: DataType) -> bytes:
    try:
        return form.pack(value)
    except (struct.error, OverflowError):
        raise lossy(value, kind) from None


def _decode_value(row: bytes, slot: int, kind: DataType) -> Internal:
    """The value of a field that is not null; ValueError and struct.error mean nonsense."""
    if is_variable_time(kind):
        nanos, offset = _POINTER.unpack_from(row, slot)
        if nanos >= NANOS_PER_MILLI:
            raise ValueError(f"{nanos} nanoseconds within a millisecond")
        return int(_LONG.unpack(_slice(row, offset, 8))[0]) * NANOS_PER_MILLI + int(nanos)
    if kind.root in TIMESTAMPS:
        return int(_LONG.unpack_from(row, slot)[0]) * NANOS_PER_MILLI
    if kind.root is TypeRoot.DECIMAL:
        return _decode_decimal(row, slot, kind)
    if kind.root in {*STRINGS, *BINARIES}:
        content = _decode_bytes(row, slot)
        return content.decode() if kind.root in STRINGS else content
    if kind.root is TypeRoot.BOOLEAN:
        return row[slot] != 0
    if kind.root in _FIXED:
        value: float = _FIXED[kind.root].unpack_from(row, slot)[0]
        return value
    if kind.root in NESTED:
        length, offset = _POINTER.unpack_from(row, slot)
        return cast("Internal", _decode_nested(_slice(row, offset, length), kind))
    raise _special(kind)


def _decode_nested(data: bytes, kind: DataType) -> Nested:
    if kind.root is TypeRoot.ROW:
        types = [member.type for member in kind.fields]
        if len(data) < header_bytes(len(types)) + 8 * len(types):
            raise ValueError(f"a {kind} of {len(data)} bytes")
        return _decode_fields(data, types)
    if kind.root is TypeRoot.ARRAY and kind.element is not None:
        return decode_array(data, kind.element, _decode_value)
    return decode_map(data, kind, _decode_value)


def _decode_decimal(row: bytes, slot: int, kind: DataType) -> Decimal:
    if not is_wide_decimal(kind):
        return decimal_of(int(_LONG.unpack_from(row, slot)[0]), kind.scale or 0)
    length, offset = _POINTER.unpack_from(row, slot)
    if not 1 <= length <= WIDE_DECIMAL_BYTES:
        raise ValueError(f"a decimal of {length} bytes")
    number = int.from_bytes(_slice(row, offset, length), "big", signed=True)
    if abs(number) >= 10 ** (kind.precision or 0):
        raise ValueError(f"the unscaled value {number} has too many digits")
    return decimal_of(number, kind.scale or 0)


def _decode_bytes(row: bytes, slot: int) -> bytes:
    mark = row[slot + INLINE_BYTES]
    if mark & 0x80:
        if mark & 0x7F > INLINE_BYTES:
            raise ValueError(f"{mark & 0x7F} bytes in an 8-byte slot")
        return row[slot : slot + (mark & 0x7F)]
    length, offset = _POINTER.unpack_from(row, slot)
    return _slice(row, offset, length)


def _slice(row: bytes, offset: int, length: int) -> bytes:
    if offset + length > len(row):
        raise ValueError(f"bytes {offset} to {offset + length} of a row of {len(row)} bytes")
    return row[offset : offset + length]
