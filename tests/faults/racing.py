"""Committers in processes of their own, for races and kills. Each commit adds one small file.

A worker imports little, says when it is ready, waits for the start, and writes each name to its own log file before
it tries to commit it and again when the commit was acknowledged.
"""

import multiprocessing
import time
from dataclasses import dataclass, field
from pathlib import Path

from lakestore.env import Env
from lakestore.meta.commit import Committer
from lakestore.meta.manifests import Manifests
from lakestore.meta.schemas import Schemas
from lakestore.meta.snapshots import Snapshots
from lakestore.model.message import CommitMessage, CommitRequest
from lakestore.model.options import CommitOptions
from lakestore.model.schema import TableSchema
from lakestore.model.stats import EMPTY_ROW
from lakestore.storage.fsspec_store import open_store
from lakestore.storage.paths import TablePaths
from tests.commits import World, a_file

PRELOAD = ["tests.faults.racing", "s3fs", "botocore.session"]


@dataclass(frozen=True)
class Place:
    """Where the table is, in words that another process understands."""

    url: str
    schema: TableSchema
    storage_options: dict = field(default_factory=dict)

    def world(self):
        """Make the table."""
        store, root = open_store(self.url, storage_options=self.storage_options)
        return World(self.schema, store=store, paths=TablePaths(root))

    def committer(self):
        """A committer as any process would have it, on the real clock."""
        store, root = open_store(self.url, storage_options=self.storage_options)
        paths, env, options = TablePaths(root), Env(), CommitOptions()
        return Committer(
            store=store,
            paths=paths,
            schemas=Schemas(store, paths),
            snapshots=Snapshots(store, paths),
            manifests=Manifests(store, paths, options, partition_types=self.schema.partition_types, env=env),
            env=env,
            options=options,
            schema=self.schema,
            table_name=paths.root,
        )


@dataclass
class Log:
    """What one worker tried and what it was told, on disk at once."""

    path: Path

    def say(self, word, name):
        with self.path.open("a") as file:
            file.write(f"{word} {name}\n")
            file.flush()

    def names(self, word):
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        return [line.split(" ", 1)[1] for line in lines if line.startswith(f"{word} ")]


def commit_many(place, number, commits, log_path, ready, start):
    """A worker: so many commits, as fast as it can."""
    log = Log(log_path)
    committer = place.committer()
    world_store, paths = committer.store, committer.paths
    # Connected, as a writer at work is.
    committer.snapshots.latest()
    ready.release()
    start.wait()
    for round_number in range(commits):
        name = f"w{number}-{round_number}"
        world_store.put(paths.data_file((), 0, f"{name}.parquet"), b"the rows")
        message = CommitMessage(partition=EMPTY_ROW, bucket=0, total_buckets=-1, new_files=(a_file(name),))
        log.say("try", name)
        try:
            result = committer.commit(CommitRequest(user=f"worker-{number}", messages=(message,)))
        except Exception as error:
            log.say("error", f"{name}: {error!r}")
            raise
        log.say("ack", f"{name} {result.attempts}")


def context():
    """Processes that start fast: forked from a server that has imported everything and runs no threads."""
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload(PRELOAD)
    return made


@dataclass
class Race:
    """What came of a race."""

    tried: list
    acked: list
    errors: list
    attempts: list
    seconds: float


def race(place, folder, *, processes, commits, timeout=120):
    """So many processes, so many commits each, from one start."""
    made = context()
    ready, start = made.Semaphore(0), made.Event()
    logs = [Log(Path(folder) / f"log-{number}") for number in range(processes)]
    workers = [
        made.Process(target=commit_many, args=(place, number, commits, log.path, ready, start), daemon=True)
        for number, log in enumerate(logs)
    ]
    for worker in workers:
        worker.start()
    for _ in workers:
        assert ready.acquire(timeout=timeout), "a worker did not start"
    began = time.monotonic()
    start.set()
    for worker in workers:
        worker.join(timeout)
    seconds = time.monotonic() - began
    for worker in workers:
        if worker.is_alive():
            worker.kill()
    acked = [line.split() for log in logs for line in log.names("ack")]
    return Race(
        tried=[name for log in logs for name in log.names("try")],
        acked=[name for name, _ in acked],
        errors=[line for log in logs for line in log.names("error")],
        attempts=[int(attempts) for _, attempts in acked],
        seconds=seconds,
    )
