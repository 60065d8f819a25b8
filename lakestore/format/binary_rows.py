"""Paimon ``BinaryRow``, whole columns at once: what rows are hashed, bucketed and partitioned by.

The form of a row is described in ``format.binary_row``. Rows are arrays of 8-byte words, and so is the work:

1. Each column becomes one word per row, its slot, and for some types a tail: words for the variable part. A slot
   with a tail holds the length only; its offset is not known yet.
2. Without tails, or with tails of one length in every row, all rows are equally wide and word c of every row is a
   strided view. Otherwise a cumulative sum of the rows' widths says where each row begins.
3. Null bits, slots and tails are written word by word of the row, for all rows at once; a cursor per row counts
   the variable part.

Invariant: row i equals ``encode_row`` of the values in row i, without the field count.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lakestore.core.arrow_buffers import byte_spans, decimal_words, integers, null_mask
from lakestore.core.values import NANOS_PER_UNIT, conform
from lakestore.errors import ErrorKind, InvalidInputError, InvariantError, UnsupportedFormatError
from lakestore.model.types import BINARIES, EXOTIC, NESTED, STRINGS, TIMESTAMPS, DataType, TypeRoot

INLINE_BYTES = 7
"""Text and bytes up to here stand in the slot."""
COMPACT_DECIMAL_DIGITS = 18
COMPACT_TIME_DIGITS = 3
WIDE_DECIMAL_BYTES = 16
_MILLI_NANOS = 1_000_000
_MAX_SECONDS = ((1 << 63) - 1) // 1000

Longs = NDArray[np.int64]
Words = NDArray[np.uint64]


@dataclass(frozen=True, slots=True, eq=False)
class BinaryRows:
    """Rows one after another.

    Attributes:
        data: Bytes of all rows, without field counts.
        offsets: Where each row begins, and where the last one ends; multiples of 8.
        arity: Fields of each row.
    """

    data: NDArray[np.uint8]
    offsets: Longs
    arity: int

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def row(self, index: int) -> bytes:
        """The bytes of one row."""
        return self.data[self.offsets[index] : self.offsets[index + 1]].tobytes()

    def serialized(self, index: int) -> bytes:
        """One row with its field count in front, as metadata files hold it."""
        return self.arity.to_bytes(4, "big") + self.row(index)

    def take(self, indices: NDArray[Any]) -> "BinaryRows":
        """The rows at those places, in that order."""
        places = np.asarray(indices, np.int64)
        starts = self.offsets[places] >> 3
        lengths = (self.offsets[places + 1] >> 3) - starts
        words = self.data.view("<u8")[_concatenated_ranges(starts, lengths)]
        return BinaryRows(words.view(np.uint8), _offsets_of(lengths * 8), self.arity)


def header_bytes(arity: int) -> int:
    """Bytes in front of the slots: the row kind and the null bits, in whole words."""
    return (arity + 8 + 63) // 64 * 8


def is_wide_decimal(kind: DataType) -> bool:
    """Whether values are DECIMAL too long for a slot."""
    return kind.root is TypeRoot.DECIMAL and (kind.precision or 0) > COMPACT_DECIMAL_DIGITS


def is_variable_time(kind: DataType) -> bool:
    """Whether values are timestamps that need more than a slot."""
    return kind.root in TIMESTAMPS and (kind.precision or 0) > COMPACT_TIME_DIGITS


def encode_columns(columns: Sequence[Any], types: Sequence[DataType], *, rows: int | None = None) -> BinaryRows:
    """The rows of columns.

    Args:
        columns: Arrays or ChunkedArrays of equal length.
        types: Their Paimon types.
        rows: Number of rows; needed only when there are no columns.

    Raises:
        InvalidInputError: A column is of another family than its type, or a timestamp is finer than its type.
        UnsupportedFormatError: A type is nested.
    """
    count = len(columns[0]) if columns else (rows or 0)
    if any(len(column) != count for column in columns):
        raise InvariantError(f"columns of unequal length: {[len(column) for column in columns]}")
    encoded = [_encode(column, kind) for column, kind in zip(columns, types, strict=True)]
    return _lay_out(encoded, count)


@dataclass(frozen=True, slots=True, eq=False)
class _EqualTail:
    """Words of the variable part, equally many in every row; one column of the matrix each."""

    words: tuple[Words, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _RaggedTail:
    """Bytes of the variable part of some rows, to be read from ``data`` at ``starts``."""

    rows: Longs
    data: NDArray[np.uint8]
    starts: Longs
    lengths: Longs


@dataclass(frozen=True, slots=True, eq=False)
class _Column:
    nulls: NDArray[np.bool_] | None
    slots: Words
    tail: _EqualTail | _RaggedTail | None = None


def _lay_out(columns: Sequence[_Column], count: int) -> BinaryRows:
    head = header_bytes(len(columns)) // 8
    fixed = head + len(columns)
    equal = fixed + sum(len(c.tail.words) for c in columns if isinstance(c.tail, _EqualTail))
    ragged = [c.tail for c in columns if isinstance(c.tail, _RaggedTail)]
    widths = np.full(count, equal, np.int64)
    for tail in ragged:
        widths[tail.rows] += (tail.lengths + 7) >> 3
    offsets = _offsets_of(widths)
    flat = np.zeros(int(offsets[-1]), "<u8")
    place = _Places(offsets[:-1] if ragged else None, equal)
    _write_nulls(flat, place, columns)
    cursor: int | Longs = np.full(count, fixed, np.int64) if ragged else fixed
    for position, column in enumerate(columns):
        slots = column.slots
        if isinstance(column.tail, _EqualTail):
            slots = slots | _shifted(cursor)
            for step, words in enumerate(column.tail.words):
                flat[place.at(cursor + step)] = words
            cursor = cursor + len(column.tail.words)
        elif isinstance(column.tail, _RaggedTail) and not isinstance(cursor, int):
            rows = column.tail.rows
            slots[rows] |= _shifted(cursor[rows])
            _write_ragged(flat, offsets[rows] + cursor[rows], column.tail)
            cursor[rows] += (column.tail.lengths + 7) >> 3
        flat[place.at(head + position)] = slots
    return BinaryRows(flat.view(np.uint8), offsets * 8, len(columns))


@dataclass(frozen=True, slots=True, eq=False)
class _Places:
    """Where word c of every row is: a stride for rows of one width, else an index per row."""

    starts: Longs | None
    width: int

    def at(self, word: int | Longs) -> slice | Longs:
        if self.starts is not None:
            return self.starts + word
        if not isinstance(word, int):
            raise InvariantError("rows of one width have one place for each word")
        return slice(word, None, self.width)


def _write_nulls(flat: Words, place: _Places, columns: Sequence[_Column]) -> None:
    masks: dict[int, Words] = {}
    for position, column in enumerate(columns):
        if column.nulls is not None:
            word, bit = divmod(position + 8, 64)
            bits = column.nulls.astype(np.uint64) << np.uint64(bit)
            masks[word] = masks[word] | bits if word in masks else bits
    for word, mask in masks.items():
        flat[place.at(word)] = mask


def _write_ragged(flat: Words, places: Longs, tail: _RaggedTail) -> None:
    """Copy each value to its place in whole words; the last word of each loses what is not the value's."""
    counts = (tail.lengths + 7) >> 3
    source = _words_at(tail.data)[_concatenated_ranges(tail.starts, counts, step=8)]
    last = np.cumsum(counts) - 1
    source[last] &= _ALL >> ((-tail.lengths & 7) << 3).astype(np.uint64)
    flat[_concatenated_ranges(places, counts)] = source


def _words_at(data: NDArray[np.uint8]) -> Words:
    """The 8-byte word that begins at each byte, without a copy."""
    return np.ndarray((len(data) - 7,), np.dtype("<u8"), data, 0, (1,))


def _concatenated_ranges(starts: Longs, counts: Longs, *, step: int = 1) -> Longs:
    """``start, start + step, …`` with ``count`` members for each pair, one after another."""
    ends = np.cumsum(counts)
    within = np.arange(int(ends[-1]) if len(ends) else 0)
    return np.repeat(starts - (ends - counts) * step, counts) + within * step


def _offsets_of(lengths: Longs) -> Longs:
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def _shifted(cursor: int | Longs) -> Any:  # noqa: ANN401 - a scalar or an array of uint64
    """The offset half of a slot for a variable part that begins at that word of the row."""
    return np.asarray(cursor, np.uint64) << np.uint64(35)


def _encode(column: Any, kind: DataType) -> _Column:  # noqa: ANN401 - pyarrow has no types
    if kind.root in {*NESTED, *EXOTIC}:
        raise UnsupportedFormatError(f"columns of type {kind} cannot be keys, partitions or bucket keys here")
    stored = conform(column, kind)
    nulls = null_mask(stored)
    if kind.root in {*STRINGS, *BINARIES}:
        return _encode_bytes(stored, nulls)
    if kind.root in TIMESTAMPS:
        return _encode_timestamps(stored, nulls, kind)
    if is_wide_decimal(kind):
        return _encode_wide_decimals(stored, nulls)
    if kind.root is TypeRoot.DECIMAL:
        return _Column(nulls, decimal_words(stored)[:, 0])
    values = integers(stored, _STORED.get(kind.root, stored.type))
    # Through the unsigned type of the same width: the rest of the slot is zero, not the sign.
    return _Column(nulls, values.view(f"u{values.itemsize}").astype(np.uint64, copy=False))


def _encode_bytes(column: Any, nulls: NDArray[np.bool_] | None) -> _Column:  # noqa: ANN401 - pyarrow has no types
    spans = byte_spans(column)
    long = np.flatnonzero(spans.lengths > INLINE_BYTES)
    lengths = spans.lengths.astype(np.uint64)
    if len(long) < len(lengths):
        inline = np.minimum(spans.lengths, INLINE_BYTES)
        slots = _words_at(spans.data)[spans.starts] & _INLINE_MASK[inline]
        slots |= (lengths | np.uint64(0x80)) << np.uint64(56)
        slots[long] = lengths[long]
    else:
        slots = lengths
    if nulls is not None:
        slots[nulls] = 0
    if not len(long):
        return _Column(nulls, slots)
    return _Column(nulls, slots, _RaggedTail(long, spans.data, spans.starts[long], spans.lengths[long]))


def _encode_timestamps(column: Any, nulls: NDArray[np.bool_] | None, kind: DataType) -> _Column:  # noqa: ANN401
    ticks = integers(column, pa.int64())
    per_tick = NANOS_PER_UNIT[column.type.unit]
    if per_tick < _MILLI_NANOS:
        per_milli = _MILLI_NANOS // per_tick
        millis = np.floor_divide(ticks, per_milli)
        nanos = (ticks - millis * per_milli) * per_tick
    else:
        scale = per_tick // _MILLI_NANOS
        if scale > 1 and len(ticks) and (ticks.max() > _MAX_SECONDS or ticks.min() < -_MAX_SECONDS):
            raise InvalidInputError(f"a timestamp is beyond the milliseconds that {kind} can store")
        millis, nanos = ticks * scale, np.zeros(len(ticks), np.int64)
    if is_variable_time(kind):
        return _Column(nulls, nanos.view(np.uint64), _EqualTail((millis.view(np.uint64),)))
    if nanos.any():
        raise InvalidInputError(
            f"a {column.type} column for {kind} has values finer than milliseconds; round them first",
            kind=ErrorKind.LOSSY_VALUE,
        )
    return _Column(nulls, millis.view(np.uint64))


def _encode_wide_decimals(column: Any, nulls: NDArray[np.bool_] | None) -> _Column:  # noqa: ANN401
    """The fewest big-endian bytes that hold the two's complement, at the start of 16."""
    pairs = decimal_words(column)
    low, high = pairs[:, 0], pairs[:, 1]
    sign = (high.view(np.int64) >> 63).view(np.uint64)
    size_low, size_high = low ^ sign, high ^ sign
    lengths = np.ones(len(pairs), np.uint64)
    for byte in range(1, WIDE_DECIMAL_BYTES):
        limit = np.uint64(1 << ((8 * byte - 1) % 64))
        lengths += (size_high != 0) | (size_low >= limit) if byte <= 8 else size_high >= limit
    shift = (np.uint64(WIDE_DECIMAL_BYTES) - lengths) << np.uint64(3)
    small = shift & np.uint64(63)
    # A shift by 64 is undefined, so what moves between the words goes by 63 and 1 more.
    carried = (low >> np.uint64(1)) >> (np.uint64(63) - small)
    far = shift >= np.uint64(64)
    first = np.where(far, low << small, (high << small) | carried)
    second = np.where(far, np.uint64(0), low << small)
    slots = lengths if nulls is None else np.where(nulls, np.uint64(0), lengths)
    return _Column(nulls, slots, _EqualTail((first.byteswap(), second.byteswap())))


_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_INLINE_MASK = np.array([(1 << 8 * length) - 1 for length in range(INLINE_BYTES + 1)], np.uint64)
_STORED = {
    TypeRoot.BOOLEAN: pa.uint8(),
    TypeRoot.DATE: pa.int32(),
    TypeRoot.TIME: pa.int32(),
}
