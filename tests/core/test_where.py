"""Predicates as SQL text: what is read, what is refused and where the error points."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal

import pytest

from lakestore.core.where import RESERVED_WORDS, parse_where
from lakestore.core.where_text import to_text
from lakestore.errors import ErrorKind, InvalidInputError
from lakestore.model.predicate import And, Compare, CompareOp, Constant, IsIn, IsNull, Like, Not, Or, col
from lakestore.model.types import Field, parse_type_text

A, B = col("a") == 1, col("b") == 2

READ = {
    "a = 1": A,
    "a == 1": A,
    "1 = a": A,
    "a <> 1": col("a") != 1,
    "a != 1": col("a") != 1,
    "1 < a": col("a") > 1,
    "1 <= a": col("a") >= 1,
    "1 > a": col("a") < 1,
    "1 >= a": col("a") <= 1,
    "a=-1": col("a") == -1,
    "a >+ 1": col("a") > 1,
    "a = 1 AND b = 2": A & B,
    "a = 1 or b = 2": A | B,
    "a = 1 and b = 2 OR b = 2 and a = 1": Or(children=(A & B, B & A)),
    "a = 1 and (b = 2 or a = 1)": And(children=(A, B | A)),
    "(a = 1 and b = 2) and a = 1": And(children=(A & B, A)),
    "a = 1 and b = 2 and a = 1": A & B & A,
    "NOT a = 1 AND b = 2": ~A & B,
    "not (a = 1 and b = 2)": Not(child=A & B),
    "not not a = 1": ~~A,
    "a in (1, 2)": col("a").isin([1, 2]),
    "a not in (1, null)": ~col("a").isin([1, None]),
    "a in ()": col("a").isin([]),
    "a between 1 and 3 and b = 2": And(children=((col("a") >= 1) & (col("a") <= 3), B)),
    "a not between -1 and 1": ~((col("a") >= -1) & (col("a") <= 1)),
    "a is null": IsNull(column="a"),
    "a IS NOT NULL": ~IsNull(column="a"),
    "a like 'x%'": Like(column="a", pattern="x%"),
    r"a not like '\%' escape '\'": ~Like(column="a", pattern=r"\%"),
    "a = null": col("a") == None,  # noqa: E711
    "active": col("active") == True,  # noqa: E712
    "not active or b = 2": Or(children=(~(col("active") == True), B)),  # noqa: E712
    "true": Constant(value=True),
    "false or null": Or(children=(Constant(value=False), Constant(value=None))),
    "1 = 1": Constant(value=True),
    "1 > 2.5": Constant(value=False),
    "'a' < 'b'": Constant(value=True),
    "null = 1": Constant(value=None),
    "a = 99999999999999999999999": col("a") == 99999999999999999999999,
    "a = 1.10": col("a") == Decimal("1.10"),
    "a = 0.1234567890123456789012345678901234567": col("a") == Decimal("0.1234567890123456789012345678901234567"),
    "a = -1.5": col("a") == Decimal("-1.5"),
    "a = 1.5e3": col("a") == 1500.0,
    "a = .5": col("a") == Decimal("0.5"),
    "a = 'it''s'": col("a") == "it's",
    "a = ''": col("a") == "",
    "a = 'x\ny'": col("a") == "x\ny",
    "a = '日本'": col("a") == "日本",
    "a = X'00fF'": col("a") == b"\x00\xff",
    "a = x''": col("a") == b"",
    "a = date '2026-03-07'": col("a") == date(2026, 3, 7),
    "a = TIME '23:59:01.5'": col("a") == time(23, 59, 1, 500_000),
    "a = timestamp '2026-03-07 23:59'": col("a") == datetime(2026, 3, 7, 23, 59),
    "a = timestamp '2026-03-07T23:59:01.000001'": col("a") == datetime(2026, 3, 7, 23, 59, 1, 1),
    "a = timestamp '2026-03-07 23:59:01.100000000'": col("a") == datetime(2026, 3, 7, 23, 59, 1, 100_000),
    "a = timestamp '2026-03-07 23:59:01Z'": col("a") == datetime(2026, 3, 7, 23, 59, 1, tzinfo=UTC),
    "a = timestamp '2026-03-07 23:59:01 UTC'": col("a") == datetime(2026, 3, 7, 23, 59, 1, tzinfo=UTC),
    "a = timestamp '2026-03-07 23:59:01.5 -0130'": col("a")
    == datetime(2026, 3, 7, 23, 59, 1, 500_000, tzinfo=timezone(-timedelta(hours=1, minutes=30))),
    "a = double 'Infinity'": col("a") == float("inf"),
    '"a b" = 1': col("a b") == 1,
    '"say ""hi""" = 1': col('say "hi"') == 1,
    "`a.b` = 1": col("a.b") == 1,
    "date = '2026-03-07'": col("date") == "2026-03-07",
    "größe = 1": col("größe") == 1,
    '"select" = 1 and "AND" = 2': (col("select") == 1) & (col("AND") == 2),
    "  a\t=\n 1 ": A,
}


@pytest.mark.parametrize("text", READ)
def test_reads(text):
    assert parse_where(text) == READ[text]


def test_numbers_keep_their_type():
    types = [type(parse_where(f"a = {text}").value) for text in ("1", "1.0", "1e0", "-2", "-2.5", "1.")]
    assert types == [int, Decimal, float, int, Decimal, Decimal]


REFUSED = {
    # text: (what the message says, the place it points at)
    "": ("expected a column, a literal, NOT or '(', the text ends", 0),
    "a =": ("expected a literal or a column after '=', the text ends", 3),
    "a > > 3": ("found '>'", 4),
    "= 3": ("expected a column, a literal, NOT or '(', found '='", 0),
    "a = 1 b": ("expected AND, OR or the end, found 'b'", 6),
    "a = 1 and": ("the text ends", 9),
    "(a = 1": ("expected AND, OR or ')'", 6),
    "a = 1)": ("expected AND, OR or the end, found ')'", 5),
    "a = b": ("a column is compared with a literal, not with another column", 4),
    'a = "paid"': ("text takes single quotes: 'paid'", 4),
    "a in (1, b)": ("found column 'b'", 9),
    "a between b and 2": ("found column 'b'", 10),
    "a in 1": ("expected '(' after IN", 5),
    "a in (1 2)": ("expected ',' or ')' in the list", 8),
    "a in (1,)": ("expected a literal in the list, found ')'", 8),
    "a between 1": ("expected AND between the two ends of BETWEEN", 11),
    "a is 3": ("expected NULL or NOT NULL", 5),
    "a is not 3": ("expected NULL, found '3'", 9),
    "a not 3": ("expected IN, BETWEEN or LIKE after NOT", 6),
    "a like 5": ("expected a pattern in single quotes after LIKE", 7),
    "a like 'x' escape '#'": ("the one escape character there is", 18),
    "a. = 1": ("expected the name of a member after 'a.', found '='", 3),
    "a.b.": ("expected the name of a member after 'a.b.', the text ends", 4),
    "lower(a) = 'x'": ("there are no functions here, such as lower(…)", 0),
    "a + 1 > 3": ("arithmetic is not supported", 2),
    "a = 1 + 2": ("arithmetic is not supported", 6),
    "5": ("expected a comparison after the literal", 1),
    "5 in (5)": ("expected a comparison after the literal", 2),
    "'x'": ("expected a comparison after the literal", 3),
    "1 = 'a'": ("these two literals cannot be compared", 0),
    "true = 1": ("these two literals cannot be compared", 0),
    "a = -'x'": ("expected a number after '-'", 5),
    "a = - b": ("expected a number after '-'", 6),
    "a = 'x": ("the quote ' is not closed", 4),
    'a = "x': ('the quote " is not closed', 4),
    "a = 1x": ("a number runs into what follows it", 4),
    "a = 1.2.3": ("a number runs into what follows it", 4),
    "a = 1e999": ("too large for a double", 4),
    "a = x'0'": ("pairs of hexadecimal digits", 4),
    "a # 1": ("unexpected character '#'", 2),
    '"" = 1': ("a column name cannot be empty", 0),
    "a = date '2026-02-30'": ("'2026-02-30' is no DATE", 9),
    "a = date '2026-2-3'": ("expected DATE '2026-03-07'", 9),
    "a = timestamp 'now'": ("expected TIMESTAMP", 14),
    "a = timestamp '2026-03-07 10:00:00.0000001'": ("hold microseconds", 14),
    "a = time '24:00:00'": ("is no TIME", 9),
    "and": ("found 'and'", 0),
    "a = 1 or\n  b == c": ("not with another column", 16),
}


@pytest.mark.parametrize("text", REFUSED)
def test_refuses_and_points_at_the_place(text):
    message, place = REFUSED[text]
    with pytest.raises(InvalidInputError) as caught:
        parse_where(text)
    assert caught.value.kind is ErrorKind.INVALID_PREDICATE
    assert message in caught.value.message
    first, shown, caret = caught.value.message.split("\n")
    assert first.startswith("cannot read the predicate: ")
    line_start = text.rfind("\n", 0, place) + 1
    assert shown == "    " + text[line_start:].split("\n")[0]
    assert len(caret) - 1 - 4 == place - line_start


def test_a_long_line_is_shown_around_the_place():
    text = " or ".join(["a = 1"] * 500) + " or b = c or " + " or ".join(["a = 1"] * 500)
    with pytest.raises(InvalidInputError) as caught:
        parse_where(text)
    _, shown, caret = caught.value.message.split("\n")
    assert len(shown) < 120
    assert shown[len(caret) - 1] == "c"


def test_depth_is_limited_but_length_is_not():
    assert len(parse_where(" or ".join(["a = 1"] * 5000)).children) == 5000
    assert parse_where("(" * 60 + "a = 1" + ")" * 60) == A
    for text in ("(" * 10_000 + "a = 1", "not " * 10_000 + "a = 1"):
        with pytest.raises(InvalidInputError, match="inside each other"):
            parse_where(text)


def test_reserved_words_name_columns_only_in_quotes():
    for word in RESERVED_WORDS:
        with pytest.raises(InvalidInputError):
            parse_where(f"{word} = 1 and")
        assert parse_where(f'"{word}" = 1') == (col(word) == 1)
        assert to_text(col(word) == 1) == f'"{word}" = 1'


WRITTEN = {
    "a = 1 AND (b = 2 OR a = 1)": And(children=(A, B | A)),
    "(a = 1 AND b = 2) AND a = 1": And(children=(A & B, A)),
    "NOT (a = 1 AND b = 2) OR NOT a = 1": Or(children=(Not(child=A & B), ~A)),
    "a NOT IN (1, NULL)": ~col("a").isin([1, None]),
    "a IS NOT NULL": col("a").is_not_null(),
    r"a NOT LIKE 'it''s\%'": ~col("a").like(r"it's\%"),
    "\"a b\" = X'0a'": col("a b") == b"\n",
    "a = DOUBLE 'NaN'": Compare(column="a", op=CompareOp.EQ, value=float("nan")),
    "a = -1.5e0": col("a") == -1.5,
    "a = 100.": col("a") == Decimal("1E+2"),
    "a = DATE '2026-03-07'": col("a") == date(2026, 3, 7),
    "a = TIMESTAMP '2026-03-07 00:00:00+00:00'": col("a") == datetime(2026, 3, 7, tzinfo=UTC),
    "TRUE": And(children=()),
    "FALSE": Or(children=()),
}


@pytest.mark.parametrize("text", WRITTEN)
def test_writes(text):
    assert to_text(WRITTEN[text]) == text


def test_internal_values_are_written_as_their_columns_show_them():
    fields = [
        Field(id=n, name=name, type=parse_type_text(text))
        for n, (name, text) in enumerate(
            {
                "day": "DATE",
                "t": "TIME(3)",
                "ts": "TIMESTAMP(9)",
                "z": "TIMESTAMP(3) WITH LOCAL TIME ZONE",
                "n": "INT",
            }.items()
        )
    ]
    every = And(children=tuple(Compare(column=field.name, op=CompareOp.GE, value=1) for field in fields))
    assert to_text(every, fields) == (
        "day >= '1970-01-02' AND t >= '00:00:00.001' AND ts >= '1970-01-01 00:00:00.000000001' "
        "AND z >= '1970-01-01 00:00:00.000000001Z' AND n >= 1"
    )
    assert to_text(IsIn(column="day", values=(3_000_000,)), fields) == "day IN ('+10183-09-21')"
