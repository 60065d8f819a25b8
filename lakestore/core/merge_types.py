"""Which column types each aggregate function takes, and what its options must name."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from lakestore.errors import ErrorKind, InvalidInputError
from lakestore.model.merging import UNIONS, ColumnMerge, Function
from lakestore.model.types import EXOTIC, FLOATS, INTEGERS, NESTED, STRINGS, DataType, TypeRoot

_Fits = Callable[[DataType], bool]


def _numeric(kind: DataType) -> bool:
    return kind.root in {*INTEGERS, *FLOATS, TypeRoot.DECIMAL}


def _comparable(kind: DataType) -> bool:
    return kind.root not in {*NESTED, *EXOTIC}


def _array_of_rows(kind: DataType) -> bool:
    return kind.root is TypeRoot.ARRAY and kind.element is not None and kind.element.root is TypeRoot.ROW


def _map_of_rows(kind: DataType) -> bool:
    if kind.root is not TypeRoot.MAP or kind.value is None:
        return False
    return kind.value.root is TypeRoot.ROW and len(kind.value.fields) >= 2


def _is(root: TypeRoot) -> _Fits:
    return lambda kind: kind.root is root


_TYPES: Mapping[Function, tuple[_Fits, str]] = {
    Function.SUM: (_numeric, "a number: TINYINT to BIGINT, FLOAT, DOUBLE or DECIMAL"),
    Function.PRODUCT: (_numeric, "a number: TINYINT to BIGINT, FLOAT, DOUBLE or DECIMAL"),
    Function.MAX: (_comparable, "a type with an order, so no ARRAY, MAP, MULTISET or ROW"),
    Function.MIN: (_comparable, "a type with an order, so no ARRAY, MAP, MULTISET or ROW"),
    Function.BOOL_AND: (_is(TypeRoot.BOOLEAN), "BOOLEAN"),
    Function.BOOL_OR: (_is(TypeRoot.BOOLEAN), "BOOLEAN"),
    Function.LISTAGG: (_is(TypeRoot.VARCHAR), "STRING"),
    Function.COLLECT: (_is(TypeRoot.ARRAY), "ARRAY"),
    Function.MERGE_MAP: (_is(TypeRoot.MAP), "MAP"),
    Function.MERGE_MAP_WITH_KEYTIME: (_map_of_rows, "MAP<…, ROW<…>> with at least two members in the row"),
    Function.NESTED_UPDATE: (_array_of_rows, "ARRAY<ROW<…>>"),
    Function.NESTED_PARTIAL_UPDATE: (_array_of_rows, "ARRAY<ROW<…>>"),
    **{function: (_is(TypeRoot.VARBINARY), "BYTES, or VARBINARY(n)") for function in UNIONS},
}


def check_type(column: ColumnMerge, options: Mapping[str, str]) -> ColumnMerge:
    """The column, with what its function takes for granted filled in.

    Raises:
        InvalidInputError: The function does not take the column's type, or an option of it names no member.
    """
    function = column.function
    if function is None:
        return column
    fits, expected = _TYPES.get(function, (None, ""))
    if fits is not None and not fits(column.type):
        key = f"fields.{column.name}.aggregate-function"
        key = key if key in options else "fields.default-aggregate-function"
        raise _wrong(
            key,
            function,
            f"column {column.name!r} is {column.type}, and {function} takes {expected}; change one of them",
        )
    prefix = f"fields.{column.name}."
    if function is Function.MERGE_MAP_WITH_KEYTIME:
        return _with_time_field(column, prefix)
    if function in {Function.NESTED_UPDATE, Function.NESTED_PARTIAL_UPDATE}:
        _check_nested(column, prefix, options)
    return column


def _with_time_field(column: ColumnMerge, prefix: str) -> ColumnMerge:
    members = column.type.value.fields if column.type.value is not None else ()
    name = members[-1].name if column.time_field is None else column.time_field
    by_name = {member.name: member.type for member in members}
    if name not in by_name:
        raise _wrong(prefix + "ts-field", name, f"the row has no member {name!r}; there are: {', '.join(by_name)}")
    if by_name[name].root not in STRINGS:
        raise _wrong(
            prefix + "ts-field", name, f"it is {by_name[name]}; times are compared as texts, so make it a STRING member"
        )
    return replace(column, time_field=name)


def _check_nested(column: ColumnMerge, prefix: str, options: Mapping[str, str]) -> None:
    row = column.type.element
    members = {member.name: member.type for member in row.fields} if row is not None else {}
    for option, names in (("nested-key", column.nested_key), ("nested-sequence-field", column.nested_sequence)):
        for name in names:
            if name not in members:
                raise _wrong(
                    prefix + option, ",".join(names), f"the row has no member {name!r}; there are: {', '.join(members)}"
                )
    for name in column.nested_sequence:
        if not _comparable(members[name]):
            raise _wrong(prefix + "nested-sequence-field", name, f"it is {members[name]}, which has no order")
    if column.nested_key:
        return
    for option in ("nested-sequence-field", "nested-key-null-strategy"):
        if prefix + option in options:
            raise _wrong(prefix + option, options[prefix + option], f"it needs {prefix}nested-key, which is not set")
    if column.function is Function.NESTED_PARTIAL_UPDATE:
        raise _wrong(
            prefix + "aggregate-function",
            column.function,
            f"it needs {prefix}nested-key to say which rows are the same",
        )


def _wrong(key: str, value: object, why: str) -> InvalidInputError:
    return InvalidInputError(f"option {key!r} = {str(value)!r}: {why}", kind=ErrorKind.INVALID_OPTION)
