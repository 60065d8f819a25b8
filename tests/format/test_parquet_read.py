"""Parquet files of any writer, exact INT96, bounds from statistics, and damage that is told as damage."""

import io
import math
from datetime import date
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from lakestore.core.prune import Bounds
from lakestore.errors import CorruptTableError, UnsupportedFormatError
from lakestore.format.parquet_footer import with_int96
from lakestore.format.parquet_read import open_parquet
from lakestore.storage.local_store import LocalStore
from lakestore.storage.memory_store import MemoryStore


def parquet(table, **written):
    sink = io.BytesIO()
    pq.write_table(table, sink, **written)
    return sink.getvalue()


def opened(data):
    store = MemoryStore(MemoryFileSystem())
    store.put("/f.parquet", data)
    return open_parquet(store.open_input("/f.parquet"), "memory:///f.parquet")


def read(data, columns, *, rows=1000, groups=None):
    with opened(data) as source:
        return pa.Table.from_batches(list(source.batches(columns, rows=rows, groups=groups)))


def int96(pairs):
    """A file with one INT96 column of (day from the epoch, nanoseconds), byte for byte as Java writes them."""
    parts = np.array([(nanos, day + 2_440_588) for day, nanos in pairs], np.dtype([("n", "<i8"), ("d", "<i4")]))
    raw = pa.Array.from_buffers(pa.binary(12), len(pairs), [None, pa.py_buffer(parts)])
    return with_int96(parquet(pa.table({"t": raw})), ["t"])


def test_rows_come_in_order_in_batches_and_columns_as_asked():
    table = pa.table({"a": range(10), "b": [str(i) for i in range(10)], "c": [None] * 10})
    data = parquet(table, row_group_size=4)
    with opened(data) as source:
        assert source.num_rows == 10
        assert source.group_rows == (4, 4, 2)
        batches = list(source.batches(["b", "a"], rows=3))
        assert max(batch.num_rows for batch in batches) == 3
        assert pa.Table.from_batches(batches).equals(table.select(["b", "a"]))
        some = pa.Table.from_batches(list(source.batches(["a"], rows=3, groups=[0, 2])))
        assert some.column("a").to_pylist() == [0, 1, 2, 3, 8, 9]
        assert source.row_bytes(["a", "b"]) > source.row_bytes(["b"])


def test_local_files_stream(tmp_path):
    table = pa.table({"a": range(1000)})
    pq.write_table(table, tmp_path / "f.parquet", row_group_size=100)
    path = str(tmp_path / "f.parquet")
    with open_parquet(LocalStore().open_input(path), path) as source:
        assert pa.Table.from_batches(list(source.batches(["a"], rows=64))).equals(table)


def test_a_dot_in_a_name_is_part_of_the_name():
    data = parquet(pa.table({"a": [1], "a.b": [2]}))
    assert read(data, ["a"]).to_pydict() == {"a": [1]}
    assert read(data, ["a.b", "a"]).to_pydict() == {"a.b": [2], "a": [1]}


DAY = 86_400 * 10**9
LIMIT = 2**63


@pytest.mark.parametrize(
    ("day", "nanos"),
    [(0, 0), (0, 1), (-1, DAY - 1), (0, -1), (-3, -DAY + 1), (19_000, 5), (-106_752, 763_145_224_192), (106_751, 7)],
)
def test_int96_is_exact_and_knows_negative_nanoseconds(day, nanos):
    column = read(int96([(day, nanos), (0, 0)]), ["t"]).column("t")
    assert column.type == pa.timestamp("ns")
    assert column.cast(pa.int64()).to_pylist() == [day * DAY + nanos, 0]


def test_int96_reaches_both_ends():
    ends = [-LIMIT, LIMIT - 1]
    column = read(int96([divmod(end, DAY) for end in ends]), ["t"]).column("t")
    assert column.cast(pa.int64()).to_pylist() == ends


@pytest.mark.parametrize("value", [-LIMIT - 1, LIMIT, 10**19, -(10**19), 3 * LIMIT, 250_000 * DAY, -719_162 * DAY])
def test_int96_out_of_range_is_refused_not_wrapped(value):
    with pytest.raises(UnsupportedFormatError, match=r"f\.parquet: column 't' holds a timestamp"):
        read(int96([divmod(value, DAY)]), ["t"])


@pytest.mark.parametrize(("day", "nanos"), [(106_752, 2**63 - 1), (-106_752, -(2**63)), (0, 2**63 - 1)])
def test_int96_of_more_than_a_day_is_carried(day, nanos):
    data = int96([(day, nanos)])
    if day:
        with pytest.raises(UnsupportedFormatError):
            read(data, ["t"])
    else:
        assert read(data, ["t"]).column("t").cast(pa.int64()).to_pylist() == [nanos]


def test_int96_nulls_and_slices_survive():
    values = [None, 5, None, -7, 0, None]
    data = parquet(
        pa.table({"t": pa.array(values, pa.timestamp("ns")), "n": range(6)}), use_deprecated_int96_timestamps=True
    )
    for rows in (1, 2, 6):
        assert read(data, ["n", "t"], rows=rows).column("t").cast(pa.int64()).to_pylist() == values


def test_bounds_are_internal_values():
    table = pa.table(
        {
            "i": pa.array([3, None, -1], pa.int16()),
            "s": ["b", "a", None],
            "y": pa.array([b"\xff", b"", b"a"]),
            "d": pa.array([date(1970, 1, 3), None, date(1969, 12, 31)]),
            "t": pa.array([2, 1, None], pa.timestamp("ms")),
            "u": pa.array([2, 1, 3], pa.timestamp("us", "UTC")),
            "m": pa.array([2, 1, 3], pa.time32("ms")),
            "p": pa.array([Decimal("1.50"), Decimal("-2.25"), None], pa.decimal128(5, 2)),
            "w": pa.array([Decimal(10**30), Decimal(-(10**30)), None], pa.decimal128(38, 3)),
            "f": [1.5, math.nan, -1.5],
            "o": [True, False, None],
        }
    )
    found = {}
    for as_integer in (False, True):
        with opened(parquet(table, store_decimal_as_integer=as_integer)) as source:
            found[as_integer] = source.group_bounds(0, [*table.column_names, "absent"])
    assert found[False] == found[True]
    assert found[True] == {
        "i": Bounds(min=-1, max=3, null_count=1),
        "s": Bounds(min="a", max="b", null_count=1, exact=False),
        "y": Bounds(min=b"", max=b"\xff", null_count=0, exact=False),
        "d": Bounds(min=-1, max=2, null_count=1),
        "t": Bounds(min=10**6, max=2 * 10**6, null_count=1),
        "u": Bounds(min=1000, max=3000, null_count=0),
        "m": Bounds(min=1, max=3, null_count=0),
        "p": Bounds(min=Decimal("-2.25"), max=Decimal("1.50"), null_count=1),
        "w": Bounds(min=Decimal(-(10**30)), max=Decimal(10**30), null_count=1),
        "f": Bounds(min=-1.5, max=1.5, null_count=0),
        "o": Bounds(min=False, max=True, null_count=1),
    }


def test_columns_without_statistics_are_unknown():
    table = pa.table({"a": [1, 2], "n": pa.array([None, None], pa.int32()), "l": [[1], []]})
    with opened(parquet(table, write_statistics=["n"])) as source:
        assert source.group_bounds(0, ["a", "n", "l"]) == {"n": Bounds(null_count=2)}
    with opened(int96([(0, 1)])) as source:
        assert source.group_bounds(0, ["t"]) == {}


def test_damage_is_told_as_damage():
    table = pa.table({"a": np.arange(5000) * 7919 % 5003, "s": [f"s{i % 91}" for i in range(5000)]})
    whole = parquet(table, compression="zstd", write_page_checksum=True, row_group_size=1000)
    for data in (b"", b"PAR1", whole[:-1], whole[: len(whole) // 2], whole[:-8] + b"\xff" * 4 + b"PAR1", b"x" * 500):
        with pytest.raises(CorruptTableError, match=r"f\.parquet: damaged Parquet file"):
            read(data, ["a", "s"])


def test_a_flipped_bit_in_a_page_is_found():
    table = pa.table({"a": np.arange(5000) * 7919 % 5003})
    whole = parquet(table, compression="none", write_page_checksum=True, use_dictionary=False)
    spoilt = bytearray(whole)
    spoilt[len(whole) // 2] ^= 1
    with pytest.raises(CorruptTableError, match="damaged"):
        read(bytes(spoilt), ["a"])


def test_no_flip_escapes_as_a_raw_error():
    table = pa.table({"a": range(40), "s": [f"s{i % 7}" for i in range(40)]})
    whole = parquet(table, compression="zstd", write_page_checksum=True)
    for at in range(0, len(whole), 11):
        spoilt = bytearray(whole)
        spoilt[at] ^= 0x15
        try:
            read(bytes(spoilt), ["a", "s"])
        except (CorruptTableError, UnsupportedFormatError) as error:
            assert "f.parquet" in str(error)
        except KeyError:
            assert at > len(whole) - 700, "a name in the footer"
