"""Options of append tables: small files, and the order in which rows are laid out."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterOptions:
    """How rows of an append table are laid out.

    Attributes:
        columns: Option ``clustering.columns``: the columns that queries filter by, the most frequent first.
        strategy: Option ``clustering.strategy``; None for ``auto``.
        incremental: Option ``clustering.incremental``: by levels, a part of the table at a time.
        optimize_write: Option ``clustering.incremental.optimize-write``: writers lay their rows out, too.
        idle_ms: Option ``clustering.history-partition.idle-to-full-sort``.
        history_limit: Option ``clustering.history-partition.limit``: such partitions taken at a time.
    """

    columns: tuple[str, ...] = ()
    strategy: str | None = None
    incremental: bool = False
    optimize_write: bool = False
    idle_ms: int | None = None
    history_limit: int = 5

    @property
    def on_write(self) -> bool:
        """Whether writers lay out what they write."""
        return bool(self.columns) and (self.optimize_write or not self.incremental)


@dataclass(frozen=True, slots=True, kw_only=True)
class AppendOptions:
    """What only append tables have.

    Attributes:
        min_files: Option ``compaction.min.file-num``: small files that are worth being written together.
        file_limit: Option ``compaction.file-num-limit``: small files looked at for one compaction.
        precommit: Option ``precommit-compact``: a writer's own small files are written together before its commit.
        ordered: Option ``bucket-append-ordered``: rows of a bucket keep the order they were written in.
        row_ids: Option ``row-tracking.enabled``: every row has an id.
        cluster: How rows are laid out.
    """

    min_files: int = 5
    file_limit: int = 100_000
    precommit: bool = False
    ordered: bool = True
    row_ids: bool = False
    cluster: ClusterOptions = ClusterOptions()
