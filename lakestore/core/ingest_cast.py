"""Arrow columns into a Paimon type, value for value, or not at all.

A conversion is chosen once per column from (Arrow type, Paimon type); it turns one Arrow array into one of
the wanted type and raises ``pa.ArrowInvalid`` when a single value would change. Which pairs exist is a matter
of kind, not of width: integers become integers, decimals or floats, timestamps stay with or without a zone,
and so on. Whether a *value* fits is asked of the values: pandas and Python know one integer type only.

Invariant: converting back yields the values that came in.
"""

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from lakestore.model.arrow import arrow_type
from lakestore.model.types import BINARIES, FLOATS, INTEGERS, STRINGS, TIMESTAMPS, DataType, TypeRoot

Convert = Callable[[pa.Array], pa.Array]

LOSSES = (pa.ArrowInvalid, pa.ArrowCapacityError)
"""What a conversion raises when a value would change."""

_UNIT_DIGITS = {"s": 0, "ms": 3, "us": 6, "ns": 9}


def conversion(source: pa.DataType, target: DataType) -> Convert | None:
    """How values of an Arrow type become values of a Paimon type; None when they never do.

    Args:
        source: A type that ``plain_type`` returns.
        target: The column's type.
    """
    wanted = arrow_type(target)
    if pa.types.is_null(source):
        return lambda array: pa.nulls(len(array), wanted)
    convert = _same if source == wanted else _by_kind(source, wanted, target.root)
    check = _check_for(target, wanted)
    if convert is None or check is None:
        return convert
    base = convert

    def checked(array: pa.Array) -> pa.Array:
        result = base(array)
        check(result)
        return result

    return checked


def is_identity(convert: Convert) -> bool:
    """Whether the conversion hands back what it is given."""
    return convert is _same


def first_loss(array: pa.Array, convert: Convert) -> int:
    """Position of the first value that the conversion refuses; the whole array must be known to fail.

    Halves the prefix that is known to fail, so it converts each value about twice over.
    """
    low, high = 0, len(array)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            convert(array.slice(low, middle - low))
        except LOSSES:
            high = middle
        else:
            low = middle
    return low


def plain_type(source: pa.DataType) -> pa.DataType:
    """The type that ``plain`` turns values of that type into."""
    if isinstance(source, pa.BaseExtensionType):
        return plain_type(source.storage_type)
    if pa.types.is_dictionary(source) or pa.types.is_run_end_encoded(source):
        return plain_type(source.value_type)
    if pa.types.is_large_string(source) or pa.types.is_string_view(source):
        return pa.string()
    if pa.types.is_large_binary(source) or pa.types.is_binary_view(source):
        return pa.binary()
    return source


def plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The same values without dictionary, run-end, view, 64-bit-offset or extension wrapping."""
    wanted = plain_type(column.type)
    if column.type == wanted:
        return column
    chunks = [piece for chunk in column.chunks for piece in _unwrapped_in_pieces(chunk, wanted)]
    return pa.chunked_array(chunks, wanted)


def plain_array(array: pa.Array) -> pa.Array:
    """The same values of one array; what is inside nested values stays as it is.

    Raises:
        pa.ArrowInvalid: The plain form would pass 2 GiB of characters.
    """
    return _unwrapped(array, plain_type(array.type))


def _unwrapped_in_pieces(array: pa.Array, wanted: pa.DataType) -> list[pa.Array]:
    """Unwrap; an array whose plain form would pass 2 GiB of characters comes back in pieces."""
    try:
        return [_unwrapped(array, wanted)]
    except LOSSES:
        if len(array) < 2:
            raise
    half = len(array) // 2
    rebased = [pa.concat_arrays([part, part.slice(0, 0)]) for part in (array.slice(0, half), array.slice(half))]
    return [piece for part in rebased for piece in _unwrapped_in_pieces(part, wanted)]


def _unwrapped(array: pa.Array, wanted: pa.DataType) -> pa.Array:
    if isinstance(array, pa.ExtensionArray):
        return _unwrapped(array.storage, wanted)
    if isinstance(array, pa.RunEndEncodedArray):
        return _unwrapped(pc.run_end_decode(array), wanted)
    if isinstance(array, pa.DictionaryArray):
        values = _unwrapped(array.dictionary, wanted)
        if pa.types.is_nested(wanted):
            return values.take(array.indices)
        return pa.DictionaryArray.from_arrays(array.indices, values).dictionary_decode()
    return array if array.type == wanted else array.cast(wanted)


def _same(array: pa.Array) -> pa.Array:
    return array


def _by_kind(source: pa.DataType, wanted: pa.DataType, root: TypeRoot) -> Convert | None:
    """The conversion for two different types, by the family of the target."""
    if root in INTEGERS and (pa.types.is_integer(source) or pa.types.is_decimal(source)):
        return _cast(wanted) if pa.types.is_integer(source) else _decimal_to_integer(source, wanted)
    if root in FLOATS and (pa.types.is_floating(source) or pa.types.is_integer(source)):
        narrows = pa.types.is_float64(source) and pa.types.is_float32(wanted)
        return _there_and_back(wanted) if narrows else _cast(wanted)
    if root is TypeRoot.DECIMAL and (pa.types.is_integer(source) or pa.types.is_decimal(source)):
        return _cast(wanted) if pa.types.is_decimal(source) else _integer_to_decimal(source, wanted)
    if root in STRINGS and pa.types.is_string(source):
        return _cast(wanted)
    if root in BINARIES and (pa.types.is_binary(source) or pa.types.is_fixed_size_binary(source)):
        return None if pa.types.is_decimal(source) else _cast(wanted)
    if root is TypeRoot.TIME and pa.types.is_time(source):
        return _cast(wanted)
    if root is TypeRoot.TIMESTAMP_LTZ:
        return _cast(wanted) if pa.types.is_timestamp(source) and source.tz is not None else None
    if root in {TypeRoot.DATE, TypeRoot.TIMESTAMP}:
        return _to_calendar(source, wanted)
    return None


def _to_calendar(source: pa.DataType, wanted: pa.DataType) -> Convert | None:
    """Dates and timestamps without a zone; a timestamp is a date when it is midnight."""
    if pa.types.is_date(source):
        return _cast(wanted)
    if pa.types.is_timestamp(source) and source.tz is None:
        return _there_and_back(wanted) if pa.types.is_date(wanted) else _cast(wanted)
    return None


def _cast(wanted: pa.DataType) -> Convert:
    """Arrow's checked cast, for the pairs where it checks every value."""
    return lambda array: array.cast(wanted)


def _there_and_back(wanted: pa.DataType) -> Convert:
    """A cast that Arrow does not check: cast back and compare."""

    def convert(array: pa.Array) -> pa.Array:
        result = array.cast(wanted, safe=False)
        changed = pc.not_equal(result.cast(array.type, safe=False), array)
        if pa.types.is_floating(wanted):
            changed = pc.and_(changed, pc.invert(pc.is_nan(array)))
        _refuse_any(changed, f"a value does not survive the way to {wanted} and back")
        return result

    return convert


def _integer_to_decimal(source: pa.DataType, wanted: pa.DataType) -> Convert:
    """Through a decimal that holds every integer: Arrow judges the direct cast by type alone."""
    wide = pa.decimal128(20 if pa.types.is_uint64(source) else 19, 0)
    return lambda array: array.cast(wide).cast(wanted)


def _decimal_to_integer(source: pa.DataType, wanted: pa.DataType) -> Convert:
    if source.bit_width < 128:
        wide = pa.decimal128(source.precision, source.scale)
        return lambda array: array.cast(wide).cast(wanted)
    return _cast(wanted)


def _check_for(target: DataType, wanted: pa.DataType) -> Callable[[pa.Array], None] | None:
    """What a value of the Arrow type must meet besides; None where the type says it all."""
    if target.root in STRINGS:
        return _require_utf8
    precision = target.precision or 0
    if target.root in TIMESTAMPS and wanted.unit == "s":
        return _require_milliseconds
    if target.root in {TypeRoot.TIME, *TIMESTAMPS}:
        step = 10 ** max(0, _UNIT_DIGITS[wanted.unit] - precision)
        return None if step == 1 else lambda array: _require_steps(array, step)
    return None


def _require_utf8(array: pa.Array) -> None:
    """Other libraries may hand over any bytes as text."""
    array.validate(full=True)


def _require_milliseconds(array: pa.Array) -> None:
    """Seconds are stored as milliseconds, which reach less far."""
    array.cast(pa.timestamp("ms", array.type.tz))


def _require_steps(array: pa.Array, step: int) -> None:
    units = array.view(pa.int32() if pa.types.is_time32(array.type) else pa.int64())
    whole = pc.multiply(pc.divide(units, step), step)
    _refuse_any(pc.not_equal(units, whole), "a value is finer than the declared precision")


def _refuse_any(bad: pa.Array, reason: str) -> None:
    if pc.any(bad).as_py():
        raise pa.ArrowInvalid(reason)
