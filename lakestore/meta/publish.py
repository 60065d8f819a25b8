"""The one step that makes a commit visible: put ``snapshot-N`` if absent, and find out what came of it.

1. Put the bytes under the number, if it is free.
2. On any error the put may have landed all the same: a store's client retries under us, and then our own first
   try is what stands in the way. So read the number back.
3. Ours: done. Theirs: lost, for certain, since a number is given once.
4. Absent: the write may still be under way. Put the same bytes under the same number again: being conditional,
   at most one of the puts lands.
5. No answer after ``PUT_TRIES`` puts or ``READ_TRIES`` reads: nobody can know, and the error says how to look.
6. After a put that went through, look at the base once more. A number that is free because its snapshot was
   already expired or rolled back looks like the next one; whoever sleeps long enough between reading the latest
   snapshot and the put would fall into that hole, acknowledged and invisible.

Invariant: nothing is ever deleted here, and no number is left behind without knowing whose it is.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TypeVar

from lakestore.core.backoff import WaitLimits, wait_seconds
from lakestore.env import Env
from lakestore.errors import AlreadyExistsError, CommitUnknownError, LakestoreError, StorageError
from lakestore.format.snapshot_file import snapshot_to_json
from lakestore.meta.manifests import Manifests
from lakestore.meta.snapshots import Snapshots
from lakestore.model.snapshot import Snapshot
from lakestore.storage.paths import TablePaths
from lakestore.storage.store import Store

T = TypeVar("T")

PUT_TRIES = 5
"""How often the same bytes are put under the same number while nobody holds it."""

READ_TRIES = 5
"""How often a read that must be answered is tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What came of a put.

    Attributes:
        winner: The snapshot that holds the number.
        ours: Whether it is the one that was put.
    """

    winner: Snapshot
    ours: bool


class Publisher:
    """Puts snapshots, and reads back those that must be read.

    Args:
        store: Where the table is.
        paths: How its files are called.
        snapshots: Reader of snapshots.
        manifests: Reader of manifest lists.
        env: Clock and randomness for waits.
        waits: The least and the greatest wait between tries.
    """

    def __init__(
        self,
        store: Store,
        paths: TablePaths,
        *,
        snapshots: Snapshots,
        manifests: Manifests,
        env: Env,
        waits: WaitLimits,
    ) -> None:
        self._store = store
        self._paths = paths
        self._snapshots = snapshots
        self._manifests = manifests
        self._env = env
        self._waits = waits

    def put(self, snapshot: Snapshot) -> Published:
        """Make a snapshot visible unless its number is taken.

        Raises:
            StorageError: The store refused and the number is free: for certain nothing happened.
            CommitUnknownError: The outcome stays unknown.
        """
        path = self._paths.snapshot(snapshot.id)
        data = snapshot_to_json(snapshot)
        doubt = False
        reason = ""
        for attempt in range(1, PUT_TRIES + 1):
            started = self._env.clock.monotonic()
            try:
                self._store.put_if_absent(path, data)
            except AlreadyExistsError as error:
                doubt, reason = True, error.message
            except StorageError as error:
                doubt, reason = doubt or error.transient, error.message
                if not doubt and self._free_for_certain(snapshot):
                    raise
            else:
                return Published(winner=snapshot, ours=True)
            found = self._read_back(snapshot, reason)
            if found is not None:
                return Published(winner=found, ours=is_same(found, snapshot))
            self._wait(attempt, started)
        raise self._unknown(snapshot, f"the number is free, but the last put ended with: {reason}")

    def confirm(self, base: Snapshot | None, snapshot: Snapshot, delta: Collection[str]) -> None:
        """Make sure that a snapshot just put continues the line of snapshots.

        Args:
            base: What it was built on, None for the first.
            snapshot: What was put.
            delta: Names of its delta manifests.

        Raises:
            CommitUnknownError: The base went away meanwhile, and with it maybe the snapshot's place.
        """
        if base is not None and self._insist(lambda: self._snapshots.find(base.id), snapshot) == base:
            return
        if not self._insist(lambda: self._in_line(snapshot, delta), snapshot):
            raise self._unknown(
                snapshot,
                "it was put, but snapshots around it were expired or rolled back meanwhile, so that readers may not"
                " reach it",
                look="see whether the latest snapshot has this commit's files; only if not, commit again",
            )

    def _in_line(self, snapshot: Snapshot, delta: Collection[str]) -> bool:
        ids = self._snapshots.ids()
        if snapshot.id not in ids or ids[0] < snapshot.id:
            return False
        if ids[-1] == snapshot.id:
            return True
        following = self._snapshots.find(snapshot.id + 1)
        if following is None:
            return False
        before = {meta.name for meta in self._manifests.read_list(following.base_manifest_list)}
        return before.issuperset(delta)

    def _free_for_certain(self, snapshot: Snapshot) -> bool:
        """Whether the number is seen to be free; True as well when a store that refused does not answer."""
        try:
            return self._snapshots.find(snapshot.id) is None
        except StorageError:
            return True

    def _read_back(self, snapshot: Snapshot, reason: str) -> Snapshot | None:
        return self._insist(lambda: self._snapshots.find(snapshot.id), snapshot, reason)

    def _insist(self, read: Callable[[], T], snapshot: Snapshot, reason: str = "the put went through") -> T:
        trouble = ""
        for attempt in range(1, READ_TRIES + 1):
            started = self._env.clock.monotonic()
            try:
                return read()
            except LakestoreError as error:
                trouble = error.message
            self._wait(attempt, started)
        raise self._unknown(snapshot, f"{reason}; and reading it back failed {READ_TRIES} times: {trouble}")

    def _wait(self, losses: int, started: float) -> None:
        clock = self._env.clock
        took = clock.monotonic() - started
        draw = self._env.rng.random()
        clock.sleep(wait_seconds(losses=losses, attempt_seconds=took, draw=draw, limits=self._waits))

    def _unknown(self, snapshot: Snapshot, reason: str, *, look: str = "") -> CommitUnknownError:
        path = self._paths.snapshot(snapshot.id)
        look = look or (
            f"read {path}; the commit landed if its uuid is {snapshot.uuid}. If it is another's, or still not there"
            " once the store answers again, commit again"
        )
        return CommitUnknownError(
            f"{self._store.url}{self._paths.root}: nobody can know whether commit {snapshot.commit_identifier} of"
            f" {snapshot.commit_user!r} made snapshot {snapshot.id}: {reason}. No file was deleted. To look: {look}"
        )


def is_same(found: Snapshot, snapshot: Snapshot) -> bool:
    """Whether a snapshot read back is the one that this commit call made: by its mark."""
    return found.uuid is not None and found.uuid == snapshot.uuid and found.commit_user == snapshot.commit_user
