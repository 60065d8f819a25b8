"""Two jobs at once: before every storage call of the one, the other runs from begin to end.

Whatever the two are, afterwards everything that can be found has all its files. This is no search through all
schedules, but each job is two-step (make and look, remove and look), and a whole rival between any two calls of the
other is where such a rule breaks.
"""

import shutil
from pathlib import Path

import pytest

import lakestore as ls
from lakestore.api.catalog import Lake
from lakestore.env import Env
from lakestore.errors import LakestoreError
from lakestore.maintain.protectors import Protectors
from lakestore.storage.fsspec_store import open_store
from lakestore.testing.recording import RecordingStore
from tests.machines.reach import garbage, memory_folder

ANY_AGE = 2**53
SCHEMA = {"id": "INT", "text": "STRING"}
CALLS_MAX = 400


class Interrupted(RecordingStore):
    """A store that lets somebody else work before one of its calls."""

    def __init__(self, inner, number, rival):
        super().__init__(inner)
        self.left = number
        self.rival = rival

    def _call(self, operation, path, action):
        self.left -= 1
        if self.left == 0:
            self.rival()
        return super()._call(operation, path, action)


@pytest.fixture(scope="module")
def memory():
    folder = Path(memory_folder())
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def ready(memory):
    """Six commits with compactions between, so that each snapshot has files that no other has; tags; branches."""
    folder = memory / "ready"
    options = {"bucket": "1", "write-only": "true", "snapshot.num-retained.min": "1"}
    table = ls.connect(folder).create_table("db.t", schema=SCHEMA, primary_key=["id"], options=options)
    for number in range(5):
        table.upsert([{"id": number % 3, "text": str(number)}])
        table.compact(full=True)
        if number == 0:
            table.tags.create("old")
        if number == 2:
            table.tags.create("middle")
            table.branches.create("dev", tag="middle")
            dev = table.at(branch="dev")
            for again in range(2):
                dev.upsert([{"id": 9, "text": f"dev {again}"}])
                dev.compact(full=True)
    table.snapshots.expire(retain_max=7, retain_min=7, older_than=ANY_AGE)
    return folder


def a_live_snapshot(table):
    return table.snapshots.list()["snapshot_id"].to_pylist()[0]


JOBS = {
    "expire": lambda table: table.snapshots.expire(retain_max=1),
    "expire some": lambda table: table.snapshots.expire(retain_max=3, retain_min=3, older_than=ANY_AGE),
    "expire the branch": lambda table: table.at(branch="dev").snapshots.expire(retain_max=1),
    "delete a tag": lambda table: table.tags.delete("old"),
    "delete another tag": lambda table: table.tags.delete("middle"),
    "orphans": lambda table: table.remove_orphans(older_than=ANY_AGE),
    "tag": lambda table: table.tags.create("new", snapshot=a_live_snapshot(table)),
    "move a tag": lambda table: table.tags.replace("old", snapshot=a_live_snapshot(table)),
    "rename a tag": lambda table: table.tags.rename("old", "older"),
    "branch": lambda table: table.branches.create("next", snapshot=a_live_snapshot(table)),
    "branch from a tag": lambda table: table.branches.create("next", tag="old"),
    "delete a branch": lambda table: table.branches.delete("dev"),
    "rename a branch": lambda table: table.branches.rename("dev", "later"),
    "roll back": lambda table: table.rollback(snapshot=a_live_snapshot(table)),
    "roll back to a tag": lambda table: table.rollback(tag="old"),
    "fast-forward": lambda table: table.branches.fast_forward("dev", discard=True),
}
REMOVE = ["expire", "expire some", "expire the branch", "delete a tag", "delete another tag"]
MAKE = [
    "tag",
    "move a tag",
    "rename a tag",
    "branch",
    "branch from a tag",
    "roll back",
    "roll back to a tag",
    "fast-forward",
]
PAIRS = [(one, other) for one in REMOVE for other in MAKE] + [(one, other) for one in MAKE for other in REMOVE]
EVERY = [(one, other) for one in JOBS for other in JOBS if (one, other) not in PAIRS]
IN_STEPS_OF = 23
"""Of the calls of a job, the quick test takes every so manieth; which, differs from pair to pair."""


def play(memory, ready, one, other, *, first, step):
    """Run one job with the other before its calls ``first``, ``first + step``, …; the calls at which it ran."""
    folder = memory / "copy"
    for ran, number in enumerate(range(first, CALLS_MAX, step)):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(ready, folder)
        root = folder / "db.db/t"
        store, base = open_store(folder)
        interrupted = Interrupted(store, 0, lambda: quietly(other, ls.connect(folder).table("db.t")))
        table = Lake(interrupted, base, Env()).table("db.t")
        interrupted.left = number
        quietly(one, table)
        missing = garbage(root)[1]
        assert not missing, f"{other} before call {number} of {one}: {sorted(missing)}"
        if interrupted.left > 0:
            return ran
    raise AssertionError("never ended")


def quietly(job, table):
    """Run a job; that it refuses, or loses against the other, is fine."""
    try:
        JOBS[job](table)
    except LakestoreError:
        return


@pytest.mark.parametrize(("one", "other"), PAIRS, ids=[f"{one} - {other}" for one, other in PAIRS])
def test_a_rival_in_between_costs_no_live_file(memory, ready, one, other):
    offset = sum(map(ord, one + other)) % IN_STEPS_OF
    play(memory, ready, one, other, first=1 + offset, step=IN_STEPS_OF)


@pytest.mark.slow
@pytest.mark.parametrize(("one", "other"), PAIRS + EVERY, ids=[f"{one} - {other}" for one, other in PAIRS + EVERY])
def test_a_rival_at_any_call_costs_no_live_file(memory, ready, one, other):
    assert play(memory, ready, one, other, first=1, step=1)


LOST = (AssertionError, FileNotFoundError)
"""How a file shows that is missing: data by the assertion, metadata by reading it."""

PLANTED = [("tags", "is_held", "tag", "expire"), ("tags", "is_held", "move a tag", "expire")]
"""Module and name of a look that is left out, and the jobs between which that shows."""


@pytest.mark.parametrize(("module", "look", "one", "other"), PLANTED)
def test_without_the_second_look_a_file_is_lost(memory, ready, monkeypatch, module, look, one, other):
    monkeypatch.setattr(f"lakestore.maintain.{module}.{look}", lambda *_, **__: True)
    with pytest.raises(LOST):
        play(memory, ready, one, other, first=1, step=1)


def test_without_looking_again_an_expiry_takes_the_files_of_a_new_tag(memory, ready, monkeypatch):
    monkeypatch.setattr(Protectors, "changed", lambda *_: False)
    with pytest.raises(LOST):
        play(memory, ready, "expire", "tag", first=1, step=1)
