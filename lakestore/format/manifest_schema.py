"""Avro schemas of manifests, manifest lists and index manifests, as Paimon 2.0 writes them.

Other engines depend on them to the letter: the top level of a manifest has exactly six plain fields, a nullable type
is a union with null first, and all fields that ever were are present. Record names follow Paimon
``AvroSchemaConverter``: the parent's name, an underscore, the field's name.
"""

import json
from typing import Any

from lakestore.format.avro_file import FileKind

_NAMESPACE = "org.apache.paimon.avro.generated"

MANIFEST_VERSION = 2
MANIFEST_LIST_VERSION = 2
INDEX_MANIFEST_VERSION = 1


def _field(name: str, kind: Any) -> dict[str, Any]:  # noqa: ANN401 - an Avro type is any JSON
    return {"name": name, "type": kind}


def _nullable(name: str, kind: Any) -> dict[str, Any]:  # noqa: ANN401 - an Avro type is any JSON
    return {"name": name, "type": ["null", kind], "default": None}


def _array(items: Any) -> dict[str, Any]:  # noqa: ANN401 - an Avro type is any JSON
    return {"type": "array", "items": items}


def _record(name: str, *fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": list(fields)}


def _stats(name: str) -> dict[str, Any]:
    """Paimon ``SimpleStats``."""
    return _record(
        name,
        _field("_MIN_VALUES", "bytes"),
        _field("_MAX_VALUES", "bytes"),
        _nullable("_NULL_COUNTS", _array(["null", "long"])),
    )


def _text(*fields: dict[str, Any]) -> str:
    node = {"type": "record", "name": "record", "namespace": _NAMESPACE, "fields": list(fields)}
    return json.dumps(node, separators=(",", ":"))


_FILE_FIELDS = (
    _field("_FILE_NAME", "string"),
    _field("_FILE_SIZE", "long"),
    _field("_ROW_COUNT", "long"),
    _field("_MIN_KEY", "bytes"),
    _field("_MAX_KEY", "bytes"),
    _field("_KEY_STATS", _stats("record__FILE__KEY_STATS")),
    _field("_VALUE_STATS", _stats("record__FILE__VALUE_STATS")),
    _field("_MIN_SEQUENCE_NUMBER", "long"),
    _field("_MAX_SEQUENCE_NUMBER", "long"),
    _field("_SCHEMA_ID", "long"),
    _field("_LEVEL", "int"),
    _field("_EXTRA_FILES", _array("string")),
    _nullable("_CREATION_TIME", {"type": "long", "logicalType": "timestamp-millis"}),
    _nullable("_DELETE_ROW_COUNT", "long"),
    _nullable("_EMBEDDED_FILE_INDEX", "bytes"),
    _nullable("_FILE_SOURCE", "int"),
    _nullable("_VALUE_STATS_COLS", _array("string")),
    _nullable("_EXTERNAL_PATH", "string"),
    _nullable("_FIRST_ROW_ID", "long"),
    _nullable("_WRITE_COLS", _array("string")),
)


def _manifest(*file_fields: dict[str, Any]) -> FileKind:
    return FileKind(
        what="manifest entry",
        version=MANIFEST_VERSION,
        schema=_text(
            _field("_VERSION", "int"),
            _field("_KIND", "int"),
            _field("_PARTITION", "bytes"),
            _field("_BUCKET", "int"),
            _field("_TOTAL_BUCKETS", "int"),
            _field("_FILE", _record("record__FILE", *file_fields)),
        ),
    )


MANIFEST = _manifest(*_FILE_FIELDS)
"""What we write (Paimon 1.3 to 2.0)."""

MANIFEST_NEWEST = _manifest(*_FILE_FIELDS, _nullable("_WRITE_COLS_SEQUENCES", _array("long")))
"""With the field that came after 2.0: what we read, and write only when an entry carries it."""

MANIFEST_LIST = FileKind(
    what="manifest list entry",
    version=MANIFEST_LIST_VERSION,
    schema=_text(
        _field("_VERSION", "int"),
        _field("_FILE_NAME", "string"),
        _field("_FILE_SIZE", "long"),
        _field("_NUM_ADDED_FILES", "long"),
        _field("_NUM_DELETED_FILES", "long"),
        _field("_PARTITION_STATS", _stats("record__PARTITION_STATS")),
        _field("_SCHEMA_ID", "long"),
        _nullable("_MIN_BUCKET", "int"),
        _nullable("_MAX_BUCKET", "int"),
        _nullable("_MIN_LEVEL", "int"),
        _nullable("_MAX_LEVEL", "int"),
        _nullable("_MIN_ROW_ID", "long"),
        _nullable("_MAX_ROW_ID", "long"),
    ),
)

INDEX_MANIFEST = FileKind(
    what="index manifest entry",
    version=INDEX_MANIFEST_VERSION,
    schema=_text(
        _field("_VERSION", "int"),
        _field("_KIND", "int"),
        _field("_PARTITION", "bytes"),
        _field("_BUCKET", "int"),
        _field("_INDEX_TYPE", "string"),
        _field("_FILE_NAME", "string"),
        _field("_FILE_SIZE", "long"),
        _field("_ROW_COUNT", "long"),
        # Paimon spells it so; the correct spelling makes a file that nobody else reads.
        _nullable(
            "_DELETIONS_VECTORS_RANGES",
            _array(
                [
                    "null",
                    _record(
                        "record__DELETIONS_VECTORS_RANGES",
                        _field("f0", "string"),
                        _field("f1", "int"),
                        _field("f2", "int"),
                        _nullable("_CARDINALITY", "long"),
                    ),
                ]
            ),
        ),
        _nullable("_EXTERNAL_PATH", "string"),
        _nullable(
            "_GLOBAL_INDEX",
            _record(
                "record__GLOBAL_INDEX",
                _field("_ROW_RANGE_START", "long"),
                _field("_ROW_RANGE_END", "long"),
                _field("_INDEX_FIELD_ID", "int"),
                _nullable("_EXTRA_FIELD_IDS", _array("int")),
                _nullable("_INDEX_META", "bytes"),
                _nullable("_SOURCE_META", "bytes"),
            ),
        ),
    ),
)
