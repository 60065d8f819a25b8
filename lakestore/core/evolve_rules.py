"""What a schema change must not do; each error names the rule and the way out."""

from collections.abc import Sequence

from lakestore.core.cast_rules import CastKind, cast_kind, is_executed, same_type
from lakestore.core.casts import find_cast
from lakestore.core.defaults import STRING, parse_default
from lakestore.core.evolve_paths import named
from lakestore.core.option_columns import INDEX_OPTIONS, naming
from lakestore.core.options import parse_options
from lakestore.core.options_values import split_names
from lakestore.core.validate import validate_alter
from lakestore.errors import ErrorKind, InvalidInputError
from lakestore.model.changes import ELEMENT, VALUE, ChangeType, Path, SchemaChange, SetOption
from lakestore.model.schema import TableSchema
from lakestore.model.types import MAX_LENGTH, NESTED, STRINGS, DataType, Field, TypeRoot


def check_free_name(siblings: Sequence[Field], name: str, path: Path) -> None:
    """Refuse a name that a neighbour has."""
    if any(field.name == name for field in siblings):
        raise _invalid(f"column {named(path)!r} is there already; choose another name")


def check_kept(schema: TableSchema, path: Path, what: str, *, keys: bool) -> None:
    """Refuse to drop or rename a column that must stay.

    Args:
        schema: The schema before the change.
        path: The column.
        what: What is done to it, for the message.
        keys: Whether primary-key columns must stay too.
    """
    if len(path) > 1:
        return
    name = path[0]
    if name in schema.partition_keys:
        raise _invalid(
            f"column {name!r} cannot be {what}: it is a partition column, and folders are called after it; "
            "create another table and copy the rows"
        )
    if keys and name in schema.primary_keys:
        raise _invalid(
            f"column {name!r} cannot be {what}: it is in the primary key {list(schema.primary_keys)}; "
            "create another table and copy the rows"
        )
    _check_not_indexed(schema, name, what)


def check_type_change(
    schema: TableSchema, path: Path, source: DataType, target: DataType, *, before: TableSchema
) -> None:
    """Refuse a change of type that keys forbid, that Paimon does not know, or that LakeStore would not read.

    Args:
        schema: The schema before this change.
        path: The column.
        source: Its type.
        target: Its type to be.
        before: The schema before all changes, whose options hold.
    """
    if len(path) == 1:
        _check_type_may_change(schema, path[0])
    if source.nullable != target.nullable:
        check_nullability(schema, path, source, nullable=target.nullable, before=before)
    if same_type(source, target):
        return
    kind = cast_kind(source, target)
    if kind is None or source.root in NESTED or target.root in NESTED:
        nested = " (change the parts of a nested column by their paths)" if source.root in NESTED else ""
        raise _cannot(path, source, target, f"Paimon has no such cast{nested}; add a column of the new type instead")
    if kind is CastKind.EXPLICIT and parse_options(before.options, schema=before).alter.implicit_only:
        raise _cannot(
            path, source, target, "it may lose information, and option 'disable-explicit-type-casting' forbids that"
        )
    if not is_executed(source, target):
        if target.root in STRINGS and is_executed(source, STRING):
            raise _cannot(path, source, target, "Paimon casts it to nullable STRING only; make it that")
        raise _cannot(path, source, target, "no Paimon reader carries that cast out; add a column of the new type")
    _check_readable(path, source, target)


def check_nullability(
    schema: TableSchema, path: Path, source: DataType, *, nullable: bool, before: TableSchema
) -> None:
    """Refuse null in a primary key, and NOT NULL where nulls may be; ``before`` is the schema before all changes."""
    if nullable and len(path) == 1 and path[0] in schema.primary_keys:
        raise _invalid(f"column {path[0]!r} cannot become nullable: it is in the primary key")
    if source.nullable and not nullable and parse_options(before.options, schema=before).alter.keep_nullable:
        raise _invalid(
            f"column {named(path)!r} cannot become NOT NULL: rows that are there may be null; if you know that none "
            f"is, set option 'alter-column-null-to-not-null.disabled' to false in a change of its own first"
        )


def check_default(path: Path, kind: DataType, text: str) -> None:
    """Refuse a default that is no value of the column's type."""
    try:
        parse_default(text, kind)
    except InvalidInputError as error:
        raise _invalid(f"default of column {named(path)!r}: {error.message}") from error


def check_whole(path: Path, what: str) -> None:
    """Refuse what only a named column can have."""
    if len(path) > 1 and (what == "default" or path[-1] in {ELEMENT, VALUE}):
        raise _invalid(f"column {named(path)!r} takes no {what}: only a column of the table does")


def check_result(
    before: TableSchema,
    after: TableSchema,
    changes: Sequence[SchemaChange],
    *,
    history: Sequence[TableSchema],
) -> None:
    """Check the schema that all changes came to.

    Raises:
        InvalidInputError: It is no legal schema, or an option names a column that is gone, or a file written under
            an old schema could not be read.
        UnsupportedFormatError: LakeStore could read or write the table before and could not afterwards.
    """
    for name in before.names:
        options = naming(after.options, name, columns=(*after.names, name))
        if name not in after.names and options:
            raise _invalid(
                f"column {name!r} cannot be dropped while options name it: {', '.join(options)}; remove or change them "
                "in the same call"
            )
    validate_alter(before, after, changed={change.key for change in changes if isinstance(change, SetOption)})
    if any(isinstance(change, ChangeType) for change in changes):
        _check_old_files(after, history)


def _check_old_files(after: TableSchema, history: Sequence[TableSchema]) -> None:
    types = {field.id: field for field in after.fields}
    for old in history:
        for field in old.fields:
            now = types.get(field.id)
            if now is not None and find_cast(field.type, now.type) is None:
                raise _cannot(
                    (now.name,),
                    field.type,
                    now.type,
                    f"files of schema {old.id} may hold it as {field.type}, and readers cast straight from there; "
                    "add a column of the new type instead",
                )


def _check_type_may_change(schema: TableSchema, name: str) -> None:
    for what, names in (("a partition column", schema.partition_keys), ("in the primary key", schema.primary_keys)):
        if name in names:
            raise _invalid(
                f"the type of column {name!r} cannot change: it is {what}; create another table and copy the rows"
            )
    if name in split_names(schema.options.get("bucket-key", "")):
        raise _invalid(
            f"the type of column {name!r} cannot change: it is in 'bucket-key', and equal values would hash to other "
            "buckets; create another table and copy the rows"
        )
    _check_not_indexed(schema, name, "given another type")


def _check_not_indexed(schema: TableSchema, name: str, what: str) -> None:
    indexed = sorted(set(naming(schema.options, name, columns=schema.names)) & INDEX_OPTIONS)
    if indexed:
        raise _invalid(f"column {name!r} cannot be {what}: an index over the whole table is built on it ({indexed[0]})")


def _check_readable(path: Path, source: DataType, target: DataType) -> None:
    if find_cast(source, target) is None:
        raise _cannot(path, source, target, "LakeStore does not carry that cast out; add a column of the new type")
    decimals_may_overflow = target.root is TypeRoot.DECIMAL and not _has_room(source, target)
    if decimals_may_overflow and not target.nullable:
        raise _cannot(
            path,
            source,
            target,
            "values with too many digits become null, and the column is NOT NULL; make it nullable",
        )


_INTEGER_DIGITS = {
    TypeRoot.TINYINT: 3,
    TypeRoot.SMALLINT: 5,
    TypeRoot.INT: 10,
    TypeRoot.BIGINT: 19,
    TypeRoot.BOOLEAN: 1,
}


def _has_room(source: DataType, target: DataType) -> bool:
    whole = (target.precision or 0) - (target.scale or 0)
    if source.root is TypeRoot.DECIMAL:
        rounds_up = (target.scale or 0) < (source.scale or 0)
        return whole >= (source.precision or 0) - (source.scale or 0) + rounds_up
    return whole >= _INTEGER_DIGITS.get(source.root, MAX_LENGTH)


def _cannot(path: Path, source: DataType, target: DataType, why: str) -> InvalidInputError:
    return InvalidInputError(
        f"column {named(path)!r} cannot change from {source} to {target}: {why}", kind=ErrorKind.INVALID_TYPE
    )


def _invalid(message: str) -> InvalidInputError:
    return InvalidInputError(message, kind=ErrorKind.INVALID_SCHEMA)
