"""Snapshot files: ``snapshot/snapshot-N`` (Paimon ``Snapshot``, spec page ``concepts/spec/snapshot``).

Tag files begin with the same keys, so the same reader takes them.
"""

from typing import Annotated

from pydantic import Field

from lakestore.format.json_text import (
    Count,
    FileModel,
    Long,
    check_writable,
    read_object,
    read_version,
    validate,
    write_object,
)
from lakestore.model.snapshot import SNAPSHOT_VERSION, CommitKind, Snapshot


class _SnapshotModel(FileModel):
    """The attributes of ``Snapshot``, in the order in which Paimon writes their keys."""

    version: int
    uuid: str | None = None
    id: Count
    schema_id: Count
    base_manifest_list: str
    base_manifest_list_size: Count | None = None
    delta_manifest_list: str
    delta_manifest_list_size: Count | None = None
    changelog_manifest_list: str | None = None
    changelog_manifest_list_size: Count | None = None
    index_manifest: str | None = None
    commit_user: str
    writer_version: str | None = None
    commit_identifier: Long
    commit_kind: Annotated[CommitKind, Field(strict=False)]
    time_millis: Long
    total_record_count: Long | None = None
    delta_record_count: Long | None = None
    changelog_record_count: Long | None = None
    watermark: Long | None = None
    statistics: str | None = None
    properties: dict[str, str] | None = None
    next_row_id: Long | None = None
    operation: str | None = None


_KEYS = {name: field.alias or name for name, field in _SnapshotModel.model_fields.items()}


def snapshot_from_json(data: bytes, path: str) -> Snapshot:
    """Read a snapshot file.

    Args:
        data: The file's bytes.
        path: Its path, for messages.

    Raises:
        CorruptTableError: A field is missing or wrong.
        UnsupportedFormatError: The file is of a newer version.
    """
    node = read_object(data, path)
    version = read_version(node, newest=SNAPSHOT_VERSION, what="snapshot", path=path)
    model = validate(_SnapshotModel, {**node, "version": version}, path)
    return Snapshot(**{name: getattr(model, name) for name in _KEYS})


def snapshot_to_json(snapshot: Snapshot) -> bytes:
    """The bytes of a snapshot file. What is None is left out.

    Raises:
        InvalidInputError: A value has a type that no reader takes.
    """
    values = {key: getattr(snapshot, name) for name, key in _KEYS.items()}
    node = {key: value for key, value in values.items() if value is not None}
    check_writable(_SnapshotModel, node, f"snapshot {snapshot.id}")
    return write_object(node)
