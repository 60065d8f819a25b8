"""What users do about file indexes: make them for files that were written without."""

from lakestore.api.context import TableContext
from lakestore.api.predicates import partitions_where
from lakestore.maintain.file_index import IndexReport, rewrite_file_index
from lakestore.model.checked import checked
from lakestore.model.predicate import Predicate


class Indexed:
    """The part of ``Table`` that keeps file indexes."""

    _context: TableContext

    @checked
    def rewrite_file_index(
        self, where: "str | Predicate | None" = None, *, all_files: bool = False, dry_run: bool = False
    ) -> IndexReport:
        """Make the indexes that the ``file-index`` options ask for, of files that are there already.

        New files get theirs when they are written; this is for the others, after the options changed. Rows and data
        files stay as they are: one COMPACT snapshot lists the files with their new indexes. Indexes that the options
        do not name any more go.

        Args:
            where: Predicate on partition columns: only those partitions.
            all_files: Also files whose indexes are of the kinds and columns asked for: their settings may be old.
            dry_run: Only count the files.

        Returns:
            How many files were looked at, indexed, and freed of indexes.

        Raises:
            InvalidInputError: The predicate looks at columns that are no partition columns.
            ConflictError: Others replaced files again and again; nothing changed.
        """
        if not dry_run:
            self._context.beside.stop()
        context, snapshot = self._context.at_latest()
        return rewrite_file_index(
            context.compact_parts(),
            snapshot,
            where=partitions_where(where, context.schema, verb="rewrite_file_index"),
            all_files=all_files,
            dry_run=dry_run,
        )
