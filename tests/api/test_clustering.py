"""Laying out append tables: same rows, fewer bytes for a box query, and nothing lost to rivals."""

import json

import numpy as np
import pyarrow as pa
import pytest

import lakestore as ls
from lakestore.cli.main import main

ROWS = 60_000


@pytest.fixture
def lake(tmp_path):
    return ls.connect(tmp_path / "wh")


@pytest.fixture
def points(lake):
    table = lake.create_table("geo.points", schema={"id": "BIGINT", "lon": "DOUBLE", "lat": "DOUBLE", "city": "STRING"})
    random = np.random.default_rng(7)
    rows = pa.table(
        {
            "id": np.arange(ROWS),
            "lon": random.normal(size=ROWS),
            "lat": random.normal(size=ROWS),
            "city": [f"c{number}" for number in random.integers(0, 50, ROWS)],
        }
    )
    for start in range(0, ROWS, ROWS // 3):
        table.insert(rows.slice(start, ROWS // 3))
    return table


def sorted_rows(table):
    return table.scan().to_arrow().sort_by("id")


@pytest.mark.parametrize("curve", ["zorder", "hilbert", "order", None])
def test_the_rows_stay_and_lie_together(points, curve):
    before = sorted_rows(points)
    report = points.cluster_by("lon", "lat", curve=curve)
    assert sorted_rows(points).equals(before)
    assert report.partitions[0].files_before == 3
    assert points.snapshots.latest().commit_kind == "COMPACT"
    assert points.check(deep=True).ok
    box = "lon >= 0.5 and lon <= 0.6 and lat >= 0.5 and lat <= 0.6"
    found = points.scan(box).to_arrow().sort_by("id")
    assert found.equals(
        before.filter(
            (pa.compute.field("lon") >= 0.5)
            & (pa.compute.field("lon") <= 0.6)
            & (pa.compute.field("lat") >= 0.5)
            & (pa.compute.field("lat") <= 0.6)
        )
    )


def test_a_table_larger_than_memory_is_set_aside_and_comes_back_whole(points, tmp_path):
    before = sorted_rows(points)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    report = points.cluster_by("lon", "lat", memory=200_000, scratch=str(scratch))
    assert report.partitions[0].spilled_bytes > 1_000_000
    assert sorted_rows(points).equals(before)
    assert list(scratch.iterdir()) == []


def test_only_the_partitions_asked_for(lake):
    table = lake.create_table("a.t", schema={"day": "STRING", "v": "INT"}, partition_by=["day"])
    for value in (3, 1, 2):
        table.insert({"day": ["mon", "tue"], "v": [value, value]})
    report = table.cluster_by("v", where="day = 'mon'")
    assert [(one.partition, one.files_before, one.files_after) for one in report.partitions] == [("day=mon", 3, 1)]
    assert table.scan("day = 'mon'", ["v"]).to_arrow()["v"].to_pylist() == [1, 2, 3]
    assert table.count() == 6
    with pytest.raises(ls.InvalidInputError, match="partition columns only"):
        table.cluster_by("v", where="v = 1")


def test_a_dry_run_says_what_the_run_does(points):
    latest = points.snapshots.latest().id
    dry = points.cluster_by("lon", dry_run=True)
    assert dry.snapshot_id is None
    assert points.snapshots.latest().id == latest
    real = points.cluster_by("lon")
    assert [(one.partition, one.rows, one.files_before) for one in dry.partitions] == [
        (one.partition, one.rows, one.files_before) for one in real.partitions
    ]


def test_rows_appended_meanwhile_stay(points):
    def append(partition, rows):
        if points.snapshots.latest().id == 3:
            points.insert({"id": [ROWS], "lon": [0.0], "lat": [0.0], "city": ["new"]})

    points.cluster_by("lon", "lat", progress=append)
    assert points.count() == ROWS + 1
    assert points.scan(f"id = {ROWS}").to_arrow()["city"].to_pylist() == ["new"]


def test_files_replaced_meanwhile_are_a_conflict_and_nothing_changes(points, tmp_path):
    def replace(partition, rows):
        if points.snapshots.latest().id == 3:
            points.overwrite({"id": [1], "lon": [0.0], "lat": [0.0], "city": ["only"]})

    with pytest.raises(ls.ConflictError, match="run it again"):
        points.cluster_by("lon", "lat", progress=replace)
    assert points.scan().to_pylist() == [{"id": 1, "lon": 0.0, "lat": 0.0, "city": "only"}]
    assert len(list((tmp_path / "wh" / "geo.db" / "points" / "bucket-0").iterdir())) == 4


def test_what_cannot_be_laid_out_is_refused(lake, points):
    keyed = lake.create_table("a.k", schema={"id": "INT"}, primary_key=["id"], options={"bucket": 1})
    with pytest.raises(ls.InvalidInputError, match="primary key"):
        keyed.cluster_by("id")
    bucketed = lake.create_table("a.b", schema={"id": "INT"}, options={"bucket": 2, "bucket-key": "id"})
    with pytest.raises(ls.InvalidInputError, match="buckets"):
        bucketed.cluster_by("id")
    with pytest.raises(ls.NotFoundError, match="nope"):
        points.cluster_by("nope")
    with pytest.raises(ls.InvalidInputError, match="zorder, hilbert, order"):
        points.cluster_by("lon", curve="peano")
    with pytest.raises(ls.InvalidInputError, match="needs columns"):
        points.cluster_by()


def test_the_command_says_what_it_did(points, capsys):
    assert main(["cluster", points.path, "--by", "lon", "--by", "lat", "--curve", "hilbert", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["curve"], report["columns"], report["snapshot_id"]) == ("hilbert", ["lon", "lat"], 4)
    assert main(["cluster", points.path, "--by", "lon", "--dry-run"]) == 0
    assert "would lay out" in capsys.readouterr().out
