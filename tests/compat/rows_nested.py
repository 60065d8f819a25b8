"""Rows for the judged tables with nested columns: empty, null and deep values of every kind."""

from collections.abc import Mapping

from tests.golden import canon

Kind = str | Mapping[str, object]


def array(element: Kind) -> Kind:
    return {"type": "ARRAY", "element": element}


def mapping(key: Kind, value: Kind) -> Kind:
    return {"type": "MAP", "key": key, "value": value}


def row(**members: Kind) -> Kind:
    """A ROW; the table gives its members their ids."""
    fields = [{"id": place, "name": name, "type": kind} for place, (name, kind) in enumerate(members.items())]
    return {"type": "ROW", "fields": fields}


NESTED: dict[str, Kind] = {
    "id": "INT NOT NULL",
    "a_int": array("INT"),
    "a_text": array("STRING"),
    "m_text": mapping("STRING", "INT"),
    "m_day": mapping("DATE", "STRING"),
    "r": row(x="INT", y="STRING", z="DECIMAL(20, 3)"),
    "a_row": array(row(k="BIGINT", tags=array("STRING"))),
    "m_row": mapping("INT", row(p="DOUBLE", q="DATE", w="BOOLEAN")),
    "a_a": array(array("TIMESTAMP(6)")),
}
FULL: canon.Row = {
    "a_int": ["1", None, "-2147483648"],
    "a_text": ["", "ünïcødé 漢字 😀", None, "x" * 60],
    "m_text": [["", "0"], ["k", None]],
    "m_day": [["0001-01-01", "first"], ["9999-12-31", None]],
    "r": {"x": "-1", "y": "why", "z": "99999999999999999.999"},
    "a_row": [{"k": "1", "tags": ["t", None]}, None, {"k": None, "tags": []}, {"k": "2", "tags": None}],
    "m_row": [["-7", {"p": "-0.0", "q": "1969-12-31", "w": "true"}], ["7", None]],
    "a_a": [["1969-12-31 23:59:59.999999", None], [], None],
}
EMPTY: canon.Row = {
    "a_int": [],
    "a_text": [],
    "m_text": [],
    "m_day": [],
    "r": {"x": None, "y": "", "z": None},
    "a_row": [],
    "m_row": [],
    "a_a": [],
}
HOLLOW: canon.Row = {"a_int": [None], "a_row": [None], "m_row": [["0", None]], "a_a": [None]}


def nested(numbers: range) -> list[canon.Row]:
    """One row for each number; the form goes round."""
    return [{"id": str(number), **[FULL, EMPTY, {}, HOLLOW][number % 4]} for number in numbers]


DEEP: dict[str, Kind] = {
    "id": "INT NOT NULL",
    "r": row(x="INT", y="STRING"),
    "m": mapping("INT", row(p="DOUBLE", q="DATE")),
    "deep": row(inner=row(a=array("SMALLINT"), m=mapping("STRING", "TIMESTAMP(3)"), one=row(n="INT")), b="BYTES"),
}
DEEP_FORMS: list[canon.Row] = [
    {
        "r": {"x": "1", "y": None},
        "m": [["1", {"p": "-0.0", "q": "1969-12-31"}]],
        "deep": {
            "inner": {"a": ["-32768"], "m": [["t", "1969-12-31 23:59:59.999"]], "one": {"n": "7"}},
            "b": "00ff" * 9,
        },
    },
    {
        "r": {"x": None, "y": None},
        "m": [["0", {"p": None, "q": None}], ["1", None]],
        "deep": {"inner": {"a": [], "m": [], "one": {"n": None}}, "b": None},
    },
    {},
    {"r": None, "m": [], "deep": {"inner": None, "b": ""}},
]


def deep(numbers: range) -> list[canon.Row]:
    """Rows of nothing but nulls, and rows in rows in rows."""
    return [{"id": str(number), **DEEP_FORMS[number % 4]} for number in numbers]


FINE: dict[str, Kind] = {
    "id": "INT NOT NULL",
    "r": row(at="TIMESTAMP(9)", clock="TIME(3)"),
    "a": array("TIMESTAMP(9)"),
    "m": mapping("STRING", array("TIMESTAMP(9)")),
}


def fine(numbers: range) -> list[canon.Row]:
    """Rows with nanoseconds inside."""
    return [
        {
            "id": str(number),
            "r": {"at": f"2024-02-29 23:59:{number:02}.123456789", "clock": "12:34:56.789"},
            "a": [None, f"1970-01-01 00:00:00.{number:09}"],
            "m": [["k", ["2024-01-01 00:00:00.000000001", None]], ["n", None]],
        }
        for number in numbers
    ]


COUNTED: dict[str, Kind] = {"id": "INT NOT NULL", "s": {"type": "MULTISET", "element": "STRING"}}


def counted(numbers: range) -> list[canon.Row]:
    """Rows with multisets, empty and null ones among them."""
    forms = [[["a", "1"], ["b", "30"]], [], None]
    return [{"id": str(number), "s": forms[number % 3]} for number in numbers]
