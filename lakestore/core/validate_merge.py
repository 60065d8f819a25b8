"""What the merge options of a new or changed table must be, besides what ``core.merge_options`` asks of every table.

An option that does nothing is refused: whoever sets it expects something of it.
"""

from collections.abc import Iterator, Mapping

from lakestore.core.merge_options import (
    DEFAULT_FUNCTION,
    ENGINE,
    IGNORE_DELETE,
    REMOVE_AGGREGATED,
    REMOVE_BY_GROUP,
    REMOVE_PARTIAL,
    flag_of,
    function_key,
    group_keys,
    ignores_delete,
    parse_merge,
    wrong,
)
from lakestore.core.options_values import split_names
from lakestore.model.merging import ColumnMerge, Function, MergeSpec
from lakestore.model.rows import ChangelogProducer, MergeEngine
from lakestore.model.schema import TableSchema
from lakestore.model.types import MAX_LENGTH

_WANTED_BY: Mapping[str, frozenset[Function]] = {
    "list-agg-delimiter": frozenset({Function.LISTAGG}),
    "distinct": frozenset({Function.LISTAGG, Function.COLLECT}),
    "nested-key": frozenset({Function.NESTED_UPDATE, Function.NESTED_PARTIAL_UPDATE}),
    "nested-key-null-strategy": frozenset({Function.NESTED_UPDATE, Function.NESTED_PARTIAL_UPDATE}),
    "nested-sequence-field": frozenset({Function.NESTED_UPDATE}),
    "count-limit": frozenset({Function.NESTED_UPDATE}),
    "ts-field": frozenset({Function.MERGE_MAP_WITH_KEYTIME}),
    "ignore-retract": frozenset(Function),
}
"""Options ``fields.<column>.…`` and the functions that ask them."""


def validate_merge(schema: TableSchema) -> None:
    """Check the merge options of a schema that is about to be stored.

    Raises:
        InvalidInputError: An option names what is not there, contradicts another one, or does nothing; the message
            names the option and what to do.
    """
    options = schema.options
    spec = parse_merge(schema, options)
    if not schema.primary_keys:
        _check_append(options)
        return
    _check_order(options)
    _check_engine(options, spec.engine)
    _check_deletes(options, spec)
    for column in spec.columns:
        _check_column(schema, column, spec)


def _check_append(options: Mapping[str, str]) -> None:
    for key in (ENGINE, DEFAULT_FUNCTION, *_function_keys(options), *group_keys(options)):
        if key in options and not (key == ENGINE and options[key].strip().lower() == MergeEngine.DEDUPLICATE):
            raise wrong(key, options[key], "rows are merged by primary key, and this table has none; give it one")


def _function_keys(options: Mapping[str, str]) -> Iterator[str]:
    return (key for key in options if key.startswith("fields.") and key.endswith(".aggregate-function"))


def _check_engine(options: Mapping[str, str], engine: MergeEngine) -> None:
    if engine is MergeEngine.FIRST_ROW:
        _check_first_row(options)
    aggregating = (MergeEngine.AGGREGATION, MergeEngine.PARTIAL_UPDATE)
    needs: list[tuple[str, tuple[MergeEngine, ...]]] = [
        *((key, aggregating) for key in (*_function_keys(options), DEFAULT_FUNCTION)),
        *((key, (MergeEngine.PARTIAL_UPDATE,)) for key in (*group_keys(options), REMOVE_PARTIAL, REMOVE_BY_GROUP)),
        (REMOVE_AGGREGATED, (MergeEngine.AGGREGATION,)),
    ]
    for key, engines in needs:
        if options.get(key, "false").strip().lower() != "false" and engine not in engines:
            wanted = " or ".join(engines)
            raise wrong(
                key,
                options[key],
                f"it does nothing under merge-engine {engine}; set merge-engine to {wanted}, or leave it out",
            )


def _check_order(options: Mapping[str, str]) -> None:
    if "sequence.field.sort-order" in options and not split_names(options.get("sequence.field", "")):
        raise wrong(
            "sequence.field.sort-order",
            options["sequence.field.sort-order"],
            "there is no sequence.field whose order it could be; set that too, or leave it out",
        )


def _check_first_row(options: Mapping[str, str]) -> None:
    order = options.get("sequence.field", "")
    if split_names(order):
        raise wrong("sequence.field", order, "first-row keeps what came first, whatever its values; leave it out")
    producer = options.get("changelog-producer", "none").strip().lower()
    if producer not in {ChangelogProducer.NONE, ChangelogProducer.LOOKUP}:
        raise wrong("changelog-producer", producer, "first-row takes none or lookup only; use lookup")


def _check_deletes(options: Mapping[str, str], spec: MergeSpec) -> None:
    removing = [key for key in (REMOVE_AGGREGATED, REMOVE_PARTIAL) if flag_of(options, key)]
    removing += [REMOVE_BY_GROUP] if options.get(REMOVE_BY_GROUP) else []
    for key in removing:
        if ignores_delete(options):
            raise wrong(
                key, options[key], f"{IGNORE_DELETE} passes over the deletes that it waits for; set one of them"
            )
    if spec.groups and REMOVE_PARTIAL in removing:
        raise wrong(
            REMOVE_PARTIAL,
            options[REMOVE_PARTIAL],
            f"with sequence groups, name those whose deletes remove the row in {REMOVE_BY_GROUP} instead",
        )
    if REMOVE_AGGREGATED in removing:
        for column in spec.columns:
            if column.ignore_retract:
                raise wrong(
                    f"fields.{column.name}.ignore-retract",
                    "true",
                    f"{REMOVE_AGGREGATED} removes the row on a delete, so that nothing is kept; set one of them",
                )


def _check_column(schema: TableSchema, column: ColumnMerge, spec: MergeSpec) -> None:
    options, key = schema.options, function_key(column.name)
    if key in options:
        ordering = any(column.name in group.ordered_by for group in spec.groups)
        if column.name in schema.primary_keys:
            raise wrong(key, options[key], f"{column.name!r} is in the primary key and never changes; leave it out")
        if ordering or column.name in split_names(options.get("sequence.field", "")):
            raise wrong(key, options[key], f"{column.name!r} orders versions, so its last value counts; leave it out")
    if column.function is Function.LISTAGG and column.type.length != MAX_LENGTH:
        raise wrong(
            key if key in options else DEFAULT_FUNCTION,
            column.function,
            f"column {column.name!r} is {column.type}, and joined texts outgrow any length; make it STRING",
        )
    if column.count_limit < 1:
        raise wrong(f"fields.{column.name}.count-limit", column.count_limit, "expected at least 1")
    for suffix, wanted in _WANTED_BY.items():
        option = f"fields.{column.name}.{suffix}"
        if option in options and (column.function is None or column.function not in wanted):
            names = "an aggregate function" if len(wanted) == len(Function) else " or ".join(sorted(wanted))
            raise wrong(option, options[option], f"it is for columns with {names}; set {key}, or leave it out")
