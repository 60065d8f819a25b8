"""What the name of a file says about it: the format of a data file, and whether it is temporary.

All other names are opaque, except numbered ones (``paths.parse_numbered``).
"""

from lakestore.errors import CorruptTableError

_COMPRESSION_EXTENSIONS = {
    "gzip": "gz",
    "bzip2": "bz2",
    "deflate": "deflate",
    "snappy": "snappy",
    "lz4": "lz4",
    "zstd": "zst",
}
_TEXT_FORMATS = frozenset({"csv", "json"})
_FILE_INDEX_SUFFIX = ".index"


def data_extension(file_format: str, *, compression: str | None = None, with_compression: bool = False) -> str:
    """Extension of data files, without the first dot.

    Args:
        file_format: Option ``file.format``.
        compression: Option ``file.compression``.
        with_compression: Option ``file.suffix.include.compression``. Text formats always name theirs, and last.
    """
    word = (compression or "none").lower()
    if word == "none":
        return file_format
    codec = _COMPRESSION_EXTENSIONS.get(word, word)
    if file_format.lower() in _TEXT_FORMATS:
        return f"{file_format}.{codec}"
    return f"{codec}.{file_format}" if with_compression else file_format


def file_index_name(data_file: str) -> str:
    """Name of the index file that lies beside a data file."""
    return data_file + _FILE_INDEX_SUFFIX


def is_file_index(name: str) -> bool:
    """Whether a file beside a data file holds its index."""
    return name.endswith(_FILE_INDEX_SUFFIX)


def next_file_index_name(name: str) -> str:
    """Name for what replaces an index file: counted up, as Paimon does."""
    stem = name.removesuffix(_FILE_INDEX_SUFFIX)
    head, dash, number = stem.rpartition("-")
    if dash and number.isdecimal() and number.isascii():
        return f"{head}-{int(number) + 1}{_FILE_INDEX_SUFFIX}"
    return f"{stem}-1{_FILE_INDEX_SUFFIX}"


def file_format(name: str) -> str:
    """Format of a data file: its last extension, or the one before when the last is a compression.

    Raises:
        CorruptTableError: The name has no extension.
    """
    parts = name.rsplit(".", 2)
    if len(parts) > 1 and parts[-1].lower() in _COMPRESSION_EXTENSIONS.values():
        parts.pop()
    if len(parts) < 2 or not parts[-1]:
        raise CorruptTableError(f"data file {name!r} has no extension that names its format; expected e.g. .parquet")
    return parts[-1]


def temporary_name(name: str, uuid: str) -> str:
    """Name under which a file is written before it takes its own; Paimon engines know the pattern."""
    return f".{name}.{uuid}.tmp"


def is_temporary(name: str) -> bool:
    """Whether the name is one of ``temporary_name``: never part of a table, an orphan when it is old."""
    return name.startswith(".") and name.endswith(".tmp")
