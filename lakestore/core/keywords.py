"""Key columns as unsigned 64-bit words that compare, most significant word first, as Paimon compares keys.

The order of one column: null lowest; false before true; integers, dates, times and timestamps by value;
floats as Java compares them (-0.0 below 0.0, NaN greatest and equal to itself); decimals by value; strings
and binaries by unsigned bytes, then the shorter one first.

A column becomes, in this order:
1. One word 0 or 1 that says whether there is a value, only if some value is missing.
2. Its value: one word for whatever fits in 64 bits, two for wide decimals, one for each eight bytes of text.
3. The length of the text, only if lengths differ and a zero byte occurs, since only then can two texts that
   differ fill the same words.
Texts longer than ``MAX_TEXT_WORDS`` words become their rank among all texts at hand instead.

Invariant: all parts (the runs of a merge, say) are turned together, so that their words compare with each
other; words of different calls do not.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lakestore.errors import InvariantError

Words = NDArray[np.uint64]
Column = Any
"""A ``pa.Array`` or ``pa.ChunkedArray``."""

MAX_TEXT_WORDS = 8
"""Texts that need more words are ranked: the words would take more memory than the texts."""

_SIGN = np.uint64(1 << 63)
_SIGN_32 = np.uint32(1 << 31)
_FLOAT_NAN = np.uint32(0x7FC00000)
_DOUBLE_NAN = np.uint64(0x7FF8000000000000)
_KEEP_BYTES = np.array([0] + [(1 << 64) - (1 << (64 - 8 * count)) for count in range(1, 9)], dtype=np.uint64)
"""Mask that keeps the first ``i`` of a word's eight bytes."""


def column_words(parts: Sequence[Column], *, descending: bool = False) -> list[tuple[Words, ...]]:
    """Turn one column, given in parts, into words; every part gets the same number of words.

    Args:
        parts: The column's values in each part, all of one Arrow type.
        descending: Reverse the order of the values; nulls stay lowest.

    Raises:
        InvariantError: The Arrow type has no order of keys (nested types).
    """
    arrays = [_one_array(part) for part in parts]
    nulls = any(array.null_count for array in arrays)
    values = _value_words([_without_nulls(array) for array in arrays])
    if descending:
        values = [tuple(~word for word in words) for words in values]
    if not nulls:
        return values
    flags = [_valid(array) for array in arrays]
    return [
        (flag.astype(np.uint64), *(np.where(flag, word, np.uint64(0)) for word in words))
        for flag, words in zip(flags, values, strict=True)
    ]


def _one_array(column: Column) -> pa.Array:
    if isinstance(column, pa.ChunkedArray):
        if column.num_chunks == 1:
            return column.chunk(0)
        if pa.types.is_string(column.type) or pa.types.is_binary(column.type):
            column = column.cast(pa.large_binary())
        return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    return column


def _valid(array: pa.Array) -> NDArray[np.bool_]:
    mask: NDArray[np.bool_] = array.is_valid().to_numpy(zero_copy_only=False)
    return mask


def _without_nulls(array: pa.Array) -> pa.Array:
    if array.null_count == 0:
        return array
    if array.null_count == len(array):
        return _zeros(array.type, len(array))
    first = array[int(np.argmax(_valid(array)))]
    return array.fill_null(first)


def _zeros(kind: pa.DataType, length: int) -> pa.Array:
    """Any valid values, for a column without one."""
    if pa.types.is_boolean(kind):
        return pa.array(np.zeros(length, np.int8)).cast(kind)
    if pa.types.is_decimal(kind):
        # Cast from an integer, Arrow asks for more digits than zero needs.
        return pa.Array.from_buffers(kind, length, [None, pa.py_buffer(bytes(length * kind.bit_width // 8))])
    if _is_text(kind):
        return pa.array([""], kind).take(pa.array(np.zeros(length, np.int64)))
    width = {8: np.int8, 16: np.int16, 32: np.int32, 64: np.int64}[kind.bit_width]
    return pa.array(np.zeros(length, width)).view(kind)


def _value_words(arrays: Sequence[pa.Array]) -> list[tuple[Words, ...]]:
    kind = arrays[0].type if arrays else pa.null()
    if pa.types.is_null(kind):
        return [() for _ in arrays]
    if _is_text(kind):
        return _text_words(arrays)
    if pa.types.is_decimal(kind):
        return [_decimal_words(array) for array in arrays]
    return [(_fixed_word(array),) for array in arrays]


_TEXTS = (pa.string(), pa.large_string(), pa.binary(), pa.large_binary())


def _is_text(kind: pa.DataType) -> bool:
    return kind in _TEXTS


def _fixed_word(array: pa.Array) -> Words:
    kind = array.type
    if pa.types.is_boolean(kind):
        return _as_words(array.to_numpy(zero_copy_only=False))
    if pa.types.is_float32(kind):
        return _float_word(array.to_numpy())
    if pa.types.is_float64(kind):
        return _double_word(array.to_numpy())
    if pa.types.is_date32(kind) or pa.types.is_time32(kind):
        array = array.view(pa.int32())
    elif pa.types.is_timestamp(kind) or pa.types.is_time64(kind):
        array = array.view(pa.int64())
    elif pa.types.is_unsigned_integer(kind):
        return _as_words(array.to_numpy())
    elif not pa.types.is_signed_integer(kind):
        raise InvariantError(f"columns of Arrow type {kind} have no order: they cannot be keys")
    signed: NDArray[np.int64] = array.to_numpy().astype(np.int64, copy=False)
    return signed.view(np.uint64) ^ _SIGN


def _as_words(values: NDArray[np.generic]) -> Words:
    return values.astype(np.uint64)


def _float_word(values: NDArray[np.float32]) -> Words:
    bits = np.where(np.isnan(values), _FLOAT_NAN, values.view(np.uint32))
    return np.where(bits & _SIGN_32, ~bits, bits | _SIGN_32).astype(np.uint64)


def _double_word(values: NDArray[np.float64]) -> Words:
    bits = np.where(np.isnan(values), _DOUBLE_NAN, values.view(np.uint64))
    return np.where(bits & _SIGN, ~bits, bits | _SIGN)


def _decimal_words(array: pa.Array) -> tuple[Words, ...]:
    if not pa.types.is_decimal128(array.type):
        array = array.cast(pa.decimal128(array.type.precision, array.type.scale))
    raw = np.frombuffer(array.buffers()[1] or b"", dtype="<u8")
    halves = raw[2 * array.offset : 2 * (array.offset + len(array))].reshape(-1, 2)
    if array.type.precision <= 18:
        return (halves[:, 0] ^ _SIGN,)
    return halves[:, 1] ^ _SIGN, halves[:, 0].copy()


def _text_words(arrays: Sequence[pa.Array]) -> list[tuple[Words, ...]]:
    pieces = [_bytes_of(array) for array in arrays]
    lengths = [np.diff(offsets) for offsets, _ in pieces]
    shortest = min((int(each.min()) for each in lengths if len(each)), default=0)
    longest = max((int(each.max()) for each in lengths if len(each)), default=0)
    if longest > 8 * MAX_TEXT_WORDS:
        return _ranks(arrays)
    if shortest == longest:
        return [_even_words(offsets, data, longest) for offsets, data in pieces]
    count = -(-longest // 8)
    words = [
        _ragged_words(offsets, data, length, count) for (offsets, data), length in zip(pieces, lengths, strict=True)
    ]
    if all(np.count_nonzero(data) == len(data) for _, data in pieces):
        return words
    return [(*own, length.astype(np.uint64)) for own, length in zip(words, lengths, strict=True)]


def _bytes_of(array: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Offsets from 0 and the bytes between the first and the last of them."""
    _, offset_buffer, data_buffer = array.buffers()
    large = pa.types.is_large_string(array.type) or pa.types.is_large_binary(array.type)
    if len(array) == 0 or offset_buffer is None:
        return np.zeros(1, np.int64), np.zeros(0, np.uint8)
    raw = np.frombuffer(offset_buffer, dtype=np.int64 if large else np.int32)
    offsets = raw[array.offset : array.offset + len(array) + 1].astype(np.int64)
    start, stop = int(offsets[0]), int(offsets[-1])
    offsets -= start
    data = np.frombuffer(data_buffer or b"", dtype=np.uint8)
    return offsets, data[start:stop]


def _even_words(offsets: NDArray[np.int64], data: NDArray[np.uint8], length: int) -> tuple[Words, ...]:
    """Words of texts of one length: strided loads, no gather."""
    rows = len(offsets) - 1
    if length == 0 or rows == 0:
        return tuple(np.zeros(rows, np.uint64) for _ in range(-(-length // 8)))
    if length < 8:
        padded = np.zeros((rows, 8), np.uint8)
        padded[:, :length] = data.reshape(rows, length)
        return (_native(padded.reshape(-1).view(">u8")),)
    words = [_load(data, start, length, rows) for start in range(0, length - 7, 8)]
    if length % 8:
        tail = _load(data, length - 8, length, rows)
        words.append(tail << np.uint64(64 - 8 * (length % 8)))
    return tuple(words)


def _load(data: NDArray[np.uint8], start: int, stride: int, rows: int) -> Words:
    view: NDArray[np.uint64] = np.ndarray((rows,), dtype=">u8", buffer=data, offset=start, strides=(stride,))
    return _native(view)


def _native(values: NDArray[np.uint64]) -> Words:
    return values.astype(np.uint64)


def _ragged_words(
    offsets: NDArray[np.int64], data: NDArray[np.uint8], lengths: NDArray[np.int64], count: int
) -> tuple[Words, ...]:
    """Words of texts of any length, missing bytes zero."""
    padded = np.zeros(len(data) + 8, np.uint8)
    padded[: len(data)] = data
    view: NDArray[np.uint64] = np.ndarray((len(data) + 1,), dtype="<u8", buffer=padded, strides=(1,))
    starts = offsets[:-1]
    words: list[Words] = []
    for index in range(count):
        at = np.minimum(starts + 8 * index, len(data))
        left = np.clip(lengths - 8 * index, 0, 8)
        words.append(view[at].byteswap() & _KEEP_BYTES[left])
    return tuple(words)


def _ranks(arrays: Sequence[pa.Array]) -> list[tuple[Words, ...]]:
    """Dense ranks over all parts, by Arrow's own comparison of bytes."""
    together = pa.chunked_array([array.cast(pa.large_binary()) for array in arrays])
    ranks = pc.rank(together, sort_keys="ascending", tiebreaker="dense").to_numpy()
    ends = np.cumsum([len(array) for array in arrays])
    return [(piece.astype(np.uint64),) for piece in np.split(ranks, ends[:-1])]
