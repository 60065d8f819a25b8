"""The writer as a whole: refusals, failure, handing over, memory."""

import threading

import numpy as np
import pyarrow as pa
import pytest

from lakestore.errors import ErrorKind, InvalidInputError, StorageError, UnsupportedFormatError
from lakestore.model.options import BucketOptions, FileOptions, TableOptions
from lakestore.model.rows import RowKind
from lakestore.model.schema import TableSchema
from lakestore.model.types import Field, parse_type, parse_type_text
from lakestore.storage.local_store import LocalStore
from tests.writing import World, all_files, table_options, table_schema

KEYED = table_schema({"k": "BIGINT", "v": "STRING"}, key=["k"])
PLAIN = table_schema({"k": "BIGINT", "v": "STRING"})
ONE = BucketOptions(count=1)
SPECIAL = TableSchema(id=0, fields=(Field(id=0, name="x", type=parse_type({"type": "ARRAY", "element": "BLOB"})),))
DEFAULTED = TableSchema(id=0, fields=(Field(id=0, name="x", type=parse_type_text("INT"), default_value="x"),))

REFUSED = [
    (KEYED, TableOptions(bucket=BucketOptions(count=-1)), "dynamic buckets"),
    (KEYED, TableOptions(bucket=BucketOptions(count=-2)), "postponed"),
    (KEYED, TableOptions(bucket=ONE, deletion_vectors=True), "deletion-vectors.enabled"),
    (PLAIN, TableOptions(files=FileOptions(format="json")), "file.format=json"),
    (SPECIAL, TableOptions(), "'x' is ARRAY<BLOB>"),
]


@pytest.mark.parametrize(("schema", "options", "named"), REFUSED, ids=[case[2] for case in REFUSED])
def test_what_is_not_written_is_refused_by_name(tmp_path, schema, options, named):
    with pytest.raises(UnsupportedFormatError) as caught:
        World(tmp_path).writer(schema, options)
    assert named in caught.value.message
    assert caught.value.kind is ErrorKind.UNSUPPORTED_FEATURE


SENSELESS = [
    (PLAIN, TableOptions(bucket=BucketOptions(count=4)), "bucket-key"),
    (
        table_schema({"p": "INT", "k": "INT"}, key=["k"], partition_by=["p"]),
        TableOptions(bucket=ONE),
        r"\['p'\] are not part",
    ),
    (
        table_schema({"p": "INT", "k": "INT"}, key=["p"], partition_by=["p"]),
        TableOptions(bucket=ONE),
        "nothing but partition",
    ),
    (PLAIN, TableOptions(files=FileOptions(compression="brotli")), "brotli"),
    (DEFAULTED, TableOptions(), "'x' cannot be read as INT"),
]


@pytest.mark.parametrize(("schema", "options", "named"), SENSELESS, ids=[case[2] for case in SENSELESS])
def test_what_makes_no_sense_is_refused(tmp_path, schema, options, named):
    with pytest.raises(InvalidInputError, match=named):
        World(tmp_path).writer(schema, options)


def test_data_in_any_form_counts_its_rows(tmp_path):
    writer = World(tmp_path).writer(KEYED)
    assert writer.write_data([{"k": 1, "v": "x"}, {"k": 2}]) == 2
    assert writer.write_data(pa.table({"k": [1]}), kind=RowKind.DELETE) == 1
    (file,) = all_files(writer.prepare())
    assert (file.row_count, file.delete_row_count, file.max_sequence) == (2, 1, 2)


def test_messages_number_rows_from_the_start_of_the_data(tmp_path):
    writer = World(tmp_path).writer(KEYED)
    parts = [pa.table({"k": range(200_000)}), pa.table({"k": pa.array([1, None])})]
    with pytest.raises(InvalidInputError, match="row 200001, column 'k'"):
        writer.write_data(iter(parts))


def test_abort_and_leaving_delete_what_was_not_handed_over(tmp_path):
    world = World(tmp_path)
    for schema, bucket in ((KEYED, 2), (PLAIN, -1)):
        with world.writer(schema, table_options(bucket=bucket, budget=1)) as writer:
            writer.write(pa.table({"k": range(100)}))
            handed = writer.prepare()
            before = world.stored_files()
            writer.write(pa.table({"k": range(100)}))
            assert len(world.stored_files()) > len(before)
        assert world.stored_files() == before
        assert writer.buffered_bytes == 0
        assert writer.prepare() == ()
        writer.discard(handed)
        assert world.stored_files() == []


class FullDisk(LocalStore):
    def __init__(self, files):
        self.left = files

    def open_output(self, path):
        if not self.left:
            raise StorageError(f"{path}: no space left on device")
        self.left -= 1
        return super().open_output(path)


@pytest.mark.parametrize(("schema", "bucket"), [(KEYED, 8), (PLAIN, -1)])
@pytest.mark.parametrize("files", [0, 1, 3])
def test_a_failing_store_leaves_nothing_behind(tmp_path, schema, bucket, files):
    world = World(tmp_path, FullDisk(files))
    threads = threading.active_count()
    options = table_options(bucket=bucket, target=1, group_rows=100)
    with pytest.raises(StorageError, match="no space"), world.writer(schema, options) as writer:
        writer.write(pa.table({"k": range(10_000)}))
        writer.prepare()
    assert world.stored_files() == []
    assert threading.active_count() == threads


def test_no_threads_stay(tmp_path):
    before = threading.active_count()
    writer = World(tmp_path).writer(KEYED, table_options(group_rows=10))
    writer.write(pa.table({"k": range(1000)}))
    writer.prepare()
    assert threading.active_count() == before


def simulated_flushes(sizes, budget):
    """Flushes of a buffer that lets the largest go first: plain Python over bytes per bucket and batch."""
    held: dict = {}
    flushes = 0
    for batch in sizes:
        for place, size in batch:
            held[place] = held.get(place, 0) + size
            while sum(held.values()) > budget:
                del held[max(held, key=lambda each: held[each])]
                flushes += 1
    return flushes + len(held)


def test_memory_is_bounded_over_all_buckets(tmp_path):
    """64 buckets, two of three rows in a few of them: held bytes, files and real memory follow the budget."""
    buckets, budget, batch_rows = 64, 2_000_000, 5_000
    schema = table_schema({"k": "BIGINT", "a": "BIGINT", "b": "DOUBLE", "text": "STRING"}, key=["k"])
    options = table_options(bucket=buckets, budget=budget)
    rng = np.random.default_rng(11)
    world = World(tmp_path)
    writer = world.writer(schema, options)
    sizes = []
    add = writer._writer.add

    def recorded(place, rows):
        sizes[-1].append((place, rows.nbytes))
        add(place, rows)
        assert writer.buffered_bytes <= budget

    writer._writer.add = recorded
    base = pa.total_allocated_bytes()
    peak = 0
    hot = rng.integers(0, 1 << 60, 20)
    for _ in range(40):
        sizes.append([])
        keys = np.where(
            rng.random(batch_rows) < 0.66, rng.choice(hot, batch_rows), rng.integers(0, 1 << 60, batch_rows)
        )
        writer.write(
            pa.table(
                {
                    "k": keys,
                    "a": rng.integers(0, 1 << 60, batch_rows),
                    "b": rng.random(batch_rows),
                    "text": pa.array(rng.integers(0, 10**9, batch_rows)).cast(pa.string()),
                }
            )
        )
        peak = max(peak, pa.total_allocated_bytes() - base)
    batch_bytes = sum(size for _, size in sizes[0])
    assert peak <= 1.3 * budget + 3 * batch_bytes
    messages = writer.prepare()
    assert len(all_files(messages)) == simulated_flushes(sizes, budget)
    assert writer.buffered_bytes == 0
    assert pa.total_allocated_bytes() - base < 100_000
