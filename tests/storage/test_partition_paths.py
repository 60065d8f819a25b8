"""Folder names of partitions, against what Java printed and against tables that Java wrote."""

import json
import string
import struct
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakestore.errors import InvariantError, UnsupportedFormatError
from lakestore.model.options import PartitionOptions
from lakestore.model.types import parse_type_text
from lakestore.storage.partition_paths import escape_partition, partition_dirs, unescape_partition
from lakestore.storage.partition_text import civil_date, java_float_text, java_timestamp_text

GOLDEN = Path(__file__).parents[1] / "golden" / "tables"
LEGACY = PartitionOptions()
MODERN = PartitionOptions(legacy_name=False)
DAY = 86_400 * 10**9
NEW_YEAR_2024 = 19723 * DAY


def folder(value, kind, options=LEGACY):
    (name,) = partition_dirs(["k"], [parse_type_text(kind)], [value], options)
    return name.removeprefix("k=")


@pytest.mark.parametrize(
    ("value", "kind", "legacy", "modern"),
    [
        ("plain", "STRING", "plain", "plain"),
        ("x y/1", "STRING", "x y%2F1", "x y%2F1"),
        (True, "BOOLEAN", "true", "true"),
        (False, "BOOLEAN", "false", "false"),
        (-5, "TINYINT", "-5", "-5"),
        (2**63 - 1, "BIGINT", "9223372036854775807", "9223372036854775807"),
        (1.5, "DOUBLE", "1.5", "1.5"),
        (1e10, "DOUBLE", "1.0E10", "1.0E10"),
        (Decimal("1.50"), "DECIMAL(10, 2)", "1.50", "1.50"),
        (Decimal("-0.10"), "DECIMAL(10, 2)", "-0.10", "-0.10"),
        (Decimal("1E+2"), "DECIMAL(10, 0)", "100", "100"),
        (Decimal("0E-10"), "DECIMAL(20, 10)", "0.0000000000", "0.0000000000"),
        (19723, "DATE", "19723", "2024-01-01"),
        (-719162, "DATE", "-719162", "0001-01-01"),
        (3661001, "TIME(3)", "3661001", "01%3A01%3A01.001"),
        (3661000, "TIME(3)", "3661000", "01%3A01%3A01.0"),
        (3661500, "TIME(3)", "3661500", "01%3A01%3A01.5"),
        (3661050, "TIME(3)", "3661050", "01%3A01%3A01.05"),
        (3661000, "TIME(0)", "3661000", "01%3A01%3A01"),
        (NEW_YEAR_2024, "TIMESTAMP(3)", "2024-01-01T00%3A00", "2024-01-01 00%3A00%3A00.000"),
        (NEW_YEAR_2024, "TIMESTAMP(0)", "2024-01-01T00%3A00", "2024-01-01 00%3A00%3A00"),
        (NEW_YEAR_2024 + 10**9, "TIMESTAMP(0)", "2024-01-01T00%3A00%3A01", "2024-01-01 00%3A00%3A01"),
        (NEW_YEAR_2024 + 120_000, "TIMESTAMP(6)", "2024-01-01T00%3A00%3A00.000120", "2024-01-01 00%3A00%3A00.000120"),
        (NEW_YEAR_2024 + 1, "TIMESTAMP(9)", "2024-01-01T00%3A00%3A00.000000001", "2024-01-01 00%3A00%3A00.000000001"),
        (-1_000_000, "TIMESTAMP(3)", "1969-12-31T23%3A59%3A59.999", "1969-12-31 23%3A59%3A59.999"),
    ],
)
def test_texts_are_those_of_java(value, kind, legacy, modern):
    assert folder(value, kind) == legacy
    assert folder(value, kind, MODERN) == modern


@pytest.mark.parametrize("value", [None, "", " ", "\t \n", "\u2003", "\x1c", "\u3000"])
def test_null_empty_and_blank_share_the_default_folder(value):
    assert folder(value, "STRING") == "__DEFAULT_PARTITION__"
    assert folder(value, "STRING", PartitionOptions(default_name="none")) == "none"


@pytest.mark.parametrize("value", ["\u00a0", "\u2007", "\u202f", "\x85", "\u200b", "."])
def test_what_java_does_not_call_blank_keeps_its_name(value):
    assert folder(value, "STRING") == escape_partition(value)


def test_no_value_is_null_but_null():
    for value, kind in [(0, "INT"), (False, "BOOLEAN"), (0.0, "DOUBLE"), (Decimal(0), "DECIMAL(3, 0)")]:
        assert folder(value, kind) != "__DEFAULT_PARTITION__"


def test_exactly_these_characters_are_escaped():
    escaped = {chr(code) for code in range(0x100) if escape_partition(chr(code)) != chr(code)}
    assert escaped == {chr(code) for code in range(0x20)} | set("\x7f\"#%'*/:=?\\{}[]^")
    assert escape_partition(" ~!@$&()+,;<>|`-._été日本😀") == " ~!@$&()+,;<>|`-._été日本😀"
    assert escape_partition("\t\x7f/") == "%09%7F%2F"


@given(st.text())
def test_unescaping_undoes_escaping(text):
    escaped = escape_partition(text)
    assert unescape_partition(escaped) == text
    assert not set(escaped) & set("/\\\0")


def test_unescape_leaves_what_is_no_escape():
    assert unescape_partition("50%2525 100% %zz %2") == "50%25 100% %zz %2"


def test_keys_are_escaped_and_ordered():
    types = [parse_type_text("INT"), parse_type_text("STRING")]
    assert partition_dirs(["a=b", "c"], types, [1, "x"], LEGACY) == ("a%3Db=1", "c=x")
    assert partition_dirs([], [], [], LEGACY) == ()
    with pytest.raises(InvariantError):
        partition_dirs(["a"], types, [1], LEGACY)


@pytest.mark.parametrize(
    ("value", "kind", "options"),
    [
        (b"x", "BYTES", LEGACY),
        (b"x", "BINARY(1)", MODERN),
        (0, "TIMESTAMP(3) WITH LOCAL TIME ZONE", MODERN),
        (4_000_000, "DATE", MODERN),
        (-800_000, "DATE", MODERN),
    ],
)
def test_values_without_a_stable_name_are_refused(value, kind, options):
    with pytest.raises(UnsupportedFormatError):
        folder(value, kind, options)


def test_local_zone_timestamp_is_utc_in_legacy_names():
    assert folder(-1, "TIMESTAMP(9) WITH LOCAL TIME ZONE") == "1969-12-31T23%3A59%3A59.999999999"


# Printed by Java 17.
DOUBLES = {
    0.0: "0.0",
    1e-3: "0.001",
    9.999e-4: "9.999E-4",
    1e7: "1.0E7",
    9999999.0: "9999999.0",
    5e-324: "4.9E-324",
    1.7976931348623157e308: "1.7976931348623157E308",
    123456789.125: "1.23456789125E8",
    100.0: "100.0",
    1234567.0: "1234567.0",
    0.1: "0.1",
    -1.5: "-1.5",
    1e22: "1.0E22",
    float("inf"): "Infinity",
    float("-inf"): "-Infinity",
}
SINGLES = ["1.1", "0.001", "9.999E-4", "123456.7", "1.6777216E7", "3.4E-5", "1.4E-45", "3.4028235E38", "1.0E10", "-0.0"]


def test_floats_print_as_in_java():
    for value, text in DOUBLES.items():
        assert java_float_text(value, single=False) == text
    for text in SINGLES:
        (value,) = struct.unpack("<f", struct.pack("<f", float(text)))
        assert java_float_text(value, single=True) == text
    assert java_float_text(-0.0, single=False) == "-0.0"
    assert java_float_text(float("nan"), single=True) == "NaN"


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_printed_double_reads_back(value):
    assert float(java_float_text(value, single=False)) == value


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_a_printed_float_has_no_more_digits_than_needed(value):
    digits = java_float_text(value, single=True).lstrip("-").partition("E")[0].replace(".", "").strip("0")
    assert len(digits) <= 9


# Printed by Java 17.
TIMESTAMPS = {
    (0, 0): "1970-01-01T00:00",
    (-62135596800000, 0): "0001-01-01T00:00",
    (-62167219200000, 0): "0000-01-01T00:00",
    (-62167219200001, 0): "-0001-12-31T23:59:59.999",
    (253402300799999, 999999): "9999-12-31T23:59:59.999999999",
    (253402300800000, 0): "+10000-01-01T00:00",
    (951782400000, 0): "2000-02-29T00:00",
    (4107542400000, 0): "2100-03-01T00:00",
    (1000, 120000): "1970-01-01T00:00:01.000120",
    (60000, 0): "1970-01-01T00:01",
}


def test_timestamps_print_as_in_java():
    for (millis, nanos), text in TIMESTAMPS.items():
        assert java_timestamp_text(millis * 1_000_000 + nanos) == text


def test_civil_dates_follow_each_other():
    from datetime import date, timedelta

    start = date(1899, 12, 31)
    for offset in range(0, 146_097 * 2, 13):
        day = start + timedelta(days=offset)
        assert civil_date((day - date(1970, 1, 1)).days) == (day.year, day.month, day.day)


def _golden_folders(table, keys):
    root = GOLDEN / table / "golden.db" / "t"
    found = {path.parent for path in root.rglob("bucket-*")}
    return {
        tuple(part for part in path.relative_to(root).parts)
        for path in found
        if len(path.relative_to(root).parts) == keys
    }


def test_golden_special_strings_lead_to_the_folders_that_java_made():
    rows = [json.loads(line) for line in (GOLDEN / "part_special" / "expected.jsonl").read_text("utf-8").splitlines()]
    kinds = [parse_type_text("STRING")]
    assert {partition_dirs(["p"], kinds, [row["p"]], LEGACY) for row in rows} == _golden_folders("part_special", 1)


def test_golden_types_lead_to_the_folders_that_java_made():
    keys = ["b", "n", "m", "ts", "d"]
    kinds = [parse_type_text(t) for t in ("BOOLEAN", "BIGINT", "DECIMAL(10, 2)", "TIMESTAMP(3)", "DATE")]
    rows = [json.loads(line) for line in (GOLDEN / "part_types" / "expected.jsonl").read_text("utf-8").splitlines()]
    made = {partition_dirs(keys, kinds, _internal(row), LEGACY) for row in rows}
    assert made == _golden_folders("part_types", 5)
    assert len(made) == 4


def _internal(row):
    from datetime import UTC, date, datetime

    def timestamp(text):
        moment = datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC)
        return round((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000) * 1_000_000

    readers = {
        "b": lambda text: text == "true",
        "n": int,
        "m": Decimal,
        "ts": timestamp,
        "d": lambda text: (date.fromisoformat(text) - date(1970, 1, 1)).days,
    }
    return [None if row[key] is None else read(row[key]) for key, read in readers.items()]


def test_every_printable_name_is_one_segment():
    for char in string.printable:
        (name,) = partition_dirs(["k"], [parse_type_text("STRING")], [f"a{char}b"], LEGACY)
        assert "/" not in name
        assert "\\" not in name
