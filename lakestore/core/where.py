r"""SQL text to a predicate.

    condition   = and_part { OR and_part }
    and_part    = not_part { AND not_part }
    not_part    = NOT not_part | '(' condition ')' | test
    test        = operand { comparison operand
                          | [NOT] IN '(' [ literal { ',' literal } ] ')'
                          | [NOT] BETWEEN literal AND literal
                          | [NOT] LIKE text [ESCAPE '\\']
                          | IS [NOT] NULL }
    operand     = name | literal
    literal     = [+|-] number | text | X'hex' | TRUE | FALSE | NULL
                | DATE text | TIMESTAMP text | TIME text | DOUBLE text

Keywords take any case. A bare column is ``column = TRUE``. Columns are compared with literals only, from either
side; a comparison of two literals is settled here.
"""

from dataclasses import dataclass

from lakestore.core.where_lexer import Token, TokenKind, tokenize, where_error
from lakestore.core.where_literals import TYPED_LITERALS, compare_literals, typed_literal
from lakestore.errors import InvalidInputError
from lakestore.model.predicate import (
    And,
    Compare,
    CompareOp,
    Constant,
    IsIn,
    IsNull,
    Like,
    Not,
    Or,
    Predicate,
    Value,
)

MAX_DEPTH = 64
"""Brackets and NOTs inside each other."""

COMPARISONS = {
    "=": CompareOp.EQ,
    "==": CompareOp.EQ,
    "!=": CompareOp.NE,
    "<>": CompareOp.NE,
    "<": CompareOp.LT,
    "<=": CompareOp.LE,
    ">": CompareOp.GT,
    ">=": CompareOp.GE,
}
_FLIPPED = {
    CompareOp.EQ: CompareOp.EQ,
    CompareOp.NE: CompareOp.NE,
    CompareOp.LT: CompareOp.GT,
    CompareOp.LE: CompareOp.GE,
    CompareOp.GT: CompareOp.LT,
    CompareOp.GE: CompareOp.LE,
}
_WORD_LITERALS: dict[str, bool | None] = {"TRUE": True, "FALSE": False, "NULL": None}
RESERVED_WORDS = frozenset({"AND", "OR", "NOT", "IN", "BETWEEN", "IS", "LIKE", "ESCAPE", *_WORD_LITERALS})
"""Words that name a column only in quotes."""


def parse_where(text: str) -> Predicate:
    """Parse a condition such as ``status = 'paid' AND qty > 3`` into an unbound predicate.

    Raises:
        InvalidInputError: The text is no condition; the message shows the place and what was expected.
    """
    parser = _Parser(text=text, tokens=tokenize(text))
    predicate = parser.condition(0)
    if parser.here.kind is not TokenKind.END:
        raise parser.expected("AND, OR or the end")
    return predicate


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    token: Token


@dataclass(frozen=True, slots=True)
class _Literal:
    value: Value
    token: Token


_Operand = _Column | _Literal


@dataclass(slots=True)
class _Parser:
    text: str
    tokens: list[Token]
    position: int = 0

    @property
    def here(self) -> Token:
        return self.tokens[self.position]

    def expected(self, what: str) -> InvalidInputError:
        token = self.here
        found = "the text ends" if token.kind is TokenKind.END else f"found {token.source!r}"
        hint = "; arithmetic is not supported" if token.source in set("+-*/%") and token.source else ""
        return where_error(self.text, token.start, f"expected {what}, {found}{hint}")

    def take_word(self, *words: str) -> str:
        """Step over the next token if it is one of these keywords, and say which."""
        keyword = self.here.keyword
        if keyword and keyword in words:
            self.position += 1
            return keyword
        return ""

    def take_symbol(self, *symbols: str) -> str:
        token = self.here
        if token.kind is TokenKind.SYMBOL and token.source in symbols:
            self.position += 1
            return token.source
        return ""

    def need_symbol(self, symbol: str, what: str) -> None:
        if not self.take_symbol(symbol):
            raise self.expected(what)

    def condition(self, depth: int) -> Predicate:
        parts = [self.and_part(depth)]
        while self.take_word("OR"):
            parts.append(self.and_part(depth))
        return parts[0] if len(parts) == 1 else Or(children=tuple(parts))

    def and_part(self, depth: int) -> Predicate:
        parts = [self.not_part(depth)]
        while self.take_word("AND"):
            parts.append(self.not_part(depth))
        return parts[0] if len(parts) == 1 else And(children=tuple(parts))

    def not_part(self, depth: int) -> Predicate:
        if depth > MAX_DEPTH:
            raise where_error(self.text, self.here.start, f"more than {MAX_DEPTH} brackets or NOTs inside each other")
        if self.take_word("NOT"):
            return Not(child=self.not_part(depth + 1))
        if self.take_symbol("("):
            inner = self.condition(depth + 1)
            self.need_symbol(")", "AND, OR or ')'")
            return inner
        return self.test()

    def test(self) -> Predicate:
        operand = self.operand("a column, a literal, NOT or '('")
        symbol = self.take_symbol(*COMPARISONS)
        if symbol:
            right = self.operand(f"a literal or a column after {symbol!r}")
            return self.comparison(operand, COMPARISONS[symbol], right)
        if isinstance(operand, _Literal):
            if operand.value is None or isinstance(operand.value, bool):
                return Constant(value=operand.value)
            raise self.expected("a comparison after the literal")
        if self.take_word("IS"):
            return self.is_null(operand.name)
        negated = bool(self.take_word("NOT"))
        predicate = self.word_test(operand.name, negated=negated)
        return Not(child=predicate) if negated else predicate

    def word_test(self, column: str, *, negated: bool) -> Predicate:
        if self.take_word("IN"):
            return IsIn(column=column, values=self.literals())
        if self.take_word("BETWEEN"):
            low = self.literal("a literal after BETWEEN")
            if not self.take_word("AND"):
                raise self.expected("AND between the two ends of BETWEEN")
            high = self.literal("a literal after AND")
            ends = ((CompareOp.GE, low), (CompareOp.LE, high))
            return And(children=tuple(Compare(column=column, op=op, value=value) for op, value in ends))
        if self.take_word("LIKE"):
            return self.like(column)
        if negated:
            raise self.expected("IN, BETWEEN or LIKE after NOT")
        if self.here.kind is TokenKind.END or self.here.source == ")" or self.here.keyword in {"AND", "OR"}:
            return Compare(column=column, op=CompareOp.EQ, value=True)
        raise self.expected(f"a comparison, IN, BETWEEN, LIKE or IS after column {column!r}")

    def is_null(self, column: str) -> Predicate:
        negated = bool(self.take_word("NOT"))
        if not self.take_word("NULL"):
            raise self.expected("NULL" if negated else "NULL or NOT NULL")
        return Not(child=IsNull(column=column)) if negated else IsNull(column=column)

    def like(self, column: str) -> Like:
        pattern = self.here
        if pattern.kind is not TokenKind.TEXT or not isinstance(pattern.value, str):
            raise self.expected("a pattern in single quotes after LIKE")
        self.position += 1
        if self.take_word("ESCAPE"):
            if self.here.kind is not TokenKind.TEXT or self.here.value != "\\":
                raise self.expected(r"'\' after ESCAPE, the one escape character there is")
            self.position += 1
        return Like(column=column, pattern=pattern.value)

    def literals(self) -> tuple[Value, ...]:
        self.need_symbol("(", "'(' after IN")
        if self.take_symbol(")"):
            return ()
        values = [self.literal("a literal in the list")]
        while self.take_symbol(","):
            values.append(self.literal("a literal in the list"))
        self.need_symbol(")", "',' or ')' in the list")
        return tuple(values)

    def literal(self, what: str) -> Value:
        operand = self.operand(what)
        if isinstance(operand, _Literal):
            return operand.value
        raise where_error(
            self.text,
            operand.token.start,
            f"expected {what}, found column {operand.name!r}{_quote_hint(operand)}",
        )

    def comparison(self, left: _Operand, op: CompareOp, right: _Operand) -> Predicate:
        if isinstance(left, _Column) and isinstance(right, _Literal):
            return Compare(column=left.name, op=op, value=right.value)
        if isinstance(left, _Literal) and isinstance(right, _Column):
            return Compare(column=right.name, op=_FLIPPED[op], value=left.value)
        if isinstance(left, _Literal) and isinstance(right, _Literal):
            outcome = compare_literals(left.value, op, right.value)
            if outcome is NotImplemented:
                raise where_error(self.text, left.token.start, "these two literals cannot be compared")
            return Constant(value=outcome)
        hint = _quote_hint(right) if isinstance(right, _Column) else ""
        raise where_error(
            self.text,
            right.token.start,
            f"a column is compared with a literal, not with another column{hint}",
        )

    def operand(self, what: str) -> _Operand:
        token = self.here
        sign = self.take_symbol("-", "+")
        if sign or token.kind is TokenKind.NUMBER:
            return self.number(token, sign)
        following = self.tokens[self.position + 1] if token.kind is not TokenKind.END else token
        if token.kind in {TokenKind.TEXT, TokenKind.BINARY}:
            self.position += 1
            return _Literal(token.value, token)
        if token.keyword in TYPED_LITERALS and following.kind is TokenKind.TEXT:
            self.position += 2
            return _Literal(typed_literal(self.text, token.keyword, following), token)
        if token.keyword in _WORD_LITERALS:
            self.position += 1
            return _Literal(_WORD_LITERALS[token.keyword], token)
        if token.kind is TokenKind.QUOTED or (token.keyword and token.keyword not in RESERVED_WORDS):
            return self.column(token, following)
        raise self.expected(what)

    def number(self, start: Token, sign: str) -> _Literal:
        token = self.here
        if token.kind is not TokenKind.NUMBER or isinstance(token.value, str | bytes):
            raise self.expected(f"a number after {sign!r}")
        self.position += 1
        # copy_negate instead of a minus: that would round to the decimal context's precision.
        if sign != "-":
            return _Literal(token.value, start)
        return _Literal(token.value.copy_negate() if hasattr(token.value, "copy_negate") else -token.value, start)

    def column(self, token: Token, following: Token) -> _Column:
        name = str(token.value)
        self.position += 1
        while following.source == "." and following.kind is TokenKind.SYMBOL:
            self.position += 1
            member = self.here
            if member.kind not in {TokenKind.WORD, TokenKind.QUOTED}:
                raise self.expected(f"the name of a member after '{name}.'")
            name += f".{member.value!s}"
            self.position += 1
            following = self.here
        if following.source == "(":
            raise where_error(self.text, token.start, f"there are no functions here, such as {name}(…)")
        return _Column(name, token)


def _quote_hint(column: _Column) -> str:
    """People write ``status = "paid"``."""
    if column.token.kind is TokenKind.QUOTED and column.token.source.startswith('"'):
        return f"; text takes single quotes: '{column.name}'"
    return ""
