"""What a new table must be: normalised the way Paimon stores it, and checked before anything is written.

The rules are those of Paimon's ``SchemaValidation`` for what LakeStore can do, and a few contradictions more that
Paimon would let pass. What LakeStore cannot do is refused by ``core.options``.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from lakestore.core.file_formats import check_files
from lakestore.core.options import check_readable, check_values, check_writable, parse_options, unknown_keys
from lakestore.core.options_registry import lookup
from lakestore.core.options_registry_entry import Status
from lakestore.core.options_values import split_names
from lakestore.core.validate_merge import validate_merge
from lakestore.core.validate_options import check_bucket, check_columns_in_options, check_combinations
from lakestore.errors import ErrorKind, InvalidInputError, UnsupportedFormatError
from lakestore.model.rows import KEY_PREFIX, RESERVED_NAMES
from lakestore.model.schema import TableSchema
from lakestore.model.types import EXOTIC, NESTED, DataType, Field

DEFAULT_KEYED_BUCKETS = "1"
"""Buckets of a primary-key table that does not say. Paimon's default, dynamic buckets, cannot be written here."""


def normalise_new_schema(schema: TableSchema) -> tuple[TableSchema, tuple[str, ...]]:
    """The schema as it will be stored, checked, and notes on what the caller might not expect.

    1. Keys given as options move to the key lists.
    2. Key columns become NOT NULL.
    3. Blanks around the names in ``bucket-key`` go.
    4. A primary-key table without ``bucket`` gets one bucket.

    Raises:
        InvalidInputError: The schema or an option is wrong.
        UnsupportedFormatError: It asks for what LakeStore does not do.
    """
    check_values(schema.options)
    schema, notes = _with_keys_from_options(schema), []
    options = dict(schema.options)
    if "bucket-key" in options:
        options["bucket-key"] = ",".join(split_names(options["bucket-key"]))
    if schema.primary_keys and "bucket" not in options:
        options["bucket"] = DEFAULT_KEYED_BUCKETS
        notes.append(
            f"option bucket set to {DEFAULT_KEYED_BUCKETS}: a primary-key table needs a fixed number of buckets; "
            "give your own number to spread writing and reading over more"
        )
    schema = replace(schema, options=options, fields=_with_key_columns_not_null(schema))
    validate_create(schema)
    return schema, (*notes, *_notes_on_options(schema.options))


def validate_create(schema: TableSchema) -> None:
    """Check a normalised schema for a new table.

    Raises:
        InvalidInputError: The schema or an option is wrong; the message says what and what to do.
        UnsupportedFormatError: It asks for what LakeStore does not do.
    """
    _check_names(schema)
    _check_types(schema.fields)
    _check_keys(schema)
    check_values(schema.options)
    options = parse_options(schema.options, schema=schema)
    check_bucket(schema, options.bucket)
    check_columns_in_options(schema, options)
    validate_merge(schema)
    check_combinations(schema)
    check_readable(schema)
    check_writable(schema)
    check_files(schema.fields, options.files)


def validate_alter(before: TableSchema, after: TableSchema, *, changed: Iterable[str]) -> None:
    """Check a schema that follows another: it must not break a rule that the one before it kept.

    Tables of other engines may break rules of ours already; they can be altered all the same.

    Args:
        before: The schema that is followed.
        after: The schema to be.
        changed: Options that were set, whose values must be right.

    Raises:
        InvalidInputError: A rule is broken, or an option has a wrong value.
        UnsupportedFormatError: LakeStore would not read or write the table any more.
    """
    check_values({key: after.options[key] for key in changed if key in after.options})
    known = {(field.id, field.type) for field in before.fields}
    _check_types(tuple(field for field in after.fields if (field.id, field.type) not in known))
    for check in _RULES:
        try:
            check(after)
        except (InvalidInputError, UnsupportedFormatError):
            if _keeps(before, check):
                raise


def _keeps(schema: TableSchema, check: Callable[[TableSchema], None]) -> bool:
    try:
        check(schema)
    except (InvalidInputError, UnsupportedFormatError):
        return False
    return True


def _with_keys_from_options(schema: TableSchema) -> TableSchema:
    options = dict(schema.options)
    keys = {"primary-key": schema.primary_keys, "partition": schema.partition_keys}
    for option, listed in keys.items():
        text = options.pop(option, None)
        if text is None:
            continue
        if listed:
            raise InvalidInputError(
                f"option {option!r} = {text!r}, but the key columns {list(listed)} are given too; give them once",
                kind=ErrorKind.INVALID_OPTION,
            )
        keys[option] = split_names(text)
    return replace(schema, options=options, primary_keys=keys["primary-key"], partition_keys=keys["partition"])


def _with_key_columns_not_null(schema: TableSchema) -> tuple[Field, ...]:
    return tuple(
        replace(field, type=field.type.with_nullable(nullable=False)) if field.name in schema.primary_keys else field
        for field in schema.fields
    )


def _notes_on_options(options: Mapping[str, str]) -> Iterator[str]:
    for key in sorted(options):
        option = lookup(key)
        if option is not None and option.status is Status.INERT:
            yield f"option {key} is kept but does nothing in LakeStore: {option.text}"
    unknown = unknown_keys(options)
    if unknown:
        yield f"options that LakeStore does not know are kept as they are: {', '.join(unknown)}"


def _invalid(message: str) -> InvalidInputError:
    return InvalidInputError(message, kind=ErrorKind.INVALID_SCHEMA)


def _check_names(schema: TableSchema) -> None:
    if not schema.fields:
        raise _invalid("a table needs at least one column")
    for name in schema.names:
        if not name.strip():
            raise _invalid(f"column name {name!r} is empty")
        if name in RESERVED_NAMES or name.startswith(KEY_PREFIX):
            raise _invalid(
                f"column name {name!r} is reserved: Paimon uses {', '.join(sorted(RESERVED_NAMES))} and names that "
                f"begin with {KEY_PREFIX} in its files; rename the column"
            )


def _check_types(fields: tuple[Field, ...]) -> None:
    for field in fields:
        for kind in _parts(field.type):
            if kind.root in EXOTIC:
                raise UnsupportedFormatError(
                    f"column {field.name!r} has type {field.type}: LakeStore neither reads nor writes {kind.root} yet"
                )
            names = [member.name for member in kind.fields]
            if len(set(names)) != len(names):
                raise _invalid(f"column {field.name!r} has members of the same name: {', '.join(names)}")


def _parts(kind: DataType) -> Iterator[DataType]:
    yield kind
    for child in kind.children():
        yield from _parts(child)


def _check_keys(schema: TableSchema) -> None:
    for what, keys in (("primary key", schema.primary_keys), ("partition", schema.partition_keys)):
        if len(set(keys)) != len(keys):
            raise _invalid(f"{what} columns {list(keys)} name a column twice")
        for field in schema.select(keys):
            if field.type.root in {*NESTED, *EXOTIC}:
                raise _invalid(
                    f"{what} column {field.name!r} is {field.type}; such values have no order, so they cannot be keys"
                )
    if not schema.primary_keys:
        return
    if not schema.trimmed_primary_keys:
        raise _invalid(
            f"the primary key {list(schema.primary_keys)} has only partition columns, so that a partition could hold "
            "one row; add a column to the key"
        )
    outside = [name for name in schema.partition_keys if name not in schema.primary_keys]
    if outside:
        raise _invalid(
            f"partition columns {outside} are not in the primary key {list(schema.primary_keys)}: one key could then "
            "live in several partitions, which fixed buckets do not allow; add them to the key"
        )


_RULES: tuple[Callable[[TableSchema], None], ...] = (
    _check_names,
    _check_keys,
    lambda schema: check_bucket(schema, parse_options(schema.options, schema=schema).bucket),
    lambda schema: check_columns_in_options(schema, parse_options(schema.options, schema=schema)),
    validate_merge,
    check_combinations,
    check_readable,
    check_writable,
    lambda schema: check_files(schema.fields, parse_options(schema.options, schema=schema).files),
)
