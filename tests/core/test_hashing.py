"""The murmur hash: Java's values, and many rows at once against one at a time."""

import numpy as np
import pytest

from lakestore.core.hashing import hash_row, murmur_rows
from lakestore.errors import InvariantError
from tests.golden.vectors import vectors


def plain(row):
    """MurmurHash3 over words, as its paper has it."""

    def rotate(x, by):
        return (x << by | x >> (32 - by)) & 0xFFFFFFFF

    h = 42
    for word in np.frombuffer(row, "<u4").tolist():
        h ^= rotate(word * 0xCC9E2D51 & 0xFFFFFFFF, 15) * 0x1B873593 & 0xFFFFFFFF
        h = (rotate(h, 13) * 5 + 0xE6546B64) & 0xFFFFFFFF
    h ^= len(row)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
        h = (h ^ h >> shift) * factor & 0xFFFFFFFF
    return h - (h >> 31 << 32)


def hashes_of(rows):
    offsets = np.cumsum([0, *map(len, rows)])
    return murmur_rows(np.frombuffer(b"".join(rows), np.uint8), offsets).tolist()


def test_vectors():
    rows = [vector.serialized[4:] for vector in vectors()]
    codes = [vector.hash for vector in vectors()]
    assert [hash_row(row) for row in rows] == codes
    assert [plain(row) for row in rows] == codes
    assert hashes_of(rows) == codes
    assert len({len(row) for row in rows}) > 3, "rows of several lengths"


@pytest.mark.parametrize("widths", [(16,), (8, 16, 24), (0, 4, 8, 400), (0,)])
def test_many_rows(widths):
    random = np.random.default_rng(7)
    distinct = [random.bytes(widths[i % len(widths)]) for i in range(60)]
    codes = {row: plain(row) for row in distinct}
    rows = [distinct[i] for i in random.integers(0, 60, 70_000)]  # more than two blocks
    assert hashes_of(rows) == [codes[row] for row in rows]


def test_rows_inside_a_larger_buffer():
    data = np.arange(64, dtype=np.uint8)
    offsets = np.array([8, 24, 32])
    assert murmur_rows(data, offsets).tolist() == [plain(data[8:24].tobytes()), plain(data[24:32].tobytes())]


def test_none_and_broken():
    assert hashes_of([]) == []
    with pytest.raises(InvariantError):
        hash_row(b"abc")
    with pytest.raises(InvariantError):
        murmur_rows(np.zeros(8, np.uint8), np.array([0, 6]))
