"""Primary-key tables: what the files of a writer say together equals a dict, whatever the batches and budgets."""

import datetime as dt
from collections import Counter
from contextlib import contextmanager

import numpy as np
import pyarrow as pa
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from hypothesis import given, settings
from hypothesis import strategies as st

from lakestore.errors import InvalidInputError
from lakestore.format.binary_row import decode_row, encode_row
from lakestore.format.bucket_rows import bucket_of_row
from lakestore.model.datafile import FileSource
from lakestore.model.message import CommitMessage
from lakestore.model.rows import RowKind
from lakestore.storage.memory_store import MemoryStore
from tests.writing import World, all_files, table_options, table_schema

SCHEMA = table_schema(
    {"day": "DATE", "id": "BIGINT", "name": "STRING", "seq": "INT"}, key=["day", "id"], partition_by=["day"]
)
DAYS = [dt.date(2026, 1, 1), dt.date(2026, 1, 2)]
KINDS = list(RowKind)


def rows_of(batch):
    return pa.table(
        {
            "name": pa.array([row[2] for row in batch], pa.string()),
            "day": pa.array([DAYS[row[0]] for row in batch]),
            "id": pa.array([row[1] for row in batch], pa.int32()),
            "seq": pa.array([row[3] for row in batch], pa.int64()),
        }
    )


def check_record(file, rows):
    """The record tells the truth about the rows of its file."""
    ids = rows["id"].to_pylist()
    types = SCHEMA.key_types
    assert ids == sorted(set(ids))
    assert rows["_KEY_id"].to_pylist() == ids
    assert (file.min_key, file.max_key) == (encode_row([ids[0]], types), encode_row([ids[-1]], types))
    sequences = rows["_SEQUENCE_NUMBER"].to_pylist()
    assert (file.min_sequence, file.max_sequence) == (min(sequences), max(sequences))
    kinds = Counter(rows["_VALUE_KIND"].to_pylist())
    assert file.delete_row_count == kinds[RowKind.UPDATE_BEFORE] + kinds[RowKind.DELETE]
    assert file.row_count == len(rows)
    assert (file.level, file.source) == (0, FileSource.APPEND)


@contextmanager
def memory_world():
    """A table in memory, gone afterwards: files on disk cost most of a law's time in fsync."""
    filesystem = MemoryFileSystem(skip_instance_cache=True)
    world = World("/pk-writer-law", MemoryStore(filesystem))
    try:
        yield world
    finally:
        for name in world.stored_files():
            world.store.delete(f"{world.root}/{name}")


ROW = st.tuples(
    st.integers(0, 1),
    st.integers(0, 12),
    st.none() | st.sampled_from(["a", "bb", "a longer name"]),
    st.none() | st.integers(0, 3),
)
BATCHES = st.lists(st.lists(st.tuples(ROW, st.sampled_from(KINDS)), max_size=12), max_size=8)


@settings(max_examples=80, deadline=None)
@given(
    batches=BATCHES,
    budget=st.sampled_from([1, 60, 300, 1 << 20]),
    buckets=st.sampled_from([1, 3]),
    by_sequence=st.sampled_from(["arrival", "ascending", "descending"]),
    prepare_after=st.integers(0, 8),
    ignore=st.sampled_from([(), ("ignore_update_before",), ("ignore_delete",)]),
)
def test_files_hold_the_last_version_of_each_key(batches, budget, buckets, by_sequence, prepare_after, ignore):
    merge = dict.fromkeys(ignore, True)
    if by_sequence != "arrival":
        merge |= {"sequence_fields": ("seq",), "sequence_descending": by_sequence == "descending"}
    options = table_options(bucket=buckets, budget=budget, group_rows=5, **merge)
    dropped = {"ignore_update_before": [1], "ignore_delete": [1, 3]}[ignore[0]] if ignore else []

    def standing(seq, arrival):
        if by_sequence == "arrival":
            return (arrival,)
        return (seq is not None, 0 if seq is None else -seq if by_sequence == "descending" else seq, arrival)

    model: dict = {}
    arrivals: Counter = Counter()
    with memory_world() as world:
        writer = world.writer(SCHEMA, options, max_sequence=lambda partition, bucket: 99)
        messages: list[CommitMessage] = []
        for number, batch in enumerate(batches):
            kinds = pa.array([kind for _, kind in batch], pa.int8())
            writer.write(rows_of([row for row, _ in batch]), kinds)
            assert writer.buffered_bytes <= budget
            if number == prepare_after:
                messages += writer.prepare()
            for (day, key, name, seq), kind in batch:
                if kind in dropped:
                    continue
                partition = encode_row([(DAYS[day] - dt.date(1970, 1, 1)).days], SCHEMA.partition_types)
                place = (partition, bucket_of_row([key], SCHEMA.key_types, count=buckets))
                arrivals[place] += 1
                version = (standing(seq, arrivals[place]), 99 + arrivals[place], kind, name, seq)
                if version > model.get((place, key), ((),)):
                    model[place, key] = version
        messages += writer.prepare()
        assert writer.prepare() == ()
        found: dict = {}
        for message in messages:
            assert message.total_buckets == buckets
            for file in message.new_files:
                rows = world.read(SCHEMA, options, message, file)
                check_record(file, rows)
                assert {*rows["day"].to_pylist()} == {
                    dt.date(1970, 1, 1) + dt.timedelta(decode_row(message.partition, SCHEMA.partition_types)[0])
                }
                for row in rows.to_pylist():
                    place = (message.partition, message.bucket)
                    version = (
                        standing(row["seq"], row["_SEQUENCE_NUMBER"] - 99),
                        row["_SEQUENCE_NUMBER"],
                        row["_VALUE_KIND"],
                        row["name"],
                        row["seq"],
                    )
                    if version > found.get((place, row["id"]), ((),)):
                        found[place, row["id"]] = version
        assert found == model
        assert len(world.stored_files()) == len(all_files(messages))


def test_one_large_load_is_one_sorted_file(tmp_path):
    schema = table_schema({"k": "STRING", "v": "INT"}, key=["k"])
    options = table_options(group_rows=1000)
    rng = np.random.default_rng(5)
    keys = [f"key-{number}" for number in rng.permutation(5000)]
    world = World(tmp_path)
    writer = world.writer(schema, options)
    writer.write_data(pa.table({"k": keys, "v": pa.array(range(5000), pa.int32())}))
    (message,) = writer.prepare()
    (file,) = message.new_files
    rows = world.read(schema, options, message, file)
    assert rows["k"].to_pylist() == sorted(keys)
    assert rows["_SEQUENCE_NUMBER"].to_pylist() == rows["v"].to_pylist()
    assert (file.min_sequence, file.max_sequence, file.delete_row_count) == (0, 4999, 0)


def test_row_kinds_from_a_column(tmp_path):
    schema = table_schema({"k": "INT", "op": "STRING"}, key=["k"])
    options = table_options(rowkind_field="op")
    world = World(tmp_path)
    writer = world.writer(schema, options)
    rows = pa.table({"k": [1, 2, 3, 4], "op": ["+I", "-U", "+U", "-D"]})
    writer.write(rows)
    (message,) = writer.prepare()
    (file,) = message.new_files
    assert world.read(schema, options, message, file)["_VALUE_KIND"].to_pylist() == [0, 1, 2, 3]
    assert file.delete_row_count == 2
    with pytest.raises(InvalidInputError, match=r"row 11, column 'op': 'insert'.*\+I, -U, \+U, -D"):
        writer.write(pa.table({"k": [1, 2], "op": ["+I", "insert"]}), first_row=10)
    with pytest.raises(InvalidInputError, match="None is no row kind"):
        writer.write(pa.table({"k": [1], "op": pa.nulls(1)}))


def test_row_kinds_must_be_kinds(tmp_path):
    writer = World(tmp_path).writer(table_schema({"k": "INT"}, key=["k"]))
    rows = pa.table({"k": [1, 2]})
    with pytest.raises(InvalidInputError, match=r"row 1, row kind: 4 is no row kind"):
        writer.write(rows, pa.array([0, 4], pa.int8()))
    with pytest.raises(InvalidInputError, match="row 0, row kind: None"):
        writer.write(rows, pa.array([None, 0], pa.int8()))
    with pytest.raises(InvalidInputError, match="1 values for 2 rows"):
        writer.write(rows, pa.array([0], pa.int8()))
    with pytest.raises(InvalidInputError, match="Arrow type double"):
        writer.write(rows, pa.array([0.0, 0.0]))
    assert writer.prepare() == ()


def test_sequence_numbers_follow_the_committed_ones_once(tmp_path):
    asked = []

    def max_sequence(partition, bucket):
        asked.append((decode_row(partition, SCHEMA.partition_types), bucket))
        return 41

    writer = World(tmp_path).writer(SCHEMA, max_sequence=max_sequence)
    first = []
    for _ in range(3):
        writer.write(rows_of([(0, 1, "x", 1), (0, 2, "y", 1)]))
        first += [file.min_sequence for file in all_files(writer.prepare())]
    assert first == [42, 44, 46]
    assert asked == [((20454,), 0)]


def test_null_keys_are_refused_and_nothing_is_taken(tmp_path):
    writer = World(tmp_path).writer(SCHEMA)
    rows = rows_of([(0, 1, "x", 1), (0, None, "y", 1)])
    with pytest.raises(InvalidInputError, match="row 1, column 'id': null"):
        writer.write(rows)
    assert writer.prepare() == ()


@pytest.mark.parametrize("kind", ["DECIMAL(25, 3)", "STRING", "TIMESTAMP(9)", "DOUBLE", "BOOLEAN", "TIME(3)", "BYTES"])
def test_keys_of_every_sort(tmp_path, kind):
    schema = table_schema({"k": kind, "n": "INT"}, key=["k"])
    numbers = pa.array([3, 1, 2, 1, 0], pa.int32())
    keys = {
        "STRING": numbers.cast(pa.string()),
        "BYTES": numbers.cast(pa.string()).cast(pa.binary()),
        "TIMESTAMP(9)": numbers.cast(pa.int64()).cast(pa.timestamp("ns")),
        "DOUBLE": numbers.cast(pa.float64()),
        "BOOLEAN": pa.array([True, False, True, False, False]),
        "TIME(3)": numbers.cast(pa.time32("ms")),
    }.get(kind, numbers)
    world = World(tmp_path)
    options = table_options()
    writer = world.writer(schema, options)
    writer.write(pa.table({"k": keys, "n": numbers}))
    (message,) = writer.prepare()
    (file,) = message.new_files
    got = world.read(schema, options, message, file)["n"].to_pylist()
    assert got == ([0, 2] if kind == "BOOLEAN" else [0, 1, 2, 3])
