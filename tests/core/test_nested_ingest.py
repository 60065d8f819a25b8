"""Nested Arrow columns into ARRAY, MAP, MULTISET and ROW: what is taken, what is refused, what the message names."""

import datetime as dt

import pyarrow as pa
import pytest

from lakestore.core.ingest import to_schema
from lakestore.errors import ErrorKind, InvalidInputError
from lakestore.model.arrow import arrow_schema, assign_ids
from lakestore.model.types import parse_type


def row(*members):
    fields = [{"id": place, "name": name, "type": kind} for place, (name, kind) in enumerate(members)]
    return {"type": "ROW", "fields": fields}


def array(element):
    return {"type": "ARRAY", "element": element}


def mapping(key, value):
    return {"type": "MAP", "key": key, "value": value}


ADDRESS = row(("city", "VARCHAR(5)"), ("zip", "INT NOT NULL"), ("tags", array("STRING NOT NULL")))
ARROW_ADDRESS = pa.struct([("city", pa.string()), ("zip", pa.int64()), ("tags", pa.list_(pa.string()))])


def fields(kind):
    return assign_ids([("x", parse_type(kind), None)])


def take(values, kind, **arguments):
    out = to_schema(pa.table({"x": values}), fields(kind), **arguments)
    assert out.schema == arrow_schema(fields(kind))
    out.validate(full=True)
    return out["x"].to_pylist()


HALVES = pa.FixedSizeListArray.from_arrays(pa.array([1, 2, 3, 4, 5, 6]), 2, mask=pa.array([False, True, False]))
HIDDEN = pa.ListArray.from_arrays(
    pa.array([0, 2, 4, 5], pa.int32()), pa.array([1, 2, 2**40, None, 5]), mask=pa.array([False, True, False])
)
PAIRS = pa.array([[{"key": "a", "value": 1}], None], pa.list_(pa.struct([("key", pa.string()), ("value", pa.int8())])))
RUNS = pa.RunEndEncodedArray.from_arrays([2, 3], pa.array(["a", "b"]))
TAKEN = {
    "large list": (pa.array([[1], None], pa.large_list(pa.int8())), array("INT"), [[1], None]),
    "fixed-size list": (HALVES, array("INT"), [[1, 2], None, [5, 6]]),
    "fixed-size list, sliced": (HALVES.slice(1), array("INT"), [None, [5, 6]]),
    "list view": (pa.array([[1, 2], None, [3]], pa.list_view(pa.int8())).slice(1), array("INT"), [None, [3]]),
    "list view out of order": (
        pa.ListViewArray.from_arrays([2, 0, 1], [1, 2, 0], pa.array(["a", "b", "c"], pa.string_view())),
        array("STRING"),
        [["c"], ["a", "b"], []],
    ),
    "what a null list hides": (HIDDEN, array("INT NOT NULL"), [[1, 2], None, [5]]),
    "dictionary of text": (
        pa.ListArray.from_arrays([0, 1, 3], pa.array(["a", "b", "a"]).dictionary_encode()),
        array("STRING"),
        [["a"], ["b", "a"]],
    ),
    "dictionary of lists": (
        pa.DictionaryArray.from_arrays(pa.array([1, None, 0], pa.int8()), pa.array([[1], [2, 3]])),
        array("BIGINT"),
        [[2, 3], None, [1]],
    ),
    "runs": (pa.StructArray.from_arrays([RUNS.slice(1)], ["a"]), row(("a", "STRING")), [{"a": "a"}, {"a": "b"}]),
    "nulls of no type": (pa.nulls(2), array("INT"), [None, None]),
    "lists of nothing": (pa.array([[], [None]]), array("INT"), [[], [None]]),
    "whole nanoseconds": (
        pa.array([[1_000_000]], pa.list_(pa.timestamp("ns"))),
        array("TIMESTAMP(3)"),
        [[dt.datetime(1970, 1, 1, 0, 0, 0, 1000)]],
    ),
    "pairs for a map": (PAIRS, mapping("STRING", "INT"), [[("a", 1)], None]),
    "a map with wider text": (
        pa.array([[("a", 1)]], pa.map_(pa.large_string(), pa.uint8())),
        mapping("STRING", "BIGINT"),
        [[("a", 1)]],
    ),
    "a multiset": (
        pa.array([[("a", 2)]], pa.map_(pa.string(), pa.int64())),
        {"type": "MULTISET", "element": "STRING"},
        [[("a", 2)]],
    ),
    "members in another order, one missing": (
        pa.array([{"zip": 1, "city": "Rome"}, None], pa.struct([("zip", pa.int8()), ("city", pa.large_string())])),
        ADDRESS,
        [{"city": "Rome", "zip": 1, "tags": None}, None],
    ),
    "a row in a map in an array": (
        pa.array([[[(1, {"n": 5})], None]], pa.list_(pa.map_(pa.int8(), pa.struct([("n", pa.int16())])))),
        array(mapping("INT", row(("n", "BIGINT"), ("more", "STRING")))),
        [[[(1, {"n": 5, "more": None})], None]],
    ),
}


@pytest.mark.parametrize("name", TAKEN)
def test_taken(name):
    values, kind, expected = TAKEN[name]
    assert take(values, kind) == expected
    chunked = pa.chunked_array([values.slice(0, 1), values.slice(1)])
    assert take(chunked, kind) == expected


LOSSY, NULL, TYPE = ErrorKind.LOSSY_VALUE, ErrorKind.INVALID_VALUE, ErrorKind.INVALID_TYPE
REFUSED = {
    "too long": (
        pa.array([{"city": "Roma", "zip": 1}, {"city": "London", "zip": 1}], ARROW_ADDRESS),
        ADDRESS,
        LOSSY,
        r"row 13, column 'x\.city': the value 'London' has 6 characters, more than VARCHAR\(5\) holds",
    ),
    "null member": (
        pa.array([None, {"city": "Rome"}], ARROW_ADDRESS),
        ADDRESS,
        NULL,
        r"row 13, column 'x\.zip': null, but the type there is INT NOT NULL",
    ),
    "null element": (
        pa.array([{"zip": 1, "tags": ["a"]}, {"zip": 1, "tags": ["a", "b", None]}], ARROW_ADDRESS),
        ADDRESS,
        NULL,
        r"row 13, column 'x\.tags\[2\]': null, but the type there is STRING NOT NULL",
    ),
    "too large": (
        pa.array([[], [[1], [2, 2**31]]]),
        array(array("INT")),
        LOSSY,
        r"row 13, column 'x\[1\]\[1\]': the value 2147483648 \(int64\) is not exactly a value of INT",
    ),
    "too fine": (
        pa.array([[1_000_001]], pa.list_(pa.timestamp("ns"))),
        array("TIMESTAMP(3)"),
        LOSSY,
        r"row 12, column 'x\[0\]': the value 1970-01-01 00:00:00.001000001",
    ),
    "too many digits": (
        pa.array([[("k", 12345)]], pa.map_(pa.string(), pa.int32())),
        mapping("STRING", "DECIMAL(5, 1)"),
        LOSSY,
        r"row 12, column 'x\[0\]\.value': the value 12345",
    ),
    "bad text in a key": (
        pa.MapArray.from_arrays([0, 1], pa.array([b"\xff"]).view(pa.string()), pa.array([1])),
        mapping("STRING", "INT"),
        LOSSY,
        r"row 12, column 'x\[0\]\.key': the value '\\\\xff'",
    ),
    "null key": (
        pa.array([[{"key": None, "value": 1}]], PAIRS.type),
        mapping("STRING", "INT"),
        NULL,
        r"row 12, column 'x\[0\]\.key': null, but the type there is STRING NOT NULL",
    ),
    "null count": (
        pa.array([[("a", None)]], pa.map_(pa.string(), pa.int32())),
        {"type": "MULTISET", "element": "STRING"},
        NULL,
        r"row 12, column 'x\[0\]\.value': null, but the type there is INT NOT NULL",
    ),
    "another member": (
        pa.array([{"city": "Rome", "zip": 1, "cty": "x"}]),
        ADDRESS,
        ErrorKind.EXTRA_COLUMN,
        r"column 'x\.cty' is not in the table .* in 'x' there are 'city', 'zip', 'tags'",
    ),
    "a member that must be": (
        pa.array([[{"city": "Rome"}]]),
        array(ADDRESS),
        ErrorKind.MISSING_COLUMN,
        r"column 'x\.element\.zip' \(INT NOT NULL\) is missing",
    ),
    "a member twice": (
        pa.StructArray.from_arrays([pa.array([1]), pa.array([2])], ["zip", "zip"]),
        ADDRESS,
        ErrorKind.INVALID_SCHEMA,
        r"column 'x\.zip' appears 2 times",
    ),
    "text for a list": (pa.array(["a"]), array("STRING"), TYPE, r"column 'x': values of Arrow type string are not"),
    "a list for a row": (pa.array([[1]]), row(("a", "INT")), TYPE, r"column 'x': .* are not taken for ROW<a INT>"),
    "rows of three for a map": (
        pa.array([[{"key": 1, "value": 2, "more": 3}]]),
        mapping("INT", "INT"),
        TYPE,
        "are not taken for MAP<INT, INT>",
    ),
    "naive times for instants": (
        pa.array([[{"at": 1}]], pa.list_(pa.struct([("at", pa.timestamp("us"))]))),
        array(row(("at", "TIMESTAMP(6) WITH LOCAL TIME ZONE"))),
        TYPE,
        r"column 'x\.element\.at': values of Arrow type timestamp\[us\] are not taken for TIMESTAMP\(6\) WITH LOCAL",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    values, kind, what, message = REFUSED[name]
    with pytest.raises(InvalidInputError, match=message) as caught:
        take(values, kind, first_row=12)
    assert caught.value.kind is what


def test_types_are_refused_also_without_rows():
    with pytest.raises(InvalidInputError, match=r"'x\.element'"):
        take(pa.array([], pa.list_(pa.string())), array("INT"))


def test_a_column_of_the_right_type_is_not_copied():
    values = pa.array([["a", None], None, ["b"]], pa.list_(pa.field("element", pa.string())))
    (out,) = to_schema(pa.table({"x": values}), fields(array("STRING")))["x"].chunks
    assert out.values.buffers()[2].address == values.values.buffers()[2].address
