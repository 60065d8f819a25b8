"""Compaction in the background: beside the commits of this process, in one thread a table (Paimon ``MergeTreeWriter``).

1. After each commit the buckets that it touched are looked at as they are then. Where something is due, a job is
   handed to the table's lane; the commit returns.
2. The job compacts, and commits what comes of it, on the latest snapshot of the moment; commits that come meanwhile
   only add their buckets to the next job.
3. A commit that finds compaction under way and runs piling up waits a share of its own time; one that left a bucket
   with more sorted runs than ``num-sorted-run.stop-trigger`` waits for the lane. So compaction is never outrun, and
   what it takes is spread over the commits.
4. Tables that look old values up have level 0 emptied before the commit returns, and only that (``core.lift``); the
   lane merges what lies above level 1.
5. When commits pause, or the process ends, buckets that are small beside what this process has written to them since
   are merged whole: whoever scans next reads one run. Each byte written pays for at most one byte of that.

Invariant: a commit neither fails nor loses a row by what happens here. A failure is an event and the ``compact_error``
of the next commit; the files are left as they were.
"""

import weakref
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from lakestore.core.levels import Levels
from lakestore.core.lift import after_lift, can_lift
from lakestore.core.pick import PickState, settle
from lakestore.data.recent_rows import RecentRows
from lakestore.errors import LakestoreError
from lakestore.maintain.compact_after import (
    Landed,
    compact_after,
    compact_until_done,
    guarded,
    is_unordered,
    looks,
)
from lakestore.maintain.compact_parts import CompactParts
from lakestore.maintain.compact_pick import Extent, Place, pick_buckets
from lakestore.meta.scan import snapshot_entries
from lakestore.model.manifest import ManifestEntry
from lakestore.model.message import CommitResult
from lakestore.model.options import MIB, CompactOptions, TableOptions
from lakestore.model.snapshot import BATCH_COMMIT_IDENTIFIER
from lakestore.storage.background import Lane
from lakestore.storage.parallel import Mutex

SETTLED_BYTES_MAX = 256 * MIB
"""Buckets larger than that are not merged whole in a pause."""

PATIENCE = 0.6
"""Of the time that a commit took, how much it waits for compaction that it finds under way and behind."""

ROOM_PATIENCE = 3
"""Of that time, how much it waits for a level to become free: what it would merge instead is about as much work."""

GROWN = 4
"""Level 1 is not merged with level 0 again once it is so many times as large, while compaction is under way."""

PLACES_MAX = 100_000
"""Buckets of which it is remembered how much was written to them."""


@dataclass(slots=True)
class _Written:
    """What this process has written to a bucket since it was last merged whole."""

    commits: int = 0
    bytes: int = 0


class Beside:
    """The background compaction of one table; all handles of a process on that table share one.

    Attributes:
        recent: Rows of files that this process has just written.
    """

    def __init__(self) -> None:
        self._lane = Lane()
        self._mutex = Mutex()
        self._due: set[Place] = set()
        self._user: tuple[str, int] | None = None
        self._written: defaultdict[Place, _Written] = defaultdict(_Written)
        self._failure: LakestoreError | None = None
        self._appends = 0
        self.recent = RecentRows(0)

    @classmethod
    def of(cls, *place: str) -> "Beside":
        """The one of the table there: store, folder, branch."""
        with _GUARD:
            found = _TABLES.get(place)
            if found is None:
                found = _TABLES[place] = cls()
            return found

    def recent_of(self, options: TableOptions) -> RecentRows | None:
        """Keeps the rows of what this process writes until it compacts them; None where it never will."""
        if options.write.write_only:
            return None
        self.recent.limit(options.compact.recent_bytes)
        return self.recent

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until nothing is left to be done, as if commits paused; whether that is so now.

        Args:
            timeout: Seconds to wait at most.
        """
        return self._lane.wait(timeout)

    def stir(self) -> None:
        """Rows are being taken for a commit: this is no pause."""
        self._lane.stir()

    def stop(self) -> None:
        """Wait for what is due and leave the rest: somebody is about to change the table as a whole."""
        self._lane.forget_afterthoughts()
        self._lane.wait()

    def compact_after(self, parts: CompactParts, landed: Landed, *, spent: float = 0.0) -> CommitResult:
        """Have done what is due after a commit; the commit's result.

        Args:
            parts: The table; ``beside`` says of its options that compaction goes on here.
            landed: The commit.
            spent: Seconds that the commit has taken.
        """
        result, number = landed.result, landed.snapshot_id if landed.result.snapshot_ids else 0
        if number and landed.touched:
            own: dict[Place, list[ManifestEntry]] = {}

            def look() -> list[int]:
                own.update(_touched(parts, landed))
                return []

            self._guarded(parts, number, look)
            if beside(parts.options) is Extent.SETTLED:
                waited = self._make_room(own, spent)
                lifted = replace(landed, live_before=None) if waited else landed
                result = compact_after(parts, lifted, extent=Extent.FRESH)
            self._guarded(parts, number, lambda: self._look(parts, landed, own, beside(parts.options), spent))
        return self._reported(result)

    def append_after(self, parts: CompactParts, landed: Landed) -> CommitResult:
        """Have small files written together after a commit to an append table; the commit's result.

        What a round of it leaves, because it came meanwhile, is for the next one. The commit that would begin the next
        one waits while there still is one under way, so that small files never pile up.
        """
        if landed.result.snapshot_ids and landed.touched:
            self._guarded(parts, landed.snapshot_id, lambda: self._look_at_appends(parts, landed))
        return self._reported(landed.result)

    def _look_at_appends(self, parts: CompactParts, landed: Landed) -> list[int]:
        number = landed.snapshot_id
        self._appends += 1
        enough = self._appends >= parts.options.append.min_files
        if not is_unordered(parts):
            due = _due(parts, _touched(parts, landed), Extent.DUE)
        else:
            # Snapshots of compactions come in between here, so that those with fitting numbers may all be such.
            looked_at = enough or looks(parts, number)
            due = landed.touched if looked_at and not parts.options.append.cluster.incremental else set()
        if due and enough:
            self._lane.wait(afterthoughts=False)
        if due and not self._lane.busy:
            self._appends = 0
            with self._mutex:
                self._due |= due
                self._user = (landed.request.user, landed.request.identifier) if _once(landed) else self._user
            self._lane.hand_in(lambda: self._compact(parts, number))
        return []

    def _reported(self, result: CommitResult) -> CommitResult:
        """The result with the reason of the last failure, if there was one since the last report."""
        with self._mutex:
            failure, self._failure = self._failure, None
        return replace(result, compact_error=failure) if failure is not None else result

    def settle_after(self, parts: CompactParts, landed: Landed) -> None:
        """Note a commit of a table that compacts within its commits: pauses are for merging whole here too."""
        if landed.result.snapshot_ids and landed.touched:
            guarded(parts, landed.snapshot_id, lambda: self._look(parts, landed, _touched(parts, landed)))

    def _look(
        self,
        parts: CompactParts,
        landed: Landed,
        own: "dict[Place, list[ManifestEntry]]",
        extent: Extent | None = None,
        spent: float = 0.0,
    ) -> list[int]:
        due, number = set() if extent is None else _due(parts, own, extent), landed.snapshot_id
        with self._mutex:
            if len(self._written) > PLACES_MAX:
                self._written.clear()
            for message in landed.request.messages:
                written = self._written[message.partition, message.bucket]
                written.commits += 1
                written.bytes += sum(file.size for file in message.new_files)
            settles = any(self._paid(parts, place, files) and _runs(files) > 1 for place, files in own.items())
            self._due |= due
            once = _once(landed) and extent is Extent.DUE
            self._user = (landed.request.user, landed.request.identifier) if once and due else self._user
        if due or settles:
            self._lane.hand_in(
                (lambda: self._compact(parts, number)) if due else None,
                afterthought=(lambda: self._guarded(parts, number, lambda: self._settle(parts))) if settles else None,
            )
        if extent is Extent.DUE:
            self._pace(parts.options.compact, max(map(_runs, own.values()), default=0), spent)
        return []

    def _make_room(self, own: "dict[Place, list[ManifestEntry]]", spent: float) -> bool:
        """Let compaction beside catch up before level 0 has to be merged with level 1; whether it was waited for."""
        if not self._lane.busy:
            return False
        fresh, first = ([_bytes_at(files, level) for files in own.values()] for level in (0, 1))
        if any(first):
            grown = any(many > GROWN * few for few, many in zip(fresh, first, strict=True))
            self._lane.wait(None if grown else ROOM_PATIENCE * spent, afterthoughts=False)
        return any(first)

    def _pace(self, options: CompactOptions, runs: int, spent: float) -> None:
        """Let compaction catch up: a little after each commit rather than long after one of them."""
        if runs > options.stop_trigger:
            self._lane.wait(afterthoughts=False)
        elif runs > options.trigger:
            self._lane.wait(PATIENCE * spent, afterthoughts=False)

    def _compact(self, parts: CompactParts, number: int) -> None:
        """What is due in the buckets handed in so far."""
        with self._mutex:
            due, self._due = self._due, set()
            user, self._user = self._user, None
        extent, wanted = beside(parts.options) or Extent.DUE, None if is_unordered(parts) else due
        self._guarded(parts, number, lambda: compact_until_done(_apart(parts), wanted, user=user, extent=extent))

    def _settle(self, parts: CompactParts) -> list[int]:
        """Merge whole what is small beside what was written to it."""
        snapshot = parts.snapshots.latest()
        if snapshot is None:
            return []
        with self._mutex:
            written = set(self._written)
        own = _by_place(snapshot_entries(parts.manifests, snapshot), written)
        with self._mutex:
            paid = {place for place, files in own.items() if self._paid(parts, place, files)}
            for place in paid:
                del self._written[place]
        places = {place for place in paid if _runs(own[place]) > 1}
        return compact_until_done(_apart(parts), places, extent=Extent.WHOLE) if places else []

    def _guarded(self, parts: CompactParts, number: int, compact: Callable[[], list[int]]) -> None:
        """Keep the reason, if it fails, for the next commit."""
        _, failure = guarded(parts, number, compact)
        if failure is not None:
            with self._mutex:
                self._failure = failure

    def _paid(self, parts: CompactParts, place: Place, files: Sequence[ManifestEntry]) -> bool:
        """Whether enough was written to a bucket for merging it whole in a pause."""
        written = self._written.get(place)
        if written is None or written.commits < parts.options.compact.trigger:
            return False
        return sum(entry.file.size for entry in files) <= min(written.bytes, SETTLED_BYTES_MAX)


_TABLES: "weakref.WeakValueDictionary[tuple[str, ...], Beside]" = weakref.WeakValueDictionary()
_GUARD = Mutex()


def _apart(parts: CompactParts) -> CompactParts:
    """The table with a committer that no other thread uses."""
    return replace(parts, committer=replace(parts.committer), ready=lambda *_: None)


def beside(options: TableOptions) -> Extent | None:
    """How much of a table is compacted beside its commits; None for nothing."""
    if options.compacts_beside:
        return Extent.DUE
    return Extent.SETTLED if options.looks_up and options.settles and can_lift(options.compact) else None


def _once(landed: Landed) -> bool:
    """Whether the commit's user may be another snapshot's, too.

    Identifiers of a job rise, and its newest snapshot tells how far it is: an old one must not come late.
    """
    return landed.request.identifier == BATCH_COMMIT_IDENTIFIER


def _touched(parts: CompactParts, landed: Landed) -> "dict[Place, list[ManifestEntry]]":
    """The live files of the buckets that a commit wrote to."""
    entries = landed.live()
    if entries is None:
        snapshot = parts.snapshots.find(landed.snapshot_id) or parts.snapshots.latest()
        entries = [] if snapshot is None else snapshot_entries(parts.manifests, snapshot)
    return _by_place(entries, landed.touched)


def _due(parts: CompactParts, own: "dict[Place, list[ManifestEntry]]", extent: Extent) -> set[Place]:
    """The buckets in which something is due, or will be once level 0 is lifted."""
    if extent is Extent.SETTLED:
        return {place for place, files in own.items() if _settles(parts, files)}
    entries = [entry for files in own.values() for entry in files]
    buckets = pick_buckets(parts.fitting(entries), entries, extent)
    return {(one.place.partition, one.place.bucket) for one in buckets}


def _settles(parts: CompactParts, files: Iterable[ManifestEntry]) -> bool:
    options = parts.options.compact
    levels = after_lift(Levels.of((each.file for each in files), num_levels=options.num_levels))
    return settle(levels, options, PickState(now_ms=parts.now_ms())) is not None


def _by_place(entries: Iterable[ManifestEntry], places: "set[Place]") -> "dict[Place, list[ManifestEntry]]":
    found: defaultdict[Place, list[ManifestEntry]] = defaultdict(list)
    for entry in entries:
        place = (entry.partition, entry.bucket)
        if place in places:
            found[place].append(entry)
    return found


def _bytes_at(files: Iterable[ManifestEntry], level: int) -> int:
    return sum(entry.file.size for entry in files if entry.file.level == level)


def _runs(files: Iterable[ManifestEntry]) -> int:
    """Sorted runs: every file of level 0, and every level above."""
    levels = [entry.file.level for entry in files]
    return levels.count(0) + len({level for level in levels if level > 0})
