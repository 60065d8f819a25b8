"""System tables of the definition: ``schemas``, ``options``, ``aggregation_fields`` (columns as in Paimon's)."""

import json

import pyarrow as pa

from lakestore.format.schema_file import schema_to_json
from lakestore.maintain.cleaning import CleanParts
from lakestore.maintain.system_rows import TIMESTAMP, column, number, table_of, text, wall_ms

SCHEMA_COLUMNS = pa.schema(
    [
        number("schema_id", nullable=False),
        text("fields", nullable=False),
        text("partition_keys", nullable=False),
        text("primary_keys", nullable=False),
        text("options", nullable=False),
        text("comment"),
        column("update_time", TIMESTAMP, nullable=False),
    ]
)
OPTION_COLUMNS = pa.schema([text("key", nullable=False), text("value", nullable=False)])
AGGREGATION_COLUMNS = pa.schema(
    [
        text("field_name", nullable=False),
        text("field_type", nullable=False),
        text("function"),
        text("function_options"),
        text("comment"),
    ]
)


def schema_rows(parts: CleanParts) -> pa.Table:
    """``schemas``: one row a schema, oldest first; columns, keys and options as the JSON of the schema file."""
    rows = []
    for schema in parts.schemas.all():
        node = json.loads(schema_to_json(schema))
        texts = [_flat(node[key]) for key in ("fields", "partitionKeys", "primaryKeys", "options")]
        rows.append((schema.id, *texts, schema.comment, wall_ms(parts.env.clock, schema.time_millis or 0)))
    return table_of(SCHEMA_COLUMNS, rows)


def option_rows(parts: CleanParts) -> pa.Table:
    """``options``: the options of the latest schema, as stored."""
    return table_of(OPTION_COLUMNS, list(parts.schema.options.items()))


def aggregation_rows(parts: CleanParts) -> pa.Table:
    """``aggregation_fields``: one row a column, with the values and the keys of its options ``fields.<column>.…``."""
    rows = []
    for field in parts.schema.fields:
        keys = [key for key in parts.schema.options if _column_of(key) == field.name]
        values = [parts.schema.options[key] for key in keys]
        rows.append((field.name, str(field.type), _listed(values), _listed(keys), field.description))
    return table_of(AGGREGATION_COLUMNS, rows)


def _column_of(key: str) -> str | None:
    words = key.split(".")
    return words[1] if len(words) > 2 and words[0] == "fields" else None


def _listed(words: list[str]) -> str:
    return f"[{', '.join(words)}]"


def _flat(node: object) -> str:
    return json.dumps(node, ensure_ascii=False, separators=(",", ":"))
