"""Statistics files: ``statistics/stat-<uuid>-<n>`` (Paimon ``Statistics``)."""

from pydantic import Field

from lakestore.format.json_text import Count, FileModel, read_object, validate, write_object
from lakestore.model.statistics import ColumnSummary, TableStatistics


class _ColumnModel(FileModel):
    col_id: int
    distinct_count: Count | None = None
    min: str | None = None
    max: str | None = None
    null_count: Count | None = None
    avg_len: Count | None = None
    max_len: Count | None = None


class _StatisticsModel(FileModel):
    snapshot_id: Count
    schema_id: Count
    merged_record_count: Count | None = None
    merged_record_size: Count | None = None
    col_stats: dict[str, _ColumnModel] = Field(default_factory=dict)


def statistics_from_json(data: bytes, path: str) -> TableStatistics:
    """Read a statistics file.

    Raises:
        CorruptTableError: A field is missing or wrong.
    """
    model = validate(_StatisticsModel, read_object(data, path), path)
    columns = {
        name: ColumnSummary(
            field_id=each.col_id,
            distinct=each.distinct_count,
            low=each.min,
            high=each.max,
            nulls=each.null_count,
            average_bytes=each.avg_len,
            most_bytes=each.max_len,
        )
        for name, each in model.col_stats.items()
    }
    return TableStatistics(
        snapshot_id=model.snapshot_id,
        schema_id=model.schema_id,
        rows=model.merged_record_count or 0,
        size=model.merged_record_size or 0,
        columns=columns,
    )


def statistics_to_json(statistics: TableStatistics) -> bytes:
    """The bytes of a statistics file. What is None is left out."""
    columns = {}
    for name, each in statistics.columns.items():
        node = {
            "colId": each.field_id,
            "distinctCount": each.distinct,
            "min": each.low,
            "max": each.high,
            "nullCount": each.nulls,
            "avgLen": each.average_bytes,
            "maxLen": each.most_bytes,
        }
        columns[name] = {key: value for key, value in node.items() if value is not None}
    return write_object(
        {
            "snapshotId": statistics.snapshot_id,
            "schemaId": statistics.schema_id,
            "mergedRecordCount": statistics.rows,
            "mergedRecordSize": statistics.size,
            "colStats": columns,
        }
    )
