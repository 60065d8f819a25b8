"""Append tables: rows in order of arrival, in files of about the target size."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakestore.errors import InvalidInputError
from lakestore.format.binary_row import decode_row
from lakestore.format.bucket_rows import bucket_of_row
from lakestore.model.rows import RowKind
from lakestore.model.stats import EMPTY_ROW
from lakestore.write.append_writer import MAX_OPEN_FILES
from tests.writing import World, all_files, table_options, table_schema

SCHEMA = table_schema({"n": "INT", "text": "STRING"})


def rows(start, count):
    return pa.table({"n": range(start, start + count), "text": ["x"] * count})


def contents(world, schema, options, messages):
    """Rows of each place, file by file."""
    found = {}
    for message in messages:
        place = found.setdefault((decode_row(message.partition, schema.partition_types), message.bucket), [])
        for file in message.new_files:
            place.append((file, world.read(schema, options, message, file)))
    return found


def test_rows_keep_their_order_and_go_to_bucket_0(tmp_path):
    world = World(tmp_path)
    options = table_options(bucket=-1, group_rows=100)
    writer = world.writer(SCHEMA, options, max_sequence=lambda partition, bucket: pytest.fail("asked"))
    for start in range(0, 350, 70):
        writer.write(rows(start, 70))
    (message,) = writer.prepare()
    assert (message.partition, message.bucket, message.total_buckets) == (EMPTY_ROW, 0, -1)
    (file,) = message.new_files
    assert world.read(SCHEMA, options, message, file)["n"].to_pylist() == list(range(350))
    assert (file.min_sequence, file.max_sequence) == (0, 349)


def test_full_row_groups_leave_the_buffer(tmp_path):
    world = World(tmp_path)
    writer = world.writer(SCHEMA, table_options(bucket=-1, group_rows=100))
    writer.write(rows(0, 99))
    assert writer.buffered_bytes > 0
    assert world.stored_files() == []
    writer.write(rows(99, 1))
    assert writer.buffered_bytes == 0
    assert len(world.stored_files()) == 1


def test_files_roll_at_the_target(tmp_path):
    world = World(tmp_path)
    options = table_options(bucket=-1, target=4000)
    writer = world.writer(SCHEMA, options)
    noise = np.random.default_rng(2).integers(0, 2**31, 4000)
    writer.write(pa.table({"n": noise, "text": ["x"] * 4000}))
    writer.write(pa.table({"n": noise[:1], "text": ["x"]}))
    (message,) = writer.prepare()
    assert [file.row_count for file in message.new_files] == [1000, 1000, 1000, 1000, 1]
    assert [file.min_sequence for file in message.new_files] == [0, 1000, 2000, 3000, 4000]


def test_the_bucket_key_decides(tmp_path):
    schema = table_schema({"n": "INT", "user": "STRING"})
    options = table_options(bucket=4, bucket_key=["user"])
    world = World(tmp_path)
    writer = world.writer(schema, options, max_sequence=lambda partition, bucket: 9)
    writer.write(pa.table({"n": range(100), "user": [f"u{number % 9}" for number in range(100)]}))
    messages = writer.prepare()
    assert {message.total_buckets for message in messages} == {4}
    seen = []
    for (_, bucket), files in contents(world, schema, options, messages).items():
        ((file, table),) = files
        numbers = table["n"].to_pylist()
        assert numbers == sorted(numbers)
        assert (file.min_sequence, file.max_sequence) == (10, 9 + len(numbers))
        assert {bucket_of_row([user], schema.types(["user"]), count=4) for user in table["user"].to_pylist()} == {
            bucket
        }
        seen += numbers
    assert sorted(seen) == list(range(100))


@settings(max_examples=40, deadline=None)
@given(
    batches=st.lists(st.lists(st.integers(0, 4), max_size=20), max_size=8),
    budget=st.sampled_from([1, 100, 1 << 20]),
    group_rows=st.sampled_from([3, 1000]),
)
def test_every_place_has_its_rows_in_order(tmp_path_factory, batches, budget, group_rows):
    schema = table_schema({"n": "INT", "p": "INT"}, partition_by=["p"])
    options = table_options(bucket=-1, budget=budget, group_rows=group_rows)
    world = World(tmp_path_factory.mktemp("t"))
    writer = world.writer(schema, options)
    expected: dict = {}
    number = 0
    for batch in batches:
        table = {"n": list(range(number, number + len(batch))), "p": batch}
        writer.write(pa.table(table, schema=pa.schema([("n", pa.int32()), ("p", pa.int32())])))
        assert writer.buffered_bytes <= budget
        for position, part in enumerate(batch):
            expected.setdefault(((part,), 0), []).append(number + position)
        number += len(batch)
    found = contents(world, schema, options, writer.prepare())
    assert {
        place: [n for _, table in files for n in table["n"].to_pylist()] for place, files in found.items()
    } == expected
    for files in found.values():
        next_sequence = 0
        for file, table in files:
            assert (file.min_sequence, file.max_sequence) == (next_sequence, next_sequence + len(table) - 1)
            next_sequence += len(table)


def test_open_files_are_bounded(tmp_path):
    schema = table_schema({"n": "INT", "p": "INT"}, partition_by=["p"])
    options = table_options(bucket=-1, budget=1)
    world = World(tmp_path)
    writer = world.writer(schema, options)
    partitions = MAX_OPEN_FILES + 10
    for _ in range(2):
        writer.write(pa.table({"n": range(partitions), "p": range(partitions)}))
        assert len(writer._writer._open) == MAX_OPEN_FILES
    messages = writer.prepare()
    assert len(messages) == partitions
    # In turns, every file is closed before its partition comes again.
    assert len(all_files(messages)) == 2 * partitions
    assert len(world.stored_files()) == 2 * partitions


def test_rows_cannot_be_taken_back(tmp_path):
    writer = World(tmp_path).writer(SCHEMA, table_options(bucket=-1))
    writer.write(rows(0, 2), pa.array([RowKind.INSERT, RowKind.UPDATE_AFTER], pa.int8()))
    with pytest.raises(InvalidInputError, match=r"row 6 takes back a row \(-D\)"):
        writer.write(rows(0, 2), pa.array([RowKind.INSERT, RowKind.DELETE], pa.int8()), first_row=5)
    assert [file.row_count for file in all_files(writer.prepare())] == [2]
