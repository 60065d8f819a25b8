"""Laying ten million skewed points out along a curve: what it takes, what box queries read then, and Delta's Z-order.

    python tools/bench/cluster.py                                    # LakeStore and the raw Parquet floor
    python tools/bench/cluster.py --delta-python /venv/bin/python    # deltalake (from an environment of its own) too
    python tools/bench/cluster.py --rows 1000000 --memory-mb 16      # many times larger than the memory allowed
    python tools/bench/cluster.py --rows 50000000 --boxes 5          # a large table: memory stays what it was

Boxes lie anywhere in the extent, and where rows are dense, which is where people ask: there a box holds many more rows.

Each layout runs in a process of its own, so that its greatest resident memory can be told. Every box query's answer is
checked against the points before its bytes count. Times are told by the clock, and as processor time of all threads,
which a busy machine does not lengthen. The last lines say what was asked of each figure and whether it is so.
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
UNSORTED_BOXES = 5
AREA = 0.001
CURVES = ("zorder", "hilbert")
DELTA = "deltalake z_order"

CHILD = """
import json, sys, time
import lakestore as ls
path, curve, memory = sys.argv[1], sys.argv[2], int(sys.argv[3])
table = ls.open_table(path)
started, busy = time.perf_counter(), time.process_time()
report = table.cluster_by("lon", "lat", curve=curve, memory=memory)
seconds, processor = time.perf_counter() - started, time.process_time() - busy
peak = int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) * 1024
spilled = sum(one.spilled_bytes for one in report.partitions)
print(json.dumps({"seconds": seconds, "processor": processor, "peak": peak, "spilled": spilled}))
"""

DELTA_CHILD = """
import json, sys, time
import pyarrow.parquet as pq
from deltalake import DeltaTable, write_deltalake
source, path = sys.argv[1], sys.argv[2]
for group in range(pq.ParquetFile(source).num_row_groups):
    write_deltalake(path, pq.ParquetFile(source).read_row_group(group), mode="append")
started, busy = time.perf_counter(), time.process_time()
DeltaTable(path).optimize.z_order(["lon", "lat"])
seconds, processor = time.perf_counter() - started, time.process_time() - busy
peak = int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) * 1024
print(json.dumps({"seconds": seconds, "processor": processor, "peak": peak, "spilled": 0}))
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


def boxes(rows: pa.Table, count: int, *, anywhere: bool) -> list[tuple[float, float, float, float]]:
    """Boxes of ``AREA`` of the whole extent: anywhere in it, or around points picked at random, where rows are dense."""
    lon, lat = rows["lon"].to_numpy(), rows["lat"].to_numpy()
    width, height = (np.ptp(axis) * AREA**0.5 / 2 for axis in (lon, lat))
    random = np.random.default_rng(2)
    picked = random.choice(len(rows), count, replace=False)
    centres = [(lon[at], lat[at]) for at in picked]
    if anywhere:
        centres = list(
            zip(random.uniform(lon.min(), lon.max(), count), random.uniform(lat.min(), lat.max(), count), strict=True)
        )
    return [(x - width, x + width, y - height, y + height) for x, y in centres]


def write(folder: Path, rows: pa.Table, commits: int) -> Path:
    """A table of as many files, in order of arrival."""
    table = ls.connect(folder).create_table("bench.points", schema=rows.schema)
    step = -(-len(rows) // commits)
    for start in range(0, len(rows), step):
        table.insert(rows.slice(start, step))
    return Path(table.path)


def floor(table: Path, folder: Path) -> tuple[float, float]:
    """Seconds of reading the table's files and writing one of the same rows, unsorted: by the clock, of processors."""
    files = sorted(table.rglob("*.parquet"))
    started, busy = time.perf_counter(), time.process_time()
    rows = pa.concat_tables([pq.read_table(file) for file in files])
    pq.write_table(rows, folder / "floor.parquet", compression="zstd", compression_level=1)
    return time.perf_counter() - started, time.process_time() - busy


def queried(path: Path, rows: pa.Table, count: int, *, anywhere: bool) -> dict[str, float]:
    """What box queries read: shares of the bytes of the live files, and of the rows; checks every answer."""
    store = CountingStore(LocalStore())
    table = Table(TableContext.open(store, TablePaths(str(path)), name="points", env=Env()))
    lon, lat, ids = (rows[name].to_numpy() for name in ("lon", "lat", "id"))
    total = table.describe().bytes
    shares, hits = [], []
    for west, east, south, north in boxes(rows, count, anywhere=anywhere):
        where = (ls.col("lon") >= west) & (ls.col("lon") <= east) & (ls.col("lat") >= south) & (ls.col("lat") <= north)
        store.bytes_read = 0
        found = np.sort(table.scan(where).to_arrow()["id"].to_numpy())
        inside = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
        assert np.array_equal(found, ids[inside])
        shares.append(store.bytes_read / total)
        hits.append(len(found) / len(rows))
    where = "anywhere" if anywhere else "dense"
    return {f"{where} rows": float(np.mean(hits)), f"{where} bytes": float(np.mean(shares))}


def both(path: Path, rows: pa.Table, count: int) -> dict[str, float]:
    """What both kinds of boxes read."""
    return {**queried(path, rows, count, anywhere=True), **queried(path, rows, count, anywhere=False)}


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
        rounds = [floor(path, scratch) for _ in range(options.repeats)]
        raw = {"floor": min(one for one, _ in rounds), "floor processor": min(one for _, one in rounds)}
        unsorted = both(path, rows, min(options.boxes, UNSORTED_BOXES)) if not figures else None
        if unsorted:
            figures.append({"subject": "in order of arrival", **unsorted})
        taken = child(sys.executable, CHILD, path, curve, options.memory_mb * 2**20)
        figures.append({"subject": curve, **taken, **raw, **both(path, rows, options.boxes)})
    if options.delta_python:
        source = scratch / "source.parquet"
        pq.write_table(rows, source, row_group_size=-(-len(rows) // options.commits))
        taken = child(options.delta_python, DELTA_CHILD, source, scratch / "delta")
        figures.append({"subject": DELTA, **taken, **raw})
    return figures


def show(figures: list[dict]) -> None:
    """Print the figures."""
    table = Shown(title="layouts, and what a box of 0.1 % of the area reads", title_justify="left", box=SIMPLE)
    shares = ("anywhere rows", "anywhere bytes", "dense rows", "dense bytes")
    names = ("subject", "seconds", "of floor", "cpu s", "of floor's", "peak MiB", "spilled MiB", *shares)
    for name in names:
        table.add_column(name, justify="left" if name == "subject" else "right")
    for one in figures:
        seconds, raw, busy, raw_busy = (one.get(name) for name in ("seconds", "floor", "processor", "floor processor"))
        table.add_row(
            one["subject"],
            f"{seconds:.2f}" if seconds else "-",
            f"{seconds / raw:.2f}" if seconds and raw else "-",
            f"{busy:.2f}" if busy else "-",
            f"{busy / raw_busy:.2f}" if busy and raw_busy else "-",
            f"{one['peak'] / 2**20:.0f}" if "peak" in one else "-",
            f"{one['spilled'] / 2**20:.0f}" if "spilled" in one else "-",
            *(f"{one[name]:.2%}" if name in one else "-" for name in shares),
        )
    Console(width=150).print(table)


def judge(figures: list[dict]) -> list[str]:
    """What was asked of the figures, and whether it is so."""
    found = {one["subject"]: one for one in figures}
    lines = []
    for name in CURVES:
        one = found.get(name)
        if one is None:
            continue
        lines += [
            _verdict(f"{name}: a box anywhere reads at most 2 % of the bytes", one["anywhere bytes"] <= 0.02),
            _verdict(f"{name}: at most 3 times the floor by the clock", one["seconds"] <= 3 * one["floor"]),
            _verdict(f"{name}: at most 3 times its processor time", one["processor"] <= 3 * one["floor processor"]),
            _verdict(f"{name}: under 1 GiB", one["peak"] < 2**30),
        ]
        if DELTA in found:
            lines += [
                _verdict(f"{name}: faster than deltalake's Z-order", one["seconds"] < found[DELTA]["seconds"]),
                _verdict(f"{name}: less processor time than that", one["processor"] < found[DELTA]["processor"]),
            ]
    if all(name in found for name in CURVES):
        for kind in ("anywhere", "dense"):
            less = found["hilbert"][f"{kind} bytes"] < found["zorder"][f"{kind} bytes"]
            lines.append(_verdict(f"hilbert reads less than zorder, boxes {kind}", less))
    return lines


def _verdict(text: str, holds: bool) -> str:
    return f"{'yes' if holds else 'NO '}  {text}"


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--commits", type=int, default=20, help="files that the points arrive in")
    parser.add_argument("--boxes", type=int, default=40, help="box queries of each kind")
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
    sys.stdout.write("\n".join(judge(figures)) + "\n")
    if options.json:
        options.json.write_text(json.dumps({"machine": machine(), "figures": figures}, indent=2), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
