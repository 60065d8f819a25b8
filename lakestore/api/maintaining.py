"""What users do to keep a table fast: look at its LSM, and compact it."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from lakestore.api.context import TableContext
from lakestore.api.predicates import partitions_where
from lakestore.api.times import seconds_millis
from lakestore.core.options_values import parse_duration, parse_size
from lakestore.errors import InvalidInputError
from lakestore.maintain.compact import CompactProgress, CompactReport, compact_table
from lakestore.maintain.levels_picture import picture_levels
from lakestore.maintain.levels_records import LevelsPicture
from lakestore.maintain.partitions import PartitionValues, bound_to_partitions, one_of_partitions
from lakestore.model.checked import checked
from lakestore.model.predicate import Predicate
from lakestore.model.schema import TableSchema

WAIT_SECONDS_MAX = 1e9
"""About what a thread can be made to wait."""

STRATEGIES = {"universal": False, "minor": False, "full": True}
"""Names of strategies, and whether each compacts everything; ``minor`` is Paimon's own name for ``universal``."""


class Maintained:
    """The part of ``Table`` that keeps it fast."""

    _context: TableContext

    @checked
    def levels(self, where: "str | Predicate | None" = None) -> LevelsPicture:
        """The LSM: for each bucket its sorted runs, and what the next compaction would take, and why.

        Args:
            where: Predicate on partition columns (SQL text or an expression): only those partitions.

        Raises:
            InvalidInputError: The predicate looks at other columns.
        """
        context, snapshot = self._context.at_latest()
        return picture_levels(
            context.manifests,
            snapshot,
            schema=context.schema,
            options=context.options,
            clock=context.env.clock,
            name=context.name,
            where=partitions_where(where, context.schema, verb="levels"),
        )

    @checked
    def wait_for_compaction(self, timeout: float | None = None) -> bool:
        """Wait until what this process compacts beside its commits is done; then a scan finds the table at its fastest.

        Commits do not wait for it, unless they outrun it. The end of the process does, so that only those need this
        who scan right after they wrote, or who may not leave threads behind.

        Args:
            timeout: Seconds to wait at most.

        Returns:
            Whether nothing is left to be done. Failures are events, and the ``compact_error`` of the next commit.
        """
        if timeout is not None:
            timeout = min(seconds_millis(timeout, "wait_for_compaction(timeout=") / 1000, WAIT_SECONDS_MAX)
        return self._context.beside.wait(timeout)

    @checked
    def compact(  # noqa: PLR0913 - what may be said of one job, all by name
        self,
        *,
        full: bool = False,
        strategy: str | None = None,
        partitions: "Sequence[PartitionValues] | None" = None,
        where: "str | Predicate | None" = None,
        idle: "str | timedelta | None" = None,
        budget_bytes: "int | str | None" = None,
        budget_files: int | None = None,
        dry_run: bool = False,
        progress: Callable[[CompactProgress], None] | None = None,
    ) -> CompactReport:
        """Merge sorted runs into fewer, or small files of an append table: what the triggers find due, or everything.

        Reading gives the same rows before and after. Writers need not stop, and several such jobs may run at once.
        Writers do this by themselves after their commits unless the table is ``write-only``.

        Args:
            full: Merge every bucket into one run at its top level; write all small files of an append table together.
            strategy: ``"universal"`` (what the triggers find due; also called ``"minor"``) or ``"full"``.
            partitions: Only those, each as values of partition columns: ``[{"day": "2026-11-20"}]``.
            where: Instead, a predicate on partition columns.
            idle: Only partitions to which nothing was written for that long: ``"1 h"``.
            budget_bytes: Bytes to read at most, ``"2 gb"`` or a number; at least one bucket is compacted.
            budget_files: Files to read at most; at least one bucket is compacted.
            dry_run: Only say what would be done.
            progress: Is told of each bucket rewritten.

        Returns:
            What was done, bucket by bucket.

        Raises:
            InvalidInputError: An argument makes no sense.
            NotFoundError: A partition column does not exist.
            ConflictError: Others replaced the files first again and again; buckets compacted before stay so.
            CommitUnknownError: Nobody can know whether a snapshot was made; nothing was deleted.
        """
        self._context.beside.stop()
        context, _ = self._context.at_latest()
        return compact_table(
            context.compact_parts(),
            full=_is_full(full=full, strategy=strategy),
            where=_chosen(partitions, where, context.schema),
            idle_ms=_millis(idle),
            budget_bytes=_budget(budget_bytes, "budget_bytes"),
            budget_files=_budget(budget_files, "budget_files"),
            dry_run=dry_run,
            progress=progress,
        )


def _is_full(*, full: bool, strategy: str | None) -> bool:
    if strategy is None:
        return full
    known = STRATEGIES.get(strategy.strip().lower())
    if known is None:
        raise InvalidInputError(f"compact(strategy={strategy!r}): expected one of {', '.join(STRATEGIES)}")
    if full and not known:
        raise InvalidInputError(f"compact(full=True, strategy={strategy!r}): they contradict each other, give one")
    return known


def _chosen(
    partitions: "Sequence[PartitionValues] | None", where: "str | Predicate | None", schema: TableSchema
) -> Predicate | None:
    if partitions is None:
        return partitions_where(where, schema, verb="compact")
    if where is not None:
        raise InvalidInputError("compact() takes partitions= or where=, not both")
    return bound_to_partitions(one_of_partitions(partitions, schema), schema, verb="compact")


def _millis(idle: "str | timedelta | None") -> int | None:
    if idle is None:
        return None
    if isinstance(idle, timedelta):
        millis = idle // timedelta(milliseconds=1)
        if millis < 0:
            raise InvalidInputError(f"compact(idle={idle!r}): expected no time in the future")
        return millis
    try:
        return parse_duration(idle)
    except ValueError as error:
        raise InvalidInputError(f"compact(idle={idle!r}): {error}") from error


def _budget(amount: "int | str | None", name: str) -> int | None:
    if amount is None:
        return None
    try:
        number = parse_size(amount) if isinstance(amount, str) else amount
    except ValueError as error:
        raise InvalidInputError(f"compact({name}={amount!r}): {error}") from error
    if number < 1:
        raise InvalidInputError(f"compact({name}={amount!r}): expected at least 1; leave it out for no limit")
    return number
