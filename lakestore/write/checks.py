"""What this release does not write is refused by name, before a byte is written."""

from lakestore.core.defaults import parse_default
from lakestore.core.file_formats import check_files
from lakestore.errors import ErrorKind, InvalidInputError, UnsupportedFormatError
from lakestore.format.bucket_rows import require_bucket_key
from lakestore.model.options import TableOptions
from lakestore.model.schema import TableSchema
from lakestore.write.router import bucket_keys


def check_table(schema: TableSchema, options: TableOptions) -> None:
    """Refuse tables that this release cannot write correctly.

    Raises:
        UnsupportedFormatError: A feature that is not built.
        InvalidInputError: Keys and buckets that do not make sense together.
    """
    check_files(schema.fields, options.files)
    for field in schema.fields:
        if field.default_value is not None:
            parse_default(field.default_value, field.type)
    if options.deletion_vectors:
        raise UnsupportedFormatError(
            "deletion-vectors.enabled=true: rows written here would stay invisible until a compaction that this "
            "release does not have; the table is read-only here"
        )
    if schema.primary_keys:
        _check_primary_key(schema, options)
    if options.bucket.count > 0:
        _check_buckets(schema, options)
    elif options.bucket.count != -1:
        raise UnsupportedFormatError(f"bucket={options.bucket.count}: postponed buckets are not written yet")


def _check_primary_key(schema: TableSchema, options: TableOptions) -> None:
    if options.bucket.count == -1:
        raise UnsupportedFormatError(
            "bucket=-1 on a primary-key table (dynamic buckets) is not written yet; create the table with a "
            "fixed number of buckets"
        )
    outside = [name for name in schema.partition_keys if name not in schema.primary_keys]
    if outside:
        raise InvalidInputError(
            f"partition columns {outside} are not part of the primary key {list(schema.primary_keys)}: with fixed "
            "buckets the key must contain them",
            kind=ErrorKind.INVALID_SCHEMA,
        )
    if not schema.trimmed_primary_keys:
        raise InvalidInputError(
            f"the primary key {list(schema.primary_keys)} holds nothing but partition columns: each partition "
            "could hold one row only",
            kind=ErrorKind.INVALID_SCHEMA,
        )


def _check_buckets(schema: TableSchema, options: TableOptions) -> None:
    names = bucket_keys(schema, options.bucket)
    if not names:
        raise InvalidInputError(
            f"bucket={options.bucket.count} without a primary key needs the option bucket-key",
            kind=ErrorKind.INVALID_OPTION,
        )
    require_bucket_key(schema.types(names), options.bucket.function)
