"""What ``explain`` says, figure by figure, and what it advises."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import lakestore as ls
from lakestore.cli.main import main

OPTIONS = {
    "bucket": "2",
    "bucket-key": "k",
    "write-only": "true",
    "file-index.bitmap.columns": "v",
    "lakestore.row-group-rows": "10",
    "manifest.merge-min-count": "100",
    "lakestore.manifest-merge-early": "0",
}


def sizes(tmp_path):
    return {path.name: path.stat().st_size for path in tmp_path.rglob("*.parquet")}


@pytest.fixture
def table(tmp_path):
    """Three days in two commits, two buckets each, one file in each bucket; row groups of at most ten rows."""
    made = ls.connect(tmp_path).create_table(
        "d.t", schema={"day": "INT", "k": "INT", "v": "INT", "n": "INT"}, partition_by=["day"], options=OPTIONS
    )
    for days in ((1, 2), (3,)):
        places = [(day, key) for day in days for key in range(40)]
        columns = {
            "day": [day for day, _ in places],
            "k": [key for _, key in places],
            "v": [key // 20 * 2 + day * 100 for day, key in places],
            "n": [key for _, key in places],
        }
        made.insert(pa.table({name: pa.array(values, pa.int32()) for name, values in columns.items()}))
    return made


def figures(explanation):
    return {one.rule: (one.partitions, one.buckets, one.files) for one in explanation.plan.report.rules if one.files}


def test_every_rule_says_what_it_took(table, tmp_path):
    everything = table.scan().explain()
    report, groups = everything.plan.report, everything.groups
    assert (report.partitions, report.buckets, report.files, report.manifests) == (3, 6, 6, 2)
    assert (report.partitions_left, report.buckets_left, report.files_left) == (3, 6, 6)
    rows = [file.row_count for split in everything.plan.splits for file in split.files]
    assert groups.groups == groups.groups_left == sum(-(-count // 10) for count in rows)
    assert report.bytes == report.bytes_left == sum(sizes(tmp_path).values())
    assert groups.bytes == groups.bytes_left < report.bytes
    assert figures(everything) == {}

    day = table.scan(where="day = 2").explain()
    assert (day.plan.report.manifests, day.plan.report.manifests_skipped) == (2, 1)
    assert (day.plan.report.files, day.plan.report.files_left) == (4, 2)
    assert figures(day) == {"partition": (1, 2, 2)}
    assert (day.plan.report.partitions, day.plan.report.partitions_left) == (2, 1)

    key = table.scan(where="day = 1 and k = 7").explain()
    assert figures(key) == {"partition": (1, 2, 2), "bucket": (0, 1, 1)}
    assert key.plan.report.buckets_left == 1
    assert key.groups.by_stats == key.groups.groups - 1


def test_statistics_index_and_row_groups(table):
    stats = table.scan(where="v >= 300").explain()
    assert figures(stats) == {"stats": (2, 4, 4)}
    index = table.scan(where="v = 201").explain()
    assert figures(index) == {"stats": (2, 4, 4), "index": (1, 2, 2)}
    assert index.plan.report.indexes_asked == 2
    assert index.plan.report.indexes_fetched == 0
    assert index.plan.report.files_left == index.groups.groups == 0
    skipped = [one for one in index.plan.report.rules if one.files]
    assert sum(one.bytes for one in skipped) == index.plan.report.bytes

    odd = table.scan(where="v = 202").explain()
    assert odd.plan.report.files_left == 2
    assert odd.groups.groups_left + odd.groups.by_stats + odd.groups.by_index == odd.groups.groups
    assert odd.groups.by_stats > 0
    assert table.scan(where="v = 202").count() == 20


def test_rows_of_an_index_skip_row_groups(tmp_path):
    """One file, three row groups with the same bounds: only the index knows which of them holds a value."""
    options = {"file-index.bitmap.columns": "v", "lakestore.row-group-rows": "3", "target-file-size": "1 mb"}
    table = ls.connect(tmp_path).create_table("d.t", schema={"v": "INT"}, options=options)
    table.insert({"v": [0, 3, 9, 0, 5, 9, 0, 6, 9]})
    told = table.scan(where="v = 5").explain()
    assert (told.groups.groups, told.groups.by_stats, told.groups.by_index, told.groups.groups_left) == (3, 0, 2, 1)
    assert table.scan(where="v = 5").to_arrow()["v"].to_pylist() == [5]


def test_bloom_filters_and_page_indexes_of_parquet_are_used(tmp_path):
    table = ls.connect(tmp_path).create_table("d.t", schema={"a": "INT", "b": "BIGINT"}, options={"write-only": "true"})
    rows = 25_000
    numbers = [number if number < rows // 2 else number * 10 for number in range(rows)]
    table.insert(pa.table({"a": pa.array(numbers, pa.int32()), "b": pa.array([one * 2 for one in numbers])}))
    (path,) = tmp_path.rglob("*.parquet")
    whole = pq.read_table(path)
    pq.write_table(
        whole,
        path,
        write_page_index=True,
        max_rows_per_page=2500,
        write_batch_size=500,
        use_dictionary=False,
        bloom_filter_options={"b": {"ndv": rows, "fpp": 0.0001}},
    )
    pages = table.scan(where="a = 50000").explain().groups
    assert (pages.groups, pages.by_pages, pages.by_bloom, pages.groups_left) == (1, 1, 0, 0)
    bloom = table.scan(where="b = 1001").explain().groups
    assert (bloom.groups, bloom.by_pages, bloom.by_bloom, bloom.groups_left) == (1, 0, 1, 0)
    assert table.scan(where="a = 50000 or b = 1001").count() == 0
    assert table.scan(where="b = 1002").to_arrow()["a"].to_pylist() == [501]


def test_the_words(table, tmp_path, capsys):
    path = f"{tmp_path}/d.db/t"
    assert main(["explain", path, "--where", "v = 201"]) == 0
    text = capsys.readouterr().out
    lines = {line.split("  ")[0]: line.split() for line in text.splitlines()}
    total = sum(sizes(tmp_path).values())
    assert lines["statistics"][1:5] == ["-", "2", "4", "4"]
    assert lines["file index"][2:6] == ["-", "1", "2", "2"]
    assert lines["left to read"][3:] == ["2", "0", "0", "0", "0", "0"]
    assert lines["of"][1:] == ["2", "3", "6", "6", f"{total:,}", "0"]
    assert "file indexes asked: 2, 0 of them in files of their own" in text
    assert main(["read", path, "--where", "v = 201", "--explain"]) == 0
    assert capsys.readouterr().out == text
    assert main(["read", path, "--where", "v = 201", "--explain", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["files_by_index"] == 2
    assert told["row_groups"]["groups"] == 0
    assert {one["rule"]: one["files"] for one in told["rules"]} == {
        "partition": 0,
        "bucket": 0,
        "key": 0,
        "stats": 4,
        "index": 2,
        "hidden": 0,
    }


def hints(table, where):
    return table.scan(where=where).explain().hints


def test_advice(table, tmp_path):
    assert hints(table, None) == ()
    assert hints(table, "day = 1 and k = 7") == ()
    (partition, bloom) = hints(table, "n in (1, 30)")
    assert partition == "a condition on day would skip whole partitions"
    assert "'file-index.bloom-filter.columns' = 'n'" in bloom
    plain = ls.connect(tmp_path).create_table("d.p", schema={"x": "INT", "y": "INT"}, options={"write-only": "true"})
    for first in range(3):
        plain.insert({"x": [first, 9], "y": [first, 9]})
    assert hints(plain, "x > 5 and y < 7") == (
        'cluster_by("x", "y") would put rows with like values of x, y into the same files',
    )
    off = plain.alter(ls.set_option("file-index.read.enabled", "false"))
    assert hints(off, "x = 5") == ("option file-index.read.enabled is false: file indexes are not asked",)
    keyed = ls.connect(tmp_path).create_table(
        "d.k", schema={"x": "INT", "y": "INT"}, primary_key=["x"], options={"write-only": "true", "bucket": "1"}
    )
    for first in range(3):
        keyed.upsert({"x": [first, 9], "y": [first, 9]})
    (hint,) = hints(keyed, "y = 9")
    assert hint.endswith("a condition on x would skip files, and compacting would end the overlap")
