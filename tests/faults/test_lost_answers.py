"""Single bad moments of a commit, each by name: lost answers, marks, hints, stores that lie."""

import pytest

from lakestore.errors import (
    AlreadyExistsError,
    CommitUnknownError,
    ErrorKind,
    InvalidInputError,
    StorageError,
)
from lakestore.format.snapshot_file import snapshot_from_json, snapshot_to_json
from lakestore.meta.snapshots import Snapshots
from lakestore.storage.memory_store import MemoryStore
from lakestore.storage.probe import forget_verdicts, probe_put_if_absent
from lakestore.testing.faulty import IgnoringConditionStore
from lakestore.testing.recording import RecordingStore
from tests.commits import World
from tests.faults.scripted import BUSY, ScriptedStore, a_world, commit_through


def do_and_raise(error):
    def instead(put):
        put()
        raise error

    return instead


def raise_only(error):
    def instead(put):
        raise error

    return instead


@pytest.mark.parametrize(
    "error",
    [BUSY, AlreadyExistsError("412: the condition failed"), StorageError("an odd answer", transient=False)],
    ids=["timeout", "already there", "refused"],
)
def test_a_put_that_landed_but_was_reported_failed_is_not_committed_twice(error):
    world = a_world()
    result = commit_through(world, ScriptedStore(world.store, instead=do_and_raise(error)))
    assert result.snapshot_ids == (2,)
    assert world.audit() == ["mine", "old"]
    assert world.orphans() == []


@pytest.mark.parametrize(
    "error",
    [BUSY, AlreadyExistsError("409: another upload is under way, and came to nothing")],
    ids=["timeout", "already there"],
)
def test_a_put_that_came_to_nothing_is_put_again_under_the_same_number(error):
    world = a_world()
    store = ScriptedStore(world.store, instead=raise_only(error))
    result = commit_through(world, store)
    assert (result.snapshot_ids, result.attempts) == ((2,), 1)
    assert len(store.paths("put_if_absent")) == 2
    assert world.audit() == ["mine", "old"]


def test_a_put_that_the_store_refuses_for_certain_is_not_tried_again():
    world = a_world()
    store = ScriptedStore(world.store, instead=raise_only(StorageError("403: access denied", transient=False)))
    with pytest.raises(StorageError, match="403"):
        commit_through(world, store)
    assert len(store.paths("put_if_absent")) == 1
    assert world.audit() == ["old"]
    assert commit_through(world, world.store).snapshot_ids == (2,)


def test_a_refusal_after_a_doubtful_put_settles_nothing():
    world = a_world()

    class Failing(RecordingStore):
        tries = 0

        def put_if_absent(self, path, data):
            self.tries += 1
            raise BUSY if self.tries == 1 else StorageError("403: access denied", transient=False)

    with pytest.raises(CommitUnknownError, match="403"):
        commit_through(world, Failing(world.store))
    assert world.audit() == ["old"]


def test_a_lost_answer_after_which_a_rival_commits_on_top():
    world = a_world()
    rival = world.committer("rival")

    def instead(put):
        put()
        rival.commit(world.append("rival"))
        raise BUSY

    assert commit_through(world, ScriptedStore(world.store, instead=instead)).snapshot_ids == (2,)
    assert world.audit() == ["mine", "old", "rival"]


def test_an_error_behind_which_a_rival_took_the_number():
    world = a_world()
    rival = world.committer("rival")

    def instead(put):
        rival.commit(world.append("rival"))
        raise BUSY

    result = commit_through(world, ScriptedStore(world.store, instead=instead))
    assert (result.snapshot_ids, result.attempts) == ((3,), 2)
    assert world.audit() == ["mine", "old", "rival"]
    assert world.orphans() == []


def test_a_write_that_lands_late_lands_once():
    """The first put times out, is not there at the read-back, and arrives while the second is under way."""
    world = a_world()
    late = []

    class Late(RecordingStore):
        def put_if_absent(self, path, data):
            if not late:
                late.append((path, data))
                raise BUSY
            self._inner.put_if_absent(*late[0])
            super().put_if_absent(path, data)

    assert commit_through(world, Late(world.store)).snapshot_ids == (2,)
    assert world.audit() == ["mine", "old"]


@pytest.mark.parametrize("landed", [True, False])
def test_an_outcome_that_cannot_be_read_is_unknown_and_nothing_is_deleted(landed):
    world = a_world()
    store = ScriptedStore(world.store, instead=do_and_raise(BUSY) if landed else raise_only(BUSY), reads_fail=1_000)
    with pytest.raises(CommitUnknownError) as caught:
        commit_through(world, store, user="job", identifier=7)
    for part in ("snapshot 2", "'job'", "7", "uuid", "No file was deleted", "snapshot/snapshot-2"):
        assert part in str(caught.value)
    assert store.paths("delete") == []
    assert world.audit() == (["mine", "old"] if landed else ["old"])
    # As the message says: look, and commit again only if it is not there.
    committer = world.committer("again")
    assert committer.filter_committed("job", [7]) == (() if landed else (7,))
    if not landed:
        assert committer.commit(world.append("mine", user="job", identifier=7)).snapshot_ids == (2,)
    assert world.audit() == ["mine", "old"]


def test_a_store_that_stays_away_for_a_while_is_waited_for():
    world = a_world()
    store = ScriptedStore(world.store, instead=do_and_raise(BUSY), reads_fail=4)
    assert commit_through(world, store).snapshot_ids == (2,)


def test_a_rival_snapshot_that_does_not_parse_yet_is_read_again():
    world = a_world()
    whole = {}

    class HalfVisible(ScriptedStore):
        def get_or_none(self, path):
            data = super().get_or_none(path)
            if path.endswith("snapshot-2") and data is not None and path not in whole:
                whole[path] = data
                return data[: len(data) // 2]
            return data

    def instead(put):
        world.committer("rival").commit(world.append("rival"))
        put()

    assert commit_through(world, HalfVisible(world.store, instead=instead)).snapshot_ids == (3,)
    assert world.audit() == ["mine", "old", "rival"]


# Marks.


def test_a_rival_of_the_same_user_and_number_is_not_taken_for_ours():
    world = a_world()

    def instead(put):
        world.committer("rival").commit(world.append("theirs", user="job"))
        raise BUSY

    assert commit_through(world, ScriptedStore(world.store, instead=instead), user="job").snapshot_ids == (3,)
    assert world.audit() == ["mine", "old", "theirs"]


def test_a_rival_that_writes_no_uuid_is_not_taken_for_ours():
    world = a_world()

    def instead(put):
        world.committer("rival").commit(world.append("theirs"))
        path = world.paths.snapshot(2)
        document = snapshot_from_json(world.store.get(path), path)
        world.store.put(path, snapshot_to_json(_without_uuid(document)))
        raise BUSY

    assert commit_through(world, ScriptedStore(world.store, instead=instead)).snapshot_ids == (3,)
    assert world.audit() == ["mine", "old", "theirs"]


def _without_uuid(snapshot):
    fields = {name: getattr(snapshot, name) for name in type(snapshot).__slots__}
    return type(snapshot)(**{**fields, "uuid": None})


# Hints, cleaning up, stores that cannot do it.


def test_hints_may_fail():
    class NoHints(RecordingStore):
        def put(self, path, data):
            if path.endswith(("LATEST", "EARLIEST")):
                raise BUSY
            super().put(path, data)

    world = World()
    committer = world.committer(store=NoHints(world.store))
    assert [committer.commit(world.append(name)).snapshot_ids for name in "abc"] == [(1,), (2,), (3,)]
    assert world.audit() == ["a", "b", "c"]
    assert Snapshots(world.store, world.paths).latest_hint() is None


def test_cleaning_up_may_fail():
    class NoDeletes(ScriptedStore):
        def delete(self, path):
            raise BUSY

    world = a_world()

    def instead(put):
        world.committer("rival").commit(world.append("rival"))
        put()

    assert commit_through(world, NoDeletes(world.store, instead=instead)).snapshot_ids == (3,)
    assert len(world.orphans()) == 1


def test_a_store_that_ignores_the_condition_is_told_by_the_probe_and_loses_commits():
    forget_verdicts()
    careless = IgnoringConditionStore(MemoryStore())
    with pytest.raises(InvalidInputError, match="ignores the condition") as caught:
        probe_put_if_absent(careless, "/warehouse")
    assert caught.value.kind is ErrorKind.STORE_NOT_SAFE
    forget_verdicts()
    # Why it matters: on such a store both committers are told that they won.
    world = World(store=careless)
    world.committer().commit(world.append("old"))

    def instead(put):
        world.committer("rival").commit(world.append("rival"))
        put()

    assert commit_through(world, ScriptedStore(careless, instead=instead)).snapshot_ids == (2,)
    assert world.audit() == ["mine", "old"]


def test_a_store_that_cannot_promise_it_is_refused_before_anything_is_visible():
    class Unsafe(RecordingStore):
        def put_if_absent(self, path, data):
            raise InvalidInputError("no atomic create here", kind=ErrorKind.STORE_NOT_SAFE)

    world = a_world()
    with pytest.raises(InvalidInputError, match="no atomic create"):
        commit_through(world, Unsafe(world.store))
    assert world.audit() == ["old"]
