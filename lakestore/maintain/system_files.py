"""System tables of live files: ``files``, ``file_key_ranges``, ``partitions``, ``buckets`` (columns as in Paimon's).

Times of files are as their writers noted them: wall-clock times of theirs.
"""

from collections import defaultdict
from collections.abc import Sequence

import pyarrow as pa

from lakestore.maintain.cleaning import CleanParts
from lakestore.maintain.system_rows import TIMESTAMP, column, number, table_of, text
from lakestore.maintain.system_text import folder_text, key_text, map_text, row_text, value_text
from lakestore.meta.scan import snapshot_entries
from lakestore.model.manifest import ManifestEntry
from lakestore.model.snapshot import Snapshot
from lakestore.read.bounds import value_bounds
from lakestore.storage.file_names import file_format

_INT = pa.int32()
_PLACE = [
    text("partition"),
    column("bucket", _INT, nullable=False),
    text("file_path", nullable=False),
    text("file_format", nullable=False),
    number("schema_id", nullable=False),
    column("level", _INT, nullable=False),
    number("record_count", nullable=False),
    number("file_size_in_bytes", nullable=False),
    text("min_key"),
    text("max_key"),
]
KEY_RANGE_COLUMNS = pa.schema([*_PLACE, number("first_row_id")])
FILE_COLUMNS = pa.schema(
    [
        *_PLACE,
        text("null_value_counts", nullable=False),
        text("min_value_stats", nullable=False),
        text("max_value_stats", nullable=False),
        number("min_sequence_number"),
        number("max_sequence_number"),
        column("creation_time", TIMESTAMP),
        number("deleteRowCount"),
        text("file_source"),
        number("first_row_id"),
        column("write_cols", pa.list_(pa.string())),
    ]
)
PARTITION_COLUMNS = pa.schema(
    [
        text("partition"),
        number("record_count", nullable=False),
        number("file_size_in_bytes", nullable=False),
        number("file_count", nullable=False),
        column("last_update_time", TIMESTAMP),
        column("created_at", TIMESTAMP),
        text("created_by"),
        text("updated_by"),
        text("options"),
        column("total_buckets", _INT, nullable=False),
        column("done", pa.bool_(), nullable=False),
        number("deleted_record_count"),
    ]
)
BUCKET_COLUMNS = pa.schema(
    [
        text("partition"),
        column("bucket", _INT, nullable=False),
        number("record_count", nullable=False),
        number("file_size_in_bytes", nullable=False),
        number("file_count", nullable=False),
        column("last_update_time", TIMESTAMP),
    ]
)


def file_rows(parts: CleanParts, snapshot: Snapshot | None) -> pa.Table:
    """``files``: one row a live data file."""
    rows = []
    for entry in _entries(parts, snapshot):
        file = entry.file
        rows.append(
            (
                *_place(parts, entry),
                *_statistics(parts, entry),
                file.min_sequence,
                file.max_sequence,
                file.creation_time,
                file.delete_row_count,
                None if file.source is None else file.source.name,
                file.first_row_id,
                file.write_columns,
            )
        )
    return table_of(FILE_COLUMNS, rows)


def key_range_rows(parts: CleanParts, snapshot: Snapshot | None) -> pa.Table:
    """``file_key_ranges``: one row a live data file, with the keys that it spans."""
    entries = _entries(parts, snapshot)
    return table_of(KEY_RANGE_COLUMNS, [(*_place(parts, entry), entry.file.first_row_id) for entry in entries])


def partition_rows(parts: CleanParts, snapshot: Snapshot | None) -> pa.Table:
    """``partitions``: one row a partition with live files, by name."""
    groups: dict[bytes, list[ManifestEntry]] = defaultdict(list)
    for entry in _entries(parts, snapshot):
        groups[entry.partition].append(entry)
    name = parts.options.partition.default_name
    rows = [
        (
            folder_text(partition, parts.schema, name),
            *_sums(entries),
            None,
            None,
            None,
            None,
            entries[-1].total_buckets,
            False,
            None,
        )
        for partition, entries in groups.items()
    ]
    return table_of(PARTITION_COLUMNS, sorted(rows, key=lambda row: str(row[0])))


def bucket_rows(parts: CleanParts, snapshot: Snapshot | None) -> pa.Table:
    """``buckets``: one row a bucket with live files, by partition."""
    groups: dict[tuple[str, int], list[ManifestEntry]] = defaultdict(list)
    for entry in _entries(parts, snapshot):
        groups[row_text(entry.partition, parts.schema.partition_types), entry.bucket].append(entry)
    return table_of(BUCKET_COLUMNS, [(*place, *_sums(groups[place])) for place in sorted(groups)])


def _entries(parts: CleanParts, snapshot: Snapshot | None) -> list[ManifestEntry]:
    return [] if snapshot is None else snapshot_entries(parts.manifests, snapshot)


def _place(parts: CleanParts, entry: ManifestEntry) -> tuple[object, ...]:
    """The columns that ``files`` and ``file_key_ranges`` have in common."""
    file = entry.file
    own = parts.schemas.get(file.schema_id)
    inside = f"{parts.store.url}{parts.folder_of(entry)}/{file.name}"
    return (
        row_text(entry.partition, parts.schema.partition_types),
        entry.bucket,
        inside if file.external_path is None else file.external_path,
        file_format(file.name),
        file.schema_id,
        file.level,
        file.row_count,
        file.size,
        key_text(file.min_key, own),
        key_text(file.max_key, own),
    )


def _statistics(parts: CleanParts, entry: ManifestEntry) -> tuple[str, str, str]:
    """Null counts, least and greatest values of the table's columns, as far as the file says."""
    fields = parts.schema.fields
    bounds = value_bounds(entry.file, parts.schemas.get(entry.file.schema_id), fields)
    nulls, lows, highs = {}, {}, {}
    for field in fields:
        known = bounds.get(field.name)
        nulls[field.name] = "null" if known is None or known.null_count is None else str(known.null_count)
        lows[field.name] = "null" if known is None else value_text(known.min, field.type, inside=True)
        highs[field.name] = "null" if known is None else value_text(known.max, field.type, inside=True)
    return map_text(nulls), map_text(lows), map_text(highs)


def _sums(entries: Sequence[ManifestEntry]) -> tuple[object, ...]:
    """Rows, bytes, files and the newest time of files."""
    files = [entry.file for entry in entries]
    times = [file.creation_time for file in files if file.creation_time is not None]
    return (
        sum(file.row_count for file in files),
        sum(file.size for file in files),
        len(files),
        max(times, default=None),
    )
