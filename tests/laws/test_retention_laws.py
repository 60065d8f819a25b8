"""After every random history: what can be found reads as it did, and nothing is on disk that nobody names."""

import random
import shutil

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

import lakestore as ls
from tests.machines.reach import Named, garbage, memory_folder, reads_of

SCHEMA = {"id": "INT", "day": "STRING", "text": "STRING"}
TABLES = {
    "keyed": {"primary_key": ["id"], "options": {"bucket": "1"}},
    "levels": {"primary_key": ["id"], "options": {"bucket": "1", "num-sorted-run.compaction-trigger": "2"}},
    "changelog": {"primary_key": ["id"], "options": {"bucket": "2", "changelog-producer": "input"}},
    "partitions": {"primary_key": ["id", "day"], "partition_by": ["day"], "options": {"bucket": "1"}},
    "append": {"options": {"bucket": "-1"}},
    "kept changes": {"primary_key": ["id"], "options": {"bucket": "1", "changelog.num-retained.max": "7"}},
    "kept changelog": {
        "primary_key": ["id"],
        "options": {"bucket": "1", "changelog.num-retained.max": "7", "changelog-producer": "input"},
    },
    "manifests": {"primary_key": ["id"], "options": {"bucket": "1", "manifest.merge-min-count": "2"}},
}
KEEP = {"snapshot.num-retained.min": "2", "snapshot.num-retained.max": "4", "write-only": "false"}

linear = ["write", "write", "overwrite", "compact", "tag", "untag", "move tag", "rename tag", "expire", "expire1"]
linear += ["consumer", "analyze", "manifests", "drop partition", "expire changelogs", "expire tags"]
branched = [*linear, "branch", "on branch", "on branch", "unbranch", "expire branch", "rename branch", "fast-forward"]
branched += ["rollback", "rollback as new", "orphans"]
NEW_NUMBERS = {"rollback", "unbranch", "untag", "move tag", "fast-forward", "rename branch", "rename tag"}
"""Steps after which a name or number may come to mean something else."""


class History:
    """Does random things to a table and remembers what every snapshot and tag read as."""

    def __init__(self, folder, kind, seed):
        spec = TABLES[kind]
        self.rng = random.Random(seed)
        self.lake = ls.connect(folder)
        options = {**KEEP, **spec["options"]}
        self.table = self.lake.create_table("db.t", schema=SCHEMA, **{**spec, "options": options})
        self.folder = self.table.path
        self.made = 0
        self.moved = set()

    def rows(self):
        self.made += 1
        count = self.rng.randint(1, 4)
        return [
            {"id": self.rng.randint(0, 5), "day": self.rng.choice("ab"), "text": f"{self.made}.{i}"}
            for i in range(count)
        ]

    def tags(self):
        return self.table.tags.list().column("tag_name").to_pylist()

    def do(self, what):
        table, rng = self.table, self.rng
        ids = table.snapshots.list().column("snapshot_id").to_pylist()
        match what:
            case "write":
                table.insert(self.rows())
            case "overwrite":
                table.overwrite(self.rows())
            case "tag" if ids:
                self.made += 1
                table.tags.create(f"t{self.made}", snapshot=rng.choice(ids))
            case "untag" if self.tags():
                protected = {f"branch-{name}" for name in table.branches.names()}
                names = sorted(set(self.tags()) - protected)
                if names:
                    table.tags.delete(rng.choice(names))
            case "move tag" if ids and self.tags():
                name = rng.choice(sorted(self.tags()))
                if not name.startswith("branch-"):
                    table.tags.replace(name, snapshot=rng.choice(ids))
                    self.moved = {(None, "tag", name)}
            case "rename tag" if self.tags():
                name = rng.choice(sorted(self.tags()))
                if not name.startswith("branch-"):
                    self.made += 1
                    table.tags.rename(name, f"t{self.made}")
            case "expire tags" if self.tags() and not table.branches.names():
                table.tags.expire(older_than=2**53)
            case "compact" if ids and table.primary_key:
                table.compact(full=rng.choice([True, False]))
            case "manifests" if ids:
                table.compact_manifests()
            case "drop partition" if ids and table.partition_by:
                table.drop_partitions(f"day = '{rng.choice('ab')}'")
            case "expire changelogs" if ids:
                table.snapshots.expire_changelogs(everything=rng.choice([True, False]))
            case "expire":
                table.snapshots.expire(limit=rng.randint(1, 3), older_than=2**53)
            case "expire1":
                table.snapshots.expire(retain_max=1)
            case "consumer" if ids:
                table.consumers.reset("c", rng.choice(ids))
            case "analyze" if ids:
                table.analyze(["id"])
            case "branch" if ids:
                self.made += 1
                table.branches.create(f"b{self.made}", snapshot=rng.choice(ids))
            case "on branch" if table.branches.names():
                table.at(branch=rng.choice(table.branches.names())).insert(self.rows())
            case "unbranch" if table.branches.names():
                table.branches.delete(rng.choice(table.branches.names()))
            case "rename branch" if table.branches.names():
                self.made += 1
                table.branches.rename(rng.choice(table.branches.names()), f"b{self.made}")
            case "fast-forward" if table.branches.names():
                self.fast_forward(rng.choice(table.branches.names()))
            case "expire branch" if table.branches.names():
                table.at(branch=rng.choice(table.branches.names())).snapshots.expire(retain_max=1)
            case "rollback" if ids:
                table.rollback(snapshot=rng.choice(ids))
            case "rollback as new" if ids:
                table.rollback_as_new(snapshot=rng.choice(ids))
            case "orphans":
                table.remove_orphans(older_than=2**53)

    def fast_forward(self, name):
        """Let the table become a branch; then both read the same."""
        if not self.table.at(branch=name).snapshots.list().num_rows:
            return
        before = reads_of(self.folder)
        report = self.table.branches.fast_forward(name, discard=True)
        self.table, now = self.table.refresh(), reads_of(self.folder)
        for number in report.added:
            assert now[None, "snapshot", number] == now[name, "snapshot", number]
        # The first of the branch's tags on a name wins; what is older than the parting of both is as it was.
        self.moved = {
            place
            for place in now
            if place[0] is None and (place[1] == "tag" or place[2] > report.shared or place not in before)
        }


def play(kind, seed, steps):
    """Play a history; after each step all that was there before and can still be found reads as before."""
    folder = memory_folder()
    try:
        history = History(folder, kind, seed)
        known = {}
        for step in steps:
            history.moved = set()
            history.do(step)
            now = reads_of(history.folder)
            forgets = step in NEW_NUMBERS
            for place, rows in known.items():
                assert place not in now or place in history.moved or now[place] == rows, (step, place)
            known = now if forgets else {**{k: v for k, v in known.items() if k in now}, **now}
        yield history
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def check_line(kind, seed, steps):
    """A line without branches and rollbacks needs no orphan job."""
    for history in play(kind, seed, ["write", *steps, "write"]):
        too_many, missing = garbage(history.folder)
        assert not missing
        if kind == "kept changes":  # As with Paimon, a file waits until the changelog that deleted it expires.
            too_many -= Named(history.folder).entries
        assert not too_many


def check_tree(kind, seed, steps):
    """With branches and rollbacks, the orphan job removes what is left over, and nothing else."""
    for history in play(kind, seed, ["write", "write", *steps]):
        assert not garbage(history.folder)[1]
        before = reads_of(history.folder)
        listed = history.table.remove_orphans(older_than=2**53, dry_run=True)
        removed = history.table.remove_orphans(older_than=2**53)
        assert listed.deletions == removed.deletions
        assert garbage(history.folder) == (set(), set())
        assert reads_of(history.folder) == before
        assert not history.table.remove_orphans(older_than=2**53).deletions


def some(steps, seed, count):
    return random.Random(seed).choices(steps, k=count)


@pytest.mark.parametrize("kind", TABLES)
def test_a_line_of_history_leaves_nothing_and_lacks_nothing(kind):
    seed = sum(map(ord, kind))
    check_line(kind, seed, some(linear, seed, 14))


@pytest.mark.parametrize("kind", TABLES)
def test_branches_and_rollbacks_lack_nothing_and_orphans_take_the_rest(kind):
    seed = sum(map(ord, kind))
    check_tree(kind, seed, ["branch", "on branch", *some(branched, seed, 14)])


SWEEP = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.slow
@pytest.mark.parametrize("kind", TABLES)
@SWEEP
@given(seed=st.integers(0, 2**20), steps=st.lists(st.sampled_from(linear), min_size=6, max_size=20))
def test_every_line_of_history(kind, seed, steps):
    check_line(kind, seed, steps)


@pytest.mark.slow
@pytest.mark.parametrize("kind", TABLES)
@SWEEP
@given(seed=st.integers(0, 2**20), steps=st.lists(st.sampled_from(branched), min_size=8, max_size=24))
def test_every_tree_of_branches_and_rollbacks(kind, seed, steps):
    check_tree(kind, seed, steps)
