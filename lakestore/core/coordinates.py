"""Columns of any type as coordinates of one scale, for space-filling curves.

1. A value becomes a 64-bit word that rises with it (``leading_word``); null is the least. Texts give eight bytes from
   where the texts of the sample begin to differ, since ids and URLs often share their beginning. Of wide decimals the
   word is that of the nearest double.
2. From a sample of the column's words a scale is made: the share of the sample below a value, linear in between.
   A coordinate is that share as an integer of some bits, so each bit halves the rows, not the range of values: data
   that is heaped in few places is cut where it lies.

Invariant: of two values the greater one never has the smaller coordinate, whatever the sample was.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lakestore.core.keywords import Words, column_words
from lakestore.errors import InvalidInputError

KNOTS_MAX = 1024
"""Points of one scale at most: what lies between two of them holds a thousandth of the rows."""

WORD_BYTES = 8
_WIDE_DIGITS = 18


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """Where the values of one column lie.

    Attributes:
        prefix: Bytes that all texts of the sample begin with; None for other types.
        knots: Rising words, as doubles.
        shares: Share of the sample below each knot, 0 to 1.
    """

    prefix: bytes | None
    knots: NDArray[np.float64]
    shares: NDArray[np.float64]

    def coordinates(self, column: Any, *, bits: int) -> Words:  # noqa: ANN401 - Array or ChunkedArray
        """The column's values as integers below ``2**bits`` that rise with them, shape (rows,)."""
        shares = np.interp(self._words(column).astype(np.float64), self.knots, self.shares)
        top = np.float64((1 << bits) - 1)
        return np.minimum(np.floor(shares * (top + 1)), top).astype(np.uint64)

    def _words(self, column: Any) -> Words:  # noqa: ANN401
        return leading_word(column, prefix=self.prefix)


def scale_of(sample: Any) -> Scale:  # noqa: ANN401 - Array or ChunkedArray
    """The scale of a column, from values picked at random out of it; an empty sample makes a scale of one point."""
    array = _one_array(sample)
    prefix = common_prefix(array) if _is_text(array.type) else None
    words = np.sort(leading_word(array, prefix=prefix)).astype(np.float64)
    if not len(words):
        return Scale(prefix=prefix, knots=np.zeros(1), shares=np.zeros(1))
    picked = np.unique(words[np.linspace(0, len(words) - 1, min(KNOTS_MAX, len(words))).astype(np.int64)])
    return Scale(prefix=prefix, knots=picked, shares=np.searchsorted(words, picked, side="left") / len(words))


def leading_word(column: Any, *, prefix: bytes | None = None) -> Words:  # noqa: ANN401
    """One word a value that rises with it: shape (rows,); values that differ may share a word.

    Args:
        column: Values of a type that has an order.
        prefix: Of texts: bytes to pass over. Texts that do not begin with them get the least or greatest word.

    Raises:
        InvalidInputError: The type has no order (nested types).
    """
    array = _one_array(column)
    if _is_text(array.type):
        words = _text_word(array, prefix or b"")
    elif pa.types.is_decimal(array.type) and array.type.precision > _WIDE_DIGITS:
        words = column_words([array.cast(pa.float64()).fill_null(0.0)])[0][-1]
    elif pa.types.is_nested(array.type):
        raise InvalidInputError(
            f"rows cannot be sorted along a column of type {array.type}: choose columns of scalar types"
        )
    else:
        words = column_words([array])[0][-1] if array.null_count < len(array) else np.zeros(len(array), np.uint64)
    return np.where(_valid(array), words, np.uint64(0)) if array.null_count else words


def common_prefix(texts: pa.Array) -> bytes:
    """The longest bytes that all values begin with; nulls do not count."""
    bounds = pc.min_max(texts.cast(pa.large_binary()))
    low, high = bounds["min"].as_py() or b"", bounds["max"].as_py() or b""
    length = next((at for at, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), min(len(low), len(high)))
    return low[:length]


def _text_word(array: pa.Array, prefix: bytes) -> Words:
    texts = array.cast(pa.large_binary()).fill_null(b"")
    start = len(prefix)
    pieces = pc.binary_slice(texts, start, start + WORD_BYTES)
    words = _padded(pieces)
    if not prefix:
        return words
    heads = pc.binary_slice(texts, 0, start)
    scalar = pa.scalar(prefix, pa.large_binary())
    below = pc.less(heads, scalar).to_numpy(zero_copy_only=False)
    above = pc.greater(heads, scalar).to_numpy(zero_copy_only=False)
    return np.where(below, np.uint64(0), np.where(above, np.uint64(2**64 - 1), words))


def _padded(pieces: pa.Array) -> Words:
    """Texts of up to eight bytes as words, zero bytes behind."""
    zeros, nothing = pa.scalar(bytes(WORD_BYTES), pa.large_binary()), pa.scalar(b"", pa.large_binary())
    filled = pc.binary_join_element_wise(pieces, zeros, nothing)
    fixed = pc.binary_slice(filled, 0, WORD_BYTES)
    data = np.frombuffer(fixed.buffers()[2] or b"", np.uint8)
    first = np.frombuffer(fixed.buffers()[1], np.int64)[fixed.offset] if len(fixed) else 0
    return data[first : first + WORD_BYTES * len(fixed)].view(">u8").astype(np.uint64)


def _one_array(column: Any) -> pa.Array:  # noqa: ANN401
    if isinstance(column, pa.ChunkedArray):
        return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    return column


def _valid(array: pa.Array) -> NDArray[np.bool_]:
    mask: NDArray[np.bool_] = array.is_valid().to_numpy(zero_copy_only=False)
    return mask


_TEXT_KINDS: Sequence[Any] = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_binary,
    pa.types.is_large_binary,
)


def _is_text(kind: pa.DataType) -> bool:
    return any(is_kind(kind) for is_kind in _TEXT_KINDS) or pa.types.is_fixed_size_binary(kind)
