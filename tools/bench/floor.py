"""The floor: what pyarrow alone needs to decode or encode the same bytes on the same machine."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

SYSTEM = ("_SEQUENCE_NUMBER", "_VALUE_KIND")


def data_files(table: Path) -> list[Path]:
    """All Parquet files of a table on local disk."""
    return sorted(table.rglob("bucket-*/*.parquet"))


def decode(files: Sequence[Path], columns: Sequence[str] | None = None) -> int:
    """Decode files, all columns or some; returns the number of rows."""
    wanted = None if columns is None else list(columns)
    return sum(pq.ParquetFile(path).read(columns=wanted).num_rows for path in files)


def merge_columns(file: Path, select: Sequence[str], key: Sequence[str]) -> list[str]:
    """Columns of a data file that a merge cannot do without when it returns ``select``."""
    there = pq.read_schema(file).names
    stored = [f"_KEY_{name}" if f"_KEY_{name}" in there else name for name in key]
    return list(dict.fromkeys([*stored, *(name for name in SYSTEM if name in there), *select]))


def sort_and_write(rows: pa.Table, key: Sequence[str], path: Path) -> int:
    """Sort rows by their key and write them as one file, in the table's default codec; returns its size."""
    order = pc.sort_indices(rows, sort_keys=[(name, "ascending") for name in key])
    pq.write_table(rows.take(order), path, compression="zstd", compression_level=1)
    return path.stat().st_size
