"""Changes between two states: what each mode tells, and what is refused rather than told wrongly."""

from datetime import UTC, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

import lakestore as ls
from tests.api.test_stream import SCHEMA, expire, keyed, overwritten


def told(changes):
    return sorted((tuple(row.values()) for row in changes.to_pylist()), key=str)


def keys(changes):
    return sorted(row[:2] for row in told(changes))


@pytest.fixture
def table(tmp_path):
    table = keyed(tmp_path)
    table.delete([{"id": 2}])
    return table


def test_delta_tells_the_rows_written(table):
    assert keys(table.changes((1, 4))) == [("+I", 0), ("+I", 0), ("+I", 2), ("+I", 3), ("-D", 2)]
    assert keys(table.changes((3, 4), mode="delta")) == [("-D", 2)]
    assert keys(table.changes((0, 1))) == [("+I", 0), ("+I", 1)]
    assert told(table.changes((3, 3))) == []


def test_diff_tells_what_is_different_in_the_end(table):
    assert told(table.changes((1, 4), mode="diff")) == [
        ("+I", 3, "new", 3),
        ("+U", 0, "at 3", 3),
        ("-U", 0, "at 1", 1),
    ]
    assert keys(table.changes((0, 4), mode="diff")) == [("+I", 0), ("+I", 1), ("+I", 3)]
    assert keys(table.changes((2, 4), mode="diff", where="id > 0")) == [("+I", 3), ("-D", 2)]
    assert told(table.changes((1, 4), mode="diff", select=["v"], where="id = 0")) == [("+U", "at 3"), ("-U", "at 1")]
    assert told(table.changes((1, 3), mode="diff", select=["id"])) == [("+I", 2), ("+I", 3)]


def test_compaction_changes_nothing(table):
    before = told(table.changes((1, 4), mode="diff"))
    table.compact(full=True)
    assert told(table.changes((1, 5), mode="diff")) == before
    assert told(table.changes((4, 5), mode="diff")) == []
    assert told(table.changes((4, 5))) == []


@pytest.mark.parametrize("producer", ["input", "lookup", "full-compaction"])
def test_changelog_is_what_was_recorded(tmp_path, producer):
    table = keyed(tmp_path, **{"changelog-producer": producer})
    latest = table.snapshots.latest().id
    found = keys(table.changes((0, latest)))
    updates = [("+I", 0)] * 3 if producer == "input" else [("+I", 0), ("+U", 0), ("+U", 0), ("-U", 0), ("-U", 0)]
    assert found == sorted([*updates, ("+I", 1), ("+I", 2), ("+I", 3)])
    assert keys(table.changes((0, latest), mode="delta")) == sorted([("+I", 0)] * 3 + [("+I", n) for n in (1, 2, 3)])


def test_there_is_no_changelog_without_a_producer(table):
    with pytest.raises(ls.InvalidInputError, match="changelog-producer is none"):
        table.changes((1, 3), mode="changelog")


def test_tags_are_compared_even_when_their_snapshots_are_gone(table):
    table.tags.create("a", snapshot=1)
    table.tags.create("b", snapshot=3)
    expected = told(table.changes((1, 3), mode="diff"))
    assert told(table.changes(("a", "b"))) == expected
    assert keys(table.changes(("a", "b"), mode="delta")) == [("+I", 0), ("+I", 0), ("+I", 2), ("+I", 3)]
    expire(table, below=4)
    assert told(table.changes(("a", "b"))) == expected
    with pytest.raises(ls.OutOfRangeError, match="snapshot 2: it has expired"):
        table.changes(("a", "b"), mode="delta")
    with pytest.raises(ls.NotFoundError, match="'a', 'b'"):
        table.changes(("a", "c"))


def test_times(table):
    times = [one["commit_time"].replace(tzinfo=UTC) for one in table.snapshots.list().to_pylist()]
    before, end = times[0] - timedelta(days=1), times[3] + timedelta(days=1)
    assert told(table.changes((before, end))) == told(table.changes((0, 4)))
    assert told(table.changes((end, end))) == []
    expire(table, below=2)
    with pytest.raises(ls.OutOfRangeError, match="may have expired"):
        table.changes((before, end))


def test_from_the_automatic_tag_before(tmp_path):
    table = keyed(tmp_path, **{"tag.automatic-creation": "batch"})
    for name, snapshot in {"2026-11-18": 1, "2026-11-19": 2, "2026-11-20": 3, "by-hand": 3}.items():
        table.tags.create(name, snapshot=snapshot)
    assert told(table.changes(to_auto_tag="2026-11-20")) == told(table.changes((2, 3), mode="diff"))
    with pytest.raises(ls.NotFoundError, match="no automatic tag before '2026-11-18'"):
        table.changes(to_auto_tag="2026-11-18")
    with pytest.raises(ls.InvalidInputError, match="'by-hand' is not the name of an automatic tag"):
        table.changes(to_auto_tag="by-hand")


def test_what_cannot_be_told_is_refused(table):
    expire(table, below=3)
    with pytest.raises(ls.OutOfRangeError, match="no snapshot 2: it has expired"):
        table.changes((1, 3))
    with pytest.raises(ls.NotFoundError, match="there are 3 to 4"):
        table.changes((1, 4), mode="diff").to_arrow()
    with pytest.raises(ls.OutOfRangeError, match="has no snapshot 5: it is still to come"):
        table.changes((3, 5))


@pytest.mark.parametrize("between", [None, 3, (1,), (1, 2, 3), (3, 1), (1.5, 2), (True, 2)])
def test_what_is_no_pair_of_states_is_refused(table, between):
    with pytest.raises(ls.InvalidInputError):
        table.changes(between)
    with pytest.raises(ls.InvalidInputError, match="mode"):
        table.changes((1, 2), mode="everything")


def test_overwrites_are_refused_unless_something_is_to_become_of_them(tmp_path):
    table = overwritten(tmp_path)
    with pytest.raises(ls.UnsupportedFormatError, match="snapshot 3 is an overwrite"):
        table.changes((1, 3))
    assert keys(table.changes((2, 3), overwrites="emit")) == keys(table.changes((2, 3), mode="diff"))
    assert keys(table.changes((2, 3), overwrites="append")) == [("+I", 1), ("+I", 2), ("+I", 5)]
    assert told(table.changes((2, 3), overwrites="skip")) == []


def test_append_tables(tmp_path):
    table = ls.connect(tmp_path).create_table("db.t", schema=SCHEMA, options={})
    for number in range(3):
        table.insert([{"id": number, "v": "x", "n": 0}])
    assert keys(table.changes((1, 3))) == [("+I", 1), ("+I", 2)]
    assert keys(table.changes((1, 3), mode="diff")) == [("+I", 1), ("+I", 2)]
    table.overwrite([{"id": 9, "v": "y", "n": 0}])
    assert keys(table.changes((2, 4), mode="diff")) == [("+I", 9), ("-D", 0), ("-D", 1)]


def test_a_compaction_of_an_append_table_hides_the_difference(tmp_path):
    table = ls.connect(tmp_path).create_table("db.t", schema=SCHEMA, options={})
    for number in range(3):
        table.insert([{"id": number, "v": "x", "n": 0}])
    table.cluster_by("id")
    latest = table.snapshots.latest()
    assert (latest.id, str(latest.commit_kind)) == (4, "COMPACT")
    with pytest.raises(ls.UnsupportedFormatError, match="use mode delta"):
        table.changes((1, 4), mode="diff")
    assert keys(table.changes((1, 4))) == [("+I", 1), ("+I", 2)]


def test_the_result_is_arrow(table):
    changes = table.changes((1, 4))
    assert changes.schema.names == ["_row_kind", "id", "v", "n"]
    assert pa.table(changes).num_rows == changes.to_arrow().num_rows == 5
    assert pa.RecordBatchReader.from_stream(changes).schema.equals(changes.schema)
    assert "_row_kind" in repr(changes)


def test_stored_incremental_options_are_refused(tmp_path):
    table = keyed(tmp_path)
    file = Path(table.path) / "schema" / "schema-0"
    file.write_text(file.read_text().replace('"bucket" : "2"', '"bucket" : "2", "incremental-between" : "1,2"'))
    again = ls.open_table(table.path)
    for read in (again.to_arrow, lambda: again.stream("latest"), lambda: again.changes((1, 2))):
        with pytest.raises(ls.UnsupportedFormatError, match="incremental-between"):
            read()
