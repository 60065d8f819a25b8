"""Index manifests: the index files of one snapshot (Paimon ``IndexManifestEntry``). Read only.

A commit of ours carries the file forward by name, so nothing of it is ever lost.
"""

from typing import Any

from lakestore.errors import CorruptTableError
from lakestore.format.avro_file import read_blocks
from lakestore.format.avro_frame import Record
from lakestore.format.manifest_schema import INDEX_MANIFEST
from lakestore.model.manifest import DeletionVectorRange, EntryKind, IndexEntry

HASH_INDEX = "HASH"
DELETION_VECTORS_INDEX = "DELETION_VECTORS"

_KINDS = {int(kind): kind for kind in EntryKind}


def read_index_manifest(data: bytes, path: str) -> list[IndexEntry]:
    """Read an index manifest.

    Args:
        data: The file's bytes.
        path: Its path, for messages.

    Raises:
        CorruptTableError: The bytes are damaged, or hold a value that the format does not know.
        UnsupportedFormatError: The codec or version is unknown.
    """
    return [_entry(record, path) for block in read_blocks(data, path, INDEX_MANIFEST) for record in block]


def _entry(record: Record, path: str) -> IndexEntry:
    kind = _KINDS.get(record["_KIND"])
    if kind is None:
        raise CorruptTableError(f"field '_KIND': expected 0 or 1, found {record['_KIND']}", path=path)
    if min(record["_FILE_SIZE"], record["_ROW_COUNT"]) < 0:
        raise CorruptTableError(f"index file {record['_FILE_NAME']!r}: negative size or row count", path=path)
    return IndexEntry(
        kind=kind,
        partition=record["_PARTITION"],
        bucket=record["_BUCKET"],
        index_type=record["_INDEX_TYPE"],
        name=record["_FILE_NAME"],
        size=record["_FILE_SIZE"],
        row_count=record["_ROW_COUNT"],
        vectors=_vectors(record.get("_DELETIONS_VECTORS_RANGES"), path),
        external_path=record.get("_EXTERNAL_PATH"),
    )


def _vectors(ranges: list[Any] | None, path: str) -> tuple[DeletionVectorRange, ...] | None:
    if ranges is None:
        return None
    if any(item is None for item in ranges):
        raise CorruptTableError("field '_DELETIONS_VECTORS_RANGES': a null among the ranges", path=path)
    return tuple(
        DeletionVectorRange(
            data_file=item["f0"], offset=item["f1"], length=item["f2"], cardinality=item.get("_CARDINALITY")
        )
        for item in ranges
    )
