"""What the merge engines mean, in plain Python and one row at a time: the oracle of the kernels.

A row is a dict of its columns, with ``seq`` and ``kind`` (0 +I, 1 -U, 2 +U, 3 -D). Lists are lists, maps are dicts,
nested rows are dicts. Overflow and a retract that nobody takes raise ``Refused``.
"""

from decimal import ROUND_HALF_UP, Decimal, localcontext

from lakestore.model.merging import Function, NullKeys
from lakestore.model.rows import MergeEngine
from lakestore.model.types import TypeRoot

RETRACTS = (1, 3)
DELETE = 3
BITS = {TypeRoot.TINYINT: 8, TypeRoot.SMALLINT: 16, TypeRoot.INT: 32, TypeRoot.BIGINT: 64}


class Refused(Exception):
    """The engine refuses these rows."""


class Refusals:
    """Refusals that are forgotten when the record is removed: what was before it plays no part any more."""

    def __init__(self):
        self.held = False

    def hold(self, act, *arguments):
        try:
            return act(*arguments)
        except Refused:
            self.held = True
            return arguments[0]

    def forget(self):
        self.held = False

    def speak(self):
        if self.held:
            raise Refused


def merged(rows, spec, *, alone=False):
    """The state of one key; its versions come oldest first."""
    if len(rows) == 1 and not alone:
        return dict(rows[0])
    engine = {
        MergeEngine.DEDUPLICATE: deduplicate,
        MergeEngine.FIRST_ROW: first_row,
        MergeEngine.AGGREGATION: aggregation,
        MergeEngine.PARTIAL_UPDATE: partial_update,
    }[spec.engine]
    with localcontext(prec=250):
        return engine(rows, spec)


def deduplicate(rows, spec):
    heard = [row for row in rows if not (spec.ignore_delete and row["kind"] in RETRACTS)]
    return dict((heard or rows)[-1])


def first_row(rows, spec):
    if not spec.ignore_delete and any(row["kind"] in RETRACTS for row in rows):
        raise Refused
    return dict(next((row for row in rows if row["kind"] not in RETRACTS), rows[0]))


def aggregation(rows, spec):
    state = {field.name: None for field in spec.columns}
    functions = {field.name: Aggregate(field) for field in spec.columns}
    refusals = Refusals()
    for row in rows:
        removed = spec.remove_on_delete and row["kind"] == DELETE
        for name, function in functions.items():
            if removed:
                state[name] = row[name]
                refusals.forget()
            else:
                act = function.retract if row["kind"] in RETRACTS else function.add
                state[name] = refusals.hold(act, state[name], row[name])
    refusals.speak()
    return {**state, "seq": rows[-1]["seq"], "kind": DELETE if removed else 0}


def partial_update(rows, spec):
    state = {field.name: None for field in spec.columns}
    functions = {field.name: Aggregate(field) for field in spec.columns if field.function is not None}
    filled = added = removed = False
    seq = 0
    refusals = Refusals()
    for row in rows:
        retract = row["kind"] in RETRACTS
        removed = False
        if retract and not filled:
            state = {name: row[name] for name in state}
        filled = True
        if retract and spec.ignore_delete:
            continue
        seq = row["seq"]
        if spec.groups:
            removed = grouped(state, row, spec, functions, refusals)
        elif not retract:
            state.update({name: row[name] for name in state if row[name] is not None})
        elif not spec.remove_on_delete:
            raise Refused
        elif row["kind"] == DELETE:
            removed = True
        if removed:
            state.update({name: row[name] for name in state})
            refusals.forget()
        added = added or not retract
    refusals.speak()
    return {**state, "seq": seq, "kind": DELETE if removed or not added else 0}


def grouped(state, row, spec, functions, refusals):
    """Apply one row to a state with sequence groups; whether the row removes the record."""
    retract = row["kind"] in RETRACTS
    for group in spec.groups:
        if all(row[name] is None for name in group.ordered_by):
            continue
        accepted = order_of(row, group) >= order_of(state, group)
        if accepted and row["kind"] == DELETE and group.removes_record:
            return True
        for name in group.members:
            function = functions.get(name)
            if function is not None and retract:
                state[name] = refusals.hold(function.retract, state[name], row[name])
            elif function is not None:
                state[name] = refusals.hold(function.add if accepted else function.late, state[name], row[name])
            elif accepted:
                state[name] = None if retract else row[name]
        if accepted:
            state.update({name: row[name] for name in group.ordered_by})
    for field in spec.columns:
        if spec.group_of(field.name) is None and not retract and row[field.name] is not None:
            state[field.name] = row[field.name]
    return False


def order_of(row, group):
    return tuple((row[name] is not None, row[name] if row[name] is not None else 0) for name in group.ordered_by)


class Aggregate:
    """The function of one column, for one key."""

    def __init__(self, field):
        self.field = field
        self.fired = False
        self.retractable = getattr(self, "take_" + field.function.name.lower(), None)

    def add(self, state, value):
        return getattr(self, "add_" + self.field.function.name.lower())(state, value)

    def late(self, state, value):
        if self.field.function is Function.COLLECT and not self.field.ignore_retract:
            return self.add(state, value)
        return self.add(value, state)

    def retract(self, state, value):
        if self.field.ignore_retract:
            return state
        if self.retractable is None:
            raise Refused
        return self.retractable(state, value)

    # --- one value wins

    def add_primary_key(self, state, value):
        return value

    take_primary_key = add_primary_key
    add_last_value = add_primary_key

    def take_last_value(self, state, value):
        return None

    def add_last_non_null_value(self, state, value):
        return state if value is None else value

    def take_last_non_null_value(self, state, value):
        return state if value is None else None

    def add_first_value(self, state, value):
        fired, self.fired = self.fired, True
        return state if fired else value

    def add_first_non_null_value(self, state, value):
        if self.fired or value is None:
            return state
        self.fired = True
        return value

    def add_max(self, state, value):
        return both(state, value, lambda: max(state, value, key=comparable))

    def add_min(self, state, value):
        return both(state, value, lambda: min(state, value, key=comparable))

    # --- numbers

    def add_sum(self, state, value):
        return both(state, value, lambda: self.summed(state + value))

    def take_sum(self, state, value):
        if state is None and value is not None:
            return self.summed(-value)
        return state if value is None else self.summed(state - value)

    def add_product(self, state, value):
        return both(state, value, lambda: self.fitted(state * value))

    def take_product(self, state, value):
        if state is None or value is None:
            return state
        if value == 0 and not isinstance(value, float):
            raise Refused
        if isinstance(value, int):
            quotient = abs(state) // abs(value)
            return self.fitted(-quotient if (state < 0) != (value < 0) else quotient)
        if isinstance(value, Decimal):
            quotient = state / value
            if quotient * value != state:
                raise Refused
            return self.fitted(quotient)
        return state / value if value else float("nan")

    def summed(self, value):
        """Short decimals keep what 64 bits hold, whatever digits their type has."""
        kind = self.field.type
        if isinstance(value, Decimal) and kind.precision <= 18 and -(1 << 63) <= value.scaleb(kind.scale) < 1 << 63:
            return value
        return self.fitted(value)

    def fitted(self, value):
        kind = self.field.type
        if isinstance(value, Decimal):
            value = value.quantize(Decimal(1).scaleb(-kind.scale), ROUND_HALF_UP)
            return value if abs(value.scaleb(kind.scale)) < 10**kind.precision else None
        if isinstance(value, int) and not -(1 << (BITS[kind.root] - 1)) <= value < 1 << (BITS[kind.root] - 1):
            raise Refused
        return value

    def add_bool_and(self, state, value):
        return both(state, value, lambda: state and value)

    def add_bool_or(self, state, value):
        return both(state, value, lambda: state or value)

    # --- texts and collections

    def add_listagg(self, state, value):
        if blank(value):
            return state
        if blank(state):
            return value
        delimiter = self.field.delimiter
        if not self.field.distinct:
            return state + delimiter + value
        tokens = state.split(delimiter or " ")
        for token in value.split(delimiter or " "):
            if not blank(token) and token not in tokens:
                tokens.append(token)
                state += delimiter + token
        return state

    def add_collect(self, state, value):
        if state is None and value is None:
            return None
        everything = (state or []) + (value or [])
        if not self.field.distinct:
            return everything
        if self.field.type.element.root is TypeRoot.ROW:
            return (state or []) + unique(everything)[len(unique(state or [])) :]
        return unique(everything)

    def take_collect(self, state, value):
        if state is None or value is None:
            return state
        budget, kept = list(value), []
        for element in state:
            if element in budget:
                budget.remove(element)
            else:
                kept.append(element)
        return kept

    def add_merge_map(self, state, value):
        return value if state is None else {**state, **(value or {})}

    def take_merge_map(self, state, value):
        return None if state is None else {key: kept for key, kept in state.items() if key not in (value or {})}

    def add_merge_map_with_keytime(self, state, value):
        if state is None or value is None:
            return value if state is None else state
        result, time = dict(state), self.field.time_field
        for key, row in value.items():
            old = result.get(key)
            if row is None:
                result.pop(key, None)
            elif row[time] is not None and (old is None or old[time] is None or row[time] > old[time]):
                result[key] = row
        return result

    # --- nested tables

    def key_of(self, row):
        key = tuple(row[name] for name in self.field.nested_key)
        if None in key and self.field.null_keys is NullKeys.ERROR:
            raise Refused
        return None if None in key and self.field.null_keys is NullKeys.IGNORE else key

    def keyed(self, rows):
        return [(self.key_of(row), row) for row in rows or [] if row is not None and self.key_of(row) is not None]

    def add_nested_update(self, state, value):
        if value is None:
            return state
        limit = self.field.count_limit
        if not self.field.nested_key:
            if state is not None and len(state) >= limit:
                return state
            room = limit - len(state or [])
            return present(state or []) + present(value)[:room]
        table = {}
        for incoming, rows in ((False, state), (True, value)):
            for key, row in self.keyed(rows):
                if key not in table:
                    if not incoming or len(table) < limit:
                        table[key] = row
                elif nested_order(row, self.field) >= nested_order(table[key], self.field):
                    table[key] = row
        return list(table.values())

    def take_nested_update(self, state, value):
        if state is None or value is None:
            return state
        if not self.field.nested_key:
            return [row for row in present(state) if row not in present(value)]
        table = dict(self.keyed(state))
        for key, _ in self.keyed(value):
            table.pop(key, None)
        return list(table.values())

    def add_nested_partial_update(self, state, value):
        if value is None:
            return state
        table = {}
        for key, row in self.keyed((state or []) + value):
            table.setdefault(key, dict.fromkeys(row)).update({k: v for k, v in row.items() if v is not None})
        return list(table.values())

    # --- serialized sets, which the tests write as sorted bytes

    def add_rbm32(self, state, value):
        return both(state, value, lambda: bytes(sorted(set(state) | set(value))))


def both(state, value, operate):
    """The one that is there where the other is null, else what the operation gives."""
    if state is None or value is None:
        return value if state is None else state
    return operate()


def unique(values):
    result = []
    for value in values:
        if value not in result:
            result.append(value)
    return result


def present(rows):
    return [row for row in rows if row is not None]


def nested_order(row, field):
    return tuple((row[name] is not None, row[name] if row[name] is not None else 0) for name in field.nested_sequence)


def comparable(value):
    return (0, value.encode()) if isinstance(value, str) else (0, value)


BLANKS = {chr(code) for code in (*range(9, 14), *range(28, 33), 0x1680, *range(0x2000, 0x2007), 0x2008, 0x2009, 0x200A)}
BLANKS |= {"\u2028", "\u2029", "\u205f", "\u3000"}


def blank(text):
    return text is None or all(letter in BLANKS for letter in text)
