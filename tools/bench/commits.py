"""Many tiny commits with default options: does a commit cost the same after thousands of others?

    python tools/bench/commits.py [--commits 10000] [--keys 50] [--append] [--folder /dev/shm]

The clock is moved on by 10 s with each commit, so that retention of an hour comes to 360 snapshots and expiry runs as it
would in a stream. Time is that of the processor, since the wall clock of a shared machine says little about a millisecond.
In the end a fresh table gets the same live files (a keyed one: both are compacted to one), its rows are compared, and
opening and planning both are timed. Wanted: ``commit_ratio`` and ``plan_ratio`` of at most 1.5, and files that do not grow.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import lakestore as ls
from lakestore.env import Env, SystemClock
from lakestore.meta.cache import SHARED_CACHE

SCHEMA = {"id": "INT", "text": "STRING"}
STEP_MS = 10_000
WINDOW = 100
"""Commits at either end that are compared."""


class MovedClock(SystemClock):
    """The machine's clock, moved on."""

    ahead_ms = 0

    def now_ms(self):
        """Milliseconds since the epoch."""
        return super().now_ms() + self.ahead_ms


def milliseconds(action, repeats=1):
    """Processor time of the fastest of some runs, in milliseconds."""
    best = float("inf")
    for _ in range(repeats):
        SHARED_CACHE.entries.clear()
        SHARED_CACHE.lists.clear()
        started = time.process_time()
        action()
        best = min(best, (time.process_time() - started) * 1000)
    return best


def typical(times):
    """Mean without the slowest tenth, in which other processes of the machine show."""
    kept = sorted(times)[: max(len(times) * 9 // 10, 1)]
    return round(sum(kept) / len(kept), 2)


def on_disk(table):
    """Files by kind."""
    folder = Path(table.path)
    return {name: len(list((folder / name).iterdir())) for name in ("manifest", "snapshot", "bucket-0")}


def run(folder, commits, keys, *, append):
    """Make the commits; the figures."""
    clock = MovedClock()
    lake = ls.connect(folder, env=Env(clock=clock))
    kind = {} if append else {"primary_key": ["id"], "options": {"bucket": "1"}}
    table = lake.create_table("db.many", schema=SCHEMA, **kind)
    times, most, middle, manifests = [], {}, {}, 0
    for number in range(commits):
        clock.ahead_ms += STEP_MS
        row = [{"id": number % keys, "text": f"row {number}"}]
        started = time.process_time()
        table.insert(row)
        times.append((time.process_time() - started) * 1000)
        if number % max(commits // 20, 1) == 0:
            most = {name: max(count, most.get(name, 0)) for name, count in on_disk(table).items()}
            middle = middle or (dict(most) if number >= commits // 4 else {})
        if number >= commits - WINDOW:
            manifests = max(manifests, table.compact_manifests(dry_run=True).before)
    fresh = lake.create_table("db.fresh", schema=SCHEMA, **kind)
    if append:
        for rows in table.to_arrow().to_batches():
            fresh.insert(rows)
    else:
        fresh.insert(table.to_arrow())
        table.compact(full=True)
        fresh.compact(full=True)

    if sorted(table.to_arrow().to_pylist(), key=str) != sorted(fresh.to_arrow().to_pylist(), key=str):
        raise SystemExit("the fresh table has other rows")
    live = table.describe().to_dict().get("files")

    def plan(name):
        lake.table(name).scan("id = 3").explain()

    window = min(WINDOW, commits // 3)
    figures = {
        "commits": commits,
        "kind": "append" if append else "keyed",
        "first_ms": typical(times[:window]),
        "last_ms": typical(times[-window:]),
        "hundreds_ms": [typical(times[at : at + window]) for at in range(0, commits, max(commits // 10, 1))],
        "most_files_first_quarter": middle,
        "most_files": most,
        "most_manifests_last": manifests,
        "live_files": live,
        "manifests": table.compact_manifests(dry_run=True).before,
        "plan_ms": round(milliseconds(lambda: plan("db.many"), 20), 2),
        "plan_fresh_ms": round(milliseconds(lambda: plan("db.fresh"), 20), 2),
    }
    figures["commit_ratio"] = round(figures["last_ms"] / figures["first_ms"], 2)
    figures["plan_ratio"] = round(figures["plan_ms"] / figures["plan_fresh_ms"], 2)
    table.compact_manifests()
    figures["plan_merged_ms"] = round(milliseconds(lambda: plan("db.many"), 20), 2)
    return figures


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--commits", type=int, default=10_000)
    parser.add_argument("--keys", type=int, default=50)
    parser.add_argument("--append", action="store_true")
    parser.add_argument("--folder", default=None, help="where to make the table")
    words = parser.parse_args()
    folder = tempfile.mkdtemp(dir=words.folder)
    try:
        print(json.dumps(run(folder, words.commits, words.keys, append=words.append)))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
