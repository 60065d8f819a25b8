"""Tags, branches, rollbacks and fast-forwards of LakeStore, read and gone on with by the other engines."""

from pathlib import Path

import pytest

import lakestore as ls
from tests.golden import canon
from tools.judge.places import HOME, OLDEST_JAVA

NEWER_JAVA = sorted(
    (
        folder.name
        for folder in HOME.glob("java-*")
        if any(folder.glob("jars/*.jar")) and OLDEST_JAVA not in folder.name
    ),
    key=lambda name: [int(part) for part in name.removeprefix("java-").split(".")],
)[-1:]
JAVAS = ["java", *NEWER_JAVA]
READERS = [*JAVAS, "pypaimon"]
COLUMNS = {"id": "INT", "text": "STRING"}


def canonical(view):
    """Rows as all engines print them; no column here is of a type that Arrow does not tell by itself."""
    return canon.rows_of(view.scan().to_arrow())


@pytest.fixture
def table(tmp_path):
    """Two commits under a tag, two more after it; a branch from the tag that went on."""
    made = ls.connect(tmp_path).create_table("db.t", schema=COLUMNS, primary_key=["id"], options={"bucket": "1"})
    made.upsert([{"id": 1, "text": "one"}, {"id": 2, "text": "two"}])
    made.upsert([{"id": 2, "text": "zwei"}])
    made.tags.create("v1", time_retained="30 d")
    made.branches.create("dev", tag="v1")
    made.at(branch="dev").upsert([{"id": 9, "text": "on dev"}])
    made.upsert([{"id": 3, "text": "three"}])
    made.delete("id = 1")
    return made


@pytest.mark.parametrize("reader", READERS)
def test_tags_and_branches_are_read(table, reader, engines):
    judge, folder = engines(reader), Path(table.path)
    assert canon.difference(canonical(table), judge.read(folder)) is None
    assert canon.difference(canonical(table.at(tag="v1")), judge.read(folder, tag="v1")) is None
    assert canon.difference(canonical(table.at(branch="dev")), judge.read(folder, branch="dev")) is None
    table.tags.rename("v1", "first")
    table.tags.replace("first", snapshot=3)
    assert canon.difference(canonical(table.at(snapshot=3)), judge.read(folder, tag="first")) is None


@pytest.mark.parametrize("java", JAVAS)
def test_turns_on_a_branch(table, java, engines):
    judge, folder = engines(java), Path(table.path)
    judge.write(folder, [{"kind": "+I", "row": {"id": "10", "text": "by java"}}], branch="dev")
    branch = table.at(branch="dev")
    assert branch.count("text = 'by java'") == 1
    branch.upsert([{"id": 11, "text": "ours again"}])
    assert canon.difference(canonical(branch), judge.read(folder, branch="dev")) is None
    assert table.count("id > 8") == 0


@pytest.mark.parametrize("java", JAVAS)
def test_java_goes_on_after_a_rollback(table, java, engines):
    judge, folder = engines(java), Path(table.path)
    before = canonical(table.at(snapshot=3))
    table.rollback(snapshot=3)
    assert canon.difference(before, judge.read(folder)) is None
    judge.write(folder, [{"kind": "+I", "row": {"id": "4", "text": "four"}}])
    assert sorted(table.to_arrow()["id"].to_pylist()) == [1, 2, 3, 4]
    assert table.check(deep=True).ok


@pytest.mark.parametrize("java", JAVAS)
def test_java_goes_on_after_a_rollback_to_an_expired_tag(table, java, engines):
    judge, folder = engines(java), Path(table.path)
    before = canonical(table.at(tag="v1"))
    table.snapshots.expire(retain_max=1, retain_min=1)
    assert table.snapshots.list()["snapshot_id"].to_pylist() == [4]
    report = table.rollback(tag="v1")
    assert report.restored
    assert canon.difference(before, judge.read(folder)) is None
    judge.write(folder, [{"kind": "+I", "row": {"id": "4", "text": "four"}}])
    assert sorted(table.to_arrow()["id"].to_pylist()) == [1, 2, 4]


@pytest.mark.parametrize("java", JAVAS)
def test_java_goes_on_after_a_rollback_as_a_new_snapshot(table, java, engines):
    judge, folder = engines(java), Path(table.path)
    before = canonical(table.at(tag="v1"))
    assert table.rollback_as_new(tag="v1").snapshot_id == 5
    assert canon.difference(before, judge.read(folder)) is None
    judge.write(folder, [{"kind": "+I", "row": {"id": "4", "text": "four"}}])
    assert sorted(table.to_arrow()["id"].to_pylist()) == [1, 2, 4]
    judge.compact(folder)
    assert sorted(table.to_arrow()["id"].to_pylist()) == [1, 2, 4]
    assert table.check(deep=True).ok


@pytest.mark.parametrize("java", JAVAS)
def test_java_goes_on_after_a_fast_forward(table, java, engines):
    judge, folder = engines(java), Path(table.path)
    table.at(branch="dev").alter(ls.add_column("more", "INT")).upsert([{"id": 10, "text": "x", "more": 1}])
    table.branches.fast_forward("dev", discard=True)
    ahead = table.refresh()
    assert canon.difference(canonical(ahead), canonical(ahead.at(branch="dev"))) is None
    assert canon.difference(canonical(ahead), judge.read(folder)) is None
    judge.write(folder, [{"kind": "+I", "row": {"id": "11", "text": "y", "more": "2"}}])
    assert sorted(ahead.to_arrow()["id"].to_pylist()) == [1, 2, 9, 10, 11]
    assert ahead.check(deep=True).ok


@pytest.mark.parametrize("reader", READERS)
def test_a_fast_forward_after_expiry_and_deleted_tags_is_read(table, reader, engines):
    judge, folder = engines(reader), Path(table.path)
    table.at(branch="dev").upsert([{"id": 10, "text": "x"}])
    table.branches.fast_forward("dev", discard=True)
    table = table.refresh()
    table.upsert([{"id": 11, "text": "y"}])
    table.compact(full=True)
    table.snapshots.expire(retain_max=1, retain_min=1)
    table.branches.delete("dev")
    table.remove_orphans(older_than=2**53)
    assert canon.difference(canonical(table), judge.read(folder)) is None
    assert canon.difference(canonical(table.at(tag="v1")), judge.read(folder, tag="v1")) is None
    table.tags.delete("v1")
    table.remove_orphans(older_than=2**53)
    assert canon.difference(canonical(table), judge.read(folder)) is None


@pytest.mark.parametrize("java", JAVAS)
def test_we_go_on_after_what_java_did_to_the_references(table, java, engines):
    judge, folder = engines(java), Path(table.path)
    judge.ask("refer", folder, action="tag", name="theirs", number=3)
    assert canonical(table.at(tag="theirs")) == canonical(table.at(snapshot=3))
    judge.ask("refer", folder, action="branch", name="second", tag="theirs")
    judge.write(folder, [{"kind": "+I", "row": {"id": "20", "text": "java"}}], branch="second")
    second = table.at(branch="second")
    second.upsert([{"id": 21, "text": "ours"}])
    table.tags.delete("v1")
    table.snapshots.expire(retain_max=1, retain_min=1)
    table.remove_orphans(older_than=2**53)
    assert sorted(second.to_arrow()["id"].to_pylist()) == [1, 2, 3, 20, 21]
    judge.ask("refer", folder, action="fast-forward", name="second")
    ahead = table.refresh()
    assert canon.difference(canonical(ahead), judge.read(folder)) is None
    assert canonical(ahead) == canonical(second)
    ahead.upsert([{"id": 22, "text": "on"}])
    judge.ask("refer", folder, action="rollback", number=ahead.snapshots.latest().id - 1)
    assert canonical(ahead) == canonical(second)
    ahead.remove_orphans(older_than=2**53)
    ahead.upsert([{"id": 23, "text": "after"}])
    judge.ask("refer", folder, action="delete branch", name="second")
    ahead.snapshots.expire(retain_max=1, retain_min=1)
    ahead.remove_orphans(older_than=2**53)
    assert canon.difference(canonical(ahead), judge.read(folder)) is None
    assert ahead.check(deep=True).ok


@pytest.mark.parametrize("java", JAVAS)
def test_java_reads_the_statistics(table, java, engines):
    made = table.analyze()
    (found,) = engines(java).ask("statistics", Path(table.path))
    assert (found["snapshot"], found["rows"]) == (made.snapshot_id, made.rows)
    for name, each in made.columns.items():
        theirs = found["columns"][name]
        assert (theirs["distinct"], theirs["nulls"]) == (each.distinct, each.nulls)
    assert (found["columns"]["id"]["min"], found["columns"]["id"]["max"]) == ("2", "3")
