"""What Java reads when the type of a column has changed since its values were written.

    python tools/judge/casts.py tests/golden/casts.jsonl

For every pair of types below Java creates a table and writes the values, LakeStore changes the column's type, and Java
reads the table again. One line of the file is one pair: ``{"from", "to", "values": [[written, read], …]}`` with
canonical values; where Java fails on a value, ``{"error": "…"}`` stands for what it reads. ``tests/core/test_casts.py``
holds LakeStore's casts to it.
"""

import argparse
import json
import re
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import lakestore as ls
from tests.golden import canon
from tools.judge.engines import Engine, RefusedError

INTEGERS = {
    "TINYINT": "0|1|-1|127|-128",
    "SMALLINT": "0|1|-1|300|32767|-32768",
    "INT": "0|1|-1|300|70000|2147483647|-2147483648|16777217",
    "BIGINT": "0|1|-1|300|70000|4294967297|9007199254740993|9223372036854775807|-9223372036854775808|1700000000",
}
FLOATS = {
    "FLOAT": "0.0|-0.0|1.5|-1.5|0.1|3.3333333|300.7|1e10|-1e10|3.4028235e38|1e-4|0.001|9999999.0|1e7|"
    "1.1754944e-38|NaN|Infinity|-Infinity",
    "DOUBLE": "0.0|-0.0|1.5|-1.5|0.1|2.675|1.005|300.7|1e10|-1e20|1e300|1e-4|0.001|0.0009999|9999999.5|"
    "1e7|123456789.125|1e22|5e-324|2.2250738585072014e-308|NaN|Infinity|-Infinity",
}
DECIMALS = {
    "DECIMAL(4, 2)": "0.00|0.05|-0.05|0.04|1.50|-1.50|99.95|-99.95|99.99",
    "DECIMAL(18, 9)": "0.000000001|-0.000000001|123456789.123456789|0.500000000|999999999.999999999",
    "DECIMAL(38, 10)": "0.0000000001|12345678901234567890.1234567890|-9999999999999999999999999999.9999999999|"
    "18446744073709551617.5000000000|2.5000000000",
}
TEXTS = {
    "STRING": "0|1|-1|+7|12.9|-12.9|.5|5.|.|007|127|128|40000|3000000000|9223372036854775807|"
    "9223372036854775808|1e3|1E-3|-1.005|1.5f| 2.5 |NaN|-Infinity|1e400|| |-|abc|true|T|yes|Y|"
    "no|FALSE|2024-02-29|2023-02-29|2024-2-9|2024-02|2024-02-29 12:34:56.789|"
    "2024-02-29 12:34:56.123456789|2024-02-29T12:34|12:34:56.789|12:34:56.7895|12:34|1:2:3|"
    "12:00:00+08:00|25:00:00|12:61:00|19782|-5|86399999|2024-02-30|2024-02-32|12345.678|"
    "99999.995|é€x|a|abcdefghij|1970-01-01 00:00:00",
}
BYTES = {
    "BYTES": "|00|61|6162636465|c3a9e282ac",
    "BINARY(3)": "616263|000102",
}
CLOCKS = {
    "DATE": "1970-01-01|1969-12-31|2024-02-29|0001-01-01|9999-12-31",
    "TIME(0)": "00:00:00.000|12:34:56.000",
    "TIME(3)": "00:00:00.000|00:00:00.120|00:00:00.105|23:59:59.999",
    "TIMESTAMP(0)": "1970-01-01 00:00:00|1969-12-31 23:59:59|2024-02-29 12:34:56",
    "TIMESTAMP(3)": "1970-01-01 00:00:00.000|1969-12-31 23:59:59.999|1969-12-31 23:59:58.500|"
    "2024-02-29 12:34:56.789|2024-02-29 12:34:56.780|0001-01-01 00:00:00.001|"
    "2100-01-01 00:00:00.000",
    "TIMESTAMP(6)": "1970-01-01 00:00:00.000001|1969-12-31 23:59:59.999999|1969-12-31 23:59:58.499999|"
    "2024-02-29 12:34:56.123456|2024-02-29 12:34:56.120000|2024-02-29 12:34:56.000123",
    "TIMESTAMP(9)": "2024-02-29 12:34:56.123456789|2024-02-29 12:34:56.100000000",
    "TIMESTAMP(3) WITH LOCAL TIME ZONE": "1970-01-01 00:00:00.000Z|1969-12-31 23:59:58.500Z|2024-02-29 12:34:56.789Z",
}
BOOLEANS = {
    "BOOLEAN": "true|false",
}
"""Values by type, with bars between them."""

NUMBER_TARGETS = [*INTEGERS, *FLOATS, "DECIMAL(1, 1)", "DECIMAL(4, 1)", "DECIMAL(10, 2)", "DECIMAL(38, 18)"]
TEXT_TARGETS = ["STRING", "VARCHAR(3)", "CHAR(6)"]
CLOCK_TARGETS = ["DATE", "TIME(3)", "TIMESTAMP(0)", "TIMESTAMP(1)", "TIMESTAMP(3)", "TIMESTAMP(6)", "TIMESTAMP(9)"]
ZONED = "TIMESTAMP(3) WITH LOCAL TIME ZONE"
TEMPORAL = {"DATE", "TIMESTAMP(0)", "TIMESTAMP(1)", "TIMESTAMP(3)", "TIMESTAMP(6)", "TIMESTAMP(9)", ZONED}
TARGETS = [
    (INTEGERS, [*NUMBER_TARGETS, *TEXT_TARGETS, "BOOLEAN", "TIMESTAMP(0)", "TIMESTAMP(3)", "TIMESTAMP(6)", ZONED]),
    (FLOATS, [*NUMBER_TARGETS, *TEXT_TARGETS]),
    (DECIMALS, [*NUMBER_TARGETS, *TEXT_TARGETS]),
    (BOOLEANS, [*NUMBER_TARGETS, *TEXT_TARGETS]),
    (TEXTS, [*NUMBER_TARGETS, *TEXT_TARGETS, "BOOLEAN", *CLOCK_TARGETS, ZONED, "BYTES", "VARBINARY(3)", "BINARY(4)"]),
    (BYTES, ["STRING", "VARCHAR(3)", "BYTES", "VARBINARY(2)", "BINARY(2)", "BINARY(6)"]),
    (CLOCKS, ["STRING", "INT", "BIGINT", *CLOCK_TARGETS, ZONED]),
]


FAR = re.compile(r"-?\d{13,}|86399999")
"""Numbers that as days or seconds lie beyond the years that Paimon itself can print."""


class Asker:
    """One Java process and a folder for its tables."""

    def __init__(self, java: Engine, folder: Path) -> None:
        self.java = java
        self.folder = folder
        self.tables = 0

    def read_as(self, source: str, target: str, values: list[str]) -> list[object] | None:
        """What Java reads of the values under the new type, in their order; None if LakeStore refuses the change."""
        self.tables += 1
        table = self.folder / "casts.db" / f"t{self.tables}"
        fields = [{"name": "id", "type": "INT"}, {"name": "v", "type": source}]
        self.java.ask("create", table, schema={"fields": fields, "options": {"bucket": "-1", "file.format": "parquet"}})
        self.java.write(table, [{"id": str(at), "v": value} for at, value in enumerate(values)])
        try:
            ls.open_table(table).alter(ls.change_type("v", target))
        except ls.InvalidInputError:
            return None
        rows = sorted(self.java.read(table), key=lambda row: int(row["id"]))
        return [row["v"] for row in rows]

    def pairs(self, source: str, target: str, values: list[str]) -> list[list[object]] | None:
        """Each value and what Java makes of it; values that Java fails on are found one by one."""
        try:
            read = self.read_as(source, target, values)
            return None if read is None else [list(pair) for pair in zip(values, read, strict=True)]
        except RefusedError as refusal:
            if len(values) == 1:
                kind = re.split(r"[:\s]", str(refusal), maxsplit=1)[0]
                return [[values[0], {"error": kind}]]
            half = len(values) // 2
            return [
                *(self.pairs(source, target, values[:half]) or ()),
                *(self.pairs(source, target, values[half:]) or ()),
            ]


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="the file to write")
    parser.add_argument("--engine", default="java-1.4.2", help="java, or java-VERSION")
    options = parser.parse_args()
    lines = []
    with tempfile.TemporaryDirectory() as scratch, Engine(options.engine) as java:
        asker = Asker(java, Path(scratch))
        for sources, targets in TARGETS:
            for source, text in sources.items():
                values = text.split("|")
                for target in targets:
                    wanted = [each for each in values if not (target in TEMPORAL and FAR.fullmatch(each))]
                    found = asker.pairs(source, target, wanted) if source != target else None
                    if found is not None:
                        lines.append({"from": source, "to": target, "values": found})
                        print(f"{source} to {target}: {json.dumps(found, ensure_ascii=False)}", flush=True)
    canon.write_lines(options.file, lines)


if __name__ == "__main__":
    main()
