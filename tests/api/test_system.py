"""System tables: the columns of Paimon's, and what they say of tables whose making is known."""

import datetime as dt
import json

import pyarrow as pa
import pytest

import lakestore as ls
from lakestore.api.system import SYSTEM_TABLES
from lakestore.core.binlog import paired

DAY = dt.date(2026, 11, 20)

COLUMNS = {
    "snapshots": "snapshot_id! schema_id! commit_user! commit_identifier! commit_kind! commit_time! base_manifest_list! "
    "delta_manifest_list! changelog_manifest_list total_record_count delta_record_count changelog_record_count watermark "
    "next_row_id operation writer_version",
    "schemas": "schema_id! fields! partition_keys! primary_keys! options! comment update_time!",
    "options": "key! value!",
    "tags": "tag_name! snapshot_id! schema_id! commit_time! record_count create_time time_retained",
    "branches": "branch_name! create_time!",
    "consumers": "consumer_id! next_snapshot_id!",
    "manifests": "file_name! file_size! num_added_files! num_deleted_files! schema_id! min_partition_stats "
    "max_partition_stats min_row_id max_row_id",
    "files": "partition bucket! file_path! file_format! schema_id! level! record_count! file_size_in_bytes! min_key max_key "
    "null_value_counts! min_value_stats! max_value_stats! min_sequence_number max_sequence_number creation_time "
    "deleteRowCount file_source first_row_id write_cols",
    "file_key_ranges": "partition bucket! file_path! file_format! schema_id! level! record_count! file_size_in_bytes! "
    "min_key max_key first_row_id",
    "partitions": "partition record_count! file_size_in_bytes! file_count! last_update_time created_at created_by updated_by "
    "options total_buckets! done! deleted_record_count",
    "buckets": "partition bucket! record_count! file_size_in_bytes! file_count! last_update_time",
    "table_indexes": "partition bucket! index_type! file_name! file_size! row_count! dv_ranges row_range_start "
    "row_range_end index_field_id index_field_name",
    "file_indexes": "partition bucket! file_path! file_size_in_bytes! record_count! schema_id! column_name! index_type! "
    "storage_type! index_file_path index_size_in_bytes! index_container_size_in_bytes! is_empty!",
    "aggregation_fields": "field_name! field_type! function function_options comment",
    "statistics": "snapshot_id! schema_id! mergedRecordCount mergedRecordSize colstat",
    "audit_log": "rowkind id! day! text",
    "binlog": "rowkind id day text",
    "ro": "id! day! text",
}
"""Names in order; ``!`` for NOT NULL."""


@pytest.fixture
def empty(tmp_path):
    return ls.connect(tmp_path).create_table(
        "db.t",
        schema={"id": "INT", "day": "DATE", "text": "STRING"},
        primary_key=["id", "day"],
        partition_by=["day"],
        options={"bucket": 1, "write-only": True},
        comment="days",
    )


@pytest.fixture
def table(empty):
    empty.upsert([{"id": 1, "day": DAY, "text": "b"}, {"id": 7, "day": DAY, "text": None}])
    empty.upsert([{"id": 1, "day": DAY, "text": "a"}])
    return empty


def row(table, name):
    (found,) = table.system(name).to_pylist()
    return found


def test_columns(empty):
    assert {*COLUMNS, "row_tracking"} == set(SYSTEM_TABLES)
    for name, text in COLUMNS.items():
        schema = empty.system(name).schema
        assert [field.name + ("" if field.nullable else "!") for field in schema] == text.split(), name


def test_tables_without_snapshots_have_no_rows(empty):
    filled = {name for name in COLUMNS if empty.system(name).num_rows}
    assert filled == {"schemas", "options", "aggregation_fields"}


def test_rows_without_ids_are_not_tracked(table):
    with pytest.raises(ls.NotFoundError, match=r"no system table 'row_tracking'.*row-tracking\.enabled"):
        table.system("row_tracking")


def test_files(table):
    first, second = table.system("files").sort_by("max_sequence_number").to_pylist()
    assert {key: second[key] for key in ("partition", "bucket", "level", "record_count", "min_key", "max_key")} == {
        "partition": "{2026-11-20}",
        "bucket": 0,
        "level": 0,
        "record_count": 1,
        "min_key": "[1]",
        "max_key": "[1]",
    }
    days = (DAY - dt.date(1970, 1, 1)).days
    assert first["null_value_counts"] == "{day=0, id=0, text=1}"
    assert first["min_value_stats"] == f"{{day={days}, id=1, text=b}}"
    assert first["max_value_stats"] == f"{{day={days}, id=7, text=b}}"
    assert (first["file_source"], first["file_format"], first["deleteRowCount"]) == ("APPEND", "parquet", 0)
    assert first["file_path"].endswith(f"/day={days}/bucket-0/{first['file_path'].rpartition('/')[2]}")
    ranges = table.system("file_key_ranges")
    assert ranges.select(["file_path", "max_key"]) == table.system("files").select(["file_path", "max_key"])


def test_files_of_a_snapshot_and_of_a_tag(table):
    table.tags.create("first", snapshot=1)
    assert table.at(snapshot=1).system("files").num_rows == table.at(tag="first").system("files").num_rows == 1


def test_sums_of_partitions_and_buckets(table):
    sizes = sum(table.system("files")["file_size_in_bytes"].to_pylist())
    partition, bucket = row(table, "partitions"), row(table, "buckets")
    assert (partition["partition"], bucket["partition"]) == ("day=2026-11-20", "{2026-11-20}")
    for found in (partition, bucket):
        assert (found["record_count"], found["file_count"], found["file_size_in_bytes"]) == (3, 2, sizes)
    assert (partition["total_buckets"], partition["done"]) == (1, False)


def test_references(table):
    table.tags.create("v1", snapshot=1, time_retained="1 d")
    table.branches.create("dev", tag="v1")
    table.consumers.reset("reader", 2)
    tag = row(table, "tags")
    assert (tag["tag_name"], tag["snapshot_id"], tag["record_count"], tag["time_retained"]) == ("v1", 1, 2, "PT24H")
    assert row(table, "branches")["branch_name"] == "dev"
    assert row(table, "consumers") == {"consumer_id": "reader", "next_snapshot_id": 2}
    assert table.system("snapshots") == table.snapshots.list()
    assert table.at(branch="dev").system("snapshots")["snapshot_id"].to_pylist() == [1]


def test_definition(table):
    altered = table.alter(ls.set_option("fields.text.stats-mode", "full"))
    first, second = altered.system("schemas").to_pylist()
    assert (first["schema_id"], second["schema_id"], first["comment"]) == (0, 1, "days")
    assert json.loads(second["fields"])[0] == {"id": 0, "name": "id", "type": "INT NOT NULL"}
    assert (first["partition_keys"], first["primary_keys"]) == ('["day"]', '["id","day"]')
    assert dict(altered.system("options").to_pandas().itertuples(index=False)) == altered.options
    fields = {found["field_name"]: found for found in altered.system("aggregation_fields").to_pylist()}
    assert fields["text"]["function"] == "[full]"
    assert fields["text"]["function_options"] == "[fields.text.stats-mode]"
    assert fields["id"]["function"] == "[]"


def test_manifests(table):
    first, second = table.system("manifests").to_pylist()
    assert (first["num_added_files"], first["num_deleted_files"], first["schema_id"]) == (1, 0, 0)
    assert first["min_partition_stats"] == second["max_partition_stats"] == "{2026-11-20}"


def test_statistics(table):
    table.analyze()
    found = row(table, "statistics")
    assert (found["snapshot_id"], found["mergedRecordCount"]) == (2, 2)
    assert json.loads(found["colstat"])["id"]["max"] == "7"


def test_ro_reads_what_needs_no_merge(table):
    assert table.system("ro").num_rows == 0
    table.compact(full=True)
    table.upsert([{"id": 9, "day": DAY, "text": "fresh"}])
    assert sorted(table.system("ro")["id"].to_pylist()) == [1, 7]
    assert table.count() == 3


def test_audit_log_and_binlog(tmp_path):
    table = ls.connect(tmp_path).create_table(
        "db.t",
        schema={"id": "INT", "text": "STRING"},
        primary_key=["id"],
        options={"bucket": 1, "changelog-producer": "input"},
    )
    table.upsert([{"id": 1, "text": "a"}])
    table.write([{"id": 1, "text": "a"}, {"id": 1, "text": "b"}, {"id": 2, "text": "c"}], row_kind=["-U", "+U", "+I"])
    table.delete([{"id": 2, "text": "c"}])
    log = [(found["rowkind"], found["id"], found["text"]) for found in table.system("audit_log").to_pylist()]
    assert log == [("+I", 1, "a"), ("-U", 1, "a"), ("+U", 1, "b"), ("+I", 2, "c"), ("-D", 2, "c")]
    assert table.system("binlog").to_pylist() == [
        {"rowkind": "+I", "id": [1], "text": ["a"]},
        {"rowkind": "+U", "id": [1, 1], "text": ["a", "b"]},
        {"rowkind": "+I", "id": [2], "text": ["c"]},
        {"rowkind": "-D", "id": [2], "text": ["c"]},
    ]


@pytest.mark.parametrize(
    ("kinds", "left"),
    [
        ([], []),
        (["+U"], [("+U", [0])]),
        (["-U"], [("-U", [0])]),
        (["-U", "+U"], [("+U", [0, 1])]),
        (["-U", "-U", "+U"], [("-U", [0]), ("+U", [1, 2])]),
        (["-U", "+U", "+U"], [("+U", [0, 1]), ("+U", [2])]),
        (["-U", "+I", "-D"], [("-U", [0]), ("+I", [1]), ("-D", [2])]),
    ],
)
def test_only_the_two_images_of_one_update_are_paired(kinds, left):
    rows = pa.table({"n": pa.array(range(len(kinds)), pa.int64())})
    found, lists = paired(pa.array(kinds, pa.string()), rows)
    assert list(zip(found.to_pylist(), lists["n"].to_pylist(), strict=True)) == left


def test_unknown_names(table):
    with pytest.raises(ls.NotFoundError, match="files"):
        table.system("fils")
    with pytest.raises(ls.InvalidInputError, match=r"table\('db.t'\).system\('files'\)"):
        ls.connect(table.path.rpartition("/db.db")[0]).table("db.t$files")
