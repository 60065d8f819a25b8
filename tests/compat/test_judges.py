"""What other engines make of LakeStore's tables, and LakeStore of theirs.

Every shape is written by LakeStore and read by each engine; then a Java engine compacts a copy and writes on top, and
all read that; then LakeStore writes on top of Java, and all read that. An engine that is not installed is skipped
with the command that installs it.
"""

import shutil
from pathlib import Path

import pytest

import lakestore as ls
from tests.compat.shape import commit
from tests.compat.shapes import SHAPES
from tests.compat.theirs import AFTER_OLD_JAVA, LOST_AFTER_JAVA, NO_TURNS, THEIRS
from tests.golden import canon
from tools.judge.engines import RefusedError
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
READERS = [*JAVAS, "pypaimon", "rust"]

SHORT = {
    "types_keyed_4",
    "types_append",
    "nested_keyed",
    "updates_4",
    "sequence",
    "composite_key",
    "append_bucketed",
    "names_append",
    "names_keyed",
    "overwritten",
    "partition_date",
    "partition_timestamp",
    "partitions_keyed",
}
"""The tables of the short form, which asks one Java release; ``-m slow`` asks all about all."""


def slow_unless(short, values):
    """Parameters, with the mark for the long form on those that are not in the short one."""
    return [pytest.param(each, marks=[] if each in short else pytest.mark.slow) for each in values]


EVERY_SHAPE = pytest.mark.parametrize("name", slow_unless(SHORT, SHAPES))


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Makes a shape's table with LakeStore, once; returns its folder."""
    made = {}

    def folder(name):
        if name not in made:
            warehouse = tmp_path_factory.mktemp("warehouse")
            table = SHAPES[name].create(warehouse, name)
            for step in SHAPES[name].steps:
                commit(table, step)
            made[name] = Path(table.path)
        return made[name]

    return folder


def ours(folder):
    """The rows that LakeStore reads."""
    shape = canon.newest_shape(folder)
    return canon.rows_of(ls.open_table(folder).scan().to_arrow(), shape.kinds)


def copied(folder, target):
    """A copy of a table in a warehouse of its own."""
    copy = target / folder.parent.name / folder.name
    shutil.copytree(folder, copy)
    return copy


@pytest.mark.parametrize("name", SHAPES)
def test_lakestore_reads_what_it_wrote(name, written):
    shape = SHAPES[name]
    assert canon.difference(shape.after(shape.steps), ours(written(name))) is None


@pytest.mark.parametrize("reader", slow_unless(["java", "pypaimon", "rust"], READERS))
@EVERY_SHAPE
def test_engine_reads_what_lakestore_wrote(name, reader, written, engines):
    judge = engines(reader)
    shape = SHAPES[name]
    expected = shape.after(shape.steps)
    if (reader, name) not in THEIRS:
        assert canon.difference(expected, judge.read(written(name))) is None
        return
    try:
        wrong = canon.difference(expected, judge.read(written(name)))
    except RefusedError as refusal:
        wrong = str(refusal)
    assert wrong is not None, f"{reader} reads {name} well: take it off the list of theirs"
    pytest.xfail(THEIRS[reader, name])


@pytest.mark.parametrize("java", slow_unless(["java"], JAVAS))
@EVERY_SHAPE
def test_turns_with_java(name, java, written, engines, tmp_path):
    judge = engines(java)
    if (java, name) in THEIRS or name in NO_TURNS:
        pytest.xfail(THEIRS.get((java, name)) or NO_TURNS[name])
    shape = SHAPES[name]
    table = copied(written(name), tmp_path)
    judge.compact(table)
    everybody_reads(table, shape.after(shape.steps), name, java, engines)
    steps = [*shape.steps]
    for what, rows in shape.on_top:
        kind = "-D" if what == "delete" else "+I"
        judge.write(table, [{"kind": kind, "row": shape.full(row)} for row in rows])
        steps.append((what, rows))
    everybody_reads(table, shape.after(steps), name, java, engines)
    opened = ls.open_table(table)
    for step in shape.steps:
        commit(opened, step)
        steps.append(step)
    everybody_reads(table, shape.after(steps), name, java, engines)
    judge.compact(table)
    assert canon.difference(shape.after(steps), ours(table)) is None
    report = ls.open_table(table).check()
    assert not report.findings, report


def everybody_reads(table, expected, name, java, engines):
    """LakeStore and every installed engine agree on the rows."""
    assert canon.difference(expected, ours(table)) is None
    for reader in READERS:
        if (reader, name) in THEIRS:
            continue
        if name.startswith(LOST_AFTER_JAVA.get((reader, java), ("?",))):
            continue
        actual = AFTER_OLD_JAVA.get(reader, reader) if java == "java" else reader
        try:
            judge = engines(actual)
        except pytest.skip.Exception:
            continue
        found = canon.difference(expected, judge.read(table))
        assert found is None, f"{actual}: {found}"
