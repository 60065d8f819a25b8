"""Option keys and values for tests: examples of every entry of the registry, and a small table."""

import re

from lakestore.core.options import parse_options
from lakestore.model.arrow import assign_ids
from lakestore.model.schema import TableSchema
from lakestore.model.types import parse_type_text

EXAMPLE = {"<column>": "v", "<columns>": "v,ts", "<type>": "bloom-filter", "<setting>": "x", "<class>": "com.acme.A"}
"""What the placeholders of patterns stand for here."""


def table(options=None, *, keyed=True):
    fields = assign_ids(
        [
            (name, parse_type_text(text), None)
            for name, text in {"id": "BIGINT NOT NULL", "v": "STRING", "ts": "INT"}.items()
        ]
    )
    defaults = {"bucket": "1"} if keyed else {}
    return TableSchema(id=0, fields=fields, primary_keys=("id",) if keyed else (), options=defaults | (options or {}))


def parse(options, *, keyed=True):
    schema = table(options, keyed=keyed)
    return parse_options(schema.options, schema=schema)


def example_key(option):
    return re.sub(r"<[^>]*>", lambda match: EXAMPLE[match[0]], option.key)


def another_value(option):
    """A value of the option's kind that is not its default."""
    samples = {
        "bool": ["true", "false"],
        "int": ["7", "8"],
        "long": ["7", "8"],
        "double": ["0.3", "0.4"],
        "size": ["3 mb", "4 mb"],
        "duration": ["7 s", "8 s"],
        "map": ["0:avro", "1:avro"],
        "text": ["something", "else"],
    }.get(option.kind) or option.kind.split("|")
    return next(value for value in samples if value.lower() != (option.default or "").lower())
