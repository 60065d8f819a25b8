"""Tags, branches and rollbacks against a failing store: every storage call fails once, in every way.

After each fault the table opens; every snapshot that is left reads what was committed in it; the latest is one that the
operation may have left; other engines, which believe LATEST where the next snapshot does not exist, find the same one;
and the operation can be done again.
"""

import shutil
from functools import cache
from pathlib import Path

import pytest

import lakestore as ls
from lakestore.api.catalog import Lake
from lakestore.env import Env
from lakestore.maintain.findings import Severity
from lakestore.storage.fsspec_store import open_store
from lakestore.testing.faulty import Crash, FaultKind, FaultyStore, NthCall
from tests.machines.reach import memory_folder

CALLS_MAX = 200
KINDS = [
    FaultKind.CRASH,
    pytest.param(FaultKind.AFTER, marks=pytest.mark.slow),
    pytest.param(FaultKind.BEFORE, marks=pytest.mark.slow),
    pytest.param(FaultKind.CRASH_AFTER, marks=pytest.mark.slow),
]
"""Not torn: a put is whole, that is what stores promise. A crash after a call is one before the next."""

COLUMNS = {"id": "INT", "text": "STRING"}


def rows(table):
    found = table.scan().to_pylist()
    return sorted((tuple(sorted(row.items(), key=lambda item: item[0])) for row in found), key=repr)


def build(folder):
    """Four snapshots; tags on the first and the second; a branch that went on from the second, with another schema."""
    table = ls.connect(folder).create_table("db.t", schema=COLUMNS, primary_key=["id"], options={"bucket": 1})
    table.upsert([{"id": 1, "text": "one"}])
    table.tags.create("one")
    table.upsert([{"id": 2, "text": "two"}])
    table.tags.create("two", time_retained="30 d")
    table.branches.create("dev", tag="two")
    dev = table.at(branch="dev").alter(ls.add_column("more", "INT"))
    dev.upsert([{"id": 9, "text": "dev", "more": 5}])
    dev.upsert([{"id": 8, "text": "dev", "more": 6}])
    table.upsert([{"id": 3, "text": "three"}])
    table.upsert([{"id": 4, "text": "four"}])
    table.tags.create("four")
    return table


def build_behind(folder):
    """The same, but the main branch stands where the other one branched off."""
    table = build(folder)
    table.rollback(tag="two")
    return table


def build_expired(folder):
    """The same, but the two oldest snapshots have expired; their tags are left."""
    table = build(folder)
    for number in (1, 2):
        (Path(table.path) / "snapshot" / f"snapshot-{number}").unlink()
    (Path(table.path) / "snapshot" / "EARLIEST").write_text("3")
    return table


def known_rows(table):
    """What every snapshot, of the table and its branches, and every tag reads, by the lists that it names."""
    known = {}
    for one in [table, *(table.at(branch=name) for name in table.branches.names())]:
        for number in one.snapshots.list()["snapshot_id"].to_pylist():
            known[_key(one.at(snapshot=number).snapshot)] = rows(one.at(snapshot=number))
        for name in one.tags.list()["tag_name"].to_pylist():
            known[_key(one.at(tag=name).snapshot)] = rows(one.at(tag=name))
    return known


def _key(snapshot):
    return (snapshot.base_manifest_list, snapshot.delta_manifest_list)


def faulty_table(path, plan):
    """The table behind a store that fails as planned; opening it is spared."""
    store, root = open_store(path)
    plan_n, plan.n = plan.n, 0
    table = Lake(FaultyStore(store, plan), root, Env()).table("db.t")
    plan.n, plan.seen = plan_n, 0
    return table


def latest_by_hint(table):
    """The latest snapshot as engines find it that believe LATEST unless the next number exists."""
    folder = Path(table.path) / "snapshot"
    numbers = sorted(int(file.name.removeprefix("snapshot-")) for file in folder.glob("snapshot-*"))
    hint = folder / "LATEST"
    if hint.exists() and int(hint.read_text()) + 1 not in numbers:
        return int(hint.read_text())
    return numbers[-1]


def rollback(table):
    table.rollback(snapshot=2)


def rollback_to_expired(table):
    table.rollback(tag="one")


def rollback_as_new(table):
    table.rollback_as_new(snapshot=3)


def fast_forward(table):
    table.branches.fast_forward("dev", discard=True)


def create_tag(table):
    table.tags.create("three", snapshot=3, exists_ok=True)


def replace_tag(table):
    table.tags.replace("two", snapshot=3)


def delete_tag(table):
    if "one" in table.tags.list()["tag_name"].to_pylist():
        table.tags.delete("one")


def rename_tag(table):
    there = table.tags.list()["tag_name"].to_pylist()
    if {"two", "zwei"} <= set(there):  # What a crash half-way leaves; the new name is as good as the old one.
        assert table.tags.get("two").snapshot == table.tags.get("zwei").snapshot
        table.tags.delete("two")
    elif "two" in there:
        table.tags.rename("two", "zwei")


def create_branch(table):
    table.branches.create("next", tag="four", exists_ok=True)


def delete_branch(table):
    if "dev" in table.branches.names():
        table.branches.delete("dev")


def rename_branch(table):
    there = set(table.branches.names())
    if {"dev", "prod"} <= there:  # What a crash half-way leaves: the old one whole, or the new one.
        whole = "dev" if table.at(branch="dev").snapshots.latest() else "prod"
        table.branches.delete("prod" if whole == "dev" else "dev")
        there = set(table.branches.names())
    if "dev" in there:
        table.branches.rename("dev", "prod")


CASES = [
    # operation, table, latest snapshots that it may leave half-way, the latest at the end
    (rollback, build, {2, 3, 4}, 2),
    (rollback_to_expired, build_expired, {1, 3, 4}, 1),
    (rollback_as_new, build, {4, 5}, 5),
    (fast_forward, build, {2, 3, 4}, 4),
    (fast_forward, build_behind, {2, 3, 4}, 4),
    (create_tag, build, {4}, 4),
    (replace_tag, build_expired, {4}, 4),
    (rename_tag, build, {4}, 4),
    (delete_tag, build_expired, {4}, 4),
    (create_branch, build, {4}, 4),
    (delete_branch, build, {4}, 4),
]


@cache
def template(make, folder):
    """A table that is made once and copied for every fault, and what it reads."""
    return known_rows(make(folder))


@pytest.fixture(scope="module")
def memory():
    """A folder where nothing waits for a disk; crashes are those of the process here, not of the machine."""
    folder = Path(memory_folder())
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def tmp_path(memory):
    """A folder for one test."""
    folder = memory / "copies"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def templates(memory):
    """Folder for tables that are made once."""
    folder = memory / "templates"
    folder.mkdir()
    return folder


def check_whole(table, known, allowed, *, gap=False):
    """The laws of this file.

    Args:
        table: The table.
        known: What its snapshots read.
        allowed: Numbers that the latest snapshot may have.
        gap: The numbers of its snapshots may have a gap: the target of a rollback is back and what is later not yet gone.
    """
    latest = table.snapshots.latest()
    assert latest.id in allowed
    assert latest_by_hint(table) == latest.id
    for number in table.snapshots.list()["snapshot_id"].to_pylist():
        pinned = table.at(snapshot=number)
        assert rows(pinned) == known[_key(pinned.snapshot)]
    for name in table.tags.list()["tag_name"].to_pylist():
        pinned = table.at(tag=name)
        assert rows(pinned) == known[_key(pinned.snapshot)]
    for name in table.branches.names():
        try:
            branch = table.at(branch=name)
        except ls.NotFoundError:
            continue  # Its making or its removal was cut short: no branch, as if it were not there.
        for number in branch.snapshots.list()["snapshot_id"].to_pylist():
            pinned = branch.at(snapshot=number)
            assert rows(pinned) == known[_key(pinned.snapshot)]
    damage = [found for found in table.check().findings if found.severity is Severity.DAMAGE]
    assert [found for found in damage if not (gap and found.rule == "snapshot-numbering")] == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("operation", "make", "halfway", "end"), CASES, ids=[f"{case[0].__name__}-{case[1].__name__}" for case in CASES]
)
def test_every_call_fails_once(tmp_path, templates, operation, make, halfway, end, kind):
    original = templates / make.__name__
    known = dict(template(make, original))
    for n in range(1, CALLS_MAX):
        folder = tmp_path / str(n)
        shutil.copytree(original, folder)
        plan = NthCall(n=n, kind=kind)
        try:
            operation(faulty_table(folder, plan))
        except (Crash, ls.StorageError, ls.CommitUnknownError):
            assert plan.fired
        table = ls.connect(folder).table("db.t")
        if operation is rollback_as_new and table.snapshots.latest().id == end:
            known[_key(table.snapshots.latest())] = rows(table.at(snapshot=3))
        check_whole(table, known, halfway, gap=operation is rollback_to_expired)
        if not (operation is rollback_as_new and table.snapshots.latest().id == end):
            operation(table)
        table = ls.connect(folder).table("db.t")
        if operation is rollback_as_new:
            known[_key(table.snapshots.latest())] = rows(table.at(snapshot=3))
        check_whole(table, known, {end})
        if not plan.fired:
            assert n > 3, "the sweep saw too few calls to mean anything"
            return
    raise AssertionError("the sweep did not end")


@pytest.mark.parametrize("kind", KINDS)
def test_a_branch_is_renamed_or_not(tmp_path, templates, kind):
    original = templates / build.__name__
    template(build, original)
    expected = rows(ls.connect(original).table("db.t$branch_dev"))
    for n in range(1, CALLS_MAX):
        folder = tmp_path / str(n)
        shutil.copytree(original, folder)
        plan = NthCall(n=n, kind=kind)
        try:
            rename_branch(faulty_table(folder, plan))
        except (Crash, ls.StorageError, ls.CommitUnknownError):
            assert plan.fired
        table = ls.connect(folder).table("db.t")
        whole = []
        for name in {"dev", "prod"} & set(table.branches.names()):
            try:
                whole.append(rows(table.at(branch=name)))
            except ls.NotFoundError:
                continue
        assert expected in whole
        assert all(found == expected for found in whole)
        if not plan.fired:
            assert n > 10, "the sweep saw too few calls to mean anything"
            assert table.branches.names() == ("prod",)
            return
    raise AssertionError("the sweep did not end")
