"""What a read returned, in a few numbers that do not depend on the order of rows."""

import zlib
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from tools.bench.data import mix


@dataclass(frozen=True)
class Answer:
    """A read in numbers.

    Attributes:
        rows: How many.
        total: Sum of the first column of whole numbers.
        checksum: Sum of a hash of every whole row, modulo 2 to the 64.
    """

    rows: int
    total: int
    checksum: int

    def as_json(self) -> dict[str, Any]:
        """As an object of JSON."""
        return asdict(self)


def answer_of(table: pa.Table) -> Answer:
    """The answer that an Arrow table is."""
    total, rows = None, np.zeros(table.num_rows, np.uint64)
    for name in sorted(table.column_names):
        column = table.column(name).combine_chunks()
        if isinstance(column, pa.ChunkedArray):
            column = pa.concat_arrays(column.chunks)
        if total is None and pa.types.is_int64(column.type):
            total = int(column.to_numpy(zero_copy_only=False).sum())
        rows = mix(rows * np.uint64(31) + _hashes(column))
    return Answer(table.num_rows, total or 0, int(rows.sum(dtype=np.uint64)))


def _hashes(column: pa.Array) -> np.ndarray:
    """One number per value."""
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        column = column.dictionary_encode()
    if pa.types.is_dictionary(column.type):
        sums = [zlib.crc32(value.encode()) for value in column.dictionary.to_pylist()]
        return mix(np.array(sums, np.uint64))[column.indices.to_numpy()]
    values = column.to_numpy(zero_copy_only=False)
    return mix(values.view(np.uint64) if values.dtype.itemsize == 8 else values.astype(np.int64).view(np.uint64))


class WrongAnswerError(Exception):
    """An engine read or wrote something else than it should: its time counts for nothing."""


def verify(who: str, actual: Answer, expected: Answer) -> None:
    """Raise unless the answers are the same.

    Raises:
        WrongAnswerError: They are not.
    """
    if actual != expected:
        raise WrongAnswerError(f"{who} answers {actual}, expected {expected}")
