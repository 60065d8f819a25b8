"""Schema files: ``schema/schema-N`` (Paimon ``TableSchema``, spec page ``concepts/spec/schema``)."""

from typing import Any

from pydantic import Field as Default

from lakestore.errors import CorruptTableError
from lakestore.format.json_text import (
    Count,
    FileModel,
    Long,
    check_writable,
    read_object,
    read_version,
    validate,
    write_object,
)
from lakestore.model.schema import SCHEMA_VERSION, TableSchema
from lakestore.model.types import Field, field_to_json, parse_field

_BUCKET_BEFORE_VERSION_2 = "1"
"""Default of option ``bucket`` while schema files were of version 1."""
_FILE_FORMAT_BEFORE_VERSION_3 = "orc"
"""Default of option ``file.format`` until schema files became version 3."""


class _FieldModel(FileModel):
    id: Count
    name: str
    type: str | dict[str, Any]
    description: str | None = None
    default_value: str | None = None


class _SchemaModel(FileModel):
    id: Count
    fields: list[_FieldModel]
    highest_field_id: Long = -1
    partition_keys: list[str]
    primary_keys: list[str]
    options: dict[str, str] = Default(default_factory=dict)
    comment: str | None = None
    time_millis: Long | None = None


def schema_from_json(data: bytes, path: str) -> TableSchema:
    """Read a schema file.

    Options that older writers left to their own defaults (``bucket``, ``file.format``) are filled in, so that
    the record means today what the file meant then.

    Args:
        data: The file's bytes.
        path: Its path, for messages.

    Raises:
        CorruptTableError: A field is missing or wrong.
        UnsupportedFormatError: The file is of a newer version.
    """
    node = read_object(data, path)
    version = read_version(node, newest=SCHEMA_VERSION, what="schema", path=path)
    model = validate(_SchemaModel, node, path)
    options = dict(model.options)
    if version < 2:
        options.setdefault("bucket", _BUCKET_BEFORE_VERSION_2)
    if version < 3:
        options.setdefault("file.format", _FILE_FORMAT_BEFORE_VERSION_3)
    fields = tuple(_field(raw, path) for raw in model.fields)
    try:
        return TableSchema(
            id=model.id,
            fields=fields,
            partition_keys=tuple(model.partition_keys),
            primary_keys=tuple(model.primary_keys),
            options=options,
            highest_field_id=model.highest_field_id,
            comment=model.comment,
            time_millis=model.time_millis or 0,
        )
    except ValueError as error:
        raise CorruptTableError(str(error), path=path) from error


def _field(model: _FieldModel, path: str) -> Field:
    try:
        return parse_field(model.model_dump(by_alias=True))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CorruptTableError(f"field 'fields' ({model.name}): {error}", path=path) from error


def schema_to_json(schema: TableSchema) -> bytes:
    """The bytes of a schema file. A comment is written only when there is one.

    Raises:
        InvalidInputError: A value has a type that no reader takes.
    """
    node: dict[str, Any] = {
        "version": SCHEMA_VERSION,
        "id": schema.id,
        "fields": [field_to_json(field) for field in schema.fields],
        "highestFieldId": schema.highest_field_id,
        "partitionKeys": schema.partition_keys,
        "primaryKeys": schema.primary_keys,
        "options": schema.options,
    }
    if schema.comment is not None:
        node["comment"] = schema.comment
    node["timeMillis"] = schema.time_millis
    data = write_object(node)
    what = f"schema {schema.id}"
    check_writable(_SchemaModel, read_object(data, what), what)
    return data
