"""The helpers of the golden tests: texts of values, texts back to values, and differences that are seen."""

import json
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from tests.golden import canon

TABLES = sorted((Path(__file__).parent / "tables").iterdir())


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (pa.array([True, None, False]), ["true", None, "false"]),
        (pa.array([-128, 127], pa.int8()), ["-128", "127"]),
        (
            pa.array([0.1, 3.4028235e38, -0.0, 1e16, 1e-5], pa.float32()),
            ["0.1", "3.4028235e+38", "-0.0", "1e+16", "1e-05"],
        ),
        (pa.array([5e-324, float("nan"), float("-inf"), 123456789.0]), ["5e-324", "NaN", "-Infinity", "123456789.0"]),
        (pa.array([Decimal("-0.50"), Decimal("0.00")], pa.decimal128(5, 2)), ["-0.50", "0.00"]),
        (pa.array([Decimal("1E-10")], pa.decimal128(38, 10)), ["0.0000000001"]),
        (pa.array([b"\x00\xff", b""]), ["00ff", ""]),
        (pa.array([-719162, -1, 2932896], pa.date32()), ["0001-01-01", "1969-12-31", "9999-12-31"]),
        (pa.array([45296789], pa.time32("ms")), ["12:34:56.789"]),
        (pa.array([-1, 0], pa.timestamp("us")), ["1969-12-31 23:59:59.999999", "1970-01-01 00:00:00.000000"]),
        (pa.array([1500], pa.timestamp("ms", "UTC")), ["1970-01-01 00:00:01.500Z"]),
        (pa.array([7], pa.timestamp("s")), ["1970-01-01 00:00:07"]),
        (pa.array(["a", "b"]).dictionary_encode(), ["a", "b"]),
        (pa.array([[1, None], None, []], pa.list_(pa.int32())), [["1", None], None, []]),
        (pa.array([[("b", 1), ("a", 2)]], pa.map_(pa.string(), pa.int8())), [[["a", "2"], ["b", "1"]]]),
        (pa.array([{"x": 1, "y": None}, None]), [{"x": "1", "y": None}, None]),
    ],
)
def test_texts_of_values(array, expected):
    assert canon.texts(array) == expected


def test_texts_do_not_depend_on_slices_and_chunks():
    whole = pa.chunked_array([pa.array([[1], [2, 3]]), pa.array([[4], None])])
    assert canon.texts(whole.slice(1, 2)) == [["2", "3"], ["4"]]


def test_digits_that_the_type_does_not_have_are_shown():
    millis = pa.array([1_000_000, 1_234_567], pa.timestamp("us"))
    kind = canon.kind_of("TIMESTAMP(3)")
    assert canon.texts(millis, kind) == ["1970-01-01 00:00:01.000", "1970-01-01 00:00:01.234567"]


@pytest.mark.parametrize("table", TABLES, ids=lambda path: path.name)
def test_expected_rows_survive_the_way_to_arrow_and_back(table):
    shape = canon.newest_shape(table / "golden.db" / "t")
    rows = canon.read_lines(table / "expected.jsonl")
    schema = pa.schema([(name, _arrow(kind)) for name, kind in shape.kinds.items()])
    assert canon.rows_of(canon.table_of(rows, schema), shape.kinds) == rows


def _arrow(kind):
    unit = "us" if kind.root == "TIMESTAMP" and kind.numbers[0] <= 6 else "ns"
    plain = {
        "BOOLEAN": pa.bool_(),
        "TINYINT": pa.int8(),
        "SMALLINT": pa.int16(),
        "INT": pa.int32(),
        "BIGINT": pa.int64(),
        "FLOAT": pa.float32(),
        "DOUBLE": pa.float64(),
        "DATE": pa.date32(),
        "TIME": pa.time32("ms"),
        "TIMESTAMP": pa.timestamp(unit, "UTC" if kind.zoned else None),
        "BINARY": pa.binary(),
        "VARBINARY": pa.binary(),
        "BYTES": pa.binary(),
    }
    if kind.root == "DECIMAL":
        return pa.decimal128(*kind.numbers)
    if kind.root == "ARRAY":
        return pa.list_(_arrow(kind.element))
    if kind.root == "MAP":
        return pa.map_(_arrow(kind.key), _arrow(kind.element))
    if kind.root == "ROW":
        return pa.struct([(name, _arrow(member)) for name, member in kind.members.items()])
    return plain.get(kind.root, pa.string())


def test_difference_sees_every_kind_of_wrong():
    rows = [{"id": "1", "v": "a"}, {"id": "1", "v": "a"}, {"id": "2", "v": None}]
    assert canon.difference(rows, rows[::-1]) is None
    assert "1 missing, 0 too many" in canon.difference(rows, rows[1:])
    assert "0 missing, 1 too many" in canon.difference(rows, [*rows, rows[0]])
    assert "1 missing, 1 too many" in canon.difference(rows, [*rows[:2], {"id": "2", "v": ""}])
    assert canon.difference(rows, [{"v": row["v"], "id": row["id"]} for row in rows])


def test_difference_forgives_only_the_named_arrays():
    left, right = [{"x": ["1", "2"], "y": ["1", "2"]}], [{"x": ["2", "1"], "y": ["1", "2"]}]
    assert canon.difference(left, right)
    assert canon.difference(left, right, unordered=["x"]) is None
    assert canon.difference(left, right, unordered=["y"])


@pytest.mark.parametrize("table", TABLES, ids=lambda path: path.name)
def test_expected_files_are_sorted_and_counted(table):
    about = json.loads((table / "about.json").read_text())
    for read in about["reads"].values():
        rows = canon.read_lines(table / read["file"])
        assert len(rows) == read["rows"]
        assert canon.sort_rows(rows, about["primaryKeys"]) == rows
