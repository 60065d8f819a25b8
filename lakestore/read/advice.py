"""What would let a scan skip more: hints from the plan, the predicate and the table's options."""

from collections.abc import Iterator

from lakestore.core.index_keys import form_of
from lakestore.core.options_file_index import takes
from lakestore.model.file_index import IndexKind
from lakestore.model.options import TableOptions
from lakestore.model.predicate import And, Compare, CompareOp, IsIn, Or, Predicate, columns_of
from lakestore.model.schema import TableSchema
from lakestore.model.split import Plan
from lakestore.read.groups import GroupReport
from lakestore.storage.file_names import is_file_index

FEW_FILES = 1
"""So many files left are few enough."""

_ORDERED = frozenset({CompareOp.LT, CompareOp.LE, CompareOp.GT, CompareOp.GE})


def advise(plan: Plan, groups: GroupReport, *, schema: TableSchema, options: TableOptions) -> Iterator[str]:
    """What would let the scan skip more, in the order of how much it is likely to."""
    report = plan.report
    if report.files_hidden:
        yield f"{report.files_hidden} fresh files of a first-row table are shown once they are compacted"
    if plan.where is None or report.files_left == 0:
        return
    used = columns_of(plan.where)
    if schema.partition_keys and not used & set(schema.partition_keys):
        yield f"a condition on {', '.join(schema.partition_keys)} would skip whole partitions"
    keys = set(schema.trimmed_primary_keys)
    if any(not split.raw for split in plan.splits) and not used & keys:
        yield (
            f"files that overlap are merged before other columns are tested; a condition on "
            f"{', '.join(schema.trimmed_primary_keys)} would skip files, and compacting would end the overlap"
        )
        return
    if report.files_left <= FEW_FILES and groups.groups_left <= FEW_FILES:
        return
    if not options.file_index.read:
        yield "option file-index.read.enabled is false: file indexes are not asked"
        return
    yield from _index_hints(plan, schema, options)
    ranged = sorted(_ranged(plan.where) - set(schema.partition_keys))
    if ranged and not schema.primary_keys and options.bucket.count == -1:
        names = ", ".join(f'"{name}"' for name in ranged)
        yield f"cluster_by({names}) would put rows with like values of {', '.join(ranged)} into the same files"


def _index_hints(plan: Plan, schema: TableSchema, options: TableOptions) -> Iterator[str]:
    indexed = {spec.column for spec in options.file_index.specs if spec.key is None}
    points = sorted(_points(plan.where) - set(schema.partition_keys) - set(schema.trimmed_primary_keys))
    for name in points:
        kind = schema.find(name).type if name in schema.names else None
        if name not in indexed and kind is not None and form_of(kind) is not None:
            best = next((one for one in IndexKind if takes(one, kind)), None)
            if best is not None:
                option = f"'file-index.{best}.columns' = '{name}'"
                yield f"option {option} would let new files be skipped by values of {name}"
    if indexed & columns_of(plan.where):  # type: ignore[arg-type]  # advise asks only with a predicate
        bare = sum(
            file.embedded_index is None and not any(map(is_file_index, file.extra_files))
            for split in plan.splits
            for file in split.files
        )
        if bare:
            yield f"{bare} of the files left have no file index yet; rewrite_file_index() makes it"


def _points(where: Predicate | None) -> frozenset[str]:
    """Columns that are compared with single values."""
    match where:
        case Compare(op=CompareOp.EQ) | IsIn():
            return frozenset({where.column})
        case And() | Or():
            return frozenset().union(*map(_points, where.children))
        case _:
            return frozenset()


def _ranged(where: Predicate | None) -> frozenset[str]:
    """Columns that are compared by order."""
    match where:
        case Compare() if where.op in _ORDERED:
            return frozenset({where.column})
        case And() | Or():
            return frozenset().union(*map(_ranged, where.children))
        case _:
            return frozenset()
