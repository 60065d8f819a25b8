"""How soon and how fast changes reach a reader.

    python tools/bench/stream.py                      # latency, and rows through write, commit and stream
    python tools/bench/stream.py --folder /dev/shm    # the same without the disk

Latency: one process commits a row at a time, another reads; from the moment the commit returned to the rows in the
reader's hand, less nothing: the poll interval is part of it. Rate: 100,000 rows a commit, a writer and a reader in two
processes, until the reader has all of them; beside it what raw Parquet takes to encode and decode the same rows, in two
processes as well. The answer is verified before a figure counts: every row once, and their sum.
"""

import argparse
import json
import multiprocessing
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import lakestore as ls

COMMIT_ROWS = 100_000
TABLES = {
    "append": {"primary_key": [], "options": {}},
    "append, write-only": {"primary_key": [], "options": {"write-only": "true"}},
    "keyed": {"primary_key": ["id"], "options": {"bucket": "1"}},
    "keyed, write-only": {"primary_key": ["id"], "options": {"bucket": "1", "write-only": "true"}},
}
PATIENCE = 600


def rows(number, count=COMMIT_ROWS):
    """Commit ``number``'s rows: BIGINT key, DOUBLE, STRING of sixteen values, BIGINT."""
    rng = np.random.default_rng(number)
    ids = np.arange(number * count, (number + 1) * count)
    names = np.array([f"name-{each:02}" for each in range(16)])
    return pa.table(
        {
            "id": ids,
            "x": rng.random(count),
            "name": pa.array(names[rng.integers(0, 16, count)]),
            "qty": rng.integers(0, 1000, count),
        }
    )


def follow(path, poll, total, out):
    """Reads until all rows are there; what came, when, and the processor time that it took."""
    stream = ls.open_table(path).stream("earliest", poll=poll)
    out.put("ready")
    seen, sum_of_ids, arrivals, worked = 0, 0, [], time.process_time()
    with stream:
        for change in stream:
            arrivals.append((change.snapshot_id, time.time()))
            seen += change.batch.num_rows
            sum_of_ids += pc.sum(change.batch.column("id")).as_py()
            if seen >= total:
                break
    out.put((seen, sum_of_ids, arrivals, time.process_time() - worked))


def followed(folder, name, definition, batches, poll, pause=0.0):
    """Write commit by commit while another process reads: when each commit returned, and what the reader says."""
    table = ls.connect(folder).create_table(f"db.{name}", schema=batches[0].schema, **definition)
    context = multiprocessing.get_context("spawn")
    out = context.Queue()
    total = sum(batch.num_rows for batch in batches)
    reader = context.Process(target=follow, args=(table.path, poll, total, out))
    reader.start()
    assert out.get(timeout=PATIENCE) == "ready"
    returned, began, worked = {}, time.time(), time.process_time()
    with table.writer(job="bench") as writer:
        for number, batch in enumerate(batches):
            writer.write(batch)
            result = writer.commit(number)
            returned[result.snapshot_ids[0]] = time.time()
            time.sleep(pause)
    worked = time.process_time() - worked
    seen, sum_of_ids, arrivals, reading = out.get(timeout=PATIENCE)
    reader.join()
    assert (seen, sum_of_ids) == (total, sum(pc.sum(batch.column("id")).as_py() for batch in batches)), "wrong answer"
    return returned, arrivals, arrivals[-1][1] - began, worked, reading


def latency(folder, name, commits, poll):
    """Milliseconds from the commit's return to the rows in the reader's hand, median and 95th of 100."""
    rng = np.random.default_rng(0)
    batches = [rows(number, 1) for number in range(commits)]
    returned, arrivals, *_ = followed(
        folder, name.replace(", ", "_").replace("-", "_") + "_latency", TABLES[name], batches, poll, rng.random() * poll
    )
    first = {}
    for snapshot, when in arrivals:
        first.setdefault(snapshot, when)
    waits = sorted((first[snapshot] - when) * 1000 for snapshot, when in returned.items())
    return statistics.median(waits), waits[int(len(waits) * 0.95)]


def decode(folder, count, out):
    """The raw reader's half."""
    worked, seen = time.process_time(), 0
    for number in range(count):
        path = Path(folder) / f"{number}.parquet"
        while not path.exists():
            time.sleep(0.001)
        seen += pq.read_table(path).num_rows
    out.put((seen, time.process_time() - worked))


def raw(folder, batches):
    """Rows a second that pyarrow alone writes in one process and reads in another."""
    context = multiprocessing.get_context("spawn")
    out, place = context.Queue(), Path(folder) / "raw"
    place.mkdir()
    reader = context.Process(target=decode, args=(place, len(batches), out))
    reader.start()
    time.sleep(2)
    began, worked = time.time(), time.process_time()
    for number, batch in enumerate(batches):
        pq.write_table(batch, place / f"{number}.tmp", compression="zstd", compression_level=1)
        (place / f"{number}.tmp").rename(place / f"{number}.parquet")
    worked = time.process_time() - worked
    seen, reading = out.get(timeout=PATIENCE)
    took = time.time() - began
    reader.join()
    return seen, took, worked, reading


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--commits", type=int, default=40, help="commits of 100,000 rows for the rate")
    parser.add_argument("--small", type=int, default=200, help="commits of one row for the latency")
    parser.add_argument("--poll", type=float, default=0.1, help="seconds between looks, for the latency")
    parser.add_argument("--folder", help="where the tables are made; removed afterwards")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    folder = tempfile.mkdtemp(dir=arguments.folder)
    figures = {}
    try:
        batches = [rows(number) for number in range(arguments.commits)]
        warm = [rows(number) for number in range(2)]
        for name, definition in TABLES.items():
            place = name.replace(", ", "_").replace("-", "_")
            followed(folder, f"{place}_warm", definition, warm, 0.005)
            _, _, took, writing, reading = followed(folder, place, definition, batches, 0.005)
            figures[f"rate, {name}"] = told(len(batches) * COMMIT_ROWS, took, writing, reading)
        seen, took, writing, reading = raw(folder, batches)
        figures["rate, raw Parquet"] = told(seen, took, writing, reading)
        for name in ("append", "keyed"):
            median, late = latency(folder, name, arguments.small, arguments.poll)
            figures[f"latency, {name}"] = {
                "poll_ms": arguments.poll * 1000,
                "median_ms": round(median, 1),
                "p95_ms": round(late, 1),
                "p95_above_poll_ms": round(late - arguments.poll * 1000, 1),
            }
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if arguments.json:
        print(json.dumps(figures, indent=1))
        return
    for name, figure in figures.items():
        print(f"{name:28}", "  ".join(f"{key} {value:,}" for key, value in figure.items()))


def told(count, took, writing, reading):
    """Rows a second by the clock, and by the processor time of the busier side."""
    return {
        "rows": count,
        "rows_per_second": round(count / took),
        "rows_per_processor_second": round(count / (writing + reading)),
        "writer_seconds": round(writing, 2),
        "reader_seconds": round(reading, 2),
    }


if __name__ == "__main__":
    main()
