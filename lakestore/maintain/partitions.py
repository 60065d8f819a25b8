"""Choosing whole partitions: predicates on partition columns, made of what users say."""

from collections.abc import Iterable, Mapping

from lakestore.core.bind import bind
from lakestore.errors import ErrorKind, InvalidInputError, NotFoundError
from lakestore.model.predicate import Compare, CompareOp, Constant, IsNull, Or, Predicate, Value, all_of, columns_of
from lakestore.model.schema import TableSchema

PartitionValues = Mapping[str, Value]
"""Values of partition columns, some or all of them."""


def bound_to_partitions(where: Predicate | None, schema: TableSchema, *, verb: str) -> Predicate | None:
    """A predicate that chooses whole partitions, bound to their columns; None for all of them.

    Args:
        where: The predicate as the user made it.
        schema: The table's schema.
        verb: What it is for, for the message.

    Raises:
        InvalidInputError: It looks at columns that are no partition columns.
    """
    if where is None:
        return None
    keys = schema.partition_keys
    others = sorted(columns_of(where) - set(keys))
    if others:
        raise InvalidInputError(
            f"{verb}(where=…) chooses whole partitions, so it may look at partition columns only "
            f"({', '.join(keys) or 'this table has none'}), not at {', '.join(others)}",
            kind=ErrorKind.INVALID_PREDICATE,
        )
    return bind(where, schema.select(keys))


def of_values(values: PartitionValues) -> Predicate | None:
    """The predicate that those columns have those values; None for no column."""
    return all_of(
        IsNull(column=name) if value is None else Compare(column=name, op=CompareOp.EQ, value=value)
        for name, value in values.items()
    )


def one_of_partitions(partitions: Iterable[PartitionValues], schema: TableSchema) -> Predicate | None:
    """The predicate that a row is of one of those partitions; None for all.

    Raises:
        NotFoundError: A column named is no partition column.
    """
    chosen = []
    for values in partitions:
        for name in values:
            if name not in schema.partition_keys:
                raise NotFoundError(
                    f"{name!r} is no partition column; there are {', '.join(schema.partition_keys) or 'none'}",
                    kind=ErrorKind.COLUMN_NOT_FOUND,
                )
        predicate = of_values(values)
        if predicate is None:
            return None
        chosen.append(predicate)
    if not chosen:
        return Constant(value=False)
    return chosen[0] if len(chosen) == 1 else Or(children=tuple(chosen))
