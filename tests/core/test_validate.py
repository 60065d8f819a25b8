"""New tables: how they are normalised, and what is refused before anything is written."""

import pytest

from lakestore.core.validate import normalise_new_schema, validate_create
from lakestore.errors import ErrorKind, InvalidInputError, UnsupportedFormatError
from lakestore.model.arrow import assign_ids
from lakestore.model.schema import TableSchema
from lakestore.model.types import parse_type, parse_type_text

COLUMNS = {"id": "BIGINT", "day": "DATE", "v": "STRING", "n": "INT", "ts": "TIMESTAMP(3)"}
ARRAY = parse_type({"type": "ARRAY", "element": "INT"})


def schema(options=None, *, key=(), partition=(), columns=COLUMNS, extra=()):
    fields = assign_ids([(name, parse_type_text(text), None) for name, text in columns.items()] + list(extra))
    return TableSchema(id=0, fields=fields, primary_keys=key, partition_keys=partition, options=options or {})


def stored(options=None, **arguments):
    return normalise_new_schema(schema(options, **arguments))[0]


def notes(options=None, **arguments):
    return normalise_new_schema(schema(options, **arguments))[1]


# Normalising.


def test_an_append_table_stays_as_it_is():
    wanted = schema(partition=("day",), options={"target-file-size": "64 mb"})
    assert normalise_new_schema(wanted) == (wanted, ())


def test_key_columns_become_not_null():
    made = stored(key=("id", "day"), partition=("day",))
    assert [field.name for field in made.fields if not field.type.nullable] == ["id", "day"]
    assert [field.id for field in made.fields] == [0, 1, 2, 3, 4]


def test_a_keyed_table_gets_one_bucket_and_says_so():
    made, told = normalise_new_schema(schema(key=("id",)))
    assert made.options == {"bucket": "1"}
    assert len(told) == 1
    assert told[0].startswith("option bucket set to 1")
    assert stored({"bucket": "7"}, key=("id",)).options == {"bucket": "7"}
    assert notes({"bucket": "7"}, key=("id",)) == ()


def test_keys_given_as_options_move_to_the_key_lists():
    made = stored({"primary-key": " id , day", "partition": "day", "bucket": "2"})
    assert made.primary_keys == ("id", "day")
    assert made.partition_keys == ("day",)
    assert made.options == {"bucket": "2"}
    with pytest.raises(InvalidInputError, match="give them once"):
        stored({"primary-key": "id"}, key=("id",))
    with pytest.raises(InvalidInputError, match=r"\['nope'\] are not among the columns"):
        stored({"primary-key": "nope"})


def test_bucket_keys_lose_their_blanks():
    assert stored({"bucket": "2", "bucket-key": "id, v "}).options["bucket-key"] == "id,v"


def test_normalising_twice_changes_nothing():
    made = stored({"bucket-key": " id", "bucket": "3", "primary-key": "id,n"})
    assert normalise_new_schema(made) == (made, ())


def test_notes_tell_what_does_nothing_here():
    told = notes({"commit.user-prefix": "x", "owner": "me", "bucket": "1"}, key=("id",))
    assert told[0].startswith("option commit.user-prefix is kept but does nothing in LakeStore: ")
    assert told[1] == "options that LakeStore does not know are kept as they are: owner"
    assert stored({"commit.user-prefix": "x", "owner": "me"}).options == {"commit.user-prefix": "x", "owner": "me"}


# What is refused.


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"columns": {}}, "a table needs at least one column"),
        ({"columns": {"": "INT"}}, "column name '' is empty"),
        ({"columns": {"_KEY_id": "INT"}}, "column name '_KEY_id' is reserved"),
        ({"columns": {"_SEQUENCE_NUMBER": "INT"}}, "is reserved"),
        ({"columns": {"_VALUE_KIND": "INT"}}, "is reserved"),
        ({"columns": {"rowkind": "STRING"}}, "is reserved"),
        ({"columns": {"_ROW_ID": "BIGINT"}}, "is reserved"),
        ({"key": ("id", "id")}, "name a column twice"),
        ({"partition": ("day", "day")}, "name a column twice"),
        ({"key": ("day",), "partition": ("day",)}, "has only partition columns"),
        ({"key": ("day", "id"), "partition": ("id", "day")}, "has only partition columns"),
        ({"key": ("id",), "partition": ("day",)}, r"\['day'\] are not in the primary key \['id'\]"),
        ({"key": ("list",), "extra": [("list", ARRAY, None)]}, "primary key column 'list' is ARRAY<INT>"),
        ({"partition": ("list",), "extra": [("list", ARRAY, None)]}, "partition column 'list' is ARRAY<INT>"),
        (
            {
                "extra": [
                    ("row", parse_type({"type": "ROW", "fields": [{"id": 0, "name": "a", "type": "INT"}] * 2}), None)
                ]
            },
            "column 'row' has members of the same name: a, a",
        ),
    ],
)
def test_refused_schemas(arguments, message):
    with pytest.raises(InvalidInputError, match=message) as caught:
        stored(**arguments)
    assert caught.value.kind is ErrorKind.INVALID_SCHEMA


KEYED = {"key": ("id", "n")}
PARTITIONED = {"key": ("id", "day"), "partition": ("day",)}


@pytest.mark.parametrize(
    ("options", "arguments", "message"),
    [
        ({"bucket": "-1", "bucket-key": "id"}, {}, "there is nothing to hash"),
        ({"bucket-key": "id"}, {}, "there is nothing to hash"),
        ({"bucket": "4"}, {}, "an append table with buckets needs bucket-key"),
        ({"bucket": "-2"}, {}, "postponed buckets need a primary key"),
        ({"bucket": "0"}, KEYED, "expected a number of buckets"),
        ({"bucket": "4", "bucket-key": "nope"}, {}, "there is no column 'nope'; there are: id, day, v, n, ts"),
        ({"bucket": "4", "bucket-key": "v"}, KEYED, r"'v' is not in the primary key \['id', 'n'\]"),
        ({"bucket": "4", "bucket-key": "day"}, PARTITIONED, "'day' is a partition column"),
        ({"bucket": "4", "bucket-key": "id,id"}, {}, "a column is named twice"),
        ({"bucket": "4", "bucket-key": "list"}, {"extra": [("list", ARRAY, None)]}, "has no hash"),
        ({"bucket": "4", "bucket-function.type": "mod"}, KEYED, "it takes one INT or BIGINT column"),
        ({"bucket": "4", "bucket-key": "v", "bucket-function.type": "mod"}, {}, "it takes one INT or BIGINT column"),
        ({"sequence.field": "nope"}, KEYED, "there is no column 'nope'"),
        ({"sequence.field": "ts"}, {}, "this table has no primary key"),
        ({"sequence.field": "ts,ts"}, KEYED, "a column is named twice"),
        ({"sequence.field": "list"}, {**KEYED, "extra": [("list", ARRAY, None)]}, "which has no order"),
        ({"sequence.field": "ts", "fields.ts.aggregate-function": "max"}, KEYED, "cannot have an aggregate function"),
        ({"rowkind.field": "nope"}, KEYED, "there is no column 'nope'"),
        ({"rowkind.field": "n"}, KEYED, "it is INT NOT NULL; row kinds are text"),
        ({"rowkind.field": "v"}, {}, "this table has no primary key"),
        ({"fields.nope.stats-mode": "full"}, {}, "there is no column 'nope'"),
        ({"fields.v,nope.sequence-group": "n"}, KEYED, "there is no column 'nope'"),
        ({"file-index.bloom-filter.columns": "v,nope"}, {}, "there is no column 'nope'"),
        ({"snapshot.num-retained.min": "0"}, {}, "expected greater than or equal to 1"),
        ({"snapshot.num-retained.min": "5", "snapshot.num-retained.max": "4"}, {}, "must not exceed"),
        ({"snapshot.num-retained.max": "4"}, {}, "snapshot.num-retained.min must not exceed"),
        ({"changelog.num-retained.min": "5", "changelog.num-retained.max": "4"}, {}, "must not exceed"),
        ({"commit.min-retry-wait": "1 min"}, {}, "commit.min-retry-wait must not exceed commit.max-retry-wait"),
        ({"target-file-row-num": "0"}, {}, "expected at least 1"),
        ({"full-compaction.delta-commits": "1"}, {}, "is not compacted by commits"),
        ({"streaming-read-overwrite": "true"}, {}, "it needs a primary key"),
        ({"clustering.incremental": "true"}, KEYED, "it is for append tables"),
        ({"manifest-sort.enabled": "true"}, {}, "this table has none"),
        ({"record-level.expire-time": "1 d"}, KEYED, "it needs record-level.time-field"),
        (
            {"record-level.expire-time": "1 d", "record-level.time-field": "v"},
            KEYED,
            "expected an INT, BIGINT or TIMESTAMP",
        ),
        ({"record-level.time-field": "nope"}, KEYED, "expected an INT, BIGINT or TIMESTAMP"),
        ({"merge-engine": "nonsense"}, KEYED, "expected one of deduplicate"),
        ({"fields.default-aggregate-function": "sum"}, KEYED, "does nothing under merge-engine deduplicate"),
        ({"merge-engine": "aggregation", "fields.v.aggregate-function": "summ"}, KEYED, "'sum'?"),
        ({"merge-engine": "aggregation", "fields.v.aggregate-functoin": "max"}, KEYED, "aggregate-function"),
        ({"merge-engine": "first-row", "sequence.field": "ts"}, KEYED, "first-row keeps what came first"),
        ({"merge-engin": "deduplicate"}, KEYED, "did you mean 'merge-engine'"),
        ({"num-levels": "x"}, {}, "expected a whole number"),
    ],
)
def test_refused_options(options, arguments, message):
    with pytest.raises(InvalidInputError, match=message) as caught:
        stored(options, **arguments)
    assert caught.value.kind is ErrorKind.INVALID_OPTION
    assert any(repr(key) in caught.value.message for key in options)


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        ({"bucket": "4", "bucket-key": "id"}, {}),
        ({"bucket": "4", "bucket-key": "n"}, KEYED),
        ({"bucket": "4", "bucket-key": "id"}, PARTITIONED),
        ({"bucket": "4", "bucket-key": "n", "bucket-function.type": "mod"}, {}),
        ({"sequence.field": "ts, n", "rowkind.field": "v"}, {"key": ("id",)}),
        ({"fields.v.stats-mode": "full", "fields.a.b.stats-mode": "none"}, {"columns": {**COLUMNS, "a.b": "INT"}}),
        (
            {"file-index.bloom-filter.columns": "v, m[key]"},
            {"extra": [("m", parse_type({"type": "MAP", "key": "STRING", "value": "INT"}), None)]},
        ),
        ({"full-compaction.delta-commits": "1"}, KEYED),
        ({"record-level.expire-time": "1 d", "record-level.time-field": "ts"}, KEYED),
        ({"merge-engine": "aggregation", "fields.default-aggregate-function": "max"}, KEYED),
        ({"merge-engine": "partial-update", "fields.ts.sequence-group": "v", "changelog-producer": "input"}, KEYED),
        ({"snapshot.num-retained.min": "5", "snapshot.num-retained.max": "5"}, {}),
        ({}, {"extra": [("list", ARRAY, None)]}),
        ({}, {"columns": {"Id": "INT", "id": "INT", "select": "INT", "naïve": "INT"}}),
    ],
)
def test_accepted(options, arguments):
    validate_create(stored(options, **arguments))


@pytest.mark.parametrize(
    ("options", "arguments", "message"),
    [
        ({"bucket": "-1"}, KEYED, "'bucket'"),
        ({"deletion-vectors.enabled": "true"}, {}, "'deletion-vectors.enabled'"),
        ({"scan.snapshot-id": "3"}, {}, r"table.at\(snapshot=…\)"),
        ({}, {"columns": {"v": "VARIANT"}}, "column 'v' has type VARIANT"),
        (
            {},
            {"extra": [("a", parse_type({"type": "ARRAY", "element": "BLOB"}), None)]},
            "neither reads nor writes BLOB",
        ),
    ],
)
def test_what_lakestore_cannot_do_is_not_created(options, arguments, message):
    with pytest.raises(UnsupportedFormatError, match=message) as caught:
        stored(options, **arguments)
    assert caught.value.kind is ErrorKind.UNSUPPORTED_FEATURE


def test_options_must_be_text():
    with pytest.raises(InvalidInputError, match="option 'bucket' = 4: expected text"):
        stored({"bucket": 4})
