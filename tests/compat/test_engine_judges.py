"""What the other engines make of LakeStore's tables of every merge engine, and LakeStore of theirs.

LakeStore writes a table and the engines read it; a Java engine compacts a copy and writes on top, LakeStore writes on
top of that, and Java compacts again: at each point all read the rows that plain Python works out.
"""

from pathlib import Path

import pytest

import lakestore as ls
from tests.compat.judged import Judged
from tests.compat.shapes_engines import ENGINE_SHAPES
from tests.compat.test_judges import JAVAS, copied, ours, slow_unless
from tests.compat.theirs import THEIRS
from tests.golden import canon

SHORT = {"partial_update", "sequence_groups", "aggregation_retracted", "first_row"}
EVERY_SHAPE = pytest.mark.parametrize("name", slow_unless(SHORT, ENGINE_SHAPES))


@pytest.fixture
def judged(tmp_path):
    """Makes a shape's table with LakeStore."""

    def made(name):
        found = Judged(name, tmp_path / "warehouse")
        for commit in found.shape.commits:
            found.write(commit, found.table)
        return found

    return made


def sketched(low, high):
    """An HLL and a theta sketch of some numbers."""
    package = pytest.importorskip("datasketches")
    hll, theta = package.hll_sketch(12, package.tgt_hll_type.HLL_4), package.update_theta_sketch()
    for number in range(low, high):
        hll.update(number)
        theta.update(number)
    return {"hll": hll.serialize_compact(), "theta": theta.compact().serialize()}


def estimates(row):
    package = pytest.importorskip("datasketches")
    hll = package.hll_sketch.deserialize(row["hll"])
    return hll.get_estimate(), package.compact_theta_sketch.deserialize(row["theta"]).get_estimate()


@pytest.mark.slow
@pytest.mark.parametrize("judge", ["java-1.4.2", "rust"])
def test_sketches_estimate_alike(judge, engines, tmp_path):
    functions = {"hll": "hll_sketch", "theta": "theta_sketch"}
    options = {f"fields.{name}.aggregate-function": function for name, function in functions.items()}
    table = ls.connect(tmp_path).create_table(
        "judged.sketches",
        schema={"id": "INT", "hll": "BYTES", "theta": "BYTES"},
        primary_key=["id"],
        options={"merge-engine": "aggregation", "write-only": "true", **options},
    )
    for low, high in ((0, 100), (50, 5000), (4000, 6000)):
        table.upsert([{"id": 1, **sketched(low, high)}])
    (own,) = table.to_arrow().to_pylist()
    (theirs,) = engines(judge).read(Path(table.path))
    theirs = {name: bytes.fromhex(theirs[name]) for name in functions}
    assert estimates(own) == pytest.approx(estimates(theirs))
    assert estimates(own) == pytest.approx((6000, 6000), rel=0.05)


def agrees(table, expected, name, judges):
    """LakeStore and the judges read those rows."""
    assert canon.difference(expected, ours(table)) is None
    for judge in judges:
        if (judge.name, name) not in THEIRS:
            assert canon.difference(expected, judge.read(table)) is None, judge.name


@pytest.mark.parametrize("name", ENGINE_SHAPES)
def test_lakestore_reads_what_it_wrote(name, judged):
    found = judged(name)
    expected = [] if found.shape.hidden else found.rows
    assert canon.difference(expected, ours(Path(found.table.path))) is None
    assert found.table.check(deep=True).ok


@pytest.mark.parametrize("java", slow_unless(["java"], JAVAS))
@EVERY_SHAPE
def test_turns_with_java(name, java, judged, engines, tmp_path):
    if (java, name) in THEIRS:
        pytest.xfail(THEIRS[java, name])
    found, java, rust = judged(name), engines(java), engines("rust")
    table = copied(Path(found.table.path), tmp_path / "copy")
    agrees(table, [] if found.shape.hidden else found.rows, name, [java, rust])
    java.compact(table)
    found.model.compact()
    agrees(table, found.rows, name, [java, rust])
    for commit in found.shape.on_top:
        found.judge_writes(commit, table, java)
    if not found.shape.hidden:
        agrees(table, found.rows, name, [java, rust])
    opened = ls.open_table(table)
    for commit in found.shape.on_top:
        found.write(commit, opened)
    if not found.shape.hidden:
        agrees(table, found.rows, name, [java, rust])
    java.compact(table)
    found.model.compact()
    agrees(table, found.rows, name, [java, rust])
    assert ls.open_table(table).check(deep=True).ok
