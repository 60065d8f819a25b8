"""Laws of predicates: binding and filtering mean what SQL means, and pruning never skips a row that is kept."""

import math
from datetime import UTC, date, datetime, time
from decimal import Decimal

import pyarrow as pa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lakestore.core.bind import bind
from lakestore.core.filter import keep, mask, matches_values
from lakestore.core.prune import Bounds, all_null, equality_values, may_match, must_match, outcomes
from lakestore.core.values import array_of
from lakestore.core.where import parse_where
from lakestore.core.where_text import to_text
from lakestore.model.arrow import assign_ids
from lakestore.model.predicate import And, Compare, CompareOp, Constant, IsIn, IsNull, Like, Not, Or
from lakestore.model.types import parse_type_text
from tests.laws.oracles import truth

COLUMNS = {
    "i": "TINYINT",
    "n": "BIGINT",
    "f": "FLOAT",
    "g": "DOUBLE",
    "d": "DECIMAL(6, 2)",
    "w": "DECIMAL(38, 10)",
    "s": "STRING",
    "x": "BYTES",
    "b": "BOOLEAN",
    "day": "DATE",
    "t": "TIME(3)",
    "ts0": "TIMESTAMP(0)",
    "ts9": "TIMESTAMP(9)",
    "z": "TIMESTAMP(6) WITH LOCAL TIME ZONE",
}
TYPES = {name: parse_type_text(text) for name, text in COLUMNS.items()}
FIELDS = assign_ids([(name, kind, None) for name, kind in TYPES.items()])
DAY = 86_400 * 10**9
INF, NAN = math.inf, math.nan
A_DAY = 20_000
"""A day that values and literals gather around."""

texts = st.text("ab\\%_\né\ud7ff\U0010ffff", max_size=4)
near = st.integers(-3, 3)
whole_days = near.map(lambda days: date.fromordinal(date(1970, 1, 1).toordinal() + A_DAY + days))
clocks = st.sampled_from([time(0, 0), time(0, 0, 0, 1), time(12, 0, 0, 500), time(23, 59, 59, 999_999)])
moments = st.builds(datetime.combine, whole_days, clocks)
decimals = st.builds(
    lambda unscaled, scale: Decimal(unscaled).scaleb(-scale), st.integers(-300, 300), st.integers(0, 4)
)
numbers = st.one_of(
    near,
    decimals,
    near.map(lambda value: value + 0.5),
    st.sampled_from([0.0, -0.0, 0.1, 0.30000001192092896, NAN, INF, -INF, 1e300, 127, 128, -129, 2**53 + 1, 2**63]),
    st.sampled_from([10**400, -(10**400), Decimal("1e400"), Decimal("0.1"), Decimal("9999.999"), Decimal("1e-450")]),
)

VALUES = {
    "i": st.integers(-128, 127) | near,
    "n": near | st.sampled_from([2**53, 2**53 + 1, 2**53 + 2, 2**63 - 1, -(2**63)]),
    "f": st.floats(width=32) | st.sampled_from([0.0, -0.0, 0.10000000149011612, 0.5, 1.0, NAN, INF]),
    "g": st.floats() | st.sampled_from([0.0, -0.0, 0.1, 0.5, 2.0**53, 2.0**53 + 2, NAN, -INF]),
    "d": st.integers(-300, 300).map(lambda unscaled: Decimal(unscaled).scaleb(-2))
    | st.sampled_from([Decimal("9999.99"), Decimal("-9999.99")]),
    "w": st.integers(-300, 300).map(lambda unscaled: Decimal(unscaled).scaleb(-2)),
    "s": texts,
    "x": st.binary(max_size=2),
    "b": st.booleans(),
    "day": near.map(lambda days: A_DAY + days),
    "t": st.sampled_from([0, 1, 43_200_000, 43_200_001, 86_399_999]),
    "ts0": near.map(lambda seconds: A_DAY * DAY + seconds * 43_200 * 10**9),
    "ts9": near.map(lambda half: A_DAY * DAY + half * DAY // 2) | near.map(lambda nanos: A_DAY * DAY + nanos),
    "z": near.map(lambda micros: A_DAY * DAY + micros * 1000) | near.map(lambda days: (A_DAY + days) * DAY),
}
nanos_texts = st.builds(
    lambda moment, nanos: f"{moment.isoformat(sep=' ', timespec='microseconds')}{nanos:03}",
    moments,
    st.sampled_from([0, 1, 500, 999]),
)
LITERALS = {
    **dict.fromkeys(("i", "n", "f", "g", "d", "w"), numbers),
    "s": texts,
    "x": st.binary(max_size=2),
    "b": st.booleans(),
    "day": whole_days | moments | whole_days.map(date.isoformat),
    "t": clocks | clocks.map(time.isoformat),
    "ts0": moments | whole_days | nanos_texts | whole_days.map(date.isoformat),
    "ts9": moments | whole_days | nanos_texts,
    "z": moments.map(lambda moment: moment.replace(tzinfo=UTC)) | nanos_texts.map(lambda text: text + "Z"),
}
patterns = st.lists(st.sampled_from(["a", "b", "%", "_", r"\%", r"\_", r"\\", "\n", "é"]), max_size=5).map("".join)


@st.composite
def leaves(draw):
    column = draw(st.sampled_from(list(COLUMNS)))
    literals = st.none() | LITERALS[column] if draw(st.integers(0, 9)) == 0 else LITERALS[column]
    match draw(st.integers(0, 7)):
        case 0:
            return IsNull(column=column)
        case 1:
            return Constant(value=draw(st.sampled_from([True, False, None])))
        case 2:
            return Like(column="s", pattern=draw(patterns))
        case 3 | 4:
            return IsIn(column=column, values=tuple(draw(st.lists(literals, max_size=3))))
        case _:
            return Compare(column=column, op=draw(st.sampled_from(list(CompareOp))), value=draw(literals))


def branches(children):
    several = st.lists(children, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        several.map(lambda parts: And(children=parts)),
        several.map(lambda parts: Or(children=parts)),
        children.map(lambda child: Not(child=child)),
    )


predicates = st.recursive(leaves(), branches, max_leaves=5)
rows = st.lists(st.fixed_dictionaries({name: st.none() | values for name, values in VALUES.items()}), max_size=5)


def table_of(records):
    return pa.table({name: array_of([row[name] for row in records], kind) for name, kind in TYPES.items()})


@settings(max_examples=150, deadline=None)
@given(predicates, rows)
@example(Compare(column="f", op=CompareOp.EQ, value=Decimal("0.1")), [dict.fromkeys(COLUMNS, None) | {"f": 0.1}])
@example(Compare(column="g", op=CompareOp.GT, value=2**53 + 1), [dict.fromkeys(COLUMNS, None) | {"g": 2.0**53}])
def test_filter_agrees_with_the_oracle(predicate, records):
    for row in records:  # a FLOAT column holds no other floats
        row["f"] = None if row["f"] is None else array_of([row["f"]], TYPES["f"])[0].as_py()
    table, expected = table_of(records), [truth(predicate, row, TYPES) for row in records]
    bound = bind(predicate, FIELDS)
    assert mask(bound, table).to_pylist() == expected
    assert [matches_values(bound, row) for row in records] == expected
    kept = [n for n, outcome in enumerate(expected) if outcome is True]
    assert keep(bound, table).equals(table.take(pa.array(kept, pa.int64())), check_metadata=True) or has_nan(records)
    assert keep(bound, table).num_rows == len(kept)
    halves = pa.concat_tables([table.slice(0, 2), table.slice(2)])  # several chunks
    assert mask(bound, halves).to_pylist() == expected


def has_nan(records):
    return any(isinstance(value, float) and math.isnan(value) for row in records for value in row.values())


@settings(max_examples=150, deadline=None)
@given(predicates)
def test_text_reads_back_as_the_same_predicate(predicate):
    text = to_text(predicate)
    read = parse_where(text)
    assert to_text(read) == text  # which tells 1, 1. and 1e0 apart
    assert read == predicate or "NaN" in text
    bound = bind(predicate, FIELDS)
    assert bind(parse_where(to_text(bound, FIELDS)), FIELDS) == bound


def cut_up(text, length):
    """An upper bound of at most that many characters for all texts up to this one, None if there is none."""
    if len(text) <= length:
        return text
    kept = text[:length]
    while kept:
        code = ord(kept[-1]) + 1
        if code <= 0x10FFFF:
            return kept[:-1] + chr(0xE000 if code == 0xD800 else code)
        kept = kept[:-1]
    return None


@st.composite
def bounds_of(draw, records):
    """True bounds of the rows, with some of what is known left out or cut short."""
    bounds = {}
    for name in records[0] if records else ():
        column = [row[name] for row in records]
        values = [value for value in column if value is not None and value == value]
        nulls = draw(st.sampled_from([column.count(None), None]))
        how = draw(st.integers(0, 4))
        if how == 0:
            continue
        if how == 1 or not values:
            bounds[name] = Bounds(null_count=nulls)
            continue
        low, high, exact = min(values), max(values), True
        if how == 2 and name == "s":
            length = draw(st.integers(0, 2))
            low, high, exact = low[:length], cut_up(high, length), False
        bounds[name] = Bounds(min=low, max=high, null_count=nulls, exact=exact)
    return bounds


POOLS = {
    "n": st.integers(-1, 2),
    "g": st.sampled_from([0.0, -0.0, 1.0, 2.0, NAN, INF]),
    "s": st.sampled_from(["", "a", "ab", "abc", "b", "\U0010ffff"]),
    "b": st.booleans(),
}
"""Few values, so that literals fall on bounds."""


@st.composite
def crowded_leaves(draw):
    column = draw(st.sampled_from(list(POOLS)))
    literals = POOLS[column].filter(lambda value: value == value)
    match draw(st.integers(0, 5)):
        case 0:
            return IsNull(column=column)
        case 1:
            return Like(column="s", pattern=draw(st.sampled_from(["a%", "ab", "%", "_b%", "b_", "a\\%%"])))
        case 2:
            return IsIn(column=column, values=tuple(draw(st.lists(literals, max_size=2))))
        case _:
            return Compare(column=column, op=draw(st.sampled_from(list(CompareOp))), value=draw(literals))


@settings(max_examples=600, deadline=None)
@given(
    st.data(),
    st.recursive(crowded_leaves(), branches, max_leaves=3),
    st.lists(st.fixed_dictionaries({name: st.none() | pool for name, pool in POOLS.items()}), max_size=3),
)
def test_pruning_never_skips_a_row_that_is_kept(data, predicate, records):
    bounds = data.draw(bounds_of(records))
    expected = {matches_values(predicate, row) for row in records}
    for count in (len(records), None):
        assert expected <= outcomes(predicate, bounds, count)
        assert may_match(predicate, bounds, count) >= (True in expected)
        assert not must_match(predicate, bounds, count) or expected <= {True}


@settings(max_examples=150, deadline=None)
@given(st.data(), predicates, rows)
def test_pruning_of_every_type(data, predicate, records):
    bound = bind(predicate, FIELDS)
    expected = {matches_values(bound, row) for row in records}
    assert expected <= outcomes(bound, data.draw(bounds_of(records)), len(records))


@settings(max_examples=150, deadline=None)
@given(predicates, rows, st.lists(st.sampled_from(list(COLUMNS)), min_size=1, max_size=2, unique=True))
def test_a_row_that_is_kept_has_one_of_the_equality_values(predicate, records, columns):
    values = equality_values(bind(predicate, FIELDS), columns)
    if values is None:
        return
    spelled = {repr(one) for one in values}
    assert len(spelled) == len(values)
    for row in records:
        if truth(predicate, row, TYPES) is True:
            assert repr(tuple(row[name] for name in columns)) in spelled


@given(leaves().filter(lambda leaf: not isinstance(leaf, Constant)), st.integers(1, 3))
def test_a_column_that_a_file_lacks_reads_as_null(predicate, count):
    bounds = dict.fromkeys(COLUMNS, all_null(count))
    missing = dict.fromkeys(COLUMNS, None)
    assert outcomes(bind(predicate, FIELDS), bounds, count) == {truth(predicate, missing, TYPES)}
