"""Data files and their records: rolling, keys, sequences, statistics, failure."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakestore.data.file_writer import ROLL_ROWS, BucketNames, DataFileWriter, WriteParts, rows_per_group
from lakestore.errors import StorageError
from lakestore.events import FileWritten
from lakestore.format.binary_row import decode_row, encode_row
from lakestore.model.arrow import arrow_schema
from lakestore.model.datafile import FileSource
from lakestore.model.options import FileOptions, StatsOptions
from lakestore.model.rows import file_fields
from lakestore.model.stats import EMPTY_ROW, NO_STATS, parse_stats_mode
from lakestore.storage.local_store import LocalStore
from tests.writing import NOW_MS, OFFSET_MS, World, table_options, table_schema

KEYED = table_schema({"id": "BIGINT", "name": "STRING", "at": "TIMESTAMP(9)"}, key=["id"])
PLAIN = table_schema({"a": "INT", "b": "STRING"})


def parts_of(world, schema, options=None):
    return WriteParts(
        store=world.store, paths=world.paths, schema=schema, options=options or table_options(), env=world.env
    )


def keyed_rows(ids, sequences=None, kinds=None, names=None, schema=KEYED):
    count = len(ids)
    fields = file_fields(schema)
    columns = [
        pa.array(ids, pa.int64()),
        pa.array(sequences or range(count), pa.int64()),
        pa.array(kinds or [0] * count, pa.int8()),
        pa.array(ids, pa.int64()),
        pa.array(names or [f"n{number}" for number in ids], pa.string()),
        pa.array([None] * count, pa.timestamp("ns")),
    ]
    return pa.Table.from_arrays(columns, schema=arrow_schema(fields))


def write(world, schema, tables, options=None, **arguments):
    parts = parts_of(world, schema, options)
    bucket_files = BucketNames(parts, EMPTY_ROW, 0)
    with DataFileWriter(parts, bucket_files, **arguments) as writer:
        for table in tables:
            writer.write(table)
        return writer.close()


def test_the_record_of_a_keyed_file(tmp_path):
    world = World(tmp_path)
    rows = [keyed_rows([-5, 1], [7, 3], [0, 3], ["b", None]), keyed_rows([9], [5], [1], ["a"])]
    (file,) = write(world, KEYED, rows, level=2, source=FileSource.COMPACT)
    key = KEYED.key_types
    assert file.name == "data-id0-0.parquet"
    assert world.stored_files() == [f"bucket-0/{file.name}"]
    assert file.size == (tmp_path / "bucket-0" / file.name).stat().st_size
    assert (file.row_count, file.delete_row_count) == (3, 2)
    assert (file.min_key, file.max_key) == (encode_row([-5], key), encode_row([9], key))
    assert (file.min_sequence, file.max_sequence) == (3, 7)
    assert (file.level, file.source, file.schema_id) == (2, FileSource.COMPACT, 3)
    assert file.creation_time == NOW_MS + OFFSET_MS
    assert decode_row(file.key_stats.min_values, key) == (-5,)
    assert decode_row(file.key_stats.max_values, key) == (9,)
    assert file.key_stats.null_counts == (0,)
    types = [field.type for field in KEYED.fields]
    assert decode_row(file.value_stats.min_values, types) == (-5, "a", None)
    assert decode_row(file.value_stats.max_values, types) == (9, "b", None)
    assert file.value_stats.null_counts == (0, 1, 3)
    assert file.value_stats_columns is None
    assert world.events == [FileWritten(path=f"{tmp_path}/bucket-0/{file.name}", rows=3, bytes=file.size)]


def test_the_record_of_an_append_file(tmp_path):
    rows = pa.table({"a": pa.array([3, 1], pa.int32()), "b": ["y", "x"]})
    (file,) = write(World(tmp_path), PLAIN, [rows, rows], first_sequence=40)
    assert (file.min_key, file.max_key, file.key_stats) == (EMPTY_ROW, EMPTY_ROW, NO_STATS)
    assert (file.min_sequence, file.max_sequence) == (40, 43)
    assert (file.row_count, file.delete_row_count, file.level, file.source) == (4, 0, 0, FileSource.APPEND)
    types = [field.type for field in PLAIN.fields]
    assert decode_row(file.value_stats.min_values, types) == (1, "x")


def test_statistics_as_the_options_say(tmp_path):
    stats = StatsOptions(mode=parse_stats_mode("none"), columns={"b": parse_stats_mode("truncate(1)")})
    rows = pa.table({"a": pa.array([3], pa.int32()), "b": ["yz"]})
    (file,) = write(World(tmp_path), PLAIN, [rows], table_options(stats=stats))
    assert file.value_stats_columns == ("b",)
    assert decode_row(file.value_stats.max_values, PLAIN.types(["b"])) == ("z",)


def test_a_file_ends_after_the_row_group_that_reaches_the_target(tmp_path):
    world = World(tmp_path)
    options = table_options(target=1)
    names = [f"name {number * 7919 % 100_003}" for number in range(2500)]
    files = write(world, KEYED, [keyed_rows(list(range(2500)), names=names), keyed_rows([2500])], options)
    # 2500 rows make three groups of at most 1000, each of which is over the target at once.
    assert [file.row_count for file in files] == [834, 834, 832, 1]
    assert [file.name for file in files] == [f"data-id0-{number}.parquet" for number in range(4)]
    ranges = [(decode_row(file.min_key, KEYED.key_types)[0], file.max_sequence) for file in files]
    assert ranges == [(0, 833), (834, 1667), (1668, 2499), (2500, 0)]
    assert sum(file.row_count for file in files) == 2501


def test_append_sequences_go_on_from_file_to_file(tmp_path):
    rows = pa.table({"a": pa.array(range(2000), pa.int32()), "b": ["x"] * 2000})
    files = write(World(tmp_path), PLAIN, [rows], table_options(target=1), first_sequence=5)
    assert [(file.min_sequence, file.max_sequence) for file in files] == [(5, 1004), (1005, 2004)]


def test_row_groups(tmp_path):
    world = World(tmp_path)
    rows = pa.table({"a": pa.array(range(25), pa.int32()), "b": ["x"] * 25})
    (file,) = write(world, PLAIN, [rows], table_options(group_rows=10))
    metadata = pq.ParquetFile(tmp_path / "bucket-0" / file.name).metadata
    assert [metadata.row_group(number).num_rows for number in range(3)] == [9, 9, 7]


def test_wide_rows_make_small_row_groups():
    rows = pa.table({"text": pa.array(["x" * 100_000] * 10)})
    assert rows_per_group(rows, FileOptions()) == ROLL_ROWS
    narrow = pa.table({"a": pa.array([1] * 10, pa.int32())})
    assert rows_per_group(narrow, FileOptions()) == FileOptions().row_group_rows
    assert rows_per_group(narrow, FileOptions(target_bytes=40_000)) == 10_000
    assert rows_per_group(narrow.slice(0, 0), FileOptions(row_group_rows=7)) == 7


def test_names_and_places_as_the_options_say(tmp_path):
    world = World(tmp_path)
    files = FileOptions(data_prefix="d-", suffix_compression=True, directory="data", compression="snappy")
    schema = table_schema({"p": "STRING", "v": "INT"}, partition_by=["p"])
    parts = parts_of(world, schema, table_options(files=files))
    with DataFileWriter(parts, BucketNames(parts, encode_row(["a/b"], schema.partition_types), 4)) as writer:
        writer.write(pa.table({"p": ["a/b"], "v": pa.array([1], pa.int32())}))
        writer.close()
    assert world.stored_files() == ["data/p=a%2Fb/bucket-4/d-id0-0.snappy.parquet"]


def test_thin_files_have_no_key_columns(tmp_path):
    world = World(tmp_path)
    rows = keyed_rows([1, 2]).drop_columns(["_KEY_id"])
    (file,) = write(world, KEYED, [rows], table_options(files=FileOptions(thin=True)))
    names = pq.ParquetFile(tmp_path / "bucket-0" / file.name).schema_arrow.names
    assert names == ["_SEQUENCE_NUMBER", "_VALUE_KIND", "id", "name", "at"]
    assert decode_row(file.max_key, KEYED.key_types) == (2,)


def test_nothing_written_makes_no_file(tmp_path):
    world = World(tmp_path)
    assert write(world, PLAIN, []) == ()
    assert write(world, PLAIN, [pa.table({"a": pa.array([], pa.int32()), "b": pa.array([], pa.string())})]) == ()
    assert world.stored_files() == []


def test_abort_deletes_finished_and_open_files(tmp_path):
    world = World(tmp_path)
    parts = parts_of(world, PLAIN, table_options(target=1))
    writer = DataFileWriter(parts, BucketNames(parts, EMPTY_ROW, 0))
    writer.write(pa.table({"a": pa.array(range(3000), pa.int32()), "b": ["x"] * 3000}))
    assert len(world.stored_files()) == 3
    writer.abort()
    assert world.stored_files() == []
    assert writer.close() == ()


def test_an_exception_leaves_no_file(tmp_path):
    world = World(tmp_path)
    parts = parts_of(world, PLAIN, table_options(target=1))
    good = pa.table({"a": pa.array(range(1500), pa.int32()), "b": ["x"] * 1500})
    with pytest.raises(ZeroDivisionError), DataFileWriter(parts, BucketNames(parts, EMPTY_ROW, 0)) as writer:
        writer.write(good)
        writer.write(good.slice(0, 1))
        raise ZeroDivisionError
    assert world.stored_files() == []


def test_rows_of_another_shape_leave_no_file(tmp_path):
    world = World(tmp_path)
    with pytest.raises(pa.ArrowInvalid):
        write(world, PLAIN, [pa.table({"a": ["text"], "b": ["x"]})])
    assert world.stored_files() == []


class FullDisk(LocalStore):
    """Lets a number of files through and fails the next when it is opened, or deleting altogether."""

    def __init__(self, files: int, *, deletes: bool = True) -> None:
        self.left = files
        self.deletes = deletes

    def open_output(self, path):
        if not self.left:
            raise StorageError(f"{path}: no space left on device")
        self.left -= 1
        return super().open_output(path)

    def delete(self, path):
        if not self.deletes:
            raise StorageError(f"{path}: no")
        super().delete(path)


def test_a_failing_store_leaves_no_file(tmp_path):
    world = World(tmp_path, FullDisk(2))
    rows = pa.table({"a": pa.array(range(3000), pa.int32()), "b": ["x"] * 3000})
    with pytest.raises(StorageError, match="no space"):
        write(world, PLAIN, [rows], table_options(target=1))
    assert world.stored_files() == []


def test_a_store_that_does_not_even_delete_is_no_further_error(tmp_path):
    world = World(tmp_path, FullDisk(2, deletes=False))
    rows = pa.table({"a": pa.array(range(3000), pa.int32()), "b": ["x"] * 3000})
    with pytest.raises(StorageError, match="no space"):
        write(world, PLAIN, [rows], table_options(target=1))
    assert len(world.stored_files()) == 2
