"""Options of a new table against its columns and against each other."""

import re
from collections.abc import Callable

from lakestore.core.options_file_index import check_file_index
from lakestore.core.options_registry import REGISTRY
from lakestore.core.options_values import parse_value, split_names
from lakestore.errors import ErrorKind, InvalidInputError
from lakestore.model.options import BucketFunction, BucketOptions, TableOptions
from lakestore.model.schema import TableSchema
from lakestore.model.types import EXOTIC, NESTED, STRINGS, TIMESTAMPS, TypeRoot


def check_bucket(schema: TableSchema, bucket: BucketOptions) -> None:
    """Check ``bucket``, ``bucket-key`` and ``bucket-function.type`` against the keys.

    Raises:
        InvalidInputError: They do not go together.
    """
    keyed = bool(schema.primary_keys)
    if bucket.count == -2 and not keyed:
        raise _wrong("bucket", bucket.count, "postponed buckets need a primary key; use -1 or a number > 0")
    if bucket.count == -1 and bucket.key:
        raise _wrong("bucket-key", ",".join(bucket.key), "with bucket = -1 there is nothing to hash; set bucket > 0")
    if bucket.count > 0 and not keyed and not bucket.key:
        raise _wrong("bucket", bucket.count, "an append table with buckets needs bucket-key to say which rows go where")
    _check_bucket_key(schema, bucket)
    columns = bucket.key or schema.trimmed_primary_keys
    if bucket.function is BucketFunction.MOD and bucket.count > 0:
        kinds = [kind.root for kind in schema.types(columns)]
        if kinds not in ([TypeRoot.INT], [TypeRoot.BIGINT]):
            raise _wrong("bucket-function.type", "mod", f"it takes one INT or BIGINT column, not {list(columns)}")


def _check_bucket_key(schema: TableSchema, bucket: BucketOptions) -> None:
    text = ",".join(bucket.key)
    for name in bucket.key:
        if name not in schema.names:
            raise _wrong("bucket-key", text, f"there is no column {name!r}; there are: {', '.join(schema.names)}")
        if name in schema.partition_keys:
            raise _wrong("bucket-key", text, f"{name!r} is a partition column; it is the same for the whole partition")
        if schema.primary_keys and name not in schema.primary_keys:
            raise _wrong("bucket-key", text, f"{name!r} is not in the primary key {list(schema.primary_keys)}")
        if schema.find(name).type.root in {*NESTED, *EXOTIC}:
            raise _wrong("bucket-key", text, f"{name!r} is {schema.find(name).type}, which has no hash")
    if len(set(bucket.key)) != len(bucket.key):
        raise _wrong("bucket-key", text, "a column is named twice")


def check_columns_in_options(schema: TableSchema, options: TableOptions) -> None:
    """Check the options that name columns.

    Raises:
        InvalidInputError: A column is missing, of the wrong type, or named where it makes no sense.
    """
    sequence, rowkind = options.merge.sequence_fields, options.merge.rowkind_field
    for key, names in (("sequence.field", sequence), ("rowkind.field", (rowkind,) if rowkind else ())):
        text = ",".join(names)
        if names and not schema.primary_keys:
            raise _wrong(key, text, "it orders or marks the versions of a key, and this table has no primary key")
        for name in names:
            if name not in schema.names:
                raise _wrong(key, text, f"there is no column {name!r}; there are: {', '.join(schema.names)}")
    for name in sequence:
        if schema.find(name).type.root in {*NESTED, *EXOTIC}:
            raise _wrong("sequence.field", name, f"it is {schema.find(name).type}, which has no order")
        if f"fields.{name}.aggregate-function" in schema.options:
            raise _wrong("sequence.field", name, "it cannot have an aggregate function as well")
    if len(set(sequence)) != len(sequence):
        raise _wrong("sequence.field", ",".join(sequence), "a column is named twice")
    if rowkind is not None and schema.find(rowkind).type.root not in STRINGS:
        raise _wrong(
            "rowkind.field", rowkind, f"it is {schema.find(rowkind).type}; row kinds are text such as +I and -D"
        )
    _check_column_options(schema)
    check_file_index(schema)


def _check_column_options(schema: TableSchema) -> None:
    for key, value in schema.options.items():
        named: tuple[str, ...] = ()
        if key.startswith("fields.") and key != "fields.default-aggregate-function":
            rest = key.removeprefix("fields.")
            # A column's own name may hold dots, so look for the columns rather than for the dots.
            if any(rest.startswith(f"{name}.") for name in schema.names):
                continue
            named = split_names(rest.split(".")[0])
        elif re.fullmatch(r"file-index\.[^.]+\.columns", key):
            named = tuple(re.sub(r"\[.*\]$", "", name) for name in split_names(value))
        for name in named:
            if name not in schema.names:
                raise _wrong(key, value, f"there is no column {name!r}; there are: {', '.join(schema.names)}")


def check_combinations(schema: TableSchema) -> None:
    """Check options that contradict each other or the kind of table, also those that only other engines ask.

    Raises:
        InvalidInputError: Two of them do not go together.
    """
    for key, fine, expected in _COMBINATIONS:
        if key in schema.options and not fine(schema):
            raise _wrong(key, schema.options[key], expected)


def _value(schema: TableSchema, key: str) -> object:
    """The value that holds, default included; None if there is none."""
    option = REGISTRY[key]
    text = schema.options.get(key, option.default)
    return None if text is None else parse_value(option.kind, text)


def _ordered(schema: TableSchema, low: str, high: str) -> bool:
    first, second = _value(schema, low), _value(schema, high)
    return not (isinstance(first, int) and isinstance(second, int)) or first <= second


def _positive(key: str) -> Callable[[TableSchema], bool]:
    def fine(schema: TableSchema) -> bool:
        value = _value(schema, key)
        return not isinstance(value, int) or value > 0

    return fine


def _time_field(schema: TableSchema) -> bool:
    name = schema.options["record-level.time-field"]
    return name in schema.names and schema.find(name).type.root in {TypeRoot.INT, TypeRoot.BIGINT, *TIMESTAMPS}


_COMBINATIONS: tuple[tuple[str, Callable[[TableSchema], bool], str], ...] = (
    *(
        (key, _positive(key), "expected at least 1")
        for key in ("snapshot.num-retained.min", "changelog.num-retained.min", "target-file-row-num")
    ),
    *(
        (key, lambda schema, low=low, high=high: _ordered(schema, low, high), f"{low} must not exceed {high}")
        for low, high in (
            ("snapshot.num-retained.min", "snapshot.num-retained.max"),
            ("changelog.num-retained.min", "changelog.num-retained.max"),
            ("commit.min-retry-wait", "commit.max-retry-wait"),
        )
        for key in (low, high)
    ),
    (
        "full-compaction.delta-commits",
        lambda schema: bool(schema.primary_keys) or _value(schema, "bucket") != -1,
        "an append table without buckets is not compacted by commits",
    ),
    (
        "changelog-producer",
        lambda schema: bool(schema.primary_keys) or _value(schema, "changelog-producer") == "none",
        "changes are those of keys, and this table has no primary key",
    ),
    (
        "streaming-read-overwrite",
        lambda schema: bool(schema.primary_keys) or _value(schema, "streaming-read-overwrite") is False,
        "it needs a primary key; append tables have streaming-read-append-overwrite",
    ),
    (
        "clustering.incremental",
        lambda schema: not schema.primary_keys or _value(schema, "clustering.incremental") is False,
        "it is for append tables, and this one has a primary key",
    ),
    (
        "clustering.incremental",
        lambda schema: (
            _value(schema, "clustering.incremental") is False
            or _value(schema, "bucket") == -1
            or _value(schema, "bucket-append-ordered") is False
        ),
        "the buckets of this table keep the order of rows; set bucket-append-ordered to false if it may be given up",
    ),
    (
        "row-tracking.enabled",
        lambda schema: (
            _value(schema, "row-tracking.enabled") is False
            or (not schema.primary_keys and _value(schema, "bucket") == -1)
        ),
        "only rows of tables without primary key and buckets have ids",
    ),
    (
        "clustering.columns",
        lambda schema: all(
            name in schema.names and schema.find(name).type.root not in NESTED
            for name in split_names(schema.options["clustering.columns"])
        ),
        "expected columns of this table, of types that have an order",
    ),
    (
        "manifest-sort.enabled",
        lambda schema: bool(schema.partition_keys) or _value(schema, "manifest-sort.enabled") is False,
        "manifests are sorted by partition, and this table has none",
    ),
    (
        "record-level.expire-time",
        lambda schema: "record-level.time-field" in schema.options,
        "it needs record-level.time-field to say how old a row is",
    ),
    (
        "record-level.time-field",
        _time_field,
        "expected an INT, BIGINT or TIMESTAMP column of this table",
    ),
)


def _wrong(key: str, value: object, why: str) -> InvalidInputError:
    return InvalidInputError(f"option {key!r} = {str(value)!r}: {why}", kind=ErrorKind.INVALID_OPTION)
