"""Tables that other engines wrote read as those engines said, or are refused by the name of what is missing.

``tables/NAME/golden.db/t`` is a table; ``about.json`` beside it says which reads were made, with what arguments and
what file holds their rows.
"""

import json
import re
from functools import cache
from pathlib import Path

import pytest

import lakestore as ls
from tests.golden import canon

TABLES = Path(__file__).parent / "tables"

OUT_OF_SCOPE = {
    "append_dv": "deletion.vectors",
    "dv_pk": "deletion.vectors",
}
"""Tables that this release refuses, each with what its error must name. A table leaves this list when it is read."""


@cache
def about(name):
    """What is known about a table."""
    return json.loads((TABLES / name / "about.json").read_text(encoding="utf-8"))


NAMES = sorted(path.name for path in TABLES.iterdir())
READS = [(name, label) for name in NAMES for label in about(name)["reads"]]


def read(table, arguments):
    """The table, or its state at the point that the arguments name, as canonical rows."""
    kinds = canon.newest_shape(Path(table.path)).kinds
    match arguments:
        case []:
            return canon.rows_of(table.scan().to_arrow(), kinds)
        case ["--snapshot", number]:
            pinned = table.at(snapshot=int(number))
            return canon.rows_of(pinned.scan().to_arrow(), _kinds_at(table, pinned))
        case ["--tag" | "--branch" as argument, value]:
            return canon.rows_of(table.at(**{argument.removeprefix("--"): value}).scan().to_arrow(), kinds)
    raise AssertionError(f"no way to read with {arguments}")


def _kinds_at(table, pinned):
    """Kinds of the columns at a snapshot, which may have an older schema."""
    schema = Path(table.path) / "schema" / f"schema-{pinned.snapshot.schema_id}"
    return canon.shape_of(json.loads(schema.read_text(encoding="utf-8"))).kinds


def test_there_are_as_many_tables_as_the_index_says():
    assert len(NAMES) == 46
    assert set(NAMES) >= set(OUT_OF_SCOPE)


@pytest.mark.parametrize(("name", "label"), READS, ids=[f"{name}-{label}" for name, label in READS])
def test_read(name, label):
    known = about(name)["reads"][label]
    if name in OUT_OF_SCOPE:
        with pytest.raises(ls.LakestoreError, match=re.compile(OUT_OF_SCOPE[name], re.IGNORECASE)) as refusal:
            read(ls.open_table(TABLES / name / "golden.db" / "t"), known["arguments"])
        assert not isinstance(refusal.value, ls.InvariantError | ls.CorruptTableError)
        return
    table = ls.open_table(TABLES / name / "golden.db" / "t")
    expected = canon.read_lines(TABLES / name / known["file"])
    actual = read(table, known["arguments"])
    assert canon.difference(expected, actual, unordered=about(name)["unordered_columns"]) is None


@pytest.mark.parametrize("name", [name for name in NAMES if name not in OUT_OF_SCOPE])
def test_the_warehouse_knows_the_table(name):
    lake = ls.connect(TABLES / name)
    assert lake.databases() == ["golden"]
    assert lake.tables("golden") == ["t"]
    table = lake.table("golden.t")
    assert list(table.primary_key) == about(name)["primaryKeys"]
    assert list(table.partition_by) == about(name)["partitionKeys"]
    assert table.count() == about(name)["reads"]["expected"]["rows"]


@pytest.mark.parametrize("name", [name for name in NAMES if name not in OUT_OF_SCOPE])
def test_each_column_reads_alone_as_it_reads_with_the_others(name):
    table = ls.open_table(TABLES / name / "golden.db" / "t")
    whole = table.scan().to_arrow()
    for column in table.schema.names:
        alone = canon.rows_of(table.scan(select=[column]).to_arrow())
        assert canon.difference(canon.rows_of(whole.select([column])), alone) is None
