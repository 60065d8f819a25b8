"""Casts of old values: what Java makes of each, shapes of columns, what is refused."""

import json
from pathlib import Path

import pyarrow as pa
import pytest

from lakestore.core.cast_rules import CastKind, cast_kind, depends_on_zone, is_executed
from lakestore.core.casts import find_cast
from lakestore.core.prune import Bounds
from lakestore.errors import InvalidInputError
from lakestore.model.arrow import arrow_type
from lakestore.model.types import parse_type, parse_type_text
from tests.golden import canon

VECTORS = Path(__file__).parents[1] / "golden" / "casts.jsonl"
ERROR = "error"

TOO_FAR = "nanoseconds do not reach there in Arrow"
FLOORED = "releases up to 1.4 take days before 1970 for the next one; later ones do not"
T_IN_THE_MIDDLE = "later releases read it"
TWO_DIGITS = "Java before 19 writes a digit too many"

DIFFERENT = {
    ("FLOAT", "STRING", "1.1754944e-38"): ("1.1754944E-38", TWO_DIGITS),
    **{
        ("STRING", f"TIMESTAMP({precision}){zone}", "2024-02-29T12:34"): (
            f"2024-02-29 12:34:00{'.' if precision else ''}{'0' * precision}{'Z' if zone else ''}",
            T_IN_THE_MIDDLE,
        )
        for precision, zone in [(0, ""), (1, ""), (3, ""), (6, ""), (9, ""), (3, " WITH LOCAL TIME ZONE")]
    },
    ("DATE", "TIMESTAMP(9)", "0001-01-01"): (ERROR, TOO_FAR),
    ("DATE", "TIMESTAMP(9)", "9999-12-31"): (ERROR, TOO_FAR),
    ("TIMESTAMP(3)", "TIMESTAMP(9)", "0001-01-01 00:00:00.001"): (ERROR, TOO_FAR),
    ("TIMESTAMP(0)", "DATE", "1969-12-31 23:59:59"): ("1969-12-31", FLOORED),
    ("TIMESTAMP(0)", "TIME(3)", "1969-12-31 23:59:59"): ("23:59:59.000", FLOORED),
    ("TIMESTAMP(3)", "DATE", "1969-12-31 23:59:59.999"): ("1969-12-31", FLOORED),
    ("TIMESTAMP(3)", "DATE", "1969-12-31 23:59:58.500"): ("1969-12-31", FLOORED),
    ("TIMESTAMP(3)", "DATE", "0001-01-01 00:00:00.001"): ("0001-01-01", FLOORED),
    ("TIMESTAMP(3)", "TIME(3)", "1969-12-31 23:59:59.999"): ("23:59:59.999", FLOORED),
    ("TIMESTAMP(3)", "TIME(3)", "1969-12-31 23:59:58.500"): ("23:59:58.500", FLOORED),
    ("TIMESTAMP(3)", "TIME(3)", "0001-01-01 00:00:00.001"): ("00:00:00.001", FLOORED),
    ("TIMESTAMP(6)", "DATE", "1969-12-31 23:59:59.999999"): ("1969-12-31", FLOORED),
    ("TIMESTAMP(6)", "DATE", "1969-12-31 23:59:58.499999"): ("1969-12-31", FLOORED),
    ("TIMESTAMP(6)", "TIME(3)", "1969-12-31 23:59:59.999999"): ("23:59:59.999", FLOORED),
    ("TIMESTAMP(6)", "TIME(3)", "1969-12-31 23:59:58.499999"): ("23:59:58.499", FLOORED),
}
"""Where LakeStore's outcome is not Java 1.4.2's: what it is, and why."""

PAIRS = [json.loads(line) for line in VECTORS.read_text(encoding="utf-8").splitlines()]


def kind(text):
    return parse_type_text(text)


def column(values, text):
    form = arrow_type(kind(text))
    return canon.table_of([{"v": value} for value in values], pa.schema([("v", form)])).column(0).combine_chunks()


def outcome(cast, value, source, target):
    try:
        return canon.texts(cast(column([value], source)), canon.kind_of(target))[0]
    except InvalidInputError:
        return ERROR


@pytest.mark.parametrize("pair", PAIRS, ids=[f"{pair['from']} to {pair['to']}" for pair in PAIRS])
def test_every_value_is_what_java_makes_of_it(pair):
    source, target = pair["from"], pair["to"]
    cast = find_cast(kind(source), kind(target))
    for given, read in pair["values"]:
        java = ERROR if isinstance(read, dict) else read
        wanted, _ = DIFFERENT.get((source, target, given), (java, ""))
        assert outcome(cast, given, source, target) == wanted, given


@pytest.mark.parametrize("pair", PAIRS, ids=[f"{pair['from']} to {pair['to']}" for pair in PAIRS])
def test_a_whole_column_with_nulls_and_slices_is_its_values_one_by_one(pair):
    source, target = pair["from"], pair["to"]
    cast = find_cast(kind(source), kind(target))
    wanted = {given: outcome(cast, given, source, target) for given, _ in pair["values"]}
    fine = [given for given, read in wanted.items() if read != ERROR]
    values = [None, *(each for given in fine for each in (given, None)), None]
    array = column(values, source)
    expected = [None if value is None else wanted[value] for value in values]
    whole = cast(array)
    assert whole.type == arrow_type(kind(target))
    whole.validate(full=True)
    assert canon.texts(whole, canon.kind_of(target)) == expected
    assert canon.texts(cast(array.slice(1, 2)), canon.kind_of(target)) == expected[1:3]
    chunked = pa.chunked_array([array.slice(0, 1), array.slice(1)])
    assert canon.texts(cast(chunked), canon.kind_of(target)) == expected
    assert len(cast(array.slice(0, 0))) == 0
    assert cast(pa.nulls(2, array.type)).null_count == 2


def test_differences_are_of_values_that_are_there():
    asked = {(pair["from"], pair["to"], given) for pair in PAIRS for given, _ in pair["values"]}
    assert set(DIFFERENT) <= asked


def test_the_first_value_without_a_counterpart_is_shown():
    cast = find_cast(kind("STRING"), kind("INT"))
    with pytest.raises(InvalidInputError, match="the value 'x7' cannot be read as INT"):
        cast(pa.array(["1", None, "x7", "y"]))
    with pytest.raises(InvalidInputError, match=r"the value 'a{80}…' cannot be read"):
        cast(pa.array(["a" * 100]))


def test_seconds_out_of_reach_are_an_error():
    cast = find_cast(kind("BIGINT"), kind("TIMESTAMP(0)"))
    with pytest.raises(InvalidInputError, match="do not reach there"):
        cast(pa.array([2**62]))


def test_years_that_paimon_cannot_write_are_an_error():
    with pytest.raises(InvalidInputError, match="years 0 to 9999"):
        find_cast(kind("DATE"), kind("STRING"))(pa.array([2_932_897], pa.int32()).view(pa.date32()))


NO_CAST = [
    ("DATE", "INT"),
    ("INT", "DATE"),
    ("BOOLEAN", "DATE"),
    ("DATE", "BOOLEAN"),
    ("DOUBLE", "BOOLEAN"),
    ("DECIMAL(5, 2)", "BOOLEAN"),
    ("BIGINT", "BYTES"),
    ("BYTES", "BIGINT"),
    ("DATE", "TIME(3)"),
    ("TIME(3)", "TIME(0)"),
    ("TIME(3)", "TIMESTAMP(0)"),
    ("DOUBLE", "TIMESTAMP(3)"),
    ("TINYINT", "TIMESTAMP(3)"),
    ("TIMESTAMP(3)", "DECIMAL(20, 0)"),
    ("TIMESTAMP(3)", "SMALLINT"),
    ("DATE", "VARCHAR(20)"),
    ("TIMESTAMP(3)", "CHAR(30)"),
]


@pytest.mark.parametrize(("source", "target"), NO_CAST)
def test_what_no_reader_carries_out_has_no_cast(source, target):
    assert find_cast(kind(source), kind(target)) is None


def test_classes_of_casts():
    assert cast_kind(kind("INT"), kind("INT NOT NULL")) is CastKind.SAME
    assert cast_kind(kind("SMALLINT"), kind("BIGINT")) is CastKind.IMPLICIT
    assert cast_kind(kind("VARCHAR(5)"), kind("VARCHAR(3)")) is CastKind.IMPLICIT
    assert cast_kind(kind("TIMESTAMP(3)"), kind("DATE")) is CastKind.IMPLICIT
    assert cast_kind(kind("BIGINT"), kind("INT")) is CastKind.EXPLICIT
    assert cast_kind(kind("INT"), kind("STRING")) is CastKind.EXPLICIT
    assert cast_kind(kind("DATE"), kind("INT")) is None
    assert is_executed(kind("DATE"), kind("STRING"))
    assert not is_executed(kind("DATE"), kind("STRING NOT NULL"))


def test_only_casts_to_or_from_instants_depend_on_the_zone():
    zoned, plain = kind("TIMESTAMP(3) WITH LOCAL TIME ZONE"), kind("TIMESTAMP(3)")
    assert depends_on_zone(zoned, plain)
    assert depends_on_zone(plain, zoned)
    assert depends_on_zone(kind("STRING"), zoned)
    assert not depends_on_zone(zoned, kind("BIGINT"))
    assert not depends_on_zone(plain, kind("DATE"))
    assert not depends_on_zone(zoned, kind("TIMESTAMP(6) WITH LOCAL TIME ZONE"))


def test_finer_times_are_read_as_they_are():
    cast = find_cast(kind("TIME(0)"), kind("TIME(3)"))
    array = pa.array([1000], pa.int32()).view(pa.time32("ms"))
    assert cast(array).equals(array)


def row(*members):
    return parse_type(
        {"type": "ROW", "fields": [{"id": one, "name": name, "type": text} for one, name, text in members]}
    )


OLD = row((1, "x", "INT"), (2, "y", "STRING"))
NEW = row((2, "yy", "STRING"), (3, "z", "INT"), (1, "x", "BIGINT"))
ROWS = [{"x": 1, "y": "a"}, None, {"x": None, "y": "b"}]
MOVED = [{"yy": "a", "z": None, "x": 1}, None, {"yy": "b", "z": None, "x": None}]


def nested(word, part, inner):
    return parse_type({"type": word, part: inner, **({"key": "STRING NOT NULL"} if word == "MAP" else {})})


def with_inner(word, part, inner):
    outer = nested(word, part, "INT")
    return type(outer)(root=outer.root, key=outer.key, **{part: inner})


def test_members_of_rows_are_found_by_id_at_any_depth():
    array = pa.array(ROWS, arrow_type(OLD))
    assert find_cast(OLD, NEW)(array).to_pylist() == MOVED
    assert find_cast(OLD, NEW)(array.slice(1)).to_pylist() == MOVED[1:]
    lists = pa.array([ROWS[:1], None, [], ROWS], arrow_type(with_inner("ARRAY", "element", OLD)))
    cast = find_cast(with_inner("ARRAY", "element", OLD), with_inner("ARRAY", "element", NEW))
    for at in range(4):
        result = cast(lists.slice(at))
        result.validate(full=True)
        assert result.to_pylist() == [MOVED[:1], None, [], MOVED][at:]
    maps = pa.array(
        [[("k", ROWS[0])], None, [("a", None), ("b", ROWS[2])]], arrow_type(with_inner("MAP", "value", OLD))
    )
    cast = find_cast(with_inner("MAP", "value", OLD), with_inner("MAP", "value", NEW))
    assert cast(maps.slice(1)).to_pylist() == [None, [("a", None), ("b", MOVED[2])]]


def test_nested_types_of_other_families_have_no_cast():
    assert find_cast(OLD, kind("STRING")) is None
    assert find_cast(OLD, with_inner("ARRAY", "element", OLD)) is None
    assert find_cast(OLD, row((1, "x", "DATE"))) is None
    other_key = parse_type({"type": "MAP", "key": "INT NOT NULL", "value": "INT"})
    assert find_cast(nested("MAP", "value", "INT"), other_key) is None


def test_bounds_follow_where_the_cast_keeps_order():
    known = Bounds(min=-3, max=300, null_count=2)
    assert find_cast(kind("INT"), kind("BIGINT")).bounds(known) == known
    assert find_cast(kind("INT"), kind("TINYINT")).bounds(known) == Bounds(null_count=2)
    assert find_cast(kind("INT"), kind("STRING")).bounds(known) == Bounds(null_count=2)
    assert find_cast(kind("INT"), kind("DECIMAL(2, 0)")).bounds(known) == Bounds()
    assert find_cast(kind("INT"), kind("DECIMAL(3, 0)")).bounds(known).null_count == 2
    floats = find_cast(kind("INT"), kind("FLOAT")).bounds(Bounds(min=16_777_217, max=16_777_219))
    assert (floats.min, floats.max) == (16_777_216.0, 16_777_220.0)
    assert find_cast(kind("DOUBLE"), kind("INT")).bounds(Bounds(min=5.0, max=6.0, null_count=0)).min is None
