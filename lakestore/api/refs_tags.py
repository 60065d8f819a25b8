"""A table's tags as users hold them: snapshots under names that keep them."""

from datetime import timedelta

import pyarrow as pa

from lakestore.api.context import TableContext
from lakestore.api.refs import point_of
from lakestore.api.times import timestamp_millis
from lakestore.core.options_values import parse_duration
from lakestore.errors import ErrorKind, InvalidInputError, NotFoundError
from lakestore.maintain.cleaning import CleaningReport
from lakestore.maintain.system_refs import tag_rows
from lakestore.maintain.tags import ReplacedTag, create_tag, delete_tag, expire_tags_before, replace_tag
from lakestore.meta.travel import from_timestamp, snapshot_at
from lakestore.model.checked import checked
from lakestore.model.snapshot import Snapshot
from lakestore.model.tag import Tag


class TagRefs:
    """The tags of one table or branch."""

    def __init__(self, context: TableContext) -> None:
        self._context = context
        self._parts = context.clean_parts()

    @checked
    def create(
        self,
        name: str,
        *,
        snapshot: int | None = None,
        timestamp: object = None,
        watermark: int | None = None,
        time_retained: timedelta | str | None = None,
        exists_ok: bool = False,
    ) -> Tag:
        """Name a snapshot, the latest by default; it and all its files are kept while the tag is there.

        Args:
            name: The tag's name.
            snapshot: Number of a snapshot.
            timestamp: The oldest snapshot that was committed at that time or later; as in ``Table.at``.
            watermark: The oldest snapshot whose watermark has reached that.
            time_retained: After which time the tag may be removed: ``timedelta`` or text such as ``"7 d"``; by default
                what option ``tag.default-time-retained`` says, else never.
            exists_ok: Leave a tag of that name as it is, instead of raising.

        Raises:
            AlreadyExistsError: There is a tag of that name.
            NotFoundError: There is no such snapshot.
        """
        found = self._snapshot(snapshot, timestamp, watermark)
        return create_tag(self._parts, name, found, retained_ms=duration_millis(time_retained), exists_ok=exists_ok)

    @checked
    def replace(
        self,
        name: str,
        *,
        snapshot: int | None = None,
        timestamp: object = None,
        watermark: int | None = None,
        time_retained: timedelta | str | None = None,
        dry_run: bool = False,
    ) -> ReplacedTag:
        """Let a tag name another snapshot, the latest by default, and remove the files that only it had kept.

        Args:
            name: The tag's name.
            snapshot: Number of a snapshot.
            timestamp: As in ``create``.
            watermark: As in ``create``.
            time_retained: As in ``create``.
            dry_run: Only list what would go.

        Raises:
            NotFoundError: There is no tag of that name, or no such snapshot.
        """
        found = self._snapshot(snapshot, timestamp, watermark)
        retained = duration_millis(time_retained)
        return replace_tag(self._parts, name, found, retained_ms=retained, dry_run=dry_run)

    @checked
    def get(self, name: str) -> Tag:
        """One tag.

        Raises:
            NotFoundError: There is none of that name; the message names those there are.
        """
        return self._parts.tags.get(name)

    def list(self) -> pa.Table:
        """All tags, by snapshot; columns as in Paimon's system table ``tags``."""
        return tag_rows(self._parts)

    @checked
    def rename(self, name: str, new_name: str) -> None:
        """Give a tag another name.

        Raises:
            NotFoundError: There is no tag of that name.
            AlreadyExistsError: The new name is taken.
        """
        self._parts.tags.rename(name, new_name)

    @checked
    def delete(self, name: str, *, dry_run: bool = False) -> CleaningReport:
        """Remove a tag, and the files that only it kept. The report names them.

        Raises:
            NotFoundError: There is no tag of that name.
        """
        return delete_tag(self._parts, name, dry_run=dry_run)

    @checked
    def expire(self, *, older_than: object = None, dry_run: bool = False) -> CleaningReport:
        """Remove the tags whose time is over.

        Args:
            older_than: Also the tags made before that time; as ``timestamp`` in ``Table.at``.
            dry_run: Only say which.
        """
        limit = None if older_than is None else timestamp_millis(older_than)
        return expire_tags_before(self._parts, older_than_ms=limit, dry_run=dry_run)

    def _snapshot(self, snapshot: int | None, timestamp: object, watermark: int | None) -> Snapshot:
        parts = self._parts
        point = point_of(snapshot=snapshot, timestamp=timestamp, watermark=watermark)
        if point.timestamp_ms is not None:
            return from_timestamp(parts.snapshots, parts.tags, point.timestamp_ms)
        found = snapshot_at(parts.snapshots, parts.tags, point)
        if found is None:
            raise NotFoundError(
                f"{parts.name} has no snapshot yet: write to it before you tag it", kind=ErrorKind.SNAPSHOT_NOT_FOUND
            )
        return found


def duration_millis(value: timedelta | str | None) -> int | None:
    """A duration as milliseconds.

    Raises:
        InvalidInputError: It is none.
    """
    if value is None:
        return None
    if isinstance(value, timedelta):
        if value < timedelta(0):
            raise InvalidInputError(f"duration {value!r}: expected no time in the past")
        return value // timedelta(milliseconds=1)
    try:
        return parse_duration(value)
    except (AttributeError, TypeError, ValueError) as error:
        raise InvalidInputError(f"duration {value!r}: expected timedelta, or text such as 7 d or 12 h") from error
