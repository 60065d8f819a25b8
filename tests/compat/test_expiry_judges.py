"""Expiry against the Java engine's own: on copies of one table both leave exactly the same files."""

import shutil
from pathlib import Path

import pytest

import lakestore as ls
from tests.machines.reach import files_of, garbage, memory_folder, reads_of, rows_of
from tools.judge.engines import Engine
from tools.judge.places import HOME, OLDEST_JAVA, NotInstalledError

NEWEST = max(
    (
        folder.name
        for folder in HOME.glob("java-*")
        if any(folder.glob("jars/*.jar")) and OLDEST_JAVA not in folder.name
    ),
    key=lambda name: [int(part) for part in name.removeprefix("java-").split(".")],
    default="java",
)
JAVAS = ["java", *({NEWEST} - {"java"})]
SCHEMA = {"id": "INT", "day": "STRING", "text": "STRING"}
COMMON = {"bucket": "1", "write-only": "true"}
TABLES = {
    "keyed": {"primary_key": ["id"], "options": COMMON},
    "input": {"primary_key": ["id"], "options": {**COMMON, "changelog-producer": "input"}},
    "partitions": {"primary_key": ["id", "day"], "partition_by": ["day"], "options": COMMON},
    "manifests": {"primary_key": ["id"], "options": {**COMMON, "manifest.merge-min-count": "2"}},
    "append": {"options": {"bucket": "-1", "write-only": "true"}},
}
HINTS = {"snapshot/EARLIEST", "snapshot/LATEST", "changelog/EARLIEST", "changelog/LATEST"}


@pytest.fixture(scope="module")
def engine():
    engines = {}

    def ask(name):
        if name not in engines:
            try:
                engines[name] = Engine(name)
            except NotInstalledError as missing:
                pytest.skip(str(missing))
        return engines[name]

    yield ask
    for each in engines.values():
        each.close()


@pytest.fixture
def folder():
    found = Path(memory_folder())
    yield found
    shutil.rmtree(found)


def history(folder, kind):
    """Commits, full compactions, an overwrite, statistics, tags on live and on expired snapshots."""
    table = ls.connect(folder / "ours").create_table("db.t", schema=SCHEMA, **TABLES[kind])
    for number in range(8):
        table.insert([{"id": number % 3, "day": "ab"[number % 2], "text": str(number)}])
        if number in {2, 5} and table.primary_key:
            table.compact(full=True)
        if number in {1, 4, 6}:
            table.tags.create(f"t{number}")
        if number == 3:
            table.analyze(["id"])
    table.overwrite([{"id": 9, "day": "a", "text": "over"}])
    table.insert([{"id": 8, "day": "b", "text": "last"}])
    return table


def copied(folder):
    shutil.copytree(folder / "ours", folder / "theirs")
    return folder / "theirs/db.db/t"


def left(root):
    return files_of(root) - HINTS


@pytest.mark.parametrize("java", JAVAS)
@pytest.mark.parametrize("kind", TABLES)
def test_both_leave_the_same_files(engine, folder, kind, java):
    judge = engine(java)
    table = history(folder, kind)
    theirs = copied(folder)
    before = reads_of(table.path)
    for least, most in ((5, 8), (2, 4), (1, 1)):
        judge.ask("expire", theirs, retainMax=most, retainMin=least)
        table.snapshots.expire(retain_max=most, retain_min=least, older_than=2**53)
        assert left(theirs) == left(table.path), (least, most)
        assert reads_of(table.path).items() <= before.items()
    for name in ("t4", "t1", "t6"):
        judge.ask("delete_tag", theirs, name=name)
        table.tags.delete(name)
        assert left(theirs) == left(table.path), name
    assert garbage(table.path) == (set(), set())


@pytest.mark.parametrize("java", JAVAS)
@pytest.mark.parametrize("kind", ["keyed", "input"])
def test_both_leave_the_same_where_changelogs_outlive_snapshots(engine, folder, kind, java):
    judge = engine(java)
    table = history(folder, kind)
    for name in ("t1", "t4", "t6"):
        table.tags.delete(name)
    theirs = copied(folder)
    longer = table.alter(ls.set_option("changelog.num-retained.max", "6"))
    for least, most in ((3, 4), (1, 2)):
        judge.ask("expire", theirs, retainMax=most, retainMin=least, changelogMax=6)
        longer.snapshots.expire(retain_max=most, retain_min=least, older_than=2**53)
        assert left(theirs) == {path for path in left(table.path) if path != "schema/schema-1"}


@pytest.mark.parametrize("java", JAVAS)
def test_each_goes_on_after_the_other(engine, folder, java):
    judge = engine(java)
    table = history(folder, "partitions")
    rows = rows_of(table)
    table.snapshots.expire(retain_max=6, retain_min=6, older_than=2**53)
    judge.ask("expire", Path(table.path), retainMax=4, retainMin=4)
    assert rows_of(table) == rows
    table.snapshots.expire(retain_max=2, retain_min=2, older_than=2**53)
    judge.compact(Path(table.path))
    judge.ask("expire", Path(table.path), retainMax=1, retainMin=1)
    assert rows_of(table) == rows
    assert len(judge.read(Path(table.path))) == len(rows)
    table.remove_orphans(older_than=2**53)
    assert table.check(deep=True).ok
    assert len(judge.read(Path(table.path), tag="t1")) == table.at(tag="t1").count()


@pytest.mark.parametrize("name", ["pypaimon", "rust"])
def test_python_engines_read_what_is_left(engine, folder, name):
    judge = engine(name)
    table = history(folder, "partitions")
    table.snapshots.expire(retain_max=1, older_than=2**53)
    table.tags.delete("t4")
    table.remove_orphans(older_than=2**53)
    assert len(judge.read(Path(table.path))) == table.count()
    assert len(judge.read(Path(table.path), tag="t1")) == table.at(tag="t1").count()
