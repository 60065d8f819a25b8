"""Commits that meet rivals: retries and their limits, exactly-once, and what a commit costs."""

from dataclasses import replace

import pytest

from lakestore.errors import ConflictError, ErrorKind
from lakestore.events import CommitFinished, CommitRetried
from lakestore.meta.snapshots import Snapshots
from lakestore.model.message import CommitRequest, Overwrite
from lakestore.model.schema import TableSchema
from lakestore.testing.recording import RecordingStore
from tests.commits import World, a_file, an_env, append_schema, keyed_schema


def race(world, rounds, **options):
    """One committer loses as many races in a row: a rival commits before each of its puts."""
    rival = world.committer("rival")
    events = []

    class Racing(RecordingStore):
        left = rounds

        def put_if_absent(self, path, data):
            if "/snapshot/" in path and self.left:
                self.left -= 1
                rival.commit(world.append(f"rival{self.left}", user="rival", keys=(0, 1)))
            super().put_if_absent(path, data)

    store = Racing(world.store)
    committer = world.committer("mine", store=store, env=an_env("mine", events), **options)
    return committer, store, events


def test_a_lost_race_is_run_again():
    world = World()
    committer, _, events = race(world, 3)
    result = committer.commit(world.append("mine"))
    assert result.snapshot_ids == (4,)
    assert result.attempts == 4
    assert world.audit() == ["mine", "rival0", "rival1", "rival2"]
    retried = [event for event in events if isinstance(event, CommitRetried)]
    assert [event.attempt for event in retried] == [1, 2, 3]
    assert all(event.wait_seconds >= 0.01 for event in retried)
    (finished,) = [event for event in events if isinstance(event, CommitFinished)]
    assert (finished.snapshot_id, finished.attempts, finished.files_added, finished.rows_added) == (4, 4, 1, 1)
    assert world.orphans() == []


def test_an_append_outlasts_many_races_but_keeps_an_explicit_limit():
    world = World()
    committer, _, _ = race(world, 60)
    assert committer.commit(world.append("mine")).attempts == 61
    world = World()
    committer, _, _ = race(world, 60, max_retries=2)
    with pytest.raises(ConflictError, match="lost 3 races") as caught:
        committer.commit(world.append("mine"))
    assert caught.value.kind is ErrorKind.RETRIES_EXHAUSTED
    assert len(world.audit()) == 3
    assert world.orphans() == []


def test_no_retries_at_all():
    world = World()
    committer, _, _ = race(world, 1, max_retries=0)
    with pytest.raises(ConflictError, match="lost 1 races"):
        committer.commit(world.append("mine"))
    committer, _, _ = race(world, 0, max_retries=0)
    assert committer.commit(world.append("mine2")).snapshot_ids == (2,)


def test_the_timeout_bounds_the_races():
    world = World()
    committer, _, _ = race(world, 1000, timeout_ms=500, max_wait_ms=100)
    with pytest.raises(ConflictError, match=r"lost \d+ races in 0\.\d s") as caught:
        committer.commit(world.append("mine"))
    assert caught.value.kind is ErrorKind.RETRIES_EXHAUSTED
    assert 5 < len(world.audit()) < 100


def test_an_overwrite_takes_in_what_a_rival_appended_meanwhile():
    world = World()
    world.committer().commit(world.append("old"))
    committer, _, _ = race(world, 2)
    result = committer.commit(replace(world.append("mine"), overwrite=Overwrite()))
    assert result.attempts == 3
    assert world.audit() == ["mine"]
    assert world.orphans() == []


def test_a_delta_is_written_once_over_all_attempts():
    world = World()
    committer, store, _ = race(world, 5)
    committer.commit(world.append("mine"))
    puts = [path.rsplit("/", 1)[1] for path in store.paths("put") if "/manifest/" in path]
    assert len([name for name in puts if not name.startswith("manifest-list")]) == 1
    assert len([name for name in puts if name.startswith("manifest-list")]) == 1 + 6


def test_a_compaction_that_loses_a_race_checks_again():
    world = World(keyed_schema())
    world.committer().commit(world.append("a", keys=(0, 4)))
    rival = world.committer("other")

    def compaction(name):
        made = (a_file(name, keys=(0, 4), level=5),)
        return CommitRequest(
            user=name, messages=(world.message(compact_before=(a_file("a", keys=(0, 4)),), compact_after=made),)
        )

    class Between(RecordingStore):
        def put_if_absent(self, path, data):
            if world.latest().id == 1:
                rival.commit(compaction("theirs"))
            super().put_if_absent(path, data)

    committer = world.committer("mine", store=Between(world.store))
    with pytest.raises(ConflictError, match=r"a\.parquet.*Attempts: 2"):
        committer.commit(compaction("mine"))
    assert world.audit() == ["theirs"]
    assert world.orphans() == []


# Exactly once.


def test_filter_committed():
    world = World()
    committer = world.committer()
    assert committer.filter_committed("job", [3, 1, 2]) == (1, 2, 3)
    for identifier in (1, 2):
        committer.commit(world.append(f"f{identifier}", user="job", identifier=identifier))
    committer.commit(world.append("other", user="someone"))
    assert committer.last_identifier("job") == 2
    assert committer.filter_committed("job", [1, 2, 3, 4]) == (3, 4)
    assert committer.filter_committed("nobody", [1]) == (1,)


def test_filter_committed_looks_only_as_far_back_as_there_are_snapshots():
    world = World()
    committer = world.committer()
    committer.commit(world.append("a", user="job", identifier=1))
    committer.commit(world.append("b", user="someone"))
    world.store.delete(world.paths.snapshot(1))
    assert committer.filter_committed("job", [1, 2]) == (1, 2)


def test_the_same_identifier_at_once_again_is_refused():
    world = World()
    world.committer().commit(world.append("a", user="job", identifier=7))
    with pytest.raises(ConflictError, match="filter_committed") as caught:
        world.committer().commit(world.append("b", user="job", identifier=7))
    assert caught.value.kind is ErrorKind.IDENTIFIER_TAKEN
    assert world.audit() == ["a"]


def test_two_processes_under_one_job_are_told_apart():
    world = World()
    zombie = world.committer("zombie")

    class Between(RecordingStore):
        def put_if_absent(self, path, data):
            if world.latest() is None:
                zombie.commit(world.append("theirs", user="job", identifier=7))
                zombie.commit(world.append("later", user="other"))
            super().put_if_absent(path, data)

    committer = world.committer("mine", store=Between(world.store))
    with pytest.raises(ConflictError, match="two processes") as caught:
        committer.commit(world.append("mine", user="job", identifier=7))
    assert caught.value.kind is ErrorKind.IDENTIFIER_TAKEN
    assert world.audit() == ["later", "theirs"]


def test_batch_commits_of_one_user_do_not_collide():
    world = World()
    committer = world.committer()
    committer.commit(world.append("a", user="u"))
    committer.commit(world.append("b", user="u"))
    assert world.audit() == ["a", "b"]


# Cost.


def test_requests_of_a_small_append():
    world = World(keyed_schema())
    store = RecordingStore(world.store)
    committer = world.committer("mine", store=store)
    committer.commit(world.append("first", keys=(0, 1)))
    store.forget()
    committer.commit(world.append("second", keys=(0, 1)))
    assert store.counts() == {"get": 4, "put": 4, "put_if_absent": 1}
    store.forget()
    # A rival came between: one step further, and its lists must be read.
    world.committer("rival").commit(world.append("rival", keys=(0, 1)))
    committer.commit(world.append("third", keys=(0, 1)))
    assert store.counts() == {"get": 6, "put": 4, "put_if_absent": 1}


def test_requests_of_the_first_append_of_a_process():
    world = World()
    world.committer().commit(world.append("a"))
    store = RecordingStore(world.store)
    world.committer("fresh", store=store).commit(world.append("b"))
    assert store.counts() == {"get": 7, "put": 4, "put_if_absent": 1}


def test_many_commits_keep_few_manifests():
    world = World()
    committer = world.committer(manifest_merge_min_count=5)
    for number in range(40):
        committer.commit(world.append(f"f{number:02d}"))
    assert len(world.manifests().read_snapshot_lists(world.latest())) <= 6
    assert world.audit() == [f"f{number:02d}" for number in range(40)]
    assert world.orphans() == []


def test_merged_manifests_survive_a_lost_race():
    world = World()
    first = world.committer()
    for number in range(9):
        first.commit(world.append(f"f{number}"))
    committer, _, _ = race(world, 3, manifest_merge_min_count=5)
    committer.commit(world.append("mine"))
    assert len(world.manifests().read_snapshot_lists(world.latest())) == 5
    assert len(world.audit()) == 13
    assert world.orphans() == []


def test_equal_worlds_make_equal_bytes():
    def run():
        world = World()
        committer, _, _ = race(world, 3)
        committer.commit(world.append("mine"))
        files = [*world.store.list(world.paths.manifest_dir()), *world.store.list(world.paths.snapshot_dir())]
        return {info.name: world.store.get(info.path) for info in files}

    assert run() == run()


def test_a_stale_hint_does_no_harm():
    world = World()
    for name in "abc":
        world.committer().commit(world.append(name))
    for hint in (b"1", b"99", b"nonsense", b""):
        world.store.put(world.paths.latest_hint(), hint)
        world.committer().commit(world.append(f"after-{hint.decode()}"))
    assert len(world.audit()) == 7


def test_schema_of_the_first_snapshot_is_the_latest():
    world = World(TableSchema(id=0, fields=append_schema().fields))
    world.alter(comment="x")
    world.committer().commit(world.append("a"))
    assert Snapshots(world.store, world.paths).get(1).schema_id == 1
