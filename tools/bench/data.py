"""Generated rows. Every value follows from a row's id and version, so that the right answer is known without reading.

A row has the columns of its key and four values: ``qty`` (BIGINT), ``price`` (DOUBLE), ``status`` (STRING, sixteen
of them) and ``stamp`` (BIGINT: id times 64 plus version).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

VERSIONS = 64
STATUSES = pa.array([f"{word}-{number}" for word in ("new", "paid", "sent", "back") for number in range(4)])
VALUES = {"qty": pa.int64(), "price": pa.float64(), "status": pa.string(), "stamp": pa.int64()}


def mix(numbers: np.ndarray) -> np.ndarray:
    """Scramble 64-bit numbers (the finisher of splitmix64)."""
    mixed = numbers.astype(np.uint64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


@dataclass(frozen=True)
class Shape:
    """The key of a benchmark table.

    Attributes:
        types: Key columns with their types.
        columns: Key columns of rows, from their ids.
    """

    types: dict[str, pa.DataType]
    columns: Callable[[np.ndarray], list[pa.Array]]

    @property
    def key(self) -> list[str]:
        """Names of the key columns."""
        return list(self.types)

    @property
    def schema(self) -> pa.Schema:
        """Schema of whole rows."""
        keys = [pa.field(name, form, nullable=False) for name, form in self.types.items()]
        return pa.schema([*keys, *VALUES.items()])


def _scattered(ids: np.ndarray) -> np.ndarray:
    """Different numbers below 2 to the 32 for different ids, in no order of theirs."""
    return ids.astype(np.uint32) * np.uint32(0x9E3779B1)


def _texts(prefix: str, numbers: np.ndarray, digits: int) -> pa.Array:
    """Texts such as ``order-00000042``, made digit by digit."""
    head = np.frombuffer(prefix.encode(), np.uint8)
    width = len(head) + digits
    letters = np.empty((len(numbers), width), np.uint8)
    letters[:, : len(head)] = head
    rest = numbers.astype(np.int64)
    for place in range(width - 1, len(head) - 1, -1):
        letters[:, place] = rest % 10 + ord("0")
        rest = rest // 10
    offsets = np.arange(len(numbers) + 1, dtype=np.int32) * width
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(letters))]
    return pa.Array.from_buffers(pa.string(), len(numbers), buffers)


SHAPES = {
    "int": Shape({"id": pa.int64()}, lambda ids: [pa.array(ids)]),
    "string": Shape({"code": pa.string()}, lambda ids: [_texts("order-", _scattered(ids), 10)]),
    "pair": Shape(
        {"shop": pa.int32(), "number": pa.int64()},
        lambda ids: [pa.array((ids % 1000).astype(np.int32)), pa.array(ids // 1000)],
    ),
    "pair-text": Shape(
        {"shop": pa.string(), "number": pa.int64()},
        lambda ids: [_texts("shop-", ids % 1000, 4), pa.array(ids // 1000)],
    ),
}
"""Key shapes by name."""


def rows_of(shape: Shape, ids: np.ndarray, versions: np.ndarray | int) -> pa.Table:
    """The rows of those ids at those versions."""
    stamps = ids * VERSIONS + versions
    drawn = mix(stamps)
    values = [
        pa.array((drawn % np.uint64(1000)).astype(np.int64)),
        pa.array((drawn >> np.uint64(20)) % np.uint64(100_000) / 100),
        STATUSES.take(pa.array((drawn >> np.uint64(60)).astype(np.int8))),
        pa.array(stamps),
    ]
    return pa.table([*shape.columns(ids), *values], schema=shape.schema)


def draws(keys: int, size: int, count: int, *, seed: int = 1) -> list[np.ndarray]:
    """For each of ``count`` runs, ``size`` different ids below ``keys`` in random order."""
    generator = np.random.default_rng(seed)
    return [generator.permutation(keys)[:size].astype(np.int64) for _ in range(count)]


def winners(runs: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Ids that are left after writing the runs in turn, and the number of the run that wrote each last."""
    last = np.full(max(int(run.max()) for run in runs) + 1, -1, np.int64)
    for version, run in enumerate(runs):
        last[run] = version
    ids = np.flatnonzero(last >= 0)
    return ids, last[ids]
