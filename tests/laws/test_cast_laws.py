"""Laws of casts: they agree with plain Python value by value, and cast bounds hold all cast values."""

import math
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lakestore.core.casts import find_cast
from lakestore.core.prune import Bounds
from lakestore.core.value_text import as_float32
from lakestore.core.values import array_of, scalars_of
from lakestore.errors import InvalidInputError
from lakestore.model.types import parse_type_text

BITS = {"TINYINT": 8, "SMALLINT": 16, "INT": 32, "BIGINT": 64}
EXACT = Context(prec=800)
MILLI = 10**6
DAY = 86_400 * 10**9

integers = {
    name: st.integers(-(1 << bits - 1), (1 << bits - 1) - 1) | st.integers(-100, 100) for name, bits in BITS.items()
}
floats = {"FLOAT": st.floats(width=32), "DOUBLE": st.floats() | st.integers(-(10**20), 10**20).map(float)}


def kind(text):
    return parse_type_text(text)


def cast_one(value, source, target):
    array = find_cast(kind(source), kind(target))(array_of([value], kind(source)))
    return scalars_of(array, kind(target))[0]


def wrapped(value, bits):
    """The low bits of a whole number, as Java's narrowing keeps them."""
    return (value + (1 << bits - 1)) % (1 << bits) - (1 << bits - 1)


def fitted(value, precision, scale):
    """A number in a DECIMAL: rounded half away from zero, null where it has no room."""
    rounded = value.quantize(Decimal(1).scaleb(-scale), rounding=ROUND_HALF_UP, context=EXACT)
    return rounded if rounded.copy_abs() < Decimal(10) ** (precision - scale) else None


decimal_types = st.integers(1, 38).flatmap(lambda precision: st.tuples(st.just(precision), st.integers(0, precision)))


@st.composite
def decimals(draw, precision, scale):
    most = 10**precision - 1
    unscaled = draw(st.integers(-most, most) | st.sampled_from([most, -most, most - most % 10 + 5, 5, -5, 4]))
    return Decimal(unscaled if abs(unscaled) <= most else most).scaleb(-scale, EXACT)  # never -0


@given(st.data(), st.sampled_from(list(BITS)), st.sampled_from(list(BITS)))
def test_integers_keep_their_low_bits(data, source, target):
    value = data.draw(integers[source])
    assert cast_one(value, source, target) == wrapped(value, BITS[target])


@given(st.data(), st.sampled_from(list(floats)), st.sampled_from(list(BITS)))
def test_floats_are_cut_and_bounded_as_java_does(data, source, target):
    value = data.draw(floats[source])
    first = max(BITS[target], 32)
    bounded = 0 if math.isnan(value) else min(max(value, -(2.0 ** (first - 1))), 2.0 ** (first - 1))
    whole = min(int(bounded), (1 << first - 1) - 1)
    assert cast_one(value, source, target) == wrapped(whole, BITS[target])


@given(st.data(), st.sampled_from(list(BITS)), decimal_types)
def test_integers_into_decimals(data, source, target):
    value = data.draw(integers[source])
    assert cast_one(value, source, "DECIMAL({}, {})".format(*target)) == fitted(Decimal(value), *target)


@given(st.data(), decimal_types, decimal_types)
def test_decimals_into_decimals_round_half_away_from_zero(data, source, target):
    value = data.draw(decimals(*source))
    assert cast_one(value, "DECIMAL({}, {})".format(*source), "DECIMAL({}, {})".format(*target)) == fitted(
        value, *target
    )


@given(st.data(), decimal_types, st.sampled_from(list(BITS)))
def test_decimals_into_integers_are_cut_and_wrap(data, source, target):
    value = data.draw(decimals(*source))
    whole = int(value.quantize(Decimal(1), rounding=ROUND_DOWN, context=EXACT))
    assert cast_one(value, "DECIMAL({}, {})".format(*source), target) == wrapped(wrapped(whole, 64), BITS[target])


@given(st.data(), decimal_types)
def test_decimals_into_doubles(data, source):
    value = data.draw(decimals(*source))
    precision, scale = source
    wanted = float(int(value.scaleb(scale, EXACT))) / 10.0**scale if precision <= 18 else float(value)
    assert cast_one(value, f"DECIMAL({precision}, {scale})", "DOUBLE") == wanted


@given(st.data(), decimal_types)
def test_decimals_as_text_are_plain(data, source):
    value = data.draw(decimals(*source))
    assert cast_one(value, "DECIMAL({}, {})".format(*source), "STRING") == format(value, "f")


@given(st.floats(allow_nan=False, allow_infinity=False), decimal_types)
def test_doubles_into_decimals_go_by_their_shortest_digits(value, target):
    found = cast_one(value, "DOUBLE", "DECIMAL({}, {})".format(*target))
    assert found == fitted(Decimal(repr(value)), *target)


number_texts = st.from_regex(r"[+-]?([0-9]{1,45}(\.[0-9]{0,45})?|\.[0-9]{1,45})([eE][+-]?[0-9]{1,2})?", fullmatch=True)


@given(number_texts, decimal_types)
def test_text_into_decimals(text, target):
    assume(text.isascii())
    assert cast_one(text, "STRING", "DECIMAL({}, {})".format(*target)) == fitted(Decimal(text), *target)


@given(st.floats(), st.sampled_from(["FLOAT", "DOUBLE"]))
def test_floats_as_text_read_back_the_same(value, source):
    value = as_float32(value) if source == "FLOAT" else value
    text = cast_one(value, source, "STRING")
    assert text == java_text(value, source)
    again = cast_one(text, "STRING", source)
    assert again == value or (math.isnan(again) and math.isnan(value))


def java_text(value, source):
    """Java's layout, by Python's shortest digits; two digits at least."""
    if math.isnan(value) or math.isinf(value):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
    sign = "-" if math.copysign(1, value) < 0 else ""
    if value == 0:
        return f"{sign}0.0"
    shortest = str(np.float32(abs(value))) if source == "FLOAT" else repr(abs(value))
    if len(Decimal(shortest).normalize().as_tuple().digits) == 1:
        two = f"{abs(value):.1e}"
        shortest = two if abs(value) < 1e-37 else shortest
    _, digits, exponent = Decimal(shortest).normalize().as_tuple()
    figures = "".join(map(str, digits))
    point = len(figures) + exponent
    if -2 <= point <= 7:
        whole = figures[: max(point, 0)].ljust(max(point, 0), "0") or "0"
        return f"{sign}{whole}.{'0' * -point + figures[max(point, 0) :] or '0'}"
    return f"{sign}{figures[0]}.{figures[1:] or '0'}E{point - 1}"


texts = st.text("aé€\U0001f600 \x00", max_size=6)


@given(texts, st.sampled_from(["VARCHAR", "CHAR"]), st.integers(1, 8))
def test_text_is_cut_by_characters_and_padded(value, word, length):
    wanted = value[:length].ljust(length) if word == "CHAR" else value[:length]
    assert cast_one(value, "STRING", f"{word}({length})") == wanted


@given(st.binary(max_size=6), st.sampled_from(["VARBINARY", "BINARY"]), st.integers(1, 8))
def test_bytes_are_cut_and_padded(value, word, length):
    wanted = value[:length].ljust(length, b"\0") if word == "BINARY" else value[:length]
    assert cast_one(value, "BYTES", f"{word}({length})") == wanted


def toward_zero(value, step):
    return -(-value // step) if value < 0 else value // step


@given(st.integers(-(10**15), 10**15), st.integers(0, 9), st.integers(0, 9))
def test_timestamps_lose_digits(millis_and_more, source, target):
    step = 10 ** (9 - source)
    nanos = millis_and_more * 1000 // step * step
    if target >= source:
        wanted = nanos
    elif target > 3:
        wanted = nanos // 10 ** (9 - target) * 10 ** (9 - target)
    else:
        wanted = toward_zero(nanos // MILLI, 10 ** (3 - target)) * 10 ** (3 - target) * MILLI
    assert cast_one(nanos, f"TIMESTAMP({source})", f"TIMESTAMP({target})") == wanted


@given(st.integers(-(10**17), 10**17), st.sampled_from([3, 6, 9]))
def test_days_and_times_of_timestamps(micros, precision):
    step = 10 ** (9 - precision)
    nanos = (micros * 1000 if precision == 6 else micros) // step * step
    assert cast_one(nanos, f"TIMESTAMP({precision})", "DATE") == nanos // DAY
    assert cast_one(nanos, f"TIMESTAMP({precision})", "TIME(3)") == nanos % DAY // MILLI
    assert cast_one(nanos, f"TIMESTAMP({precision})", "BIGINT") == toward_zero(nanos // MILLI, 1000)


@given(st.integers(-719_000, 2_900_000), st.integers(0, 86_399_999))
def test_days_and_moments_as_text_read_back_the_same(day, millis):
    assert cast_one(cast_one(day, "DATE", "STRING"), "STRING", "DATE") == day
    assert cast_one(cast_one(millis, "TIME(3)", "STRING"), "STRING", "TIME(3)") == millis
    assume(day > -719_162)  # the year 0 is a date, and no timestamp
    nanos = day * DAY + millis * MILLI
    text = cast_one(nanos, "TIMESTAMP(3)", "STRING")
    assert cast_one(text, "STRING", "TIMESTAMP(3)") == nanos
    assert text.startswith(str(np.datetime64(day, "D")))


ORDERED = [
    *(
        (old, new)
        for old in BITS
        for new in [*BITS, "FLOAT", "DOUBLE", "DECIMAL(4, 1)", "DECIMAL(25, 3)"]
        if old != new
    ),
    ("FLOAT", "DOUBLE"),
    ("DOUBLE", "FLOAT"),
    *(("DECIMAL(9, 4)", new) for new in ["DECIMAL(5, 2)", "DECIMAL(12, 6)", "TINYINT", "BIGINT", "FLOAT", "DOUBLE"]),
    *(("DECIMAL(30, 12)", new) for new in ["DECIMAL(18, 2)", "INT", "FLOAT", "DOUBLE"]),
    *(("STRING", new) for new in ["VARCHAR(2)", "CHAR(3)", "INT"]),
    *(("BYTES", new) for new in ["VARBINARY(2)", "BINARY(3)"]),
    *(
        ("TIMESTAMP(6)", new)
        for new in ["TIMESTAMP(0)", "TIMESTAMP(2)", "TIMESTAMP(4)", "DATE", "TIME(3)", "INT", "BIGINT"]
    ),
    ("DATE", "TIMESTAMP(3)"),
    ("TIME(3)", "TIMESTAMP(6)"),
    ("INT", "TIMESTAMP(0)"),
    ("DOUBLE", "INT"),
    ("DOUBLE", "DECIMAL(10, 2)"),
    ("INT", "STRING"),
    ("BOOLEAN", "INT"),
]
VALUES = {
    **integers,
    **floats,
    "DECIMAL(9, 4)": decimals(9, 4),
    "DECIMAL(30, 12)": decimals(30, 12),
    "STRING": texts | st.integers(-300, 300).map(str),
    "BYTES": st.binary(max_size=4),
    "TIMESTAMP(6)": st.integers(-(10**15), 10**15).map(lambda micros: micros * 1000),
    "DATE": st.integers(-100_000, 100_000),
    "TIME(3)": st.integers(0, 86_399_999),
    "BOOLEAN": st.booleans(),
}


@settings(max_examples=400)
@given(st.data(), st.sampled_from(ORDERED))
def test_cast_bounds_hold_all_cast_values(data, pair):
    source, target = pair
    values = data.draw(st.lists(st.none() | VALUES[source], min_size=1, max_size=6))
    cast = find_cast(kind(source), kind(target))
    present = [value for value in values if value is not None and value == value]
    nulls = values.count(None)
    known = Bounds(min=min(present, default=None), max=max(present, default=None), null_count=nulls)
    bounds = cast.bounds(known)
    try:
        read = scalars_of(cast(array_of(values, kind(source))), kind(target))
    except InvalidInputError:
        return
    if bounds.null_count is not None:
        assert bounds.null_count == read.count(None)
    for value in read:
        if value is not None and value == value and bounds.has_bounds:
            assert bounds.min <= value <= bounds.max


def test_bounds_are_known_for_casts_that_keep_order():
    """Else the law above would hold for bounds that never say anything."""
    for source, target, low, high in [
        ("INT", "BIGINT", -5, 5),
        ("BIGINT", "INT", -5, 5),
        ("DECIMAL(9, 4)", "DECIMAL(5, 2)", Decimal("-1.0050"), Decimal("1.0050")),
        ("STRING", "VARCHAR(2)", "abc", "abd"),
        ("TIMESTAMP(6)", "DATE", -1, 1),
        ("DATE", "TIMESTAMP(3)", -1, 1),
    ]:
        assert find_cast(kind(source), kind(target)).bounds(Bounds(min=low, max=high)).has_bounds
