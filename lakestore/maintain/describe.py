"""What a table is and holds: its columns, keys and options, and the files of one snapshot by bucket and level."""

import dataclasses
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from lakestore.core.conflict import rank_of
from lakestore.core.values import Internal, to_text
from lakestore.format.binary_row import decode_row
from lakestore.meta.manifests import Manifests
from lakestore.meta.scan import snapshot_entries
from lakestore.meta.schemas import Schemas
from lakestore.model.manifest import EntryKind, ManifestEntry
from lakestore.model.schema import TableSchema
from lakestore.model.snapshot import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelSummary:
    """The files of one level of one bucket.

    Attributes:
        partition: ``key=value`` words of the partition, empty without partitions.
        bucket: Bucket number.
        level: LSM level; 0 in append tables.
        files: Number of files.
        rows: Rows in them, row versions of primary-key tables counted each.
        deletes: Retract rows among them.
        bytes: Their size.
        min_key: Least key, as text; empty in append tables.
        max_key: Greatest key.
    """

    partition: str
    bucket: int
    level: int
    files: int
    rows: int
    deletes: int
    bytes: int
    min_key: str
    max_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TableDescription:
    """A table's schema and the state of one snapshot.

    Attributes:
        schema: The schema described.
        snapshot: The snapshot, None before the first commit.
        levels: Its files, summed by partition, bucket and level.
    """

    schema: TableSchema
    snapshot: Snapshot | None
    levels: tuple[LevelSummary, ...]

    @property
    def files(self) -> int:
        """Number of live data files."""
        return sum(level.files for level in self.levels)

    @property
    def bytes(self) -> int:
        """Bytes of live data files."""
        return sum(level.bytes for level in self.levels)

    @property
    def rows(self) -> int:
        """Rows in live data files; of primary-key tables, row versions."""
        return sum(level.rows for level in self.levels)

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        schema = self.schema
        return {
            "schema_id": schema.id,
            "columns": [
                {"id": field.id, "name": field.name, "type": str(field.type), "comment": field.description}
                for field in schema.fields
            ],
            "primary_key": schema.primary_keys,
            "partition_by": schema.partition_keys,
            "options": schema.options,
            "comment": schema.comment,
            "snapshot": None if self.snapshot is None else self.snapshot.id,
            "files": self.files,
            "rows": self.rows,
            "bytes": self.bytes,
            "levels": [dataclasses.asdict(level) for level in self.levels],
        }


def describe_table(manifests: Manifests, schema: TableSchema, snapshot: Snapshot | None) -> TableDescription:
    """Sum a snapshot's live files by partition, bucket and level."""
    entries = [] if snapshot is None else snapshot_entries(manifests, snapshot)
    groups: dict[tuple[bytes, int, int], list[ManifestEntry]] = defaultdict(list)
    for entry in entries:
        groups[entry.partition, entry.bucket, entry.file.level].append(entry)
    levels = tuple(_summary(groups[place], schema) for place in sorted(groups))
    return TableDescription(schema=schema, snapshot=snapshot, levels=levels)


def _summary(entries: Sequence[ManifestEntry], schema: TableSchema) -> LevelSummary:
    first = entries[0]
    files = [entry.file for entry in entries]
    lows = [decode_row(file.min_key, schema.key_types) for file in files] if schema.primary_keys else []
    highs = [decode_row(file.max_key, schema.key_types) for file in files] if schema.primary_keys else []
    return LevelSummary(
        partition=partition_text(first.partition, schema),
        bucket=first.bucket,
        level=first.file.level,
        files=len(files),
        rows=sum(file.row_count for file in files),
        deletes=sum(file.delete_row_count or 0 for file in files),
        bytes=sum(file.size for file in files),
        min_key=key_text(min(lows, key=rank_of), schema) if lows else "",
        max_key=key_text(max(highs, key=rank_of), schema) if highs else "",
    )


def key_text(values: Sequence[Internal], schema: TableSchema) -> str:
    """A trimmed key as text, ``7, x``."""
    return ", ".join(to_text(value, kind) for value, kind in zip(values, schema.key_types, strict=True))


def partition_text(partition: bytes, schema: TableSchema) -> str:
    """``day=2026-11-20, hour=7`` for a serialized partition; empty without partitions."""
    values = decode_row(partition, schema.partition_types)
    pairs = zip(schema.partition_keys, values, schema.partition_types, strict=True)
    return ", ".join(f"{name}={to_text(value, kind)}" for name, value, kind in pairs)


def snapshot_details(snapshot: Snapshot, schemas: Schemas, manifests: Manifests) -> dict[str, object]:
    """What a snapshot's file says, and under ``changes`` the entries of its delta."""
    schema = schemas.get(snapshot.schema_id)
    details: dict[str, object] = {
        field.name: getattr(snapshot, field.name)
        for field in dataclasses.fields(snapshot)
        if getattr(snapshot, field.name) is not None
    }
    details["changes"] = snapshot_changes(snapshot, schema, manifests)
    return details


def snapshot_changes(snapshot: Snapshot, schema: TableSchema, manifests: Manifests) -> list[dict[str, object]]:
    """The files that a snapshot added and deleted, one dict each."""
    return [
        {
            "change": "add" if entry.kind is EntryKind.ADD else "delete",
            "partition": partition_text(entry.partition, schema),
            "bucket": entry.bucket,
            "level": entry.file.level,
            "rows": entry.file.row_count,
            "bytes": entry.file.size,
            "file": entry.file.name,
        }
        for meta in manifests.read_list(snapshot.delta_manifest_list)
        for entry in manifests.read(meta.name)
    ]
