"""Serialized 64-bit bitmaps as Java's ``Roaring64Bitmap`` writes them (its own form, not the portable one).

A value is a 48-bit key and 16 low bits. The keys are in an adaptive radix tree, whose leaves say where the container
with the low bits is. All numbers are little-endian but the keys, which are big-endian bytes.

1. One byte: 0 for an empty bitmap, which ends there, else 1.
2. The number of keys (8 bytes), and the tree, each node before its children: node type (1), number of children (2),
   length of the key bytes that all children share (1), these bytes, and then the body.
   A leaf: the key (6) and the number of its container (8). A branch: which bytes its children go by, in four forms.
3. The number of container arrays (4); of each a mark (1), its length (4), and its containers: 0 for none, else 1, the
   type (1), the number of values (4) and the values. Then counters: containers (8), last array (4), last place (4).
"""

import struct
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lakestore.errors import CorruptTableError

Lows = NDArray[np.uint16]

_NODE4, _NODE16, _NODE48, _NODE256, _LEAF = range(5)
_CAPACITY = {_NODE4: 4, _NODE16: 16, _NODE48: 48, _NODE256: 256}
_BODY_BYTES = {_NODE4: 4, _NODE16: 16, _NODE48: 256, _NODE256: 32}
_RUNS, _BITS, _ARRAY = range(3)
_KEY_BYTES = 6
_NOT_TRIMMED = 0xFE
_ARRAY_MAX = 4096
"""Most values of an array container; more are bits."""


def read_bitmap64(data: bytes) -> dict[int, Lows]:
    """The low bits, ascending, for each 48-bit key.

    Raises:
        CorruptTableError: The bytes are no such bitmap.
    """
    try:
        reader = _Reader(data)
        if reader.number("<B") == 0:
            return {}
        reader.skip(8)
        leaves: dict[int, int] = {}
        reader.node(leaves, 0)
        containers = reader.containers()
        return {key: containers[place] for key, place in sorted(leaves.items())}
    except (struct.error, ValueError, KeyError, IndexError) as error:
        raise CorruptTableError(f"{len(data)} bytes are not a serialized 64-bit Roaring bitmap: {error}") from error


def write_bitmap64(values: dict[int, Lows]) -> bytes:
    """The serialized form of low bits, ascending, by 48-bit key."""
    if not values:
        return b"\0"
    keys = sorted(values)
    parts = [b"\1", struct.pack("<q", len(keys))]
    _write_node(parts, [(key.to_bytes(_KEY_BYTES, "big"), place) for place, key in enumerate(keys)], 0)
    parts.append(struct.pack("<iBi", 1, _NOT_TRIMMED, len(keys)))
    parts += [_container(values[key]) for key in keys]
    parts.append(struct.pack("<qii", len(keys), 0, len(keys) - 1))
    return b"".join(parts)


class _Reader:
    """Walks through the bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def number(self, form: str) -> int:
        """The next number."""
        (value,) = struct.unpack_from(form, self._data, self._at)
        self._at += struct.calcsize(form)
        return int(value)

    def skip(self, count: int) -> None:
        """Pass over bytes."""
        self._at += count

    def array(self, dtype: str, count: int) -> NDArray[Any]:
        """The next numbers."""
        values = np.frombuffer(self._data, dtype, count, self._at)
        self._at += values.nbytes
        return values

    def node(self, leaves: dict[int, int], depth: int) -> None:
        """A node of the tree and all below it: keys to the numbers of their containers."""
        kind, count, shared = self.number("<B"), self.number("<H"), self.number("<B")
        if kind == _LEAF:
            key = int.from_bytes(self._data[self._at : self._at + _KEY_BYTES], "big")
            self.skip(_KEY_BYTES)
            leaves[key] = self.number("<q")
            return
        if depth >= _KEY_BYTES or count > _CAPACITY[kind]:
            raise ValueError(f"a branch of {count} children at depth {depth}")
        self.skip(shared + _BODY_BYTES[kind])
        for _ in range(count):
            self.node(leaves, depth + 1)

    def containers(self) -> dict[int, Lows]:
        """The values of each container by its number."""
        found: dict[int, Lows] = {}
        for outer in range(self.number("<i")):
            self.skip(1)
            for inner in range(self.number("<i")):
                if self.number("<B"):
                    found[outer << 32 | inner] = self._values()
        return found

    def _values(self) -> Lows:
        kind, count = self.number("<B"), self.number("<i")
        if kind == _ARRAY:
            return self.array("<u2", count)
        if kind == _BITS:
            return np.flatnonzero(np.unpackbits(self.array("<u1", 8192), bitorder="little")).astype(np.uint16)
        if kind != _RUNS:
            raise ValueError(f"container type {kind}")
        runs = self.array("<u2", 2 * self.number("<H")).reshape(-1, 2).astype(np.int64)
        lengths = runs[:, 1] + 1
        firsts = np.repeat(runs[:, 0] - (np.cumsum(lengths) - lengths), lengths)
        lows: Lows = (firsts + np.arange(int(lengths.sum()))).astype(np.uint16)
        return lows


def _write_node(parts: list[bytes], keys: list[tuple[bytes, int]], depth: int) -> None:
    if len(keys) == 1:
        key, place = keys[0]
        parts.append(struct.pack("<BHB", _LEAF, 0, 0) + key + struct.pack("<q", place))
        return
    first, last = keys[0][0], keys[-1][0]
    shared = next(index for index in range(depth, _KEY_BYTES) if first[index] != last[index]) - depth
    depth += shared
    children = [(byte, list(own)) for byte, own in groupby(keys, key=lambda entry: entry[0][depth])]
    branch = [byte for byte, _ in children]
    kind = next(kind for kind, capacity in _CAPACITY.items() if len(branch) <= capacity)
    parts.append(struct.pack("<BHB", kind, len(branch), shared) + first[depth - shared : depth])
    parts.append(_body(kind, branch))
    for _, own in children:
        _write_node(parts, own, depth + 1)


def _body(kind: int, branch: list[int]) -> bytes:
    """Which bytes the children go by."""
    if kind == _NODE256:
        bits = np.zeros(256, np.uint8)
        bits[branch] = 1
        return np.packbits(bits, bitorder="little").tobytes()
    if kind == _NODE48:
        places = np.full(256, 0xFF, np.uint8)
        places[branch] = np.arange(len(branch))
        return places.reshape(-1, 8)[:, ::-1].tobytes()
    # The bytes fill big-endian words, which are written the other way round.
    word = 4 if kind == _NODE4 else 8
    places = np.zeros(_CAPACITY[kind], np.uint8)
    places[: len(branch)] = branch
    return places.reshape(-1, word)[:, ::-1].tobytes()


def _container(values: Lows) -> bytes:
    """A container in its smallest form."""
    wide = values.astype(np.int64)
    starts = np.flatnonzero(np.diff(wide, prepend=-2) != 1)
    plain = 2 * len(wide) if len(wide) <= _ARRAY_MAX else 8192
    if 2 + 4 * len(starts) < plain:
        lengths = np.diff(starts, append=len(wide)) - 1
        runs = np.stack([wide[starts], lengths], axis=1).astype("<u2").tobytes()
        return struct.pack("<BBiH", 1, _RUNS, len(wide), len(starts)) + runs
    if len(wide) <= _ARRAY_MAX:
        return struct.pack("<BBi", 1, _ARRAY, len(wide)) + values.astype("<u2").tobytes()
    bits = np.zeros(1 << 16, np.uint8)
    bits[wide] = 1
    return struct.pack("<BBi", 1, _BITS, len(wide)) + np.packbits(bits, bitorder="little").tobytes()
