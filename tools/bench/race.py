"""A race: many processes commit to one append table at once, and afterwards every acknowledged row is looked for.

    python tools/bench/race.py                       # LakeStore, 8 processes x 25 commits, local disk
    python tools/bench/race.py --peers               # pypaimon and pypaimon-rust too, each on a table of its own
    python tools/bench/race.py --s3 --commits 20     # LakeStore over HTTP to an S3 server (moto) started here

A row is lost when its commit was acknowledged and it is not there, doubled when it is there more than once. Exit
status 1 when LakeStore lost or doubled a row or raised an error.
"""

import argparse
import json
import logging
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import lakestore as ls
from tools.bench.peers import ENGINES
from tools.bench.race_worker import SCHEMA
from tools.peers.environment import HOW, peer_python

WORKER = Path(__file__).with_name("race_worker.py")
MINUTES_AT_MOST = 10


@dataclass(frozen=True)
class Outcome:
    """How a race ended.

    Attributes:
        engine: Who committed.
        store: Where to.
        wanted: Commits that were tried.
        acknowledged: Commits whose call returned.
        lost: Acknowledged rows that are not there.
        doubled: Rows that are there more than once.
        unannounced: Rows that are there although their call raised.
        errors: What was raised, with how often.
        seconds: Of the slowest process.
    """

    engine: str
    store: str
    wanted: int
    acknowledged: int
    lost: int
    doubled: int
    unannounced: int
    errors: Mapping[str, int]
    seconds: float

    @property
    def clean(self) -> bool:
        """Whether every commit was acknowledged and is there once."""
        return self.acknowledged == self.wanted and not (self.lost or self.doubled or self.errors)


@contextmanager
def s3_server() -> Iterator[tuple[str, dict[str, Any]]]:
    """An S3 server in this process: a URL of a bucket on it, and the storage options to reach it."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    options = {"key": "test", "secret": "test", "client_kwargs": {"endpoint_url": f"http://{host}:{port}"}}
    try:
        import fsspec

        fsspec.filesystem("s3", **options, skip_instance_cache=True).mkdir("race")
        yield "s3://race/warehouse", options
    finally:
        server.stop()


def run_workers(requests: Sequence[Mapping[str, Any]], python: str) -> list[dict[str, Any]]:
    """Start one process per request, let them go together, and collect what they say."""
    racers = [
        subprocess.Popen(
            [python, str(WORKER), json.dumps(request)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for request in requests
    ]
    try:
        for racer in racers:
            if racer.stdout.readline().strip() != "ready":
                raise RuntimeError(f"a process of {requests[0]['engine']} did not start")
        for racer in racers:
            racer.stdin.write("go\n")
            racer.stdin.flush()
        deadline = time.monotonic() + MINUTES_AT_MOST * 60
        said = [racer.communicate(timeout=max(deadline - time.monotonic(), 1))[0] for racer in racers]
    finally:
        for racer in racers:
            racer.kill()
            racer.wait()
    return [json.loads(text) for text in said]


def judge(engine: str, store: str, wanted: int, told: Sequence[Mapping[str, Any]], rows: pa.Table) -> Outcome:
    """Hold what the processes said against what is in the table."""
    there = Counter(zip(rows["worker"].to_pylist(), rows["number"].to_pylist(), strict=True))
    said = {(worker, number) for worker, each in enumerate(told) for number in each["acknowledged"]}
    return Outcome(
        engine=engine,
        store=store,
        wanted=wanted,
        acknowledged=len(said),
        lost=len(said - there.keys()),
        doubled=sum(times > 1 for times in there.values()),
        unannounced=len(there.keys() - said),
        errors=Counter(error for each in told for error in each["errors"]),
        seconds=max(each["seconds"] for each in told),
    )


def race(
    engine: str,
    warehouse: str,
    *,
    processes: int,
    commits: int,
    storage_options: Mapping[str, Any] | None = None,
) -> Outcome:
    """One race on a fresh table of that warehouse; the table is created and read by LakeStore, for everybody."""
    lake = ls.connect(warehouse, storage_options=storage_options)
    table = lake.create_table("bench.race", schema=SCHEMA, options={"bucket": -1})
    python = sys.executable if engine == "lakestore" else peer_python()
    if python is None:
        raise SystemExit(f"no peers here: {HOW}")
    where = f"{warehouse}/bench.db/race"
    requests = [
        {
            "engine": engine,
            "table": where,
            "storage_options": dict(storage_options) if storage_options else None,
            "worker": worker,
            "commits": commits,
        }
        for worker in range(processes)
    ]
    told = run_workers(requests, str(python))
    rows = lake.table("bench.race").scan().to_arrow()
    assert table.primary_key == ()
    return judge(engine, warehouse.split(":")[0] if "://" in warehouse else "local", processes * commits, told, rows)


def show(outcomes: Sequence[Outcome]) -> None:
    """Print the outcomes."""
    table = Table(title="commits raced to one table", title_justify="left", box=SIMPLE)
    for name in ("engine", "store"):
        table.add_column(name)
    for name in ("commits", "acknowledged", "lost", "doubled", "errors", "there in spite of an error", "seconds"):
        table.add_column(name, justify="right")
    for each in outcomes:
        numbers = (each.wanted, each.acknowledged, each.lost, each.doubled, sum(each.errors.values()), each.unannounced)
        table.add_row(each.engine, each.store, *map(str, numbers), f"{each.seconds:.1f}")
    console = Console(width=120)
    console.print(table)
    for each in outcomes:
        for error, times in Counter(each.errors).most_common(3):
            console.print(f"{each.engine}: {times} x {error}", markup=False)


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--commits", type=int, default=25, help="by each process")
    parser.add_argument("--peers", action="store_true", help="pypaimon and pypaimon-rust too, on local disk")
    parser.add_argument("--s3", action="store_true", help="over HTTP to an S3 server instead of local disk")
    options = parser.parse_args()
    size = {"processes": options.processes, "commits": options.commits}
    outcomes = []
    if options.s3:
        with s3_server() as (warehouse, storage_options):
            outcomes.append(race("lakestore", warehouse, storage_options=storage_options, **size))
    else:
        for engine in ("lakestore", *(ENGINES if options.peers else ())):
            with tempfile.TemporaryDirectory() as folder:
                outcomes.append(race(engine, folder, **size))
    show(outcomes)
    return 0 if outcomes[0].clean else 1


if __name__ == "__main__":
    sys.exit(main())
