"""What predicates mean, in plain Python and one row at a time: the oracle of the filter, of pruning and of binding.

Rows hold internal values (days, milliseconds of the day, nanoseconds); predicates hold what users write.
"""

import re
from datetime import UTC, date, datetime, time
from decimal import Decimal
from fractions import Fraction

from lakestore.model.predicate import And, Compare, CompareOp, Constant, IsIn, IsNull, Like, Not, Or
from lakestore.model.types import TypeRoot

DAY = 86_400 * 10**9


def truth(predicate, row, types):
    """True, False or None (unknown) of an unbound predicate on one row of internal values."""
    match predicate:
        case Constant():
            return predicate.value
        case IsNull():
            return row[predicate.column] is None
        case Compare():
            return compare(row[predicate.column], types[predicate.column], predicate.op, predicate.value)
        case IsIn():
            kind = types[predicate.column]
            return any_of([compare(row[predicate.column], kind, CompareOp.EQ, value) for value in predicate.values])
        case Like():
            value = row[predicate.column]
            return None if value is None else matches_like(predicate.pattern, value)
        case Not():
            inner = truth(predicate.child, row, types)
            return None if inner is None else not inner
        case And():
            inner = any_of([negated(truth(child, row, types)) for child in predicate.children])
            return negated(inner)
        case Or():
            return any_of([truth(child, row, types) for child in predicate.children])


def negated(outcome):
    return None if outcome is None else not outcome


def any_of(outcomes):
    """SQL's OR of truth values."""
    if any(outcome is True for outcome in outcomes):
        return True
    return None if None in outcomes else False


def compare(value, kind, op, literal):
    """``value op literal`` as SQL has it, exact but for decimals on FLOAT and DOUBLE columns."""
    if value is None or literal is None:
        return None
    left, right = _left(value, kind), _right(literal, kind)
    sign = {
        CompareOp.EQ: left == right,
        CompareOp.NE: left != right,
        CompareOp.LT: left < right,
        CompareOp.LE: left <= right,
        CompareOp.GT: left > right,
        CompareOp.GE: left >= right,
    }
    return sign[op]


def _left(value, kind):
    if kind.root is TypeRoot.DATE:
        return Fraction(value * DAY)
    if kind.root is TypeRoot.TIME:
        return Fraction(value * 10**6)
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return Fraction(value)
    return value


def _right(literal, kind):
    match literal:
        case bool() | bytes():
            return literal
        case str():
            return Fraction(nanos_of_text(literal, kind)) if kind.root in _CALENDAR else literal
        case int():
            return Fraction(literal)
        case float():
            finite = abs(literal) < float("inf")
            return Fraction(Decimal(repr(literal))) if finite and kind.root is TypeRoot.DECIMAL else literal
        case Decimal():
            nearest = float(literal)
            is_float = kind.root in {TypeRoot.FLOAT, TypeRoot.DOUBLE} and abs(nearest) < float("inf")
            return nearest if is_float else Fraction(literal)
        case datetime():
            if literal.tzinfo is not None:
                literal = literal.astimezone(UTC).replace(tzinfo=None)
            return Fraction(nanos_of_day(literal.date()) + nanos_of_time(literal.time()))
        case date():
            return Fraction(nanos_of_day(literal))
        case time():
            return Fraction(nanos_of_time(literal))
    raise AssertionError(literal)


_CALENDAR = {TypeRoot.DATE, TypeRoot.TIME, TypeRoot.TIMESTAMP, TypeRoot.TIMESTAMP_LTZ}


def nanos_of_day(day):
    return (day.toordinal() - date(1970, 1, 1).toordinal()) * DAY


def nanos_of_time(clock):
    return (((clock.hour * 60 + clock.minute) * 60 + clock.second) * 10**6 + clock.microsecond) * 1000


def nanos_of_text(text, kind):
    """Of ``2026-03-07[ 23:59:01[.fraction][Z]]``, or of a time alone."""
    day, _, clock = text.rstrip("Z").rpartition(" ")
    if kind.root is TypeRoot.DATE or (not day and "-" in clock):
        day, clock = clock or day, "00:00:00"
    whole, _, fraction = clock.partition(".")
    nanos = nanos_of_time(time.fromisoformat(whole)) + int(fraction.ljust(9, "0") or 0)
    return nanos + (nanos_of_day(date.fromisoformat(day)) if day else 0)


def matches_like(pattern, text):
    """SQL LIKE by walking the pattern, without regular expressions for the wildcards."""
    if not pattern:
        return not text
    if pattern[0] == "%":
        return any(matches_like(pattern[1:], text[start:]) for start in range(len(text) + 1))
    piece = re.match(r"\\.|.", pattern, re.DOTALL)[0]
    fits = bool(text) and (piece == "_" or piece[-1] == text[0])
    return fits and matches_like(pattern[len(piece) :], text[1:])
