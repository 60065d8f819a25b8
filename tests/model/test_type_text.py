"""Types as text: what people write, and what ``str`` of a type gives, at any depth."""

import itertools
import random

import pytest

import lakestore as ls
from lakestore.model.type_text import read_type
from lakestore.model.types import parse_type
from tests.laws.story_values import FAR, SCALARS, some_type

SAME = {
    "array<int>": {"type": "ARRAY", "element": "INT"},
    " ARRAY < DECIMAL(10, 2) NOT NULL > NOT NULL": {"type": "ARRAY NOT NULL", "element": "DECIMAL(10, 2) NOT NULL"},
    "MAP<STRING NOT NULL, array<date>>": {
        "type": "MAP",
        "key": "STRING NOT NULL",
        "value": {"type": "ARRAY", "element": "DATE"},
    },
    "MULTISET<VARCHAR(3)> NULL": {"type": "MULTISET", "element": "VARCHAR(3)"},
    "ROW<city STRING NOT NULL 'the place, it''s', `post code` INT, `a``b` timestamp(3) with local time zone>": {
        "type": "ROW",
        "fields": [
            {"id": -1, "name": "city", "type": "STRING NOT NULL", "description": "the place, it's"},
            {"id": -1, "name": "post code", "type": "INT"},
            {"id": -1, "name": "a`b", "type": "TIMESTAMP(3) WITH LOCAL TIME ZONE"},
        ],
    },
    "ROW<r ROW<x DECIMAL(3, 1) COMMENT 'in > a, row'> NOT NULL>": {
        "type": "ROW",
        "fields": [
            {
                "id": -1,
                "name": "r",
                "type": {
                    "type": "ROW NOT NULL",
                    "fields": [{"id": -1, "name": "x", "type": "DECIMAL(3, 1)", "description": "in > a, row"}],
                },
            }
        ],
    },
    "TIMESTAMP(3)": "TIMESTAMP(3)",
}


@pytest.mark.parametrize("text", SAME)
def test_text_and_object_are_one_type(text):
    assert read_type(text) == parse_type(SAME[text]) == read_type(SAME[text])


def test_what_str_gives_is_read():
    for seed in range(300):
        kind = some_type(random.Random(seed), [*SCALARS, *FAR], itertools.count(), 3)
        assert str(read_type(str(kind))) == str(kind)


@pytest.mark.parametrize(
    ("text", "message"),
    {
        "ARRAY<INT": "not a Paimon type",
        "ARRAY<INT, INT>": "1 types between the brackets of ARRAY, not 2",
        "MAP<INT>": "2 types between the brackets of MAP, not 1",
        "MAP<INT, DECIMAL(3>>": "brackets in pairs",
        "ROW<>": "a name and a type where it says ''",
        "ROW<a>": "a name and a type where it says 'a'",
        "ROW<a INT,>": "a name and a type where it says ''",
        "ROW<a ARRAY<INT>": "brackets in pairs",
        "ARRAY<NUMBER>": "'NUMBER' is not a Paimon type",
        "ARRAY<INT> x": "not a Paimon type",
    }.items(),
)
def test_other_text_is_refused(text, message):
    with pytest.raises(ls.InvalidInputError, match=message):
        read_type(text)


def test_tables_and_changes_take_it(tmp_path):
    table = ls.connect(tmp_path).create_table("t", schema={"id": "INT", "tags": "ARRAY<STRING>"})
    table = table.alter(
        ls.add_column("r", "ROW<x INT, m MAP<STRING, DATE>>"), ls.add_column("r.y", "ARRAY<ROW<z INT>>")
    )
    table.insert([{"id": 1, "tags": ["a"], "r": {"x": 1, "m": {}, "y": [{"z": 2}]}}])
    assert table.scan().to_pylist() == [{"id": 1, "tags": ["a"], "r": {"x": 1, "m": [], "y": [{"z": 2}]}}]
    with pytest.raises(ls.InvalidInputError, match="x"):
        table.alter(ls.add_column("d", "ROW<x INT, x INT>"))
