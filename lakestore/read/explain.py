"""A plan in figures and words: what each rule skipped, what is left to read, and what would skip more."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from lakestore.core.where_text import to_text
from lakestore.model.options import TableOptions
from lakestore.model.schema import TableSchema
from lakestore.model.split import Plan
from lakestore.read.advice import advise
from lakestore.read.groups import GroupReport, count_groups
from lakestore.read.parts import ScanParts
from lakestore.read.skips import BY_BUCKET, BY_INDEX, BY_KEY, BY_PARTITION, BY_STATS, HIDDEN

_NAMES = {
    BY_PARTITION: "partition",
    BY_BUCKET: "bucket",
    BY_KEY: "key range",
    BY_STATS: "statistics",
    BY_INDEX: "file index",
    HIDDEN: "not compacted yet",
}
_PAGES, _BLOOM = "page index", "Parquet bloom filter"
_HEAD = ("skipped by", "manifests", "partitions", "buckets", "files", "bytes", "row groups")


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What a scan will do. ``print`` it, or take ``to_dict``.

    Attributes:
        plan: The plan explained.
        groups: Row groups of the files that are left.
        where: The predicate as text, empty for none.
        hints: What would let it skip more.
    """

    plan: Plan
    groups: GroupReport
    where: str
    hints: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        plan = self.plan
        return {
            "snapshot": plan.snapshot_id,
            "schema": plan.schema_id,
            "columns": plan.columns,
            "where": self.where or None,
            "limit": plan.limit,
            "splits": len(plan.splits),
            "splits_read_straight": sum(split.raw for split in plan.splits),
            **asdict(plan.report),
            "row_groups": asdict(self.groups),
            "hints": self.hints,
        }

    def __str__(self) -> str:
        plan = self.plan
        if plan.snapshot_id is None:
            return "the table has no snapshot yet: nothing to read"
        straight = sum(split.raw for split in plan.splits)
        groups = self.groups
        splits = f"splits: {len(plan.splits)}, {straight} read straight, {len(plan.splits) - straight} merged"
        lines = [
            f"snapshot {plan.snapshot_id}, schema {plan.schema_id}, columns {', '.join(plan.columns)}",
            f"where {self.where or 'every row'}" + ("" if plan.limit is None else f", at most {plan.limit:,} rows"),
            "",
            *_aligned([_HEAD, *self._rows()]),
            "",
            f"{splits}; {groups.bytes_left:,} of {groups.bytes:,} bytes lie in the row groups left",
        ]
        if plan.report.indexes_asked:
            report = plan.report
            far = f"{report.indexes_fetched:,} of them in files of their own"
            lines.append(f"file indexes asked: {report.indexes_asked:,}, {far}")
        return "\n".join([*lines, *(f"hint: {hint}" for hint in self.hints)])

    def _rows(self) -> Iterator[tuple[str, ...]]:
        """One row a rule, then what is left and what there was; a dash where a rule has no say."""
        report, groups = self.plan.report, self.groups
        own = {BY_STATS: groups.by_stats, BY_INDEX: groups.by_index}
        for one in report.rules:
            manifests = f"{report.manifests_skipped:,}" if one.rule == BY_PARTITION else "-"
            figures = (one.partitions, one.buckets, one.files, one.bytes)
            by_groups = f"{own[one.rule]:,}" if one.rule in own else "-"
            yield (_NAMES[one.rule], manifests, *(f"{figure:,}" for figure in figures), by_groups)
        for name, count in ((_PAGES, groups.by_pages), (_BLOOM, groups.by_bloom)):
            yield (name, *"-----", f"{count:,}")
        left = (
            report.manifests - report.manifests_skipped,
            report.partitions_left,
            report.buckets_left,
            report.files_left,
            report.bytes_left,
            groups.groups_left,
        )
        every = (report.manifests, report.partitions, report.buckets, report.files, report.bytes, groups.groups)
        yield ("left to read", *(f"{figure:,}" for figure in left))
        yield ("of", *(f"{figure:,}" for figure in every))


def explain_plan(parts: ScanParts, plan: Plan, *, schema: TableSchema, options: TableOptions) -> Explanation:
    """Put a plan into words; the files that it leaves are opened for their footers.

    Raises:
        NotFoundError: A data file is gone: the snapshot expired.
        CorruptTableError: A data file is damaged.
    """
    where = "" if plan.where is None else to_text(plan.where, schema.fields)
    groups = count_groups(parts, plan, schema=schema, options=options)
    hints = tuple(advise(plan, groups, schema=schema, options=options))
    return Explanation(plan=plan, groups=groups, where=where, hints=hints)


def _aligned(rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[place]) for row in rows) for place in range(len(_HEAD))]
    for first, *others in rows:
        cells = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        yield "  ".join([first.ljust(widths[0]), *cells]).rstrip()
