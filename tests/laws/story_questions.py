"""Questions about a story's table: random predicates and paths, and what rows they must find."""

from lakestore.model.predicate import And, Compare, CompareOp, IsIn, IsNull, Not, Or
from lakestore.model.types import NESTED, TypeRoot
from tests.laws.story_values import (
    FAR,
    SCALARS,
    internal,
    literal,
    narrowed,
    scalar_text,
    some_value,
    told,
    under,
)


class Questions:
    """What is asked of a story."""

    def leaves(self):
        """Scalars that a predicate may name: name, type, and how a row's value is found."""
        stack = [(one.name, one.type, (one.id,)) for one in self.fields]
        while stack:
            name, kind, path = stack.pop()
            yield name, kind, path
            if kind.root is TypeRoot.ROW:
                stack += [(f"{name}.{one.name}", one.type, (*path, one.id)) for one in kind.fields]

    def predicate(self, rows, depth=2):
        """A random predicate over those rows, and nothing that cannot be asked."""
        if depth and self.dice.random() < 0.5:
            children = tuple(self.predicate(rows, depth - 1) for _ in range(2))
            match self.dice.randrange(3):
                case 0:
                    return And(children=children)
                case 1:
                    return Or(children=children)
            return Not(child=children[0])
        leaves = list(self.leaves())
        changed = [leaf for leaf in leaves if leaf[0].rpartition(".")[2] in self.cast]
        name, kind, path = self.dice.choice(changed if changed and self.dice.random() < 0.6 else leaves)
        present = [one for one in (value_at(row, path) for row in rows) if one is not None]
        if kind.root in NESTED or self.dice.random() < 0.15:
            return IsNull(column=name)
        drawn = [some_value(self.dice, kind.with_nullable(False), self.domain_of(kind)) for _ in range(2)]
        values = [literal(self.dice.choice([*present, *drawn]), kind) for _ in range(2)]
        values = [one for one in values if one is not None and one == one]
        if not values:
            return IsNull(column=name)
        if self.dice.random() < 0.25:
            return IsIn(column=name, values=tuple(values))
        return Compare(column=name, op=self.dice.choice(list(CompareOp)), value=values[0])

    def cast_values(self, rows):
        """Predicates that ask for values of columns whose type was changed, one by one."""
        for name, kind, path in self.leaves():
            if name.rpartition(".")[2] not in self.cast or kind.root in NESTED:
                continue
            present = {value_at(row, path) for row in rows} - {None}
            for value in sorted((one for one in present if one == one), key=repr)[:4]:
                if literal(value, kind) is not None:
                    yield Compare(column=name, op=CompareOp.EQ, value=literal(value, kind))

    def domain_of(self, kind):
        return self.domain if scalar_text(kind) in self.domain else {**SCALARS, **FAR}

    def path(self):
        """A random path into the table, for select."""
        found, _ = self.dice.choice(list(self._parts()) or [((self.fields[0].name,), self.fields[0].type)])
        return found


def value_at(row, path):
    """The value of a member; None where something around it is."""
    value = row
    for step in path:
        value = None if value is None else value.get(step)
    return value


def as_told(rows, fields):
    return [{one.name: told(row[one.id], one.type) for one in fields} for row in rows]


def selected(rows, field, path):
    """What a path selects of the rows."""
    kind = narrowed(field.type, path[1:])
    return [told(under(row[field.id], field.type, kind), kind) for row in rows]


def truth_row(row, story):
    return {name: internal(value_at(row, path), kind) for name, kind, path in story.leaves()}
