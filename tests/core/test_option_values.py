"""Values and keys of options: how they are written, and how wrong ones are refused."""

import re

import pytest

from lakestore.core.options import check_values, unknown_keys
from lakestore.core.options_registry import REGISTRY, misspelled
from lakestore.core.options_values import parse_duration, parse_fraction, parse_pairs, parse_size, parse_value
from lakestore.errors import ErrorKind, InvalidInputError
from lakestore.model.options import MIB
from tests.core.option_examples import another_value, example_key, parse


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("bucket", "0", "expected a number of buckets > 0, or -1 or -2"),
        ("bucket", "-3", "expected a number of buckets > 0"),
        ("bucket", "four", "expected a whole number"),
        ("bucket", "4.0", "expected a whole number"),
        ("bucket", "99999999999", "expected a whole number"),
        ("merge-engine", "nonsense", "expected 'deduplicate', 'partial-update', 'aggregation' or 'first-row'"),
        ("changelog-producer", "kafka", "expected 'none', 'input', 'lookup' or 'full-compaction'"),
        ("bucket-function.type", "md5", "expected 'default', 'mod' or 'hive'"),
        ("target-file-size", "big", "expected a size such as 128 mb"),
        ("target-file-size", "0", "expected greater than 0"),
        ("target-file-size", "-1 mb", "expected a size"),
        ("target-file-size", "1.5 gb", "expected a size"),
        ("write-buffer-size", "10 pb", "expected a size"),
        ("write-buffer-size", "99999999 tb", "expected a size"),
        ("commit.timeout", "soon", "expected a duration such as 10 min"),
        ("commit.timeout", "5 fortnights", "expected a duration"),
        ("commit.max-retries", "-1", "expected greater than or equal to 0"),
        ("file.compression.zstd-level", "23", "expected less than or equal to 22"),
        ("data-file.thin-mode", "yes", "expected true or false"),
        ("metadata.stats-mode", "truncate(0)", "expected none, counts, truncate(n)"),
        ("fields.v.stats-mode", "some", "expected none, counts, truncate(n)"),
        ("sequence.field.sort-order", "up", "expected one of ascending, descending"),
        ("data-file.prefix", "a/b", "expected the beginning of a file name"),
        ("data-file.prefix", "", "expected the beginning of a file name"),
        ("data-file.path-directory", "../elsewhere", "expected a folder inside the table"),
        ("data-file.path-directory", "/tmp", "expected a folder inside the table"),
        ("partition.default-name", "a/b", "expected"),
        ("metadata.stats-keep-first-n-columns", "-2", "expected greater than or equal to -1"),
        ("lakestore.row-group-rows", "0", "expected greater than 0"),
    ],
)
def test_wrong_values_are_named(key, value, expected):
    with pytest.raises(InvalidInputError) as caught:
        parse({key: value})
    assert caught.value.kind is ErrorKind.INVALID_OPTION
    assert caught.value.message.startswith(f"option {key!r} = {value!r}: ")
    assert expected in caught.value.message


def test_values_of_inert_keys_are_checked_when_a_table_is_made_but_not_when_it_is_opened():
    options = {"manifest-sort.max-rewrite-size": "many"}
    assert parse(options) == parse({})
    with pytest.raises(InvalidInputError, match=r"option 'manifest-sort.max-rewrite-size' = 'many': expected "):
        check_values(options)


@pytest.mark.parametrize("option", [pytest.param(o, id=o.key) for o in REGISTRY.values() if o.kind != "text"])
def test_every_kind_of_value_is_checked(option):
    key = example_key(option)
    check_values({key: another_value(option)})
    with pytest.raises(InvalidInputError, match=re.escape(f"option {key!r} = 'no such value'")):
        check_values({key: "no such value"})


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("merge_engine", "merge-engine"),
        ("merge-engin", "merge-engine"),
        ("buckets", "bucket"),
        ("Bucket", "bucket"),
        ("sequence-field", "sequence.field"),
        ("sequence.fields", "sequence.field"),
        ("snapshot.time-retain", "snapshot.time-retained"),
        ("fields.v.agregate-function", "fields.v.aggregate-function"),
        ("fields.v.statsmode", "fields.v.stats-mode"),
        ("lakestore.row-group-size", None),
    ],
)
def test_misspelled_keys_are_refused(key, near):
    with pytest.raises(InvalidInputError) as caught:
        check_values({key: "1"})
    assert caught.value.kind is ErrorKind.INVALID_OPTION
    assert repr(key) in caught.value.message
    assert near is None or f"did you mean {near!r}?" in caught.value.message


@pytest.mark.parametrize(
    "key", ["owner", "spark.sql.sources.schema", "comment", "delta.minReaderVersion", "my.own.key", "x"]
)
def test_keys_of_others_are_kept(key):
    check_values({key: "anything"})
    assert misspelled(key) is None
    assert parse({key: "anything"}) == parse({})
    assert unknown_keys({key: "1", "bucket": "1"}) == (key,)


# How values are written.


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("12", 12),
        ("1b", 1),
        ("1 bytes", 1),
        ("1k", 1024),
        ("1 KB", 1024),
        (" 2 mb ", 2 * MIB),
        ("1g", 1024 * MIB),
        ("1 tebibytes", 1024**4),
        ("1 kibibytes", 1024),
        ("1 mebibytes", MIB),
        ("1 gibibytes", 1024 * MIB),
    ],
)
def test_sizes(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize(
    ("text", "millis"),
    [
        ("0", 0),
        ("15", 15),
        ("15 ms", 15),
        ("2s", 2000),
        ("2 SEC", 2000),
        ("3 min", 180_000),
        ("3m", 180_000),
        ("1 h", 3_600_000),
        ("1 d", 86_400_000),
        ("2 days", 172_800_000),
        ("1500 micros", 1),
        ("999 ns", 0),
        ("1 µs", 0),
        ("7 seconds", 7000),
    ],
)
def test_durations(text, millis):
    assert parse_duration(text) == millis


def test_other_values():
    assert parse_fraction(" .5 ") == 0.5
    assert parse_pairs("0:lz4, 1 : zstd") == {"0": "lz4", "1": "zstd"}
    assert parse_pairs("") == {}
    assert parse_value("a|b", " B ") == "b"
    for kind, text in (
        ("double", "nan"),
        ("map", "0=lz4"),
        ("a|b", "c"),
        ("long", "9223372036854775808"),
        ("int", " 1"),
    ):
        with pytest.raises(ValueError, match="expected"):
            parse_value(kind, text)
