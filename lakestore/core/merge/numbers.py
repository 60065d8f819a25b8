"""The functions over numbers: ``sum``, ``product``, ``bool_and`` and ``bool_or``; ``max`` and ``min`` of integers.

Nulls are passed over; a group without values is null. Integers are exact, and an overflow is an error; floats are added
from left to right. A decimal that outgrows its type is null, and the next value begins anew, as in Paimon; but sums of
decimals of up to 18 digits keep what 64 bits hold, as in Paimon too, and are refused where no file has room for them.
"""

from collections.abc import Callable
from typing import NoReturn

import numpy as np
import pyarrow as pa

from lakestore.core.merge.events import Action, Actions, Events, Listed
from lakestore.core.merge.exact import (
    INT32_DIGITS,
    INT64_LIMIT,
    SURE,
    Numbers,
    Step,
    big_integers,
    decimal_halves,
    from_halves,
    from_integers,
    from_numbers,
    limit_of,
    magnitudes,
    plain_numbers,
    small_integers,
    step_by_step,
    stored_limit_of,
    sum_limit_of,
    sum_small,
    sum_wide,
)
from lakestore.core.merge.groups import Column
from lakestore.core.sorting import Indices, Mask
from lakestore.errors import ErrorKind, InvalidInputError


def total(column: Column, events: Events) -> pa.Array:
    """The sum of each group: what was added less what was taken back."""
    listed = events.listed(column.valid)
    values = listed.values_of(column)
    if pa.types.is_floating(column.type):
        result, has = step_by_step(plain_numbers(values), listed.actions, listed.groups, _add)
        return _among(events, listed.numbers, from_numbers(result, column.type, has))
    weights = _weights(listed.actions)
    small = small_integers(values)
    if small is not None:
        sums = sum_small(small, weights, listed.groups, sum_limit_of(column.type))
        if sums is not None:
            return _storable(column.name, _among(events, listed.numbers, _from_small(sums, column.type)))
    limit = sum_limit_of(column.type)
    safe = np.add.reduceat(magnitudes(values), listed.groups.starts) < limit * SURE
    step = _exactly(
        column.name,
        column.type,
        add=lambda one, two: one + two,
        retract=lambda one, two: one - two,
        from_zero=True,
        limit=limit,
    )
    return _storable(column.name, _in_two(events, listed, column, safe, step))


def product(column: Column, events: Events) -> pa.Array:
    """The product of each group; what is taken back divides it."""
    listed = events.listed(column.valid)
    values = listed.values_of(column)
    retracts = bool((listed.actions == Action.RETRACT).any() or (listed.actions == Action.LATE_RETRACT).any())
    if pa.types.is_floating(column.type):
        result, has = step_by_step(plain_numbers(values), listed.actions, listed.groups, _multiply)
        return _among(events, listed.numbers, from_numbers(result, column.type, has))
    if pa.types.is_decimal(column.type):
        scale = column.type.scale
        step = _exactly(
            column.name,
            column.type,
            add=lambda one, two: _rounded(one * two, 10**scale),
            retract=lambda one, two: _quotient(column.name, one, two, 10**scale),
        )
        return _in_two(events, listed, column, np.zeros(len(listed.groups), np.bool_), step)
    step = _exactly(
        column.name,
        column.type,
        add=lambda one, two: one * two,
        retract=lambda one, two: _whole_quotient(column.name, one, two),
    )
    safe = np.zeros(len(listed.groups), np.bool_)
    if not retracts and len(safe):
        most = np.multiply.reduceat(np.maximum(magnitudes(values), 1.0), listed.groups.starts)
        safe = most < limit_of(column.type) * SURE
    if not safe.all() or not len(safe):
        return _in_two(events, listed, column, np.zeros(len(listed.groups), np.bool_), step)
    products = np.multiply.reduceat(plain_numbers(values).astype(np.int64), listed.groups.starts)
    return _among(events, listed.numbers, from_numbers(products, column.type))


def every(column: Column, events: Events) -> pa.Array:
    """Whether all values of each group are true."""
    return _of_flags(column, events, np.minimum)


def some(column: Column, events: Events) -> pa.Array:
    """Whether some value of each group is true."""
    return _of_flags(column, events, np.maximum)


def greatest_integer(column: Column, events: Events, *, least: bool = False) -> pa.Array:
    """The greatest value of each group, or the least, of a column that is stored as integers."""
    reduce = np.minimum if least else np.maximum
    if events.plain and column.valid is None:
        values = plain_numbers(column.values)
        values = values if column.order is None else values[column.order]
        return from_numbers(reduce.reduceat(values, events.groups.starts) if len(values) else values, column.type)
    listed = events.listed(column.valid)
    values = plain_numbers(listed.values_of(column))
    best = reduce.reduceat(values, listed.groups.starts) if len(values) else values
    return _among(events, listed.numbers, from_numbers(best, column.type))


def _of_flags(column: Column, events: Events, operation: np.ufunc) -> pa.Array:
    listed = events.listed(column.valid)
    flags = listed.values_of(column).cast(pa.int8())
    values = plain_numbers(flags)
    found = operation.reduceat(values, listed.groups.starts) if len(values) else values
    return _among(events, listed.numbers, from_numbers(found, pa.int8()).cast(pa.bool_()))


def _storable(name: str, sums: pa.Array) -> pa.Array:
    """The sums, unless a decimal has outgrown the bits that it is stored in."""
    if not pa.types.is_decimal(sums.type) or sums.type.precision > INT32_DIGITS or not len(sums):
        return sums
    values, limit = decimal_halves(sums)[0].view(np.int64), stored_limit_of(sums.type)
    over = (values > limit) | (values < -limit - 1)
    if sums.null_count:
        over &= sums.is_valid().to_numpy(zero_copy_only=False)
    if over.any():
        _refuse_overflow(name, sums.type, sums.filter(pa.array(over))[0])
    return sums


def _refuse_overflow(name: str, kind: pa.DataType, value: object) -> NoReturn:
    raise InvalidInputError(
        f"column {name!r}: a merged value passes what {kind} holds, at {value}; make the column wider, or write smaller"
        " values",
        kind=ErrorKind.INVALID_VALUE,
    )


def _from_small(values: Numbers, kind: pa.DataType) -> pa.Array:
    if pa.types.is_decimal(kind):
        return from_halves(values.view(np.uint64), values >> 63, kind)
    return from_numbers(values, kind)


def _weights(actions: Actions) -> Numbers | None:
    back = actions >= Action.RETRACT
    back &= actions != Action.SEED
    return np.where(back, np.int64(-1), np.int64(1)) if bool(back.any()) else None


def _in_two(events: Events, listed: Listed, column: Column, safe: Mask, step: Step) -> pa.Array:
    """Sum the groups that are safe in words, fold the others step by step."""
    pieces, numbers = [], []
    if safe.any():
        part = listed.select(safe)
        values = column.at(part.rows)
        weights = _weights(part.actions)
        if pa.types.is_decimal(column.type):
            pieces.append(sum_wide(values, weights, part.groups))
        else:
            own = plain_numbers(values).astype(np.int64)
            sums = np.add.reduceat(own if weights is None else own * weights, part.groups.starts)
            pieces.append(from_numbers(sums, column.type))
        numbers.append(part.numbers)
    part = listed.select(~safe)
    result, has = step_by_step(big_integers(column.at(part.rows)), part.actions, part.groups, step)
    pieces.append(from_integers(result, column.type, has))
    numbers.append(part.numbers)
    return _among(events, np.concatenate(numbers), pa.concat_arrays(pieces))


def _among(events: Events, numbers: Indices, values: pa.Array) -> pa.Array:
    """The values of some groups as those of all, null for the others."""
    if len(numbers) == len(events.groups) and bool((numbers[1:] > numbers[:-1]).all()):
        return values
    places = np.full(len(events.groups), -1)
    places[numbers] = np.arange(len(numbers))
    return values.take(pa.array(places, mask=places < 0))


def _is_retract(actions: Actions) -> Mask:
    back: Mask = (actions == Action.RETRACT) | (actions == Action.LATE_RETRACT)
    return back


def _add(state: Numbers, has: Mask, values: Numbers, actions: Actions) -> tuple[Numbers, Mask]:
    values = np.where(_is_retract(actions), -values, values)
    with np.errstate(all="ignore"):
        return np.where(has, state + values, values), np.ones_like(has)


def _multiply(state: Numbers, has: Mask, values: Numbers, actions: Actions) -> tuple[Numbers, Mask]:
    back = _is_retract(actions)
    with np.errstate(all="ignore"):
        result = np.where(back, state / values, state * values)
    return np.where(has, result, values), has | ~back


Operation = Callable[[Numbers, Numbers], Numbers]


def _exactly(
    name: str,
    kind: pa.DataType,
    *,
    add: Operation,
    retract: Operation,
    from_zero: bool = False,
    limit: int | None = None,
) -> Step:
    """A step in integers of any size that minds the limit of the type after each operation.

    Args:
        name: The column.
        kind: Its type.
        add: What an added value does to the accumulator.
        retract: What a value that is taken back does to it.
        from_zero: Taking back from nothing gives the negative value, rather than nothing.
        limit: The greatest value; by default that of the type.
    """
    decimal = pa.types.is_decimal(kind)
    limit = limit_of(kind) if limit is None else limit
    lowest = -limit - 1 if not decimal or limit == INT64_LIMIT else -limit

    def step(state: Numbers, has: Mask, values: Numbers, actions: Actions) -> tuple[Numbers, Mask]:
        state = state.copy()
        back = _is_retract(actions)
        fresh = ~has & ~back
        state[fresh] = values[fresh]
        negated = ~has & back & from_zero
        state[negated] = -values[negated]
        for operation, where in ((add, has & ~back), (retract, has & back)):
            if where.any():
                state[where] = operation(state[where], values[where])
        there = has | fresh | negated
        over = there & ((state > limit) | (state < lowest))
        if over.any() and not decimal:
            _refuse_overflow(name, kind, state[over][0])
        return state, there & ~over

    return step


def _rounded(values: Numbers, unit: int) -> Numbers:
    """Quotients by the unit, halves away from zero."""
    quotients: Numbers = np.where(values < 0, -1, 1) * ((2 * abs(values) + unit) // (2 * unit))
    return quotients


def _not_zero(name: str, values: Numbers) -> None:
    if (values == 0).any():
        raise InvalidInputError(
            f"column {name!r}: a product cannot take back 0; set fields.{name}.ignore-retract to true to keep products"
            " as they are",
            kind=ErrorKind.INVALID_VALUE,
        )


def _whole_quotient(name: str, one: Numbers, two: Numbers) -> Numbers:
    _not_zero(name, two)
    quotient = abs(one) // abs(two)
    return np.where((one < 0) != (two < 0), -quotient, quotient)


def _quotient(name: str, one: Numbers, two: Numbers, unit: int) -> Numbers:
    """Decimal quotients, which must end."""
    _not_zero(name, two)
    divisor = abs(two) // np.gcd(abs(one), abs(two))
    endless = (10**127) % divisor != 0
    if endless.any():
        raise InvalidInputError(
            f"column {name!r}: a product cannot take back a factor when the quotient has no last digit; set"
            f" fields.{name}.ignore-retract to true to keep products as they are",
            kind=ErrorKind.INVALID_VALUE,
        )
    sign = np.where((one < 0) != (two < 0), -1, 1)
    quotients: Numbers = sign * ((2 * abs(one) * unit + abs(two)) // (2 * abs(two)))
    return quotients
