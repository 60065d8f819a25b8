"""Schema files against those of Java, pypaimon and paimon-rust, and against damage."""

import json
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakestore.errors import CorruptTableError, ErrorKind, InvalidInputError, UnsupportedFormatError
from lakestore.format.schema_file import schema_from_json, schema_to_json
from lakestore.model.schema import TableSchema
from lakestore.model.types import Field, parse_type
from tests.entries import TABLES, golden_files

GOLDEN = golden_files("schema", "schema-")


def ident(path):
    return str(path.relative_to(TABLES))


@pytest.mark.parametrize("path", GOLDEN, ids=ident)
def test_golden_schemas_survive_and_javas_come_out_byte_for_byte(path):
    data = path.read_bytes()
    schema = schema_from_json(data, str(path))
    written = schema_to_json(schema)
    assert schema_from_json(written, "again") == schema
    assert schema.id == int(path.name.removeprefix("schema-"))
    assert json.loads(written) == without_extras(json.loads(data))
    if b'"version" : ' in data:
        assert written == data


def without_extras(node):
    """Without null comments, and without the ``nullable`` of pypaimon's nested types, which repeats their keyword."""
    if isinstance(node, dict):
        assert "nullable" not in node or node["nullable"] == ("NOT NULL" not in node["type"])
        extras = {"nullable"} | ({"comment"} if node.get("comment", "") is None else set())
        return {key: without_extras(value) for key, value in node.items() if key not in extras}
    return [without_extras(item) for item in node] if isinstance(node, list) else node


def plain(**overrides):
    node = {
        "version": 3,
        "id": 0,
        "fields": [{"id": 0, "name": "id", "type": "INT NOT NULL"}],
        "highestFieldId": 0,
        "partitionKeys": [],
        "primaryKeys": ["id"],
        "options": {"bucket": "2"},
        "timeMillis": 5,
    }
    node.update(overrides)
    return {key: value for key, value in node.items() if value is not ...}


def read(**overrides):
    return schema_from_json(json.dumps(plain(**overrides)).encode(), "/t/schema/schema-0")


@pytest.mark.parametrize(
    ("version", "options", "expected"),
    [
        (..., {}, {"bucket": "1", "file.format": "orc"}),
        (None, {}, {"bucket": "1", "file.format": "orc"}),
        (1, {}, {"bucket": "1", "file.format": "orc"}),
        (1, {"bucket": "7", "file.format": "avro"}, {"bucket": "7", "file.format": "avro"}),
        (2, {}, {"file.format": "orc"}),
        (2, {"file.format": "parquet"}, {"file.format": "parquet"}),
        (3, {}, {}),
    ],
)
def test_options_that_old_writers_left_out(version, options, expected):
    assert read(version=version, options=options).options == expected


def test_a_newer_version_is_refused_with_both_versions():
    with pytest.raises(UnsupportedFormatError, match=r"schema-0: schema version 4 .* up to version 3") as caught:
        read(version=4, fields="of another shape")
    assert caught.value.kind is ErrorKind.UNSUPPORTED_VERSION


@pytest.mark.parametrize(("comment", "expected"), [(None, None), (..., None), ("", ""), ("null", "null"), ("x", "x")])
def test_a_comment_is_written_only_when_there_is_one(comment, expected):
    schema = read(comment=comment)
    assert schema.comment == expected
    written = json.loads(schema_to_json(schema))
    assert ("comment" in written) == (expected is not None)
    assert None not in written.values()


def test_unknown_keys_are_passed_over_and_missing_time_is_zero():
    schema = read(timeMillis=..., fromTheFuture={"a": [1]})
    assert schema.time_millis == 0


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        ({"id": ...}, "'id'"),
        ({"id": "0"}, "'id'"),
        ({"id": True}, "'id'"),
        ({"id": -1}, "'id'"),
        ({"fields": ...}, "'fields'"),
        ({"fields": [{"id": 0, "name": "id"}]}, "'fields.0.type'"),
        ({"fields": [{"id": 0.5, "name": "id", "type": "INT"}]}, "'fields.0.id'"),
        ({"fields": [{"id": 0, "name": "id", "type": "INTT"}]}, "INTT"),
        ({"fields": [{"id": 0, "name": "id", "type": {"type": "ARRAY"}}]}, "element"),
        ({"fields": [{"id": 0, "name": "id", "type": {"type": "ROW", "fields": [7]}}]}, "fields"),
        ({"partitionKeys": ["gone"]}, "gone"),
        ({"primaryKeys": None}, "'primaryKeys'"),
        ({"options": {"bucket": 2}}, "'options.bucket'"),
        ({"timeMillis": 1 << 63}, "'timeMillis'"),
        ({"version": "3"}, "'version'"),
        ({"version": 0}, "'version'"),
    ],
)
def test_a_wrong_field_is_named_with_the_file(overrides, named):
    with pytest.raises(CorruptTableError) as caught:
        read(**overrides)
    assert named in str(caught.value)
    assert str(caught.value).startswith("/t/schema/schema-0: ")


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"7", b"\xff\xfe", b"[" * 5000, b"null", b'{"id" : 0'])
def test_what_is_no_object_is_damage(data):
    with pytest.raises(CorruptTableError, match=r"^p: "):
        schema_from_json(data, "p")


def test_every_flip_of_a_byte_gives_a_schema_or_damage():
    data = GOLDEN[0].read_bytes()
    for at in range(len(data)):
        for mask in (1, 0x20, 0x80):
            broken = data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :]
            with suppress(CorruptTableError, UnsupportedFormatError):
                schema_from_json(broken, "p")


words = st.text(max_size=6)
types = st.sampled_from(
    ["INT", "STRING NOT NULL", "DECIMAL(10, 2)", "TIMESTAMP(3) WITH LOCAL TIME ZONE"],
).map(parse_type)


@given(
    columns=st.lists(
        st.tuples(words, types, st.none() | words, st.none() | words), max_size=4, unique_by=lambda c: c[0]
    ),
    options=st.dictionaries(words, words, max_size=3),
    comment=st.none() | words,
    time=st.integers(0, 1 << 40),
)
def test_json_and_record_are_one(columns, options, comment, time):
    fields = tuple(
        Field(id=i, name=name, type=kind, description=text, default_value=default)
        for i, (name, kind, text, default) in enumerate(columns)
    )
    schema = TableSchema(id=3, fields=fields, options=options, comment=comment, time_millis=time)
    assert schema_from_json(schema_to_json(schema), "p") == schema


def test_what_nobody_could_read_is_not_written():
    schema = replace(schema_from_json(GOLDEN[0].read_bytes(), "schema-0"), comment=5)
    with pytest.raises(InvalidInputError, match="comment"):
        schema_to_json(schema)
