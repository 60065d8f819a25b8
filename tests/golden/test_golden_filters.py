"""Filtered reads of tables that other engines wrote: each value that is there, and each null, finds its rows.

Page indexes are asked of row groups of any size here, so that those of other writers are, too.
"""

from pathlib import Path

import pytest

import lakestore as ls
from lakestore.core.bind import bind
from lakestore.core.filter import keep
from lakestore.errors import LakestoreError
from lakestore.format import parquet_filters
from lakestore.model.arrow import fields_from_arrow
from lakestore.model.predicate import Compare, CompareOp, IsNull, Not
from lakestore.model.types import EXOTIC, NESTED

FOLDER = Path(__file__).parent / "tables"
NAMES = sorted(path.name for path in FOLDER.iterdir())
VALUES_MAX = 2
OPS = (CompareOp.EQ, CompareOp.NE, CompareOp.LT, CompareOp.GE)


def predicates(table, rows):
    """Comparisons with some values of each column."""
    for field in fields_from_arrow(rows.schema):
        if field.type.root in {*NESTED, *EXOTIC}:
            continue
        yield IsNull(column=field.name)
        distinct = rows[field.name].drop_null().unique()
        step = max(1, len(distinct) // VALUES_MAX)
        for value in distinct.to_pylist()[::step][:VALUES_MAX]:
            for op in OPS:
                yield Compare(column=field.name, op=op, value=value)
                yield Not(child=Compare(column=field.name, op=op, value=value))


def told(rows):
    return sorted(map(repr, rows.to_pylist()))


SHORT = {"types_append", "types_pk", "evolve_append", "lsm_levels"}
"""The tables of the short form; ``-m slow`` takes the others."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in SHORT else pytest.mark.slow) for name in NAMES]
)
def test_filtered_reads_are_reads_filtered(name, monkeypatch):
    monkeypatch.setattr(parquet_filters, "PAGE_ROWS", 0)
    table = ls.open_table(FOLDER / name / "golden.db" / "t")
    try:
        rows = table.scan().to_arrow()
    except LakestoreError:
        pytest.skip("this table is not read (test_golden_reads says why)")
    for predicate in predicates(table, rows):
        kept = keep(bind(predicate, fields_from_arrow(rows.schema)), rows)
        assert told(table.scan(where=predicate).to_arrow()) == told(kept), predicate
