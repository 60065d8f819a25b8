"""System tables of metadata files: ``manifests``, ``table_indexes``, ``statistics`` (columns as in Paimon's)."""

import json

import pyarrow as pa

from lakestore.errors import NotFoundError
from lakestore.format.statistics_file import statistics_from_json
from lakestore.maintain.cleaning import CleanParts
from lakestore.maintain.system_rows import column, number, table_of, text
from lakestore.maintain.system_text import row_text
from lakestore.model.snapshot import Snapshot

_INT = pa.int32()
MANIFEST_COLUMNS = pa.schema(
    [
        text("file_name", nullable=False),
        number("file_size", nullable=False),
        number("num_added_files", nullable=False),
        number("num_deleted_files", nullable=False),
        number("schema_id", nullable=False),
        text("min_partition_stats"),
        text("max_partition_stats"),
        number("min_row_id"),
        number("max_row_id"),
    ]
)
INDEX_COLUMNS = pa.schema(
    [
        text("partition"),
        column("bucket", _INT, nullable=False),
        text("index_type", nullable=False),
        text("file_name", nullable=False),
        number("file_size", nullable=False),
        number("row_count", nullable=False),
        column(
            "dv_ranges",
            pa.list_(
                pa.struct(
                    [
                        text("f0", nullable=False),
                        column("f1", _INT, nullable=False),
                        column("f2", _INT, nullable=False),
                        number("_CARDINALITY"),
                    ]
                )
            ),
        ),
        number("row_range_start"),
        number("row_range_end"),
        column("index_field_id", _INT),
        text("index_field_name"),
    ]
)
STATISTICS_COLUMNS = pa.schema(
    [
        number("snapshot_id", nullable=False),
        number("schema_id", nullable=False),
        number("mergedRecordCount"),
        number("mergedRecordSize"),
        text("colstat"),
    ]
)


def manifest_rows(parts: CleanParts, snapshot: Snapshot | None) -> pa.Table:
    """``manifests``: one row a manifest that a snapshot names, those of its changelog included."""
    metas = [] if snapshot is None else list(parts.manifests.read_snapshot_lists(snapshot))
    if snapshot is not None and snapshot.changelog_manifest_list is not None:
        metas += parts.manifests.read_list(snapshot.changelog_manifest_list)
    types = parts.schema.partition_types
    return table_of(
        MANIFEST_COLUMNS,
        (
            (
                meta.name,
                meta.size,
                meta.added_files,
                meta.deleted_files,
                meta.schema_id,
                row_text(meta.partition_stats.min_values, types),
                row_text(meta.partition_stats.max_values, types),
                meta.min_row_id,
                meta.max_row_id,
            )
            for meta in metas
        ),
    )


def index_rows(parts: CleanParts, snapshot: Snapshot | None) -> pa.Table:
    """``table_indexes``: one row an index file that a snapshot names."""
    name = None if snapshot is None else snapshot.index_manifest
    entries = [] if name is None else parts.manifests.read_index(name)
    rows = []
    for entry in entries:
        ranges = None
        if entry.vectors is not None:
            ranges = [
                {"f0": each.data_file, "f1": each.offset, "f2": each.length, "_CARDINALITY": each.cardinality}
                for each in entry.vectors
            ]
        partition = row_text(entry.partition, parts.schema.partition_types)
        place = (partition, entry.bucket, entry.index_type, entry.name, entry.size, entry.row_count)
        rows.append((*place, ranges, None, None, None, None))
    return table_of(INDEX_COLUMNS, rows)


def statistics_rows(parts: CleanParts, snapshot: Snapshot | None) -> pa.Table:
    """``statistics``: one row when the snapshot has statistics, none when it was never analyzed.

    Raises:
        NotFoundError: The file is gone.
    """
    if snapshot is None or snapshot.statistics is None:
        return table_of(STATISTICS_COLUMNS, [])
    path = parts.paths.statistics(snapshot.statistics)
    data = parts.store.get_or_none(path)
    if data is None:
        raise NotFoundError(f"{parts.store.url}{path}: the statistics of snapshot {snapshot.id} are gone")
    found = statistics_from_json(data, path)
    columns = json.dumps(json.loads(data).get("colStats", {}), ensure_ascii=False)
    return table_of(STATISTICS_COLUMNS, [(found.snapshot_id, found.schema_id, found.rows, found.size, columns)])
