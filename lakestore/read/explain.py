"""A plan in figures and words: what each rule skipped, what is left to read, and what would skip more."""

from dataclasses import asdict, dataclass

from lakestore.core.where_text import to_text
from lakestore.model.predicate import columns_of
from lakestore.model.schema import TableSchema
from lakestore.model.split import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What a scan will do. ``print`` it, or take ``to_dict``.

    Attributes:
        plan: The plan explained.
        where: The predicate as text, empty for none.
        hints: What would let it skip more.
    """

    plan: Plan
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
            "hints": self.hints,
        }

    def __str__(self) -> str:
        plan, report = self.plan, self.plan.report
        if plan.snapshot_id is None:
            return "the table has no snapshot yet: nothing to read"
        straight = sum(split.raw for split in plan.splits)
        skipped = [
            ("partition", report.files_by_partition),
            ("bucket", report.files_by_bucket),
            ("key range", report.files_by_key),
            ("statistics", report.files_by_stats),
        ]
        by_rule = ", ".join(f"{rule}: {count}" for rule, count in skipped)
        lines = [
            f"snapshot {plan.snapshot_id}, schema {plan.schema_id}, columns {', '.join(plan.columns)}",
            f"where {self.where or 'every row'}" + ("" if plan.limit is None else f", at most {plan.limit:,} rows"),
            f"manifests  {report.manifests - report.manifests_skipped} of {report.manifests} read",
            f"files      {report.files_left} of {report.files} left in those; skipped by {by_rule}",
            f"bytes      {report.bytes_left:,} of {report.bytes:,} left",
            f"splits     {len(plan.splits)}, {straight} of them read straight, {len(plan.splits) - straight} merged",
        ]
        return "\n".join([*lines, *(f"hint       {hint}" for hint in self.hints)])


def explain_plan(plan: Plan, schema: TableSchema) -> Explanation:
    """Put a plan into words."""
    where = "" if plan.where is None else to_text(plan.where, schema.fields)
    return Explanation(plan=plan, where=where, hints=tuple(_hints(plan, schema)))


def _hints(plan: Plan, schema: TableSchema) -> list[str]:
    hints = []
    if plan.report.files_hidden:
        hints.append(f"{plan.report.files_hidden} fresh files of a first-row table are shown once they are compacted")
    if plan.where is None or plan.report.files_left == 0:
        return hints
    used = columns_of(plan.where)
    if schema.partition_keys and not used & set(schema.partition_keys):
        hints.append(f"a condition on {', '.join(schema.partition_keys)} would skip whole partitions")
    keys = set(schema.trimmed_primary_keys)
    if any(not split.raw for split in plan.splits) and not used & keys:
        hints.append(
            f"files that overlap are merged before other columns are tested; a condition on "
            f"{', '.join(schema.trimmed_primary_keys)} would skip files, and compacting would end the overlap"
        )
    return hints
