"""Which files hold rows past ``record-level.expire-time``, as far as their statistics tell."""

from collections.abc import Callable

from lakestore.core.record_expire import is_expired
from lakestore.model.datafile import DataFile
from lakestore.model.options import CompactOptions
from lakestore.model.schema import TableSchema
from lakestore.read.bounds import value_bounds


def expired_test(
    schema: TableSchema, schema_of: Callable[[int], TableSchema], options: CompactOptions, *, now_ms: int
) -> Callable[[DataFile], bool]:
    """A test for files with expired rows: the least time in a file is expired.

    A file without statistics of the time column counts as one that holds none, as in Paimon: it would have to be
    rewritten again and again.

    Args:
        schema: The table's schema.
        schema_of: Schema by id, for files of other schemas.
        options: The expire time and its column.
        now_ms: Milliseconds since the epoch, UTC.
    """
    name = options.expire_field
    if options.expire_ms is None or name is None:
        return lambda _: False
    field = schema.find(name)

    def test(file: DataFile) -> bool:
        bounds = value_bounds(file, schema_of(file.schema_id), [field]).get(field.name)
        return bounds is not None and is_expired(bounds.min, field.type, options, now_ms)

    return test
