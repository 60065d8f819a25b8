"""Copy data files, byte for byte, under fresh names in the same bucket."""

from dataclasses import replace

from lakestore.data.file_writer import BucketNames, WriteParts
from lakestore.errors import UnsupportedFormatError
from lakestore.model.datafile import DataFile
from lakestore.storage.store import Store

CHUNK_BYTES = 8 * 1024 * 1024
"""Bytes held at a time."""


def copied(parts: WriteParts, names: BucketNames, file: DataFile) -> DataFile:
    """A copy of a data file and of the files beside it.

    Args:
        parts: The table.
        names: Names and places of files of the file's bucket.
        file: The file; it stays.

    Raises:
        UnsupportedFormatError: It lies outside the table, or a file beside it is not named after it.
        NotFoundError: It is gone.
        StorageError: The store failed; what was copied so far may be left behind, and nothing names it.
    """
    if file.external_path is not None:
        raise UnsupportedFormatError(
            f"data file {file.name} lies outside the table's folder, at {file.external_path}, and is not copied"
        )
    name = names.fresh_like(file.name, parts.options.files.data_prefix)
    for extra in file.extra_files:
        if not extra.startswith(file.name):
            raise UnsupportedFormatError(f"file {extra} beside data file {file.name} is of a kind that is not copied")
    extras = tuple(f"{name}{extra.removeprefix(file.name)}" for extra in file.extra_files)
    for old, new in zip((file.name, *file.extra_files), (name, *extras), strict=True):
        _copy(parts.store, names.path(old), names.path(new))
    return replace(file, name=name, extra_files=extras)


def _copy(store: Store, source: str, target: str) -> None:
    with store.open_input(source) as incoming, store.open_output(target) as outgoing:
        while piece := incoming.read(CHUNK_BYTES):
            outgoing.sink.write(piece)
