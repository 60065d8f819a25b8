"""The options that say how versions of a key are merged, parsed into a ``MergeSpec`` and checked.

``parse_merge`` refuses what makes merging undefined, as Paimon does when it opens such a table. ``validate_merge``
refuses more, for tables that are made or changed here: options that contradict each other or do nothing.
"""

import difflib
from collections.abc import Mapping

from lakestore.core.merge_types import check_type
from lakestore.core.options_values import parse_flag, parse_int, split_names
from lakestore.errors import ErrorKind, InvalidInputError
from lakestore.model.merging import (
    OLD_FUNCTION_NAMES,
    UNLIMITED,
    ColumnMerge,
    Function,
    MergeSpec,
    NullKeys,
    SequenceGroup,
)
from lakestore.model.rows import ChangelogProducer, MergeEngine
from lakestore.model.schema import TableSchema
from lakestore.model.types import EXOTIC, NESTED, Field

ENGINE = "merge-engine"
IGNORE_DELETE = "ignore-delete"
REMOVE_AGGREGATED = "aggregation.remove-record-on-delete"
REMOVE_PARTIAL = "partial-update.remove-record-on-delete"
REMOVE_BY_GROUP = "partial-update.remove-record-on-sequence-group"
DEFAULT_FUNCTION = "fields.default-aggregate-function"
GROUP_PREFIX, GROUP_SUFFIX = "fields.", ".sequence-group"
_IGNORE_DELETE_SPELLINGS = (
    IGNORE_DELETE,
    "first-row.ignore-delete",
    "deduplicate.ignore-delete",
    "partial-update.ignore-delete",
)


def parse_merge(schema: TableSchema, options: Mapping[str, str]) -> MergeSpec:
    """How versions of a key are merged.

    Args:
        schema: The table's schema.
        options: Its options, or with changes for one use of the table.

    Raises:
        InvalidInputError: An option names what is not there, or options contradict each other.
    """
    engine = engine_of(options)
    groups = _groups(schema, options) if engine is MergeEngine.PARTIAL_UPDATE else ()
    removes = {MergeEngine.PARTIAL_UPDATE: REMOVE_PARTIAL, MergeEngine.AGGREGATION: REMOVE_AGGREGATED}.get(engine)
    return MergeSpec(
        engine=engine,
        columns=tuple(_column(schema, field, options, engine, groups) for field in schema.fields),
        groups=groups,
        ignore_delete=ignores_delete(options),
        remove_on_delete=removes is not None and flag_of(options, removes),
        looks_up=options.get("changelog-producer", "").strip().lower() == ChangelogProducer.LOOKUP
        or flag_of(options, "deletion-vectors.enabled")
        or flag_of(options, "force-lookup"),
    )


def engine_of(options: Mapping[str, str]) -> MergeEngine:
    """The merge engine."""
    text = options.get(ENGINE, MergeEngine.DEDUPLICATE)
    try:
        return MergeEngine(text.strip().lower())
    except ValueError:
        raise wrong(ENGINE, text, "expected " + _one_of(text, [str(one) for one in MergeEngine])) from None


def ignores_delete(options: Mapping[str, str]) -> bool:
    """Whether retract rows are passed over, in any spelling of the option; the present one wins."""
    spelled = next((key for key in _IGNORE_DELETE_SPELLINGS if key in options), IGNORE_DELETE)
    return flag_of(options, spelled)


def flag_of(options: Mapping[str, str], key: str) -> bool:
    """A switch, off when it is not set."""
    text = options.get(key, "false")
    try:
        return parse_flag(text)
    except ValueError as error:
        raise wrong(key, text, str(error)) from error


def group_keys(options: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """The options that define sequence groups, each with its ordering columns."""
    return {
        key: tuple(key[len(GROUP_PREFIX) : -len(GROUP_SUFFIX)].split(","))
        for key in options
        if key.startswith(GROUP_PREFIX) and key.endswith(GROUP_SUFFIX)
    }


def wrong(key: str, value: object, why: str) -> InvalidInputError:
    """The error that an option is refused with."""
    return InvalidInputError(f"option {key!r} = {str(value)!r}: {why}", kind=ErrorKind.INVALID_OPTION)


def function_key(name: str) -> str:
    """The option that gives a column its function."""
    return f"fields.{name}.aggregate-function"


def _groups(schema: TableSchema, options: Mapping[str, str]) -> tuple[SequenceGroup, ...]:
    owner: dict[str, str] = {}
    groups: list[SequenceGroup] = []
    removing = tuple(options.get(REMOVE_BY_GROUP, "").split(",")) if options.get(REMOVE_BY_GROUP) else ()
    for key, ordered_by in sorted(group_keys(options).items()):
        text = options[key]
        listed = tuple(text.split(","))
        members = tuple(name for name in listed if name not in ordered_by)
        for name in (*ordered_by, *members):
            _check_member(schema, key, text, name)
            if owner.setdefault(name, key) != key or (*ordered_by, *listed).count(name) > (1 + (name in ordered_by)):
                other = owner[name]
                raise wrong(
                    key, text, f"column {name!r} is in {other!r} too; a column can be in one sequence group only"
                )
        for name in ordered_by:
            if schema.find(name).type.root in {*NESTED, *EXOTIC}:
                raise wrong(
                    key, text, f"{name!r} is {schema.find(name).type}, which has no order; order by another column"
                )
        groups.append(
            SequenceGroup(
                ordered_by=ordered_by, members=members, removes_record=any(name in removing for name in ordered_by)
            )
        )
    ordering = [name for group in groups for name in group.ordered_by]
    for name in removing:
        if name not in ordering:
            raise wrong(
                REMOVE_BY_GROUP,
                options[REMOVE_BY_GROUP],
                f"{name!r} orders no sequence group; "
                + (f"expected {_one_of(name, ordering)}" if ordering else f"define one: fields.{name}.sequence-group"),
            )
    place = {name: index for index, name in enumerate(schema.names)}
    return tuple(sorted(groups, key=lambda group: min(place[name] for name in group.ordered_by)))


def _check_member(schema: TableSchema, key: str, text: str, name: str) -> None:
    if name not in schema.names:
        if name.strip() in schema.names:
            raise wrong(key, text, f"write {name.strip()!r} without blanks around it, as Paimon reads it")
        raise wrong(key, text, f"there is no column {name!r}; expected {_one_of(name, list(schema.names))}")
    if name in schema.primary_keys:
        raise wrong(key, text, f"{name!r} is in the primary key, which is the same in all versions; leave it out")


def _column(
    schema: TableSchema,
    field: Field,
    options: Mapping[str, str],
    engine: MergeEngine,
    groups: tuple[SequenceGroup, ...],
) -> ColumnMerge:
    name = field.name
    function = _function(schema, field, options, engine, groups)
    if function is None:
        return ColumnMerge(name=name, type=field.type)
    prefix = f"fields.{name}."
    column = ColumnMerge(
        name=name,
        type=field.type,
        function=function,
        ignore_retract=flag_of(options, prefix + "ignore-retract"),
        delimiter=options.get(prefix + "list-agg-delimiter", ","),
        distinct=flag_of(options, prefix + "distinct"),
        nested_key=split_names(options.get(prefix + "nested-key", "")),
        nested_sequence=split_names(options.get(prefix + "nested-sequence-field", "")),
        null_keys=_null_keys(options, prefix + "nested-key-null-strategy"),
        count_limit=_count_limit(options, prefix + "count-limit"),
        time_field=options.get(prefix + "ts-field"),
    )
    return check_type(column, options)


def _function(
    schema: TableSchema,
    field: Field,
    options: Mapping[str, str],
    engine: MergeEngine,
    groups: tuple[SequenceGroup, ...],
) -> Function | None:
    name = field.name
    if engine not in {MergeEngine.AGGREGATION, MergeEngine.PARTIAL_UPDATE}:
        return None
    aggregates = engine is MergeEngine.AGGREGATION
    if aggregates and name in split_names(options.get("sequence.field", "")):
        return Function.LAST_VALUE
    if any(name in group.ordered_by for group in groups):
        return None
    if name in schema.primary_keys:
        return Function.PRIMARY_KEY
    key = function_key(name) if function_key(name) in options else DEFAULT_FUNCTION
    if key not in options:
        return Function.LAST_NON_NULL_VALUE if aggregates else None
    function = function_of(key, options[key])
    protected = any(name in group.members for group in groups)
    if not aggregates and function is not Function.LAST_NON_NULL_VALUE and not protected:
        raise wrong(
            key,
            options[key],
            f"partial-update aggregates only inside of sequence groups, and column {name!r} is in none; add it to one"
            f" (fields.<ordering column>.sequence-group = …,{name}), or use merge-engine aggregation",
        )
    return function


def function_of(key: str, text: str) -> Function:
    """The function of that name.

    Raises:
        InvalidInputError: There is none; the message names the likely one.
    """
    if text in OLD_FUNCTION_NAMES:
        return OLD_FUNCTION_NAMES[text]
    try:
        return Function(text)
    except ValueError:
        raise wrong(
            key, text, f"there is no such function; expected {_one_of(text, [str(one) for one in Function])}"
        ) from None


def _one_of(text: str, known: list[str]) -> str:
    near = difflib.get_close_matches(text.strip().lower(), known, n=1)
    return f"{near[0]!r}?" if near else f"one of {', '.join(known)}"


def _null_keys(options: Mapping[str, str], key: str) -> NullKeys:
    text = options.get(key, NullKeys.MERGE)
    try:
        return NullKeys(text.strip().lower())
    except ValueError:
        raise wrong(key, text, "expected " + _one_of(text, [str(one) for one in NullKeys])) from None


def _count_limit(options: Mapping[str, str], key: str) -> int:
    text = options.get(key, str(UNLIMITED))
    try:
        return parse_int(text)
    except ValueError as error:
        raise wrong(key, text, str(error)) from error
