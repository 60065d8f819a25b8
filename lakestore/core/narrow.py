"""Nested types reduced to the members that are wanted: what nested projection reads of a file."""

from dataclasses import replace

from lakestore.model.types import BINARIES, NESTED, STRINGS, DataType, Field, TypeRoot


def narrowed(own: DataType, target: DataType) -> DataType:
    """A type without the ROW members, at any depth, that the target does not have; members go by field id.

    A ROW of which nothing is wanted keeps one member, the cheapest: somebody must say which rows are null and how
    long lists are.

    Args:
        own: Type of a column in a file.
        target: Type that is wanted of it.
    """
    if own.root is not target.root:
        return own
    if own.root is TypeRoot.ROW:
        wanted = {member.id: member.type for member in target.fields}
        kept = tuple(
            replace(member, type=narrowed(member.type, wanted[member.id]))
            for member in own.fields
            if member.id in wanted
        )
        return replace(own, fields=kept or tuple(_thin(member) for member in _cheapest(own.fields)))
    if own.element is not None and target.element is not None and own.root is TypeRoot.ARRAY:
        return replace(own, element=narrowed(own.element, target.element))
    if own.value is not None and target.value is not None:
        return replace(own, value=narrowed(own.value, target.value))
    return own


def _cheapest(members: tuple[Field, ...]) -> tuple[Field, ...]:
    return tuple(sorted(members, key=lambda member: _cost(member.type))[:1])


def _cost(kind: DataType) -> int:
    if kind.root in NESTED:
        return 2
    return 1 if kind.root in {*STRINGS, *BINARIES} else 0


def _thin(member: Field) -> Field:
    nothing = replace(member.type, fields=())
    return replace(member, type=narrowed(member.type, nothing)) if member.type.root is TypeRoot.ROW else member
