"""The tags that commits make by themselves (Paimon ``TagAutoCreation``, ``TagBatchCreation``), decided in the core.

1. Snapshots after the one that the newest automatic tag names are looked at, in order; those that expired are passed
   over.
2. Each makes the tag that is due at its time, if one is. A tag that is there already stays.
3. Automatic tags above the number that is kept are deleted, the oldest first, with the files that only they kept.

Batch mode: each batch commit makes or moves one tag, named after the day.

Invariant: nothing here undoes or fails the commit that came before; what cannot be done is told as an event.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from lakestore.core.auto_tag import TagCalendar, batch_name
from lakestore.errors import AlreadyExistsError, ErrorKind, InvalidInputError, LakestoreError
from lakestore.events import CleaningFailed
from lakestore.maintain.cleaning import CleanParts
from lakestore.maintain.expire_tags import delete_tags
from lakestore.maintain.tags import create_tag, replace_tag
from lakestore.meta.travel import NO_WATERMARK
from lakestore.model.snapshot import BATCH_COMMIT_IDENTIFIER, Snapshot
from lakestore.model.tag import Tag
from lakestore.model.tag_options import TagCreation, TagOptions

_OFFSET = re.compile(r"(?:UTC|GMT|UT)?([+-])(\d{1,2})(?::?(\d{2}))?")


def tag_after_commit(parts: CleanParts, latest: int) -> None:
    """Make the tags that a commit made due; never raises for a failure.

    Args:
        parts: The table, on the branch that was committed to.
        latest: Number of the snapshot just made.
    """
    options = parts.options.tags
    if options.creation is TagCreation.NONE:
        return
    try:
        if options.creation is TagCreation.BATCH:
            _tag_batch(parts, options, latest)
        else:
            make_tags(parts)
    except LakestoreError as error:
        parts.env.emit(CleaningFailed(table=parts.name, snapshot_id=latest, reason=f"automatic tags: {error.message}"))


def make_tags(parts: CleanParts) -> tuple[Tag, ...]:
    """Make the automatic tags that are due, and delete those that are too many.

    Returns:
        The tags made.

    Raises:
        InvalidInputError: The options of tags contradict each other, or name no time zone.
    """
    options = parts.options.tags
    calendar = TagCalendar(options)
    time_of = _clock_of(parts, options)
    names = parts.tags.names()
    following = calendar.next_period(names)
    newest = calendar.newest(names)
    made = []
    for snapshot in _since(parts, None if newest is None else parts.tags.get(newest).snapshot.id):
        time = time_of(snapshot)
        due = None if time is None else calendar.decide(time, following)
        if due is None:
            continue
        following = due.following
        made.append(create_tag(parts, due.name, snapshot, exists_ok=True))
        surplus = set(calendar.surplus(parts.tags.list()))
        delete_tags(parts, [tag for tag in parts.tags.list() if tag.name in surplus])
    return tuple(made)


def _since(parts: CleanParts, tagged: int | None) -> list[Snapshot]:
    """Snapshots after a number, as far as they have not expired; all for None."""
    wanted = [number for number in parts.snapshots.ids() if tagged is None or number > tagged]
    return [snapshot for number in wanted if (snapshot := parts.snapshots.find(number)) is not None]


def _tag_batch(parts: CleanParts, options: TagOptions, latest: int) -> None:
    snapshot = parts.snapshots.find(latest)
    if snapshot is None or snapshot.commit_identifier != BATCH_COMMIT_IDENTIFIER:
        return
    name = batch_name(options, _wall(parts, options.process_zone)(snapshot.time_millis))
    try:
        create_tag(parts, name, snapshot)
    except AlreadyExistsError:
        replace_tag(parts, name, snapshot)
    if options.num_retained_max is not None:
        modified = {file.path: file.modified_ms or 0 for file in parts.tags.files()}
        tags = sorted(parts.tags.list(), key=lambda tag: (tag.snapshot.id, modified.get(parts.paths.tag(tag.name), 0)))
        delete_tags(parts, tags[: max(0, len(tags) - options.num_retained_max)])


def _clock_of(parts: CleanParts, options: TagOptions) -> Callable[[Snapshot], int | None]:
    """A snapshot's time by the wall clock that the options mean; None for one that has none."""
    if options.creation is TagCreation.PROCESS_TIME:
        wall = _wall(parts, options.process_zone)
        return lambda snapshot: wall(snapshot.time_millis)
    wall = _wall(parts, options.watermark_zone)
    return lambda snapshot: None if snapshot.watermark in {None, NO_WATERMARK} else wall(snapshot.watermark or 0)


def _wall(parts: CleanParts, zone: str | None) -> Callable[[int], int]:
    """Turns milliseconds since the epoch into those of a wall clock; of the machine's own for no zone."""
    if zone is None:
        return lambda epoch_ms: epoch_ms + parts.env.clock.local_offset_ms(epoch_ms)
    rules = _zone(zone)

    def wall(epoch_ms: int) -> int:
        offset = datetime.fromtimestamp(epoch_ms / 1000, UTC).astimezone(rules).utcoffset() or timedelta()
        return epoch_ms + offset // timedelta(milliseconds=1)

    return wall


def _zone(name: str) -> tzinfo:
    offset = _OFFSET.fullmatch(name)
    if name in {"UTC", "GMT", "UT", "Z"}:
        return UTC
    try:
        if offset is not None:
            size = timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0))
            return timezone(size if offset[1] == "+" else -size)
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        raise InvalidInputError(
            f"time zone {name!r} is not known: expected a name such as Europe/Berlin, or UTC+2",
            kind=ErrorKind.INVALID_OPTION,
        ) from error
