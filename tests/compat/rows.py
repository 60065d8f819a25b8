"""Rows for the judged tables: extreme values, names that need escaping, keys of every type."""

from collections.abc import Sequence

from tests.golden import canon

SCALARS = {
    "c_bool": "BOOLEAN",
    "c_tiny": "TINYINT",
    "c_small": "SMALLINT",
    "c_int": "INT",
    "c_big": "BIGINT",
    "c_float": "FLOAT",
    "c_double": "DOUBLE",
    "c_dec5": "DECIMAL(5, 2)",
    "c_dec18": "DECIMAL(18, 4)",
    "c_dec38": "DECIMAL(38, 10)",
    "c_char": "CHAR(5)",
    "c_varchar": "VARCHAR(20)",
    "c_string": "STRING",
    "c_binary": "BINARY(4)",
    "c_varbinary": "VARBINARY(10)",
    "c_bytes": "BYTES",
    "c_date": "DATE",
    "c_ts0": "TIMESTAMP(0)",
    "c_ts3": "TIMESTAMP(3)",
    "c_ts6": "TIMESTAMP(6)",
    "c_ltz3": "TIMESTAMP(3) WITH LOCAL TIME ZONE",
    "c_ltz6": "TIMESTAMP(6) WITH LOCAL TIME ZONE",
}
LOW = dict(
    zip(
        SCALARS,
        [
            *("false", "-128", "-32768", "-2147483648", "-9223372036854775808", "-3.4028235e+38"),
            *("-1.7976931348623157e+308", "-999.99", "-99999999999999.9999"),
            *("-9999999999999999999999999999.9999999999", "a", "", "", "00000000", "", "", "0001-01-01"),
            *("0001-01-01 00:00:00", "0001-01-01 00:00:00.001", "0001-01-01 00:00:00.000001"),
            *("1900-01-01 00:00:00.001Z", "1969-12-31 23:59:59.999999Z"),
        ],
        strict=True,
    )
)
HIGH = dict(
    zip(
        SCALARS,
        [
            *("true", "127", "32767", "2147483647", "9223372036854775807", "3.4028235e+38"),
            *("1.7976931348623157e+308", "999.99", "99999999999999.9999"),
            *("9999999999999999999999999999.9999999999", "abcde", "vårchar ✓ twenty lng", 'line1\nline2\t"q" \\ é😀'),
            *("ffffffff", "00ff10a5deadbeef0102", "00" * 40 + "ff", "9999-12-31", "9999-12-31 23:59:59"),
            *("9999-12-31 23:59:59.999", "9999-12-31 23:59:59.999999"),
            *("2038-01-19 03:14:07.999Z", "2262-04-11 23:47:16.854775Z"),
        ],
        strict=True,
    )
)
ODD = {
    "c_float": "NaN",
    "c_double": "-0.0",
    "c_dec5": "0.00",
    "c_dec18": "-0.0001",
    "c_dec38": "0.0000000001",
    "c_string": "x" * 300,
    "c_date": "1969-12-31",
    "c_ts6": "1969-12-31 23:59:59.999999",
}
INFINITE = {
    "c_float": "-Infinity",
    "c_double": "Infinity",
    "c_date": "2024-02-29",
    "c_ltz3": "2024-03-31 01:30:00.123Z",
}
NULLS: canon.Row = {}


def numbered(*rows: canon.Row, start: int = 0) -> list[canon.Row]:
    return [{"id": str(start + number), **row} for number, row in enumerate(rows)]


TYPES_STEPS = [
    ("write", numbered(LOW, HIGH, NULLS, ODD, INFINITE, LOW)),
    ("write", numbered(HIGH, NULLS, LOW, start=4)),
]
TYPES_ON_TOP = [("write", numbered(ODD, LOW, start=2)), ("write", numbered(NULLS, HIGH, start=7))]
TYPES = {"id": "INT NOT NULL", **SCALARS}

NAMES = ["", " ", "plain", "a=b/c%", "ünïcødé 漢字", "with space", "x:y?z#w*[1]{2}^~", "back\\slash", "dot.", "%41"]
ON_TOP = [
    ("write", [{"id": "3", "v": "judge"}, {"id": "900", "v": "new"}]),
    ("delete", [{"id": "5"}]),
]


def updates(ids: range, word: str) -> list[canon.Row]:
    return [{"id": str(each), "v": None if each % 7 == 3 else f"{word}-{each}"} for each in ids]


UPDATES = [
    ("write", updates(range(40), "first")),
    ("write", updates(range(20, 60), "second")),
    ("delete", [{"id": str(each)} for each in range(10, 30)]),
    ("write", updates(range(25, 28), "again")),
]
PLAIN = {"id": "INT NOT NULL", "v": "STRING"}


def by_name(names: Sequence[str | None]) -> list[canon.Row]:
    return [{"p": name, "id": str(number), "v": f"v{number}"} for number, name in enumerate(names)]


def composite(numbers: range, word: str) -> list[canon.Row]:
    return [
        {"v": f"{word}{each}", "a": str(each % 5 - 2), "b": "k" * (each % 12), "d": f"20{each:02}-01-31"}
        for each in numbers
    ]


def decimals(numbers: range, word: str) -> list[canon.Row]:
    return [
        {"m": f"{each - 8}.50", "w": f"{each * 3 - 20}00000000000000000001.5000", "v": f"{word}{each}"}
        for each in numbers
    ]


def times(numbers: range, word: str) -> list[canon.Row]:
    return [
        {"t": f"19{60 + each}-02-28 12:34:56.789", "u": "1969-12-31 23:59:59.999999", "v": f"{word}{each}"}
        for each in numbers
    ]


KEY_TYPES = {
    "t": "TINYINT NOT NULL",
    "s": "SMALLINT NOT NULL",
    "l": "BIGINT NOT NULL",
    "b": "BOOLEAN NOT NULL",
    "c": "CHAR(3) NOT NULL",
    "w": "VARCHAR(40) NOT NULL",
    "y": "VARBINARY(20) NOT NULL",
    "z": "TIMESTAMP(3) WITH LOCAL TIME ZONE NOT NULL",
    "o": "TIMESTAMP(0) NOT NULL",
    "v": "STRING",
}


def keys(numbers: range, word: str) -> list[canon.Row]:
    return [
        {
            "t": str(each - 10),
            "s": str(each * -7),
            "l": str(each * 10**15),
            "b": "true" if each % 2 else "false",
            "c": "abc"[: each % 3 + 1],
            "w": "ключ " * (each % 4),
            "y": "00ff" * (each % 6),
            "z": f"2024-03-31 01:{each:02}:00.123Z",
            "o": f"1969-12-31 23:{each:02}:59",
            "v": word or None,
        }
        for each in numbers
    ]


def floats(numbers: range, word: str) -> list[canon.Row]:
    return [{"f": repr(each / 4), "g": repr(each * -1e100), "v": f"{word}{each}"} for each in numbers]


def nanos(numbers: range, clock: str) -> list[canon.Row]:
    return [
        {
            "id": str(each),
            "c_time": clock,
            "c_ts9": f"2024-02-29 23:59:{each:02}.123456789",
            "c_ltz9": None if each % 3 == 0 else f"1970-01-01 00:00:00.{each:09}Z",
        }
        for each in numbers
    ]


PARTITIONS = {
    "boolean": ("BOOLEAN", ["true", "false", None, "true"]),
    "tinyint": ("TINYINT", ["-128", "127", None, "0"]),
    "int": ("INT", ["1", "-5", None, "2147483647"]),
    "bigint": ("BIGINT", ["9223372036854775807", "-1", None, "-1"]),
    "float": ("FLOAT", ["1.5", "-0.25", None, "1e-05"]),
    "double": ("DOUBLE", ["1e+300", "-2.5", None, "0.1"]),
    "decimal": ("DECIMAL(5, 2)", ["-1.50", "0.00", None, "999.99"]),
    "date": ("DATE", ["2024-02-29", "1969-12-31", None, "9999-12-31"]),
    "time": ("TIME(3)", ["12:34:56.789", "00:00:00.000", None, "23:59:59.999"]),
    "timestamp": (
        "TIMESTAMP(3)",
        ["2024-02-29 23:59:59.123", "1969-12-31 00:00:00.000", None, "2024-01-01 00:00:00.000"],
    ),
    "micros": ("TIMESTAMP(6)", ["2024-02-29 23:59:59.123456", None, "2024-01-01 00:00:01.000000"]),
    "zoned": ("TIMESTAMP(3) WITH LOCAL TIME ZONE", ["2024-03-31 01:30:00.123Z", None, "1970-01-01 00:00:00.000Z"]),
    "char": ("CHAR(3)", ["ab", "abc", None, "a"]),
}
"""Partition columns by name: type and values."""
