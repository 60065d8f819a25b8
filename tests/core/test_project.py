"""Mapping by field id, and spellings of files: exact, or refused by name."""

import math
from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest

from lakestore.core.project import sources_of, stored
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


def test_a_change_without_a_cast_is_refused_by_name():
    with pytest.raises(UnsupportedFormatError, match="file f: column 'n' is INT now but was written as DATE"):
        sources_of([field(0, "x", "DATE")], [field(0, "n", "INT")], what="file f")


def test_special_types_are_refused_by_name_at_any_depth():
    nested = Field(id=0, name="tags", type=parse_type({"type": "ARRAY", "element": "VARIANT"}))
    with pytest.raises(UnsupportedFormatError, match=r"column 'tags' is ARRAY<VARIANT>; .* does not read VARIANT"):
        sources_of([nested], [nested], what="file f")


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
