"""A stream of upsert commits with automatic compaction on: what each commit takes, and the scan at the end.

    python tools/bench/upserts.py                        # 30 commits of 50,000 rows on 200,000 keys, none and lookup
    python tools/bench/upserts.py --producer lookup --commits 10 --json out.json

Every stream's result is checked before its times count. The first commit of a process pays for imports and for
pyarrow's pools, so a commit to a table of its own comes before.
"""

import argparse
import gc
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
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
        seconds: All of it, compaction included.
        cpu: Processor seconds of it, on all cores: what counts on a machine that others use too.
        compacting: Seconds of rewriting in it.
        written: Bytes that compaction wrote.
        why: What compaction was for.
    """

    seconds: float = 0.0
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
        scan: Fastest scan of everything at the end.
        floor: Fastest reading of one Parquet file of the same rows, in turns with the scan.
        runs: Sorted runs at the end.
    """

    producer: str
    commits: Sequence[Commit]
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
        return sum(commit.cpu for commit in self.commits)

    @property
    def total(self) -> float:
        """Seconds of all."""
        return sum(commit.seconds for commit in self.commits)


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


def run(folder: Path, producer: str, size: Size) -> Stream:
    """Commit the stream to a fresh table, check what is there, and time the scan."""
    ids = draws(size.keys, size.rows, size.commits)
    batches = [rows_of(SHAPE, chosen, version) for version, chosen in enumerate(ids)]
    listener = Listener()
    lake = ls.connect(folder, env=Env(emit=listener))
    options = {"bucket": 1, "changelog-producer": producer}
    for name in ("warm", "t"):
        lake.create_table(f"bench.{name}", schema=SHAPE.schema, primary_key=SHAPE.key, options=options)
    lake.table("bench.warm").upsert(batches[0])
    table = lake.table("bench.t")
    commits = []
    for batch in batches:
        listener.commit = Commit()
        gc.collect()
        cpu, started = time.process_time(), time.perf_counter()
        table.upsert(batch)
        listener.commit.seconds = time.perf_counter() - started
        listener.commit.cpu = time.process_time() - cpu
        commits.append(listener.commit)
    expected = rows_of(SHAPE, *winners(ids))
    verify(f"upserts, {producer}", answer_of(table.to_arrow()), answer_of(expected))
    one = folder / "one.parquet"
    pq.write_table(expected.take(pc.sort_indices(expected, [("id", "ascending")])), one, compression="zstd")
    timings = in_turns({"scan": lambda: table.to_arrow, "floor": lambda: lambda: pq.read_table(one)}, SCANS)
    runs = sum(len(bucket.runs) for bucket in table.levels().buckets)
    return Stream(producer, commits, timings["scan"].least, timings["floor"].least, runs)


def show(streams: Sequence[Stream]) -> None:
    """Print the figures."""
    console = Console(width=140)
    for stream in streams:
        table = Table(title=f"changelog-producer = {stream.producer}", title_justify="left", box=SIMPLE)
        for name in ("commit", "seconds", "of first", "of median", "cpu", "compacting", "MB written"):
            table.add_column(name, justify="right")
        table.add_column("why")
        for number, commit in enumerate(stream.commits, start=1):
            table.add_row(
                str(number),
                f"{commit.seconds:.3f}",
                f"{commit.seconds / stream.first:.2f}x",
                f"{commit.seconds / stream.median:.2f}x",
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
