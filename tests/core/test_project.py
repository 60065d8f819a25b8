"""Mapping by field id, spellings of files, and changes of type: exact, or refused by name."""

import math
from datetime import date, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from lakestore.core.project import evolved, evolved_bound, keeps_values, sources_of, stored
from lakestore.errors import UnsupportedFormatError
from lakestore.model.arrow import arrow_type
from lakestore.model.types import Field, parse_type, parse_type_text


def kind(text):
    return parse_type_text(text)


def field(one, name, text):
    return Field(id=one, name=name, type=kind(text))


def test_columns_are_found_by_id():
    own = [field(0, "a", "INT"), field(1, "b", "STRING"), field(2, "gone", "INT")]
    wanted = [field(1, "b2", "STRING"), field(3, "gone", "INT"), field(0, "a", "BIGINT")]
    sources = sources_of(own, wanted, what="file f")
    assert [(one.target.name, one.own and one.own.name) for one in sources] == [
        ("b2", "b"),
        ("gone", None),
        ("a", "a"),
    ]


def test_a_change_that_loses_is_refused_by_name():
    with pytest.raises(UnsupportedFormatError, match="file f: column 'n' is INT now but was written as STRING"):
        sources_of([field(0, "x", "STRING")], [field(0, "n", "INT")], what="file f")


def test_nested_columns_are_refused_by_name():
    nested = Field(id=0, name="tags", type=parse_type({"type": "ARRAY", "element": "INT"}))
    with pytest.raises(UnsupportedFormatError, match="column 'tags' is ARRAY<INT>"):
        sources_of([nested], [nested], what="file f")


KEPT = [
    ("TINYINT", "BIGINT", [127, -128, None], [127, -128, None]),
    ("SMALLINT", "INT", [1], [1]),
    ("INT", "DOUBLE", [2**31 - 1], [float(2**31 - 1)]),
    ("BIGINT", "DOUBLE", [2**53 + 1, 2**63 - 1], [float(2**53), float(2**63)]),
    ("INT", "FLOAT", [16_777_217, None], [16_777_216.0, None]),
    ("INT", "DECIMAL(10, 0)", [2**31 - 1], [Decimal(2**31 - 1)]),
    ("BIGINT", "DECIMAL(21, 2)", [-(2**63)], [Decimal(-(2**63)).quantize(Decimal("0.01"))]),
    ("FLOAT", "DOUBLE", [0.1], [float(np.float32(0.1))]),
    ("DECIMAL(5, 2)", "DECIMAL(7, 4)", [Decimal("-999.99")], [Decimal("-999.9900")]),
    ("DECIMAL(38, 10)", "DOUBLE", [Decimal("0.1000000000"), None], [0.1, None]),
    ("DECIMAL(20, 2)", "FLOAT", [Decimal("16777217.00")], [16_777_216.0]),
    ("VARCHAR(5)", "STRING", ["é"], ["é"]),
    ("CHAR(2)", "VARCHAR(2)", ["ab"], ["ab"]),
    ("BINARY(2)", "BYTES", [b"ab"], [b"ab"]),
    (
        "TIMESTAMP(3)",
        "TIMESTAMP(6)",
        [datetime(1969, 12, 31, 23, 59, 59, 999000)],
        [datetime(1969, 12, 31, 23, 59, 59, 999000)],
    ),
    ("TIMESTAMP(0)", "TIMESTAMP(3)", [datetime(9999, 1, 1)], [datetime(9999, 1, 1)]),
    ("INT NOT NULL", "INT", [1], [1]),
]


@pytest.mark.parametrize(("source", "target", "values", "wanted"), KEPT, ids=[f"{one[0]} to {one[1]}" for one in KEPT])
def test_kept_changes_are_exact(source, target, values, wanted):
    own, new = kind(source), kind(target)
    assert keeps_values(own, new)
    result = evolved(pa.array(values, arrow_type(own)), own, new)
    assert result.type == arrow_type(new)
    assert result.to_pylist() == wanted


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("INT", "SMALLINT"),
        ("INT", "STRING"),
        ("INT", "DECIMAL(10, 1)"),
        ("DOUBLE", "FLOAT"),
        ("DOUBLE", "DECIMAL(38, 2)"),
        ("DECIMAL(5, 2)", "DECIMAL(5, 3)"),
        ("DECIMAL(5, 2)", "INT"),
        ("VARCHAR(5)", "VARCHAR(4)"),
        ("STRING", "CHAR(5)"),
        ("CHAR(2)", "CHAR(3)"),
        ("BINARY(2)", "BINARY(3)"),
        ("TIMESTAMP(6)", "TIMESTAMP(3)"),
        ("TIMESTAMP(3)", "TIMESTAMP(3) WITH LOCAL TIME ZONE"),
        ("TIMESTAMP(3)", "DATE"),
        ("BOOLEAN", "INT"),
    ],
)
def test_other_changes_are_not_kept(source, target):
    assert not keeps_values(kind(source), kind(target))


def test_bounds_follow_the_change_of_type():
    assert evolved_bound(16_777_217, kind("INT"), kind("FLOAT")) == 16_777_216.0
    assert evolved_bound(Decimal("0.10"), kind("DECIMAL(5, 2)"), kind("DOUBLE")) == 0.1
    assert isinstance(evolved_bound(3, kind("INT"), kind("DOUBLE")), float)
    assert evolved_bound(3, kind("INT"), kind("BIGINT")) == 3
    assert evolved_bound(None, kind("INT"), kind("DOUBLE")) is None
    assert evolved_bound("a", kind("VARCHAR(2)"), kind("STRING")) == "a"


SPELLINGS = [
    (pa.array(["a", None], pa.large_string()), "STRING", ["a", None]),
    (pa.array(["a", "b", "a"]).dictionary_encode(), "STRING", ["a", "b", "a"]),
    (pa.array([b"a"]), "STRING", ["a"]),
    (pa.array([b"ab"], pa.binary(2)), "BINARY(2)", [b"ab"]),
    (pa.array([1], pa.int64()), "TINYINT", [1]),
    (pa.array([Decimal("1.5")], pa.decimal128(30, 1)), "DECIMAL(5, 2)", [Decimal("1.50")]),
    (pa.array([1.5], pa.float32()), "DOUBLE", [1.5]),
    (pa.array([1000], pa.int64()).cast(pa.time64("us")), "TIME(3)", [1]),
    (pa.array([date(2020, 1, 1)], pa.date64()), "DATE", [18_262]),
    (pa.array([5], pa.timestamp("ms")), "TIMESTAMP(6)", [5000]),
    (pa.array([5000], pa.timestamp("us", "UTC")), "TIMESTAMP(3)", [5]),
    (pa.array([5000], pa.timestamp("us")), "TIMESTAMP(3) WITH LOCAL TIME ZONE", [5]),
    (pa.array([5], pa.timestamp("ms", "Europe/Berlin")), "TIMESTAMP(3) WITH LOCAL TIME ZONE", [5]),
    (pa.array([5_000_000_000], pa.timestamp("ns")), "TIMESTAMP(0)", [5]),
]


@pytest.mark.parametrize(("column", "text", "wanted"), SPELLINGS, ids=lambda one: str(getattr(one, "type", "")) or None)
def test_spellings_of_files_become_the_declared_type(column, text, wanted):
    result = stored(column, kind(text))
    assert result.type == arrow_type(kind(text))
    if pa.types.is_temporal(result.type):
        result = result.view(pa.int64() if result.type.bit_width == 64 else pa.int32())
    assert result.to_pylist() == wanted


@pytest.mark.parametrize(
    ("column", "text"),
    [
        (pa.array([300]), "TINYINT"),
        (pa.array([5], pa.timestamp("us")), "TIMESTAMP(3)"),
        (pa.array([2**62], pa.timestamp("ms")), "TIMESTAMP(6)"),
        (pa.array([Decimal("1.55")]), "DECIMAL(5, 1)"),
        (pa.array([1], pa.int64()).cast(pa.time64("us")), "TIME(3)"),
        (pa.array([b"\xff"]), "STRING"),
    ],
)
def test_values_that_do_not_fit_are_an_error(column, text):
    with pytest.raises(pa.ArrowInvalid):
        stored(column, kind(text))


@pytest.mark.parametrize(
    ("column", "text"),
    [(pa.array(["1"]), "INT"), (pa.array([1]), "STRING"), (pa.array([math.pi]), "FLOAT"), (pa.array([1]), "DATE")],
)
def test_other_families_are_an_error(column, text):
    with pytest.raises(pa.ArrowNotImplementedError, match="the file has it as"):
        stored(column, kind(text))
