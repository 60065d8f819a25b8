"""LakeStore's own side of the workloads, through its public names."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

import lakestore as ls
from tools.bench.data import Shape, rows_of

OPTIONS = {"bucket": 1, "write-only": True}
"""One bucket, and every commit stays the level-0 run that it made."""


def create(warehouse: Path, shape: Shape, name: str = "t") -> ls.Table:
    """A fresh table for rows of that shape."""
    lake = ls.connect(warehouse)
    return lake.create_table(f"bench.{name}", schema=shape.schema, primary_key=shape.key, options=OPTIONS)


def folder(table: ls.Table) -> Path:
    """The table's folder on local disk."""
    return Path(table.path)


def write_runs(warehouse: Path, shape: Shape, runs: Sequence[np.ndarray]) -> ls.Table:
    """A table of as many sorted runs as there are arrays of ids."""
    table = create(warehouse, shape)
    upsert_all(table, (rows_of(shape, ids, version) for version, ids in enumerate(runs)))
    return table


def upsert_all(table: ls.Table, batches: Iterable[pa.Table]) -> None:
    """One commit per batch."""
    for batch in batches:
        table.upsert(batch)
