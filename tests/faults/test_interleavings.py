"""Two or three committers, all orders of their storage calls: every outcome equals one commit after the other.

Each committer runs in a thread, but only one of them at a time: before each call that both can notice (those in the
snapshot folder; manifests have fresh names) it waits for its turn. The scheduler walks through all schedules, depth
first: it replays a prefix of choices, then lets whoever comes first run, and later takes the other choice at the last
place where there was one. Schedules that differ only in the order of calls that cannot notice each other are walked
once (sleep sets). No sleeps, no luck.
"""

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from lakestore.errors import CommitUnknownError, ConflictError, LakestoreError
from lakestore.meta.publish import Publisher
from lakestore.model.message import CommitRequest, Overwrite
from lakestore.testing.faulty import IgnoringConditionStore
from lakestore.testing.recording import RecordingStore
from tests.commits import World, a_file, keyed_schema

SCHEDULES_MAX = 20_000
TURN_SECONDS = 30


class Turns(RecordingStore):
    """A store whose user asks for its turn before each call in the snapshot folder."""

    def __init__(self, inner, actor):
        super().__init__(inner)
        self.actor = actor

    def _call(self, operation, path, action):
        if "/snapshot" in path:
            self.actor.ask((operation, path[path.index("/snapshot") :]))
        return super()._call(operation, path, action)


def independent(one, other):
    """Whether two calls come to the same in either order."""
    writes = {"put", "put_if_absent", "delete"}
    operations = {one[0], other[0]}
    if not operations & writes:
        return True
    return one[1] != other[1] and not ("list" in operations and operations & {"put_if_absent", "delete"})


@dataclass
class Actor:
    """One committer in its thread."""

    work: object
    waiting: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    go: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    call: object = None
    outcome: object = None

    def ask(self, call):
        self.call = call
        self.waiting.release()
        assert self.go.acquire(timeout=TURN_SECONDS)

    def run(self):
        try:
            self.outcome = self.work(self)
        except LakestoreError as error:
            self.outcome = error
        finally:
            self.call = None
            self.waiting.release()

    def pause(self):
        """Let it run up to its next call, or to its end."""
        assert self.waiting.acquire(timeout=TURN_SECONDS)

    def step(self):
        self.go.release()
        self.pause()


@dataclass
class Place:
    """A point where a schedule may fork: who could go on with which call, who need not, who has been tried."""

    calls: dict
    sleeping: set
    tried: list = field(default_factory=list)

    @property
    def choices(self):
        return [number for number in self.calls if number not in self.sleeping and number not in self.tried]

    def asleep_after(self, choice):
        others = (self.sleeping | set(self.tried)) - {choice}
        return {number for number in others if independent(self.calls[number], self.calls[choice])}


def run_schedule(works, places, *, prune):
    """Run pieces of work along the places known, and beyond; the actors. New places are appended."""
    actors = [Actor(work) for work in works]
    threads = [threading.Thread(target=actor.run) for actor in actors]
    for thread, actor in zip(threads, actors, strict=True):
        thread.start()
        actor.pause()
    step = 0
    sleeping = set()
    seen_before = False
    while calls := {number: actor.call for number, actor in enumerate(actors) if actor.call is not None}:
        if step == len(places) and not seen_before:
            place = Place(calls, sleeping & set(calls))
            seen_before = not place.choices
            if not seen_before:
                place.tried.append(place.choices[0])
                places.append(place)
        if step < len(places):
            place = places[step]
            assert place.calls == calls, "the same choices led elsewhere"
            choice = place.tried[-1]
            if prune:
                sleeping = Place(calls, place.sleeping, place.tried[:-1]).asleep_after(choice)
        else:
            choice = next(iter(calls))
        actors[choice].step()
        step += 1
    for thread in threads:
        thread.join()
    return actors


def all_schedules(make_works, judge, *, prune=True):
    """Every schedule; how many there were."""
    places = []
    for count in range(1, SCHEDULES_MAX):
        works, *context = make_works()
        actors = run_schedule(works, places, prune=prune)
        with _named([place.tried[-1] for place in places]):
            judge([actor.outcome for actor in actors], *context)
        while places and not places[-1].choices:
            places.pop()
        if not places:
            return count
        places[-1].tried.append(places[-1].choices[0])
    raise AssertionError(f"more than {SCHEDULES_MAX} schedules")


@contextmanager
def _named(schedule):
    try:
        yield
    except AssertionError as error:
        raise AssertionError(f"schedule {''.join(map(str, schedule))}: {error}") from error


def actors_of(world, *requests):
    def work(name, request):
        return lambda actor: world.committer(name, store=Turns(world.store, actor)).commit(request)

    return [work(f"actor{number}", request) for number, request in enumerate(requests)], world


def a_world(*names, store=None):
    MemoryFileSystem.store.clear()
    world = World(keyed_schema(), store=store and store(World().store))
    if names:
        world.committer().commit(world.append(*names, keys=(0, 4)))
    return world


def compaction(world, name, *, rest=("old",)):
    before = tuple(a_file(each, keys=(0, 4)) for each in rest)
    after = (a_file(name, keys=(0, 4), level=5, rows=len(rest)),)
    return CommitRequest(user=name, messages=(world.message(compact_before=before, compact_after=after),))


def overwrite(world, name):
    request = world.append(name, keys=(0, 4), user=name)
    return CommitRequest(user=name, messages=request.messages, overwrite=Overwrite())


def told(outcomes):
    """Per actor: its snapshot numbers, or the kind of its conflict."""
    for outcome in outcomes:
        assert isinstance(outcome, ConflictError) or not isinstance(outcome, Exception), repr(outcome)
    return [outcome.kind if isinstance(outcome, ConflictError) else outcome.snapshot_ids for outcome in outcomes]


def test_two_appends():
    def make():
        world = a_world("old")
        return actors_of(world, world.append("a", user="a", keys=(0, 4)), world.append("b", user="b", keys=(0, 4)))

    orders = set()

    def judge(outcomes, world):
        assert world.audit() == ["a", "b", "old"]
        assert world.orphans() == []
        ids = told(outcomes)
        assert sorted(ids) == [(2,), (3,)]
        orders.add(tuple(ids))

    assert all_schedules(make, judge) > 20
    assert len(orders) == 2


def test_two_first_appends():
    def make():
        world = a_world()
        return actors_of(world, world.append("a", user="a", keys=(0, 4)), world.append("b", user="b", keys=(0, 4)))

    def judge(outcomes, world):
        assert world.audit() == ["a", "b"]
        assert sorted(told(outcomes)) == [(1,), (2,)]

    assert all_schedules(make, judge) > 50


@pytest.mark.slow
def test_leaving_out_equal_schedules_leaves_out_no_outcome():
    def make():
        world = a_world("old")
        return actors_of(world, overwrite(world, "o"), world.append("a", user="a", keys=(0, 4)))

    def outcomes_of(*, prune):
        found = set()

        def judge(outcomes, world):
            attempts = [outcome.attempts for outcome in outcomes]
            found.add((*told(outcomes), *attempts, *world.audit(), world.store.get(world.paths.latest_hint())))

        return all_schedules(make, judge, prune=prune), found

    pruned, some = outcomes_of(prune=True)
    count, every = outcomes_of(prune=False)
    assert some == every
    assert pruned < count


@pytest.mark.slow
def test_three_appends():
    def make():
        world = a_world("old")
        return actors_of(world, *(world.append(name, user=name, keys=(0, 4)) for name in "abc"))

    def judge(outcomes, world):
        assert world.audit() == ["a", "b", "c", "old"]
        assert sorted(told(outcomes)) == [(2,), (3,), (4,)]

    assert all_schedules(make, judge) > 500


def an_append_and_an_expiring_rival():
    """Work for both: the rival makes two snapshots and keeps its last, so that numbers become free again."""
    world = a_world("old")

    def rival(actor):
        store = Turns(world.store, actor)
        committer = world.committer("rival", store=store)
        for name in ("r1", "r2"):
            committer.commit(world.append(name, user="rival", keys=(0, 4)))
        last = committer.snapshots.ids()[-1]
        for number in range(1, last):
            store.delete(world.paths.snapshot(number))

    works, world = actors_of(world, world.append("a", user="a", keys=(0, 4)))
    return [*works, rival], world


def test_a_number_that_became_free_by_expiry_is_never_taken_unnoticed():
    told_unknown = []

    def judge(outcomes, world):
        mine = outcomes[0]
        if isinstance(mine, CommitUnknownError):
            told_unknown.append(mine)
            return
        assert mine.snapshot_ids
        assert world.audit() == ["a", "old", "r1", "r2"]

    all_schedules(an_append_and_an_expiring_rival, judge)
    assert told_unknown


def test_the_walk_catches_a_committer_that_does_not_look_back(monkeypatch):
    monkeypatch.setattr(Publisher, "confirm", lambda self, base, snapshot, delta: None)

    def judge(outcomes, world):
        assert world.audit() == ["a", "old", "r1", "r2"]

    with pytest.raises(AssertionError, match="schedule"):
        all_schedules(an_append_and_an_expiring_rival, judge)


def test_two_compactions_of_the_same_file():
    def make():
        world = a_world("old")
        return actors_of(world, compaction(world, "a"), compaction(world, "b"))

    winners = set()

    def judge(outcomes, world):
        outcome = told(outcomes)
        assert sorted(map(str, outcome)) == ["(2,)", "file-gone"]
        (winner,) = world.audit()
        assert winner == "ab"[outcome.index((2,))]
        assert world.orphans() == []
        winners.add(winner)

    assert all_schedules(make, judge) > 15
    assert winners == {"a", "b"}


def test_a_compaction_and_an_append_never_conflict():
    def make():
        world = a_world("old")
        return actors_of(world, compaction(world, "c"), world.append("a", user="a", keys=(0, 4)))

    def judge(outcomes, world):
        assert world.audit() == ["a", "c"]
        assert sorted(told(outcomes)) == [(2,), (3,)]

    all_schedules(make, judge)


def test_an_overwrite_and_an_append_come_one_after_the_other():
    def make():
        world = a_world("old")
        return actors_of(world, overwrite(world, "o"), world.append("a", user="a", keys=(0, 4)))

    results = set()

    def judge(outcomes, world):
        names = world.audit()
        overwritten, appended = told(outcomes)
        assert names == (["o"] if overwritten > appended else ["a", "o"])
        results.add(tuple(names))

    all_schedules(make, judge)
    assert len(results) == 2


def test_two_overwrites_leave_the_later_one():
    def make():
        world = a_world("old")
        return actors_of(world, overwrite(world, "a"), overwrite(world, "b"))

    def judge(outcomes, world):
        one, other = told(outcomes)
        assert world.audit() == (["a"] if one > other else ["b"])
        assert world.orphans() == []

    all_schedules(make, judge)


def test_an_overwrite_and_a_compaction():
    def make():
        world = a_world("old")
        return actors_of(world, overwrite(world, "o"), compaction(world, "c"))

    def judge(outcomes, world):
        assert world.audit() == ["o"]
        overwritten, compacted = told(outcomes)
        assert (overwritten, str(compacted)) in {((2,), "file-gone"), ((3,), "(2,)")}

    all_schedules(make, judge)


def test_one_job_twice_at_once_commits_once():
    def make():
        world = a_world("old")
        return actors_of(
            world,
            world.append("a", user="job", identifier=7, keys=(0, 4)),
            world.append("b", user="job", identifier=7, keys=(0, 4)),
        )

    def judge(outcomes, world):
        assert sorted(map(str, told(outcomes))) == ["(2,)", "identifier-taken"]
        assert world.audit() in (["a", "old"], ["b", "old"])

    all_schedules(make, judge)


def test_the_walk_catches_a_store_that_ignores_the_condition():
    def make():
        world = a_world("old", store=IgnoringConditionStore)
        return actors_of(world, world.append("a", user="a", keys=(0, 4)), world.append("b", user="b", keys=(0, 4)))

    def judge(outcomes, world):
        assert world.audit() == ["a", "b", "old"]

    with pytest.raises(AssertionError, match="schedule"):
        all_schedules(make, judge)
