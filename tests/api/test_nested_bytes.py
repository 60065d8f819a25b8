"""Nested projection in bytes: which pieces of a file are read for one leaf of a ROW of twenty, counted exactly."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakestore.api.catalog import Lake
from lakestore.env import Env
from lakestore.storage.fsspec_store import open_store
from lakestore.testing.watched import WatchedStore

ROWS = 30_000
MEMBERS = [f"m{number}" for number in range(20)]


class PieceStore(WatchedStore):
    """Remembers which bytes of data files were read."""

    def __init__(self, inner):
        super().__init__(inner)
        self.pieces = []

    def _read_piece(self, path, source, count):
        if "bucket-" in path:
            self.pieces.append((path, source.tell(), count))  # Files are read in several threads.
        return super()._read_piece(path, source, count)


def made(folder, form, *, keyed):
    """A table with a ROW of twenty numbers, and what is in it."""
    store, root = open_store(folder)
    pieces = PieceStore(store)
    kind = ", ".join(f"{name} BIGINT" for name in MEMBERS)
    options = {"file.format": form, "write-only": "true", **({"bucket": 1} if keyed else {})}
    table = Lake(pieces, root, Env()).create_table(
        "t", schema={"id": "INT", "wide": f"ROW<{kind}>"}, primary_key=["id"] if keyed else [], options=options
    )
    random = np.random.default_rng(7)
    arrays = [pa.array(random.integers(0, 1 << 60, ROWS)) for _ in MEMBERS]
    for _ in range(2 if keyed else 1):
        rows = {"id": pa.array(np.arange(ROWS), pa.int32()), "wide": pa.StructArray.from_arrays(arrays, MEMBERS)}
        table.insert(rows)
    pieces.pieces.clear()
    return pieces, table, arrays


def read(table, path, arrays):
    found = table.scan(select=[path]).to_arrow()["wide"].combine_chunks()
    assert len(found) == ROWS
    assert found.field("m7").equals(arrays[7])


def chunks_of(file, leaf):
    """Where the values of a column lie in a Parquet file, and their bytes before compression."""
    meta = pq.ParquetFile(file).metadata
    for group in range(meta.num_row_groups):
        for place in range(meta.num_columns):
            column = meta.row_group(group).column(place)
            if column.path_in_schema == leaf:
                begin = column.dictionary_page_offset or column.data_page_offset
                yield range(begin, begin + column.total_compressed_size), column.total_uncompressed_size


@pytest.mark.parametrize("keyed", [False, True], ids=["append", "keyed"])
def test_one_leaf_of_twenty_is_one_column_chunk(tmp_path, keyed):
    pieces, table, arrays = made(tmp_path, "parquet", keyed=keyed)
    read(table, "wide.m7", arrays)
    decoded = whole = 0
    for file in {path for path, _, _ in pieces.pieces}:
        mine = [range(begin, begin + count) for path, begin, count in pieces.pieces if path == file]
        mine = [one for one in mine if one.stop < Path(file).stat().st_size]  # the last piece looks for the footer
        for name in MEMBERS:
            for chunk, size in chunks_of(file, f"wide.{name}"):
                touched = any(max(one.start, chunk.start) < min(one.stop, chunk.stop) for one in mine)
                assert touched == (name == "m7"), f"{name} of {file}"
                whole += size
                decoded += size if touched else 0
    assert decoded * 19 < whole < decoded * 21


@pytest.mark.parametrize("keyed", [False, True], ids=["append", "keyed"])
@pytest.mark.parametrize("form", ["parquet", "orc"])
def test_one_leaf_of_twenty_is_a_fraction_of_the_bytes(tmp_path, form, keyed):
    pieces, table, arrays = made(tmp_path, form, keyed=keyed)
    counts = {}
    for path in ("wide", "wide.m7"):
        pieces.pieces.clear()
        read(table, path, arrays)
        counts[path] = sum(count for _, _, count in pieces.pieces)
    assert counts["wide.m7"] * 5 < counts["wide"], counts
