"""Arrow columns as NumPy arrays: null masks, integers, decimals and byte strings, across chunks and slices."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

PADDING = 8
"""Zero bytes after the last byte of ``Spans.data``, so that a whole word can be read at any byte before them."""


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """The values of a text or binary column in one buffer.

    Attributes:
        data: All bytes, and ``PADDING`` zeros.
        starts: Where each value begins.
        lengths: How many bytes it has; 0 for null.
    """

    data: NDArray[np.uint8]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]


def chunks_of(column: Any) -> list[Any]:  # noqa: ANN401 - pyarrow has no types
    """The non-empty Arrays of an Array or ChunkedArray."""
    parts = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    return [part for part in parts if len(part)]


def null_mask(column: Any) -> NDArray[np.bool_] | None:  # noqa: ANN401 - pyarrow has no types
    """True where the column is null; None when it has no null."""
    return np.asarray(column.is_null()) if column.null_count else None


def integers(column: Any, kind: pa.DataType) -> NDArray[Any]:  # noqa: ANN401 - pyarrow has no types
    """The stored integers of a numeric or temporal column as that integer type, 0 for null."""
    whole = column if column.type == kind else column.cast(kind)
    return np.asarray(whole.fill_null(0) if whole.null_count else whole)


def decimal_words(column: Any) -> NDArray[np.uint64]:  # noqa: ANN401 - pyarrow has no types
    """A decimal128 column as rows of two words, the low one first; zeros for null."""
    parts = [np.empty((0, 2), np.uint64)]
    for chunk in chunks_of(column):
        words = np.frombuffer(chunk.buffers()[1], "<u8", 2 * (chunk.offset + len(chunk)))
        parts.append(words[2 * chunk.offset :].reshape(-1, 2))
    pairs = parts[1] if len(parts) == 2 else np.concatenate(parts)
    nulls = null_mask(column)
    return pairs if nulls is None else np.where(nulls[:, None], np.uint64(0), pairs)


def byte_spans(column: Any) -> Spans:  # noqa: ANN401 - pyarrow has no types
    """The bytes of a string, binary, large_string or large_binary column."""
    pieces: list[NDArray[np.uint8]] = []
    starts: list[NDArray[np.int64]] = []
    lengths: list[NDArray[np.int64]] = []
    size = 0
    for chunk in chunks_of(column):
        _, ends_buffer, data_buffer = chunk.buffers()
        large = pa.types.is_large_string(chunk.type) or pa.types.is_large_binary(chunk.type)
        ends = np.frombuffer(ends_buffer, np.int64 if large else np.int32, chunk.offset + len(chunk) + 1)
        bounds: NDArray[np.int64] = ends[chunk.offset :].astype(np.int64)
        first, last = int(bounds[0]), int(bounds[-1])
        starts.append(bounds[:-1] - (first - size))
        lengths.append(bounds[1:] - bounds[:-1])
        if last > first:
            pieces.append(np.frombuffer(data_buffer, np.uint8, last)[first:])
        size += last - first
    data = np.concatenate([*pieces, np.zeros(PADDING, np.uint8)])
    all_lengths = np.concatenate([np.empty(0, np.int64), *lengths])
    nulls = null_mask(column)
    if nulls is not None:
        all_lengths[nulls] = 0
    return Spans(data, np.concatenate([np.empty(0, np.int64), *starts]), all_lengths)
