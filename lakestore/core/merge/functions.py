"""Which kernel each aggregate function is.

Two kinds: those that pick a row of each group hand back its position, those that make new values hand back an array.
"""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import pyarrow as pa

from lakestore.core.merge import collections, nested, numbers, picks, texts
from lakestore.core.merge.events import Action, Events
from lakestore.core.merge.groups import Column
from lakestore.core.merge.unions import Unions, united
from lakestore.core.sorting import Indices
from lakestore.errors import ErrorKind, InvalidInputError
from lakestore.model.merging import RETRACTABLE, UNIONS, ColumnMerge, Function

Picking = Callable[[Column, Events], Indices]
Making = Callable[[Column, Events, ColumnMerge], pa.Array]

_PICKING: Mapping[Function, Picking] = {
    Function.PRIMARY_KEY: picks.primary_key,
    Function.LAST_VALUE: picks.last_value,
    Function.LAST_NON_NULL_VALUE: picks.last_non_null_value,
    Function.FIRST_VALUE: picks.first_value,
    Function.FIRST_NON_NULL_VALUE: picks.first_non_null_value,
}
_MAKING: Mapping[Function, Making] = {
    Function.SUM: lambda column, events, _: numbers.total(column, events),
    Function.PRODUCT: lambda column, events, _: numbers.product(column, events),
    Function.BOOL_AND: lambda column, events, _: numbers.every(column, events),
    Function.BOOL_OR: lambda column, events, _: numbers.some(column, events),
    Function.LISTAGG: texts.listagg,
    Function.COLLECT: collections.collect,
    Function.MERGE_MAP: collections.merge_map,
    Function.MERGE_MAP_WITH_KEYTIME: collections.merge_map_with_keytime,
    Function.NESTED_UPDATE: nested.nested_update,
    Function.NESTED_PARTIAL_UPDATE: nested.nested_partial_update,
}


def aggregate(column: Column, events: Events, field: ColumnMerge, *, unions: Unions) -> Indices | pa.Array:
    """What a column's function makes of each group: a row to take, or a new value.

    Args:
        column: The values.
        events: What the rows do.
        field: The column's function and its options.
        unions: What unites serialized sets.

    Raises:
        InvalidInputError: A value overflows, or is to be taken back by a function that cannot.
    """
    function = field.function or Function.LAST_NON_NULL_VALUE
    if field.ignore_retract:
        events = events.without_retracts()
    elif function not in RETRACTABLE and not events.plain:
        _refuse_retracts(events, field)
    if function in _PICKING:
        return _PICKING[function](column, events)
    if function in {Function.MAX, Function.MIN}:
        return _extreme(column, events, least=function is Function.MIN)
    if function in UNIONS:
        return united(column, events, field, unions.get(function))
    return _MAKING[function](column, events, field)


def _extreme(column: Column, events: Events, *, least: bool) -> Indices | pa.Array:
    kind = column.type
    if pa.types.is_boolean(kind):
        return (numbers.every if least else numbers.some)(column, events)
    as_integers = pa.types.is_integer(kind) or pa.types.is_temporal(kind)
    kernel = partial(numbers.greatest_integer if as_integers else picks.greatest, least=least)
    result: Indices | pa.Array = kernel(column, events)
    return result


def _refuse_retracts(events: Events, field: ColumnMerge) -> None:
    back = events.act(Action.RETRACT, Action.LATE_RETRACT)
    if not back.any():
        return
    count = int(np.count_nonzero(back))
    raise InvalidInputError(
        f"column {field.name!r}: {field.function} cannot take a value back, which {count} delete or update-before rows"
        f" ask for; set fields.{field.name}.ignore-retract to true to keep the value, or ignore-delete to drop such"
        " rows",
        kind=ErrorKind.INVALID_VALUE,
    )
