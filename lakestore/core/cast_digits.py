"""Decimal digits written as text, as DECIMAL values: what reading ``1.5E-3`` into DECIMAL(10, 2) comes to.

1. Text splits into sign, digits, and where the point stands once the exponent has moved it.
2. The digits up to the last wanted decimal become the unscaled integer; the next digit rounds it half away from
   zero (Java ``BigDecimal.setScale(HALF_UP)``).
3. What has more digits than the type becomes null.

Invariant: at most 39 digits of a value are ever looked at, so a long text costs no more than a short one.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lakestore.core.arrow_buffers import byte_spans
from lakestore.core.cast_numbers import as_decimal, fitted
from lakestore.model.types import MAX_DECIMAL_PRECISION, DataType, TypeRoot

NUMBER = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,9})?$"
"""A number as Java's ``BigDecimal`` reads it."""

_PARTS = r"^(?P<sign>[+-]?)(?P<whole>[0-9]*)\.?(?P<part>[0-9]*)(?:[eE](?P<exponent>[+-]?[0-9]+))?$"
_ROWS_AT_A_TIME = 16 * 1024
_LANES = ((0, 12), (12, 25), (25, 38))
_ZERO = np.uint8(ord("0"))


def decimals_of(text: pa.Array, target: DataType) -> pa.Array:
    """Texts that match ``NUMBER``, and nulls, as a DECIMAL column."""
    parts = [_decimals(text.slice(at, _ROWS_AT_A_TIME), target) for at in range(0, len(text), _ROWS_AT_A_TIME)]
    return pa.concat_arrays(parts) if parts else pa.array([], pa.decimal128(target.precision, target.scale))


def _decimals(text: pa.Array, target: DataType) -> pa.Array:
    sign, whole, part, exponent = pc.extract_regex(text, _PARTS).flatten()
    joined = pc.binary_join_element_wise(whole, part, "")
    digits = pc.utf8_ltrim(joined, "0")
    moved = pc.if_else(pc.equal(exponent, ""), "0", pc.utf8_ltrim(exponent, "+")).cast(pa.int64())
    zeros = pc.subtract(pc.binary_length(joined), pc.binary_length(digits))
    point = pc.subtract(pc.add(pc.binary_length(whole), moved), zeros)
    kept = np.asarray(pc.add(point, target.scale or 0).fill_null(0))
    lanes, overflows = _unscaled_lanes(digits, kept)
    wide = _joined_lanes(lanes)
    wide = pc.if_else(pc.equal(sign, "-"), pc.negate(wide), wide)
    nothing = np.asarray(text.is_null()) | overflows
    wide = pc.if_else(pa.array(nothing), pa.scalar(None, wide.type), wide)
    integers = fitted(wide, DataType(root=TypeRoot.DECIMAL, precision=target.precision, scale=0))
    return as_decimal(integers, pa.decimal128(target.precision, target.scale))


def _unscaled_lanes(digits: pa.Array, kept: NDArray[np.int64]) -> tuple[list[NDArray[np.int64]], NDArray[np.bool_]]:
    """The first ``kept`` digits of each text as a number in three lanes, rounded; and which have no room."""
    spans = byte_spans(digits)
    overflows = (kept > MAX_DECIMAL_PRECISION) & (spans.lengths > 0)
    kept = np.where(overflows, 0, kept)
    column = np.arange(MAX_DECIMAL_PRECISION, dtype=np.int64)[None, :] - (MAX_DECIMAL_PRECISION - kept)[:, None]
    figures = _figures(spans.data, spans.starts[:, None], spans.lengths[:, None], column)
    lanes = [figures[:, first:last] @ 10 ** np.arange(last - first - 1, -1, -1) for first, last in _LANES]
    following = _figures(spans.data, spans.starts, spans.lengths, kept)
    lanes[-1] = lanes[-1] + (following >= 5)
    return lanes, overflows


def _figures(
    data: NDArray[np.uint8], starts: NDArray[np.int64], lengths: NDArray[np.int64], position: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The digit at each position of each text, 0 outside the text."""
    inside = (position >= 0) & (position < lengths)
    found = data[starts + np.where(inside, position, 0)]
    return np.where(inside, found - _ZERO, 0).astype(np.int64)


def _joined_lanes(lanes: list[NDArray[np.int64]]) -> pa.Array:
    total = pa.array(lanes[0]).cast(pa.decimal256(20, 0))
    for (first, last), lane in zip(_LANES[1:], lanes[1:], strict=True):
        shift = pa.scalar(10 ** (last - first), pa.int64()).cast(pa.decimal256(20, 0))
        total = pc.add(pc.multiply(total, shift), pa.array(lane).cast(pa.decimal256(20, 0)))
    return total.cast(pa.decimal256(76, 0))
