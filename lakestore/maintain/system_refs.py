"""System tables of references: ``snapshots``, ``tags``, ``branches``, ``consumers`` (columns as in Paimon's)."""

import pyarrow as pa

from lakestore.maintain.cleaning import CleanParts
from lakestore.maintain.system_rows import TIMESTAMP, column, duration_text, number, table_of, text, wall_ms
from lakestore.meta.branches import Branches

SNAPSHOT_COLUMNS = pa.schema(
    [
        number("snapshot_id", nullable=False),
        number("schema_id", nullable=False),
        text("commit_user", nullable=False),
        number("commit_identifier", nullable=False),
        text("commit_kind", nullable=False),
        column("commit_time", TIMESTAMP, nullable=False),
        text("base_manifest_list", nullable=False),
        text("delta_manifest_list", nullable=False),
        text("changelog_manifest_list"),
        number("total_record_count"),
        number("delta_record_count"),
        number("changelog_record_count"),
        number("watermark"),
        number("next_row_id"),
        text("operation"),
        text("writer_version"),
    ]
)
TAG_COLUMNS = pa.schema(
    [
        text("tag_name", nullable=False),
        number("snapshot_id", nullable=False),
        number("schema_id", nullable=False),
        column("commit_time", TIMESTAMP, nullable=False),
        number("record_count"),
        column("create_time", TIMESTAMP),
        text("time_retained"),
    ]
)
BRANCH_COLUMNS = pa.schema([text("branch_name", nullable=False), column("create_time", TIMESTAMP, nullable=False)])
CONSUMER_COLUMNS = pa.schema([text("consumer_id", nullable=False), number("next_snapshot_id", nullable=False)])


def snapshot_rows(parts: CleanParts) -> pa.Table:
    """``snapshots``: one row a snapshot, oldest first."""
    return table_of(
        SNAPSHOT_COLUMNS,
        (
            (
                found.id,
                found.schema_id,
                found.commit_user,
                found.commit_identifier,
                str(found.commit_kind),
                wall_ms(parts.env.clock, found.time_millis),
                found.base_manifest_list,
                found.delta_manifest_list,
                found.changelog_manifest_list,
                found.total_record_count,
                found.delta_record_count,
                found.changelog_record_count,
                found.watermark,
                found.next_row_id,
                found.operation,
                found.writer_version,
            )
            for found in parts.snapshots.list()
        ),
    )


def tag_rows(parts: CleanParts) -> pa.Table:
    """``tags``: one row a tag, by snapshot and name."""
    return table_of(
        TAG_COLUMNS,
        (
            (
                tag.name,
                tag.snapshot.id,
                tag.snapshot.schema_id,
                wall_ms(parts.env.clock, tag.snapshot.time_millis),
                tag.snapshot.total_record_count,
                tag.create_time_ms,
                None if tag.time_retained_ms is None else duration_text(tag.time_retained_ms),
            )
            for tag in parts.tags.list()
        ),
    )


def branch_rows(parts: CleanParts) -> pa.Table:
    """``branches``: one row a branch, by name; made when the oldest of its files was written."""
    rows = []
    branches = Branches(parts.store, parts.paths)
    for name in filter(branches.exists, branches.list()):
        files = parts.store.list_recursive(parts.paths.branch_dir(name))
        written = min((file.modified_ms for file in files if file.modified_ms is not None), default=0)
        rows.append((name, wall_ms(parts.env.clock, written)))
    return table_of(BRANCH_COLUMNS, rows)


def consumer_rows(parts: CleanParts) -> pa.Table:
    """``consumers``: one row a consumer, by name."""
    return table_of(CONSUMER_COLUMNS, ((found.id, found.next_snapshot) for found in parts.consumers.list()))
