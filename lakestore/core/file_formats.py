"""What each format of data files can hold: which codecs, which types, which names of columns.

What a format cannot do is refused by name, when a table is created or altered and again before a byte is written.
"""

import re
from collections.abc import Mapping, Sequence

from lakestore.errors import ErrorKind, InvalidInputError, UnsupportedFormatError
from lakestore.model.options import FileOptions
from lakestore.model.types import EXOTIC, TIMESTAMPS, DataType, Field, TypeRoot

PARQUET, ORC, AVRO = "parquet", "orc", "avro"
FORMATS = (PARQUET, ORC, AVRO)

CODECS: Mapping[str, Mapping[str, str]] = {
    PARQUET: {
        "zstd": "zstd",
        "snappy": "snappy",
        "gzip": "gzip",
        "lz4": "lz4",
        "none": "none",
        "uncompressed": "none",
    },
    ORC: {
        "zstd": "zstd",
        "zstandard": "zstd",
        "snappy": "snappy",
        "lz4": "lz4",
        "zlib": "zlib",
        "none": "uncompressed",
        "uncompressed": "uncompressed",
    },
    AVRO: {
        "zstd": "zstandard",
        "zstandard": "zstandard",
        "snappy": "snappy",
        "deflate": "deflate",
        "none": "null",
        "null": "null",
        "uncompressed": "null",
    },
}
"""By format: values of option ``file.compression``, and what the format's own library calls the codec."""

_AVRO_NAME = re.compile(r"[^\W\d]\w*")
_AVRO_DIGITS = {TypeRoot.TIME: 3, **dict.fromkeys(TIMESTAMPS, 6)}
"""Most digits of a second that Avro has a type for."""


def require_format(name: str, what: str) -> None:
    """Refuse a format that is neither read nor written.

    Raises:
        UnsupportedFormatError: It is none of ``FORMATS``.
    """
    if name.lower() not in FORMATS:
        raise UnsupportedFormatError(
            f"{what} is of format {name}; this release reads and writes {', '.join(FORMATS)}: use the engine that "
            "wrote it"
        )


def check_files(fields: Sequence[Field], options: FileOptions) -> None:
    """Refuse what cannot be written, by name: columns, formats and codecs, of any level and of changelog files.

    Args:
        fields: Columns of the table.
        options: Its options.

    Raises:
        UnsupportedFormatError: A format cannot hold a column, or is unknown, or does not have the codec.
        InvalidInputError: There is no such codec.
    """
    for field in fields:
        special = next((part for part in field.type.parts() if part.root in EXOTIC), None)
        if special is not None:
            raise UnsupportedFormatError(
                f"column {field.name!r} is {field.type}: this release does not write {special.root}"
            )
    levels = {-1, *options.format_per_level, *options.compression_per_level}
    for level in sorted(levels):
        check_file(fields, options.at_level(level))
        if options.changelog_format or options.changelog_compression:
            check_file(fields, options.at_level(level, changelog=True))


def check_file(fields: Sequence[Field], options: FileOptions) -> None:
    """Refuse one file by its own format and codec (``FileOptions.at_level``); raises as ``check_files``."""
    codecs = CODECS.get(options.format)
    if codecs is None:
        raise UnsupportedFormatError(
            f"file.format={options.format}: this release writes {', '.join(FORMATS)}; tables of other formats are "
            "read and written by the engine that made them"
        )
    codec = options.compression.lower()
    if codec not in codecs:
        message = (
            f"file.compression={options.compression!r}: {options.format} files are written with one of "
            f"{', '.join(codecs)}"
        )
        if any(codec in others for others in CODECS.values()):
            raise UnsupportedFormatError(message)
        raise InvalidInputError(message, kind=ErrorKind.INVALID_OPTION)
    if options.format == AVRO:
        for field in fields:
            _check_avro_name(field.name)
            _check_avro_type(field.name, field.type)


def _check_avro_type(column: str, kind: DataType) -> None:
    most = _AVRO_DIGITS.get(kind.root)
    if most is not None and (kind.precision or 0) > most:
        raise UnsupportedFormatError(
            f"column {column!r}, type {kind}: Avro data files hold {kind.root} with at most {most} digits of a second; "
            "set option file.format to parquet or orc"
        )
    for member in kind.fields:
        _check_avro_name(member.name)
    for child in kind.children():
        _check_avro_type(column, child)


def _check_avro_name(name: str) -> None:
    if _AVRO_NAME.fullmatch(name) is None:
        raise UnsupportedFormatError(
            f"column {name!r}: in Avro data files a name is letters, digits and _, and does not begin with a digit; "
            "rename the column, or set option file.format to parquet or orc"
        )
