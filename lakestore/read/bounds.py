"""What manifests say about the values in a file, in terms of the schema that is read.

Statistics are those of the schema that the file was written with: they are mapped by field id and follow changes of
type. A column that the file's schema does not have is all null; a column without statistics is unknown. Text bounds
may be cut short. Statistics that do not parse say nothing.
"""

from collections.abc import Mapping, Sequence

from lakestore.core.casts import find_cast
from lakestore.core.prune import Bounds, all_null
from lakestore.core.row_tracking import TRACKING_IDS
from lakestore.core.value_text import Internal
from lakestore.data.row_groups import constant_bounds
from lakestore.errors import CorruptTableError, UnsupportedFormatError
from lakestore.format.binary_row import decode_row
from lakestore.model.datafile import DataFile
from lakestore.model.schema import TableSchema
from lakestore.model.stats import ColumnStats
from lakestore.model.types import BINARIES, STRINGS, DataType, Field

Row = tuple[Internal, ...]


def partition_bounds(schema: TableSchema, values: Sequence[Internal], rows: int) -> dict[str, Bounds]:
    """The partition columns of rows of one partition."""
    keys = zip(schema.partition_keys, values, strict=True)
    return {name: constant_bounds(value, rows) for name, value in keys}


def manifest_bounds(schema: TableSchema, stats: ColumnStats) -> dict[str, Bounds]:
    """The partition columns of all entries of a manifest."""
    return _named(schema.partition_keys, schema.partition_types, stats)


def value_bounds(file: DataFile, own: TableSchema, wanted: Sequence[Field]) -> dict[str, Bounds]:
    """Columns of a file by its value statistics.

    Args:
        file: The file.
        own: The schema it was written with.
        wanted: Columns of the schema that is read.
    """
    names = file.value_stats_columns
    if names is None:
        names = own.names if file.write_columns is None else file.write_columns
    if not set(names) <= set(own.names):
        return _mapped({}, own, wanted, file.row_count)
    stated = _named(names, own.types(names), file.value_stats)
    return _mapped(stated, own, wanted, file.row_count)


def key_bounds(file: DataFile, own: TableSchema, wanted: Sequence[Field]) -> dict[str, Bounds]:
    """Columns of the trimmed key of a file by its key statistics; of the first one by the least and greatest key.

    Args:
        file: A file of a primary-key table.
        own: The schema it was written with.
        wanted: Key columns of the schema that is read.
    """
    names = own.trimmed_primary_keys
    types = own.key_types
    stated = _named(names, types, file.key_stats)
    low, high = _decoded(file.min_key, types), _decoded(file.max_key, types)
    if low and high and None not in (low[0], high[0]):
        stated[names[0]] = Bounds(min=low[0], max=high[0], null_count=0)
    return _mapped(stated, own, wanted, file.row_count)


def _named(names: Sequence[str], types: Sequence[DataType], stats: ColumnStats) -> dict[str, Bounds]:
    low, high = _decoded(stats.min_values, types), _decoded(stats.max_values, types)
    if low is None or high is None:
        return {}
    nulls = stats.null_counts
    if nulls is None or len(nulls) != len(names):
        nulls = (None,) * len(names)
    return {
        name: Bounds(min=least, max=greatest, null_count=count, exact=kind.root not in {*STRINGS, *BINARIES})
        for name, kind, least, greatest, count in zip(names, types, low, high, nulls, strict=True)
    }


def _decoded(row: bytes, types: Sequence[DataType]) -> Row | None:
    try:
        return decode_row(row, types)
    except (CorruptTableError, UnsupportedFormatError):
        return None


def _mapped(stated: Mapping[str, Bounds], own: TableSchema, wanted: Sequence[Field], rows: int) -> dict[str, Bounds]:
    by_id = {field.id: field for field in own.fields}
    found: dict[str, Bounds] = {}
    for target in wanted:
        source = by_id.get(target.id)
        if target.id in TRACKING_IDS:
            continue
        if source is None:
            found[target.name] = all_null(rows)
        elif source.name in stated and (cast := find_cast(source.type, target.type)) is not None:
            found[target.name] = cast.bounds(stated[source.name])
    return found
