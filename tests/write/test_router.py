"""Which partition and bucket rows go to, against one row at a time in plain Python."""

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakestore.core.values import array_of
from lakestore.format.binary_row import decode_row, encode_row
from lakestore.format.bucket_rows import bucket_of_row
from lakestore.model.options import BucketFunction, BucketOptions
from lakestore.model.stats import EMPTY_ROW
from lakestore.write.router import route
from tests.writing import table_schema

TEXT = st.none() | st.sampled_from(["", " ", "a", "b", "a longer text than seven bytes", "é"])
COLUMNS = {
    "STRING": TEXT,
    "INT": st.none() | st.integers(-2, 2),
    "BIGINT": st.integers(-(2**40), 2**40),
    "DOUBLE": st.none() | st.sampled_from([0.0, -0.0, 1.5, math.inf]),
    "FLOAT": st.none() | st.sampled_from([0.0, -0.0, 0.5]),
    "DATE": st.none() | st.integers(0, 3),
    "BOOLEAN": st.none() | st.booleans(),
    "TIMESTAMP(6)": st.none() | st.integers(0, 3).map(lambda value: value * 1000),
    "DECIMAL(10, 2)": st.none(),
}


@st.composite
def routed(draw):
    names = ["p0", "p1", "k"]
    types = [draw(st.sampled_from(sorted(COLUMNS))) for _ in names]
    count = draw(st.integers(1, 40))
    values = [draw(st.lists(COLUMNS[kind], min_size=count, max_size=count)) for kind in types]
    keys = draw(st.sampled_from([(), ("p0",), ("p1", "p0")]))
    buckets = draw(st.sampled_from([1, 3, 16]))
    chunk = draw(st.integers(1, 40))
    return dict(zip(names, types, strict=True)), values, keys, buckets, chunk


@settings(max_examples=150, deadline=None)
@given(case=routed())
def test_every_row_goes_where_its_own_values_send_it(case):
    types, values, partition_by, count, chunk = case
    schema = table_schema({**types, "n": "INT"}, partition_by=partition_by)
    columns = [array_of(column, field.type) for column, field in zip(values, schema.fields, strict=False)]
    numbers = pa.array(range(len(values[0])), pa.int32())
    table = pa.table([*columns, numbers], names=[*types, "n"])
    table = pa.Table.from_batches(table.to_batches(max_chunksize=chunk))

    expected: dict[tuple[bytes, int], list[int]] = {}
    by_name = dict(zip(types, values, strict=True))
    for row in range(len(table)):
        partition = encode_row([by_name[name][row] for name in partition_by], schema.partition_types)
        bucket = bucket_of_row([by_name["k"][row]], schema.types(["k"]), count=count) if count > 1 else 0
        expected.setdefault((partition, bucket), []).append(row)

    got = {}
    for partition, bucket, rows in route(table, schema, BucketOptions(count=count, key=("k",))):
        assert (partition, bucket) not in got
        assert rows.schema.names == table.schema.names
        got[partition, bucket] = rows["n"].to_pylist()
    assert got == expected


def test_null_and_empty_are_two_partitions():
    schema = table_schema({"p": "STRING"}, partition_by=["p"])
    groups = list(route(pa.table({"p": ["", None, ""]}), schema, BucketOptions()))
    assert [(decode_row(partition, schema.partition_types), len(rows)) for partition, _, rows in groups] == [
        (("",), 2),
        ((None,), 1),
    ]


def test_zeros_of_both_signs_are_two_partitions_and_all_nans_one():
    schema = table_schema({"p": "DOUBLE"}, partition_by=["p"])
    nans = np.array([0x7FF8000000000000, 0x7FF8000000000001, 0xFFF8000000000000], np.uint64).view(np.float64)
    column = pa.array(np.concatenate([[0.0, -0.0], nans]))
    groups = list(route(pa.table({"p": column}), schema, BucketOptions()))
    assert [len(rows) for _, _, rows in groups] == [1, 1, 3]


def test_equal_float_keys_share_a_bucket():
    schema = table_schema({"k": "FLOAT"}, key=["k"])
    nans = np.array([0x7FC00000, 0xFFC00000, 0x7FC00001], np.uint32).view(np.float32)
    groups = list(route(pa.table({"k": pa.array(nans)}), schema, BucketOptions(count=1000)))
    assert [len(rows) for _, _, rows in groups] == [3]


def test_one_bucket_without_partitions_is_handed_through():
    schema = table_schema({"k": "INT", "v": "STRING"}, key=["k"])
    table = pa.table({"k": pa.array([2, 1], pa.int32()), "v": ["x", "y"]})
    ((partition, bucket, rows),) = route(table, schema, BucketOptions(count=1))
    assert (partition, bucket) == (EMPTY_ROW, 0)
    assert rows is table


def test_no_rows_go_nowhere():
    schema = table_schema({"k": "INT"}, key=["k"])
    assert list(route(pa.table({"k": pa.array([], pa.int32())}), schema, BucketOptions(count=4))) == []


def test_the_key_within_a_partition_is_the_default_bucket_key():
    schema = table_schema({"v": "INT", "day": "INT", "id": "BIGINT"}, key=["day", "id"], partition_by=["day"])
    table = pa.table(
        {
            "v": pa.array([0] * 50, pa.int32()),
            "day": pa.array([1, 2] * 25, pa.int32()),
            "id": range(50),
        }
    )
    for _, bucket, rows in route(table, schema, BucketOptions(count=7)):
        for key in rows["id"].to_pylist():
            assert bucket == bucket_of_row([key], schema.types(["id"]), count=7)


@pytest.mark.parametrize("function", [BucketFunction.MOD, BucketFunction.HIVE])
def test_other_bucket_functions(function):
    schema = table_schema({"id": "INT"}, key=["id"])
    table = pa.table({"id": pa.array(range(-20, 20), pa.int32())})
    for _, bucket, rows in route(table, schema, BucketOptions(count=4, function=function)):
        for key in rows["id"].to_pylist():
            assert bucket == bucket_of_row([key], schema.types(["id"]), count=4, function=function)


def test_many_partition_columns_with_many_values():
    """The product of the distinct counts passes 64 bits; the numbering must not."""
    names = [f"p{number}" for number in range(6)]
    schema = table_schema(dict.fromkeys([*names, "n"], "INT"), partition_by=names)
    count = 3000
    rng = np.random.default_rng(1)
    columns = [pa.array(rng.permutation(count), pa.int32()) for _ in names]
    table = pa.table([*columns, pa.array(range(count), pa.int32())], names=[*names, "n"])
    seen = []
    for partition, _, rows in route(table, schema, BucketOptions()):
        assert len(rows) == 1
        row = rows["n"][0].as_py()
        assert decode_row(partition, schema.partition_types) == tuple(column[row].as_py() for column in columns)
        seen.append(row)
    assert sorted(seen) == list(range(count))


def test_a_group_keeps_only_its_own_rows_alive():
    schema = table_schema({"k": "BIGINT", "v": "STRING"}, key=["k"])
    table = pa.table({"k": range(100_000), "v": pa.array(["x" * 100] * 100_000)})
    groups = route(table, schema, BucketOptions(count=16))
    kept = next(groups)[2]
    groups.close()
    size = kept.nbytes
    del table, groups
    assert pa.total_allocated_bytes() < 2 * size + (1 << 20)
