"""Tables of the other merge engines through the public face: writing, kinds, deletes, refusals, the input changelog."""

from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import lakestore as ls
from tests.golden import canon

COLUMNS = {"id": "INT", "a": "INT", "b": "STRING", "c": "INT"}
PARTIAL = {"merge-engine": "partial-update"}
SUMS = {"merge-engine": "aggregation", "fields.a.aggregate-function": "sum", "fields.c.aggregate-function": "sum"}


@pytest.fixture
def made(tmp_path):
    lake = ls.connect(tmp_path)

    def table(options, columns=COLUMNS, name="db.t"):
        return lake.create_table(name, schema=columns, primary_key=["id"], options={"write-only": "true", **options})

    return table


def rows(table):
    return table.to_arrow().sort_by("id").to_pylist()


def test_streams_widen_one_row_with_columns_of_their_own(made):
    table = made(PARTIAL)
    table.upsert([{"id": 1, "a": 1}, {"id": 2, "a": 2}])
    table.upsert({"b": ["x"], "id": [1]})
    table.upsert(pa.table({"id": [1, 3], "c": [7, 8]}))
    assert rows(table) == [
        {"id": 1, "a": 1, "b": "x", "c": 7},
        {"id": 2, "a": 2, "b": None, "c": None},
        {"id": 3, "a": None, "b": None, "c": 8},
    ]


def test_a_missing_key_or_not_null_column_is_refused(made):
    table = made(PARTIAL, {**COLUMNS, "must": "INT NOT NULL"})
    with pytest.raises(ls.InvalidInputError, match=r"column 'id'.*missing"):
        table.upsert([{"a": 1, "must": 1}])
    with pytest.raises(ls.InvalidInputError, match=r"column 'must'.*must not be null"):
        table.upsert([{"id": 1, "a": 1}])
    assert table.snapshots.latest() is None


def test_a_default_does_not_overwrite_what_another_stream_wrote(made):
    table = made(PARTIAL).alter(ls.set_default("c", "5"))
    table.upsert([{"id": 1, "c": 9}])
    table.upsert([{"id": 1, "a": 1}])
    assert rows(table) == [{"id": 1, "a": 1, "b": None, "c": 9}]
    table.upsert([{"id": 1, "c": None}])
    assert rows(table)[0]["c"] == 5


def test_deduplicate_fills_missing_columns_with_defaults_and_nulls(made):
    table = made({}).alter(ls.set_default("c", "5"))
    table.upsert([{"id": 1, "a": 1, "b": "x", "c": 9}])
    table.upsert([{"id": 1, "a": 2}])
    assert rows(table) == [{"id": 1, "a": 2, "b": None, "c": 5}]


def test_kinds_in_every_form_and_from_the_session_writer(made):
    table = made(SUMS)
    table.write([{"id": 1, "a": 5}, {"id": 2, "a": 7}])
    table.write([{"id": 1, "a": 1}], row_kind="-D")
    table.write([{"id": 1, "a": 1}], row_kind=ls.RowKind.UPDATE_BEFORE)
    table.write({"id": [1, 2], "a": [10, 2], "op": ["+U", "-U"]}, row_kind="op")
    with table.writer() as writer:
        writer.write([{"id": 2, "a": 1}, {"id": 1, "a": 100}], row_kind=["-D", "+I"])
        writer.write([{"id": 3, "a": 1}])
        writer.commit()
    assert {row["id"]: row["a"] for row in rows(table)} == {1: 113, 2: 4, 3: 1}


def test_a_retract_that_nobody_can_take_never_reaches_a_file(made):
    table = made({**SUMS, "fields.b.aggregate-function": "max"})
    with pytest.raises(ls.InvalidInputError, match=r"row 1 is a -D row: column 'b' is merged by max.*ignore-retract"):
        table.write([{"id": 1, "b": "x"}, {"id": 9, "b": "y"}], row_kind=["+I", "-D"])
    assert table.snapshots.latest() is None
    kept = made({**SUMS, "fields.b.aggregate-function": "max", "fields.b.ignore-retract": "true"}, name="db.kept")
    kept.write([{"id": 1, "b": "x", "a": 1}, {"id": 1, "b": "y", "a": 1}], row_kind=["+I", "-D"])
    assert rows(kept) == [{"id": 1, "a": 0, "b": "x", "c": None}]


def test_a_sum_with_more_digits_than_its_type_stays_readable(made):
    options = {"merge-engine": "aggregation", "fields.p.aggregate-function": "sum"}
    table = made(options, {"id": "INT", "p": "DECIMAL(4, 2)"})
    for _ in range(3):
        table.upsert([{"id": 1, "p": Decimal("60.00")}, {"id": 2, "p": Decimal("1.00")}])
    for _ in range(2):
        assert [row["p"] for row in rows(table)] == [Decimal("180.00"), Decimal("3.00")]
        assert [row["id"] for row in table.scan("p > 99").to_pylist()] == [1]
        assert table.check(deep=True).ok
        table.compact(full=True)


def test_append_tables_take_no_retracts(tmp_path):
    table = ls.connect(tmp_path).create_table("db.log", schema={"a": "INT"})
    with pytest.raises(ls.InvalidInputError, match=r"row 1 takes back a row \(-D\).*overwrite"):
        table.write([{"a": 1}, {"a": 2}], row_kind=["+I", "-D"])


REMOVING = [
    {**PARTIAL, "partial-update.remove-record-on-delete": "true"},
    {**SUMS, "aggregation.remove-record-on-delete": "true"},
    {**PARTIAL, "fields.a.sequence-group": "b,c", "partial-update.remove-record-on-sequence-group": "a"},
    {**PARTIAL, "sequence.field": "a", "partial-update.remove-record-on-delete": "true"},
]


@pytest.mark.parametrize("options", REMOVING, ids=str)
def test_delete_removes_the_row_where_the_engine_does(made, options):
    table = made(options)
    table.upsert([{"id": 1, "a": 1, "b": "x"}, {"id": 2, "a": 9}, {"id": 3, "a": 4}])
    table.upsert([{"id": 1, "a": 5, "c": 2}])
    table.delete([{"id": 1}])
    assert [row["id"] for row in rows(table)] == [2, 3]
    table.delete("a > 5")
    assert [row["id"] for row in rows(table)] == [3]
    table.upsert([{"id": 1, "a": 7}])
    assert rows(table)[0] == {"id": 1, "a": 7, "b": None, "c": None}


@pytest.mark.parametrize("options", [PARTIAL, SUMS, {"ignore-delete": "true"}, {"merge-engine": "first-row"}], ids=str)
def test_delete_is_refused_where_the_row_would_stay(made, options):
    table = made(options)
    table.upsert([{"id": 1, "a": 1}])
    for what in ("id = 1", [{"id": 1}]):
        with pytest.raises(ls.InvalidInputError, match=r"delete\(\) would not remove the rows"):
            table.delete(what)


def test_first_row_hides_fresh_rows_until_they_are_compacted(made):
    table = made({"merge-engine": "first-row"})
    table.upsert([{"id": 1, "a": 1}, {"id": 1, "a": 2}])
    table.upsert([{"id": 1, "a": 3}, {"id": 2, "a": 4}])
    assert rows(table) == []
    assert "2 fresh files" in str(table.scan().explain())
    found = sorted(pq.read_table(path).column("a").to_pylist() for path in data_files(table, "data-"))
    assert found == [[1], [3, 4]]
    with pytest.raises(ls.InvalidInputError, match="row 0 is a -D row: merge-engine first-row"):
        table.write([{"id": 1}], row_kind="-D")


def test_first_row_shows_rows_once_the_writer_has_compacted(made):
    table = made({"merge-engine": "first-row", "write-only": "false"})
    table.upsert([{"id": 1, "a": 1}, {"id": 1, "a": 2}])
    table.upsert([{"id": 1, "a": 3}, {"id": 2, "a": 4}])
    assert [(row["id"], row["a"]) for row in rows(table)] == [(1, 1), (2, 4)]


def test_sketches_need_their_package_and_say_so(made, monkeypatch):
    package = pytest.importorskip("datasketches")
    table = made(
        {"merge-engine": "aggregation", "fields.s.aggregate-function": "theta_sketch"}, {"id": "INT", "s": "BYTES"}
    )
    for members in (range(100), range(50, 200)):
        sketch = package.update_theta_sketch()
        for member in members:
            sketch.update(member)
        table.upsert([{"id": 1, "s": sketch.compact().serialize()}])
    (row,) = rows(table)
    assert package.compact_theta_sketch.deserialize(row["s"]).get_estimate() == 200
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ls.UnsupportedFormatError, match=r"theta_sketch needs.*pip install 'lakestore\[sketches\]'"):
        table.to_arrow()


def data_files(table, prefix):
    """Files of a table without partitions, oldest first."""
    found = Path(table.path).glob(f"bucket-*/{prefix}*")
    return sorted(found, key=lambda path: path.stat().st_mtime_ns)


GOLDEN = [
    ("+I", {"id": "1", "v": "v1", "c": "0"}),
    ("-U", {"id": "1", "v": "v1", "c": "0"}),
    ("+U", {"id": "1", "v": "w1", "c": "1"}),
    ("-D", {"id": "2", "v": "v2", "c": "0"}),
    ("+I", {"id": "1", "v": "x1", "c": "1"}),
]


def test_the_input_changelog_holds_rows_as_they_came(made):
    options = {"changelog-producer": "input", "ignore-update-before": "false", "changelog-file.prefix": "log-"}
    table = made(options, {"id": "INT", "v": "STRING", "c": "INT"})
    data = canon.table_of([row for _, row in GOLDEN], table.schema)
    table.write(data, row_kind=[kind for kind, _ in GOLDEN])
    (changes,) = (pq.read_table(path) for path in data_files(table, "log-"))
    assert changes["_SEQUENCE_NUMBER"].to_pylist() == [0, 1, 2, 4, 3]
    assert changes["_VALUE_KIND"].to_pylist() == [0, 1, 2, 0, 3]
    assert changes["v"].to_pylist() == ["v1", "v1", "w1", "x1", "v2"]
    (state,) = (pq.read_table(path) for path in data_files(table, "data-"))
    assert (state["id"].to_pylist(), state["_VALUE_KIND"].to_pylist()) == ([1, 2], [0, 3])
    assert rows(table) == [{"id": 1, "v": "x1", "c": 1}]
    snapshot = table.snapshots.latest()
    assert snapshot.changelog_record_count == 5
    assert table.check(deep=True).ok


def test_changelog_files_have_options_of_their_own(made):
    options = {"changelog-producer": "input", "changelog-file.compression": "gzip", "file.compression": "snappy"}
    table = made({**options, "changelog-file.stats-mode": "none"})
    table.write([{"id": 1, "a": 1}])
    codecs = {
        prefix: pq.ParquetFile(path).metadata.row_group(0).column(0).compression
        for prefix in ("data-", "changelog-")
        for path in data_files(table, prefix)
    }
    assert codecs == {"data-": "SNAPPY", "changelog-": "GZIP"}


def test_what_two_writers_changed_stays_in_the_changelog(made):
    table = made({"changelog-producer": "input"})
    with table.writer() as late:
        late.write([{"id": 1, "a": 2}, {"id": 1, "a": 3}])
        table.upsert([{"id": 1, "a": 1}])
        late.commit()
    assert rows(table)[0]["a"] == 3
    assert table.check(deep=True).ok
    left = sorted(
        (pq.read_table(path).column("_SEQUENCE_NUMBER").to_pylist()) for path in data_files(table, "changelog-")
    )
    assert left == [[0], [1, 2]]


ALTERS = [
    (ls.set_option("fields.a.aggregate-function", "summ"), "'sum'?"),
    (ls.set_option("fields.b.aggregate-function", "sum"), "sum takes a number"),
    (ls.set_option("fields.a.sequence-group", "b"), "does nothing under merge-engine aggregation"),
    (ls.set_option("fields.b.list-agg-delimiter", ";"), "columns with listagg"),
    (ls.drop_column("a"), "fields.a.aggregate-function"),
    (ls.change_type("a", "STRING"), "sum takes a number"),
]


@pytest.mark.parametrize(("change", "message"), ALTERS, ids=lambda each: str(each)[:50])
def test_an_alter_that_breaks_merging_is_refused(made, change, message):
    table = made(SUMS)
    with pytest.raises(ls.InvalidInputError, match=message.replace("?", r"\?")):
        table.alter(change)
    assert table.refresh().schema_id == 0
