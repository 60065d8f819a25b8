"""File indexes: what a point query opens and takes with and without, and what writing them costs.

    python tools/bench/indexes.py                      # 1,000 files of 2,000 rows
    python tools/bench/indexes.py --files 200 --rows 500

Each kind is measured on the same rows in a table of its own, beside a table without indexes. Every answer is checked
before it counts. Times are processor time of all threads, which a busy machine does not lengthen; ratios are of the
least of three rounds. The last line says what was asked and whether it is so.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table as Shown

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from lakestore.api.catalog import Lake
from lakestore.api.table import Table
from lakestore.env import Env
from lakestore.storage.fsspec_store import open_store
from lakestore.testing.recording import RecordingStore
from tools.bench.report import machine

KINDS = ("bloom-filter", "bitmap", "range-bitmap", "bsi")
ROUNDS = 3
MISSES = 0.01


def options(kind: str | None, rows: int) -> dict[str, str]:
    """Options of the table of a kind; None for the table without indexes."""
    found = {"metadata.stats-mode": "none", "write-only": "true"}
    if kind is not None:
        found[f"file-index.{kind}.columns"] = "user"
    if kind == "bloom-filter":
        found |= {"file-index.bloom-filter.user.items": str(rows), "file-index.bloom-filter.user.fpp": "0.001"}
    return found


def visits(files: int, rows: int) -> pa.Table:
    """One partition a file; users are anywhere."""
    users = np.random.default_rng(7).permutation(files * rows).astype(np.int64)
    places = np.repeat(np.arange(files, dtype=np.int32), rows)
    return pa.table({"day": places, "user": users, "seconds": users % 997})


def least(body: Callable[[], object]) -> float:
    """Least processor time of the rounds."""
    took = []
    for _ in range(ROUNDS):
        began = time.process_time()
        body()
        took.append(time.process_time() - began)
    return min(took)


def measured(folder: str, kind: str | None, data: pa.Table, files: int, rows: int) -> dict[str, float]:
    """What writing a table takes, and a point query on it."""
    store, root = open_store(f"{folder}/{kind}")
    recording = RecordingStore(store)
    lake = Lake(recording, root, Env())
    schema = {"day": "INT", "user": "BIGINT", "seconds": "BIGINT"}
    table: Table = lake.create_table("d.t", schema=schema, partition_by=["day"], options=options(kind, rows))
    began = time.process_time()
    table.insert(data)
    writing = time.process_time() - began
    wanted = int(data["user"][len(data) // 2].as_py())
    where = f"user = {wanted}"
    recording.forget()
    found = table.scan(where=where).to_arrow()
    if found["user"].to_pylist() != [wanted]:
        raise SystemExit(f"WRONG ANSWER with {kind}: {found.to_pylist()}")
    opened = len({path for path in recording.paths("open_input") if path.endswith(".parquet")})
    index = table.system("file_indexes")
    return {
        "opened": opened,
        "share": (opened - 1) / files,
        "index bytes a row": sum(index["index_container_size_in_bytes"].to_pylist()) / len(data),
        "writing": writing,
        "query": least(lambda: table.scan(where=where).to_arrow()),
    }


def main() -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--rows", type=int, default=2000)
    chosen = parser.parse_args()
    console = Console(width=120)
    console.print(machine())
    data = visits(chosen.files, chosen.rows)
    with tempfile.TemporaryDirectory() as folder:
        found = {kind: measured(folder, kind, data, chosen.files, chosen.rows) for kind in (None, *KINDS)}
    bare = found[None]
    shown = Shown("index", "files opened", "index bytes a row", "writing", "query", box=SIMPLE)
    for kind, one in found.items():
        shown.add_row(
            str(kind or "none"),
            f"{one['opened']:,} of {chosen.files:,}",
            f"{one['index bytes a row']:.2f}",
            f"{one['writing']:.2f} s, {one['writing'] / bare['writing']:.2f}x",
            f"{one['query'] * 1000:.0f} ms, {one['query'] / bare['query']:.2f}x",
        )
    console.print(shown)
    met = found["bloom-filter"]["share"] <= MISSES
    console.print(
        f"a point query opens at most 1 % of the files besides the one that matches: "
        f"{found['bloom-filter']['share']:.2%} {'yes' if met else 'NO'}"
    )
    return 0 if met else 1


if __name__ == "__main__":
    raise SystemExit(main())
