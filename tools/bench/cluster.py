"""Laying ten million skewed points out along a curve: what it takes, what box queries read then, and Delta's Z-order.

    python tools/bench/cluster.py                                    # LakeStore and the raw Parquet floor
    python tools/bench/cluster.py --delta-python /venv/bin/python    # deltalake (from an environment of its own) too
    python tools/bench/cluster.py --rows 1000000 --memory-mb 16      # many times larger than the memory allowed

Boxes lie anywhere in the extent, and where rows are dense, which is where people ask: there a box holds many more rows.

Each layout runs in a process of its own, so that its greatest resident memory can be told. Every box query's answer is
checked against the points before its bytes count.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table as Shown

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import lakestore as ls
from lakestore.api.context import TableContext
from lakestore.api.table import Table
from lakestore.env import Env
from lakestore.storage.local_store import LocalStore
from lakestore.storage.paths import TablePaths
from lakestore.testing.watched import WatchedStore
from tools.bench.report import machine

CITIES = 200
BOXES = 40
AREA = 0.001
CURVES = ("zorder", "hilbert")

CHILD = """
import json, sys, time
import lakestore as ls
path, curve, memory = sys.argv[1], sys.argv[2], int(sys.argv[3])
table = ls.open_table(path)
started = time.perf_counter()
report = table.cluster_by("lon", "lat", curve=curve, memory=memory)
seconds = time.perf_counter() - started
peak = int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) * 1024
print(json.dumps({"seconds": seconds, "peak": peak, "spilled": sum(one.spilled_bytes for one in report.partitions)}))
"""

DELTA_CHILD = """
import json, sys, time
import pyarrow.parquet as pq
from deltalake import DeltaTable, write_deltalake
source, path = sys.argv[1], sys.argv[2]
for group in range(pq.ParquetFile(source).num_row_groups):
    write_deltalake(path, pq.ParquetFile(source).read_row_group(group), mode="append")
started = time.perf_counter()
DeltaTable(path).optimize.z_order(["lon", "lat"])
seconds = time.perf_counter() - started
peak = int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) * 1024
print(json.dumps({"seconds": seconds, "peak": peak, "spilled": 0}))
"""


class CountingStore(WatchedStore):
    """Counts the bytes read of data files."""

    bytes_read = 0

    def _read_piece(self, path, source, count):
        if path.endswith(".parquet"):
            self.bytes_read += count
        return super()._read_piece(path, source, count)

    def _call(self, operation, path, action):
        return action()


def points(rows: int, seed: int = 1) -> pa.Table:
    """Points heaped around cities of very different sizes, in order of arrival, with two more columns."""
    random = np.random.default_rng(seed)
    centres = random.uniform(-1, 1, size=(CITIES, 2)) * [180, 80]
    weights = 1 / np.arange(1, CITIES + 1)
    city = random.choice(CITIES, size=rows, p=weights / weights.sum())
    spread = random.exponential(2.0, size=CITIES)[city]
    lon, lat = (centres[city, axis] + random.normal(size=rows) * spread for axis in (0, 1))
    return pa.table({"id": np.arange(rows), "lon": lon, "lat": lat, "value": random.normal(size=rows)})


def boxes(rows: pa.Table, *, anywhere: bool) -> list[tuple[float, float, float, float]]:
    """Boxes of ``AREA`` of the whole extent: anywhere in it, or around points picked at random, where rows are dense."""
    lon, lat = rows["lon"].to_numpy(), rows["lat"].to_numpy()
    width, height = (np.ptp(axis) * AREA**0.5 / 2 for axis in (lon, lat))
    random = np.random.default_rng(2)
    picked = random.choice(len(rows), BOXES, replace=False)
    centres = [(lon[at], lat[at]) for at in picked]
    if anywhere:
        centres = list(
            zip(random.uniform(lon.min(), lon.max(), BOXES), random.uniform(lat.min(), lat.max(), BOXES), strict=True)
        )
    return [(x - width, x + width, y - height, y + height) for x, y in centres]


def write(folder: Path, rows: pa.Table, commits: int) -> Path:
    """A table of as many files, in order of arrival."""
    table = ls.connect(folder).create_table("bench.points", schema=rows.schema)
    step = -(-len(rows) // commits)
    for start in range(0, len(rows), step):
        table.insert(rows.slice(start, step))
    return Path(table.path)


def floor(table: Path, folder: Path) -> float:
    """Seconds of reading the table's files and writing one of the same rows, unsorted."""
    files = sorted(table.rglob("*.parquet"))
    started = time.perf_counter()
    rows = pa.concat_tables([pq.read_table(file) for file in files])
    pq.write_table(rows, folder / "floor.parquet", compression="zstd", compression_level=1)
    return time.perf_counter() - started


def queried(path: Path, rows: pa.Table, *, anywhere: bool) -> dict[str, float]:
    """What box queries read: shares of the bytes of the live files, and of the rows; checks every answer."""
    store = CountingStore(LocalStore())
    table = Table(TableContext.open(store, TablePaths(str(path)), name="points", env=Env()))
    lon, lat, ids = (rows[name].to_numpy() for name in ("lon", "lat", "id"))
    total = table.describe().bytes
    shares, hits = [], []
    for west, east, south, north in boxes(rows, anywhere=anywhere):
        where = (ls.col("lon") >= west) & (ls.col("lon") <= east) & (ls.col("lat") >= south) & (ls.col("lat") <= north)
        store.bytes_read = 0
        found = np.sort(table.scan(where).to_arrow()["id"].to_numpy())
        inside = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
        assert np.array_equal(found, ids[inside])
        shares.append(store.bytes_read / total)
        hits.append(len(found) / len(rows))
    where = "anywhere" if anywhere else "dense"
    return {f"{where} rows": float(np.mean(hits)), f"{where} bytes": float(np.mean(shares))}


def both(path: Path, rows: pa.Table) -> dict[str, float]:
    """What both kinds of boxes read."""
    return {**queried(path, rows, anywhere=True), **queried(path, rows, anywhere=False)}


def child(python: str, script: str, *arguments: object) -> dict:
    """What a script prints as JSON, run in a process of its own."""
    words = [python, "-c", script, *map(str, arguments)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


def measure(options: argparse.Namespace, scratch: Path) -> list[dict]:
    """One record a subject."""
    rows = points(options.rows)
    figures = []
    for curve in options.curve or CURVES:
        path = write(scratch / curve, rows, options.commits)
        raw = min(floor(path, scratch) for _ in range(options.repeats))
        unsorted = both(path, rows) if not figures else None
        if unsorted:
            figures.append({"subject": "in order of arrival", **unsorted})
        taken = child(sys.executable, CHILD, path, curve, options.memory_mb * 2**20)
        figures.append({"subject": curve, **taken, "floor": raw, **both(path, rows)})
    if options.delta_python:
        source = scratch / "source.parquet"
        pq.write_table(rows, source, row_group_size=-(-len(rows) // options.commits))
        taken = child(options.delta_python, DELTA_CHILD, source, scratch / "delta")
        figures.append({"subject": "deltalake z_order", **taken, "floor": figures[-1]["floor"]})
    return figures


def show(figures: list[dict]) -> None:
    """Print the figures."""
    table = Shown(title="layouts, and what a box of 0.1 % of the area reads", title_justify="left", box=SIMPLE)
    shares = ("anywhere rows", "anywhere bytes", "dense rows", "dense bytes")
    names = ("subject", "seconds", "of floor", "peak MiB", "spilled MiB", *shares)
    for name in names:
        table.add_column(name, justify="left" if name == "subject" else "right")
    for one in figures:
        seconds, raw = one.get("seconds"), one.get("floor")
        table.add_row(
            one["subject"],
            f"{seconds:.2f}" if seconds else "-",
            f"{seconds / raw:.2f}" if seconds and raw else "-",
            f"{one['peak'] / 2**20:.0f}" if "peak" in one else "-",
            f"{one['spilled'] / 2**20:.0f}" if "spilled" in one else "-",
            *(f"{one[name]:.2%}" if name in one else "-" for name in shares),
        )
    Console(width=120).print(table)


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--commits", type=int, default=20, help="files that the points arrive in")
    parser.add_argument("--curve", action="append", choices=CURVES, help="both by default")
    parser.add_argument("--memory-mb", type=int, default=256, help="decoded megabytes held while sorting")
    parser.add_argument("--repeats", type=int, default=3, help="rounds of the floor")
    parser.add_argument("--delta-python", help="a Python that has deltalake and pyarrow")
    parser.add_argument("--json", type=Path, help="write the figures to that file too")
    parser.add_argument("--folder", type=Path, help="make the tables there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as scratch:
        figures = measure(options, Path(scratch))
    show(figures)
    if options.json:
        options.json.write_text(json.dumps({"machine": machine(), "figures": figures}, indent=2), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
