"""Time travel: from a point that somebody names to the snapshot that stands there (Paimon ``TimeTravelUtil``).

A snapshot whose own file expired is still found by its tag, and by its number if a tag holds it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields

from lakestore.errors import ErrorKind, InvalidInputError, NotFoundError
from lakestore.meta.snapshots import Snapshots
from lakestore.meta.tags import Tags
from lakestore.model.snapshot import Snapshot

NO_WATERMARK = -(1 << 63)
"""What other engines write for "no watermark yet"."""

_WATERMARK_VERSION = "watermark-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A point in the history of a table or branch; at most one of these is set, none means the latest snapshot.

    Attributes:
        snapshot: Snapshot number.
        tag: Name of a tag.
        timestamp_ms: The newest snapshot of that time or before, milliseconds since the epoch.
        watermark: The oldest snapshot whose watermark has reached that, milliseconds since the epoch.
        version: A tag's name, a snapshot's number, or ``watermark-`` and a watermark, as SQL's VERSION AS OF takes it.
    """

    snapshot: int | None = None
    tag: str | None = None
    timestamp_ms: int | None = None
    watermark: int | None = None
    version: str | None = None

    def __post_init__(self) -> None:
        given = [field.name for field in fields(self) if getattr(self, field.name) is not None]
        if len(given) > 1:
            raise InvalidInputError(
                f"a point in time is named once, not by {' and '.join(given)}; leave out all but one"
            )

    @property
    def is_latest(self) -> bool:
        """Whether nothing is set."""
        return self == Point()


def snapshot_at(snapshots: Snapshots, tags: Tags, point: Point) -> Snapshot | None:
    """The snapshot at a point; None only for the latest of a table that has none.

    Raises:
        NotFoundError: There is no such snapshot or tag; the message names those there are.
    """
    if point.tag is not None:
        return tags.get(point.tag).snapshot
    if point.snapshot is not None:
        return _numbered(snapshots, tags, point.snapshot)
    if point.timestamp_ms is not None:
        return snapshots.at_timestamp(point.timestamp_ms)
    if point.watermark is not None:
        return at_watermark(snapshots, tags, point.watermark)
    if point.version is not None:
        return _version(snapshots, tags, point.version)
    return snapshots.latest()


def at_watermark(snapshots: Snapshots, tags: Tags, watermark: int) -> Snapshot:
    """The oldest snapshot, expired ones under a tag included, whose watermark has reached a value.

    Raises:
        NotFoundError: There is none.
    """
    return _oldest(snapshots, tags, watermark, _watermark_of, "watermark")


def from_timestamp(snapshots: Snapshots, tags: Tags, epoch_ms: int) -> Snapshot:
    """The oldest snapshot, expired ones under a tag included, that was committed at a time or later.

    Raises:
        NotFoundError: There is none.
    """
    return _oldest(snapshots, tags, epoch_ms, lambda found: found.time_millis, "commit time")


def _watermark_of(snapshot: Snapshot) -> int | None:
    return None if snapshot.watermark == NO_WATERMARK else snapshot.watermark


def _oldest(
    snapshots: Snapshots, tags: Tags, least: int, value: Callable[[Snapshot], int | None], what: str
) -> Snapshot:
    known: Iterable[Snapshot] = (*(tag.snapshot for tag in tags.list()), *snapshots.list())
    values = [(reached, found.id, found) for found in known if (reached := value(found)) is not None]
    reaching = [one for one in values if one[0] >= least]
    if reaching:
        return min(reaching, key=lambda one: one[:2])[2]
    greatest = f"the greatest is {max(values)[0]}" if values else "no snapshot has one"
    raise NotFoundError(f"no snapshot has a {what} of {least} or more; {greatest}", kind=ErrorKind.SNAPSHOT_NOT_FOUND)


def _numbered(snapshots: Snapshots, tags: Tags, snapshot_id: int) -> Snapshot:
    found = snapshots.find(snapshot_id) if snapshot_id > 0 else None
    if found is not None:
        return found
    tagged = next((tag.snapshot for tag in tags.list() if tag.snapshot.id == snapshot_id), None)
    return snapshots.get(snapshot_id) if tagged is None else tagged


def _version(snapshots: Snapshots, tags: Tags, version: str) -> Snapshot:
    tag = tags.get_or_none(version)
    if tag is not None:
        return tag.snapshot
    digits = version.removeprefix(_WATERMARK_VERSION)
    if digits != version and digits.isdecimal():
        return at_watermark(snapshots, tags, int(digits))
    if version.isdecimal():
        return _numbered(snapshots, tags, int(version))
    return tags.get(version).snapshot
