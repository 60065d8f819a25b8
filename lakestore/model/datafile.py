"""A data or changelog file as its manifest entry describes it (Paimon ``DataFileMeta``)."""

from dataclasses import dataclass
from enum import IntEnum

from lakestore.errors import InvariantError
from lakestore.model.stats import EMPTY_ROW, NO_STATS, ColumnStats


class FileSource(IntEnum):
    """Who wrote a file. The values are format: ``_FILE_SOURCE``."""

    APPEND = 0
    COMPACT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """One immutable file of rows.

    Attributes:
        name: Bare file name.
        size: Bytes.
        row_count: All rows, retract rows included.
        min_key: Serialized trimmed key of the first row; 12 zero bytes in append files.
        max_key: Serialized trimmed key of the last row.
        key_stats: Statistics of the trimmed key columns.
        value_stats: Statistics of the columns named by ``value_stats_columns``.
        min_sequence: Least sequence number.
        max_sequence: Greatest sequence number.
        schema_id: Schema the file was written with.
        level: LSM level, 0 for fresh files.
        extra_files: Bare names of side files in the same folder.
        creation_time: Local wall-clock time of the writer in milliseconds, encoded as if it were UTC.
        delete_row_count: Rows of kind -U or -D; None when the writer did not say.
        embedded_index: File index kept in the manifest.
        source: Who wrote it; None when the writer did not say.
        value_stats_columns: Columns that ``value_stats`` covers; None means all of the file's schema.
        external_path: Complete path when the file lies outside the table.
        first_row_id: First row id of row-tracking tables.
        write_columns: Columns physically in the file; None means all.
        write_columns_sequences: Carried for writers newer than 2.0.
    """

    name: str
    size: int
    row_count: int
    min_key: bytes = EMPTY_ROW
    max_key: bytes = EMPTY_ROW
    key_stats: ColumnStats = NO_STATS
    value_stats: ColumnStats = NO_STATS
    min_sequence: int
    max_sequence: int
    schema_id: int
    level: int = 0
    extra_files: tuple[str, ...] = ()
    creation_time: int | None = None
    delete_row_count: int | None = None
    embedded_index: bytes | None = None
    source: FileSource | None = None
    value_stats_columns: tuple[str, ...] | None = None
    external_path: str | None = None
    first_row_id: int | None = None
    write_columns: tuple[str, ...] | None = None
    write_columns_sequences: tuple[int | None, ...] | None = None

    def __post_init__(self) -> None:
        if self.size < 0 or self.row_count < 0 or self.level < 0:
            raise InvariantError(
                f"data file {self.name!r}: size {self.size}, rows {self.row_count}, level {self.level}"
                " must not be negative"
            )

    @property
    def may_have_deletes(self) -> bool:
        """Whether a batch reader must look for retract rows (null counts as none, as in Paimon)."""
        return bool(self.delete_row_count)
