"""Branches as users hold them: made, written to, renamed, taken over, removed; and reads that fall back to one."""

from pathlib import Path

import pytest

import lakestore as ls

COLUMNS = {"id": "INT", "text": "STRING"}


@pytest.fixture
def lake(tmp_path):
    return ls.connect(tmp_path)


@pytest.fixture
def table(lake):
    """Two snapshots, the first under a tag."""
    made = lake.create_table("db.t", schema=COLUMNS, primary_key=["id"], options={"bucket": 1})
    made.upsert([{"id": 1, "text": "one"}])
    made.tags.create("v1")
    made.upsert([{"id": 2, "text": "two"}])
    return made


def ids(table):
    return sorted(table.to_arrow()["id"].to_pylist())


def test_an_empty_branch_has_columns_and_nothing_else(table):
    assert table.branches.create("dev").to_dict() == {"branch": "dev", "tag": None, "snapshot": None}
    dev = table.at(branch="dev")
    assert (dev.name, dev.count(), dev.schema) == ("db.t$branch_dev", 0, table.schema)
    dev.upsert([{"id": 7, "text": "dev"}])
    assert (ids(dev), ids(table)) == ([7], [1, 2])
    assert dev.snapshots.latest().id == 1


def test_a_branch_starts_from_a_tag(table, lake):
    made = table.branches.create("dev", tag="v1")
    assert (made.tag, made.snapshot_id) == ("v1", 1)
    dev = lake.table("db.t$branch_dev")
    assert ids(dev) == [1]
    dev.delete("id = 1")
    dev.upsert([{"id": 7, "text": "dev"}])
    assert (ids(dev), ids(table)) == ([7], [1, 2])
    assert ids(table.at(branch="dev", snapshot=1)) == ids(table.at(branch="dev", tag="v1")) == [1]
    assert dev.snapshots.list()["snapshot_id"].to_pylist() == [1, 2, 3]
    assert ids(ls.open_table(table.path, branch="dev")) == [7]
    folder = Path(table.path)
    assert sorted(path.name for path in (folder / "branch" / "branch-dev").iterdir()) == ["schema", "snapshot", "tag"]
    assert dev.check(deep=True).ok


def test_a_branch_starts_from_a_snapshot_that_a_tag_then_keeps(table):
    made = table.branches.create("dev", snapshot=2)
    assert (made.tag, made.snapshot_id) == ("branch-dev", 2)
    table.upsert([{"id": 3, "text": "three"}])
    table.delete("id = 2")
    table.snapshots.expire(retain_max=1, retain_min=1)
    assert ids(table.at(branch="dev")) == [1, 2]
    with pytest.raises(ls.NotFoundError, match="snapshot 9"):
        table.branches.create("none", snapshot=9)


def test_a_branch_starts_from_a_tag_whose_snapshot_has_expired(table):
    table.snapshots.expire(retain_max=1, retain_min=1)
    table.branches.create("dev", tag="v1")
    assert ids(table.at(branch="dev")) == [1]


def test_names_of_branches(table):
    for name in ("main", "7", "", "a/b", " x"):
        with pytest.raises(ls.InvalidInputError):
            table.branches.create(name)
    table.branches.create("dev")
    with pytest.raises(ls.AlreadyExistsError):
        table.branches.create("dev")
    assert table.branches.create("dev", exists_ok=True).name == "dev"
    with pytest.raises(ls.InvalidInputError, match="not from both"):
        table.branches.create("both", tag="v1", snapshot=1)
    with pytest.raises(ls.NotFoundError, match="'main', 'dev'"):
        table.at(branch="prod")
    assert table.branches.names() == ("dev",)
    assert table.branches.list()["branch_name"].to_pylist() == ["dev"]


@pytest.mark.parametrize("name", ["db.t$", "db.t$branch_", "db.t$branch_a$files$x", "$files", "db.t$files$branch_a"])
def test_names_that_mean_nothing(lake, name):
    with pytest.raises(ls.InvalidInputError, match=r"expected database.table"):
        lake.table(name)


def test_schemas_of_a_branch_are_its_own(table):
    table.branches.create("dev", tag="v1")
    dev = table.at(branch="dev").alter(ls.add_column("more", "INT"))
    table.alter(ls.add_column("other", "STRING")).upsert([{"id": 3, "text": "three", "other": "x"}])
    dev.upsert([{"id": 7, "text": "dev", "more": 5}])
    assert dev.to_arrow().sort_by("id").to_pylist() == [
        {"id": 1, "text": "one", "more": None},
        {"id": 7, "text": "dev", "more": 5},
    ]
    assert table.refresh().schema.names == ["id", "text", "other"]
    assert dev.refresh().schema.names == ["id", "text", "more"]


def test_rename(table):
    table.branches.create("dev", tag="v1")
    table.at(branch="dev").upsert([{"id": 7, "text": "dev"}])
    table.branches.create("old")
    with pytest.raises(ls.AlreadyExistsError):
        table.branches.rename("dev", "old")
    with pytest.raises(ls.InvalidInputError, match="main"):
        table.branches.rename("main", "other")
    table.branches.rename("dev", "prod")
    assert table.branches.names() == ("old", "prod")
    assert ids(table.at(branch="prod")) == [1, 7]


def test_delete_leaves_data_and_no_folder(table):
    table.branches.create("dev", tag="v1")
    table.at(branch="dev").upsert([{"id": 7, "text": "dev"}])
    data = set(Path(table.path).rglob("*.parquet"))
    planned = table.branches.delete("dev", dry_run=True)
    assert table.branches.names() == ("dev",)
    assert table.branches.delete("dev").files == planned.files
    assert not (Path(table.path) / "branch" / "branch-dev").exists()
    assert set(Path(table.path).rglob("*.parquet")) == data
    assert ids(table) == [1, 2]
    with pytest.raises(ls.NotFoundError):
        table.branches.delete("dev")
    with pytest.raises(ls.InvalidInputError, match="open"):
        table.branches.delete("main")


def test_what_is_left_of_a_branch_can_be_deleted_and_is_no_branch(table):
    table.branches.create("dev", tag="v1")
    (Path(table.path) / "branch" / "branch-dev" / "schema" / "schema-0").unlink()
    assert table.branches.names() == ()
    with pytest.raises(ls.NotFoundError):
        table.at(branch="dev")
    table.tags.create("v2")
    with pytest.raises(ls.ConflictError, match="another branch"):
        table.branches.create("dev", tag="v2")
    table.branches.delete("dev")
    table.branches.create("dev", tag="v2")
    assert ids(table.at(branch="dev")) == [1, 2]


def test_fast_forward_of_a_table_that_stood_still(table):
    table.tags.create("v2")
    table.branches.create("dev", tag="v2")
    table.at(branch="dev").alter(ls.add_column("more", "INT")).upsert([{"id": 7, "text": "dev", "more": 1}])
    table.at(branch="dev").tags.create("on-dev")
    planned = table.branches.fast_forward("dev", dry_run=True)
    assert (planned.shared, planned.snapshots, planned.tags, planned.added) == (2, (), (), (3,))
    done = table.branches.fast_forward("dev")
    assert {**done.to_dict(), "dry_run": True} == planned.to_dict()
    ahead = table.refresh()
    assert (ids(ahead), ahead.schema.names) == ([1, 2, 7], ["id", "text", "more"])
    assert ahead.tags.list()["tag_name"].to_pylist() == ["v1", "v2", "on-dev"]
    assert ids(ahead.at(snapshot=1)) == [1]
    ahead.upsert([{"id": 8, "text": "on", "more": 2}])
    assert ahead.check(deep=True).ok
    assert ids(table.at(branch="dev")) == [1, 2, 7]


def test_fast_forward_of_a_table_that_went_on_drops_what_it_did_when_told(table):
    table.branches.create("dev", tag="v1")
    table.at(branch="dev").upsert([{"id": 7, "text": "dev"}])
    table.tags.create("v2")
    with pytest.raises(ls.InvalidInputError, match=r"snapshots 2 .*discard=True"):
        table.branches.fast_forward("dev")
    assert ids(table) == [1, 2]
    report = table.branches.fast_forward("dev", discard=True)
    assert (report.snapshots, report.tags, report.added) == ((2,), ("v2",), (2,))
    assert ids(table) == [1, 7]
    assert table.tags.list()["tag_name"].to_pylist() == ["v1"]
    assert table.check(deep=True).ok


def test_fast_forward_to_a_branch_that_began_empty(table):
    table.branches.create("dev")
    with pytest.raises(ls.InvalidInputError, match="no snapshot"):
        table.branches.fast_forward("dev")
    table.at(branch="dev").upsert([{"id": 7, "text": "dev"}])
    table.branches.fast_forward("dev", discard=True)
    assert ids(table) == [7]
    with pytest.raises(ls.InvalidInputError, match="itself"):
        table.branches.fast_forward("main")


def test_reads_fall_back_to_a_branch_by_partition(lake):
    table = lake.create_table(
        "db.p",
        schema={"id": "INT", "day": "STRING"},
        primary_key=["id", "day"],
        partition_by=["day"],
        options={"bucket": 1},
    )
    table.branches.create("old")
    old = table.at(branch="old")
    old.upsert([{"id": 1, "day": "a"}, {"id": 2, "day": "a"}, {"id": 3, "day": "b"}, {"id": 4, "day": "c"}])
    table.upsert([{"id": 9, "day": "b"}])
    table = table.alter(ls.set_option("scan.fallback-branch", "old"))
    assert ids(table) == [1, 2, 4, 9]
    assert ids(table.scan(where="day = 'a'")) == [1, 2]
    assert ids(table.scan(where="day = 'b'")) == [9]
    assert table.count() == 4
    assert table.scan(limit=2).to_arrow().num_rows == 2
    assert table.scan(select=["day"], limit=4).to_arrow().column_names == ["day"]
    old.upsert([{"id": 5, "day": "d"}])
    assert ids(table) == [1, 2, 4, 5, 9]
    assert ids(table.at(snapshot=1)) == [1, 2, 4, 9]
    with pytest.raises(ls.InvalidInputError, match="fall back"):
        table.branches.delete("old")
    table.at(branch="old").alter(ls.add_column("more", "INT"))
    with pytest.raises(ls.InvalidInputError, match="same columns"):
        table.to_arrow()


def test_a_fallback_that_is_not_there_is_named(table):
    with pytest.raises(ls.NotFoundError, match="'gone'"):
        table.alter(ls.set_option("scan.fallback-branch", "gone")).to_arrow()


@pytest.fixture
def parted(lake):
    """A branch from snapshot 1 that went on until its first snapshots expired; the table went on by itself meanwhile."""
    table = lake.create_table("db.f", schema=COLUMNS, primary_key=["id"], options={"bucket": 1, "write-only": True})
    table.upsert([{"id": 1, "text": "one"}])
    table.tags.create("v1")
    table.branches.create("dev", tag="v1")
    table.compact(full=True)
    table.upsert([{"id": 2, "text": "lost if nobody is asked"}])
    dev = table.at(branch="dev")
    for number in range(4):
        dev.upsert([{"id": 7, "text": f"dev {number}"}])
    dev.snapshots.expire(retain_max=2, retain_min=2, older_than=2**53)
    assert dev.snapshots.list()["snapshot_id"].to_pylist() == [4, 5]
    return table


def test_fast_forward_drops_no_commit_unasked_where_the_branch_forgot_its_beginning(parted):
    with pytest.raises(ls.InvalidInputError, match=r"snapshots 2, 3 .*discard=True"):
        parted.branches.fast_forward("dev")
    assert ids(parted) == [1, 2]


def test_after_such_a_fast_forward_no_expiry_takes_a_live_file(parted):
    report = parted.branches.fast_forward("dev", discard=True)
    assert (report.shared, report.snapshots, report.expired, report.added) == (1, (3, 2), (1,), (4, 5))
    assert parted.snapshots.list()["snapshot_id"].to_pylist() == [4, 5]
    parted.branches.delete("dev")
    assert ids(parted) == ids(parted.at(snapshot=4)) == [1, 7]
    parted.upsert([{"id": 8, "text": "on"}])
    parted.compact(full=True)
    parted.upsert([{"id": 9, "text": "on"}])
    parted.snapshots.expire(retain_max=1, retain_min=1)
    parted.remove_orphans(older_than=2**53)
    assert (ids(parted), ids(parted.at(tag="v1"))) == ([1, 7, 8, 9], [1])
    assert parted.check(deep=True).ok


def test_fast_forward_again_needs_no_discard_after_the_table_let_snapshots_expire(table):
    table.tags.create("v2")
    table.branches.create("dev", tag="v2")
    dev = table.at(branch="dev")
    dev.upsert([{"id": 7, "text": "dev"}])
    dev.upsert([{"id": 8, "text": "dev"}])
    table.branches.fast_forward("dev")
    table.snapshots.expire(retain_max=1, retain_min=1)
    dev.upsert([{"id": 9, "text": "dev"}])
    report = table.branches.fast_forward("dev")
    assert (report.shared, report.snapshots, report.expired, report.added[0]) == (4, (), (), 5)
    assert ids(table) == [1, 2, 7, 8, 9]


def test_fast_forward_takes_every_schema_that_a_file_of_the_branch_was_written_in(parted):
    dev = parted.at(branch="dev").alter(ls.add_column("first", "INT"))
    dev.upsert([{"id": 5, "text": "x", "first": 1}])
    dev = dev.alter(ls.add_column("second", "INT"))
    for number in range(2):
        dev.upsert([{"id": 6, "text": "y", "first": 2, "second": number}])
    dev.snapshots.expire(retain_max=1, retain_min=1)
    parted.alter(ls.add_column("foreign", "STRING"))
    parted.branches.fast_forward("dev", discard=True)
    ahead = parted.refresh()
    assert ahead.schema.names == ["id", "text", "first", "second"]
    assert ahead.to_arrow().sort_by("id").to_pylist() == dev.to_arrow().sort_by("id").to_pylist()
    assert 1 in ahead.to_arrow()["first"].to_pylist()
