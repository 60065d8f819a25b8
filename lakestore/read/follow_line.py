"""The line of snapshots as a streaming read walks along it: the next one, none yet, or gone.

1. The next snapshot is asked for by its number: one read, and no listing.
2. None, and it is the very first look, or the second in vain: the one before it is looked for. The latest snapshot
   never expires, so where that one is still there the next has yet to come. Otherwise the folder is listed, to tell
   "expired" from "beyond".
3. None again and again: every ``CHECK_EVERY``-th look is at the one before it instead, with the same consequences. So
   an idle look costs one request, and a reader that slept through the expiry of its next snapshot still notices.
4. What expired from ``snapshot/`` is looked for in ``changelog/``.
5. A snapshot that is found must follow the one that was read before it: if another stands in that one's place now, the
   table was rolled back or made anew, and its changes do not add up to what the reader has.

Invariant: no snapshot is ever left out in silence.
"""

from lakestore.core.stream_step import Place, place_of
from lakestore.errors import OutOfRangeError
from lakestore.model.snapshot import Snapshot
from lakestore.model.stream import Position
from lakestore.read.follow_parts import FollowParts, mark_of

CHECK_EVERY = 32
"""Of so many looks in vain one is at the snapshot before the one that is waited for."""


class SnapshotLine:
    """Finds the next snapshot.

    Args:
        parts: The open table.
    """

    def __init__(self, parts: FollowParts) -> None:
        self._snapshots = parts.snapshots
        self._changelogs = parts.changelogs
        self._name = parts.reader.parts.name
        self._begun = False
        self._looks = 0
        self._absent: int | None = None
        self._unchecked = True
        self._only_changelogs = False

    def was_absent(self, following: int) -> None:
        """Say that the snapshot of that number was looked for a moment ago, behind the latest, and is yet to come."""
        self._absent = following
        self._begun, self._unchecked = True, False

    def find(self, position: Position) -> Snapshot | None:
        """The snapshot to read at that position; None while it is not there yet.

        Raises:
            OutOfRangeError: It is gone, or the line is another one.
        """
        following = position.next_snapshot
        snapshot = self._look(position)
        if snapshot is None:
            self._looks += 1
            return None
        self._looks, self._unchecked = 0, True
        if position.after is not None and following > 1:
            self._check(position, self._snapshots.find(following - 1))
        return snapshot

    def is_gone(self, snapshot: Snapshot, *, full: bool) -> bool:
        """Whether a snapshot that was there is there no more; its changes may outlive its state (``full``)."""
        if self._snapshots.find(snapshot.id) == snapshot:
            return False
        return full or self._changelogs.find(snapshot.id) is None

    def out_of_range(self, position: int, reason: str) -> OutOfRangeError:
        """The error for a position that cannot be read."""
        ids, kept = self._snapshots.ids(), self._changelogs.ids()
        readable = sorted({*ids, *kept})
        there = f"there are snapshots {ids[0]} to {ids[-1]}" if ids else "there is no snapshot"
        if kept:
            there += f", and changelogs {kept[0]} to {kept[-1]}"
        later = [number for number in readable if number >= position]
        return OutOfRangeError(
            f"table {self._name}: the stream's next snapshot, {position}, {reason}; {there}. Begin anew where you"
            " choose: expired='earliest' goes on with the earliest that is left, expired='latest-full' with all rows of"
            " the latest. A consumer keeps its snapshots from expiring",
            position=position,
            earliest=next(iter(later or readable), None),
            latest=max(ids, default=None),
        )

    def _look(self, position: Position) -> Snapshot | None:
        following = position.next_snapshot
        if self._only_changelogs:
            kept = self._changelogs.find(following)
            if kept is not None:
                return kept
            self._only_changelogs = self._begun = False
        begun, self._begun = self._begun, True
        absent, self._absent = self._absent, None
        if absent == following:
            return None
        if self._looks == 0 or self._looks % CHECK_EVERY:
            snapshot = self._snapshots.find(following)
            if snapshot is not None:
                return snapshot
            if begun and not (self._unchecked and self._looks == 1):
                return None
        self._unchecked = False
        return None if self._is_coming(position) else self._search(following)

    def _is_coming(self, position: Position) -> bool:
        """Whether the snapshot before that position is still there, so that the next is yet to come."""
        before = self._snapshots.find(position.next_snapshot - 1) if position.next_snapshot > 1 else None
        if before is not None and position.after is not None:
            self._check(position, before)
        return before is not None

    def _search(self, following: int) -> Snapshot | None:
        ids = self._snapshots.ids()
        place = place_of(following, earliest=ids[0] if ids else None, latest=ids[-1] if ids else None)
        if place is Place.COMING:
            return None
        if place is Place.BEYOND:
            raise self.out_of_range(following, "lies beyond the latest: the table was rolled back or made anew")
        snapshot = self._snapshots.find(following) if place is Place.THERE else self._changelogs.find(following)
        if snapshot is None:
            raise self.out_of_range(following, "has expired")
        self._only_changelogs = place is Place.EXPIRED
        return snapshot

    def _check(self, position: Position, before: Snapshot | None) -> None:
        if before is not None and mark_of(before) != position.after:
            raise self.out_of_range(
                position.next_snapshot,
                f"follows another snapshot {before.id} than the one that was read: the table was rolled back or made"
                " anew",
            )
