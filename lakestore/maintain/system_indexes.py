"""System table ``file_indexes``: the indexes of live data files (columns as in Paimon's)."""

from collections.abc import Iterator

import pyarrow as pa

from lakestore.format.file_index import EMPTY, BytesAt, Part, read_head
from lakestore.maintain.cleaning import CleanParts
from lakestore.maintain.system_rows import column, number, table_of, text
from lakestore.maintain.system_text import row_text
from lakestore.meta.scan import snapshot_entries
from lakestore.model.manifest import ManifestEntry
from lakestore.model.snapshot import Snapshot
from lakestore.storage.file_names import is_file_index

FILE_INDEX_COLUMNS = pa.schema(
    [
        text("partition"),
        column("bucket", pa.int32(), nullable=False),
        text("file_path", nullable=False),
        number("file_size_in_bytes", nullable=False),
        number("record_count", nullable=False),
        number("schema_id", nullable=False),
        text("column_name", nullable=False),
        text("index_type", nullable=False),
        text("storage_type", nullable=False),
        text("index_file_path"),
        number("index_size_in_bytes", nullable=False),
        number("index_container_size_in_bytes", nullable=False),
        column("is_empty", pa.bool_(), nullable=False),
    ]
)


def file_index_rows(parts: CleanParts, snapshot: Snapshot | None) -> pa.Table:
    """``file_indexes``: one row an index of a live data file."""
    entries = [] if snapshot is None else snapshot_entries(parts.manifests, snapshot)
    return table_of(FILE_INDEX_COLUMNS, [row for entry in entries for row in _rows(parts, entry)])


def _rows(parts: CleanParts, entry: ManifestEntry) -> Iterator[tuple[object, ...]]:
    file = entry.file
    folder = parts.folder_of(entry)
    for part, path, size in _parts(parts, entry, folder):
        yield (
            row_text(entry.partition, parts.schema.partition_types),
            entry.bucket,
            f"{parts.store.url}{folder}/{file.name}" if file.external_path is None else file.external_path,
            file.size,
            file.row_count,
            file.schema_id,
            part.column,
            part.kind,
            "EMBEDDED" if path is None else "FILE",
            None if path is None else parts.store.url + path,
            part.length,
            size,
            part.start == EMPTY,
        )


def _parts(parts: CleanParts, entry: ManifestEntry, folder: str) -> Iterator[tuple[Part, str | None, int]]:
    """Each index, the path of the file that it is in, and the size of its container."""
    embedded = entry.file.embedded_index
    if embedded is not None:
        for part in read_head(BytesAt(embedded), f"index of {entry.file.name}"):
            yield part, None, len(embedded)
    elif entry.file.external_path is None:
        for name in filter(is_file_index, entry.file.extra_files):
            path = f"{folder}/{parts.checked(entry, name)}"
            with parts.store.open_input(path) as source:
                for part in read_head(source, path):
                    yield part, path, source.size()
