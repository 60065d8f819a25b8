"""Folders of data that became empty: removed from the bucket upwards, on stores that have folders.

Invariant: only an empty folder goes; the store refuses any other. A writer that makes a file in a folder just removed
makes the folder again.
"""

from collections.abc import Iterable

from lakestore.maintain.cleaning import CleanParts


def remove_empty(parts: CleanParts, buckets: Iterable[str]) -> None:
    """Remove those bucket folders, and the partition folders above them, as far as they are empty."""
    folders = dict.fromkeys(buckets)
    for _ in range(len(parts.schema.partition_keys) + 1):
        for folder in folders:
            parts.store.remove_empty_folder(folder)
        folders = dict.fromkeys(folder.rpartition("/")[0] for folder in folders)
