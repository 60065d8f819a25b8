"""Making, moving and removing tags (Paimon ``TagManager``). What a tag that goes had kept alone goes with it."""

from dataclasses import dataclass

from lakestore.core.auto_tag import TagCalendar, is_over
from lakestore.errors import AlreadyExistsError, ConflictError, ErrorKind, InvalidInputError
from lakestore.maintain.cleaning import CleaningReport, CleanParts
from lakestore.maintain.expire_tags import delete_tag_files, delete_tags
from lakestore.maintain.protectors import is_held, same_state
from lakestore.model.snapshot import Snapshot
from lakestore.model.tag import Tag
from lakestore.model.tag_options import TagCreation

DAY_MS = 24 * 3_600_000


def create_tag(
    parts: CleanParts, name: str, snapshot: Snapshot, *, retained_ms: int | None = None, exists_ok: bool = False
) -> Tag:
    """Give a snapshot a name that keeps it.

    Args:
        parts: The open table.
        name: The tag's name.
        snapshot: What it names.
        retained_ms: How long it is kept; None for the table's default, which may be for good.
        exists_ok: Leave a tag of that name as it is, instead of raising.

    Raises:
        AlreadyExistsError: There is a tag of that name.
        InvalidInputError: The name is that of an automatic tag, and the snapshot has one already.
        ConflictError: The snapshot expired meanwhile; there is no such tag.
        CommitUnknownError: The store does not say whether it was made.
    """
    tag = _tag(parts, name, snapshot, retained_ms)
    _refuse_second_automatic(parts, tag)
    try:
        parts.tags.create(tag)
    except AlreadyExistsError:
        if not exists_ok:
            raise
        return parts.tags.get(name)
    if not is_held(parts, snapshot, beside=name):
        parts.tags.delete(name)
        raise _expired(parts, name, snapshot)
    return tag


@dataclass(frozen=True, slots=True)
class ReplacedTag:
    """A tag that names another snapshot now, or would.

    Attributes:
        tag: The tag.
        cleaned: The files that only the tag, as it was, had kept.
    """

    tag: Tag
    cleaned: CleaningReport

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot that it names."""
        return self.tag.snapshot


def replace_tag(
    parts: CleanParts, name: str, snapshot: Snapshot, *, retained_ms: int | None = None, dry_run: bool = False
) -> ReplacedTag:
    """Let a tag name another snapshot, in one step that others see whole or not at all.

    Then the files go that only the tag, as it was, had kept.

    Raises:
        NotFoundError: There is no tag of that name.
        ConflictError: The snapshot expired meanwhile; the tag is as it was.
    """
    old = parts.tags.get(name)
    tag = _tag(parts, name, snapshot, retained_ms)
    if not dry_run:
        parts.tags.replace(tag)
        if not (same_state(old.snapshot, snapshot) or is_held(parts, snapshot, beside=name)):
            parts.tags.replace(old)
            raise _expired(parts, name, snapshot)
    return ReplacedTag(tag, delete_tag_files(parts, old, instead=snapshot, dry_run=dry_run))


def delete_tag(parts: CleanParts, name: str, *, dry_run: bool = False) -> CleaningReport:
    """Remove a tag, and the files that only it had kept.

    Raises:
        NotFoundError: There is none of that name; the message names those there are.
        CorruptTableError: Something that decides what is still needed is damaged; the tag stays.
    """
    return delete_tags(parts, [parts.tags.get(name)], dry_run=dry_run)


def expire_tags_before(parts: CleanParts, *, older_than_ms: int | None = None, dry_run: bool = False) -> CleaningReport:
    """Remove the tags whose time is over, with the files that only they had kept.

    Args:
        parts: The open table.
        older_than_ms: Also tags made before that time, in milliseconds since the epoch; of a tag that does not say when
            it was made, its file's time counts.
        dry_run: Only say which.

    Raises:
        CorruptTableError: Something that decides what is still needed is damaged; that tag and those after it stay.
    """
    clock = parts.env.clock
    now = clock.now_ms()
    gone = [tag for tag in parts.tags.list() if is_over(tag, now + clock.local_offset_ms(now))]
    if older_than_ms is not None:
        older_than_ms = min(older_than_ms, now + DAY_MS)  # No tag was made later, and calendars end somewhere.
        limit = older_than_ms + clock.local_offset_ms(older_than_ms)
        modified = {file.path: file.modified_ms for file in parts.tags.files()}
        for tag in parts.tags.list():
            written = modified.get(parts.paths.tag(tag.name))
            old = tag.create_time_ms < limit if tag.create_time_ms is not None else False
            old = old or (tag.create_time_ms is None and written is not None and written < older_than_ms)
            if old and tag not in gone:
                gone.append(tag)
    return delete_tags(parts, gone, dry_run=dry_run)


def _tag(parts: CleanParts, name: str, snapshot: Snapshot, retained_ms: int | None) -> Tag:
    kept = parts.options.tags.default_time_retained_ms if retained_ms is None else retained_ms
    if kept is None:
        return Tag(name, snapshot)
    if kept < 0:
        raise InvalidInputError(f"tag {name!r}: it cannot be kept for {kept} ms; expected 0 or more")
    now = parts.env.clock.now_ms()
    return Tag(name, snapshot, now + parts.env.clock.local_offset_ms(now), kept)


def _expired(parts: CleanParts, name: str, snapshot: Snapshot) -> ConflictError:
    return ConflictError(
        f"tag {name!r} of {parts.name}: snapshot {snapshot.id} expired while the tag was being made, so that nothing"
        " keeps its files; tag a later snapshot",
        kind=ErrorKind.SNAPSHOT_NOT_FOUND,
    )


def _refuse_second_automatic(parts: CleanParts, tag: Tag) -> None:
    """Two automatic tags of one snapshot would make the engines that keep only some of them fail."""
    options = parts.options.tags
    if options.creation not in {TagCreation.PROCESS_TIME, TagCreation.WATERMARK}:
        return
    calendar = TagCalendar(options)
    if calendar.period_of(tag.name) is None:
        return
    others = [
        other.name
        for other in parts.tags.list()
        if other.snapshot.id == tag.snapshot.id and calendar.period_of(other.name) is not None
    ]
    if others and tag.name not in others:
        raise InvalidInputError(
            f"tag {tag.name!r} is named as an automatic tag, and snapshot {tag.snapshot.id} of {parts.name} has one"
            f" already: {', '.join(map(repr, others))}; choose another name"
        )
