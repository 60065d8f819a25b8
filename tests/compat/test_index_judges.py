"""File indexes between engines: theirs read by us, ours by them, and the same bytes from both.

That an engine uses an index is shown by destroying the data file that the index rules out: a filtered read still
answers, an unfiltered one fails.
"""

import datetime
import shutil
import uuid
from decimal import Decimal

import pyarrow as pa
import pytest

import lakestore as ls
from lakestore.format.file_index import BytesAt, read_all
from tests.compat.test_judges import NEWER_JAVA
from tools.judge.engines import RefusedError

DAY = datetime.date(2024, 2, 28)
TIME = datetime.datetime(1969, 12, 31, 23, 59, 58)
COLUMNS = {
    "i": "INT",
    "b": "BIGINT",
    "s": "STRING",
    "f": "FLOAT",
    "d": "DOUBLE",
    "n": "DECIMAL(12, 2)",
    "day": "DATE",
    "t3": "TIMESTAMP(3)",
    "t6": "TIMESTAMP(6)",
    "flag": "BOOLEAN",
    "tiny": "TINYINT",
    "small": "SMALLINT",
}
BLOOM = ["i", "b", "s", "f", "d", "day", "t3", "t6", "tiny", "small"]
BITMAP = ["i", "b", "s", "f", "d", "day", "t3", "t6", "flag", "tiny", "small"]
RANGE = [*BITMAP, "n"]
BSI = ["i", "b", "n", "day", "t3", "t6", "tiny", "small"]


def batch(first):
    """Rows whose values differ from those of other batches, with nulls, signs, zeros and NaN."""
    numbers = [first + 3 * step for step in range(40)]
    floats = [0.0, -0.0, float("nan"), float("inf"), *[number / 4 for number in numbers[4:]]]
    columns = {
        "i": numbers,
        "b": [number * 10_000_000_019 - 5 for number in numbers],
        "s": [f"ключ-{number % 50}" + "x" * (number % 70) for number in numbers],
        "f": floats,
        "d": floats,
        "n": [Decimal(number) / 100 - 1 for number in numbers],
        "day": [DAY + datetime.timedelta(number) for number in numbers],
        "t3": [TIME + datetime.timedelta(milliseconds=number * 777) for number in numbers],
        "t6": [TIME + datetime.timedelta(microseconds=number * 777_777) for number in numbers],
        "flag": [number % 3 == 0 for number in numbers],
        "tiny": [number % 100 - 50 for number in numbers],
        "small": [number * 7 - 300 for number in numbers],
    }
    return pa.table({name: [None, *values[1:]] for name, values in columns.items()})


def options(kinds, **more):
    columns = {"bloom-filter": BLOOM, "bitmap": BITMAP, "range-bitmap": RANGE, "bsi": BSI}
    found = {f"file-index.{kind}.columns": ",".join(columns[kind]) for kind in kinds}
    if "bloom-filter" in kinds:
        found |= {f"file-index.bloom-filter.{column}.items": "200" for column in BLOOM}
    return {"bucket": "-1", "write-only": "true", **found, **more}


def made(folder, name, kinds, **more):
    lake = ls.connect(str(folder))
    table = lake.create_table(f"d.{name}", schema=COLUMNS, options=options(kinds, **more))
    return lake, table


def containers(table):
    """The indexes of each file, in the order in which the files were written."""
    files = sorted(
        (file for split in table.scan().plan().splits for file in split.files), key=lambda file: file.min_sequence
    )
    folder = table.path.removeprefix("file://")
    found = []
    for file in files:
        data = file.embedded_index
        if data is None:
            (name,) = file.extra_files
            with open(f"{folder}/bucket-0/{name}", "rb") as source:  # noqa: PTH123 - a plain read
                data = source.read()
        found.append(read_all(BytesAt(data), file.name))
    return found


OLD = ["bloom-filter"]
ALL = ["bloom-filter", "bitmap", "range-bitmap", "bsi"]
CASES = [("java", ["bloom-filter"]), *((name, ALL) for name in NEWER_JAVA)]


@pytest.mark.parametrize(("name", "kinds"), CASES)
def test_the_same_rows_give_the_same_bytes(engines, tmp_path, name, kinds):
    """All of the bloom filter, the range bitmap and bsi; a bitmap's values, whose bodies Java puts in any order."""
    engine = engines(name)
    _, ours = made(tmp_path / "ours", "t", kinds)
    ours.insert(batch(0))
    lake, theirs = made(tmp_path / "theirs", "t", kinds)
    rows = engine.read(tmp_path / "ours" / "d.db" / "t")
    ordered = sorted(rows, key=lambda row: (row["i"] is not None, int(row["i"] or 0)))
    engine.write(tmp_path / "theirs" / "d.db" / "t", ordered)
    (mine,), (other,) = containers(ours), containers(lake.table("d.t"))
    assert {column: set(found) for column, found in mine.items()} == {
        column: set(found) for column, found in other.items()
    }
    for column, found in mine.items():
        for kind, data in found.items():
            if kind == "bitmap":
                assert len(data) == len(other[column][kind]), column
            else:
                assert data == other[column][kind], (column, kind)
    assert theirs.name == "d.t"


FILTERS = [
    ("i", "=", "126"),
    ("b", "=", "1000000001895"),
    ("s", "=", "ключ-26" + "x" * 56),
    ("d", "=", "31.5"),
    ("day", "=", "2024-07-03"),
    ("t3", "=", "1970-01-01 00:01:35.902"),
    ("small", "=", "582"),
]
RANGES = [("i", ">=", "217"), ("n", ">", "1.16"), ("t6", "<", "1969-12-31 23:59:59"), ("b", "in", "5", "999999995")]
NULLS = [("i", "is null"), ("flag", "is not null"), ("tiny", "!=", "3")]


def where_of(condition):
    column, operator, *literals = condition
    kind = COLUMNS[column]
    words = [word if kind in {"INT", "BIGINT", "SMALLINT", "TINYINT", "DOUBLE"} else f"'{word}'" for word in literals]
    words = [word.removeprefix("'").removesuffix("'") if kind.startswith("DECIMAL") else word for word in words]
    return f"{column} {operator} " + (f"({', '.join(words)})" if operator == "in" else " ".join(words))


@pytest.mark.parametrize("kind", ALL)
def test_indexes_of_java_let_us_skip_and_lose_nothing(engines, tmp_path, kind):
    """Every file of Java's with every condition; what is skipped is as much as of our own."""
    if not NEWER_JAVA:
        pytest.skip("NOT JUDGED: no newer Java release is installed")
    engine = engines(NEWER_JAVA[0])
    options_off = {"metadata.stats-mode": "none"}
    _, ours = made(tmp_path / "ours", "t", [kind], **options_off)
    lake, theirs = made(tmp_path / "theirs", "t", [kind], **options_off)
    for first in (0, 1, 120):
        ours.insert(batch(first))
    folder = tmp_path / "theirs" / "d.db" / "t"
    seen = []
    for snapshot in (1, 2, 3):
        rows = engine.read(tmp_path / "ours" / "d.db" / "t", snapshot=snapshot)
        fresh = list(rows)
        for row in seen:
            fresh.remove(row)
        engine.write(folder, fresh)
        seen = rows
    theirs = lake.table("d.t")
    skipped = 0
    for condition in [*FILTERS, *RANGES, *NULLS]:
        where = where_of(condition)
        plan = theirs.scan(where=where).plan().report
        assert plan.files_by_index == ours.scan(where=where).plan().report.files_by_index, condition
        skipped += plan.files_by_index
        found = [table.scan(where=where, select=["b"]).to_arrow()["b"].to_pylist() for table in (theirs, ours)]
        everything = ours.scan().to_arrow()
        kept = ls.connect("memory://").create_table(f"d.t{uuid.uuid4().hex}", schema=COLUMNS)
        kept.insert(everything)
        plain = kept.scan(where=where, select=["b"]).to_arrow()["b"].to_pylist()
        assert sorted(found[0], key=str) == sorted(found[1], key=str) == sorted(plain, key=str)
    assert skipped >= 2


USED = {
    "bloom-filter": ("i", "=", "126"),
    "bitmap": ("i", "=", "126"),
    "range-bitmap": ("i", ">=", "217"),
    "bsi": ("i", ">=", "217"),
}
EXPECTED = {"=": [126], ">=": [number for number in range(120, 240, 3) if number >= 217]}
READERS = [("java", "bloom-filter"), ("java", "bitmap")]
READERS += [(name, kind) for name in (*NEWER_JAVA, "rust") for kind in ALL]


@pytest.mark.parametrize("far", [False, True], ids=["embedded", "file"])
@pytest.mark.parametrize(("name", "kind"), READERS)
def test_engines_use_our_indexes(engines, tmp_path, name, kind, far):
    engine = engines(name)
    more = {"file-index.in-manifest-threshold": "1 b" if far else "1 mb", "metadata.stats-mode": "none"}
    if name == "java":
        more |= {"file-index.bitmap.i.version": "1", "metadata.stats-dense-store": "false"}
    kept = {"i": "INT"}
    lake = ls.connect(str(tmp_path))
    more |= {f"file-index.{kind}.columns": "i", "bucket": "-1", "write-only": "true"}
    more = {key: value for key, value in more.items() if kind == "bitmap" or not key.startswith("file-index.bitmap")}
    table = lake.create_table("d.t", schema=kept, options=more)
    table.insert({"i": list(range(0, 120, 3))})
    table.insert({"i": list(range(120, 240, 3))})
    folder = tmp_path / "d.db" / "t"
    condition = USED[kind]
    expected = EXPECTED[condition[1]]
    ruled_out = min(
        (file for split in table.scan().plan().splits for file in split.files), key=lambda file: file.min_sequence
    )
    assert bool(ruled_out.extra_files) is far
    everything = engine.read(folder)
    assert len(everything) == 80
    (path,) = folder.rglob(ruled_out.name)
    whole = path.read_bytes()
    path.write_bytes(b"\0" * len(whole))
    found = engine.read(folder, where=[condition])
    assert set(expected) <= {int(row["i"]) for row in found}
    with pytest.raises(RefusedError):
        engine.read(folder)
    assert sorted(table.scan(where=where_of(condition)).to_arrow()["i"].to_pylist()) == expected
    shutil.rmtree(folder)


@pytest.mark.parametrize("far", [False, True], ids=["embedded", "file"])
def test_java_uses_the_indexes_that_our_job_made_for_its_files(engines, tmp_path, far):
    if not NEWER_JAVA:
        pytest.skip("NOT JUDGED: no newer Java release is installed")
    engine = engines(NEWER_JAVA[0])
    lake = ls.connect(str(tmp_path))
    plain = {"bucket": "-1", "write-only": "true", "metadata.stats-mode": "none"}
    plain["file-index.in-manifest-threshold"] = "1 b" if far else "1 mb"
    table = lake.create_table("d.t", schema={"i": "INT"}, options=plain)
    folder = tmp_path / "d.db" / "t"
    for numbers in (range(0, 120, 3), range(120, 240, 3)):
        engine.write(folder, [{"i": str(number)} for number in numbers])
    table = table.alter(ls.set_option("file-index.range-bitmap.columns", "i"))
    report = table.rewrite_file_index()
    assert (report.indexed, len(report.snapshot_ids)) == (2, 1)
    (first,) = (file for split in table.scan("i < 100").plan().splits for file in split.files)
    assert bool(first.extra_files) is far
    assert len(engine.read(folder)) == 80
    (path,) = folder.rglob(first.name)
    path.write_bytes(b"\0" * path.stat().st_size)
    assert sorted(int(row["i"]) for row in engine.read(folder, where=[("i", ">=", "217")])) == EXPECTED[">="]
    with pytest.raises(RefusedError):
        engine.read(folder)
