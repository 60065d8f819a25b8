"""Where another engine reads one of our tables otherwise, cannot read it, or cannot write it, and why.

Everything here was looked into; LakeStore is not at fault. ``docs/compatibility.md`` shows the reasons.
"""

FIRST_DELETE = "Paimon 0.9 fails on a -D row that is the first of its key"
FIRST_RETRACT = "Paimon 0.9 takes a first -U row from nothing; later releases from its values"
DESCENDING = "Paimon 0.9 does not know sequence.field.sort-order and sorts upwards"
MICROS = "pypaimon cuts TIMESTAMP(9) to microseconds"

CHAR_MERGE = "the MERGE of Paimon 0.9 for Spark knows no CHAR columns (MatchError: CharType)"
MIXED_UP = (
    "Paimon 1.3 keeps one generated comparator for both directions of the same columns: behind a table that sorts upwards,"
    " in one process, it reads this one upwards too; by itself it reads it well, and 1.4 does in any case"
)
SPARK_TIMES = (
    "Spark has no TIME type and no nanoseconds: Paimon gives it TIME as a number, TIMESTAMP(9) cut to microseconds"
)

PARTIAL = "pypaimon's partial-update knows no sequence groups, no functions of columns and no deletes, and says so"
RETRACTS = "pypaimon's aggregation takes no deletes back, and says so"

THEIRS = {
    ("java", "sequence_of_two_descending"): DESCENDING,
    ("java", "nested_deep"): "Paimon 0.9 reads a ROW of nulls as null, and fails on ROWs in ROWs: in its own files too",
    ("java", "multisets"): "Paimon 0.9 shifts the counts of multisets after a null one: in its own files too",
    **{("spark", name): SPARK_TIMES for name in ("nested_nanos", "time_and_nanos", "orc_nanos", "partition_time")},
    ("pypaimon", "multisets"): "pypaimon does not know MULTISET",
    **{
        ("pypaimon", name): PARTIAL
        for name in (
            "partial_ignores_deletes",
            "partial_removes",
            "sequence_groups",
            "sequence_groups_retracted",
            "sequence_groups_ignore_deletes",
            "sequence_group_of_two",
            "sequence_groups_aggregate",
            "sequence_groups_remove",
        )
    },
    **{
        ("pypaimon", name): RETRACTS
        for name in (
            "aggregation",
            "aggregation_retracted",
            "aggregation_by_sequence",
            "aggregation_removes",
            "input_changelog",
        )
    },
    ("pypaimon", "nested_nanos"): MICROS,
    ("pypaimon", "time_and_nanos"): MICROS,
    ("pypaimon", "orc_nanos"): MICROS,
    ("rust", "avro_nested"): "pypaimon-rust reads members of ROWs in arrays and maps of Avro files as null",
    ("rust", "partition_float"): "pypaimon-rust refuses FLOAT partitions",
    ("rust", "partition_double"): "pypaimon-rust refuses DOUBLE partitions",
    ("java", "partial_removes"): FIRST_DELETE,
    ("java", "sequence_groups_retracted"): FIRST_DELETE,
    ("java", "sequence_group_of_two"): FIRST_RETRACT,
    ("java", "sequence_groups_aggregate"): FIRST_RETRACT,
    ("java", "sequence_groups_remove"): "Paimon 0.9 does not know partial-update.remove-record-on-sequence-group",
    ("java", "aggregation_removes"): "Paimon 0.9 does not know aggregation.remove-record-on-delete",
    ("java", "deduplicate_descending"): DESCENDING,
    ("flink", "deduplicate_descending"): MIXED_UP,
}
"""(engine, shape) that the engine cannot read or reads otherwise, with the reason."""

WRITES = {
    **{("spark", name): CHAR_MERGE for name in ("types_keyed", "orc_keyed", "avro_keyed", "every_key")},
    **{
        ("rust", name): "pypaimon-rust does not write ORC files of the codec zstd, Paimon's own default"
        for name in ("orc_keyed", "orc_append", "orc_updates", "orc_nested", "orc_nanos", "orc_char")
    },
    ("rust", "multisets"): "pypaimon-rust does not write MULTISET",
    ("pypaimon", "uncompressed"): "pypaimon does not know the codec named uncompressed when it writes",
    ("pypaimon", "avro_nested"): "pypaimon does not write maps to Avro files",
}
"""(engine, shape) that the engine reads but cannot write to, with the reason."""

NO_TURNS = {"lz4": "the Java bundles read LZ4 files but lack the library that writes them"}
"""Shapes that Java reads but cannot write on."""

AFTER_OLD_JAVA = {"pypaimon": "pypaimon-lenient"}
"""pypaimon 2.1 cannot read manifests written before Paimon 1.0, which lack ``_VALUE_STATS_COLS``."""

LOST_AFTER_JAVA = {
    ("rust", "java"): ("avro_", "formats_", "orc_char"),
    ("rust", "java-1.4.2"): ("orc_char",),
    ("pypaimon", "java"): ("orc_char",),
    ("pypaimon", "java-1.4.2"): ("orc_char",),
}
"""Shapes, by how they begin, that a reader cannot read once a Java release has written to them: Paimon 0.9 lets whole
rows of Avro files be null, which pypaimon-rust does not take; both hand out the blanks that Java's ORC pads CHAR with.
"""
