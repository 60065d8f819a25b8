"""Key words of columns without a value: every type, every precision."""

import pyarrow as pa
import pytest

from lakestore.core.sorting import argsort, normalise

TYPES = [
    pa.bool_(),
    pa.int8(),
    pa.int64(),
    pa.float32(),
    pa.float64(),
    pa.decimal128(1, 0),
    pa.decimal128(4, 2),
    pa.decimal128(18, 18),
    pa.decimal128(38, 10),
    pa.string(),
    pa.binary(),
    pa.date32(),
    pa.time32("ms"),
    pa.timestamp("ns"),
]


@pytest.mark.parametrize("kind", TYPES, ids=str)
def test_columns_of_nulls_only_compare_equal(kind):
    words = normalise([pa.nulls(3, kind), pa.array([2, 1, 3])])
    assert argsort(words).tolist() == [1, 0, 2]
    assert argsort(normalise([pa.nulls(2, kind)])).tolist() == [0, 1]
