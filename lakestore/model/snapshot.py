"""A snapshot: one committed, immutable state of the table."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

SNAPSHOT_VERSION = 3
"""Version of the snapshot file that we write, and the newest that we read."""

BATCH_COMMIT_IDENTIFIER = 9223372036854775807
"""Commit identifier of batch commits."""


class CommitKind(StrEnum):
    """What a commit did. The values are format."""

    APPEND = "APPEND"
    COMPACT = "COMPACT"
    OVERWRITE = "OVERWRITE"
    ANALYZE = "ANALYZE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One snapshot file (FORMAT.md 3.1). All file names are bare names.

    Attributes:
        id: Number in the file name, from 1.
        uuid: Unique per commit attempt; None from writers before 2.0.
        total_record_count: Row versions in all live files.
        delta_record_count: Row versions added minus those deleted.
    """

    id: int
    schema_id: int
    base_manifest_list: str
    delta_manifest_list: str
    commit_user: str
    commit_identifier: int
    commit_kind: CommitKind
    time_millis: int
    version: int = SNAPSHOT_VERSION
    uuid: str | None = None
    base_manifest_list_size: int | None = None
    delta_manifest_list_size: int | None = None
    changelog_manifest_list: str | None = None
    changelog_manifest_list_size: int | None = None
    index_manifest: str | None = None
    total_record_count: int | None = None
    delta_record_count: int | None = None
    changelog_record_count: int | None = None
    watermark: int | None = None
    statistics: str | None = None
    properties: Mapping[str, str] | None = None
    next_row_id: int | None = None
    operation: str | None = None
    writer_version: str | None = None
