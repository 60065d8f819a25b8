"""Lists from which later rows take elements back, many keys at once, against plain Python row by row."""

import random

import numpy as np
import pyarrow as pa
import pytest

from lakestore.core.merge.engine import merge_rows
from lakestore.core.merge.groups import Groups
from lakestore.core.merge_options import parse_merge
from lakestore.model.arrow import arrow_schema
from lakestore.model.rows import SEQUENCE_NUMBER, VALUE_KIND
from lakestore.model.schema import TableSchema
from lakestore.model.types import Field, parse_type
from tests.laws.oracles_merge import merged

MEMBERS = [{"id": 5, "name": "k", "type": "INT"}, {"id": 6, "name": "v", "type": "STRING"}]
ROWS = {"type": "ARRAY", "element": {"type": "ROW", "fields": MEMBERS}}
INTS = {"type": "ARRAY", "element": "INT"}
TEXTS = {"type": "MAP", "key": "STRING NOT NULL", "value": "INT"}


def ints(rng):
    return [rng.choice([None, 1, 2]) for _ in range(rng.randrange(4))]


def nested(rng):
    return [
        rng.choice([None, {"k": rng.choice([None, 1, 2]), "v": rng.choice(["x", "y"])}])
        for _ in range(rng.randrange(4))
    ]


def entries(rng):
    return {key: rng.choice([None, 1, 2]) for key in rng.sample("abc", rng.randrange(3))}


CASES = {
    "collect": (INTS, ints, {"aggregate-function": "collect"}),
    "collect_distinct": (INTS, ints, {"aggregate-function": "collect", "distinct": "true"}),
    "collect_rows": (ROWS, nested, {"aggregate-function": "collect"}),
    "collect_distinct_rows": (ROWS, nested, {"aggregate-function": "collect", "distinct": "true"}),
    "merge_map": (TEXTS, entries, {"aggregate-function": "merge_map"}),
    "nested_update": (ROWS, nested, {"aggregate-function": "nested_update"}),
    "nested_update_limit": (ROWS, nested, {"aggregate-function": "nested_update", "count-limit": "2"}),
    "nested_update_key": (ROWS, nested, {"aggregate-function": "nested_update", "nested-key": "k"}),
    "nested_update_keys": (ROWS, nested, {"aggregate-function": "nested_update", "nested-key": "k,v"}),
    "nested_update_ignore": (
        ROWS,
        nested,
        {"aggregate-function": "nested_update", "nested-key": "k", "nested-key-null-strategy": "ignore"},
    ),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("grouped", [False, True])
def test_what_is_left_is_what_plain_python_leaves(name, grouped):
    kind, make, settings = CASES[name]
    engine = {"merge-engine": "partial-update", "fields.g.sequence-group": "x"}
    engine = engine if grouped else {"merge-engine": "aggregation", "fields.g.ignore-retract": "true"}
    engine |= {} if grouped else {"fields.g.aggregate-function": "last_value"}
    options = {**engine, **{f"fields.x.{key}": value for key, value in settings.items()}}
    types = {"id": "INT NOT NULL", "g": "INT", "x": kind}
    fields = tuple(Field(id=at, name=each, type=parse_type(types[each])) for at, each in enumerate(types))
    spec = parse_merge(TableSchema(id=0, fields=fields, primary_keys=("id",), options=options), options)
    rng = random.Random(name)
    keys = [
        [
            {
                "id": key,
                "g": rng.choice([None, 0, 1, 2]),
                "x": rng.choice([None, make(rng), make(rng), make(rng)]),
                "seq": number,
                "kind": rng.choice([0, 0, 2, 1, 3]),
            }
            for number in range(rng.randint(1, 7))
        ]
        for key in range(400)
    ]
    rows = [row for versions in keys for row in versions]
    shape = arrow_schema(fields)
    arrays = [pa.array([_entries(row[each.name]) for row in rows], each.type) for each in shape]
    arrays += [pa.array([row["seq"] for row in rows], pa.int64()), pa.array([row["kind"] for row in rows], pa.int8())]
    table = pa.Table.from_arrays(arrays, names=[*shape.names, SEQUENCE_NUMBER, VALUE_KIND])
    sizes = np.array([len(versions) for versions in keys])
    result = merge_rows(table, Groups(np.cumsum(sizes) - sizes, len(rows)), spec)
    found = result.column("x").to_pylist()
    assert found == [_entries(merged(versions, spec)["x"]) for versions in keys]


def _entries(value):
    return list(value.items()) if isinstance(value, dict) else value
