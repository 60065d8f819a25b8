"""What users may hand over as ``where``."""

from lakestore.core.where import parse_where
from lakestore.errors import ErrorKind, InvalidInputError
from lakestore.maintain.partitions import bound_to_partitions
from lakestore.model.predicate import Predicate
from lakestore.model.schema import TableSchema


def as_predicate(where: "str | Predicate | None") -> Predicate | None:
    """SQL text or an expression, as one predicate tree.

    Raises:
        InvalidInputError: It is neither, or the text does not parse.
    """
    if where is None:
        return None
    if isinstance(where, str):
        return parse_where(where)
    if isinstance(where, Predicate):
        return where
    raise InvalidInputError(
        f"where must be SQL text or an expression such as ls.col('qty') > 3, not {type(where).__name__}",
        kind=ErrorKind.INVALID_PREDICATE,
    )


def partitions_where(where: "str | Predicate | None", schema: TableSchema, *, verb: str) -> Predicate | None:
    """What users say of partitions, as a bound predicate on partition columns; None for all of them.

    Raises:
        InvalidInputError: It is no predicate, or it looks at columns that are no partition columns.
    """
    return bound_to_partitions(as_predicate(where), schema, verb=verb)
