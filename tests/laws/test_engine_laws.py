"""The merge engines against plain Python, over random rows, kinds, nulls, options and cut points."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lakestore.core.merge.engine import merge_rows
from lakestore.core.merge.groups import Groups
from lakestore.core.merge_types import check_type
from lakestore.errors import InvalidInputError
from lakestore.model.arrow import arrow_schema
from lakestore.model.merging import RETRACTABLE, ColumnMerge, Function, MergeSpec, NullKeys, SequenceGroup
from lakestore.model.rows import SEQUENCE_NUMBER, VALUE_KIND, MergeEngine
from lakestore.model.types import DataType, Field, TypeRoot, parse_type_text
from tests.laws.oracles_merge import Refused, merged

LAW = settings(max_examples=150, deadline=None)


def row_of(*members):
    fields = tuple(Field(id=index, name=name, type=parse_type_text(text)) for index, (name, text) in enumerate(members))
    return DataType(root=TypeRoot.ROW, fields=fields)


def array_of(element):
    return DataType(root=TypeRoot.ARRAY, element=element)


def map_of(key, value):
    return DataType(root=TypeRoot.MAP, key=parse_type_text(f"{key} NOT NULL"), value=value)


NESTED = array_of(row_of(("k", "INT"), ("j", "STRING"), ("s", "INT"), ("v", "STRING")))
KEYTIME = map_of("STRING", row_of(("v", "INT"), ("t", "STRING")))
small = st.integers(-3, 3)
letters = st.sampled_from(["a", "b", "ab", "c", "é", "￿", "😀"])
listed = st.sampled_from(["a", "b", "a,b", "b,,c", "", " ", "\u3000\t", ",", "a b", "x--y", "\u00a0"])
nested_rows = st.fixed_dictionaries(
    {"k": st.none() | st.integers(0, 2), "j": st.none() | letters, "s": st.none() | small, "v": st.none() | letters}
)
VALUES = {
    "TINYINT": st.integers(-50, 50),
    "INT": small | st.sampled_from([2**31 - 1, -(2**31)]),
    "BIGINT": small | st.sampled_from([2**62, 2**63 - 1, -(2**63)]),
    "FLOAT": st.sampled_from([0.5, -1.0, 2.0, 4.0]),
    "DOUBLE": st.sampled_from([0.1, -1.7, 2.3, 4e300]),
    "DECIMAL(4, 2)": st.sampled_from(["0.01", "-1.50", "3.00", "50.00", "99.99", "-99.99"]).map(Decimal),
    "DECIMAL(38, 3)": st.sampled_from(["0.001", "-1.5", "3", "9" * 35, "-" + "9" * 34, "2" + "0" * 30]).map(
        lambda text: Decimal(text).quantize(Decimal("0.001")) if len(text) < 9 else Decimal(text + ".000")
    ),
    "STRING": letters,
    "BYTES": st.sets(st.integers(0, 9)).map(lambda members: bytes(sorted(members))),
    "BOOLEAN": st.booleans(),
    "DATE": st.dates(),
}
NUMBERS = ["TINYINT", "INT", "BIGINT", "FLOAT", "DOUBLE", "DECIMAL(4, 2)", "DECIMAL(38, 3)"]


@st.composite
def columns(draw, functions):
    """A column with a function of those, and its values."""
    function = draw(st.sampled_from(functions))
    options = {"function": function}
    if function in RETRACTABLE or draw(st.booleans()):
        options["ignore_retract"] = draw(st.booleans())
    else:
        options["ignore_retract"] = draw(st.sampled_from([True, True, False]))
    name = draw(st.sampled_from([*NUMBERS, "STRING", "BOOLEAN", "DATE"]))
    if function in {Function.SUM, Function.PRODUCT}:
        name = draw(st.sampled_from(NUMBERS))
    kind, values = parse_type_text(name), VALUES[name]
    match function:
        case Function.BOOL_AND | Function.BOOL_OR:
            kind, values = parse_type_text("BOOLEAN"), st.booleans()
        case Function.RBM32:
            kind, values = parse_type_text("BYTES"), VALUES["BYTES"]
        case Function.LISTAGG:
            kind, values = parse_type_text("STRING"), listed
            options |= {"distinct": draw(st.booleans()), "delimiter": draw(st.sampled_from([",", "--", "", " "]))}
        case Function.COLLECT:
            element, elements = draw(
                st.sampled_from([("INT", small), ("STRING", letters), ("ROW", st.none() | nested_rows)])
            )
            inner = NESTED.element if element == "ROW" else parse_type_text(element)
            kind, values = array_of(inner), st.lists(st.none() | elements, max_size=3)
            options["distinct"] = draw(st.booleans())
        case Function.MERGE_MAP:
            kind = map_of("STRING", parse_type_text("INT"))
            values = st.dictionaries(letters, st.none() | small, max_size=3)
        case Function.MERGE_MAP_WITH_KEYTIME:
            entry = st.fixed_dictionaries({"v": st.none() | small, "t": st.none() | st.sampled_from(["1", "2", "3"])})
            kind, values = KEYTIME, st.dictionaries(letters, st.none() | entry, max_size=3)
        case Function.NESTED_UPDATE | Function.NESTED_PARTIAL_UPDATE:
            kind, values = NESTED, st.lists(st.none() | nested_rows, max_size=3)
            keys = [("k",), ("k", "j")] + ([()] if function is Function.NESTED_UPDATE else [])
            options["nested_key"] = draw(st.sampled_from(keys))
            if options["nested_key"]:
                options["null_keys"] = draw(st.sampled_from(list(NullKeys)))
            if function is Function.NESTED_UPDATE:
                options["count_limit"] = draw(st.sampled_from([1, 2, 3, 2147483647]))
                options["nested_sequence"] = draw(st.sampled_from([(), ("s",)])) if options["nested_key"] else ()
    return check_type(ColumnMerge(name="x", type=kind, **options), {}), st.none() | values


def table_of(versions, spec):
    """The rows of all keys as a table, keys one after another, and their groups."""
    rows = [row for group in versions for row in group]
    schema = arrow_schema(Field(id=0, name=field.name, type=field.type) for field in spec.columns)
    arrays = [
        pa.array([as_pairs(row[field.name], field.type) for row in rows], schema.field(field.name).type)
        for field in spec.columns
    ]
    arrays += [pa.array([row["seq"] for row in rows], pa.int64()), pa.array([row["kind"] for row in rows], pa.int8())]
    names = [*schema.names, SEQUENCE_NUMBER, VALUE_KIND]
    sizes = np.array([len(group) for group in versions], np.int64)
    return pa.Table.from_arrays(arrays, names=names), Groups(np.cumsum(sizes) - sizes, int(sizes.sum()))


def as_pairs(value, kind):
    return list(value.items()) if kind.root is TypeRoot.MAP and value is not None else value


def rows_of(table, spec):
    """The rows of a table as the oracle has them."""
    rows = table.to_pylist()
    maps = [field.name for field in spec.columns if field.type.root is TypeRoot.MAP]
    return [
        {
            **{key: value for key, value in row.items() if key not in {SEQUENCE_NUMBER, VALUE_KIND}},
            **{name: None if row[name] is None else dict(row[name]) for name in maps},
            "seq": row[SEQUENCE_NUMBER],
            "kind": row[VALUE_KIND],
        }
        for row in rows
    ]


def union_of(values):
    return bytes(sorted(set().union(*values)))


def kernel(versions, spec, *, shuffle=None, alone=None):
    table, groups = table_of(versions, spec)
    order = None
    if shuffle is not None:
        order = np.array(shuffle, np.int64)
        places = np.empty_like(order)
        places[order] = np.arange(len(order))
        table = table.take(pa.array(places))
    result = merge_rows(table, groups, spec, order=order, alone=alone, unions={Function.RBM32: union_of})
    result.validate()
    # Sums of short decimals keep more digits than their type has, as Java's do, which full validation refuses.
    result.select([one.name for one in result.schema if str(one.type) != "decimal128(4, 2)"]).validate(full=True)
    assert result.schema == table.schema
    return rows_of(result, spec)


def check(versions, spec, *, shuffle=None, alone=None):
    """The kernel answers what the oracle does, or both refuse."""
    forced = [False] * len(versions) if alone is None else alone
    try:
        wanted = [merged(rows, spec, alone=one) for rows, one in zip(versions, forced, strict=True)]
    except Refused:
        with pytest.raises(InvalidInputError):
            kernel(versions, spec, shuffle=shuffle, alone=alone)
        return None
    found = kernel(versions, spec, shuffle=shuffle, alone=alone)
    assert found == wanted
    return found


@st.composite
def versions_of(draw, values, kinds, *, keys=4, size=5):
    """Versions of several keys: dicts with a value for each name."""
    groups = draw(
        st.lists(
            st.lists(st.fixed_dictionaries({**values, "kind": st.sampled_from(kinds)}), min_size=1, max_size=size),
            min_size=1,
            max_size=keys,
        )
    )
    return [[{**row, "seq": index} for index, row in enumerate(rows)] for rows in groups]


ADDS, ALL = [0, 2], [0, 0, 0, 2, 1, 3]


@st.composite
def aggregations(draw):
    field, values = draw(columns([function for function in Function if function is Function.RBM32 or _plain(function)]))
    remove = not field.ignore_retract and draw(st.booleans())
    kinds = draw(st.sampled_from([ADDS, ALL, [0, 0, 3]]))
    spec = MergeSpec(engine=MergeEngine.AGGREGATION, columns=(field,), remove_on_delete=remove)
    versions = draw(versions_of({"x": values}, kinds))
    return spec, versions


def _plain(function):
    return function not in {Function.RBM64, Function.HLL_SKETCH, Function.THETA_SKETCH}


@given(aggregations(), st.data())
@settings(max_examples=400, deadline=None)
def test_aggregation_is_its_functions_row_by_row(case, data):
    spec, versions = case
    rows = sum(len(group) for group in versions)
    shuffle = data.draw(st.none() | st.permutations(range(rows)))
    alone = data.draw(st.none() | st.lists(st.booleans(), min_size=len(versions), max_size=len(versions)))
    check(versions, spec, shuffle=shuffle, alone=None if alone is None else np.array(alone))


UNDONE_BY_ORDER = {
    Function.PRODUCT: "rounds, and overflows on the way",
    Function.MERGE_MAP_WITH_KEYTIME: "forgets what a null row removed",
}
"""Functions for which merging early is not promised."""


@given(aggregations(), st.data())
@settings(max_examples=200, deadline=None)
def test_aggregating_early_changes_nothing(case, data):
    """merge(merge(a) + b) == merge(a + b) for adds; sums keep it with retracts too."""
    spec, versions = case
    field = spec.columns[0]
    assume(field.type.root not in {TypeRoot.FLOAT, TypeRoot.DOUBLE, TypeRoot.DECIMAL})
    assume(field.function not in UNDONE_BY_ORDER and field.delimiter == ",")
    spec = replace(spec, remove_on_delete=False)
    if field.function is not Function.SUM:
        versions = [[{**row, "kind": 0} for row in rows] for rows in versions]
    cuts = [data.draw(st.integers(1, len(rows))) for rows in versions]
    try:
        whole = kernel(versions, spec)
        found = cut_and_merged(versions, cuts, spec)
    except InvalidInputError:
        return
    assert [row["x"] for row in found] == [row["x"] for row in whole]


def cut_and_merged(versions, cuts, spec):
    """The oldest versions of each key merged first, and the result with the others."""
    early = kernel([rows[:cut] for rows, cut in zip(versions, cuts, strict=True)], spec)
    return kernel([[first, *rows[cut:]] for first, rows, cut in zip(early, versions, cuts, strict=True)], spec)


ORDER = {"g": st.none() | st.integers(0, 3), "h": st.none() | st.integers(0, 2), "i": st.none() | st.integers(0, 3)}
INT = parse_type_text("INT")


@st.composite
def partial_updates(draw):
    plain = [ColumnMerge(name=name, type=INT) for name in ("a", "b", "c", "free", "g", "h", "i")]
    spec = MergeSpec(engine=MergeEngine.PARTIAL_UPDATE, columns=tuple(plain))
    values = {**{name: st.none() | small for name in ("a", "b", "c", "free")}, **ORDER, "x": st.none() | small}
    if draw(st.booleans()):
        functions = [function for function in Function if function is Function.RBM32 or _plain(function)]
        field, values["x"] = draw(columns(functions))
        groups = (
            SequenceGroup(ordered_by=("g", "h"), members=("a", "x"), removes_record=draw(st.booleans())),
            SequenceGroup(ordered_by=("i",), members=("b",), removes_record=draw(st.booleans())),
        )
        # Whether a function is going before a record is removed is told from added values only.
        removes = any(group.removes_record for group in groups)
        assume(not (removes and field.function is Function.FIRST_NON_NULL_VALUE))
        spec = replace(spec, groups=groups, columns=(*spec.columns, field))
        if not removes:
            spec = replace(spec, ignore_delete=draw(st.booleans()))
    else:
        way = draw(st.sampled_from(["none", "ignore", "remove"]))
        spec = replace(spec, ignore_delete=way == "ignore", remove_on_delete=way == "remove")
        del values["x"]
    kinds = draw(st.sampled_from([ADDS, ALL, [0, 0, 3, 3, 1]]))
    return spec, draw(versions_of(values, kinds, size=6))


@given(partial_updates(), st.data())
@settings(max_examples=300, deadline=None)
def test_partial_update_is_its_rules_row_by_row(case, data):
    spec, versions = case
    rows = sum(len(group) for group in versions)
    alone = data.draw(st.none() | st.lists(st.booleans(), min_size=len(versions), max_size=len(versions)))
    shuffle = data.draw(st.none() | st.permutations(range(rows)))
    check(versions, spec, shuffle=shuffle, alone=None if alone is None else np.array(alone))


@given(partial_updates(), st.data())
@settings(max_examples=150, deadline=None)
def test_updating_early_changes_nothing(case, data):
    """merge(merge(a) + b) == merge(a + b) for adds and members without a function, in sequence groups or none."""
    spec, versions = case
    groups = tuple(replace(group, members=tuple(set(group.members) - {"x"})) for group in spec.groups)
    spec = replace(spec, groups=groups, columns=tuple(field for field in spec.columns if field.name != "x"))
    versions = [[{**row, "kind": 0} for row in rows] for rows in versions]
    cuts = [data.draw(st.integers(1, len(rows))) for rows in versions]
    assert cut_and_merged(versions, cuts, spec) == kernel(versions, spec)


@given(versions_of({"x": st.none() | small}, ALL), st.booleans(), st.sampled_from(["deduplicate", "first-row"]))
@LAW
def test_engines_that_pick_a_row(versions, ignore, engine):
    spec = MergeSpec(engine=MergeEngine(engine), columns=(ColumnMerge(name="x", type=INT),), ignore_delete=ignore)
    check(versions, spec)
