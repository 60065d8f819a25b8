"""Numbers of Arrow columns as NumPy arrays and back, and sums and products that are exact.

Integers and decimals are unscaled integers with a limit: what a BIGINT, or the digits of a DECIMAL(p, s), can hold; for
sums of decimals of up to 18 digits it is what 64 bits can hold.
Machine words do where no partial result can pass the limit, which is proven from the greatest value and the longest
group, or else group by group from a sum of magnitudes. Groups for which it cannot be proven are calculated step by
step in integers of any size: pass k handles the k-th value of every group that has one.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lakestore.core.merge.groups import Groups
from lakestore.core.sorting import Indices, Mask

Numbers = NDArray[Any]
Step = Callable[[Numbers, Mask, Numbers, NDArray[np.int8]], tuple[Numbers, Mask]]
"""(accumulator, whether there is one, values, actions) to the next (accumulator, whether there is one)."""

INT64_LIMIT = (1 << 63) - 1
INT32_LIMIT = (1 << 31) - 1
INT32_DIGITS = 9
"""Decimals of up to so many digits are stored in 32 bits."""
SHORT_DIGITS = 18
"""Decimals of up to so many digits are stored in 64 bits, and added up in them."""
SURE = 1 - 1e-9
"""Share of a limit that a sum of 64-bit floats may reach and still prove that the exact one is below the limit."""

_LOW_32 = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)


def limit_of(kind: pa.DataType) -> int:
    """The greatest unscaled value of an integer or decimal type."""
    if pa.types.is_decimal(kind):
        return int(10**kind.precision) - 1
    return int((1 << (kind.bit_width - 1)) - 1)


def sum_limit_of(kind: pa.DataType) -> int:
    """The greatest unscaled value that a sum of such values may pass through.

    Decimals of up to 18 digits are added up in 64-bit words, whatever digits their type has, as Paimon does.
    """
    if pa.types.is_decimal(kind) and kind.precision <= SHORT_DIGITS:
        return INT64_LIMIT
    return limit_of(kind)


def stored_limit_of(kind: pa.DataType) -> int:
    """The greatest unscaled value that a file has room for."""
    return INT32_LIMIT if kind.precision <= INT32_DIGITS else sum_limit_of(kind)


def plain_numbers(array: pa.Array) -> Numbers:
    """Values of a fixed-width column other than decimals and booleans as they lie in memory, any value for null."""
    kind = array.type
    dtype = np.dtype(kind.to_pandas_dtype()) if pa.types.is_floating(kind) else np.dtype(f"i{kind.bit_width // 8}")
    buffer = array.buffers()[1]
    if buffer is None:
        return np.zeros(len(array), dtype)
    return np.frombuffer(buffer, dtype, array.offset + len(array))[array.offset :]


def from_numbers(values: Numbers, kind: pa.DataType, valid: Mask | None = None) -> pa.Array:
    """The opposite of ``plain_numbers``; null where not valid."""
    mask = None if valid is None or bool(valid.all()) else ~valid
    if pa.types.is_floating(kind):
        return pa.array(values, kind, mask=mask)
    stored = {8: pa.int8(), 16: pa.int16(), 32: pa.int32(), 64: pa.int64()}[kind.bit_width]
    return pa.array(values.astype(f"i{kind.bit_width // 8}", copy=False), stored, mask=mask).view(kind)


def decimal_halves(array: pa.Array) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Low and high words of a decimal128 column, any value for null."""
    words = np.frombuffer(array.buffers()[1] or b"", "<u8", 2 * (array.offset + len(array)))
    pairs = words[2 * array.offset :].reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1].view(np.int64)


def from_halves(
    low: NDArray[np.uint64], high: NDArray[np.int64], kind: pa.DataType, valid: Mask | None = None
) -> pa.Array:
    """A decimal128 column of low and high words; null where not valid."""
    words = np.empty((len(low), 2), np.uint64)
    words[:, 0], words[:, 1] = low, high.view(np.uint64)
    missing = valid is not None and not bool(valid.all())
    bits = pa.array(valid).buffers()[1] if missing else None
    return pa.Array.from_buffers(kind, len(low), [bits, pa.py_buffer(words)])


def from_integers(values: Numbers, kind: pa.DataType, valid: Mask) -> pa.Array:
    """A column of an integer or decimal type from integers of any size that fit it; null where not valid."""
    values = np.where(valid, values, 0)
    if not pa.types.is_decimal(kind):
        return from_numbers(values.astype(np.int64), kind, valid)
    low = (values & ((1 << 64) - 1)).astype(np.uint64)
    return from_halves(low, (values >> 64).astype(np.int64), kind, valid)


def big_integers(array: pa.Array) -> Numbers:
    """Unscaled values as integers of any size."""
    if not pa.types.is_decimal(array.type):
        return plain_numbers(array).astype(object)
    low, high = decimal_halves(array)
    integers: Numbers = (high.astype(object) << 64) + low.astype(object)
    return integers


def small_integers(array: pa.Array) -> NDArray[np.int64] | None:
    """Unscaled values as 64-bit integers if all of them fit; nulls must not be there."""
    if not pa.types.is_decimal(array.type):
        return plain_numbers(array).astype(np.int64, copy=False)
    low, high = decimal_halves(array)
    values = low.view(np.int64) if low.flags.c_contiguous else np.ascontiguousarray(low).view(np.int64)
    if array.type.precision <= SHORT_DIGITS or bool((high == values >> 63).all()):
        return values
    return None


def magnitudes(array: pa.Array) -> NDArray[np.float64]:
    """Absolute unscaled values, about."""
    if not pa.types.is_decimal(array.type):
        return np.abs(plain_numbers(array).astype(np.float64))
    low, high = decimal_halves(array)
    return np.abs(high.astype(np.float64) * 2.0**64 + low.astype(np.float64))


def sum_small(values: NDArray[np.int64], weights: NDArray[np.int64] | None, groups: Groups, limit: int) -> Any:  # noqa: ANN401
    """Sums of each group in 64-bit words; None if some partial sum might pass the limit."""
    most = max(abs(int(values.min(initial=0))), abs(int(values.max(initial=0)))) * int(groups.sizes.max(initial=0))
    if most > min(limit, INT64_LIMIT):
        return None
    return np.add.reduceat(values if weights is None else values * weights, groups.starts)


def sum_wide(array: pa.Array, weights: NDArray[np.int64] | None, groups: Groups) -> pa.Array:
    """Sums of each group of a decimal column in four 32-bit limbs; they must fit the type."""
    low, high = decimal_halves(array)
    limbs = [(low & _LOW_32).view(np.int64), (low >> _32).view(np.int64)]
    limbs += [high & np.int64(0xFFFFFFFF), high >> np.int64(32)]
    carry: Any = np.int64(0)
    sums: list[NDArray[np.uint64]] = []
    for limb in limbs:
        total = np.add.reduceat(limb if weights is None else limb * weights, groups.starts) + carry
        sums.append((total & np.int64(0xFFFFFFFF)).view(np.uint64))
        carry = total >> np.int64(32)
    return from_halves(sums[0] | sums[1] << _32, (sums[2] | sums[3] << _32).view(np.int64), array.type)


def step_by_step(values: Numbers, actions: NDArray[np.int8], groups: Groups, step: Step) -> tuple[Numbers, Mask]:
    """Fold the values of each group in order; the results and whether there is one.

    1. Sort the groups by size, the longest first.
    2. Pass k hands the step the accumulators of the groups longer than k and their k-th values.
    """
    order, active = by_size(groups)
    starts = groups.starts[order]
    state = np.zeros(len(groups), values.dtype)
    has = np.zeros(len(groups), np.bool_)
    for age, count in enumerate(active):
        rows = starts[:count] + age
        state[:count], has[:count] = step(state[:count], has[:count], values[rows], actions[rows])
    result, there = np.empty_like(state), np.empty_like(has)
    result[order], there[order] = state, has
    return result, there


def by_size(groups: Groups) -> tuple[Indices, list[int]]:
    """The groups, the longest first, and for each age how many of them have a row of that age."""
    sizes = groups.sizes
    longest = int(sizes.max(initial=0))
    narrow = sizes.astype(np.int16) if longest < (1 << 15) else sizes
    order = np.argsort(-narrow, kind="stable")
    longer = np.cumsum(np.bincount(sizes, minlength=longest + 1)[::-1])[::-1]
    return order, [int(count) for count in longer[1:]]
