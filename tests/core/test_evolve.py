"""Schema changes: what they make of a schema, and which are refused with what words."""

import pytest

from lakestore.core.evolve import apply_changes
from lakestore.core.option_columns import naming, renamed
from lakestore.errors import InvalidInputError, NotFoundError, UnsupportedFormatError
from lakestore.model.arrow import assign_ids
from lakestore.model.changes import (
    AddColumn,
    ChangeType,
    DropColumn,
    MoveColumn,
    Place,
    RemoveOption,
    RenameColumn,
    SetComment,
    SetDefault,
    SetNullable,
    SetOption,
    SetTableComment,
    Where,
)
from lakestore.model.schema import TableSchema
from lakestore.model.types import parse_type, parse_type_text

NOW = 1_700_000_000_000
ROW = {"type": "ROW", "fields": [{"id": 0, "name": "city", "type": "STRING"}, {"id": 0, "name": "zip", "type": "INT"}]}


def kind(text):
    return parse_type_text(text) if isinstance(text, str) else parse_type(text)


def schema_of(columns, **named):
    return TableSchema(id=4, fields=assign_ids([(name, kind(text), None) for name, text in columns.items()]), **named)


PLAIN = schema_of({"id": "INT NOT NULL", "qty": "INT", "s": "STRING"}, options={"bucket": "-1"})
KEYED = schema_of(
    {"day": "DATE NOT NULL", "id": "INT NOT NULL", "seq": "BIGINT", "v": "STRING", "w": "INT"},
    primary_keys=("day", "id"),
    partition_keys=("day",),
    options={
        "bucket": "4",
        "bucket-key": "id",
        "sequence.field": "seq",
        "fields.v.stats-mode": "full",
        "file-index.bloom-filter.columns": "v,w",
    },
)
NESTED = schema_of(
    {
        "id": "INT",
        "address": ROW,
        "tags": {"type": "ARRAY", "element": "INT"},
        "visits": {"type": "MAP", "key": "STRING NOT NULL", "value": ROW},
    },
    options={"bucket": "-1"},
)


def change(schema, *changes, snapshots=True, history=()):
    return apply_changes(schema, changes, has_snapshots=snapshots, now_ms=NOW, history=history)


def shown(schema):
    return [(field.id, field.name, str(field.type)) for field in schema.fields]


def add(name, text="INT", **named):
    return AddColumn(path=tuple(name.split(".")), type=kind(text), **named)


def drop(name):
    return DropColumn(path=tuple(name.split(".")))


def rename(name, new):
    return RenameColumn(path=tuple(name.split(".")), name=new)


def retype(name, text, **named):
    return ChangeType(path=tuple(name.split(".")), type=kind(text), **named)


def after(name):
    return Place(where=Where.AFTER, neighbour=name)


def before(name):
    return Place(where=Where.BEFORE, neighbour=name)


FIRST, LAST = Place(where=Where.FIRST), Place(where=Where.LAST)


def test_the_next_schema_has_the_next_number_and_its_time():
    result = change(PLAIN, add("x"))
    assert (result.id, result.time_millis) == (5, NOW)


@pytest.mark.parametrize(
    ("place", "names"),
    [
        (None, "id qty s x"),
        (LAST, "id qty s x"),
        (FIRST, "x id qty s"),
        (after("id"), "id x qty s"),
        (before("s"), "id qty x s"),
        (after("s"), "id qty s x"),
    ],
)
def test_a_new_column_goes_where_it_is_wanted(place, names):
    result = change(PLAIN, add("x", place=place, comment="new"))
    assert " ".join(result.names) == names
    assert (result.find("x").id, result.find("x").description, result.highest_field_id) == (3, "new", 3)


def test_a_new_column_goes_before_the_partition_columns_if_the_option_says_so():
    schema = schema_of({"a": "INT", "p": "INT"}, partition_keys=("p",), options={"add-column-before-partition": "true"})
    assert change(schema, add("x")).names == ("a", "x", "p")
    assert change(schema, add("x", place=LAST)).names == ("a", "p", "x")


def test_ids_are_never_used_again():
    dropped = change(PLAIN, drop("s"))
    again = change(dropped, add("s"))
    assert (again.find("s").id, again.highest_field_id) == (3, 3)
    once = change(PLAIN, drop("s"), add("s"), drop("s"), add("s"))
    assert once.find("s").id == 4


def test_a_new_nested_column_takes_ids_for_its_members():
    result = change(PLAIN, add("address", ROW))
    assert [member.id for member in result.find("address").type.fields] == [4, 5]
    assert result.highest_field_id == 5


@pytest.mark.parametrize(
    ("name", "place", "names"),
    [
        ("s", FIRST, "s id qty"),
        ("id", LAST, "qty s id"),
        ("id", after("qty"), "qty id s"),
        ("s", after("id"), "id s qty"),
        ("s", before("qty"), "id s qty"),
        ("id", before("s"), "qty id s"),
    ],
)
def test_a_column_moves(name, place, names):
    assert " ".join(change(PLAIN, MoveColumn(path=(name,), place=place)).names) == names


def test_a_rename_takes_keys_and_options_along():
    result = change(KEYED, rename("id", "key"), rename("seq", "version"), rename("v", "text"))
    assert result.primary_keys == ("day", "key")
    assert result.options == {
        "bucket": "4",
        "bucket-key": "key",
        "sequence.field": "version",
        "fields.text.stats-mode": "full",
        "file-index.bloom-filter.columns": "text,w",
    }
    assert [field.id for field in result.fields] == [0, 1, 2, 3, 4]


def test_renames_in_a_chain_follow_each_other():
    result = change(PLAIN, rename("qty", "tmp"), rename("s", "qty"), rename("tmp", "s"))
    assert shown(result) == [(0, "id", "INT NOT NULL"), (1, "s", "INT"), (2, "qty", "STRING")]


def test_options_name_columns_in_keys_values_and_groups():
    options = {
        "fields.a,b.sequence-group": "c,d",
        "fields.c.aggregate-function": "sum",
        "fields.default-aggregate-function": "max",
        "fields.x.y.stats-mode": "none",
        "file-index.bloom-filter.columns": "c[k],d",
        "file-index.bloom-filter.c.fpp": "0.1",
        "unknown": "c",
    }
    columns = ["a", "b", "c", "d", "x.y"]
    assert renamed(options, "c", "z", columns=columns) == {
        "fields.a,b.sequence-group": "z,d",
        "fields.z.aggregate-function": "sum",
        "fields.default-aggregate-function": "max",
        "fields.x.y.stats-mode": "none",
        "file-index.bloom-filter.columns": "z[k],d",
        "file-index.bloom-filter.z.fpp": "0.1",
        "unknown": "c",
    }
    assert renamed({"fields.a,b.sequence-group": "c"}, "b", "q", columns=columns) == {"fields.a,q.sequence-group": "c"}
    assert naming(options, "x.y", columns=columns) == ("fields.x.y.stats-mode",)
    assert naming(options, "d", columns=columns) == ("fields.a,b.sequence-group", "file-index.bloom-filter.columns")


def test_types_change_and_nullability_stays():
    result = change(PLAIN, retype("id", "BIGINT"), retype("qty", "DECIMAL(12, 2)"), retype("s", "VARCHAR(9)"))
    assert [str(field.type) for field in result.fields] == ["BIGINT NOT NULL", "DECIMAL(12, 2)", "VARCHAR(9)"]
    assert str(change(PLAIN, retype("id", "BIGINT", keep_nullable=False)).find("id").type) == "BIGINT"


def test_comments_defaults_and_nullability():
    result = change(
        PLAIN,
        SetComment(path=("qty",), comment="how many"),
        SetDefault(path=("qty",), default="7"),
        SetNullable(path=("id",), nullable=True),
        SetTableComment(comment="orders"),
    )
    assert (result.find("qty").description, result.find("qty").default_value) == ("how many", "7")
    assert result.find("id").type.nullable
    assert result.comment == "orders"
    back = change(result, SetComment(path=("qty",), comment=None), SetDefault(path=("qty",), default=None))
    assert (back.find("qty").description, back.find("qty").default_value) == (None, None)


def test_what_changes_nothing_is_the_schema_itself():
    assert change(PLAIN, SetOption(key="bucket", value="-1"), SetNullable(path=("qty",), nullable=True)) is PLAIN
    assert change(PLAIN, add("x"), drop("x")) is not PLAIN  # an id was given out


def test_options_come_and_go():
    result = change(PLAIN, SetOption(key="write-only", value="true"), SetOption(key="other.engine", value="kept"))
    assert result.options == {"bucket": "-1", "write-only": "true", "other.engine": "kept"}
    assert change(result, RemoveOption(key="write-only")).options == {"bucket": "-1", "other.engine": "kept"}


def test_options_that_rows_were_written_by_may_change_before_there_are_rows():
    keyed = schema_of({"id": "INT NOT NULL", "v": "INT"}, primary_keys=("id",), options={"bucket": "1"})
    key = SetOption(key="bucket-key", value="id")
    assert change(keyed, key, snapshots=False).options["bucket-key"] == "id"
    with pytest.raises(InvalidInputError, match="stays once the table has a snapshot"):
        change(keyed, key)


def test_buckets_may_change_in_number_only():
    keyed = schema_of({"id": "INT NOT NULL", "v": "INT"}, primary_keys=("id",), options={"bucket": "1"})
    assert change(keyed, SetOption(key="bucket", value="8")).options["bucket"] == "8"


def test_nested_columns_change_by_path():
    result = change(
        NESTED,
        add("address.street", "STRING", place=FIRST),
        rename("address.zip", "code"),
        retype("address.code", "BIGINT"),
        retype("tags.element", "BIGINT"),
        drop("visits.value.zip"),
        add("visits.value.n", "INT"),
        SetComment(path=("address", "city"), comment="where"),
        MoveColumn(path=("address", "city"), place=LAST),
        SetNullable(path=("tags", "element"), nullable=True),
    )
    assert str(result.find("address").type) == "ROW<street STRING, code BIGINT, city STRING>"
    assert str(result.find("tags").type) == "ARRAY<BIGINT>"
    assert str(result.find("visits").type) == "MAP<STRING NOT NULL, ROW<city STRING, n INT>>"
    assert [member.id for member in result.find("address").type.fields] == [8, 3, 2]
    assert [member.id for member in result.find("visits").type.value.fields] == [6, 9]
    assert result.find("address").type.fields[2].description == "where"


ALLOW_NOT_NULL = {"bucket": "-1", "alter-column-null-to-not-null.disabled": "false"}
NO_EXPLICIT = {"bucket": "-1", "disable-explicit-type-casting": "true"}
INDEXED = {**KEYED.options, "pk-btree.index.columns": "w"}
DV = {"bucket": "4", "deletion-vectors.enabled": "false"}


def with_options(schema, options):
    return TableSchema(
        id=schema.id,
        fields=schema.fields,
        primary_keys=schema.primary_keys,
        partition_keys=schema.partition_keys,
        options=options,
    )


def test_not_null_where_the_option_allows_it():
    schema = with_options(PLAIN, ALLOW_NOT_NULL)
    assert not change(schema, SetNullable(path=("qty",), nullable=False)).find("qty").type.nullable


REFUSED = [
    (PLAIN, add("qty"), "'qty' is there already"),
    (PLAIN, add("x", "INT NOT NULL"), "the rows that are there have no value"),
    (PLAIN, add("_KEY_x"), "reserved"),
    (PLAIN, add("_SEQUENCE_NUMBER"), "reserved"),
    (PLAIN, rename("qty", "s"), "'s' is there already"),
    (PLAIN, rename("qty", "rowkind"), "reserved"),
    (PLAIN, MoveColumn(path=("s",), place=after("s")), "cannot be moved after itself"),
    (KEYED, drop("id"), "primary key"),
    (KEYED, drop("day"), "partition column"),
    (KEYED, rename("day", "d"), "folders are called after it"),
    (KEYED, retype("id", "BIGINT"), "in the primary key"),
    (KEYED, retype("day", "TIMESTAMP(3)"), "a partition column"),
    (KEYED, drop("seq"), "options name it: sequence.field; remove or change them in the same call"),
    (KEYED, drop("v"), "fields.v.stats-mode, file-index.bloom-filter.columns"),
    (KEYED, SetNullable(path=("id",), nullable=True), "in the primary key"),
    (with_options(KEYED, INDEXED), rename("w", "x"), "index over the whole table"),
    (with_options(KEYED, INDEXED), retype("w", "BIGINT"), "index over the whole table"),
    (schema_of({"only": "INT"}), drop("only"), "there must be one"),
    (PLAIN, SetNullable(path=("qty",), nullable=False), "alter-column-null-to-not-null.disabled"),
    (PLAIN, retype("qty", "INT NOT NULL", keep_nullable=False), "alter-column-null-to-not-null.disabled"),
    (PLAIN, retype("qty", "DATE"), "Paimon has no such cast"),
    (PLAIN, retype("qty", ROW), "Paimon has no such cast"),
    (NESTED, retype("address", "STRING"), "by their paths"),
    (PLAIN, retype("id", "DECIMAL(4, 0)"), "too many digits become null, and"),
    (schema_of({"d": "DATE"}), retype("d", "VARCHAR(10)"), "nullable STRING only"),
    (schema_of({"d": "DATE NOT NULL"}), retype("d", "STRING"), "nullable STRING only"),
    (schema_of({"t": "TIMESTAMP(3)"}), retype("t", "SMALLINT"), "no Paimon reader carries that cast out"),
    (schema_of({"t": "TIME(3)"}), retype("t", "TIMESTAMP(0)"), "LakeStore does not carry that cast out"),
    (with_options(PLAIN, NO_EXPLICIT), retype("qty", "SMALLINT"), "disable-explicit-type-casting"),
    (PLAIN, SetDefault(path=("qty",), default="x"), "'x' cannot be read as INT"),
    (NESTED, SetDefault(path=("address", "city"), default="x"), "only a column of the table"),
    (NESTED, SetDefault(path=("tags",), default="x"), "takes no default"),
    (NESTED, drop("tags.element"), "neither name nor place"),
    (NESTED, SetComment(path=("tags", "element"), comment="x"), "takes no comment"),
    (PLAIN, drop("a..b"), "an empty part"),
    (PLAIN, SetOption(key="type", value="format-table"), "settled when it is created"),
    (PLAIN, SetOption(key="primary-key", value="id"), "settled when the table is created"),
    (PLAIN, RemoveOption(key="path"), "move or copy the folder"),
    (PLAIN, SetOption(key="bucket", value="4"), "cannot go from -1"),
    (KEYED, SetOption(key="bucket", value="-1"), "cannot go to -1"),
    (KEYED, RemoveOption(key="bucket"), "set the number that you want"),
    (KEYED, SetOption(key="merge-engine", value="aggregation"), "stays once the table has a snapshot"),
    (with_options(KEYED, DV), SetOption(key="deletion-vectors.enabled", value="true"), "deletion-vectors.modifiable"),
    (with_options(KEYED, {"bucket": "1", "ignore-delete": "true"}), RemoveOption(key="ignore-delete"), "not off"),
    (PLAIN, SetOption(key="write-onyl", value="true"), "did you mean 'write-only'"),
    (PLAIN, SetOption(key="write-only", value="maybe"), "option 'write-only' = 'maybe'"),
    (KEYED, SetOption(key="sequence.field", value="gone"), "there is no column 'gone'"),
]


@pytest.mark.parametrize(("schema", "one", "words"), REFUSED, ids=[case[2] for case in REFUSED])
def test_refused(schema, one, words):
    with pytest.raises((InvalidInputError, NotFoundError)) as caught:
        change(schema, one)
    assert words in caught.value.message


MISSING = [
    (PLAIN, drop("x"), "'x' not found; there are: id, qty, s"),
    (PLAIN, rename("x", "y"), "'x' not found"),
    (PLAIN, retype("x", "INT"), "'x' not found"),
    (PLAIN, add("x", place=after("y")), "'y' not found"),
    (PLAIN, MoveColumn(path=("s",), place=before("y")), "'y' not found"),
    (PLAIN, add("qty.x"), "INT has no parts"),
    (NESTED, retype("tags.value", "INT"), "at 'value' there are: element"),
    (NESTED, drop("address.street"), "'street' not found"),
    (NESTED, drop("nowhere.street"), "'nowhere.street' not found"),
]


@pytest.mark.parametrize(("schema", "one", "words"), MISSING, ids=[case[2] for case in MISSING])
def test_missing_columns_are_named(schema, one, words):
    with pytest.raises(NotFoundError) as caught:
        change(schema, one)
    assert words in caught.value.message


def test_a_dropped_column_and_the_options_that_name_it_go_together():
    result = change(KEYED, drop("seq"), RemoveOption(key="sequence.field"))
    assert "sequence.field" not in result.options
    assert change(KEYED, RemoveOption(key="sequence.field"), drop("seq")).fields == result.fields


def test_a_bucket_key_column_keeps_its_type():
    schema = schema_of({"a": "INT", "b": "INT"}, options={"bucket": "4", "bucket-key": "a"})
    with pytest.raises(InvalidInputError, match="hash to other buckets"):
        change(schema, retype("a", "BIGINT"))
    assert change(schema, rename("a", "z")).options["bucket-key"] == "z"


def test_a_new_type_must_be_readable_from_all_schemas_of_old_files():
    first = schema_of({"d": "DATE"})
    second = change(first, retype("d", "STRING"))
    with pytest.raises(InvalidInputError, match="files of schema 4 may hold it as DATE"):
        change(second, retype("d", "INT"), history=[first, second])
    assert str(change(second, retype("d", "INT"), history=[second]).find("d").type) == "INT"


def test_a_default_must_stay_readable_as_the_new_type():
    schema = change(PLAIN, SetDefault(path=("s",), default="abc"))
    with pytest.raises(InvalidInputError, match="'abc' cannot be read as INT"):
        change(schema, retype("s", "INT"))


def test_what_lakestore_would_not_write_any_more_is_refused():
    with pytest.raises(UnsupportedFormatError, match=r"data-evolution\.enabled"):
        change(PLAIN, SetOption(key="data-evolution.enabled", value="true"), snapshots=False)


def test_a_table_that_lakestore_does_not_write_can_be_altered_all_the_same():
    options = {"bucket": "-1", "bucket-key": "v"}  # a contradiction of its own
    keyed = schema_of({"id": "INT NOT NULL", "v": "INT"}, primary_keys=("id",), options=options)
    assert change(keyed, add("x")).names == ("id", "v", "x")
