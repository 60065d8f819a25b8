"""A fault at the N-th storage call of a commit, for every N and every kind of fault, until a run ends without one.

After each: the table reads at its last committed snapshot, old files are there and live, new ones are live all or not
at all and never twice, the outcome told is the outcome found, and committing the same identifier again through
``filter_committed`` leaves exactly one. Planted bugs must be caught.
"""

from dataclasses import dataclass, replace

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from lakestore.errors import AlreadyExistsError, CommitUnknownError, LakestoreError, StorageError
from lakestore.format.snapshot_file import snapshot_to_json
from lakestore.meta.commit import Committer
from lakestore.meta.commit_files import CommitFiles
from lakestore.meta.commit_race import Race
from lakestore.meta.publish import Published, Publisher, is_same
from lakestore.model.message import CommitRequest, Overwrite
from lakestore.storage.fsspec_store import open_store
from lakestore.storage.memory_store import MemoryStore
from lakestore.storage.paths import TablePaths
from lakestore.testing.faulty import Crash, FaultKind, FaultyStore, NthCall, Plan
from lakestore.testing.recording import RecordingStore
from tests.commits import World, a_file, keyed_schema

CALLS_MAX = 60


@dataclass
class Outage(Plan):
    """From the n-th call on nothing answers; whether that call itself was done, ``kind`` says."""

    n: int
    kind: FaultKind
    lasts: int = 10_000
    seen: int = 0

    @property
    def fired(self):
        return self.seen >= self.n

    def decide(self, operation, path):
        self.seen += 1
        if not self.n <= self.seen < self.n + self.lasts:
            return None
        return self.kind if self.seen == self.n else FaultKind.BEFORE


FAULTS = {
    **{str(kind): (lambda n, kind=kind: NthCall(n, kind)) for kind in FaultKind},
    "outage": lambda n: Outage(n, FaultKind.BEFORE),
    "outage-after": lambda n: Outage(n, FaultKind.AFTER),
    "short-outage-after": lambda n: Outage(n, FaultKind.AFTER, lasts=3),
}


@dataclass
class Case:
    """A table before a commit, the commit, and the names live before and after it (each part of it in turn)."""

    world: World
    request: CommitRequest
    states: list[list[str]]
    rivals: int = 0


def first_append(world):
    return Case(world, world.append("n1", "n2", user="job", identifier=7), [[], ["n1", "n2"]])


def append(world):
    world.committer("before").commit(world.append("old", user="job", identifier=6, keys=(0, 4)))
    request = world.append("n1", "n2", user="job", identifier=7, keys=(0, 4))
    return Case(world, request, [["old"], ["n1", "n2", "old"]])


def append_against_a_rival(world):
    case = append(world)
    return replace(case, rivals=1, states=[sorted([*names, "rival0"]) for names in case.states])


def append_and_compact(world):
    case = append(world)
    (message,) = case.request.messages
    old = (a_file("old", keys=(0, 4)), *message.new_files)
    new = (a_file("all", keys=(0, 4), rows=3, level=5),)
    world.message(compact_after=new)
    request = replace(case.request, messages=(replace(message, compact_before=old, compact_after=new),))
    return Case(world, request, [*case.states, ["all"]])


def overwrite(world):
    case = append(world)
    return replace(case, request=replace(case.request, overwrite=Overwrite()), states=[["old"], ["n1", "n2"]])


CASES = [first_append, append, append_against_a_rival, append_and_compact, overwrite]


class RivalStore(RecordingStore):
    """Lets rivals commit just before the first snapshot puts."""

    def __init__(self, inner, world, rivals):
        super().__init__(inner)
        self.world = world
        self.left = rivals

    def put_if_absent(self, path, data):
        if self.left:
            self.left -= 1
            self.world.committer("rival").commit(self.world.append(f"rival{self.left}", user="rival", keys=(0, 4)))
        super().put_if_absent(path, data)


def attempt(case, plan, kind):
    """Commit over a faulty store; what the caller was told."""
    store = FaultyStore(RivalStore(case.world.store, case.world, case.rivals), plan)
    committer = case.world.committer("mine", store=store, kind=kind)
    try:
        result = committer.commit(case.request)
    except CommitUnknownError:
        return "unknown"
    except (StorageError, Crash) as error:
        return "crash" if isinstance(error, Crash) else "failed"
    except LakestoreError as error:
        raise AssertionError(f"an error that no fault explains: {error!r}") from error
    return "partly" if result.compact_error is not None else "done"


def judge(case, told, told_by):
    before, *after = case.states
    names = case.world.audit()
    if case.rivals and names == [name for name in before if name != "rival0"]:
        assert told in {"failed", "crash", "unknown"}, f"{told_by}: told {told}, and the rival never came"
        return
    assert names in case.states, f"{told_by}: told {told}, found {names}"
    if told == "done":
        assert names == after[-1], f"{told_by}: told done, found {names}"
    elif told == "partly":
        assert names in after, f"{told_by}: told that one part landed, found {names}"
    elif told == "failed":
        assert names == before, f"{told_by}: told failed, found {names}"


def replay(case, told_by):
    """What a job does after any failure: ask, then commit again."""
    world = case.world
    committer = world.committer("replay")
    names = world.audit()
    for _ in committer.filter_committed("job", [7]):
        committer.commit(case.request)
        names = case.states[-1] if not case.rivals else sorted([*names, "n1", "n2"])
    found = world.audit()
    assert found == names, f"{told_by}: after the replay {found}"
    assert ("n1" in found) or ("all" in found), f"{told_by}: the replay did not commit"
    assert world.committer("next").commit(world.append("next", keys=(5, 9))).snapshot_ids == (world.latest().id,)
    world.audit()


def sweep(make_world, make_case, fault, kind=Committer):
    """Every N of one fault; what callers were told."""
    told = []
    for n in range(1, CALLS_MAX):
        case = make_case(make_world())
        plan = FAULTS[fault](n)
        told.append(attempt(case, plan, kind))
        told_by = f"{make_case.__name__}, {fault} at call {n}"
        judge(case, told[-1], told_by)
        replay(case, told_by)
        if not plan.fired:
            return told
    raise AssertionError(f"no clean run within {CALLS_MAX} calls")


def in_memory():
    # One dictionary holds all files of all worlds; listing walks through it.
    MemoryFileSystem.store.clear()
    return World(keyed_schema(), store=MemoryStore())


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("case", CASES)
def test_sweep_in_memory(case, fault):
    told = sweep(in_memory, case, fault)
    assert told[-1] == "done"
    assert len(told) > 8
    if fault in {"crash", "crash-after", "torn"}:
        assert "crash" in told
    elif fault == "before":
        assert "failed" in told
        assert "unknown" not in told
    elif fault.startswith("outage"):
        assert "unknown" in told


def sweep_on_disk(folder, case, fault):
    numbers = iter(range(CALLS_MAX))

    def on_disk():
        store, root = open_store(folder / str(next(numbers)))
        return World(keyed_schema(), store=store, paths=TablePaths(root))

    assert sweep(on_disk, case, fault)[-1] == "done"


@pytest.mark.parametrize("fault", ["after", "torn"])
def test_sweep_on_disk(tmp_path, fault):
    sweep_on_disk(tmp_path, append, fault)


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("case", CASES)
def test_every_sweep_on_disk(tmp_path, case, fault):
    sweep_on_disk(tmp_path, case, fault)


# Planted bugs. A sweep that cannot fail proves nothing.


class WithoutReadBack(Publisher):
    """Takes "already there" for a lost race, and a timeout for a write that did not happen."""

    def put(self, snapshot):
        path = self._paths.snapshot(snapshot.id)
        for _ in range(5):
            try:
                self._store.put_if_absent(path, snapshot_to_json(snapshot))
            except AlreadyExistsError:
                winner = self._snapshots.find(snapshot.id)
                return Published(winner=replace(winner, commit_user="somebody else"), ours=False)
            except StorageError:
                continue
            return Published(winner=snapshot, ours=True)
        raise StorageError("gave up", transient=True)


class WithoutRetry(Publisher):
    """Takes every failed put for one that did not happen, and says so."""

    def put(self, snapshot):
        self._store.put_if_absent(self._paths.snapshot(snapshot.id), snapshot_to_json(snapshot))
        return Published(winner=snapshot, ours=True)


class OursByUser(Publisher):
    """Takes any snapshot of the same user for its own."""

    def put(self, snapshot):
        published = super().put(snapshot)
        return replace(published, ours=published.winner.commit_user == snapshot.commit_user)


def a_mutant(publisher):
    def make(**parts):
        committer = Committer(**parts)
        whole = committer._parts.publisher
        mutant = publisher(
            whole._store,
            whole._paths,
            snapshots=whole._snapshots,
            manifests=whole._manifests,
            env=whole._env,
            waits=whole._waits,
        )
        committer._parts = replace(committer._parts, publisher=mutant)
        return committer

    return make


@pytest.mark.parametrize("publisher", [WithoutReadBack, WithoutRetry])
def test_the_sweep_catches_a_committer_without_read_back(publisher):
    with pytest.raises(AssertionError):
        sweep(in_memory, append, "after", a_mutant(publisher))


def test_the_sweep_catches_a_committer_that_cleans_up_after_an_unknown_outcome(monkeypatch):
    whole = Race.run

    def careless(self):
        try:
            return whole(self)
        except CommitUnknownError:
            files = self.files
            for name in files.written:
                # What its store says does not matter: the outage is over when the cleaning begins.
                files.store._inner.delete(files.paths.manifest(name))
            raise

    monkeypatch.setattr(Race, "run", careless)
    with pytest.raises(AssertionError):
        sweep(in_memory, append, "outage-after")


def test_the_sweep_catches_a_committer_that_retries_on_a_stale_base(monkeypatch):
    stale = {}
    lists = CommitFiles.lists

    def same_lists(self, before, delta):
        return stale.setdefault(id(self), lists(self, before, delta))

    monkeypatch.setattr(CommitFiles, "lists", same_lists)
    with pytest.raises(AssertionError):
        sweep(in_memory, append_against_a_rival, "before")


def test_the_mark_and_not_the_user_tells_whose_a_snapshot_is():
    world = in_memory()
    world.committer().commit(world.append("old", user="u", keys=(0, 4)))
    rival = world.committer("rival")

    class Between(RecordingStore):
        def put_if_absent(self, path, data):
            if world.latest().id == 1:
                rival.commit(world.append("theirs", user="u", keys=(0, 4)))
            super().put_if_absent(path, data)

    request = world.append("mine", user="u", keys=(0, 4))
    world.committer("mutant", store=Between(world.store), kind=a_mutant(OursByUser)).commit(request)
    assert "mine" not in world.audit()
    assert not is_same(world.snapshots()[1], replace(world.snapshots()[1], uuid="another"))
    assert world.committer("whole", store=Between(world.store)).commit(request).snapshot_ids == (3,)
