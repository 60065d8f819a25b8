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

linear = ["write", "write", "overwrite", "tag", "untag", "expire", "expire1", "consumer", "analyze"]
branched = [*linear, "branch", "on branch", "unbranch", "expire branch", "rollback", "rollback as new", "orphans"]


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
            case "expire branch" if table.branches.names():
                table.at(branch=rng.choice(table.branches.names())).snapshots.expire(retain_max=1)
            case "rollback" if ids:
                table.rollback(snapshot=rng.choice(ids))
            case "rollback as new" if ids:
                table.rollback_as_new(snapshot=rng.choice(ids))
            case "orphans":
                table.remove_orphans(older_than=2**53)


def play(kind, seed, steps):
    """Play a history; after each step all that was there before and can still be found reads as before."""
    folder = memory_folder()
    try:
        history = History(folder, kind, seed)
        known = {}
        for step in steps:
            history.do(step)
            now = reads_of(history.folder)
            forgets = step in {"rollback", "unbranch", "untag"}
            for place, rows in known.items():
                assert place not in now or now[place] == rows, (step, place)
            known = now if forgets else {**{k: v for k, v in known.items() if k in now}, **now}
        yield history
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("kind", TABLES)
@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**20), steps=st.lists(st.sampled_from(linear), min_size=6, max_size=14))
def test_a_line_of_history_leaves_nothing_and_lacks_nothing(kind, seed, steps):
    for history in play(kind, seed, ["write", *steps, "write"]):
        too_many, missing = garbage(history.folder)
        assert not missing
        if kind == "kept changes":  # As with Paimon, a file waits until the changelog that deleted it expires.
            too_many -= Named(history.folder).entries
        assert not too_many


@pytest.mark.parametrize("kind", TABLES)
@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**20), steps=st.lists(st.sampled_from(branched), min_size=8, max_size=18))
def test_branches_and_rollbacks_lack_nothing_and_orphans_take_the_rest(kind, seed, steps):
    for history in play(kind, seed, ["write", "write", *steps]):
        assert not garbage(history.folder)[1]
        before = reads_of(history.folder)
        listed = history.table.remove_orphans(older_than=2**53, dry_run=True)
        removed = history.table.remove_orphans(older_than=2**53)
        assert listed.deletions == removed.deletions
        assert garbage(history.folder) == (set(), set())
        assert reads_of(history.folder) == before
        assert not history.table.remove_orphans(older_than=2**53).deletions
