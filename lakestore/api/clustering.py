"""What users do to make queries skip most of an append table: lay its rows out along a curve."""

from collections.abc import Callable

from lakestore.api.context import TableContext
from lakestore.api.predicates import as_predicate
from lakestore.data.cluster_rewrite import DEFAULT_MEMORY
from lakestore.errors import ErrorKind, InvalidInputError
from lakestore.maintain.cluster import Clusterer, ClusterReport
from lakestore.maintain.partitions import bound_to_partitions
from lakestore.model.checked import checked
from lakestore.model.predicate import Predicate

COLUMNS_OPTION = "clustering.columns"


class Clustered:
    """The part of ``Table`` that lays rows out."""

    _context: TableContext

    @checked
    def cluster_by(
        self,
        *columns: str,
        curve: str | None = None,
        where: "str | Predicate | None" = None,
        memory: int = DEFAULT_MEMORY,
        scratch: str | None = None,
        dry_run: bool = False,
        progress: Callable[[str, int], None] | None = None,
    ) -> ClusterReport:
        """Write an append table's rows again, so that rows which queries ask for together lie together.

        One commit replaces the files; rows that others append meanwhile stay as they are. The rows do not change, so
        stream readers see nothing new.

        Args:
            columns: Columns that queries filter by, the most frequent first. Without any, those of the option
                ``clustering.columns``.
            curve: ``"zorder"``, ``"hilbert"`` or ``"order"`` (by value, first column first). Without one the option
                ``clustering.strategy`` decides, and without that ``order`` for one column, ``zorder`` up to four and
                ``hilbert`` from five on.
            where: Predicate on partition columns: only those partitions.
            memory: Decoded bytes held at a time; the process needs about three times as much. What does not fit is set
                aside on local disk.
            scratch: Folder for that; by default the system's for temporary files.
            dry_run: Only say what would be done.
            progress: Is told the partition at hand and the rows written since the last call.

        Raises:
            InvalidInputError: The table has a primary key or buckets, or a column cannot be sorted by.
            NotFoundError: A column does not exist.
            ConflictError: Another commit replaced files meanwhile; nothing has changed.
        """
        if memory <= 0:
            raise InvalidInputError(f"cluster_by(memory={memory!r}): expected a number of bytes above 0")
        if not dry_run:
            self._context.beside.stop()
        context, snapshot = self._context.at_latest()
        options = context.options.append.cluster
        wanted = columns or options.columns
        if not wanted:
            raise InvalidInputError(
                f"cluster_by() needs columns: name those that queries filter by, or set the option {COLUMNS_OPTION}",
                kind=ErrorKind.INVALID_OPTION,
            )
        clusterer = Clusterer(
            scan=context.scan_parts(),
            schema=context.schema,
            options=context.options,
            committer=context.committer(),
            memory_bytes=memory,
            scratch_directory=scratch,
            progress=progress,
        )
        return clusterer.run(
            snapshot,
            columns=wanted,
            curve=curve or options.strategy,
            where=bound_to_partitions(as_predicate(where), context.schema, verb="cluster_by"),
            dry_run=dry_run,
        )
