"""Writers of one job that live at once: whatever the timing, each row of the source arrives once or somebody is told.

The source is the numbers 1 to LAST. A job commits runs of them; the number of a commit is the last row that it holds,
as an offset in a log would be, so that two writers may cut the source into other runs. A writer is stopped before one
of its store calls, for every call there is; meanwhile another one takes the job over, commits, crashes or closes; then
the first goes on, none the wiser; and a third one finishes.
"""

import uuid

import pytest

import lakestore as ls
from lakestore.api.catalog import Lake
from lakestore.env import Env
from lakestore.storage.fsspec_store import open_store
from lakestore.testing.watched import WatchedStore

LAST = 6
FENCED = {"writer-fenced"}


class StoppingStore(WatchedStore):
    """Calls ``meanwhile`` once, before its n-th call counted from ``arm``."""

    def __init__(self, inner):
        super().__init__(inner)
        self.left, self.meanwhile, self.stopped = 0, None, False

    def arm(self, calls, meanwhile):
        self.left, self.meanwhile, self.stopped = calls, meanwhile, False

    def _call(self, operation, path, action):
        if self.meanwhile is not None:
            self.left -= 1
            if self.left < 0:
                meanwhile, self.meanwhile, self.stopped = self.meanwhile, None, True
                meanwhile()
        return action()


@pytest.fixture
def opened():
    """A table through a store that can be stopped, and the same table through another."""
    folder = f"memory://fencing-{uuid.uuid4()}"

    def make(name, **options):
        lake = ls.connect(folder)
        lake.create_table(f"db.{name}", schema={"id": "INT NOT NULL"}, options=options)
        inner, root = open_store(folder)
        store = StoppingStore(inner)
        return store, Lake(store, root, Env()).table(f"db.{name}"), lake.table(f"db.{name}")

    return make


def write(writer, first, last):
    writer.write([{"id": number} for number in range(first, last + 1)])
    return writer.commit(last)


def finish(table, step=1):
    """Take the job over and commit what is left, in runs of ``step``; crash without ``close``."""
    writer = table.writer(job="j")
    done = writer.recover() or 0
    while done < LAST:
        upto = min(done + step, LAST)
        write(writer, done + 1, upto)
        done = upto


def expire(table):
    table.snapshots.expire(retain_max=1, retain_min=1, older_than=0)


def overtake_and_close(table):
    with table.writer(job="j") as writer:
        done = writer.recover() or 0
        if done < LAST:
            write(writer, done + 1, done + 1)
    table.insert([{"id": 0}])
    expire(table)


MEANWHILE = {
    "takes over and commits one": lambda table: finish_one(table, 1),
    "takes over and commits a longer run": lambda table: finish_one(table, 3),
    "takes over and commits everything": finish,
    "takes over, commits, closes, and all expires": overtake_and_close,
    "only takes over": lambda table: table.writer(job="j").recover(),
    "is another job": lambda table: table.insert([{"id": 0}]),
}


def finish_one(table, step):
    writer = table.writer(job="j")
    done = writer.recover() or 0
    write(writer, done + 1, min(done + step, LAST))
    table.insert([{"id": 0}])


@pytest.mark.parametrize("meanwhile", list(MEANWHILE))
@pytest.mark.parametrize("begin", ["recover", "commit"])
@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.slow)])
def test_a_writer_that_was_stopped_anywhere(opened, meanwhile, begin, step):
    for calls in range(0, 200, step):
        store, slow, other = opened(f"t{calls}")
        with other.writer(job="j") as before:
            write(before, 1, 1)
        writer = slow.writer(job="j")
        if begin == "commit":
            assert writer.recover() == 1
        store.arm(calls, lambda other=other: MEANWHILE[meanwhile](other))
        told = []
        try:
            done = 1 if begin == "commit" else writer.recover()
            for number in range(done + 1, done + 3):
                if number <= LAST:
                    write(writer, number, number)
        except (ls.ConflictError, ls.CommitUnknownError) as error:
            # Expiry may take away what would tell whether the stopped writer's snapshot is in the line: it says so.
            expired = meanwhile == "takes over, commits, closes, and all expires"
            assert error.kind in ({*FENCED, "snapshot-not-found", "commit-unknown"} if expired else FENCED)
            told.append(error)
        finish(other, 2)
        rows = [row["id"] for row in other.to_arrow().to_pylist() if row["id"]]
        assert sorted(rows) == list(range(1, LAST + 1)), (calls, told)
        assert other.writer(job="j").recover() == LAST
        if not store.stopped:
            assert calls > 20
            return
    pytest.fail("it never ends")


def test_two_who_commit_the_same_number_at_once(opened):
    """The second to come is told that the number is in, and its files go."""
    for calls in range(0, 200, 4):
        store, slow, other = opened(f"t{calls}")
        writer = slow.writer(job="j")
        writer.recover()

        def meanwhile(other=other):
            again = other.writer(job="j")
            if again.recover() is None:
                write(again, 1, 1)

        store.arm(calls, meanwhile)
        try:
            write(writer, 1, 1)
        except ls.ConflictError as error:
            assert error.kind == "writer-fenced"
        finish(other)
        assert sorted(row["id"] for row in other.to_arrow().to_pylist()) == list(range(1, LAST + 1))
        if not store.stopped:
            return
