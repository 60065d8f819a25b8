"""Laws over whole lives of tables: random schemas with nested types, extreme values, random changes at any depth.

1. The table reads as rows kept in Python by field id: NaN, -0.0, the ends of every type, nulls at every depth.
2. Every snapshot reads under its own schema as it did, and under the latest one by field id with casts.
3. A scan with a predicate is the full scan, filtered in plain Python, whatever is pruned.
4. A path in ``select`` is the whole column with the rest left out.

``LAKESTORE_STORY_SECONDS`` says how long the long form runs.
"""

import os
import time

import pyarrow as pa
import pytest

from lakestore.api.scan import Scan
from tests.laws.oracles import truth
from tests.laws.story import KEY, Story
from tests.laws.story_questions import as_told, selected, truth_row
from tests.laws.story_values import plain
from tests.laws.test_evolution_laws import memory_warehouse


def read(scan, key):
    """What a scan hands out, by key, as plain rows."""
    found = pa.Table.from_batches(list(scan.to_batches()), scan.schema)
    found.validate(full=True)
    columns = {name: plain(found[name]) for name in found.column_names}
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return sorted(rows, key=lambda row: row[key])


def name_of(story, fields=None):
    return next(one.name for one in fields or story.fields if one.id == KEY)


def check(story):
    table = story.table.refresh()
    fields, key = story.fields, name_of(story)
    rows = story.expected(fields, story.rows)
    everything = as_told(rows, fields)
    assert read(table.scan(), key) == everything
    for number, moment in story.moments.items():
        pinned = table.at(snapshot=number)
        then = story.expected(moment.fields, moment.rows)
        assert read(pinned.scan(), name_of(story, moment.fields)) == as_told(then, moment.fields)
        now = as_told(story.expected(fields, moment.rows), fields)
        assert read(Scan(table._context, snapshot=pinned.snapshot), key) == now
    types = {name: kind for name, kind, _ in story.leaves()}
    for where in [*story.cast_values(rows), *(story.predicate(rows) for _ in range(6))]:
        kept = [told for row, told in zip(rows, everything, strict=True) if truth(where, truth_row(row, story), types)]
        assert read(table.scan(where), key) == kept, where
    for _ in range(2):
        path = story.path()
        field = next(one for one in fields if one.name == path[0])
        scan = table.scan(select=list(dict.fromkeys([key, ".".join(path)])))
        assert [row[field.name] for row in read(scan, key)] == selected(rows, field, path), path
    report = table.check(deep=True)
    assert report.ok, report


def tell(seed, **how):
    with memory_warehouse() as lake:
        try:
            check(Story(seed, lake, **how))
        except BaseException as error:
            error.add_note(f"story {seed}")
            raise


@pytest.mark.parametrize("seed", range(16))
def test_stories(seed):
    tell(seed)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_many_stories():
    end = time.monotonic() + float(os.environ.get("LAKESTORE_STORY_SECONDS", "300"))
    seed = int(os.environ.get("LAKESTORE_STORY_SEED", "1000"))
    told = 0
    while time.monotonic() < end:
        tell(seed + told, steps=6)
        told += 1
    print(f"{told} stories")
    assert told > 20
