"""Numbers that are free because their snapshots were expired or rolled back: nobody commits into them unnoticed."""

import pytest

from lakestore.errors import (
    CommitUnknownError,
    ConflictError,
    ErrorKind,
)
from lakestore.model.message import CommitRequest
from tests.commits import World, a_file, an_env, keyed_schema
from tests.faults.scripted import ScriptedStore, a_world, commit_through


def expire_before(world, number):
    """What snapshot expiry does to the snapshot folder: the oldest go first."""
    for snapshot in world.snapshots():
        if snapshot.id < number:
            world.store.delete(world.paths.snapshot(snapshot.id))


def test_a_number_that_was_used_and_expired_is_not_taken_for_the_next():
    world = a_world()
    rival = world.committer("rival")

    def instead(put):
        for name in ("r1", "r2", "r3"):
            rival.commit(world.append(name))
        expire_before(world, 4)
        put()

    with pytest.raises(CommitUnknownError, match="expired or rolled back"):
        commit_through(world, ScriptedStore(world.store, instead=instead))
    world.store.delete(world.paths.snapshot(2))
    assert world.audit() == ["old", "r1", "r2", "r3"]


def test_a_first_snapshot_put_into_a_hole_is_noticed():
    world = World()
    rival = world.committer("rival")

    def instead(put):
        for name in ("r1", "r2", "r3"):
            rival.commit(world.append(name))
        expire_before(world, 3)
        put()

    with pytest.raises(CommitUnknownError, match="expired or rolled back"):
        commit_through(world, ScriptedStore(world.store, instead=instead))


def test_a_snapshot_put_on_a_base_that_was_rolled_back_is_noticed():
    world = a_world("a", "b", "c")

    def instead(put):
        for number in (3, 2):
            world.store.delete(world.paths.snapshot(number))
        put()

    with pytest.raises(CommitUnknownError, match="expired or rolled back"):
        commit_through(world, ScriptedStore(world.store, instead=instead))


def test_a_base_that_expires_just_after_the_put_is_no_reason_to_doubt():
    world = a_world("a", "b")
    store = ScriptedStore(world.store, after=lambda: expire_before(world, 3))
    assert commit_through(world, store).snapshot_ids == (3,)
    assert world.audit() == ["a", "b", "mine"]


def test_nor_when_rivals_have_built_on_it_already():
    world = a_world("a", "b")

    def after():
        world.committer("rival").commit(world.append("rival"))
        expire_before(world, 3)

    assert commit_through(world, ScriptedStore(world.store, after=after)).snapshot_ids == (3,)
    assert world.audit() == ["a", "b", "mine", "rival"]


def test_a_first_commit_that_rivals_have_built_on_already():
    world = World()
    store = ScriptedStore(world.store, after=lambda: world.committer("rival").commit(world.append("rival")))
    assert commit_through(world, store).snapshot_ids == (1,)
    assert world.audit() == ["mine", "rival"]


def lost_and_expired(world):
    """A store where rivals win the number, and expire what they made while the loser waits."""

    def instead(put):
        for name in ("r1", "r2", "r3"):
            world.committer("rival").commit(world.append(name, keys=(0, 1)))
        put()

    store = ScriptedStore(world.store, instead=instead)
    env = an_env("mine")
    sleep = env.clock.sleep

    def and_expire(seconds):
        expire_before(world, 4)
        sleep(seconds + 5)

    env.clock.sleep = and_expire
    return world.committer("mine", store=store, env=env)


def test_a_plain_append_goes_on_when_the_winners_have_expired():
    world = a_world()
    assert lost_and_expired(world).commit(world.append("mine")).snapshot_ids == (5,)
    assert world.audit() == ["mine", "old", "r1", "r2", "r3"]


def test_other_commits_are_refused_when_the_winners_have_expired():
    world = a_world()
    with pytest.raises(ConflictError, match="expired or rolled back") as caught:
        lost_and_expired(world).commit(world.append("mine", user="job", identifier=7))
    assert caught.value.kind is ErrorKind.SNAPSHOT_NOT_FOUND
    assert world.audit() == ["old", "r1", "r2", "r3"]

    world = World(keyed_schema())
    world.committer().commit(world.append("old", keys=(0, 1)))
    made = world.message(
        compact_before=(a_file("old", keys=(0, 1)),), compact_after=(a_file("new", keys=(0, 1), level=5),)
    )
    with pytest.raises(ConflictError, match="expired or rolled back"):
        lost_and_expired(world).commit(CommitRequest(user="u", messages=(made,)))
    assert world.audit() == ["old", "r1", "r2", "r3"]


def test_a_rollback_between_two_commits_of_one_committer():
    world = World()
    committer = world.committer()
    for name in "abc":
        committer.commit(world.append(name))
    world.store.delete(world.paths.latest_hint())
    for number in (3, 2):
        world.store.delete(world.paths.snapshot(number))
    assert committer.commit(world.append("d")).snapshot_ids == (2,)
    assert world.audit() == ["a", "d"]
