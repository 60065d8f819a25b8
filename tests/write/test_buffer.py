"""Rows under one budget."""

import pyarrow as pa

from lakestore.write.buffer import RowBuffer

A, B = (b"", 0), (b"", 1)


def rows(count: int, start: int = 0) -> pa.Table:
    return pa.table({"x": range(start, start + count)})


def test_rows_come_back_in_order_and_once():
    buffer = RowBuffer(1000)
    buffer.add(A, rows(2))
    buffer.add(B, rows(1, 100))
    buffer.add(A, rows(2, 2))
    assert (buffer.rows_at(A), buffer.bytes_at(A), buffer.size) == (4, 32, 40)
    assert buffer.take(A)["x"].to_pylist() == [0, 1, 2, 3]
    assert (buffer.rows_at(A), buffer.bytes_at(A), buffer.size) == (0, 0, 8)
    assert buffer.places() == (B,)


def test_the_largest_place_goes_first():
    buffer = RowBuffer(100)
    buffer.add(A, rows(5))
    buffer.add(B, rows(7))
    assert buffer.overflow() is None
    buffer.add(A, rows(1))
    assert buffer.size == 104
    assert buffer.overflow() == B
    buffer.take(B)
    assert buffer.overflow() is None


def test_one_batch_over_the_budget_goes_at_once():
    buffer = RowBuffer(10)
    buffer.add(A, rows(1000))
    assert buffer.overflow() == A
    buffer.take(A)
    assert (buffer.overflow(), buffer.size) == (None, 0)


def test_slices_count_what_they_show():
    buffer = RowBuffer(100)
    buffer.add(A, rows(1000).slice(10, 5))
    assert buffer.size == 40


def test_clear():
    buffer = RowBuffer(100)
    buffer.add(A, rows(50))
    buffer.clear()
    assert (buffer.size, buffer.places(), buffer.overflow()) == (0, (), None)
