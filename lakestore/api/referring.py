"""What a table does with its references: tags, branches, rollback."""

from lakestore.api.context import TableContext
from lakestore.api.refs import point_of
from lakestore.api.refs_branches import BranchRefs
from lakestore.api.refs_tags import TagRefs
from lakestore.errors import InvalidInputError
from lakestore.maintain.rollback import RollbackReport, rollback
from lakestore.maintain.rollback_as_new import RollForwardReport, rollback_as_new
from lakestore.meta.travel import snapshot_at
from lakestore.model.checked import checked
from lakestore.model.snapshot import Snapshot


class Referring:
    """References of one table; ``Table`` takes it in."""

    _context: TableContext

    @property
    def tags(self) -> TagRefs:
        """The table's tags: ``.create``, ``.list``, ``.get``, ``.rename``, ``.replace``, ``.delete``, ``.expire``."""
        return TagRefs(self._context)

    @property
    def branches(self) -> BranchRefs:
        """The table's branches: ``.create(name)``, ``.list()``, ``.rename``, ``.delete``, ``.fast_forward``."""
        return BranchRefs(self._context)

    @checked
    def rollback(
        self,
        *,
        snapshot: int | None = None,
        tag: str | None = None,
        timestamp: object = None,
        watermark: int | None = None,
        dry_run: bool = False,
    ) -> RollbackReport:
        """Go back to a snapshot: all later snapshots, their changelogs and the tags on them are gone for good.

        Nobody should write meanwhile. Columns and options stay as they are now. Files that only the later snapshots
        used are removed when orphans are cleaned, not here.

        Args:
            snapshot: Number of the snapshot to go back to.
            tag: Or a tag; its snapshot may have expired.
            timestamp: Or a time, as in ``at``: the newest snapshot that is not younger.
            watermark: Or a watermark: the oldest snapshot that has reached it.
            dry_run: Only say what would go.

        Raises:
            NotFoundError: There is no such snapshot or tag.
            InvalidInputError: Not exactly one of them was given.
        """
        self._context.beside.stop()
        target = self._target("rollback", snapshot, tag, timestamp, watermark)
        return rollback(self._context.clean_parts(), target, dry_run=dry_run)

    @checked
    def rollback_as_new(
        self,
        *,
        snapshot: int | None = None,
        tag: str | None = None,
        timestamp: object = None,
        watermark: int | None = None,
        dry_run: bool = False,
    ) -> RollForwardReport:
        """Bring back the rows of a snapshot in a new one; nothing of the history goes. Arguments as in ``rollback``.

        Files that came back are copied, so that expiry of the snapshots in which they were removed cannot touch them.

        Raises:
            NotFoundError: There is no such snapshot or tag.
            InvalidInputError: Not exactly one of them was given.
            ConflictError: Others commit faster than this does.
            UnsupportedFormatError: The table has index files, which would have to be brought back too.
        """
        self._context.beside.stop()
        target = self._target("rollback_as_new", snapshot, tag, timestamp, watermark)
        context = self._context
        return rollback_as_new(
            context.clean_parts(), context.write_parts(), context.committer(), target, dry_run=dry_run
        )

    def _target(
        self, verb: str, snapshot: int | None, tag: str | None, timestamp: object, watermark: int | None
    ) -> Snapshot:
        parts = self._context.clean_parts()
        point = point_of(snapshot=snapshot, tag=tag, timestamp=timestamp, watermark=watermark)
        found = None if point.is_latest else snapshot_at(parts.snapshots, parts.tags, point)
        if found is None:
            raise InvalidInputError(f"{verb}() takes one of snapshot=, tag=, timestamp= and watermark=")
        return found
