"""XXH64 of many byte strings at once, seed 0, as Paimon's and Parquet's bloom filters take it.

All strings move in step: each round eats the next stripe of 32 bytes of those that still have one, then words of 8,
of 4, and single bytes. Arithmetic is modulo 2**64, which NumPy's unsigned integers do by themselves.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_P1 = np.uint64(11400714785074694791)
_P2 = np.uint64(14029467366897019727)
_P3 = np.uint64(1609587929392839161)
_P4 = np.uint64(9650029242287828579)
_P5 = np.uint64(2870177450012600261)
_PAD = 32
_STRIPE, _WORD, _HALF = 32, 8, 4

Words = NDArray[np.uint64]


def xxhash64(data: NDArray[np.uint8], starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> Words:
    """The hash of each string.

    Args:
        data: All bytes.
        starts: Where each string begins.
        lengths: How many bytes it has.
    """
    padded = np.concatenate([data, np.zeros(_PAD, np.uint8)])
    words = np.ndarray((len(padded) - 7,), "<u8", padded, strides=(1,))
    halves = np.ndarray((len(padded) - 3,), "<u4", padded, strides=(1,))
    with np.errstate(over="ignore"):
        hashes, at = _stripes(words, starts, lengths)
        hashes += lengths.astype(np.uint64)
        ends = starts + lengths
        for _ in range(_STRIPE // _WORD):
            live = np.flatnonzero(at + _WORD <= ends)
            mixed = hashes[live] ^ _round(np.zeros(len(live), np.uint64), words[at[live]])
            hashes[live] = _rotate(mixed, 27) * _P1 + _P4
            at[live] += _WORD
        live = np.flatnonzero(at + _HALF <= ends)
        mixed = hashes[live] ^ (halves[at[live]].astype(np.uint64) * _P1)
        hashes[live] = _rotate(mixed, 23) * _P2 + _P3
        at[live] += _HALF
        for _ in range(_HALF):
            live = np.flatnonzero(at < ends)
            mixed = hashes[live] ^ (padded[at[live]].astype(np.uint64) * _P5)
            hashes[live] = _rotate(mixed, 11) * _P1
            at[live] += 1
        return _avalanche(hashes)


def xxhash64_numbers(values: NDArray[Any]) -> Words:
    """The hash of the little-endian bytes of each number of an array."""
    width = values.dtype.itemsize
    data = np.ascontiguousarray(values.astype(values.dtype.newbyteorder("<"))).view(np.uint8)
    return xxhash64(data, np.arange(len(values), dtype=np.int64) * width, np.full(len(values), width, np.int64))


def _stripes(words: Words, starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> tuple[Words, NDArray[np.int64]]:
    """The hashes after all whole stripes, and how far each string is read."""
    counts = lengths // _STRIPE
    hashes = np.full(len(starts), _P5, np.uint64)
    at = starts.copy()
    long = np.flatnonzero(counts)
    if not len(long):
        return hashes, at
    lanes = [np.full(len(long), start, np.uint64) for start in (_P1 + _P2, _P2, np.uint64(0), np.uint64(0) - _P1)]
    position = starts[long].copy()
    for done in range(int(counts[long].max())):
        live = np.flatnonzero(counts[long] > done)
        for number, lane in enumerate(lanes):
            lane[live] = _round(lane[live], words[position[live] + number * _WORD])
        position[live] += _STRIPE
    merged = np.zeros(len(long), np.uint64)
    for lane, turn in zip(lanes, (1, 7, 12, 18), strict=True):
        merged += _rotate(lane, turn)
    for lane in lanes:
        merged = (merged ^ _round(np.zeros(len(lane), np.uint64), lane)) * _P1 + _P4
    hashes[long], at[long] = merged, position
    return hashes, at


def _round(lane: Words, word: Words) -> Words:
    return _rotate(lane + word * _P2, 31) * _P1


def _rotate(value: Words, bits: int) -> Words:
    return (value << np.uint64(bits)) | (value >> np.uint64(64 - bits))


def _avalanche(value: Words) -> Words:
    value = (value ^ (value >> np.uint64(33))) * _P2
    value = (value ^ (value >> np.uint64(29))) * _P3
    return value ^ (value >> np.uint64(32))
