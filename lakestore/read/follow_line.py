"""The line of snapshots as a streaming read walks along it: the next one, none yet, or gone.

1. The next snapshot is asked for by its number: one read, and no listing.
2. None, and it is the first look: the folder is listed once, to tell "not yet" from "expired" and from "beyond".
3. None again and again: every ``HINT_EVERY``-th look reads LATEST instead. Only when it says that the line went on
   elsewhere is the folder listed again. So an idle look costs one request, and a reader that slept through the expiry
   of its next snapshot still notices.
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

HINT_EVERY = 16
"""Of so many looks in vain one is at LATEST."""


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
        self._explained: int | None = None
        self._only_changelogs = False

    def find(self, position: Position) -> Snapshot | None:
        """The snapshot to read at that position; None while it is not there yet.

        Raises:
            OutOfRangeError: It is gone, or the line is another one.
        """
        following = position.next_snapshot
        snapshot = self._look(following)
        if snapshot is None:
            self._looks += 1
            return None
        self._looks = 0
        self._explained = None
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

    def _look(self, following: int) -> Snapshot | None:
        if self._only_changelogs:
            kept = self._changelogs.find(following)
            if kept is not None:
                return kept
            self._only_changelogs = False
        if self._looks == 0 or self._looks % HINT_EVERY:
            snapshot = self._snapshots.find(following)
            begun, self._begun = self._begun, True
            return snapshot if snapshot is not None or begun else self._search(following)
        return self._search(following) if self._says_otherwise(following) else None

    def _says_otherwise(self, following: int) -> bool:
        """Whether LATEST tells of another line than one that ends before that snapshot."""
        hint = self._snapshots.latest_hint()
        if hint is None or hint == following - 1 or hint == self._explained:
            return False
        self._explained = hint
        return True

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
