"""Every scalar type with the ends of its range, as value, key and partition, in every file format, through a table."""

from decimal import Decimal

import pyarrow as pa
import pytest

import lakestore as ls
from lakestore.core.file_formats import FORMATS
from lakestore.model.arrow import arrow_type
from lakestore.model.types import parse_type_text
from tests.laws.story_values import exact, plain

NAN, INF = float("nan"), float("inf")
NINES = 10**38 - 1
VALUES = {
    "BOOLEAN": [True, False],
    "TINYINT": [-128, 127],
    "SMALLINT": [-(1 << 15), (1 << 15) - 1],
    "INT": [-(1 << 31), (1 << 31) - 1],
    "BIGINT": [-(1 << 63), (1 << 63) - 1],
    "FLOAT": [-INF, -0.0, 0.0, 1.401298464324817e-45, 3.4028234663852886e38, INF, NAN],
    "DOUBLE": [-INF, -1.7976931348623157e308, -0.0, 0.0, 5e-324, INF, NAN],
    "DECIMAL(1, 0)": [Decimal(-9), Decimal(9)],
    "DECIMAL(9, 9)": [exact(-999_999_999, 9), exact(1, 9)],
    "DECIMAL(18, 3)": [exact(-(10**18 - 1), 3), exact(10**18 - 1, 3)],
    "DECIMAL(19, 3)": [exact(-(10**19 - 1), 3), exact(10**19 - 1, 3)],
    "DECIMAL(38, 0)": [exact(-NINES, 0), exact(NINES, 0)],
    "DECIMAL(38, 38)": [exact(-NINES, 38), exact(1, 38)],
    "CHAR(3)": ["abc", "  a", "é✓😀"],
    "VARCHAR(3)": ["", "abc", "a  ", "\0\0"],
    "STRING": ["", "x" * 1000, "\U0010ffff"],
    "BINARY(2)": [b"\0\0", b"\xff\xff", b"a\0"],
    "VARBINARY(3)": [b"", b"\0", b"\xff\0\xff"],
    "BYTES": [b"", b"\0" * 1000],
    "DATE": [-(1 << 31), -719_162, -1, 0, 2_932_896, (1 << 31) - 1],
    "TIME(0)": [0, 86_399_000],
    "TIME(3)": [0, 1, 86_399_999],
}
UNITS = {"s": 0, "ms": 3, "us": 6, "ns": 9}


def moments(kind):
    """Ends of a timestamp's range, the last one before 1970 and one with all its digits, in its Arrow unit."""
    digits = UNITS[arrow_type(kind).unit]
    step = 10 ** (digits - kind.precision)
    ends = [-62_135_596_800, 253_402_300_799] if digits < 9 else [-9_000_000_000, 9_000_000_000]
    return [end * 10**digits for end in ends] + [-step, 0, step, 1_700_000_001 * 10**digits - step]


def values_of(text):
    return VALUES[text] if text in VALUES else moments(parse_type_text(text))


TYPES = [
    *VALUES,
    *(f"TIMESTAMP({digits})" for digits in range(10)),
    *(f"TIMESTAMP({digits}) WITH LOCAL TIME ZONE" for digits in range(10)),
]


def held(form, text):
    """The values that a format holds; ORC has no fractions before 1970 and no far years, Avro no nanoseconds."""
    found = values_of(text)
    if "TIMESTAMP" in text and form == "orc":
        most = 9_000_000_000 * 10 ** UNITS[arrow_type(parse_type_text(text)).unit]
        return [one for one in found if 0 <= one <= most]
    return found


def types_of(form):
    return [text for text in TYPES if form != "avro" or not any(f"TIMESTAMP({n})" in text for n in (7, 8, 9))]


def rows_of(form, texts):
    """One column for each type; the values go round, and the last row is null."""
    columns = {text: held(form, text) for text in texts}
    count = max(len(values) for values in columns.values())
    arrays = {"n": pa.array(range(count + 1), pa.int32())}
    for place, (text, values) in enumerate(columns.items()):
        filled = [values[number % len(values)] for number in range(count)]
        arrays[f"c{place}"] = pa.array([*filled, None], arrow_type(parse_type_text(text)))
    return pa.table(arrays)


def told(table):
    return {name: plain(table[name]) for name in table.column_names}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("keyed", [True, False], ids=["keyed", "append"])
def test_values(tmp_path, form, keyed):
    texts = types_of(form)
    rows = rows_of(form, texts)
    table = ls.connect(tmp_path).create_table(
        "t",
        schema={"n": "INT", **{f"c{place}": text for place, text in enumerate(texts)}},
        primary_key=["n"] if keyed else [],
        options={"file.format": form, **({"bucket": 1} if keyed else {})},
    )
    for _ in range(2 if keyed else 1):
        table.insert(rows)
    found = table.scan().to_arrow().sort_by("n")
    assert found.schema.types == table.schema.types
    assert told(found) == told(rows)
    if keyed:
        table.compact(full=True)
        assert told(table.scan().to_arrow().sort_by("n")) == told(rows)
        return
    for place, text in enumerate(texts):
        nulls = table.scan(f"c{place} is null", ["n"]).to_pylist()
        assert nulls == [{"n": rows.num_rows - 1}], text


@pytest.mark.parametrize("form", FORMATS)
def test_keys(tmp_path, form):
    """All types in one key: what is written twice is there once."""
    texts = types_of(form)
    rows = rows_of(form, texts).drop_null()
    names = rows.column_names[1:]
    table = ls.connect(tmp_path).create_table(
        "t",
        schema={"n": "INT", **dict(zip(names, texts, strict=True))},
        primary_key=names,
        options={"file.format": form, "bucket": 3},
    )
    table.insert(rows)
    table.insert(rows.slice(1))
    table.compact(full=True)
    assert told(table.scan().to_arrow().sort_by("n")) == told(rows)
    table.delete(rows.slice(2, 2).select(names))
    assert sorted(row["n"] for row in table.scan(select=["n"]).to_pylist()) == [0, 1, 4, 5, 6]
    assert table.check(deep=True).ok


PARTS = [text for text in TYPES if "BINARY" not in text and text != "BYTES"]


@pytest.mark.parametrize("texts", [PARTS[0::4], PARTS[1::4], PARTS[2::4], PARTS[3::4]], ids=range(4))
def test_partitions(tmp_path, texts):
    rows = rows_of("parquet", texts)
    if "STRING" in texts:
        at = rows.column_names.index(f"c{texts.index('STRING')}")
        rows = rows.set_column(at, rows.column_names[at], pa.array([f"=/%{n}" for n in range(rows.num_rows)]))
    names = rows.column_names[1:]
    table = ls.connect(tmp_path).create_table(
        "t", schema={"n": "INT", **dict(zip(names, texts, strict=True))}, partition_by=names
    )
    table.insert(rows)
    assert told(table.scan().to_arrow().sort_by("n")) == told(rows)
    assert told(ls.open_table(table.path).scan("n >= 0").to_arrow().sort_by("n")) == told(rows)


STRICT = "ROW<x INT NOT NULL, y ROW<z STRING NOT NULL, t TIME(3) NOT NULL> NOT NULL>"
FULL = {"x": 1, "y": {"z": "a", "t": None}}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("engine", ["deduplicate", "partial-update"])
def test_null_rows_may_have_members_that_are_not_null(tmp_path, form, engine):
    """Added later, missing in what is written, merged and compacted: the row is null, and nothing in it is."""
    options = {"bucket": 1, "file.format": form, "merge-engine": engine, "write-only": True}
    table = ls.connect(tmp_path).create_table("t", schema={"id": "INT"}, primary_key=["id"], options=options)
    table.upsert([{"id": 1}, {"id": 2}])
    table = table.alter(ls.add_column("r", STRICT), ls.add_column("l", f"ARRAY<{STRICT}>"))
    whole = {"x": 1, "y": {"z": "a", "t": 5}}
    table.upsert([{"id": 2}, {"id": 3}])
    rows = pa.table(
        {
            "id": pa.array([2, 4, 5], pa.int32()),
            "r": pa.array([whole, None, whole], table.schema.field("r").type),
            "l": pa.array([[whole, None], None, []], table.schema.field("l").type),
        }
    )
    table.upsert(rows)
    for _ in range(2):
        found = table.scan().to_arrow().sort_by("id")
        found.validate(full=True)
        assert plain(found["r"]) == [None, whole, None, None, whole]
        assert plain(found["l"]) == [None, [whole, None], None, None, []]
        table.compact(full=True)


@pytest.mark.parametrize("form", FORMATS)
def test_maps_and_lists_of_nothing(tmp_path, form):
    columns = {"m": "MAP<STRING, INT>", "s": "MULTISET<DATE>", "l": "ARRAY<INT>", "d": "MAP<INT, MAP<INT, ARRAY<INT>>>"}
    table = ls.connect(tmp_path).create_table("t", schema=columns, options={"file.format": form})
    rows = [{"m": {}, "s": {}, "l": [], "d": {}}, dict.fromkeys(columns)]
    table.insert(rows)
    assert table.scan().to_pylist() == [{"m": [], "s": [], "l": [], "d": []}, rows[1]]
    table.insert([{"d": {1: {}}}])
    assert [row["d"] for row in table.scan().to_pylist()] == [[], None, [(1, [])]]
