"""How ``lakestore describe`` looks on a terminal."""

import sys

from lakestore.cli.render import human_bytes, print_table
from lakestore.maintain.describe import TableDescription


def print_description(name: str, path: str, description: TableDescription) -> None:
    """Columns, keys and options, then the files by bucket and level."""
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
    print_levels(description)


def print_levels(description: TableDescription) -> None:
    """The LSM: one line a partition, bucket and level."""
    if description.snapshot is None:
        sys.stdout.write("no snapshot yet\n")
        return
    keyed = bool(description.schema.primary_keys)
    columns = ["partition", "bucket", "level", "files", "rows", "deletes", "size"]
    rows: list[list[object]] = []
    for level in description.levels:
        row: list[object] = [
            level.partition or "-",
            level.bucket,
            level.level,
            level.files,
            level.rows,
            level.deletes,
            human_bytes(level.bytes),
        ]
        rows.append([*row, f"{level.min_key} .. {level.max_key}"] if keyed else row)
    print_table([*columns, "keys"] if keyed else columns, rows)
    sys.stdout.write(
        f"\nsnapshot {description.snapshot.id} ({description.snapshot.commit_kind}): {description.files} files, "
        f"{description.rows:,} rows, {human_bytes(description.bytes)}\n"
    )
