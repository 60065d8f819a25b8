"""Merge options: what they are parsed into, and what is refused by name with a remedy."""

import re

import pytest

from lakestore.core.merge_options import parse_merge
from lakestore.core.validate_merge import validate_merge
from lakestore.errors import ErrorKind, InvalidInputError
from lakestore.model.merging import Function, NullKeys
from lakestore.model.rows import MergeEngine
from lakestore.model.schema import TableSchema
from lakestore.model.types import DataType, Field, TypeRoot, parse_type_text

ROW = DataType(
    root=TypeRoot.ROW,
    fields=tuple(
        Field(id=20 + index, name=name, type=parse_type_text(kind))
        for index, (name, kind) in enumerate([("k", "INT"), ("v", "STRING"), ("t", "STRING"), ("n", "INT")])
    ),
)
COLUMNS = {
    "id": parse_type_text("INT NOT NULL"),
    "a": parse_type_text("INT"),
    "b": parse_type_text("STRING"),
    "c": parse_type_text("VARCHAR(9)"),
    "flag": parse_type_text("BOOLEAN"),
    "g": parse_type_text("BIGINT"),
    "h": parse_type_text("BIGINT"),
    "bits": parse_type_text("BYTES"),
    "rows": DataType(root=TypeRoot.ARRAY, element=ROW),
    "map": DataType(root=TypeRoot.MAP, key=parse_type_text("STRING NOT NULL"), value=ROW),
}


def table(engine, options, keys=("id",)):
    given = options if engine is None else {"merge-engine": engine, **options}
    fields = tuple(Field(id=index, name=name, type=kind) for index, (name, kind) in enumerate(COLUMNS.items()))
    return TableSchema(id=0, fields=fields, primary_keys=keys, options=given)


def spec_of(engine, options):
    made = table(engine, options)
    return parse_merge(made, made.options)


def test_columns_of_an_aggregation():
    spec = spec_of(
        "aggregation",
        {
            "sequence.field": "g",
            "fields.a.aggregate-function": "sum",
            "fields.b.aggregate-function": "first_not_null_value",
            "fields.b.ignore-retract": "true",
            "fields.rows.aggregate-function": "nested_update",
            "fields.rows.nested-key": "k, v",
            "fields.rows.nested-sequence-field": "n",
            "fields.rows.nested-key-null-strategy": "ignore",
            "fields.rows.count-limit": "7",
            "fields.map.aggregate-function": "merge_map_with_keytime",
            "fields.map.ts-field": "t",
            "aggregation.remove-record-on-delete": "false",
        },
    )
    assert spec.engine is MergeEngine.AGGREGATION
    functions = {column.name: column.function for column in spec.columns}
    assert functions["id"] is Function.PRIMARY_KEY
    assert functions["g"] is Function.LAST_VALUE
    assert functions["a"] is Function.SUM
    assert functions["b"] is Function.FIRST_NON_NULL_VALUE
    assert functions["h"] is Function.LAST_NON_NULL_VALUE
    assert spec.column("b").ignore_retract
    nested = spec.column("rows")
    assert (nested.nested_key, nested.nested_sequence) == (("k", "v"), ("n",))
    assert (nested.null_keys, nested.count_limit) == (NullKeys.IGNORE, 7)
    assert spec.column("map").time_field == "t"
    assert not spec.remove_on_delete
    assert not spec.looks_up


def test_default_function_reaches_all_columns_but_keys_and_order():
    made = spec_of("aggregation", {"fields.default-aggregate-function": "last_value", "sequence.field": "h"})
    assert {column.function for column in made.columns if column.name != "id"} == {Function.LAST_VALUE}


@pytest.mark.parametrize(
    "options", [{"changelog-producer": "lookup"}, {"deletion-vectors.enabled": "true"}, {"force-lookup": "true"}]
)
def test_tables_that_look_values_up(options):
    assert spec_of("aggregation", options).looks_up


@pytest.mark.parametrize("key", ["ignore-delete", "partial-update.ignore-delete", "first-row.ignore-delete"])
def test_ignore_delete_in_all_spellings(key):
    assert spec_of("partial-update", {key: "true"}).ignore_delete


def test_sequence_groups():
    spec = spec_of(
        "partial-update",
        {
            "fields.g,h.sequence-group": "g,a",
            "fields.a.aggregate-function": "sum",
            "fields.flag.sequence-group": "b",
            "partial-update.remove-record-on-sequence-group": "h",
        },
    )
    first, second = spec.groups
    assert (first.ordered_by, first.members, first.removes_record) == (("flag",), ("b",), False)
    assert (second.ordered_by, second.members, second.removes_record) == (("g", "h"), ("a",), True)
    assert spec.column("a").function is Function.SUM
    assert spec.column("b").function is None
    assert spec.needed(["b"]) == ("b", "flag", "g", "h")
    assert spec.needed(["id"]) == ("id", "g", "h")


PARTIAL = "partial-update"
UNDEFINED = [
    ("aggregating", {}, "merge-engine", "'aggregation'"),
    ("aggregation", {"fields.a.aggregate-function": "summ"}, "fields.a.aggregate-function", "'sum'?"),
    (
        "aggregation",
        {"fields.default-aggregate-function": "lst"},
        "fields.default-aggregate-function",
        "one of|listagg",
    ),
    ("aggregation", {"fields.b.aggregate-function": "sum"}, "fields.b.aggregate-function", "a number"),
    ("aggregation", {"fields.a.aggregate-function": "bool_or"}, "fields.a.aggregate-function", "BOOLEAN"),
    ("aggregation", {"fields.rows.aggregate-function": "max"}, "fields.rows.aggregate-function", "order"),
    ("aggregation", {"fields.a.aggregate-function": "listagg"}, "fields.a.aggregate-function", "STRING"),
    ("aggregation", {"fields.a.aggregate-function": "collect"}, "fields.a.aggregate-function", "ARRAY"),
    ("aggregation", {"fields.rows.aggregate-function": "merge_map"}, "fields.rows.aggregate-function", "MAP"),
    ("aggregation", {"fields.a.aggregate-function": "rbm32"}, "fields.a.aggregate-function", "BYTES"),
    ("aggregation", {"fields.default-aggregate-function": "theta_sketch"}, "fields.default-aggregate-function", "'a'"),
    ("aggregation", {"fields.a.ignore-retract": "maybe"}, "fields.a.ignore-retract", "true or false"),
    (
        "aggregation",
        {"fields.map.aggregate-function": "merge_map_with_keytime", "fields.map.ts-field": "n"},
        "fields.map.ts-field",
        "STRING",
    ),
    (
        "aggregation",
        {"fields.map.aggregate-function": "merge_map_with_keytime", "fields.map.ts-field": "x"},
        "fields.map.ts-field",
        "k, v, t, n",
    ),
    (
        "aggregation",
        {"fields.rows.aggregate-function": "nested_partial_update"},
        "fields.rows.aggregate-function",
        "nested-key",
    ),
    (
        "aggregation",
        {"fields.rows.aggregate-function": "nested_update", "fields.rows.nested-key": "kk"},
        "fields.rows.nested-key",
        "k, v, t, n",
    ),
    (
        "aggregation",
        {"fields.rows.aggregate-function": "nested_update", "fields.rows.nested-sequence-field": "n"},
        "fields.rows.nested-sequence-field",
        "needs fields.rows.nested-key",
    ),
    (
        "aggregation",
        {
            "fields.rows.aggregate-function": "nested_update",
            "fields.rows.nested-key": "k",
            "fields.rows.nested-key-null-strategy": "eror",
        },
        "fields.rows.nested-key-null-strategy",
        "'error'?",
    ),
    (
        "aggregation",
        {"fields.rows.aggregate-function": "nested_update", "fields.rows.count-limit": "ten"},
        "fields.rows.count-limit",
        "whole number",
    ),
    (PARTIAL, {"fields.a.aggregate-function": "sum"}, "fields.a.aggregate-function", "sequence group"),
    (PARTIAL, {"fields.default-aggregate-function": "max"}, "fields.default-aggregate-function", "sequence group"),
    (PARTIAL, {"fields.g.sequence-group": "id"}, "fields.g.sequence-group", "primary key"),
    (PARTIAL, {"fields.id.sequence-group": "a"}, "fields.id.sequence-group", "primary key"),
    (PARTIAL, {"fields.g.sequence-group": "a,bb"}, "fields.g.sequence-group", "'b'"),
    (PARTIAL, {"fields.g.sequence-group": "a, b"}, "fields.g.sequence-group", "without blanks"),
    (PARTIAL, {"fields.g.sequence-group": "a,a"}, "fields.g.sequence-group", "one sequence group only"),
    (PARTIAL, {"fields.g.sequence-group": "a", "fields.h.sequence-group": "a"}, "sequence-group", "one sequence group"),
    (PARTIAL, {"fields.g.sequence-group": "a", "fields.h.sequence-group": "g"}, "sequence-group", "one sequence group"),
    (PARTIAL, {"fields.rows.sequence-group": "a"}, "fields.rows.sequence-group", "no order"),
    (
        PARTIAL,
        {"fields.g.sequence-group": "a", "partial-update.remove-record-on-sequence-group": "h"},
        "partial-update.remove-record-on-sequence-group",
        "'g'?|one of g",
    ),
]


@pytest.mark.parametrize(("engine", "options", "key", "remedy"), UNDEFINED)
def test_undefined_merging_is_refused_whoever_wrote_the_table(engine, options, key, remedy):
    made = table(engine, options)
    with pytest.raises(InvalidInputError, match=re.escape(key)) as caught:
        parse_merge(made, made.options)
    assert caught.value.kind is ErrorKind.INVALID_OPTION
    assert re.search(remedy.replace("?", r"\?"), caught.value.message), caught.value.message
    with pytest.raises(InvalidInputError):
        validate_merge(made)


REMOVE = "aggregation.remove-record-on-delete"
CONTRADICTIONS = [
    ("first-row", {"sequence.field": "g"}, "sequence.field", "leave it out"),
    ("first-row", {"changelog-producer": "input"}, "changelog-producer", "lookup"),
    (None, {"sequence.field.sort-order": "descending"}, "sequence.field.sort-order", "set that too"),
    ("deduplicate", {"fields.a.aggregate-function": "sum"}, "fields.a.aggregate-function", "aggregation"),
    (None, {"fields.default-aggregate-function": "sum"}, "fields.default-aggregate-function", "aggregation"),
    ("deduplicate", {"fields.g.sequence-group": "a"}, "fields.g.sequence-group", "partial-update"),
    ("aggregation", {"fields.g.sequence-group": "a"}, "fields.g.sequence-group", "partial-update"),
    ("deduplicate", {REMOVE: "true"}, REMOVE, "leave it out"),
    (PARTIAL, {REMOVE: "true"}, REMOVE, "aggregation"),
    ("aggregation", {"partial-update.remove-record-on-delete": "true"}, "partial-update.remove", "leave it out"),
    ("aggregation", {REMOVE: "true", "ignore-delete": "true"}, REMOVE, "ignore-delete"),
    (
        PARTIAL,
        {"partial-update.remove-record-on-delete": "true", "partial-update.ignore-delete": "true"},
        "partial-update.remove-record-on-delete",
        "ignore-delete",
    ),
    (
        PARTIAL,
        {"partial-update.remove-record-on-delete": "true", "fields.g.sequence-group": "a"},
        "partial-update.remove-record-on-delete",
        "remove-record-on-sequence-group",
    ),
    (
        PARTIAL,
        {
            "fields.g.sequence-group": "a",
            "partial-update.remove-record-on-sequence-group": "g",
            "ignore-delete": "true",
        },
        "remove-record-on-sequence-group",
        "ignore-delete",
    ),
    (
        "aggregation",
        {REMOVE: "true", "fields.a.aggregate-function": "max", "fields.a.ignore-retract": "true"},
        "fields.a.ignore-retract",
        REMOVE,
    ),
    ("aggregation", {"fields.id.aggregate-function": "max"}, "fields.id.aggregate-function", "primary key"),
    (
        "aggregation",
        {"sequence.field": "g", "fields.g.aggregate-function": "max"},
        "fields.g.aggregate-function",
        "leave it out",
    ),
    (
        PARTIAL,
        {"fields.g.sequence-group": "a", "fields.g.aggregate-function": "last_value"},
        "fields.g.aggregate-function",
        "leave it out",
    ),
    ("aggregation", {"fields.c.aggregate-function": "listagg"}, "fields.c.aggregate-function", "make it STRING"),
    ("aggregation", {"fields.a.list-agg-delimiter": ";"}, "fields.a.list-agg-delimiter", "listagg"),
    ("aggregation", {"fields.a.distinct": "true"}, "fields.a.distinct", "collect or listagg"),
    ("aggregation", {"fields.rows.nested-key": "k"}, "fields.rows.nested-key", "nested_update"),
    ("aggregation", {"fields.map.ts-field": "t"}, "fields.map.ts-field", "merge_map_with_keytime"),
    (PARTIAL, {"fields.a.ignore-retract": "true"}, "fields.a.ignore-retract", "an aggregate function"),
    (
        "aggregation",
        {"fields.rows.aggregate-function": "nested_update", "fields.rows.count-limit": "0"},
        "fields.rows.count-limit",
        "at least 1",
    ),
]


@pytest.mark.parametrize(("engine", "options", "key", "remedy"), CONTRADICTIONS)
def test_contradictions_are_refused_where_tables_are_made(engine, options, key, remedy):
    made = table(engine, options)
    parse_merge(made, made.options)
    with pytest.raises(InvalidInputError, match=re.escape(key)) as caught:
        validate_merge(made)
    assert remedy in caught.value.message


def test_append_tables_merge_nothing():
    validate_merge(table("deduplicate", {}, keys=()))
    for engine, options in (("aggregation", {}), (None, {"fields.a.aggregate-function": "sum"})):
        with pytest.raises(InvalidInputError, match="primary key"):
            validate_merge(table(engine, options, keys=()))


def test_sound_options_pass():
    validate_merge(table(None, {"sequence.field": "g,h", "ignore-delete": "true"}))
    validate_merge(table("first-row", {"ignore-delete": "true", "changelog-producer": "lookup"}))
    validate_merge(table("aggregation", {REMOVE: "true", "fields.bits.aggregate-function": "rbm64"}))
    validate_merge(
        table(
            PARTIAL,
            {
                "fields.g.sequence-group": "b,flag",
                "fields.b.aggregate-function": "listagg",
                "fields.b.list-agg-delimiter": ";",
                "fields.b.distinct": "true",
                "fields.b.ignore-retract": "true",
                "fields.a.aggregate-function": "last_non_null_value",
            },
        )
    )
