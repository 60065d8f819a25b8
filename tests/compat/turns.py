"""One table in the hands of LakeStore and a JVM engine in turns, and the dict that says what must be in it."""

import threading
import time
from pathlib import Path

import lakestore as ls
from tests.golden import canon

COLUMNS = {"id": "INT NOT NULL", "n": "BIGINT", "v": "STRING", "at": "TIMESTAMP(6)"}
ROUNDS = 10


def row(key, number, word):
    """A canonical row."""
    moment = None if key % 4 == 3 else f"2026-01-{key % 28 + 1:02} 12:34:56.{key % 10**6:06}"
    return {"id": str(key), "n": str(number * 10**12), "v": f"{word} {key} ключ", "at": moment}


class Turns:
    """The table, its model, what it was at each snapshot that somebody named, and a stream that follows it."""

    def __init__(self, warehouse, judge, **options):
        self.judge = judge
        self.table = ls.connect(warehouse).create_table(
            "judged.turns", schema=COLUMNS, primary_key=["id"], options={"bucket": 2, **options}
        )
        self.folder = Path(self.table.path)
        self.lines = Path(warehouse) / "rows.jsonl"
        self.model = {}
        self.mirror = {}
        self.named = {}

    def ours(self, table=None):
        return canon.rows_of((table or self.table).to_arrow(), canon.newest_shape(self.folder).kinds)

    def take(self, rows):
        self.model.update({each["id"]: each for each in rows})

    def drop(self, keys):
        for key in keys:
            self.model.pop(str(key), None)

    def everybody_reads(self):
        rows = list(self.model.values())
        assert canon.difference(rows, self.ours()) is None
        assert canon.difference(rows, self.judge.read(self.folder)) is None

    # ---- LakeStore's turn

    def we_write(self, number):
        rows = [row(key, number, "ours") for key in range(number * 7, number * 7 + 15)]
        self.table.upsert(canon.table_of(rows, self.table.schema))
        self.take(rows)
        gone = range(number * 7 + 2, number * 7 + 4)
        self.table.delete([{"id": key} for key in gone])
        self.table.wait_for_compaction()
        self.drop(gone)

    def we_name(self, number):
        self.table.tags.create(f"ours-{number}")
        self.named[f"ours-{number}"] = [*self.model.values()]

    def we_follow(self):
        """The changes since the last time make of the old rows the new ones."""
        with self.table.stream("earliest", consumer="follower", until="latest") as stream:
            for change in stream:
                kinds = change.batch.column("_row_kind").to_pylist()
                rows = canon.rows_of(change.batch.drop_columns("_row_kind"), canon.newest_shape(self.folder).kinds)
                for kind, each in zip(kinds, rows, strict=True):
                    if kind in {"+I", "+U"}:
                        self.mirror[each["id"]] = each
                    elif kind == "-D":
                        self.mirror.pop(each["id"], None)
                change.ack()
        assert self.mirror == self.model

    # ---- the engine's turn

    def they_insert(self, number):
        rows = [row(key, number, "theirs") for key in range(number * 7 + 5, number * 7 + 12)]
        self.judge.write(self.folder, rows)
        self.take(rows)

    def they_delete(self, number):
        gone = [key for key in self.model if int(key) % 10 == number][:3]
        if gone:
            self.judge.write(self.folder, [{"kind": "-D", "row": self.model[key]} for key in gone])
            self.drop(gone)

    def they_merge(self, number):
        gone = min(self.model, key=int)
        rows = [row(key, number, "merged") for key in (int(gone) + 1, 1000 + number)]
        canon.write_lines(self.lines, [{"kind": "-D", "row": self.model[gone]}, *rows])
        self.judge.ask("merge", self.folder, rows=str(self.lines))
        self.drop([gone])
        self.take(rows)

    def they_name(self, number):
        newest = self.table.snapshots.latest().id
        self.judge.ask("tag", self.folder, name=f"theirs-{number}", snapshot=newest)
        self.named[f"theirs-{number}"] = [*self.model.values()]

    def whole_past(self):
        """Both read every tag, whoever made it, as it was."""
        for name, rows in self.named.items():
            assert canon.difference(rows, self.ours(self.table.at(tag=name))) is None, name
            assert canon.difference(rows, self.judge.read(self.folder, tag=name)) is None, name


def play(turns, *, merges):
    """Ten rounds."""
    for number in range(ROUNDS):
        turns.we_write(number)
        turns.everybody_reads()
        turns.they_insert(number)
        if merges:
            turns.they_merge(number)
        turns.they_delete(number)
        turns.everybody_reads()
        turns.we_follow()
        if number % 3 == 0:
            turns.they_name(number)
            turns.judge.compact(turns.folder)
        elif number % 3 == 1:
            turns.we_name(number)
            turns.table.compact(full=True)
        turns.everybody_reads()
    turns.whole_past()
    report = turns.table.check(deep=True)
    assert report.ok, report


PAUSE = 0.02
"""Seconds between our commits: without any, an engine that takes many times as long for an attempt loses them all."""


def at_the_same_time(judge, warehouse, *, commits, key):
    """LakeStore and an engine commit to one table at the same moment; returns the table and what each was promised.

    A JVM that pauses inside one of its few renames could undo one of our commits; ``tools/judge/race.py`` counts that.
    """
    table = ls.connect(warehouse).create_table(
        "judged.mixed",
        schema=COLUMNS,
        primary_key=["id"] if key else (),
        options={"bucket": 1 if key else -1, "write-only": "true", "commit.max-retries": "100"},
    )
    theirs, done = [], threading.Event()

    def engine():
        try:
            for number in range(commits):
                rows = [row(10**6 + number * 10 + each, number, "theirs") for each in range(3)]
                judge.write(Path(table.path), rows)
                theirs.extend(rows)
        finally:
            done.set()

    judge.read(Path(table.path))  # It is up before the race begins.
    thread = threading.Thread(target=engine)
    thread.start()
    ours, own = [], ls.open_table(table.path)
    while not done.is_set() or len(ours) < commits:
        rows = [row(len(ours), len(ours), "ours")]
        own.insert(canon.table_of(rows, own.schema))
        ours.extend(rows)
        time.sleep(PAUSE)
    thread.join()
    return table, ours, theirs
