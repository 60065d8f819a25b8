"""How ``lakestore describe`` looks on a terminal."""

import sys

from lakestore.cli.levels import print_levels
from lakestore.cli.render import print_table
from lakestore.maintain.describe import TableDescription
from lakestore.maintain.levels_records import LevelsPicture

BUCKETS_SHOWN = 8
"""Buckets that are drawn; ``lakestore files`` draws them all."""


def print_description(name: str, path: str, description: TableDescription, levels: LevelsPicture) -> None:
    """Columns, keys and options, then a picture of the files by bucket and level."""
    schema = description.schema
    sys.stdout.write(f"{name} at {path}\n")
    if schema.comment:
        sys.stdout.write(f"{schema.comment}\n")
    key = ", ".join(schema.primary_keys) or "none (append table)"
    sys.stdout.write(f"primary key: {key}\n")
    sys.stdout.write(f"partitioned by: {', '.join(schema.partition_keys) or 'nothing'}\n\n")
    print_table(
        ["id", "column", "type", "comment"],
        [[field.id, field.name, str(field.type), field.description or ""] for field in schema.fields],
    )
    if schema.options:
        sys.stdout.write("\n")
        print_table(["option", "value"], sorted(schema.options.items()))
    sys.stdout.write("\n")
    print_levels(levels, buckets_max=BUCKETS_SHOWN)
