"""Numbers and booleans as text and text as numbers, as Java writes and reads them; and text and bytes cut to length.

| direction | rule |
|---|---|
| FLOAT, DOUBLE to text | shortest digits, laid out as by Java: ``1.0``, ``1.0E7``, ``1.5E-4``, ``NaN``, ``-Infinity`` |
| DECIMAL to text | plain, all decimals |
| text to integers | sign, digits, and a fraction that is dropped; no blanks |
| text to FLOAT, DOUBLE | Java's ``parseDouble``, without hexadecimal floats |
| text to BOOLEAN | t, true, y, yes, 1 and f, false, n, no, 0, any case |
| into CHAR(n), VARCHAR(n) | cut to n characters; CHAR padded with blanks |
| into BINARY(n), VARBINARY(n) | cut to n bytes; BINARY padded with zeros |

Text that is none of these is an error that shows it, never a null.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakestore.core.cast_digits import NUMBER, decimals_of
from lakestore.core.cast_numbers import as_decimal
from lakestore.errors import InvalidInputError
from lakestore.model.arrow import arrow_type
from lakestore.model.types import MAX_LENGTH, DataType, TypeRoot

_SHOWN = 80
_WHOLE_PARTS = r"^(?P<sign>[+-]?)(?P<whole>[0-9]*)(?:\.[0-9]*)?$"
_FLOAT = r"^[+-]?(?:NaN|Infinity|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[fFdD]?)$"
_BLANKS = "".join(map(chr, range(33)))
_SHORTEST = r"^-?(?P<whole>[0-9]+)\.?(?P<part>[0-9]*)(?:e(?P<exponent>[+-][0-9]+))?$"
_TRUE, _FALSE = ("t", "true", "y", "yes", "1"), ("f", "false", "n", "no", "0")
_PLAIN_POINTS = range(-2, 8)
"""Where the point of a float may stand, counted from its first digit, for it to be written without exponent."""

_TINY = {32: 1e-43, 64: 1e-321}
"""Below these the shortest digits are fewer than the two that Java writes, so that the second one counts."""


def refuse_first(bad: pa.Array, values: pa.Array, target: DataType, expected: str) -> None:
    """Raise for the first value that is marked bad, if there is one.

    Raises:
        InvalidInputError: There is one.
    """
    at = pc.index(bad, True).as_py()
    if at >= 0:
        shown = str(values[at].as_py())
        shown = shown if len(shown) <= _SHOWN else shown[:_SHOWN] + "…"
        raise InvalidInputError(f"the value {shown!r} cannot be read as {target}: expected {expected}")


def number_to_text(array: pa.Array, target: DataType) -> pa.Array:
    """Integers, floats, decimals and booleans as text."""
    if pa.types.is_floating(array.type):
        text = _float_text(array)
    elif pa.types.is_decimal(array.type):
        text = _decimal_text(array)
    else:
        text = array.cast(pa.string())
    return text_to_text(text, target)


def text_to_text(array: pa.Array, target: DataType) -> pa.Array:
    """Text cut, and padded for CHAR."""
    length = target.length or MAX_LENGTH
    if target.root is TypeRoot.CHAR:
        array = pc.utf8_rpad(array, length, " ")
    return array if length == MAX_LENGTH else pc.utf8_slice_codeunits(array, 0, length)


def bytes_to_bytes(array: pa.Array, target: DataType) -> pa.Array:
    """Bytes, or the UTF-8 of text, cut, and padded for BINARY."""
    array = array.cast(pa.binary())
    length = target.length or MAX_LENGTH
    if target.root is TypeRoot.BINARY:
        array = pc.binary_join_element_wise(array, pa.scalar(bytes(length), pa.binary()), pa.scalar(b"", pa.binary()))
    return array if length == MAX_LENGTH else pc.binary_slice(array, 0, length)


def bytes_to_text(array: pa.Array, target: DataType) -> pa.Array:
    """Bytes taken for UTF-8, whatever the length.

    Raises:
        InvalidInputError: They are not UTF-8.
    """
    try:
        return array.cast(pa.string())
    except pa.ArrowInvalid as error:
        raise InvalidInputError(f"bytes cannot be read as {target}: {error}") from error


def text_to_integer(array: pa.Array, target: DataType) -> pa.Array:
    """Text as integers.

    Raises:
        InvalidInputError: A text is no number, or too great.
    """
    parts = pc.extract_regex(array, _WHOLE_PARTS)
    bare = pc.is_in(array, value_set=pa.array(["", "+", "-"]))
    unread = pc.and_(pc.is_valid(array), pc.or_(pc.is_null(parts), bare))
    refuse_first(unread, array, target, "digits, with a sign and a fraction if you like")
    sign, whole = parts.flatten()
    digits = pc.utf8_ltrim(whole, "0")
    refuse_first(pc.greater(pc.binary_length(digits), 19), array, target, "a number in its range")
    digits = pc.if_else(pc.equal(digits, ""), "0", digits)
    # Wide enough for nineteen digits, so that one range check is left.
    numbers = pc.binary_join_element_wise(pc.replace_substring(sign, "+", ""), digits, "").cast(pa.decimal128(20, 0))
    wanted = arrow_type(target)
    limit = 1 << (wanted.bit_width - 1)
    low, high = (pa.scalar(end, pa.int64()).cast(pa.decimal128(20, 0)) for end in (-limit, limit - 1))
    outside = pc.or_(pc.less(numbers, low), pc.greater(numbers, high))
    refuse_first(outside, array, target, "a number in its range")
    return numbers.cast(pa.int64()).cast(wanted)


def text_to_float(array: pa.Array, target: DataType) -> pa.Array:
    """Text as floats.

    Raises:
        InvalidInputError: A text is no number.
    """
    text = pc.utf8_trim(array, _BLANKS)
    refuse_first(pc.invert(pc.match_substring_regex(text, _FLOAT)), array, target, "a number such as 1.5 or 2E10")
    plain = pc.utf8_rtrim(text, "fFdD")
    return plain.cast(arrow_type(target))


def text_to_decimal(array: pa.Array, target: DataType) -> pa.Array:
    """Text as decimals, rounded half away from zero; null where it has too many digits.

    Raises:
        InvalidInputError: A text is no number.
    """
    refuse_first(pc.invert(pc.match_substring_regex(array, NUMBER)), array, target, "a number such as -12.50 or 1E3")
    return decimals_of(array, target)


def float_to_decimal(array: pa.Array, target: DataType) -> pa.Array:
    """Floats by the shortest digits of their DOUBLE; null where there are too many.

    Raises:
        InvalidInputError: A value is NaN or infinite.
    """
    wide = array.cast(pa.float64())
    refuse_first(pc.invert(pc.is_finite(wide)), wide, target, "a finite number")
    return decimals_of(wide.cast(pa.string()), target)


def text_to_boolean(array: pa.Array, target: DataType) -> pa.Array:
    """Text as booleans.

    Raises:
        InvalidInputError: A text is neither.
    """
    lower = pc.utf8_lower(array)
    true = pc.is_in(lower, value_set=pa.array(_TRUE))
    known = pc.or_(true, pc.is_in(lower, value_set=pa.array(_FALSE)))
    refuse_first(pc.and_(pc.is_valid(array), pc.invert(known)), array, target, "true, t, yes, y, 1 or their opposites")
    return pc.if_else(pc.is_valid(array), true, pa.scalar(None, pa.bool_()))


def _decimal_text(array: pa.Array) -> pa.Array:
    scale = array.type.scale
    text = as_decimal(array, pa.decimal128(38, 0)).cast(pa.string())
    if not scale:
        return text
    negative = pc.starts_with(text, "-")
    digits = pc.utf8_lpad(pc.utf8_ltrim(text, "-"), scale + 1, "0")
    whole, part = pc.utf8_slice_codeunits(digits, 0, -scale), pc.utf8_slice_codeunits(digits, -scale)
    return pc.binary_join_element_wise(pc.if_else(negative, "-", ""), whole, ".", part, "")


def _float_text(array: pa.Array) -> pa.Array:
    """Java's layout of the shortest digits: plain from 10**-3 up to 10**7, else with an exponent."""
    whole, part, exponent = pc.extract_regex(array.cast(pa.string()), _SHORTEST).flatten()
    joined = pc.binary_join_element_wise(whole, part, "")
    digits = pc.utf8_ltrim(joined, "0")
    leading = pc.subtract(pc.binary_length(joined), pc.binary_length(digits))
    moved = pc.if_else(pc.equal(exponent, ""), "0", pc.utf8_ltrim(exponent, "+")).cast(pa.int64())
    point = pc.subtract(pc.add(pc.binary_length(whole), moved), leading)
    digits = pc.utf8_rtrim(digits, "0")
    text = _scientific(digits, point)
    for place in _PLAIN_POINTS:
        text = pc.if_else(pc.equal(point, place), _plain(digits, place), text)
    text = pc.if_else(pc.equal(array, pa.scalar(0, array.type)), "0.0", text)
    text = pc.if_else(pc.is_finite(array), text, pc.if_else(pc.is_nan(array), "NaN", "Infinity"))
    text = _with_tiny(array, text)
    minus = np.signbit(np.asarray(array.fill_null(0))) & ~np.isnan(np.asarray(array.fill_null(0)))
    return pc.binary_join_element_wise(pc.if_else(pa.array(minus), "-", ""), text, "")


def _scientific(digits: pa.Array, point: pa.Array) -> pa.Array:
    rest = pc.utf8_slice_codeunits(digits, 1)
    rest = pc.if_else(pc.equal(rest, ""), "0", rest)
    exponent = pc.subtract(point, 1).cast(pa.string())
    return pc.binary_join_element_wise(pc.utf8_slice_codeunits(digits, 0, 1), ".", rest, "E", exponent, "")


def _plain(digits: pa.Array, point: int) -> pa.Array:
    if point <= 0:
        return pc.binary_join_element_wise("0." + "0" * -point, digits, "")
    filled = pc.utf8_rpad(digits, point, "0")
    rest = pc.utf8_slice_codeunits(filled, point)
    rest = pc.if_else(pc.equal(rest, ""), "0", rest)
    return pc.binary_join_element_wise(pc.utf8_slice_codeunits(filled, 0, point), ".", rest, "")


def _with_tiny(array: pa.Array, text: pa.Array) -> pa.Array:
    """The smallest floats, few enough to write one by one, with two digits."""
    size = pc.abs(array)
    tiny = pc.and_(pc.less(size, _TINY[array.type.bit_width]), pc.greater(size, 0))
    if not pc.any(tiny).as_py():
        return text
    sizes = pc.unique(size.filter(tiny))
    written = [_two_digits(float(value)) for value in np.asarray(sizes)]
    return pc.if_else(tiny, pc.take(pa.array(written), pc.index_in(size, sizes)), text)


def _two_digits(value: float) -> str:
    mantissa, _, exponent = f"{value:.1e}".partition("e")
    return f"{mantissa}E{int(exponent)}"
