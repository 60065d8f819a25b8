"""Column defaults fill nulls while rows are written."""

from dataclasses import replace
from datetime import date

import pyarrow as pa
import pytest

from lakestore.core.defaults import parse_default, with_defaults
from lakestore.core.ingest import to_schema
from lakestore.errors import InvalidInputError
from lakestore.model.arrow import assign_ids
from lakestore.model.types import parse_type, parse_type_text


def fields_of(*columns):
    fields = assign_ids([(name, parse_type_text(text), None) for name, text, _ in columns])
    return [replace(field, default_value=default) for field, (_, _, default) in zip(fields, columns, strict=True)]


def test_nulls_and_missing_columns_are_filled():
    fields = fields_of(("a", "INT", "7"), ("s", "VARCHAR(2)", "'xyz'"), ("d", "DATE", "2024-02-29"), ("n", "INT", None))
    rows = with_defaults(to_schema(pa.table({"a": [1, None], "n": [None, 3]}), fields), fields)
    day = date(2024, 2, 29)
    assert rows.to_pylist() == [{"a": 1, "s": "xy", "d": day, "n": None}, {"a": 7, "s": "xy", "d": day, "n": 3}]
    assert rows.schema.equals(to_schema(pa.table({"a": [1]}), fields).schema)


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [("x", "INT", "cannot be read as INT"), ("100", "DECIMAL(2, 0)", "too many digits")],
)
def test_a_default_that_is_no_value_is_refused(text, kind, words):
    with pytest.raises(InvalidInputError, match=words):
        parse_default(text, parse_type_text(kind))


def test_nested_columns_take_no_default():
    with pytest.raises(InvalidInputError, match="takes no default"):
        parse_default("[1]", parse_type({"type": "ARRAY", "element": "INT"}))
