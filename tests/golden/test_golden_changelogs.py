"""The operations of golden tables through our API: the same changes, in the same snapshots, as Java's compaction found."""

import json
from pathlib import Path

import pyarrow as pa
import pytest

import lakestore as ls
from tests.compacting import changes_in, compact, snapshots_of
from tests.golden.canon import read_lines

TABLES = Path(__file__).parent / "tables"
TYPES = {"INT": pa.int32(), "BIGINT": pa.int64(), "STRING": pa.string()}


def replayed(name, folder, snapshots, **options):
    """The table that the script of a golden table makes here, up to the given number of writes."""
    steps = json.loads((TABLES / name / "script.json").read_text())[0]["steps"]
    schema = steps[0]["schema"]
    types = {field["name"]: TYPES[field["type"].split()[0]] for field in schema["fields"]}
    shape = pa.schema(
        [pa.field(each, kind, nullable=each not in schema["primaryKeys"]) for each, kind in types.items()]
    )
    table = ls.connect(folder).create_table(
        "db.t", schema=shape, primary_key=schema["primaryKeys"], options=schema["options"] | options
    )
    for step in steps[1:]:
        if len(snapshots_of(table)) >= snapshots:
            break
        if step["op"] != "write":
            continue
        with table.writer() as writer:
            for each in step["rows"]:
                row = {
                    key: value if value is None else pa.scalar(value).cast(types[key]).as_py()
                    for key, value in each["row"].items()
                }
                writer.write(pa.Table.from_pylist([row], schema=shape), row_kind=each["kind"])
            assert writer.commit().compact_error is None
        if step.get("full_compact"):
            compact(table, full=True)
    return table


def ours(table):
    return sorted(
        (snapshot.id, kind, tuple(sorted((name, str(value)) for name, value in row.items())))
        for snapshot in snapshots_of(table)
        for kind, row, _ in changes_in(table, snapshot)
    )


def theirs(name, last):
    return sorted(
        (line["snapshot"], line["kind"], tuple(sorted((key, str(value)) for key, value in line["row"].items())))
        for line in read_lines(TABLES / name / "changelog.jsonl")
        if line["snapshot"] <= last
    )


@pytest.mark.parametrize(
    ("name", "last", "options"),
    [
        ("changelog_lookup", 6, {}),
        ("changelog_full", 6, {"write-only": "true"}),
        ("agg_lookup_levels", 6, {}),
    ],
)
def test_the_same_operations_make_the_same_changelog(tmp_path, name, last, options):
    table = replayed(name, tmp_path, last, **options)
    expected = theirs(name, last)
    assert expected
    assert ours(table) == expected


def test_first_row_is_there_to_read_after_each_write(tmp_path):
    table = replayed("first_row", tmp_path, 99)
    found = sorted(str(sorted(row.items())) for row in table.to_arrow().to_pylist())
    golden = read_lines(TABLES / "first_row" / "expected.jsonl")
    assert found == sorted(str(sorted((row | {key: int(row[key]) for key in ("id", "c")}).items())) for row in golden)
