"""Data files of older schemas, other writers and partitions, as rows of the wanted schema."""

from dataclasses import replace

import pyarrow as pa
import pytest

from lakestore.core.bind import bind
from lakestore.errors import CorruptTableError, InvalidInputError, NotFoundError, UnsupportedFormatError
from lakestore.format.binary_row import encode_row
from lakestore.model.predicate import col
from lakestore.model.rows import KIND_FIELD, SEQUENCE_FIELD
from tests.reading import HandMade, a_schema, rows_of


def opened(table, file, columns=None, *, partition=(), where=None):
    schema = table.schema
    files = table.parts.files(schema, table.options, 7)
    bucket = files.bucket(encode_row(partition, schema.partition_types), 0)
    bound = None if where is None else bind(where, schema.fields)
    return bucket.open(file, schema.fields if columns is None else columns, where=bound)


def rows(table, file, columns=None, **named):
    with opened(table, file, columns, **named) as source:
        return [row for batch in source.batches() for row in rows_of(batch)]


def test_renamed_reordered_added_dropped_widened():
    old = a_schema({"a": "INT", "b": "STRING", "gone": "INT"})
    table = HandMade(old)
    file = table.add([(1, "x", 9), (None, None, 9)])
    table.evolve(
        a_schema({"b2": "STRING", "new": "DOUBLE", "a": "BIGINT", "gone": "STRING"}, schema_id=1, ids=[1, 5, 0, 6])
    )
    assert rows(table, file) == [("x", None, 1, None), (None, None, None, None)]


def test_a_change_of_type_without_a_cast_is_refused_before_the_file_is_read():
    table = HandMade(a_schema({"a": "BOOLEAN"}))
    file = table.add([(True,)])
    table.evolve(a_schema({"a": "DATE"}, schema_id=1))
    table.store.delete(table.path(file.name))
    with pytest.raises(UnsupportedFormatError, match=rf"file {file.name} of table db\.t at snapshot 7: column 'a'"):
        opened(table, file)


def test_a_value_that_the_new_type_has_no_counterpart_for_is_shown():
    table = HandMade(a_schema({"a": "STRING"}))
    file = table.add([("7",), (None,), ("x",)])
    table.evolve(a_schema({"a": "INT"}, schema_id=1))
    with pytest.raises(
        InvalidInputError, match=r"column 'a' was written as STRING, and the value 'x' cannot be read as"
    ):
        rows(table, file)


@pytest.mark.parametrize("value", ["p", None, ""])
def test_partition_columns_are_what_the_manifest_says(value):
    table = HandMade(a_schema({"v": "INT", "p": "STRING"}, partition_by=["p"]))
    file = table.add([(1, "file says otherwise"), (2, "again")], partition=(value,))
    assert rows(table, file, partition=(value,)) == [(1, value), (2, value)]
    only = table.schema.select(["p"])
    assert rows(table, file, only, partition=(value,)) == [(value,), (value,)]


def test_partition_columns_that_the_file_lacks():
    table = HandMade(a_schema({"v": "INT", "p": "INT"}, partition_by=["p"]))
    file = table.add([(1, 0)], partition=(5,), change=lambda content: content.drop_columns(["p"]))
    assert rows(table, file, partition=(5,)) == [(1, 5)]


def test_system_columns_are_read_by_name_and_inserts_are_known_without_decoding():
    table = HandMade(a_schema({"k": "INT", "v": "INT"}, key=["k"]))
    columns = [*table.schema.fields, SEQUENCE_FIELD, KIND_FIELD]
    mixed = table.add([(1, 1), (2, 2)], sequences=[8, 9], kinds=[0, 3], thin=True)
    plain = table.add([(1, 1)], sequences=[7])
    assert rows(table, mixed, columns) == [(1, 1, 8, 0), (2, 2, 9, 3)]
    assert rows(table, plain, columns) == [(1, 1, 7, 0)]
    assert "_VALUE_KIND" in opened(table, mixed, columns)._physical
    assert "_VALUE_KIND" not in opened(table, plain, columns)._physical


def test_kinds_without_statistics_are_decoded():
    table = HandMade(a_schema({"k": "INT"}, key=["k"]))
    file = table.add([(1,), (2,)], kinds=[0, 3], write_statistics=False)
    assert rows(table, file, [*table.schema.fields, KIND_FIELD]) == [(1, 0), (2, 3)]


def test_other_spellings_of_types():
    table = HandMade(a_schema({"s": "STRING", "t": "TIMESTAMP(6)", "z": "TIMESTAMP(3) WITH LOCAL TIME ZONE"}))

    def respell(content):
        return pa.table(
            {
                "z": content.column("z").cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us")),
                "t": content.column("t").cast(pa.timestamp("ns")),
                "s": content.column("s").cast(pa.large_string()).dictionary_encode(),
            }
        )

    file = table.add([("x", 5, 6), ("x", None, -1)], change=respell, use_deprecated_int96_timestamps=True)
    with opened(table, file) as source:
        (batch,) = source.batches()
    assert batch.schema.equals(table.arrow([]).schema)
    assert rows_of(batch) == [("x", 5, 6), ("x", None, -1)]


def test_row_groups_that_cannot_match_are_skipped():
    table = HandMade(a_schema({"a": "INT", "s": "STRING", "f": "DOUBLE"}))
    file = table.add([(i, f"s{i}", float(i)) for i in range(10)], row_group_size=2)
    assert [row[0] for row in rows(table, file, where=col("a") >= 5)] == [4, 5, 6, 7, 8, 9]
    assert [row[0] for row in rows(table, file, where=col("s") == "s3")] == [2, 3]
    assert rows(table, file, where=col("a").is_null()) == []
    assert len(rows(table, file, where=~(col("f") == 3.0))) == 10


def test_skipping_speaks_the_wanted_schema():
    table = HandMade(a_schema({"a": "INT", "p": "INT"}, partition_by=["p"]))
    file = table.add([(i, 0) for i in range(4)], partition=(8,), row_group_size=2)
    table.evolve(a_schema({"a": "INT", "p": "INT", "b": "DOUBLE"}, partition_by=["p"], schema_id=1, ids=[7, 1, 0]))
    assert len(rows(table, file, partition=(8,), where=col("b") > 1.5)) == 2
    assert rows(table, file, partition=(8,), where=col("a") == 1) == []
    assert len(rows(table, file, partition=(8,), where=col("a").is_null())) == 4
    assert rows(table, file, partition=(8,), where=col("p") == 0) == []


def test_batches_are_bounded_in_rows_and_bytes(monkeypatch):
    table = HandMade(a_schema({"a": "INT", "s": "STRING"}), window_rows=8)
    file = table.add([(i, "x" * 100 + str(i)) for i in range(50)])
    with opened(table, file) as source:
        assert [batch.num_rows for batch in source.batches()] == [4] * 12 + [2]
    monkeypatch.setattr("lakestore.data.file_reader.BATCH_BYTES", 250)
    with opened(table, file) as source:
        assert max(batch.num_rows for batch in source.batches()) == 2


def test_what_is_not_what_the_manifest_says_is_corrupt():
    table = HandMade(a_schema({"k": "INT", "v": "INT"}, key=["k"]))
    file = table.add([(1, 1), (2, 2)])
    with pytest.raises(CorruptTableError, match=r"the file has 2 rows, the manifest says 3"):
        opened(table, replace(file, row_count=3))
    lacking = table.add([(1, 1)], change=lambda content: content.drop_columns(["k"]))
    with pytest.raises(CorruptTableError, match="column 'k' is NOT NULL in the file's schema"):
        opened(table, lacking)
    optional = table.add([(1, 1)], change=lambda content: content.drop_columns(["v"]))
    assert rows(table, optional) == [(1, None)]
    other = table.add([(1, 1)], change=lambda content: content.set_column(4, "v", pa.array(["x"])))
    with pytest.raises(CorruptTableError, match=f"{other.name}: column 'v' cannot be read as INT"):
        rows(table, other)


def test_a_file_that_is_gone_names_itself_and_the_snapshot():
    table = HandMade(a_schema({"a": "INT"}))
    file = table.add([(1,)])
    table.store.delete(table.path(file.name))
    with pytest.raises(NotFoundError, match=rf"{file.name} of table db\.t at snapshot 7 is gone"):
        opened(table, file)


def test_what_this_release_cannot_read_is_refused_by_name():
    table = HandMade(a_schema({"a": "INT", "b": "INT"}))
    file = table.add([(1, 2)])
    with pytest.raises(UnsupportedFormatError, match=r"file x\.csv is of format csv; .*parquet, orc, avro"):
        opened(table, replace(file, name="x.csv"))
    with pytest.raises(UnsupportedFormatError, match="holds only the columns a"):
        opened(table, replace(file, write_columns=("a",)))
    assert rows(table, replace(file, write_columns=("b", "a"))) == [(1, 2)]
    with pytest.raises(UnsupportedFormatError, match="lies outside the table's folder, at s3://elsewhere/x"):
        opened(table, replace(file, external_path="s3://elsewhere/x"))
