"""Builders of manifest entries, and where the golden tables' metadata lies. For tests of metadata."""

from pathlib import Path

from fsspec.implementations.memory import MemoryFileSystem

from lakestore.format.binary_row import encode_row
from lakestore.model.datafile import DataFile, FileSource
from lakestore.model.manifest import EntryKind, ManifestEntry
from lakestore.model.stats import EMPTY_ROW, ColumnStats
from lakestore.model.types import parse_type
from lakestore.storage.memory_store import MemoryStore

TABLES = Path(__file__).parent / "golden" / "tables"

STRING = parse_type("STRING")


def golden_files(folder, prefix):
    """Files of one kind of all golden tables and their branches, in order."""
    return sorted(TABLES.glob(f"*/golden.db/t/**/{folder}/{prefix}*"))


def partition(text):
    """A partition by one string column."""
    return encode_row([text], [STRING])


def a_file(name="a", **overrides):
    """A data file with a value in every field."""
    fields = {
        "name": f"data-{name}.parquet",
        "size": 1000,
        "row_count": 10,
        "min_key": encode_row([1], [parse_type("INT")]),
        "max_key": encode_row([9], [parse_type("INT")]),
        "key_stats": ColumnStats(min_values=EMPTY_ROW, max_values=EMPTY_ROW, null_counts=(0, None)),
        "value_stats": ColumnStats(min_values=b"\0" * 20, max_values=b"\1" * 20, null_counts=None),
        "min_sequence": 3,
        "max_sequence": 12,
        "schema_id": 1,
        "level": 0,
        "extra_files": (f"data-{name}.parquet.index",),
        "creation_time": 1_795_240_008_733,
        "delete_row_count": 2,
        "embedded_index": b"\0index",
        "source": FileSource.APPEND,
        "value_stats_columns": ("id", "v"),
        "external_path": None,
        "first_row_id": None,
        "write_columns": None,
    }
    return DataFile(**{**fields, **overrides})


def an_entry(name="a", *, kind=EntryKind.ADD, part=EMPTY_ROW, bucket=0, total_buckets=4, **file):
    """An entry for a file of that name."""
    return ManifestEntry(
        kind=kind, partition=part, bucket=bucket, total_buckets=total_buckets, file=a_file(name, **file)
    )


def add(name, **where):
    """An ADD."""
    return an_entry(name, **where)


def delete(name, **where):
    """A DELETE."""
    return an_entry(name, kind=EntryKind.DELETE, **where)


def memory_store(table=None):
    """A store of its own in memory, with a table's files at ``/db.db/t`` if one is given."""
    filesystem = MemoryFileSystem(skip_instance_cache=True)
    filesystem.store = {}
    store = MemoryStore(filesystem)
    if table is not None:
        for path in table.rglob("*"):
            if path.is_file():
                store.put(f"/db.db/t/{path.relative_to(table)}", path.read_bytes())
    return store
