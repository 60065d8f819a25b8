"""Murmur hash of BinaryRows, many at a time (Paimon ``MurmurHashUtils.hashBytesByWords``, seed 42).

A row is a whole number of little-endian 32-bit words. Each word is mixed into the row's state, then the row's
length in bytes, then the bits are avalanched; the result is a signed 32-bit integer.

1. Cut the rows into blocks that stay in the processor's cache.
2. Within a block sort the rows by length, longest first, unless all are equally long.
3. For word k mix word k of every row that has one: they are the first rows of the block.
4. Finish all rows at once and put them back in order.

Loops run over words and blocks, never over rows.
"""

import numpy as np
from numpy.typing import NDArray

from lakestore.errors import InvariantError

_SEED = 42
_MASK = 0xFFFFFFFF
_C1, _C2 = 0xCC9E2D51, 0x1B873593
_STEP = 0xE6546B64
_MIX1, _MIX2 = 0x85EBCA6B, 0xC2B2AE35
_BLOCK_ROWS = 32_768

Words = NDArray[np.uint32]


def murmur_rows(data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> NDArray[np.int32]:
    """Hash of each row, as Paimon's ``BinaryRow.hashCode`` gives it.

    Args:
        data: Rows one after another, without their field counts; contiguous.
        offsets: Where each row begins, and where the last one ends; all multiples of 4.

    Raises:
        InvariantError: A row is no whole number of words.
    """
    if np.any(offsets & 3):
        raise InvariantError("rows to hash must begin and end on 4-byte words")
    words = data[: len(data) & ~3].view("<u4")
    starts = offsets >> 2
    lengths = np.diff(starts)
    count = len(lengths)
    hashes = np.empty(count, np.uint32)
    if not count:
        return hashes.view(np.int32)
    uniform = bool(np.all(lengths == lengths[0]))
    for begin in range(0, count, _BLOCK_ROWS):
        block = slice(begin, min(begin + _BLOCK_ROWS, count))
        if uniform:
            width = int(lengths[0])
            first, rows = int(starts[begin]), block.stop - begin
            matrix = words[first : first + width * rows].reshape(rows, width)
            hashes[block] = _hash_equal(matrix)
        else:
            hashes[block] = _hash_ragged(words, starts[block], lengths[block])
    return hashes.view(np.int32)


def hash_row(row: bytes) -> int:
    """Hash of one row's bytes, without the field count.

    Raises:
        InvariantError: The row is no whole number of words.
    """
    if len(row) % 4:
        raise InvariantError(f"a row of {len(row)} bytes is no whole number of 4-byte words")
    state = _SEED
    for position in range(0, len(row), 4):
        word = int.from_bytes(row[position : position + 4], "little") * _C1 & _MASK
        word = (word << 15 | word >> 17) * _C2 & _MASK
        state ^= word
        state = ((state << 13 | state >> 19) * 5 + _STEP) & _MASK
    state ^= len(row)
    state = (state ^ state >> 16) * _MIX1 & _MASK
    state = (state ^ state >> 13) * _MIX2 & _MASK
    state ^= state >> 16
    return state - (1 << 32) if state >> 31 else state


def _hash_equal(matrix: Words) -> Words:
    rows, width = matrix.shape
    state = np.full(rows, _SEED, np.uint32)
    for k in range(width):
        _mix(state, matrix[:, k])
    return _finish(state, width * 4)


def _hash_ragged(words: Words, starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> Words:
    order = np.argsort(-lengths, kind="stable")
    sorted_starts = starts[order]
    sorted_lengths = lengths[order]
    # How many rows have a word k: the rows are in falling order of length.
    having = np.searchsorted(-sorted_lengths, -np.arange(int(sorted_lengths[0])), side="left")
    state = np.full(len(order), _SEED, np.uint32)
    for k, rows in enumerate(having):
        _mix(state[:rows], words[sorted_starts[:rows] + k])
    hashes = np.empty_like(state)
    hashes[order] = _finish(state, (sorted_lengths * 4).astype(np.uint32))
    return hashes


def _mix(state: Words, column: Words) -> None:
    word = column * np.uint32(_C1)
    high = word >> np.uint32(17)
    word <<= np.uint32(15)
    word |= high
    word *= np.uint32(_C2)
    state ^= word
    np.right_shift(state, np.uint32(19), out=high)
    state <<= np.uint32(13)
    state |= high
    state *= np.uint32(5)
    state += np.uint32(_STEP)


def _finish(state: Words, byte_length: int | Words) -> Words:
    state ^= np.uint32(byte_length) if isinstance(byte_length, int) else byte_length
    state ^= state >> np.uint32(16)
    state *= np.uint32(_MIX1)
    state ^= state >> np.uint32(13)
    state *= np.uint32(_MIX2)
    state ^= state >> np.uint32(16)
    return state
