"""A table's branches as users hold them: lines of snapshots of their own over shared files."""

import pyarrow as pa

from lakestore.api.context import TableContext
from lakestore.maintain.branches import CreatedBranch, RemovedBranch, create_branch, delete_branch, rename_branch
from lakestore.maintain.fast_forward import FastForwardReport, fast_forward
from lakestore.maintain.system_refs import branch_rows
from lakestore.meta.branches import Branches
from lakestore.meta.travel import Point, snapshot_at
from lakestore.model.checked import checked


class BranchRefs:
    """The branches of one table. Open one with ``table.at(branch=…)``."""

    def __init__(self, context: TableContext) -> None:
        self._parts = context.clean_parts()

    @checked
    def create(
        self, name: str, *, tag: str | None = None, snapshot: int | None = None, exists_ok: bool = False
    ) -> CreatedBranch:
        """Make a branch; empty, with the table's columns and options, unless it starts from something.

        Args:
            name: The new branch's name.
            tag: Start from that tag. Keep the tag as long as the branch: it is what keeps the branch's files.
            snapshot: Start from that snapshot; a tag ``branch-NAME`` is made to keep its files.
            exists_ok: Leave a branch of that name as it is, instead of raising.

        Raises:
            AlreadyExistsError: There is a branch of that name.
            NotFoundError: There is no such tag or snapshot.
            InvalidInputError: No branch can have that name.
        """
        parts = self._parts
        found = None if snapshot is None else snapshot_at(parts.snapshots, parts.tags, Point(snapshot=snapshot))
        return create_branch(parts, name, tag=tag, snapshot=found, exists_ok=exists_ok)

    def list(self) -> pa.Table:
        """All branches but ``main``, by name; columns as in Paimon's system table ``branches``."""
        return branch_rows(self._parts)

    def names(self) -> tuple[str, ...]:
        """Names of all branches but ``main``."""
        branches = Branches(self._parts.store, self._parts.paths)
        return tuple(name for name in branches.list() if branches.exists(name))

    @checked
    def rename(self, name: str, new_name: str) -> None:
        """Give a branch another name. Nobody may write to it meanwhile.

        Raises:
            NotFoundError: There is no branch of that name.
            AlreadyExistsError: The new name is taken.
        """
        rename_branch(self._parts, name, new_name)

    @checked
    def delete(self, name: str, *, dry_run: bool = False) -> RemovedBranch:
        """Remove a branch's metadata. Files that only it used are removed when orphans are cleaned, not here.

        Raises:
            NotFoundError: There is no branch of that name.
            InvalidInputError: It is ``main``, or what scans fall back to.
        """
        return delete_branch(self._parts, name, dry_run=dry_run)

    @checked
    def fast_forward(self, name: str, *, discard: bool = False, dry_run: bool = False) -> FastForwardReport:
        """Let this table become what a branch is: its snapshots, schemas and tags.

        Then refresh the table, or open it again, wherever it is open.

        Args:
            name: The branch; it stays as it is.
            discard: Drop what this table committed since the branch was made. Without it, that is refused.
            dry_run: Only say what would change.

        Raises:
            NotFoundError: There is no branch of that name.
            InvalidInputError: The branch has no snapshot, or this table has commits of its own.
            ConflictError: Somebody committed meanwhile.
        """
        return fast_forward(self._parts, name, discard=discard, dry_run=dry_run)
