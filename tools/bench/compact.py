"""Compaction against the Parquet floor, and what it holds in memory.

    python tools/bench/compact.py                          # 5 runs of 1 M rows on 2 M keys, in turns with the floor
    python tools/bench/compact.py --rows 200000 --runs 20 --text 800 --memory   # resident bytes of a large bucket

The floor reads the same files with pyarrow and writes the same result, in one thread after the other; the ratio is
the least time of compaction over the least time of the floor.
"""

import argparse
import multiprocessing
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import lakestore as ls
from tools.bench.floor import data_files
from tools.bench.measure import Body, in_turns

COLUMNS = {"id": "BIGINT", "a": "BIGINT", "b": "DOUBLE", "name": "STRING", "e": "INT"}


def batch(rng: np.random.Generator, *, rows: int, keys: int, text: int) -> pa.Table:
    """Rows with keys drawn without repetition; ``text`` bytes of a text that hardly compresses in each, if any."""
    names = np.array([f"name-{number}" for number in range(1000)])[rng.integers(0, 1000, rows)]
    if text:
        names = np.array([rng.bytes(text // 2).hex() for _ in range(rows)])
    return pa.table(
        {
            "id": rng.choice(keys, rows, replace=False),
            "a": rng.integers(0, 10**9, rows),
            "b": rng.random(rows),
            "name": pa.array(names),
            "e": pa.array(rng.integers(0, 100, rows), pa.int32()),
        }
    )


def written(folder: Path, options: argparse.Namespace) -> Path:
    """A table of that many runs, none of them compacted; its folder."""
    rng = np.random.default_rng(5)
    table = ls.connect(folder).create_table(
        "db.t", schema=COLUMNS, primary_key=["id"], options={"bucket": 1, "write-only": "true"}
    )
    for _ in range(options.runs):
        table.upsert(batch(rng, rows=options.rows, keys=options.keys, text=options.text))
    return folder / "db.db" / "t"


def compacted(table: Path) -> Path:
    """Compact it in full."""
    ls.open_table(table).compact(full=True)
    return table


def floor(files: list[Path], result: pa.Table, target: Path) -> None:
    """Read the inputs and write the result, with pyarrow alone."""
    for file in files:
        pq.read_table(file)
    pq.write_table(result, target, compression="zstd", compression_level=1)


def compare(options: argparse.Namespace, scratch: Path) -> None:
    """Print both times and their ratio."""
    table = written(scratch, options)
    inputs = data_files(table)
    model = compacted(Path(shutil.copytree(table, scratch / "model")))
    outputs = [file for file in data_files(model) if file.name not in {one.name for one in inputs}]
    result = pa.concat_tables([pq.read_table(file) for file in outputs])
    count = iter(range(10**6))

    def fresh() -> Path:
        return Path(shutil.copytree(table, scratch / f"copy-{next(count)}"))

    def ours() -> Body:
        folder = fresh()
        return lambda: compacted(folder)

    def theirs() -> Body:
        return lambda: floor(inputs, result, scratch / "floor.parquet")

    timings = in_turns({"lakestore": ours, "floor": theirs}, options.repeats)
    ours_s, floor_s = timings["lakestore"].least, timings["floor"].least
    print(
        f"{options.runs} runs x {options.rows} rows on {options.keys} keys: compaction {ours_s:.3f} s, pyarrow reads "
        f"and writes in {floor_s:.3f} s, ratio {ours_s / floor_s:.2f}"
    )


def measure_memory(options: argparse.Namespace, scratch: Path) -> None:
    """Print the resident bytes of a compaction, in a process that has done nothing else: writers leave memory behind."""
    writer = multiprocessing.get_context("spawn").Process(target=written, args=(scratch, options))
    writer.start()
    writer.join()
    table = scratch / "db.db" / "t"
    size = sum(file.stat().st_size for file in data_files(table))
    Path("/proc/self/clear_refs").write_text("5")
    before, _ = resident()
    started = time.perf_counter()
    compacted(table)
    seconds = time.perf_counter() - started
    _, peak = resident()
    print(
        f"{options.runs} runs, {size / 2**20:.0f} MiB of files: {seconds:.1f} s, peak {peak / 2**20:.0f} MiB resident, "
        f"{(peak - before) / 2**20:.0f} MiB above the {before / 2**20:.0f} MiB before"
    )


def resident() -> tuple[int, int]:
    """Resident bytes now, and the most since the mark was reset."""
    lines = Path("/proc/self/status").read_text().splitlines()
    values = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines if line.startswith(("VmRSS", "VmHWM"))}
    return values["VmRSS"], values["VmHWM"]


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of each run")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--keys", type=int, default=2_000_000, help="keys that they are drawn from")
    parser.add_argument("--text", type=int, default=0, help="bytes of a text in each row")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--memory", action="store_true", help="resident memory instead of time")
    parser.add_argument("--scratch", type=Path, help="where to write; by default the system's")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        (measure_memory if options.memory else compare)(options, Path(scratch))


if __name__ == "__main__":
    main()
