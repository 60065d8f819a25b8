"""Row ids of append tables with ``row-tracking.enabled`` (Paimon ``RowTrackingCommitUtils``).

1. Fresh files get their ids when they are committed, since only then it is known which come first: the snapshot says
   the next free id, a file the id of its first row, and its rows count on from there. Their sequence number is the
   snapshot's number.
2. Files that are written again (compaction, layout, delete, update) hold both as columns: ``_ROW_ID`` never changes,
   ``_SEQUENCE_NUMBER`` is null where the row got new values, which stands for the file's greatest.
3. A schema with these two columns at its end is a *tracked* schema. Reading in it fills them in for files that do not
   hold them; writing in it makes files that do.

Invariant: no two rows of a table ever have one id, and a row keeps its id as long as it lives.
"""

from collections.abc import Sequence
from dataclasses import replace

from lakestore.core.changes import Changes
from lakestore.model.datafile import DataFile, FileSource
from lakestore.model.manifest import EntryKind, ManifestEntry
from lakestore.model.rows import SEQUENCE_NUMBER, SEQUENCE_NUMBER_ID
from lakestore.model.schema import TableSchema
from lakestore.model.types import DataType, Field, TypeRoot

ROW_ID = "_ROW_ID"
ROW_ID_ID = 2147483642
"""Field id of ``_ROW_ID`` (Paimon ``SpecialFields``)."""

_BIGINT = DataType(root=TypeRoot.BIGINT, nullable=True)
ROW_ID_FIELD = Field(id=ROW_ID_ID, name=ROW_ID, type=_BIGINT)
NUMBER_FIELD = Field(id=SEQUENCE_NUMBER_ID, name=SEQUENCE_NUMBER, type=_BIGINT)
TRACKING_FIELDS = (ROW_ID_FIELD, NUMBER_FIELD)
TRACKING_NAMES = frozenset({ROW_ID, SEQUENCE_NUMBER})
TRACKING_IDS = frozenset({ROW_ID_ID, SEQUENCE_NUMBER_ID})


def tracks_rows(schema: TableSchema) -> bool:
    """Whether the table's rows have ids."""
    return schema.options.get("row-tracking.enabled", "false").strip().lower() == "true" and not schema.primary_keys


def is_tracked(schema: TableSchema) -> bool:
    """Whether it is a tracked schema."""
    return not schema.primary_keys and bool(schema.fields) and schema.fields[-1].id == SEQUENCE_NUMBER_ID


def tracked(schema: TableSchema) -> TableSchema:
    """The schema with both columns; itself if it has them."""
    return schema if is_tracked(schema) else replace(schema, fields=(*schema.fields, *TRACKING_FIELDS))


def plain_fields(schema: TableSchema) -> tuple[Field, ...]:
    """The table's own columns."""
    return schema.fields[: -len(TRACKING_FIELDS)] if is_tracked(schema) else schema.fields


def with_row_ids(changes: Changes, *, snapshot_id: int, next_row_id: int) -> tuple[Changes, int]:
    """The changes as a snapshot of that number makes them, and the next free id after it.

    Ids of one commit go partition by partition.

    Args:
        changes: What is to be committed.
        snapshot_id: The number that the snapshot is to have.
        next_row_id: The next free id before it.
    """
    adds = list(changes.adds)
    first_seen = {entry.partition: at for at, entry in reversed(list(enumerate(adds)))}
    adds.sort(key=lambda entry: first_seen[entry.partition])
    made: list[ManifestEntry] = []
    for entry in adds:
        file = _numbered(entry.file, snapshot_id)
        if _is_fresh(file):
            file = replace(file, first_row_id=next_row_id)
            next_row_id += file.row_count
        made.append(replace(entry, file=file))
    deletes = tuple(entry for entry in changes.delta if entry.kind is EntryKind.DELETE)
    return replace(changes, delta=(*deletes, *made)), next_row_id


def holds_ids(file: DataFile) -> bool:
    """Whether the file has ids in a column of its own."""
    return file.write_columns is not None and ROW_ID in file.write_columns


def number_range(numbers: Sequence[int], *, has_null: bool) -> tuple[int, int]:
    """What a file of a tracked schema says of its sequence numbers before it is committed; 0 is to be filled in."""
    return min(numbers, default=0), 0 if has_null else max(numbers, default=0)


def _is_fresh(file: DataFile) -> bool:
    return file.source is FileSource.APPEND and file.first_row_id is None and not holds_ids(file)


def _numbered(file: DataFile, snapshot_id: int) -> DataFile:
    if _is_fresh(file) or file.min_sequence == 0:
        return replace(file, min_sequence=snapshot_id, max_sequence=snapshot_id)
    return replace(file, max_sequence=snapshot_id) if file.max_sequence == 0 else file


def tracking_columns(columns: Sequence[Field]) -> bool:
    """Whether any of those columns is one of the two."""
    return any(field.id in TRACKING_IDS for field in columns)
