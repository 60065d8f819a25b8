"""Manifests and manifest lists: Avro files of file entries, and of the manifests that hold them.

Paimon ``ManifestEntry``, ``DataFileMeta`` and ``ManifestFileMeta``; spec page ``concepts/spec/manifest``. What older
writers did not know reads as None.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from lakestore.errors import CorruptTableError, InvariantError
from lakestore.format.avro_file import Encoder, read_blocks
from lakestore.format.avro_frame import Record
from lakestore.format.manifest_schema import (
    MANIFEST,
    MANIFEST_LIST,
    MANIFEST_LIST_VERSION,
    MANIFEST_NEWEST,
    MANIFEST_VERSION,
)
from lakestore.model.datafile import DataFile, FileSource
from lakestore.model.manifest import EntryKind, ManifestEntry, ManifestMeta
from lakestore.model.stats import ColumnStats

BLOCK_ENTRIES = 256
"""Entries of one Avro block; a manifest rolls between blocks."""

_KINDS = {int(kind): kind for kind in EntryKind}
_SOURCES: Mapping[int | None, FileSource | None] = {None: None, **{int(source): source for source in FileSource}}
_UNKNOWN_STATS = ColumnStats(null_counts=None)


def read_manifest(data: bytes, path: str) -> list[ManifestEntry]:
    """Read a manifest.

    Args:
        data: The file's bytes.
        path: Its path, for messages.

    Raises:
        CorruptTableError: The bytes are damaged, or hold a value that the format does not know.
        UnsupportedFormatError: The codec or version is unknown.
    """
    return [_entry(record, path) for block in read_blocks(data, path, MANIFEST_NEWEST) for record in block]


def read_manifest_list(data: bytes, path: str) -> list[ManifestMeta]:
    """Read a manifest list; arguments and errors as ``read_manifest``."""
    return [_meta(record, path) for block in read_blocks(data, path, MANIFEST_LIST) for record in block]


def write_manifest(entries: Iterable[ManifestEntry], compression: str) -> bytes:
    """The bytes of one manifest, however large.

    Raises:
        InvalidInputError: The compression is unknown.
    """
    files = [data for _, data in encode_manifests(entries, compression, target_bytes=None)]
    return files[0] if files else Encoder(MANIFEST.schema, compression=compression).finish()


def encode_manifests(
    entries: Iterable[ManifestEntry], compression: str, *, target_bytes: int | None
) -> Iterator[tuple[Sequence[ManifestEntry], bytes]]:
    """Cut entries into manifests.

    Args:
        entries: The entries in order.
        compression: Value of option ``manifest.compression``.
        target_bytes: Begin another file once one has reached that size; None for never.

    Yields:
        Each file's entries and its bytes; nothing when there are no entries.

    Raises:
        InvalidInputError: The compression is unknown.
    """
    todo = list(entries)
    newest = any(entry.file.write_columns_sequences is not None for entry in todo)
    schema = (MANIFEST_NEWEST if newest else MANIFEST).schema
    encoder, first = Encoder(schema, compression=compression), 0
    for start in range(0, len(todo), BLOCK_ENTRIES):
        end = min(start + BLOCK_ENTRIES, len(todo))
        encoder.add([_entry_record(entry) for entry in islice(todo, start, end)])
        if end == len(todo) or (target_bytes is not None and encoder.size >= target_bytes):
            yield todo[first:end], encoder.finish()
            encoder, first = Encoder(schema, compression=compression), end


def write_manifest_list(metas: Iterable[ManifestMeta], compression: str) -> bytes:
    """The bytes of a manifest list.

    Raises:
        InvalidInputError: The compression is unknown.
    """
    encoder = Encoder(MANIFEST_LIST.schema, compression=compression)
    records = [_meta_record(meta) for meta in metas]
    for start in range(0, len(records), BLOCK_ENTRIES):
        encoder.add(records[start : start + BLOCK_ENTRIES])
    return encoder.finish()


def _entry(record: Record, path: str) -> ManifestEntry:
    file = record["_FILE"]
    if file is None:
        raise CorruptTableError("field '_FILE' of an entry is null", path=path)
    kind = _KINDS.get(record["_KIND"])
    if kind is None:
        raise CorruptTableError(f"field '_KIND': expected 0 or 1, found {record['_KIND']}", path=path)
    return ManifestEntry(
        kind=kind,
        partition=record["_PARTITION"],
        bucket=record["_BUCKET"],
        total_buckets=record["_TOTAL_BUCKETS"],
        file=_data_file(file, path),
    )


def _data_file(file: Record, path: str) -> DataFile:
    get = file.get
    source = get("_FILE_SOURCE")
    if source not in _SOURCES:
        raise CorruptTableError(f"field '_FILE._FILE_SOURCE': expected 0 or 1, found {source}", path=path)
    try:
        return DataFile(
            name=file["_FILE_NAME"],
            size=file["_FILE_SIZE"],
            row_count=file["_ROW_COUNT"],
            min_key=file["_MIN_KEY"],
            max_key=file["_MAX_KEY"],
            key_stats=_stats(file["_KEY_STATS"]),
            value_stats=_stats(file["_VALUE_STATS"]),
            min_sequence=file["_MIN_SEQUENCE_NUMBER"],
            max_sequence=file["_MAX_SEQUENCE_NUMBER"],
            schema_id=file["_SCHEMA_ID"],
            level=file["_LEVEL"],
            extra_files=tuple(file["_EXTRA_FILES"]),
            creation_time=get("_CREATION_TIME"),
            delete_row_count=get("_DELETE_ROW_COUNT"),
            embedded_index=get("_EMBEDDED_FILE_INDEX"),
            source=_SOURCES[source],
            value_stats_columns=_tuple(get("_VALUE_STATS_COLS")),
            external_path=get("_EXTERNAL_PATH"),
            first_row_id=get("_FIRST_ROW_ID"),
            write_columns=_tuple(get("_WRITE_COLS")),
            write_columns_sequences=_tuple(get("_WRITE_COLS_SEQUENCES")),
        )
    except InvariantError as error:
        raise CorruptTableError(str(error), path=path) from error


def _stats(record: Record | None) -> ColumnStats:
    if record is None:
        return _UNKNOWN_STATS
    return ColumnStats(
        min_values=record["_MIN_VALUES"],
        max_values=record["_MAX_VALUES"],
        null_counts=_tuple(record.get("_NULL_COUNTS")),
    )


def _tuple(items: list[Any] | None) -> tuple[Any, ...] | None:
    return None if items is None else tuple(items)


def _list(items: tuple[Any, ...] | None) -> list[Any] | None:
    return None if items is None else list(items)


def _meta(record: Record, path: str) -> ManifestMeta:
    meta = ManifestMeta(
        name=record["_FILE_NAME"],
        size=record["_FILE_SIZE"],
        added_files=record["_NUM_ADDED_FILES"],
        deleted_files=record["_NUM_DELETED_FILES"],
        partition_stats=_stats(record["_PARTITION_STATS"]),
        schema_id=record["_SCHEMA_ID"],
        min_bucket=record.get("_MIN_BUCKET"),
        max_bucket=record.get("_MAX_BUCKET"),
        min_level=record.get("_MIN_LEVEL"),
        max_level=record.get("_MAX_LEVEL"),
        min_row_id=record.get("_MIN_ROW_ID"),
        max_row_id=record.get("_MAX_ROW_ID"),
    )
    if min(meta.size, meta.added_files, meta.deleted_files) < 0:
        raise CorruptTableError(
            f"manifest {meta.name!r}: size {meta.size}, added {meta.added_files}, deleted {meta.deleted_files}"
            " must not be negative",
            path=path,
        )
    return meta


def _entry_record(entry: ManifestEntry) -> Record:
    file = entry.file
    return {
        "_VERSION": MANIFEST_VERSION,
        "_KIND": int(entry.kind),
        "_PARTITION": entry.partition,
        "_BUCKET": entry.bucket,
        "_TOTAL_BUCKETS": entry.total_buckets,
        "_FILE": {
            "_FILE_NAME": file.name,
            "_FILE_SIZE": file.size,
            "_ROW_COUNT": file.row_count,
            "_MIN_KEY": file.min_key,
            "_MAX_KEY": file.max_key,
            "_KEY_STATS": _stats_record(file.key_stats),
            "_VALUE_STATS": _stats_record(file.value_stats),
            "_MIN_SEQUENCE_NUMBER": file.min_sequence,
            "_MAX_SEQUENCE_NUMBER": file.max_sequence,
            "_SCHEMA_ID": file.schema_id,
            "_LEVEL": file.level,
            "_EXTRA_FILES": list(file.extra_files),
            "_CREATION_TIME": file.creation_time,
            "_DELETE_ROW_COUNT": file.delete_row_count,
            "_EMBEDDED_FILE_INDEX": file.embedded_index,
            "_FILE_SOURCE": None if file.source is None else int(file.source),
            "_VALUE_STATS_COLS": _list(file.value_stats_columns),
            "_EXTERNAL_PATH": file.external_path,
            "_FIRST_ROW_ID": file.first_row_id,
            "_WRITE_COLS": _list(file.write_columns),
            "_WRITE_COLS_SEQUENCES": _list(file.write_columns_sequences),
        },
    }


def _stats_record(stats: ColumnStats) -> Record:
    return {
        "_MIN_VALUES": stats.min_values,
        "_MAX_VALUES": stats.max_values,
        "_NULL_COUNTS": _list(stats.null_counts),
    }


def _meta_record(meta: ManifestMeta) -> Record:
    return {
        "_VERSION": MANIFEST_LIST_VERSION,
        "_FILE_NAME": meta.name,
        "_FILE_SIZE": meta.size,
        "_NUM_ADDED_FILES": meta.added_files,
        "_NUM_DELETED_FILES": meta.deleted_files,
        "_PARTITION_STATS": _stats_record(meta.partition_stats),
        "_SCHEMA_ID": meta.schema_id,
        "_MIN_BUCKET": meta.min_bucket,
        "_MAX_BUCKET": meta.max_bucket,
        "_MIN_LEVEL": meta.min_level,
        "_MAX_LEVEL": meta.max_level,
        "_MIN_ROW_ID": meta.min_row_id,
        "_MAX_ROW_ID": meta.max_row_id,
    }
