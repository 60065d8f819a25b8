"""What users may hand over as ``where``."""

from lakestore.core.where import parse_where
from lakestore.errors import ErrorKind, InvalidInputError
from lakestore.model.predicate import Predicate


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
