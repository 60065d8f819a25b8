"""Numbers of one type as numbers of another, as Java turns them: what ``core.casts`` does between numeric types.

- Integers into narrower ones keep their low bits; floats into integers are cut toward zero, bounded by the 32-bit
  (or 64-bit) range first, and NaN is 0 (Java's narrowing conversions).
- Into DECIMAL rounds half away from zero; what has too many digits becomes null (Paimon ``Decimal.fromBigDecimal``).
- DECIMAL into integers is cut toward zero and keeps its low 64 bits; into floats, at most 18 digits are one division,
  more are rounded once (Paimon ``DecimalUtils``).
"""

from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakestore.core.arrow_buffers import decimal_words, integers, null_mask
from lakestore.model.arrow import arrow_type
from lakestore.model.types import DataType, TypeRoot

MAX_COMPACT_DIGITS = 18
"""Digits of a decimal that Paimon keeps in a 64-bit integer."""

_WIDE_DIGITS = 76


def number_to_number(array: pa.Array, target: DataType) -> pa.Array:
    """Integers or floats as integers or floats."""
    wanted = arrow_type(target)
    if pa.types.is_floating(array.type) and pa.types.is_integer(wanted):
        return _float_to_integer(array, wanted)
    return array.cast(wanted, safe=False)


def integer_to_boolean(array: pa.Array) -> pa.Array:
    """True for all but 0."""
    return pc.not_equal(array, pa.scalar(0, array.type))


def boolean_to_number(array: pa.Array, target: DataType) -> pa.Array:
    """1 and 0; null where a DECIMAL has no room for 1."""
    ones = array.cast(pa.int8())
    return integer_to_decimal(ones, target) if target.root is TypeRoot.DECIMAL else ones.cast(arrow_type(target))


def integer_to_decimal(array: pa.Array, target: DataType) -> pa.Array:
    """Whole numbers with ``scale`` zeros."""
    return fitted(array.cast(pa.decimal256(_WIDE_DIGITS, target.scale)), target)


def decimal_to_decimal(array: pa.Array, target: DataType) -> pa.Array:
    """The same numbers with more or fewer decimals."""
    # decimal128 has no room to round up in; arrow's own rounding of it gives wrong numbers in silence.
    wide = array.cast(pa.decimal256(_WIDE_DIGITS, array.type.scale))
    if (target.scale or 0) < array.type.scale:
        wide = pc.round(wide, target.scale, "half_towards_infinity")
    return fitted(wide.cast(pa.decimal256(_WIDE_DIGITS, target.scale)), target)


def decimal_to_number(array: pa.Array, target: DataType) -> pa.Array:
    """Decimals as integers or floats."""
    wanted = arrow_type(target)
    if pa.types.is_floating(wanted):
        return _decimal_to_double(array).cast(wanted, safe=False)
    wide = array.cast(pa.decimal256(_WIDE_DIGITS, array.type.scale))
    whole = pc.round(wide, 0, "towards_zero").cast(pa.decimal256(_WIDE_DIGITS, 0)).cast(pa.decimal128(38, 0))
    low = decimal_words(whole)[:, 0].view(np.int64)
    return pa.array(low, mask=null_mask(array)).cast(wanted, safe=False)


def fitted(wide: Any, target: DataType) -> pa.Array:  # noqa: ANN401 - a decimal256 array of the target's scale
    """The decimals as the target type, null where they have too many digits for it."""
    precision, scale = target.precision or 0, target.scale or 0
    limit = pa.scalar(Decimal(1).scaleb(precision - scale), pa.decimal256(_WIDE_DIGITS, scale))
    fits = pc.less(pc.abs(wide), limit)
    return pc.if_else(fits, wide, pa.scalar(None, wide.type)).cast(pa.decimal128(precision, scale))


def as_decimal(whole: pa.Array, kind: pa.DataType) -> pa.Array:
    """A decimal128 array whose digits mean another type's: the unscaled integers, with a point put in."""
    return pa.Array.from_buffers(kind, len(whole), whole.buffers(), offset=whole.offset)


def _float_to_integer(array: pa.Array, wanted: pa.DataType) -> pa.Array:
    nulls = null_mask(array)
    values = np.asarray(array.cast(pa.float64()).fill_null(0.0))
    bits = 64 if wanted == pa.int64() else 32
    low, high = -(2.0 ** (bits - 1)), 2.0 ** (bits - 1)
    inside = np.where((values > low) & (values < high), values, 0.0)
    whole = inside.astype(np.int64)
    whole[values >= high] = 2 ** (bits - 1) - 1
    whole[values <= low] = -(2 ** (bits - 1))
    return pa.array(whole, mask=nulls).cast(wanted, safe=False)


def _decimal_to_double(array: pa.Array) -> pa.Array:
    if array.type.precision > MAX_COMPACT_DIGITS:
        return array.cast(pa.string()).cast(pa.float64())
    unscaled = integers(as_decimal(array, pa.decimal128(38, 0)), pa.int64())
    return pa.array(unscaled.astype(np.float64) / 10.0**array.type.scale, mask=null_mask(array))
