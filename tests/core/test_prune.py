"""Pruning: what can be skipped is skipped, and what bounds do not tell is not."""

import math
from decimal import Decimal

import pytest

from lakestore.core.bind import bind
from lakestore.core.prune import (
    MAX_COMBINATIONS,
    Bounds,
    all_null,
    equality_values,
    may_match,
    must_match,
    outcomes,
)
from lakestore.core.where import parse_where
from lakestore.model.arrow import assign_ids
from lakestore.model.predicate import Compare, CompareOp, IsIn
from lakestore.model.types import parse_type_text

FIELDS = assign_ids(
    [
        (name, parse_type_text(text), None)
        for name, text in {
            "n": "INT",
            "m": "INT",
            "g": "DOUBLE",
            "s": "STRING",
            "x": "BYTES",
            "d": "DECIMAL(6,2)",
        }.items()
    ]
)
N = {"n": Bounds(min=5, max=9, null_count=0)}
ONE = {"n": Bounds(min=5, max=5, null_count=0)}
SOME_NULL = {"n": Bounds(min=5, max=9, null_count=1)}
NULLS = {"n": Bounds(null_count=10)}
G = {"g": Bounds(min=5.0, max=5.0, null_count=0)}
S = {"s": Bounds(min="abc", max="abd", null_count=0, exact=False)}


def bound(where):
    return bind(parse_where(where), FIELDS)


@pytest.mark.parametrize(
    ("where", "bounds", "expected"),
    [
        ("n = 5", N, {True, False}),
        ("n = 9", N, {True, False}),
        ("n = 4", N, {False}),
        ("n = 10", N, {False}),
        ("n != 4", N, {True}),
        ("n != 5", ONE, {False}),
        ("n = 5", ONE, {True}),
        ("n < 5", N, {False}),
        ("n <= 5", N, {True, False}),
        ("n <= 9", N, {True}),
        ("n > 9", N, {False}),
        ("n >= 9", N, {True, False}),
        ("n >= 5", N, {True}),
        ("n > 4", N, {True}),
        ("n in (1, 4, 10)", N, {False}),
        ("n in (1, 7)", N, {True, False}),
        ("n in (5)", ONE, {True}),
        ("n in (4, 5)", ONE, {True}),
        ("n not in (5)", ONE, {False}),
        ("n is null", N, {False}),
        ("n is not null", N, {True}),
        # Nulls
        ("n = 4", SOME_NULL, {False, None}),
        ("n is null", SOME_NULL, {True, False}),
        ("n = 5", NULLS, {None}),
        ("n != 5", NULLS, {None}),
        ("n is null", NULLS, {True}),
        ("not (n = 5)", NULLS, {None}),
        ("n is not null", NULLS, {False}),
        # What is not known
        ("n = 4", {}, {True, False, None}),
        ("n is null", {}, {True, False}),
        ("n = 4", {"n": Bounds(null_count=0)}, {True, False}),
        ("n < 4", {"n": Bounds(min=5, null_count=0)}, {False}),
        ("n > 4", {"n": Bounds(min=5, null_count=0)}, {True}),
        ("n > 9", {"n": Bounds(max=9, null_count=0)}, {False}),
        ("n < 9", {"n": Bounds(max=9, null_count=0)}, {True, False}),
        ("n = 4", {"n": Bounds(min=5, max=9)}, {False, None}),
        # Logic
        ("n = 4 and m = 1", N, {False}),
        ("n = 5 and m = 1", N, {True, False, None}),
        ("n = 4 or m = 1", N, {True, False, None}),
        ("n > 4 or m = 1", N, {True}),
        ("not (n = 4)", N, {True}),
        ("not (n > 4 or m = 1)", N, {False}),
        ("not (n = 4 and m = 1)", N, {True}),
        ("n = 4 and null", N, {False}),
        ("n = 5 and null", N, {False, None}),
        ("true", N, {True}),
        ("null", N, {None}),
        ("n = 2.5", N, {False}),
        ("n > 4.5", N, {True}),
        # NaN hides behind bounds
        ("g = 5", G, {True, False}),
        ("g != 5", G, {True, False}),
        ("g > 4", G, {True, False}),
        ("g < 5", G, {False}),
        ("not (g > 4)", G, {True, False}),
        ("not (g < 6)", G, {True, False}),
        ("g in (5)", G, {True, False}),
        ("g not in (5)", G, {True, False}),
        ("g < 4", {"g": Bounds(min=math.nan, max=5.0, null_count=0)}, {True, False}),
        ("g > 6", {"g": Bounds(min=5.0, max=math.nan, null_count=0)}, {True, False}),
        ("g = 0", {"g": Bounds(min=-0.0, max=-0.0, null_count=0)}, {True, False}),
        ("g < 0", {"g": Bounds(min=-0.0, max=0.0, null_count=0)}, {False}),
        # Text cut short
        ("s = 'abcd'", S, {True, False}),
        ("s = 'abe'", S, {False}),
        ("s = 'ab'", S, {False}),
        ("s != 'abc'", {"s": Bounds(min="abc", max="abc", null_count=0, exact=False)}, {True, False}),
        ("s != 'abc'", {"s": Bounds(min="abc", max="abc", null_count=0)}, {False}),
        ("s > 'abc'", {"s": Bounds(min="abc", max="abc", null_count=0, exact=False)}, {True, False}),
        ("s < 'abc'", {"s": Bounds(min="abc", max="abc", null_count=0, exact=False)}, {True, False}),
        ("s not in ('abc')", {"s": Bounds(min="abc", max="abc", null_count=0, exact=False)}, {True, False}),
        ("s < 'abc'", {"s": Bounds(min="abc", max="abc", null_count=0)}, {False}),
        ("s like 'abc%'", S, {True, False}),
        ("s like 'abcd%'", S, {True, False}),
        ("s like 'abe%'", S, {False}),
        ("s like 'abb%'", S, {False}),
        ("s like 'a%'", S, {True, False}),
        ("s like 'abcd'", S, {True, False}),
        ("s like 'abe'", S, {False}),
        (r"s like 'ab\%%'", S, {False}),
        ("s like '%z'", S, {True, False}),
        ("s like '_'", S, {True, False}),
        ("s not like 'z%'", S, {True}),
        ("s >= '\U0010ffff'", {"s": Bounds(min="", max="\ufffd", null_count=0)}, {False}),
        ("x >= X'80'", {"x": Bounds(min=b"", max=b"\x7f\xff", null_count=0)}, {False}),
        ("d = 1.10", {"d": Bounds(min=Decimal("1.1"), max=Decimal("1.1"), null_count=0)}, {True}),
    ],
)
def test_outcomes(where, bounds, expected):
    predicate = bound(where)
    assert outcomes(predicate, bounds, 10) == expected
    assert may_match(predicate, bounds, 10) is (True in expected)
    assert must_match(predicate, bounds, 10) is (expected == {True})


def test_bounds_of_another_family_or_upside_down_say_nothing():
    predicate = bound("n = 4")
    for bounds in (
        Bounds(min="a", max="b", null_count=0),
        Bounds(min=9, max=5, null_count=0),
        Bounds(min=b"a", null_count=0),
    ):
        assert may_match(predicate, {"n": bounds}, 10)
    assert may_match(bound("s = 'z'"), {"s": Bounds(min=1, max=2, null_count=0)}, 10)


def test_no_rows_match_nothing_and_no_predicate_matches_all():
    assert not may_match(bound("n = 1"), {}, 0)
    assert not may_match(None, {}, 0)
    assert may_match(None, {}, 1)
    assert must_match(None, {}, 1)


def test_nulls_without_a_row_count_may_be_values():
    assert outcomes(bound("n = 5"), NULLS, None) == {True, False, None}
    assert outcomes(bound("n is null"), NULLS, None) == {True, False}


def test_a_column_that_the_file_lacks():
    assert all_null(3) == Bounds(null_count=3)
    assert not all_null(3).has_bounds
    assert N["n"].has_bounds
    assert not may_match(bound("n = 5"), {"n": all_null(3)}, 3)
    assert may_match(bound("n is null"), {"n": all_null(3)}, 3)


@pytest.mark.parametrize(
    ("where", "columns", "expected"),
    [
        ("n = 1", "n", [(1,)]),
        ("n in (1, 2)", "n", [(1,), (2,)]),
        ("n = 1 and m = 2", "nm", [(1, 2)]),
        ("n = 1 and m = 2", "mn", [(2, 1)]),
        ("n in (1, 2) and m in (3, 4)", "nm", [(1, 3), (1, 4), (2, 3), (2, 4)]),
        ("n in (1, 2) and n in (2, 3)", "n", [(2,)]),
        ("n = 1 and n = 2", "n", []),
        ("n = 1 or n = 2", "n", [(1,), (2,)]),
        ("(n = 1 or n = 2) and m = 3", "nm", [(1, 3), (2, 3)]),
        ("n = 1 and m = 3 or n = 2 and m = 4", "nm", [(1, 3), (2, 4)]),
        ("(n = 1 and m = 3 or n = 2 and m = 4) and s = 'a'", "nm", [(1, 3), (2, 4)]),
        ("n = 1 or m = 2", "n", None),
        ("n = 1", "nm", None),
        ("n > 1", "n", None),
        ("not (n = 1)", "n", None),
        ("n is null", "n", None),
        ("n = 1.5", "n", []),
        ("n = null", "n", []),
        ("n in (1, null)", "n", [(1,)]),
        ("false", "n", []),
        ("null and m = 1", "n", []),
        ("true and n = 1", "n", [(1,)]),
        ("g = 0", "g", [(0.0,), (-0.0,)]),
        ("s = 'a' and d = 1.5", "sd", [("a", Decimal("1.50"))]),
    ],
)
def test_equality_values(where, columns, expected):
    found = equality_values(bound(where), list(columns))
    assert repr(found) == repr(expected)


def test_too_many_values_are_not_spelled_out():
    many = IsIn(column="n", values=tuple(range(MAX_COMBINATIONS)))
    assert len(equality_values(many, ["n"])) == MAX_COMBINATIONS
    assert equality_values(many | Compare(column="n", op=CompareOp.EQ, value=-1), ["n"]) is None
    both = many & IsIn(column="m", values=(1, 2))
    assert equality_values(both, ["n", "m"]) is None
    assert equality_values(None, ["n"]) is None
