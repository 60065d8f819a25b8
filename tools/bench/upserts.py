"""A stream of upsert commits with automatic compaction on: what each commit takes, and the scan at the end.

    python tools/bench/upserts.py                        # 30 commits of 50,000 rows on 200,000 keys, none and lookup
    python tools/bench/upserts.py --producer lookup --commits 10 --json out.json

Every stream's result is checked before its times count. The first commit of a process, and its first compaction, pay
for imports and for pyarrow's pools, so those of a table of its own come before. Compaction runs beside the commits, so
that what is left of it when the last commit returns ("rest") is timed too, and the scan comes after. Beside seconds, which
other work on the machine spoils, stand the processor seconds of the committing thread ("own cpu") and of all threads.
"""

import argparse
import gc
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import lakestore as ls
from lakestore.env import Env
from lakestore.events import BucketCompacted, Event
from tools.bench.answers import answer_of, verify
from tools.bench.data import SHAPES, draws, rows_of, winners
from tools.bench.measure import in_turns
from tools.bench.report import machine

PRODUCERS = ("none", "lookup")
SHAPE = SHAPES["int"]
SCANS = 7


@dataclass(frozen=True)
class Size:
    """How large the stream is."""

    commits: int = 30
    rows: int = 50_000
    keys: int = 200_000


@dataclass
class Commit:
    """One commit.

    Attributes:
        seconds: All of it; of compaction what it waits for.
        own: Processor seconds of the thread that commits.
        cpu: Processor seconds meanwhile, on all cores: what counts on a machine that others use too.
        compacting: Seconds of rewriting that ended meanwhile.
        written: Bytes that compaction wrote.
        why: What compaction was for.
    """

    seconds: float = 0.0
    own: float = 0.0
    cpu: float = 0.0
    compacting: float = 0.0
    written: int = 0
    why: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Stream:
    """What one stream came to; seconds.

    Attributes:
        producer: Changelog producer.
        commits: Its commits.
        rest: What compaction beside the commits had left to do when the last of them returned.
        scan: Fastest scan of everything at the end.
        floor: Fastest reading of one Parquet file of the same rows, in turns with the scan.
        runs: Sorted runs at the end.
    """

    producer: str
    commits: Sequence[Commit]
    rest: Commit
    scan: float
    floor: float
    runs: int

    @property
    def first(self) -> float:
        """Seconds of the first commit."""
        return self.commits[0].seconds

    @property
    def median(self) -> float:
        """Seconds of the commit in the middle."""
        return statistics.median(commit.seconds for commit in self.commits)

    @property
    def worst(self) -> float:
        """Seconds of the slowest."""
        return max(commit.seconds for commit in self.commits)

    @property
    def cpu(self) -> float:
        """Processor seconds of all."""
        return self.rest.cpu + sum(commit.cpu for commit in self.commits)

    @property
    def total(self) -> float:
        """Seconds of all."""
        return self.rest.seconds + sum(commit.seconds for commit in self.commits)


class Listener:
    """Collects what happens inside the commit at hand."""

    def __init__(self) -> None:
        self.commit = Commit()

    def __call__(self, event: Event) -> None:
        """Take an event."""
        if isinstance(event, BucketCompacted):
            self.commit.compacting += event.milliseconds / 1000
            self.commit.written += event.bytes_written
            self.commit.why.append(event.reason)

    def timed(self, body: Callable[[], object]) -> Commit:
        """Run it; what it took, and what happened meanwhile."""
        self.commit = Commit()
        own, cpu, started = time.thread_time(), time.process_time(), time.perf_counter()
        body()
        self.commit.seconds = time.perf_counter() - started
        self.commit.own = time.thread_time() - own
        self.commit.cpu = time.process_time() - cpu
        return self.commit


def run(folder: Path, producer: str, size: Size) -> Stream:
    """Commit the stream to a fresh table, check what is there, and time the scan."""
    ids = draws(size.keys, size.rows, size.commits)
    batches = [rows_of(SHAPE, chosen, version) for version, chosen in enumerate(ids)]
    listener = Listener()
    lake = ls.connect(folder, env=Env(emit=listener))
    options = {"bucket": 1, "changelog-producer": producer}
    for name in ("warm", "t"):
        lake.create_table(f"bench.{name}", schema=SHAPE.schema, primary_key=SHAPE.key, options=options)
    warm = lake.table("bench.warm")
    for batch in batches[:2]:
        warm.upsert(batch)
    warm.compact(full=True)
    table = lake.table("bench.t")
    # Collected once: to do it before each commit would keep the compaction beside them from running.
    gc.collect()
    gc.freeze()
    commits = [listener.timed(partial(table.upsert, batch)) for batch in batches]
    rest = listener.timed(table.wait_for_compaction)
    expected = rows_of(SHAPE, *winners(ids))
    verify(f"upserts, {producer}", answer_of(table.to_arrow()), answer_of(expected))
    one = folder / "one.parquet"
    pq.write_table(expected.take(pc.sort_indices(expected, [("id", "ascending")])), one, compression="zstd")
    timings = in_turns({"scan": lambda: table.to_arrow, "floor": lambda: lambda: pq.read_table(one)}, SCANS)
    runs = sum(len(bucket.runs) for bucket in table.levels().buckets)
    return Stream(producer, commits, rest, timings["scan"].least, timings["floor"].least, runs)


def show(streams: Sequence[Stream]) -> None:
    """Print the figures."""
    console = Console(width=140)
    for stream in streams:
        table = Table(title=f"changelog-producer = {stream.producer}", title_justify="left", box=SIMPLE)
        for name in ("commit", "seconds", "of first", "of median", "own cpu", "cpu", "compacting", "MB written"):
            table.add_column(name, justify="right")
        table.add_column("why")
        for number, commit in [*enumerate(stream.commits, start=1), ("rest", stream.rest)]:
            table.add_row(
                str(number),
                f"{commit.seconds:.3f}",
                f"{commit.seconds / stream.first:.2f}x",
                f"{commit.seconds / stream.median:.2f}x",
                f"{commit.own:.3f}",
                f"{commit.cpu:.3f}",
                f"{commit.compacting:.3f}",
                f"{commit.written / 1e6:.2f}",
                "; ".join(commit.why),
            )
        console.print(table)
    total = Table(title="seconds", title_justify="left", box=SIMPLE)
    total.add_column("producer")
    for name in (
        "cpu",
        "of none",
        "total",
        "of none",
        "first",
        "median",
        "worst",
        "of first",
        "own cpu",
        "rest",
        "scan",
        "parquet",
        "of parquet",
        "runs",
    ):
        total.add_column(name, justify="right")
    for stream in streams:
        total.add_row(
            stream.producer,
            f"{stream.cpu:.2f}",
            f"{stream.cpu / streams[0].cpu:.2f}x",
            f"{stream.total:.2f}",
            f"{stream.total / streams[0].total:.2f}x",
            f"{stream.first:.3f}",
            f"{stream.median:.3f}",
            f"{stream.worst:.3f}",
            f"{stream.worst / stream.first:.2f}x",
            f"{max(commit.own for commit in stream.commits) / stream.commits[0].own:.2f}x",
            f"{stream.rest.seconds:.3f}",
            f"{stream.scan:.4f}",
            f"{stream.floor:.4f}",
            f"{stream.scan / stream.floor:.2f}x",
            str(stream.runs),
        )
    console.print(total)


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--producer", action="append", choices=["none", "input", "lookup", "full-compaction"])
    parser.add_argument("--commits", type=int, default=Size.commits)
    parser.add_argument("--rows", type=int, default=Size.rows, help="rows of each commit")
    parser.add_argument("--keys", type=int, default=Size.keys, help="distinct keys")
    parser.add_argument("--folder", type=Path, help="make the tables there; the system's temporary folder by default")
    parser.add_argument("--json", type=Path, help="write the figures to that file too")
    options = parser.parse_args()
    size = Size(options.commits, options.rows, options.keys)
    streams = []
    for producer in options.producer or PRODUCERS:
        with tempfile.TemporaryDirectory(dir=options.folder) as scratch:
            streams.append(run(Path(scratch), producer, size))
    show(streams)
    if options.json:
        figures = {"machine": machine(), "size": asdict(size), "streams": [asdict(stream) for stream in streams]}
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
