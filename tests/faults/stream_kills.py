"""Writers and readers of one table that are killed at random points, and what must hold all the same.

The source is the numbers 1, 2, 3, …; row i is ``{"id": i, "v": i}``. A writer of the job commits runs of three, each
under the number of its last row; in half of its lives it prepares them as JSON in a file first. Two readers follow:
one keeps its position as a consumer and acknowledges each change once it is written down; the other writes the
position into the very line that holds the rows. Snapshots expire all the while. Rules:

* the table holds each row up to the last committed number exactly once;
* the reader with a position in its lines has each row once, in all its lives together;
* the other one repeats nothing from before its last acknowledgement, and misses nothing.
"""

import json
import multiprocessing
import os
import random
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import lakestore as ls

RUN = 3
JITTER = 0.04
PATIENCE = 1.0
POLL = 0.002
FENCED = 3
OPTIONS = {
    "append": {},
    "keyed": {"bucket": "2"},
    "lookup": {"bucket": "1", "changelog-producer": "lookup"},
}
EXPIRY = {"snapshot.num-retained.min": "2", "snapshot.num-retained.max": "4", "snapshot.time-retained": "1 ms"}


@dataclass(frozen=True)
class Scene:
    """Where it happens."""

    folder: Path

    @property
    def log_of_acks(self):
        return self.folder / "acks"

    @property
    def log_of_lines(self):
        return self.folder / "lines"

    @property
    def prepared(self):
        return self.folder / "prepared.json"

    def say_ready(self):
        (self.folder / f"ready-{os.getpid()}").touch()

    def wait_for(self, process):
        ready = self.folder / f"ready-{process.pid}"
        while process.is_alive() and not ready.exists():
            time.sleep(0.001)
        ready.unlink(missing_ok=True)

    def wait_for_commits(self, count):
        latest = self.folder / "db.db" / "t" / "snapshot" / "LATEST"
        deadline = time.monotonic() + PATIENCE
        seen = set()
        while len(seen) <= count and time.monotonic() < deadline:
            seen.add(latest.read_bytes() if latest.exists() else b"")
            time.sleep(0.001)

    def create(self, kind):
        keyed = kind != "append"
        ls.connect(self.folder).create_table(
            "db.t",
            schema={"id": "INT NOT NULL", "v": "INT"},
            primary_key=["id"] if keyed else [],
            options={**OPTIONS[kind], **EXPIRY},
        )

    def table(self):
        return ls.connect(self.folder).table("db.t")


def rows(first, last):
    return [{"id": number, "v": number} for number in range(first, last + 1)]


def write(folder, two_steps, upto=None):
    """A writer's life: goes on where the job stands, until ``upto`` or until it is killed."""
    scene = Scene(folder)
    try:
        with scene.table().writer(job="ingest") as writer:
            scene.say_ready()
            done = writer.recover() or 0
            if scene.prepared.exists():
                number, message = json.loads(scene.prepared.read_text())
                result = writer.commit(number, [message])
                # One that started over this writer since may have been there first: the rows are checked in the end.
                assert result.already_committed or number > done, (number, done)
                done = max(done, number)
            while upto is None or done < upto:
                number = done + RUN
                writer.write(rows(done + 1, number))
                if two_steps:
                    whole = scene.folder / f"prepared-{os.getpid()}"
                    whole.write_text(json.dumps([number, writer.prepare()]))
                    whole.replace(scene.prepared)
                    writer.commit(number, [json.loads(scene.prepared.read_text())[1]])
                else:
                    writer.commit(number)
                done = number
    except ls.ConflictError as error:
        if error.kind != "writer-fenced":
            raise
        os._exit(FENCED)


def told(change):
    batch = change.batch
    kinds, ids = batch.column("_row_kind").to_pylist(), batch.column("id").to_pylist()
    assert set(kinds) <= {"+I"}, kinds
    return ids


def read_with_acks(folder, until=None):
    """A reader's life: writes each change down, then acknowledges it, then writes that down."""
    scene = Scene(folder)
    stream = scene.table().stream("earliest", consumer="acks", poll=POLL, until=until)
    with stream, scene.log_of_acks.open("a") as log:
        scene.say_ready()
        print("begin", file=log, flush=True)
        for change in stream:
            print(json.dumps(told(change)), file=log, flush=True)
            change.ack()
            print("ack", file=log, flush=True)


def read_with_positions(folder, until=None):
    """A reader's life: each line holds rows and the position behind them, whole or not at all."""
    scene = Scene(folder)
    lines = whole_lines(scene.log_of_lines)
    scene.log_of_lines.write_text("".join(line + "\n" for line in lines))
    start = json.loads(lines[-1])["position"] if lines else "earliest"
    with scene.table().stream(start, poll=POLL, until=until) as stream, scene.log_of_lines.open("a") as log:
        scene.say_ready()
        for change in stream:
            print(json.dumps({"ids": told(change), "position": change.position}), file=log, flush=True)


READERS = [read_with_acks, read_with_positions]


def whole_lines(path):
    """The lines of a log that a kill did not cut."""
    text = path.read_text() if path.exists() else ""
    return text[: text.rfind("\n") + 1].splitlines()


def processes():
    """Starts processes that have everything loaded, also what pyarrow loads when it first makes an array."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.faults.stream_kills", "lakestore.cli.main", "pandas"])
    return context


def rounds(scene, count, seed):
    """Kill a writer and a reader, each at its own random moment after some commits; sometimes a second writer starts over a live one."""
    rng, context = random.Random(seed), processes()
    # Readers that live on the snapshots alone need one that keeps them; here that is the other reader's consumer.
    scene.table().consumers.reset("acks", 1)
    scene.table().consumers.reset("lines", 1)
    for number in range(count):
        live = [context.Process(target=write, args=(scene.folder, rng.random() < 0.5))]
        live.append(context.Process(target=READERS[number % 2], args=(scene.folder,)))
        if rng.random() < 0.2:
            live.append(context.Process(target=write, args=(scene.folder, False)))
        for process in live:
            process.start()
        if rng.random() < 0.9:
            for process in live:
                scene.wait_for(process)
        scene.wait_for_commits(rng.randint(0, 5))
        rng.shuffle(live)
        for process in live:
            time.sleep(rng.uniform(0.0, JITTER))
            process.kill()
        for process in live:
            process.join()
            assert process.exitcode in {-signal.SIGKILL, FENCED}, process.exitcode
        lines = whole_lines(scene.log_of_lines)
        if lines:
            scene.table().consumers.reset("lines", json.loads(lines[-1])["position"]["next_snapshot"])


def finish(scene):
    """Let everybody live to the end; the number of rows."""
    table = scene.table()
    with table.writer(job="ingest") as writer:
        done = writer.recover() or 0
    write(scene.folder, False, upto=done + RUN)
    for reader in READERS:
        reader(scene.folder, until="latest")
    with table.writer(job="ingest") as writer:
        return writer.recover()


def check(scene, last):
    """The rules."""
    table, expected = scene.table(), list(range(1, last + 1))
    assert sorted(table.to_arrow().column("id").to_pylist()) == expected
    lines = [number for line in whole_lines(scene.log_of_lines) for number in json.loads(line)["ids"]]
    assert sorted(lines) == expected, "the reader with positions"
    assert acknowledged(whole_lines_with_cuts(scene.log_of_acks)) == expected
    assert not table.check(deep=True).findings


def whole_lines_with_cuts(path):
    """Lines of a log whose writers were killed; a line that was cut runs into the next life's ``begin``."""
    for line in path.read_text().splitlines():
        yield line.removesuffix("begin") if line != "begin" and line.endswith("begin") else line
        if line != "begin" and line.endswith("begin"):
            yield "begin"


def acknowledged(lines):
    """What the acknowledging reader has in the end: a life repeats the last change if that was not acknowledged.

    Whether it was the log cannot say of a life that was killed between the acknowledgement and its line.
    """
    sure, open_rows, unsure = set(), set(), set()
    for line in lines:
        if line == "begin":
            unsure |= open_rows
            open_rows = set()
        elif line == "ack":
            sure |= open_rows
            open_rows = set()
        elif line.endswith("]"):
            new = set(json.loads(line))
            assert not new & sure, f"repeated from before the last acknowledgement: {new & sure}"
            open_rows |= new
    return sorted(sure | open_rows | unsure)
